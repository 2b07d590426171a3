# Generated from chapters/zh/08-custom-modules.qmd: edit there.
# Checksum 4fe587f3a0d6: a change made here is refused, not lost.
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
    slips = {7: "a is the same module as f[1]: its tensors come once",
             6: "d is a buffer, which no optimizer moves"}
    got = found["parameters"]
    assert got == len(ps), slips.get(got, "parameters: one for b, two each "
                                     "for a and f[0]; a list is not seen")
    assert found["numbers"] == sum(p.numel() for p in ps), (
        "numbers: Linear(3, 4) has 4 * 3 weights and 4 biases"
    )
    assert found["keys"] == len(puzzle.state_dict()), (
        "keys: buffers are saved too, and a is saved under both its names"
    )


# %% exr-custom-modules-dropout
def test_custom_modules_dropout(exercise):
    Dropout = exercise.Dropout

    import torch
    from torch import nn

    torch.manual_seed(0)
    layer = Dropout(0.25)
    net = nn.Sequential(nn.Linear(2, 2), layer)
    x = torch.full((200, 500), 3.0, requires_grad=True)
    out = layer(x)
    dropped = (out == 0).double().mean().item()
    assert out.shape == x.shape, "the shape stays"
    assert dropped > 0, "in training some elements become 0"
    assert abs(dropped - 0.75) > 0.01, "p is the share dropped, not kept"
    assert abs(dropped - 0.25) < 0.01, f"{dropped:.3f} dropped, not 0.25"
    columns = (out == 0).all(dim=0).any() or (out == 0).all(dim=1).any()
    assert not columns, "draw for every element by itself"
    assert torch.allclose(out[out != 0], torch.tensor(4.0)), (
        "survivors: 3 / (1 - 0.25) is 4"
    )
    assert not torch.equal(layer(x), out), "draw anew in every call"
    out.sum().backward()
    assert torch.equal(x.grad != 0, out != 0), "no gradient where x dropped"
    net.eval()
    assert torch.equal(layer(x), x), (
        "after eval() x comes back as it is: look at self.training"
    )
    assert torch.equal(Dropout(0.0)(x), x), "p = 0 drops nothing"
    for bad in (-0.1, 1.0, 1.5):
        try:
            Dropout(bad)
        except ValueError:
            continue
        raise AssertionError(f"p = {bad} must raise ValueError")


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


    model = Backward()
    found = shapes_of(model, torch.zeros(7, 3))
    assert found, "register a hook on every module without children"
    assert len(set(found.values())) > 1, (
        "all shapes are equal: does each hook remember its own name?"
    )
    assert "" not in found and "before" not in found, (
        "modules with children are not layers"
    )
    wanted = {"before.hidden": (7, 5), "before.output": (7, 4)}
    wanted["after"] = (7, 2)
    assert found == wanted, f"{found} is not {wanted}"
    assert list(found) == list(wanted), "list the layers as they run"
    assert shapes_of(nn.Linear(3, 2), torch.zeros(7, 3)) == {"": (7, 2)}, (
        'a Linear is a layer too, named ""; call model(x), not forward'
    )
    try:
        shapes_of(model, torch.zeros(7, 9))
    except RuntimeError:
        pass
    left = sum(len(m._forward_hooks) for m in model.modules())
    assert left == 0, f"{left} hooks stayed: remove them in a finally block"


# %% exr-custom-modules-tied
def test_custom_modules_tied(exercise):
    TiedAutoencoder = exercise.TiedAutoencoder

    import copy

    import torch

    torch.manual_seed(1)
    net = TiedAutoencoder(6, 3)
    shapes = sorted(tuple(p.shape) for p in net.parameters())
    assert (6, 3) not in shapes, "a second matrix is not tied to the first"
    assert shapes == [(3,), (3, 6), (6,)], f"parameters {shapes}"
    x = torch.randn(5, 6)
    for round_ in range(2):
        for model in (net, copy.deepcopy(net)):
            by_shape = {tuple(p.shape): p for p in model.parameters()}
            w, b, c = (by_shape[shape] for shape in ((3, 6), (3,), (6,)))
            z = (x @ w.mT + b).relu()
            assert torch.allclose(model.encode(x), z, atol=1e-6), (
                "encode is relu(x @ w.mT + b)"
            )
            assert torch.allclose(model.decode(z), z @ w + c, atol=1e-6), (
                "decode must use the same weight, also after a step or a "
                "copy: take it in decode, do not store it in __init__"
            )
            out = model(x)
            assert torch.allclose(out, z @ w + c, atol=1e-6), "forward"
            wanted = torch.autograd.grad((z @ w + c).sum(), w)[0]
            model.zero_grad()
            out.sum().backward()
            assert torch.allclose(w.grad, wanted, atol=1e-5), (
                "w is used twice: its gradient has two parts"
            )
        torch.optim.SGD(net.parameters(), lr=0.1).step()


# %% exr-custom-modules-averaged
def test_custom_modules_averaged(exercise):
    Averaged = exercise.Averaged

    import torch
    from torch import nn

    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    start = {k: v.clone() for k, v in model.state_dict().items()}
    averaged = Averaged(model, decay=0.75)
    mine, theirs = list(averaged.parameters()), list(model.parameters())
    assert len(mine) == len(theirs), (
        "parameters() must give the copy's and no others"
    )
    pairs = list(zip(mine, theirs))
    assert all(torch.equal(a, b) for a, b in pairs), "it starts equal"
    assert not any(a is b for a, b in pairs), "copy the model: deepcopy"
    assert all(b.requires_grad for b in theirs), "model must stay trainable"
    wanted = [p.detach().clone() for p in theirs]
    for _ in range(3):
        model(torch.randn(8, 3))  # moves the buffers
        with torch.no_grad():
            for p in model.parameters():
                p += torch.randn(p.shape)
        held = [p.detach().clone() for p in model.parameters()]
        averaged.update(model)
        assert all(map(torch.equal, held, theirs)), "update changed model"
        wanted = [0.75 * a + 0.25 * b for a, b in zip(wanted, held)]
    mine = list(averaged.parameters())
    assert all(torch.allclose(a, b) for a, b in zip(mine, wanted)), (
        "each update is decay * own + (1 - decay) * new"
    )
    buffers = zip(averaged.buffers(), model.buffers(), strict=True)
    assert all(torch.equal(a, b) for a, b in buffers), "copy the buffers"
    assert not any(p.requires_grad or p.grad_fn for p in mine), (
        "no gradient: update under no_grad, requires_grad_(False)"
    )
    averaged.eval()
    x = torch.randn(4, 3)
    assert model.training, "the copy's eval() must not reach model"
    assert not torch.equal(averaged(x), model.eval()(x)), "run the copy"
