"""Formulas as sympy source: running it gives the formula back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import Formula, InputError
from edgewise.exporting.sympy_source import to_sympy_source
from edgewise.symbolic import parse_formula

NAMES = ("m", "two words", "lambda", "x^2", "sympy", "formula", "e", "_n")


def run(source: str, name: str = "formula") -> Any:
    space: dict[str, Any] = {}
    exec(source, space)
    return space[name]


@pytest.mark.parametrize(
    "text",
    [
        "2.5*m^(1/3) + sin(lambda)/2",
        "1/3",
        "2*pi*sqrt(m/e)",
        "-m^-2",
        "0.1",
        "7",
        "exp(-m^2/2)/sqrt(2*pi)",
        "abs(m) - 2/(3*lambda)",
        "2^m",
        "m^lambda",
        "log(m/3)^2",
        "asin(tanh(m))*sign(e)",
        "`two words`/`x^2` + sympy*formula",
    ],
)
def test_typical_formulas_come_back_the_same(text: str) -> None:
    expression = parse_formula(text, NAMES)
    assert run(to_sympy_source(Formula(expression, NAMES))) == expression


def test_every_digit_of_a_constant_stays() -> None:
    value = 1 / 3 + 1e-15
    found = run(to_sympy_source(Formula(value * sympy.Symbol("m"), ("m",))))
    assert float(found.as_coeff_Mul()[0]) == value


numbers = st.one_of(
    st.integers(-9, 9).map(sympy.Integer),
    st.fractions(-3, 3, max_denominator=7).map(lambda f: sympy.Rational(f.numerator, f.denominator)),
    st.floats(0.1, 3).map(sympy.Float),
    st.just(sympy.pi),
)
leaves = st.one_of(st.sampled_from(NAMES).map(sympy.Symbol), numbers)
functions = st.sampled_from([sympy.sin, sympy.exp, sympy.Abs, sympy.atan, sympy.tanh, sympy.cosh])
powers = st.sampled_from([2, 3, -1, -2, sympy.Rational(1, 3), sympy.Float(1.7)])


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(functions, inner).map(lambda pair: pair[0](pair[1])),
        st.tuples(inner, powers).map(lambda pair: (1 + pair[0] ** 2) ** pair[1]),
    )


@settings(max_examples=60, deadline=None)
@given(st.recursive(leaves, larger, max_leaves=6))
def test_any_formula_has_the_same_values(expression: Any) -> None:
    if expression.has(sympy.nan, sympy.zoo, sympy.oo, sympy.I, sympy.re, sympy.im, sympy.arg):
        return
    again = run(to_sympy_source(Formula(expression, NAMES)))
    assert again.free_symbols <= expression.free_symbols
    rows = np.random.default_rng(0).uniform(0.5, 1.5, (5, len(NAMES)))
    symbols = [sympy.Dummy() for _ in NAMES]
    swap = dict(zip(map(sympy.Symbol, NAMES), symbols, strict=True))
    with np.errstate(all="ignore"):
        old, new = (
            np.broadcast_to(sympy.lambdify(symbols, item.xreplace(swap), "numpy")(*rows.T), (5,))
            for item in (expression, again)
        )
    assert np.allclose(old, new, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_the_result_may_have_another_name() -> None:
    law = Formula(2 * sympy.Symbol("law"), ("law",))
    assert run(to_sympy_source(law, name="law"), "law") == law.sympy
    with pytest.raises(InputError, match="name"):
        to_sympy_source(law, name="two words")
