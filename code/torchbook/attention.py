# Generated from chapters/zh/14-attention.qmd: edit there.
# Checksum 8fc63068bba1: a change made here is refused, not lost.
# %% attention-weights
"""Attention, what is built of it, and a small language model."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from torchbook.recurrence import positive, verse_loss
from torchbook.training import Epoch, fit


def attention_weights(
    query: Tensor, key: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Return softmax(Q K^T / sqrt(d)), shape (..., n, m).

    query: (..., n, d); key: (..., m, d). mask, bool, is broadcast to
    the result: True where a query may look (see hide). Raises
    ValueError for lengths d that differ or are 0, or no keys;
    TypeError for dtypes that differ. Source: Vaswani and others
    (2017), equation 1.
    """
    d = query.shape[-1]
    if key.dim() < 2 or key.shape[-1] != d or 0 in key.shape[-2:]:
        raise ValueError(f"key: {tuple(key.shape)}, not (..., m, {d})")
    if key.dtype != query.dtype:
        raise TypeError(f"key: {key.dtype}, not {query.dtype}")
    scores = query @ key.mT / math.sqrt(d)  # (..., n, m)
    if mask is not None:
        scores = hide(scores, mask)
    return scores.softmax(dim=-1)


# %% attention-scaled
def scaled_dot_product(
    query: Tensor, key: Tensor, value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Return the weighted means of value, (..., m, e): (..., n, e).

    The weights are those of attention_weights. Raises ValueError if
    value doesn't have a row for each key, TypeError for another dtype.
    """
    weights = attention_weights(query, key, mask)  # (..., n, m)
    if value.shape[-2:-1] != weights.shape[-1:]:
        keys = weights.shape[-1]
        raise ValueError(f"value: {tuple(value.shape)}, {keys} keys")
    if value.dtype != weights.dtype:
        raise TypeError(f"value: {value.dtype}, not {weights.dtype}")
    return weights @ value


def hide(scores: Tensor, mask: Tensor) -> Tensor:
    """Return scores, (..., n, m), with -inf where mask is False.

    Raises TypeError for a mask that isn't bool, ValueError for one
    that can't be broadcast to scores or hides a whole row.
    """
    if mask.dtype != torch.bool:
        raise TypeError(f"mask: {mask.dtype}, not torch.bool")
    try:
        mask = mask.expand_as(scores)
    except RuntimeError:
        shapes = f"{tuple(mask.shape)} for {tuple(scores.shape)}"
        raise ValueError(f"mask: {shapes}") from None
    if not mask.any(dim=-1).all():
        raise ValueError("mask: hides everything from a query")
    return scores.masked_fill(~mask, -math.inf)


# %% attention-causal
def causal_mask(new: int, total: int | None = None) -> Tensor:
    """Return (new, total), bool: True at one's own place and before.

    The queries are the last `new` of `total` places (default: all).
    Raises ValueError unless 1 <= new <= total.
    """
    total = new if total is None else total
    if not 1 <= new <= total:
        raise ValueError(f"new: {new} of {total} places")
    return torch.ones(new, total, dtype=torch.bool).tril(total - new)


# %% attention-cache
class Cache:
    """Keys and values that a layer has made: (B, H, m, d) each."""

    def __init__(self) -> None:
        self.parts: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return 0 if self.parts is None else self.parts[0].shape[-2]

    def extend(
        self, key: Tensor, value: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Append keys and values, and return all of them.

        Raises ValueError for another batch or other heads.
        """
        if self.parts is not None:
            old, new = self.parts[0].shape, key.shape
            if old[:-2] != new[:-2]:
                raise ValueError(f"key: {tuple(new)} for {tuple(old)}")
            key = torch.cat([self.parts[0], key], dim=-2)
            value = torch.cat([self.parts[1], value], dim=-2)
        self.parts = key, value
        return self.parts


# %% attention-heads
class MultiHead(nn.Module):
    """Self-attention with several heads: (B, T, D) -> (B, T, D).

    Each head has D / heads features; heads that don't divide D raise
    ValueError. rotary turns queries and keys by their places.
    """

    def __init__(
        self, width: int, heads: int, rotary: bool = False
    ) -> None:
        super().__init__()
        if heads < 1 or width < 1 or width % heads:
            raise ValueError(f"heads: {heads} don't divide {width}")
        self.width, self.heads, self.rotary = width, heads, rotary
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """Cut features into heads: (B, T, D) -> (B, H, T, D / H)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(
        self, x: Tensor, mask: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Let each place look at those of x and, before, of cache.

        mask is broadcast to (B, H, T, m): True where it may look. x
        that is empty or not (B, T, D) raises ValueError.
        """
        if x.shape[2:] != (self.width,) or x.numel() == 0:
            raise ValueError(f"x: {tuple(x.shape)}")
        q, k, v = map(self.split, self.project(x).chunk(3, dim=-1))
        if self.rotary:
            start = 0 if cache is None else len(cache)
            q, k = rotate(q, start), rotate(k, start)
        if cache is not None:
            k, v = cache.extend(k, v)
        out = scaled_dot_product(q, k, v, mask)  # (B, H, T, D / H)
        return self.output(out.transpose(1, 2).flatten(-2))


# %% attention-rotate
def rotate(x: Tensor, start: int = 0) -> Tensor:
    """Turn each pair of features of x, (..., T, d), by its place.

    Place t = start, start + 1, ... turns features 2i and 2i + 1 by the
    angle t * 10000**(-2i / d). Raises ValueError for an odd d. Source:
    Su and others (2021).
    """
    count, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"x: an odd number of features, {d}")
    place = torch.arange(start, start + count, device=x.device)
    pair = torch.arange(0, d, 2, device=x.device)
    angle = place[:, None] * 10000.0 ** (-pair / d)  # (T, d / 2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    turned = torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1)
    return turned.flatten(-2)


