"""transfer against torch, and what the chapter claims of frozen parts and of low rank.

Values in float64 agree to 1e-10 unless a test says otherwise.
"""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from torchbook.attention import GPT
from torchbook.transfer import (
    Frozen,
    LowRank,
    add_low_rank,
    class_means,
    features_of,
    few_of,
    load_matching,
    low_rank_state,
    merge_low_rank,
    parameter_groups,
    replace,
    trained_count,
    widen,
)

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
LAYERS = ("project", "output", "net.0", "net.2")


def normal(*shape, device="cpu", dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64).to(device, dtype)


def net_of(device="cpu"):
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.ReLU())
    return nn.Sequential(body, nn.Linear(6, 3)).double().to(device)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# few_of


@given(
    counts=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    count=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_few_draws_as_many_of_each_class_or_refuses(counts, count, seed):
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=generator(seed))] * 3
    if count > min(counts):
        with pytest.raises(ValueError, match="count"):
            few_of(labels, count, generator=generator(seed))
        return
    rows = few_of(labels, count, generator=generator(seed))
    assert rows.dtype == torch.int64
    assert len(rows.unique()) == len(rows) == count * len(counts)
    assert labels[rows].tolist() == [3 * k for k in range(len(counts)) for _ in range(count)]
    assert torch.equal(rows, few_of(labels, count, generator=generator(seed)))


def test_few_draws_other_rows_with_another_seed(device):
    labels = torch.zeros(100, dtype=torch.int64, device=device)
    one, two = (few_of(labels, 10, generator=generator(seed)) for seed in (0, 1))
    assert one.device == labels.device
    assert not torch.equal(one, two)


@pytest.mark.parametrize(
    ("labels", "count", "name"),
    [([0, 1], 0, "count"), ([[0]], 1, "labels"), ([], 1, "labels"), ([0, 0, 1], 2, "count")],
)
def test_few_names_what_cannot_be(labels, count, name):
    with pytest.raises(ValueError, match=name):
        few_of(torch.tensor(labels), count, generator=generator())


# widen


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_wide_layer_keeps_the_old_outputs_and_begins_new_ones_at_0(device, bias, dtype):
    layer = nn.Linear(4, 3, bias=bias, device=device, dtype=dtype)
    before = copy.deepcopy(layer.state_dict())
    wide = widen(layer, 2)
    x = normal(2, 5, 4, device=device, dtype=dtype)
    old, new = wide(x).split([3, 2], dim=-1)
    torch.testing.assert_close(old, layer(x))
    assert not new.any()
    assert wide.out_features == 5
    assert (wide.bias is not None) == bias
    assert wide.weight.dtype == dtype
    with torch.no_grad():
        wide.weight.fill_(1)
    assert all(torch.equal(layer.state_dict()[k], v) for k, v in before.items())
    assert all(p.requires_grad and p.is_leaf for p in wide.parameters())


@pytest.mark.parametrize("extra", [0, -1])
def test_widen_wants_something_more(extra):
    with pytest.raises(ValueError, match="extra"):
        widen(nn.Linear(2, 2), extra)


# Frozen and features_of


def test_frozen_keeps_still_while_its_neighbors_learn(device):
    net = net_of(device)
    first = nn.Linear(4, 4, device=device, dtype=torch.float64)
    whole = nn.Sequential(first, Frozen(net[0]), net[1]).train()
    before = copy.deepcopy(net[0].state_dict())
    assert whole.training
    assert not any(part.training for part in net[0].modules())
    optimizer = torch.optim.AdamW(whole.parameters(), lr=0.1)
    start = first.weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        whole(normal(8, 4, device=device)).square().sum().backward()
        optimizer.step()
    assert all(torch.equal(net[0].state_dict()[k], v) for k, v in before.items())
    assert not torch.equal(first.weight, start)


