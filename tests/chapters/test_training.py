# Generated from chapters/zh/11-training.qmd: edit there.
# Checksum c37b6fca4ef8: a change made here is refused, not lost.
# %% exr-training-by-hand
def test_training_by_hand(exercise):
    three_scores = exercise.three_scores

    import torch
    from torch.nn import functional as F

    z = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).log()
    z.requires_grad_()
    target = torch.tensor(1)
    loss = F.cross_entropy(z, target)
    loss.backward()
    best = F.cross_entropy(F.one_hot(target, 3).double(), target)
    slips = {"p": "probabilities", "loss": "loss",
             "gradient": "gradient", "floor": "floor"}
    wanted = {"p": z.detach().softmax(dim=0).tolist(),
              "loss": [loss.item()], "gradient": z.grad.tolist(),
              "floor": [best.item()]}
    found = three_scores()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, right in wanted.items():
        came = found[name]
        if len(right) == 1:
            came = [came]
        assert hasattr(came, "__len__"), f"type: {name}"
        assert len(came) == len(right), f"shape: {name}"
        for one, other in zip(came, right):
            assert hasattr(one, "__float__"), f"type: {name}"
            assert abs(float(one) - other) <= 0.0101, slips[name]


# %% exr-training-table
def test_training_table(exercise):
    table = exercise.table

    import torch

    counts = torch.tensor([[8, 1, 1], [2, 5, 3], [0, 0, 40]])
    pairs = counts.nonzero().repeat_interleave(
        counts[counts > 0], dim=0
    )  # one row for each picture: true, predicted
    truth, said = pairs.unbind(dim=1)
    both = ((truth == 1) & (said == 1)).sum().item()
    off = ((truth == 1) ^ (said == 1)).sum().item()
    wanted = {
        "accuracy": (truth == said).double().mean().item(),
        "precision": (truth[said == 1] == 1).double().mean().item(),
        "recall": (said[truth == 1] == 1).double().mean().item(),
        "f1": 2 * both / (2 * both + off),
        "lazy": (truth == 2).double().mean().item(),
    }
    found = table()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, right in wanted.items():
        came = found[name]
        assert hasattr(came, "__float__"), f"type: {name}"
        assert abs(float(came) - right) <= 0.0101, name


