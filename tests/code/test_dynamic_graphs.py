"""dynamic_graphs against math and torch, and why-pytorch's claims about torch.

Roots and derivatives are float64 unless said otherwise; Heron's method ends within a few
roundings, so they agree to 1e-14. No graph here is optimized, so no compiler is needed.
"""

import math
import operator
from collections import Counter

import pytest
import torch
import torch.fx
from hypothesis import given, settings
from hypothesis import strategies as st

from torchbook.dynamic_graphs import count_operations, encode, newton_sqrt, nodes_of, watch

CLOSE = {"rel": 1e-14}

trees = st.recursive(st.sampled_from("abcd"), lambda part: st.tuples(part, part), max_leaves=9)


def merges(tree):
    return 0 if isinstance(tree, str) else 1 + sum(map(merges, tree))


def leaves(tree):
    return {tree} if isinstance(tree, str) else leaves(tree[0]) | leaves(tree[1])


def weights(device, size=3):
    generator = torch.Generator().manual_seed(0)
    vectors = {
        letter: torch.randn(size, generator=generator).to(device).requires_grad_()
        for letter in "abcd"
    }
    return vectors, torch.randn(size, 2 * size, generator=generator).to(device).requires_grad_()


# Square roots


@settings(deadline=None)
@given(st.floats(1e-12, 1e12))
def test_roots_and_derivatives_are_exact_up_to_rounding(number):
    a = torch.tensor(number, dtype=torch.float64, requires_grad=True)
    root, _ = newton_sqrt(a)
    root.backward()
    assert root.item() == pytest.approx(math.sqrt(number), **CLOSE)
    assert a.grad.item() == pytest.approx(0.5 / math.sqrt(number), **CLOSE)


@pytest.mark.parametrize("number", [1.0, 1 + 1e-9, 1 - 1e-9])
def test_the_derivative_is_right_where_the_loop_hardly_runs(number):
    """Without the last step it would be missing at 1, and off by 1e-8 beside it."""
    a = torch.tensor(number, dtype=torch.float64, requires_grad=True)
    root, steps = newton_sqrt(a)
    root.backward()
    assert steps <= 1
    assert a.grad.item() == pytest.approx(0.5 / math.sqrt(number), **CLOSE)


