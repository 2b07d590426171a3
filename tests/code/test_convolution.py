"""convolution against torch.nn and torch.nn.functional, and the chapter's own claims.

Values in float64 agree to 1e-10 unless a test says otherwise.
"""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from torchbook.convolution import (
    Conv2d,
    ConvBlock,
    as_pair,
    cross_correlate,
    digit_cnn,
    output_size,
    receptive_field,
    windows2d,
)

# A device does not change between the examples of one test.
with_device = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
CLOSE = {"rtol": 1e-10, "atol": 1e-10}
small = st.integers(1, 3)
pairs = st.one_of(small, st.tuples(small, small))
paddings = st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2)))


def normal(*shape, device="cpu", dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64).to(device, dtype)


# cross_correlate


@with_device
@given(h=st.integers(1, 7), w=st.integers(1, 7), a=st.integers(1, 7), b=st.integers(1, 7))
def test_correlation_is_torchs_convolution(device, h, w, a, b):
    assume(a <= h and b <= w)
    x = normal(h, w, device=device).requires_grad_()
    k = normal(a, b, device=device, seed=1).requires_grad_()
    ours = cross_correlate(x, k)
    theirs = F.conv2d(x[None, None], k[None, None])[0, 0]
    torch.testing.assert_close(ours, theirs, **CLOSE)
    share = normal(*theirs.shape, device=device, seed=2)
    for mine, yours in zip(
        torch.autograd.grad(ours, (x, k), share),
        torch.autograd.grad(theirs, (x, k), share),
        strict=True,
    ):
        torch.testing.assert_close(mine, yours, **CLOSE)


def test_a_flipped_kernel_is_the_convolution_of_mathematics():
    x, k = [1.0, 2.0, 3.0], [4.0, 5.0]
    rows = cross_correlate(torch.tensor([x]), torch.tensor([k]).flip(1))
    full = [1 * 4, 1 * 5 + 2 * 4, 2 * 5 + 3 * 4, 3 * 5]
    assert rows[0].tolist() == full[1:-1]


@pytest.mark.parametrize(
    ("x", "kernel"),
    [((3, 3), (4, 1)), ((3, 3), (1, 4)), ((3, 3), (0, 1)), ((3,), (1, 1)), ((1, 3, 3), (1, 1))],
)
def test_correlation_names_what_has_no_place(x, kernel):
    with pytest.raises(ValueError, match="kernel"):
        cross_correlate(torch.zeros(x), torch.zeros(kernel))


# output_size


@given(n=st.integers(1, 12), k=st.integers(1, 4), s=small, p=st.integers(0, 3), d=small)
def test_size_is_that_of_torch_or_both_refuse(n, k, s, p, d):
    try:
        theirs = F.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, k), None, s, p, d).shape[-1]
    except RuntimeError:
        with pytest.raises(ValueError, match="kernel"):
            output_size(n, k, s, p, d)
    else:
        assert output_size(n, k, s, p, d) == theirs


@pytest.mark.parametrize("name", ["kernel", "stride", "dilation"])
def test_size_names_what_is_below_one(name):
    options = {"kernel": 3, "stride": 1, "dilation": 1} | {name: 0}
    with pytest.raises(ValueError, match=f"{name}: 0"):
        output_size(8, **options)
    with pytest.raises(ValueError, match="padding: -1"):
        output_size(8, 3, padding=-1)


