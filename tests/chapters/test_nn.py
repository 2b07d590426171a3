# Generated from chapters/zh/06-nn.qmd: edit there.
# Checksum 24f7b6616491: a change made here is refused, not lost.
# %% exr-nn-one-step
def test_nn_one_step(exercise):
    one_step_by_hand = exercise.one_step_by_hand

    import torch

    found = one_step_by_hand()
    assert isinstance(found, dict), "type"
    w = torch.tensor([0.5, -1.0], requires_grad=True)
    v = torch.tensor([2.0, 3.0], requires_grad=True)
    hidden = torch.relu(2 * w)
    before = (hidden @ v - 1) ** 2
    before.backward()
    with torch.no_grad():
        new_w, new_v = w - 0.1 * w.grad, v - 0.1 * v.grad
        after = (torch.relu(2 * new_w) @ new_v - 1) ** 2
    names = {"hidden", "w2_grad", "w1_grad", "w1_new", "losses"}
    assert set(found) == names, "keys"
    came = {}
    for name in names:
        assert hasattr(found[name], "__len__"), f"type: {name}"
        assert len(found[name]) == 2, f"shape: {name}"
        for number in found[name]:
            assert hasattr(number, "__float__"), f"type: {name}"
        came[name] = torch.tensor([*map(float, found[name])])


    def near(came, wanted):
        return torch.allclose(came, wanted, atol=1e-3)


    losses = torch.stack([before, after]).detach()
    assert near(came["hidden"], hidden), "relu: hidden"
    assert near(came["w2_grad"], v.grad), "error: w2_grad"
    if came["w1_grad"][1] != 0:
        assert near(came["w1_grad"], w.grad), "closed: w1_grad"
    assert near(came["w1_grad"], w.grad), "factors: w1_grad"
    assert near(came["w1_new"], new_w), "step: w1_new"
    assert near(came["losses"], losses), "losses"


# %% exr-nn-gradients
def test_nn_gradients(exercise):
    gradients_by_hand = exercise.gradients_by_hand

    import torch
    from torch import nn

    from torchbook.two_layer_net import two_layer_net


    def near(came, wanted):
        return torch.allclose(came, wanted, atol=1e-12)


    def kept(tensor):
        saved.append(tensor)
        return tensor


    torch.manual_seed(3)
    for n, d, h, o in [(5, 4, 7, 3), (1, 2, 2, 1), (8, 3, 4, 6)]:
        net = two_layer_net(d, h, o).double()
        x = torch.randn(n, d, dtype=torch.float64)
        y = torch.randn(n, o, dtype=torch.float64)
        if d == 2:  # a z of 0 passes no gradient
            nn.init.zeros_(net[0].weight[0].data)
            nn.init.zeros_(net[0].bias.data)
        nn.functional.mse_loss(net(x), y).backward()
        with torch.no_grad():  # ways to go back that miss the ReLU
            z, through = net[0](x), 2 * (net(x) - y) / y.numel()
            through = through @ net[2].weight
            masks = [torch.ones_like(z), z, z.relu(), (z >= 0).double()]
        given = [x, y, *(p.detach() for p in net.parameters())]
        before, saved = [t.clone() for t in given], []
        with torch.no_grad():
            found = gradients_by_hand(x, y, *net.parameters())
        for t, old in zip(given, before):
            assert torch.equal(t, old), "input"
        assert found is not None, "returns"
        assert isinstance(found, list | tuple), "type"
        assert len(found) == 4, "shape: w1, b1, w2, b2"
        names = ["w1", "b1", "w2", "b2"]
        for name, p, came in zip(names, net.parameters(), found):
            assert torch.is_tensor(came), f"type: {name}"
            assert tuple(came.shape) == tuple(p.shape), f"shape: {name}"
            assert came.dtype == p.dtype, f"dtype: {name}"
            if near(2 * came, p.grad):
                assert near(came, p.grad), f"factor-two: {name}"
            if near(came / o, p.grad):
                assert near(came, p.grad), f"per-sample: {name}, o = {o}"
            if near(came / n, p.grad):
                assert near(came, p.grad), f"per-output: {name}, n = {n}"
            if near(came / (n * o), p.grad):
                assert near(came, p.grad), f"undivided: {name}"
            if near(came * n, p.grad):
                assert near(came, p.grad), f"rows: {name}"
            for mask in masks if name in ("w1", "b1") else ():
                dz = through * mask
                part = dz.mT @ x if name == "w1" else dz.sum(dim=0)
                if near(came, part):
                    assert near(came, p.grad), f"relu: {name}"
            assert near(came, p.grad), f"value: {name}"
        hooks = torch.autograd.graph.saved_tensors_hooks(kept, kept)
        try:
            with hooks, torch.no_grad():
                gradients_by_hand(x, y, *net.parameters())
        except RuntimeError as error:  # torch.func.grad and its kin
            assert "saved tensor hooks" not in str(error), "autograd"
            raise
        assert not saved, "autograd"
        with torch.no_grad():
            found = gradients_by_hand(*(t.float() for t in given))
        for name, came in zip(names, found):
            assert came.dtype == torch.float32, f"dtype: {name}"


