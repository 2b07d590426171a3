# Generated from chapters/zh/05-autograd.qmd: edit there.
# Checksum 8a9a94eed4e3: a change made here is refused, not lost.
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
    assert found["x"] == x.grad.item(), "paths: x"
    assert found["y"] == y.grad.item(), "paths: y"


# %% exr-autograd-maximum
def test_autograd_maximum(exercise):
    maximum = exercise.maximum

    import torch

    from torchbook.autograd_engine import Value

    for numbers in [(2.0, 3.0), (3.0, 2.0), (-1.0, -2.0), (1.5, 1.5)]:
        ours = [Value(number) for number in numbers]
        theirs = [torch.tensor(n, requires_grad=True) for n in numbers]
        result = maximum(*ours)
        assert result is not None, "returns"
        assert isinstance(result, Value), f"type: {type(result).__name__}"
        expected = torch.maximum(*theirs)
        assert result.data == expected.item(), f"value: maximum{numbers}"
        parents = {parent for parent, _ in result.edges}
        assert parents == set(ours), f"new-node: {len(parents)}"
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
        assert came == wanted, f"slopes: maximum{numbers}, × 10"


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
        around = [near**2 / 6 + u / near for near in (0.99 * h, 1.01 * h)]
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


    point = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    point.grad = torch.full((3,), 7.0)
    found = jacobian(stretch, point)
    kept = torch.full((3,), 7.0)
    assert point.grad is not None, "x-grad: None"
    assert torch.equal(point.grad, kept), "x-grad"
    assert found is not None, "returns"
    assert isinstance(found, torch.Tensor), f"type: {type(found).__name__}"
    if found.shape == (3, 4):
        assert tuple(found.shape) == (4, 3), "transposed"
    assert tuple(found.shape) == (4, 3), "shape"
    assert found.dtype == point.dtype, f"dtype: {found.dtype}"
    wanted = torch.autograd.functional.jacobian(stretch, point)
    if torch.allclose(found, wanted.cumsum(0)):
        assert torch.allclose(found, wanted), "accumulated"
    if torch.allclose(found, wanted.sum(0).expand(4, 3)):
        assert torch.allclose(found, wanted), "sum-of-rows"
    if not found[3].any():
        assert torch.allclose(found[3], wanted[3]), "differences: row 3"
    assert torch.allclose(found, wanted), "value"


# %% exr-autograd-straight-through
def test_autograd_straight_through(exercise):
    round_through = exercise.round_through

    import torch

    x = torch.tensor([-1.7, 0.2, 2.6], requires_grad=True)
    weight = torch.tensor([1.0, 10.0, 100.0])
    came = round_through(x)
    assert came is not None, "returns"
    assert isinstance(came, torch.Tensor), f"type: {type(came).__name__}"
    assert came.dtype == x.dtype, f"dtype: {came.dtype}"
    assert torch.allclose(came, torch.round(x)), "not-rounded"
    assert came.requires_grad, "cut"
    (weight * came).sum().backward()
    assert x.grad is not None, "cut"
    if not x.grad.any():
        assert torch.equal(x.grad, weight), "flat"
    assert torch.allclose(x.grad, weight), "wrong-part"
    many = torch.linspace(-5, 5, 1001)
    double = round_through(many.double()).dtype
    assert double == torch.float64, f"dtype: {double}"
    assert torch.equal(round_through(many), many.round()), "parentheses"


# %% exr-autograd-forward-sweep
def test_autograd_forward_sweep(exercise):
    forward_sweep = exercise.forward_sweep

    from torchbook.autograd_engine import Value

    x, y = Value(2.0), Value(3.0)
    output = (x * y + x) * y
    speeds = {x: 1.0}
    found = forward_sweep(output, speeds)
    assert found is not None, "returns"
    assert speeds == {x: 1.0}, "input: speeds"
    assert (x.grad, y.grad) == (0.0, 0.0), "grads"
    assert forward_sweep(x, {x: 3.0}) == 3.0, "leaves"
    if found == 0.0:
        assert found == 12.0, "order"
    assert found == 12.0, "value: ∂f/∂x"
    assert forward_sweep(output, {y: 1.0}) == 14.0, "value: ∂f/∂y"
    assert forward_sweep(x * x, {x: 1.0}) == 4.0, "twice: x * x"
    both = {x: 1.0, y: -2.0}
    assert forward_sweep(output, both) == 12.0 - 2 * 14.0, "several"
    assert forward_sweep(output, {}) == 0.0, "value: {}"
    x.grad = 7.0
    assert forward_sweep(output, both) == 12.0 - 2 * 14.0, "grads"
    assert (x.grad, y.grad) == (7.0, 0.0), "grads"
