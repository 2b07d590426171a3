# Generated from chapters/zh/19-distributed.qmd: edit there.
# Checksum 5fe8f3f61c79: a change made here is refused, not lost.
# %% exr-distributed-bytes
def test_distributed_bytes(exercise):
    bytes_by_hand = exercise.bytes_by_hand

    count, world, speed = 10**9, 8, 10.0
    size = 4 * count / 1e9  # GB
    steps = 2 * (world - 1)
    wanted = {"sent": steps * size / world, "steps": steps,
              "seconds": steps * size / world / speed,
              "central": (world - 1) * size}
    slips = {"all-chunks": {"sent": 2 * size},
             "whole-tensor": {"sent": steps * size},
             "half-way": {"sent": wanted["sent"] / 2, "steps": steps / 2},
             "bits": {"seconds": wanted["seconds"] * 8},
             "its-own": {"central": world * size}}
    found = bytes_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, number in wanted.items():
        assert hasattr(found[name], "__float__"), f"type: {name}"
        value = float(found[name])
        for slip, values in slips.items():
            likely = name in values and abs(value - values[name]) < 1e-6
            assert not likely, slip
        assert abs(value - number) < 1e-6, name


# %% exr-distributed-mean
def test_distributed_mean(exercise):
    means_by_hand = exercise.means_by_hand

    import torch

    counts = torch.tensor([4.0, 4.0, 2.0], dtype=torch.float64)
    means = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    rows = means.repeat_interleave(counts.long())
    factors = counts * len(counts) / counts.sum()
    wanted = {"whole": rows.mean().item(), "ddp": means.mean().item(),
              "large": factors[0].item(), "small": factors[2].item()}
    slips = {"summed": {"ddp": means.sum().item()},
             "undivided": {"whole": (counts * means).sum().item()},
             "shares": {"large": 0.4, "small": 0.2},
             "inverse": {"large": 1 / 1.2, "small": 1 / 0.6}}
    found = means_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, number in wanted.items():
        assert hasattr(found[name], "__float__"), f"type: {name}"
        value = float(found[name])
        for slip, values in slips.items():
            likely = name in values and abs(value - values[name]) < 5e-3
            assert not likely, slip
        assert abs(value - number) < 2e-3, name


# %% exr-distributed-sample
def test_distributed_sample(exercise):
    own_samples = exercise.own_samples

    import torch
    from torch.utils.data import DistributedSampler

    for count, world in ((10, 4), (12, 4), (9, 2), (7, 1), (3, 8), (2, 7),
                         (1, 3), (100, 3)):
        for drop in (False, True):
            for seed, epoch in ((0, 0), (0, 1), (5, 0), (3, 4)):
                parts, wanted = [], []
                for rank in range(world):
                    sampler = DistributedSampler(
                        range(count), world, rank, seed=seed, drop_last=drop
                    )
                    sampler.set_epoch(epoch)
                    torch.manual_seed(7)
                    state = torch.random.get_rng_state()
                    options = {"seed": seed} if seed else {}
                    options |= {"drop": True} if drop else {}
                    found = own_samples(count, rank, world, epoch=epoch,
                                        **options)
                    now = torch.random.get_rng_state()
                    assert torch.equal(state, now), "global"
                    if isinstance(found, torch.Tensor):
                        found = found.tolist()
                    assert isinstance(found, list | tuple), "type"
                    for index in found:
                        assert hasattr(index, "__int__"), "type"
                    parts.append([int(index) for index in found])
                    wanted.append(list(sampler))
                if parts == wanted:
                    continue
                sizes = {len(part) for part in parts}
                assert len(sizes) == 1, f"unequal: {sorted(sizes)}"
                assert sizes == {len(wanted[0])}, "drop"
                flat = [n for turn in zip(*wanted, strict=True)
                        for n in turn]
                blocks = [n for part in parts for n in part]
                assert blocks != flat or world == 1, "blocks"
                order = torch.Generator().manual_seed(seed)
                stale = torch.randperm(count, generator=order).tolist()
                old = epoch and count > 5 and parts[0][0] == stale[0]
                assert not old, "epoch"
                seen = {n for part in parts for n in part}
                assert drop or seen == set(range(count)), "lost"
                flat = [n for turn in zip(*parts, strict=True)
                        for n in turn]
                first = [n for turn in zip(*wanted, strict=True)
                         for n in turn][:count]
                assert flat[:count] != first, "fill"
                raise AssertionError("order")


