"""recurrence against torch: cells, unrolled and ragged, gradients too; and verse by hand."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from torchbook.datasets import load_poems, load_sonnets, load_sunspots
from torchbook.recurrence import (
    EDGE,
    Alphabet,
    Forecaster,
    GRUCell,
    LSTMCell,
    NGram,
    RNNCell,
    VerseRNN,
    bits,
    count_followers,
    gradient_reach,
    lagged,
    unroll,
    verse_loss,
    verse_pieces,
    verse_split,
    write_verse,
)
from torchbook.training import IGNORED, evaluate

KINDS = [(RNNCell, nn.RNN), (GRUCell, nn.GRU), (LSTMCell, nn.LSTM)]
kinds = pytest.mark.parametrize(("ours", "theirs"), KINDS)


def pair(ours, theirs, features, hidden, dtype=torch.float64, device="cpu"):
    """A cell of ours and a layer of torch's with its weights."""
    cell = ours(features, hidden).to(device, dtype)
    layer = theirs(features, hidden, batch_first=True).to(device, dtype)
    layer.load_state_dict({f"{k}_l0": w for k, w in cell.state_dict().items()})
    return cell, layer


def parts(state):
    """The last state of torch's layer, as a tuple of (B, H)."""
    return [s[0] for s in (state if isinstance(state, tuple) else (state,))]


@kinds
def test_the_first_weights_are_those_of_torch(ours, theirs):
    torch.manual_seed(3)
    cell = ours(4, 6)
    torch.manual_seed(3)
    layer = theirs(4, 6)
    for (name, w), (other, v) in zip(
        cell.named_parameters(), layer.named_parameters(), strict=True
    ):
        assert other == f"{name}_l0"
        assert torch.equal(w, v)


@kinds
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 2), (2, 9, 4)])
@pytest.mark.parametrize("given_state", [False, True])
def test_outputs_state_and_gradients_are_those_of_torch(
    ours, theirs, dtype, shape, given_state, device
):
    torch.manual_seed(0)
    cell, layer = pair(ours, theirs, shape[2], 5, dtype, device)
    x = torch.randn(shape, dtype=dtype, device=device)
    x, twin = x.requires_grad_(), x.detach().clone().requires_grad_()
    state = other = None
    if given_state:
        state = tuple(torch.randn(shape[0], 5).to(x) for _ in range(cell.states))
        other = tuple(s[None] for s in state)
        other = other if len(other) == 2 else other[0]
    outputs, last = unroll(cell, x, state)
    wanted, end = layer(twin, other)
    near = {"rtol": 1e-4, "atol": 1e-5} if dtype == torch.float32 else {}
    torch.testing.assert_close(outputs, wanted, **near)
    torch.testing.assert_close(list(last), parts(end), **near)
    (outputs.sin().sum() + last[0].sum()).backward()
    (wanted.sin().sum() + parts(end)[0].sum()).backward()
    torch.testing.assert_close(x.grad, twin.grad, **near)
    for w, v in zip(cell.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(w.grad, v.grad, **near)


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    extra=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_ragged_batches_are_as_packed_and_as_alone(kind, lengths, extra, seed):
    torch.manual_seed(seed)
    cell, layer = pair(*kind, 2, 3)
    size = max(lengths) + extra
    x = torch.randn(len(lengths), size, 2, dtype=torch.float64)
    count = torch.tensor(lengths)
    outputs, last = unroll(cell, x, lengths=count)
    packed = pack_padded_sequence(x, count, batch_first=True, enforce_sorted=False)
    wanted, end = layer(packed)
    wanted, _ = pad_packed_sequence(wanted, batch_first=True, total_length=size)
    torch.testing.assert_close(outputs, wanted)
    torch.testing.assert_close(list(last), parts(end))
    for i, n in enumerate(lengths):
        alone, state = unroll(cell, x[i : i + 1, :n])
        torch.testing.assert_close(outputs[i : i + 1, :n], alone)
        torch.testing.assert_close([s[i] for s in last], [s[0] for s in state])


@kinds
def test_padding_has_no_gradient(ours, theirs):
    cell, _ = pair(ours, theirs, 2, 3)
    x = torch.full((2, 4, 2), math.nan, dtype=torch.float64)
    x[0], x[1, :2] = 1.0, 1.0
    with torch.no_grad():
        x[1, 2:] = 1e3
    x.requires_grad_()
    outputs, last = unroll(cell, x, lengths=torch.tensor([4, 2]))
    (outputs.sum() + last[0].sum()).backward()
    assert x.grad[1, 2:].abs().max() == 0
    assert x.grad[0].abs().min() > 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"x": torch.zeros(4, 3)}, "x"),
        ({"x": torch.zeros(2, 4, 5)}, "x"),
        ({"x": torch.zeros(0, 4, 3)}, "x"),
        ({"x": torch.zeros(2, 0, 3)}, "x"),
        ({"state": (torch.zeros(2, 4),)}, "state"),
        ({"state": (torch.zeros(2, 5),) * 2}, "state"),
        ({"lengths": torch.tensor([1, 2, 3])}, "lengths"),
        ({"lengths": torch.tensor([1, 5])}, "lengths"),
        ({"lengths": torch.tensor([0, 4])}, "lengths"),
    ],
)
def test_unroll_names_a_bad_argument(change, word):
    with pytest.raises(ValueError, match=word):
        unroll(RNNCell(3, 5), **{"x": torch.zeros(2, 4, 3)} | change)