def sinusoidal(count: int, width: int) -> Tensor:
    """Return a row to add at each place, (count, width).

    Row t has sin(a) at 2i and cos(a) at 2i + 1, where a is
    t * 10000**(-2i / width). Raises ValueError for a width that isn't
    even. Source: Vaswani and others (2017), section 3.5.
    """
    if width % 2:
        raise ValueError(f"width: {width} is odd")
    first = torch.tensor([1.0, 0.0]).repeat(width // 2)
    turned = rotate(first.expand(count, -1))  # cos, sin
    return turned.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)


# %% attention-block
class Block(nn.Module):
    """Attention, then a small net at each place: (B, T, D) -> same.

    Both add to what goes past, and look at it normalized (pre-norm).
    """

    def __init__(
        self, width: int, heads: int, rotary: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.attention = MultiHead(width, heads, rotary)
        self.net = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, mask: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        found = self.attention(self.norm1(x), mask, cache)
        x = x + self.dropout(found)
        return x + self.dropout(self.net(self.norm2(x)))


# %% attention-words
Pair = tuple[int, int]


def words_of(text: str) -> list[str]:
    """Cut text into words, each with the space before it.

    Joined again they are the text. Byte pairs stay inside a word.
    """
    return re.findall(r" ?\w+| ?[^\w\s]+|\s", text)


def merge(tokens: list[int], pair: Pair, new: int) -> list[int]:
    """Return tokens with each pair, from the left, replaced by new."""
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


# %% attention-merges
def learn_merges(texts: Iterable[str], count: int) -> list[Pair]:
    """Return the pairs to merge, most frequent first, one at a time.

    The first pair becomes token 256, the next one 257, and so on. Of
    pairs equally frequent, the one of larger numbers comes first.
    Raises ValueError if no pair is left. Source: Sennrich and others
    (2016), here on bytes.
    """
    found = Counter(word for text in texts for word in words_of(text))
    words = [(list(word.encode()), n) for word, n in found.items()]
    pairs: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)

    def enter(i: int, sign: int) -> None:
        tokens, n = words[i]
        for pair in pairwise(tokens):
            pairs[pair] += sign * n
            where[pair].add(i)

    for i in range(len(words)):
        enter(i, 1)
    merges: list[Pair] = []
    for new in range(256, 256 + count):
        best = max(pairs, key=lambda p: (pairs[p], p), default=(0, 0))
        if pairs[best] == 0:
            raise ValueError(f"texts: only {len(merges)} pairs")
        merges.append(best)
        for i in where.pop(best):
            enter(i, -1)
            words[i] = merge(words[i][0], best, new), words[i][1]
            enter(i, 1)
    return merges


