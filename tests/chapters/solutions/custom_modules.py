# Generated from chapters/zh/08-custom-modules.qmd: edit there.
# Checksum 444793c64af2: a change made here is refused, not lost.
# %% exr-custom-modules-count
def count_by_hand() -> dict[str, int]:
    """Return your three numbers.

    "parameters": how many tensors parameters() yields; "numbers": how
    many numbers they hold; "keys": how many keys state_dict() has.
    """
    return {"parameters": 5, "numbers": 27, "keys": 8}


# %% exr-custom-modules-dropout
import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """In training, set each element to 0 with probability p.

    The survivors are multiplied by 1 / (1 - p); in evaluation x comes
    back as it is. Any shape. Raises ValueError unless 0 <= p < 1.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p is {p}, not in [0, 1)")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand_like(x) >= self.p
        return x * kept / (1 - self.p)


# %% exr-custom-modules-shapes
import torch
from torch import Tensor, nn


def shapes_of(
    model: nn.Module, x: Tensor
) -> dict[str, tuple[int, ...]]:
    """Run model(x); return each layer's output shape, in running order.

    A layer is a module without children, under its full name. No hook
    of this function stays behind, even if model(x) raises an error,
    which goes on to the caller. Nothing else of the model changes.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    handles = []
    for name, module in model.named_modules():
        if not list(module.children()):

            def note(module, args, output, name=name):
                shapes[name] = tuple(output.shape)

            handles.append(module.register_forward_hook(note))
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return shapes


# %% exr-custom-modules-tied
import torch
from torch import Tensor, nn


class TiedAutoencoder(nn.Module):
    """Encode (n, d) to (n, h) and back, with one weight matrix.

    encode(x) is relu(x @ w.mT + b), decode(z) is z @ w + c, and
    forward(x) is decode(encode(x)). The parameters are w (h, d),
    b (h,) and c (d,), and no others. w starts random, about as
    large as in nn.Linear; b and c start random or at zero.
    """

    def __init__(self, d: int, h: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(d, h)
        self.back = nn.Parameter(torch.zeros(d))

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).relu()

    def decode(self, z: Tensor) -> Tensor:
        return z @ self.encoder.weight + self.back

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


# %% exr-custom-modules-averaged
import copy

import torch
from torch import Tensor, nn


class Averaged(nn.Module):
    """A copy of model whose weights trail behind those of model.

    It starts equal. update(model) makes each parameter of the copy
    decay * its own + (1 - decay) * model's, and copies the buffers.
    forward runs the copy, which no gradient ever reaches. model itself
    stays as it is.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.copy = copy.deepcopy(model).requires_grad_(False)

    def update(self, model: nn.Module) -> None:
        with torch.no_grad():
            pairs = zip(self.copy.parameters(), model.parameters())
            for mine, new in pairs:
                mine.lerp_(new, 1 - self.decay)
            for mine, new in zip(self.copy.buffers(), model.buffers()):
                mine.copy_(new)

    def forward(self, x: Tensor) -> Tensor:
        return self.copy(x)
