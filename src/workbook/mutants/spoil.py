"""What spoiled answers call: each wraps a function of the solution and does one thing wrong.

`happened` tells whether the wrong thing came about at all while a check ran. Torch is used
only where it has been imported, so that this module costs nothing without it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

happened = [False]


def detached(function: Callable[..., Any]) -> Callable[..., Any]:
    """The results lose their history."""

    def applies(tensor: Any) -> bool:
        return tensor.requires_grad and _kept(tensor)

    return _changing_result(function, applies, lambda tensor: tensor.detach())


def other_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    """Floating-point results come in single precision if they are double, else in double."""
    torch = sys.modules.get("torch")

    def other(tensor: Any) -> Any:
        return tensor.to(torch.float32 if tensor.dtype == torch.float64 else torch.float64)

    return _changing_result(function, lambda t: t.is_floating_point() and _kept(t), other)


def input_changed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The caller's tensors, arrays and lists are changed after the work is done."""

    def after(given: list[Any]) -> None:
        for value in _leaves(given):
            if _tensor(value) and value.numel():
                logical = value.dtype == sys.modules["torch"].bool
                value.data.logical_not_() if logical else value.data.add_(1)
            elif type(value).__name__ == "ndarray" and value.size and value.dtype.kind in "iuf":
                value += 1
            else:
                continue
            happened[0] = True
        for value in given:
            if isinstance(value, list) and value:
                value.append(value[0])
                happened[0] = True

    return _wrapped(function, after)


def mode_changed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The caller's modules are left in the other mode."""

    def after(given: list[Any]) -> None:
        for module in _modules(given):
            module.train(not module.training)
            happened[0] = True

    return _wrapped(function, after)


def frozen(function: Callable[..., Any]) -> Callable[..., Any]:
    """The caller's modules are left with parameters that need no gradient."""

    def after(given: list[Any]) -> None:
        for module in _modules(given):
            if any(p.requires_grad for p in module.parameters()):
                module.requires_grad_(False)
                happened[0] = True

    return _wrapped(function, after)


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The work is done at the first call; all later ones get the same result."""
    results: list[Any] = []

    @functools.wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        happened[0] = True
        if not results:
            results.append(function(*args, **options))
        return results[0]

    return wrapped


def first_left_out(values: Iterable[Any]) -> Iterator[Any]:
    """All but the first."""
    rest = iter(values)
    next(rest, None)
    yield from rest


def last_left_out(values: Iterable[Any]) -> Iterator[Any]:
    """All but the last."""
    rest = iter(values)
    for kept in rest:
        for following in rest:
            yield kept
            kept = following


def _changing_result(
    function: Callable[..., Any], applies: Callable[[Any], bool], change: Callable[[Any], Any]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        return _mapped(function(*args, **options), applies, change)

    return wrapped


def _mapped(value: Any, applies: Callable[[Any], bool], change: Callable[[Any], Any]) -> Any:
    if type(value) in (list, tuple):
        return type(value)(_mapped(part, applies, change) for part in value)
    if type(value) is dict:
        return {key: _mapped(part, applies, change) for key, part in value.items()}
    if _tensor(value) and applies(value):
        happened[0] = True
        return change(value)
    return value


def _wrapped(
    function: Callable[..., Any], after: Callable[[list[Any]], None]
) -> Callable[..., Any]:
    method = next(iter(inspect.signature(function).parameters), "") == "self"

    @functools.wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        after([*args[method:], *options.values()])
        return result

    return wrapped


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _leaves(value)
        elif isinstance(value, dict):
            yield from _leaves(value.values())
        else:
            yield value


def _modules(values: Iterable[Any]) -> Iterator[Any]:
    torch = sys.modules.get("torch")
    if torch:
        yield from (value for value in _leaves(values) if isinstance(value, torch.nn.Module))


def _tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return bool(torch) and isinstance(value, torch.Tensor)


def _kept(value: Any) -> bool:
    """Whether it is no parameter, which belongs to its module and not to this call."""
    return not isinstance(value, sys.modules["torch"].nn.Parameter)
