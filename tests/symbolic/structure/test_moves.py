"""Moves read off a smooth model, whatever units the columns have."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.linear_relations import relations
from edgewise.symbolic.structure.moves import SlopeView, pairs
from edgewise.symbolic.structure.state import State


def table(names: tuple[str, ...], X: np.ndarray, y: np.ndarray) -> SplitRows:
    return SplitRows.split(names, X, y, 0.2, 0)


def error(tree: Node, rows: SplitRows) -> float:
    tape = Tape(tree, rows.names)
    return float(np.abs(tape.value(tape.start, rows.X_held) - rows.y_held).max()) / rows.spread


@pytest.mark.parametrize(("p", "q"), [(1.0, -0.9), (0.37, 1.0), (-1.3, 0.25)])
@pytest.mark.parametrize("unit", [1.0, 1e-12])
def test_two_columns_merge_into_a_sum_of_any_powers(p: float, q: float, unit: float) -> None:
    rng = np.random.default_rng(0)
    X = np.exp(rng.uniform(0, 2, (1500, 2))) * [1.0, unit]
    weight = unit**-q
    rows = table(("a", "b"), X, np.log(X[:, 0] ** p + weight * X[:, 1] ** q) ** 2 + 3)
    view = SlopeView.of(State.table(rows))
    assert view is not None
    merged = [pair for pair in pairs(view) if pair.kind == "merge" and len(pair.features) == 1]
    assert merged
    tape = Tape(merged[0].features[0], rows.names)
    feature, truth = tape.value(tape.start, rows.X), rows.X[:, 0] ** p + weight * rows.X[:, 1] ** q
    line = np.polyfit(truth, feature, 1)
    assert np.abs(np.polyval(line, truth) - feature).max() < 1e-3 * np.ptp(feature)


@pytest.mark.slow
def test_squares_of_half_angles_and_sums_of_angles_are_products_of_sines() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(-1.4, 1.4, (900, 4))
    a, b, c, d = X.T
    y = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin((d - c) / 2) ** 2
    rows = table(("a", "b", "c", "d"), X, y)
    assert min(error(tree, rows) for tree in relations(rows)) < 1e-12
    other = np.cos(a) * np.sin(b + c) + d * np.cos(a + b - c)
    rows = table(("a", "b", "c", "d"), X, other)
    assert min(error(tree, rows) for tree in relations(rows)) < 1e-12
