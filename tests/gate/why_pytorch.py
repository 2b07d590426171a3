# %% exr-why-pytorch-power: a function that calls itself, on half of n
import torch


def power(x, n):
    if n < 0:
        raise ValueError("n must not be negative")
    if n == 0:
        return torch.ones_like(x)
    if n == 1:
        return x
    half = power(x, n // 2)
    whole = half * half
    return whole * x if n % 2 else whole


# %% exr-why-pytorch-power: from the highest binary digit down
def power(x, n):
    if n < 0:
        raise ValueError(n)
    if not n:
        return x.new_ones(x.shape)
    result = x
    for digit in format(n, "b")[1:]:
        result = result * result
        if digit == "1":
            result = result * x
    return result


# %% exr-why-pytorch-power: the factors of the digits in a list, multiplied together
import functools

import torch


def power(x, n):
    if n < 0:
        raise ValueError(n)
    factors, square = [], x
    while n:
        n, digit = divmod(n, 2)
        if digit:
            factors.append(square)
        if n:
            square = torch.mul(square, square)
    if not factors:
        return torch.ones_like(x)
    return functools.reduce(torch.mul, factors)


# %% exr-why-pytorch-longest: count the arrows into each node, and peel from the top
from collections import Counter


def longest_path(node):
    if node is None:
        return 0
    below, found, todo = {}, {node}, [node]
    while todo:
        fn = todo.pop()
        below[fn] = [n for n, _ in fn.next_functions if n is not None]
        todo += set(below[fn]) - found
        found |= set(below[fn])
    waiting = Counter(n for nodes in below.values() for n in nodes)
    length, ready = {node: 1}, [node]
    while ready:
        fn = ready.pop()
        for n in below[fn]:
            length[n] = max(length.get(n, 0), length[fn] + 1)
            waiting[n] -= 1
            if not waiting[n]:
                ready.append(n)
    return max(length.values())


# %% exr-why-pytorch-longest: a stack of its own, and what was found is remembered
def longest_path(node):
    known = {None: 0}
    stack = [node]
    while stack:
        fn = stack[-1]
        if fn in known:
            stack.pop()
            continue
        below = {n for n, _ in fn.next_functions}
        missing = below - known.keys()
        if missing:
            stack.extend(missing)
        else:
            known[fn] = 1 + max((known[n] for n in below), default=0)
    return known[node]
