"""autograd_engine against torch, and the chapter's claims about torch itself.

Everything is float64. Engine and torch apply the same rules but may group products
differently, so gradients agree to 1e-9; nudged ones only to the accuracy of the step.
"""

import math

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from torchbook.autograd_engine import Node, Value, central_difference

EXACT = {"rel": 1e-9, "abs": 1e-9}  # rounding only
NUDGED = {"rel": 1e-5, "abs": 1e-5}  # h = 1e-5: truncation 1e-10, rounding 1e-11, times size

# A device does not change between the examples of one test.
with_device = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)

numbers = st.floats(-2, 2, allow_subnormal=False)
points = st.tuples(numbers, numbers, numbers)


def grown(inner):
    """Larger expressions from smaller ones; every result stays smooth and moderate."""
    constant = st.sampled_from([-1.5, 0.5, 2])
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.tuples(st.sampled_from(["c+", "c-", "c*", "c/", "-c", "/c"]), inner, constant),
        st.tuples(st.just("**"), inner, st.sampled_from([0, 1, 2, 3])),
        st.tuples(st.sampled_from(["tanh", "neg"]), inner),
    )


expressions = st.recursive(st.sampled_from([0, 1, 2]), grown, max_leaves=12)

RULES = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / (1 + b * b),  # never near zero
    "c+": lambda a, c: c + a,
    "c-": lambda a, c: c - a,
    "-c": lambda a, c: a - c,
    "c*": lambda a, c: c * a,
    "c/": lambda a, c: c / (1 + a * a),
    "/c": lambda a, c: a / c,
    "**": lambda a, n: a**n,
    "tanh": lambda a: a.tanh(),
    "neg": lambda a: -a,
}


def evaluate(expression, inputs):
    """The expression over Values or tensors; a number stands for an input."""
    if isinstance(expression, int):
        return inputs[expression]
    rule, *parts = expression
    first, *rest = parts
    if rule in ("+", "-", "*", "/"):
        rest = [evaluate(rest[0], inputs)]
    return RULES[rule](evaluate(first, inputs), *rest)


def engine_gradient(expression, point):
    inputs = [Value(number) for number in point]
    output = evaluate(expression, inputs)
    output.backward()
    return output.data, [value.grad for value in inputs]


@with_device
@given(expressions, points)
def test_random_expressions_agree_with_torch(device, expression, point):
    data, ours = engine_gradient(expression, point)
    assume(max(map(abs, [data, *ours])) < 1e6)
    x = torch.tensor(point, dtype=torch.float64, device=device, requires_grad=True)
    output = evaluate(expression, x.unbind())
    output.backward()
    assert data == pytest.approx(output.item(), **EXACT)
    assert ours == pytest.approx(x.grad.tolist(), **EXACT)


@settings(deadline=None)
@given(expressions, points)
def test_random_expressions_agree_with_nudging(expression, point):
    data, ours = engine_gradient(expression, point)
    assume(max(map(abs, [data, *ours])) < 10)

    def number(*inputs):
        return evaluate(expression, [Value(i) for i in inputs]).data

    coarse = central_difference(number, point, h=2e-5)
    fine = central_difference(number, point, h=1e-5)
    assume(coarse == pytest.approx(fine, rel=1e-6, abs=1e-6))  # else too curved for this h
    assert ours == pytest.approx(fine, **NUDGED)


@given(expressions, points, st.integers(2, 4))
def test_backward_accumulates_in_every_node(expression, point, times):
    output = evaluate(expression, [Value(number) for number in point])
    output.backward()
    once = [node.grad for node in output.history()]
    for _ in range(times - 1):
        output.backward()
    many = [node.grad for node in output.history()]
    assert many == pytest.approx([times * grad for grad in once], rel=1e-12)


