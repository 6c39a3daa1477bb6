"""Laws with breaks in noise are found as what they are."""

from __future__ import annotations

import numpy as np
import pytest

import edgewise as ew


def found(law: np.ndarray, X: np.ndarray, names: list[str], noise: float = 0.02) -> ew.Formula:
    y = law + noise * law.std() * np.random.default_rng(5).standard_normal(len(law))
    return ew.find_formula(X, y, names=names, seed=0).best


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.5, 3.5, (500, 2))


@pytest.mark.slow
def test_a_kink_is_no_steep_function(X: np.ndarray) -> None:
    best = found(2.8 * np.maximum(1.4 - X[:, 0], 0), X[:, :1], ["x"])
    assert best.expression.heads & {"max", "min", "abs"}
    assert best.predict(np.array([[0.5], [3.0]])) == pytest.approx([2.52, 0.0], abs=0.02)


@pytest.mark.slow
def test_a_step_beside_another_law(X: np.ndarray) -> None:
    best = found(3 * (X[:, 0] >= 2) + X[:, 1] ** 2, X, ["x", "z"], 0.1)
    assert "step" in best.expression.heads
    assert best.predict(np.array([[1.5, 3.0], [2.5, 1.0]])) == pytest.approx([9.0, 4.0], abs=0.3)


@pytest.mark.slow
def test_the_smaller_of_a_column_and_a_square(X: np.ndarray) -> None:
    best = found(np.minimum(X[:, 0], X[:, 1] ** 2), X, ["x", "z"])
    assert "min" in best.expression.heads
    assert best.predict(np.array([[3.0, 1.2], [1.0, 3.0]])) == pytest.approx([1.44, 1.0], abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_trend_with_a_period_has_no_teeth(noise: float) -> None:
    t = np.arange(200.0)
    best = found(0.02 * t + np.sin(2 * np.pi * t / 12), t[:, None], ["t"], noise)
    assert best.expression.heads & {"sin", "cos"}
    assert not best.expression.heads & {"floor", "mod"}
    assert best.r2 > 0.98


def test_teeth_of_seven_rows_in_noise() -> None:
    t = np.arange(200.0)
    assert found(t % 7, t[:, None], ["t"], 0.1).text == "mod(t, 7)"


@pytest.mark.slow
def test_two_laws_with_the_place_of_the_break() -> None:
    x = np.random.default_rng(0).uniform(0, 4, (300, 1))
    best = found(np.where(x[:, 0] < 2, x[:, 0] ** 2, 10 - x[:, 0]), x, ["x"], 0.0)
    assert best.text == "x^2 + (10 - x^2 - x)*step(x - 2)"


@pytest.mark.slow
def test_where_the_law_of_one_side_is_that_of_all_rows_no_break_is_offered() -> None:
    # Distances of two points in four columns: few rows are far apart, and chance puts these lower.
    points = np.random.default_rng(0).uniform(1, 5, (2000, 4))
    distance = np.hypot(points[:, 0] - points[:, 1], points[:, 2] - points[:, 3])
    best = found(distance, points, ["a", "b", "c", "d"], 0.1)
    assert not best.expression.heads & {"min", "max", "step", "floor", "abs"}
    assert best.r2 > 0.98
