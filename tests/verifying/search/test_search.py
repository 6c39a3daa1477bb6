"""Trees, climbs, slopes, differences, exact numbers and prices: each part of the search for an answer keeps its law."""

from __future__ import annotations

import copy
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgewise import KAN, InputError, StopReason
from edgewise._core.arrays import Floats
from edgewise._core.work import Meter, StopError, running
from edgewise.network.fitted import fitted
from edgewise.verifying.bounds.bounder import Lagrange, make_bounders, rows_program
from edgewise.verifying.bounds.chain import Chain, derivative_spans
from edgewise.verifying.bounds.cuts import Split
from edgewise.verifying.bounds.differential import Differential
from edgewise.verifying.bounds.exact import exact_model
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.domain.change_cost import prices_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, Group, drawn, place
from edgewise.verifying.domain.goals import OutputBounds, OutputTerm, Slope
from edgewise.verifying.domain.space import Subdomains, draw, living, make_space, whole
from edgewise.verifying.results.verdicts import ended_by
from edgewise.verifying.results.witness import GoalEvaluator, moved
from edgewise.verifying.search.answers import teller
from edgewise.verifying.search.attack import Excess, attack, into
from edgewise.verifying.search.tree import Tree, evidence, halves
from tests.verifying.certificate_kit import domain, network


def inside(part: Subdomains, x: Floats, at: int = 0) -> NDArray[np.bool_]:
    """Which rows keep the limits of a part's inputs."""
    return ((x >= part.low[at]) & (x <= part.high[at])).all(1)


def made(shape: tuple[int, ...], seed: int) -> tuple[KAN, Domain, np.random.Generator]:
    rng = np.random.default_rng([*shape, seed])
    return network(shape, rng, degree=int(rng.integers(1, 4))).double(), domain(shape[0], rng), rng


@given(seed=st.integers(0, 50), at=st.floats(-1.5, 1.5))
def test_a_split_part_loses_no_row_and_gains_none(seed: int, at: float) -> None:
    _, where, rng = made((3, 2, 1), seed)
    space = make_space(where, 3)
    root = whole(space, 2)
    x = draw(space, 200, root, rng)
    for split in (Split("input", 0, at), Split("cells", 2, cells=(0, 2))):
        low, high = halves(space, root, split)
        sides = [
            inside(side, x) & (living(space, side)[0][space.first[2] + x[:, 2].astype(int)])
            for side in (low, high)
        ]
        assert (sides[0] | sides[1]).all()
        both = sides[0] & sides[1]
        assert (x[both, 0] == at).all() if split.kind == "input" else not both.any()
    low, high = halves(space, root, Split("node", 1, at))
    assert (low.node_high[0, 1], high.node_low[0, 1]) == (at, at)


@settings(max_examples=8, deadline=None)
@given(shape=st.sampled_from([(3, 4, 1), (3, 2, 2, 1)]), seed=st.integers(0, 50))
def test_a_growing_tree_never_raises_its_bound_and_covers_every_row(
    shape: tuple[int, ...], seed: int
) -> None:
    net, where, rng = made(shape, seed)
    space = make_space(where, shape[0])
    program = rows_program((exact_model(net),), space, OutputBounds(((OutputTerm(0),),), (0.0,)))
    root = whole(space, program.nodes)
    x = draw(space, 2000, root, rng)
    y = net.predict(x)[:, 0]
    target = float(y.max()) + 0.02 * float(np.ptp(y))
    tree = Tree(Lagrange(program), target)
    tree.begin(root)
    bounds = [tree.upper]
    for _ in range(6):
        if not tree.open:
            break
        tree.grow()
        bounds.append(tree.upper)
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] >= y.max()
    assert len(evidence(tree, [])["tree"]) == len(tree.nodes) == 2 * tree.leaves - 1
    # Rows above what is closed lie in a part that is still open, whose bound is above them.
    for k in np.flatnonzero(y > tree.closed):
        found = [
            item.bound
            for _, _, item in tree.open
            if inside(item.part, x[k : k + 1])[0]
            and living(space, item.part)[0][space.first[2] + int(x[k, 2])]
        ]
        assert max(found) >= y[k] - 1e-9


