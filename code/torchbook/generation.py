# Generated from chapters/zh/16-generation.qmd: edit there.
# Checksum c932efdce71b: a change made here is refused, not lost.
# %% generation-nearest
"""A judge of drawn pictures, autoencoders, and diffusion."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def nearest(samples: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far the nearest known picture is, and which it is.

    samples: (n, ...), known: (m, ...); results: (n,), the Euclidean
    distance, and (n,), int64. Raises ValueError if the shapes of one
    picture differ or there is none that is known.
    """
    if samples.shape[1:] != known.shape[1:] or len(known) == 0:
        shapes = f"{tuple(samples.shape)} and {tuple(known.shape)}"
        raise ValueError(f"samples, known: {shapes}")
    exact = "donot_use_mm_for_euclid_dist"  # 0 for a copy, not 1e-3
    rows = samples.flatten(1), known.flatten(1)
    return torch.cdist(*rows, compute_mode=exact).min(dim=1)


# %% generation-verdict
@dataclass(frozen=True)
class Verdict:
    """What a judge measured on a set of pictures.

    sure: the mean probability of a picture's likeliest class; kinds:
    how many classes there are, were they equally frequent; distance:
    the median to the nearest known picture; copied: the share that is
    nearer to one than 99 of 100 real pictures are.
    """

    sure: float
    kinds: float
    distance: float
    copied: float

    def __str__(self) -> str:
        return (f"{self.sure:.2f} {self.kinds:5.1f} "
                f"{self.distance:6.2f} {self.copied:6.2f}")


# %% generation-judge
class Judge:
    """Measures pictures with a classifier and the known pictures.

    classifier: (n, ...) -> scores (n, K); it is put into evaluation
    mode. known: what generators are trained on; real: others, unseen
    by generators and classifier. Raises ValueError as nearest does.
    """

    def __init__(
        self, classifier: nn.Module, known: Tensor, real: Tensor
    ) -> None:
        self.classifier, self.known = classifier.eval(), known
        self.limit = nearest(real, known)[0].quantile(0.01)

    @torch.no_grad()
    def __call__(self, samples: Tensor) -> Verdict:
        p = self.classifier(samples).softmax(dim=-1)  # (n, K)
        entropy = torch.special.entr(p.mean(dim=0)).sum()
        apart = nearest(samples, self.known)[0]  # (n,)
        copied = (apart < self.limit).double().mean()
        numbers = p.amax(dim=-1).mean(), entropy.exp(), apart.median()
        return Verdict(*(x.item() for x in (*numbers, copied)))


# %% generation-autoencoder
def two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Return two linear layers with a ReLU in between."""
    if min(inputs, hidden, outputs) < 1:
        sizes = f"{inputs}, {hidden}, {outputs}"
        raise ValueError(f"inputs, hidden, outputs: {sizes}")
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(),
        nn.Linear(hidden, outputs),
    )


class Autoencoder(nn.Module):
    """Pictures through a bottleneck: (B, 1, 8, 8) -> the same.

    encoder: (B, 1, 8, 8) -> (B, code); decoder: back. Raises
    ValueError for sizes below 1.
    """

    def __init__(self, code: int, hidden: int = 128) -> None:
        super().__init__()
        self.code = code
        self.encoder = nn.Sequential(
            nn.Flatten(), two_layers(64, hidden, code))
        self.decoder = nn.Sequential(
            two_layers(code, hidden, 64), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


# %% generation-reparameterize
def reparameterize(
    mean: Tensor, log_var: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw from N(mean, exp(log_var)), differentiably in both.

    Two tensors of one shape; the result has it, too. Raises
    ValueError for shapes that differ. Source: Kingma and Welling
    (2014), section 2.4.
    """
    if mean.shape != log_var.shape:
        shapes = f"{tuple(mean.shape)} and {tuple(log_var.shape)}"
        raise ValueError(f"mean, log_var: {shapes}")
    noise = torch.randn(
        mean.shape, generator=generator, dtype=mean.dtype,
        device=mean.device,
    )
    return mean + (log_var / 2).exp() * noise


