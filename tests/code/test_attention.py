"""attention against torch's own functions, and the small language model against baselines.

float64 agrees to 1e-10; float32 to 1e-5, since both sides may add in another order.
"""

import math
from itertools import pairwise
from pathlib import Path

import kept
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from torchbook.attention import (
    GPT,
    Block,
    BytePairs,
    Cache,
    MultiHead,
    Together,
    attention_weights,
    batches_of,
    causal_mask,
    learn_merges,
    merge,
    next_chances,
    rotate,
    scaled_dot_product,
    sinusoidal,
    train_on_verse,
    words_of,
    write_on,
)
from torchbook.datasets import load_poems, load_sonnets, pad, padding_mask
from torchbook.recurrence import (
    EDGE,
    Alphabet,
    NGram,
    bits,
    verse_loss,
    verse_pieces,
    verse_split,
)
from torchbook.training import evaluate

CLOSE = {
    torch.float64: {"rtol": 1e-10, "atol": 1e-10},
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
}
SHAPES = [((), 3, 3, 2, 2), ((2,), 4, 6, 3, 5), ((2, 3), 1, 5, 4, 1), ((3, 1), 5, 1, 1, 3)]


def drawn(seed, *shapes, dtype=torch.float64, device="cpu"):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=dtype).to(device) for s in shapes]


# --- look-up, masks -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("mask", [None, "causal", "random"])
@pytest.mark.parametrize("shape", SHAPES)
def test_scaled_dot_product_is_torchs_with_its_gradients(shape, mask, dtype, device):
    lead, n, m, d, e = shape
    sizes = (*lead, n, d), (*lead, m, d), (*lead, m, e), (*lead, n, e)
    *parts, weigh = drawn(0, *sizes, dtype=dtype, device=device)
    seen = None
    if mask == "causal":
        seen = torch.ones(n, m, dtype=torch.bool, device=device).tril()
    if mask == "random":
        seen = drawn(1, (*lead, n, m))[0].to(device) > 0
        seen[..., 0] = True
    results = []
    for function in (scaled_dot_product, F.scaled_dot_product_attention):
        given_ = [x.clone().requires_grad_() for x in parts]
        out = function(*given_, seen)
        results.append([out, *torch.autograd.grad((out * weigh).sum(), given_)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, **CLOSE[dtype])


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_add_up_and_hidden_ones_are_zero(shape):
    lead, n, m, d, _ = shape
    q, k = drawn(2, (*lead, n, d), (*lead, m, d))
    seen = drawn(3, (n, m))[0] > 0
    seen[:, -1] = True
    weights = attention_weights(q, k, seen)
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))
    assert (weights[..., ~seen] == 0).all()


def test_gradients_of_scaled_dot_product_by_differences():
    parts = [x.requires_grad_() for x in drawn(4, (2, 3, 2), (2, 4, 2), (2, 4, 3))]
    seen = torch.ones(3, 4, dtype=torch.bool).tril()
    assert torch.autograd.gradcheck(lambda *p: scaled_dot_product(*p, seen), parts)


