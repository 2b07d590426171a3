# Generated from chapters/zh/14-attention.qmd: edit there.
# Checksum 4c4fa5a9d9f8: a change made here is refused, not lost.
# %% exr-attention-by-hand
def test_attention_by_hand(exercise):
    rows = exercise.rows

    import math

    import torch
    from torch.nn.functional import scaled_dot_product_attention

    scores = torch.tensor([1.0, 3.0, 4.0], dtype=torch.float64).log()
    values = torch.tensor([8.0, 16.0, 40.0], dtype=torch.float64)
    query = torch.ones(3, 1, dtype=torch.float64)
    second, third = scaled_dot_product_attention(
        query, scores[:, None], values[:, None], is_causal=True
    )[1:, 0].tolist()
    found = rows()
    assert isinstance(found, dict), "type"
    assert set(found) == {"second", "third"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    near = {"rel_tol": 0, "abs_tol": 0.01}
    assert math.isclose(found["second"], second, **near), "masked: second"
    assert math.isclose(found["third"], third, **near), "weights: third"


# %% exr-attention-count
def test_attention_count(exercise):
    sizes = exercise.sizes

    import torch
    from torch import nn

    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(768, 12, 3072)
        parts = [nn.Embedding(50257, 768), nn.Embedding(1024, 768)]
        parts += [layer] * 12 + [nn.LayerNorm(768)]
        wanted = sum(p.numel() for part in parts for p in part.parameters())
        kept = [torch.empty(1024, 768, dtype=torch.float16)] * 24
    memory = sum(part.numel() * part.element_size() for part in kept)
    found = sizes()
    assert isinstance(found, dict), "type"
    assert set(found) == {"parameters", "cache"}, "keys"
    for name in found:
        assert hasattr(found[name], "__int__"), f"type: {name}"
    gap = int(found["parameters"]) - wanted
    assert gap != 50257 * 768, "twice"
    assert gap != -1024 * 768, "places"
    assert gap not in (-12 * 13 * 768, -12 * 9 * 768), "biases"
    assert gap != -1536, "last-norm"
    assert gap == 0, "parameters"
    cache = int(found["cache"])
    assert cache != memory // 2, "both"
    assert cache != memory // 12, "layers"
    assert cache not in (memory * 12, memory // 64), "heads"
    assert cache == memory, "cache"


# %% exr-attention-top-p
def test_attention_top_p(exercise):
    top_p = exercise.top_p

    import torch


    def fewest(row, p):
        """Return how many of the largest chances add up to p."""
        total, ordered = 0.0, sorted(row.tolist(), reverse=True)
        for count, chance in enumerate(ordered, start=1):
            total += chance
            if total >= p:
                return count
        return count


    def wanted_of(chances, p):
        """Return what should come, by a loop over rows."""
        rows = chances.detach().reshape(-1, chances.shape[-1])
        out = torch.zeros_like(rows)
        for i, row in enumerate(rows):
            at = row.topk(fewest(row, p)).indices
            out[i, at] = row[at] / row[at].sum()
        return out.view_as(chances)


    generator = torch.Generator().manual_seed(3)
    fixed = torch.tensor([0.125, 0.5, 0.0625, 0.25, 0.0625])
    cases = [(fixed, p) for p in (0.25, 0.5, 0.625, 0.75, 0.8)]
    for shape in ((7,), (4, 9), (2, 3, 6)):
        for p in (0.3, 0.85):
            scores = 2 * torch.randn(shape, generator=generator)
            cases.append((scores.double().softmax(dim=-1), p))
    for chances, p in cases:
        given = chances.clone().requires_grad_()
        came = top_p(given, p)
        assert came is not None, "returns"
        assert isinstance(came, torch.Tensor), "type"
        assert torch.equal(given.detach(), chances), "input"
        assert came.shape == chances.shape, f"shape: {tuple(came.shape)}"
        assert came.dtype == chances.dtype, f"dtype: {came.dtype}"
        wanted = wanted_of(chances, p)
        case = f"{tuple(chances.shape)}, p = {p}"
        if not torch.allclose(came, wanted, atol=1e-6):
            raw = chances * (wanted > 0)
            assert not torch.allclose(came, raw, atol=1e-6), "sum"
            ordered = (x.sort().values for x in (came, wanted))
            assert not torch.allclose(*ordered, atol=1e-6), f"order: {case}"
            lost = (came == 0) & (wanted > 0)
            other = ((came > 0) & (wanted == 0)).any(-1)
            assert not (lost.any(-1) & other).any(), f"largest: {case}"
            few = (came > 0).sum(-1) < (wanted > 0).sum(-1)
            assert not few.any(), f"short: {case}"
            more = (came > 0).sum(-1) > (wanted > 0).sum(-1)
            assert not more.any(), f"long: {case}"
            total = came.sum(-1)
            assert torch.allclose(total, torch.ones_like(total)), "sum"
        assert torch.allclose(came, wanted, atol=1e-6), f"value: {case}"
        assert came.requires_grad, "gradient"
        weigh = torch.arange(came.shape[-1], dtype=came.dtype)
        (came * weigh).sum().backward()
        twin = chances.clone().requires_grad_()
        kept = twin * (wanted > 0)
        kept = kept / kept.sum(-1, keepdim=True)
        (kept * weigh).sum().backward()
        assert given.grad is not None, "gradient"
        assert torch.allclose(given.grad, twin.grad, atol=1e-5), "gradient"
    even = torch.full((8,), 0.125)
    assert (top_p(even, 0.3) > 0).sum() == 3, "ties"
    try:
        whole = top_p(fixed, 1.0)
    except ValueError:
        raise AssertionError("whole: p = 1") from None
    assert torch.allclose(whole, fixed), "whole: p = 1"
    assert (top_p(fixed, 1e-6) > 0).sum() == 1, "short: p = 1e-6"
    for p in (0.0, -0.5, 1.01):
        try:
            top_p(fixed, p)
        except ValueError:
            continue
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}") from None
        raise AssertionError(f"raises: p = {p}")


# %% exr-attention-window
def test_attention_window(exercise):
    window_mask = exercise.window_mask

    import torch


    def seen(lengths, window, **slip):
        """Return the mask by loops, or what a slip makes of it."""
        t = max(lengths)
        out = torch.zeros(len(lengths), t, t, dtype=torch.bool)
        for b, length in enumerate(lengths):
            for i in range(t):
                for j in range(t):
                    near = 0 <= i - j < window + slip.get("more", 0)
                    if slip.get("both"):
                        near = abs(i - j) < window
                    if slip.get("strict"):
                        near = 0 < i - j < window
                    real = max(i, j) < length
                    if slip.get("keys"):
                        real = j < length
                    if slip.get("padding"):
                        real = True
                    itself = i == j and not slip.get("empty")
                    out[b, i, j] = near and real or itself
        return out


    slips = [("future", {"both": True}),
             ("itself", {"strict": True, "empty": True}),
             ("wide", {"more": 1}), ("narrow", {"more": -1}),
             ("padding", {"padding": True}), ("keys", {"keys": True}),
             ("empty", {"empty": True})]
    cases = [([5, 2, 6], 3), ([4], 2), ([1, 1], 1), ([3, 7], 9)]
    cases.append(([6, 1], 1))
    for lengths, window in cases:
        given = torch.tensor(lengths)
        came = window_mask(given, window)
        assert given.tolist() == lengths, "input"
        assert came is not None, "returns"
        assert isinstance(came, torch.Tensor), "type"
        wanted = seen(lengths, window)
        case = f"lengths {lengths}, window {window}"
        shape = tuple(came.shape)
        assert shape == tuple(wanted.shape), f"shape: {shape}, {case}"
        assert came.dtype == torch.bool, f"dtype: {came.dtype}"
        if not torch.equal(came, wanted):
            assert not torch.equal(came, ~wanted), "inverted"
            for name, slip in slips:
                wrong = seen(lengths, window, **slip)
                assert not torch.equal(came, wrong), f"{name}: {case}"
            place = torch.arange(max(lengths))
            real = place < given[:, None]
            if torch.equal(came[real], wanted[real]):
                assert came[~real].any(dim=-1).all(), f"empty: {case}"
                raise AssertionError(f"keys: {case}")
            back, more = place[:, None] - place, came & ~wanted
            assert not (more & (back < 0)).any(), f"future: {case}"
            assert not (more & (back >= window)).any(), f"wide: {case}"
            assert not more.any(), f"keys: {case}"
        assert torch.equal(came, wanted), f"value: {case}"
    for window in (0, -2):
        try:
            window_mask(torch.tensor([2, 3]), window)
        except ValueError:
            continue
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}") from None
        raise AssertionError(f"raises: window = {window}")