def kl_to_normal(mean: Tensor, log_var: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_var)) || N(0, 1)): (B, d) -> (B,).

    Raises ValueError for shapes that differ. Source: Kingma and
    Welling (2014), appendix B.
    """
    if mean.shape != log_var.shape:
        shapes = f"{tuple(mean.shape)} and {tuple(log_var.shape)}"
        raise ValueError(f"mean, log_var: {shapes}")
    terms = mean.square() + log_var.exp() - 1 - log_var  # (B, d)
    return terms.sum(dim=-1) / 2


# %% generation-vae
class VAE(nn.Module):
    """A variational autoencoder of pictures (B, 1, 8, 8).

    Returns the decoded pictures and what the encoder said: means and
    logarithms of variances, (B, code) each. Raises ValueError for
    sizes below 1.
    """

    def __init__(self, code: int, hidden: int = 128) -> None:
        super().__init__()
        self.code = code
        self.encoder = nn.Sequential(
            nn.Flatten(), two_layers(64, hidden, 2 * code))
        self.decoder = nn.Sequential(
            two_layers(code, hidden, 64), nn.Unflatten(1, (1, 8, 8)))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log_var of the codes of x."""
        mean, log_var = self.encoder(x).chunk(2, dim=-1)
        return mean, log_var

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_var = self.encode(x)
        z = reparameterize(mean, log_var)  # (B, code)
        return self.decoder(z), mean, log_var


# %% generation-elbo
def elbo_terms(
    output: tuple[Tensor, Tensor, Tensor], x: Tensor, sigma: float
) -> tuple[Tensor, Tensor]:
    """Return both terms of the loss of each picture, (B,) each.

    The first is -ln p(x | z) without its constant, for pixels that
    are normal with standard deviation sigma around what was decoded;
    the second is the KL divergence of codes from N(0, 1). output: of
    a VAE. Raises ValueError for sigma <= 0 or another shape of x.
    """
    decoded, mean, log_var = output
    if not sigma > 0:
        raise ValueError(f"sigma: {sigma} is not above 0")
    if decoded.shape != x.shape:
        shapes = f"{tuple(x.shape)}, not {tuple(decoded.shape)}"
        raise ValueError(f"x: {shapes}")
    error = (decoded - x).square().flatten(1).sum(dim=-1)
    return error / (2 * sigma**2), kl_to_normal(mean, log_var)


def negative_elbo(
    output: tuple[Tensor, Tensor, Tensor], x: Tensor,
    sigma: float = 0.4,
) -> Tensor:
    """Return the mean of the sum of both terms, for fit."""
    rebuilding, divergence = elbo_terms(output, x, sigma)
    return (rebuilding + divergence).mean()


# %% generation-schedule
def cosine_schedule(steps: int) -> Tensor:
    """Return the share of the picture in the variance: (steps + 1,).

    Known as alpha-bar; falls from 1 to 0.0002. Raises ValueError for
    steps below 1. Source: after Nichol and Dhariwal (2021), equation
    17; their last share is 0, by which nothing could be divided.
    """
    if steps < 1:
        raise ValueError(f"steps: {steps} is below 1")
    angle = torch.linspace(0, 0.99 * math.pi / 2, steps + 1)
    return angle.cos().square()


# %% generation-add-noise
def beside(kept: Tensor, x: Tensor) -> Tensor:
    """Give kept, (B,), as many dimensions as x, (B, ...)."""
    return kept.view(-1, *[1] * (x.dim() - 1))


