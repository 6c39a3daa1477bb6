"""Roots of squares, written with their sign."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic import complexity
from edgewise.symbolic.expressions.border import as_sympy
from edgewise.symbolic.fitting import square_roots
from edgewise.symbolic.fitting.train_test import SplitRows

x, u, c, t = sympy.symbols("x u c t")
BOX = np.random.default_rng(0).uniform([5, 1, 3, 1], [10, 2, 20, 2], (400, 4))
ROWS = SplitRows.split(("x", "u", "c", "t"), BOX, BOX[:, 0], 0.2, 0)


def unsquared(expression: sympy.Expr, rows: SplitRows) -> sympy.Expr:
    return as_sympy(square_roots.unsquared(expression, rows))


@pytest.mark.parametrize(
    ("root", "signed"),
    [
        (sympy.sqrt((x - u * t) ** 2 / (1 - u**2 / c**2)), c * (x - t * u) / sympy.sqrt(c**2 - u**2)),
        (sympy.sqrt(sympy.expand((u - x) ** 2)), x - u),
        (1 / sympy.sqrt(sympy.expand((u - x) ** 2)), 1 / (x - u)),
        (sympy.sqrt(2.25 * x**2 - 4.5 * x * u + 2.25 * u**2), 1.5 * (x - u)),
        (sympy.Abs(u - x) + 1, x - u + 1),
        (sympy.sqrt(sympy.expand((x - u) ** 2)) ** 3, (x - u) ** 3),
        (sympy.sqrt((sympy.sin(u) - 2) ** 2), 2 - sympy.sin(u)),
    ],
)
def test_the_sign_that_the_rows_have(root: sympy.Expr, signed: sympy.Expr) -> None:
    found = unsquared(root, ROWS)
    # Beyond the rows the root of the square turns back; what was found goes on.
    beyond = np.random.default_rng(1).uniform([-3, 1, 3, 1], [10, 2, 20, 2], (200, 4))
    values, expected = (sympy.lambdify((x, u, c, t), item)(*beyond.T) for item in (found, signed))
    np.testing.assert_allclose(values, expected, rtol=1e-9)
    assert complexity(found) <= complexity(root) + 2


@pytest.mark.parametrize(
    "expression",
    [
        sympy.Abs(x - c),
        sympy.sqrt(x**2 + u**2),
        sympy.sqrt(1.1 * x**2 - 2.1 * x * u + 1.0 * u**2),
        x + u,
        sympy.sqrt(2) * x,
    ],
)
def test_what_has_both_signs_or_no_square_stays(expression: sympy.Expr) -> None:
    assert unsquared(expression, ROWS) == expression


def test_the_root_of_a_square_of_both_signs_is_a_size() -> None:
    assert unsquared(sympy.sqrt(sympy.expand((x - c) ** 2)), ROWS) in (sympy.Abs(x - c), sympy.Abs(c - x))


@pytest.mark.slow
@given(st.lists(st.integers(-3, 3), min_size=4, max_size=4), st.integers(-2, 2), st.sampled_from([1, -1, 3]))
@settings(max_examples=40, deadline=None)
def test_equal_on_the_rows(weights: list[int], extra: int, power: int) -> None:
    base = sum((weight * item for weight, item in zip(weights, (x, u, c, t), strict=True)), sympy.Integer(11))
    square = sympy.expand(base**2) * (c + extra + 3)
    root = square ** sympy.Rational(power, 2)
    found = unsquared(root, ROWS)
    before, after = (
        np.broadcast_to(sympy.lambdify((x, u, c, t), item)(*ROWS.X.T), len(ROWS.y)) for item in (root, found)
    )
    np.testing.assert_allclose(after, before, rtol=1e-8, atol=1e-9 * np.abs(before).max())
