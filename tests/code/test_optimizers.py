"""optimizers against torch.optim, and the chapter's claims about torch itself.

Everything is float64 unless a test says otherwise. Both sides apply the same rule but may
group products differently, so that paths of some dozen steps agree to 1e-10, absolute and
relative to the size of the weights.
"""

import inspect
import math
import warnings

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torchbook import optimizers
from torchbook.optimizers import SGD, Adagrad, Adam, Optimizer, RMSprop, train_with
from torchbook.two_layer_net import make_data, train_by_hand, two_layer_net

CLOSE = {"rtol": 1e-10, "atol": 1e-10}  # rounding only

# A device does not change between the examples of one test.
with_device = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)

rates = st.floats(1e-4, 1.0)
# None at all or one that counts: torch takes away what an average forgets; where a millionth
# is kept, ten digits of it are left (and then divided by a tiny eps).
betas = st.one_of(st.just(0.0), st.floats(0.01, 0.999))
tiny = st.sampled_from([1e-10, 1e-8, 1e-3])

cases = st.one_of(
    st.tuples(st.just(SGD), st.fixed_dictionaries({"lr": rates, "momentum": betas})),
    st.tuples(
        st.just(SGD),
        st.fixed_dictionaries(
            {"lr": rates, "momentum": st.floats(0.01, 0.99), "nesterov": st.just(True)}
        ),
    ),
    st.tuples(st.just(Adagrad), st.fixed_dictionaries({"lr": rates, "eps": tiny})),
    st.tuples(
        st.just(RMSprop), st.fixed_dictionaries({"lr": rates, "alpha": betas, "eps": tiny})
    ),
    st.tuples(
        st.just(Adam),
        st.fixed_dictionaries({"lr": rates, "betas": st.tuples(betas, betas), "eps": tiny}),
    ),
)
# For each step a gradient of either parameter: None, all zero, or numbers of a size.
gradients = st.one_of(st.none(), st.just(0.0), st.sampled_from([1e-4, 1.0, 1e4]))
journeys = st.lists(st.tuples(gradients, gradients), min_size=1, max_size=25)


def theirs(ours):
    """The class of torch.optim with the same name."""
    return getattr(torch.optim, ours.__name__)


def travel(rule, options, journey, device):
    """The two parameters after each step of the journey, in one tensor."""
    generator = torch.Generator().manual_seed(0)
    double = {"dtype": torch.float64}
    params = [
        torch.randn(shape, generator=generator, **double).to(device).requires_grad_()
        for shape in ((2, 3), (4,))
    ]
    optimizer, seen = rule(params, **options), []
    for sizes in journey:
        optimizer.zero_grad()
        for p, size in zip(params, sizes, strict=True):
            drawn = torch.randn(p.shape, generator=generator, **double).to(device)
            p.grad = None if size is None else size * drawn
        optimizer.step()
        seen.append(torch.cat([p.detach().flatten() for p in params]))
    return torch.stack(seen)


@with_device
@given(cases, journeys)
def test_steps_agree_with_torch(device, case, journey):
    rule, options = case
    ours = travel(rule, options, journey, device)
    torch.testing.assert_close(ours, travel(theirs(rule), options, journey, device), **CLOSE)


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam])
def test_defaults_are_those_of_torch(rule):
    ours = inspect.signature(rule).parameters
    torchs = inspect.signature(theirs(rule)).parameters
    for name in ours.keys() - {"params"}:
        assert ours[name].default == torchs[name].default, name


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam])
@pytest.mark.parametrize("lr", [1e-3, 1e-2])
def test_the_net_trains_as_with_torch(rule, lr, device):
    x, y = make_data(device=device)
    losses = []
    for make in (rule, theirs(rule)):
        torch.manual_seed(0)
        model = two_layer_net().to(device)
        losses.append(train_with(make(model.parameters(), lr=lr), model, x, y, 20))
    # float32, twenty steps: rounding of 1e-7 grows along the way
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert losses[0][-1] < losses[0][0]


def test_plain_descent_is_training_by_hand(device):
    x, y = make_data(device=device)
    torch.manual_seed(0)
    model = two_layer_net().to(device)
    by_hand = train_by_hand(model, x, y, lr=0.1, steps=20)
    for rule in (Optimizer, SGD, torch.optim.SGD):
        torch.manual_seed(0)
        model = two_layer_net().to(device)
        losses = train_with(rule(model.parameters(), lr=0.1), model, x, y, 20)
        assert len(losses) == 21
        assert losses[:-1] == pytest.approx(by_hand, rel=1e-4)  # float32


