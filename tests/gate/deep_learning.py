# %% exr-deep-learning-collapse: probing the linear map with unit inputs
from torchbook.neurons import Neuron


def collapse(net):
    inputs = len(net.hidden[0].weights)

    def total(x):
        return net.output.total([neuron.total(x) for neuron in net.hidden])

    bias = total([0.0] * inputs)
    weights = []
    for i in range(inputs):
        unit = [0.0] * inputs
        unit[i] = 1.0
        weights.append(total(unit) - bias)
    return Neuron(weights, bias, net.output.activation)


# %% exr-deep-learning-collapse: matrix products in NumPy
import numpy as np

from torchbook.neurons import Neuron


def collapse(net):
    first = np.array([neuron.weights for neuron in net.hidden])
    shift = np.array([neuron.bias for neuron in net.hidden])
    second = np.array(net.output.weights)
    bias = second @ shift + net.output.bias
    return Neuron(list(second @ first), bias, net.output.activation)


# %% exr-deep-learning-three-switches: hidden neurons that count down, "at most k"
from torchbook.neurons import Network, Neuron


def odd_lamp(n):
    at_most = [Neuron([-1.0] * n, k + 0.5) for k in range(n)]
    signs = [-1.0 if k % 2 == 0 else 1.0 for k in range(n)]
    start = 1.0 if n % 2 else 0.0  # of all n up, none of these is 1
    return Network(at_most, Neuron(signs, start - 0.5))


# %% exr-deep-learning-three-switches: the last hidden neuron comes first
from torchbook.neurons import Network, Neuron, step


def odd_lamp(n):
    hidden, votes = [], []
    for k in range(n, 0, -1):
        hidden.append(Neuron([2.0] * n, 1.0 - 2 * k, step))
        votes.append(3 if k % 2 else -3)
    return Network(hidden, Neuron(votes, -1.0))


# %% exr-deep-learning-perceptron: vectors of NumPy, with the bias as a last weight
import numpy as np

from torchbook.neurons import Neuron


def perceptron(points, targets, rounds):
    rows = np.column_stack([np.array(points, float), np.ones(len(points))])
    state = np.zeros(rows.shape[1])
    for _ in range(rounds):
        clean = True
        for row, target in zip(rows, targets):
            answer = int(row @ state > 0)
            if answer != target:
                clean = False
                state = state + (target - answer) * row
        if clean:
            return Neuron(state[:-1].tolist(), state[-1].item())
    return None


# %% exr-deep-learning-perceptron: recursion over the rounds, and no comparison with 0
from torchbook.neurons import Neuron


def one_round(neuron, points, targets):
    for x, target in zip(points, targets):
        match int(neuron(x)), target:
            case 0, 1:
                weights = [w + x_i for w, x_i in zip(neuron.weights, x)]
                neuron = Neuron(weights, neuron.bias + 1)
            case 1, 0:
                weights = [w - x_i for w, x_i in zip(neuron.weights, x)]
                neuron = Neuron(weights, neuron.bias - 1)
    return neuron


def perceptron(points, targets, rounds, neuron=None):
    if rounds == 0:
        return None
    neuron = neuron or Neuron([0] * len(points[0]), 0)
    after = one_round(neuron, points, targets)
    if after is neuron:
        return neuron
    return perceptron(points, targets, rounds - 1, after)


# %% exr-deep-learning-triangle: the sign comes from the turning of the corners
from torchbook.neurons import Network, Neuron


def inside_triangle(p, q, r):
    area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
    if area < 0:
        q, r = r, q
    ring = [(p, q), (q, r), (r, p)]
    sides = [Neuron([a[1] - b[1], b[0] - a[0]], a[0] * b[1] - a[1] * b[0]) for a, b in ring]
    return Network(sides, Neuron([1.0, 1.0, 1.0], -2.5))


# %% exr-deep-learning-triangle: shares of the opposite corner, from a linear system
import numpy as np

from torchbook.neurons import Network, Neuron


def inside_triangle(p, q, r):
    corners = np.array([[*corner, 1.0] for corner in (p, q, r)])
    shares = np.linalg.inv(corners)  # column j: 1 at corner j, else 0
    sides = [Neuron(list(column[:2]), column[2]) for column in shares.T]
    return Network(sides, Neuron([2, 2, 2], -5))
