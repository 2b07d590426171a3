"""training against plain torch loops, and the chapter's claims about torch itself."""

import copy
import math
import os
import pickle
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from torchbook import training
from torchbook.training import (
    Epoch,
    Run,
    confusion,
    evaluate,
    fit,
    load_checkpoint,
    random_state,
    save_checkpoint,
    seed_everything,
    train_epoch,
)

CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def data(count=22, classes=3, seed=0, dtype=torch.float64, device="cpu"):
    """Rows of five numbers, and classes for them."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 5, generator=g, dtype=dtype)
    return x.to(device), torch.randint(classes, (count,), generator=g).to(device)


def net(seed=0, norm=False, drop=0.0, dtype=torch.float64, device="cpu"):
    torch.manual_seed(seed)
    middle = nn.BatchNorm1d(8) if norm else nn.Identity()
    layers = nn.Linear(5, 8), middle, nn.ReLU(), nn.Dropout(drop), nn.Linear(8, 3)
    return nn.Sequential(*layers).to(device, dtype)


def flat(model):
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def parts(x, y, size):
    return list(zip(x.split(size), y.split(size), strict=True))


def sgd(model, lr=0.1, momentum=0.9):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)


# evaluate


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1, 4, 21, 22, 99])
def test_evaluate_gives_the_mean_over_all_rows_however_they_are_cut(size, dtype, device):
    x, y = data(dtype=dtype, device=device)
    model = net(dtype=dtype, device=device)
    loss, accuracy = evaluate(model, parts(x, y, size), F.cross_entropy)
    scores = model(x)
    near = pytest.approx(F.cross_entropy(scores, y).item(), rel=1e-5)
    assert loss == near
    assert accuracy == (scores.argmax(-1) == y).double().mean().item()


def test_evaluate_of_numbers_has_no_accuracy_and_weights_by_elements():
    x, _ = data()
    wanted = F.mse_loss(net()(x), x[:, :3]).item()
    loss, accuracy = evaluate(net(), parts(x, x[:, :3], 5), F.mse_loss)
    assert loss == pytest.approx(wanted, rel=1e-12) and math.isnan(accuracy)


def test_padded_and_unpadded_batches_evaluate_alike():
    """Targets of -100 count neither for the loss nor for the accuracy."""
    g = torch.Generator().manual_seed(1)
    lengths = [4, 1, 3]
    rows = [torch.randn(n, 5, generator=g, dtype=torch.float64) for n in lengths]
    targets = [torch.randint(3, (n,), generator=g) for n in lengths]
    pad = nn.utils.rnn.pad_sequence
    x = pad(rows, batch_first=True)
    y = pad(targets, batch_first=True, padding_value=-100)

    def loss(scores, target):
        return F.cross_entropy(scores.flatten(0, -2), target.flatten())

    padded = evaluate(net(), [(x, y)], loss)
    bare = evaluate(net(), list(zip(rows, targets, strict=True)), loss)
    assert padded == pytest.approx(bare, rel=1e-12)


def test_evaluate_is_in_evaluation_mode_and_gives_every_module_its_mode_back():
    model = net(norm=True, drop=0.5)
    model[1].eval()
    modes = [m.training for m in model.modules()]
    x, y = data()
    buffers = copy.deepcopy(dict(model.named_buffers()))
    first = evaluate(model, [(x, y)], F.cross_entropy)
    assert first == evaluate(model, [(x, y)], F.cross_entropy)
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(v, buffers[k]) for k, v in model.named_buffers())
    with pytest.raises(ZeroDivisionError):
        evaluate(model, [(x, y)], lambda *_: 1 / 0)
    assert [m.training for m in model.modules()] == modes
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("batches", "what"),
    [
        ([], "batches: no batches"),
        ([torch.zeros(2, 5)], "batches: a batch is"),
        ([[torch.zeros(2, 5)]], "batches: a batch is"),
        ([(1, 2)], "batches: a batch is"),
        ([(torch.zeros(0, 5), torch.zeros(0).long())], "batches: a batch without"),
        ([(torch.zeros(2, 5), torch.tensor([-100, -100]))], "batches: a batch without"),
    ],
)
def test_batches_that_are_none_are_refused_by_name(batches, what):
    with pytest.raises(ValueError, match=what):
        evaluate(net(dtype=torch.float32), batches, F.cross_entropy)
    with pytest.raises(ValueError, match=what.replace("batches:", "train:")):
        model = net(dtype=torch.float32)
        train_epoch(model, batches, loss=F.cross_entropy, optimizer=sgd(model))


@pytest.mark.parametrize("loss", [lambda o, t: 1.0, lambda o, t: o])
def test_a_loss_that_is_not_one_number_is_refused_by_name(loss):
    x, y = data()
    model = net()
    with pytest.raises(ValueError, match="loss: must give one number"):
        evaluate(model, [(x, y)], loss)
    with pytest.raises(ValueError, match="loss: must give one number"):
        train_epoch(model, [(x, y)], loss=loss, optimizer=sgd(model))


# train_epoch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_epoch_is_the_plain_loop(dtype, device):
    x, y = data(dtype=dtype, device=device)
    ours, plain = (net(dtype=dtype, device=device) for _ in range(2))
    optimizer, losses = sgd(plain), []
    for a, b in parts(x, y, 5):
        loss = F.cross_entropy(plain(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item() * len(a))
    mean = train_epoch(ours, parts(x, y, 5), loss=F.cross_entropy, optimizer=sgd(ours))
    assert torch.equal(flat(ours), flat(plain))
    assert mean == pytest.approx(sum(losses) / len(x), rel=1e-6)


@settings(deadline=None, max_examples=30)
@given(size=st.integers(1, 9), count=st.integers(1, 30), steps=st.integers(1, 3))
def test_accumulated_batches_equal_a_large_one(size, count, steps):
    """Also where the parts differ in size; torch's whole batch is the referee."""
    x, y = data(count)
    ours, whole = net(), net()
    optimizer, large = sgd(ours), sgd(whole)
    for _ in range(steps):
        some = math.ceil(count / size)
        train_epoch(
            ours, parts(x, y, size), loss=F.cross_entropy, optimizer=optimizer, accumulate=some
        )
        large.zero_grad()
        F.cross_entropy(whole(x), y).backward()
        large.step()
    torch.testing.assert_close(flat(ours), flat(whole), **CLOSE)


