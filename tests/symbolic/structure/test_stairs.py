"""Steps, stairs and teeth are found with their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.stairs import stairs


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