@given(expressions, points)
def test_history_is_newest_first_and_complete(expression, point):
    output = evaluate(expression, [Value(number) for number in point])
    history = output.history()
    place = {node: i for i, node in enumerate(history)}
    assert history[0] is output and len(place) == len(history)
    for node in history:
        assert all(place[parent] > place[node] for parent, _ in node.edges)


def test_the_chapters_example():
    a, b = Value(2), Value(3)
    y = (a + b) * b
    y.backward()
    assert (y.data, a.grad, b.grad) == (15.0, 3.0, 8.0)


def test_overwriting_in_place_of_adding_would_give_three():
    """The chapter's question: with `flow[parent] = …`, b keeps the addition's share."""
    a, b = Value(2), Value(3)
    y = (a + b) * b
    flow = {y: 1.0}
    for node in y.history():
        for parent, slope in node.edges:
            flow[parent] = slope * flow[node]
    assert flow[b] == 3.0


def test_seed_scales_the_gradient():
    x = Value(3)
    (x * x).backward(seed=0.5)
    assert x.grad == 3.0


def test_an_output_is_its_own_gradient_of_one():
    x = Value(3)
    x.backward()
    assert x.grad == 1.0


def test_backward_leaves_data_alone():
    a, b = Value(2), Value(3)
    y = (a + b) * b
    y.backward()
    assert (a.data, b.data, y.data) == (2.0, 3.0, 15.0)


def test_a_long_chain_needs_no_recursion():
    x = Value(1.0)
    y = x
    for _ in range(5000):
        y = y + 1
    y.backward()
    assert (y.data, x.grad) == (5001.0, 1.0)


