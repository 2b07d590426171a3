# Generated from chapters/zh/16-generation.qmd: edit there.
# Checksum 0cd1098f0daf: a change made here is refused, not lost.
# %% exr-generation-code
def test_generation_code(exercise):
    one_code = exercise.one_code

    import torch
    from torch.distributions import Normal, kl_divergence

    mean, log_var = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 4.0]).log()
    normal = Normal(mean.double(), (log_var.double() / 2).exp())
    z = normal.mean + normal.stddev * torch.tensor([-1.0, 0.5])
    zero = Normal(torch.zeros(2).double(), torch.ones(2).double())
    truth = {"first": z[0].item(), "second": z[1].item(),
             "divergence": kl_divergence(normal, zero).sum().item()}
    came = one_code()
    assert isinstance(came, dict), "type"
    assert set(came) == set(truth), f"keys: {sorted(map(str, came))}"
    for name, wanted in truth.items():
        value = came[name]
        assert hasattr(value, "__float__"), f"type: {name}"
        assert abs(float(value) - wanted) < 0.006, f"value: {name}"


# %% exr-generation-jump
def test_generation_jump(exercise):
    two_steps = exercise.two_steps

    import torch

    kept = torch.tensor([0.8, 0.8], dtype=torch.float64).prod().item()
    signal, spread = kept**0.5, (1 - kept) ** 0.5
    noisy = signal * 0.5 + spread * -0.5
    truth = {"kept": kept, "noisy": noisy,
             "clean": (noisy + spread * 0.2) / signal}
    came = two_steps()
    assert isinstance(came, dict), "type"
    assert set(came) == set(truth), f"keys: {sorted(map(str, came))}"
    for name, wanted in truth.items():
        value = came[name]
        assert hasattr(value, "__float__"), f"type: {name}"
        assert abs(float(value) - wanted) < 0.002, f"value: {name}"


# %% exr-generation-between
def test_generation_between(exercise):
    kl_between = exercise.kl_between

    import torch
    from torch.distributions import Normal, kl_divergence


    def right(a, b, c, d):
        """Return PyTorch's divergence of each row."""
        q, p = Normal(a, (b / 2).exp()), Normal(c, (d / 2).exp())
        return kl_divergence(q, p).sum(dim=-1)


    def wrong(a, b, c, d):
        """Yield what slips make of it."""
        wanted, zero = right(a, b, c, d), torch.zeros_like(a)
        yield "turned", right(c, d, a, b)
        yield "half", 2 * wanted
        yield "deviation", right(a, 2 * b, c, 2 * d)
        yield "standard", right(a, b, zero, zero)
        yield "constant", wanted + a.shape[1] / 2
        apart = (a - c).square()
        off = apart * (-d).exp()  # what the means add
        for other in (apart, apart * (-b).exp()):
            yield "own-variance", wanted + (other - off).sum(dim=-1) / 2
        yield "means", wanted - off.sum(dim=-1) / 2
        apart = right(a, b, zero, zero) - right(c, d, zero, zero)
        yield "difference", apart
        yield "sign", wanted + (b - d).sum(dim=-1)
        yield "mean", wanted / a.shape[1]
        yield "mean", wanted.mean().expand(len(a))


    generator = torch.Generator().manual_seed(8)
    for dtype in (torch.float64, torch.float32):
        for size in ((4, 3), (1, 5), (3, 1), (2, 2)):
            drawn = torch.randn(4, *size, generator=generator).to(dtype)
            given = [x.clone() for x in drawn]
            kl_between(*given)
            assert all(map(torch.equal, given, drawn)), "input"
            given = [x.clone().requires_grad_() for x in drawn]
            came = kl_between(*given)
            assert came is not None, "returns"
            assert isinstance(came, torch.Tensor), "type"
            twins = [x.clone().requires_grad_() for x in drawn]
            wanted = right(*twins)
            near = {"rtol": 1e-4, "atol": 1e-5}
            shape = tuple(came.shape)
            assert shape == size[:1], f"shape: {shape} for {size}"
            assert came.dtype == dtype, f"dtype: {came.dtype}"
            if not torch.allclose(came, wanted, **near):
                for slip, other in wrong(*drawn):
                    same = torch.allclose(came, other, **near)
                    assert not same, f"{slip}: {size}"
            assert torch.allclose(came, wanted, **near), f"value: {size}"
            assert came.requires_grad, "gradient"
            weigh = torch.arange(1.0, size[0] + 1)
            (came * weigh).sum().backward()
            (wanted * weigh).sum().backward()
            for x, y in zip(given, twins):
                assert x.grad is not None, "gradient"
                assert torch.allclose(x.grad, y.grad, **near), "gradient"
    large = torch.full((2, 3), 100.0)
    for less in (0.0, 1.0):
        given = large, large, large - 1, large - less
        came = kl_between(*given)
        assert came.isfinite().all(), "overflow: log_var = 100"
        wanted = right(*(x.double() for x in given)).float()
        close = torch.allclose(came, wanted, rtol=1e-3, atol=1e-4)
        assert close, "overflow: log_var = 100"


