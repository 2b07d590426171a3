# Generated from chapters/zh/04-tensors.qmd: edit there.
# Checksum 554319628b68: a change made here is refused, not lost.
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

    table = torch.tensor(
        [[1.0, 5.0, 10.0], [2.0, 5.0, 30.0], [6.0, 5.0, 20.0]]
    )
    before = table.clone()
    result = standardize(table)
    assert torch.equal(table, before), "input"
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
    alone = standardize(table[:1])
    assert torch.allclose(alone, torch.zeros(1, 3)), "one-row"
    tenths = standardize(torch.full((7, 1), 0.1))
    assert torch.allclose(tenths, torch.zeros(7, 1), atol=1e-6), "rounding"
    tiny = standardize(torch.tensor([[1e-8], [2e-8], [3e-8]]))
    assert tiny[2, 0] > 1, "threshold"


# %% exr-tensors-strict-mse
def test_tensors_strict_mse(exercise):
    strict_mse = exercise.strict_mse

    import torch

    pred, target = torch.tensor([1.0, 6.0]), torch.tensor([3.0, 5.0])
    loss = strict_mse(pred, target)
    assert isinstance(loss, torch.Tensor), f"type: {type(loss).__name__}"
    assert loss.shape == (), "number"
    assert loss.dtype == pred.dtype, f"dtype: {loss.dtype}"
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
    for shapes in [((4, 1), (4,)), ((2, 3), (3, 2))]:
        came = refusal(*shapes)
        words = [s for s in shapes if str(s) in came or str([*s]) in came]
        assert words == [*shapes], f"message: {came}"


# %% exr-tensors-windows
def test_tensors_windows(exercise):
    sliding_windows = exercise.sliding_windows

    import torch

    from torchbook.tensors import shares_storage

    series = torch.arange(6.0)
    result = sliding_windows(series, 3)
    assert isinstance(result, torch.Tensor), f"type: {type(result)}"
    assert result.shape == (4, 3), "count"
    expected = torch.stack([series[i : i + 3] for i in range(4)])
    assert torch.equal(result, expected), "start"
    assert shares_storage(result, series), "copy"
    table = torch.arange(12.0).reshape(4, 3)
    result = sliding_windows(table[:, 0], 2)
    expected = torch.tensor([[0.0, 3.0], [3.0, 6.0], [6.0, 9.0]])
    assert torch.equal(result, expected), "stride"
    result = sliding_windows(series[2:], 2)
    expected = torch.tensor([[2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])
    assert torch.equal(result, expected), "offset"
    assert shares_storage(sliding_windows(table[:, 1], 2), table), "copy"
    try:
        result = sliding_windows(series, 6)
    except ValueError:
        raise AssertionError("full: width = 6") from None
    assert result.shape == (1, 6), "full"
    for bad, width in [(series, 0), (series, 7), (table, 2)]:
        case = f"shape {tuple(bad.shape)}, width {width}"
        try:
            sliding_windows(bad, width)
        except ValueError:
            continue
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}, {case}") from None
        raise AssertionError(f"raises: {case}")


# %% exr-tensors-matmul
def test_tensors_matmul(exercise):
    matmul_boxes = exercise.matmul_boxes

    import torch

    generator = torch.Generator().manual_seed(4)


    def draw(*shape):
        """Return small whole numbers as floats: exact when multiplied."""
        return torch.randint(-9, 10, shape, generator=generator).float()


    a, b = draw(2, 3), draw(3, 4)
    result = matmul_boxes(a, b)
    assert isinstance(result, torch.Tensor), f"type: {type(result)}"
    assert result.shape == (2, 4), "shape"
    assert torch.equal(result, a @ b), "pairs: (2, 3) @ (3, 4)"
    square = draw(3, 3)
    result = matmul_boxes(square, square)
    assert torch.equal(result, square @ square), "pairs: (3, 3) @ (3, 3)"
    result = matmul_boxes(b.T, a.T)
    assert torch.equal(result, b.T @ a.T), "strides: b.T @ a.T"
    c, d = draw(4, 6)[1:, 3:], draw(4, 5)[1:, 1:4]
    result = matmul_boxes(c, d)
    assert torch.equal(result, c @ d), "offset: c[1:, 3:] @ d[1:, 1:4]"
    for left, right in [((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (6, 3, 1))]:
        c, d = draw(*left), draw(*right)
        try:
            result = matmul_boxes(c, d)
        except Exception:
            raise AssertionError(f"lead: {left} @ {right}") from None
        assert torch.equal(result, c @ d), f"lead: {left} @ {right}"
    whole = a.long()
    assert matmul_boxes(whole, whole.T).dtype == torch.int64, "dtype"
    bad = [((2, 3), (2, 3)), ((3,), (3, 2)), ((4, 2, 3), (5, 3, 2))]
    for left, right in bad:
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
