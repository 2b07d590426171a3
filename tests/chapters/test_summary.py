# Generated from chapters/zh/21-summary.qmd: edit there.
# Checksum 3cfbc149c0dd: a change made here is refused, not lost.
# %% exr-summary-count
def test_summary_count(exercise):
    counts_by_hand = exercise.counts_by_hand

    from torch import nn


    def count(layer):
        return sum(p.numel() for p in layer.parameters())


    found = counts_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"linear", "conv", "rnn", "attention"}, "keys"
    assert found["linear"] == count(nn.Linear(30, 20)), "linear"
    assert found["conv"] == count(nn.Conv2d(3, 16, 5)), "conv"
    assert found["rnn"] == count(nn.RNN(30, 20)), "rnn"
    wanted = count(nn.MultiheadAttention(12, 3))
    assert found["attention"] == wanted, "attention"


# %% exr-summary-conv-matrix
def test_summary_conv_matrix(exercise):
    conv_matrix = exercise.conv_matrix

    import torch

    generator = torch.Generator().manual_seed(6)
    double, single = torch.float64, torch.float32
    for k, n, dtype in [
        (2, 5, double), (1, 1, double), (1, 4, single),
        (3, 8, single), (4, 4, double),
    ]:
        kernel = torch.randn(k, generator=generator, dtype=dtype)
        x = torch.randn(n, generator=generator, dtype=dtype)
        before = kernel.clone()
        matrix = conv_matrix(kernel, n)
        assert torch.equal(kernel, before), "input: kernel"
        assert matrix is not None, "returns"
        assert isinstance(matrix, torch.Tensor), "type"
        came, wanted = tuple(matrix.shape), (n - k + 1, n)
        if came == (n, n - k + 1) and k > 1:
            assert came == wanted, f"transposed: k = {k}, n = {n}"
        assert came == wanted, f"size: k = {k}, n = {n}"
        assert matrix.dtype == kernel.dtype, "dtype"
        wanted = torch.conv1d(x[None, None], kernel[None, None])[0, 0]
        back = kernel.flip(0)[None, None]
        turned = torch.conv1d(x[None, None], back)[0, 0]
        came = matrix @ x
        if k > 1 and torch.allclose(came, turned):
            assert torch.allclose(came, wanted), "flipped"
        assert torch.allclose(came, wanted), f"shift: k = {k}, n = {n}"
    for k, n in [(0, 3), (4, 3)]:
        try:
            conv_matrix(torch.ones(k), n)
        except ValueError:
            continue
        except Exception as error:
            case = f"k = {k}, n = {n}, {type(error).__name__}"
            raise AssertionError(f"raises: {case}") from None
        raise AssertionError(f"raises: k = {k}, n = {n}, ValueError")