def test_the_common_choices():
    assert output_size(96, 3, stride=2, padding=1) == 48
    for k in (1, 3, 5, 7):
        for d in (1, 2, 3):
            assert output_size(50, k, padding=d * (k - 1) // 2, dilation=d) == 50


# windows2d


@with_device
@given(
    size=pairs,
    stride=pairs,
    padding=paddings,
    dilation=pairs,
    batch=st.integers(0, 2),
    h=st.integers(5, 9),
    w=st.integers(5, 9),
)
def test_windows_are_those_of_unfold(device, size, stride, padding, dilation, batch, h, w):
    x = normal(batch, 2, h, w, device=device)
    try:
        seen = windows2d(x, size, stride, padding, dilation)
    except ValueError:
        with pytest.raises(RuntimeError):
            F.conv2d(x, x.new_zeros(1, 2, *as_pair(size)), None, stride, padding, dilation)
        return
    if batch:
        columns = F.unfold(x, as_pair(size), dilation, padding, stride)
        rows, places = seen.shape[2] * seen.shape[3], seen.movedim((2, 3), (4, 5))
        torch.testing.assert_close(places.reshape(batch, -1, rows), columns, rtol=0, atol=0)
    assert seen.shape[:2] == (batch, 2)


def test_windows_are_a_view_of_one_padded_picture():
    x = normal(2, 3, 6, 5)
    seen = windows2d(x, 3, 1, (1, 2))
    assert seen.untyped_storage().nbytes() == 2 * 3 * (6 + 2) * (5 + 4) * x.element_size()
    assert seen.numel() > 2 * 3 * 8 * 9
    kept = x.clone()
    seen.zero_()
    assert torch.equal(x, kept)


@with_device
@given(size=small, stride=small, padding=st.integers(0, 1), seed=st.integers(0, 5))
def test_pooling_is_a_line(device, size, stride, padding, seed):
    assume(2 * padding <= size)
    x = normal(2, 3, 7, 6, device=device, seed=seed)
    low = windows2d(x, size, stride, padding, fill=-torch.inf).amax((-2, -1))
    torch.testing.assert_close(low, F.max_pool2d(x, size, stride, padding), rtol=0, atol=0)
    mean = windows2d(x, size, stride, padding).mean((-2, -1))
    torch.testing.assert_close(mean, F.avg_pool2d(x, size, stride, padding), **CLOSE)


def test_padding_a_maximum_with_zeros_is_wrong():
    x = -torch.ones(1, 1, 4, 4)
    assert windows2d(x, 2, 2, 1).amax((-2, -1)).max() == 0
    assert F.max_pool2d(x, 2, 2, 1).max() == -1


@pytest.mark.parametrize("shape", [(3, 3), (1, 3, 3), (1, 1, 1, 3, 3)])
def test_windows_name_a_wrong_shape(shape):
    with pytest.raises(ValueError, match="x: shape"):
        windows2d(torch.zeros(shape), 2)


# Conv2d


@with_device
@given(
    groups=st.integers(1, 3),
    c=st.integers(1, 2),
    o=st.integers(1, 2),
    size=pairs,
    stride=pairs,
    padding=paddings,
    dilation=st.sampled_from([1, 2, (1, 2)]),
    batch=st.integers(0, 2),
    single=st.booleans(),
)
def test_layer_is_torchs(device, groups, c, o, size, stride, padding, dilation, batch, single):
    dtype = torch.float32 if single else torch.float64
    options = size, stride, padding, dilation, groups
    ours = Conv2d(c * groups, o * groups, *options).to(device, dtype)
    theirs = nn.Conv2d(c * groups, o * groups, *options).to(device, dtype)
    theirs.load_state_dict(ours.state_dict())
    x = normal(batch, c * groups, 6, 7, device=device, dtype=dtype).requires_grad_()
    try:
        wanted = theirs(x)
    except RuntimeError:
        with pytest.raises(ValueError, match="kernel"):
            ours(x)
        return
    came = ours(x)
    close = {"rtol": 1e-4, "atol": 1e-4} if single else CLOSE
    torch.testing.assert_close(came, wanted, **close)
    share = normal(*wanted.shape, device=device, dtype=dtype, seed=3)
    for mine, yours in zip(
        torch.autograd.grad(came, [x, *ours.parameters()], share),
        torch.autograd.grad(wanted, [x, *theirs.parameters()], share),
        strict=True,
    ):
        torch.testing.assert_close(mine, yours, **close)


@pytest.mark.parametrize("options", [{}, {"size": (1, 3)}, {"groups": 2}])
def test_layer_starts_as_torchs(options):
    options = {"size": 3} | options
    torch.manual_seed(5)
    ours = Conv2d(4, 6, **options)
    torch.manual_seed(5)
    theirs = nn.Conv2d(4, 6, options.pop("size"), **options)
    for mine, yours in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("c_in", "c_out", "groups"), [(3, 4, 2), (4, 3, 2), (4, 4, 0)])
def test_layer_names_groups_that_do_not_divide(c_in, c_out, groups):
    with pytest.raises(ValueError, match=f"groups: {groups}"):
        Conv2d(c_in, c_out, 3, groups=groups)


