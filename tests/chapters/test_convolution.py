# Generated from chapters/zh/12-convolution.qmd: edit there.
# Checksum dbc2175bf9a3: a change made here is refused, not lost.
# %% exr-convolution-sizes
def test_convolution_sizes(exercise):
    sizes_by_hand = exercise.sizes_by_hand

    import torch
    from torch import nn

    body = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.AvgPool2d(2),
    ).double()
    torch.manual_seed(0)
    x = torch.randn(1, 1, 28, 28).double().requires_grad_()
    y = body(x)
    spans = []
    for column in (2, 3):
        seen = torch.autograd.grad(y[0, :, 2, column].sum(), x,
                                   retain_graph=True)[0][0, 0]
        where = seen.abs().sum(0).nonzero()
        spans.append((where.min().item(), where.max().item()))
    (left, right), (left2, right2) = spans
    count = sum(p.numel() for p in body.parameters())
    found = sizes_by_hand()
    assert isinstance(found, dict), "type"
    keys = {"width", "inputs", "parameters", "receptive", "apart"}
    assert set(found) == keys, "keys"
    assert found["width"] == y.shape[-1], "width"
    assert found["inputs"] == y[0].numel(), "flattened"
    assert found["parameters"] == count, "counted"
    assert found["receptive"] == right - left + 1, "seen"
    assert found["apart"] == left2 - left, "apart"


# %% exr-convolution-gradient
def test_convolution_gradient(exercise):
    gradient_by_hand = exercise.gradient_by_hand

    import torch
    from torch.nn import functional as F

    x = torch.tensor([[1.0, 2, 0], [0, 1, 3], [2, 1, 1]])
    k = torch.tensor([[1.0, -1], [0, 2]])
    x.requires_grad_()
    k.requires_grad_()
    y = F.conv2d(x[None, None], k[None, None])[0, 0]
    loss = y[0, 0] + 2 * y[1, 1]
    dk, dx = torch.autograd.grad(loss, (k, x))
    slips = {"y": "correlated", "dk": "kernel-gradient",
             "dx": "input-gradient"}
    found = gradient_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(slips), "keys"
    for name, wanted in (("y", y), ("dk", dk), ("dx", dx)):
        came = found[name]
        assert hasattr(came, "__len__"), f"type: {name}"
        assert not isinstance(came, str), f"type: {name}"
        came = [v for row in came
                for v in (row if hasattr(row, "__len__") else [row])]
        assert all(hasattr(v, "__float__") for v in came), f"type: {name}"
        assert len(came) == wanted.numel(), f"shape: {name}"
        came = [float(v) for v in came]
        assert came == wanted.flatten().tolist(), slips[name]


