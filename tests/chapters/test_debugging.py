# Generated from chapters/zh/20-debugging.qmd: edit there.
# Checksum 42d67adb311e: a change made here is refused, not lost.
# %% exr-debugging-by-hand
def test_debugging_by_hand(exercise):
    four_symptoms = exercise.four_symptoms

    import torch

    y = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    w = torch.tensor(5.0, requires_grad=True)
    sgd = torch.optim.SGD([w], lr=0.1)
    for _ in range(4):
        (2 * w).backward()
        sgd.step()
    v = torch.arange(50.0, dtype=torch.float64, requires_grad=True)
    mean, = torch.autograd.grad(v.square().mean(), v)
    total, = torch.autograd.grad(v.square().sum(), v)
    even = torch.linspace(-0.1, 0.1, 100001, dtype=torch.float64)
    wanted = {
        "loss": (y[:, None] - y).square().mean().item(),
        "weight": w.item(),
        "rate": (0.1 * mean.norm() / total.norm()).item(),
        "ratio": (0.01 / even.square().mean().sqrt()).item(),
    }
    slips = {"loss": "pairs", "weight": "adds-up", "rate": "rate",
             "ratio": "ratio"}
    found = four_symptoms()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, right in wanted.items():
        came = found[name]
        assert hasattr(came, "__float__"), f"type: {name}"
        assert abs(float(came) - right) <= 0.02 * right, slips[name]


# %% exr-debugging-ledger
def test_debugging_ledger(exercise):
    kept_bytes = exercise.kept_bytes

    import torch
    from torch import nn
    from torch.nn import functional as F

    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(),
                          nn.Linear(128, 10))
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}


    def pack(t):
        """Note the memory of a tensor that a graph saves."""
        memory = t.untyped_storage()
        if memory.data_ptr() not in weights and t.numel() > 1:
            kept[memory.data_ptr()] = memory.nbytes()
        return t.detach()  # t itself would hold its own graph


    g = torch.Generator().manual_seed(0)
    x = torch.randn(32, 64, generator=g)
    y = torch.randint(10, (32,), generator=g)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        loss = F.cross_entropy(model(x), y)
    batch = sum(kept.values())
    loss.backward()
    freed = 0
    try:  # nothing is left that a second backward could use
        loss.backward()
    except RuntimeError:
        freed = batch
    wanted = {"hidden": model[:2](x).nbytes, "batch": batch,
              "hundred": 100 * batch, "after": 100 * batch - 99 * freed}
    slips = {"hidden": "hidden", "batch": "batch",
             "hundred": "hundred", "after": "freed"}
    found = kept_bytes()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, right in wanted.items():
        came = found[name]
        assert hasattr(came, "__float__"), f"type: {name}"
        assert abs(float(came) - right) <= 0.001 * right, slips[name]


