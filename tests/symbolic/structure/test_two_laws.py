"""Two laws, and the place where one takes over."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.two_laws import two_laws


def rows_of(X: np.ndarray, y: np.ndarray) -> SplitRows:
    names = tuple("xyz"[: X.shape[1]])
    return SplitRows.split(names, X, y, 0.2, 0)


def error(tree: Node, rows: SplitRows) -> float:
    """On the rows held out, beside the spread of y."""
    tape = Tape(tree, rows.names)
    return float(np.abs(tape.value(tape.start, rows.X_held) - rows.y_held).max() / np.ptp(rows.y_held))


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
