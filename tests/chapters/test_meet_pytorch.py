# Generated from chapters/zh/02-meet-pytorch.qmd: edit there.
# Checksum cdd30bb74667: a change made here is refused, not lost.
# %% exr-meet-pytorch-by-hand
def test_meet_pytorch_by_hand(exercise):
    candle_by_hand = exercise.candle_by_hand

    import math

    import torch

    found = candle_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"slope", "best"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    hours = torch.tensor([0.0, 1.0, 2.0])
    lengths = torch.tensor([9.0, 7.0, 3.0])
    k = torch.tensor(1.0, requires_grad=True)
    ((9 - k * hours - lengths) ** 2).mean().backward()
    slope = k.grad.item()
    assert math.isclose(found["slope"], slope, abs_tol=0.01), "slope"
    best = ((9 - lengths) @ hours / (hours @ hours)).item()
    assert math.isclose(found["best"], best, abs_tol=0.01), "best"


# %% exr-meet-pytorch-slope
def test_meet_pytorch_slope(exercise):
    slope = exercise.slope

    import math

    import torch

    shapes = []


    def cube(t):
        shapes.append(tuple(t.shape))
        return t**3


    def bent(t):
        return t**2 if t > 0 else -3 * t


    def fails(t):
        raise ValueError("f fails")


    def spoiled(t):
        y = t.exp()
        squared = y * y
        y.add_(1)  # squared needs y as it was
        return squared


    usual = torch.get_default_dtype()
    found = slope(cube, 2.0)
    changed = torch.get_default_dtype() != usual
    torch.set_default_dtype(usual)
    assert not changed, "default"
    assert isinstance(found, float), f"type: {type(found).__name__}"
    assert math.isclose(found, 3 * 2.0**2, rel_tol=1e-3), (
        "derivative: t**3 at 2"
    )
    assert slope(cube, 2.0) == found, "fresh: twice"
    assert set(shapes) == {()}, f"shape: f was given {shapes[0]}"
    try:
        found = slope(cube, 2)
    except RuntimeError:
        raise AssertionError("whole: x = 2") from None
    assert math.isclose(found, 3 * 2**2, rel_tol=1e-3), "whole: x = 2"
    found, right = slope(torch.exp, 5.0), math.exp(5)
    assert math.isclose(found, right, rel_tol=1e-12), "digits: exp at 5"
    found, right = slope(torch.sin, 0.3), math.cos(0.3)
    assert math.isclose(found, right, rel_tol=1e-12), "digits: sin at 0.3"
    assert math.isclose(slope(bent, 2.0), 2 * 2.0), "branch: x = 2"
    assert math.isclose(slope(bent, -2.0), -3.0), "branch: x = -2"
    try:
        found = slope(lambda t: t, 4.0)
    except (AttributeError, RuntimeError):
        raise AssertionError("itself: f(t) = t") from None
    assert found == 1.0, "itself: f(t) = t"
    w = torch.tensor(3.0, requires_grad=True)
    for what, f in {
        "f(t) = 7": lambda t: torch.tensor(7.0),
        "f(t) = w * w": lambda t: w * w,
    }.items():
        try:
            found = slope(f, 1.0)
        except (AttributeError, RuntimeError, TypeError):
            raise AssertionError(f"constant: {what}") from None
        assert found == 0.0, f"constant: {what}"
        assert isinstance(found, float), f"type: {type(found).__name__}"
    try:
        slope(fails, 1.0)
    except ValueError:
        pass
    else:
        raise AssertionError("swallowed: ValueError of f")
    try:
        found = slope(spoiled, 1.0)
    except RuntimeError:
        found = 2 * math.exp(2)  # what a way without backward() finds
    assert math.isclose(found, 2 * math.exp(2)), (
        "swallowed: RuntimeError of backward()"
    )


# %% exr-meet-pytorch-choose
def test_meet_pytorch_choose(exercise):
    choose_device = exercise.choose_device

    import torch

    cpu, cuda, last = map(torch.device, ("cpu", "cuda:1", "cuda:2"))
    mps = torch.device("mps")


    def choose(wanted, *found):
        """Return what is chosen, or else the message of RuntimeError."""
        given = list(found)
        try:
            came = choose_device(wanted, given)
        except RuntimeError as error:
            came = str(error)
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}, {wanted!r}") from None
        assert given == list(found), "input: found"
        return came


    assert choose_device("auto", [cuda, cpu]) == cuda, "auto: cuda, cpu"
    assert choose("auto", cpu, cuda) == cpu, "auto: cpu, cuda"
    assert choose_device("auto", (mps, cpu)) == mps, "auto: a tuple"
    assert choose("cpu", cuda, cpu) == cpu, "kind: cpu"
    came = choose("cuda", cpu, cuda)
    assert came == cuda, "kind: cuda, cuda:1"
    assert choose("cuda", cpu, cuda, last) == cuda, "first: cuda:1, cuda:2"
    assert choose("cuda", last, cuda, cpu) == last, "first: cuda:2, cuda:1"
    for wanted in ("cuda", "gpu", "npu", "mp", "pu", "c"):
        came = choose(wanted, mps, cpu)
        assert isinstance(came, str), f"quiet: {wanted!r}, {came}"
        words = [word for word in (wanted, "mps", "cpu") if word in came]
        assert words == [wanted, "mps", "cpu"], f"message: {came}"
        assert "vulkan" not in came, f"message: {came}"
    for wanted in ("auto", "cpu"):
        came = choose(wanted)
        assert isinstance(came, str), f"quiet: {wanted!r} of nothing"
        assert wanted in came, f"message: {came}"