def test_unroll_names_another_dtype():
    for dtype in (torch.int64, torch.float64):
        with pytest.raises(TypeError, match=f"x: {dtype}"):
            unroll(RNNCell(3, 5), torch.zeros(2, 4, 3, dtype=dtype))


@pytest.mark.parametrize("make", [RNNCell, GRUCell, LSTMCell])
@pytest.mark.parametrize(("sizes", "word"), [((0, 2), "features"), ((2, 0), "hidden")])
def test_cells_name_a_bad_size(make, sizes, word):
    with pytest.raises(ValueError, match=word):
        make(*sizes)


@kinds
def test_gradient_reach_is_that_of_the_jacobians(ours, theirs):
    torch.manual_seed(0)
    cell = ours(2, 3).double()
    x = torch.randn(1, 4, 2, dtype=torch.float64)
    reach = gradient_reach(cell, x)
    states = [cell.start(x)]
    for t in range(4):
        states.append(cell(x[:, t], states[-1]))
    row = torch.zeros(3 * cell.states, dtype=torch.float64)
    row[:3] = 3**-0.5
    found = [row.norm()]
    for t in (3, 2, 1, 0):

        def step(flat, t=t):
            new = cell(x[:, t], flat.view(cell.states, 1, 3).unbind())
            return torch.stack(new).flatten()

        flat = torch.stack(states[t]).flatten().detach()
        row = row @ torch.autograd.functional.jacobian(step, flat)
        found.append(row.norm())
    torch.testing.assert_close(reach, torch.stack(found[::-1]))
    assert reach[-1] == pytest.approx(1)


def test_a_fresh_plain_network_shrinks_by_the_root_of_three():
    torch.manual_seed(0)
    ends = [gradient_reach(RNNCell(8, 256), torch.randn(4, 20, 8) * 1e-3) for _ in range(5)]
    factor = torch.stack([(e[0] / e[15]) ** (1 / 15) for e in ends]).mean()
    assert factor == pytest.approx(3**-0.5, rel=0.1)


@given(n=st.integers(2, 30), width=st.integers(1, 29))
def test_lagged_windows_are_followed_by_their_targets(n, width):
    series = torch.arange(n).float()
    if width >= n:
        with pytest.raises(ValueError, match="series"):
            lagged(series, width)
        return
    windows, following = lagged(series, width)
    assert windows.shape == (n - width, width)
    for i in range(n - width):
        assert windows[i].tolist() == series[i : i + width].tolist()
        assert following[i] == series[i + width]


def test_lagged_names_what_is_wrong():
    with pytest.raises(ValueError, match="width"):
        lagged(torch.zeros(5), 0)
    with pytest.raises(ValueError, match="series"):
        lagged(torch.zeros(5, 2), 1)


def test_the_forecaster_starts_from_the_last_entry():
    model = Forecaster(4)
    nn.init.zeros_(model.head.weight), nn.init.zeros_(model.head.bias)
    window = torch.randn(3, 6)
    assert torch.equal(model(window), window[:, -1])
    for bad in (torch.zeros(3), torch.zeros(0, 3), torch.zeros(3, 0)):
        with pytest.raises(ValueError, match="window"):
            model(bad)
    with pytest.raises(ValueError, match="hidden"):
        Forecaster(0)