# %% exr-generation-ddim
def test_generation_ddim(exercise):
    ddim = exercise.ddim

    import torch


    def wrong(picture, noise, x, kept, after):
        """Yield what slips make of it."""
        yield "clean", picture
        yield "turned", x
        yield "unscaled", after**0.5 * picture + noise
        spread = (1 - kept) ** 0.5
        yield "same-noise", after**0.5 * picture + spread * noise
        yield "no-noise", after**0.5 * picture
        again = (1 - after) ** 0.5 * noise
        yield "sign", after**0.5 * picture - again
        added = (x + spread * noise) / kept**0.5
        yield "sign", after**0.5 * added + again
        turned = (x - again) / after**0.5
        yield "swapped", kept**0.5 * turned + spread * noise
        guess = (x - (1 - kept) * noise) / kept
        yield "roots", after * guess + (1 - after) * noise
        yield "undivided", after**0.5 * (x - spread * noise) + again


    generator = torch.Generator().manual_seed(9)
    cases = [(0.2, 0.5), (0.01, 0.9), (0.5, 0.1), (0.3, 1.0), (0.4, 0.4)]
    for dtype in (torch.float64, torch.float32):
        for i, (kept, after) in enumerate(cases):
            shape = [(3,), (2, 1, 4, 4), (4, 2)][i % 3]
            picture, noise = (
                torch.randn(shape, generator=generator).to(dtype)
                for _ in range(2)
            )
            x = kept**0.5 * picture + (1 - kept) ** 0.5 * noise
            given = [part.clone() for part in (x, noise)]
            ddim(*given, kept, after)
            assert all(map(torch.equal, given, (x, noise))), "input"
            given = [part.clone().requires_grad_() for part in (x, noise)]
            came = ddim(*given, kept, after)
            assert came is not None, "returns"
            assert isinstance(came, torch.Tensor), "type"
            assert tuple(came.shape) == shape, f"shape: {tuple(came.shape)}"
            assert came.dtype == dtype, f"dtype: {came.dtype}"
            again = ddim(*given, kept, after)
            assert torch.equal(came, again), "fresh"
            wanted = after**0.5 * picture + (1 - after) ** 0.5 * noise
            case = f"kept = {kept}, after = {after}"
            near = {"rtol": 1e-4, "atol": 1e-5}
            if not torch.allclose(came, wanted, **near):
                for slip, other in wrong(picture, noise, x, kept, after):
                    same = torch.allclose(came, other, **near)
                    assert not same, f"{slip}: {case}"
            assert torch.allclose(came, wanted, **near), f"value: {case}"
            assert came.requires_grad, "gradient"
            came.sum().backward()
            slope = (after / kept) ** 0.5
            other = (1 - after) ** 0.5 - (1 - kept) ** 0.5 * slope
            for part, factor in zip(given, (slope, other)):
                assert part.grad is not None, "gradient"
                same = torch.full_like(part, factor)
                assert torch.allclose(part.grad, same, **near), "gradient"


