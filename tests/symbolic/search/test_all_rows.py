"""Of a large table a sample is searched, and all rows have the last word."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from edgewise.symbolic import Formula, find_formula
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.all_rows import fitted_on_all

X = np.random.default_rng(0).uniform(1, 3, (6000, 2))
NOISE = np.random.default_rng(1).standard_normal(6000)
a, b = sympy.symbols("a b")


def split(y: np.ndarray) -> SplitRows:
    return SplitRows.split(("a", "b"), X, y, 0.2, 0)


def formula(expression: sympy.Expr) -> Formula:
    return Formula(expression, ("a", "b"), 0.0)


def test_constants_are_those_of_all_rows_and_errors_those_of_all_held_out_rows() -> None:
    rows = split(1.7 * X[:, 0] * X[:, 1] + 0.1 * NOISE)
    _, best, exact = fitted_on_all([], formula(sympy.Float(1.5) * a * b), False, rows)
    product = rows.X.prod(axis=1)
    factor = float(product @ rows.y / (product @ product))
    assert best.constants[0].value == pytest.approx(factor, rel=1e-9)
    left = rows.y_held - factor * rows.X_held.prod(axis=1)
    assert best.error == pytest.approx(float(np.sqrt(np.mean(left**2))), rel=1e-9)
    assert not exact


def test_all_rows_may_prefer_another_formula() -> None:
    rows = split(1.7 * X[:, 0] + 0.5 * X[:, 1] + 0.1 * NOISE)
    line, plane = formula(sympy.Float(2.0) * a), formula(sympy.Float(2.0) * a + sympy.Float(0.1) * b)
    front, best, _ = fitted_on_all([line, plane], line, False, rows)
    assert best.sympy.free_symbols == {a, b}
    assert [item.sympy.free_symbols for item in front] == [{a}, {a, b}]
    assert front[0].error > front[1].error


def test_a_law_stays_one_only_while_all_rows_obey_it() -> None:
    y = X[:, 0] * X[:, 1] ** 2
    law = formula(a * b**2)
    assert fitted_on_all([law], law, True, split(y))[2]
    y[::500] += 0.01
    assert not fitted_on_all([law], law, True, split(y))[2]


@pytest.mark.slow
def test_a_sample_is_searched_and_the_answer_is_that_of_all_rows() -> None:
    y = 1.7 * X[:, 0] ** 2 / X[:, 1] + 0.1 * NOISE
    found = find_formula(X, y, names=["a", "b"], work=0.02)
    assert "4,000 of the 6,000 rows were searched" in found.message
    assert "1,200 held-out rows" in found.message
    assert sympy.simplify(found.best.sympy * b / a**2).is_number
    rows = split(y)
    left = rows.y_held - found.best.predict(rows.X_held)
    assert found.best.error == pytest.approx(float(np.sqrt(np.mean(left**2))), rel=1e-6)
