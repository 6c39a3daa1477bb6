"""When a search may say that it has found the law."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic.expressions.parse import from_sympy, to_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.rounding import FittedFormula, fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import as_formula, best_of
from edgewise.symbolic.search.exactness import beyond, exactness, fitted_to_rounding, is_law
from edgewise.symbolic.search.find_formula import find_formula

x, y = sympy.symbols("x y")


def table(
    law: sympy.Expr, rows: int = 400, noise: float = 0.0, low: float = 1.0, high: float = 2.0
) -> SplitRows:
    rng = np.random.default_rng(0)
    X = rng.uniform(low, high, (rows, 2))
    values = sympy.lambdify((x, y), law)(*X.T) * np.ones(rows) + noise * rng.standard_normal(rows)
    return SplitRows.split(("x", "y"), X, values, 0.2, 0)


def fitted(expression: sympy.Expr, rows: SplitRows) -> Formula:
    fit = refit(from_sympy(expression), rows.names, rows.X, rows.y)
    return as_formula(FittedFormula(to_sympy(fit.tree, rows.names), fit, rows.held_error(fit)), rows, None)


@given(st.floats(0.3, 3), st.floats(-2, 2).filter(lambda value: abs(value) > 0.1))
@settings(max_examples=20, deadline=None)
def test_laws_are_told(a: float, b: float) -> None:
    law = a * sympy.exp(b * x) / y
    assert is_law(fitted(law, table(law)), table(law))


@given(st.floats(0.3, 3), st.floats(0.3, 3), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_constant_that_only_small_values_show_is_found(a: float, b: float, seed: int) -> None:
    """Beside x of up to 1e9 the rounding of y hides a hundred millionth of y's constant; on rows of small x nothing does."""
    X = 10 ** np.random.default_rng(seed).uniform([-9, 0], [9, 1], (300, 2))
    rows = SplitRows.split(("x", "y"), X, a * X[:, 0] + b * X[:, 1], 0.2, 0)
    rough = fit_expression(2.0 * x + 0.7 * y, rows)
    fine = fitted_to_rounding(rough, rows)
    assert np.abs(np.array(fine.fit.constants) / [a, b] - 1).max() < 1e-14
    assert is_law(as_formula(fine, rows, None), rows)


def test_what_is_no_law_keeps_its_constants() -> None:
    rows = table(x + sympy.exp(-3 * y))
    close = fit_expression(1.0 * x + 0.5 / y**4, rows)
    assert fitted_to_rounding(close, rows) is close


def polynomial(size: int) -> sympy.Expr:
    return sum((0.5 * x**power for power in range(size)), sympy.Float(0.0))


def test_a_series_that_fits_to_nine_digits_is_no_law() -> None:
    rows = table(sympy.exp(x), low=1.0, high=1.4)
    series = next(
        each for size in range(4, 12) if (each := fitted(polynomial(size), rows)).error <= exactness(rows)
    )
    assert not is_law(series, rows)
    assert is_law(Formula(sympy.exp(x), ("x", "y"), error=0.0), rows)


@pytest.mark.parametrize("term", [5e-10, 2e-9])
def test_one_constant_that_follows_a_curve_closely_is_no_law(term: float) -> None:
    """The law adds a term so small that it only shows on the outer rows."""
    rows = table(1.5 * x + sympy.Float(term / 2**8) * x**8)
    line = fitted(1.5 * x, rows)
    assert line.error < exactness(rows)
    assert not is_law(line, rows)


def test_many_constants_are_a_law_where_they_leave_nothing() -> None:
    law = 1.3 + 0.7 * x + 2.1 * x**2 + 0.4 * y + 1.9 * x * y
    assert is_law(fitted(law, table(law)), table(law))
    few = table(law, rows=80)
    assert not is_law(fitted(law, few), few)


@given(st.floats(1e-12, 1e-9))
@settings(max_examples=10, deadline=None)
def test_a_ripple_above_rounding_is_no_law(size: float) -> None:
    rows = table(x + sympy.Float(size) * sympy.sin(50 * x))
    assert not is_law(
        Formula(x, ("x", "y"), error=rows.held_error(refit(from_sympy(x), rows.names, rows.X, rows.y))), rows
    )


@pytest.mark.parametrize("slope", [5000.0, sympy.Integer(5000)])
def test_a_steep_function_is_no_step(slope: float) -> None:
    """Any steeper one would do as well, so the rows do not show its slope."""
    rows = table(sympy.Heaviside(x - 1.5))
    assert not is_law(Formula(sympy.tanh(slope * (x - 1.5)) / 2 + 0.5, ("x", "y"), error=0.0), rows)


def test_a_constant_that_no_row_shows_is_none_of_a_law() -> None:
    rows = table(sympy.coth(x) - 1 / x)
    tiny = sympy.Float(1e-9)
    imitation = 1 / sympy.tanh(x) - tiny / sympy.tanh(tiny * x)
    assert not is_law(Formula(imitation, ("x", "y"), error=1e-16), rows)
    assert is_law(Formula(1 / sympy.tanh(x) - 1 / x, ("x", "y"), error=1e-16), rows)


def test_noise_is_no_law() -> None:
    rows = table(2 * x, noise=1e-6)
    assert not is_law(fitted(2.0 * x, rows), rows)
    assert not is_law(Formula(2 * x, ("x", "y"), error=float("nan")), rows)


def test_outer_rows_are_predicted_from_inner_ones() -> None:
    """Against fits by numpy to the rows nearest the middle."""
    rows = table(sympy.exp(x))
    X, values = np.vstack([rows.X, rows.X_held]), np.r_[rows.y, rows.y_held]
    middle, half = (X.min(axis=0) + X.max(axis=0)) / 2, np.ptp(X, axis=0) / 2
    order = np.argsort((np.abs(X - middle) / half).max(axis=1), kind="stable")
    inner, outer = order[: len(values) // 2], order[len(values) // 2 :]
    line = np.polyfit(X[inner, 0], values[inner], 1)
    expected = np.sqrt(np.mean((np.polyval(line, X[outer, 0]) - values[outer]) ** 2))
    tape = Tape(from_sympy(2.0 * x + 1.0), rows.names)
    assert beyond(tape, rows) == pytest.approx(expected, rel=1e-6)


def slow_masses(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    m, v = np.exp(rng.uniform(np.log([1e-3, low]), np.log([10, high]), (400, 2))).T
    return np.column_stack([m, v]), m / np.sqrt(1 - (v / 299792458) ** 2)


def test_what_rows_show_above_rounding_is_in_the_formula() -> None:
    X, y = slow_masses(30, 300)
    table = SplitRows.split(("m", "v"), X, y, 0.2, 0)
    m, v = sympy.symbols("m v")
    front = [as_formula(fit_expression(item, table), table, None) for item in (m, m + 5.5e-18 * m * v**2)]
    assert best_of(front, table) is front[1]


@pytest.mark.slow
def test_the_law_comes_before_what_comes_close() -> None:
    X, y = slow_masses(1, 1e6)
    found = find_formula(X, y, names=["m", "v"], work=0.2, seed=0)
    assert found.exact
    assert (np.abs(found.best.predict(X) - y) < 1e-13 * y).all()
