"""generation against torch.distributions and closed forms, and the chapter's own claims."""

import dataclasses
import functools
import math
from pathlib import Path

import kept
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence
from torch.nn import functional as F

from torchbook.attention import batches_of
from torchbook.convolution import digit_cnn
from torchbook.datasets import load_digits, split
from torchbook.generation import (
    VAE,
    Autoencoder,
    Diffusion,
    DigitDenoiser,
    Judge,
    TimedConv,
    add_noise,
    backward_step,
    cosine_schedule,
    draw,
    elbo_terms,
    kl_to_normal,
    nearest,
    negative_elbo,
    noise_loss,
    remove_noise,
    reparameterize,
    time_features,
    two_layers,
)
from torchbook.training import evaluate, fit

# A device does not change between the examples of one test.
with_device = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def normal(*shape, device="cpu", dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64).to(device, dtype)


# nearest, Judge


@with_device
@given(n=st.integers(1, 6), m=st.integers(1, 6), d=st.integers(1, 5))
def test_nearest_is_found_by_comparing_all(device, n, m, d):
    a, b = normal(n, 1, d, device=device), normal(m, 1, d, device=device, seed=1)
    apart = (a[:, None] - b[None]).square().sum(dim=(2, 3)).sqrt()
    distance, index = nearest(a, b)
    torch.testing.assert_close(distance, apart.amin(dim=1), **CLOSE)
    assert index.equal(apart.argmin(dim=1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_copy_is_at_distance_zero(dtype):
    x = 100 + normal(400, 1, 8, 8, dtype=dtype)
    distance, index = nearest(x, x)
    assert (distance == 0).all() and index.equal(torch.arange(400))


@pytest.mark.parametrize("shapes", [((2, 3), (2, 4)), ((2, 3), (0, 3)), ((2, 1, 3), (2, 3))])
def test_nearest_names_what_does_not_fit(shapes):
    with pytest.raises(ValueError, match="samples, known"):
        nearest(torch.zeros(shapes[0]), torch.zeros(shapes[1]))


def test_a_verdict_counts_what_it_says():
    """Scores that are given show what sure and kinds come to."""
    known = torch.zeros(1, 3)
    scores = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]])
    real = torch.linspace(0, 1, 101)[:, None].expand(-1, 3) / math.sqrt(3)

    class Given(nn.Module):
        def forward(self, x):
            assert not self.training
            return scores[: len(x)].log()

    judge = Judge(Given(), known, real)
    assert judge.limit.item() == pytest.approx(0.01)
    verdict = judge(torch.tensor([[0.0, 0, 0], [0.0, 3, 4], [1.0, 0, 0]]))
    assert verdict.sure == pytest.approx(0.7)
    assert verdict.kinds == pytest.approx(3)
    assert verdict.distance == pytest.approx(1)
    assert verdict.copied == pytest.approx(1 / 3)
    entropy = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    assert judge(torch.zeros(1, 3)).kinds == pytest.approx(math.exp(entropy))
    assert str(verdict).split() == ["0.70", "3.0", "1.00", "0.33"]


def test_a_class_that_never_comes_leaves_kinds_finite():
    class Certain(nn.Module):
        def forward(self, x):
            return torch.tensor([[200.0, 0, 0]]).expand(len(x), -1)

    judge = Judge(Certain(), torch.zeros(1, 3), torch.ones(2, 3))
    assert judge(torch.ones(5, 3)).kinds == pytest.approx(1)


# autoencoders


@pytest.mark.parametrize("code", [1, 2, 8])
def test_shapes_of_both_autoencoders(device, code):
    x = normal(3, 1, 8, 8, device=device, dtype=torch.float32)
    plain, vae = Autoencoder(code).to(device), VAE(code).to(device)
    assert plain(x).shape == x.shape and plain.encoder(x).shape == (3, code)
    decoded, mean, log_var = vae(x)
    assert decoded.shape == x.shape and mean.shape == log_var.shape == (3, code)
    assert all(
        part.equal(other) for part, other in zip(vae.encode(x), (mean, log_var), strict=True)
    )


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_layers_need_a_size(sizes):
    with pytest.raises(ValueError, match="inputs, hidden, outputs"):
        two_layers(*sizes)