@pytest.mark.parametrize("sizes", [(0, 4, 3), (4, 0, 3), (4, 4, 0), (4, 4, (3, -1))])
def test_layer_names_what_is_below_one(sizes):
    with pytest.raises(ValueError, match="c_in, c_out, size"):
        Conv2d(*sizes)


def test_layer_names_wrong_input():
    layer = Conv2d(4, 2, 3)
    for shape in [(4, 8, 8), (1, 3, 8, 8), (1, 4, 8)]:
        with pytest.raises(ValueError, match=r"x: .* not \(B, 4, H, W\)"):
            layer(torch.zeros(shape))
    with pytest.raises(ValueError, match="kernel: spans 3"):
        layer(torch.zeros(1, 4, 2, 8))
    for dtype in (torch.int64, torch.float64):
        with pytest.raises(TypeError, match=f"x: {dtype}"):
            layer(torch.zeros(1, 4, 8, 8, dtype=dtype))


def test_convolution_moves_with_its_input_and_pooling_only_in_part():
    layer = Conv2d(1, 2, 3, padding=1).double()
    x = torch.zeros(1, 1, 8, 12, dtype=torch.float64)
    x[..., 3:5, 3:5] = normal(2, 2)
    moved = x.roll(2, dims=-1)
    torch.testing.assert_close(layer(moved), layer(x).roll(2, dims=-1), **CLOSE)
    spot = F.one_hot(torch.tensor(2), 8).double().expand(1, 1, 2, 8)
    pooled = [F.max_pool2d(spot.roll(k, -1), 2)[0, 0, 0].argmax().item() for k in range(3)]
    assert pooled == [1, 1, 2]


# receptive_field


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)), max_size=4))
@settings(deadline=None, max_examples=60)
def test_receptive_field_is_where_the_gradient_is(layers):
    width, step = receptive_field(layers)
    n = width + 2 * step + 3
    x = torch.zeros(1, 1, n, requires_grad=True, dtype=torch.float64)
    y = x
    for k, s, d in layers:
        y = F.conv1d(y, torch.ones(1, 1, k, dtype=torch.float64), None, s, 0, d)
    seen = []
    for place in (0, 1):
        where = torch.autograd.grad(y[0, 0, place], x, retain_graph=True)[0][0, 0].nonzero()
        seen.append((where.min().item(), where.max().item()))
    assert seen[0] == (0, width - 1)
    assert seen[1][0] == step


def test_receptive_field_names_the_layer():
    assert receptive_field([]) == (1, 1)
    for wrong in [(0, 1, 1), (3, 0, 1), (3, 1, 0)]:
        with pytest.raises(ValueError, match="layers: number 1"):
            receptive_field([(3, 1, 1), wrong])


# digit_cnn and ConvBlock


def test_digit_cnn_has_as_many_parameters_as_the_dense_net():
    net = digit_cnn()
    count = sum(p.numel() for p in net.parameters())
    dense = 64 * 132 + 132 + 2 * 132 + 132 * 10 + 10
    assert abs(count - dense) < 0.02 * dense
    assert net(torch.zeros(3, 1, 8, 8)).shape == (3, 10)
    assert net.eval()(torch.zeros(0, 1, 8, 8)).shape == (0, 10)
    for make in (digit_cnn, ConvBlock):
        with pytest.raises(ValueError, match="channels: 0"):
            make(0)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("shortcut", [True, False])
def test_block_adds_its_input(shortcut, norm):
    block = ConvBlock(3, shortcut, norm).double()
    assert sum(isinstance(m, nn.BatchNorm2d) for m in block.modules()) == 2 * norm
    x = normal(4, 3, 5, 6).requires_grad_()
    before = x.detach().clone()
    convs = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    change = x
    for i, conv in enumerate(convs):
        change = F.conv2d(change, conv.weight, conv.bias, padding=1)
        if norm:
            change = F.batch_norm(change, None, None, training=True)
        change = change.relu() if i == 0 else change
    torch.testing.assert_close(block(x), (x + change if shortcut else change).relu())
    assert torch.equal(x, before)
    with torch.no_grad():
        for conv in convs:
            conv.weight.zero_()
            conv.bias.zero_()
    torch.testing.assert_close(block(x), x.relu() if shortcut else torch.zeros_like(x))