# %% exr-meet-pytorch-work
def test_meet_pytorch_work(exercise):
    work_by_hand = exercise.work_by_hand

    import math

    found = work_by_hand()
    assert isinstance(found, dict), "type"
    wanted = {"multiplications", "numbers", "each", "adding"}
    assert set(found) == wanted, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    n = 1000
    count, moved, added = n**2 * n, 3 * n**2, n**2
    assert math.isclose(found["multiplications"], count, rel_tol=0.02), (
        "multiplications"
    )
    assert math.isclose(found["numbers"], moved, rel_tol=0.02), "numbers"
    each, adding = count / moved, added / moved
    assert math.isclose(found["each"], each, rel_tol=0.02), "each"
    assert math.isclose(found["adding"], adding, rel_tol=0.02), "adding"


# %% exr-meet-pytorch-fit
def test_meet_pytorch_fit(exercise):
    fit_cooling = exercise.fit_cooling

    import math

    import torch


    def near(came, wanted):
        """Whether both numbers are right to 1 percent."""
        pairs = zip(came, wanted, strict=True)
        return all(math.isclose(x, y, rel_tol=0.01) for x, y in pairs)


    def smallest(t, gaps):
        """Return the best a and k, by trying many k with their best a."""
        k = t[-1] * torch.logspace(-1, 1, 20_001, dtype=torch.float64)
        shapes = 2 ** (-t / k[:, None])  # (20001, N)
        a = (shapes * gaps).sum(dim=1) / shapes.square().sum(dim=1)
        errors = (a[:, None] * shapes - gaps).square().sum(dim=1)
        return a[errors.argmin()].item(), k[errors.argmin()].item()


    def watched(call):
        """Return what call returns without optimizers, and its slopes."""
        counts = []
        makes = torch.optim.Optimizer.__init__
        asks = torch.autograd.backward, torch.autograd.grad

        def refuse(self, *args, **kwargs):
            raise AssertionError("optimizer")

        def counting(ask):
            def counted(*args, **kwargs):
                counts.append(1)
                return ask(*args, **kwargs)

            return counted

        torch.optim.Optimizer.__init__ = refuse
        torch.autograd.backward, torch.autograd.grad = map(counting, asks)
        try:
            return call(), len(counts)
        finally:
            torch.optim.Optimizer.__init__ = makes
            torch.autograd.backward, torch.autograd.grad = asks


    for start, half, whole, count, room in [
        (70.0, 13.0, 30.0, 11, 20.0),
        (-18.0, 1200.0, 1800.0, 16, 21.0),
        (-2000.0, 0.9, 0.45, 9, 500.0),
    ]:
        t = torch.linspace(0, whole, count)
        off = 0.04 * start * torch.cos(7 * torch.arange(count) + 0.5)
        given = room + start * 2 ** (-t / half) + off
        minutes, degrees = t.clone(), given.clone()
        found, slopes = watched(lambda: fit_cooling(minutes, degrees, room))
        assert found is not None, "returns"
        assert torch.equal(minutes, t), "input: minutes"
        assert torch.equal(degrees, given), "input: degrees"
        assert isinstance(found, list | tuple) and len(found) == 2, "pair"
        kinds = [isinstance(value, float) for value in found]
        assert kinds == [True, True], "pair"
        assert not any(map(math.isnan, found)), f"nan: {found}"
        gaps = given.double() - room
        a, k = smallest(t.double(), gaps)
        tall, logs = gaps.abs().max().item(), gaps.abs().log2()
        right = near(found, (a, k))
        last = whole / (logs[0] - logs[-1]).item()
        line = torch.stack([torch.ones_like(logs), t.double()], dim=1)
        high, fall = torch.linalg.lstsq(line, logs[:, None]).solution[:, 0]
        straight = math.copysign(2 ** high.item(), a), -1 / fall.item()
        assert right or not near(found, (k, a)), "pair: k, a"
        scaled = a / tall, k / whole
        assert right or not near(found, scaled), "units: a, k"
        assert right or not near(found, (a, scaled[1])), "units: k"
        assert right or not near(found, (scaled[0], k)), "units: a"
        assert right or not near(found, (a, 1 / k)), "reciprocal"
        assert found[0] * a > 0, "colder: a"
        ends = gaps[0].item(), last
        assert right or not near(found, ends), f"ends: {found}"
        assert right or not near(found, straight), f"logarithm: {found}"
        assert right, f"bottom: a, k = {found}"
        assert slopes > 1, "backward"