@pytest.mark.parametrize("kind", [Autoencoder, VAE])
def test_a_code_needs_a_size(kind):
    with pytest.raises(ValueError, match="outputs"):
        kind(0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_reparameterized_draws_are_those_of_rsample(device, dtype):
    mean = normal(4, 3, device=device, dtype=dtype).requires_grad_()
    log_var = normal(4, 3, device=device, dtype=dtype, seed=1).requires_grad_()
    torch.manual_seed(5)
    ours = reparameterize(mean, log_var)
    torch.manual_seed(5)
    theirs = Normal(mean, (log_var / 2).exp()).rsample()
    torch.testing.assert_close(ours, theirs)
    share = normal(4, 3, device=device, dtype=dtype, seed=2)
    for mine, yours in zip(
        torch.autograd.grad(ours, (mean, log_var), share),
        torch.autograd.grad(theirs, (mean, log_var), share),
        strict=True,
    ):
        torch.testing.assert_close(mine, yours)


def test_a_generator_draws_the_same_again():
    mean, log_var = normal(4, 3), normal(4, 3, seed=1)
    one, two = (
        reparameterize(mean, log_var, torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert one.equal(two)


@pytest.mark.parametrize("function", [reparameterize, kl_to_normal])
def test_mean_and_log_var_have_one_shape(function):
    with pytest.raises(ValueError, match="mean, log_var"):
        function(torch.zeros(2, 3), torch.zeros(2, 1))


@with_device
@given(n=st.integers(1, 4), d=st.integers(1, 5), seed=st.integers(0, 99))
def test_divergence_is_that_of_torch(device, n, d, seed):
    mean = normal(n, d, device=device, seed=seed).requires_grad_()
    log_var = normal(n, d, device=device, seed=seed + 100).requires_grad_()
    zero = torch.zeros_like(mean)
    wanted = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(zero, zero + 1)).sum(
        dim=-1
    )
    came = kl_to_normal(mean, log_var)
    torch.testing.assert_close(came, wanted, **CLOSE)
    for mine, yours in zip(
        torch.autograd.grad(came.sum(), (mean, log_var)),
        torch.autograd.grad(wanted.sum(), (mean, log_var)),
        strict=True,
    ):
        torch.testing.assert_close(mine, yours, **CLOSE)


@pytest.mark.parametrize("sigma", [0.1, 0.4, 1.0])
def test_the_first_term_is_a_log_density_up_to_its_constant(sigma):
    x, decoded = normal(5, 1, 8, 8), normal(5, 1, 8, 8, seed=1)
    output = decoded, normal(5, 3, seed=2), normal(5, 3, seed=3)
    rebuilding, divergence = elbo_terms(output, x, sigma)
    density = Normal(decoded, sigma).log_prob(x).flatten(1).sum(dim=-1)
    constant = 64 * math.log(sigma * math.sqrt(2 * math.pi))
    torch.testing.assert_close(rebuilding, -density - constant, **CLOSE)
    torch.testing.assert_close(divergence, kl_to_normal(*output[1:]), **CLOSE)
    total = (rebuilding + divergence).mean()
    torch.testing.assert_close(negative_elbo(output, x, sigma), total, **CLOSE)


def test_the_bound_is_a_bound():
    """For a linear decoder ln p(x) is known; the ELBO is below, and meets it at the best q."""
    sigma, columns = 0.5, torch.linalg.qr(normal(64, 2)).Q
    weight = columns * torch.tensor([2.0, 1.0], dtype=torch.float64)
    covariance = weight @ weight.T + sigma**2 * torch.eye(64, dtype=torch.float64)
    x = normal(1, 64, seed=1)
    truth = MultivariateNormal(torch.zeros(64).double(), covariance).log_prob(x)
    # The columns are orthogonal, so the posterior is a product of normal distributions.
    precision = 1 + weight.square().sum(dim=0) / sigma**2  # (2,)
    best = x @ weight / sigma**2 / precision, -precision.log().expand(1, 2)
    constant = 64 * math.log(sigma * math.sqrt(2 * math.pi))

    def elbo(mean, log_var, draws=20000):
        generator = torch.Generator().manual_seed(0)
        z = reparameterize(mean.expand(draws, 2), log_var.expand(draws, 2), generator)
        decoded = (z @ weight.T).view(draws, 1, 8, 8)
        targets = x.view(1, 1, 8, 8).expand(draws, -1, -1, -1)
        both = elbo_terms((decoded, mean, log_var), targets, sigma)
        return -(both[0].mean() + both[1].mean() + constant)

    mean, log_var = best
    assert elbo(mean, log_var).item() == pytest.approx(truth.item(), abs=0.05)
    for other in [(mean + 0.5, log_var), (mean, log_var + 1), (mean, log_var - 1)]:
        assert elbo(*other) < truth - 0.2


def test_bad_terms_are_named():
    output = torch.zeros(2, 1, 8, 8), torch.zeros(2, 3), torch.zeros(2, 3)
    with pytest.raises(ValueError, match="sigma"):
        elbo_terms(output, output[0], 0.0)
    with pytest.raises(ValueError, match="x:"):
        elbo_terms(output, torch.zeros(2, 8, 8), 1.0)


# diffusion


@pytest.mark.parametrize("steps", [1, 2, 50, 1000])
def test_the_schedule_falls_from_one_and_stays_above_zero(steps):
    kept = cosine_schedule(steps)
    assert kept.shape == (steps + 1,) and kept.dtype == torch.float32
    assert kept[0] == 1 and (kept.diff() < 0).all() and 0 < kept[-1] < 3e-4
    t = torch.arange(steps + 1) / steps
    torch.testing.assert_close(kept, torch.cos(t * 0.99 * torch.pi / 2) ** 2)


def test_a_schedule_needs_steps():
    with pytest.raises(ValueError, match="steps"):
        cosine_schedule(0)


@pytest.mark.parametrize("kept", [[1.0], [0.9, 0.5], [1.0, 0.5, 0.5], [1.0, 0.0], [[1.0, 0.5]]])
def test_a_bad_schedule_is_refused(kept):
    with pytest.raises(ValueError, match="kept"):
        Diffusion(nn.Identity(), torch.tensor(kept))


def test_one_jump_is_many_steps():
    """Mean and variance of single steps add up to those of the jump."""
    kept = cosine_schedule(20).double()
    one, zero = torch.ones(1, 1).double(), torch.zeros(1, 1).double()
    mean, variance = 1.0, 0.0
    for t in range(1, 21):
        alpha = (kept[t] / kept[t - 1]).item()
        mean, variance = alpha**0.5 * mean, alpha * variance + 1 - alpha
        assert add_noise(one, zero, kept[[t]]).item() == pytest.approx(mean)
        assert add_noise(zero, one, kept[[t]]).item() == pytest.approx(variance**0.5)


@with_device
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_noise_comes_off_again(device, shape, seed):
    kept = cosine_schedule(10).double().to(device)[torch.arange(shape[0]) % 10 + 1]
    x, noise = normal(*shape, device=device, seed=seed), normal(*shape, device=device, seed=7)
    noisy = add_noise(x, noise, kept)
    for i, row in enumerate(noisy):
        wanted = kept[i].sqrt() * x[i] + (1 - kept[i]).sqrt() * noise[i]
        torch.testing.assert_close(row, wanted, **CLOSE)
    torch.testing.assert_close(remove_noise(noisy, noise, kept), x)


def test_every_step_is_drawn_equally_often():
    seen = []

    class Watch(nn.Module):
        def forward(self, x, t):
            seen.append(t)
            return torch.zeros_like(x)

    torch.manual_seed(0)
    model, x = Diffusion(Watch(), cosine_schedule(5)), torch.zeros(5000, 2)
    output = model(x)
    counts = seen[0].bincount(minlength=6)
    assert counts[0] == 0 and (counts[1:] > 850).all()
    assert noise_loss(output, x).item() == pytest.approx(1, abs=0.05)


def test_time_features_are_sines_and_cosines():
    t = torch.arange(7)
    found = time_features(t, 6)
    rates = torch.tensor([1, 0.1, 0.01])
    wanted = torch.cat([(t[:, None] * rates).sin(), (t[:, None] * rates).cos()], dim=1)
    torch.testing.assert_close(found, wanted)
    for size in (0, 3):
        with pytest.raises(ValueError, match="size"):
            time_features(t, size)


def test_the_denoiser_knows_the_step(device):
    torch.manual_seed(0)
    net = DigitDenoiser().to(device)
    x = normal(2, 1, 8, 8, device=device, dtype=torch.float32)
    one, two = (net(x, torch.full((2,), t, device=device)) for t in (1, 40))
    assert one.shape == x.shape and not torch.allclose(one, two)
    assert TimedConv(4, 2)(torch.zeros(2, 4, 3, 3), torch.zeros(2, 2)).shape == (2, 4, 3, 3)
    for channels in (0, 6):
        with pytest.raises(ValueError, match="channels"):
            DigitDenoiser(channels)


@pytest.mark.parametrize("t", [1, 4, 10])
def test_a_step_back_is_bayes_rule(t):
    """For numbers, x_{t-1} given x_t and x_0 is the product of two normal densities."""
    kept = cosine_schedule(10).double()
    alpha, before = kept[t] / kept[t - 1], kept[t - 1]
    x, clean = torch.tensor(0.7).double(), torch.tensor(-0.4).double()
    zero, one = torch.zeros(()).double(), torch.ones(()).double()
    mean = backward_step(x, clean, kept[t], before, zero)
    std = backward_step(x, clean, kept[t], before, one) - mean
    if t == 1:
        torch.testing.assert_close(mean, clean)
        assert std == 0
        return
    grid = torch.linspace(-8, 8, 40001, dtype=torch.float64)
    density = (
        Normal(before.sqrt() * clean, (1 - before).sqrt()).log_prob(grid)
        + Normal(alpha.sqrt() * grid, (1 - alpha).sqrt()).log_prob(x)
    ).softmax(dim=0)
    center = (density * grid).sum()
    torch.testing.assert_close(mean, center, atol=1e-6, rtol=0)
    spread = (density * (grid - center) ** 2).sum().sqrt()
    torch.testing.assert_close(std, spread, atol=1e-6, rtol=0)


class KnownNormal(nn.Module):
    """The best guess of the noise for data from N(m, s**2)."""

    def __init__(self, m, s, kept):
        super().__init__()
        self.m, self.s = m, s
        self.register_buffer("kept", kept)

    def forward(self, x, t):
        kept = self.kept[t].view(-1, *[1] * (x.dim() - 1))
        variance = kept * self.s**2 + 1 - kept
        return (1 - kept).sqrt() * (x - kept.sqrt() * self.m) / variance


def test_a_perfect_denoiser_draws_its_distribution():
    kept = cosine_schedule(200)
    model = Diffusion(KnownNormal(2.0, 0.5, kept), kept)
    path = draw(model, (40000, 1), generator=torch.Generator().manual_seed(0), clip=None)
    assert len(path) == 201
    assert path[-1].mean().item() == pytest.approx(2.0, abs=0.02)
    assert path[-1].std().item() == pytest.approx(0.5, abs=0.02)
    again = draw(model, (40000, 1), generator=torch.Generator().manual_seed(0), clip=1.0)
    assert again[-1].abs().max() <= 1


@pytest.mark.parametrize(
    ("options", "name"),
    [({"shape": ()}, "shape"), ({"shape": (0, 1)}, "shape"), ({"clip": 0.0}, "clip")],
)
def test_bad_draws_are_named(options, name):
    model = Diffusion(nn.Identity(), cosine_schedule(2))
    options = {"shape": (1, 1)} | options
    with pytest.raises(ValueError, match=name):
        draw(model, options.pop("shape"), generator=torch.Generator(), **options)


# what the chapter claims


@functools.cache
def digits():
    images, labels = load_digits()
    train, test = split(len(images), (0.8, 0.2), generator=torch.Generator().manual_seed(0))
    x = images / 8 - 1
    return x[train], labels[train], x[test], labels[test]


@functools.cache
def judge():
    x, labels, unseen, truth = digits()
    torch.manual_seed(0)
    net = digit_cnn()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    fit(
        net, batches_of((x, labels), 64, 0), loss=F.cross_entropy, optimizer=optimizer, epochs=8
    )
    assert evaluate(net, [(unseen, truth)], F.cross_entropy)[1] > 0.97
    return Judge(net, x, unseen)


def train_vae(seed, code=8):
    x = digits()[0]
    torch.manual_seed(seed)
    model = VAE(code)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    fit(model, batches_of((x, x), 64, seed), loss=negative_elbo, optimizer=optimizer, epochs=30)
    z = torch.randn(360, code, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return model.decoder(z).clamp(-1, 1)


def train_diffusion(seed):
    x = digits()[0]
    torch.manual_seed(seed)
    model = Diffusion(DigitDenoiser(), cosine_schedule(50))
    batches = batches_of((x, x), 64, seed)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 8e-3, total_steps=45 * len(batches)
    )
    fit(model, batches, loss=noise_loss, optimizer=optimizer, schedule=schedule, epochs=45)
    return draw(model.eval(), (360, 1, 8, 8), generator=torch.Generator().manual_seed(seed))[-1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_diffusion_draws_surer_digits_than_the_vae_and_copies_none(seed):
    def judged():
        drawn = (train_vae(seed), train_diffusion(seed))
        return [dataclasses.asdict(judge()(images)) for images in drawn]

    before, after = kept.learnt(f"digits-{seed}", judged, Path(__file__))
    assert 0.7 < before["sure"] < 0.8 and 0.85 < after["sure"] < 0.96
    assert after["kinds"] > 9 and after["copied"] < 0.03 and after["distance"] > 2
