"""Certified maxima: above every row, close to the best one, exact where networks are additive."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from edgewise import KAN, StopReason
from edgewise._core.work import Meter, running
from edgewise.verifying.bounds.exact import exact_model
from edgewise.verifying.domain.domain import Budget, CellCost, ChangeCost, Domain, Group
from edgewise.verifying.domain.goals import InputTerm, OutputBounds, OutputTerm
from edgewise.verifying.search.prove import prepare
from tests.verifying.proving import maximise, prove

Cells = tuple[tuple[tuple[float, float], ...], ...]


def network(shape: list[int], seed: int, degree: int = 3, size: float = 2.0) -> KAN:
    net = KAN(shape, seed=seed, degree=degree, dtype=torch.float64)
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.mul_(size)
            assert layer.bias is not None
            layer.bias.copy_(torch.from_numpy(random.normal(size=layer.bias.shape)))
        net.input_shift.copy_(torch.from_numpy(random.normal(size=shape[0])))
        net.input_scale.copy_(torch.from_numpy(random.uniform(0.3, 3, shape[0])))
        net.output_shift.fill_(0.7)
        net.output_scale.fill_(float(random.uniform(0.5, 5)))
    return net


def mixed_domain(net: KAN) -> Domain:
    """Intervals, codes, and a number with a flag (two inputs), as far as there are inputs."""
    shift, scale = net.input_shift.tolist(), net.input_scale.tolist()
    groups: list[Group] = []
    at = 0
    while at < len(shift):
        s, w = shift[at], scale[at]
        if at % 4 == 2 and at + 1 < len(shift):
            cells: Cells = (((s - w, s + 1.2 * w), (0.0, 0.0)), ((s, s), (1.0, 1.0)))
            groups.append(Group(f"flagged{at}", (at, at + 1), cells))
            at += 2
            continue
        cells = (
            (((s - 1.3 * w, s + w),),)
            if at % 4 != 1
            else tuple((((s + k * w / 2,) * 2),) for k in range(-1, 3))
        )
        groups.append(Group(f"x{at}", (at,), cells))  # pyright: ignore[reportArgumentType]
        at += 1
    return Domain(tuple(groups))


def sample(domain: Domain, count: int, seed: int) -> np.ndarray:
    """Random rows of a domain, drawn without the code under test."""
    random = np.random.default_rng(seed)
    x = np.zeros((count, sum(len(group.inputs) for group in domain.groups)))
    for group in domain.groups:
        which = random.integers(len(group.cells), size=count)
        for n, i in enumerate(group.inputs):
            ends = np.array([cell[n] for cell in group.cells])[which]
            share = random.uniform(size=count)
            x[:, i] = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * np.where(
                random.uniform(size=count) < 0.3, share.round(), share
            )
    return x


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_additive_networks_are_exact_and_cheap(degree: int) -> None:
    net = network([6, 2], seed=degree, degree=degree)
    domain = mixed_domain(net)
    prepared = prepare(net)
    terms = [OutputTerm(0, 1.0), OutputTerm(1, -0.5), InputTerm(0, 0.3)]
    with running(Meter()) as meter:
        bounds = maximise(prepared, domain, terms)
    assert meter.spent < 0.05
    # The best of each group on a fine grid, group by group: an oracle that shares nothing but additivity.
    x0 = sample(domain, 1, 0)[0]

    def total(x: np.ndarray) -> np.ndarray:
        y = net.predict(x)
        return y[:, 0] - 0.5 * y[:, 1] + 0.3 * x[:, 0]

    best = x0.copy()
    for group in domain.groups:
        rows: list[np.ndarray] = []
        for cell in group.cells:
            for point in itertools.product(*(np.linspace(a, b, 3001 if a < b else 1) for a, b in cell)):
                row = best.copy()
                row[list(group.inputs)] = point
                rows.append(row)
        found = total(np.array(rows))
        best = rows[int(found.argmax())]
    oracle = total(best[None])[0]
    assert oracle <= bounds.upper
    assert bounds.upper == pytest.approx(oracle, abs=2e-3)  # kinks lie between the points of the grid
    assert bounds.upper - bounds.lower < 1e-6
    assert bounds.leaves == 1
    assert bounds.witness is not None
    assert total(bounds.witness[None])[0] == pytest.approx(bounds.lower, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [[2, 8, 1], [4, 5, 1], [6, 4, 2], [3, 4, 3, 1], [2, 3, 2, 2, 1], [5, 1]])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_row_is_above_the_bound(shape: list[int], seed: int) -> None:
    net = network(shape, seed=seed, degree=1 + seed * 2)
    domain = mixed_domain(net)
    rows = sample(domain, 20_000, seed)
    y = net.predict(rows)
    for sign in (1.0, -1.0):
        bounds = maximise(net, domain, [OutputTerm(0, sign)], work=0.003, seed=seed)
        assert (sign * y[:, 0]).max() <= bounds.upper + 1e-9
        assert bounds.lower <= bounds.upper
        assert bounds.lower >= np.quantile(sign * y[:, 0], 0.98) - 1e-9
        assert bounds.witness is not None
        assert sign * net.predict(bounds.witness[None])[0, 0] == pytest.approx(bounds.lower, abs=1e-9)


@pytest.mark.slow
def test_fuzz_of_random_networks() -> None:
    random = np.random.default_rng(7)
    for k in range(40):
        depth = int(random.integers(1, 4))
        shape = [int(random.integers(1, 5)), *(int(random.integers(1, 4)) for _ in range(depth - 1)), 1]
        net = network(
            shape, seed=100 + k, degree=int(random.integers(1, 4)), size=float(random.choice([0.5, 2, 8]))
        )
        domain = mixed_domain(net)
        bounds = maximise(net, domain, [OutputTerm(0)], work=0.001, gap=0.02)
        assert net.predict(sample(domain, 4000, k)).max() <= bounds.upper + 1e-9, shape


def test_small_networks_come_within_one_percent() -> None:
    net = network([2, 8, 1], seed=4)
    domain = mixed_domain(net)
    bounds = maximise(net, domain, [OutputTerm(0)], gap=0.01)
    values = net.predict(sample(domain, 20_000, 1))
    assert bounds.upper - bounds.lower <= 0.01 * (bounds.lower - values.min()) + 1e-9


def test_copies_that_differ_in_a_group_share_what_does_not_move() -> None:
    net = network([5, 6, 1], seed=2)
    domain = mixed_domain(net)
    terms = [OutputTerm(0, 1.0, 0, (1, 0)), OutputTerm(0, -1.0, 0, (1, 2))]
    bounds = maximise(net, domain, terms, gap=0.02)
    rows = sample(domain, 20_000, 3)
    first, second = rows.copy(), rows.copy()
    first[:, 1], second[:, 1] = domain.groups[1].cells[0][0][0], domain.groups[1].cells[2][0][0]
    change = (net.predict(first) - net.predict(second))[:, 0]
    assert change.max() <= bounds.upper + 1e-9
    assert bounds.lower >= change.max() - 1e-9
    assert bounds.upper - bounds.lower <= 0.021 * (bounds.lower - change.min())


def test_budget_limits_the_rows() -> None:
    net = network([4, 3, 1], seed=6)
    base = mixed_domain(net)
    at = [0.5 * sum(base.groups[0].cells[0][0]), 0.0, *base.groups[2].cells[1][0][:1], 1.0]
    budget = Budget(
        0.6,
        (ChangeCost(0, at[0], 1.0), ChangeCost(2, at[2], 0.5)),
        (CellCost(1, 0, 0.4), CellCost(2, 0, 0.1)),
    )
    domain = Domain(base.groups, budget=budget)
    rows = sample(base, 60_000, 0)
    cost = np.abs(rows[:, 0] - at[0]) + 0.5 * np.abs(rows[:, 2] - at[2])
    cost += 0.4 * (rows[:, 1] == base.groups[1].cells[0][0][0]) + 0.1 * (rows[:, 3] == 0)
    inside = rows[cost <= 0.6]
    assert 100 < len(inside) < len(rows)
    for sign in (1.0, -1.0):
        bounds = maximise(net, domain, [OutputTerm(0, sign)], work=0.01)
        free = maximise(net, base, [OutputTerm(0, sign)], work=0.01)
        best = (sign * net.predict(inside)).max()
        assert best <= bounds.upper + 1e-9
        assert bounds.lower >= best - 1e-3 * abs(best)
        assert bounds.upper <= free.upper + 1e-6


def test_two_models_are_compared() -> None:
    one, other = network([3, 4, 1], seed=8), network([3, 2, 1], seed=9, degree=2)
    domain = mixed_domain(one)
    bounds = maximise([one, other], domain, [OutputTerm(0, 1.0, 0), OutputTerm(0, -1.0, 1)])
    rows = sample(domain, 20_000, 0)
    assert (one.predict(rows) - other.predict(rows)).max() <= bounds.upper + 1e-9


def test_a_time_limit_ends_it_and_the_bound_still_holds(clock: Callable[[float], None]) -> None:
    net = network([30, 60, 1], seed=1)
    domain = mixed_domain(net)
    clock(0.1)
    bounds = maximise(net, domain, [OutputTerm(0)], seconds=40, gap=1e-6)
    assert bounds.stop_reason is StopReason.TIME_LIMIT
    assert net.predict(sample(domain, 5000, 0)).max() <= bounds.upper


def test_nothing_of_the_callers_changes_and_answers_repeat() -> None:
    net = network([3, 3, 1], seed=5)
    domain = mixed_domain(net)
    rows = sample(domain, 20, 0)
    before, state = rows.copy(), {name: t.clone() for name, t in net.state_dict().items()}
    first = maximise(net, domain, [OutputTerm(0)], rows=rows, seed=3)
    second = maximise(net, domain, [OutputTerm(0)], rows=rows, seed=3)
    assert (rows == before).all()
    assert all((net.state_dict()[name] == t).all() for name, t in state.items())
    assert (first.upper, first.lower) == (second.upper, second.lower)


def test_the_bound_is_itself_provable() -> None:
    net = network([4, 4, 1], seed=3)
    domain = mixed_domain(net)
    bounds = maximise(net, domain, [OutputTerm(0)])
    assert prove(net, domain, OutputBounds(((OutputTerm(0),),), (bounds.upper + 0.5,))).status == "proved"
    assert prove(net, domain, OutputBounds(((OutputTerm(0),),), (bounds.lower - 0.5,))).status == "refuted"
    assert exact_model(net).hidden == 1