# %% exr-nn-evaluate
def test_nn_evaluate(exercise):
    mean_loss = exercise.mean_loss

    import math

    import torch
    from torch import nn

    torch.manual_seed(7)
    x = torch.randn(10, 6, dtype=torch.float64)
    y = torch.randn(10, 3, dtype=torch.float64)
    middle = nn.Sequential(nn.BatchNorm1d(5), nn.Dropout(0.5))
    net = nn.Sequential(nn.Linear(6, 5), middle, nn.Linear(5, 3)).double()
    net(x)  # so that the running mean is not 0
    for p in net.parameters():
        p.grad = torch.full_like(p, 3.0)
    net[0].bias.requires_grad_(False)  # frozen
    asked = [p.requires_grad for p in net.parameters()]
    held = [*net.parameters(), *net.buffers(), x, y]
    before = [t.detach().clone() for t in held]
    net.eval()
    with torch.no_grad():
        errors = (net(x) - y).square()
    sizes, modes, recorded = [], [], []


    def watch(module, args, out):
        sizes.append(len(out))
        modes.append(any(part.training for part in module.modules()))
        recorded.append(out.requires_grad)


    net.register_forward_hook(watch)
    for mixed in (False, True):
        for start in (True, False):
            for size in (10, 5, 4, 3, 1, 64):
                for notes in (sizes, modes, recorded):
                    notes.clear()
                net.train(start)
                if mixed:
                    middle[0].train(not start)
                kept = [part.training for part in net.modules()]
                with torch.set_grad_enabled(size != 3):
                    came = mean_loss(net, x, y, size)
                    on = torch.is_grad_enabled()
                left = [part.training for part in net.modules()]
                assert on == (size != 3), f"grad-off: before {size != 3}"
                assert came is not None, "returns"
                assert hasattr(came, "__float__"), "type"
                assert max(sizes, default=0) <= size, f"too-many: {size}"
                assert sum(sizes) == 10, f"skipped: size = {size}"
                assert not any(modes), "dropped"
                assert not any(recorded), "recorded"
                for t, old in zip(held, before):
                    assert torch.equal(t, old), "moved"
                for p in net.parameters():
                    same = p.grad is not None and (p.grad == 3).all()
                    assert same, "moved"
                now = [p.requires_grad for p in net.parameters()]
                assert now == asked, "moved: requires_grad"
                slip = "mode-each" if mixed else "mode"
                assert left == kept, f"{slip}: before {kept}"
                batches = errors.split(size)
                means = [batch.mean().item() for batch in batches]
                mean, wrong = errors.mean().item(), sum(means) / len(means)
                if not math.isclose(mean, wrong):
                    close = math.isclose(came, wrong)
                    assert not close, f"mean-of-means: size = {size}"
                assert not math.isclose(came, 30 * mean), "undivided"
                assert not math.isclose(came, 3 * mean), "per-sample"
                near = math.isclose(came, mean, rel_tol=1e-9)
                assert near, f"value: size = {size}"
    for n, d, o in [(7, 4, 2), (7, 4, 2), (3, 2, 1)]:  # new data each time
        net, x, y = nn.Linear(d, o), torch.randn(n, d), torch.randn(n, o)
        mean = nn.functional.mse_loss(net(x), y).item()
        came = mean_loss(net, x, y, 4)
        near = math.isclose(came, mean, rel_tol=1e-5)
        assert near, f"value: {n} rows, {o} outputs"


# %% exr-nn-scale
def test_nn_scale(exercise):
    scales_by_hand = exercise.scales_by_hand

    import math

    variance = (1 - (-1)) ** 2 / 12  # of a number even over (-1, 1)
    factor = variance / 2  # the ReLU removes half of the mean square
    found = scales_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"default", "keep"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    came = found["default"]
    assert math.isclose(came, factor, rel_tol=0.03), "default"
    came = found["keep"]
    assert math.isclose(came, 1 / factor, rel_tol=0.03), "keep"


