"""What formulas do where their constants were not fitted, and the law that this chooses."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic import Formula, find_formula
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.law import law_among
from edgewise.symbolic.results.outside import outside
from edgewise.symbolic.results.search_result import as_formula

X, Z = sympy.symbols("x z")


def _rows(columns: np.ndarray, y: np.ndarray, names: tuple[str, ...] = ("x",)) -> SplitRows:
    return SplitRows.split(names, columns, y, 0.2, 0)


def _fitted(expression: sympy.Expr, rows: SplitRows) -> Formula:
    return as_formula(fit_expression(Formula(expression, rows.names).expression, rows), rows, None)


def test_the_error_outside_is_that_of_least_squares_without_the_end() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 3, 200)
    y = np.exp(x) + 0.1 * rng.standard_normal(200)
    rows = _rows(x[:, None], y)
    found = outside(_fitted(2.0 * X + 1.0, rows).tree, rows)
    assert found is not None
    errors = {}
    for name, end in (("lowest", x <= np.quantile(x, 0.2)), ("highest", x >= np.quantile(x, 0.8))):
        line = np.polyfit(x[~end], y[~end], 1)
        errors[f"the {name} fifth of x"] = (
            np.sqrt(np.mean((np.polyval(line, x[end]) - y[end]) ** 2)),
            np.sqrt(np.mean((np.polyval(line, x[~end]) - y[~end]) ** 2)),
        )
    worst = max(errors, key=lambda name: errors[name])
    assert found.region == worst
    assert found.error == pytest.approx(errors[worst][0], rel=1e-6)
    assert found.inside == pytest.approx(errors[worst][1], rel=1e-6)
    assert found.typical == pytest.approx(
        math.sqrt(np.mean([error**2 for error, _ in errors.values()])), rel=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-6, 1e6), st.integers(0, 10))
def test_the_error_is_in_units_of_y(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = rng.uniform(1, 3, (80, 2))
    y = columns[:, 0] ** 2 / columns[:, 1] + 0.05 * rng.standard_normal(80)
    plain = _rows(columns, y, ("x", "z"))
    scaled = _rows(columns, scale * y, ("x", "z"))
    formula = 1.1 * X**2 / Z
    one, other = (
        outside(_fitted(formula, plain).tree, plain),
        outside(_fitted(formula * scale, scaled).tree, scaled),
    )
    assert one is not None
    assert other is not None
    assert other.region == one.region
    assert other.error == pytest.approx(scale * one.error, rel=1e-6)


def test_a_column_of_few_values_has_an_end_only_where_it_is_a_small_part() -> None:
    x = np.repeat([0.0, 1.0], 50)
    rows = _rows(x[:, None], x + np.linspace(0, 0.1, 100))
    assert outside(_fitted(1.0 * X + 0.1, rows).tree, rows) is None


def test_what_has_no_value_outside_has_an_infinite_error() -> None:
    x = np.linspace(1, 3, 100)
    rows = _rows(x[:, None], np.sqrt(x))
    found = outside(Formula(sympy.sqrt(X - sympy.Rational(3, 2)), ("x",)).tree, rows)
    assert found is not None
    assert math.isinf(found.error)
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert "no finite value" in str(found)


def test_the_law_goes_on_where_an_imitation_fits_better_inside() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 4, 300)
    y = 3 * np.exp(-0.7 * x) + 0.03 * rng.standard_normal(300)
    rows = _rows(x[:, None], y)
    law = _fitted(3.0 * sympy.exp(-0.7 * X), rows)
    imitation = _fitted(2.9 - 1.9 * X + 0.5 * X**2 - 0.05 * X**3, rows)
    choice = law_among([imitation, law], rows)
    assert choice is not None
    assert choice.law.text == law.text
    assert choice.share > 0.9
    errors = [item.outside.error for item in choice.seen if item.outside is not None]
    assert errors[0] < 0.05 < errors[1]


def test_a_search_names_the_law_and_what_predicts_best() -> None:
    rng = np.random.default_rng(2)
    columns = rng.uniform(1, 3, (120, 2))
    y = 2 * columns[:, 0] / columns[:, 1] ** 2 + 0.02 * rng.standard_normal(120)
    found = find_formula(columns, y, names=["m", "r"], work=0.1)
    assert found.law is not None
    assert found.law.text == "2*m/r^2"
    assert found.recommended is found.law
    assert all(formula.outside is not None for formula in found.front)
    assert found.law.outside is not None
    assert found.to_dict()["recommended"]["outside"]["region"] == found.law.outside.region
    assert [found.mark(formula) for formula in found.front].count("*") == 1
    assert found.law.outside.region in found.recommendation()


def test_an_exact_law_is_both() -> None:
    x = np.linspace(1, 3, 100)
    found = find_formula(x[:, None], 2 * x**2, names=["x"])
    assert found.exact
    assert found.law is not None
    assert found.law.expression == found.best.expression


def test_rows_that_follow_one_another_are_no_proof_for_one_another() -> None:
    """On a grid of whole numbers: a wave that explains what a law leaves does not take its place."""
    x, z = (item.ravel().astype(float) for item in np.meshgrid(np.arange(1, 41), np.arange(1, 41)))
    left = 0.5 * np.sin(x / 3) * np.sin(z / 4) + 0.2 * np.sin(x / 2 + z / 2)
    rows = _rows(np.column_stack([x, z]), 2 * x - 3 * np.sqrt(z) + left, ("x", "z"))
    law = _fitted(2.0 * X - 3.0 * sympy.sqrt(Z), rows)
    wavy = _fitted(2.0 * X - 3.0 * sympy.sqrt(Z) + 0.2 * sympy.sin(0.5 * X + 0.5 * Z), rows)
    choice = law_among([law, wavy], rows)
    assert choice is not None
    assert choice.count == 100
    assert choice.law.text == law.text