def test_baselines_on_the_sunspots():
    years, numbers = load_sunspots()
    late = years >= 1960
    rows = late.nonzero()[:, 0]
    for back, wanted in ((1, 30.4), (11, 34.5)):
        gap = numbers[rows] - numbers[rows - back]
        assert gap.square().mean().sqrt().item() == pytest.approx(wanted, abs=0.05)


texts = st.lists(st.text("abc\n", max_size=12), min_size=1, max_size=5)


@given(works=texts)
def test_alphabets_give_back_what_they_took(works):
    if not "".join(works):
        with pytest.raises(ValueError, match="works"):
            Alphabet(works)
        return
    alphabet = Alphabet(works)
    assert alphabet.characters[0] == EDGE
    assert len(alphabet) == len(set("".join(works))) + 1
    for work in works:
        numbers = alphabet.encode(work)
        assert numbers.dtype == torch.int64
        assert numbers.shape == (len(work),)
        assert alphabet.decode(numbers) == work


def test_alphabets_name_what_they_do_not_know():
    with pytest.raises(ValueError, match="works"):
        Alphabet(["a" + EDGE])
    alphabet = Alphabet(["ab"])
    with pytest.raises(ValueError, match="'z'"):
        alphabet.encode("az")
    for bad in ([3], [-1]):
        with pytest.raises(ValueError, match="numbers"):
            alphabet.decode(torch.tensor(bad))


@given(works=texts, size=st.integers(1, 15))
def test_pieces_hold_each_character_once(works, size):
    alphabet = Alphabet([*works, "abc\n"])
    inputs, targets = verse_pieces(works, alphabet, size)
    assert inputs.shape == targets.shape == (len(inputs), size)
    real = targets != IGNORED
    assert alphabet.decode(targets[real]) == "".join(work + EDGE for work in works)
    assert alphabet.decode(inputs[real]) == "".join(EDGE + work for work in works)
    assert (inputs[~real] == 0).all()
    assert (real.int().diff(dim=1) <= 0).all()  # filling stands last


def test_pieces_name_what_is_wrong():
    alphabet = Alphabet(["a"])
    with pytest.raises(ValueError, match="size"):
        verse_pieces(["a"], alphabet, 0)
    with pytest.raises(ValueError, match="works"):
        verse_pieces([], alphabet, 3)


@pytest.mark.parametrize("load", [load_poems, load_sonnets])
def test_the_split_deals_out_whole_works(load):
    works = load()
    dealt = verse_split(works)
    assert Counter(work for part in dealt for work in part) == Counter(works)
    assert verse_split(works) == dealt
    assert verse_split(works, seed=1) != dealt
    assert 0.75 < len(dealt[0]) / len(works) < 0.85


def test_loss_is_the_mean_over_what_counts():
    torch.manual_seed(0)
    scores, targets = torch.randn(2, 3, 4), torch.tensor([[0, 3, IGNORED], [1, 1, 2]])
    p = scores.softmax(dim=-1)
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    wanted = [-p[i, t, targets[i, t]].log() for i, t in places]
    torch.testing.assert_close(verse_loss(scores, targets), torch.stack(wanted).mean())
    assert bits(math.log(8)) == pytest.approx(3)


def test_loss_names_targets_of_no_use():
    scores = torch.zeros(2, 3, 4)
    for shape in ((2, 4), (3, 2), (6,)):
        with pytest.raises(ValueError, match="targets: shape"):
            verse_loss(scores, torch.zeros(shape, dtype=torch.int64))
    with pytest.raises(ValueError, match="targets: none"):
        verse_loss(scores, torch.full((2, 3), IGNORED))