def test_shared_nodes_are_visited_once():
    """2**60 paths, 61 nodes: walking every path would never end."""
    x = Value(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


@pytest.mark.parametrize("base", [-2.0, 0.0, 1.5])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_powers_as_torch_has_them(device, base, n):
    x = Value(base)
    (x**n).backward()
    t = torch.tensor(base, dtype=torch.float64, device=device, requires_grad=True)
    (t**n).backward()
    assert x.grad == pytest.approx(t.grad.item(), **EXACT)


@pytest.mark.parametrize("divide", [lambda x: 1 / x, lambda x: x**-1, lambda x: Value(1) / x])
def test_division_by_zero_raises(divide):
    with pytest.raises(ZeroDivisionError):
        divide(Value(0.0))


def test_exponents_are_plain_numbers():
    with pytest.raises(TypeError):
        Value(2.0) ** Value(3.0)


def test_a_node_takes_any_rule():
    x = Node(2.0)
    y = Node(math.log(2.0), [(x, 0.5)], "log")
    y.backward()
    assert x.grad == 0.5


def test_central_difference_is_exact_for_quadratics_up_to_rounding():
    slopes = central_difference(lambda x, y: 3 * x * x + x * y, [2.0, 5.0], h=0.5)
    assert slopes == pytest.approx([17.0, 2.0], rel=1e-14)


def test_central_difference_error_falls_with_the_square_of_h():
    errors = [abs(central_difference(math.exp, [1.0], h)[0] - math.e) for h in (1e-2, 5e-3)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=1e-3)


def test_central_difference_calls_f_twice_for_each_input():
    calls = []

    def f(*x):
        calls.append(x)
        return sum(x)

    central_difference(f, [1.0, 2.0, 3.0], h=0.25)
    assert calls == [
        (1.25, 2.0, 3.0),
        (0.75, 2.0, 3.0),
        (1.0, 2.25, 3.0),
        (1.0, 1.75, 3.0),
        (1.0, 2.0, 3.25),
        (1.0, 2.0, 2.75),
    ]


# What the chapter says of torch, where the source article says otherwise or the same.


def test_autograd_is_exact_where_an_estimate_is_not(device):
    """The article: derivatives are estimated numerically. They are not."""
    x = torch.tensor(1.0, dtype=torch.float64, device=device, requires_grad=True)
    x.exp().backward()
    estimate = central_difference(math.exp, [1.0])[0]
    assert abs(x.grad.item() - math.e) <= math.ulp(math.e)
    assert abs(estimate - math.e) > 1e4 * math.ulp(math.e)


def test_neither_pass_changes_a_weight(device):
    w = torch.randn(3, 2, generator=torch.Generator().manual_seed(0)).to(device)
    w.requires_grad_()
    before = w.detach().clone()
    loss = (w @ torch.ones(2, device=device)).square().sum()
    assert torch.equal(w, before)
    loss.backward()
    assert torch.equal(w, before) and w.grad.abs().max() > 0


def test_b_grad_is_none_without_requires_grad(device):
    a = torch.ones(3, device=device, requires_grad=True)
    b = torch.ones(3, device=device)
    (a + b).sum().backward()
    assert torch.equal(a.grad, torch.ones(3, device=device)) and b.grad is None


def test_backward_adds_to_grad(device):
    w = torch.tensor(2.0, device=device, requires_grad=True)
    for times in (1, 2, 3):
        ((3 * w - 1) ** 2).backward()
        assert w.grad.item() == 30 * times


def test_several_outputs_need_a_vector(device):
    x = torch.ones(3, device=device, requires_grad=True)
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        (2 * x).backward()
    v = torch.tensor([1.0, 10.0, 100.0], device=device)
    (2 * x).backward(v)
    assert torch.equal(x.grad, 2 * v)


def test_detach_shares_memory_and_cuts_the_gradient(device):
    w = torch.tensor(2.0, device=device, requires_grad=True)
    (w * w.detach()).backward()
    assert w.grad.item() == 2.0
    assert w.detach().data_ptr() == w.data_ptr()


def test_a_leaf_is_changed_in_place_only_off_the_record(device):
    w = torch.tensor(2.0, device=device, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        w -= 0.1
    with torch.no_grad():
        w -= 0.5
    assert w.item() == 1.5 and w.is_leaf and w.requires_grad


@pytest.mark.filterwarnings("ignore:Input #0 requires gradient")
def test_gradcheck_in_float32_fails_a_correct_rule(device):
    for dtype, passes in ((torch.float64, True), (torch.float32, False)):
        x = torch.tensor([-1.0, 2.0], dtype=dtype, device=device, requires_grad=True)
        assert torch.autograd.gradcheck(torch.sigmoid, x, raise_exception=False) is passes


def test_an_overwritten_number_that_the_graph_needs_is_noticed(device):
    w = torch.tensor([-1.0, 0.0, 2.0], device=device, requires_grad=True)
    p = torch.sigmoid(w)
    p /= p.max()
    assert p._version == 1
    with pytest.raises(RuntimeError, match=r"output 0 of Div.*version 1; expected version 0"):
        p.sum().backward()
    q = torch.sigmoid(w)
    q = q / q.max()
    q.sum().backward()
    assert torch.autograd.gradcheck(
        lambda x: torch.sigmoid(x) / torch.sigmoid(x).max(),
        w.detach().double().requires_grad_(),
    )
    assert w.grad.isfinite().all()


def test_in_place_is_fine_where_no_rule_needs_the_old_numbers(device):
    w = torch.ones(3, device=device, requires_grad=True)
    p = 3 * w
    p /= 2
    p.sum().backward()
    assert torch.equal(w.grad, torch.full_like(w, 1.5))


def test_data_goes_past_the_version_counter_to_a_wrong_gradient(device):
    w = torch.tensor([-1.0, 0.0, 2.0], device=device, requires_grad=True)
    p = torch.sigmoid(w)
    p.data /= p.max()
    assert p._version == 0
    p.sum().backward()
    (right,) = torch.autograd.grad((torch.sigmoid(w) / torch.sigmoid(w).max()).sum(), w)
    (unscaled,) = torch.autograd.grad(torch.sigmoid(w).sum(), w)
    assert torch.equal(w.grad, (p * (1 - p)).detach())
    assert not torch.allclose(w.grad, right) and not torch.allclose(w.grad, unscaled)


def test_a_graph_is_used_again_only_if_it_is_retained(device):
    w = torch.tensor(2.0, device=device, requires_grad=True)
    loss = (3 * w - 1) ** 2
    loss.backward(retain_graph=True)
    loss.backward()
    assert w.grad.item() == 60
    with pytest.raises(RuntimeError, match="a second time"):
        loss.backward()


def test_a_second_derivative_needs_create_graph(device):
    w = torch.tensor(2.0, device=device, requires_grad=True)
    (slope,) = torch.autograd.grad((3 * w - 1) ** 2, w)
    assert slope.grad_fn is None
    loss = (3 * w - 1) ** 2
    (slope,) = torch.autograd.grad(loss, w, create_graph=True)
    assert torch.autograd.grad(loss, w, retain_graph=True)[0].item() == 30  # still there
    assert torch.autograd.grad(slope, w)[0].item() == 18 and w.grad is None


def test_what_inference_mode_returns_cannot_be_saved_for_backward(device):
    w = torch.tensor(2.0, device=device, requires_grad=True)
    with torch.no_grad():
        free = 3 * w
    with torch.inference_mode():
        barred = 3 * w
    assert not free.requires_grad and not barred.requires_grad
    assert (free * w).requires_grad and (barred.clone() * w).requires_grad
    with pytest.raises(RuntimeError, match="cannot be saved for backward"):
        barred * w


@pytest.mark.parametrize(
    ("corner", "slope"),
    [
        (torch.relu, 0.0),
        (lambda x: x.clamp(min=0), 1.0),
        (lambda x: torch.maximum(x, torch.zeros_like(x)), 0.5),
        (lambda x: torch.where(x == 0, 4.0, x**2), 0.0),
        (lambda x: torch.where(x > 0, x.sqrt(), 0 * x), math.nan),
        (lambda x: torch.where(x > 0, torch.where(x > 0, x, 1.0).sqrt(), 0 * x), 0.0),
    ],
    ids=["relu", "clamp", "maximum", "patched", "root", "safe root"],
)
def test_autograd_differentiates_the_program_that_ran(device, corner, slope):
    x = torch.tensor(0.0, device=device, requires_grad=True)
    corner(x).backward()
    assert x.grad.item() == pytest.approx(slope, nan_ok=True)


class Together(torch.autograd.Function):
    """The older form: forward takes ctx and saves."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sigmoid()

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * x.sigmoid() * (1 - x.sigmoid())


class Apart(Together):
    @staticmethod
    def forward(x):
        return x.sigmoid()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)


class Complete(Apart):
    generate_vmap_rule = True

    @staticmethod
    def jvp(ctx, speed):
        (x,) = ctx.saved_tensors
        return speed * x.sigmoid() * (1 - x.sigmoid())


@pytest.mark.parametrize(
    ("rule", "works"),
    [(Together, []), (Apart, ["grad"]), (Complete, ["grad", "vmap", "jvp"])],
    ids=["forward(ctx, x)", "setup_context", "with vmap and jvp"],
)
def test_torch_func_asks_for_setup_context_a_vmap_rule_and_jvp(device, rule, works):
    x = torch.tensor([-1.0, 0.0, 2.0], device=device)
    transforms = {
        "grad": lambda: torch.func.grad(lambda x: rule.apply(x).sum())(x),
        "vmap": lambda: torch.vmap(rule.apply)(x),
        "jvp": lambda: torch.func.jvp(rule.apply, (x,), (torch.ones_like(x),))[1],
    }
    p = x.sigmoid()
    wanted = {"grad": p * (1 - p), "vmap": p, "jvp": p * (1 - p)}
    for name, transform in transforms.items():
        if name in works:
            assert torch.allclose(transform(), wanted[name]), name
        else:
            with pytest.raises(
                RuntimeError, match=r"setup_context|vmap support|the jvp function"
            ):
                transform()
