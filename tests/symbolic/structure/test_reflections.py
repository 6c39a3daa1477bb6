"""Parity: laws of columns of both signs in their absolute values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms import parse
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.reflections import reflections
from edgewise.symbolic.structure.state import State


def decades(columns: int, rows: int = 600, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 10 ** rng.uniform(-2, 2, (rows, columns)) * rng.choice([-1.0, 1.0], (rows, columns))


def table(X: np.ndarray, y: np.ndarray) -> State:
    return State.table(SplitRows.split(tuple("abc"[: X.shape[1]]), X, y, 0.2, 0))


LAWS = {
    "odd in a": (lambda a, x: a / (a**2 + x**2), ("a",)),
    "odd in both": (lambda a, x: a * x / (1 + x**2), ("a", "b")),
    "even in both": (lambda a, x: np.sqrt(np.abs(a)) / (1 + np.abs(a * x)), ()),
    "negative": (lambda a, x: -np.sqrt(np.abs(a)) / (1 + np.abs(a * x)), ()),
}


@pytest.mark.parametrize("name", LAWS)
def test_the_signs_of_the_target_are_those_of_its_odd_columns(name: str) -> None:
    law, odd = LAWS[name]
    X = decades(2)
    start = table(X, law(*X.T))
    found = next(reflections(start))
    assert found.reflected == ("a", "b")
    assert found.odd == odd
    assert (found.rows.X > 0).all()
    assert found.error < 0.4 * start.error


@pytest.mark.slow
@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_one_of_the_ways_to_write_a_formula_gives_back_the_target(seed: int) -> None:
    X = decades(2, seed=seed)
    start = table(X, X[:, 0] * np.sqrt(np.abs(X[:, 1])) / (1 + X[:, 0] ** 2))
    for state in reflections(start):
        if "b" not in state.reflected or "a" not in state.odd:
            continue
        tree = parse("a*sqrt(b)/(1 + a^2)", ["a", "b"]).tree
        values = [Tape(lift, ("a", "b")) for lift in state.lifts(tree)]
        errors = [np.abs(value.value(value.start, start.rows.X) - start.rows.y).max() for value in values]
        assert np.nanmin(errors) < 1e-9


def test_tables_of_positive_columns_have_no_reflections() -> None:
    X = np.abs(decades(2))
    assert not list(reflections(table(X, X[:, 0] / X[:, 1])))


def test_a_law_that_is_neither_even_nor_odd_is_left_alone() -> None:
    X = np.random.default_rng(0).uniform(-2, 2, (600, 2))
    assert not list(reflections(table(X, np.exp(X[:, 0]) * (1 + X[:, 1]) + X[:, 1])))


@pytest.mark.slow
def test_a_law_over_decades_of_both_signs_is_found() -> None:
    X = decades(2)
    X[:, 1] = np.abs(X[:, 1])
    found = find_formula(X, X[:, 0] * X[:, 1] ** 2 / (X[:, 0] ** 2 + X[:, 1] ** 2) ** 1.5, names=["x", "a"])
    assert found.exact
    assert "abs" not in found.best.text