@settings(max_examples=10)
@given(shape=st.sampled_from([(3, 1), (3, 4, 1), (3, 3, 2, 2)]), seed=st.integers(0, 50))
def test_excesses_are_the_networks_and_climbing_never_lowers_them(shape: tuple[int, ...], seed: int) -> None:
    net, where, rng = made(shape, seed)
    space, part = make_space(where, 3), whole(make_space(where, 3), 0)
    goal = OutputBounds(
        ((OutputTerm(0, 1.0, 0, (2, 1)), OutputTerm(0, -1.0)), (OutputTerm(shape[-1] - 1),)), (0.1, 0.3)
    )
    excess = Excess((exact_model(net),), space, goal)
    x = draw(space, 60, part, rng)
    assert place(where, x).all()
    y, there = net.predict(x), net.predict(moved(x, where, (2, 1)))
    want = np.minimum(there[:, 0] - y[:, 0] - 0.1, y[:, -1] - 0.3)
    np.testing.assert_allclose(excess(x), want, atol=1e-9)
    np.testing.assert_allclose(excess(x, x[0]), want, atol=1e-9)
    np.testing.assert_allclose(GoalEvaluator([net]).excess(goal, where, x), want, atol=1e-9)
    top, value = attack(excess, part, x[0], until=np.inf)
    assert value >= excess(x[:1])[0]
    assert place(where, top[None])[0]
    assert value == pytest.approx(GoalEvaluator([net]).excess(goal, where, top[None])[0], abs=1e-9)
    far = x + rng.normal(size=x.shape)
    near = into(space, far, part)
    assert place(where, near).all()
    np.testing.assert_array_equal(into(space, near, part), near)


@settings(max_examples=10, deadline=None)
@given(shape=st.sampled_from([(3, 1), (3, 4, 1), (3, 3, 2, 1)]), seed=st.integers(0, 50))
def test_slopes_lie_in_their_spans(shape: tuple[int, ...], seed: int) -> None:
    net, where, rng = made(shape, seed)
    model, space = exact_model(net), make_space(where, 3)
    root = whole(space, 0)
    x = draw(space, 300, root, rng)
    z = torch.from_numpy(x).requires_grad_()
    first = net.sums(z)[0]
    low, high = derivative_spans(model, space, root, 0)
    for k in range(first.shape[1]):
        (slope,) = torch.autograd.grad(first[:, k].sum(), z, retain_graph=True)
        scaled = slope[:, 0].numpy() * model.scale[0]
        assert (scaled >= low[0, k] - 1e-9).all()
        assert (scaled <= high[0, k] + 1e-9).all()
    (slope,) = torch.autograd.grad(net(z)[:, 0].sum(), z)
    assert GoalEvaluator([net]).slope(Slope(0, 0, 1, 0.0), x) == pytest.approx(slope[:, 0].numpy())
    goal = Slope(0, 0, 1, 0.25)
    (way,) = make_bounders((model,), space, goal, root)
    assert isinstance(way, Chain) == (model.hidden != 1)
    made_part = whole(space, way.program.nodes)
    found, _ = way.solve([made_part], way.start()[None], -1e3, [None], warm=False)
    assert found[0].bound >= slope[:, 0].max().item() - 0.25 - 1e-9


@settings(max_examples=10)
@given(
    shape=st.sampled_from([(3, 2, 1), (3, 2, 2, 1)]),
    seed=st.integers(0, 50),
    size=st.sampled_from([0.0, 1e-6, 0.1]),
)
def test_differences_lie_in_paired_bounds_that_shrink_with_them(
    shape: tuple[int, ...], seed: int, size: float
) -> None:
    net, where, rng = made(shape, seed)
    other = copy.deepcopy(net)
    with torch.no_grad():
        for layer in other.layers:
            layer.coef.add_(size * torch.from_numpy(rng.normal(size=layer.coef.shape)))
    space = make_space(where, 3)
    goal = OutputBounds(((OutputTerm(0, 1.0, 0), OutputTerm(0, -1.0, 1)),), (0.0,))
    program = rows_program((exact_model(net), exact_model(other)), space, goal)
    part = whole(space, program.nodes)
    found, _ = Differential(program, part).solve([part], np.zeros((1, 0)), 0.0, [None], warm=False)
    x = draw(space, 500, part, rng)
    apart = net.predict(x)[:, 0] - other.predict(x)[:, 0]
    assert found[0].bound >= apart.max() - 1e-12
    if size == 0.0:
        assert found[0].bound == 0.0
    elif size < 1e-3:
        assert found[0].bound < 1e4 * size


