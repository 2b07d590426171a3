# Generated from chapters/zh/18-accelerators.qmd: edit there.
# Checksum 13e5219832ed: a change made here is refused, not lost.
# %% exr-accelerators-move
from typing import Any

import torch


def move(batch: Any, device: torch.device | str) -> Any:
    """Return the batch with every tensor in it on a device.

    Lists, tuples (those with named fields too) and dictionaries may be
    in one another, and stay what they are. What is neither comes back
    as it is: strings, numbers, None. The batch itself isn't changed.
    """
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: move(part, device) for key, part in batch.items()}
    if isinstance(batch, list | tuple):
        parts = [move(part, device) for part in batch]
        if hasattr(batch, "_fields"):
            return type(batch)(*parts)
        return type(batch)(parts)
    return batch


# %% exr-accelerators-bill
def gigabytes_by_hand() -> dict[str, float]:
    """Return your five numbers, in GB (10**9 bytes)."""
    return {"adam": 16, "sgd": 8, "mixed": 16, "predict": 2,
            "activations": 6.4}


# %% exr-accelerators-ridge
def ridge_by_hand() -> dict[str, float]:
    """Return your four numbers.

    "ridge" and "one" in FLOP/byte, "batch" a whole number, "time" in
    microseconds.
    """
    return {"ridge": 50, "one": 1, "batch": 52, "time": 16.8}


# %% exr-accelerators-waits
import torch


def train_quietly(model, batches, loss, optimizer) -> float:
    """Train on all batches once; return the mean loss per example.

    batches: an iterable of (input, target) pairs, not all of one size.
    loss: a mean over the batch. The value of the losses is asked for
    only once, at the end: until then nothing waits for the device.
    Graphs of batches that are done with aren't kept. ValueError for no
    batches.
    """
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        total = total + value.detach() * len(x)
        count += len(x)
    if count == 0:
        raise ValueError("batches: none")
    return (total / count).item()


# %% exr-accelerators-scaling
import torch


class Scaler:
    """Steps with a scale that adjusts itself."""

    def __init__(self, scale: float = 2.0**16, interval: int = 2000):
        self.scale, self.interval, self.good = scale, interval, 0

    def step(self, loss, optimizer) -> bool:
        """Backward of loss * scale, gradients divided by scale, a step.

        With an inf or nan in a gradient: no step, and the scale is
        halved. After `interval` steps in a row the scale is doubled,
        and counting begins anew. Returns whether there was a step.
        Parameters without a gradient are passed over.
        """
        (loss * self.scale).backward()
        finite = True
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad /= self.scale
                    finite &= bool(p.grad.isfinite().all())
        if not finite:
            self.scale, self.good = self.scale / 2, 0
            return False
        optimizer.step()
        self.good += 1
        if self.good == self.interval:
            self.scale, self.good = self.scale * 2, 0
        return True


# %% exr-accelerators-cuts
def best_cuts(inputs: list[int], inside: list[int]) -> list[int]:
    """Return where the segments begin that take the fewest bytes.

    Layer i has an input of inputs[i] bytes and keeps inside[i] bytes
    more. A segment keeps the input of its first layer all the time,
    and while it runs again all that its layers keep inside. So cuts
    take the inputs of all segments, and the largest inside sum of a
    segment. The first segment begins at 0, and the list is ascending.
    Of cuts that take equally few bytes any will do. For no layers, [].
    """
    n, best = len(inside), None
    sums = {sum(inside[i:j]) for j in range(n + 1) for i in range(j)}
    for limit in sums:  # no segment is to keep more inside
        if limit < max(inside):
            continue
        ways = [(0, [])]  # bytes of inputs, and cuts, of j layers
        for j in range(1, n + 1):
            ways.append(min(
                (ways[i][0] + inputs[i], [*ways[i][1], i])
                for i in range(j) if sum(inside[i:j]) <= limit
            ))
        total = ways[n][0] + limit
        if best is None or total < best[0]:
            best = total, ways[n][1]
    return best[1] if best else []
