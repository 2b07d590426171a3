# Generated from chapters/zh/06-nn.qmd: edit there.
# Checksum a1c1ed6857a7: a change made here is refused, not lost.
# %% exr-nn-one-step
def test_nn_one_step(exercise):
    one_step_by_hand = exercise.one_step_by_hand

    import torch

    found = one_step_by_hand()
    assert isinstance(found, dict), "type"
    w = torch.tensor([0.5, -1.0], requires_grad=True)
    v = torch.tensor([2.0, 3.0], requires_grad=True)
    hidden = torch.relu(2 * w)
    before = (hidden @ v - 1) ** 2
    before.backward()
    with torch.no_grad():
        new_w, new_v = w - 0.1 * w.grad, v - 0.1 * v.grad
        after = (torch.relu(2 * new_w) @ new_v - 1) ** 2
    names = {"hidden", "w2_grad", "w1_grad", "w1_new", "losses"}
    assert set(found) == names, "keys"
    came = {}
    for name in names:
        assert hasattr(found[name], "__len__"), f"type: {name}"
        assert len(found[name]) == 2, f"shape: {name}"
        for number in found[name]:
            assert hasattr(number, "__float__"), f"type: {name}"
        came[name] = torch.tensor([*map(float, found[name])])


    def near(came, wanted):
        return torch.allclose(came, wanted, atol=1e-3)


    losses = torch.stack([before, after]).detach()
    assert near(came["hidden"], hidden), "relu: hidden"
    assert near(came["w2_grad"], v.grad), "error: w2_grad"
    if came["w1_grad"][1] != 0:
        assert near(came["w1_grad"], w.grad), "closed: w1_grad"
    assert near(came["w1_grad"], w.grad), "factors: w1_grad"
    assert near(came["w1_new"], new_w), "step: w1_new"
    assert near(came["losses"], losses), "losses"


# %% exr-nn-gradients
def test_nn_gradients(exercise):
    gradients_by_hand = exercise.gradients_by_hand

    import torch
    from torch import nn

    from torchbook.two_layer_net import two_layer_net


    def near(came, wanted):
        return torch.allclose(came, wanted, atol=1e-12)


    torch.manual_seed(3)
    for n, d, h, o in [(5, 4, 7, 3), (1, 2, 2, 1), (8, 3, 4, 6)]:
        net = two_layer_net(d, h, o).double()
        x = torch.randn(n, d, dtype=torch.float64)
        y = torch.randn(n, o, dtype=torch.float64)
        nn.functional.mse_loss(net(x), y).backward()
        with torch.no_grad():
            found = gradients_by_hand(x, y, *net.parameters())
        assert found is not None, "returns"
        assert isinstance(found, list | tuple), "type"
        assert len(found) == 4, "shape: w1, b1, w2, b2"
        names = ["w1", "b1", "w2", "b2"]
        for name, p, came in zip(names, net.parameters(), found):
            assert tuple(came.shape) == tuple(p.shape), f"shape: {name}"
            if near(2 * came, p.grad):
                assert near(came, p.grad), f"factor-two: {name}"
            if near(came / o, p.grad):
                assert near(came, p.grad), f"per-sample: {name}, o = {o}"
            if near(came / n, p.grad):
                assert near(came, p.grad), f"per-output: {name}, n = {n}"
            if near(came / (n * o), p.grad):
                assert near(came, p.grad), f"undivided: {name}"
            if near(came * n, p.grad):
                assert near(came, p.grad), f"rows: {name}"
            if name in ("w1", "b1"):
                assert near(came, p.grad), f"relu: {name}"
            else:
                assert near(came, p.grad), f"rows: {name}"