def test_gradients_through_frozen_are_those_of_the_body(device):
    net = net_of(device).eval()
    x = normal(5, 4, device=device).requires_grad_()
    (wanted,) = torch.autograd.grad(net[0](x).square().sum(), x)
    (came,) = torch.autograd.grad(Frozen(net[0])(x).square().sum(), x)
    torch.testing.assert_close(came, wanted, **CLOSE)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_features_are_the_bodys_in_evaluation_mode(device, size):
    net = net_of(device).train()
    net[0][2].eval()
    modes = [part.training for part in net.modules()]
    before = copy.deepcopy(net.state_dict())
    x = normal(7, 4, device=device).requires_grad_()
    came = features_of(net[0], x, size)
    assert not came.requires_grad
    assert [part.training for part in net.modules()] == modes
    assert all(torch.equal(net.state_dict()[k], v) for k, v in before.items())
    torch.testing.assert_close(came, net.eval()[0](x).detach(), **CLOSE)


def test_features_give_the_modes_back_even_after_an_error():
    net = net_of().train()
    with pytest.raises(RuntimeError):
        features_of(net, normal(2, 5))
    assert all(part.training for part in net.modules())


@pytest.mark.parametrize(("rows", "size", "name"), [(0, 4, "inputs"), (2, 0, "size")])
def test_features_name_bad_input(rows, size, name):
    with pytest.raises(ValueError, match=name):
        features_of(net_of(), normal(rows, 4), size)


# class_means


@given(n=st.integers(3, 12), classes=st.integers(1, 3), seed=st.integers(0, 99))
def test_means_are_those_of_a_loop(n, classes, seed):
    labels = torch.arange(n) % classes
    x = normal(n, 4, seed=seed).requires_grad_()
    came = class_means(x, labels, classes)
    wanted = torch.stack([x[labels == k].mean(0) for k in range(classes)])
    torch.testing.assert_close(came, wanted, **CLOSE)
    share = normal(classes, 4, seed=seed + 1)
    torch.testing.assert_close(
        *(torch.autograd.grad(y, x, share)[0] for y in (came, wanted)), **CLOSE
    )


@pytest.mark.parametrize(
    ("labels", "classes", "name"),
    [
        ([0, 1], 2, "features"),
        ([0, 1, 2], 2, "labels"),
        ([0, -1, 0], 2, "labels"),
        ([0, 0, 0], 2, "labels"),
    ],
)
def test_means_name_bad_input(labels, classes, name):
    with pytest.raises(ValueError, match=name):
        class_means(normal(3, 2), torch.tensor(labels), classes)


# parameter_groups and trained_count


def test_each_trained_parameter_is_in_one_group_at_the_longest_name():
    net = net_of()
    net[0][0].bias.requires_grad_(False)
    rates = {"": 1.0, "0": 0.1, "0.1": 0.01, "1.bias": 0.5}
    groups = parameter_groups(net, rates, weight_decay=0.3)
    held = [id(p) for g in groups for p in g["params"]]
    wanted = {n: p for n, p in net.named_parameters() if n != "0.0.bias"}
    assert sorted(held) == sorted(map(id, wanted.values()))
    lr = {id(p): g["lr"] for g in groups for p in g["params"]}
    decay = {id(p): g["weight_decay"] for g in groups for p in g["params"]}
    assert {n: lr[id(p)] for n, p in wanted.items()} == {
        "0.0.weight": 0.1,
        "0.1.weight": 0.01,
        "0.1.bias": 0.01,
        "1.weight": 1.0,
        "1.bias": 0.5,
    }
    assert {n for n, p in wanted.items() if decay[id(p)]} == {"0.0.weight", "1.weight"}


def test_groups_step_at_their_own_rates():
    net = net_of()
    before = copy.deepcopy(net.state_dict())
    optimizer = torch.optim.SGD(parameter_groups(net, {"0": 0.0, "1": 0.5}))
    net(normal(8, 4)).square().sum().backward()
    optimizer.step()
    moved = {n for n, p in net.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"1.weight", "1.bias"}
    torch.testing.assert_close(net[1].bias, before["1.bias"] - 0.5 * net[1].bias.grad)