# %% exr-nn-batches
def test_nn_batches(exercise):
    train_in_batches = exercise.train_in_batches

    import math

    import torch
    from torch import nn

    from torchbook.two_layer_net import train_by_hand, two_layer_net

    x = torch.arange(44.0, dtype=torch.float64).reshape(11, 4).sin()
    y = torch.arange(22.0, dtype=torch.float64).reshape(11, 2).cos()
    x_before, y_before = x.clone(), y.clone()


    def fresh():
        """Return the same net every time, and a list of rows it sees."""
        torch.manual_seed(1)
        net, seen = two_layer_net(4, 6, 2).double(), []
        net.register_forward_pre_hook(
            lambda _, args: seen.append(args[0][:, 0].tolist())
        )
        return net, seen


    draw = torch.Generator().manual_seed
    net, _ = fresh()
    target = net(x).detach()  # so only wrong pairs have a loss
    exact = train_in_batches(net, x, target, 0.0, 11, 1, draw(2))
    assert exact is not None, "returns"
    assert isinstance(exact, list | tuple), f"type: {type(exact).__name__}"
    assert len(exact) == 1, "per-batch: epochs = 1"
    for loss in exact:
        assert not getattr(loss, "requires_grad", False), "graphs-kept"
    assert torch.equal(x, x_before) and torch.equal(y, y_before), "input"
    assert max(exact) < 1e-20, "pairs"
    losses = train_in_batches(fresh()[0], x, y, 0.1, 11, 5, draw(2))
    assert len(losses) == 5, "per-batch: epochs = 5"
    wanted = train_by_hand(fresh()[0], x, y, 0.1, 5)
    assert math.isclose(losses[0], wanted[0]), "first-loss"
    if math.isclose(losses[1], wanted[0] + wanted[1]):
        assert math.isclose(losses[1], wanted[1]), "running"
    assert math.isclose(losses[1], wanted[1]), "step"
    for t in range(5):
        assert math.isclose(losses[t], wanted[t]), f"not-cleared: {t + 1}"
    net, _ = fresh()
    for p in net.parameters():  # left over from something else
        p.grad = torch.ones_like(p)
    stale = train_in_batches(net, x, y, 0.1, 11, 2, draw(2))
    assert math.isclose(stale[1], wanted[1]), "stale"
    (net, seen), outs = fresh(), []
    net.register_forward_hook(lambda _, __, out: outs.append(out.detach()))
    losses = train_in_batches(net, x, y, 0.1, 4, 2, draw(2))
    assert len(losses) == 2, "per-batch: epochs = 2"
    sizes = [len(batch) for batch in seen]
    assert sizes == [4, 4, 3] * 2, "batches"
    rows, used = x[:, 0].tolist(), sum(seen, [])
    first, second = used[:11], used[11:]
    assert sorted(first) == sorted(rows), "once"
    assert sorted(second) == sorted(rows), "once"
    assert first != rows, "unshuffled"
    assert second != first, "order-once"
    for seed in (3, 4):
        net, again = fresh()
        torch.manual_seed(seed)
        train_in_batches(net, x, y, 0.1, 4, 2, draw(2))
        assert sum(again, []) == used, "global-seed"
    net, other = fresh()
    train_in_batches(net, x, y, 0.1, 4, 2, draw(5))
    assert sum(other, []) != used, "global-seed: another generator"
    twin, _ = fresh()
    plain = torch.optim.SGD(twin.parameters(), lr=0.1)
    sums = [0.0, 0.0]
    for k, batch in enumerate(seen):
        picked = [rows.index(value) for value in batch]
        out = twin(x[picked])
        slip = {1: "step", 3: "batches"}.get(k, "not-cleared")
        assert torch.allclose(outs[k], out), f"{slip}: batch {k + 1}"
        loss = nn.functional.mse_loss(out, y[picked])
        plain.zero_grad()
        loss.backward()
        plain.step()
        sums[k // 3] += loss.item() * len(picked)
    net, _ = fresh()
    still = train_in_batches(net, x, y, 0.0, 4, 1, draw(2))
    assert math.isclose(still[0], wanted[0]), "unweighted: 4, 4, 3"
    for t in (0, 1):
        came = losses[t]
        assert math.isclose(came, sums[t] / 11), f"value: epoch {t + 1}"
    for start in (True, False):
        (net, _), modes = fresh(), []
        net.train(start)
        net[1].train(not start)  # a mode of its own
        kept = [part.training for part in net.modules()]
        net.register_forward_hook(
            lambda m, *_: modes.append([p.training for p in m.modules()])
        )
        train_in_batches(net, x, y, 0.1, 4, 1, draw(2))
        modes.append([part.training for part in net.modules()])
        assert all(mode == kept for mode in modes), f"state: {kept}"
        assert all(p.requires_grad for p in net.parameters()), "state"
    assert torch.equal(x, x_before) and torch.equal(y, y_before), "input"
