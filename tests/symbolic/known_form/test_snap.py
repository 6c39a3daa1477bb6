"""Closed forms for unknown functions: the whole put together, and the choice among suggestions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from edgewise.forms import FORMS
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.known_form.snap import put_together, whole_formulas
from edgewise.symbolic.known_form.text import read_partial
from edgewise.symbolic.univariate.closed_forms import Suggestion

NAMES = ("x1", "x2")
X = np.random.default_rng(0).uniform(0.5, 2.5, (120, 2))


def suggestion(name: str, a: float = 1.0, b: float = 1.0, c: float = 0.0, d: float = 0.0) -> Suggestion:
    return Suggestion(FORMS[name], a, b, c, d, 1.0, 0.0, FORMS[name].complexity)


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("f(x1/x2)*g(x2) + x1", lambda f, g, u, v: f(u / v) * g(v) + u),
        ("f(g(x1) + x2)", lambda f, g, u, v: f(g(u) + v)),
        ("y = f(x1) + f(g(x2))^2", lambda f, g, u, v: f(u) + f(g(v)) ** 2),
    ],
)
def test_the_whole_says_what_its_parts_say(text: str, by_hand) -> None:
    f, g = suggestion("tanh", 2.0, 0.7, 0.2, -1.0), suggestion("square", -0.5, 1.0, 0.3, 0.1)
    partial = read_partial(text, NAMES)
    tape = Tape(put_together(partial, {"f": f, "g": g}), NAMES)
    expected = by_hand(f.value, g.value, *X.T)
    np.testing.assert_allclose(tape.value(tape.start, X), expected, rtol=1e-12)
    # A function that is called twice has its constants once; the factor of a power says what its b would.
    assert len(tape.start) == 4 + 3


def test_the_choice_that_fits_together_wins() -> None:
    """The second suggestion of each is right; the first alone are not told to be worse."""
    rows = SplitRows.split(NAMES, X, np.sin(X[:, 0]) * X[:, 1] ** 2, 0.2, 0)
    suggestions = {
        "f": [suggestion("tanh"), suggestion("sin", 0.9, 1.05), suggestion("gaussian")],
        "g": [suggestion("exp"), suggestion("square", 1.1)],
    }
    found = whole_formulas(read_partial("f(x1)*g(x2)", NAMES), suggestions, rows, math.inf)
    x1, x2 = sympy.symbols("x1 x2")
    assert sympy.simplify(found[0].sympy - sympy.sin(x1) * x2**2) == 0
    assert found[0].error < 1e-12


def test_a_function_without_a_suggestion_leaves_no_formula() -> None:
    rows = SplitRows.split(NAMES, X, X[:, 0] + X[:, 1], 0.2, 0)
    partial = read_partial("f(x1) + g(x2)", NAMES)
    assert whole_formulas(partial, {"f": [suggestion("identity")], "g": []}, rows, math.inf) == ()


def test_suggestions_that_have_no_value_on_the_rows_leave_no_formula() -> None:
    rows = SplitRows.split(NAMES, -X, X[:, 0], 0.2, 0)
    partial = read_partial("f(x1) + x2", NAMES)
    nowhere = Suggestion(FORMS["log"], 1.0, 1.0, -1e6, 0.0, 1.0, 0.0, 3)
    assert whole_formulas(partial, {"f": [nowhere]}, rows, math.inf) == ()
