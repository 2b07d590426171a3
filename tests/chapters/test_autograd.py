# Generated from chapters/zh/05-autograd.qmd: edit there.
# Checksum f0d7209ac725: a change made here is refused, not lost.
# %% exr-autograd-by-hand
def test_autograd_by_hand(exercise):
    by_hand = exercise.by_hand

    import torch

    x = torch.tensor(2.0, requires_grad=True)
    y = torch.tensor(3.0, requires_grad=True)
    ((x * y + x) * y).backward()
    found = by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"x", "y"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    assert found["x"] == x.grad.item(), "paths: x"
    assert found["y"] == y.grad.item(), "paths: y"


# %% exr-autograd-maximum
def test_autograd_maximum(exercise):
    maximum = exercise.maximum

    import torch

    from torchbook.autograd_engine import Value

    double = {"dtype": torch.float64, "requires_grad": True}
    close = (0.5, 0.5 + 2**-50)
    far = [(2.0, 3.0), (3.0, 2.0), (-1.0, -2.0)]
    for numbers in [*far, (1.5, 1.5), (-4.0, -4.0), (0.0, 0.0), close]:
        ours = [Value(number) for number in numbers]
        theirs = [torch.tensor(number, **double) for number in numbers]
        result = maximum(*ours)
        assert result is not None, "returns"
        assert isinstance(result, Value), f"type: {type(result).__name__}"
        expected = torch.maximum(*theirs)
        assert result.data == expected.item(), f"value: maximum{numbers}"
        parents = {parent for parent, _ in result.edges}
        assert parents == set(ours), f"new-node: {len(parents)}"
        assert [v.data for v in ours] == list(numbers), "input: data"
        assert [v.grad for v in ours] == [0.0, 0.0], "input: grad"
        (10 * result).backward()
        (10 * expected).backward()
        came = [value.grad for value in ours]
        wanted = [tensor.grad.item() for tensor in theirs]
        if came == [10, 10]:
            assert came == wanted, f"both: maximum{numbers}, × 10"
        if came == wanted[::-1]:
            assert came == wanted, f"smaller: maximum{numbers}, × 10"
        if numbers[0] == numbers[1] and sorted(came) == [0, 10]:
            assert came == wanted, f"one-winner: maximum{numbers}, × 10"
        if numbers[0] == numbers[1]:
            assert came == wanted, f"tie: maximum{numbers}, × 10"
        assert came == wanted, f"slopes: maximum{numbers}, × 10"

    for number in (1.5, -2.0):
        one = Value(number)
        result = maximum(one, one)
        assert result.data == number, "value: maximum(a, a)"
        parents = {parent for parent, _ in result.edges}
        assert parents == {one}, f"new-node: {len(parents)}"
        t = torch.tensor(number, requires_grad=True)
        (10 * result).backward()
        (10 * torch.maximum(t, t)).backward()
        assert one.grad == t.grad.item(), "same: maximum(a, a), × 10"


# %% exr-autograd-best-step
def test_autograd_best_step(exercise):
    best_step = exercise.best_step

    import math

    for u in (2**-53, 2**-24, 1.0):
        h = best_step(u)
        assert h is not None, "returns"
        assert hasattr(h, "__float__"), f"type: {type(h).__name__}"
        assert h > 0, f"value: u = {u:.3g}"
        if math.isclose(h * h / 6, u / h, rel_tol=1e-3):
            assert h / 3 == u / h**2, f"equal-terms: u = {u:.3g}"
        ratio = best_step(8 * u) / h
        if math.isclose(ratio, 8, rel_tol=1e-3):
            assert math.isclose(ratio, 2, rel_tol=1e-3), "cubed: h(8u) / h"
        assert math.isclose(ratio, 2, rel_tol=1e-3), "exponent: h(8u) / h"
        error = h**2 / 6 + u / h
        around = [near**2 / 6 + u / near for near in (0.999 * h, 1.001 * h)]
        assert error < min(around), f"factor: E, u = {u:.3g}, h = {h:.3g}"


