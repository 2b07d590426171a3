# Generated from chapters/zh/02-meet-pytorch.qmd: edit there.
# Checksum d47575f6b878: a change made here is refused, not lost.
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


    def cube(t):
        return t**3


    def bent(t):
        return t**2 if t > 0 else -3 * t


    found = slope(cube, 2.0)
    assert isinstance(found, float), f"type: {type(found).__name__}"
    assert math.isclose(found, 12.0, rel_tol=1e-3), "derivative: t**3 at 2"
    assert slope(cube, 2.0) == found, "fresh: twice"
    try:
        found = slope(cube, 2)
    except RuntimeError:
        raise AssertionError("whole: x = 2") from None
    assert math.isclose(found, 12.0, rel_tol=1e-3), "whole: x = 2"
    found, right = slope(torch.exp, 5.0), math.exp(5)
    assert math.isclose(found, right, rel_tol=1e-12), "digits: exp at 5"
    assert math.isclose(slope(bent, 2.0), 4.0), "branch: x = 2"
    assert math.isclose(slope(bent, -2.0), -3.0), "branch: x = -2"
    try:
        found = slope(lambda t: torch.tensor(7.0), 1.0)
    except (AttributeError, RuntimeError):
        raise AssertionError("constant: f = 7") from None
    assert found == 0.0, "constant: f = 7"


# %% exr-meet-pytorch-choose
def test_meet_pytorch_choose(exercise):
    choose_device = exercise.choose_device

    import torch

    cpu, cuda = torch.device("cpu"), torch.device("cuda:1")
    assert choose_device("auto", [cuda, cpu]) == cuda, "auto: cuda, cpu"
    assert choose_device("auto", [cpu, cuda]) == cpu, "auto: cpu, cuda"


    def choose(wanted, *found):
        """Return what is chosen, or else the message of RuntimeError."""
        try:
            return choose_device(wanted, found)
        except RuntimeError as error:
            return str(error)
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"raises: {name}, {wanted!r}") from None


    assert choose("cpu", cuda, cpu) == cpu, "kind: cpu"
    assert choose("cuda", cpu, cuda) == cuda, "kind: cuda, cuda:1"
    for wanted in ("cuda", "gpu", "npu"):
        came = choose(wanted, torch.device("mps"), cpu)
        assert isinstance(came, str), f"quiet: {wanted!r}, {came}"
        words = [word for word in (wanted, "mps", "cpu") if word in came]
        assert words == [wanted, "mps", "cpu"], f"message: {came}"


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

    t = torch.linspace(0, 30, 11)
    for a, k, room in [(70.0, 13.0, 20.0), (-18.0, 25.0, 21.0)]:
        minutes, degrees = t.clone(), room + a * 2 ** (-t / k)
        before = degrees.clone()
        found = fit_cooling(minutes, degrees, room)
        assert found is not None, "returns"
        assert torch.equal(minutes, t), "input: minutes"
        assert torch.equal(degrees, before), "input: degrees"
        assert isinstance(found, list | tuple), "pair"
        kinds = [isinstance(value, float) for value in found]
        assert kinds == [True, True], "pair"
        assert not any(map(math.isnan, found)), f"nan: {found}"
        a_found, k_found = found
        if math.isclose(a_found, k, rel_tol=0.01):
            assert math.isclose(a_found, a, rel_tol=0.01), "pair: k, a"
        if math.isclose(k_found, k / 30, rel_tol=0.01):
            assert math.isclose(k_found, k, rel_tol=0.01), "units: k"
        if math.isclose(a_found, a / abs(a), rel_tol=0.01):
            assert math.isclose(a_found, a, rel_tol=0.01), "units: a"
        if math.isclose(k_found, 1 / k, rel_tol=0.01):
            assert math.isclose(k_found, k, rel_tol=0.01), "reciprocal"
        if a_found * a < 0:
            assert math.isclose(a_found, a, rel_tol=0.01), "colder: a"
        assert math.isclose(a_found, a, rel_tol=0.01), "bottom: a"
        assert math.isclose(k_found, k, rel_tol=0.01), "bottom: k"
