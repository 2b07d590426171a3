# Generated from chapters/zh/09-graphs.qmd: edit there.
# Checksum fa72e7c7e7e6: a change made here is refused, not lost.
# %% exr-graphs-count
def test_graphs_count(exercise):
    count_by_hand = exercise.count_by_hand

    import torch

    from torchbook.graph_tracing import watch


    def f(x):
        y = x * 2
        if y.sum() > 0:
            y = y + 1
        return y * 3


    torch.compiler.reset()
    fast, graphs = watch(f)
    inputs = {
        "ones": torch.ones(2), "again": torch.ones(2),
        "minus": -torch.ones(2), "longer": torch.ones(3),
    }
    found = count_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(inputs), "keys"
    for name, x in inputs.items():
        fast(x)
        assert found[name] == len(graphs), name


# %% exr-graphs-traffic
def test_graphs_traffic(exercise):
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


# %% exr-graphs-whole
def test_graphs_whole(exercise):
    choose_whole = exercise.choose_whole

    import torch

    from torchbook.graph_tracing import watch

    inf = float("inf")


    def wanted(x):
        return x.relu() if x.sum() > 0 else -x


    def case(slip, values, dtype=torch.float32):
        """Compare value, dtype and gradient with those of the if."""
        x = torch.tensor(values, dtype=dtype)
        before = x.clone()
        try:
            result = choose_whole(x)
        except RuntimeError as error:
            if dtype.is_floating_point:
                raise
            name = type(error).__name__
            raise AssertionError(f"dtype: {dtype}, {name}") from None
        assert result is not None, "returns"
        assert isinstance(result, torch.Tensor), "type"
        assert torch.equal(x, before), f"input: {values}"
        assert result.shape == x.shape, f"shape: {tuple(x.shape)}"
        assert result.dtype == dtype, f"dtype: {dtype}"
        right = torch.equal(result, wanted(x))
        each = torch.equal(result, x.abs())
        each = each and torch.equal(choose_whole(-x), x.abs())
        assert right or not each, f"one-choice: {values}"
        assert right, f"{slip}: {values}"
        if not dtype.is_floating_point or slip == "nan":
            return
        one, two = (x.clone().requires_grad_() for _ in range(2))
        result = choose_whole(one)
        assert result.requires_grad, "graph"
        # each number its own weight, or a wrong one could cancel out
        weights = torch.arange(1, x.numel() + 1).reshape(x.shape)
        (result * weights).sum().backward()
        (wanted(two) * weights).sum().backward()
        assert one.grad is not None, "graph"
        assert torch.equal(one.grad, two.grad), f"gradient: {values}"


    case("branches", [3.0, -1.0])
    case("branches", [-3.0, 1.0])
    case("zero", [1.0, -1.0])
    case("zero", [0.0, 0.0])
    case("condition", [-1.0, -2.0, 5.0])
    case("condition", [5.0, 1.0, -7.0])
    case("condition", [4.0, -9.0, 1.0])
    case("condition", [0.5, -0.25])
    case("condition", [-0.5, 0.25])
    case("condition", [[1.0, -4.0], [2.0, 3.0]])
    case("condition", [[-1.0, 9.0, -3.0], [-7.0, 1.0, -2.0]])
    case("condition", -2.0)
    case("condition", 2.0)
    case("branches", [3, -1], torch.int64)
    case("branches", [-3, 1], torch.int64)
    case("branches", [3.0, -1.0], torch.float64)
    case("condition", [-2.0, 1e-12, 2.0], torch.float64)
    case("nan", [inf, 1.0])
    case("nan", [-inf, 1.0])
    torch.compiler.reset()
    fast = torch.compile(choose_whole, backend="eager", fullgraph=True)
    for sign in (1.0, -1.0):
        x = sign * torch.tensor([3.0, -1.0, 0.5])
        try:
            result = fast(x)
        except Exception:
            raise AssertionError("break") from None
        assert torch.equal(result, wanted(x)), "break"
    # fullgraph=True captures .item(), where torch.compile else breaks
    torch.compiler.reset()
    fast, graphs = watch(choose_whole)
    for sign in (1.0, -1.0):
        x = sign * torch.tensor([3.0, -1.0, 0.5])
        assert torch.equal(fast(x), wanted(x)), "break"
        assert len(graphs) == 1, f"item: {len(graphs)} graphs"


