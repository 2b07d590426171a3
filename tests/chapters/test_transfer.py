# Generated from chapters/zh/15-transfer.qmd: edit there.
# Checksum ac219ee005c5: a change made here is refused, not lost.
# %% exr-transfer-count
def test_transfer_count(exercise):
    sizes = exercise.sizes

    import torch
    from torch import nn

    d, one = 4096, 4096 * 4096
    with torch.device("meta"):
        pair = [nn.Linear(d, 8, bias=False), nn.Linear(8, d, bias=False)]
    each = sum(p.numel() for part in pair for p in part.parameters())
    wanted = sum(each for block in range(32) for name in "qv")
    memory = 3 * wanted * torch.empty(0).element_size()
    found = sizes()
    assert isinstance(found, dict), "type"
    assert set(found) == {"trained", "state"}, "keys"
    for name in found:
        assert hasattr(found[name], "__int__"), f"type: {name}"
        assert float(found[name]).is_integer(), name
    trained, state = int(found["trained"]), int(found["state"])
    assert trained != wanted // 2, "sides"
    assert trained != wanted // 32, "blocks"
    assert trained != 2 * wanted, "matrices"
    assert trained not in (64 * one, 128 * one), "full"
    assert trained == wanted, "trained"
    assert state != memory // 3 * 2, "averages"
    assert state != memory // 4, "bytes"
    assert state == memory, "state"


# %% exr-transfer-first-step
def test_transfer_first_step(exercise):
    step = exercise.step

    import math

    import torch

    a = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    rate, w, x, gap = 0.001, 2.0, 5.0, 2.0 * 5 - 4
    (0.5 * ((w + b * a) * x - 4).square()).backward()
    torch.optim.SGD([a, b], lr=rate).step()
    found = step()
    assert isinstance(found, dict), "type"
    assert set(found) == {"a", "b", "merged"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"


    def near(value, wanted):
        return math.isclose(value, wanted, rel_tol=0, abs_tol=0.002)


    new_a, new_b = a.item(), b.item()
    assert near(found["a"], new_a), "a"
    assert not near(found["b"], -new_b), "sign"
    assert not near(found["b"], new_b / new_a), "factor"
    assert near(found["b"], new_b), "b"
    assert not near(found["merged"], w + new_b), "sum"
    moved = w - rate * gap * x
    assert not near(found["merged"], moved + new_b * new_a), "frozen"
    assert near(found["merged"], w + new_b * new_a), "merged"


# %% exr-transfer-still
def test_transfer_still(exercise):
    still = exercise.still

    import copy

    import torch
    from torch import nn

    for training in (True, False):
        torch.manual_seed(1)
        part = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4),
                             nn.Sequential(nn.Dropout(0.5)), nn.ReLU())
        part.train(training)
        part[1].train(not training)
        part[0].bias.requires_grad_(False)
        asked = [p.requires_grad for p in part.parameters()]
        modes = [module.training for module in part.modules()]
        before = copy.deepcopy(part.state_dict())
        twin = copy.deepcopy(part).eval()
        for error in (None, KeyError("inside"), KeyboardInterrupt()):
            x = torch.randn(5, 3, requires_grad=True)
            raised, held = None, still(part)
            assert held is not None, "returns"
            assert hasattr(held, "__exit__"), "type"
            now = [p.requires_grad for p in part.parameters()]
            assert now == asked, "flags"
            kept = [module.training for module in part.modules()]
            assert kept == modes, "modes"
            try:
                with held as same:
                    assert same is part, "returns"
                    flags = [p.requires_grad for p in part.parameters()]
                    assert not any(flags), "weights"
                    quiet = not any(m.training for m in part.modules())
                    assert quiet, "averages"
                    out = part(x)
                    assert out.requires_grad, "through"
                    (grad,) = torch.autograd.grad(out.sum(), x)
                    (wanted,) = torch.autograd.grad(twin(x).sum(), x)
                    assert torch.allclose(grad, wanted), "through"
                    if error is not None:
                        raise error
            except (KeyError, KeyboardInterrupt) as found:
                raised = found
            assert raised is error, "error"
            now = [p.requires_grad for p in part.parameters()]
            kept = [module.training for module in part.modules()]
            slip = "error" if error is not None else ""
            assert now == asked, slip or "flags"
            assert kept == modes, slip or "modes"
            state = part.state_dict()
            fine = all(torch.equal(state[k], before[k]) for k in before)
            assert fine, "input"
            free = all(p.grad is None for p in part.parameters())
            assert free, "input"
            assert torch.is_grad_enabled(), "flags"


