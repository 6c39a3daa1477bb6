"""Names and formulas always draw, whatever they hold, and say what they are."""

from __future__ import annotations

import string

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from edgewise.plots.mathtext import drawable, expression_mathtext, name_mathtext, parses, shorten, terms_of
from edgewise.symbolic import parse_formula

x, z = sympy.Symbol("x1"), sympy.Symbol("cement (kg/m³)")
HOSTILE = "<script>alert('x')</script> $\\frac{1}{$^_~#&%\"`"


@pytest.mark.parametrize("character", string.printable)
def test_every_printable_character_can_be_in_a_name(character):
    assert parses(name_mathtext(f"a{character}b"))


@given(st.text(min_size=1, max_size=20))
def test_every_name_draws(name):
    assert parses(name_mathtext(name))


@pytest.mark.parametrize(
    "expression",
    [
        sympy.exp(sympy.sin(sympy.pi * x) + z**2),
        sympy.Abs(x - 0.3),
        sympy.sin(x) ** 2 / z,
        sympy.sqrt(1 - x**2) ** -1,
        x ** sympy.Rational(1, 3) * z ** sympy.Rational(-5, 2),
        sympy.atan(x) * sympy.tanh(z) * sympy.sinh(x) * sympy.cosh(z) * sympy.asin(x),
        sympy.Float(1.23456e-12) * x + sympy.Float(6.02e23),
        sympy.exp(3 * x + z**2 * x - sympy.log(z)) ** 2,
        sympy.Piecewise((x, x > 0), (0, True)),
        sympy.Max(x, z) + sympy.sign(x),
        sympy.Symbol(HOSTILE) ** 2 + 1,
        sympy.Integer(0),
    ],
)
def test_every_formula_draws(expression):
    for display in (False, True):
        assert parses(expression_mathtext(expression, display=display))


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("step(x - 1)^2*z", r"z \, \operatorname{step}^{2}{\left(x - 1 \right)}"),
        ("mod(x, 2) + 1", r"\operatorname{mod}{\left(x,2 \right)} + 1"),
        ("floor(x)", r"\left\lfloor{x}\right\rfloor"),
        ("min(x, z)", r"\min\left(x, z\right)"),
    ],
)
def test_steps_and_remainders_are_drawn_as_mathematics(text, drawn):
    assert expression_mathtext(parse_formula(text, ["x", "z"])) == drawn
    assert parses(drawn)


def test_names_read_as_mathematics():
    assert name_mathtext("x_12") == "x_{12}"
    assert name_mathtext("sigma2") == r"\sigma_{2}"
    assert name_mathtext("mass") == r"\mathrm{mass}"


def test_two_words_do_not_run_together():
    product = sympy.Symbol("mass") * sympy.Symbol("speed")
    assert expression_mathtext(product) == r"\mathrm{mass} \, \mathrm{speed}"


def test_decimals_are_rounded_and_exact_numbers_kept():
    text = expression_mathtext(1.23456789 * x + sympy.Rational(1, 3) + sympy.pi + 2.0 * z, digits=3)
    assert "1.23 " in text
    assert "1.234" not in text
    assert r"\pi" in text
    assert "2.0" not in text


def test_sums_open_without_a_minus_where_they_can():
    assert not expression_mathtext(5 * z - 3 * x**2).startswith("-")
    terms = terms_of(5 * z - 3 * x**2)
    assert sum(terms) == 5 * z - 3 * x**2
    assert terms[0] == 5 * z
    assert terms_of(-x * z) == [-x * z]


def test_what_the_font_lacks_is_a_question_mark():
    assert drawable("a漢\n\U0010fffdé") == "a???é"


def test_shorten():
    assert shorten("abcdef", 6) == "abcdef"
    assert len(shorten("abcdefg", 6)) == 6