def test_tied_weights_are_taken_once():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    held = [p for g in parameter_groups(net, {"": 1.0}) for p in g["params"]]
    assert len(held) == 3


@pytest.mark.parametrize(
    "rates",
    [{"": -1.0}, {"": float("nan")}, {"0": 1.0}, {"": 1.0, "head": 2.0}, {"": 1, "0.": 2}],
)
def test_groups_name_a_rate_that_cannot_be(rates):
    with pytest.raises(ValueError, match="rates"):
        parameter_groups(net_of(), rates)


def test_a_name_is_whole():
    net = nn.Sequential(*(nn.Linear(1, 1) for _ in range(11)))
    groups = parameter_groups(net, {"": 1.0, "1": 2.0})
    assert sum(len(g["params"]) for g in groups if g["lr"] == 2.0) == 2  # not module 10


def test_counts_what_is_trained():
    net = net_of()
    assert trained_count(net) == (4 * 6 + 6 + 12 + 6 * 3 + 3,) * 2
    assert trained_count(nn.Sequential(Frozen(net[0]), net[1])) == (21, 63)


# LowRank


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("rank", "alpha"), [(1, None), (2, 8.0), (3, 0.5)])
def test_low_rank_is_the_layer_then_the_layer_plus_its_change(device, bias, rank, alpha):
    layer = nn.Linear(5, 3, bias=bias, device=device, dtype=torch.float64)
    low = LowRank(layer, rank, alpha)
    x = normal(2, 7, 5, device=device).requires_grad_()
    assert torch.equal(low(x), layer(x))
    with torch.no_grad():
        low.up.copy_(normal(3, rank, device=device, seed=1))
    scale = (rank if alpha is None else alpha) / rank
    weight = layer.weight + scale * low.up @ low.down
    wanted = F.linear(x, weight, layer.bias)
    torch.testing.assert_close(low(x), wanted, **CLOSE)
    share = normal(2, 7, 3, device=device, seed=2)
    over = (x, low.down, low.up)
    for mine, yours in zip(
        torch.autograd.grad(low(x), over, share),
        torch.autograd.grad(wanted, over, share),
        strict=True,
    ):
        torch.testing.assert_close(mine, yours, **CLOSE)
    kept = layer.weight.clone()
    merged = low.merged()
    torch.testing.assert_close(merged(x), wanted, **CLOSE)
    assert torch.equal(layer.weight, kept)
    assert torch.linalg.matrix_rank(merged.weight - layer.weight) == rank
    low.active = False
    assert torch.equal(low(x), layer(x))


def test_only_the_change_asks_for_gradients():
    low = LowRank(nn.Linear(5, 3), 2)
    assert {n for n, p in low.named_parameters() if p.requires_grad} == {"down", "up"}
    low(normal(4, 5, dtype=torch.float32)).sum().backward()
    assert low.layer.weight.grad is None
    assert not low.down.grad.any()  # up is still 0
    assert low.up.grad.any()


@pytest.mark.parametrize(
    ("rank", "alpha", "name"),
    [(0, None, "rank"), (4, None, "rank"), (2, 0.0, "alpha"), (2, -1.0, "alpha")],
)
def test_low_rank_names_a_bad_option(rank, alpha, name):
    layer = nn.Linear(5, 3)
    with pytest.raises(ValueError, match=name):
        LowRank(layer, rank, alpha)
    assert layer.weight.requires_grad


def test_low_rank_wants_a_linear_layer():
    with pytest.raises(TypeError, match="layer: Conv2d"):
        LowRank(nn.Conv2d(1, 1, 1), 1)


def gpt(device="cpu"):
    torch.manual_seed(0)
    return GPT(11, width=16, heads=2).double().to(device).eval()