def test_without_parameters_it_raises():
    params = iter([torch.zeros(1, requires_grad=True)])
    list(params)  # used up
    for rule in (Optimizer, SGD, Adam, torch.optim.SGD):
        with pytest.raises(ValueError):
            rule(params, lr=0.1)


def test_a_generator_serves_all_steps():
    net = torch.nn.Linear(2, 2)
    optimizer = SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        before = net.weight.detach().clone()
        net(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        assert not torch.equal(before, net.weight)


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam])
def test_the_gradient_itself_is_left_alone(rule):
    w = torch.ones(3, requires_grad=True)
    optimizer = rule([w], lr=0.1)
    for _ in range(3):
        w.grad = torch.tensor([1.0, -2.0, 3.0])
        optimizer.step()
        assert w.grad.tolist() == [1.0, -2.0, 3.0]
        assert w.is_leaf and w.requires_grad


def test_every_public_class_is_compared():
    public = {
        name
        for name, thing in vars(optimizers).items()
        if inspect.isclass(thing) and issubclass(thing, Optimizer)
    }
    assert public == {"Optimizer", "SGD", "Adagrad", "RMSprop", "Adam"}


# What the chapter says of torch


def first_steps(rule, gradient, count=1, **options):
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = theirs(rule)([w], **options)
    w.grad = torch.full_like(w, gradient)
    lengths = []
    for _ in range(count):
        before = w.item()
        optimizer.step()
        lengths.append(before - w.item())
    return lengths


@pytest.mark.parametrize("gradient", [0.01, 1.0, 100.0])
def test_lengths_of_steps_down_a_fixed_slope(gradient):
    expected = {
        SGD: [0.01 * gradient] * 1000,
        Adagrad: [0.01 / math.sqrt(t) for t in range(1, 1001)],
        RMSprop: [0.01 / math.sqrt(1 - 0.99**t) for t in range(1, 1001)],
        Adam: [0.01] * 1000,
    }
    for rule, lengths in expected.items():
        # eps is 1e-6 of the smallest gradient, and RMSprop's root is a tenth of that
        found = first_steps(rule, gradient, 1000, lr=0.01)
        assert found == pytest.approx(lengths, rel=2e-5), rule


def test_momentum_multiplies_downhill_steps():
    for momentum in (0.0, 0.5, 0.9):
        last = first_steps(SGD, 1.0, 300, lr=0.1, momentum=momentum)[-1]
        assert last == pytest.approx(0.1 / (1 - momentum), rel=1e-9)


@pytest.mark.parametrize("rule", [Adagrad, RMSprop, Adam])
def test_adaptive_rules_do_not_see_the_scale_of_the_loss(rule):
    ends = []
    for scale in (1.0, 1000.0):
        w = torch.zeros(1, requires_grad=True)
        optimizer = theirs(rule)([w], lr=0.1)
        for _ in range(30):
            optimizer.zero_grad()
            (scale * (w - 3) ** 2 / 2).sum().backward()
            optimizer.step()
        ends.append(w.item())
    assert ends[0] == pytest.approx(ends[1], rel=1e-5)


@pytest.mark.parametrize(
    ("rule", "options", "turns"),
    [
        (SGD, {"lr": 0.05}, True),
        (SGD, {"lr": 0.05, "momentum": 0.8}, True),
        (Adagrad, {"lr": 1.0}, False),
        (RMSprop, {"lr": 0.1}, False),
        (Adam, {"lr": 0.5}, False),
    ],
)
def test_which_paths_turn_with_the_map(rule, options, turns):
    c = math.cos(math.pi / 4)
    turn = torch.tensor([[c, -c], [c, c]], dtype=torch.float64)
    curve = torch.tensor([1.0, 20.0], dtype=torch.float64)
    paths = []
    for q in (torch.eye(2, dtype=torch.float64), turn):
        w = (q @ torch.tensor([-4.0, 1.2], dtype=torch.float64)).requires_grad_()
        optimizer, path = theirs(rule)([w], **options), []
        for _ in range(20):
            optimizer.zero_grad()
            (curve * (q.T @ w) ** 2 / 2).sum().backward()
            optimizer.step()
            path.append(q.T @ w.detach())
        paths.append(torch.stack(path))
    assert torch.allclose(*paths, rtol=0, atol=1e-9) == turns


