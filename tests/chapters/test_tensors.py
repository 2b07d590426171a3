# Generated from chapters/zh/04-tensors.qmd: edit there.
# Checksum ac9cd0736d98: a change made here is refused, not lost.
# %% exr-tensors-boxes
def test_tensors_boxes(exercise):
    boxes_by_hand = exercise.boxes_by_hand

    import torch


    def tuples(value):
        """Return value with all its lists made tuples."""
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, list | tuple):
            return tuple(map(tuples, value))
        return value


    answers = boxes_by_hand()
    assert isinstance(answers, dict), "type"
    assert set(answers) == {"stride", "box", "swapped", "rows"}, "keys"
    t = torch.arange(24).reshape(2, 3, 4)
    assert tuples(answers["stride"]) == t.stride(), "stride"
    assert answers["box"] == t[1, 2, 3].item(), "box"
    swapped = t.transpose(0, 2).stride()
    assert tuples(answers["swapped"]) == swapped, "swapped"
    row = t[:, 1]
    rows = (tuple(row.shape), row.stride(), row.storage_offset())
    assert tuples(answers["rows"]) == rows, "rows"


# %% exr-tensors-copies
def test_tensors_copies(exercise):
    sharing_by_hand = exercise.sharing_by_hand

    import torch

    from torchbook.tensors import shares_storage

    m = torch.tensor([[11.0, 15.0, 13.0], [23.0, 27.0, 25.0]])
    made = {
        "a": m[0],
        "b": m[[0]],
        "c": m.T,
        "d": m.T.reshape(6),
        "e": m.reshape(6),
        "f": m + 0,
        "g": m[:, ::2],
        "h": m[m > 0],
        "i": m.to(torch.float32),
    }
    found = sharing_by_hand()
    assert isinstance(found, str | list | tuple | set), "type"
    answer = set("".join(map(str, found)).lower()) - set(", ，、")
    assert answer <= set(made), f"letters: {sorted(answer - set(made))}"
    shared = {name for name in made if shares_storage(m, made[name])}
    assert ("a" in answer) == ("a" in shared), "start: (a)"
    assert ("g" in answer) == ("g" in shared), "start: (g)"
    assert ("b" in answer) == ("b" in shared), "list: (b)"
    assert ("c" in answer) == ("c" in shared), "transpose: (c)"
    assert ("d" in answer) == ("d" in shared), "no-fixed-step: (d)"
    assert ("e" in answer) == ("e" in shared), "contiguous: (e)"
    assert ("f" in answer) == ("f" in shared), "arithmetic: (f)"
    assert ("h" in answer) == ("h" in shared), "mask: (h)"
    assert ("i" in answer) == ("i" in shared), "same: (i)"


