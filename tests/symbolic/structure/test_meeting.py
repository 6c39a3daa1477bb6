"""Laws of two short parts: what is built up from the columns meets what is taken off y."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgewise._core.work import Meter, running
from edgewise.forms.tree import render
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.meeting import meetings, neighbours
from edgewise.symbolic.structure.short_expressions import marks, short_expressions

SMALL = {"expressions": 20_000, "look_ups": 400_000}


def table(
    law: Callable[..., Any], columns: int, low: float = 0.5, high: float = 3.0, count: int = 600
) -> SplitRows:
    X = np.random.default_rng(3).uniform(low, high, (count, columns))
    names = tuple("abcd"[:columns])
    return SplitRows.split(names, X, law(*X.T), 0.2, 0)


def left(rows: SplitRows, **most: int) -> float:
    """The largest held-out error of the first formula, as a share of the spread; infinite where there is none."""
    with running(Meter()):
        trees = meetings(rows, **(most or SMALL))
    if not trees:
        return math.inf
    tape = Tape(trees[0], rows.names)
    return float(np.abs(tape.value(tape.start, rows.X_held) - rows.y_held).max() / rows.spread)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "columns"),
    [
        pytest.param(lambda a: a**5 / np.sin(a), 1, id="quotient"),
        pytest.param(lambda a: np.cos(np.exp(a) / a**3), 1, id="function of a quotient"),
        pytest.param(lambda a: a**2 / np.sin(np.tanh(a * (a + 4.7))), 1, id="two functions, a constant and a factor"),
        pytest.param(lambda a: -np.exp(2.3 * np.sin(a) + 1.9), 1, id="negative"),
        pytest.param(lambda a, b: np.cos(a + b - np.tanh(a**2)), 2, id="a wave over several turns"),
        pytest.param(lambda a, b: (np.cos(b) - 2.4) * np.cos(b / a), 2, id="long factor"),
        pytest.param(lambda a, b, c: np.sqrt(np.sqrt(a) * np.sin(c)) * np.tanh(b * c), 3, id="three columns"),
    ],
)  # fmt: skip
def test_laws_of_two_short_parts_are_found(law: Callable[..., Any], columns: int) -> None:
    assert left(table(law, columns), expressions=100_000, look_ups=3_000_000) < 1e-8


def test_constants_may_stand_beside_the_inner_part() -> None:
    rows = table(lambda a, b: np.log(1.37 * a * np.exp(b) + 0.81) * b, 2)
    with running(Meter()):
        text = render(meetings(rows)[0])
    constants = [float(match) for match in re.findall(r"\d+\.\d+", text)]
    assert constants == pytest.approx([1.37, 0.81], abs=1e-9)


def test_noise_and_long_laws_give_nothing() -> None:
    plain = table(lambda a, b: a * np.exp(b), 2)
    noise = np.random.default_rng(0).normal(size=len(plain.y))
    assert left(plain) < 1e-8
    assert left(SplitRows.split(plain.names, plain.X, plain.y + 1e-5 * noise, 0.2, 0)) == math.inf
    long = table(
        lambda a, b: np.sin(3.1 * a + b**2) / (1.7 + b) + np.exp(-1.3 * b) * a - 0.6 * np.sqrt(a * b + 2), 2
    )
    assert left(long) == math.inf


def test_too_few_rows_or_too_many_columns_are_left_alone() -> None:
    assert left(table(lambda a, b: a * b, 2, count=60)) == math.inf
    wide = np.random.default_rng(3).uniform(0.5, 3.0, (600, 6))
    assert left(SplitRows.split(tuple("abcdef"), wide, wide[:, 0] * wide[:, 1], 0.2, 0)) == math.inf


def test_columns_over_decades_meet_too() -> None:
    X = np.exp(np.random.default_rng(0).uniform(np.log(1e-31), np.log(1e-25), (600, 2)))
    rows = SplitRows.split(("a", "b"), X, X[:, 0] ** 2 / (X[:, 0] + X[:, 1]), 0.2, 0)
    assert left(rows) < 1e-8


def test_no_two_expressions_have_the_same_values() -> None:
    X = np.random.default_rng(0).uniform(1, 2, (9, 2))
    short = short_expressions(X, ("a", "b"), 1500)
    assert short.values.shape == (9, 1500)
    assert len(np.unique(marks(short.values))) == 1500
    assert (np.diff(short.sizes) >= 0).all()
    for at in range(0, 1500, 97):
        tape = Tape(short.tree(at), ("a", "b"))
        assert np.allclose(tape.value(tape.start, X), short.values[:, at], rtol=1e-12)


def test_neighbours_avoid_turns_and_plains() -> None:
    X = np.random.default_rng(0).uniform(0, 6, (800, 1))
    turning = np.cos(X[:, 0])
    near = neighbours(X, turning, 6)
    rising = np.argsort(X[near, 0])
    assert len(np.unique(np.sign(np.diff(turning[near][rising])))) == 1
    steep = np.tanh(9 * (X[:, 0] - 3))
    assert np.ptp(steep[neighbours(X, steep, 6)]) > 1e-3
    assert len(neighbours(X, np.ones(800), 6)) == 6


@pytest.mark.slow
def test_a_search_calls_what_meets_exact() -> None:
    rows = table(lambda a: np.cos(np.exp(a) / a**3), 1, 1.0, 5.0)
    found = find_formula(rows.X, rows.y, names=["a"], work="quick")
    assert found.exact
    assert found.best.text == "cos(exp(a)/a^3)"
