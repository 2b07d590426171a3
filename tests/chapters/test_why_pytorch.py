# Generated from chapters/zh/03-why-pytorch.qmd: edit there.
# Checksum 65232a96a9ee: a change made here is refused, not lost.
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
    assert y.shape == plain.shape, f"shape: {tuple(y.shape)}"
    assert torch.equal(y, plain**5), "order: n = 5"
    assert torch.equal(power(-plain, 5), (-plain) ** 5), "order: n = 5"
    for n in (1, 2, 3, 13, 64, 1000):
        x = torch.tensor([1.001, 0.999], dtype=torch.float64)
        x.requires_grad_()
        y = power(x, n)
        assert y.shape == x.shape, f"shape: n = {n}"
        assert y.dtype == x.dtype, f"dtype: n = {n}, {x.dtype}"
        assert torch.allclose(y, x**n), f"order: n = {n}"
        assert y.requires_grad, f"graph: n = {n}"
        counts = count_operations(y)
        others = set(counts) - {"AccumulateGrad", "MulBackward0"}
        assert sorted(others) == [], f"operation: n = {n}"
        most = 2 * math.log2(n)
        if n == 1:
            assert counts["MulBackward0"] == 0, "one: n = 1"
        assert counts["MulBackward0"] <= most, f"count: n = {n}"
        slope = torch.autograd.grad(y.sum(), x, create_graph=True)[0]
        wanted = n * x.detach() ** (n - 1)
        assert torch.allclose(slope, wanted), f"gradient: n = {n}"
        if n > 2:  # the gradient has a gradient of its own
            assert slope.requires_grad, f"gradient: n = {n}, the second"
            slope.sum().backward()
            wanted = n * (n - 1) * x.detach() ** (n - 2)
            second = torch.allclose(x.grad, wanted)
            assert second, f"gradient: n = {n}, the second"
    for dtype in (torch.float32, torch.float64, torch.int64):
        whole = torch.tensor([[3, -2]], dtype=dtype)
        y = power(whole, 6)
        assert y.dtype == dtype, f"dtype: n = 6, {dtype}"
        assert torch.equal(y, whole**6), f"order: n = 6, {dtype}"
        for shape in ((2,), (3, 1), ()):
            ones = power(torch.zeros(shape, dtype=dtype), 0)
            assert isinstance(ones, torch.Tensor), "zero"
            assert ones.shape == shape, f"shape: n = 0, {shape}"
            assert (ones == 1).all(), "zero"
            assert ones.dtype == dtype, f"dtype: n = 0, {dtype}"
    odd = torch.tensor([0.0, float("inf"), float("nan")])
    assert torch.equal(power(odd, 0), odd**0), "zero: of inf and nan"
    try:
        power(torch.ones(1), -1)
    except ValueError:
        pass
    except Exception as error:
        name = type(error).__name__
        raise AssertionError(f"raises: {name}, n = -1") from None
    else:
        raise AssertionError("raises: n = -1")


# %% exr-why-pytorch-longest
def test_why_pytorch_longest(exercise):
    longest_path = exercise.longest_path

    import sys

    import torch

    from torchbook.dynamic_graphs import encode, newton_sqrt


    class Node:
        """A node that counts how often anyone asks where it leads."""

        asked = 0

        def __init__(self, *earlier):
            self.earlier = tuple((node, 0) for node in earlier)

        @property
        def next_functions(self):
            Node.asked += 1
            assert Node.asked < 50000, "visits"
            return self.earlier


    def longest(node):
        Node.asked, limit = 0, sys.getrecursionlimit()
        try:
            found = longest_path(node)
            raised = sys.getrecursionlimit() != limit
            assert not raised, "deep: the limit was changed"
        except RecursionError:
            raise AssertionError("deep") from None
        except AttributeError as error:
            assert "NoneType" not in str(error), "none: None was asked"
            raise
        finally:
            sys.setrecursionlimit(limit)
        assert found is not None, "returns"
        whole = hasattr(found, "__index__") and not isinstance(found, bool)
        assert whole, f"type: {type(found).__name__}"
        return found


    leaf = Node()
    assert longest(leaf) == 1, "ends: one node"
    assert longest(Node(Node())) == 2, "ends: two nodes"
    assert longest(None) == 0, "none: no graph"
    assert longest(Node(None, leaf, None)) == 2, "none: a missing input"
    assert longest(Node(None)) == 1, "none: a missing input"
    chain = Node(Node(Node(Node())))
    found = longest(Node(leaf, chain))
    assert found <= 5, f"nodes: {found}, and no path has more than 5"
    assert found == 5, "longest: short path first"
    assert longest(Node(chain, leaf)) == 5, "longest: long path first"
    middle = Node(leaf)
    long = Node(Node(Node(middle)))
    for both in ((middle, long), (long, middle)):
        assert longest(Node(*both)) == 6, "again: a node met twice"
    fork = Node()
    for _ in range(60):
        fork = Node(fork, fork)
    assert longest(fork) == 61, "longest: 60 forks"
    row = Node()
    for _ in range(2999):
        row = Node(row)
    assert longest(row) == 3000, "longest: 3000 in a row"
    letters = {name: torch.ones(2, requires_grad=True) for name in "ab"}
    weight = torch.ones(2, 4, requires_grad=True)
    for deep in range(1, 5):
        tree = "a"
        for _ in range(deep):
            tree = ("b", tree)
        out = encode(tree, letters, weight)
        assert longest(out.grad_fn) == 3 * deep + 1, "longest: a tree"
    a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    root, steps = newton_sqrt(a)
    found = longest(root.grad_fn)  # each turn: a / x, plus x, half of it
    assert found == 3 * (steps + 1) + 1, "longest: a root"