# %% attention-merge-word
def merge_word(word: str, number: dict[Pair, int]) -> list[int]:
    """Return the tokens of a word: the lowest number merges first."""
    tokens = list(word.encode())
    while True:
        found = [p for p in pairwise(tokens) if p in number]
        if not found:
            return tokens
        best = min(found, key=number.__getitem__)
        tokens = merge(tokens, best, number[best])


# %% attention-byte-pairs
class BytePairs:
    """Tokens: 0..255 are the bytes, 256 + i is the pair merges[i].

    Raises ValueError for a pair of tokens that don't exist yet.
    """

    def __init__(self, merges: Iterable[Pair]) -> None:
        self.pieces = [bytes([byte]) for byte in range(256)]
        self.number: dict[Pair, int] = {}
        for a, b in merges:
            if not (0 <= a < len(self) and 0 <= b < len(self)):
                raise ValueError(f"merges: {a, b} before they exist")
            self.number[a, b] = len(self)
            self.pieces.append(self.pieces[a] + self.pieces[b])

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> Tensor:
        """Return the tokens of any text, (n,), int64.

        Half a surrogate pair is no text: UnicodeEncodeError.
        """
        words = words_of(text)
        known = {w: merge_word(w, self.number) for w in set(words)}
        tokens = [token for word in words for token in known[word]]
        return torch.tensor(tokens, dtype=torch.int64)

    def decode(self, tokens: Tensor) -> str:
        """Return the text, with U+FFFD for bytes that are no text.

        Raises ValueError for a token that doesn't exist.
        """
        for token in tokens.tolist():
            if token not in range(len(self)):
                raise ValueError(f"tokens: {token} doesn't exist")
        joined = b"".join(self.pieces[t] for t in tokens.tolist())
        return joined.decode(errors="replace")


# %% attention-gpt
class GPT(nn.Module):
    """Predict each next token: (B, T) -> scores (B, T, size)."""

    def __init__(
        self, size: int, width: int = 64, heads: int = 4,
        blocks: int = 2, dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(size, width)
        nn.init.normal_(self.tokens.weight, std=0.05)
        self.blocks = nn.ModuleList(
            Block(width, heads, True, dropout) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Tensor, caches: list[Cache] | None = None
    ) -> Tensor:
        """Go on from caches, one for each block, if they are given.

        Tokens that are empty, not (B, T), or unknown, or too few
        caches: ValueError. Tokens that aren't int64: TypeError.
        """
        if tokens.dtype != torch.int64:
            raise TypeError(f"tokens: {tokens.dtype}, not torch.int64")
        if tokens.dim() != 2 or tokens.numel() == 0:
            raise ValueError(f"tokens: {tuple(tokens.shape)}")
        size = self.tokens.num_embeddings
        if tokens.min() < 0 or tokens.max() >= size:
            raise ValueError(f"tokens: not all in 0..{size - 1}")
        each = caches or [None] * len(self.blocks)
        if len(each) != len(self.blocks):
            raise ValueError(f"caches: {len(each)}, not one a block")
        new, old = tokens.shape[1], len(caches[0]) if caches else 0
        mask = causal_mask(new, old + new).to(tokens.device)
        x = self.dropout(self.tokens(tokens))  # (B, T, D)
        for block, cache in zip(self.blocks, each, strict=True):
            x = block(x, mask, cache)
        return F.linear(self.norm(x), self.tokens.weight)


# %% attention-together
class Together:
    """Optimizers that step as one, for torchbook.training.fit.

    Each learning rate climbs for `warmup` steps, then falls evenly to
    0 at step `total`. Either below 1: ValueError.
    """

    def __init__(
        self, optimizers: list[torch.optim.Optimizer], total: int,
        warmup: int = 50,
    ) -> None:
        positive(total=total, warmup=warmup)
        self.optimizers = optimizers
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(
                each, lambda t: min((t + 1) / warmup, 1 - t / total)
            )
            for each in optimizers
        ]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [
            group for optimizer in self.optimizers
            for group in optimizer.param_groups
        ]

    def zero_grad(self) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def step(self) -> None:
        for part in self.optimizers + self.schedules:
            part.step()