# %% exr-distributed-combine
def test_distributed_combine(exercise):
    combine = exercise.combine

    import torch
    from torch import nn


    def parts_of(counts, dtype, seed, unused=False):
        """Return each rank's mean gradients, and those of all rows."""
        order = torch.Generator().manual_seed(seed)
        net = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
        net = net.to(dtype)
        rest = nn.Linear(2, 2).to(dtype)  # takes no part
        some = list(net.parameters())
        every = some + (list(rest.parameters()) if unused else [])
        x = torch.randn(sum(counts), 3, generator=order, dtype=dtype)

        def gradients(rows):
            for p in every:
                p.grad = None
            if len(rows):
                net(rows).square().mean().backward()
            return [None if p.grad is None else p.grad.clone()
                    for p in every]

        return [gradients(rows) for rows in x.split(counts)], gradients(x)


    def check(found, whole, gradients, counts):
        assert isinstance(found, list | tuple), "type"
        assert len(found) == len(whole), "shape"
        for k, (g, w) in enumerate(zip(found, whole, strict=True)):
            if w is None:
                assert g is None, "unused"
                continue
            assert isinstance(g, torch.Tensor), "none"
            assert g.shape == w.shape, "shape"
            assert g.dtype == w.dtype, f"dtype: {g.dtype}"
            if torch.allclose(g, w, atol=1e-6):
                continue
            assert not g.isnan().any(), "empty"
            stack = torch.stack([
                torch.zeros_like(w) if row[k] is None else row[k]
                for row in gradients])
            plain = stack.mean(dim=0)
            assert not torch.allclose(g, plain, atol=1e-6), "plain"
            have = stack[[n > 0 for n in counts]].mean(dim=0)
            assert not torch.allclose(g, have, atol=1e-6), "plain"
            assert not torch.allclose(g, w * sum(counts), atol=1e-6), "sum"
            ratio = w * sum(counts) / len(counts)
            assert not torch.allclose(g, ratio, atol=1e-6), "sum"
            raise AssertionError("value")


    for seed, (counts, unused) in enumerate((
        ([4, 4], False), ([1, 5], False), ([3, 1, 2], True), ([7], False),
        ([2, 0, 5], False), ([0, 3], True), ([1, 1, 8, 6], True),
    )):
        for dtype in (torch.float64, torch.float32):
            gradients, whole = parts_of(counts, dtype, seed, unused)
            before = [[None if g is None else g.clone() for g in row]
                      for row in gradients]
            own = list(counts)
            try:
                found = combine(gradients, own)
            except (TypeError, AttributeError) as error:
                raise AssertionError(f"none: {error}") from None
            check(found, whole, gradients, counts)
            same = all(
                a is b is None or torch.equal(a, b)
                for old, new in zip(before, gradients, strict=True)
                for a, b in zip(old, new, strict=True))
            assert own == counts, "input"
            assert same, "input"
            for row in gradients:
                for g in row:
                    shared = g is not None and any(
                        f is not None and f.data_ptr() == g.data_ptr()
                        for f in found)
                    assert not shared, "shared"
    gradients, whole = parts_of([2, 3], torch.float64, 9)
    odd = [[torch.full_like(g, float("nan")) for g in gradients[0]]]
    check(combine(odd + gradients, [0, 2, 3]), whole, gradients, [2, 3])
    first = torch.ones(2, dtype=torch.float64)
    only = combine([[first], [None]], [1, 3])
    assert only and only[0] is not None, "none"
    assert torch.allclose(only[0], first / 4), "missing"
    gone = combine([[None], [first]], [4, 0])
    assert gone[0] is None, "unused"


# %% exr-distributed-pieces
def test_distributed_pieces(exercise):
    pieces = exercise.pieces

    import torch


    def shards(table, world):
        """Return the shard of each rank; there may be empty ones."""
        parts = list(table.chunk(world)) if len(table) else []
        return parts + [table[:0]] * (world - len(parts))


    def readings(answers, files, end):
        """Return the rows of each rank, if a piece goes up to end."""
        return [
            [row for file, start, stop in found if 0 <= file < len(files)
             for row in files[file][start : end(start, stop)].tolist()]
            for found in answers
        ]


    for rows, old, new in (
        (10, 2, 3), (10, 2, 1), (10, 1, 4), (32, 2, 3), (7, 3, 2),
        (5, 4, 4), (5, 5, 4), (3, 8, 2), (3, 2, 8), (9, 4, 5), (0, 2, 3),
        (1, 1, 1), (100, 7, 6),
    ):
        table = torch.arange(rows)
        files, targets = shards(table, old), shards(table, new)
        answers = []
        for rank in range(new):
            found = pieces(rows, old, new, rank)
            assert isinstance(found, list | tuple), "type"
            for piece in found:
                assert isinstance(piece, list | tuple), "type"
                assert len(piece) == 3, "type"
                assert all(hasattr(n, "__int__") for n in piece), "type"
            answers.append([tuple(map(int, piece)) for piece in found])
        wanted = [target.tolist() for target in targets]
        if readings(answers, files, lambda start, stop: stop) != wanted:
            for end in (lambda start, stop: stop + 1, int.__add__):
                same = readings(answers, files, end) == wanted
                assert not same, f"stop: {answers}"
        for found, target in zip(answers, wanted, strict=True):
            read = []
            for piece in found:
                file, start, stop = piece
                assert start < stop, f"empty: {piece}"
                assert 0 <= file < old, f"file: {file}"
                part = files[file]
                whole = start >= len(part) or stop > len(part) or start < 0
                assert not whole, f"offset: {piece} of {len(part)} rows"
                read += part[start:stop].tolist()
            if read != target:
                assert sorted(read) != target, "order"
                more = set(target) < set(read)
                assert not more, f"more: {len(read)} rows"
                raise AssertionError(f"rows: {read}, not {target}")
            used = [int(piece[0]) for piece in found]
            assert len(used) == len(set(used)), "split"


