# Generated from chapters/zh/18-accelerators.qmd: edit there.
# Checksum d65cf77b856c: a change made here is refused, not lost.
# %% exr-accelerators-move
def test_accelerators_move(exercise):
    move = exercise.move

    from collections import namedtuple

    import torch

    Pair = namedtuple("Pair", "input target")


    def same(found, batch, device):
        """Compare a moved batch with the one from before."""
        if isinstance(batch, torch.Tensor):
            assert isinstance(found, torch.Tensor), "type"
            assert found.device.type == device, f"tensor: {found.device}"
            assert found.dtype == batch.dtype, f"dtype: {found.dtype}"
            assert found.shape == batch.shape, f"shape: {found.shape}"
            right = found.requires_grad == batch.requires_grad
            assert right, "gradient"
            if device == "cpu":
                assert torch.equal(found, batch), "value"
        elif isinstance(batch, dict):
            assert type(found) is dict, "kind"
            assert list(found) == list(batch), "keys"
            for key, part in batch.items():
                same(found[key], part, device)
        elif isinstance(batch, list | tuple):
            named = hasattr(batch, "_fields")
            if named and type(found) is not type(batch):
                raise AssertionError("named")
            assert type(found) is type(batch), "kind"
            assert len(found) == len(batch), "shape"
            for part, other in zip(found, batch, strict=True):
                same(part, other, device)
        else:
            alike = type(found) is type(batch) and found == batch
            assert alike, f"other: {type(found).__name__}"


    def make():
        x = torch.arange(6.0).view(2, 3)
        return [
            x, [x, x.double()], (x, torch.ones(2, dtype=torch.int64)),
            {"x": x, "name": "digits", "n": 3, "none": None},
            Pair(x, [("a", x > 2), {"deep": (x,)}]), "text", [], {}, (),
            {"many": [Pair([x], {"y": (x, Pair(1, 2.5))})], 5: b"12"},
        ]


    def flat(batch):
        """Return the tensors in a batch, one after another."""
        if isinstance(batch, torch.Tensor):
            return [batch]
        if isinstance(batch, dict):
            batch = list(batch.values())
        if isinstance(batch, list | tuple):
            return [x for part in batch for x in flat(part)]
        return []


    for device in ("cpu", "meta"):
        for n, batch in enumerate(make()):
            tensors, text = flat(batch), repr(batch)
            try:
                found = move(batch, torch.device(device))
            except (RecursionError, TypeError, AttributeError) as error:
                kind = "other"
                if "positional" in str(error):
                    kind = "named"
                elif "tuple expected" in str(error):
                    kind = "kind"
                raise AssertionError(f"{kind}: {error}") from None
            except NotImplementedError:
                raise
            except (RuntimeError, AssertionError) as error:
                raise AssertionError(f"tensor: {error}") from None
            after = flat(batch)
            kept = all(a is b for a, b in zip(tensors, after, strict=True))
            assert kept and repr(batch) == text, "input"
            same(found, batch, device)
            other = move(make()[n], device)  # a string will do
            same(other, batch, device)
    x = torch.ones(3, requires_grad=True)
    (y,) = move([x * 2], "cpu")
    assert y.requires_grad, "gradient"
    y.sum().backward()
    assert torch.equal(x.grad, torch.full((3,), 2.0)), "gradient"


