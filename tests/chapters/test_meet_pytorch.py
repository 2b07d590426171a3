# Generated from chapters/zh/02-meet-pytorch.qmd: edit there.
# Checksum 463b7bb933bf: a change made here is refused, not lost.
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


    class Own(Exception):
        """An error that no answer can know of."""


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


    def near(found, right):
        """Whether found is a number right to ten decimal places."""
        return isinstance(found, float) and abs(found - right) < 1e-10


    assert slope(cube, 2.0) == found, "fresh: twice"
    assert not any(shapes), f"shape: f was given {max(shapes)}"
    try:
        found = slope(cube, 2)
    except RuntimeError:
        raise AssertionError("whole: x = 2") from None
    assert math.isclose(found, 3 * 2**2, rel_tol=1e-3), "whole: x = 2"
    assert near(slope(torch.exp, 5.0), math.exp(5)), "digits: exp at 5"
    assert near(slope(torch.sin, 0.3), math.cos(0.3)), "digits: sin at 0.3"
    for zero in (0.0, 0):
        assert near(slope(torch.exp, zero), 1.0), f"zero: exp at {zero}"
    assert near(slope(bent, 2.0), 2 * 2.0), "branch: x = 2"
    assert near(slope(bent, -2.0), -3.0), "branch: x = -2"
    try:
        found = slope(lambda t: t, 4.0)
    except (AttributeError, RuntimeError):
        raise AssertionError("itself: f(t) = t") from None
    assert near(found, 1.0), "itself: f(t) = t"
    w = torch.tensor(3.0, requires_grad=True)
    for what, f in {
        "f(t) = 7": lambda t: torch.tensor(7.0),
        "f(t) = w * w": lambda t: w * w,
    }.items():
        try:
            found = slope(f, 1.0)
        except (AttributeError, RuntimeError, TypeError):
            raise AssertionError(f"constant: {what}") from None
        assert near(found, 0.0), f"constant: {what}"
        assert isinstance(found, float), f"type: {type(found).__name__}"
    for kind in (
        ValueError,
        RuntimeError,
        TypeError,
        AttributeError,
        ZeroDivisionError,
        Own,
    ):
        def fails(t, kind=kind):
            raise kind("f fails")

        try:
            slope(fails, 1.0)
        except kind:
            continue
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}") from None
        raise AssertionError(f"swallowed: {kind.__name__} of f")
    try:
        found = slope(spoiled, 1.0)
    except RuntimeError:
        found = 2 * math.exp(2)  # what a way without backward() finds
    assert near(found, 2 * math.exp(2)), (
        "swallowed: RuntimeError of backward()"
    )


# %% exr-meet-pytorch-choose
def test_meet_pytorch_choose(exercise):
    choose_device = exercise.choose_device

    import torch

    cpu, cuda, last = map(torch.device, ("cpu", "cuda:1", "cuda:2"))
    mps, xpu = map(torch.device, ("mps", "xpu"))
    kinds = ["cpu", "cuda", "mps", "xpu", "vulkan"]


    def choose(wanted, *found):
        """Return what is chosen of a list and a tuple, or the errors."""
        results = []
        for given in ([*found], found):
            try:
                results.append(choose_device(wanted, given))
            except RuntimeError as error:
                results.append(error)
            except Exception as error:
                name = type(error).__name__
                came = f"raises: {name}, {wanted!r}"
                raise AssertionError(came) from None
            assert [*given] == [*found], "input: found"
        return results


    assert choose_device("auto", [cuda, cpu]) == cuda, "auto: cuda, cpu"
    assert choose("auto", cpu, cuda) == [cpu] * 2, "auto: cpu, cuda"
    assert choose("auto", mps, cpu) == [mps] * 2, "auto: mps, cpu"
    assert choose("cpu", cuda, cpu) == [cpu] * 2, "kind: cpu"
    assert choose("cuda", cpu, cuda) == [cuda] * 2, "kind: cuda, cuda:1"
    assert choose("cuda", cpu, cuda, last) == [cuda] * 2, (
        "first: cuda:1, cuda:2"
    )
    assert choose("cuda", last, cuda, cpu) == [last] * 2, (
        "first: cuda:2, cuda:1"
    )
    odd = ["gpu", "npu", "mp", "pu", "c", "a", "", "to", "Auto", "autos"]
    odd += ["cpux", "xcpu", "m.s", "mps:0", "cpu:0", "cuda:1", "mps cpu"]
    sets = [(cpu,), (mps, cpu), (cuda, xpu), (cuda, last, cpu), ()]
    for found in sets:
        there = [device.type for device in found]
        absent = [kind for kind in kinds if kind not in there]
        for wanted in [*absent, *odd, *["auto"][len(found):]]:
            for came in choose(wanted, *found):
                what = f"{wanted!r} of {there}"
                assert isinstance(came, RuntimeError), f"quiet: {what}"
                words = [w for w in (wanted, *there) if w not in str(came)]
                assert not words, f"message: {what}, {came}"
                others = [k for k in absent if k in str(came)]
                others = [k for k in others if k not in wanted]
                assert not others, f"message: {what}, {came}"


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
        t = whole * torch.linspace(0, 1, count) ** 1.5  # unevenly spaced
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
        assert right or not near(found, (a, k / math.log(2))), "base"
        assert found[0] * a > 0, "colder: a"
        ends = gaps[0].item(), last
        assert right or not near(found, ends), f"ends: {found}"
        assert right or not near(found, straight), f"logarithm: {found}"
        assert right, f"bottom: a, k = {found}"
        assert slopes > 9, f"backward: asked {slopes} times"