# %% exr-autograd-jacobian
def test_autograd_jacobian(exercise):
    jacobian = exercise.jacobian

    import torch


    def stretch(x):
        through = x[2] + (x[2].round() - x[2]).detach()
        return torch.stack(
            [x[0] * x[1], x[1] + x[2] ** 2, x.sum(), through]
        )


    def total(x):
        return (x**3).sum()[None]


    def powers(x):
        return torch.cat([x, x**2, x**3])


    def run(f, x):
        before, grad = x.detach().clone(), torch.full_like(x, 7.0)
        x.grad = grad.clone()
        found = jacobian(f, x)
        assert x.grad is not None, "x-grad: None"
        assert torch.equal(x.grad, grad), "x-grad"
        assert torch.equal(x.detach(), before), "input: x"
        assert x.requires_grad, "input: requires_grad"
        assert found is not None, "returns"
        kind = type(found).__name__
        assert isinstance(found, torch.Tensor), f"type: {kind}"
        wanted = torch.autograd.functional.jacobian(f, x)
        shape, right = tuple(found.shape), tuple(wanted.shape)
        if shape == right[::-1]:
            assert shape == right, "transposed"
        if f is not stretch and shape == (4, right[1]):
            assert shape == right, f"count: {shape}"
        assert shape == right, f"shape: {shape}"
        assert found.dtype == x.dtype, f"dtype: {found.dtype}"
        return found, wanted


    point = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    found, wanted = run(stretch, point)
    if torch.allclose(found, wanted.cumsum(0)):
        assert torch.allclose(found, wanted), "accumulated"
    if torch.allclose(found, wanted.sum(0).expand(4, 3)):
        assert torch.allclose(found, wanted), "sum-of-rows"
    if not found[3].any():
        assert torch.allclose(found[3], wanted[3]), "differences: row 3"
    assert torch.allclose(found, wanted), "value"

    exact = torch.tensor([0.3, -1.7], dtype=torch.float64)
    for f, x in [
        (stretch, torch.tensor([-1.0, 0.5, 4.0])),
        (powers, exact),
        (total, exact),
        (powers, exact[:1]),
    ]:
        try:
            found, wanted = run(f, x.clone().requires_grad_())
        except IndexError as error:
            raise AssertionError(f"count: {error}") from None
        assert torch.allclose(found, wanted), f"value: {f.__name__}"

    elsewhere = torch.zeros(2, device="meta", requires_grad=True)
    try:
        found = jacobian(powers, elsewhere)
    except NotImplementedError as error:  # a value, and meta has none
        assert "copy out" not in str(error), "device"
        found = elsewhere
    except RuntimeError as error:
        assert "device" not in str(error), "device"
        found = elsewhere
    assert found.device == elsewhere.device, "device"


# %% exr-autograd-straight-through
def test_autograd_straight_through(exercise):
    round_through = exercise.round_through

    import torch

    for values, dtype in [
        ([-1.7, 0.2, 2.6], torch.float32),
        ([0.4, -2.8, 1.3], torch.float32),
        ([[0.5, 1.5], [-0.4, 7.0]], torch.float64),
        (2.3, torch.float64),
    ]:
        x = torch.tensor(values, dtype=dtype, requires_grad=True)
        before = x.detach().clone()
        weight = 10.0 ** torch.arange(x.numel(), dtype=dtype).view(x.shape)
        came = round_through(x)
        assert came is not None, "returns"
        kind = type(came).__name__
        assert isinstance(came, torch.Tensor), f"type: {kind}"
        assert torch.equal(x.detach(), before), "input"
        assert x.requires_grad, "input: requires_grad"
        assert came.shape == x.shape, f"shape: {tuple(came.shape)}"
        assert came.dtype == x.dtype, f"dtype: {came.dtype}"
        assert torch.allclose(came, torch.round(before)), "not-rounded"
        assert came.requires_grad, "cut"
        (weight * came).sum().backward()
        assert x.grad is not None, "cut"
        if not x.grad.any():
            assert torch.equal(x.grad, weight), "flat"
        assert torch.allclose(x.grad, weight), "wrong-part"
    many = torch.linspace(-5, 5, 1001)
    kept = many.clone()
    rounded = round_through(many)
    assert torch.equal(many, kept), "input"
    assert not many.requires_grad, "input: requires_grad"
    assert torch.equal(rounded, many.round()), "parentheses"


# %% exr-autograd-forward-sweep
def test_autograd_forward_sweep(exercise):
    forward_sweep = exercise.forward_sweep

    import math

    import torch

    from torchbook.autograd_engine import Value

    x, y = Value(2.0), Value(3.0)
    output = (x * y + x) * y
    speeds = {x: 1.0}
    found = forward_sweep(output, speeds)
    assert found is not None, "returns"
    assert speeds == {x: 1.0}, "input: speeds"
    assert (x.grad, y.grad) == (0.0, 0.0), "grads"
    assert forward_sweep(x, {x: 3.0}) == 3.0, "leaves"
    sums = [forward_sweep(x + y, {leaf: 1.0}) for leaf in (x, y)]
    assert sums != [0.0, 1.0], "last-share: x + y"
    assert forward_sweep(x.tanh().tanh(), {x: 1.0}) != 0.0, "order"
    assert found == 12.0, "value: ∂f/∂x"
    assert forward_sweep(output, {y: 1.0}) == 14.0, "value: ∂f/∂y"
    assert forward_sweep(x * x, {x: 1.0}) == 4.0, "twice: x * x"
    both = {x: 1.0, y: -2.0, Value(5.0): 3.0}  # one has no part in it
    assert forward_sweep(output, both) == 12.0 - 2 * 14.0, "several"
    assert forward_sweep(output, {}) == 0.0, "value: {}"
    x.grad = 7.0
    assert forward_sweep(output, both) == 12.0 - 2 * 14.0, "grads"
    assert (x.grad, y.grad) == (7.0, 0.0), "grads"


    def curve(x, y):
        return (x - y) ** 2 / y + (x * y).tanh()


    start, pace = (0.5, -1.25), (2.0, 0.3)
    leaves = [Value(number) for number in start]
    found = forward_sweep(curve(*leaves), dict(zip(leaves, pace)))
    tensors = [torch.tensor(n, dtype=torch.float64) for n in start + pace]
    _, moved = torch.func.jvp(curve, tuple(tensors[:2]), tuple(tensors[2:]))
    assert math.isclose(found, moved.item(), rel_tol=1e-9), "value: curve"