# %% exr-accelerators-bill
def test_accelerators_bill(exercise):
    gigabytes_by_hand = exercise.gigabytes_by_hand

    import math

    import torch
    from torch import nn

    # a thousandth of the net, on a device that takes no memory
    with torch.device("meta"):
        net = nn.Linear(1000, 1000, bias=False)
        y = torch.empty(2, 25, 4000, dtype=torch.bfloat16)
    wanted = {}
    rules = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    for name, make in rules.items():
        rule = make(net.parameters(), lr=0.1)
        net.weight.grad = torch.empty_like(net.weight)
        rule.step()
        parts = [net.weight, net.weight.grad]
        parts += [v for s in rule.state.values() for v in s.values()
                  if isinstance(v, torch.Tensor) and v.numel() > 1]
        wanted[name] = sum(v.nbytes for v in parts) / 1e6
    half = net.weight.to(torch.bfloat16).nbytes / 1e6
    wanted["predict"] = half
    wanted["mixed"] = 2 * half + 3 * net.weight.nbytes / 1e6
    wanted["activations"] = 40 * 8 * 2000 * 5000 * y.element_size() / 1e9
    found = gigabytes_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, number in wanted.items():
        assert hasattr(found[name], "__float__"), f"type: {name}"
        assert math.isclose(float(found[name]), number, rel_tol=0.01), name


# %% exr-accelerators-ridge
def test_accelerators_ridge(exercise):
    ridge_by_hand = exercise.ridge_by_hand

    import math

    import torch
    from torch.utils.flop_counter import FlopCounterMode


    def intensity(batch):
        """Count a layer's operations and its bytes, without computing."""
        with torch.device("meta"):
            x = torch.empty(batch, 4096, dtype=torch.bfloat16)
            w = torch.empty(4096, 4096, dtype=torch.bfloat16)
        with FlopCounterMode(display=False) as count:
            y = x @ w
        moved = x.nbytes + w.nbytes + y.nbytes
        return count.get_total_flops() / moved, moved


    peak, bandwidth = 100e12, 2e12
    ridge = peak / bandwidth
    one, moved = intensity(1)
    batch = next(b for b in range(1, 1000) if intensity(b)[0] >= ridge)
    wanted = {"ridge": ridge, "one": one, "batch": batch,
              "time": moved / bandwidth * 1e6}
    found = ridge_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, number in wanted.items():
        assert hasattr(found[name], "__float__"), f"type: {name}"
        close = 0 if name == "batch" else 0.01
        assert math.isclose(float(found[name]), number, rel_tol=close), name


