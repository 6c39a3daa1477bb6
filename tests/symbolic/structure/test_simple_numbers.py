"""The simplest number of an interval."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from edgewise.forms.parser import read
from edgewise.forms.tree import render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.structure.simple_numbers import number, simplest

BOUNDS = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(BOUNDS, st.floats(1e-9, 1e3))
def test_it_lies_inside(low: float, width: float) -> None:
    high = low + width * max(1.0, abs(low))
    assert low < simplest(low, high) <= high


@given(st.integers(-999, 999), st.integers(0, 6), st.floats(0.01, 0.4))
def test_a_short_number_is_found_again(count: int, digits: int, part: float) -> None:
    value = Fraction(count, 10**digits)
    half = float(Fraction(1, 10**digits)) * part
    found = simplest(float(value) - half, float(value) + half)
    assert found == value or len(str(float(found))) <= len(str(float(value)))


@given(st.fractions(max_denominator=1000))
def test_the_tree_is_the_number(value: Fraction) -> None:
    tape = Tape(number(value), ())
    assert tape.size == 0
    assert abs(
        float(tape.value(tape.start, __import__("numpy").zeros((1, 0)))[0]) - float(value)
    ) <= 1e-15 * abs(value)
    assert read(render(number(value)), ())
