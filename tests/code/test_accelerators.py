"""accelerators: clocks on a clockwork device, formats against torch, memory counted by hand."""

import copy
import math
import sys
import time
import weakref

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from torchbook import accelerators
from torchbook.accelerators import (
    FIELDS,
    Cost,
    Ledger,
    Roof,
    Traffic,
    best_device,
    blocks_of,
    cost,
    keep_fraction,
    kept_bytes,
    scaled_step,
    split_bits,
    take_ledger,
    timed,
    wait_for,
)
from torchbook.attention import scaled_dot_product
from torchbook.convolution import digit_cnn


def test_the_best_device_is_the_accelerator_if_there_is_one(monkeypatch):
    if not torch.accelerator.is_available():
        assert best_device() == torch.device("cpu")
    xpu = torch.device("xpu")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: xpu)
    assert best_device() == xpu


@pytest.mark.parametrize("device", ["cpu", "meta", torch.device("cpu"), "cuda", "xpu:1"])
def test_only_an_accelerator_is_waited_for(monkeypatch, device):
    waited = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waited.append)
    wait_for(device)
    there = torch.device(device)
    assert waited == ([] if there.type in ("cpu", "meta") else [there])


class Clockwork:
    """A device whose jobs are queued in no time and take as long as they say."""

    def __init__(self, monkeypatch, lengths):
        self.now, self.queued, self.calls, self.lengths = 0.0, 0.0, 0, lengths
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(accelerators, "wait_for", self.wait)

    def work(self):
        self.queued += self.lengths[self.calls]
        self.calls += 1

    def wait(self, device):
        assert device == "clockwork"
        self.now, self.queued = self.now + self.queued, 0.0


@pytest.mark.parametrize("warmup", [0, 1, 3])
def test_timed_is_the_median_and_leaves_out_warming_up(monkeypatch, warmup):
    toy = Clockwork(monkeypatch, [100.0] * warmup + [2.0, 50.0, 3.0, 4.0, 1.0])
    toy.queued = 1000.0  # what somebody else had asked for
    assert timed(toy.work, "clockwork", repeats=5, warmup=warmup) == 3.0
    assert toy.calls == warmup + 5


def test_timed_waits_for_sleep_too():
    assert 0.002 <= timed(lambda: time.sleep(0.002), repeats=3, warmup=0) < 2


@pytest.mark.parametrize("options", [{"repeats": 0}, {"warmup": -1}])
def test_timed_says_what_it_can_not_do(options):
    with pytest.raises(ValueError, match="repeats"):
        timed(lambda: None, **options)


def value(bits, dtype):
    """What three strings of bits stand for, by the definition of the formats."""
    sign, exponent, fraction = bits
    e, width = int(exponent, 2), len(exponent)
    bias, part = 2 ** (width - 1) - 1, int(fraction, 2) / 2 ** len(fraction)
    if e == 2**width - 1:
        size = math.nan if part else math.inf
    else:
        size = 2.0 ** (e - bias) * (1 + part) if e else 2.0 ** (1 - bias) * part
    return -size if sign == "1" else size


@pytest.mark.parametrize("dtype", FIELDS)
@given(x=st.floats(width=32, allow_nan=False))
def test_split_bits_stand_for_the_rounded_number(dtype, x):
    bits = split_bits(x, dtype)
    assert [len(part) for part in bits] == [1, *FIELDS[dtype]]
    assert value(bits, dtype) == torch.tensor(x, dtype=dtype).item()
    assert bits[0] == "01"[math.copysign(1, x) < 0]


def test_split_bits_know_three_formats():
    with pytest.raises(ValueError, match="float64"):
        split_bits(1.0, torch.float64)


SPECIAL = [
    math.inf,
    -math.inf,
    0.0,
    -0.0,
    3.4e38,
    -3.4e38,
    1e-40,
    -1e-45,
    1.00390625,
    1.01171875,
]


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1))
def test_seven_bits_of_fraction_are_bfloat16(numbers):
    x = torch.tensor(numbers + SPECIAL)
    kept = x.clone()
    found = keep_fraction(x, 7)
    assert torch.equal(found, x.bfloat16().float())
    assert torch.equal(found.signbit(), x.signbit())
    assert torch.equal(x, kept)


@pytest.mark.parametrize("bits", range(1, 24))
def test_a_kept_fraction_is_the_nearest(bits):
    x = torch.randn(1000, generator=torch.Generator().manual_seed(bits))
    found = keep_fraction(x, bits)
    mantissa, exponent = torch.frexp(x.double())
    exact = torch.ldexp((mantissa * 2 ** (bits + 1)).round(), exponent - bits - 1)
    assert torch.equal(found.double(), exact)
    assert bits < 23 or torch.equal(found, x)