# %% exr-summary-set
def test_summary_set(exercise):
    SetNet = exercise.SetNet

    import torch

    torch.manual_seed(0)
    net = SetNet(3, 16, 2).double()
    x = torch.randn(5, 7, 3, dtype=torch.float64)
    before = x.clone()
    y = net(x)
    assert y is not None, "returns"
    assert torch.equal(x, before), "input"
    assert y.dtype == x.dtype, "dtype"
    if tuple(y.shape) in ((7, 2), (5, 7), (5, 7, 2)):
        assert tuple(y.shape) == (5, 2), "dimension"
    assert tuple(y.shape) == (5, 2), "shape"
    other = net(x[:, [6, 5, 4, 3, 2, 1, 0]])
    assert torch.allclose(other, y), "order"
    try:
        fewer = net(x[:, :4])
    except RuntimeError:
        raise AssertionError("number: n = 4") from None
    assert tuple(fewer.shape) == (5, 2), "number: n = 4"
    assert torch.allclose(net(x[2:3]), y[2:3]), "mixed"
    assert not torch.allclose(net(x * 2), y), "constant"
    doubled = net(torch.cat([x, x], dim=1))
    assert not torch.allclose(doubled, y), "twice"
    far = torch.tensor([[[3.0, 0, 0], [-3.0, 0, 0]]]).double()
    zero = torch.zeros(1, 2, 3).double()
    assert not torch.allclose(net(far), net(zero)), "too-early"
    a, b = torch.randn(2, 1, 1, 3, dtype=torch.float64)  # two coins
    more, less = (net(torch.cat(c, 1)) for c in ([a, a, b], [a, b, b]))
    assert not torch.allclose(more, less), "twice: {a,a,b}, {a,b,b}"
    parts = net(x[:, :3]) + net(x[:, 3:])
    assert not torch.allclose(parts, y), "too-late"
    others = net(x[:, :5]) + net(x[:, 5:])
    assert not torch.allclose(parts, others), "nets: ReLU after the sum"
    for sizes in ((3, 16, 2), (4, 6, 3)):
        d_in, h, d_out = sizes
        net = SetNet(*sizes).double()
        x = torch.randn(5, 7, d_in).double().requires_grad_()
        try:
            y = net(x)
        except RuntimeError:
            raise AssertionError(f"sizes: {sizes}") from None
        assert tuple(y.shape) == (5, d_out), f"sizes: {sizes}"
        weights = [p for p in net.parameters() if p.ndim == 2]
        assert len(weights) == 4, f"nets: {len(weights)} nn.Linear"
        first = [w for w in weights if w.shape[1] == d_in]
        last = [w for w in weights if w.shape[0] == d_out]
        inner = [w for w in weights if h in w.shape]
        inner = [w for w in inner if d_in not in w.shape[1:]]
        inner = [w for w in inner if d_out not in w.shape[:1]]
        lengths = len(first), len(inner), len(last)
        assert lengths == (1, 2, 1), f"sizes: {sizes}"

        # The gradient, along a direction, beside a difference; along two,
        # for one in a thousand comes upon the corner of a ReLU.
        assert y.requires_grad, "gradient: none at all"
        learned = [x, *net.parameters()]
        slopes = torch.autograd.grad(y.sum(), learned, allow_unused=True)
        assert all(s is not None for s in slopes), "gradient: lost"
        near = []
        for _ in range(2):
            way = [torch.randn_like(p) for p in learned]
            ends = []
            with torch.no_grad():
                for step in (1e-8, -2e-8, 1e-8):
                    for p, w in zip(learned, way):
                        p += step * w
                    ends.append(net(x).sum())
                along = sum((s * w).sum() for s, w in zip(slopes, way))
            measured = (ends[0] - ends[1]) / 2e-8
            near.append(torch.allclose(along, measured, 1e-3, 1e-4))
        assert any(near), "gradient: not that of the result"

        # Without biases, and with all weights above zero, everything
        # can be foretold: the signs show where the ReLUs are.
        def signed(x, **signs):
            with torch.no_grad():
                for p in net.parameters():
                    p.abs_() if p.ndim == 2 else p.zero_()
                for w in first:
                    w *= signs.get("first", 1)
                for w in inner:
                    w *= signs.get("inner", 1)
                inner[0].mul_(signs.get("one", 1))
                inner[1].mul_(signs.get("two", 1))
                for w in last:
                    w *= signs.get("last", 1)
                return net(x)

        one = torch.rand(2, 1, d_in).double() + 0.1
        y = signed(one)
        near = torch.allclose(signed(3 * one), 3 * y)
        assert near, "nets: something else than a ReLU"
        for case, x, signs, wanted in [
            ("the first ReLU", -one, {"one": -1}, 0 * y),
            ("the first ReLU", -one, {"two": -1}, 0 * y),
            ("the second ReLU", one, {"one": -1}, 0 * y),
            ("before the first Linear", -one, {"first": -1}, y),
            ("between the nets", one, {"inner": -1}, y),
            ("after the last Linear", one, {"last": -1}, -y),
        ]:
            came = signed(x, **signs)
            assert torch.allclose(came, wanted), f"nets: {case}"
        for n in (2, 5):
            x = torch.rand(2, n, d_in).double()
            alone = sum(signed(x[:, [i]]) for i in range(n))
            assert torch.allclose(signed(x), alone), f"sum: n = {n}"
        with torch.no_grad():
            for w in weights:  # now each layer takes the mean
                w.fill_(1 / w.shape[1])
            came = net(torch.ones(1, 5, d_in).double())
        assert torch.allclose(came, 0 * came + 5), "sum: 5 times 1"