# %% exr-generation-frechet
def test_generation_frechet(exercise):
    frechet = exercise.frechet

    import numpy as np
    import torch


    def parts(a, b):
        """Return means' distance, both covariances, by NumPy."""
        a, b = a.double().numpy(), b.double().numpy()
        apart = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
        return apart, *(np.atleast_2d(np.cov(x.T)) for x in (a, b))


    def right(a, b):
        apart, p, q = parts(a, b)
        roots = np.sqrt(np.linalg.eigvals(p @ q).astype(complex)).real
        return apart + np.trace(p) + np.trace(q) - 2 * roots.sum()


    def wrong(a, b):
        """Yield what slips make of it."""
        apart, p, q = parts(a, b)
        wanted, traces = right(a, b), np.trace(p) + np.trace(q)
        yield "root", max(wanted, 0) ** 0.5
        yield "means", wanted - apart
        yield "covariances", apart
        yield "length", wanted - apart + apart**0.5
        yield "twice", (wanted + apart + traces) / 2
        yield "no-root", apart + traces - 2 * np.trace(p @ q)
        late = np.sqrt(np.trace(p @ q))
        yield "root-late", apart + traces - 2 * late
        whole = [x.double() / (len(x) - 1) ** 0.5 for x in (a, b)]
        norms = sum(x.square().sum() for x in whole)
        shared = torch.linalg.svdvals(whole[0] @ whole[1].T).sum()
        yield "uncentered", (apart + norms - 2 * shared).item()
        cells = np.sqrt((p @ q).astype(complex)).real
        yield "cells", apart + traces - 2 * np.trace(cells)
        diagonal = np.sqrt(np.diag(p) * np.diag(q)).sum()
        yield "diagonal", apart + traces - 2 * diagonal
        n, m = len(a), len(b)
        p, q = p * (n - 1) / n, q * (m - 1) / m
        roots = np.sqrt(np.linalg.eigvals(p @ q).astype(complex)).real
        less = apart + np.trace(p) + np.trace(q) - 2 * roots.sum()
        yield "biased", less


    generator = torch.Generator().manual_seed(10)
    cases = [(50, 40, 3), (30, 60, 5), (4, 30, 6), (20, 20, 1), (5, 4, 8)]
    for dtype in (torch.float32, torch.float64):
        for n, m, d in cases:
            mix = torch.randn(2, d, d, generator=generator)
            a, b = (
                (torch.randn(rows, d, generator=generator) @ mix[i] + i)
                .to(dtype) for i, rows in enumerate((n, m))
            )
            kept = a.clone(), b.clone()
            came = frechet(a, b)
            assert torch.equal(a, kept[0]), "input: a"
            assert torch.equal(b, kept[1]), "input: b"
            assert came is not None, "returns"
            name = type(came).__name__
            assert hasattr(came, "__float__"), f"type: {name}"
            assert torch.as_tensor(came).numel() == 1, f"type: {name}"
            came, wanted = float(came), right(a, b)
            case = f"n = {n}, m = {m}, d = {d}"
            assert came == came, f"singular: {case}"
            close = abs(came - wanted) < 2e-3 * (1 + abs(wanted))
            if not close:
                for slip, other in wrong(a, b):
                    same = abs(came - other) < 1e-3 * (1 + abs(other))
                    assert not same, f"{slip}: {case}"
            assert close, f"value: {came:.3f}, {case}"
        same, spread = float(frechet(a, a)), a.double().var(dim=0).sum()
        assert same == same, "singular: a and a"
        close = abs(same) < 2e-3 * (1 + spread)
        assert close, f"value: {same:.3f}, a and a"