@pytest.mark.parametrize(
    "sizes, name",
    [
        (((2, 3), (4, 2), (4, 2)), "key"),
        (((2, 3), (0, 3), (0, 2)), "key"),
        (((2, 3), (3,), (3,)), "key"),
        (((2, 0), (4, 0), (4, 2)), "key"),
        (((2, 3), (4, 3), (5, 2)), "value"),
        (((2, 3), (4, 3), (4,)), "value"),
    ],
)
def test_shapes_that_do_not_fit_are_named(sizes, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        scaled_dot_product(*drawn(0, *sizes))


@pytest.mark.parametrize("odd, name", [(0, "key"), (1, "key"), (2, "value")])
def test_dtypes_that_differ_are_named(odd, name):
    parts = drawn(0, (2, 3), (4, 3), (4, 2))
    parts[odd] = parts[odd].float()
    with pytest.raises(TypeError, match=rf"^{name}"):
        scaled_dot_product(*parts)


def test_an_empty_batch_gives_an_empty_one():
    assert scaled_dot_product(*drawn(0, (0, 2, 3), (0, 4, 3), (0, 4, 5))).shape == (0, 2, 5)


def test_bad_masks_are_named():
    q, k, v = drawn(0, (2, 3), (4, 3), (4, 2))
    with pytest.raises(TypeError, match=r"^mask"):
        scaled_dot_product(q, k, v, torch.ones(2, 4))
    for shape in ((3, 4), (2, 3), (5, 2, 4)):
        with pytest.raises(ValueError, match=r"^mask"):
            scaled_dot_product(q, k, v, torch.ones(shape, dtype=torch.bool))
    nothing = torch.ones(2, 4, dtype=torch.bool)
    nothing[1] = False
    with pytest.raises(ValueError, match=r"^mask"):
        scaled_dot_product(q, k, v, nothing)


@given(st.integers(1, 9), st.integers(0, 9))
def test_causal_mask_lets_each_see_up_to_itself(new, old):
    mask = causal_mask(new, old + new)
    assert mask.dtype == torch.bool
    for i in range(new):
        assert mask[i].tolist() == [j <= old + i for j in range(old + new)]
    assert torch.equal(causal_mask(new), causal_mask(new, new))


@pytest.mark.parametrize("new, total", [(0, 3), (4, 3), (-1, None)])
def test_causal_mask_refuses_what_is_no_part(new, total):
    with pytest.raises(ValueError, match=r"^new"):
        causal_mask(new, total)


def test_padded_and_unpadded_batches_give_the_same():
    torch.manual_seed(0)
    block = Block(8, 2, rotary=True).double()
    rows = drawn(5, (2, 8), (5, 8), (3, 8))
    batch, lengths = pad(rows)
    real = padding_mask(lengths)[:, None, None, :]
    for mask, alone in ((real, lambda n: None), (real & causal_mask(5), causal_mask)):
        out = block(batch, mask)
        for row, padded in zip(rows, out, strict=True):
            wanted = block(row[None], alone(len(row)))[0]
            torch.testing.assert_close(padded[: len(row)], wanted, **CLOSE[torch.float64])


# --- heads, positions, block ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("heads", [1, 2, 8])
@pytest.mark.parametrize("causal", [False, True])
def test_multihead_is_torchs_with_its_gradients(heads, causal, dtype, device):
    torch.manual_seed(heads)
    ours = MultiHead(16, heads).to(device, dtype)
    theirs = nn.MultiheadAttention(16, heads, batch_first=True).to(device, dtype)
    pairs = [
        (theirs.in_proj_weight, ours.project.weight),
        (theirs.in_proj_bias, ours.project.bias),
        (theirs.out_proj.weight, ours.output.weight),
        (theirs.out_proj.bias, ours.output.bias),
    ]
    with torch.no_grad():
        for to, come in pairs:
            to.copy_(come)
    x = drawn(6, (3, 5, 16), dtype=dtype, device=device)[0]
    mask = causal_mask(5).to(device) if causal else None
    out = ours(x, mask)
    hidden = None if mask is None else ~mask
    wanted, _ = theirs(x, x, x, attn_mask=hidden, need_weights=False)
    torch.testing.assert_close(out, wanted, **CLOSE[dtype])
    out.square().sum().backward()
    wanted.square().sum().backward()
    for to, come in pairs:
        torch.testing.assert_close(come.grad, to.grad, **CLOSE[dtype])


@pytest.mark.parametrize("width, heads", [(8, 3), (8, 0), (0, 1), (4, 8)])
def test_heads_that_do_not_divide_the_width_are_refused(width, heads):
    with pytest.raises(ValueError, match=r"^heads"):
        MultiHead(width, heads)


@pytest.mark.parametrize("shape", [(3, 8), (0, 3, 8), (2, 0, 8), (2, 3, 4), (2, 3, 8, 8)])
def test_multihead_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"^x"):
        MultiHead(8, 2)(torch.zeros(shape))


@given(st.integers(1, 8), st.integers(1, 5), st.integers(0, 40))
@settings(deadline=None)
def test_rotate_is_a_product_of_complex_numbers(count, pairs, start):
    x = drawn(count, (2, count, 2 * pairs))[0]
    place = torch.arange(start, start + count)[:, None]
    angle = place * 10000.0 ** (-torch.arange(0, 2 * pairs, 2) / (2 * pairs))
    turn = torch.polar(torch.ones_like(angle).double(), angle.double())
    wanted = torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn)
    torch.testing.assert_close(rotate(x, start), wanted.flatten(-2), rtol=1e-4, atol=1e-4)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
@settings(deadline=None)
def test_rotated_scores_depend_on_the_distance_alone(t, s, shift):
    q, k = drawn(7, (1, 8), (1, 8))
    near = (rotate(q, t) * rotate(k, s)).sum()
    far = (rotate(q, t + shift) * rotate(k, s + shift)).sum()
    torch.testing.assert_close(near, far, rtol=1e-4, atol=1e-4)


def test_sinusoidal_by_its_formula():
    place, pair = torch.arange(20)[:, None], torch.arange(0, 6, 2)
    angle = place * 10000.0 ** (-pair / 6)
    table = sinusoidal(20, 6)
    torch.testing.assert_close(table[:, 0::2], angle.sin())
    torch.testing.assert_close(table[:, 1::2], angle.cos())


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match=r"^x"):
        rotate(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"^width"):
        sinusoidal(4, 3)
    with pytest.raises(ValueError, match=r"^x"):
        MultiHead(6, 2, rotary=True)(torch.zeros(1, 2, 6))


