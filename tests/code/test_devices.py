"""devices against torch's own report, and meet-pytorch's claims about torch.

No test needs an accelerator; where there is one, the `device` fixture brings it in.
"""

import math
import re
import tomllib
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from torchbook.devices import agrees_with_cpu, available_devices, pick_device


def pretend(monkeypatch, cuda, mps):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "kinds"),
    [
        (False, False, ["cpu"]),
        (True, False, ["cuda", "cpu"]),
        (False, True, ["mps", "cpu"]),
        (True, True, ["cuda", "mps", "cpu"]),
    ],
)
def test_cuda_comes_before_mps_and_the_cpu_is_last(monkeypatch, cuda, mps, kinds):
    pretend(monkeypatch, cuda, mps)
    assert [found.type for found in available_devices()] == kinds
    assert pick_device() == torch.device(kinds[0])


def test_the_choice_is_torchs_own():
    """torch.accelerator knows more kinds; where it names one of ours, we name it too."""
    current = torch.accelerator.current_accelerator(check_available=True)
    if current is None:
        assert pick_device().type == "cpu"
    elif current.type in ("cuda", "mps"):
        assert pick_device().type == current.type


def test_every_device_found_computes():
    for found in available_devices():
        assert agrees_with_cpu(found)
        assert torch.ones(2, device=found).device.type == found.type


@pytest.mark.parametrize("n", [1, 2, 64])
def test_a_working_device_agrees(device, n):
    assert agrees_with_cpu(device, n) is True
    assert agrees_with_cpu(str(device), n) is True


@pytest.mark.parametrize("factor", [1 + 1e-2, 0.0, -1.0, math.nan])
def test_a_device_that_computes_wrongly_does_not_agree(monkeypatch, factor):
    home = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: home(self) * factor)
    assert agrees_with_cpu("cpu") is False


def test_rounding_differently_is_no_fault(monkeypatch):
    home = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: home(self) * (1 + 1e-5))
    assert agrees_with_cpu("cpu") is True


def test_a_device_that_cannot_compute_raises():
    with pytest.raises((NotImplementedError, RuntimeError)):
        agrees_with_cpu("meta")


def test_checking_leaves_the_global_random_numbers_alone():
    torch.manual_seed(0)
    before = torch.rand(3)
    torch.manual_seed(0)
    agrees_with_cpu("cpu")
    assert torch.equal(torch.rand(3), before)


# What the chapter says of torch.


def halving(k, t):
    return 20 + 70 * 2 ** (-t / k)


def test_a_stale_derivative_reports_a_bottom_that_is_none(device):
    """The opening: the old slope is zero at k = 8 minutes, the true one is not."""
    t = torch.tensor([0.0, 5.0, 10.0, 15.0, 20.0, 25.0], device=device)
    read = torch.tensor([90.0, 75.0, 62.0, 53.0, 46.0, 40.0], device=device)
    k = torch.tensor(8.0, device=device, requires_grad=True)
    gaps = halving(k, t) - read
    (gaps**2).mean().backward()
    stale = (2 * gaps * -70 * t * torch.exp(-k * t)).mean()
    assert abs(stale.item()) < 1e-9
    assert k.grad.item() < -50


def test_autograd_agrees_with_the_derivative_on_paper(device):
    """Equation of the section on automatic differentiation, at three points, to 1e-9."""
    t = torch.arange(0.0, 30.0, 5.0, dtype=torch.float64)
    read = torch.tensor([90.0, 75.0, 62.0, 53.0, 46.0, 40.0], dtype=torch.float64)
    if device.type == "mps":
        pytest.skip("MPS has no float64")
    t, read = t.to(device), read.to(device)
    for start in (0.03, 0.05, 0.08):
        k = torch.tensor(start, dtype=torch.float64, device=device, requires_grad=True)
        gaps = 20 + 70 * torch.exp(-k * t) - read
        (gaps**2).mean().backward()
        paper = (2 * gaps * -70 * t * torch.exp(-k * t)).mean()
        assert k.grad.item() == pytest.approx(paper.item(), rel=1e-9)


def test_tensors_on_two_devices_do_not_mix(device):
    if device.type == "cpu":
        pytest.skip("needs a second device")
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(2) + torch.ones(2, device=device)


def test_an_integer_cannot_ask_for_a_gradient():
    with pytest.raises(RuntimeError, match="floating point and complex"):
        torch.tensor(3, requires_grad=True)


def test_a_device_is_a_name_and_numbers_tell_names_apart():
    assert torch.device("cuda:1") != torch.device("cuda")
    assert torch.device("cuda:1").type == "cuda"


def test_the_chapter_asks_for_the_versions_that_the_project_asks_for():
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (root / "chapters/en/02-meet-pytorch.qmd").read_text(encoding="utf-8")
    (torch_wanted,) = [d for d in project["dependencies"] if d.startswith("torch")]
    major, minor = re.fullmatch(r"torch>=(\d+)\.(\d+)", torch_wanted).groups()
    python = project["requires-python"].removeprefix(">=")
    assert f"(int(major), int(minor)) >= ({major}, {minor})" in page
    assert f"Python {python} or newer and PyTorch {major}.{minor} or newer" in page


def test_a_copy_that_keeps_its_history_gets_no_gradient():
    """Why auto_slope detaches: a clone of what requires a gradient is no leaf."""
    k = torch.tensor(0.03, requires_grad=True)
    copy = k.clone()
    copy.square().backward()
    assert not copy.is_leaf
    leaf = k.detach().clone().requires_grad_()
    leaf.square().backward()
    assert leaf.grad is not None


def test_the_formula_of_the_tea_is_five_operations():
    class Recorded(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names.append(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    names = []
    k, t = torch.full((200, 1), 0.05), torch.arange(0.0, 30.0, 5.0)
    with Recorded():
        tea = 20 + 70 * torch.exp(-k * t)
    assert names == ["neg", "mul", "exp", "mul", "add"]
    assert tea.numel() == 1200