def test_keep_fraction_takes_other_layouts_and_keeps_nan():
    x = torch.randn(4, 6)
    x[0, 0] = math.nan
    found = keep_fraction(x.T, 10)
    assert torch.equal(found.nan_to_num(), keep_fraction(x, 10).T.nan_to_num())
    assert found[0, 0].isnan() and found.isnan().sum() == 1
    assert not keep_fraction(x.requires_grad_(), 3).requires_grad
    full = torch.tensor([2**31 - 1, -1], dtype=torch.int32).view(torch.float32)
    assert keep_fraction(full, 10).isnan().all()  # all bits of the fraction set


@pytest.mark.parametrize(
    "bits, dtype", [(0, torch.float32), (24, torch.float32), (5, torch.float64)]
)
def test_keep_fraction_says_what_it_can_not_do(bits, dtype):
    with pytest.raises(ValueError, match="bits"):
        keep_fraction(torch.ones(2, dtype=dtype), bits)


def net(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).to(dtype)


@pytest.mark.parametrize("scale", [1.0, 2.0**10, 2.0**16])
def test_a_scaled_step_is_that_of_torch(scale):
    x, y = torch.randn(20, 6), torch.randint(3, (20,))
    ours, theirs = net(), net()
    opt = [torch.optim.AdamW(m.parameters(), lr=0.1) for m in (ours, theirs)]
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1000)
    for _ in range(3):
        for each in opt:
            each.zero_grad()
        assert scaled_step(F.cross_entropy(ours(x), y), opt[0], scale) is True
        scaler.scale(F.cross_entropy(theirs(x), y)).backward()
        scaler.step(opt[1])
        scaler.update()
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b) and torch.equal(a.grad, b.grad)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_step_that_is_not_finite_is_left_out(bad):
    model = net()
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD([{"params": [p]} for p in model.parameters()], lr=0.1)
    loss = model(torch.randn(4, 6)).sum() + model[2].bias[1] * bad
    assert scaled_step(loss, optimizer, 4.0) is False
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_parameters_without_a_gradient_are_passed_over():
    model = net()
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert scaled_step(model(torch.randn(4, 6)).sum(), optimizer, 2.0)


def test_blocks_are_counted_once():
    x, y = torch.zeros(10, 4), torch.zeros(3, dtype=torch.float64)
    assert sorted(blocks_of([x, x[2:], x.T, y]).values()) == [24, 160]
    assert blocks_of([]) == {}
    with torch.device("meta"):
        big = torch.zeros(10**6, 10**6), torch.zeros(5)
    assert sorted(blocks_of([*big, big[0][1]]).values()) == [20, 4 * 10**12]


@pytest.mark.parametrize("batch", [1, 7])
def test_what_is_kept_of_linear_layers(batch):
    model, x = net(), torch.randn(batch, 6)
    weights = list(model.parameters())
    # the inputs of both layers; tanh keeps its output, which is the second input
    assert kept_bytes(lambda: model(x), weights) == 4 * batch * (6 + 5)
    both = (
        4 * batch * (6 + 5) + 4 * 5 * 3
    )  # and the second weight, for the gradient of its input
    assert kept_bytes(lambda: model(x)) == both
    with torch.no_grad():
        assert kept_bytes(lambda: model(x)) == 0


def test_what_was_looked_at_is_freed():
    x, made = torch.ones(10, requires_grad=True), []

    def run():
        y = x.exp()  # keeps its output, which holds the graph that keeps it
        made.append(weakref.ref(y))
        return y

    assert kept_bytes(run) == 40
    assert made[0]() is None


def test_what_was_looked_at_is_freed_on_the_way_back():
    a, b, seen, losses = numpy.ones(3), numpy.ones(3), [], []

    def run():
        half = torch.ones(3, requires_grad=True) * torch.from_numpy(a)
        half.register_hook(lambda g: seen.append(sys.getrefcount(b)))
        losses.append((half * torch.from_numpy(b)).sum())

    kept_bytes(run)
    held = sys.getrefcount(b)
    losses[0].backward()
    assert seen[0] < held  # the second product is done with, the first isn't


