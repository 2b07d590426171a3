# Generated from chapters/zh/08-custom-modules.qmd: edit there.
# Checksum c8e707143b97: a change made here is refused, not lost.
# %% exr-custom-modules-count
def test_custom_modules_count(exercise):
    count_by_hand = exercise.count_by_hand

    import torch
    from torch import nn


    class Puzzle(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 4)
            self.b = nn.Parameter(torch.zeros(5))
            self.c = torch.zeros(6)
            self.register_buffer("d", torch.zeros(7))
            self.e = [nn.Linear(2, 2)]
            self.f = nn.ModuleList([nn.Linear(2, 2), self.a])


    puzzle, found = Puzzle(), count_by_hand()
    ps = list(puzzle.parameters())
    numbers = sum(p.numel() for p in ps)
    assert isinstance(found, dict), "type"
    assert set(found) == {"parameters", "numbers", "keys"}, "keys"
    assert found["parameters"] == len(ps), "registered: parameters"
    assert found["numbers"] == numbers, "registered: numbers"
    assert found["keys"] == len(puzzle.state_dict()), "registered: keys"


# %% exr-custom-modules-dropout
def test_custom_modules_dropout(exercise):
    Dropout = exercise.Dropout

    import math

    import torch
    from torch import nn
    from torch.overrides import TorchFunctionMode


    class Own(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            assert "dropout" not in getattr(func, "__name__", ""), "own"
            return func(*args, **(kwargs or {}))


    torch.manual_seed(0)
    layer = Dropout(0.25)
    net = nn.Sequential(nn.Linear(2, 2), layer)
    x = torch.full((200, 500), 3.0)
    held = x.clone()
    with Own():
        out = layer(x)
    assert out is not None, "returns"
    assert tuple(out.shape) == tuple(x.shape), "shape"
    assert torch.equal(x, held), "input: overwritten"
    dropped = (out == 0).double().mean().item()
    assert dropped > 0, "inverted: p = 0.25"
    if (out == 0).all(dim=0).any() or (out == 0).all(dim=1).any():
        whole = (out == 0).all(dim=0).sum() + (out == 0).all(dim=1).sum()
        assert whole.item() == 0, "whole-rows"
    if math.isclose(dropped, 0.75, abs_tol=0.01):
        assert math.isclose(dropped, 0.25, abs_tol=0.01), "kept: p = 0.25"
    assert math.isclose(dropped, 0.25, abs_tol=0.01), "share: p = 0.25"
    left = out.detach()[out != 0]
    wanted = torch.full_like(left, 3 / (1 - 0.25))
    assert torch.allclose(left, wanted), "scale: x = 3, p = 0.25"
    assert not torch.equal(layer(x), out), "anew"
    for shape in ((), (8,), (2, 3, 4)):
        assert layer(torch.ones(shape)).shape == shape, f"shape: {shape}"
    one = torch.tensor(1.0)
    dropped = sum(layer(one).item() == 0 for _ in range(1000)) / 1000
    assert math.isclose(dropped, 0.25, abs_tol=0.07), "share: one element"
    more = Dropout(0.6)
    z = torch.rand(300, 400, dtype=torch.float64) - 2
    out = more(z)
    assert out.dtype == z.dtype, "dtype: float64"
    dropped = (out == 0).double().mean().item()
    assert math.isclose(dropped, 0.6, abs_tol=0.01), "share: p = 0.6"
    stays = out.detach() != 0
    assert torch.allclose(out[stays], z[stays] / 0.4), "scale: p = 0.6"
    half = torch.ones(8, dtype=torch.float16)
    assert layer(half).dtype == half.dtype, "dtype: float16"
    z.requires_grad_()
    out, share = more(z), torch.rand_like(z)
    assert out.requires_grad, "gradient: the result has none"
    (out * share).sum().backward()
    assert z.grad is not None, "gradient"
    wanted = share * (out.detach() != 0) / 0.4
    assert torch.allclose(z.grad, wanted), "gradient"
    try:
        there = layer(torch.ones(3, 4, device="meta"))
    except NotImplementedError:
        pass  # needs the numbers, which a meta tensor doesn't have
    except RuntimeError as error:
        assert "device" not in str(error), "device"
    else:
        assert there.device.type == "meta", "device"
    net.eval()
    assert torch.equal(layer(x), x), "switch"
    out = more.eval()(z)
    assert out.requires_grad, "gradient: after eval()"
    (came,) = torch.autograd.grad(out.sum(), z)
    assert torch.equal(came, torch.ones_like(z)), "gradient: after eval()"
    net.train()
    assert (layer(x) == 0).any(), "switch: train() after eval()"
    assert torch.equal(x, held), "input: overwritten"
    assert torch.equal(Dropout(0.0)(x), x), "nothing"
    ones = torch.ones(200, 500, dtype=torch.float16)  # 0 isn't rare there
    assert torch.equal(Dropout(0.0)(ones), ones), "nothing: float16"
    for bad in (-0.1, 1.0, 1.5):
        try:
            Dropout(bad)
        except ValueError:
            continue
        raise AssertionError(f"raises: Dropout({bad}), ValueError")


# %% exr-custom-modules-shapes
def test_custom_modules_shapes(exercise):
    shapes_of = exercise.shapes_of

    import torch
    from torch import nn

    from torchbook.custom_modules import TwoLayerNet


    class Backward(nn.Module):
        def __init__(self):
            super().__init__()
            self.after = nn.Linear(4, 2)
            self.between = nn.Sequential(nn.ReLU(), nn.Dropout(0.5))
            self.before = TwoLayerNet(3, 5, 4)
            self.runs = 0

        def forward(self, x):
            self.runs += 1
            try:
                x = self.between(self.before(x))
            except (AttributeError, TypeError):
                raise AssertionError("replaced: by no tensor") from None
            if not len(x):
                raise failure
            self.out = self.after(x)
            return self.out


    def hooks(model):
        kept = [nn.modules.module._global_forward_hooks]
        kept += [m._forward_hooks for m in model.modules()]
        kept += [m._forward_pre_hooks for m in model.modules()]
        kept += [m._backward_hooks for m in model.modules()]
        return [hook for each in kept for hook in each.values()]


    def state(model):
        modes = [m.training for m in model.modules()]
        modes += [p.grad is None for p in model.parameters()]
        return modes, [p.requires_grad for p in model.parameters()]


    failure = RuntimeError("of the model")
    model, seen = Backward(), []
    model.after.requires_grad_(False)
    model.between.eval()
    model.before.hidden.register_forward_hook(lambda *_: seen.append(1))
    model.before.register_forward_pre_hook(lambda *_: seen.append(2))
    kept, was = hooks(model), state(model)
    x = torch.ones(7, 3)
    plain, model.runs = model(x), 0
    seen.clear()
    found = shapes_of(model, x)
    trained = {"before.hidden": (7, 5), "before.output": (7, 4)}
    wanted = {**trained, "between.0": (7, 4), "between.1": (7, 4)}
    trained["after"] = wanted["after"] = (7, 2)
    assert found is not None, "returns"
    assert isinstance(found, dict), f"type: {type(found).__name__}"
    assert len(found) > 0, "no-hooks"
    found = {name: tuple(shape) for name, shape in found.items()}
    if len(found) == 1 or (
        set(found) == set(wanted) and len(set(found.values())) == 1
    ):
        assert found == wanted, "late-name"
    if set(found) & {"", "before", "between"}:
        assert set(found) == set(wanted), "containers"
    if set(found) == set(trained):
        assert set(found) == set(wanted), "parameterless"
    assert set(found) == set(wanted), "names"
    assert found == wanted, "shapes"
    assert list(found) == list(wanted), "order"
    assert model.runs == 1, f"runs-once: {model.runs} times"
    left = hooks(model)
    assert len(left) <= len(kept), "never-removed"
    assert left == kept, "others-hooks"
    assert seen == [2, 1], "others-hooks: not called"
    assert state(model) == was, "model-changed"
    assert torch.equal(model.out, plain), "replaced"
    assert torch.equal(x, torch.ones(7, 3)), "input: overwritten"
    wanted = {f"0.{name}": (4, wanted[name][1]) for name in wanted}
    found = shapes_of(nn.Sequential(model), torch.zeros(4, 3))
    assert set(found) == set(wanted), "names: one level deeper"
    found = {name: tuple(shape) for name, shape in found.items()}
    assert found == wanted, "shapes: of another input"
    alone = shapes_of(nn.Linear(3, 2), torch.zeros(7, 3))
    assert list(alone) == [""], "leaf-root"
    try:
        shapes_of(model, torch.zeros(0, 3))
    except RuntimeError as error:
        assert error is failure, "swallowed: replaced by another"
    else:
        raise AssertionError("swallowed")
    assert len(hooks(model)) <= len(kept), "finally"
    assert hooks(model) == kept, "others-hooks: after an error"
    assert state(model) == was, "model-changed: after an error"


# %% exr-custom-modules-tied
def test_custom_modules_tied(exercise):
    TiedAutoencoder = exercise.TiedAutoencoder

    import copy

    import torch


    def began(seed, d=6, h=3):
        used = [torch.full((h, d), 9.0) for _ in range(20)]
        del used  # what torch.empty finds is now of no use
        torch.manual_seed(seed)
        return TiedAutoencoder(d, h)


    def parts(model, d=6, h=3):
        by_shape = {tuple(p.shape): p for p in model.parameters()}
        return tuple(by_shape[shape] for shape in ((h, d), (h,), (d,)))


    net = began(1)
    shapes = sorted(tuple(p.shape) for p in net.parameters())
    if sum(len(shape) == 2 for shape in shapes) > 1:
        assert shapes == [(3,), (3, 6), (6,)], "second-matrix"
    assert shapes == [(3,), (3, 6), (6,)], "parameters"
    for p in net.parameters():
        assert p.requires_grad, "parameters: requires_grad"
    made = parts(began(2, 100, 50), 100, 50)
    w, b, c = (p.detach().clone() for p in made)
    assert 0.005 < w.std().item() < 0.5, "random-start: W"
    assert len(w.unique()) > w.numel() / 2, "random-start: W"
    for vector, name in ((b, "b"), (c, "c")):
        assert vector.abs().max().item() < 5, f"random-start: {name}"
        if len(vector.unique()) == 1:
            assert not vector.any(), f"random-start: {name}"
    again = parts(began(2, 100, 50), 100, 50)[0]
    assert torch.equal(again, w), "random-start: not by the seed"
    other = parts(began(3, 100, 50), 100, 50)[0]
    assert not torch.equal(other, w), "random-start: always the same"
    torch.manual_seed(1)
    x = torch.randn(5, 6, requires_grad=True)
    held, share = x.detach().clone(), torch.randn(5, 6)
    for dtype in (torch.float32, torch.float32, torch.float64):
        net.to(dtype)
        try:
            twin = copy.deepcopy(net)
        except RuntimeError:
            raise AssertionError("stored: deepcopy") from None
        for model in (net, twin):
            w, b, c = parts(model)
            with torch.no_grad():
                for p in (w, b, c):
                    p += torch.randn(p.shape, dtype=dtype)
            given = x.to(dtype)
            z = (given @ w.mT + b).relu()
            came = model.encode(given)
            assert torch.equal(x, held), "input: overwritten"
            assert came is not None, "returns: encode"
            assert tuple(came.shape) == (5, 3), "encode: shape"
            assert torch.allclose(came, z, atol=1e-5), "encode"
            came, wanted = model.decode(z), z @ w + c
            assert came is not None, "returns: decode"
            assert tuple(came.shape) == (5, 6), "shape: decode"
            assert torch.allclose(came, wanted, atol=1e-5), "decode"
            out = model(given)
            assert torch.equal(x, held), "input: overwritten"
            assert out is not None, "returns: forward"
            assert tuple(out.shape) == (5, 6), "forward"
            assert torch.allclose(out, wanted, atol=1e-5), "forward"
            assert out.dtype == dtype, "dtype"
            assert out.requires_grad, "half-gradient: none at all"
            two_calls = model.decode(model.encode(given))
            sums = [(y * share).sum() for y in (wanted, out, two_calls)]
            wanted, *came = (
                torch.autograd.grad(y, (w, b, c, x), allow_unused=True)
                for y in sums
            )
            for ours, theirs in zip(came[0] + came[1], wanted * 2):
                assert ours is not None, "half-gradient: None"
                assert torch.allclose(ours, theirs, 1e-4, 1e-4), (
                    "half-gradient"
                )


# %% exr-custom-modules-averaged
def test_custom_modules_averaged(exercise):
    Averaged = exercise.Averaged

    import copy

    import torch
    from torch import nn


    def flat(tensors):
        return torch.cat([t.detach().clone().flatten() for t in tensors])


    def put(model, decay):
        """Put one model, and an average of it, to the test."""
        trained, state = list(model.parameters()), list(model.buffers())
        start = flat(trained), flat(state)
        averaged = Averaged(model, decay)
        mine = list(averaged.parameters())
        shared = {id(p) for p in mine} & {id(p) for p in trained}
        if len(mine) == len(trained):
            assert len(shared) == 0, "same-model"
        assert len(mine) == len(trained), "registered: parameters()"
        kept = list(averaged.buffers())
        assert len(kept) == len(state), "registered: buffers()"
        assert torch.equal(flat(mine), start[0]), "start"
        assert torch.equal(flat(kept), start[1]), "start: buffers"
        assert torch.equal(flat(trained), start[0]), "writes-model"
        for p in trained:
            assert p.requires_grad, "frozen"
        assert all(m.training for m in model.modules()), "mode"
        for p in trained:
            p.grad = torch.ones_like(p)
        wanted = exchanged = start[0]
        for _ in range(3):
            model(torch.randn(8, 3))  # moves the buffers
            with torch.no_grad():
                for p in trained:
                    p += torch.randn(p.shape)
            held = flat(trained), flat(state)
            averaged.update(model)
            assert torch.equal(flat(trained), held[0]), "writes-model"
            assert torch.equal(flat(state), held[1]), "writes-model"
            wanted = decay * wanted + (1 - decay) * held[0]
            exchanged = (1 - decay) * exchanged + decay * held[0]
            came = flat(averaged.parameters())
            if torch.allclose(came, exchanged, atol=1e-6):
                assert torch.allclose(came, wanted, atol=1e-6), "exchanged"
            assert torch.allclose(came, wanted, atol=1e-6), "average"
            for p in trained:
                assert p.requires_grad, "writes-model: requires_grad"
                assert p.grad is not None, "writes-model: grad"
        other = copy.deepcopy(model)  # not always the one it began with
        with torch.no_grad():
            for p in other.parameters():
                p += 1
        averaged.update(other)
        wanted = decay * wanted + (1 - decay) * flat(other.parameters())
        came = flat(averaged.parameters())
        assert torch.allclose(came, wanted, atol=1e-6), "average: other"
        mine, kept = list(averaged.parameters()), list(averaged.buffers())
        assert len(kept) == len(state), "registered: buffers()"
        assert torch.equal(flat(kept), flat(state)), "buffers"
        with torch.no_grad():
            for b in (*state, *other.buffers()):
                b += 1
        assert torch.equal(flat(kept), held[1]), "buffers: shared"
        for p in mine:
            assert p.grad_fn is None, "graph"
        for p in mine:
            assert not p.requires_grad, "trainable"
        averaged.eval()
        assert model.training, "mode"
        inputs = [torch.randn(4, 3), torch.randn(5, 3)]
        given = [x.clone() for x in inputs]
        came = [averaged(x) for x in given]
        model.eval()
        nn.utils.vector_to_parameters(wanted, trained)
        values = held[1].split([b.numel() for b in state])
        with torch.no_grad():
            for b, value in zip(state, values):
                b.copy_(value.view_as(b))
        for x, same, out in zip(inputs, given, came):
            assert out is not None, "returns: forward"
            assert torch.equal(same, x), "input: overwritten"
            assert out.shape == model(x).shape, "runs-model: shape"
            assert torch.allclose(out, model(x), atol=1e-5), "runs-model"
        averaged.train()
        averaged(inputs[0])
        assert all(m.training for m in averaged.modules()), "mode"


    torch.manual_seed(2)
    put(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), 0.75)
    put(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), 0.4)
