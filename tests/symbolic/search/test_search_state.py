"""The way every candidate of a search goes: fitted, judged, kept or passed over, and told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError
from edgewise.forms import parse
from edgewise.forms.tree import Node
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.search_state import Search
from edgewise.training import Record

X = np.random.default_rng(0).uniform(1, 3, (200, 2))
NOISE = np.random.default_rng(1).standard_normal(200)
a, b = sympy.symbols("a b")


def search(y: np.ndarray, rows: int = 200, until: float = math.inf, **limits: Any) -> Search:
    table = SplitRows.split(("a", "b"), X[:rows], y[:rows], 0.2, 0)
    return Search(table, Limits.read(("a", "b"), **limits), (), Meter(most=10.0), until)


def trees(*texts: str) -> list[Node]:
    return [parse(text, ("a", "b")).tree for text in texts]


def test_constants_are_fitted_and_a_law_is_known_as_one() -> None:
    found = search(2 * X[:, 0] * np.exp(-0.5 * X[:, 1]))
    found.add(trees("1.7*a*exp(-0.6*b)"), None)
    assert sympy.simplify(found.finished[0].sympy - 2 * a * sympy.exp(-b / 2)) == 0
    assert found.exact
    assert found.solved is StopReason.EXACT


def test_what_is_no_better_than_a_shorter_formula_is_passed_over() -> None:
    found = search(X[:, 0] * X[:, 1] + 0.1 * NOISE)
    found.add(trees("a*b"), None)
    found.add(trees("b*a", "1.0*a*b + 0.1", "1.5*a^2 + 0.2*b"), None)
    assert [formula.sympy for formula in found.finished] == [a * b]
    assert found.closest == found.finished
    assert len(found.passed) == 3


def test_what_may_not_be_offered_is_not() -> None:
    found = search(np.exp(X[:, 0]), exclude_functions=["exp"], require_columns=["b"])
    found.add(trees("exp(a)", "a^2", "1.0*a*b"), None)
    assert [formula.sympy.free_symbols for formula in found.finished] == [{a, b}]


def test_a_few_rows_bear_few_constants() -> None:
    """Four constants would follow nine rows better than two do, whatever they are."""
    found = search(0.317 + 0.773 * X[:, 0] + 0.01 * NOISE, rows=9)
    found.add(trees("0.1 + 0.2*a + 0.3*b + 0.4*a*b", "0.1 + 0.2*a"), None)
    assert [formula.sympy.free_symbols for formula in found.finished] == [{a}]
    assert found.passed == {}
    assert found.near(found.finished[0]) == []


def test_after_the_end_only_the_first_candidate_is_taken() -> None:
    found = search(X[:, 0] + 0.1 * NOISE, until=0.0)
    found.add(trees("1.0*a + 0.1", "1.0*a*b"), None)
    assert [formula.sympy.free_symbols for formula in found.finished] == [{a}]
    found.add(trees("1.0*a*b"), None)
    assert len(found.finished) == 1


def test_callbacks_are_told_the_share_of_the_work_and_may_stop_it() -> None:
    found, told = search(X[:, 0] + 0.1 * NOISE), list[Record]()
    found.callbacks = (told.append,)
    found.meter.spent = 4.0
    found.add(trees("1.0*a"), None)
    assert [record.share for record in told] == [0.4]
    assert told[0].validation == found.smallest
    found.callbacks = (lambda record: True,)
    with pytest.raises(StopError) as stop:
        found.beat()
    assert stop.value.reason is StopReason.CALLBACK


def test_parts_share_what_is_left() -> None:
    found = search(NOISE, until=8.0)
    found.meter.spent = 2.0
    assert found.left == 6.0
    assert found.part(0.5) == 5.0
    assert found.part(0.5, most=1.0) == 3.0
    found.meter.spent = 9.0
    assert found.part(0.5) == 9.0


@pytest.mark.parametrize("uneven", [False, True])
def test_noise_that_was_told_is_what_a_law_leaves(uneven: bool) -> None:
    sigma = 0.1 * np.where(uneven & (X[:, 0] > 2), 3.0, 1.0)
    weight = 0.01 / sigma**2
    rows = SplitRows.split(
        ("a", "b"), X, X[:, 0] * X[:, 1] + sigma * NOISE, 0.2, 0,
        weight / weight.mean() if uneven else None, 0.01 / float(weight.mean()),
    )  # fmt: skip
    found = Search(rows, Limits.read(("a", "b")), (), Meter(most=10.0), math.inf)
    found.add(trees("1.9*a + b"), None)
    # A model that follows the noise itself is no measure of it.
    found.floor = 0.05
    assert not found.explained
    found.add(trees("a*b"), None)
    assert found.solved is StopReason.EXPLAINED


def test_noise_is_explained_once_a_formula_leaves_no_more_than_the_floor() -> None:
    found = search(X[:, 0] * X[:, 1] + 0.1 * NOISE)
    found.floor = 0.1
    found.add(trees("1.5*a + 0.1*b + 0.3"), None)
    assert found.solved is None
    found.add(trees("1.0*a*b"), None)
    assert found.solved is StopReason.EXPLAINED
    found.floor = math.inf
    assert not found.explained


def test_rivals_come_close_and_their_constants_are_determined() -> None:
    found = search(X[:, 0] + 0.3 * NOISE)
    found.add(trees("a"), None)
    # A parabola does nearly as well; the constants of the others are nothing, or they fall far behind.
    found.add(trees("0.2*a^2 + 1.1", "1.1*a + 0.2", "0.5*a + 0.3*log(a)", "1.5*sqrt(a)", "2.0*b"), None)
    (best,) = found.finished
    (rival,) = found.rivals(best)
    assert sympy.Poly(rival.sympy, a).degree() == 2
    assert best.error < rival.error < 1.25 * best.error


def table_of(rows: int) -> Search:
    """A product of two columns under noise."""
    wide = np.random.default_rng(2).uniform(1, 3, (rows, 2))
    y = wide[:, 0] * wide[:, 1] + 0.1 * np.random.default_rng(3).standard_normal(rows)
    return Search(
        SplitRows.split(("a", "b"), wide, y, 0.2, 0), Limits.read(("a", "b")), (), Meter(), math.inf
    )


@pytest.mark.parametrize(
    ("rows", "nats", "ends"), [(1000, 7.0, True), (1000, 20.0, False), (100, 7.0, False)]
)
def test_what_leaves_as_little_as_the_floor_but_for_chance_ends_a_search(
    rows: int, nats: float, ends: bool
) -> None:
    """Of few rows as many nats are a large share of the noise."""
    found = table_of(rows)
    found.add(trees("a*b"), None)
    alike = found.rows.alike
    left = float(np.sqrt(np.mean(np.square(alike.y - np.prod(alike.X, axis=1)))))
    found.floor = left * math.exp(-nats / len(alike.y))
    assert found.explained is ends


def test_a_long_formula_must_leave_less_to_end_a_search() -> None:
    found = table_of(1000)
    found.add(trees("a*b + (exp(a/4)*cos(b/3)/8 - exp(a/4)*cos(b/3)/7)*(a + b)*(a - b)/999"), None)
    alike = found.rows.alike
    left = float(np.sqrt(np.mean(np.square(alike.y - found.finished[0].predict(alike.X)))))
    found.floor = left * math.exp(-7.0 / len(alike.y))
    assert not found.explained