# %% exr-debugging-regression
def test_debugging_regression(exercise):
    train_step = exercise.train_step

    import math
    from itertools import product

    import torch
    from torch import nn


    def fresh(seed):
        """Return a model with stale gradients, and its optimizer."""
        torch.manual_seed(seed)
        model = nn.Linear(3, 1, dtype=torch.float64)
        for p in model.parameters():
            p.grad = torch.full_like(p, 3.0)
        return model, torch.optim.SGD(model.parameters(), 0.05)


    def run(seed, data, flat=True, clear=True, mean=True, late=False):
        """Return the losses and the weights, with or without mistakes."""
        model, sgd = fresh(seed)
        losses = []
        for x, y in data:
            p = model(x).reshape(y.shape)
            if not flat:  # the other shape than that of y
                p = p.reshape(-1) if y.dim() == 2 else p[:, None]
            loss = (p - y).square()
            loss = loss.mean() if mean else loss.sum()
            if clear and not late:
                sgd.zero_grad()
            loss.backward()
            sgd.step()
            if late:
                sgd.zero_grad()
            losses.append(loss.item())
        return losses, flatten(model)


    def flatten(model):
        return nn.utils.parameters_to_vector(model.parameters()).detach()


    def same(a, b):
        return torch.allclose(a, b, rtol=1e-9, atol=1e-12)


    for seed, n, column in [(0, 5, False), (1, 8, False), (2, 4, True),
                            (3, 1, False), (4, 1, True)]:
        g = torch.Generator().manual_seed(seed)
        double = {"generator": g, "dtype": torch.float64}
        data = [(torch.randn(n, 3, **double),
                 torch.randn((n, 1) if column else (n,), **double) + 2)
                for _ in range(3)]
        kept = [(x.clone(), y.clone()) for x, y in data]
        model, sgd = fresh(seed)
        model.train(seed % 2 == 0)
        start = flatten(model).clone()
        found = [train_step(model, sgd, x, y) for x, y in data]
        assert model.training == (seed % 2 == 0), "input: its mode"
        for now, then in zip(data, kept):
            assert all(map(torch.equal, now, then)), "input"
            assert not any(t.requires_grad for t in now), "input"
        assert None not in found, "returns"
        for came in found:
            graph = isinstance(came, torch.Tensor) and came.requires_grad
            assert not graph, "type: a tensor with its graph"
            assert hasattr(came, "__float__"), "type"
        assert not same(flatten(model), start), "still"
        names = "broadcast", "stale", "sum"
        for options in sorted(product([True, False], repeat=3), key=sum):
            if all(options) or n == 1 and not all(options[::2]):
                continue  # one row hides it
            slip = names[options.index(False)]
            other = run(seed, data, *options)[1]
            assert not same(flatten(model), other), slip
        late = run(seed, data, late=True)[1]
        assert not same(flatten(model), late), "stale: in the first step"
        losses, weights = run(seed, data)
        assert same(flatten(model), weights), "value: weights"
        for came, right in zip(found, losses):
            later = not math.isclose(came, right, rel_tol=1e-9)
            if later and n > 1:
                total = math.isclose(came, n * right, rel_tol=1e-9)
                assert not total, "sum: what is returned"
            assert not later, f"value: {came}"
            assert not isinstance(came, torch.Tensor), "type"


# %% exr-debugging-evaluate
def test_debugging_evaluate(exercise):
    validate = exercise.validate

    import copy
    import math

    import torch
    from torch import nn
    from torch.nn import functional as F


    during, graphs = [], []  # of a model and of its copies


    class Watched(nn.Module):
        """A net that notes its modes, and whether graphs are built."""

        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5),
                nn.Linear(6, 3),
            )

        def forward(self, x):
            during.extend(part.training for part in self.modules())
            z = self.body(x)
            graphs.append(z.requires_grad)
            return z


    def data(seed, sizes):
        """Return batches of these sizes, the same for each seed."""
        g = torch.Generator().manual_seed(seed)
        return [(torch.randn(n, 4, generator=g) * 2,
                 torch.randint(3, (n,), generator=g)) for n in sizes]


    for seed, sizes, frozen, training in [
        (0, [5, 5, 3], (), True), (1, [1, 7], (1,), True),
        (2, [6], (0, 1, 2, 3), False), (3, [], (), True),
    ]:
        torch.manual_seed(seed)
        model = Watched()
        nn.init.normal_(model.body[1].running_mean)
        model.train(training)
        for k in frozen:
            model.body[k].eval()
        model.body[3].bias.requires_grad_(seed % 2 == 0)
        needs = [p.requires_grad for p in model.parameters()]
        during.clear()
        graphs.clear()
        batches = data(seed, sizes)
        kept = [(x.clone(), y.clone()) for x, y in batches]
        state = copy.deepcopy(model.state_dict())
        modes = [part.training for part in model.modules()]
        found = validate(model, iter(batches))
        assert found is not None, "returns"
        assert hasattr(found, "__len__"), "type"
        for now, then in zip(batches, kept):
            assert all(map(torch.equal, now, then)), "input"
        assert not any(during), "mode: while it computes"
        now = [part.training for part in model.modules()]
        assert now == modes, "mode: afterward"
        for name, value in model.state_dict().items():
            assert torch.equal(value, state[name]), f"mode: {name}"
        for p, need in zip(model.parameters(), needs):
            assert p.requires_grad == need, "graph: requires_grad"
            assert p.grad is None, "graph: gradients"
        assert not any(graphs), "graph"
        assert len(found) == len(sizes), f"shape: {len(found)} numbers"
        with torch.no_grad():
            scores = [model.eval()(x) for x, _ in batches]
        for came, z, (_, y) in zip(found, scores, batches):
            assert hasattr(came, "__float__"), "type"
            right = F.cross_entropy(z, y).item()
            twice = F.cross_entropy(z.softmax(dim=-1), y).item()
            near = {"rel_tol": 1e-5}
            assert not math.isclose(came, twice, **near), "twice"
            total = right * len(y)
            if len(y) > 1:
                assert not math.isclose(came, total, **near), "sum"
            assert math.isclose(came, right, **near), f"value: {came}"
            assert not isinstance(came, torch.Tensor), "type"