# %% exr-tensors-standardize
def test_tensors_standardize(exercise):
    standardize = exercise.standardize

    import torch
    from torch.overrides import TorchFunctionMode


    def answer(table):
        """Return the answer for table, which must keep its values."""
        before = table.detach().clone()
        result = standardize(table)
        assert torch.equal(table.detach(), before), "input"
        return result


    table = torch.tensor(
        [[1.0, 5.0, 10.0], [2.0, 5.0, 30.0], [6.0, 5.0, 20.0]]
    )
    result = answer(table)
    assert result is not None, "returns"
    assert isinstance(result, torch.Tensor), f"type: {type(result)}"
    assert result.shape == table.shape, "shape"
    assert result.dtype == table.dtype, f"dtype: {result.dtype}"
    varied = result[:, [0, 2]]
    mean = varied.mean(dim=0)
    assert torch.allclose(mean, torch.zeros(2), atol=1e-6), "dim"
    biased = varied.std(dim=0, correction=0)
    if torch.allclose(varied.std(dim=0), torch.ones(2), atol=1e-5):
        assert torch.allclose(biased, torch.ones(2)), "correction"
    assert torch.allclose(biased, torch.ones(2), atol=1e-5), "spread"
    assert torch.allclose(result[:, 1], torch.zeros(3)), "nan"
    gap = table[:, [0, 2]] - table[:, [0, 2]].mean(dim=0)
    expected = gap / gap.square().mean(dim=0).sqrt()
    assert torch.allclose(varied, expected, atol=1e-5), "value"
    alone = answer(table[:1])
    assert torch.allclose(alone, torch.zeros(1, 3)), "one-row"
    tenths = answer(torch.full((7, 1), 0.1))
    assert torch.allclose(tenths, torch.zeros(7, 1), atol=1e-6), "rounding"
    tiny = answer(torch.tensor([[1e-8], [2e-8], [3e-8]]))
    assert tiny[2, 0] > 1, "threshold: about 1e-8"
    close = 1000 + 1e-4 * torch.arange(3, dtype=torch.float64)[:, None]
    assert answer(close)[2, 0] > 1, "threshold: 1000, 1000.0001, ..."
    ends = torch.tensor([[1.0, 2.0], [5.0, 2.0], [1.0, 3.0], [1.0, 2.0]])
    peaks = answer(ends).std(dim=0, correction=0)
    assert torch.allclose(peaks, torch.ones(2), atol=1e-5), "ends"


    class Calls(TorchFunctionMode):
        """Count the calls of torch."""

        count = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.count += 1
            return func(*args, **(kwargs or {}))


    counts = []
    for rows, columns in [(3, 2), (3, 9), (17, 2)]:
        spaced = torch.arange(float(rows * columns)).reshape(rows, columns)
        with Calls() as calls:
            answer(spaced)
        counts.append(calls.count)
    assert len(set(counts)) == 1, f"loop: {counts}"

    generator = torch.Generator().manual_seed(4)
    for dtype, near in [(torch.float64, 1e-9), (torch.float32, 1e-4)]:
        leaf = torch.rand(6, 4, generator=generator).to(dtype)
        leaf.requires_grad_()
        weigh = torch.rand(6, 4, generator=generator).to(dtype)
        result = answer(leaf)
        assert result.dtype == dtype, f"dtype: {result.dtype}"
        gap = leaf - leaf.sum(dim=0) / 6
        expected = gap / gap.square().mean(dim=0).sqrt()
        assert torch.allclose(result, expected, atol=near), "value"
        assert result.requires_grad, "detached"
        came = torch.autograd.grad(
            (result * weigh).sum(), leaf, allow_unused=True
        )[0]
        slope = torch.autograd.grad((expected * weigh).sum(), leaf)[0]
        assert came is not None, "detached"
        assert torch.allclose(came, slope, atol=100 * near), "detached"
        for same in [5.0, 0.1]:
            mixed = leaf.detach().clone()
            mixed[:, 1] = same
            mixed.requires_grad_()
            result = answer(mixed)
            zeros = torch.zeros(6, dtype=dtype)
            assert torch.allclose(result[:, 1], zeros, atol=near), "nan"
            came = torch.autograd.grad((result * weigh).sum(), mixed)[0]
            assert came[:, 1].isfinite().all(), f"nan-gradient: {same}"
            others = [0, 2, 3]
            assert torch.allclose(
                came[:, others], slope[:, others], atol=100 * near
            ), "detached"


# %% exr-tensors-strict-mse
def test_tensors_strict_mse(exercise):
    strict_mse = exercise.strict_mse

    import torch

    pred = torch.tensor([1.0, 6.0, 2.0])
    target = torch.tensor([3.0, 5.0, 8.0])
    kept = pred.clone(), target.clone()
    loss = strict_mse(pred, target)
    assert isinstance(loss, torch.Tensor), f"type: {type(loss).__name__}"
    assert loss.shape == (), "number"
    assert loss.dtype == pred.dtype, f"dtype: {loss.dtype}"
    assert torch.equal(pred, kept[0]), "input: pred"
    assert torch.equal(target, kept[1]), "input: target"
    gaps = pred - target
    mean, total = gaps.square().mean(), gaps.square().sum()
    if loss == total:
        assert torch.equal(loss, mean), "sum"
    if torch.isclose(loss, mean.sqrt()):
        assert torch.equal(loss, mean), "root"
    assert torch.allclose(loss, mean), "squared"


    def refusal(*shapes):
        """Return the message of the ValueError, or None without one."""
        try:
            strict_mse(*map(torch.zeros, shapes))
        except ValueError as error:
            return str(error)
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}, {shapes}") from None


    assert refusal((4, 1), (4,)) is not None, "broadcast: (4, 1), (4,)"
    assert refusal((4,), (1,)) is not None, "ndim: (4,), (1,)"
    assert refusal((2, 3), (3, 2)) is not None, "numel: (2, 3), (3, 2)"
    assert refusal((4, 1), (4, 3)) is not None, "length: (4, 1), (4, 3)"
    came = refusal((2, 3, 1), (2, 1, 3))
    assert came is not None, "length: (2, 3, 1), (2, 1, 3)"
    for shapes in [((2, 3), (3,)), ((3, 2), (1, 2)), ((), (1,))]:
        assert refusal(*shapes) is not None, f"broadcast: {shapes}"
    for shapes in [((4, 1), (4,)), ((2, 3), (3, 2))]:
        came = refusal(*shapes)
        words = [s for s in shapes if str(s) in came or str([*s]) in came]
        assert words == [*shapes], f"message: {came}"

    generator = torch.Generator().manual_seed(4)
    for shape in [(5,), (2, 3, 4), ()]:
        leaves = [
            torch.rand(shape, generator=generator).double().requires_grad_()
            for _ in "pt"
        ]
        loss = strict_mse(*leaves)
        assert loss.dtype == torch.float64, f"dtype: {loss.dtype}"
        expected = torch.nn.functional.mse_loss(*leaves)
        assert torch.allclose(loss, expected), f"squared: {shape}"
        assert loss.requires_grad, "detached"
        came = torch.autograd.grad(loss, leaves, allow_unused=True)
        for one, other in zip(came, torch.autograd.grad(expected, leaves)):
            assert one is not None, "detached"
            assert torch.allclose(one, other), "detached"