# %% exr-accelerators-waits
def test_accelerators_waits(exercise):
    train_quietly = exercise.train_quietly

    import copy
    import gc
    import math
    import weakref

    import torch
    from torch import nn
    from torch.overrides import TorchFunctionMode

    ASKS = {
        "item", "tolist", "__float__", "__int__", "__bool__", "__index__",
        "numpy", "cpu", "__format__", "__repr__", "__array__", "equal",
        "is_nonzero", "allclose", "nonzero",
    }


    class Asks(TorchFunctionMode):
        """Counts the times that somebody asks for a value."""

        def __init__(self):
            super().__init__()
            self.count = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.count += getattr(func, "__name__", "") in ASKS
            return func(*args, **(kwargs or {}))


    class Held:
        pass


    class Mark(torch.autograd.Function):
        """Pass a loss on; the graph holds a Held that can be watched."""

        @staticmethod
        def forward(ctx, x):
            ctx.held = Held()
            marks.append(weakref.ref(ctx.held))
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            return g


    class Rule(torch.optim.SGD):
        """SGD that asks for nothing, and writes down what it saw."""

        def step(self):
            grads = [p.grad for p in net.parameters()]
            seen.append([g if g is None else g.clone() for g in grads])
            with torch.no_grad():
                for p, g in zip(net.parameters(), grads):
                    p -= 0 if g is None else 0.1 * g


    def squares(output, target):
        live.append(sum(mark() is not None for mark in marks))
        if live[-1] > 1:  # in a cycle, it may be
            gc.collect()
            live[-1] = sum(mark() is not None for mark in marks)
        return Mark.apply((output - target).square().mean())


    many = [4, 4, 4], [8, 8, 8, 8, 1], [3], [2, 6, 5]
    for seed, sizes in enumerate(many):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        net.train(seed != 1)
        twin = copy.deepcopy(net)
        pairs = [(torch.randn(n, 3), 10 * torch.randn(n, 1)) for n in sizes]
        kept = [(x.clone(), y.clone()) for x, y in pairs]
        total, plain, right = 0.0, 0.0, []
        for x, y in pairs:
            value = (twin(x) - y).square().mean()
            right.append(torch.autograd.grad(value, twin.parameters()))
            with torch.no_grad():
                for p, g in zip(twin.parameters(), right[-1]):
                    p -= 0.1 * g
            total += value.item() * len(x)
            plain += value.item() / len(pairs)
        marks, seen, live = [], [], []
        rule = Rule(net.parameters(), lr=0.1)
        batches = iter(pairs) if seed % 2 else pairs
        with Asks() as asks:
            found = train_quietly(net, batches, squares, rule)
        assert len(seen) == len(sizes), f"steps: {len(seen)}"
        for ours, theirs in zip(seen, right, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                assert a is not None, "zero: None"
                assert torch.allclose(a, b, atol=1e-5), "zero"
        assert asks.count < 2, f"waits: {asks.count}"
        assert max(live) < 2, f"graph: {max(live)}"
        tensor = isinstance(found, torch.Tensor)
        assert hasattr(found, "__float__") and not tensor, "type"
        for (x, y), (a, b) in zip(pairs, kept, strict=True):
            assert torch.equal(x, a) and torch.equal(y, b), "input"
        assert net.training == twin.training, "input: training mode"
        tracked = all(p.requires_grad for p in net.parameters())
        assert tracked, "input: requires_grad"
        wanted = total / sum(sizes)
        close = math.isclose(float(found), wanted, rel_tol=1e-4)
        unweighted = math.isclose(float(found), plain, rel_tol=1e-4)
        assert close or not unweighted, "mean"
        assert close, "value"
    try:
        train_quietly(net, [], squares, rule)
    except ValueError:
        pass
    except ZeroDivisionError as error:
        raise AssertionError(f"raises: {error}") from None
    else:
        raise AssertionError("raises")


# %% exr-accelerators-scaling
def test_accelerators_scaling(exercise):
    Scaler = exercise.Scaler

    import copy

    import torch
    from torch import nn

    nan, inf = float("nan"), float("inf")


    class Spoil(torch.autograd.Function):
        """Give 0, and a gradient times a factor."""

        @staticmethod
        def forward(ctx, x, factor):
            ctx.factor = factor
            return x * 0

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None


    runs = (
        (2.0**16, 3, [1, 1, 1, 1, inf, 1, 1, 1, 1, 1, 1, 1]),
        (2.0**4, 2, [1, 1, 1, inf, 1, 1, nan, nan, 1, 1, 1]),
        (1.0, 1, [1, 1, -inf, 1]),
        (2.0**10, 5, [1, 1, 1, 1, nan, 1, 1, 1, 1, 1, 1]),
        (2.0**20, 2000, [1, inf, 1]),
    )
    for seed, (scale, interval, factors) in enumerate(runs):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        net[2].bias.requires_grad_(seed % 2 == 0)
        twin, x = copy.deepcopy(net), torch.randn(5, 3)
        kept = x.clone()

        def spoiled(model, factor):
            """A loss that is finite, one number of one gradient factor."""
            b = model[0].bias[0]
            nothing = Spoil.apply(b, factor)
            return model(x).square().mean() + nothing

        def rule(model):
            first, *rest = model.parameters()
            groups = [{"params": rest}, {"params": [first]}]
            return torch.optim.Adam(groups, lr=0.01)

        ours, theirs = rule(net), rule(twin)
        own = Scaler(scale, interval)
        other = torch.amp.GradScaler("cpu", init_scale=scale,
                                     growth_interval=interval)
        for factor in factors:
            before = [p.detach().clone() for p in net.parameters()]
            used = own.scale
            for optimizer in (ours, theirs):
                optimizer.zero_grad()
            loss = spoiled(net, factor)
            known, came = loss.detach().clone(), []
            loss.register_hook(came.append)
            stepped = own.step(loss, ours)
            times = [float(g) for g in came]
            assert times == [used], f"scale: {times}, {used}"
            now = loss.detach().nan_to_num()
            assert torch.equal(now, known.nan_to_num()), "input"
            loss = spoiled(twin, factor)
            other.scale(loss).backward()
            other.step(theirs)
            other.update()
            good = abs(factor) == 1
            still = all(map(torch.equal, before, net.parameters()))
            assert good or still, "skip"
            assert isinstance(stepped, bool), "returns"
            assert stepped == good, "returns"
            pairs = list(zip(net.parameters(), twin.parameters()))
            if good:
                for p, q in pairs:
                    if q.grad is None:
                        continue
                    assert p.grad is not None, "unscale: None"
                    off = p.grad - q.grad
                    assert off.abs().max() < 1e-5, f"unscale: {used}"
            for p, q in pairs:
                assert torch.allclose(p, q, atol=1e-6), "value"
            wanted = other.get_scale()
            if own.scale != wanted:
                if not good:
                    raise AssertionError(f"halve: {own.scale}")
                kind = "row" if inf in factors or nan in factors else "grow"
                if own.scale == used and wanted != used:
                    kind = "grow"
                raise AssertionError(f"{kind}: {own.scale}")
        assert torch.equal(x, kept), "input"
    first, second = Scaler(), Scaler()
    assert first.scale == 2.0**16 and first.interval == 2000, "value"


# %% exr-accelerators-cuts
def test_accelerators_cuts(exercise):
    best_cuts = exercise.best_cuts

    import itertools
    import random


    def taken(inputs, inside, cuts):
        """Return the bytes that cuts take."""
        ends = [*cuts[1:], len(inside)]
        most = max(sum(inside[i:j]) for i, j in zip(cuts, ends))
        return sum(inputs[i] for i in cuts) + most


    def fewest(inputs, inside):
        """Try all the ways to cut."""
        rest = range(1, len(inside))
        return min(
            taken(inputs, inside, [0, *cuts])
            for size in range(len(inside))
            for cuts in itertools.combinations(rest, size)
        )


    generator = random.Random(0)
    cases = [([1] * 9, [2] * 9), ([1] * 10, [1] * 10), ([5], [7]),
             ([3, 3], [0, 0]), ([100] * 6, [1] * 6), ([1] * 6, [100] * 6),
             ([9, 1, 9, 9, 1, 9, 9, 1, 9], [4] * 9),
             ([2] * 8, [1, 1, 1, 30, 1, 1, 1, 1])]
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 10):
        cases.append(([generator.randrange(0, 20) for _ in range(n)],
                      [generator.randrange(0, 60) for _ in range(n)]))
    answers, worse = [], None
    for inputs, inside in cases:
        kept = list(inputs), list(inside)
        cuts = best_cuts(inputs, inside)
        assert (inputs, inside) == kept, "input"
        assert isinstance(cuts, list | tuple), "type"
        cuts = list(cuts)
        assert all(hasattr(c, "__index__") for c in cuts), "type"
        n = len(inside)
        assert cuts and cuts[0] == 0, f"first: {cuts}"
        right = cuts == sorted(set(cuts)) and cuts[-1] < n
        assert right, f"ascending: {cuts}"
        answers.append((n, cuts))
        if taken(inputs, inside, cuts) != fewest(inputs, inside):
            worse = worse or f"{inputs}, {inside}: {cuts}"
    if worse:
        kind = "best"
        if all(len(cuts) == n for n, cuts in answers):
            kind = "inputs"
        elif all(len(cuts) == 1 for _, cuts in answers):
            kind = "inside"
        elif len({tuple(cuts) for n, cuts in answers if n == 9}) == 1:
            kind = "even"  # whatever the bytes are
        raise AssertionError(f"{kind}: {worse}")
    try:
        nothing = best_cuts([], [])
    except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
        raise AssertionError(f"empty: {error}") from None
    assert isinstance(nothing, list | tuple) and not nothing, "empty"
