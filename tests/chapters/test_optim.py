# Generated from chapters/zh/07-optim.qmd: edit there.
# Checksum 6b1a3c96706c: a change made here is refused, not lost.
# %% exr-optim-by-hand
def test_optim_by_hand(exercise):
    two_steps = exercise.two_steps

    import math

    import torch


    def walk(make):
        """Return w after each of the two steps."""
        w = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        optimizer, seen = make([w]), []
        for g in (4.0, -4.0):
            w.grad = torch.tensor(g, dtype=torch.float64)
            optimizer.step()
            seen.append(w.item())
        return seen


    plain = walk(lambda p: torch.optim.SGD(p, lr=0.3))
    heavy = walk(lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.5))
    adagrad = walk(lambda p: torch.optim.Adagrad(p, lr=0.3))
    adam = walk(lambda p: torch.optim.Adam(p, lr=0.3, betas=(0.5, 0.5)))
    found = two_steps()
    assert isinstance(found, dict), "type"
    assert set(found) == {"sgd", "momentum", "adagrad", "adam"}, "keys"
    for name in found:
        assert hasattr(found[name], "__len__"), f"type: {name}"
        assert len(found[name]) == 2, f"shape: {name}"
        for w in found[name]:
            assert hasattr(w, "__float__"), f"type: {name}"
    near = {"rel_tol": 0, "abs_tol": 0.006}
    for t in (0, 1):
        came = found["sgd"][t]
        assert math.isclose(came, plain[t], **near), f"plain: sgd, {t + 1}"
    for t in (0, 1):
        came = found["momentum"][t]
        assert math.isclose(came, heavy[t], **near), f"memory: {t + 1}"
    for t in (0, 1):
        came = found["adagrad"][t]
        assert math.isclose(came, adagrad[t], **near), f"sum: {t + 1}"
    for t in (0, 1):
        came = found["adam"][t]
        assert math.isclose(came, adam[t], **near), f"correction: {t + 1}"


# %% exr-optim-largest-rate
def test_optim_largest_rate(exercise):
    largest_lr = exercise.largest_lr

    import math


    def end(h, lr, momentum):
        """Return |w| after 1000 steps from w = 1, or once it is huge."""
        w, v = 1.0, 0.0
        for _ in range(1000):
            v = momentum * v + h * w
            w -= lr * v
            if abs(w) > 1e6:
                break
        return abs(w)


    def limit(h, momentum):
        """Return the lr above which w grows, found by halving."""
        low, high = 0.0, 100.0
        for _ in range(25):
            middle = (low + high) / 2
            if end(h, middle, momentum) < 1:
                low = middle
            else:
                high = middle
        return low


    came = largest_lr(1.0)
    assert came is not None, "returns"
    assert hasattr(came, "__float__"), f"type: {type(came).__name__}"
    assert math.isclose(came, limit(1.0, 0.0), rel_tol=0.01), "factor"
    came = largest_lr(20.0)
    assert math.isclose(came, limit(20.0, 0.0), rel_tol=0.01), "curvature"
    for h in (1.0, 20.0):
        for momentum in (0.5, 0.9):
            case = f"h = {h:g}, momentum = {momentum}"
            came, wanted = largest_lr(h, momentum), limit(h, momentum)
            if came < 0.99 * largest_lr(h):
                assert came > largest_lr(h), f"inertia: {case}"
            assert math.isclose(came, wanted, rel_tol=0.01), (
                f"momentum: {case}"
            )


