"""The algebra of formulas: the same canonical forms and values as sympy's, an order that says nothing, no float lost."""

from __future__ import annotations

import pickle

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms.parser import read
from edgewise.forms.tree import render
from edgewise.symbolic.expressions.algebra import add, multiply, power, replaced
from edgewise.symbolic.expressions.border import as_sympy, canonical, simplify_expression
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.expansion import expanded, factored_terms, primitive
from edgewise.symbolic.expressions.nodes import (
    HALF,
    MINUS,
    ONE,
    UNDEFINED,
    Expr,
    floats,
    made,
    number,
    symbol,
)
from edgewise.symbolic.expressions.numeric_values import value_of
from edgewise.symbolic.expressions.parse import from_sympy, is_real, to_sympy
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import from_tree, text, to_tree

NAMES = ("x", "y", "z")
POINT = {"x": 0.71, "y": 0.43, "z": 1.31}
X, Y, Z = map(symbol, NAMES)

leaves = st.one_of(
    st.sampled_from(NAMES), st.integers(1, 4).map(str), st.sampled_from(["0.5", "1.25", "-2.5"])
)


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    powers = st.sampled_from(["2", "3", "-1", "(1/2)", "(3/2)"])
    functions = st.sampled_from(["exp", "log", "sin", "cos", "sqrt", "tanh", "atan", "abs"])
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(inner, powers).map(lambda t: f"({t[0]})^{t[1]}"),
        st.tuples(functions, inner).map(lambda t: f"{t[0]}({t[1]})"),
    )


formulas = st.recursive(leaves, grow, max_leaves=8)


def read_both(formula: str) -> tuple[sympy.Expr, Expr] | None:
    tree = read(formula, NAMES)
    theirs, ours = to_sympy(tree, NAMES), from_tree(tree, NAMES)
    # Numbers without a real value sympy may still reckon with; here they are undefined.
    return (theirs, ours) if is_real(theirs) and ours.real else None


def value(expression: sympy.Expr) -> complex:
    return complex(expression.subs(POINT).evalf(20))


def comparable(expression: sympy.Expr) -> bool:
    parts = [value(part) for part in sympy.preorder_traversal(expression) if part.is_Function or part.is_Pow]
    return all(abs(part.imag) < 1e-30 and abs(part) < 1e6 for part in [value(expression), *parts])


@given(formulas)
@settings(max_examples=150, deadline=None)
def test_written_formulas_are_those_of_sympy(formula: str) -> None:
    if (both := read_both(formula)) is None:
        return
    theirs, ours = both
    # Digits beyond the twelfth are those of the mathematical library.
    assert render(to_tree(ours, 12)) == render(from_sympy(theirs, 12))


@given(formulas, st.sets(st.sampled_from(NAMES)))
@settings(max_examples=100, deadline=None)
def test_every_writing_has_the_same_values(formula: str, positive: set[str]) -> None:
    if (both := read_both(formula)) is None or not comparable(both[0]):
        return
    expected = value(both[0])
    for ours in (shortest(both[1], positive), expanded(both[1]), factored_terms(both[1])):
        assert value(as_sympy(ours)) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("around", ["{}", "exp(-{}/2)/u", "0.7*cos({})"])
def test_of_writings_as_long_the_one_in_which_fewer_columns_stand_is_chosen(around: str) -> None:
    wide, narrow = (
        shortest(from_tree(read(around.format(text), ("x", "y", "u")), ("x", "y", "u")))
        for text in ("(x/u - y/u)^2", "(x - y)^2/u^2")
    )
    assert wide == narrow


@given(formulas)
@settings(max_examples=60, deadline=None)
def test_the_way_out_and_in_again_changes_nothing(formula: str) -> None:
    ours = from_tree(read(formula, NAMES), NAMES)
    if not ours.real:
        return
    again = from_tree(to_tree(ours), NAMES)
    assert node_count(again) == node_count(ours)
    assert pickle.loads(pickle.dumps(ours)) == ours
    assert text(pickle.loads(pickle.dumps(ours))) == text(ours)


@given(st.permutations([X, multiply(number(2.5), Y), power(Z, HALF), ONE, multiply(X, Y)]))
def test_the_order_of_terms_and_factors_says_nothing(terms: list[Expr]) -> None:
    total, product = add(*terms), multiply(*terms)
    assert total == add(*reversed(terms))
    assert hash(product) == hash(multiply(*reversed(terms)))
    assert text(total) == "x*y + x + 2.5*y + sqrt(z) + 1"


def test_exact_and_measured_numbers_are_different() -> None:
    assert number(2) != number(2.0)
    assert multiply(number(1.0), X) != X
    assert add(number(0.5), number(-0.5)) == number(0)
    assert floats(add(multiply(number(2), X), number(0.5))) == {0.5}


@pytest.mark.parametrize(
    "expression",
    [
        power(number(-2), HALF),
        power(number(0), MINUS),
        made("log", number(-1.0)),
        made("asin", number(2)),
        add(X, UNDEFINED),
        made("exp", number(1e6)),
    ],
)
def test_what_has_no_real_value_is_undefined(expression: Expr) -> None:
    assert not expression.real
    assert not is_real(as_sympy(expression))


@pytest.mark.parametrize(("base", "exponent"), [(72, (1, 2)), (50, (-1, 2)), (54, (2, 3)), (97, (1, 2))])
def test_roots_of_whole_numbers_are_those_of_sympy(base: int, exponent: tuple[int, int]) -> None:
    theirs = sympy.Integer(base) ** sympy.Rational(*exponent)
    ours = canonical(theirs)
    assert text(ours) == render(from_sympy(theirs))
    assert value_of(ours) == pytest.approx(base ** (exponent[0] / exponent[1]))


def test_parts_are_replaced_all_at_once() -> None:
    swapped = replaced(made("sin", add(X, multiply(number(3), Y))), {X: Y, Y: X})
    assert swapped == made("sin", add(Y, multiply(number(3), X)))


def test_what_terms_share_comes_out() -> None:
    assert text(factored_terms(add(multiply(X, Y), multiply(X, Z)))) == "x*(y + z)"
    assert primitive((multiply(number(4), X), multiply(number(6), Y)))[0] == 2
    assert text(expanded(power(add(X, Y, ONE), number(2)))) == text(
        canonical(sympy.expand(sympy.sympify("(x + y + 1)**2")))
    )


def test_what_is_simplified_keeps_its_symbols() -> None:
    class Time(sympy.Symbol):
        """A symbol of a kind of its own, as equations have for time."""

    x, t = sympy.Symbol("x", real=True), Time("t")
    found = simplify_expression((1 + sympy.exp(5 * x - 5 * t / 2)) ** 2 / (1 + sympy.exp(5 * x - 5 * t / 2)))
    assert found.free_symbols == {x, t}
