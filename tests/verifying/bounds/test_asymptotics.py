"""Limits against sympy's, and against values far out; what is not settled is not said."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms import parse
from edgewise.forms.tree import Node, Number
from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import to_tree
from edgewise.symbolic.results.box import DataBox
from edgewise.verifying.bounds.asymptotics import limit_of

BOX = DataBox(("x", "z"), np.array([1.0, 1.0]), np.array([2.0, 3.0]))
x, z = sympy.symbols("x z", positive=True)


def value(node: Node, z_is: float) -> float:
    tape = Tape(node, ("z",))
    return float(np.ravel(tape.value(tape.start, np.array([[z_is]])))[0])


def limit(law: str, end: float = math.inf) -> Node | None:
    return limit_of(parse(law, ["x", "z"]).tree, "x", end, BOX)


@pytest.mark.parametrize(
    ("law", "end"),
    [
        ("3/(x + 1)", math.inf), ("z*x/(2 + x)", math.inf), ("x^9*exp(-z*x)", math.inf), ("log(x)/z", 0.0),
        ("1/(exp(z*x) - 1)", 0.0), ("x/(exp(z*x) - 1)", 0.0), ("1/(exp(z*x) - 1)", math.inf), ("tanh(z*x)", math.inf),
        ("(1 - cos(x))/x^2", 0.0), ("sin(z*x)/x", 0.0), ("log(1 + z/x)*x", math.inf), ("(1 + 1/x)^x", math.inf),
        ("x*log(x)", 0.0), ("cosh(x)*exp(-2*x)", math.inf), ("(x^2 + 1)/(3*x^2 - x)", math.inf), ("log(x)^3/x", math.inf),
        ("exp(-z/x)", 0.0), ("x + z - x", math.inf), ("log(1 + exp(z*x))/x", math.inf), ("1/(x*(exp(z/x) - 1))", math.inf),
        ("atan(x)*z", math.inf), ("asinh(x)/log(x)", math.inf), ("x^(3/2)*z", 0.0), ("exp(-x^2/z)*x^3", math.inf),
    ],
)  # fmt: skip
def test_limits_that_textbooks_have(law: str, end: float) -> None:
    """What sympy finds (Gruntz's algorithm) for positive z."""
    found = limit(law, end)
    assert found is not None
    known = sympy.limit(
        sympy.parse_expr(law.replace("^", "**"), {"x": x, "z": z}), x, sympy.oo if end else 0, "+"
    )
    for at in (1.0, 1.7, 3.0):
        expected = float(known.subs(z, at))
        assert value(found, at) == (
            expected if math.isinf(expected) else pytest.approx(expected, rel=1e-9, abs=1e-12)
        )


@pytest.mark.parametrize(
    "law", ["sin(x)", "(z - 2)*x", "sqrt(x^2 + z) - x", "floor(2 + 1/x)", "x*sin(x)", "log(z - 2) + 1/x"]
)
def test_what_is_not_settled_is_not_said(law: str) -> None:
    """No limit, a sign that changes in the box, a cancellation, a column with no value: nothing is claimed."""
    assert limit(law) is None


def test_sides() -> None:
    below = DataBox(("x",), np.array([0.0]), np.array([0.9]))
    above = DataBox(("x",), np.array([1.1]), np.array([2.0]))
    pole = parse("1/(x - 1)", ["x"]).tree
    assert limit_of(pole, "x", 1.0, below) == Number(-math.inf)
    assert limit_of(pole, "x", 1.0, above) == Number(math.inf)
    assert limit("x^3", -math.inf) == Number(-math.inf)


_CONSTANT = st.sampled_from([sympy.Integer(1), sympy.Integer(-2), sympy.Rational(1, 2), z, 1 / z])
_PIECE = st.sampled_from(
    [
        x,
        1 / x,
        x**2,
        sympy.sqrt(x),
        sympy.exp(-x),
        sympy.log(x),
        1 / (1 + x),
        sympy.atan(x),
        sympy.tanh(x),
        sympy.exp(x),
        sympy.cos(x),
    ]
)
_TERM = st.builds(lambda c, a, b: c * a * b, _CONSTANT, _PIECE, _PIECE)
_LAW = st.builds(
    lambda a, b, c: (a + b) / c,
    _TERM,
    _TERM,
    st.sampled_from([sympy.Integer(1), x + 1, sympy.exp(x) + x, 2 + 1 / x]),
)


@settings(max_examples=60, deadline=None)
@given(_LAW)
def test_what_is_said_is_so_far_out(law: sympy.Expr) -> None:
    """Values with 60 digits at x = 10^8 lie near the limit, or are large where it is infinite."""
    found = limit_of(to_tree(canonical(law, ("x", "z"))), "x", math.inf, BOX)
    if found is None:
        return
    for at in (1, 2):
        there = complex(sympy.N(law.subs({z: at, x: sympy.Integer(10) ** 8}), 60, maxn=10**4))
        expected = value(found, at)
        if math.isinf(expected):
            assert there.real * math.copysign(1, expected) > 5
        else:
            assert abs(there - expected) < 1e-3 * max(1, abs(expected)) + 0.3 / math.log(1e8) * (
                expected == 0
            )
