"""distributed: real processes that fail, hang and are killed; a ring with torch as referee."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchbook import distributed
from torchbook.distributed import (
    HEAD,
    RankError,
    launch,
    ring_all_reduce,
    ring_steps,
    time_all_reduce,
    write_script,
)

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")
both = pytest.mark.parametrize("torchrun", [False, True])


def sign_in(folder):
    """Write down the number of this process, for the test to look after."""
    import os
    from pathlib import Path

    (Path(folder) / f"pid-{os.getpid()}").touch()


def meet(rank, world, folder, base=0):
    sign_in(folder)
    print("here is", rank)
    x = torch.tensor([rank, 10.0])
    dist.all_reduce(x)  # noqa: F821
    return {"x": x + base, "rank": rank, "world": world, "local": os_rank()}


def os_rank():
    import os

    return int(os.environ["LOCAL_RANK"]), os.environ["OMP_NUM_THREADS"]


def go_wrong(rank, world, folder, how):
    import os
    import signal
    import subprocess
    import sys
    import time

    sign_in(folder)
    dist.barrier()  # noqa: F821
    print("begun")  # and killed soon after: it must not be lost
    open(os.path.join(folder, f"begun-{rank}"), "w").close()
    while len([name for name in os.listdir(folder) if name.startswith("begun-")]) < world:
        time.sleep(0.02)
    if how == "child":
        code = "import time; time.sleep(1000)"
        child = subprocess.Popen([sys.executable, "-c", code])
        open(os.path.join(folder, f"pid-{child.pid}"), "w").close()
    if rank == 1:
        if how == "raise":
            raise KeyError("no such thing")
        if how == "exit":
            sys.exit(3)
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if how == "hang":
            time.sleep(1000)
        if how == "child":
            raise ValueError("and a child")
    dist.barrier()  # noqa: F821


def signed_in(folder):
    return [int(path.name[4:]) for path in Path(folder).glob("pid-*")]


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def assert_gone(folder, count, within=20.0):
    """Look whether all that signed in go soon: torchrun's ranks aren't our children."""
    end = time.monotonic() + within
    pids = signed_in(folder)
    while time.monotonic() < end and not all(map(gone, pids)):
        time.sleep(0.05)
    assert len(pids) == count
    assert [pid for pid in pids if not gone(pid)] == []


@pytest.fixture(autouse=True)
def no_new_children():
    """Whatever a test does, it leaves no process behind."""
    before = {child.pid for child in psutil.Process().children()}
    yield
    assert {child.pid for child in psutil.Process().children()} <= before


@pytest.mark.slow
@pytest.mark.parametrize("world, torchrun", [(1, False), (3, False), (2, True)])
def test_every_rank_runs_and_its_result_comes_back(tmp_path, capsys, world, torchrun):
    found = launch(
        meet, sign_in, os_rank, world=world, torchrun=torchrun, folder=str(tmp_path), base=5
    )
    x = torch.tensor([sum(range(world)), 10.0 * world]) + 5
    assert [r["rank"] for r in found] == list(range(world))
    assert all(torch.equal(r["x"], x) and r["world"] == world for r in found)
    assert [r["local"] for r in found] == [(rank, "1") for rank in range(world)]
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"[{rank}] here is {rank}" for rank in range(world)]
    assert_gone(tmp_path, world)


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    "how, words, torchrun",
    [
        ("raise", "rank 1: KeyError: 'no such thing'", False),
        ("exit", "rank 1: SystemExit: 3", False),
        ("raise", "rank 1: KeyError: 'no such thing'", True),
    ],
)
def test_a_rank_that_fails_ends_all_and_is_named(tmp_path, capsys, how, words, torchrun):
    with pytest.raises(RankError) as caught:
        launch(go_wrong, sign_in, torchrun=torchrun, folder=str(tmp_path), how=how)
    assert str(caught.value) == words
    assert caught.value.rank == 1
    assert capsys.readouterr().out.splitlines() == ["[0] begun", "[1] begun"]
    assert_gone(tmp_path, 2)


@pytest.mark.slow
@posix
@both
def test_a_rank_that_is_killed_ends_all(tmp_path, torchrun):
    with pytest.raises(RankError) as caught:
        launch(go_wrong, sign_in, torchrun=torchrun, folder=str(tmp_path), how="kill")
    if not torchrun:
        assert caught.value.rank == 1
        assert "exit code -9" in str(caught.value)
    assert_gone(tmp_path, 2)


class ClockOfRanks:
    """A clock for launch that stands still until all ranks have begun; then an hour is over."""

    sleep = staticmethod(time.sleep)

    def __init__(self, folder, world):
        self.folder, self.world = folder, world
        self.end = time.monotonic() + 600  # whatever happens

    def monotonic(self):
        begun = len(list(self.folder.glob("begun-*"))) == self.world
        return 3600.0 if begun or time.monotonic() > self.end else 0.0


@pytest.mark.slow
@posix
@pytest.mark.parametrize("how, torchrun", [("hang", False), ("hang", True), ("stop", False)])
def test_a_rank_that_hangs_ends_with_the_limit(tmp_path, monkeypatch, how, torchrun):
    monkeypatch.setattr(distributed, "time", ClockOfRanks(tmp_path, world=2))
    with pytest.raises(TimeoutError, match=r"limit: \[.*0.*\] still run at 100 s"):
        launch(go_wrong, sign_in, limit=100, torchrun=torchrun, folder=str(tmp_path), how=how)
    assert_gone(tmp_path, 2)


@pytest.mark.slow
@posix
def test_what_a_rank_has_started_ends_with_it(tmp_path):
    with pytest.raises(RankError, match="and a child"):
        launch(go_wrong, sign_in, folder=str(tmp_path), how="child")
    assert_gone(tmp_path, 4)


@pytest.mark.slow
@posix
@both
def test_no_rank_outlives_a_parent_that_is_killed(tmp_path, torchrun):
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_distributed import go_wrong, sign_in
from torchbook.distributed import launch
launch(go_wrong, sign_in, torchrun={torchrun}, folder={str(tmp_path)!r}, how="hang")
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment)
    while len(signed_in(tmp_path)) < 2 and parent.poll() is None:
        time.sleep(0.05)
    started = psutil.Process(parent.pid).children(recursive=True)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert_gone(tmp_path, 2, within=120)
    _, left = psutil.wait_procs(started, timeout=120)
    assert [process for process in left if not gone(process.pid)] == []


def alone(rank, world):
    return rank, world


def run_by_hand(command, tmp_path):
    path = write_script(tmp_path / "train.py", alone)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [sys.executable, *command, str(path)],
        env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
def test_torchrun_by_hand_prints_what_comes_back(tmp_path):
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1"]
    done = run_by_hand(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[0] (0, 1)"]


@pytest.mark.slow
def test_without_torchrun_a_variable_is_missing(tmp_path):
    done = run_by_hand([], tmp_path)
    assert done.stderr.splitlines()[-1] == "KeyError: 'RANK'"


@pytest.mark.slow
def test_a_script_that_cannot_start_says_why():
    def broken(rank, world):
        return nothing_of_that_name  # noqa: F821

    with pytest.raises(RankError, match="NameError: name 'nothing_of_that_name'"):
        launch(broken, world=1)


@pytest.mark.slow
def test_what_cannot_come_back_is_an_error():
    def odd(rank, world):
        return lambda: None

    with pytest.raises(RankError, match="rank 0"):
        launch(odd, world=1)


@pytest.mark.parametrize("world", [0, -1, 1.5, "2"])
def test_world_is_named(world):
    with pytest.raises(ValueError, match="world"):
        launch(meet, world=world)
    with pytest.raises(ValueError, match="world"):
        list(ring_steps(world))


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_limit_is_named(limit):
    with pytest.raises(ValueError, match="limit"):
        launch(meet, limit=limit)


def test_the_script_holds_the_functions_as_they_stand(tmp_path):
    path = write_script(tmp_path / "a.py", meet, sign_in)
    text = path.read_text("utf-8")
    assert text.startswith(HEAD)
    assert text.index("def sign_in") < text.index("def meet") < text.index("run_rank(meet)")
    compile(text, "a.py", "exec")


def test_the_first_failure_is_the_cause(tmp_path):
    for rank, error, when in ((0, OSError("gone"), 20.0), (1, ValueError("why"), 10.0)):
        distributed.leave_note(tmp_path, rank, error)
        note = tmp_path / f"{rank}.failed"
        note.write_text(note.read_text().replace(note.read_text()[1:].split(",")[0], str(when)))
    found = distributed.first_failure([1, 1, None], tmp_path)
    assert (found.rank, str(found)) == (1, "rank 1: ValueError: why")
    (tmp_path / "2.log").write_text("")
    assert distributed.first_failure([1, 1, -9], tmp_path).rank == 2


class Process:
    """A process that polls as it is told, the last code again and again."""

    def __init__(self, *codes):
        self.codes = list(codes)

    def poll(self):
        return self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]


def test_who_was_killed_after_being_asked_is_the_cause(tmp_path):
    (tmp_path / "0.log").write_text("")
    distributed.leave_note(tmp_path, 1, OSError("connection closed"))
    with pytest.raises(RankError, match="rank 0: exit code -9"):
        distributed.wait_for([Process(None, -9), Process(1)], tmp_path, limit=10)


def test_a_failure_without_a_note_has_the_last_line_of_the_log(tmp_path):
    (tmp_path / "1.log").write_text("Traceback\nSyntaxError: bad\n")
    found = distributed.first_failure([None, 1], tmp_path)
    assert str(found) == "rank 1: exit code 1 SyntaxError: bad"


@given(
    world=st.integers(1, 6),
    shape=st.lists(st.integers(0, 5), max_size=3),
    dtype=st.sampled_from([torch.int64, torch.float64, torch.float32]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_the_ring_gives_every_rank_the_sum(world, shape, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = [torch.randint(-9, 9, shape, generator=generator).to(dtype) for _ in range(world)]
    before = [t.clone() for t in tensors]
    results, sent = ring_all_reduce(tensors)
    total = torch.stack(tensors).sum(dim=0).to(dtype)
    assert len(results) == len(sent) == world
    assert all(torch.equal(r, total) and r.dtype == dtype for r in results)
    assert all(map(torch.equal, tensors, before))
    assert len({r.data_ptr() for r in results if r.numel()}) == (world if total.numel() else 0)
    assert sum(sent) == 2 * (world - 1) * total.nbytes


@pytest.mark.parametrize("world", [1, 2, 3, 4, 8])
def test_the_ring_sends_what_the_formula_says(world):
    size = 24 * 4
    _, sent = ring_all_reduce([torch.zeros(24)] * world)
    assert sent == [2 * (world - 1) * size // world] * world


@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_a_step_sends_one_chunk_from_each_to_its_neighbor(world):
    steps = list(ring_steps(world))
    assert [adds for step in steps for *_, adds in step] == [True] * (world * (world - 1)) + [
        False
    ] * (world * (world - 1))
    for step in steps:
        assert sorted(source for source, *_ in step) == list(range(world))
        assert all(target == (source + 1) % world for source, target, *_ in step)
        assert sorted(chunk for _, _, chunk, _ in step) == list(range(world))


def test_the_ring_keeps_gradients():
    leaves = [torch.ones(5, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    results, _ = ring_all_reduce(leaves)
    results[1].square().sum().backward()
    assert all(torch.equal(t.grad, torch.full_like(t, 6.0)) for t in leaves)


@pytest.mark.parametrize(
    "tensors",
    [
        [],
        [torch.zeros(2), torch.zeros(3)],
        [torch.zeros(2), torch.zeros(2, dtype=torch.float64)],
    ],
)
def test_tensors_must_be_alike(tensors):
    with pytest.raises(ValueError, match="tensors"):
        ring_all_reduce(tensors)


def share_gradients(rank, world):
    from torchbook.distributed import average_gradients, sum_over_ranks, time_all_reduce

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    model[0].bias.requires_grad_(False)
    x = torch.arange(24.0, dtype=torch.float64).reshape(8, 3).sin()
    model(x[rank::world]).square().mean().backward()
    average_gradients(model)
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    seconds = time_all_reduce(rank, world, [1, 1000])
    return grads, sum_over_ranks(rank, 0.25), seconds, [x, model.state_dict()]


@pytest.fixture(scope="module")
def shared():
    """What two ranks have: both of their gradients, sums, seconds, and the model's state."""
    return launch(share_gradients)


@pytest.mark.slow
def test_averaged_gradients_are_those_of_the_whole_batch(shared):
    (first, sums, _, (x, state)), (second, _, _, _) = shared
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    model.load_state_dict(state)
    model[0].bias.requires_grad_(False)
    model(x).square().mean().backward()
    whole = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(first) == len(whole) == 3
    torch.testing.assert_close(first, whole, rtol=0, atol=1e-15)
    assert all(map(torch.equal, first, second))
    assert sums == [1.0, 0.5]


@pytest.mark.slow
def test_an_all_reduce_of_each_size_takes_some_time(shared):
    for _, _, seconds, _ in shared:
        assert len(seconds) == 2
        assert all(took > 0 for took in seconds)


def test_sizes_are_named():
    with pytest.raises(ValueError, match="sizes"):
        time_all_reduce(0, 1, [0])