# %% exr-summary-attend
def test_summary_attend(exercise):
    attend = exercise.attend

    import torch
    from torch.nn.functional import scaled_dot_product_attention as right
    from torch.overrides import TorchFunctionMode


    class Own(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            assert func is not right, "own"
            return func(*args, **(kwargs or {}))


    def softly(scores, values, hidden, dim=-1):
        return scores.masked_fill(hidden, -torch.inf).softmax(dim) @ values


    def wrong(q, k, v, causal):
        n, m, d = q.shape[-2], k.shape[-2], q.shape[-1]
        raw, none = q @ k.mT, torch.zeros(n, m, dtype=torch.bool)
        later = ~none.logical_not().tril()
        hidden = later if causal else none
        yield "scale", softly(raw, v, hidden)
        yield "scale", softly(raw / v.shape[-1] ** 0.5, v, hidden)
        yield "root", softly(raw / d, v, hidden)
        raw = raw / d**0.5
        yield "axis", softly(raw, v, hidden, dim=-2)
        if causal:
            own = torch.eye(n, m).bool()
            yield "self", softly(raw, v, later | own)
            yield "self", softly(raw, v, later | own).nan_to_num()
            yield "zero", softly(raw, v, later | (raw == 0))
            yield "after", raw.softmax(-1).masked_fill(later, 0) @ v
            yield "future", softly(raw, v, none)
            yield "future", softly(raw, v, ~later & ~own)
        else:
            yield "always", softly(raw, v, later)


    generator = torch.Generator().manual_seed(7)
    for dtype in (torch.float64, torch.float32):
        for causal in (False, True):
            for lead, n, m, d in [
                ((2,), 4, 5, 3), ((), 6, 6, 5), ((3, 1), 7, 2, 3),
            ]:
                q, k, v = (
                    torch.randn(*lead, *size, generator=generator)
                    for size in ((n, d), (m, d), (m, 2))
                )
                q[..., -1, :] = 0  # looks like all keys alike
                given = [x.to(dtype).requires_grad_() for x in (q, k, v)]
                kept = [x.detach().clone() for x in given]
                options = {"causal": True} if causal else {}
                with Own():
                    came = attend(*given, **options)
                assert came is not None, "returns"
                assert isinstance(came, torch.Tensor), "type"
                assert all(map(torch.equal, given, kept)), "input"
                wanted = right(*given, is_causal=causal)
                shape = tuple(came.shape)
                assert shape == tuple(wanted.shape), f"shape: {shape}"
                assert came.dtype == dtype, "dtype"
                if not torch.allclose(came, wanted, atol=1e-5):
                    for slip, other in wrong(*given, causal):
                        close = torch.allclose(
                            came, other, atol=1e-5, equal_nan=True
                        )
                        assert not close, slip
                assert torch.allclose(came, wanted, atol=1e-5), "value"
                if dtype == torch.float64:
                    near = torch.allclose(came, wanted, 1e-10, 1e-12)
                    assert near or causal, "precision"
                    assert near, "minus-infinity"
                with torch.no_grad():  # scores by the thousand
                    big = 3000 * given[0], given[1], given[2]
                    came_big = attend(*big, **options)
                    wanted_big = right(*big, is_causal=causal)
                    assert came_big.isfinite().all(), "overflow"
                    near = torch.allclose(came_big, wanted_big, atol=1e-2)
                    assert near or not causal, "minus-infinity"
                    assert near, "overflow"
                assert came.requires_grad, "gradient"
                w = torch.arange(2.0, dtype=dtype) + 1
                (wanted * w).sum().backward()
                slopes = [x.grad for x in given]
                for x in given:
                    x.grad = None
                (came * w).sum().backward()
                for x, slope in zip(given, slopes):
                    assert x.grad is not None, "gradient"
                    near = torch.allclose(x.grad, slope, atol=1e-4)
                    assert near, "gradient"
    for sizes in [((4, 3), (5, 2), (5, 2)), ((4, 3), (5, 3), (4, 2))]:
        try:
            attend(*map(torch.ones, sizes))
        except ValueError:
            continue
        except Exception as error:
            case = f"{sizes}, {type(error).__name__}"
            raise AssertionError(f"raises: {case}") from None
        raise AssertionError(f"raises: {sizes}, ValueError")