# %% exr-optim-accumulate
def test_optim_accumulate(exercise):
    accumulate = exercise.accumulate

    import torch
    from torch import nn

    torch.manual_seed(0)
    x, y = torch.randn(10, 3).double(), torch.randn(10, 2).double()
    model = nn.Linear(3, 2).double()
    weights = list(model.parameters())


    def flat(tensors):
        return torch.cat([t.detach().flatten() for t in tensors])


    def slope(rows):
        """Return what these rows add to the gradient."""
        loss = (model(x[rows]) - y[rows]).square().sum() / y.numel()
        return flat(torch.autograd.grad(loss, weights))


    wanted, before = slope(slice(None)), flat(weights)
    seen, done, waiting = [], [], []


    def watch(module, args, out):
        waiting.append(len(seen) > len(done))
        seen.append(len(out))
        if out.requires_grad:
            out.register_hook(done.append)


    model.register_forward_hook(watch)
    for size in (5, 4, 1, 10, 99):
        only_last = slope(slice((10 - 1) // size * size, 10))
        for record in (seen, done, waiting):
            record.clear()
        for p in weights:
            p.grad = torch.full_like(p, 1e6)
        accumulate(model, x, y, size)
        assert max(seen, default=0) <= size, f"too-many: size = {size}"
        assert sum(seen) == 10, f"skipped: size = {size}"
        assert torch.equal(flat(weights), before), "moved"
        for p in weights:
            assert p.grad is not None, "no-gradient"
        came = flat(p.grad for p in weights)
        assert came.abs().max() < 5e5, "not-cleared"
        if size < 10 and not torch.allclose(only_last, wanted):
            if torch.allclose(came * 10, only_last * 10):
                assert torch.allclose(came, wanted), "cleared-each"
        if size == 4:
            assert torch.allclose(came, wanted), "equal-parts: 4, 4, 2"
        assert torch.allclose(came, wanted), f"weights: size = {size}"
        assert not any(waiting), "graphs-kept"


# %% exr-optim-adamw
def test_optim_adamw(exercise):
    AdamW = exercise.AdamW

    import torch

    start = torch.linspace(-3, 3, 4, dtype=torch.float64)
    lr = 0.1


    def walk(make, steps):
        """Return w after these steps from start."""
        w = start.clone().requires_grad_()
        optimizer = make(w)
        for k in range(steps):
            optimizer.zero_grad()
            (w**2 + k * w).sum().backward()
            optimizer.step()
        return w.detach()


    def near(came, wanted):
        return torch.allclose(came, wanted, rtol=0, atol=1e-10)


    idle = torch.ones(2, requires_grad=True)


    def ours(decay):
        options = {"lr": lr, "weight_decay": decay}
        return lambda w: AdamW([w, idle], **options)


    def theirs(decay):
        return lambda w: torch.optim.AdamW([w], lr, weight_decay=decay)


    change = walk(theirs(0.0), 1) - start
    for steps in (1, 20):
        came, wanted = walk(ours(0.0), steps), walk(theirs(0.0), steps)
        if near(came, change):
            assert near(came, wanted), "shrink: weight_decay = 0"
        assert near(came, wanted), f"super: weight_decay = 0, {steps}"
    came, wanted = walk(ours(0.3), 1), walk(theirs(0.3), 1)
    mixed = walk(lambda w: torch.optim.Adam([w], lr, weight_decay=0.3), 1)
    if near(came, start + change):
        if near(walk(ours(0.3), 20), walk(theirs(0.0), 20)):
            assert near(came, wanted), "in-place"
    if near(came, mixed):
        assert near(came, wanted), "gradient"
    if near(came, start * (1 - 0.3) + change):
        assert near(came, wanted), "rate"
    if near(came, (start + change) * (1 - lr * 0.3)):
        assert near(came, wanted), "after"
    assert near(came, wanted), "shrink"
    assert near(walk(ours(0.3), 20), walk(theirs(0.3), 20)), "every-step"
    assert torch.equal(idle, torch.ones(2)), "idle"


# %% exr-optim-warmup
def test_optim_warmup(exercise):
    warmup_cosine = exercise.warmup_cosine

    import math

    import torch
    from torch.optim import lr_scheduler

    climb = [warmup_cosine(t, 4, 12) for t in range(4)]
    assert climb[0] is not None, "returns"
    assert hasattr(climb[0], "__float__"), "type"
    if climb[0] == 0:
        assert math.isclose(climb[0], 1 / 4), "zero-start: t = 0"
    for t in range(4):
        assert math.isclose(climb[t], (t + 1) / 4), f"climb: t = {t}"
    joint = warmup_cosine(4, 4, 12)
    assert math.isclose(joint, 1), "subtract: t = warmup = 4"
    last = warmup_cosine(12, 4, 12)
    assert math.isclose(last, 0, abs_tol=1e-9), "span: t = total = 12"
    middle = warmup_cosine(8, 4, 12)
    assert math.isclose(middle, 1 / 2), "quarter: t = 8, 4, 12"
    for t in (13, 17, 99):
        late = warmup_cosine(t, 4, 12)
        assert math.isclose(late, 0, abs_tol=1e-9), f"rises: t = {t}, 4, 12"
    try:
        start = warmup_cosine(0, 0, 9)
    except ZeroDivisionError:
        raise AssertionError("no-warmup: ZeroDivisionError") from None
    assert math.isclose(start, 1), "no-warmup: t = 0"

    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=9)
    for t in range(9):
        came, wanted = warmup_cosine(t + 3, 3, 12), scheduler.get_last_lr()
        near = math.isclose(came, wanted[0], rel_tol=1e-6, abs_tol=1e-9)
        assert near, f"value: t = {t + 3}, 3, 12"
        optimizer.step()
        scheduler.step()


# %% exr-optim-amsgrad
def test_optim_amsgrad(exercise):
    AMSGrad = exercise.AMSGrad

    import torch


    def path(make, gradients):
        """Return w after each step, when these gradients arrive."""
        w = torch.zeros(len(gradients[0]), dtype=torch.float64)
        optimizer, seen = make([w.requires_grad_()]), []
        for g in gradients:
            w.grad = torch.tensor(g, dtype=torch.float64)
            optimizer.step()
            seen.append(w.detach().clone())
        return torch.stack(seen)


    def compare(betas, gradients):
        """Return the paths of AMSGrad, ours and torch's, and of Adam."""
        options = {"lr": 0.01, "betas": betas}
        adam = torch.optim.Adam
        return (
            path(lambda p: AMSGrad(p, **options), gradients),
            path(lambda p: adam(p, amsgrad=True, **options), gradients),
            path(lambda p: adam(p, **options), gradients),
        )


    def near(came, wanted):
        return torch.allclose(came, wanted, rtol=0, atol=1e-12)


    came, wanted, _ = compare((0.9, 0.99), [(3.0,)])
    assert near(came, wanted), "first-step"
    came, wanted, adam = compare((0.0, 0.1), [(3.0,), (-1.0,)])
    if near(came, adam):
        assert near(came[1], wanted[1]), "still-adam"
    came, wanted, _ = compare((0.0, 0.9), [(3.0,), (-1.0,)])
    assert near(came[1], wanted[1]), "corrected-first"
    came, wanted, _ = compare((0.0, 0.1), [(3.0, 1.0)])
    assert near(came[0], wanted[0]), "elementwise"
    came, wanted, _ = compare((0.0, 0.5), [(3.0,), (0.0,), (3.0,)])
    assert near(came[2], wanted[2]), "separate"
    cycle = [(3.0, -1.0), (-1.0, 3.0), (-1.0, -1.0)] * 20
    for betas in [(0.0, 0.1), (0.9, 0.99)]:
        came, wanted, _ = compare(betas, cycle)
        assert near(came, wanted), f"value: betas = {betas}"
