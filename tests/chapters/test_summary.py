# Generated from chapters/zh/18-summary.qmd: edit there.
# Checksum 02eba677629e: a change made here is refused, not lost.
# %% exr-summary-count
def test_summary_count(exercise):
    counts_by_hand = exercise.counts_by_hand

    from torch import nn


    def count(layer):
        return sum(p.numel() for p in layer.parameters())


    found = counts_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"linear", "conv", "rnn", "attention"}, "keys"
    assert found["linear"] == count(nn.Linear(30, 20)), "linear"
    assert found["conv"] == count(nn.Conv2d(3, 16, 5)), "conv"
    assert found["rnn"] == count(nn.RNN(30, 20)), "rnn"
    wanted = count(nn.MultiheadAttention(12, 3))
    assert found["attention"] == wanted, "attention"


# %% exr-summary-conv-matrix
def test_summary_conv_matrix(exercise):
    conv_matrix = exercise.conv_matrix

    import torch

    generator = torch.Generator().manual_seed(6)
    for k, n in [(2, 5), (1, 1), (3, 8), (4, 4)]:
        kernel = torch.randn(k, generator=generator, dtype=torch.float64)
        x = torch.randn(n, generator=generator, dtype=torch.float64)
        matrix = conv_matrix(kernel, n)
        assert matrix is not None, "returns"
        assert isinstance(matrix, torch.Tensor), "type"
        came, wanted = tuple(matrix.shape), (n - k + 1, n)
        if came == (n, n - k + 1) and k > 1:
            assert came == wanted, f"transposed: k = {k}, n = {n}"
        assert came == wanted, f"size: k = {k}, n = {n}"
        assert matrix.dtype == kernel.dtype, "dtype"
        wanted = torch.conv1d(x[None, None], kernel[None, None])[0, 0]
        back = kernel.flip(0)[None, None]
        turned = torch.conv1d(x[None, None], back)[0, 0]
        came = matrix @ x
        if k > 1 and torch.allclose(came, turned):
            assert torch.allclose(came, wanted), "flipped"
        assert torch.allclose(came, wanted), f"shift: k = {k}, n = {n}"
    for k, n in [(0, 3), (4, 3)]:
        try:
            conv_matrix(torch.ones(k), n)
        except ValueError:
            continue
        except Exception as error:
            case = f"k = {k}, n = {n}, {type(error).__name__}"
            raise AssertionError(f"raises: {case}") from None
        raise AssertionError(f"raises: k = {k}, n = {n}, ValueError")


# %% exr-summary-set
def test_summary_set(exercise):
    SetNet = exercise.SetNet

    import torch

    torch.manual_seed(0)
    net = SetNet(3, 16, 2).double()
    x = torch.randn(5, 7, 3, dtype=torch.float64)
    y = net(x)
    assert y is not None, "returns"
    if tuple(y.shape) in ((7, 2), (5, 7), (5, 7, 2)):
        assert tuple(y.shape) == (5, 2), "dimension"
    assert tuple(y.shape) == (5, 2), "shape"
    other = net(x[:, [6, 5, 4, 3, 2, 1, 0]])
    assert torch.allclose(other, y), "order"
    try:
        fewer = net(x[:, :4])
    except RuntimeError:
        raise AssertionError("number: n = 4") from None
    assert tuple(fewer.shape) == (5, 2), "number: n = 4"
    assert torch.allclose(net(x[2:3]), y[2:3]), "mixed"
    assert not torch.allclose(net(x * 2), y), "constant"
    doubled = net(torch.cat([x, x], dim=1))
    assert not torch.allclose(doubled, y), "twice"
    far = torch.tensor([[[3.0, 0, 0], [-3.0, 0, 0]]]).double()
    zero = torch.zeros(1, 2, 3).double()
    assert not torch.allclose(net(far), net(zero)), "too-early"
    assert len(list(net.parameters())) >= 6, "nets"