# %% exr-distributed-zero
def test_distributed_zero(exercise):
    ShardedOptimizer = exercise.ShardedOptimizer

    import torch
    from torch import nn


    def same_nets(world, sizes, dtype):
        torch.manual_seed(0)
        rows = [[torch.randn(n, dtype=dtype) for n in sizes]]
        rows *= world + 1
        return [[nn.Parameter(t.clone()) for t in row] for row in rows]


    def owners(sizes, world):
        load, found = [0] * world, []
        for n in sizes:
            best = min(range(world), key=lambda rank: (load[rank], rank))
            found.append(best)
            load[best] += n
        return found


    def adam(parameters):
        assert len(list(parameters)), "nothing"
        return torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.1)


    def momentum(parameters):
        assert len(list(parameters)), "nothing"
        return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


    cases = ((2, (4, 3, 2, 5), adam), (3, (1, 1, 1, 6, 2), momentum),
             (4, (3, 2), adam), (1, (2, 2), adam), (2, (5, 1, 1), momentum))
    for world, sizes, make in cases:
        for dtype in (torch.float64, torch.float32):
            plain, *replicas = same_nets(world, sizes, dtype)
            reference = make(plain)
            given = [list(row) for row in replicas]
            sharded = ShardedOptimizer(given, make)
            same = all(
                p is q for old, new in zip(replicas, given, strict=True)
                for p, q in zip(old, new, strict=True))
            assert same, "input"
            owner = list(sharded.owner)
            assert owner == owners(sizes, world), f"owner: {owner}"
            optimizers = list(sharded.optimizers)
            assert len(optimizers) == world, "each"
            for rank, optimizer in enumerate(optimizers):
                own = [id(replicas[rank][k]) for k in range(len(sizes))
                       if owner[k] == rank]
                if not own:
                    assert optimizer is None, "nothing"
                    continue
                assert isinstance(optimizer, torch.optim.Optimizer), "each"
                has = [id(p) for group in optimizer.param_groups
                       for p in group["params"]]
                assert set(has) == set(own), "each"
            order = torch.Generator().manual_seed(world)
            for turn in range(4):
                grads = [[torch.randn(n, generator=order, dtype=dtype)
                          for n in sizes] for _ in range(world)]
                if turn in (0, 2):
                    for row in grads:
                        row[1] = None  # nobody has one
                if turn == 1:
                    grads[0][0] = None  # one rank has none
                for row, new in zip(replicas, grads, strict=True):
                    for p, g in zip(row, new, strict=True):
                        p.grad = g
                for k, p in enumerate(plain):
                    column = [row[k] for row in grads]
                    some = [g for g in column if g is not None]
                    p.grad = sum(some) / world if some else None
                reference.step()
                kept = [[None if g is None else g.clone() for g in row]
                        for row in grads]
                try:
                    sharded.step()
                except TypeError as error:
                    raise AssertionError(f"none: {error}") from None
                for rank, row in enumerate(grads):
                    for k, g in enumerate(row):
                        if rank == owner[k]:
                            continue
                        assert replicas[rank][k].grad is g, "input"
                        if g is not None:
                            same = torch.equal(g, kept[rank][k])
                            assert same, "input"
                now = zip(sharded.optimizers, optimizers, strict=True)
                assert all(a is b for a, b in now), "each"
                for k, p in enumerate(plain):
                    at = replicas[owner[k]][k]
                    assert at.requires_grad and at.is_leaf, "type"
                    for rank in range(world):
                        q = replicas[rank][k]
                        assert torch.equal(q, at), f"copies: rank {rank}"
                    assert q.dtype == dtype, f"dtype: {q.dtype}"
                    if not torch.allclose(at, p, atol=1e-6):
                        bare = [row[k] for row in kept]
                        if any(g is None for g in bare):
                            raise AssertionError("none")
                        raise AssertionError("mean")
                pointers = {q.data_ptr() for row in replicas for q in row}
                assert len(pointers) == world * len(sizes), "shared"
