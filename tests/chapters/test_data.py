# Generated from chapters/zh/10-data.qmd: edit there.
# Checksum f916c4b61a89: a change made here is refused, not lost.
# %% exr-data-count
def test_data_count(exercise):
    count_by_hand = exercise.count_by_hand

    import torch
    from torch.nn.utils.rnn import pad_sequence
    from torch.utils.data import DataLoader, random_split

    parts = random_split(range(1000), [0.7, 0.2, 0.1])
    train = DataLoader(parts[0], 64, shuffle=True, drop_last=True)
    valid = [len(batch) for batch in DataLoader(parts[1], 64)]
    four = [torch.full((n,), float("nan")) for n in (7, 2, 4, 3)]
    four[2].fill_(7.0)
    batch = pad_sequence(four, batch_first=True)
    rows = sum(len(b) for b in train)
    wanted = {
        "updates": len([b for _ in range(3) for b in train]),
        "unseen": len(parts[0]) - rows,
        "last": valid[-1],
        "padding": 1 - sum(len(s) for s in four) / batch.numel(),
        "mean": batch[2].mean().item(),
    }
    found = count_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    for name in ("updates", "unseen", "last", "padding", "mean"):
        near = abs(float(found[name]) - wanted[name]) < 0.006
        assert near, f"{name}: not this number"


# %% exr-data-twins
def test_data_twins(exercise):
    twins_by_hand = exercise.twins_by_hand

    import torch


    def played(copies, share):
        """Deal rows out at random and count those with a copy."""
        g = torch.Generator().manual_seed(0)
        count = 400_000
        rows = torch.arange(count).repeat(copies)
        rows = rows[torch.randperm(len(rows), generator=g)]
        train, test = rows.split(
            [round(share * len(rows)), len(rows) - round(share * len(rows))]
        )
        known = torch.zeros(count, dtype=torch.bool)
        known[train] = True
        share = known[test].double().mean().item()
        return share + (1 - share) / 10


    found = twins_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == {"twins", "half", "triplets"}, "keys"
    for name in found:
        assert hasattr(found[name], "__float__"), f"type: {name}"
    near = abs(float(found["twins"]) - played(2, 0.8)) < 0.0025
    assert near, "twins: not this number"
    near = abs(float(found["half"]) - played(2, 0.5)) < 0.0025
    assert near, "half: not this number"
    near = abs(float(found["triplets"]) - played(3, 0.8)) < 0.0025
    assert near, "triplets: not this number"


# %% exr-data-masked
def test_data_masked(exercise):
    masked_mean = exercise.masked_mean

    import torch


    def put(shape, dtype, seed, junk):
        """Put one random batch to the test."""
        torch.manual_seed(seed)
        mask = torch.rand(shape[:2]) < 0.5
        mask[:, seed % shape[1]] = True
        clean = torch.randn(shape, dtype=dtype)
        given = clean.masked_fill(~mask[..., None], junk)
        x = given.clone().requires_grad_()
        kept = mask.clone()
        found = masked_mean(x, mask)
        same = torch.equal(x.detach().nan_to_num(), given.nan_to_num())
        assert same and torch.equal(mask, kept), "input"
        assert found is not None, "returns"
        assert isinstance(found, torch.Tensor), "type"
        wanted_shape = (shape[0], shape[2])
        assert tuple(found.shape) == wanted_shape, f"shape: {found.shape}"
        assert found.dtype == dtype, f"dtype: {found.dtype}"
        twin = given.clone().requires_grad_()
        rows = [row[real].mean(dim=0) for row, real in zip(twin, mask)]
        wanted = torch.stack(rows)
        zeroed = clean.masked_fill(~mask[..., None], 0)
        whole = zeroed.sum(dim=1) / mask.sum()
        every = zeroed.mean(dim=1)
        if torch.allclose(found, every, atol=1e-5):
            assert torch.allclose(wanted, every, atol=1e-5), "every"
        if torch.allclose(found, whole, atol=1e-5):
            assert torch.allclose(wanted, whole, atol=1e-5), "total"
        assert found.isfinite().all(), "junk: nan or inf"
        assert torch.allclose(found, wanted, atol=1e-5), "value"
        assert found.requires_grad, "gradient: none"
        weights = torch.randn_like(found)
        (wanted * weights).sum().backward()
        (came,) = torch.autograd.grad((found * weights).sum(), x)
        assert came.isfinite().all(), "gradient: nan"
        assert torch.allclose(came, twin.grad, atol=1e-5), "gradient"


    for dtype in (torch.float32, torch.float64):
        for seed in range(4):
            put((3, 5, 2), dtype, seed, 7.0)
    for shape in ((1, 1, 1), (2, 3, 4), (4, 7, 1)):
        for junk in (100.0, float("inf"), float("nan")):
            put(shape, torch.float32, 1, junk)
    x = torch.tensor([[[0.0], [8000.0], [9.0]]])
    found = masked_mean(x, torch.tensor([[True, True, False]]))
    assert found.item() != 8000, "zeros"
    assert found.item() == 4000, "value: large numbers"
    x[0, 0] = float("nan")
    found = masked_mean(x, torch.tensor([[True, True, False]]))
    assert found.isnan().all(), "silent"
    for hidden in ([[True, False], [False, False]], [[False, False]] * 2):
        raised = False
        try:
            masked_mean(torch.ones(2, 2, 3), torch.tensor(hidden))
        except ValueError:
            raised = True
        assert raised, "hidden"


