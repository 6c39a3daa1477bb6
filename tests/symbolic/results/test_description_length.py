"""The length of a description by a formula: what its numbers take."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from edgewise.symbolic.fitting.code_length import NUMBER_NATS
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.description_length import description
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import as_formula

x = sympy.Symbol("x")
X = np.random.default_rng(0).uniform(-2, 2, (300, 1))


@pytest.mark.parametrize(
    "number", [sympy.sqrt(2 / sympy.pi) / 2, 2 / (3 * sympy.sqrt(sympy.pi)), sympy.pi / 12]
)
def test_exact_numbers_that_stand_together_take_no_more_than_a_measured_one(number: sympy.Expr) -> None:
    noise = 0.01 * np.random.default_rng(1).standard_normal(len(X))
    rows = SplitRows.split(("x",), X, float(number) * np.exp(X[:, 0]) + noise, 0.2, 0)
    exact = as_formula(fit_expression(number * sympy.exp(x), rows), rows, None)
    measured = as_formula(fit_expression(1.1 * sympy.exp(x), rows), rows, None)
    assert len(exact.constants) == 0
    assert len(measured.constants) == 1
    # A fitted number leaves less, by about half a nat.
    assert description(exact, rows) <= description(measured, rows) + 4.0


def test_a_single_exact_number_takes_what_it_did() -> None:
    rows = SplitRows.split(("x",), X, 3 * X[:, 0], 0.2, 0)
    line, twice = (Formula(expression, names=("x",)) for expression in (3 * x, 3 * x + 3 * x**2 / 10**9))
    assert description(twice, rows) > description(line, rows) + NUMBER_NATS
    assert math.isfinite(description(line, rows))