def test_exact_numbers_have_the_sign_that_floats_cannot_tell() -> None:
    """At a knot a line-by-line function is a coefficient itself: one float more or less is told apart, and equal is zero."""
    net = KAN([1, 1], degree=1, intervals=4, seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef[0, :, 0] = torch.tensor([0.1, 0.7, -0.3, 0.2, 0.9], dtype=torch.float64)
    space = make_space(Domain((Group("x", (0,), (((-1.0, 1.0),),)),)), 1)

    def excess(bound: float, x: float) -> float:
        return exact_excess([net], space, OutputBounds(((OutputTerm(0),),), (bound,)), np.array([x]))

    assert excess(0.7, -0.5) == 0.0
    assert excess(float(np.nextafter(0.7, 0)), -0.5) > 0
    assert excess(float(np.nextafter(0.7, 1)), -0.5) < 0
    # Between knots: the line through two fractions.
    share = (Fraction(-0.4) + Fraction(1, 2)) * 2
    value = (1 - share) * Fraction(0.7) + share * Fraction(-0.3)
    assert excess(0.0, -0.4) == float(value)
    slope = exact_excess([net], space, Slope(0, 0, 1, 0.0), np.array([-0.4]))
    assert slope == float(2 * (Fraction(-0.3) - Fraction(0.7)))


@settings(max_examples=10)
@given(shape=st.sampled_from([(3, 1), (3, 3, 2)]), seed=st.integers(0, 50))
def test_exact_numbers_are_the_networks(shape: tuple[int, ...], seed: int) -> None:
    net, where, rng = made(shape, seed)
    space = make_space(where, 3)
    for x in draw(space, 3, whole(space, 0), rng):
        found = exact_excess([net], space, OutputBounds(((OutputTerm(shape[-1] - 1),),), (0.5,)), x)
        assert found == pytest.approx(net.predict(x[None])[0, -1] - 0.5, abs=1e-10)


@given(seed=st.integers(0, 50), limit=st.floats(0.01, 2.0))
def test_prices_are_a_distance_and_budgets_leave_out_no_row_they_allow(seed: int, limit: float) -> None:
    net = KAN([3, 1], seed=seed, input_names=["a", "b", "c"])
    columns, rng = Columns(fitted(net)), np.random.default_rng(seed)
    x, z = rng.uniform(-0.9, 0.9, (2, 3))
    space = prices_of(columns, x, None, (), {"b": 2.0}, None)
    rows = drawn(space.domain, 400, rng)
    price = space.cost_of(rows)
    assert space.cost_of(x[None])[0] == 0.0
    assert (price >= 0).all()
    # The ranges of the grids are 2 wide: a share of them, twice as much in the second column.
    np.testing.assert_allclose(price, np.abs(rows - x) @ [0.5, 1.0, 0.5], rtol=1e-9)
    assert space.most() >= price.max()
    back = prices_of(columns, z, None, (), {"b": 2.0}, None)
    assert back.cost_of(x[None])[0] == pytest.approx(space.cost_of(z[None])[0])
    assert (price <= space.cost_of(z[None])[0] + back.cost_of(rows) + 1e-12).all()
    assert place(space.within(limit), rows[price <= limit]).all()
    still = prices_of(columns, x, ["a"], (), None, None)
    assert (drawn(still.domain, 20, rng)[:, 1:] == x[1:]).all()


def test_all_callbacks_are_told_and_any_may_stop() -> None:
    heard: list[str] = []
    tell = teller(
        [lambda step: heard.append(step), lambda step: step == "b", lambda step: heard.append(step)]
    )
    tell("a")
    with pytest.raises(StopError) as caught:
        tell("b")
    assert heard == ["a", "a", "b", "b"]
    assert Meter().own(caught.value) is StopReason.CALLBACK
    with pytest.raises(InputError, match="'callbacks' argument"):
        teller([3])


def test_every_end_of_a_search_has_words() -> None:
    for reason in ("work_spent", "time_limit", "callback", "interrupted", "tied", "exhausted"):
        assert "1 of 3 parts" in ended_by(StopReason(reason), (1, 3))


def test_work_is_counted_by_operations() -> None:
    """The same steps cost the same, and rows twice as many more."""
    net, where, rng = made((3, 4, 1), 0)
    space = make_space(where, 3)
    excess = Excess((exact_model(net),), space, OutputBounds(((OutputTerm(0),),), (0.0,)))
    x = draw(space, 4000, whole(space, 0), rng)
    spent: list[float] = []
    for rows in (x[:2000], x[:2000], x):
        with running(Meter()) as meter:
            excess(rows)
        spent.append(meter.spent)
    assert spent[0] == spent[1] < spent[2] <= 2 * spent[0]
