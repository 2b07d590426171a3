# Generated from chapters/zh/18-summary.qmd: edit there.
# Checksum 837970ce89e5: a change made here is refused, not lost.
# %% exr-summary-count
def test_summary_count(exercise):
    counts_by_hand = exercise.counts_by_hand

    from torch import nn

    layers = {
        "linear": nn.Linear(30, 20),
        "conv": nn.Conv2d(3, 16, 5),
        "rnn": nn.RNN(30, 20),
        "attention": nn.MultiheadAttention(12, 3),
    }
    slips = {
        "linear": "a weight for each pair, a bias for each output",
        "conv": "each of the 16 kernels looks at all 3 channels, 5 by 5",
        "rnn": "two matrices, from x and from h, and torch has two biases",
        "attention": "four 12 by 12 maps with biases, whatever the heads",
    }
    found = counts_by_hand()
    for name, layer in layers.items():
        truth = sum(p.numel() for p in layer.parameters())
        assert found[name] == truth, f"{name}: {slips[name]}"


# %% exr-summary-conv-matrix
def test_summary_conv_matrix(exercise):
    conv_matrix = exercise.conv_matrix

    import torch

    generator = torch.Generator().manual_seed(6)
    for k, n in [(1, 1), (2, 5), (3, 8), (4, 4)]:
        kernel = torch.randn(k, generator=generator, dtype=torch.float64)
        x = torch.randn(n, generator=generator, dtype=torch.float64)
        matrix = conv_matrix(kernel, n)
        assert matrix.shape == (n - k + 1, n), f"shape for k = {k}, n = {n}"
        assert matrix.dtype == kernel.dtype, "keep the dtype of the kernel"
        wanted = torch.conv1d(x[None, None], kernel[None, None])[0, 0]
        back = kernel.flip(0)[None, None]
        turned = torch.conv1d(x[None, None], back)[0, 0]
        got = matrix @ x
        assert k == 1 or not torch.allclose(got, turned), (
            "nn.Conv1d does not flip the kernel"
        )
        assert torch.allclose(got, wanted), f"wrong for k = {k}, n = {n}"
    for k, n in [(0, 3), (4, 3)]:
        try:
            conv_matrix(torch.ones(k), n)
        except ValueError:
            continue
        raise AssertionError(f"k = {k}, n = {n} must raise ValueError")


# %% exr-summary-set
def test_summary_set(exercise):
    SetNet = exercise.SetNet

    import torch

    torch.manual_seed(0)
    net = SetNet(3, 16, 2).double()
    x = torch.randn(5, 7, 3, dtype=torch.float64)
    y = net(x)
    assert y.shape == (5, 2), f"shape {tuple(y.shape)}, not (5, 2)"
    assert torch.allclose(net(x[:, torch.randperm(7)]), y), (
        "the order must not matter: treat all elements alike, then add"
    )
    assert net(x[:, :4]).shape == (5, 2), "sets of another size must work"
    assert not torch.allclose(net(torch.cat([x, x], dim=1)), y), (
        "a set twice over is another set: add, do not average"
    )
    assert torch.allclose(net(x[2:3]), y[2:3]), "sets must not mix"
    assert not torch.allclose(net(x + 1), y), "the elements do not count"
    far = torch.tensor([[[3.0, 0, 0], [-3.0, 0, 0]]]).double()
    zero = torch.zeros(1, 2, 3).double()
    assert not torch.allclose(net(far), net(zero)), (
        "add what the first net makes of the elements, not the elements"
    )
    assert len(list(net.parameters())) >= 6, (
        "a two-layer net, then another net"
    )