def test_accumulation_weights_by_targets_that_count():
    x, y = data(10)
    y[:3] = -100
    ours, whole = net(), net()
    train_epoch(ours, parts(x, y, 4), loss=F.cross_entropy, optimizer=sgd(ours), accumulate=3)
    F.cross_entropy(whole(x), y).backward()
    sgd(whole).step()
    torch.testing.assert_close(flat(ours), flat(whole), **CLOSE)


def test_a_rest_of_batches_makes_a_step_of_its_own():
    x, y = data(20)
    seen = []

    class Counting(torch.optim.SGD):
        def step(self, closure=None):
            seen.append(1)
            return super().step(closure)

    model = net()
    optimizer = Counting(model.parameters(), lr=0.1)
    schedule = lr_scheduler.LambdaLR(optimizer, lambda t: 1.0)
    count = schedule.last_epoch
    train_epoch(
        model,
        parts(x, y, 4),
        loss=F.cross_entropy,
        optimizer=optimizer,
        schedule=schedule,
        accumulate=2,
    )
    assert schedule.last_epoch - count == len(seen) == 3


@pytest.mark.parametrize("limit", [1e-3, 1e6])
def test_clipping_is_that_of_torch(limit):
    x, y = data()
    ours, plain = net(), net()
    F.cross_entropy(plain(x), y).backward()
    nn.utils.clip_grad_norm_(plain.parameters(), limit)
    sgd(plain, momentum=0).step()
    train_epoch(
        ours, [(x, y)], loss=F.cross_entropy, optimizer=sgd(ours, momentum=0), clip=limit
    )
    assert torch.equal(flat(ours), flat(plain))


# confusion


