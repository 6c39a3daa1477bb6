"""Results in one line, and constants with their errors."""

import math

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise.symbolic import Formula
from edgewise.symbolic.results.formula import Constant


@given(st.floats(1e-9, 1e9), st.floats(1e-12, 1e12))
def test_a_constant_is_written_to_its_error(value: float, error: float) -> None:
    first, _, second = str(Constant(value, error)).partition(" ± ")
    assert float(first) == pytest.approx(value, abs=max(error, 1e-5 * value))
    assert float(second) == pytest.approx(error, rel=0.051)


def test_reprs_are_one_line() -> None:
    x = sympy.Symbol("x")
    law = Formula(
        2.5 * x**2, names=("x",), error=0.1, r2=0.99, constants=(Constant(2.5, 0.01), Constant(1.0, math.inf))
    )
    assert repr(law) == "Formula('2.5*x^2', complexity=5, error=0.1, r2=0.99)"
    assert "2.5 ± 0.01;" in law.constants_told
    fit = ew.fit(
        ew.KAN([1, 1], intervals=2, seed=0), [[0.0], [0.5], [1.0], [1.5], [2.0]], [0, 1, 2, 3, 4], work=0.1
    )
    assert "\n" not in repr(fit)
    assert len(repr(fit)) < 200
