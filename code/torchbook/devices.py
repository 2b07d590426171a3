# Generated from chapters/zh/02-meet-pytorch.qmd: edit there.
# Checksum 8614b233561b: a change made here is refused, not lost.
# %% meet-pytorch-devices
"""Choose where tensors live, once."""

import torch


def available_devices() -> list[torch.device]:
    """Return the devices usable here, in the order to prefer them.

    CUDA first (ROCm builds for AMD answer to that name too), then MPS
    (Apple), then the CPU, which is always there.
    """
    found = []
    if torch.cuda.is_available():
        found.append(torch.device("cuda"))
    if torch.backends.mps.is_available():
        found.append(torch.device("mps"))
    return [*found, torch.device("cpu")]


def pick_device() -> torch.device:
    """Return the first of available_devices()."""
    return available_devices()[0]


# %% meet-pytorch-agrees
def agrees_with_cpu(device: torch.device | str, n: int = 64) -> bool:
    """Return whether device multiplies matrices as the CPU does.

    Multiplies an (n, n) float32 matrix of numbers in [0, 1) by itself
    in both places and allows a relative difference of 1e-3. Raises
    what torch raises if the device cannot compute at all.
    """
    generator = torch.Generator().manual_seed(0)
    here = torch.rand(n, n, generator=generator)
    there = here.to(device)
    return torch.allclose((there @ there).cpu(), here @ here, rtol=1e-3)
