"""Trees that are built: sums, products and exact numbers of one part or more, and what they are worth."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.forms.parser import read
from edgewise.forms.tree import Number, Variable, apply, multiplied, ratio, render, summed
from edgewise.symbolic.expressions.tape import Tape

X = Variable("x")


@pytest.mark.parametrize(("built", "sign"), [(summed, "+"), (multiplied, "*")])
def test_one_part_stands_alone_and_several_make_one_node(built, sign: str) -> None:
    assert built([X]) is X
    assert render(built((X, Number(2), X))).replace(" ", "") == f"x{sign}2{sign}x"


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_a_ratio_is_worth_what_it_says(above: int, below: int) -> None:
    exact = Fraction(above, below)
    tree = ratio(*exact.as_integer_ratio())
    tape = Tape(tree, ())
    assert float(tape.value(tape.start, np.zeros((1, 0)))[0]) == pytest.approx(float(exact), rel=1e-15)
    assert isinstance(tree, Number) == (exact.denominator == 1)


def bracketed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts that mean the same to Python and to the parser: every part in brackets, so that nothing is a chain."""
    operators, numbers = (
        st.sampled_from(["+", "-", "*", "/", "**"]),
        st.sampled_from(["2", "0", "1.5", "1e-9"]),
    )
    return st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("({} {} {})".format, inner, operators, numbers),
        st.builds("({} {} {})".format, numbers, operators, inner),
        st.builds("(-{})".format, inner),
        st.builds("sin({})".format, inner),
    )


@given(st.recursive(st.sampled_from(["x", "y"]), bracketed, max_leaves=8))
def test_operators_make_the_tree_that_is_read_from_their_text(text: str) -> None:
    built = eval(text, {"x": X, "y": Variable("y"), "sin": lambda u: apply("sin", u)})
    assert built == read(text, ("x", "y"))
    assert repr(built) == repr(read(text, ("x", "y")))


def test_numbers_of_numpy_become_literals_and_other_things_are_refused() -> None:
    for built in (np.float64(2.5) * X, 2.5 * X):
        assert built == read("2.5*x", ("x",))
    for other in ("y", None, np.ones(3)):
        with pytest.raises(TypeError):
            _ = other * X