def test_a_gpt_merged_says_the_same(device):
    model, tokens = gpt(device), torch.arange(8, device=device)[None]
    before = model(tokens)
    names = add_low_rank(model, LAYERS, 2)
    assert len(names) == 8
    assert torch.equal(model(tokens), before)
    asked = {n for n, p in model.named_parameters() if p.requires_grad}
    assert asked == {f"{n}.{key}" for n in names for key in ("down", "up")}
    assert trained_count(model)[0] == 2 * 2 * (16 * (3 + 1) + 32 + 2 * (16 + 64))
    for part in model.modules():
        if isinstance(part, LowRank):
            nn.init.normal_(part.up)
    changed = model(tokens)
    assert not torch.allclose(changed, before)
    assert sorted(merge_low_rank(model)) == sorted(names)
    assert not any(isinstance(part, LowRank) for part in model.modules())
    torch.testing.assert_close(model(tokens), changed, **CLOSE)
    assert set(model.state_dict()) == set(gpt().state_dict())


def test_a_change_travels_alone():
    one, other = gpt(), gpt()
    for model in (one, other):
        add_low_rank(model, LAYERS, 2)
    for part in one.modules():
        if isinstance(part, LowRank):
            nn.init.normal_(part.up)
    state = low_rank_state(one)
    match = load_matching(other, state)
    assert sorted(match.loaded) == sorted(state)
    tokens = torch.arange(5)[None]
    assert torch.equal(one(tokens), other(tokens))
    some = next(iter(state))
    one.get_parameter(some).data.zero_()
    assert state[some].any()  # a copy


def test_add_refuses_before_it_changes_anything():
    model = gpt()
    with pytest.raises(ValueError, match="names: no linear layer 'head'"):
        add_low_rank(model, ("project", "head"), 2)
    with pytest.raises(ValueError, match="names"):
        add_low_rank(model, ("ject",), 2)  # part of a name
    assert all(p.requires_grad for p in model.parameters())
    assert not any(isinstance(part, LowRank) for part in model.modules())
    with pytest.raises(ValueError, match="model"):
        merge_low_rank(model)


def test_replace_puts_a_part_in_its_place():
    net, part = net_of(), nn.Identity()
    replace(net, "0.1", part)
    assert net[0][1] is part
    replace(net, "1", part)
    assert net[1] is part
    with pytest.raises(AttributeError):
        replace(net, "9.1", part)


# load_matching


def test_loads_what_fits_and_says_what_did_not(device):
    theirs, mine = net_of(), net_of(device)
    for p in theirs.parameters():
        nn.init.normal_(p)
    state = {f"model.{k}": v.float() for k, v in theirs.state_dict().items()}
    state["model.1.weight"] = torch.zeros(5, 6)
    del state["model.1.bias"]
    state["model.extra"] = torch.zeros(1)
    before = copy.deepcopy(mine.state_dict())
    match = load_matching(mine, state, prefix="model.")
    assert match.missing == ["1.bias"]
    assert match.unexpected == ["extra"]
    assert match.mismatched == ["1.weight"]
    assert set(match.loaded) == set(before) - {"1.bias", "1.weight"}
    now = mine.state_dict()
    for name in match.loaded:
        wanted = state["model." + name].to(device, now[name].dtype)
        assert torch.equal(now[name], wanted), name
    for name in ("1.bias", "1.weight"):
        assert torch.equal(now[name], before[name])


def test_nothing_that_fits_is_an_error():
    net = net_of()
    state = {f"module.{k}": v for k, v in net.state_dict().items()}
    with pytest.raises(ValueError, match="state: no name and shape fits"):
        load_matching(net, state)
    load_matching(net, state, prefix="module.")


@pytest.mark.parametrize("state", [None, [1], {"0.0.weight": 1.0}, {"model": {}}])
def test_a_state_is_tensors_by_name(state):
    with pytest.raises(TypeError, match="state"):
        load_matching(net_of(), state)