# %% exr-training-mistakes
def test_training_mistakes(exercise):
    one_epoch = exercise.one_epoch

    import math
    import weakref

    import torch
    from torch import nn
    from torch.nn import functional as F


    class Alive(torch.autograd.Function):
        """The identity; it puts a mark into the graph, and a list."""

        @staticmethod
        def forward(ctx, x, marks):
            ctx.mark = type("Mark", (), {})()
            marks.append(weakref.ref(ctx.mark))
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad, None


    class Watched(nn.Module):
        """A net that notes modes, rows, and how many graphs are kept."""

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3, dtype=torch.float64)
            self.modes, self.rows, self.marks = [], [], []
            self.kept = 0

        def forward(self, x):
            self.modes.append(self.training)
            self.rows.append(len(x))
            kept = sum(mark() is not None for mark in self.marks)
            self.kept = max(self.kept, kept)
            return Alive.apply(self.layer(x), self.marks)


    def data(seed, sizes):
        """Return batches of these sizes, the same for each seed."""
        g = torch.Generator().manual_seed(seed)
        return [
            (torch.randn(n, 4, generator=g, dtype=torch.float64) * 3,
             torch.randint(3, (n,), generator=g))
            for n in sizes
        ]


    def fresh(seed, momentum):
        """Return a model with stale gradients, and its optimizer."""
        torch.manual_seed(seed)
        model = Watched()
        sgd = torch.optim.SGD(model.parameters(), 0.1, momentum=momentum)
        for p in model.parameters():
            p.grad = torch.full_like(p, 5.0)
        return model, sgd


    def flat(model):
        return nn.utils.parameters_to_vector(model.parameters()).detach()


    def right(model, sgd, batches, twice=False, stale=False, once=False):
        """Return each batch's loss before its step."""
        losses = []
        if once:  # cleared, but only before the first batch
            sgd.zero_grad()
        for x, y in batches:
            z = model.layer(x)
            z = z.softmax(dim=-1) if twice else z
            loss = F.cross_entropy(z, y)
            if not stale:
                sgd.zero_grad()
            loss.backward()
            sgd.step()
            losses.append(loss.item())
        return losses


    def same(a, b):
        return torch.allclose(a, b, rtol=0, atol=1e-10)


    for seed, sizes, momentum in [
        (0, [8], 0.0), (1, [6, 6, 6], 0.0), (2, [8, 8, 3], 0.9),
        (3, [5, 1, 9, 2], 0.0),
    ]:
        batches = data(seed, sizes)
        kept = [(x.clone(), y.clone()) for x, y in batches]
        model, sgd = fresh(seed, momentum)
        start = flat(model).clone()
        model.train(seed % 2 == 1)
        came = one_epoch(model, iter(batches), sgd)
        for now, then in zip(batches, kept):
            assert all(map(torch.equal, now, then)), "input"
        assert came is not None, "returns"
        graph = isinstance(came, torch.Tensor) and came.requires_grad
        assert not graph, "graph"
        assert hasattr(came, "__float__"), "type"
        assert not same(flat(model), start), "still"
        for slip, options in [("twice", {"twice": True}),
                              ("stale", {"stale": True}),
                              ("stale", {"stale": True, "once": True}),
                              ("twice", {"twice": True, "stale": True})]:
            if len(sizes) == 1 and "once" in options:
                continue  # one batch is cleared before it either way
            other, its = fresh(seed, momentum)
            right(other, its, batches, **options)
            assert not same(flat(model), flat(other)), slip
        assert all(model.modes), "mode"
        assert model.training or seed % 2 == 0, "mode: left otherwise"
        for p in model.parameters():
            assert p.requires_grad, "mode: requires_grad"
        other, its = fresh(seed, momentum)
        losses = right(other, its, batches)
        assert same(flat(model), flat(other)), "value: weights"
        wanted = sum(v * n for v, n in zip(losses, sizes)) / sum(sizes)
        if not math.isclose(came, wanted, rel_tol=1e-9):
            total = wanted * sum(sizes)
            for mean in (sum(losses) / len(losses), total / len(losses)):
                assert not math.isclose(came, mean, rel_tol=1e-9), "mean"
            assert model.rows == sizes, "after"
        assert math.isclose(came, wanted, rel_tol=1e-9), "value: loss"
        assert not isinstance(came, torch.Tensor), "type"
        assert model.kept <= 1, f"graph: {model.kept} kept"
    for none in ([], iter([])):
        model, sgd = fresh(0, 0.0)
        try:
            one_epoch(model, none, sgd)
        except ValueError as error:
            assert "batches" in str(error), f"empty: {error}"
        except ZeroDivisionError:
            raise AssertionError("empty: ZeroDivisionError") from None
        else:
            raise AssertionError("empty")