@settings(deadline=None)
@given(
    words=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=3),
    order=st.integers(1, 4),
    strength=st.floats(0.5, 50),
)
def test_ngrams_are_the_mixture_written_out(words, order, strength):
    model = NGram([torch.tensor(w) for w in words], 4, order, strength)

    def chance(context, number, n):
        if n < 0:
            return 1 / 4
        run = context[len(context) - n :]
        times = total = 0
        for w in words:
            for t in range(n, len(w)):
                if w[t - n : t] == run:
                    total += 1
                    times += w[t] == number
        shorter = chance(context, number, n - 1)
        return (times + strength * shorter) / (total + strength)

    text = [0, 1, 2, 1, 0]
    scores = model(torch.tensor([text]))[0]
    assert scores.shape == (5, 4)
    for t in range(5):
        context = text[: t + 1]
        n = min(order - 1, len(context))
        wanted = [chance(context, number, n) for number in range(4)]
        assert sum(wanted) == pytest.approx(1)
        assert scores[t].exp().tolist() == pytest.approx(wanted, rel=1e-5)


def test_ngrams_name_what_is_wrong():
    numbers = [torch.tensor([0, 1])]
    for change, word in (
        ({"size": 0}, "size"),
        ({"order": 0}, "order"),
        ({"strength": 0.0}, "strength"),
    ):
        with pytest.raises(ValueError, match=word):
            NGram(**{"sequences": numbers, "size": 2, "order": 2} | change)
    with pytest.raises(ValueError, match="order"):
        count_followers(numbers, 0, 2)
    for bad in ([], [torch.tensor([], dtype=torch.int64)]):
        with pytest.raises(ValueError, match="sequences: nothing"):
            count_followers(bad, 2, 2)
    for bad in (2, -1):
        with pytest.raises(ValueError, match=f"sequences: {bad}"):
            NGram([torch.tensor([0, bad])], size=2, order=2)


def test_a_verse_model_sees_nothing_ahead():
    torch.manual_seed(0)
    model = VerseRNN(7, 3, 5)
    text = torch.tensor([[1, 2, 3, 4, 5]])
    other = text.clone()
    other[0, 3:] = 6
    torch.testing.assert_close(model(text)[:, :3], model(other)[:, :3])
    assert not torch.allclose(model(text)[:, 3:], model(other)[:, 3:])
    whole = model(text)
    first, state = model.read(text[:, :2])
    second, _ = model.read(text[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    for bad in (torch.zeros(3, dtype=torch.int64), torch.zeros(0, 2, dtype=torch.int64)):
        with pytest.raises(ValueError, match="inputs"):
            model(bad)
    for unknown in (7, -1):
        with pytest.raises(ValueError, match=r"inputs: not all in 0\.\.6"):
            model(torch.tensor([[0, unknown]]))


def test_writing_stops_at_the_edge_or_the_limit():
    alphabet = Alphabet(["ab"])

    class Fixed(nn.Module):
        """After so many characters it is sure of the edge."""

        def forward(self, inputs):
            scores = torch.full((*inputs.shape, 3), -1e9)
            scores[..., 0 if inputs.shape[1] == 4 else 1] = 0
            return scores

    generator = torch.Generator().manual_seed(0)
    assert write_verse(Fixed(), alphabet, 9, generator) == "aaa"
    assert write_verse(Fixed(), alphabet, 2, generator) == "aa"
    with pytest.raises(ValueError, match="limit"):
        write_verse(Fixed(), alphabet, 0, generator)


def test_writing_follows_the_probabilities():
    alphabet = Alphabet(["ab"])
    model = NGram([alphabet.encode("aaab" * 5)], 3, 1, 0.5)
    generator = torch.Generator().manual_seed(0)
    text = "".join(write_verse(model, alphabet, 20, generator) for _ in range(40))
    assert 0.65 < text.count("a") / len(text) < 0.85
    generator = torch.Generator().manual_seed(0)
    again = "".join(write_verse(model, alphabet, 20, generator) for _ in range(40))
    assert again == text


def test_counting_beats_chance_on_verse_and_evaluates_like_a_network():
    sonnets = load_sonnets()[:20]
    alphabet = Alphabet(sonnets)
    numbers = [alphabet.encode(EDGE + s + EDGE) for s in sonnets[:16]]
    pieces = verse_pieces(sonnets[16:], alphabet, 128)
    losses = [
        bits(evaluate(NGram(numbers, len(alphabet), n), [pieces], verse_loss)[0])
        for n in (1, 2, 3)
    ]
    assert math.log2(len(alphabet)) > losses[0] > losses[1] > losses[2]