# %% exr-data-stratified
def test_data_stratified(exercise):
    stratified = exercise.stratified

    import torch


    def made(sizes, seed):
        """Return labels in a random order, sizes[k] rows of label k."""
        names = torch.tensor(list(sizes))
        labels = names.repeat_interleave(torch.tensor(list(sizes.values())))
        g = torch.Generator().manual_seed(seed)
        return labels[torch.randperm(len(labels), generator=g)]


    def put(labels, fraction, seed):
        """Split once, put the parts to the test, and return them."""
        held = labels.clone()
        g = torch.Generator().manual_seed(seed)
        outside = torch.get_rng_state()
        found = stratified(labels, fraction, g)
        assert torch.equal(torch.get_rng_state(), outside), "generator"
        assert torch.equal(labels, held), "input"
        assert found is not None, "returns"
        assert isinstance(found, tuple | list), "type"
        assert len(found) == 2, "type: two parts"
        for part in found:
            assert isinstance(part, torch.Tensor), "type: tensors"
            assert part.ndim == 1, f"shape: {tuple(part.shape)}"
            assert part.dtype == torch.int64, f"dtype: {part.dtype}"
        train, test = found
        both = torch.cat([train, test]).tolist()
        assert len(set(both)) == len(both), "overlap"
        assert sorted(both) == list(range(len(labels))), "lost"
        if abs(len(train) - fraction * len(labels)) < 1:
            assert abs(len(test) - len(train)) < 2, "exchanged"
        for label in labels.unique():
            count = (labels[test] == label).sum().item()
            exact = fraction * (labels == label).sum().item()
            assert abs(count - exact) < 1 - 1e-9, f"share: {label.item()}"
        return sorted(train.tolist()), sorted(test.tolist())


    put(made({0: 40, 1: 40}, 0), 0.25, 0)
    put(made({0: 400, 1: 8, 2: 40}, 1), 0.25, 1)
    put(made({-3: 12, 7: 5, 900: 7}, 2), 0.4, 2)
    put(torch.tensor([5, 5, 5, 5]), 0.5, 3)
    put(made({2: 10, 1: 10, 0: 1}, 4), 0.3, 4)
    labels = made({0: 12, 1: 6}, 5)
    seen = [set(put(labels, 0.5, seed)[1]) for seed in range(60)]
    assert set.union(*seen) == set(range(18)), "random: some never"
    assert not set.intersection(*seen), "random: some always"
    chosen = {tuple(rows & set((labels == 0).nonzero()[:, 0].tolist()))
              for rows in seen}
    assert len(chosen) > 30, "random: few choices"
    twins = torch.tensor([0, 1] * 6)  # two classes in turn
    seen = [put(twins, 0.5, seed)[1] for seed in range(20)]
    alike = [{i // 2 for i in rows if i % 2 == 0}
             == {i // 2 for i in rows if i % 2} for rows in seen]
    assert not all(alike), "random: all classes alike"
    assert put(labels, 0.5, 1) == put(labels, 0.5, 1), "generator: again"
    g = torch.Generator().manual_seed(1)
    two = [set(stratified(labels, 0.5, g)[1].tolist()) for _ in range(2)]
    assert two[0] != two[1], "generator: begun anew"


# %% exr-data-buffer
def test_data_buffer(exercise):
    shuffled = exercise.shuffled

    from collections import Counter

    import torch


    class Source:
        """Numbers from 0 on, which remember how many were read."""

        def __init__(self, count):
            self.count, self.read = count, 0

        def __iter__(self):
            for number in range(self.count):
                self.read += 1
                yield number


    def run(count, size, seed):
        """Return the order in which the numbers come out."""
        source, out = Source(count), []
        outside = torch.get_rng_state()
        items = shuffled(source, size, torch.Generator().manual_seed(seed))
        assert items is not None, "returns"
        assert hasattr(items, "__iter__"), f"type: {type(items).__name__}"
        for item in items:
            out.append(item)
            assert source.read <= len(out) - 1 + size, "eager"
            assert len(out) <= count, "lost: too many"
        assert torch.equal(torch.get_rng_state(), outside), "generator"
        assert sorted(out) == list(range(count)), "lost"
        return tuple(out)


    for size in (1, 5, 20):
        orders = [run(20, size, seed) for seed in range(5)]
        if size == 1:
            assert set(orders) == {tuple(range(20))}, "one"
        else:
            assert len(set(orders)) > 1, "random: always the same"
    assert run(0, 3, 0) == (), "lost: an empty source"
    assert run(9, 4, 7) == run(9, 4, 7), "generator: again"
    firsts = Counter(run(12, 4, seed)[0] for seed in range(800))
    assert set(firsts) == {0, 1, 2, 3}, f"held: {sorted(firsts)}"
    for item in range(4):
        assert 140 < firsts[item] < 260, f"likely: {dict(firsts)}"
    later = Counter(run(12, 4, seed)[6] for seed in range(800))
    assert later[9] > 140, f"likely: {later[9]} of 800, just read"
    orders = Counter(run(3, 5, seed) for seed in range(600))
    assert len(orders) == 6, "tail: some orders never come"
    assert min(orders.values()) > 60, "tail: some orders are rare"
    g = torch.Generator().manual_seed(1)
    two = [tuple(shuffled(range(40), 10, g)) for _ in range(2)]
    assert two[0] != two[1], "generator: begun anew"
    given = [3, 1, 2]
    list(shuffled(given, 2, torch.Generator()))
    assert given == [3, 1, 2], "input"
    given = [None, 0, 4, 4, None, 0, 4]
    out = list(shuffled(given, 3, torch.Generator()))
    assert Counter(out) == Counter(given), "equal"
    given = list(torch.zeros(6, 2))
    out = list(shuffled(given, 3, torch.Generator()))
    assert set(map(id, out)) == set(map(id, given)), "equal"
    for size in (0, -1):
        raised = False
        try:
            list(shuffled([1, 2], size, torch.Generator()))
        except ValueError:
            raised = True
        assert raised, f"raises: size {size}"


# %% exr-data-buckets
def test_data_buckets(exercise):
    buckets = exercise.buckets

    import torch


    def put(lengths, size, seed):
        """Make batches once, put them to the test, and return them."""
        held, outside = lengths.clone(), torch.get_rng_state()
        g = torch.Generator().manual_seed(seed)
        found = buckets(lengths, size, g)
        assert torch.equal(torch.get_rng_state(), outside), "generator"
        assert torch.equal(lengths, held), "input"
        assert found is not None, "returns"
        assert isinstance(found, list | tuple), "type"
        for batch in found:
            assert hasattr(batch, "__len__"), "type: a batch"
            assert len(batch) > 0, "full: an empty batch"
        found = [[int(i) for i in batch] for batch in found]
        every = sorted(i for batch in found for i in batch)
        assert every == list(range(len(lengths))), "lost"
        sizes = sorted(len(batch) for batch in found)
        assert all(n == size for n in sizes[1:]), f"full: {sizes}"
        assert sizes[0] <= size, f"full: {sizes}"
        spans = [lengths[batch].aminmax() for batch in found]
        spans = sorted((low.item(), high.item()) for low, high in spans)
        for (_, high), (low, _) in zip(spans, spans[1:]):
            assert high <= low, f"mixed: {spans}"
        return found


    g = torch.Generator().manual_seed(0)
    for count, size in ((20, 4), (23, 5), (3, 8), (7, 1)):
        put(torch.randint(1, 30, (count,), generator=g), size, count)
    lengths = torch.randperm(24, generator=g) + 1
    runs = [put(lengths, 4, seed) for seed in range(60)]
    places = [[min(lengths[b]).item() for b in found] for found in runs]
    for i in range(6):
        assert len({p[i] for p in places}) == 6, "turn: the same order"
    assert len(set(map(tuple, places))) > 30, "turn: few orders"
    lengths = torch.arange(1, 24)
    runs = [put(lengths, 4, seed) for seed in range(60)]
    at = {[len(b) for b in found].index(3) for found in runs}
    assert len(at) > 3, "turn: the batch that isn't full"
    lengths = torch.full((12,), 7)
    runs = [put(lengths, 3, seed) for seed in range(60)]
    together = {j for found in runs for b in found if 0 in b for j in b}
    assert len(together) == 12, "ties: the same ones together"
    assert put(lengths, 3, 1) == put(lengths, 3, 1), "generator: again"
    g = torch.Generator().manual_seed(1)
    lengths = torch.arange(40)
    one, two = (buckets(lengths, 2, g) for _ in range(2))
    one, two = ([list(map(int, b)) for b in found] for found in (one, two))
    assert one != two, "generator: begun anew"
