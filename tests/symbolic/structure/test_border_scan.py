"""Borders of steps, kinks and teeth, in noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.border_scan import borders
from edgewise.symbolic.structure.two_regimes import two_regimes


def rows_of(X: np.ndarray, y: np.ndarray, noise: float) -> SplitRows:
    y = y + noise * y.std() * np.random.default_rng(7).standard_normal(len(y))
    return SplitRows.split(tuple("xzw"[: X.shape[1]]), X, y, 0.2, 0)


@pytest.mark.slow
@given(st.floats(-0.8, 0.8), st.floats(-3, 3), st.sampled_from([0.0, 0.02, 0.1]))
@settings(max_examples=5, deadline=None)
def test_a_kink_along_a_line_through_two_columns_is_placed(place: float, slope: float, noise: float) -> None:
    X = np.random.default_rng(0).uniform(-2, 2, (600, 2))
    along = X[:, 0] + slope * X[:, 1] - place
    rows = rows_of(X, np.sin(X[:, 1]) + 2 * np.maximum(along, 0), noise)
    best = next(border for border in borders(rows, float(rows.y.std())) if border.kind == "max")
    off = np.sign(best.side(X)) * np.sign(along)
    assert min(np.mean(off < 0), np.mean(off > 0)) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("period", [0.4, 0.7, 1.1])
def test_teeth_are_counted_beside_another_law(period: float, noise: float) -> None:
    X = np.random.default_rng(1).uniform(0, 5, (600, 2))
    rows = rows_of(X, np.floor(X[:, 0] / period) + np.exp(-X[:, 1]), noise)
    best = borders(rows, float(rows.y.std()))[0]
    assert best.kind == "floor"
    (tree,) = best.trees(rows.X).values()
    tape = Tape(tree, rows.names)
    off = tape.value(tape.start, X) - np.floor(X[:, 0] / period)
    assert np.mean(off != np.median(off)) < 0.03


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_step_lies_at_a_simple_place_between_its_rows(noise: float) -> None:
    X = np.random.default_rng(2).uniform(1, 4, (500, 2))
    rows = rows_of(X, X[:, 0] * X[:, 1] + 5 * (X[:, 1] >= 2.5), noise)
    best = borders(rows, float(rows.y.std()))[0]
    assert best.kind == "step"
    assert best.weights.tolist() == [0.0, 1.0]
    assert best.place == pytest.approx(2.5, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.01, 0.1])
@pytest.mark.parametrize(
    "law", [lambda x, z: x * z, lambda x, z: np.exp(-x) * z, lambda x, z: np.sin(x) + z**2]
)
def test_smooth_laws_have_no_border(law: object, noise: float) -> None:
    X = np.random.default_rng(3).uniform(0.5, 2.5, (600, 2))
    y = law(*X.T)  # type: ignore[operator]
    rows = rows_of(X, y, noise)
    left = 1.02 * noise * float(y.std())
    assert not borders(rows, left)
    assert not two_regimes(rows, left)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_the_smaller_of_two_laws_has_a_curved_border(noise: float) -> None:
    X = np.random.default_rng(4).uniform(-2, 2, (600, 3))
    one, other = X[:, 0] ** 2, X[:, 1] + X[:, 2]
    rows = rows_of(X, np.minimum(one, other), noise)
    (best,) = two_regimes(rows, float(rows.y.std()))
    assert best.kind == "min"
    assert best.error < (1e-9 if noise == 0 else 1.1 * noise * rows.y.std())
    agrees = np.mean((best.side(X) > 0) == (other < one))
    assert max(agrees, 1 - agrees) > 0.95


@given(st.floats(0.3, 6), st.floats(0, 6), st.sampled_from([0.0, 0.1]))
@settings(max_examples=4, deadline=None)
def test_a_wave_has_no_teeth(rate: float, phase: float, noise: float) -> None:
    X = np.arange(200.0)[:, None]
    wave = np.sin(rate * X[:, 0] / 10 + phase)
    assert all(border.kind != "floor" for border in borders(rows_of(X, 0.02 * X[:, 0] + wave, noise), 1.0))
