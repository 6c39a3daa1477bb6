"""Formulas lose the factors and terms that the data do not need."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic import Formula, find_formula
from edgewise.symbolic.expressions.parse import is_real, to_sympy
from edgewise.symbolic.search.backward_elimination import shortened

x, y, z = sympy.symbols("x y z")
FACTORS = (x, 1 / y, sympy.sin(z), sympy.exp(x * y), sympy.sqrt(x + z))


def offered(expression: sympy.Expr) -> list[sympy.Expr]:
    names = ("x", "y", "z")
    return [to_sympy(tree, names) for tree in shortened([Formula(expression, names=names)])]


@pytest.mark.slow
@given(st.sets(st.sampled_from(FACTORS), min_size=2), st.floats(0.5, 9).filter(lambda c: c % 1))
@settings(max_examples=10, deadline=None)
def test_every_proper_part_of_a_product_is_offered(factors: set[sympy.Expr], number: float) -> None:
    found = offered(number * math.prod(factors) + z)
    for k in range(len(factors)):
        for kept in itertools.combinations(factors, k):
            assert any(
                abs(float((expression - z - number * math.prod(kept)).subs({x: 1.3, y: 0.7, z: 2.1}))) < 1e-9
                for expression in found
            )


def test_what_has_one_part_gives_nothing() -> None:
    for expression in (3 * sympy.cos(x), sympy.Integer(2), x**2):
        assert offered(expression) == []


def test_sums_lose_a_term_and_squares_are_written_out() -> None:
    found = offered(2.5 * (x + sympy.cos(y) + 1))
    for part in (x, sympy.cos(y)):
        assert any(sympy.expand(expression - 2.5 * (part + 1)) == 0 for expression in found)
    assert any(
        sympy.expand(expression - (x**2 - 3 * x + y)) == 0
        for expression in offered((x - sympy.Rational(3, 2)) ** 2 + y - sympy.Rational(9, 4))
    )


def test_a_number_that_was_exact_may_be_fitted_anew() -> None:
    assert all(expression.has(sympy.Float) for expression in offered(x * sympy.sin(y) / 2))


def test_what_hardly_bends_is_offered_as_a_line() -> None:
    for bent, line in ((sympy.sin(y / 5), y / 5), (sympy.exp(0.1 * x), 1 + 0.1 * x)):
        found = [
            sympy.lambdify((x, y, z), expression - z - 3 * line)(1.3, 0.7, 2.1)
            for expression in offered(z + 3 * bent)
        ]
        assert np.abs(found).min() < 1e-12


@pytest.mark.slow
def test_a_law_is_found_without_factors_that_follow_the_noise() -> None:
    # A swinging rod in a rotating field, on four courses of its motion.
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.uniform(3, 5.5, 400), rng.uniform(0, 6, 400)])
    law = sympy.sin(y - x) / 2 - sympy.sin(y)
    values = np.sin(X[:, 1] - X[:, 0]) / 2 - np.sin(X[:, 1])
    found = find_formula(X, values + 0.05 * rng.normal(size=400), names=["x", "y"], work=0.2)
    assert sympy.simplify(found.best.sympy - law) == 0


def test_roots_of_negative_numbers_are_not_offered() -> None:
    assert all(
        is_real(expression) for expression in offered(sympy.sqrt(x * y - 4) + sympy.log(x * sympy.exp(y) - 2))
    )
