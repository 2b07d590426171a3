# Generated from chapters/zh/03-why-pytorch.qmd: edit there.
# Checksum dc23c75c9fe2: a change made here is refused, not lost.
# %% exr-why-pytorch-by-hand
def test_why_pytorch_by_hand(exercise):
    tree_by_hand = exercise.tree_by_hand

    import torch

    from torchbook.dynamic_graphs import count_operations, encode

    leaves = {name: torch.ones(2, requires_grad=True) for name in "ab"}
    weight = torch.ones(2, 4, requires_grad=True)
    tree = (("a", "b"), ("a", ("b", "a")))
    counts = count_operations(encode(tree, leaves, weight))


    def depth(tree):
        return 0 if isinstance(tree, str) else 1 + max(map(depth, tree))


    found = tree_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"tanh", "nodes", "depth"}, "keys"
    assert found["tanh"] == counts["TanhBackward0"], "tanh"
    assert found["nodes"] == counts.total(), "nodes"
    assert found["depth"] == depth(tree), "depth"


# %% exr-why-pytorch-lag
def test_why_pytorch_lag(exercise):
    lag_by_hand = exercise.lag_by_hand

    import math

    import torch


    def after(slope):
        """Return the slope of the new value, given the slope of x."""
        a = torch.tensor(4.0, requires_grad=True)
        x = 2.0 + slope * (a - 4.0)  # value 2, slope as given
        ((x + a / x) / 2).backward()
        return a.grad.item()


    answers = lag_by_hand()
    assert isinstance(answers, dict), "type"
    assert set(answers) == {"flat", "steep"}, "keys"
    for name in answers:
        assert hasattr(answers[name], "__float__"), f"type: {name}"
    flat, steep = answers["flat"], answers["steep"]
    assert math.isclose(flat, after(0.0), abs_tol=1e-3), "quotient: x' = 0"
    assert math.isclose(steep, after(0.9), abs_tol=1e-3), (
        "quotient: x' = 0.9"
    )


# %% exr-why-pytorch-power
def test_why_pytorch_power(exercise):
    power = exercise.power

    import math

    import torch

    from torchbook.dynamic_graphs import count_operations

    plain = torch.tensor([2.0, -1.0])
    y = power(plain, 5)
    assert y is not None, "returns"
    assert isinstance(y, torch.Tensor), f"type: {type(y).__name__}"
    assert torch.equal(plain, torch.tensor([2.0, -1.0])), "input"
    assert torch.equal(y, plain**5), "order: n = 5"
    for n in (1, 2, 3, 13, 64, 1000):
        x = torch.tensor([1.001, 0.999], dtype=torch.float64)
        x.requires_grad_()
        y = power(x, n)
        assert torch.allclose(y, x**n), f"order: n = {n}"
        assert y.requires_grad, f"graph: n = {n}"
        counts = count_operations(y)
        others = set(counts) - {"AccumulateGrad", "MulBackward0"}
        assert sorted(others) == [], f"operation: n = {n}"
        most = 2 * math.log2(n)
        if n == 1:
            assert counts["MulBackward0"] == 0, "one: n = 1"
        assert counts["MulBackward0"] <= most, f"count: n = {n}"
        y.sum().backward()
        wanted = n * x.detach() ** (n - 1)
        assert torch.allclose(x.grad, wanted), f"gradient: n = {n}"
    ones = power(torch.zeros(2), 0)
    assert isinstance(ones, torch.Tensor), "zero"
    assert torch.equal(ones, torch.ones(2)), "zero"
    try:
        power(torch.ones(1), -1)
    except ValueError:
        pass
    except Exception as error:
        name = type(error).__name__
        raise AssertionError(f"raises: {name}, n = -1") from None
    else:
        raise AssertionError("raises: n = -1")


# %% exr-why-pytorch-traffic
def test_why_pytorch_traffic(exercise):
    traffic_by_hand = exercise.traffic_by_hand

    import math

    import torch.fx


    def traffic(f):
        """Return reads and writes of f, done one by one, and fused."""
        nodes = torch.fx.symbolic_trace(f).graph.nodes
        calls = [node for node in nodes if node.op.startswith("call")]
        apart = sum(len(node.all_input_nodes) + 1 for node in calls)
        return apart, len(nodes) - len(calls)


    def chain(x):
        for _ in range(10):
            x = x.tanh()
        return x


    found = traffic_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"apart", "fused", "share"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    apart, fused = traffic(lambda x, w, b: (x * w + b).relu())
    assert found["apart"] == apart, "apart"
    assert found["fused"] == fused, "fused"
    before, after = traffic(chain)
    share = after / before
    assert math.isclose(found["share"], share, rel_tol=1e-3), "share"


# %% exr-why-pytorch-whole
def test_why_pytorch_whole(exercise):
    choose_whole = exercise.choose_whole

    import torch

    inf = float("inf")
    fast = torch.compile(choose_whole, backend="eager", fullgraph=True)
    for values in ([3.0, -1.0], [-3.0, 1.0], [1.0, -1.0], [inf, 1.0]):
        x = torch.tensor(values)
        wanted = x.relu() if x.sum() > 0 else -x
        result = choose_whole(x)
        assert result is not None, "returns"
        assert isinstance(result, torch.Tensor), "type"
        if values[0] == inf:
            assert torch.equal(result, wanted), f"nan: {values}"
        elif sum(values) == 0:
            assert torch.equal(result, wanted), f"zero: {values}"
        elif torch.equal(result, x.abs()):
            assert torch.equal(result, wanted), f"one-choice: {values}"
        assert torch.equal(result, wanted), f"branches: {values}"
        try:
            fast(x)
        except Exception:
            raise AssertionError("break") from None


# %% exr-why-pytorch-merge
def test_why_pytorch_merge(exercise):
    merge_duplicates = exercise.merge_duplicates

    import torch
    import torch.fx


    def twice(x):
        return (x + 1).exp() * (x + 1).exp() + (x + 1)


    def alike(x):
        return x * 2, x * 2.0, x.sum(dim=0), x.sum(dim=1)


    def noise(x):
        return torch.rand_like(x) - torch.rand_like(x)


    def merged(f, never=()):
        traced = merge_duplicates(torch.fx.symbolic_trace(f), never)
        assert isinstance(traced, torch.fx.GraphModule), "returns"
        try:
            traced.graph.lint()
        except RuntimeError:
            raise AssertionError("first") from None
        nodes = traced.graph.nodes
        return traced, sum(n.op.startswith("call") for n in nodes)


    x = torch.arange(6).reshape(2, 3)
    graph, calls = merged(lambda x: (x + 1) * (x + 2))
    assert torch.equal(graph(x), (x + 1) * (x + 2)), "result: x + 1, x + 2"
    graph, calls = merged(twice)
    assert torch.equal(graph(x), twice(x)), "result"
    assert calls == 4, "spread"
    assert graph.code.count("+ 1") == 1, "recompile"
    graph, calls = merged(alike)
    a, b, c, d = graph(x)
    assert (a.dtype, b.dtype) == (torch.int64, torch.float32), "number"
    assert torch.equal(c, x.sum(dim=0)), "keywords: dim=0"
    assert torch.equal(d, x.sum(dim=1)), "keywords: dim=1"
    assert merged(noise, {torch.rand_like})[1] == 3, "never"