@settings(deadline=None)
@given(
    classes=st.integers(1, 6),
    pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40),
    kind=st.sampled_from([torch.int64, torch.int32, torch.uint8]),
)
def test_confusion_counts_pairs(classes, pairs, kind):
    pairs = [(a % classes, b % classes) for a, b in pairs]
    truth, said = (torch.tensor([p[k] for p in pairs], dtype=kind) for k in (0, 1))
    matrix = confusion(said, truth, classes)
    assert matrix.dtype == torch.int64 and matrix.shape == (classes, classes)
    wanted = [[pairs.count((a, b)) for b in range(classes)] for a in range(classes)]
    assert matrix.tolist() == wanted


def test_confusion_on_a_device(device):
    _, y = data(device=device)
    assert confusion(y, y, 3).tolist() == y.bincount(minlength=3).diag().tolist()


@pytest.mark.parametrize(
    ("predicted", "target", "classes", "error", "what"),
    [
        (torch.tensor([0]), torch.tensor([0, 1]), 2, ValueError, "predicted, target: shapes"),
        (torch.tensor([0.0]), torch.tensor([0]), 2, TypeError, "predicted: torch.float32"),
        (torch.tensor([0]), torch.tensor([0.0]), 2, TypeError, "target: torch.float32"),
        (torch.tensor([2]), torch.tensor([0]), 2, ValueError, "predicted: not all"),
        (torch.tensor([0]), torch.tensor([-1]), 2, ValueError, "target: not all"),
        (torch.tensor([0]), torch.tensor([0]), 0, ValueError, "classes: 0"),
    ],
)
def test_confusion_refuses_what_has_no_place(predicted, target, classes, error, what):
    with pytest.raises(error, match=what):
        confusion(predicted, target, classes)


# fit