# %% exr-convolution-separable
def test_convolution_separable(exercise):
    Separable = exercise.Separable

    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)
    for size in (2, 4):
        try:
            Separable(3, 4, size)
        except ValueError:
            pass
        except AssertionError:
            raise AssertionError("even: AssertionError") from None
        else:
            raise AssertionError(f"even: {size}")
    cases = (3, 5, 3, torch.float32), (4, 2, 5, torch.float64)
    for c_in, c_out, size, dtype in (*cases, (3, 4, 1, torch.float32)):
        net = Separable(c_in, c_out, size).to(dtype)
        layers = []
        for name in ("depthwise", "pointwise"):
            layer = getattr(net, name, None)
            assert isinstance(layer, nn.Conv2d), f"names: {name}"
            layers.append(layer)
        first, second = layers
        shape = tuple(first.weight.shape)
        if c_in != c_out:
            assert shape != (c_out, 1, size, size), "order"
        assert shape == (c_in, 1, size, size), f"mixed: {shape}"
        shape = tuple(second.weight.shape)
        assert shape == (c_out, c_in, 1, 1), f"one-by-one: {shape}"
        for layer in layers:
            assert layer.bias is not None, "biases"
        kept = len(list(net.parameters())) + len(list(net.buffers()))
        assert kept == 4, f"extra: {kept} tensors"
        x = torch.randn(2, c_in, 7, 6, dtype=dtype, requires_grad=True)
        held = x.detach().clone()
        y = net(x)
        assert torch.equal(x, held), "input: overwritten"
        assert y is not None, "returns: forward"
        w, b, v, c = first.weight, first.bias, second.weight, second.bias
        middle = F.conv2d(x, w, b, padding=size // 2, groups=c_in)
        wanted = F.conv2d(middle, v, c)
        assert y.shape == wanted.shape, f"shrinks: {tuple(y.shape)}"
        assert y.dtype == dtype, "dtype"
        if not torch.allclose(y, wanted, atol=1e-5):
            for a in (middle.relu(), middle):
                bent = F.conv2d(a, v, c)
                for out in (bent, bent.relu()):
                    same = torch.allclose(y, out, atol=1e-5)
                    assert not same, "activated"
        assert torch.allclose(y, wanted, atol=1e-5), "value"
        share = torch.randn_like(wanted)
        assert y.requires_grad, "value: no gradient"
        leaves = (x, w, b, v, c)
        ours = torch.autograd.grad(y, leaves, share, allow_unused=True)
        theirs = torch.autograd.grad(wanted, leaves, share)
        for a, e in zip(ours, theirs):
            assert a is not None, "value: no gradient"
            assert torch.allclose(a, e, atol=1e-4), "value: gradient"


# %% exr-convolution-occlusion
def test_convolution_occlusion(exercise):
    occlusion = exercise.occlusion

    import copy

    import torch
    from torch import nn
    from torch.nn import functional as F


    class Reader(nn.Module):
        """Scores that depend on the mode, and fail when told to."""

        def __init__(self, channels, shape, dtype):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(channels, 2, 3, padding=1), nn.BatchNorm2d(2),
                nn.Tanh(), nn.Flatten(),
                nn.Linear(2 * shape[0] * shape[1], 4)).to(dtype)
            self.drop, self.fails = nn.Dropout(0.5), False
            self.graphs = []

        def forward(self, x):
            if self.fails:
                raise RuntimeError("of the model")
            out = self.drop(self.body(x))
            self.graphs.append(out.requires_grad)
            return out


    def covered(image, i, j, size):
        r = size // 2
        mask = F.pad(torch.zeros(size, size), (j, image.shape[2] - j - 1,
                     i, image.shape[1] - i - 1), value=1)
        return image * mask[r : mask.shape[0] - r, r : mask.shape[1] - r]


    def expected(model, image, label, size, cover=covered):
        twin = copy.deepcopy(model).eval()
        h, w = image.shape[1:]
        with torch.no_grad():
            whole = twin(image[None])[0, label]
            return torch.stack([
                whole - twin(cover(image, i, j, size)[None])[0, label]
                for i in range(h) for j in range(w)]).view(h, w)


    def from_corner(image, i, j, size):
        image = image.clone()
        image[:, i : i + size, j : j + size] = 0
        return image


    def one_channel(image, i, j, size):
        return torch.cat([covered(image[:1], i, j, size), image[1:]])


    def cut(image, i, j, size):
        image, r = image.clone(), size // 2
        image[:, i - r : i + r + 1, j - r : j + r + 1] = 0
        return image


    def wrongly(model, image, label, size):
        """Yield slips, each with the result that it leads to."""
        twin = copy.deepcopy(model).eval()
        h, w = image.shape[1:]
        places = [(i, j) for i in range(h) for j in range(w)]
        kept, steps = image, []
        for i, j in places:
            kept = covered(kept, i, j, size)
            steps.append(kept)
        single = [covered(image, i, j, size) for i, j in places]
        with torch.no_grad():
            whole, parts = twin(image[None])[0], twin(torch.stack(single))
            later = twin(torch.stack(steps))
        for turn in (torch.softmax, torch.log_softmax):
            chance = turn(whole, -1)[label] - turn(parts, -1)[:, label]
            yield "softmax", chance.view(h, w)
        for first in (whole[label], whole.max()):
            yield "other-label", (first - parts.amax(dim=1)).view(h, w)
        yield "accumulated", (whole[label] - later[:, label]).view(h, w)


    def modes(model):
        kept = [part.training for part in model.modules()]
        return kept + [p.requires_grad for p in model.parameters()]


    torch.manual_seed(0)
    kinds = [
        (1, (5, 4), 2, 3, torch.float32), (3, (4, 6), 0, 1, torch.float64),
        (2, (5, 5), 3, 5, torch.float32),
    ]
    for c, shape, label, size, dtype in kinds:
        model = Reader(c, shape, dtype)
        with torch.no_grad():
            model(torch.randn(9, c, *shape, dtype=dtype))
        image = torch.randn(c, *shape, dtype=dtype)
        stats = model.body[1].running_mean.clone()
        occlusion(model, image, label, size)
        moved = not torch.equal(model.body[1].running_mean, stats)
        assert not moved, "training-mode: running averages moved"
        model.train()
        model.body[1].eval()
        held, was = image.clone(), modes(model)
        wanted = expected(model, image, label, size)
        model.graphs.clear()
        came = occlusion(model, image, label, size)
        assert came is not None, "returns"
        assert torch.equal(image, held), "input: overwritten"
        assert modes(model) == was, "mode"
        assert isinstance(came, torch.Tensor), "type"
        assert not came.requires_grad, "graph"
        assert not any(model.graphs), "graph: recorded on the way"
        near = {"atol": 1e-5, "rtol": 1e-4}
        flat = tuple(came.shape)
        assert flat in (shape, shape[::-1]), f"shape: {flat}"
        if flat != shape:
            assert flat == shape, "transposed"
        assert came.dtype == dtype, "dtype"
        if not torch.allclose(came, wanted, **near):
            assert not torch.allclose(came, -wanted, **near), "sign"
            for slip, cover in (("corner", from_corner), ("border", cut),
                                ("one-channel", one_channel)):
                other = expected(model, image, label, size, cover)
                if not torch.allclose(other, wanted, **near):
                    assert not torch.allclose(came, other, **near), slip
            for k in range(4):
                other = expected(model, image, k, size)
                same = torch.allclose(came, other, **near)
                assert not same, "other-label"
            if shape[0] == shape[1]:
                other = wanted.T
                assert not torch.allclose(came, other, **near), "transposed"
            for slip, other in wrongly(model, image, label, size):
                assert not torch.allclose(came, other, **near), slip
            r = size // 2
            inner = slice(r, shape[0] - r), slice(r, shape[1] - r)
            same = torch.allclose(came[inner], wanted[inner], **near)
            assert not same, "border"
        assert torch.allclose(came, wanted, **near), "value"
        model.train()
        torch.manual_seed(1)
        came = occlusion(model, image, label, size)
        assert torch.allclose(came, wanted, **near), "training-mode"
        assert all(modes(model)), "mode"
    same = occlusion(model, image, label)
    assert torch.allclose(same, expected(model, image, label, 3),
                          **near), "value: size is 3 unless given"
    for even in (2, 4):
        try:
            occlusion(model, image, label, even)
        except ValueError:
            pass
        except AssertionError:
            raise AssertionError("even: AssertionError") from None
        else:
            raise AssertionError(f"even: {even}")
    model.fails = True
    try:
        occlusion(model, image, label, size)
    except RuntimeError:
        pass
    else:
        raise AssertionError("raises: the error of the model is lost")
    assert all(modes(model)), "mode: after an error"