# %% exr-graphs-export
def test_graphs_export(exercise):
    ship = exercise.ship

    import torch
    from torch import nn


    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            raise ValueError("this model always fails")


    def modes(model):
        return [module.training for module in model.modules()]


    def make(numbers, seed):
        generator = torch.Generator().manual_seed(seed)
        inner = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
        model = nn.Sequential(nn.Linear(numbers, 4), inner)
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn(p.shape, generator=generator))
        inner[0].running_mean += 0.5
        return model, torch.randn(50, numbers, generator=generator)


    def predict(shipped, x, slip):
        try:
            return shipped(x)
        except Exception:
            raise AssertionError(f"{slip}: {len(x)} rows") from None


    for numbers, seed in ((3, 0), (5, 1)):
        model, x = make(numbers, seed)
        model[1][seed].eval()  # frozen, as in fine-tuning
        model[0].bias.requires_grad_(False)
        model[0].weight.grad = torch.ones(4, numbers)
        asks = [p.requires_grad for p in model.parameters()]
        before = modes(model)
        state = {k: v.clone() for k, v in model.state_dict().items()}
        example = x[:2].clone()
        program = ship(model, example)
        assert program is not None, "returns"
        right = isinstance(program, torch.export.ExportedProgram)
        assert right, f"type: {type(program).__name__}"
        assert torch.equal(example, x[:2]), "input"
        after = modes(model)
        assert any(after), "left: all modules in evaluation mode"
        assert after == before, f"each: {after}"
        for name, value in model.state_dict().items():
            assert torch.equal(value, state[name]), f"state: {name}"
        after = [p.requires_grad for p in model.parameters()]
        assert after == asks, "state: requires_grad"
        grad = model[0].weight.grad
        kept = grad is not None and torch.equal(grad, torch.ones_like(grad))
        assert kept, "state: a gradient"
        shipped = program.module()
        model.eval()
        one, two = (predict(shipped, example, "value") for _ in range(2))
        assert torch.equal(one, two), "mode: two calls differ"
        assert torch.allclose(one, model(example)), "mode"
        for size in (1, 3, 50):
            result = predict(shipped, x[:size], "batch")
            wanted = model(x[:size])
            assert torch.allclose(result, wanted), f"value: {size} rows"
        try:
            shipped(torch.ones(2, numbers + 1))
        except Exception:
            pass
        else:
            raise AssertionError("value: rows too long are taken")
    model = nn.Sequential(nn.Conv1d(2, 3, 1), nn.ReLU()).eval()
    shipped = ship(model, torch.ones(2, 2, 4)).module()
    result = predict(shipped, torch.ones(5, 2, 4), "batch")
    assert result.shape == (5, 3, 4), "batch"
    try:
        shipped(torch.ones(5, 2, 7))
    except Exception:
        pass
    else:
        raise AssertionError("open: (5, 2, 7) is taken")
    assert not any(modes(model)), "each: it was in evaluation mode"
    fails = Fails()
    fails.drop.eval()
    before = modes(fails)
    try:
        ship(fails, torch.ones(2, 3))
    except Exception:
        pass
    else:
        raise AssertionError("raises: the model failed, ship did not")
    assert modes(fails) == before, "failed"


