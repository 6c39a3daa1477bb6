"""Steps, stairs, teeth, and two laws with the place where one takes over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.breaks import stairs, two_laws


def rows_of(X: np.ndarray, y: np.ndarray) -> SplitRows:
    names = tuple("xyz"[: X.shape[1]])
    return SplitRows.split(names, X, y, 0.2, 0)


def error(tree: Node, rows: SplitRows) -> float:
    """On the rows held out, beside the spread of y."""
    tape = Tape(tree, rows.names)
    return float(np.abs(tape.value(tape.start, rows.X_held) - rows.y_held).max() / np.ptp(rows.y_held))


@given(
    st.sampled_from([0.25, 0.4, 1.0, 1.5]),
    st.sampled_from([0.0, 0.1, -0.2]),
    st.sampled_from([-3.0, 0.7, 2.0]),
    st.sampled_from([0.0, 1.3]),
)
@settings(max_examples=15, deadline=None)
def test_stairs_are_found_with_their_numbers(
    period: float, start: float, height: float, slope: float
) -> None:
    x = np.random.default_rng(0).uniform(-3, 3, 800)
    y = slope * x + height * np.floor((x - start) / period) + 1.25
    rows = rows_of(x[:, None], y)
    (tree,) = stairs(rows)
    # A row between the place of a jump and its neighbours may be on the other side.
    tape = Tape(tree, rows.names)
    wrong = np.abs(tape.value(tape.start, rows.X_held) - rows.y_held) > 1e-6
    assert wrong.mean() < 0.02


def test_a_step_is_placed_at_the_simplest_number_between_its_rows() -> None:
    x = np.random.default_rng(0).uniform(0, 1, 400)
    rows = rows_of(np.column_stack([x, x[::-1]]), 2.0 * (x >= 0.3))
    (tree,) = stairs(rows)
    assert error(tree, rows) < 1e-12


@pytest.mark.parametrize("law", [np.sin, np.exp, np.abs, lambda x: np.sign(x) * x**2 + np.sin(9 * x)])
def test_smooth_curves_and_noise_are_no_stairs(law: object) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 500)
    assert not list(stairs(rows_of(x[:, None], law(x))))  # type: ignore[operator]
    assert not list(stairs(rows_of(x[:, None], rng.normal(size=500))))


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("place", [1.5, 2.75])
def test_two_curves_meet_at_a_place(noise: float, place: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 4, 500)
    clean = np.where(x < place, x**2, 3.0 - 0.5 * x)
    rows = rows_of(x[:, None], clean + noise * rng.normal(size=500))
    least = min(error(tree, rows) for tree in two_laws(rows))
    assert least < (1e-9 if noise == 0 else 0.1)


def test_the_break_of_one_column_of_two() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(1, 3, (800, 2))
    y = np.where(X[:, 1] < 2.0, X[:, 0] * X[:, 1], X[:, 0] - 3.5)
    rows = rows_of(X, y)
    assert min(error(tree, rows) for tree in two_laws(rows)) < 1e-9


@pytest.mark.parametrize("law", [np.sin, np.exp, lambda x: x**3 - 2 * x])
def test_smooth_laws_have_no_place_that_stands_out(law: object) -> None:
    x = np.random.default_rng(0).uniform(-2, 2, 500)
    found = list(two_laws(rows_of(x[:, None], law(x))))  # type: ignore[operator]
    assert not found