# %% exr-transfer-layered
def test_transfer_layered(exercise):
    layered = exercise.layered

    import math

    import torch
    from torch import nn


    def wanted_of(model, lr, factor, counted=False):
        """Return the rate of each parameter, by its identity."""
        parts = list(model)
        trains = [any(p.requires_grad for p in part.parameters())
                  for part in parts]
        rates = {}
        for i, part in enumerate(parts):
            later = len(parts) - 1 - i if counted else sum(trains[i + 1:])
            for p in part.parameters():
                if p.requires_grad:
                    rates[id(p)] = lr * factor**later
        return rates


    def same(found, wanted):
        return all(math.isclose(found[k], wanted[k]) for k in wanted)


    def state_of(model):
        """Return all that must stay: flags, modes, numbers."""
        flags = [p.requires_grad for p in model.parameters()]
        modes = [module.training for module in model.modules()]
        numbers = [p.tolist() for p in model.state_dict().values()]
        return flags, modes, numbers


    block = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU())
    held = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    held[0].bias.requires_grad_(False)
    cold = nn.Linear(3, 3).requires_grad_(False)
    models = [
        nn.Sequential(nn.Linear(2, 3), nn.ReLU(), block, nn.Linear(3, 1)),
        nn.Sequential(nn.Linear(2, 3), cold, nn.Linear(3, 3), held,
                      nn.ReLU(), nn.Linear(3, 1), nn.Sigmoid()),
        nn.Sequential(nn.ReLU(), nn.Linear(2, 2)),
        nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3, bias=False),
                      nn.Linear(3, 1)),
    ]
    for model in models:
        for lr, factor in ((0.01, 0.5), (1.0, 0.1), (0.3, 1.0)):
            before = state_of(model)
            try:
                groups = layered(model, lr, factor)
            except ValueError:
                text = f"raises: factor = {factor}"
                raise AssertionError(text) from None
            assert state_of(model) == before, "input"
            assert groups is not None, "returns"
            assert isinstance(groups, list | tuple), "type"
            found, wanted = {}, wanted_of(model, lr, factor)
            for group in groups:
                fine = isinstance(group, dict) and set(group) == {
                    "params", "lr"}
                assert fine, "groups"
                ordered = not isinstance(group["params"], set)
                assert ordered, "groups: params as a set"
                for p in group["params"]:
                    assert isinstance(p, nn.Parameter), "groups"
                    found[id(p)] = group["lr"]
                    assert p.requires_grad, "frozen"
            assert set(found) == set(wanted), "missing"
            if not same(found, wanted):
                low = min(found.values()) * (1 + 1e-9)
                last = [p for p in model.parameters() if p.requires_grad]
                if len(wanted) > 2:
                    assert found[id(last[-1])] > low, "reversed"
                other = wanted_of(model, lr * factor, factor)
                assert not same(found, other), "first"
                other = wanted_of(model, lr, factor, counted=True)
                assert not same(found, other), "counted"
            assert same(found, wanted), "value"
            trained = [sum(p.requires_grad for p in part.parameters()) > 0
                       for part in model]
            assert len(groups) == sum(trained), "groups"
            torch.optim.SGD(groups)
    for factor in (0.0, -0.5, 1.5):
        try:
            layered(models[0], 0.1, factor)
        except ValueError:
            continue
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}") from None
        raise AssertionError(f"raises: factor = {factor}")


# %% exr-transfer-blend
def test_transfer_blend(exercise):
    blend = exercise.blend

    import copy

    import torch
    from torch import nn


    def states(seed, dtype=torch.float32):
        """Return the state dict of a net with an integer buffer."""
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).to(dtype)
        for _ in range(seed):
            net(torch.randn(5, 3, dtype=dtype))
        return net.state_dict()


    def close(came, wanted):
        return all(torch.allclose(came[k].double(), wanted[k].double())
                   for k in wanted)


    for dtype in (torch.float32, torch.float64):
        before, after = states(2, dtype), states(5, dtype)
        kept = copy.deepcopy((before, after))
        for share in (0.0, 0.25, 0.5, 0.9, 1.0):
            try:
                came = blend(before, after, share)
            except ValueError:
                assert 0 < share < 1, f"ends: share = {share}"
                raise
            for now, then in zip((before, after), kept):
                same = all(torch.equal(now[k], then[k]) for k in then)
                assert same, "input"
            assert came is not None, "returns"
            assert isinstance(came, dict), "type"
            assert set(came) == set(after), "keys"
            fine = all(isinstance(x, torch.Tensor) for x in came.values())
            assert fine, "type"
            wanted, turned = {}, {}
            for k, new in after.items():
                old, whole = before[k], not new.is_floating_point()
                wanted[k] = new if whole else old + share * (new - old)
                turned[k] = new if whole else new + share * (old - new)
            for k in wanted:
                assert came[k].shape == wanted[k].shape, f"shape: {k}"
                if not wanted[k].is_floating_point():
                    fine = torch.equal(came[k], wanted[k])
                    whole = came[k].dtype == wanted[k].dtype
                    assert fine and whole, f"integers: {k}"
                assert came[k].dtype == wanted[k].dtype, f"dtype: {k}"
            if not close(came, wanted):
                assert not close(came, turned), "turned"
            assert close(came, wanted), f"value: share = {share}"
            if share in (0.0, 1.0):
                end = after if share else before
                exact = [torch.equal(came[k], end[k]) for k in end
                         if end[k].is_floating_point()]
                assert all(exact), f"ends: share = {share}"
            given = {x.data_ptr() for x in (*before.values(),
                                            *after.values())}
            own = given.isdisjoint(x.data_ptr() for x in came.values())
            assert own, f"alias: share = {share}"
    before, after = states(2), states(5)
    fewer = dict(after)
    del fewer["0.bias"]
    longer = dict(after) | {"1.bias": torch.zeros(1)}
    other = fewer | {"0.shift": after["0.bias"]}
    lying = dict(after) | {"0.weight": after["0.weight"].mT.contiguous()}
    bad = [(before, after, -0.1), (before, after, 1.1),
           (before, fewer, 0.5), (fewer, after, 0.5),
           (before, longer, 0.5), (longer, after, 0.5),
           (before, other, 0.5), (other, after, 0.5),
           (before, lying, 0.5)]
    for one, two, share in bad:
        try:
            blend(one, two, share)
        except ValueError:
            continue
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}") from None
        raise AssertionError("raises: nothing")


