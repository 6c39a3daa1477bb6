"""Which of many formulas are worth the dear part, and what is made of them first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy

from edgewise.forms import parse
from edgewise.forms.tree import Node, Variable, names_in
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.shortlist import settled, shortlist, worth_finishing


def to_tree(text: str) -> Node:
    return parse(text, ("a", "b")).tree


def split(X: np.ndarray, y: np.ndarray) -> SplitRows:
    return SplitRows.split(("a", "b"), X, y, 0.2, 0)


def test_the_shortlist_holds_the_most_accurate_and_the_shortest_near_it() -> None:
    short, long = Variable("a"), to_tree("a + 0.1*b + 0.2*a*b + 0.3*a*b^2 + 0.4*a^3*b")
    waiting = [(1.0 + 0.01 * at, to_tree(f"{at}.5*a*b + {at}.25*b^2")) for at in range(20)]
    chosen = shortlist([(1.04, short), (0.999, long), *waiting, (5.0, Variable("b")), (1.0, waiting[0][1])])
    assert (0.999, long) in chosen
    assert (1.04, short) in chosen
    assert (5.0, Variable("b")) not in chosen
    assert len({tree for _, tree in chosen}) == len(chosen) <= 9
    assert shortlist([]) == []


def test_constants_that_are_nearly_right_are_fitted_and_others_are_left() -> None:
    X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    rows = split(X, 2 * np.exp(-0.7 * X[:, 0]) * X[:, 1])
    error, tree = settled(to_tree("2.02*exp(-0.71*a)*b"), rows, 1e-9)
    assert error < 1e-9
    assert set(names_in(tree)) == {"a", "b"}
    far = to_tree("0.5*a + b")
    error, left = settled(far, rows, 1e-9)
    assert left is far
    tape = Tape(far, rows.names)
    truth = tape.value(tape.start, rows.X_held) - rows.y_held
    assert error == pytest.approx(float(np.sqrt(np.mean(truth**2))))


def test_a_root_of_nearly_nothing_gets_its_value_everywhere() -> None:
    X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    X[:3, 0] = 1.0
    rows = split(X, np.sqrt(X[:, 0] - 1))
    error, tree = settled(to_tree("sqrt(a - 1.0000000001)"), rows, 1e-9)
    assert error < 1e-6
    tape = Tape(tree, rows.names)
    assert np.isfinite(tape.value(tape.start, rows.X)).all()


def test_a_formula_is_beaten_by_what_is_shorter_closer_and_holds_no_more_constants() -> None:
    a, b = sympy.symbols("a b")
    X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    rows = split(X, X[:, 0] * X[:, 1] / (X[:, 0] + X[:, 1]) ** 2)
    line = replace(fit_expression(1.1 * a + 1.2 * b + 1.3, rows), held=0.1)
    law = replace(fit_expression(a * b / (a + b) ** 2, rows), held=0.11)
    longer = replace(fit_expression(1.1 * a**2 + 1.2 * b + 1.3 * a + 0.7, rows), held=0.12)
    assert rows.size(line.expression) <= rows.size(law.expression)
    assert worth_finishing([longer, law, line], [], rows) == [line, law]