# %% exr-training-binary
def test_training_binary(exercise):
    binary_loss = exercise.binary_loss

    import torch
    from torch.nn import functional as F
    from torch.overrides import TorchFunctionMode

    right = F.binary_cross_entropy_with_logits
    ready = (right, F.binary_cross_entropy,
             torch.binary_cross_entropy_with_logits)


    class Own(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            assert func not in ready, "own"
            return func(*args, **(kwargs or {}))


    generator = torch.Generator().manual_seed(3)
    few = torch.randn(7, generator=generator, dtype=torch.float64)
    some = (torch.rand(7, generator=generator) < 0.5).double()
    cases = [
        ("value", few, some),
        ("value", few.reshape(7, 1) * 4, some.reshape(7, 1)),
        ("value", few[:6].reshape(2, 3), some[:6].reshape(2, 3)),
        ("clamped", torch.tensor([1000.0, -1000.0, 1000.0, -1000.0]),
         torch.tensor([0.0, 0.0, 1.0, 1.0])),
        ("clamped", torch.tensor([-200.0, 60.0]), torch.tensor([1.0, 0.0])),
        ("value", torch.tensor([8.0, -8.0]), torch.tensor([1.0, 0.0])),
        ("value", torch.tensor([0.0, 0.0, 1.0]),
         torch.tensor([0.0, 1.0, 1.0])),
    ]
    results = []
    for dtype in (torch.float64, torch.float32):
        for slip, z, t in cases:
            z, t = z.detach().to(dtype, copy=True), t.to(dtype)
            z.requires_grad_()
            kept = z.detach().clone(), t.clone()
            with Own():
                came = binary_loss(z, t)
            assert came is not None, "returns"
            assert isinstance(came, torch.Tensor), "type"
            assert torch.equal(z, kept[0]), "input: z"
            assert torch.equal(t, kept[1]), "input: t"
            assert came.isfinite().all(), "overflow"
            wanted = right(z, t)
            near = {"rtol": 1e-6, "atol": 1e-7}
            if dtype == torch.float32:
                near = {"rtol": 1e-4, "atol": 2e-6}
            assert came.shape == (), f"shape: {tuple(came.shape)}"
            assert came.dtype == dtype, f"dtype: {came.dtype}"
            if not torch.allclose(came, wanted, **near):
                total = wanted * z.numel()
                for more in (total, total / len(z)):
                    assert not torch.allclose(came, more, **near), "sum"
                for other in (right(z, 1 - t), -wanted):
                    assert not torch.allclose(came, other, **near), "turned"
            assert torch.allclose(came, wanted, **near), slip
            results.append((came, z, t, near))
    for came, z, t, near in results:
        assert came.requires_grad, "gradient"
        came.backward()
        slope = torch.autograd.grad(right(z, t), z)[0]
        assert z.grad is not None, "gradient"
        assert z.grad.isfinite().all(), "overflow: gradient"
        fits = torch.isclose(z.grad, slope, **near)
        assert fits[z != 0].all(), "gradient"
        assert torch.allclose(z.grad, slope, **near), "kink"


# %% exr-training-scores
def test_training_scores(exercise):
    per_class = exercise.per_class

    import torch
    from torch.overrides import TorchFunctionMode


    class Count(TorchFunctionMode):
        """Counts the calls of torch; a list of numbers is for a loop."""

        def __init__(self):
            super().__init__()
            self.calls = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            assert func is not torch.Tensor.tolist, "loop"
            self.calls += 1
            return func(*args, **(kwargs or {}))


    def share(part, whole):
        """Return how large a part is, counted example by example."""
        return (part & whole).sum().item() / max(whole.sum().item(), 1)


    def near(came, wanted):
        return torch.allclose(came, torch.tensor(wanted).double())


    def counts(k, n, seed, missing=None):
        """Return true and predicted classes of n examples."""
        g = torch.Generator().manual_seed(seed)
        truth = torch.randint(k, (n,), generator=g)
        said = torch.randint(k, (n,), generator=g)
        said = torch.where(torch.rand(n, generator=g) < 0.6, truth, said)
        if missing in ("truth", "both"):
            truth[truth == k - 1] = 0
        if missing in ("said", "both"):
            said[said == k - 1] = 0
        return truth, said


    calls = {}
    for k, n, seed, missing in [
        (2, 30, 0, None), (3, 50, 1, None), (10, 300, 2, None),
        (40, 900, 3, None), (4, 40, 4, "said"), (4, 40, 5, "truth"),
        (3, 40, 6, "both"), (1, 5, 7, None), (12, 12, 8, None),
    ]:
        truth, said = counts(k, n, seed, missing)
        matrix = torch.zeros(k, k, dtype=torch.int64)
        one = torch.ones_like(truth)
        matrix.index_put_((truth, said), one, accumulate=True)
        if seed == 1:
            matrix = matrix.int()
        kept = matrix.clone()
        with Count() as count:
            found = per_class(matrix)
        calls[k] = count.calls
        assert torch.equal(matrix, kept), "input"
        assert found is not None, "returns"
        assert hasattr(found, "__len__") and len(found) == 3, "type"
        P, R, F1 = [], [], []
        for c in range(k):
            is_c, said_c = truth == c, said == c
            P.append(share(is_c, said_c))
            R.append(share(said_c, is_c))
            F1.append(2 * P[c] * R[c] / (P[c] + R[c]) if R[c] else 0.0)
        for x in found:
            assert isinstance(x, torch.Tensor), "type"
            assert x.shape == (k,), f"shape: {tuple(x.shape)}"
            assert x.dtype == torch.float64, f"dtype: {x.dtype}"
        precision, recall, f1 = found
        case = f"K = {k}"
        if missing:
            case += f", class {k - 1} missing"
            for x in found:
                assert not x.isnan().any(), f"undefined: {case}"
        both = near(precision, R) and near(recall, P)
        if not (near(precision, P) and near(recall, R)):
            assert not both, f"swapped: {case}"
        assert near(precision, P), f"value: precision, {case}"
        assert near(recall, R), f"value: recall, {case}"
        if not near(f1, F1):
            mean = [(p + r) / 2 for p, r in zip(P, R)]
            assert not near(f1, mean), f"harmonic: {case}"
        assert near(f1, F1), f"value: F1, {case}"
    assert calls[40] <= calls[3] + 20, "loop"


# %% exr-training-temperature
def test_training_temperature(exercise):
    fit_temperature = exercise.fit_temperature

    import torch


    def best(z, y):
        """Return the best T of a fine grid, equal in ratio."""
        grid = torch.logspace(-1.30103, 1.30103, 6001, dtype=torch.float64)
        rows = (z.double() / grid[:, None, None]).log_softmax(dim=-1)
        own = rows.gather(-1, y.expand(len(grid), -1)[..., None])
        at = own.mean(dim=(1, 2)).argmax().item()
        return grid[at].item()


    def data(seed, scale, n, k, dtype=torch.float32):
        """Return scores, scale times too large, and what is right."""
        g = torch.Generator().manual_seed(seed)
        z = torch.randn(n, k, generator=g) * 2
        y = torch.multinomial(z.softmax(dim=-1), 1, generator=g)[:, 0]
        return (z * scale).to(dtype), y


    sure = torch.eye(3) * 0.2
    cases = [
        ("far", *data(0, 3.0, 60, 4)),
        ("far", *data(1, 0.3, 50, 3, torch.float64)),
        ("far", *data(2, 12.0, 80, 10)),
        ("far", *data(3, 1.0, 70, 2)),
        ("far", torch.cat([data(4, 2.0, 40, 3)[0], sure]),
         torch.cat([data(4, 2.0, 40, 3)[1], torch.tensor([0, 1, 2])])),
        ("ends", *data(5, 200.0, 60, 4)),
        ("ends", torch.eye(3) * 0.5, torch.arange(3)),
        ("ends", torch.eye(3) * 4, torch.tensor([1, 2, 0])),
    ]
    for slip, z, y in cases:
        z.requires_grad_()
        kept = z.detach().clone(), y.clone()
        came = fit_temperature(z, y)
        assert torch.equal(z, kept[0]), "input: logits"
        assert torch.equal(y, kept[1]), "input: target"
        assert came is not None, "returns"
        assert z.grad is None, "graph"
        assert hasattr(came, "__float__"), f"type: {type(came).__name__}"
        came, z = float(came), z.detach()
        T = best(z, y)
        close = abs(came - T) <= 0.002 * T
        if not close:
            turned = abs(came - 1 / T) <= 0.002 / T
            assert not turned, f"inverse: {came:.3f}"
        assert close, f"{slip}: {came:.3f}"
