"""The library lists terms by code length, each set of values once, with the slopes of what they hold."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.forms.tree import render
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.terms.language import Library, library

NAMES = ("x", "z")
MEASURED = 3.0


@pytest.fixture(scope="module")
def rows() -> SplitRows:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(-2, 2, 80), rng.uniform(0.3, 3, 80)])
    return SplitRows.split(NAMES, X, X[:, 0], 0.2, 0)


@pytest.fixture(scope="module")
def listed(rows: SplitRows) -> Library:
    return library(rows, 2500, MEASURED)


def test_the_shortest_terms_come_first(listed: Library) -> None:
    price = listed.nats + MEASURED * listed.constants
    assert (np.diff(price) >= -1e-12).all()
    assert render(listed.trees[0]) == "1"


def test_values_and_slopes_are_those_of_the_trees(rows: SplitRows, listed: Library) -> None:
    for at in range(0, len(listed.trees), 40):
        tape = Tape(listed.trees[at], NAMES)
        assert tape.size == listed.constants[at]
        np.testing.assert_allclose(listed.values[:, at], tape.value(tape.start, rows.X), rtol=1e-9)
        if tape.size == 1:
            step = 1e-6 * abs(float(tape.start[0]))
            ends = [tape.value(tape.start + sign * step, rows.X) for sign in (1, -1)]
            slopes = (ends[0] - ends[1]) / (2 * step)
            np.testing.assert_allclose(
                listed.slopes[:, at], slopes, rtol=1e-4, atol=1e-6 * np.abs(slopes).max()
            )


def test_no_two_terms_have_the_same_values_up_to_a_factor(listed: Library) -> None:
    unit = listed.values / np.linalg.norm(listed.values, axis=0)
    unit = np.round(unit * np.sign(unit[np.abs(unit).argmax(axis=0), np.arange(unit.shape[1])]), 7)
    assert len(np.unique(unit.T, axis=0)) > 0.99 * unit.shape[1]


def test_functions_of_functions_of_pairs_and_with_constants_are_there(listed: Library) -> None:
    texts = {render(tree) for tree in listed.trees}
    assert {"sin(exp(-x))", "cos(x*z)", "abs(x - z)", "x*log(1 + z)", "z^(2/3)"} <= texts


def test_only_functions_that_may_be_called_are_listed(rows: SplitRows) -> None:
    few = library(rows, 500, MEASURED, lambda tree: functions_in(tree) <= {"exp", "sqrt"})
    assert set().union(*map(functions_in, few.trees)) == {"exp", "sqrt"}