# %% exr-convolution-backward
def test_convolution_backward(exercise):
    conv_gradients = exercise.conv_gradients

    import torch
    from torch.nn import functional as F
    from torch.utils._python_dispatch import TorchDispatchMode


    class Own(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            name = str(func)
            assert "convolution_backward" not in name, "ready-made"
            if name == "aten.convolution.default":
                assert not args[6], "ready-made: conv_transpose2d"
            return func(*args, **(kwargs or {}))


    torch.manual_seed(0)
    near = {"atol": 1e-4, "rtol": 1e-4}
    shapes = [
        ((2, 3, 6, 5), (4, 3, 3, 2)), ((3, 2, 5, 5), (2, 2, 3, 3)),
        ((1, 1, 4, 6), (2, 1, 1, 3)),
    ]
    for dtype in (torch.float32, torch.float64):
        for x_shape, shape in shapes:
            x = torch.randn(x_shape, dtype=dtype, requires_grad=True)
            k = torch.randn(shape, dtype=dtype, requires_grad=True)
            y = F.conv2d(x, k)
            g = torch.randn_like(y)
            of_x, of_k = torch.autograd.grad(y, (x, k), g)
            given = [t.detach().clone() for t in (x, k, g)]
            kept = [t.clone() for t in given]
            with Own():
                came = conv_gradients(*given)
            assert came is not None, "returns"
            assert isinstance(came, tuple | list), "type"
            assert len(came) == 2, "type: two gradients"
            for t in came:
                assert isinstance(t, torch.Tensor), "type"
            assert all(map(torch.equal, given, kept)), "input: overwritten"
            mine, yours = came
            if mine.shape == of_k.shape and yours.shape == of_x.shape:
                if shape != x_shape:
                    assert not torch.allclose(mine, of_k, **near), "swapped"
            assert mine.shape == x.shape, f"input-shape: {mine.shape}"
            assert yours.shape == k.shape, f"weight-shape: {yours.shape}"
            assert mine.dtype == yours.dtype == dtype, "dtype"
            if not torch.allclose(mine, of_x, **near):
                pad = shape[2] - 1, shape[3] - 1
                for dims in ((), (2,), (3,)):  # none, or only one way
                    plain = k.flip(dims).transpose(0, 1)
                    plain = F.conv2d(g, plain, padding=pad)
                    same = torch.allclose(mine, plain, **near)
                    assert not same, "not-flipped"
                if shape[0] == shape[1]:
                    bent = F.conv2d(g, k.flip(2, 3), padding=pad)
                    same = torch.allclose(mine, bent, **near)
                    assert not same, "channels"
            assert torch.allclose(mine, of_x, **near), "input-gradient"
            if len(x) > 1:
                mean = of_k / len(x)
                assert not torch.allclose(yours, mean, **near), "averaged"
            assert torch.allclose(yours, of_k, **near), "weight-gradient"


# %% exr-convolution-fold
def test_convolution_fold(exercise):
    fold = exercise.fold

    import copy

    import torch
    from torch import nn


    def state(*layers):
        kept = [t.detach().clone() for m in layers
                for t in (*m.parameters(), *m.buffers())]
        flags = [t.requires_grad for m in layers for t in m.parameters()]
        return kept, flags + [m.training for m in layers]


    def places(*layers):
        return {t.data_ptr() for m in layers
                for t in (*m.parameters(), *m.buffers()) if t.numel()}


    torch.manual_seed(0)
    cases = [
        (4, 4, {}, {}),
        (4, 6, {"stride": 2, "padding": 1, "bias": False}, {}),
        (4, 4, {"dilation": (1, 2), "padding": (1, 2)}, {"affine": False}),
        (4, 8, {"groups": 4, "padding": 1, "padding_mode": "replicate"},
         {"eps": 0.1}),
        (3, 2, {"bias": False}, {"affine": False, "eps": 0.3}),
    ]
    for dtype in (torch.float64, torch.float32):
        for c_in, c_out, options, other in cases:
            conv = nn.Conv2d(c_in, c_out, 3, **options).to(dtype)
            norm = nn.BatchNorm2d(c_out, **other).to(dtype)
            with torch.no_grad():
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.2, 3)
                for p in norm.parameters():
                    p.normal_()
            twin = copy.deepcopy(nn.Sequential(conv, norm)).eval()
            numbers, flags = state(conv, norm)
            new = fold(conv, norm)
            assert new is not None, "returns"
            assert isinstance(new, nn.Conv2d), "not-conv"
            assert new is not conv, "same-layer"
            later, later_flags = state(conv, norm)
            assert len(later) == len(numbers), "changed"
            assert all(map(torch.equal, later, numbers)), "changed"
            assert later_flags == flags, "changed"
            assert not places(new) & places(conv, norm), "shared"
            for name in ("stride", "padding", "dilation", "groups",
                         "padding_mode", "kernel_size"):
                same = getattr(new, name) == getattr(conv, name)
                assert same, f"options: {name}"
            assert new.bias is not None, "bias-missing"
            for p in (new.weight, new.bias):
                assert p.dtype == dtype, "dtype"
            x = torch.randn(2, c_in, 9, 8, dtype=dtype)
            came = new(x)
            b = conv.bias if conv.bias is not None else 0
            m, v, eps = norm.running_mean, norm.running_var, norm.eps
            gamma, beta = norm.weight, norm.bias
            if not norm.affine:
                gamma, beta = 1, 0
            near = {"atol": 1e-4, "rtol": 1e-4}

            def does(scale, offset):
                z = conv(x) - (b if conv.bias is None
                               else b[:, None, None])
                z = z * scale[:, None, None] + offset[:, None, None]
                return torch.allclose(came, z, **near)

            scale = gamma / (v + eps) ** 0.5
            if not does(scale, scale * (b - m) + beta):
                for slip, s, t in (
                    ("variance", gamma / (v + eps), None),
                    ("eps", gamma / v**0.5, None),
                    ("eps", gamma / (v**0.5 + eps), None),
                    ("mean", scale, scale * b + beta),
                    ("mean", scale, scale * b - m + beta),
                    ("mean", scale, scale * (b + m) + beta),
                    ("bias-unscaled", scale, b - scale * m + beta),
                    ("bias-unscaled", scale, beta - scale * m),
                    ("affine", scale, scale / gamma * (b - m) + beta),
                    ("affine", scale / gamma, scale / gamma * (b - m)),
                    ("affine", scale, scale * (b - m)),
                ):
                    t = s * (b - m) + beta if t is None else t
                    t = torch.zeros_like(m) + t
                    assert not does(torch.zeros_like(m) + s, t), slip
                if new.weight.shape[0] == new.weight.shape[1]:
                    bent = conv.weight * scale[:, None, None]
                    off = not torch.allclose(new.weight, bent, **near)
                    assert off, "axis"
            assert torch.allclose(came, twin(x), **near), "folded"
