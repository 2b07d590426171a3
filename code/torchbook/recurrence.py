# Generated from chapters/zh/13-recurrence.qmd: edit there.
# Checksum 483f9e349181: a change made here is refused, not lost.
# %% recurrence-cell
"""Recurrent layers from nothing, forecasts, and models of verse."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from torchbook.datasets import padding_mask, split
from torchbook.training import IGNORED

State = tuple[Tensor, ...]


def positive(**sizes: int) -> None:
    """Raise ValueError for a size below 1, by its name."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}: {size} is below 1")


# %% recurrence-base
class Cell(nn.Module):
    """The weights of one step, with torch's names and first values.

    A step makes `blocks` vectors of size hidden from the input and as
    many from the state, which has `states` tensors. Weights are drawn
    evenly from +-hidden**-0.5. Sizes below 1 raise ValueError.
    """

    blocks, states = 1, 1

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        positive(features=features, hidden=hidden)
        self.features, self.hidden = features, hidden
        rows = self.blocks * hidden
        self.weight_ih = nn.Parameter(torch.empty(rows, features))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))
        for p in self.parameters():
            nn.init.uniform_(p, -(hidden**-0.5), hidden**-0.5)

    def start(self, x: Tensor) -> State:
        """Return a state of zeros for x, shape (B, ...)."""
        shape = len(x), self.hidden
        return tuple(x.new_zeros(shape) for _ in range(self.states))

    def parts(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, features), (B, hidden) to (B, blocks * hidden)."""
        return (
            F.linear(x, self.weight_ih, self.bias_ih),
            F.linear(h, self.weight_hh, self.bias_hh),
        )


# %% recurrence-plain
class RNNCell(Cell):
    """A step of the plain network: tanh of a weighted sum.

    Source: Elman (1990), with the two biases of torch.nn.RNNCell.
    """

    def forward(self, x: Tensor, state: State) -> State:
        a, b = self.parts(x, state[0])  # (B, hidden) each
        return (torch.tanh(a + b),)


# %% recurrence-unroll
def unroll(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, State]:
    """Apply cell along x, (B, T, features), from state or zeros.

    Returns h after each step, (B, T, hidden), and the last state. With
    lengths, (B,) of 1..T, a sequence stops at its end: its state stays
    and its outputs are 0 from there. Raises ValueError for a shape
    that doesn't fit, an empty batch or time, and a wrong length;
    TypeError for x of another dtype than the weights.
    """
    if x.dim() != 3 or x.shape[2] != cell.features:
        want = f"(B, T, {cell.features})"
        raise ValueError(f"x: shape {tuple(x.shape)}, not {want}")
    if x.numel() == 0:
        raise ValueError(f"x: nothing in shape {tuple(x.shape)}")
    if x.dtype != cell.weight_ih.dtype:
        raise TypeError(f"x: {x.dtype}, not {cell.weight_ih.dtype}")
    state = cell.start(x) if state is None else state
    shape = (len(x), cell.hidden)
    if [tuple(s.shape) for s in state] != [shape] * cell.states:
        raise ValueError(f"state: not {cell.states} of shape {shape}")
    real = x.new_ones(x.shape[:2], dtype=torch.bool)  # (B, T)
    if lengths is not None:
        if lengths.shape != x.shape[:1] or lengths.max() > x.shape[1]:
            raise ValueError("lengths: not one of 1..T for each row")
        real = padding_mask(lengths, x.shape[1])
    outputs = []
    for t in range(x.shape[1]):
        on = real[:, t, None]  # (B, 1)
        new = cell(x[:, t], state)
        pairs = zip(new, state, strict=True)
        state = tuple(torch.where(on, n, old) for n, old in pairs)
        outputs.append(torch.where(on, state[0], 0.0))
    return torch.stack(outputs, dim=1), state


# %% recurrence-reach
def gradient_reach(cell: Cell, x: Tensor) -> Tensor:
    """Measure how a late output depends on each earlier state.

    x: (B, T, features). Returns, for t = 0..T, the length of the
    gradient of sum(h_T) / sqrt(hidden) in the state of step t, the
    root mean square over the batch: (T + 1,), and 1 at t = T.
    """
    state = tuple(s.requires_grad_() for s in cell.start(x))
    path = [state]
    for t in range(x.shape[1]):
        state = tuple(s.clone() for s in cell(x[:, t], state))
        path.append(state)
    end = state[0].sum() / cell.hidden**0.5
    places = [part for state in path for part in state]
    slopes = torch.autograd.grad(
        end, places, allow_unused=True, materialize_grads=True
    )
    squares = torch.stack([g.square().sum() / len(x) for g in slopes])
    return squares.view(len(path), cell.states).sum(dim=1).sqrt()


# %% recurrence-gated
class GRUCell(Cell):
    """A step of the gated recurrent unit, as torch.nn.GRUCell.

    Source: Cho and others (2014); with torch, the reset gate comes
    after the matrix. The update gate says how much stays.
    """

    blocks = 3

    def forward(self, x: Tensor, state: State) -> State:
        a, b = self.parts(x, state[0])  # (B, 3 * hidden)
        a_r, a_z, a_n = a.chunk(3, dim=1)
        b_r, b_z, b_n = b.chunk(3, dim=1)
        reset, stay = (a_r + b_r).sigmoid(), (a_z + b_z).sigmoid()
        new = torch.tanh(a_n + reset * b_n)
        return (stay * state[0] + (1 - stay) * new,)


class LSTMCell(Cell):
    """A step of the long short-term memory, as torch.nn.LSTMCell.

    The state is (h, c). Source: Hochreiter and Schmidhuber (1997),
    with the forget gate of Gers and others (2000).
    """

    blocks, states = 4, 2

    def forward(self, x: Tensor, state: State) -> State:
        h, c = state
        a, b = self.parts(x, h)  # (B, 4 * hidden)
        i, f, g, o = (a + b).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


# %% recurrence-lagged
def lagged(series: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cut a series, (n,), into windows and what follows each.

    Returns (n - width, width) and (n - width,): target i is entry
    i + width of the series. Raises ValueError if there is none.
    """
    positive(width=width)
    if series.dim() != 1 or len(series) <= width:
        shape = tuple(series.shape)
        raise ValueError(f"series: {shape}, not longer than {width}")
    return series[:-1].unfold(0, width, 1), series[width:]


