"""Text, trees and sympy; the shortest writing; how much there is to read."""

from __future__ import annotations

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.forms import FORMS, Expression, form_from_text
from edgewise.symbolic import complexity, form_from_sympy, formula_text, parse_formula, simplify_expression
from edgewise.symbolic.expressions.parse import from_sympy, to_sympy

NAMES = ("x", "y", "z")
POINT = {"x": 0.71, "y": 0.43, "z": 1.31}


def leaves() -> st.SearchStrategy[str]:
    return st.one_of(
        st.sampled_from(NAMES), st.floats(0.2, 3).map(lambda v: f"{v:.3f}"), st.integers(1, 4).map(str)
    )


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "-1", "0.5", "1.7", "(1/2)"])).map(
            lambda t: f"({t[0]})^({t[1]})"
        ),
        st.tuples(st.sampled_from(["exp", "log", "sin", "cos", "sqrt", "tanh", "atan", "abs"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
    )


formulas = st.recursive(leaves(), grow, max_leaves=8)


def value(expression: sympy.Expr) -> complex:
    return complex(expression.subs(POINT).evalf(20))


def comparable(expression: sympy.Expr) -> bool:
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
        return False
    try:
        at = value(expression)
    except (TypeError, OverflowError):
        return False
    # Where a step is complex the formula has no value; rules may then choose another branch.
    parts = [value(part) for part in sympy.preorder_traversal(expression) if part.is_Function or part.is_Pow]
    return all(abs(part.imag) < 1e-30 and abs(part) < 1e6 for part in [at, *parts])


@given(formulas)
@settings(max_examples=120, deadline=None)
def test_sympy_and_text_are_the_same_formula(text: str) -> None:
    expression = parse_formula(text, NAMES)
    if not comparable(expression):
        return
    again = parse_formula(formula_text(expression), NAMES)
    assert value(again) == pytest.approx(value(expression), rel=1e-9, abs=1e-12)


@given(formulas)
@settings(max_examples=120, deadline=None)
def test_the_shortest_writing_is_equal_and_no_longer(text: str) -> None:
    expression = parse_formula(text, NAMES)
    if not comparable(expression):
        return
    short = simplify_expression(expression)
    assert value(short) == pytest.approx(value(expression), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("exp(1.5*log(x))", "x^1.5"),
        ("exp(log(x) + log(y) - 2*log(z))", "x*y/z^2"),
        ("sqrt(4.0*x + 2.0)", "2*sqrt(x + 0.5)"),
        ("0.25*(x + y)^2 - 0.25*(x - y)^2", "x*y"),
        ("(2.0*x + 4.0)*(3.0*y + 3.0)", "6*(x + 2)*(y + 1)"),
        ("log(3.0*exp(y))", "y + 1.09861"),
        ("abs(2.0*x - 1.0)", "2*abs(x - 0.5)"),
        ("1 - 2*sin(x)^2", "cos(2*x)"),
        ("sin(x + pi/2)", "cos(x)"),
        ("(exp(x))^2", "exp(2*x)"),
        ("x^2*(1/tanh(y/z) - 1)/2", "x^2/(exp(2*y/z) - 1)"),
        ("1/tanh(x) - 1/x", "1/tanh(x) - 1/x"),
        ("-1/(1 - exp(x))", "1/(exp(x) - 1)"),
        ("-2.5*y/(1/x^2 - 1/z^2)", "2.5*y/(1/z^2 - 1/x^2)"),
        ("-y/(x + z)", "-y/(x + z)"),
        ("3*exp(x)*z*exp(y)", "3*z*exp(x + y)"),
        ("exp(x + 2.0)*exp(-x)", "7.38906"),
        ("exp(x)/exp(y)", "exp(x - y)"),
    ],
)
def test_known_shortenings(text: str, short: str) -> None:
    assert formula_text(simplify_expression(parse_formula(text, NAMES)), 6) == short


def test_signs_are_not_lost() -> None:
    # (x^2)^(1/2) is |x|, and log(x^2) is not 2 log(x) for negative x.
    for text in ("(x^2)^(1/2)", "log(x^2)", "(x^2)^0.5"):
        expression = parse_formula(text, NAMES)
        short = simplify_expression(expression)
        at = {"x": -2.0}
        assert complex(short.subs(at).evalf()) == pytest.approx(complex(expression.subs(at).evalf()))


def test_large_products_are_not_multiplied_out() -> None:
    """Eight sums of three terms would be thousands of terms; they only share a factor in front."""
    text = "*".join(f"(1.{k}*x + 0.{k}*y + sin({k}.5*z))" for k in range(1, 9))
    factor, *sums = simplify_expression(parse_formula(text, NAMES)).args
    assert factor.is_number
    assert [len(total.args) for total in sums if total.is_Add] == [3] * 8


@pytest.mark.parametrize(
    ("text", "nodes"),
    [("x", 1), ("-x", 1), ("2*x", 3), ("1/x", 3), ("x/y", 3), ("x^2", 3), ("sqrt(x)", 2), ("exp(-x)", 2),
     ("x*y/z^2", 7), ("pi*x/2", 3), ("x + 1/2", 3), ("exp(sin(pi*x) + y^2)", 9), ("2.5", 1)],
)  # fmt: skip
def test_complexity_counts_nodes(text: str, nodes: int) -> None:
    assert complexity(parse_formula(text, NAMES)) == nodes


def test_odd_column_names() -> None:
    names = ["flow rate", "µ", "lambda", "S", "I", "E", "pi"]
    expression = parse_formula("`flow rate`*µ + lambda/S + I^2 + E + pi", names)
    assert {symbol.name for symbol in expression.free_symbols} == set(names)
    assert parse_formula(formula_text(expression), names) == expression


def test_e_and_pi_are_exact() -> None:
    assert parse_formula("e*pi", ["x"]) == sympy.E * sympy.pi
    assert formula_text(sympy.E * sympy.Symbol("e"), None) == "exp(1)*e"


def test_unknown_functions_are_refused() -> None:
    with pytest.raises(InputError, match="gamma"):
        formula_text(sympy.gamma(sympy.Symbol("x")))


@pytest.mark.parametrize("name", sorted(FORMS))
def test_forms_have_a_sympy_face(name: str) -> None:
    form = FORMS[name]
    face = Expression(from_sympy(parse_formula(form.text, ["x"])), ("x",))
    z = torch.tensor([0.3, 0.8], dtype=torch.float64)
    torch.testing.assert_close(face.evaluate({"x": z}), form.value(z), rtol=1e-12, atol=1e-14)


def test_forms_from_sympy() -> None:
    t = sympy.Symbol("t")
    assert form_from_sympy(t * sympy.exp(-t)) is form_from_text("x*exp(-x)")
    assert form_from_sympy(sympy.sin(t)) is FORMS["sin"]
    for bad in (sympy.Integer(2), t + sympy.Symbol("u"), sympy.gamma(t), "x"):
        with pytest.raises(InputError):
            form_from_sympy(bad)


def test_short_texts_leave_out_factors_of_one() -> None:
    x, y = sympy.symbols("x y")
    expression = 1.0000000001 * sympy.exp(0.99999999 * x**2) + 2.0 * x * y + 1.0
    assert formula_text(expression, 6) == "2*x*y + exp(x^2) + 1"
    assert "1.0000000001" in formula_text(expression)


@pytest.mark.parametrize("text", ["9**9**9**9", "x + 2^(10^9)", "(1/3)^(-10^12)", "(-2)^(10^8 + 1/2)"])
def test_powers_of_numbers_that_no_memory_holds_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="powers of numbers within the range of floats"):
        parse_formula(text, ["x"])