# %% exr-debugging-shuffle
def test_debugging_shuffle(exercise):
    epoch_by_hand = exercise.epoch_by_hand

    import torch
    from torch.nn import functional as F
    from torch.overrides import TorchFunctionMode


    class AsOnGPU(TorchFunctionMode):
        """Refuses what passes on meta and would fail on a GPU."""

        moves = torch.Tensor.to, torch.Tensor.copy_, torch.Tensor.type_as
        index = torch.Tensor.__getitem__, torch.Tensor.__setitem__

        def __torch_function__(self, f, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            if f is torch.randperm and "generator" in kwargs:
                device = torch.device(kwargs.get("device") or "cpu")
                assert device.type == "cpu", "device: of the generator"
            parts = [*args, *kwargs.values()]
            parts += [p for part in parts if isinstance(part, (tuple, list))
                      for p in part]
            parts = [p for p in parts if isinstance(p, torch.Tensor)]
            near = any(p.dim() and not p.is_meta for p in parts)
            if near and any(p.is_meta for p in parts) and (
                f not in self.moves
            ):
                fits = f in self.index and args[0].is_meta
                assert fits, "device: some are on the CPU"
            return f(*args, **kwargs)


    def call(w, x, y, lr, seed):
        """Call the reader's function; name what it fails with."""
        g = torch.Generator().manual_seed(seed)
        try:
            with AsOnGPU():
                return epoch_by_hand(w, x, y, lr, g)
        except RuntimeError as error:
            assert "leaf" not in str(error), f"leaf: {error}"
            where = "device" in str(error) or "meta" in str(error)
            assert not where, f"device: {error}"
            raise


    def right(w, x, y, lr, orders, fresh=True):
        """Return w after an epoch: row orders of x and y, then steps."""
        w, g = w.detach().clone(), torch.zeros_like(w)
        for a, b in zip(*(order.split(32) for order in orders)):
            t = F.one_hot(y[b], w.shape[1]).to(w)
            new = 2 * x[a].T @ (x[a] @ w - t) / len(a)
            g = new if fresh else g + new
            w -= lr * g
        return w


    def near(a, b):
        return torch.allclose(a.detach(), b, rtol=1e-4, atol=1e-6)


    for seed, n, d, k, dtype in [
        (0, 80, 4, 3, torch.float64), (1, 32, 3, 2, torch.float32),
        (2, 7, 5, 4, torch.float64), (3, 65, 2, 6, torch.float32),
    ]:
        g = torch.Generator().manual_seed(100 + seed)
        x = torch.randn(n, d, generator=g).to(dtype)
        y = torch.randint(k, (n,), generator=g)
        w = torch.randn(d, k, generator=g).to(dtype).requires_grad_()
        start, kept = w.detach().clone(), (x.clone(), y.clone())
        came = call(w, x, y, 0.05, seed)
        assert torch.equal(x, kept[0]) and torch.equal(y, kept[1]), "input"
        assert came is None, "returns: nothing is to be returned"
        assert w.requires_grad and w.is_leaf, "leaf: w isn't one any more"
        assert w.dtype == dtype, f"dtype: {w.dtype}"
        assert not torch.equal(w.detach(), start), "still"
        assert w.grad is None or not w.grad.any(), "stale: afterward"
        g = torch.Generator().manual_seed(seed)
        first, second = (torch.randperm(n, generator=g) for _ in range(2))
        wanted = right(start, x, y, 0.05, (first, first))
        if not near(w, wanted):
            for pair in ((first, second), (second, first)):
                apart = right(start, x, y, 0.05, pair)
                assert not near(w, apart), "apart"
            stale = right(start, x, y, 0.05, (first, first), fresh=False)
            assert not near(w, stale), "stale"
        assert near(w, wanted), "value"
    with torch.device("meta"):
        w = torch.zeros(4, 3, requires_grad=True)
        x, y = torch.zeros(40, 4), torch.zeros(40, dtype=torch.int64)
    call(w, x, y, 0.1, 0)


# %% exr-debugging-diagnose
def test_debugging_diagnose(exercise):
    diagnose = exercise.diagnose

    import copy

    import torch
    from torch import nn
    from torch.nn import functional as F


    def net(dead=0, second=0, norm=False):
        """Return a net whose ReLUs have so many dead units, of 8 each."""
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(5, 8), nn.BatchNorm1d(8) if norm else nn.Identity(),
            nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3),
        )
        with torch.no_grad():
            model[0].bias.fill_(1)
            model[0].bias[:dead] = -99
            model[3].bias.fill_(1)
            model[3].bias[:second] = -99
        return model


    def logs(z, y):  # nan in the gradient alone
        p = z.softmax(dim=-1)
        p = torch.where(p > 0, p.log(), 0 * p)
        return -p.gather(-1, y[:, None]).mean()


    def formula(z, y):  # nan in the value as well
        p = z.softmax(dim=-1)
        return -(F.one_hot(y, 3) * p.log()).sum(dim=-1).mean()


    def column(z, y):  # nan in the gradient of one column alone
        zero = (z[:, 0] - z[:, 0].detach()).square().sum()
        return F.cross_entropy(z, y) + zero.sqrt()


    def root(z, y):  # inf in the gradient alone
        zero = z[:, 0] - z[:, 0].detach()
        return F.cross_entropy(z, y) + zero.sqrt().sum()


    def endless(z, y):  # inf in the value alone
        return F.cross_entropy(z, y) + torch.inf


    class Mask(nn.Module):
        """Puts out zeros in most columns, and is no ReLU."""

        def forward(self, x):
            return x * torch.tensor([1.0, 1, 0, 0, 0])


    def thin(model, k):
        """Make a layer's weight so short that its step is too long."""
        with torch.no_grad():
            model[k].weight.mul_(1e-3)
        return model


    def edge(model, loss, x, y):
        """Return the lr from which a weight moves by over a tenth."""
        twin = copy.deepcopy(model)
        loss(twin(x), y).backward()
        return min((0.1 * p.norm() / p.grad.norm()).item()
                   for p in twin.parameters()
                   if p.dim() > 1 and p.grad is not None and p.grad.any())


    def sure(model):
        """Make the scores so large that the softmax has zeros."""
        with torch.no_grad():
            model[5].weight.mul_(1e4)
        return model


    g = torch.Generator().manual_seed(1)
    x = torch.randn(20, 5, generator=g)
    y = torch.randint(3, (20,), generator=g)
    y[0] = 2
    few = net()  # zero here and there, and on all rows but one
    with torch.no_grad():
        few[0].bias.fill_(-0.2)
        few[0].weight.copy_(torch.eye(8, 5) + 0.4)
    x[0] = 3
    held, last, loose, still = net(), net(), net(), net(dead=8)
    held[5].requires_grad_(False)
    last[:5].requires_grad_(False)
    loose.register_parameter("unused", nn.Parameter(torch.ones(2, 2)))
    tip, deaf = net(), net(dead=5)
    tip.requires_grad_(False)
    tip[5].bias.requires_grad_(True)
    deaf[0].requires_grad_(False)
    far = net(norm=True)  # whose running mean is far from the batch's
    far[1].running_mean.fill_(99)
    bare = net()
    bare[5] = nn.Linear(8, 3, bias=False)
    ends = nn.Sequential(*net(second=5)[:5])
    with torch.no_grad():
        still[0].weight.fill_(0)  # short, and doesn't move either
    cases = [
        ("healthy", net(), F.cross_entropy, 0.5, set()),
        ("rows", few, F.cross_entropy, 0.5, set()),
        ("rate", net(), F.cross_entropy, 1.02, {"rate"}),
        ("rate", net(), F.cross_entropy, 0.98, set()),
        ("rate", held, F.cross_entropy, 1.02, {"rate"}),
        ("rate", held, F.cross_entropy, 0.98, set()),
        ("dead", net(dead=5), F.cross_entropy, 0.5, {"dead"}),
        ("dead", net(second=5), F.cross_entropy, 0.5, {"dead"}),
        ("half", net(dead=4, second=4), F.cross_entropy, 0.5, set()),
        ("dead", net(dead=6), F.cross_entropy, 1.5, {"dead", "rate"}),
        ("nan", sure(net()), logs, 1e-9, {"nan"}),
        ("nan", sure(net()), formula, 1e-9, {"nan"}),
        ("nan", last, column, 1e-9, {"nan"}),
        ("nan", tip, root, 1e-9, {"nan"}),
        ("dead", deaf, F.cross_entropy, 0.5, {"dead"}),
        ("rate", thin(net(), 0), F.cross_entropy, 1.02, {"rate"}),
        ("rate", thin(bare, 5), F.cross_entropy, 1.02, {"rate"}),
        ("rate", still, F.cross_entropy, 1e-9, {"dead"}),
        ("healthy", nn.Sequential(Mask(), *net()), F.cross_entropy, 0.5,
         set()),
        ("dead", ends, F.cross_entropy, 0.5, {"dead"}),
        ("dead", nn.Sequential(net(dead=5)), F.cross_entropy, 0.5,
         {"dead"}),
        ("only", sure(net(dead=6)), logs, 1e9, {"nan"}),
        ("left", net(norm=True), F.cross_entropy, 0.5, set()),
        ("left", net(norm=True).eval(), F.cross_entropy, 0.5, set()),
        ("healthy", loose, F.cross_entropy, 0.5, set()),
        ("nan", net(), endless, 1e-9, {"nan"}),
        ("mode", far, F.cross_entropy, 0.5, set()),
        ("mode", copy.deepcopy(far).eval(), F.cross_entropy, 0.5, {"dead"}),
    ]
    for slip, model, loss, lr, wanted in cases:
        if 0.1 < lr < 2:
            lr *= edge(model, loss, x, y)
        for p in model.parameters():
            p.grad = torch.full_like(p, 7.0)
        kept = copy.deepcopy(model.state_dict())
        needs = [p.requires_grad for p in model.parameters()]
        modes = [part.training for part in model.modules()]
        rows = x.clone(), y.clone()
        found = diagnose(model, loss, x, y, lr)
        assert torch.equal(x, rows[0]) and torch.equal(y, rows[1]), "input"
        assert not x.requires_grad, "input"
        assert found is not None, "returns"
        assert isinstance(found, (set, frozenset, list, tuple)), "type"
        for name, value in model.state_dict().items():
            assert torch.equal(value, kept[name]), f"left: {name}"
        for p, need in zip(model.parameters(), needs):
            assert p.requires_grad == need, "left: requires_grad"
            seven = p.grad is not None and (p.grad == 7).all()
            assert seven, "left: gradients"
        for part, mode in zip(model.modules(), modes):
            assert part.training == mode, "left: the mode"
            assert not part._forward_hooks, "left: hooks"
            assert not part._forward_pre_hooks, "left: hooks"
        if set(found) != wanted:
            unsure = set(found) ^ wanted
            if slip in ("healthy", "left"):
                slip = sorted(unsure)[0]
            assert slip not in ("dead", "rate", "nan") or slip in unsure, (
                f"{sorted(unsure)[0]}: {sorted(found)}")
        assert set(found) == wanted, f"{slip}: {sorted(found)}"