def test_block_is_torchs_encoder_layer_with_pre_norm():
    torch.manual_seed(1)
    ours = Block(16, 4).double()
    theirs = nn.TransformerEncoderLayer(
        16, 4, 64, dropout=0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    names = {
        "self_attn.in_proj_weight": "attention.project.weight",
        "self_attn.in_proj_bias": "attention.project.bias",
        "self_attn.out_proj.weight": "attention.output.weight",
        "self_attn.out_proj.bias": "attention.output.bias",
        "linear1.weight": "net.0.weight",
        "linear1.bias": "net.0.bias",
        "linear2.weight": "net.2.weight",
        "linear2.bias": "net.2.bias",
    }
    state = ours.state_dict()
    theirs.load_state_dict({k: state[names.get(k, k)] for k in theirs.state_dict()})
    x = drawn(8, (2, 5, 16))[0]
    mask = causal_mask(5)
    torch.testing.assert_close(ours(x, mask), theirs(x, src_mask=~mask), **CLOSE[torch.float64])


# --- tokens ---------------------------------------------------------------------------------

VERSE = ["From fairest creatures we desire increase", "白日依山尽，黄河入海流。", "low lower"]
PAIRS = BytePairs(learn_merges(VERSE, 30))


@given(st.text())
def test_any_text_comes_back(text):
    assert PAIRS.decode(PAIRS.encode(text)) == text
    assert "".join(words_of(text)) == text


@given(st.lists(st.integers(0, 3)), st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_merge_is_a_replacement_from_the_left(tokens, pair):
    text = "".join(map(str, tokens)).replace(f"{pair[0]}{pair[1]}", "9")
    assert "".join(map(str, merge(tokens, pair, 9))) == text


@given(st.lists(st.text("ab ,", max_size=12), min_size=1, max_size=4), st.integers(1, 6))
@settings(deadline=None)
def test_merges_are_those_of_counting_anew(texts, count):
    words = [list(w.encode()) for t in texts for w in words_of(t)]
    wanted = []
    for new in range(256, 256 + count):
        pairs = {}
        for tokens in words:
            for pair in pairwise(tokens):
                pairs[pair] = pairs.get(pair, 0) + 1
        if not pairs:
            with pytest.raises(ValueError, match=r"^texts"):
                learn_merges(texts, count)
            return
        wanted.append(max(pairs, key=lambda p: (pairs[p], p)))
        words = [merge(w, wanted[-1], new) for w in words]
    assert learn_merges(texts, count) == wanted


def test_encoding_a_text_it_learned_from_gives_its_own_pieces():
    text = VERSE[0]
    words = [list(w.encode()) for w in words_of(text)]
    for pair, new in zip(learn_merges(VERSE, 30), range(256, 286), strict=True):
        words = [merge(w, pair, new) for w in words]
    assert PAIRS.encode(text).tolist() == [t for w in words for t in w]


def test_bad_merges_and_tokens_are_named():
    with pytest.raises(ValueError, match=r"^merges"):
        BytePairs([(97, 256)])
    for token in (-1, len(PAIRS), 1.5):
        with pytest.raises(ValueError, match=r"^tokens"):
            PAIRS.decode(torch.tensor([token]))
    with pytest.raises(UnicodeEncodeError):
        PAIRS.encode("\ud800")
    assert PAIRS.encode("").tolist() == []
    assert PAIRS.decode(torch.tensor([255])) == "\ufffd"


# --- the language model ---------------------------------------------------------------------


def small(seed=0, **options):
    torch.manual_seed(seed)
    return GPT(11, width=16, heads=2, **options).double().eval()


def test_the_gpt_does_not_see_what_comes_after():
    model = small()
    tokens = torch.randint(11, (2, 9), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 6] = (changed[:, 6] + 1) % 11
    moved = (model(tokens) != model(changed)).any(dim=-1)
    assert not moved[:, :6].any() and moved[:, 6].all()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
@settings(deadline=None)
def test_caches_give_the_same_scores_however_a_text_is_cut(sizes):
    model = small()
    tokens = torch.randint(11, (2, sum(sizes)), generator=torch.Generator().manual_seed(1))
    caches = [Cache() for _ in model.blocks]
    parts = [model(part, caches) for part in tokens.split(sizes, dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), model(tokens), **CLOSE[torch.float64])
    assert [len(cache) for cache in caches] == [sum(sizes)] * 2


@pytest.mark.parametrize("tokens", [[1, 2], [[]], [[1, 11]], [[-1, 2]]])
def test_bad_tokens_are_named(tokens):
    with pytest.raises(ValueError, match=r"^tokens"):
        small()(torch.tensor(tokens, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.bool])
def test_tokens_of_another_dtype_are_named(dtype):
    with pytest.raises(TypeError, match=r"^tokens"):
        small()(torch.zeros(1, 3, dtype=dtype))


@pytest.mark.parametrize("count", [1, 3])
def test_each_block_needs_a_cache(count):
    caches = [Cache() for _ in range(count)]
    with pytest.raises(ValueError, match=r"^caches"):
        small()(torch.zeros(1, 3, dtype=torch.int64), caches)
    assert [len(cache) for cache in caches] == [0] * count


def test_a_cache_of_another_batch_is_refused_and_stays():
    model, tokens = small(), torch.zeros(2, 3, dtype=torch.int64)
    caches = [Cache() for _ in model.blocks]
    model(tokens, caches)
    with pytest.raises(ValueError, match=r"^key"):
        model(tokens[:1], caches)
    assert [len(cache) for cache in caches] == [3, 3]


@given(st.integers(1, 12), st.floats(0.2, 4))
def test_chances_by_a_loop(top_k, temperature):
    scores = drawn(9, (3, 8))[0]
    came = next_chances(scores, temperature, top_k)
    for row, chances in zip(scores.tolist(), came, strict=True):
        least = sorted(row, reverse=True)[min(top_k, 8) - 1]
        mass = [math.exp(s / temperature) if s >= least else 0.0 for s in row]
        wanted = torch.tensor(mass).double() / sum(mass)
        torch.testing.assert_close(chances, wanted)


@pytest.mark.parametrize(
    "options, name",
    [
        ((0.0,), "temperature"),
        ((-1.0,), "temperature"),
        ((1.0, 0), "top_k"),
        ((math.nan,), "temperature"),
    ],
)
def test_bad_options_of_chances_are_named(options, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        next_chances(torch.zeros(3), *options)


@pytest.mark.parametrize("options", [{}, {"temperature": 0.5}, {"top_k": 3}])
def test_writing_with_and_without_caches_is_the_same(options):
    model, start = small(), torch.tensor([[1, 2, 3], [4, 5, 6]])
    texts = [
        write_on(
            model,
            start,
            12,
            **options,
            cached=cached,
            generator=torch.Generator().manual_seed(3),
        )
        for cached in (False, True)
    ]
    assert torch.equal(*texts)
    assert texts[0].shape == (2, 15) and torch.equal(texts[0][:, :3], start)
    assert start.tolist() == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(ValueError, match=r"^count"):
        write_on(model, start, 0, generator=torch.Generator())


def test_the_model_remembers_one_batch():
    model = small().train()
    tokens = torch.randint(11, (4, 13), generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(120):
        loss = F.cross_entropy(model(tokens[:, :-1]).mT, tokens[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.3 < math.log(11)


def test_together_steps_each_optimizer_by_its_own_rule():
    a, b = (torch.zeros(1, requires_grad=True) for _ in range(2))
    both = Together([torch.optim.SGD([a], 1.0), torch.optim.SGD([b], 10.0)], total=10, warmup=2)
    for _ in range(2):
        both.zero_grad()
        (a + b).sum().backward()
        both.step()
    torch.testing.assert_close(torch.cat([a, b]).detach(), torch.tensor([-1.4, -14.0]))
    assert len(both.param_groups) == 2
    for options in ({"total": 0}, {"total": 5, "warmup": 0}):
        with pytest.raises(ValueError, match="|".join(options)):
            Together(both.optimizers, **options)


LEARNED = {  # how the GPT learns it, what it is counted by, by how many bits it is better
    "sonnets": ({"epochs": 7, "size": 8, "lr": 0.01, "muon": 0.02}, (6, 20.0), 0.02),
    "poems": ({"epochs": 5, "size": 4, "lr": 0.004}, (2, 200.0), 0.25),
}


def bits_of_verse(name: str, seed: int) -> list[float]:
    """Bits per character of the GPT and of counting, on poems that no choice was made by."""
    texts = load_sonnets() if name == "sonnets" else load_poems()
    alphabet, parts = Alphabet(texts), verse_split(texts)
    train, valid, test = (verse_pieces(part, alphabet, 128) for part in parts)
    plan, counts, _ = LEARNED[name]
    torch.manual_seed(seed)
    model = GPT(len(alphabet), dropout=0.2 if name == "poems" else 0.0)
    train_on_verse(model, train, valid, seed=seed, **plan)
    begin = [alphabet.encode(EDGE + text + EDGE) for text in parts[0]]
    grams = NGram(begin, len(alphabet), *counts)
    losses = (evaluate(m, batches_of(test, 64), verse_loss)[0] for m in (model, grams))
    return [float(bits(loss)) for loss in losses]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", LEARNED)
def test_the_gpt_beats_counting_by_the_margin_that_the_chapter_states(name, seed):
    kind = f"verse-{name}{seed}"
    ours, theirs = kept.learnt(kind, lambda: bits_of_verse(name, seed), Path(__file__))
    assert ours < theirs - LEARNED[name][2]
