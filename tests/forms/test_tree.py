"""Trees that are built: sums, products and exact numbers of one part or more, and what they are worth."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.forms.tree import Number, Variable, multiplied, ratio, render, summed
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