def start(seed=0, epochs=6, **changes):
    """A model with everything that draws numbers, and fit's options."""
    seed_everything(seed)
    x, y = data(40)
    model = net(seed, norm=True, drop=0.3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    order = torch.Generator().manual_seed(seed)
    train = DataLoader(TensorDataset(x, y), 8, shuffle=True, generator=order)
    options = {
        "train": train,
        "valid": DataLoader(TensorDataset(x, y), 16),
        "loss": F.cross_entropy,
        "optimizer": optimizer,
        "schedule": lr_scheduler.CosineAnnealingLR(optimizer, 30),
        "epochs": epochs,
    }
    return model, options | changes


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_fit_is_its_parts():
    ours, options = start(epochs=3)
    history = fit(ours, **options)
    plain, options = start(epochs=3)
    for epoch in history:
        lr = options["optimizer"].param_groups[0]["lr"]
        mean = train_epoch(
            plain.train(),
            options["train"],
            loss=F.cross_entropy,
            optimizer=options["optimizer"],
            schedule=options["schedule"],
        )
        scores = evaluate(plain, options["valid"], F.cross_entropy)
        assert epoch == Epoch(mean, *scores, lr)
    assert same(ours, plain)
    assert ours.training


@pytest.mark.parametrize("stop", range(1, 6))
@pytest.mark.parametrize("changes", [{}, {"patience": 2}, {"accumulate": 2, "clip": 0.5}])
def test_resumed_training_is_the_same_to_the_last_bit(stop, changes, tmp_path):
    whole, options = start(**changes)
    history = fit(whole, **options)
    path = tmp_path / "run.pt"
    half, options = start(**changes)
    fit(half, **(options | {"epochs": stop}), checkpoint=path)
    other, options = start(seed=7, **changes)
    random.random(), np.random.rand(), torch.rand(3)
    again = fit(other, **options, checkpoint=path)
    assert again == history
    assert same(whole, other)
    assert os.listdir(tmp_path) == ["run.pt"]


def test_resuming_restores_every_generator(tmp_path):
    path = tmp_path / "run.pt"
    model, options = start(epochs=2)
    fit(model, **options, checkpoint=path)
    wanted = random.random(), np.random.rand(), torch.rand(1).item()
    model, options = start(seed=3, epochs=2)
    fit(model, **options, checkpoint=path)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == wanted


def test_resuming_draws_the_same_order_from_a_sampler_with_a_generator(tmp_path):
    def begin(epochs):
        model, options = start(epochs=epochs)
        rows = options["train"].dataset
        order = torch.Generator().manual_seed(5)
        sampler = torch.utils.data.RandomSampler(rows, generator=order)
        return model, options | {"train": DataLoader(rows, 8, sampler=sampler)}

    whole, options = begin(4)
    fit(whole, **options)
    half, options = begin(2)
    fit(half, **options, checkpoint=tmp_path / "run.pt")
    other, options = begin(4)
    fit(other, **options, checkpoint=tmp_path / "run.pt")
    assert same(whole, other)


def test_a_finished_run_is_not_trained_again(tmp_path):
    path = tmp_path / "run.pt"
    model, options = start(epochs=2)
    history = fit(model, **options, checkpoint=path)
    before, written = flat(model), path.read_bytes()
    assert fit(model, **options, checkpoint=path) == history
    assert torch.equal(flat(model), before) and path.read_bytes() == written


def test_the_checkpoint_moves_with_the_device(device, tmp_path):
    x, y = data(16, dtype=torch.float32)
    runs = []
    for stops in ([4], [2, 4]):
        for epochs in stops:
            torch.manual_seed(0)
            model = net(drop=0.3, dtype=torch.float32, device=device)
            path = tmp_path / f"{len(stops)}.pt"
            fit(
                model,
                [(x, y)],
                loss=F.cross_entropy,
                optimizer=sgd(model),
                epochs=epochs,
                checkpoint=path,
            )
        runs.append(flat(model))
    assert torch.equal(*runs)


class Planned(nn.Module):
    """A model whose loss on the validation set follows a plan, one value an epoch."""

    def __init__(self, plan):
        super().__init__()
        self.plan, self.epoch = plan, nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return self.epoch if self.training else torch.tensor(self.plan[int(self.epoch) - 1])


def planned(plan, **options):
    """Run fit on the plan; the weight counts epochs."""
    model = Planned(plan)
    one = [(torch.zeros(1), torch.zeros(1))]
    history = fit(
        model,
        one,
        one,
        loss=lambda o, t: -o.sum() if o.requires_grad else o,
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
        epochs=len(plan),
        **options,
    )
    return [e.valid_loss for e in history], int(model.epoch)


NAN = math.nan


@pytest.mark.parametrize(
    ("plan", "patience", "length", "best"),
    [
        ([5.0, 4.0, 3.0, 2.0], 1, 4, 4),
        ([5.0, 4.0, 4.5, 3.0], 1, 3, 2),
        ([5.0, 4.0, 4.5, 3.0], 2, 4, 4),
        ([5.0, 5.0, 5.0, 5.0], 2, 3, 1),
        ([5.0, 6.0, 7.0, 1.0], 2, 3, 1),
        ([NAN, 4.0, 5.0, 3.0], 2, 4, 4),
        ([5.0, NAN, NAN, 3.0], 2, 3, 1),
        ([5.0, 6.0, 7.0, 8.0], 9, 4, 1),
    ],
)
def test_early_stopping_waits_and_goes_back_to_the_best(plan, patience, length, best):
    losses, epoch = planned(plan, patience=patience)
    assert len(losses) == length and epoch == best


def test_without_patience_the_last_weights_stay():
    assert planned([1.0, 2.0, 3.0]) == ([1.0, 2.0, 3.0], 3)


def test_since_best_of_nothing_is_zero():
    run = Run(net(), sgd(net()), None, [])
    assert run.since_best() == 0


def test_the_log_is_called_after_each_epoch():
    seen = []
    model, options = start(epochs=3)
    history = fit(model, **options, log=lambda number, epoch: seen.append((number, epoch)))
    assert seen == list(enumerate(history, start=1))


def test_without_valid_nothing_is_measured_there():
    model, options = start(epochs=1, valid=None)
    (epoch,) = fit(model, **options)
    assert math.isnan(epoch.valid_loss) and math.isnan(epoch.valid_accuracy)


@pytest.mark.parametrize(
    ("changes", "error", "what"),
    [
        ({"epochs": 0}, ValueError, "epochs: 0"),
        ({"epochs": 1.5}, ValueError, "epochs: 1.5"),
        ({"accumulate": 0}, ValueError, "accumulate: 0"),
        ({"patience": 0}, ValueError, "patience: 0"),
        ({"patience": 1, "valid": None}, ValueError, "patience: has no valid"),
        ({"clip": 0.0}, ValueError, "clip: 0.0"),
        ({"clip": NAN}, ValueError, "clip: nan"),
    ],
)
def test_bad_options_are_refused_before_a_step(changes, error, what):
    model, options = start()
    before = flat(model)
    with pytest.raises(error, match=what):
        fit(model, **(options | changes))
    assert torch.equal(flat(model), before)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"accumulate": 0}, "accumulate: 0"),
        ({"accumulate": 1.5}, "accumulate: 1.5"),
        ({"clip": -1.0}, "clip: -1.0"),
    ],
)
def test_an_epoch_refuses_bad_options_before_a_step(changes, what):
    model = net()
    before = flat(model)
    with pytest.raises(ValueError, match=what):
        train_epoch(model, [data()], loss=F.cross_entropy, optimizer=sgd(model), **changes)
    assert torch.equal(flat(model), before)


