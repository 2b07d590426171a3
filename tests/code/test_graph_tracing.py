"""graph_tracing, and what its chapter says of FX, torch.compile, torch.export and torch.jit.

Graphs run as they were captured, without optimization, but for the one test of inductor,
which needs a C++ compiler.
"""

import io
import math
import operator
import shutil
import warnings

import pytest
import torch
import torch._inductor.config
import torch.fx
from torch import nn

from torchbook.dynamic_graphs import newton_sqrt
from torchbook.graph_tracing import watch

CLOSE = {"rel": 1e-14}

# Tracing


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


# torch.compile


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


def test_fullgraph_captures_an_item_and_plain_compile_breaks_there():
    def double(x):
        return x * x.sum().item()

    fast, graphs = watch(double)
    assert torch.equal(fast(torch.ones(2)), torch.full((2,), 2.0)) and len(graphs) == 2
    torch.compiler.reset()
    strict = torch.compile(double, backend="eager", fullgraph=True)
    assert torch.equal(strict(torch.ones(2)), torch.full((2,), 2.0))


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


def test_beyond_the_limit_calls_run_and_known_graphs_are_used():
    times = [0]

    def repeat(x):
        for _ in range(times[0]):
            x = x + 1
        return x

    fast, graphs = watch(repeat)
    for number in (*range(1, 12), 3, 11):
        times[0] = number
        assert fast(torch.zeros(2)).tolist() == [number, number]
    assert len(graphs) == 8


def test_what_follows_a_break_has_a_limit_of_its_own():
    times = [0]

    def repeat(x):
        for _ in range(times[0]):
            x = x + 1
        if x.sum() < 0:
            return -x
        for _ in range(times[0]):
            x = x + 1
        return x

    fast, graphs = watch(repeat)
    for number in range(1, 12):
        times[0] = number
        assert fast(torch.zeros(2)).tolist() == [2 * number, 2 * number]
    assert len(graphs) == 16


def test_the_backward_pass_computes_cheap_results_once_more():
    def chain(x):
        for _ in range(10):
            x = x.tanh()
        return x

    saved = []
    hooks = torch.autograd.graph.saved_tensors_hooks
    x = torch.tensor([0.5, -2.0], requires_grad=True)
    for f in (chain, torch.compile(chain, backend="aot_eager_decomp_partition")):
        kept = []
        with hooks(lambda t, kept=kept: (kept.append(t), t)[1], lambda t: t):
            f(x)
        saved.append(len(kept))
    assert saved == [10, 2]  # 2: the input and the result


def test_a_size_of_one_has_a_graph_of_its_own():
    fast, graphs = watch(lambda x: x + 1)
    captured = []
    for size in (2, 3, 4, 1, 5):
        fast(torch.ones(size))
        captured.append(len(graphs))
    assert captured == [1, 2, 2, 3, 3]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")
def test_a_break_keeps_the_computation_and_not_the_rounding():
    """In bfloat16: compiled whole, rounded once; with a break, rounded there too.

    One function for both, and two kernels: what is slow is the C++ compiler.
    """

    @torch.compile
    def both(x, w, b):
        y = x * w
        torch._dynamo.graph_break()
        return x * w + b, y + b

    generator = torch.Generator().manual_seed(0)
    x, w, b = (torch.randn(1000, generator=generator).bfloat16() for _ in range(3))
    fused = (x.float() * w.float() + b.float()).bfloat16()
    quick = {  # for the C++ compiler; the numbers are the same
        "aot_inductor.debug_compile": True,
        "cpp.vec_isa_ok": False,
        "cpp_cache_precompile_headers": False,
    }
    with torch._inductor.config.patch(quick):
        whole, broken = both(x, w, b)
    assert torch.equal(whole, fused)
    assert torch.equal(broken, x * w + b)
    assert 150 < (fused != x * w + b).sum() < 300


# torch.export


class Choose(nn.Module):
    def forward(self, x):
        return sign_of_the_sum(x)


class ChooseWhole(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x.relu(), lambda x: -x, (x,))


OPEN = ({0: torch.export.Dim("batch")},)


def net():
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)).eval()


def test_an_open_size_takes_any_and_the_file_needs_no_class():
    model = net()
    program = torch.export.export(model, (torch.randn(4, 3),), dynamic_shapes=OPEN)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    shipped = torch.export.load(file).module()
    for size in (1, 4, 100):
        x = torch.randn(size, 3)
        assert torch.allclose(shipped(x), model(x))
    with pytest.raises(AssertionError, match=r"size\(\)\[1\] == 3"):
        shipped(torch.randn(4, 5))


def test_without_open_sizes_only_the_example_s_shape_is_taken():
    shipped = torch.export.export(net(), (torch.randn(4, 3),)).module()
    with pytest.raises(AssertionError, match="Guard failed"):
        shipped(torch.randn(5, 3))


def test_export_refuses_an_if_on_a_tensor_and_an_open_size_of_one():
    with pytest.raises(Exception, match="data-dependent"):
        torch.export.export(Choose(), (torch.randn(4, 3),))
    with pytest.raises(Exception, match="Constraints violated"):
        torch.export.export(net(), (torch.randn(1, 3),), dynamic_shapes=OPEN)


def test_cond_takes_both_branches_along():
    both = torch.export.export(ChooseWhole(), (torch.randn(4, 3),)).module()
    for x in (torch.ones(4, 3), -torch.ones(4, 3)):
        assert torch.equal(both(x), sign_of_the_sum(x))


def test_export_leaves_behind_what_is_not_done_with_tensors():
    said = []

    class Talks(nn.Module):
        def forward(self, x):
            said.append(len(x))
            return x + 1

    shipped = torch.export.export(Talks(), (torch.ones(2),)).module()
    assert said == [2]
    assert torch.equal(shipped(torch.ones(2)), torch.full((2,), 2.0)) and said == [2]


def test_export_freezes_the_mode_and_other_python_values():
    shipped = torch.export.export(nn.Dropout(0.5).train(), (torch.ones(100),)).module()
    assert not torch.equal(shipped(torch.ones(100)), torch.ones(100))
    with pytest.raises(NotImplementedError):
        shipped.eval()


# torch.jit


def test_torch_jit_warns_and_its_trace_keeps_one_branch():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        scripted = torch.jit.script(sign_of_the_sum)
        traced = torch.jit.trace(sign_of_the_sum, torch.ones(2), check_trace=False)
    said = [(w.category.__name__, str(w.message)) for w in heard]
    assert [name for name, _ in said] == ["DeprecationWarning"] * 2 + ["TracerWarning"]
    assert all("`torch.compile` or `torch.export`" in text for _, text in said[:2])
    # not in the caller's name, so that Python's own filters hide it, in __main__ as well
    assert all("torch/jit" in w.filename.replace("\\", "/") for w in heard[:2])
    x = -torch.ones(2)
    assert torch.equal(scripted(x), torch.ones(2)) and torch.equal(traced(x), torch.zeros(2))