def test_a_checkpoint_keeps_its_input_only():
    model, x = net(), torch.randn(9, 6, requires_grad=True)
    weights = list(model.parameters())
    kept = kept_bytes(lambda: checkpoint(model, x, use_reentrant=False), weights)
    assert kept == 4 * 9 * 6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "make, state", [(torch.optim.SGD, 0), (torch.optim.Adam, 2), (torch.optim.RMSprop, 1)]
)
def test_a_ledger_of_a_step(make, state, dtype):
    model, n = net(dtype=dtype), 5 * 6 + 5 + 3 * 5 + 3
    size = torch.finfo(dtype).bits // 8
    optimizer = make(model.parameters(), lr=0.1)
    x = torch.randn(8, 6, dtype=dtype)
    before = [p.detach().clone() for p in model.parameters()]
    ledger = take_ledger(model, optimizer, lambda: model(x).sum())
    steps = 4 * 4 if state else 0  # of each tensor: a float32
    activations = size * 8 * (6 + 5)
    assert ledger == Ledger(size * n, size * n, state * size * n + steps, activations)
    assert ledger.total == (2 + state) * size * n + steps + activations
    wanted = torch.autograd.grad(model(x).sum(), list(model.parameters()))
    take_ledger(model, optimizer, lambda: model(x).sum())
    for p, g in zip(model.parameters(), wanted, strict=True):
        assert torch.equal(p.grad, g)
    assert not any(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))


def test_buffers_are_weights_and_a_ledger_needs_no_memory():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(10**5, 10**5, bias=False), nn.BatchNorm1d(10**5))
        x = torch.zeros(4, 10**5)
    ledger = take_ledger(model, torch.optim.SGD(model.parameters()), lambda: model(x).sum())
    assert ledger.weights == 4 * (10**10 + 4 * 10**5) + 8
    assert ledger.gradients == 4 * (10**10 + 2 * 10**5)


@pytest.mark.parametrize("batch", [2, 16])
def test_activations_grow_with_the_batch_alone(batch):
    model = digit_cnn(4)
    optimizer = torch.optim.Adam(model.parameters())
    found = [
        take_ledger(model, optimizer, lambda b=b: model(torch.randn(b, 1, 8, 8)).sum())
        for b in (batch, 2 * batch)
    ]
    fixed = [(ledger.weights, ledger.gradients, ledger.optimizer) for ledger in found]
    assert fixed[0] == fixed[1]
    norms = 4 * 2 * (4 + 8)  # a mean and a deviation for each channel
    assert found[1].activations - norms == 2 * (found[0].activations - norms)


def test_traffic_counts_operations_and_no_views():
    x = torch.randn(10, 6)
    with Traffic() as traffic:
        y = x.T.reshape(3, 20)[1:].contiguous()  # reshape copies
        y.add_(1)
        y.view(-1)
    assert (traffic.calls, traffic.bytes) == (2, 4 * (60 + 60 + 40 + 40))


def test_a_chain_costs_less_when_it_is_fused():
    x = torch.randn(100)

    def chain(x):
        return (x * 2 + 1).relu()

    assert cost(chain, x, fused=False) == Cost(0, 3 * 2 * 400)
    assert cost(chain, x, each=3) == Cost(300, 2 * 400)
    assert cost(chain, x.double(), each=3).intensity == 300 / 1600


@pytest.mark.parametrize("m, k, n", [(2, 3, 4), (16, 16, 16), (1, 64, 8)])
@pytest.mark.parametrize("dtype, size", [(torch.float32, 4), (torch.bfloat16, 2)])
def test_the_cost_of_a_product(m, k, n, dtype, size):
    a, b = torch.randn(m, k, dtype=dtype), torch.randn(k, n, dtype=dtype)
    for fused in (True, False):
        found = cost(torch.mm, a, b, fused=fused)
        assert found == Cost(2 * m * k * n, size * (m * k + k * n + m * n))


def test_a_backward_pass_takes_twice_the_flop_of_a_forward_pass():
    model = nn.Sequential(*(nn.Linear(16, 16) for _ in range(50)))
    x = torch.randn(8, 16, requires_grad=True)
    with FlopCounterMode(display=False) as forward:
        y = model(x)
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    assert backward.get_total_flops() == 2 * forward.get_total_flops()


def test_attention_moves_its_weights_unless_fused():
    b, h, t, d = 2, 3, 32, 8
    q, k, v = (torch.randn(b, h, t, d) for _ in range(3))
    fused, apart = (cost(scaled_dot_product, q, k, v, fused=f) for f in (True, False))
    assert fused.flops == apart.flops == 2 * 2 * b * h * t * t * d
    assert fused.bytes == 4 * 4 * b * h * t * d
    # product, division, softmax, product: the (t, t) tables go to and fro six times
    assert apart.bytes == fused.bytes + 4 * 6 * b * h * t * t


def test_a_roof_has_two_slopes():
    roof = Roof(peak=100.0, bandwidth=4.0)
    assert roof.ridge == 25.0
    assert [roof(x) for x in (1.0, 25.0, 50.0)] == [4.0, 100.0, 100.0]


@pytest.mark.cuda
def test_work_on_a_gpu_is_waited_for():
    x = torch.randn(4096, 4096, device="cuda")
    whole = timed(lambda: x @ x, "cuda")
    start = time.perf_counter()
    x @ x
    assert time.perf_counter() - start < whole
    wait_for("cuda")