def test_powers_of_numbers_are_exact_where_that_is_short() -> None:
    assert parse_formula("2^100", []) == sympy.Integer(2) ** 100
    assert parse_formula("(2/3)^-7", []) == sympy.Rational(3, 2) ** 7
    assert parse_formula("8^(1/3)", []) == 2
    assert parse_formula("1^(10^12) + 0^(10^12)", []) == 1
    assert float(parse_formula("(1/3)^(10^6)", [])) == 0.0
    assert abs(float(parse_formula("1.5^1700", [])) / 1.5**1700 - 1) < 1e-9


def test_what_sympy_makes_of_shifted_tangents_is_understood() -> None:
    x = sympy.Symbol("x")
    for made in (sympy.tan(x + sympy.pi / 2), sympy.cot(x), sympy.sec(x), sympy.csch(x)):
        tree = from_sympy(made)
        again = to_sympy(tree, ("x",))
        assert abs(complex(again.subs(x, 0.7)) - complex(made.subs(x, 0.7))) < 1e-12


def test_a_measured_constant_takes_in_irrational_numbers() -> None:
    x = sympy.Symbol("x")
    folded = simplify_expression(sympy.Float(0.7071067811865476) * sympy.sqrt(2) * x)
    assert len(folded.atoms(sympy.Float)) == 1
    assert not folded.has(sympy.sqrt(2))
    assert float(folded.subs(x, 1)) == pytest.approx(1, rel=1e-15)
    assert simplify_expression(sympy.sqrt(2) * sympy.pi * x) == sympy.sqrt(2) * sympy.pi * x


def test_a_root_of_what_is_negative_throughout_keeps_its_value() -> None:
    expression = parse_formula("0.126*sqrt(-0.108 - 1/x^2)", ["x"])
    short, at = simplify_expression(expression, ["x"]), {sympy.Symbol("x"): 1.7}
    assert abs(complex(short.subs(at)) - complex(expression.subs(at))) < 1e-12


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("2.4*log(1.09*x + 1)", "2.4*log(1.09*x + 1)"),
        ("2.4*log(1.25*x + 1) + 0.7", "2.4*log(x + 0.8) + 1.2355445231541033"),
        ("y*log(1.25*x + 1)", "y*log(1.25*x + 1)"),
    ],
)
def test_a_logarithm_keeps_a_rate_where_it_would_make_another_constant(text: str, short: str) -> None:
    assert formula_text(simplify_expression(parse_formula(text, NAMES))) == short
