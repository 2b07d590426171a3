# Generated from chapters/zh/01-deep-learning.qmd: edit there.
# Checksum 673bc56c5c69: a change made here is refused, not lost.
# %% exr-deep-learning-by-hand
def test_deep_learning_by_hand(exercise):
    by_hand = exercise.by_hand

    from itertools import product

    from torchbook.neurons import Neuron

    answers = by_hand()
    assert isinstance(answers, dict), "type"
    assert set(answers) == {"majority", "first"}, "keys"


    def neuron(name, inputs):
        """Return the neuron of the answer, if it has the right form."""
        match answers[name]:
            case [[*weights], bias] if len(weights) == inputs:
                numbers = [*weights, bias]
                if all(hasattr(number, "__float__") for number in numbers):
                    return Neuron([*map(float, weights)], float(bias))
        raise AssertionError(f"form: {name}={answers[name]}")


    majority, first = neuron("majority", 3), neuron("first", 2)
    assert majority((0, 0, 0)) == 0, "rest: (0, 0, 0)"
    for x in product((0, 1), repeat=3):
        if sum(x) == 1:
            assert majority(x) == 0, f"one: {x}"
        elif sum(x) > 1 and majority.total(x) == 0:
            assert majority(x) == 1, f"edge: {x}"
        elif sum(x) > 1:
            assert majority(x) == 1, f"low: {x}, z = {majority.total(x)}"
    assert first((0, 0)) == 0, "rest: (0, 0)"
    for x in [(1, 1), (0, 1)]:
        assert first(x) == 0, f"against: {x}, z = {first.total(x)}"
    if first.total((1, 0)) == 0:
        assert first((1, 0)) == 1, "edge: (1, 0)"
    assert first((1, 0)) == 1, f"low: (1, 0), z = {first.total((1, 0))}"


# %% exr-deep-learning-one-step
def test_deep_learning_one_step(exercise):
    one_step = exercise.one_step

    import math

    from torchbook.neurons import Network, Neuron, move, sigmoid, slopes

    answers = one_step()
    assert isinstance(answers, dict), "type"
    wanted = {"p", "delta", "weights", "bias", "z"}
    assert set(answers) == wanted, "keys"
    weights = answers["weights"]
    assert hasattr(weights, "__len__"), "type: weights"
    assert len(weights) == 2, "shape: weights"
    for name in wanted:
        for number in weights if name == "weights" else [answers[name]]:
            assert hasattr(number, "__float__"), f"type: {name}"
    x, neuron = [1, 2], Neuron([0.5, -0.25], 0.0, sigmoid)
    p, (delta, _) = neuron(x), slopes(Network([], neuron), x, 1.0)
    assert math.isclose(answers["p"], p, abs_tol=1e-3), "p"
    assert math.isclose(answers["delta"], delta, abs_tol=1e-3), "delta"
    move(neuron, x, delta, lr=2.0)
    for came, w in zip(weights, neuron.weights, strict=True):
        assert math.isclose(came, w, abs_tol=1e-3), "weights"
    assert math.isclose(answers["bias"], neuron.bias, abs_tol=1e-3), "bias"
    z = neuron.total(x)
    assert math.isclose(answers["z"], z, abs_tol=1e-3), "z"


# %% exr-deep-learning-collapse
def test_deep_learning_collapse(exercise):
    collapse = exercise.collapse

    import math
    import random

    from torchbook.neurons import Network, Neuron, random_neuron, sigmoid

    rng = random.Random(5)
    for inputs, width in [(3, 1), (2, 2), (1, 4), (4, 3)]:
        hidden = [random_neuron(inputs, rng) for _ in range(width)]
        net = Network(hidden, random_neuron(width, rng, sigmoid))
        before = repr(net)
        found = collapse(net)
        assert repr(net) == before, "input"
        assert isinstance(found, Neuron), f"type: {type(found).__name__}"
        assert len(found.weights) == inputs, f"count: {inputs} -> {width}"
        assert found.activation is sigmoid, "activation"
        bias = net.output.total([neuron.bias for neuron in hidden])
        if math.isclose(found.bias, bias - net.output.bias):
            assert math.isclose(found.bias, bias), "own-bias"
        assert math.isclose(found.bias, bias, abs_tol=1e-6), "through"
        x = [rng.uniform(-1, 1) for _ in range(inputs)]
        total = net.output.total([neuron.total(x) for neuron in hidden])
        came = found.total(x)
        assert math.isclose(came, total, abs_tol=1e-6), "path"


# %% exr-deep-learning-three-switches
def test_deep_learning_three_switches(exercise):
    odd_lamp = exercise.odd_lamp

    from itertools import product

    from torchbook.neurons import Network, Neuron, step

    for n in (3, 4, 2, 1, 5, 6):
        net = odd_lamp(n)
        assert isinstance(net, Network), f"type: {type(net).__name__}"
        assert len(net.hidden) <= n, f"hidden: n = {n}"
        for neuron in net.hidden:
            assert len(neuron.weights) == n, f"inputs: n = {n}"
        read = len(net.hidden) or n
        assert len(net.output.weights) == read, f"inputs: n = {n}"
        for neuron in (*net.hidden, net.output):
            assert neuron.activation is step, "step"
        numbers = [(n.weights, n.bias) for n in (*net.hidden, net.output)]
        *hidden, out = [Neuron([*w], b) for w, b in numbers]
        net = Network(hidden, out)  # the numbers alone have to do it
        for x in product((0, 1), repeat=n):
            h = [int(feature) for feature in net.features(x)]
            if not any(x):
                assert net(x) == 0, f"none-up: h = {h}"
            elif sum(x) % 2:
                assert net(x) == 1, f"odd: x = {x}, h = {h}"
            else:
                assert net(x) == 0, f"even: x = {x}, h = {h}"


