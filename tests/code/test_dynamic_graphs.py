"""dynamic_graphs against math and torch, and why-pytorch's claims about torch.

Roots and derivatives are float64 unless said otherwise; Heron's method ends within a few
roundings, so they agree to 1e-14.
"""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torchbook.dynamic_graphs import count_operations, encode, newton_sqrt, nodes_of

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


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_it_ends_for_the_largest_and_the_smallest_number(dtype):
    """Where the square of the root overflows, or an error in proportion to it underflows."""
    limits = torch.finfo(dtype)
    for number in (limits.max, limits.tiny, limits.smallest_normal * limits.eps):
        a = torch.tensor(number, dtype=dtype)
        root, _ = newton_sqrt(a)
        assert root.item() == pytest.approx(math.sqrt(a.item()), rel=4 * limits.eps)


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
