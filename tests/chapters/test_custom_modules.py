# Generated from chapters/zh/08-custom-modules.qmd: edit there.
# Checksum 583d6dcb37bf: a change made here is refused, not lost.
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

    torch.manual_seed(0)
    layer = Dropout(0.25)
    net = nn.Sequential(nn.Linear(2, 2), layer)
    x = torch.full((200, 500), 3.0, requires_grad=True)
    out = layer(x)
    assert out is not None, "returns"
    assert tuple(out.shape) == tuple(x.shape), "shape"
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
    out.sum().backward()
    assert x.grad is not None, "gradient"
    assert torch.equal(x.grad != 0, out != 0), "gradient"
    net.eval()
    assert torch.equal(layer(x), x), "switch"
    assert torch.equal(Dropout(0.0)(x), x), "nothing"
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
            self.before = TwoLayerNet(3, 5, 4)

        def forward(self, x):
            return self.after(self.before(x))


    def hooks(model):
        return sum(len(m._forward_hooks) for m in model.modules())


    model = Backward()
    found = shapes_of(model, torch.zeros(7, 3))
    wanted = {"before.hidden": (7, 5), "before.output": (7, 4)}
    wanted["after"] = (7, 2)
    assert found is not None, "returns"
    assert isinstance(found, dict), f"type: {type(found).__name__}"
    assert len(found) > 0, "no-hooks"
    found = {name: tuple(shape) for name, shape in found.items()}
    if len(found) == 1 or (
        set(found) == set(wanted) and len(set(found.values())) == 1
    ):
        assert found == wanted, "late-name"
    if "" in found or "before" in found:
        assert set(found) == set(wanted), "containers"
    assert set(found) == set(wanted), "names"
    assert found == wanted, "shapes"
    assert list(found) == list(wanted), "order"
    assert hooks(model) == 0, "never-removed"
    alone = shapes_of(nn.Linear(3, 2), torch.zeros(7, 3))
    assert list(alone) == [""], "leaf-root"
    try:
        shapes_of(model, torch.zeros(7, 9))
    except RuntimeError:
        pass
    assert hooks(model) == 0, "finally"


# %% exr-custom-modules-tied
def test_custom_modules_tied(exercise):
    TiedAutoencoder = exercise.TiedAutoencoder

    import copy

    import torch

    torch.manual_seed(1)
    net = TiedAutoencoder(6, 3)
    shapes = sorted(tuple(p.shape) for p in net.parameters())
    if sum(len(shape) == 2 for shape in shapes) > 1:
        assert shapes == [(3,), (3, 6), (6,)], "second-matrix"
    assert shapes == [(3,), (3, 6), (6,)], "parameters"
    x = torch.randn(5, 6)
    for _ in range(2):
        try:
            twin = copy.deepcopy(net)
        except RuntimeError:
            raise AssertionError("stored: deepcopy") from None
        for model in (net, twin):
            by_shape = {tuple(p.shape): p for p in model.parameters()}
            w, b, c = (by_shape[shape] for shape in ((3, 6), (3,), (6,)))
            z = (x @ w.mT + b).relu()
            came = model.encode(x)
            assert came is not None, "returns: encode"
            assert torch.allclose(came, z, atol=1e-6), "encode"
            came, wanted = model.decode(z), z @ w + c
            assert came is not None, "returns: decode"
            assert tuple(came.shape) == (5, 6), "shape: decode"
            assert torch.allclose(came, wanted, atol=1e-6), "decode"
            out = model(x)
            assert out is not None, "returns: forward"
            assert tuple(out.shape) == (5, 6), "forward"
            assert torch.allclose(out, wanted, atol=1e-6), "forward"
            wanted = torch.autograd.grad(wanted.sum(), w)[0]
            model.zero_grad()
            out.sum().backward()
            assert w.grad is not None, "half-gradient: None"
            assert torch.allclose(w.grad, wanted, atol=1e-5), (
                "half-gradient"
            )
        torch.optim.SGD(net.parameters(), lr=0.1).step()
        with torch.no_grad():
            for p in net.parameters():
                p += torch.randn(p.shape)


# %% exr-custom-modules-averaged
def test_custom_modules_averaged(exercise):
    Averaged = exercise.Averaged

    import torch
    from torch import nn


    def flat(tensors):
        return torch.cat([t.detach().clone().flatten() for t in tensors])


    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    trained, state = list(model.parameters()), list(model.buffers())
    averaged = Averaged(model, decay=0.75)
    mine = list(averaged.parameters())
    shared = {id(p) for p in mine} & {id(p) for p in trained}
    if len(mine) == len(trained):
        assert len(shared) == 0, "same-model"
    assert len(mine) == len(trained), "registered: parameters()"
    assert torch.equal(flat(mine), flat(trained)), "start"
    for p in trained:
        assert p.requires_grad, "frozen"
    wanted = exchanged = flat(trained)
    for _ in range(3):
        model(torch.randn(8, 3))  # moves the buffers
        with torch.no_grad():
            for p in trained:
                p += torch.randn(p.shape)
        held = flat(trained), flat(state)
        averaged.update(model)
        assert torch.equal(flat(trained), held[0]), "writes-model"
        assert torch.equal(flat(state), held[1]), "writes-model"
        wanted = 0.75 * wanted + 0.25 * held[0]
        exchanged = 0.25 * exchanged + 0.75 * held[0]
    came = flat(averaged.parameters())
    if torch.allclose(came, exchanged):
        assert torch.allclose(came, wanted), "exchanged"
    assert torch.allclose(came, wanted), "average"
    mine = list(averaged.parameters())
    kept = list(averaged.buffers())
    assert len(kept) == len(state), "registered: buffers()"
    assert torch.equal(flat(kept), flat(state)), "buffers"
    for p in mine:
        assert p.grad_fn is None, "graph"
    for p in mine:
        assert not p.requires_grad, "trainable"
    averaged.eval()
    assert model.training, "mode"
    x = torch.randn(4, 3)
    model.eval()
    came = averaged(x)
    assert came is not None, "returns: forward"
    nn.utils.vector_to_parameters(wanted, trained)
    assert torch.allclose(came, model(x), atol=1e-6), "runs-model"
