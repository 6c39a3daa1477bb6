"""Steps, maxima and remainders through text, sympy and back: the same values, the shorter writing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.forms import parse
from edgewise.symbolic import complexity, formula_text, parse_formula, simplify_expression
from edgewise.symbolic.expressions.parse import from_sympy, is_real
from edgewise.symbolic.expressions.tape import Tape

NAMES = ("x", "y", "z")
# Off the jumps: no simple combination of these is a whole number.
ROWS = np.random.default_rng(3).uniform(-3.0, 3.0, (60, 3))


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(st.sampled_from(["max", "min", "mod"]), inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(st.sampled_from(["step", "floor", "abs"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, st.sampled_from(["2", "1.7", "0.35"])).map(lambda t: f"({t[0]})/{t[1]}"),
    )


leaves = st.one_of(
    st.sampled_from(NAMES), st.floats(0.2, 3).map(lambda v: f"{v:.3f}"), st.integers(1, 4).map(str)
)
formulas = st.recursive(leaves, grow, max_leaves=7)


def values(expression: Any, rows: Any = ROWS) -> Any:
    tape = Tape(from_sympy(expression), NAMES)
    return tape.value(tape.start, rows)


def check_same(found: Any, text: str) -> None:
    """The values of the text, or those beside a jump that it happens to stand on."""
    tape = Tape(parse(text, NAMES).tree, NAMES)
    nearby = np.stack([tape.value(tape.start, ROWS * by) for by in (1.0, 1 + 1e-9, 1 - 1e-9)])
    got = values(found)
    known = np.isfinite(nearby).all(axis=0)
    off = np.abs(got - nearby).min(axis=0)[known]
    assert (off <= 1e-6 * (1 + np.abs(nearby[0][known]))).all()


@given(formulas)
@settings(max_examples=150, deadline=None)
def test_sympy_and_text_are_the_same_formula(text: str) -> None:
    expression = parse_formula(text, NAMES)
    if not is_real(expression):
        return
    check_same(expression, text)
    written = formula_text(expression)
    assert parse_formula(written, NAMES) == expression
    assert formula_text(parse_formula(written, NAMES)) == written


@given(formulas)
@settings(max_examples=150, deadline=None)
def test_the_shortest_writing_is_equal_and_no_longer(text: str) -> None:
    expression = parse_formula(text, NAMES)
    if not is_real(expression):
        return
    short = simplify_expression(expression)
    check_same(short, text)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("x/2 + y/2 + abs(x - y)/2", "max(x, y)"),
        ("0.35*x + 0.35*y - 0.35*abs(x - y)", "0.7*min(x, y)"),
        ("3 + x*z/2 + y*z/2 + z*abs(x - y)/2", "z*max(x, y) + 3"),
        ("x/2 + abs(x)/2 + y/2 + abs(y)/2", "max(x, 0) + max(y, 0)"),
        ("0.5*x + 0.5*abs(x)", "max(x, 0)"),
        ("x*step(x)", "max(x, 0)"),
        ("max(2.5*x, 2.5*y) + z", "z + 2.5*max(x, y)"),
        ("max(x + z, y + z)", "z + max(x, y)"),
        ("max(-x, -y)", "-min(x, y)"),
        ("max(x, -x)", "abs(x)"),
        ("x - y*floor(x/y)", "mod(x, y)"),
        ("x - 3.7*floor(x/3.7)", "mod(x, 3.7)"),
        ("x - floor(x)", "mod(x, 1)"),
        ("2*floor(x/2) + mod(x, 2)", "x"),
        ("z*y*mod(x/y, 1)", "z*mod(x, y)"),
        ("mod(2*x, 2*y)", "2*mod(x, y)"),
        ("step(2.0*x - 4.0)", "step(x - 2)"),
        ("step(x)^2", "step(x)"),
        ("x + abs(x)", "x + abs(x)"),
    ],
)
def test_known_shortenings(text: str, short: str) -> None:
    assert formula_text(simplify_expression(parse_formula(text, NAMES)), 6) == short


@pytest.mark.parametrize(
    ("text", "nodes"),
    [("max(x, y)", 3), ("min(x, 0)", 3), ("mod(x, 2)", 3), ("step(x)", 2), ("floor(2*x)", 4), ("max(x, max(y, z))", 5)],
)  # fmt: skip
def test_complexity_is_what_people_read(text: str, nodes: int) -> None:
    assert complexity(parse_formula(text, NAMES)) == nodes


def test_remainders_keep_their_constants() -> None:
    """Sympy's own would write mod(x - 0.5, 1) as Mod(1.0*x + 0.5, 1)."""
    for text in ("mod(x - 0.5, 1)", "mod(x, 1.0)", "mod(0.1*x + 0.3, 0.1)", "mod(x + 4.0, 2)"):
        assert formula_text(parse_formula(text, NAMES)) == text


def test_other_writings_of_sympy_are_read() -> None:
    x, y = sympy.symbols("x y")
    for expression, text in (
        (sympy.ceiling(x), "-floor(-x)"),
        (sympy.frac(x), "mod(x, 1)"),
        (sympy.Mod(x, y), "mod(x, y)"),
        (sympy.Heaviside(x), "(1 + sign(x))/2"),
        (sympy.Heaviside(x, 0), "1 - step(-x)"),
        (sympy.Max(x, y, 2), "max(max(x, y), 2)"),
    ):
        assert formula_text(expression) == text
    with pytest.raises(InputError, match="Heaviside"):
        formula_text(sympy.Heaviside(x, sympy.Symbol("h")))


@pytest.mark.parametrize(
    "text", ["max(sqrt(-2), x)", "step(log(-1))", "mod(x, 0)", "min(log(0), x)", "mod(x, 0.0)"]
)
def test_what_has_no_value_is_no_traceback(text: str) -> None:
    assert not is_real(parse_formula(text, NAMES))
    assert not is_real(simplify_expression(parse_formula(text, NAMES)))


def test_numbers_are_worked_out() -> None:
    assert parse_formula("mod(7, -3) + floor(2.5) + max(1, 2) + step(0)", NAMES) == 3
    assert float(parse_formula("mod(0.3, 0.1)", NAMES)) == 0.3 % 0.1
    assert float(parse_formula("mod(pi, 1)", NAMES)) == pytest.approx(np.pi - 3)


def test_sympy_can_compute_them() -> None:
    law = parse_formula("mod(x, y) + max(x, y) - step(x - y)*floor(3*z)", NAMES)
    oracle = sympy.lambdify(sympy.symbols(NAMES), law)
    np.testing.assert_allclose(oracle(*ROWS.T), values(law), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("x^2*cos(step(y))^2 + x^2*(1 - cos(step(y))^2)", "x^2"),
        ("1.5*(step(x) + 2)^2*z - 7.5*z*step(x)", "6.0*z"),
        ("x*step(y)*exp(step(y))*1.0", "2.718281828459045*x*step(y)"),
        ("exp(step(x))", "exp(step(x))"),
    ],
)
def test_what_depends_on_a_step_alone_is_a_line_in_it(text: str, short: str) -> None:
    found = simplify_expression(parse_formula(text, NAMES))
    check_same(found, text)
    assert formula_text(found) == short