# %% exr-tensors-windows
def test_tensors_windows(exercise):
    sliding_windows = exercise.sliding_windows

    import torch

    from torchbook.tensors import shares_storage

    series = torch.arange(6.0)
    kept = series.clone()
    result = sliding_windows(series, 3)
    assert isinstance(result, torch.Tensor), f"type: {type(result)}"
    assert torch.equal(series, kept), "input"
    assert series.shape == kept.shape, "input"
    assert result.shape == (4, 3), "count"
    expected = torch.stack([kept[i : i + 3] for i in range(4)])
    assert result.dtype == series.dtype, f"dtype: {result.dtype}"
    assert torch.equal(result, expected), "start"
    assert shares_storage(result, series), "copy"
    table = torch.arange(12.0).reshape(4, 3)
    result = sliding_windows(table[:, 0], 2)
    expected = torch.stack([table[i : i + 2, 0] for i in range(3)])
    assert torch.equal(result, expected), "stride"
    result = sliding_windows(series[2:], 2)
    expected = torch.stack([kept[i : i + 2] for i in range(2, 5)])
    assert torch.equal(result, expected), "offset"
    assert shares_storage(sliding_windows(table[:, 1], 2), table), "copy"
    for width, name in [(6, "full"), (1, "single")]:
        try:
            result = sliding_windows(series, width)
        except ValueError:
            raise AssertionError(f"{name}: width = {width}") from None
        assert result.shape == (7 - width, width), name
        assert torch.equal(result.reshape(6), kept), name
    bads = [(series, 0), (series, -1), (series, 7), (table, 2)]
    bads += [(torch.zeros(()), 1), (torch.zeros(0), 1)]
    for bad, width in bads:
        case = f"shape {tuple(bad.shape)}, width {width}"
        try:
            sliding_windows(bad, width)
        except ValueError:
            continue
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}, {case}") from None
        raise AssertionError(f"raises: {case}")
    whole = sliding_windows(torch.arange(5), 2)
    assert whole.dtype == torch.int64, f"dtype: {whole.dtype}"
    leaf = torch.arange(5.0, dtype=torch.float64, requires_grad=True)
    result = sliding_windows(leaf, 3)
    assert result.dtype == leaf.dtype, f"dtype: {result.dtype}"
    assert result.requires_grad, "detached"
    weigh = torch.arange(9.0, dtype=leaf.dtype).reshape(3, 3)
    came = torch.autograd.grad((result * weigh).sum(), leaf)[0]
    stacked = torch.stack([leaf[i : i + 3] for i in range(3)])
    slope = torch.autograd.grad((stacked * weigh).sum(), leaf)[0]
    assert torch.allclose(came, slope), "detached"