# %% exr-deep-learning-perceptron
def test_deep_learning_perceptron(exercise):
    perceptron = exercise.perceptron

    from torchbook.neurons import Neuron, step


    def follow(points, targets, rounds):
        """Return what the rule gives: weights and bias in one list."""
        state = [0] * (len(points[0]) + 1)
        for used in range(1, rounds + 1):
            before = list(state)
            for x, t in zip(points, targets):
                row = [*x, 1]
                above = sum(s * r for s, r in zip(state, row)) > 0
                if above != t:
                    sign = 1 if t else -1
                    state = [s + sign * r for s, r in zip(state, row)]
            if state == before:
                return state, used
        return None, rounds


    def right(neuron, points, targets):
        """Return whether the neuron separates the points."""
        return all(neuron(x) == t for x, t in zip(points, targets))


    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for targets in ([0, 1, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0]):
        found = perceptron(list(corners), list(targets), rounds=50)
        slip = "direction" if targets == [0, 1, 1, 1] else "bias"
        assert found is not None, f"{slip}: {targets}"
        assert isinstance(found, Neuron), f"type: {type(found).__name__}"
        assert found.activation is step, "type: activation"
        assert right(found, corners, targets), f"round: {targets}"
    assert perceptron(corners, [0, 1, 1, 0], rounds=200) is None, "none"
    apart = [(3.0, 1.0, 0.0), (-2.0, 0.5, 1.0), (2.5, -1.0, 2.0)]
    try:
        found = perceptron(apart, [1, 0, 1], rounds=50)
        perceptron([(2.0, -1.0, 0.5, 1.0)], [1], rounds=50)
    except (IndexError, ValueError):
        raise AssertionError(f"coordinates: {apart[0]}") from None
    assert found is not None, f"coordinates: {apart[0]}"
    cases = [(corners, [0, 1, 1, 1]), (corners, [1, 1, 0, 1])]
    cases += [(corners[::-1], [1, 0, 0, 0]), (apart, [1, 0, 1])]
    cases += [(apart[1:], [0, 1]), (apart[:1], [1]), (apart[:1], [0])]
    strange, backward = [], True
    for points, targets in cases:
        given = [list(x) for x in points], list(targets)
        before = repr(given)
        found = perceptron(*given, rounds=50)
        assert repr(given) == before, "input"
        assert found is not None, f"direction: {points}, {targets}"
        assert right(found, points, targets), f"round: {points}, {targets}"
        came = [*found.weights, found.bias]
        want, _ = follow(points, targets, 50)
        turned, _ = follow(points[::-1], targets[::-1], 50)
        backward = backward and came == turned
        strange += [] if came == want else [f"{points}, {targets}"]
    slip = "order" if backward else "at-once"
    assert not strange, f"{slip}: {strange[0]}"
    found = perceptron(corners, [0, 0, 0, 0], rounds=1)
    assert found is not None, "last: [0, 0, 0, 0], rounds=1"
    for points, targets in cases:
        _, used = follow(points, targets, 50)
        where = f"{points}, {targets}, rounds={used}"
        assert perceptron(points, targets, rounds=used), f"last: {where}"
        if used > 1:
            early = perceptron(points, targets, rounds=used - 1)
            assert early is None, f"limit: {where} - 1"


# %% exr-deep-learning-triangle
def test_deep_learning_triangle(exercise):
    inside_triangle = exercise.inside_triangle

    import random

    from torchbook.neurons import Network, Neuron, step

    rng = random.Random(6)
    corners = [(0.0, 0.0), (4.0, 0.0), (1.0, 3.0)]
    small = [(0.0, 0.0), (0.5, 0.0), (0.2, 0.6)]
    wide = [(-1, 2), (5, 7), (2, -3)]
    for p, q, r in [corners, corners[::-1], wide, small, small[::-1]]:
        net = inside_triangle(p, q, r)
        assert isinstance(net, Network), f"type: {type(net).__name__}"
        assert len(net.hidden) == 3, "count"
        for neuron in (*net.hidden, net.output):
            assert neuron.activation is step, "step"
            read = 3 if neuron is net.output else 2
            assert len(neuron.weights) == read, f"shape: {neuron.weights}"
        numbers = [(n.weights, n.bias) for n in (*net.hidden, net.output)]
        *hidden, out = [Neuron([*w], b) for w, b in numbers]
        net = Network(hidden, out)  # the numbers alone have to do it
        for corner in (p, q, r):
            zeros = [abs(side.total(corner)) < 1e-6 for side in net.hidden]
            assert sum(zeros) == 2, f"line: {corner}"
        for _ in range(200):
            a, b = rng.uniform(-1, 2), rng.uniform(-1, 2)
            shares = (a, b, 1 - a - b)  # all positive: inside
            if min(map(abs, shares)) < 0.01:
                continue
            pairs = list(zip(shares, (p, q, r)))
            x = [round(sum(s * c[i] for s, c in pairs), 3) for i in (0, 1)]
            h, inside = net.features(x), min(shares) > 0
            where = f"{x}, h = {h}, {p}, {q}, {r}"
            if inside == (min(h) == 1):
                assert net(x) == inside, f"agree: {where}"
            assert net(x) == inside, f"side: {where}"
