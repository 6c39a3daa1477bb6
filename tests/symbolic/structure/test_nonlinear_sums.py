"""Sums of terms with constants inside: functions and their slopes, fits, and what is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms import parse
from edgewise.forms.tree import Apply
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.nonlinear_fit import NonlinearSum, basis, fitted
from edgewise.symbolic.structure.nonlinear_sums import nonlinear_sums
from edgewise.symbolic.structure.nonlinear_terms import (
    FAMILIES,
    MOST_COLUMNS,
    NonlinearTerm,
    dictionary,
    dictionary_of_products,
    monomial,
)

NAMES = ("x", "t")
X = np.random.default_rng(0).uniform(0.2, 4.0, (400, 2))


def values(text: str) -> np.ndarray:
    formula = parse(text, list(NAMES)).tree
    tape = Tape(formula, NAMES)
    return tape.value(tape.start, X)


@pytest.mark.parametrize("family", range(len(FAMILIES)))
@given(k=st.floats(0.2, 2.0), power=st.integers(0, 2))
@settings(max_examples=10, deadline=None)
def test_a_term_has_the_values_and_slopes_of_its_formula(family: int, k: float, power: int) -> None:
    term = NonlinearTerm((power, 0), ((1, family), (0, 0)))
    own = (k, 0.3)
    tape = Tape(term.tree(NAMES, own), NAMES)
    np.testing.assert_allclose(term.value(X, own), tape.value(tape.start, X), rtol=1e-12)
    step = 1e-6
    for at in range(2):
        up = tuple(c + step * (at == other) for other, c in enumerate(own))
        down = tuple(c - step * (at == other) for other, c in enumerate(own))
        slope = (term.value(X, up) - term.value(X, down)) / (2 * step)
        scale = float(np.abs(slope).max())
        np.testing.assert_allclose(term.slopes(X, own)[:, at], slope, rtol=1e-5, atol=1e-7 * scale)


def test_dictionaries_hold_the_values_of_their_terms() -> None:
    for made in (dictionary(X), dictionary_of_products(X)):
        assert made.values.shape == (len(X), len(made.part)) == (len(X), len(made.constants))
        assert (np.diff(made.part) >= 0).all()
        for place in range(0, len(made.part), 97):
            term, own = made.at(place)
            np.testing.assert_array_equal(made.values[:, place], term.value(X, own))


def test_columns_of_both_signs_have_no_powers_and_logarithms() -> None:
    made = dictionary(np.c_[X[:, 0], X[:, 1] - 2])
    positive = {each.factors[0][0] for each in made.terms if FAMILIES[each.factors[0][1]].positive}
    assert positive == {0}


@given(rate=st.floats(0.3, 1.5), wave=st.floats(1.2, 2.5))
@settings(max_examples=10, deadline=None)
def test_a_fit_from_nearby_ends_at_the_constants(rate: float, wave: float) -> None:
    y = 2 * np.exp(-rate * X[:, 1]) - X[:, 0] * np.sin(wave * X[:, 1]) + 0.7 * X[:, 0] - 1
    start = NonlinearSum(((0, 0), (1, 0)))
    start = start.with_term(NonlinearTerm((0, 0), ((1, 0),)), (1.15 * rate,))
    start = start.with_term(NonlinearTerm((1, 0), ((1, 2),)), (1.05 * wave,))
    end = fitted(start, X, y, steps=60, floor=0.0)
    assert end.rss < 1e-18 * float(y @ y)
    assert end.constants == (pytest.approx((rate,), rel=1e-7), pytest.approx((wave,), rel=1e-7))
    assert end.count == 6


def test_a_fit_never_leaves_more_than_its_start() -> None:
    y = np.random.default_rng(1).normal(size=len(X))
    start = NonlinearSum(((0, 0),)).with_term(NonlinearTerm((0, 0), ((0, 3),)), (5.0,))
    columns = np.column_stack(start.columns(X))
    factors = np.linalg.lstsq(columns, y, rcond=None)[0]
    at_start = float(np.square(y - columns @ factors).sum())
    assert fitted(start, X, y, steps=0, floor=0.0).rss == pytest.approx(at_start, rel=1e-12)
    assert fitted(start, X, y, steps=20, floor=0.0).rss <= at_start


def test_a_basis_is_orthonormal_and_spans_its_columns() -> None:
    columns = [monomial(X, each) for each in ((0, 0), (1, 0), (2, 1))]
    made = basis(columns, len(X))
    np.testing.assert_allclose(made.T @ made, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(
        made @ (made.T @ np.column_stack(columns)), np.column_stack(columns), rtol=1e-10
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "law",
    [
        "1.17*x*exp(-0.83*t) + 2.3*sin(1.9*t) - 0.71*x^2",
        "3.1*x/(1 + 0.63*x) - 1.4*exp(-1.3*t) + 0.37*x*t",
        "2.2*x^0.37*exp(-0.43*t) - 1.9*x",
    ],
)
def test_sums_are_found_with_their_constants(law: str) -> None:
    y = values(law)
    found = find_formula(X, y, names=NAMES, work=0.3)
    assert found.exact
    others = np.random.default_rng(5).uniform(0.1, 4.4, (200, 2))
    tape = Tape(parse(law, list(NAMES)).tree, NAMES)
    np.testing.assert_allclose(
        found.best.predict(others), tape.value(tape.start, others), rtol=1e-6, atol=1e-8
    )


def test_terms_that_the_rows_do_not_need_are_left_out() -> None:
    y = values("2.3*sin(1.7*t) - 0.71*x^2")
    rows = SplitRows.split(NAMES, X, y, 0.2, 0)
    first = next(nonlinear_sums(rows, np.inf))
    assert isinstance(first, Apply)
    assert first.function == "+"
    assert len(first.arguments) == 2


def test_wide_and_short_tables_are_left_alone() -> None:
    wide = np.random.default_rng(0).uniform(1, 2, (200, MOST_COLUMNS + 1))
    rows = SplitRows.split(tuple("abcdefgh"[: wide.shape[1]]), wide, wide.sum(1), 0.2, 0)
    assert not list(nonlinear_sums(rows, np.inf))
    few = SplitRows.split(NAMES, X[:50], X[:50, 0], 0.2, 0)
    assert not list(nonlinear_sums(few, np.inf))
