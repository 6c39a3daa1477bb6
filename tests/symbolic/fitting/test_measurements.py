"""Rows with weights: errors, spreads, and the rows that may count alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from edgewise.symbolic import find_formula
from edgewise.symbolic.fitting.measurements import measured
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows

weights = st.lists(st.floats(0.01, 100), min_size=60, max_size=90).map(np.array)


def split(weight: np.ndarray) -> SplitRows:
    rng = np.random.default_rng(len(weight))
    X = rng.uniform(1, 2, (len(weight), 2))
    rows = measured(X, rng.standard_normal(len(weight)), ("a", "b"), sample_weight=weight)
    return SplitRows.split(("a", "b"), rows.X, rows.y, 0.25, 1, rows.weight, rows.variance)


@given(weights)
def test_errors_and_spreads_are_weighted(weight: np.ndarray) -> None:
    rows = split(weight)
    held = np.ones(len(rows.y_held)) if rows.weight_held is None else rows.weight_held
    mean = np.average(rows.y_held, weights=held)
    spread = math.sqrt(np.average((rows.y_held - mean) ** 2, weights=held))
    assert rows.spread == pytest.approx(spread)
    assert rows.error(np.full(len(held), mean)) == pytest.approx(spread)
    X, y, everything = rows.everything
    assert len(X) == len(y) == len(weight)
    if everything is not None:
        assert everything.mean() == pytest.approx(1)
        np.testing.assert_allclose(np.sort(everything), np.sort(weight / weight.mean()))


@given(weights)
def test_the_rows_that_count_alike_are_those_whose_mean_is_surest(weight: np.ndarray) -> None:
    rows = split(weight)
    alike = rows.alike
    assert alike.weight is None
    if rows.weight is None:
        assert alike is rows
        return
    ordered = np.sort(1 / rows.weight)
    variances = [ordered[:k].sum() / k**2 for k in range(1, len(ordered) + 1)]
    assert variances[len(alike.y) - 1] == pytest.approx(min(variances))
    assert set(alike.y) <= set(rows.y)


def test_a_sample_and_fewer_columns_keep_their_weights() -> None:
    rows = split(np.linspace(1, 5, 80))
    known = dict(zip(rows.y, rows.weight, strict=True))
    for few in (rows.sampled(20, 5, 0), rows.thinned(17), rows.named(("b",))):
        assert few.weight is not None
        assert few.weight_held is not None
        assert [known[y] for y in few.y] == few.weight.tolist()
        assert len(few.weight_held) == len(few.y_held)


@pytest.mark.slow
def test_a_law_that_only_the_sure_rows_show_is_found() -> None:
    rng = np.random.default_rng(5)
    X = rng.uniform(1, 3, (300, 2))
    truth = 2 * X[:, 0] / X[:, 1] ** 2
    sigma = np.where(rng.random(300) < 0.5, 0.01, 3.0)
    y = truth + sigma * rng.standard_normal(300)
    found = find_formula(X, y, sigma=sigma, work=0.01)
    assert found.best.text == "2*x1/x2^2"
    assert found.reduced_chi_square == pytest.approx(1, abs=0.3)
    assert "as sigma lets expect" in found.message


def test_no_weight_leaves_a_row_out_of_a_search() -> None:
    rng = np.random.default_rng(6)
    X = rng.uniform(1, 3, (120, 2))
    y = 2.7 * X[:, 0] * X[:, 1]
    weight = (rng.random(120) < 0.8).astype(float)
    spoiled = np.where(weight > 0, y, -1e3)
    found = find_formula(X, spoiled, sample_weight=weight)
    fewer = find_formula(X[weight > 0], y[weight > 0])
    assert found.best == fewer.best
    assert found.front == fewer.front


def test_constants_of_a_search_have_the_standard_errors_of_scipy() -> None:
    rng = np.random.default_rng(7)
    x = rng.uniform(0, 3, (200, 1))
    sigma = rng.uniform(0.01, 0.1, 200)
    y = 2.345 * np.exp(-0.813 * x[:, 0]) + sigma * rng.standard_normal(200)
    rows = measured(x, y, ("x",), sigma=sigma)
    split = SplitRows.split(("x",), rows.X, rows.y, 0.2, 0, rows.weight, rows.variance)
    fitted = fit_expression(2.0 * sympy.exp(-1.0 * sympy.Symbol("x")), split)
    own = np.sqrt(split.variance / split.weight)
    _, covariance = curve_fit(
        lambda t, a, b: a * np.exp(-b * t), split.X[:, 0], split.y, [2, 1], own, absolute_sigma=True
    )
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(np.sort(fitted.fit.standard_errors), np.sort(errors), rtol=1e-4)
    assert fitted.fit.variance == split.variance