def test_one_step_repairs_any_derivative():
    """The exercise: with x at the root, whatever x' was, the next one is 1 / (2 sqrt a)."""
    for slope in (0.0, 0.9, -7.0):
        a = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
        x = 2.0 + slope * (a - 4.0)
        ((x + a / x) / 2).backward()
        assert a.grad.item() == pytest.approx(0.25, rel=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_ends_in_every_precision_and_on_every_device(device, dtype):
    for number in torch.logspace(-6, 6, 97, dtype=dtype).to(device):
        root, _ = newton_sqrt(number)
        assert root.dtype == dtype and root.device == number.device
        assert torch.allclose(root, number.sqrt(), rtol=4 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("number", [0.0, -1.0, math.inf, math.nan])
def test_what_has_no_root_is_refused(number):
    with pytest.raises(ValueError, match="no square root"):
        newton_sqrt(torch.tensor(number))


@pytest.mark.parametrize(("number", "steps"), [(1.0, 0), (2.0, 5), (9.0, 6), (1e4, 11)])
def test_the_graph_grows_with_the_steps(number, steps):
    a = torch.tensor(number, dtype=torch.float64, requires_grad=True)
    root, taken = newton_sqrt(a)
    assert taken == steps
    each = steps + 1  # the loop, and the step after it
    assert count_operations(root) == Counter(
        DivBackward0=2 * each, AddBackward0=each, AccumulateGrad=1
    )


# Graphs


def test_nodes_are_found_once_however_many_paths_lead_to_them():
    x = torch.ones((), requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y  # 2**60 paths
    found = nodes_of(y)
    assert len(found) == len(set(found)) == 61
    assert found[0] is y.grad_fn


def test_a_tensor_without_a_past_has_no_nodes():
    assert nodes_of(torch.ones(2)) == []
    assert count_operations(torch.ones(2, requires_grad=True)) == Counter()


# Trees


@settings(deadline=None)
@given(trees)
def test_the_graph_has_the_shape_of_the_tree(tree):
    vectors, weight = weights("cpu")
    out = encode(tree, vectors, weight)
    if isinstance(tree, str):
        assert out is vectors[tree]
        return
    each = merges(tree)
    assert count_operations(out) == Counter(
        TanhBackward0=each,
        MvBackward0=each,
        CatBackward0=each,
        AccumulateGrad=1 + len(leaves(tree)),
    )


def test_a_pair_by_hand(device):
    vectors, weight = weights(device)
    out = encode(("a", "b"), vectors, weight)
    left, right = weight[:, :3] @ vectors["a"], weight[:, 3:] @ vectors["b"]
    assert torch.allclose(out, torch.tanh(left + right), atol=1e-6)
    assert not torch.allclose(out, encode(("b", "a"), vectors, weight))


def test_the_shared_weight_gathers_the_gradient_of_every_use():
    vectors, weight = weights("cpu")
    copies = [weight.detach().clone().requires_grad_() for _ in range(2)]
    encode(("a", ("b", "c")), vectors, weight).sum().backward()
    inner = encode(("b", "c"), vectors, copies[0])
    encode(("a", "i"), {"a": vectors["a"], "i": inner}, copies[1]).sum().backward()
    assert torch.allclose(weight.grad, copies[0].grad + copies[1].grad, atol=1e-6)
    assert all(copy.grad.abs().max() > 0 for copy in copies)


# What the chapter says of tracing


def test_tracing_refuses_an_if_on_a_tensor():
    def choose(x):
        return x.relu() if x.sum() > 0 else -x

    with pytest.raises(torch.fx.proxy.TraceError, match="control flow"):
        torch.fx.symbolic_trace(choose)


def test_tracing_freezes_a_python_value():
    times = [3]

    def repeat(x):
        for _ in range(times[0]):
            x = x + 1
        return x

    traced = torch.fx.symbolic_trace(repeat)
    times[0] = 5
    assert traced(torch.zeros(())) == 3 and repeat(torch.zeros(())) == 5


def test_a_graph_shows_what_nobody_uses():
    def f(x):
        x.exp()
        return x + 1

    traced = torch.fx.symbolic_trace(f)
    names = [node.name for node in traced.graph.nodes]
    traced.graph.eliminate_dead_code()
    assert "exp" in names
    assert [node.name for node in traced.graph.nodes] == ["x", "add", "output"]


# What the chapter says of torch.compile


@pytest.fixture(autouse=True)
def forget_compiled_code():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def sign_of_the_sum(x):
    if x.sum() > 0:
        return x.relu()
    return -x


def test_an_if_on_a_tensor_breaks_the_graph_and_not_the_result():
    fast, graphs = watch(sign_of_the_sum)
    assert graphs == []  # nothing is captured before the first call
    captured = []
    for value in (1.0, -1.0, 1.0, -1.0):
        x = torch.full((2,), value)
        assert torch.equal(fast(x), sign_of_the_sum(x))
        captured.append(len(graphs))
    assert captured == [2, 3, 3, 3]


def test_fullgraph_refuses_to_break():
    strict = torch.compile(sign_of_the_sum, backend="eager", fullgraph=True)
    with pytest.raises(torch._dynamo.exc.Unsupported, match="branching"):
        strict(torch.ones(2))


def test_one_graph_serves_every_turn_of_a_loop():
    def shrink(x):
        while x.norm() > 1:
            x = x / 2
        return x

    fast, graphs = watch(shrink)
    for size, halvings in [(0.5, 0), (3.0, 2), (1000.0, 10)]:
        x = torch.tensor([size, 0.0], requires_grad=True)
        out = fast(x)
        out.sum().backward()
        assert out[0].item() == size / 2**halvings
        assert x.grad[0].item() == 0.5**halvings
    assert len(graphs) == 2
    halve = [sum(n.target is operator.truediv for n in g.graph.nodes) for g in graphs]
    assert halve == [0, 1]


def test_guards_notice_a_python_value_that_changed():
    times = [5]

    def repeat(x):
        y = torch.zeros_like(x)
        for _ in range(times[0]):
            y = y + x
        return y

    fast, graphs = watch(repeat)
    assert fast(torch.ones(2)).tolist() == [5, 5] and len(graphs) == 1
    assert fast(torch.ones(2)).tolist() == [5, 5] and len(graphs) == 1
    times[0] = 2
    assert fast(torch.ones(2)).tolist() == [2, 2] and len(graphs) == 2
    fast(torch.ones(3))
    assert len(graphs) == 3  # a new length
    fast(torch.ones(4))
    assert len(graphs) == 3  # from now on any length


def test_watched_functions_do_not_share_graphs():
    def double(x):
        return x * 2

    (one, first), (other, second) = watch(double), watch(double)
    assert torch.equal(one(torch.ones(2)), other(torch.ones(2)))
    assert len(first) == len(second) == 1 and first[0] is not second[0]


def test_the_recompile_limit_is_eight():
    assert torch._dynamo.config.recompile_limit == 8


def test_roots_compile_and_keep_their_gradients():
    fast, graphs = watch(newton_sqrt)
    seen = []
    for number in (2.0, 9.0, 1e4):
        a = torch.tensor(number, dtype=torch.float64, requires_grad=True)
        root, _ = fast(a)
        root.backward()
        assert a.grad.item() == pytest.approx(0.5 / math.sqrt(number), **CLOSE)
        seen.append(len(graphs))
    assert seen[1] == seen[2]  # more steps, the same graphs
