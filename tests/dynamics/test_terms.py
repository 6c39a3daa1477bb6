"""Terms of right-hand sides: what tells them apart, and which are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.dynamics.terms import listed, table, wanted
from edgewise.forms.parser import read
from edgewise.forms.tree import render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from tests.dynamics.made import term, terms

NAMES = ("x", "y")
X = np.random.default_rng(0).uniform(0.3, 2.0, (40, 2))
ROWS = SplitRows(NAMES, X, np.zeros(40), X, np.zeros(40), short=True)


def test_terms_at_other_constants_are_alike() -> None:
    one = term("x*y/(0.5 + x)", NAMES)
    other = one.at([2.0])
    assert one.key == other.key
    assert other.inner == (2.0,)
    np.testing.assert_allclose(other.tape.value(other.tape.start, X), X[:, 0] * X[:, 1] / (2 + X[:, 0]))
    assert one.key != term("x*y/(0.5 + y)", NAMES).key
    assert one.places == term("y^2/(0.3 + x)", NAMES).places != term("y^2/(0.3 + x^2)", NAMES).places


def test_tables_are_values_and_slopes_in_the_constant_inside() -> None:
    some = terms(NAMES, "x*y", "y*exp(-0.7*x)", "x^1.3")
    values, slopes = table(some, X)
    for at, item in enumerate(some):
        if not item.inner:
            assert not slopes[:, at].any()
            continue
        (k,) = item.inner
        near = [item.at([k + step]).tape.value(np.array([k + step]), X) for step in (1e-6, -1e-6)]
        np.testing.assert_allclose(slopes[:, at], (near[0] - near[1]) / 2e-6, rtol=1e-6)
        np.testing.assert_allclose(values[:, at], (near[0] + near[1]) / 2, rtol=1e-9)


@pytest.mark.parametrize(
    "text", ["x*y", "x^3*y", "sin(x)", "x/(0.5 + x)", "exp(-x^2)", "x/sqrt(1 + x^2)", "1/(1 + exp(x))"]
)
def test_what_right_hand_sides_have_is_looked_at(text: str) -> None:
    assert wanted((), 3)(read(text, NAMES))


@pytest.mark.parametrize("text", ["exp(sin(x))", "1/(1 + log(x))", "sin(exp(-x))", "sqrt(cos(x))"])
def test_a_function_around_another_is_not(text: str) -> None:
    assert not wanted((), 3)(read(text, NAMES))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("sin", "y*sin(x)"), ("exp", "exp(-0.3*x)"), ("log", "log(1 + x)"), ("abs", "abs(x - y)"), ("tanh", "tanh(2.0*x)"),
            ("tanh", "1/(1 + exp(2.0*(0.5 - x)))"),
        ("sqrt", "x^(3/2)"), ("sqrt", "sqrt(x)"), ("sqrt", "x^1.3"), ("saturation", "x/(0.5 + x)"),
        ("saturation", "x^2/(1 + x^2)"), ("distance", "x/sqrt(x^2 + y^2)"),
    ],
)  # fmt: skip
def test_kinds_are_left_out_by_their_words(word: str, text: str) -> None:
    assert wanted((), 3)(read(text, NAMES))
    assert not wanted((word,), 3)(read(text, NAMES))


def test_a_low_degree_leaves_out_higher_products() -> None:
    low = wanted((), 2)
    assert low(read("x*y", NAMES))
    assert not low(read("x*y^2", NAMES))
    assert low(read("sin(x)", NAMES))


def test_lists_hold_what_rates_are_made_of_the_shortest_first() -> None:
    found = listed(ROWS, 1500, 2.0, wanted((), 3))
    texts = [render(tree) for tree in found.trees]
    assert set(texts) >= {"1", "x", "x*y", "x^3", "sin(x)", "exp(-x)"}
    price = found.nats + 2.0 * found.constants
    assert (np.diff(price) >= 0).all()
    nats = dict(zip(texts, found.nats.tolist(), strict=True))
    assert nats["1"] == nats["x"] < nats["x*y"]
    assert nats["x^3"] < nats["exp(x^2)"]
    for at in range(0, len(texts), 97):
        tape = Tape(found.trees[at], NAMES)
        np.testing.assert_allclose(found.values[:, at], tape.value(tape.start, X))
