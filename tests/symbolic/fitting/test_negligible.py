"""What rounding swallows does not stay in a formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.border import as_sympy
from edgewise.symbolic.fitting import negligible
from edgewise.symbolic.fitting.train_test import SplitRows

x, y = sympy.symbols("x y")
X = np.random.default_rng(0).uniform(-2, 2, (300, 2))
ROWS = SplitRows.split(("x", "y"), X, X[:, 0], 0.2, 0)


def without_negligible(formula: sympy.Expr, rows: SplitRows) -> sympy.Expr:
    return as_sympy(negligible.without_negligible(formula, rows))


@pytest.mark.parametrize(
    ("long", "short"),
    [
        (6e-18 * (y + 8e16) * (x + y), 6e-18 * 8e16 * (x + y)),
        (sympy.sin(x + 1e-20 * y), sympy.sin(x)),
        (sympy.log((x + 1e15) ** 2 + 1e-9), sympy.log(sympy.Float(1e15) ** 2)),
    ],
)
def test_terms_that_count_nowhere_go(long: sympy.Expr, short: sympy.Expr) -> None:
    found = without_negligible(long, ROWS)
    values = (sympy.lambdify((x, y), item - short)(*X.T) for item in (found,))
    assert np.abs(next(values)).max() < 1e-9
    assert found.count_ops() < long.count_ops()


@pytest.mark.parametrize("formula", [x + 1e7 * y, 1e9 * x - 1e9 * y + 1.5, 1e-8 * x, 3 + x])
def test_terms_that_count_stay(formula: sympy.Expr) -> None:
    assert without_negligible(formula, ROWS) == formula


def test_a_constant_that_ran_away_leaves_no_trace() -> None:
    found = find_formula(X, np.abs(X[:, 0] - X[:, 1]), names=["x", "y"])
    assert found.exact
    assert found.best.text == "abs(x - y)"


@pytest.mark.parametrize("function", [sympy.sin, sympy.tan, sympy.sinh, sympy.tanh, sympy.asin, sympy.atan])
def test_functions_near_zero_are_their_arguments(function: Any) -> None:
    tiny = np.random.default_rng(0).uniform(1, 2, (100, 2)) * [1e-20, 1]
    rows = SplitRows.split(("x", "y"), tiny, tiny[:, 0], 0.2, 0)
    x, y = sympy.symbols("x y")
    assert without_negligible(y * function(x * y), rows) == x * y**2
    assert without_negligible(x * function(y), rows) == x * function(y)
