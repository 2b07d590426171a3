# Generated from chapters/zh/13-recurrence.qmd: edit there.
# Checksum ea7c4d2c73f6: a change made here is refused, not lost.
# %% exr-recurrence-by-hand
def test_recurrence_by_hand(exercise):
    three_steps = exercise.three_steps

    import math

    import torch


    def slopes(cut):
        """Return dL/du, dL/dw and dL/dx1, by autograd."""
        u, w, x1 = (
            torch.tensor(v, dtype=torch.float64, requires_grad=True)
            for v in (0.5, 2.0, 1.0)
        )
        h = 0.0
        for x in (x1, 2.0, -1.0):
            if cut and x == -1.0:
                h = h.detach()
            h = w * x + u * h
        loss = (h + 1.5) ** 2 / 2
        found = torch.autograd.grad(loss, [u, w, x1], allow_unused=True)
        return [0.0 if g is None else g.item() for g in found]


    found = three_steps()
    assert isinstance(found, dict), "type"
    assert set(found) == {"u", "w", "x1", "cut"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    near = {"rel_tol": 0, "abs_tol": 0.006}
    u, w, x1 = slopes(cut=False)
    assert math.isclose(found["u"], u, **near), "u-sum"
    assert math.isclose(found["w"], w, **near), "w-sum"
    assert math.isclose(found["x1"], x1, **near), "first-input"
    cut = slopes(cut=True)[0]
    assert math.isclose(found["cut"], cut, **near), "cut-off"


# %% exr-recurrence-forget
def test_recurrence_forget(exercise):
    forgetting = exercise.forgetting

    import math


    def count(f):
        """Return after how many steps less than 1% is left."""
        left, steps = 1.0, 0
        while left >= 0.01:
            left, steps = left * f, steps + 1
        return steps


    def inside(test, low, high):
        """Return where test turns from false to true, by halving."""
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if test(middle) else (middle, high)
        return high


    found = forgetting()
    assert isinstance(found, dict), "type"
    assert set(found) == {"steps", "plain", "gate", "bias"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    assert float(found["steps"]) == count(0.9), "power"
    assert float(found["plain"]) == count(3**-0.5), "plain-power"
    gate = inside(lambda f: f**100 > 0.5, 0.5, 1.0)
    assert abs(found["gate"] - gate) < 0.00006, "root"
    bias = inside(lambda b: 1 / (1 + math.exp(-b)) > gate, -9.0, 9.0)
    assert abs(found["bias"] - bias) < 0.02, "inverse"


# %% exr-recurrence-reverse
def test_recurrence_reverse(exercise):
    reverse = exercise.reverse

    import torch


    def by_list(x, lengths):
        """Return the same by lists of rows."""
        rows = []
        for row, n in zip(x, lengths.tolist()):
            turned = [row[t] for t in range(n - 1, -1, -1)]
            rows.append(torch.stack(turned + list(row[n:])))
        return torch.stack(rows)


    cases = [
        ((3, 5), [5, 2, 3], torch.float64),
        ((2, 4, 3), [1, 4], torch.float32),
        ((4, 6, 2, 2), [6, 3, 1, 5], torch.float64),
        ((1, 1), [1], torch.float32),
        ((2, 3, 0), [2, 3], torch.float32),
        ((3, 4), [2, 4, 3], torch.int64),
        ((2, 5), [3, 2], torch.float32),  # none fills its row
    ]
    for shape, lengths, kind in cases:
        count = torch.Size(shape).numel()
        x = torch.arange(1, count + 1).view(shape).to(kind)
        lengths = torch.tensor(lengths)
        given = x.clone(), lengths.clone()
        came = reverse(x, lengths)
        case = f"shape {shape}, lengths {lengths.tolist()}"
        assert torch.equal(x, given[0]), f"input: x, {case}"
        assert torch.equal(lengths, given[1]), f"input: lengths, {case}"
        assert isinstance(came, torch.Tensor), "type"
        assert came.dtype == kind, f"dtype: {came.dtype}, not {kind}"
        assert came.shape == x.shape, f"shape: {tuple(came.shape)}, {case}"
        wanted = by_list(x, lengths)
        if (lengths < shape[1]).any() and count:
            assert not torch.equal(came, x.flip(1)), f"whole-row: {case}"
        for row, n in enumerate(lengths.tolist()):
            rest = torch.equal(came[row, n:], x[row, n:])
            assert rest, f"padding: {case}"
        assert torch.equal(came, wanted), f"order: {case}"
        assert came.data_ptr() != x.data_ptr() or not count, "input: shared"
    x = torch.randn(3, 5, 2, dtype=torch.float64, requires_grad=True)
    lengths, weight = torch.tensor([5, 2, 3]), torch.randn(3, 5, 2).double()
    came = reverse(x, lengths)
    assert came.requires_grad, "gradient"
    (grad,) = torch.autograd.grad((came * weight).sum(), x)
    assert torch.allclose(grad, by_list(weight, lengths)), "gradient"


# %% exr-recurrence-free-run
def test_recurrence_free_run(exercise):
    free_run = exercise.free_run

    import torch
    from torch import nn

    seen = []


    class Watched(nn.Module):
        """A weighted sum that notes what it reads, and in which mode."""

        def __init__(self, size):
            super().__init__()
            weight = torch.arange(1.0, size + 1).double()
            self.weight = nn.Parameter(weight / (size**2 + 1))
            self.noise = nn.Dropout(0.5)

        def forward(self, x):
            grad = torch.is_grad_enabled()
            seen.append((x.detach().clone(), self.noise.training, grad))
            weight = self.weight[-x.shape[-1] :]
            return self.noise(x)[..., -len(weight) :] @ weight


    def expect(model, window, steps):
        """Return the forecasts by lists of numbers."""
        rows, weight = [], model.weight.tolist()
        for row in window.tolist():
            for _ in range(steps):
                last = row[-len(weight) :]
                row = [*row, sum(a * b for a, b in zip(last, weight))]
            rows.append(row[-steps:])
        return torch.tensor(rows, dtype=torch.float64)


    for count, size, steps in ((2, 3, 1), (3, 4, 6), (1, 1, 3), (2, 5, 2)):
        window = torch.arange(1.0, count * size + 1).double()
        window = window.view(count, size)
        given, model = window.clone(), Watched(size)
        wanted = expect(model, window, steps)
        for training in (True, False):
            model.train(training)
            seen.clear()
            came = free_run(model, window, steps)
            case = f"T = {size}, steps = {steps}"
            assert torch.equal(window, given), "input"
            assert isinstance(came, torch.Tensor), "type"
            assert came.shape == (count, steps), (
                f"shape: {tuple(came.shape)}, {case}"
            )
            modes = {part.training for part in model.modules()}
            assert modes == {training}, "mode: afterward"
            assert seen, "value: the model was not asked"
            asked = any(mode for _, mode, _ in seen)
            assert not asked, "mode: while running"
            assert not came.requires_grad, "graph"
            assert not any(grad for *_, grad in seen), "graph: recorded"
            assert came.dtype == window.dtype, "dtype"
            wide = [x.shape[-1] for x, *_ in seen]
            assert set(wide) == {size}, f"width: {wide}, {case}"
            if steps > 1:
                same = all(torch.equal(x, seen[0][0]) for x, *_ in seen)
                assert not same, f"same-window: {case}"
            first = torch.allclose(came[:, 0], wanted[:, 0])
            assert first, f"first: {case}"
            assert torch.allclose(came, wanted), f"fed-back: {case}"
    assert all(p.requires_grad for p in model.parameters()), "mode"


# %% exr-recurrence-stream
def test_recurrence_stream(exercise):
    train_stream = exercise.train_stream

    import copy

    import torch
    from torch import nn


    def by_hand(layer, head, x, y, size, lr, carry=True):
        """Return losses; change the weights by hand, with SGD's rule."""
        weights = [*layer.parameters(), *head.parameters()]
        losses, state = [], None
        for start in range(0, x.shape[1], size):
            piece = slice(start, start + size)
            outputs, state = layer(x[:, piece], state if carry else None)
            gap = head(outputs) - y[:, piece]
            loss = (gap * gap).mean()
            losses.append(loss.item())
            slopes = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for p, g in zip(weights, slopes):
                    p -= lr * g
            lstm = isinstance(state, tuple)
            state = (
                [s.detach() for s in state] if lstm else state.detach()
            )
            state = tuple(state) if lstm else state
        return losses


    def flat(*modules):
        return torch.cat([p.detach().flatten()
                          for m in modules for p in m.parameters()])


    cases = [(nn.GRU, 12, 4), (nn.LSTM, 10, 4), (nn.RNN, 5, 5),
             (nn.GRU, 7, 1), (nn.LSTM, 3, 9)]
    for make, T, size in cases:
        torch.manual_seed(0)
        layer = make(2, 3, batch_first=True).double()
        head = nn.Linear(3, 2).double()
        x = torch.randn(2, T, 2, dtype=torch.float64)
        y = torch.randn(2, T, 2, dtype=torch.float64)
        given = x.clone(), y.clone()
        for part in (layer, head):
            part.train(size != 4)
        pair, fresh = (copy.deepcopy((layer, head)) for _ in range(2))
        wanted = by_hand(*pair, x, y, size, 0.5)
        zeros = by_hand(*fresh, x, y, size, 0.5, carry=False)
        weights = [*layer.parameters(), *head.parameters()]
        for p in weights:
            p.grad = torch.full_like(p, 1e3)
        optimizer = torch.optim.SGD(weights, lr=0.5)
        case = f"{make.__name__}, T = {T}, size = {size}"
        try:
            came = train_stream(layer, head, x, y, size, optimizer)
        except RuntimeError as error:
            known = ("second time", "inplace operation")
            through = any(words in str(error) for words in known)
            assert not through, f"through: {case}"
            raise
        assert torch.equal(x, given[0]), "input: x"
        assert torch.equal(y, given[1]), "input: y"
        assert came is not None, "returns"
        assert hasattr(came, "__len__"), "type"
        assert len(came) == len(wanted), f"pieces: {len(came)}, {case}"
        for number in came:
            assert hasattr(number, "__float__"), "type: of a loss"
            grown = getattr(number, "requires_grad", False)
            assert not grown, "type: a loss with its graph"
        came = torch.tensor([float(number) for number in came])
        if len(wanted) > 1:
            lost = torch.allclose(came, torch.tensor(zeros))
            assert not lost, f"state: {case}"
        assert abs(came[0] - wanted[0]) < 1e-5, f"loss: {case}"
        same = torch.allclose(came, torch.tensor(wanted), atol=1e-5)
        assert same, f"update: {case}"
        moved = torch.allclose(flat(layer, head), flat(*pair))
        assert moved, f"update: weights, {case}"
        assert layer.training == head.training == (size != 4), "mode"
        assert all(p.requires_grad for p in weights), "mode"
