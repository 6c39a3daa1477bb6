"""Sums whose terms all but cancel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic import parse_formula
from edgewise.symbolic.fitting.cancellation import cancels

X = np.random.default_rng(0).uniform(0.5, 4, (300, 2))
NAMES = ("x", "v")


@given(st.floats(1e-8, 1e-6), st.floats(0.5, 3))
@settings(max_examples=20, deadline=None)
def test_a_parabola_of_two_huge_numbers_cancels(rate: float, middle: float) -> None:
    size = 1 / rate
    text = f"{size!r}*exp(-{rate!r}*(x - {middle!r})^2) - {size!r}"
    assert cancels(parse_formula(text, NAMES), NAMES, X)


@pytest.mark.parametrize(
    "text",
    [
        "1/sqrt(1 - (v/1000000)^2) - 1",  # the exact numbers of a law
        "(x - 2.5)^2 + 0.1",
        "exp(-(x + 1e6 - 1000002.5)^2)",  # a column far from zero and its origin
        "3.1*x - 2.9*x*v + 1.7",
        "2.5",
    ],
)
def test_laws_may_cancel_by_exact_numbers(text: str) -> None:
    assert not cancels(parse_formula(text, NAMES), NAMES, X)