# %% exr-attention-streaming
def test_attention_streaming(exercise):
    streaming = exercise.streaming

    import torch
    from torch.nn.functional import scaled_dot_product_attention as right
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode


    class Small(TorchDispatchMode):
        """Refuse a tensor as large as all scores, or a row of them."""

        def __init__(self, limit, keys):
            super().__init__()
            self.limit, self.keys, self.seen = limit, keys, set()

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            name = func.overloadpacket.__name__
            scores = name in ("mm", "bmm", "mv", "exp", "_softmax")
            for part in out if isinstance(out, tuple | list) else (out,):
                if isinstance(part, torch.Tensor):
                    self.seen.update(part.shape)
                    assert part.numel() < self.limit, "whole"
                    row = scores and self.keys in part.shape
                    assert not row, "whole"
            return out


    class Own(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            assert func is not right, "own"
            return func(*args, **(kwargs or {}))


    def wrong(q, k, v, size):
        """Yield what slips make of it."""
        scores = q @ k.mT
        yield "scale", scores.softmax(dim=-1) @ v
        yield "scale", (scores / q.shape[-1]).softmax(dim=-1) @ v
        scores = scores / q.shape[-1] ** 0.5
        both = zip(scores.split(size, dim=-1), v.split(size))
        each = [part.softmax(dim=-1) @ some for part, some in both]
        yield "mean", sum(each) / len(each)
        yield "mean", sum(each)


    generator = torch.Generator().manual_seed(5)
    cases = [(40, 60, 4), (40, 60, 7), (9, 64, 1), (5, 6, 6), (3, 5, 8)]
    for dtype in (torch.float64, torch.float32):
        for n, m, size in cases:
            q, k, v = (
                torch.randn(rows, width, generator=generator).to(dtype)
                for rows, width in ((n, 3), (m, 3), (m, 2))
            )
            given = [x.clone().requires_grad_() for x in (q, k, v)]
            limit, keys = (n * m, m) if size < m else (10**9, -1)
            with Own(), Small(limit, keys) as watch:
                came = streaming(*given, size)
            assert came is not None, "returns"
            assert isinstance(came, torch.Tensor), "type"
            kept = map(torch.equal, given, (q, k, v))
            assert all(kept), "input"
            twins = [x.clone().requires_grad_() for x in (q, k, v)]
            wanted = right(*twins)
            case = f"n = {n}, m = {m}, size = {size}"
            shape = tuple(came.shape)
            assert shape == (n, 2), f"shape: {shape}, {case}"
            assert came.dtype == dtype, f"dtype: {came.dtype}"
            if not torch.allclose(came, wanted, atol=1e-5):
                for slip, other in wrong(q, k, v, size):
                    same = torch.allclose(came, other, atol=1e-5)
                    assert not same, f"{slip}: {case}"
            assert torch.allclose(came, wanted, atol=1e-5), f"value: {case}"
            assert size > m or size in watch.seen, f"size: {case}"
            assert came.requires_grad, "gradient"
            weigh = torch.tensor([1.0, 2.0], dtype=dtype)
            (came * weigh).sum().backward()
            (wanted * weigh).sum().backward()
            for x, y in zip(given, twins):
                assert x.grad is not None, "gradient"
                assert torch.allclose(x.grad, y.grad, atol=1e-4), "gradient"
    for sign in (300.0, -300.0):
        turns = torch.tensor([[1.0], [-1.0], [0.5], [0.0]])
        q, k = sign * turns, torch.linspace(1, 8, 8)[:, None]
        v = torch.arange(8.0)[:, None]
        for keys, values in ((k, v), (k.flip(0), v.flip(0))):
            came = streaming(q, keys, values, 2)
            assert came.isfinite().all(), f"overflow: scores of {sign * 8}"
            close = torch.allclose(came, right(q, keys, values), atol=1e-4)
            assert close, f"value: scores of {sign * 8}"