def add_noise(x: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """Jump from pictures x to those with noise.

    x, noise: (B, ...); kept: (B,), alpha-bar of each. Source: Ho, Jain
    and Abbeel (2020), equation 4.
    """
    kept = beside(kept, x)
    return kept.sqrt() * x + (1 - kept).sqrt() * noise


def remove_noise(x: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """Undo add_noise: return the pictures that noise was added to."""
    kept = beside(kept, x)
    return (x - (1 - kept).sqrt() * noise) / kept.sqrt()


# %% generation-diffusion
class Diffusion(nn.Module):
    """Guesses the noise in pictures after a random step.

    denoiser: called with pictures (B, ...) and steps (B,), int64; it
    returns the noise it sees, (B, ...). kept: (T + 1,), see
    cosine_schedule; it must fall from 1 and stay above 0, or
    ValueError.
    """

    def __init__(self, denoiser: nn.Module, kept: Tensor) -> None:
        super().__init__()
        falls = kept.dim() == 1 and len(kept) > 1
        if not falls or kept[0] != 1 or not (kept.diff() < 0).all():
            raise ValueError("kept: must begin with 1 and fall")
        if not kept[-1] > 0:
            raise ValueError("kept: must stay above 0")
        self.denoiser = denoiser
        self.register_buffer("kept", kept)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return guessed and true noise of x, (B, ...) each."""
        kept, noise = self.get_buffer("kept"), torch.randn_like(x)
        t = torch.randint(1, len(kept), (len(x),), device=x.device)
        return self.denoiser(add_noise(x, noise, kept[t]), t), noise


# %% generation-noise-loss
def noise_loss(output: tuple[Tensor, Tensor], _: Tensor) -> Tensor:
    """Return the mean squared error of guessed noise, for fit."""
    guess, noise = output
    return F.mse_loss(guess, noise)


def time_features(t: Tensor, size: int) -> Tensor:
    """Return sines and cosines of t: (B,) -> (B, size).

    Frequencies fall from 1 towards 1/1000. Raises ValueError for an
    odd size or one below 2.
    """
    if size < 2 or size % 2:
        raise ValueError(f"size: {size} is not 2, 4, 6, ...")
    half = torch.arange(size // 2, device=t.device)
    angle = t[:, None] * 1000 ** (-half / (size // 2))
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


# %% generation-timed
class TimedConv(nn.Module):
    """x + change: a convolution that knows the step.

    x: (B, C, H, W), time: (B, features); the result: like x.
    """

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(4, channels)
        self.time = nn.Linear(features, channels)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        shift = self.time(time)[..., None, None]  # (B, C, 1, 1)
        return x + F.silu(self.norm(self.conv(x)) + shift)


# %% generation-denoiser
class DigitDenoiser(nn.Module):
    """A small U-Net: digits (B, 1, 8, 8), steps (B,) -> their noise.

    channels at 8 x 8 and twice as many at 4 x 4, where a linear layer
    looks at everything at once. Raises ValueError for channels that 4
    doesn't divide.
    """

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        if channels < 4 or channels % 4:
            raise ValueError(f"channels: {channels}, not 4, 8, 12, ...")
        c, d, features = channels, 2 * channels, 64
        self.time = nn.Sequential(nn.Linear(32, features), nn.SiLU())
        self.first = nn.Conv2d(1, c, 3, padding=1)
        self.fine = TimedConv(c, features)
        self.down = nn.Conv2d(c, d, 2, stride=2)
        self.coarse = TimedConv(d, features)
        self.middle = nn.Sequential(
            nn.Flatten(), nn.LayerNorm(16 * d), nn.Linear(16 * d, 128),
            nn.SiLU(), nn.Linear(128, 16 * d),
            nn.Unflatten(1, (d, 4, 4)),
        )
        self.up = nn.ConvTranspose2d(d, c, 2, stride=2)
        self.join = nn.Conv2d(2 * c, c, 3, padding=1)
        self.again = TimedConv(c, features)
        self.last = nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        time = self.time(time_features(t, 32))  # (B, features)
        fine = self.fine(self.first(x), time)  # (B, c, 8, 8)
        coarse = self.coarse(self.down(fine), time)  # (B, d, 4, 4)
        coarse = coarse + self.middle(coarse)
        both = torch.cat([self.up(coarse), fine], dim=1)
        return self.last(self.again(self.join(both), time))


# %% generation-step
def backward_step(
    x: Tensor, clean: Tensor, kept: Tensor, before: Tensor,
    noise: Tensor,
) -> Tensor:
    """Go one step back, as if clean were the picture without noise.

    x, clean, noise: (B, ...); kept, before: alpha-bar of this step and
    of the one before it. Source: Ho, Jain and Abbeel (2020), equations
    6 and 7.
    """
    alpha = kept / before  # what this step alone left
    from_clean = before.sqrt() * (1 - alpha) / (1 - kept)
    from_x = alpha.sqrt() * (1 - before) / (1 - kept)
    variance = (1 - alpha) * (1 - before) / (1 - kept)
    return from_clean * clean + from_x * x + variance.sqrt() * noise


# %% generation-drawing
@torch.no_grad()
def draw(
    model: Diffusion, shape: tuple[int, ...], *,
    generator: torch.Generator, clip: float | None = 1.0,
) -> list[Tensor]:
    """Return pictures x_T, ..., x_0 of one shape, (B, ...) each.

    The first is noise, the last is what was drawn. Guesses of the
    clean picture are cut off at -clip and clip. Set model.eval()
    before. Raises ValueError for an empty shape or clip <= 0.
    """
    if not shape or min(shape) < 1:
        raise ValueError(f"shape: {shape}")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip: {clip} is not above 0")
    kept = model.get_buffer("kept")
    options = {"generator": generator, "device": kept.device}
    path = [torch.randn(shape, **options)]
    for step in range(len(kept) - 1, 0, -1):
        x, t = path[-1], torch.full(shape[:1], step, device=kept.device)
        clean = remove_noise(x, model.denoiser(x, t), kept[t])
        if clip is not None:
            clean = clean.clamp(-clip, clip)
        noise = torch.randn(shape, **options)
        path.append(backward_step(x, clean, kept[step],
                                  kept[step - 1], noise))
    return path