# %% exr-transfer-fisher
def test_transfer_fisher(exercise):
    fisher = exercise.fisher

    import copy

    import torch
    from torch import nn
    from torch.func import functional_call, grad, vmap
    from torch.nn import functional as F


    def per_example(model, x, y):
        """Return gradients of each example: name -> (n, ...)."""
        twin = copy.deepcopy(model).eval()
        held = {n: p.detach() for n, p in twin.named_parameters()
                if p.requires_grad}

        def loss(held, x, y):
            scores = functional_call(twin, held, (x[None],))
            return F.cross_entropy(scores, y[None])

        return vmap(grad(loss), in_dims=(None, 0, 0))(held, x, y)


    def close(came, wanted):
        return all(torch.allclose(came[k], wanted[k], atol=1e-6)
                   for k in wanted)


    generator = torch.Generator().manual_seed(2)
    for dtype in (torch.float32, torch.float64):
        for n in (1, 6, 9):
            torch.manual_seed(n)
            model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5),
                                  nn.ReLU(), nn.Dropout(0.5),
                                  nn.Linear(5, 3)).to(dtype)
            x = torch.randn(n, 4, generator=generator).to(dtype)
            y = torch.randint(3, (n,), generator=generator)
            model(torch.randn(7, 4, generator=generator).to(dtype))
            model[1].eval()
            model[0].bias.requires_grad_(False)
            for p in model.parameters():
                p.grad = torch.ones_like(p)
            given = x.clone(), y.clone()
            before = copy.deepcopy(model)
            try:
                came = fisher(model, x, y)
            except ValueError as error:
                text = str(error)
                slip = "mode" if "more than 1 value" in text else "shape"
                raise AssertionError(f"{slip}: {text}") from None
            assert torch.equal(x, given[0]), "input"
            assert not x.requires_grad, "input"
            assert torch.equal(y, given[1]), "input"
            assert came is not None, "returns"
            assert isinstance(came, dict), "type"
            modes = [m.training for m in model.modules()]
            assert modes == [m.training for m in before.modules()], "mode"
            state, then = model.state_dict(), before.state_dict()
            kept = all(torch.equal(state[k], then[k]) for k in then)
            assert kept, "moved"
            for p, q in zip(model.parameters(), before.parameters()):
                assert p.requires_grad == q.requires_grad, "moved"
                assert p.grad is not None, "moved"
                assert torch.equal(p.grad, torch.ones_like(p)), "moved"
            asked = {k for k, p in model.named_parameters()
                     if p.requires_grad}
            assert set(came) == asked, "frozen"
            fine = all(isinstance(x, torch.Tensor) for x in came.values())
            assert fine, "type"
            each = per_example(model, x, y)
            wanted = {k: g.square().mean(0) for k, g in each.items()}
            for k in wanted:
                assert came[k].shape == wanted[k].shape, f"shape: {k}"
                assert came[k].dtype == dtype, f"dtype: {k}"
                assert not came[k].requires_grad, "moved"
            if not close(came, wanted):
                quiet = fisher(copy.deepcopy(model).eval(), x, y)
                assert not close(quiet, wanted), "mode"
                first = {k: g.mean(0).square() for k, g in each.items()}
                assert not close(came, first), "mean-first"
                total = {k: n * g for k, g in wanted.items()}
                assert not close(came, total), "sum"
                for plain in (
                    {k: g.mean(0) for k, g in each.items()},
                    {k: g.abs().mean(0) for k, g in each.items()},
                ):
                    assert not close(came, plain), "square"
            assert close(came, wanted), f"value: {n} examples"