def net_losses(order, steps=10):
    x, y = make_data()
    torch.manual_seed(0)
    model = two_layer_net()
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=1e-3), []
    for _ in range(steps):
        loss = torch.nn.functional.mse_loss(model(x), y)
        losses.append(loss.item())
        for name in order.split():
            getattr(loss if name == "backward" else optimizer, name)()
    return losses


def test_zeroing_before_backward_or_after_step_is_the_same():
    usual = net_losses("zero_grad backward step")
    assert net_losses("backward step zero_grad") == usual
    assert usual[-1] < usual[0]


def test_zeroing_between_backward_and_step_learns_nothing():
    losses = net_losses("backward zero_grad step")
    assert len(set(losses)) == 1


def test_gradients_accumulate_without_zeroing():
    assert net_losses("backward step")[2:] != net_losses("zero_grad backward step")[2:]
    w = torch.ones(1, requires_grad=True)
    for k in range(1, 4):
        (5 * w).sum().backward()
        assert w.grad.item() == 5 * k


@pytest.mark.parametrize("rule", [SGD, torch.optim.SGD, Adam, torch.optim.Adam])
def test_zero_grad_sets_none(rule):
    w = torch.ones(1, requires_grad=True)
    w.sum().backward()
    rule([w], lr=0.1).zero_grad()
    assert w.grad is None


@pytest.mark.parametrize(("to_none", "after"), [(True, 0.9), (False, 0.81)])
def test_none_is_skipped_and_zero_is_not(to_none, after):
    w = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
    w.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=to_none)
    optimizer.step()
    assert w.item() == pytest.approx(after)


def test_a_new_adam_at_each_step_only_sees_signs():
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    for _ in range(4):
        optimizer = torch.optim.Adam([w], lr=0.1)
        w.grad = torch.tensor([0.01, -1.0, 100.0], dtype=torch.float64)
        optimizer.step()
    assert w.tolist() == pytest.approx([-0.4, 0.4, -0.4], rel=1e-5)


@pytest.mark.parametrize(("share", "times"), [(1 / 4, 1), (1, 4)])
def test_parts_of_a_batch_add_up_to_the_whole_if_each_has_its_share(share, times):
    x, y = make_data()
    torch.manual_seed(0)
    model = two_layer_net()
    mse = torch.nn.functional.mse_loss
    mse(model(x), y).backward()
    whole = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    for part, target in zip(x.split(16), y.split(16), strict=True):
        (share * mse(model(part), target)).backward()
    for p, grad in zip(model.parameters(), whole, strict=True):
        torch.testing.assert_close(p.grad, times * grad, rtol=1e-4, atol=1e-6)  # float32


def step_rates(order, count=5):
    w = torch.zeros(1, requires_grad=True)
    optimizer, used = torch.optim.SGD([w], lr=0.1), []
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    w.sum().backward()
    for _ in range(count):
        for thing in order:
            if thing == "optimizer":
                used.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
            else:
                scheduler.step()
    return used


def test_the_scheduler_steps_after_the_optimizer():
    right = step_rates(["optimizer", "scheduler"])
    assert right == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        wrong = step_rates(["scheduler", "optimizer"])
    assert wrong == pytest.approx([0.1, 0.01, 0.01, 0.001, 0.001])  # one of the 0.1 is lost
    assert any("lr_scheduler.step()" in str(w.message) for w in caught)


@pytest.mark.parametrize("h", [1.0, 20.0])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_largest_rate_on_a_parabola(h, momentum):
    ends = []
    for share in (0.98, 1.02):
        w = torch.ones(1, dtype=torch.float64, requires_grad=True)
        lr = share * 2 * (1 + momentum) / h
        optimizer = torch.optim.SGD([w], lr=lr, momentum=momentum)
        for _ in range(1500):
            w.grad = h * w.detach()
            optimizer.step()
        ends.append(abs(w.item()))
    assert ends[0] < 1e-3 and ends[1] > 1e3