# %% exr-tensors-matmul
def test_tensors_matmul(exercise):
    matmul_boxes = exercise.matmul_boxes

    import torch
    from torch.overrides import TorchFunctionMode

    generator = torch.Generator().manual_seed(4)


    def draw(*shape):
        """Return small whole numbers as floats: exact when multiplied."""
        return torch.randint(-9, 10, shape, generator=generator).float()


    class Watch(TorchFunctionMode):
        """Note products made by torch, and numbers not read from boxes."""

        PRODUCTS = set(
            "matmul mm bmm mv dot vdot inner einsum tensordot linear "
            "bilinear addmm addbmm baddbmm addmv multi_dot vecdot "
            "chain_matmul __matmul__ __rmatmul__ linalg_matmul".split()
        )

        def __init__(self, *inputs):
            super().__init__()
            self.inputs, self.known = inputs, [*inputs]
            self.products, self.strangers = set(), set()

        def comes_from(self, x, known):
            """Return whether x has the storage of one of these."""
            place = x.untyped_storage().data_ptr()
            places = [k.untyped_storage().data_ptr() for k in known]
            return place in places

        def whole(self, x):
            """Return whether x is all the boxes of an input."""
            size = x.untyped_storage().nbytes() // x.element_size()
            return self.comes_from(x, self.inputs) and x.shape == (size,)

        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            name = func.__name__
            if name in self.PRODUCTS:
                self.products.add(name)
            first = args[0] if args else None
            if not isinstance(first, torch.Tensor) or name[:4] == "new_":
                return result
            if self.comes_from(first, self.known):
                reads = name in ("tolist", "numpy", "__array__")
                if name == "__getitem__" and result.ndim == 0:
                    reads = True
                if reads and not self.whole(first):
                    self.strangers.add(name)
                fresh = name.endswith("_like")
                if isinstance(result, torch.Tensor) and not fresh:
                    self.known.append(result)
            return result


    a, b = draw(2, 3) / 4, draw(3, 4) / 4
    kept = a.clone(), b.clone()
    result = matmul_boxes(a, b)
    assert isinstance(result, torch.Tensor), f"type: {type(result)}"
    assert torch.equal(a, kept[0]) and torch.equal(b, kept[1]), "input"
    assert result.shape == (2, 4), "shape"
    assert torch.equal(result, a @ b), "pairs: (2, 3) @ (3, 4)"
    square = draw(3, 3)
    result = matmul_boxes(square, square)
    assert torch.equal(result, square @ square), "pairs: (3, 3) @ (3, 3)"
    with Watch(b, a) as watch:
        matmul_boxes(b.T, a.T)
    assert not watch.products, f"torch: {sorted(watch.products)}"
    assert not watch.strangers, f"boxes: {sorted(watch.strangers)}"
    result = matmul_boxes(b.T, a.T)
    assert torch.equal(result, b.T @ a.T), "strides: b.T @ a.T"
    c, d = draw(4, 6)[1:, 3:], draw(4, 5)[1:, 1:4]
    result = matmul_boxes(c, d)
    assert torch.equal(result, c @ d), "offset: c[1:, 3:] @ d[1:, 1:4]"
    leads = [((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (6, 3, 1))]
    for left, right in [*leads, ((2, 3), (4, 3, 2))]:
        c, d = draw(*left), draw(*right)
        try:
            result = matmul_boxes(c, d)
        except Exception:
            raise AssertionError(f"lead: {left} @ {right}") from None
        assert torch.equal(result, c @ d), f"lead: {left} @ {right}"
    for dtype in [torch.int64, torch.float64, torch.int32, torch.float32]:
        c, d = draw(2, 3).to(dtype), draw(3, 4).to(dtype)
        result = matmul_boxes(c, d)
        assert result.dtype == dtype, f"dtype: {dtype}"
        assert torch.equal(result, c @ d), f"value: {dtype}"
    for c in [draw(2, 3).double() + 2**-40, draw(2, 3).long() * 2**30 + 1]:
        d = draw(3, 4).to(c.dtype)  # more digits than float32 has
        assert torch.equal(matmul_boxes(c, d), c @ d), f"dtype: {c.dtype}"
    for left, right in [((2, 0), (0, 3)), ((0, 2), (2, 3))]:
        c, d = torch.zeros(left), torch.zeros(right)
        result = matmul_boxes(c, d)
        assert result.shape == (c @ d).shape, f"shape: {left} @ {right}"
        assert torch.equal(result, c @ d), f"value: {left} @ {right}"
        assert result.dtype == c.dtype, f"dtype: {left} @ {right}"
    with torch.device("meta"):
        result = matmul_boxes(a, b)
    assert result.device == a.device, "device"
    bad = [((2, 3), (2, 3)), ((3,), (3, 2)), ((4, 2, 3), (5, 3, 2))]
    for left, right in [*bad, ((2, 3), (3,)), ((3,), (3,))]:
        try:
            matmul_boxes(torch.zeros(left), torch.zeros(right))
        except ValueError:
            continue
        except Exception as error:
            came = type(error).__name__
            raise AssertionError(
                f"raises: {came}, {left} @ {right}"
            ) from None
        raise AssertionError(f"raises: {left} @ {right}")