def test_patience_needs_a_checkpoint_that_kept_the_best(tmp_path):
    model, options = start(epochs=1)
    options.pop("patience", None)
    fit(model, **options, checkpoint=tmp_path / "run.pt")
    model, options = start(epochs=2)
    with pytest.raises(ValueError, match=r"patience: .* without"):
        fit(model, **(options | {"patience": 1}), checkpoint=tmp_path / "run.pt")


def test_a_schedule_that_wants_a_loss_is_refused():
    model, options = start()
    options["schedule"] = lr_scheduler.ReduceLROnPlateau(options["optimizer"])
    with pytest.raises(TypeError, match="schedule"):
        fit(model, **options)


def test_an_iterator_that_is_used_up_is_told():
    x, y = data()
    model = net()
    with pytest.raises(ValueError, match="train: no batches; an iterator used up"):
        fit(model, iter([(x, y)]), loss=F.cross_entropy, optimizer=sgd(model), epochs=2)


# checkpoints


class Bomb:
    """Would make a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_what_is_saved_comes_back(tmp_path):
    state = {"a": torch.arange(3), "b": [1, 2.5, None, "x", (True,)]}
    save_checkpoint(tmp_path / "c.pt", first=state, second=7)
    found = load_checkpoint(str(tmp_path / "c.pt"))
    assert found["second"] == 7 and found["first"]["b"] == state["b"]
    assert torch.equal(found["first"]["a"], state["a"])


@pytest.mark.parametrize("bad", [nn.Linear(1, 1), lambda: 0, object()])
def test_what_could_not_be_read_is_not_written(bad, tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, good=1)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="parts"):
        save_checkpoint(path, bad=bad)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["c.pt"]


def test_a_disk_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "c.pt"
    save_checkpoint(path, good=1)

    def full(state, file):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(path, good=2)
    assert load_checkpoint(path) == {"good": 1}
    assert os.listdir(tmp_path) == ["c.pt"]


def saved(folder, content):
    """The bytes that torch writes for this."""
    torch.save(content, folder / "other.pt")
    return (folder / "other.pt").read_bytes()


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_single_changed_byte_is_noticed(place, tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, weights=torch.rand(5000))
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"path: .*c\.pt"):
        load_checkpoint(path)


def test_damaged_and_foreign_files_are_refused_and_never_run(tmp_path):
    path, mark = tmp_path / "c.pt", tmp_path / "ran"
    save_checkpoint(path, good=torch.rand(100))
    whole = path.read_bytes()
    torch.save({"weights": torch.zeros(1)}, tmp_path / "foreign.pt")
    foreign = (tmp_path / "foreign.pt").read_bytes()
    torch.save(Bomb(mark), tmp_path / "bomb.pt")
    bomb = (tmp_path / "bomb.pt").read_bytes()
    for content in (
        b"",
        b"text",
        whole[: len(whole) // 2],
        foreign,
        bomb,
        pickle.dumps(Bomb(mark), 2),
        pickle.dumps({"torchbook": 1}, 2),
        saved(tmp_path, {"torchbook": 1}),
        saved(tmp_path, {"torchbook": 1, "parts": [1]}),
        saved(tmp_path, {"torchbook": torch.ones(2), "parts": {}}),
        saved(tmp_path, {"parts": {}}),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"path: .*c\.pt"):
            load_checkpoint(path)
    assert not mark.exists()
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.pt")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda m, o: (nn.Linear(5, 3).double(), o), "model"),
        (lambda m, o: (m, o | {"optimizer": sgd(m)}), "rule"),
        (lambda m, o: (m, o | {"schedule": None}), "schedule"),
        (lambda m, o: (m, o | {"train": list(o["train"])}), "data"),
    ],
)
def test_a_checkpoint_of_another_run_changes_nothing(change, what, tmp_path):
    path = tmp_path / "run.pt"
    model, options = start(epochs=1)
    fit(model, **options, checkpoint=path)
    model, options = change(*start(seed=1, epochs=2))
    if what == "model":
        options |= {"optimizer": torch.optim.AdamW(model.parameters()), "schedule": None}
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    with pytest.raises(ValueError, match=f"checkpoint: .* another {what}"):
        fit(model, **options, checkpoint=path)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("parts", [{"weights": torch.zeros(1)}, {"signature": "mine"}])
def test_a_checkpoint_not_written_by_fit_is_refused(parts, tmp_path):
    save_checkpoint(tmp_path / "run.pt", **parts)
    model, options = start()
    with pytest.raises(ValueError, match="checkpoint"):
        fit(model, **options, checkpoint=tmp_path / "run.pt")


# random numbers


def test_seeds_repeat_all_three_generators():
    def draw(seed):
        seed_everything(seed)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw(3) == draw(3) != draw(4)
    for bad in (-1, 2**32):
        with pytest.raises(ValueError, match="seed"):
            seed_everything(bad)


def test_the_state_of_generators_is_plain_data(tmp_path):
    loader = DataLoader([1, 2], shuffle=True, generator=torch.Generator())
    save_checkpoint(tmp_path / "c.pt", state=random_state([loader, None]))
    assert len(load_checkpoint(tmp_path / "c.pt")["state"]["loaders"]) == 2


# what the chapter says of torch


def test_cross_entropy_starts_at_log_k_and_two_softmaxes_have_a_floor():
    for classes in (2, 3, 10):
        first = torch.tensor([0])
        even = F.cross_entropy(torch.zeros(1, classes), first)
        assert even.item() == pytest.approx(math.log(classes), rel=1e-6)
        sure = torch.eye(classes)[:1] * 1000
        floor = F.cross_entropy(sure.softmax(-1), first).item()
        assert floor == pytest.approx(math.log(1 + (classes - 1) / math.e), rel=1e-6)
        g = torch.Generator().manual_seed(classes)
        any_p = (torch.randn(500, classes, generator=g) * 50).softmax(-1)
        worst = F.cross_entropy(any_p, torch.zeros(500).long(), reduction="none")
        assert (worst > floor - 1e-6).all()


def test_the_ignored_value_is_that_of_torch():
    assert nn.CrossEntropyLoss().ignore_index == training.IGNORED


def test_batch_norm_makes_parts_unequal_to_the_whole():
    x, y = data(22)
    ours, whole = net(norm=True), net(norm=True)
    for model, size, some in ((ours, 4, 6), (whole, 22, 1)):
        train_epoch(
            model,
            parts(x, y, size),
            loss=F.cross_entropy,
            optimizer=sgd(model),
            accumulate=some,
        )
    assert not torch.allclose(flat(ours), flat(whole), atol=1e-4)