# %% exr-graphs-merge
def test_graphs_merge(exercise):
    merge_duplicates = exercise.merge_duplicates

    import operator

    import torch
    import torch.fx
    from torch import nn


    def twice(x):
        return (x + 1).exp() * (x + 1).exp() + (x + 1)


    def noise(x):
        return torch.rand_like(x) - torch.rand_like(x)


    def drops(x):
        return torch.dropout(x, 0.5, True) - torch.dropout(x, 0.5, True)


    def merged(f, *never):
        """Return f's graph after the merge, and the names of its calls."""
        traced = torch.fx.symbolic_trace(f)
        names = [node.name for node in traced.graph.nodes]
        inputs = [
            n.name for n in traced.graph.nodes if n.op == "placeholder"
        ]
        traced.train(f is twice)
        given = [list(operations) for operations in never]
        result = merge_duplicates(traced, *never)
        assert traced.training == (f is twice), "input: the mode"
        assert [list(n) for n in never] == given, "input: never"
        assert result is not None, "returns"
        assert result is traced, "returns: another graph"
        try:
            traced.graph.lint()
        except RuntimeError:
            raise AssertionError("first") from None
        left = [node.name for node in traced.graph.nodes]
        assert left[: len(inputs)] == inputs, "result: an input is gone"
        assert left == [name for name in names if name in left], "first"
        calls = [n for n in traced.graph.nodes if n.op.startswith("call")]
        return traced, [n.name for n in calls]


    x = torch.arange(6).reshape(2, 3)
    graph, _ = merged(lambda x: (x + 1) * (x + 2))
    assert torch.equal(graph(x), (x + 1) * (x + 2)), "result: x + 1, x + 2"
    graph, _ = merged(lambda x, y: (x + 1) * (y + 1))
    assert torch.equal(graph(x, x + 5), (x + 1) * (x + 6)), "result: x, y"
    graph, _ = merged(lambda x: (x + 1) * (x - 1))
    assert torch.equal(graph(x), (x + 1) * (x - 1)), "result: x + 1, x - 1"
    graph, _ = merged(lambda x: (x - 1) * (1 - x))
    assert torch.equal(graph(x), (x - 1) * (1 - x)), "result: x - 1, 1 - x"
    graph, _ = merged(lambda x: (x.exp(), x.sin()))
    assert torch.equal(graph(x)[1], x.sin()), "result: exp, sin"
    graph, calls = merged(twice)
    assert torch.equal(graph(x), twice(x)), "result"
    assert len(calls) <= 4, f"spread: {len(calls)} calls"
    assert len(calls) == 4, f"result: {len(calls)} calls"
    assert graph.code.count("+ 1") == 1, "recompile"
    first = ["add", "exp", "mul", "add_3"]
    assert calls == first, f"first: {calls}"
    graph, _ = merged(lambda x: (x * 2, x * 2.0))
    dtypes = [y.dtype for y in graph(x)]
    assert dtypes == [torch.int64, torch.float32], "number"
    graph, _ = merged(lambda x: (x.sum(dim=0), x.sum(dim=1)))
    c, d = graph(x)
    assert torch.equal(c, x.sum(dim=0)), "keywords: dim=0"
    assert torch.equal(d, x.sum(dim=1)), "keywords: dim=1"
    graph, _ = merged(lambda x: (x.mul(other=2), x.mul(other=2.0)))
    dtypes = [y.dtype for y in graph(x)]
    assert dtypes == [torch.int64, torch.float32], "number: a keyword"
    _, calls = merged(lambda x: (x.sum(dim=0), x.sum(dim=0)))
    assert len(calls) == 1, "spread: the same keyword"
    for never in ({torch.rand_like}, [torch.rand_like], (torch.rand_like,)):
        assert len(merged(noise, never)[1]) == 3, "never: rand_like"
    assert len(merged(drops, {torch.dropout})[1]) == 3, "never: dropout"
    assert len(merged(twice, {operator.add})[1]) == 7, "never: +"
    assert len(merged(twice, {"exp"})[1]) == 5, "never: exp"
    for never in ((), ({torch.dropout},)):
        graph, calls = merged(noise, *never)
        used = [n for n in graph.graph.nodes if n.users or n.op == "output"]
        spread = "spread: one that nobody uses is still there"
        assert len(used) == len(graph.graph.nodes), spread
        assert len(calls) == 2, "named"
    _, calls = merged(lambda x: x.exp() - x.exp(), {torch.exp})
    assert len(calls) == 2, "named: x.exp(), where never has torch.exp"
    _, calls = merged(lambda x: torch.exp(x) - torch.exp(x), {"exp"})
    assert len(calls) == 2, 'named: torch.exp, where never has "exp"'


    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(x) - self.drop(x)


    assert len(merged(Twice())[1]) == 3, "module"