# %% recurrence-forecaster
class Forecaster(nn.Module):
    """Read a window, predict the next entry: (B, T) -> (B,).

    A GRU reads the entries one by one; a linear layer turns its last
    state into the change from the last entry.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        positive(hidden=hidden)
        self.memory = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, window: Tensor) -> Tensor:
        if window.dim() != 2 or window.numel() == 0:
            shape = tuple(window.shape)
            raise ValueError(f"window: shape {shape}, not (B, T)")
        _, h = self.memory(window[:, :, None])  # h: (1, B, hidden)
        return window[:, -1] + self.head(h[0])[:, 0]


# %% recurrence-alphabet
EDGE = "¶"  # stands before each work and after it


class Alphabet:
    """The characters of some works, numbered; EDGE is number 0.

    Raises ValueError for no characters, and for works with an EDGE.
    """

    def __init__(self, works: Iterable[str]) -> None:
        found = sorted(set().union(*works))
        if not found or EDGE in found:
            raise ValueError(f"works: empty, or with {EDGE}")
        self.characters = [EDGE, *found]
        pairs = enumerate(self.characters)
        self.numbers = {character: i for i, character in pairs}

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Tensor:
        """Return the numbers of text, (len(text),), int64.

        Raises ValueError, with the character, for one without number.
        """
        for character in text:
            if character not in self.numbers:
                raise ValueError(f"text: {character!r} has no number")
        numbers = [self.numbers[character] for character in text]
        return torch.tensor(numbers, dtype=torch.int64)

    def decode(self, numbers: Tensor) -> str:
        """Return the text of numbers, (n,); the inverse of encode."""
        if any(not 0 <= i < len(self) for i in numbers.tolist()):
            raise ValueError(f"numbers: not all below {len(self)}")
        return "".join(self.characters[i] for i in numbers.tolist())


# %% recurrence-pieces
def verse_split(
    works: Sequence[str], seed: int = 0
) -> tuple[list[str], list[str], list[str]]:
    """Deal whole works out: 80% to train, 10% to validate and test.

    The same seed gives the same three lists.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = split(len(works), (0.8, 0.1, 0.1), generator=generator)
    train, valid, test = ([works[i] for i in p.tolist()] for p in parts)
    return train, valid, test


def verse_pieces(
    works: Iterable[str], alphabet: Alphabet, size: int
) -> tuple[Tensor, Tensor]:
    """Cut works into pieces to predict: inputs, targets, (N, size).

    Each work stands between two EDGEs. Its targets are all characters
    but the first EDGE, each once, and inputs are what came before. At
    the end of a work, targets are filled with IGNORED, inputs with 0.
    """
    positive(size=size)
    inputs, targets = [], []
    for work in works:
        numbers = alphabet.encode(EDGE + work + EDGE)
        for start in range(0, len(numbers) - 1, size):
            piece = numbers[start : start + size + 1]
            room = (0, size + 1 - len(piece))
            inputs.append(F.pad(piece[:-1], room))
            targets.append(F.pad(piece[1:], room, value=IGNORED))
    if not inputs:
        raise ValueError("works: there are none")
    return torch.stack(inputs), torch.stack(targets)