@pytest.mark.parametrize("degrees", [0, 20, 45, 90])
def test_turning_the_valley_keeps_the_condition_number(degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def valley(w):
        along, across = c * w[0] + s * w[1], c * w[1] - s * w[0]
        return (along**2 + 20 * across**2) / 2

    at = torch.zeros(2, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(valley, at)
    assert torch.linalg.eigvalsh(hessian).tolist() == pytest.approx([1, 20])
    assert torch.linalg.cond(hessian).item() == pytest.approx(20)
    if degrees == 45:
        assert hessian.diag().tolist() == pytest.approx([10.5, 10.5])


@pytest.mark.parametrize("heavy", [False, True])
def test_the_condition_number_says_how_fast_the_best_rate_is(heavy):
    """Per step the distance shrinks by (k - 1) / (k + 1), by that of the root with momentum."""
    low, high = 1.0, 20.0
    root = math.sqrt(high / low)
    best = {"lr": 2 / (low + high)}
    wanted = (high - low) / (high + low)
    if heavy:
        wanted = (root - 1) / (root + 1)
        best = {"lr": 4 / (math.sqrt(low) + math.sqrt(high)) ** 2, "momentum": wanted**2}
    curve = torch.tensor([low, high], dtype=torch.float64)
    w = torch.ones(2, dtype=torch.float64, requires_grad=True)
    optimizer, sizes = torch.optim.SGD([w], **best), []
    for _ in range(400):
        w.grad = curve * w.detach()
        optimizer.step()
        sizes.append(w.detach().norm().item())
        if sizes[-1] < 1e-250:
            break
    last = len(sizes)
    shrink = (sizes[last - 1] / sizes[last // 2]) ** (1 / (last - 1 - last // 2))
    assert shrink == pytest.approx(wanted, abs=0.01)


def test_rmsprop_does_not_come_to_rest():
    curve = torch.tensor([1.0, 20.0])
    w = torch.tensor([-4.0, 1.2], requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=0.1, alpha=0.9)
    for _ in range(200):
        before = w.detach().clone()
        w.grad = curve * before
        optimizer.step()
    assert (w - before).abs().tolist() == pytest.approx([0.1, 0.1], rel=0.1)


@pytest.mark.parametrize(
    ("rule", "lr", "low", "high"),
    [
        (torch.optim.SGD, 0.3, 0.03, 0.2),
        (torch.optim.RMSprop, 3e-4, 0.03, 0.2),
        (torch.optim.Adam, 3e-3, 0.03, 0.2),
        (torch.optim.SGD, 1e-3, 1e-4, 4e-4),
        (torch.optim.RMSprop, 1e-2, 5, 6),
        (torch.optim.Adam, 0.1, 5, 6),
    ],
)
def test_what_share_of_the_weights_the_first_step_changes(rule, lr, low, high):
    x, y = make_data()
    torch.manual_seed(0)
    model = two_layer_net()
    before = model[0].weight.detach().clone()
    train_with(rule(model.parameters(), lr=lr), model, x, y, 1)
    assert low < ((model[0].weight - before).norm() / before.norm()).item() < high


@pytest.mark.parametrize("limit", [None, 1.0])
def test_one_bad_row_ruins_training_unless_it_is_clipped(limit):
    x, y = make_data()
    torch.manual_seed(0)
    model, norms = two_layer_net(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(1, 61):
        target = y.clone()
        if step == 20:
            target[0] *= 1000
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), target).backward()
        if limit is not None:
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item())
        optimizer.step()
    loss = torch.nn.functional.mse_loss(model(x), y).item()
    if limit is None:
        assert not loss < 1e9
    else:
        assert loss < 1e-3
        assert norms[19] > 100 * norms[18]


def test_muon_is_there_and_takes_matrices_only():
    torch.optim.Muon([torch.zeros(2, 3)])
    with pytest.raises(ValueError, match="2D"):
        torch.optim.Muon([torch.zeros(3)])


@pytest.mark.parametrize(("amsgrad", "drift"), [(False, 0.68), (True, None)])
def test_adam_climbs_where_amsgrad_descends(amsgrad, drift):
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.01, betas=(0.0, 0.1), amsgrad=amsgrad)
    turns = []
    for _ in range(30):
        for g in (3.0, -1.0, -1.0):
            w.grad = torch.full_like(w, g)
            optimizer.step()
        turns.append(w.item())
    last = (turns[-1] - turns[-2]) / 0.01
    if amsgrad:
        assert last < 0
    else:
        assert last == pytest.approx(drift, abs=0.005)
