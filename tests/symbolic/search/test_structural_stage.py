"""The walk from state to state: planted structure is found, in few states, and noise has none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, running
from edgewise.forms.tree import Variable
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.search_state import Search
from edgewise.symbolic.search.structural_stage import structured
from edgewise.symbolic.structure.best_first_search import structural
from edgewise.symbolic.structure.state import TARGET, State

Law = Callable[..., np.ndarray]


def table(law: Law, columns: int, noise: float = 0.0, count: int = 400) -> SplitRows:
    rng = np.random.default_rng(columns)
    X = rng.uniform(1, 3, (count, columns))
    y = law(*X.T)
    return SplitRows.split(
        tuple("abc"[:columns]), X, y + noise * y.std() * rng.standard_normal(count), 0.2, 0
    )


def error(tree, rows: SplitRows) -> float:
    tape = Tape(tree, rows.names)
    return float(np.sqrt(np.mean((tape.value(tape.start, rows.X_held) - rows.y_held) ** 2))) / rows.spread


LAWS: dict[str, tuple[Law, int]] = {
    "curve": (lambda a: np.sin(2 * a) / a, 1),
    "ratio": (lambda a, b, c: a * np.exp(-b / c), 3),
    "sum": (lambda a, b: np.sin(a) + np.log(b), 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_planted_structure_is_found_in_the_columns(name: str) -> None:
    law, columns = LAWS[name]
    rows = table(law, columns)
    walk = structural(State.table(rows), until=math.inf)
    assert min(error(tree, rows) for _, tree in itertools.islice(walk, 12)) < 1e-9


def test_every_state_says_the_same_of_the_table_in_other_words() -> None:
    """The target of a state, put in its outer formula, is y; so is the formula of its features, lifted."""
    rows = table(lambda a, b, c: a * np.exp(-b / c), 3)
    walk = itertools.islice(structural(State.table(rows), until=math.inf), 3)
    states = list({id(state): state for state, _ in walk}.values())
    assert any(state.depth > 0 for state in states)
    for state in states:
        outer = Tape(state.outer, (*rows.names, TARGET))
        y = outer.value(outer.start, np.column_stack([rows.X_held, state.rows.y_held]))
        np.testing.assert_allclose(y, rows.y_held, rtol=1e-10)
        feature = Variable(state.rows.names[0])
        lifted = Tape(state.lift(feature), rows.names)
        expected = outer.value(outer.start, np.column_stack([rows.X_held, state.rows.X_held[:, 0]]))
        np.testing.assert_allclose(lifted.value(lifted.start, rows.X_held), expected, rtol=1e-10)


def test_the_walk_ends_where_the_count_of_work_is_reached() -> None:
    rows = table(lambda a, b: np.sin(a) + np.log(b), 2)
    with running(Meter()) as meter:
        assert list(structural(State.table(rows), until=0.0)) == []
        first = next(iter(structural(State.table(rows), until=math.inf)))
        assert meter.spent > 0
    assert error(first[1], rows) < math.inf


def search(rows: SplitRows) -> Search:
    return Search(rows, Limits.read(rows.names), (), Meter(most=30.0), 30.0)


def test_the_search_takes_an_exact_formula_and_stops() -> None:
    found = search(table(lambda a, b: a * np.sin(b), 2))
    with np.errstate(all="ignore"), running(found.meter):
        found.follow(structured(found, None))
    assert found.solved is StopReason.EXACT
    beyond = np.random.default_rng(0).uniform(0.5, 4, (30, 2))
    np.testing.assert_allclose(found.laws[0].predict(beyond), beyond[:, 0] * np.sin(beyond[:, 1]), rtol=1e-9)
    assert found.left > 25


@pytest.mark.slow
def test_noise_sets_the_floor_and_the_law_is_found_under_it() -> None:
    rows = table(lambda a, b: a * b**2, 2, noise=0.05)
    found = search(rows)
    with np.errstate(all="ignore"), running(found.meter):
        found.follow(structured(found, None))
    sigma = 0.05 * rows.spread
    assert found.floor == pytest.approx(sigma, rel=0.2)
    assert found.solved is StopReason.EXPLAINED
    truth = rows.X_held[:, 0] * rows.X_held[:, 1] ** 2
    assert min(np.abs(formula.predict(rows.X_held) - truth).max() for formula in found.finished) < 0.5 * sigma


def test_a_short_table_shows_no_structure() -> None:
    found = search(table(lambda a, b: a * b, 2, count=11))
    found.follow(structured(found, None))
    assert found.finished == []
    assert math.isinf(found.floor)


@pytest.mark.slow
def test_a_law_of_few_steps_is_found_before_sums_of_terms_are_looked_at() -> None:
    """Those may take a fifth of the work."""
    X = np.random.default_rng(0).uniform([1, 1, 2], [5, 3, 6], (300, 3))
    shares = list[float]()
    found = find_formula(
        X, X[:, 0] * (1 - X[:, 1] / X[:, 2] ** 2.5), callbacks=[lambda record: shares.append(record.share)]
    )
    assert found.exact
    assert max(shares) < 0.03


@pytest.mark.slow
def test_the_law_of_a_predator_is_found_in_noise() -> None:
    X = np.random.default_rng(0).uniform(0.3, 5, (1000, 2))
    a, b = sympy.symbols("a b")
    law = a * (4 - a) - a * b / (1 + a)
    y = sympy.lambdify((a, b), law)(*X.T)
    found = find_formula(X, y + 0.01 * y.std() * np.random.default_rng(1).normal(size=1000), names=["a", "b"])
    assert sympy.simplify(found.best.sympy - law) == 0