# %% recurrence-verse-loss
def verse_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the mean surprise, -log p, in nats per character.

    scores: (B, T, V), of which softmax makes probabilities; targets:
    (B, T). Those that are IGNORED don't count. Raises ValueError for
    targets of another shape, and if all are IGNORED.
    """
    if targets.shape != scores.shape[:-1]:
        shape, want = tuple(targets.shape), tuple(scores.shape[:-1])
        raise ValueError(f"targets: shape {shape}, not {want}")
    if (targets == IGNORED).all():
        raise ValueError("targets: none that counts")
    return F.cross_entropy(
        scores.flatten(0, 1), targets.flatten(), ignore_index=IGNORED
    )


def bits(nats: float) -> float:
    """Return nats in bits: divided by the natural logarithm of 2."""
    return nats / math.log(2)


# %% recurrence-count
Followers = dict[tuple[int, ...], tuple[Tensor, Tensor]]


def count_followers(
    sequences: Iterable[Tensor], order: int, size: int
) -> Followers:
    """Count what follows each run of 0 to order - 1 numbers.

    Returns for each run the numbers that followed and how often.
    Raises ValueError for sizes below 1, for nothing to count, and for
    a number that isn't one of 0 to size - 1.
    """
    positive(order=order, size=size)
    found: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for sequence in sequences:
        seen = sequence.tolist()
        for t, number in enumerate(seen):
            if not 0 <= number < size:
                raise ValueError(f"sequences: {number}, size {size}")
            for n in range(min(order - 1, t) + 1):
                found[tuple(seen[t - n : t])][number] += 1
    if not found:
        raise ValueError("sequences: nothing to count")
    return {
        run: (
            torch.tensor(list(count)),
            torch.tensor(list(count.values())).double(),
        )
        for run, count in found.items()
    }


# %% recurrence-ngram
class NGram(nn.Module):
    """Predict by counting: (B, T) -> scores (B, T, size).

    The counts after the last order - 1 numbers are mixed with what one
    number fewer says, as if that had been seen `strength` times; at
    the end of the chain stands 1 / size. Scores are log-probabilities.
    sequences hold numbers below size; strength is above 0.
    """

    def __init__(
        self, sequences: Iterable[Tensor], size: int, order: int,
        strength: float = 5.0,
    ) -> None:
        super().__init__()
        positive(size=size, order=order)
        if not strength > 0:
            raise ValueError(f"strength: {strength} not above 0")
        self.size, self.order, self.strength = size, order, strength
        self.followers = count_followers(sequences, order, size)

    def chances(self, context: Sequence[int]) -> Tensor:
        """Return the probability of each next number, (size,)."""
        p = torch.full((self.size,), 1 / self.size).double()
        for n in range(min(self.order - 1, len(context)) + 1):
            key = tuple(context[len(context) - n :])
            if key not in self.followers:
                break  # longer ones are unknown, too
            numbers, times = self.followers[key]
            p *= self.strength
            p[numbers] += times
            p /= self.strength + times.sum()
        return p

    def forward(self, inputs: Tensor) -> Tensor:
        scores = []
        for row in inputs.tolist():
            for end in range(1, len(row) + 1):
                start = max(0, end - self.order + 1)
                scores.append(self.chances(row[start:end]).log())
        return torch.stack(scores).float().view(*inputs.shape, -1)


# %% recurrence-model
class VerseRNN(nn.Module):
    """Predict each next character: (B, T) -> scores (B, T, size).

    Numbers become vectors, a GRU reads them, a linear layer scores
    what comes next. At most all inputs up to a place play a part.
    """

    def __init__(self, size: int, width: int, hidden: int) -> None:
        super().__init__()
        positive(size=size, width=width, hidden=hidden)
        self.embed = nn.Embedding(size, width)
        self.memory = nn.GRU(width, hidden, batch_first=True)
        self.head = nn.Linear(hidden, size)

    def read(
        self, inputs: Tensor, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return scores, (B, T, size), and the state to go on from.

        Raises ValueError for inputs of another shape, nothing in them,
        or a number that doesn't exist.
        """
        if inputs.dim() != 2 or inputs.numel() == 0:
            shape = tuple(inputs.shape)
            raise ValueError(f"inputs: shape {shape}, not (B, T)")
        size = self.embed.num_embeddings
        if inputs.min() < 0 or inputs.max() >= size:
            raise ValueError(f"inputs: not all in 0..{size - 1}")
        outputs, state = self.memory(self.embed(inputs), state)
        return self.head(outputs), state

    def forward(self, inputs: Tensor) -> Tensor:
        return self.read(inputs)[0]


# %% recurrence-write
@torch.no_grad()
def write_verse(
    model: nn.Module,
    alphabet: Alphabet,
    limit: int,
    generator: torch.Generator,
) -> str:
    """Draw characters one by one until an EDGE, or limit of them.

    model maps numbers (1, T) to scores (1, T, len(alphabet)), and
    reads the whole text anew for each character.
    """
    positive(limit=limit)
    numbers = alphabet.encode(EDGE)
    for _ in range(limit):
        scores = model(numbers[None])[0, -1]  # (len(alphabet),)
        p = scores.double().softmax(dim=0)
        number = torch.multinomial(p, 1, generator=generator)
        if alphabet.decode(number) == EDGE:
            break
        numbers = torch.cat([numbers, number])
    return alphabet.decode(numbers[1:])