# %% exr-nn-pieces
def test_nn_pieces(exercise):
    gradients_in_pieces = exercise.gradients_in_pieces

    import math

    import torch
    from torch import nn

    from torchbook.two_layer_net import two_layer_net

    torch.manual_seed(5)
    net = two_layer_net(6, 5, 3).double()
    x = torch.randn(10, 6, dtype=torch.float64)
    y = torch.randn(10, 3, dtype=torch.float64)
    weights = list(net.parameters())


    def flat(tensors):
        return torch.cat([t.detach().flatten() for t in tensors])


    def slope(rows):
        """Return what these rows give to the gradient, and to the loss."""
        loss = (net(x[rows]) - y[rows]).square().sum() / y.numel()
        return flat(torch.autograd.grad(loss, weights)), loss.item()


    wanted, loss = slope(slice(None))
    before = flat(weights)
    seen, done, waiting = [], [], []


    def watch(module, args, out):
        waiting.append(len(seen) > len(done))
        seen.append(len(out))
        if out.requires_grad:
            out.register_hook(done.append)


    net.register_forward_hook(watch)
    for most in (5, 4, 1, 10, 64):
        only_last, _ = slope(slice((10 - 1) // most * most, 10))
        for record in (seen, done, waiting):
            record.clear()
        for p in weights:
            p.grad = torch.full_like(p, 1e6)
        result = gradients_in_pieces(net, x, y, most)
        assert max(seen, default=0) <= most, f"too-many: most = {most}"
        assert sum(seen) == 10, f"skipped: most = {most}"
        assert torch.equal(flat(weights), before), "moved"
        for p in weights:
            assert p.grad is not None, "no-gradient"
        came = flat(p.grad for p in weights)
        assert came.abs().max() < 5e5, "not-cleared"
        if most < 10 and torch.allclose(came, only_last):
            assert torch.allclose(came, wanted), "cleared-each"
        if most == 4:
            assert torch.allclose(came, wanted), "mean-of-means: 4, 4, 2"
        assert torch.allclose(came, wanted), f"share: most = {most}"
        assert not any(waiting), "graphs-kept"
        assert result is not None, "returns"
        assert hasattr(result, "__float__"), "type"
        near = math.isclose(result, loss, rel_tol=1e-6)
        assert near, f"loss: most = {most}"


# %% exr-nn-scale
def test_nn_scale(exercise):
    scales_by_hand = exercise.scales_by_hand

    import math

    variance = (1 - (-1)) ** 2 / 12  # of a number even over (-1, 1)
    factor = variance / 2  # the ReLU removes half of the mean square
    found = scales_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"default", "keep"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    came = found["default"]
    assert math.isclose(came, factor, rel_tol=0.03), "default"
    came = found["keep"]
    assert math.isclose(came, 1 / factor, rel_tol=0.03), "keep"


# %% exr-nn-batches
def test_nn_batches(exercise):
    train_in_batches = exercise.train_in_batches

    import math

    import torch

    from torchbook.two_layer_net import train_by_hand, two_layer_net

    x = torch.arange(44.0, dtype=torch.float64).reshape(11, 4).sin()
    y = torch.arange(22.0, dtype=torch.float64).reshape(11, 2).cos()


    def fresh():
        """Return the same net every time, and a list of rows it sees."""
        torch.manual_seed(1)
        net, seen = two_layer_net(4, 6, 2).double(), []
        net.register_forward_pre_hook(
            lambda _, args: seen.append(args[0][:, 0].tolist())
        )
        return net, seen


    draw = torch.Generator().manual_seed
    net, _ = fresh()
    target = net(x).detach()  # so only wrong pairs have a loss
    exact = train_in_batches(net, x, target, 0.0, 11, 1, draw(2))
    assert exact is not None, "returns"
    assert isinstance(exact, list | tuple), f"type: {type(exact).__name__}"
    assert len(exact) == 1, "per-batch: epochs = 1"
    assert max(exact) < 1e-20, "pairs"
    losses = train_in_batches(fresh()[0], x, y, 0.1, 11, 5, draw(2))
    assert len(losses) == 5, "per-batch: epochs = 5"
    wanted = train_by_hand(fresh()[0], x, y, 0.1, 5)
    assert math.isclose(losses[0], wanted[0]), "first-loss"
    assert math.isclose(losses[1], wanted[1]), "step"
    for t in range(5):
        assert math.isclose(losses[t], wanted[t]), f"not-cleared: {t + 1}"
    net, seen = fresh()
    losses = train_in_batches(net, x, y, 0.1, 4, 2, draw(2))
    assert len(losses) == 2, "per-batch: epochs = 2"
    sizes = [len(batch) for batch in seen]
    assert sizes == [4, 4, 3] * 2, "batches"
    rows, used = x[:, 0].tolist(), sum(seen, [])
    first, second = used[:11], used[11:]
    assert sorted(first) == sorted(rows), "once"
    assert sorted(second) == sorted(rows), "once"
    assert first != rows, "unshuffled"
    assert second != first, "order-once"
    for seed in (3, 4):
        net, again = fresh()
        torch.manual_seed(seed)
        train_in_batches(net, x, y, 0.1, 4, 2, draw(2))
        assert sum(again, []) == used, "global-seed"
    net, _ = fresh()
    still = train_in_batches(net, x, y, 0.0, 4, 1, draw(2))
    assert math.isclose(still[0], wanted[0]), "unweighted: 4, 4, 3"