# %% attention-train
def batches_of(
    pieces: tuple[Tensor, Tensor], size: int, seed: int | None = None
) -> DataLoader:
    """Return batches of both tensors, shuffled if there is a seed."""
    return DataLoader(
        TensorDataset(*pieces), size, shuffle=seed is not None,
        generator=torch.Generator().manual_seed(seed or 0),
    )


def train_on_verse(
    model: nn.Module, train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor], *, epochs: int, size: int,
    lr: float, muon: float | None = None, seed: int = 0,
) -> list[Epoch]:
    """Train in place on pieces of verse; return what epochs came to.

    AdamW, or, with muon, Muon at that learning rate for the matrices
    in model.blocks and AdamW for the rest.
    """
    batches, matrices = batches_of(train, size, seed), []
    if muon is not None:
        blocks = model.get_submodule("blocks").parameters()
        matrices = [p for p in blocks if p.dim() == 2]
    taken = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in taken]
    optimizers = [torch.optim.AdamW(rest, lr, betas=(0.9, 0.99))]
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, lr=muon))
    return fit(
        model, batches, batches_of(valid, 64), loss=verse_loss,
        optimizer=Together(optimizers, epochs * len(batches)),
        epochs=epochs, clip=1.0,
    )


# %% attention-chances
def next_chances(
    scores: Tensor, temperature: float = 1.0, top_k: int | None = None
) -> Tensor:
    """Return probabilities of what comes next, (..., V), from scores.

    Scores are divided by temperature first; those below the top_k
    largest get probability 0, ties with the last of them stay. Raises
    ValueError for temperature <= 0 or top_k < 1.
    """
    if not temperature > 0:
        raise ValueError(f"temperature: {temperature} is not above 0")
    if top_k is not None:
        positive(top_k=top_k)
        k = min(top_k, scores.shape[-1])
        least = scores.topk(k, dim=-1).values[..., -1:]
        scores = scores.masked_fill(scores < least, -math.inf)
    return (scores / temperature).softmax(dim=-1)


# %% attention-write-on
@torch.no_grad()
def write_on(
    model: GPT,
    tokens: Tensor,
    count: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    *,
    generator: torch.Generator,
    cached: bool = True,
) -> Tensor:
    """Append count tokens drawn one by one: (B, T) -> (B, T + count).

    Without `cached`, everything is computed anew for each of them. Set
    model.eval() before.
    """
    positive(count=count)
    caches = [Cache() for _ in model.blocks] if cached else None
    new = tokens
    for _ in range(count):
        scores = model(new, caches)[:, -1]  # (B, V)
        chances = next_chances(scores.double(), temperature, top_k)
        drawn = torch.multinomial(chances, 1, generator=generator)
        tokens = torch.cat([tokens, drawn], dim=1)
        new = drawn if cached else tokens
    return tokens
