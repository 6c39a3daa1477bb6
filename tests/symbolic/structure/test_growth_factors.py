"""Growth by a whole factor: planted factors come back, halving too, and nothing is said of columns that do not count."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import edgewise as ew
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.growth_factors import growths


def offered(n, y):
    return [to_sympy(tree, ("n",)) for tree in growths(SplitRows.split(("n",), n[:, None], y, 0.2, 0))]


@pytest.mark.parametrize("base", [2, 3, 10])
@pytest.mark.parametrize("sign", [1, -1])
def test_planted_factors_come_back(base, sign):
    n, symbol = np.arange(-3.0, 6.0), sympy.Symbol("n")
    with_offset, plain = offered(n, 0.7 * float(base) ** (sign * n) + 3.0)
    difference = with_offset - (sympy.Float(0.7) * sympy.Integer(base) ** (sign * symbol) + 3)
    assert max(abs(difference.subs(symbol, int(at))) for at in n) < 1e-9
    assert plain.has(sympy.Pow)
    assert plain.subs(symbol, 0) != 0


def test_the_law_of_a_short_table_is_offered():
    """Seven rows with two per cent of error: too few for a search among sums and compositions."""
    n = np.arange(7.0)
    y = (0.4 + 0.3 * 2**n) * (1 + 0.02 * np.cos(11 * n))
    front = ew.find_formula(n[:, None], y, names=["n"], work=0.01).front
    assert any(each.sympy.has(sympy.Integer(2) ** sympy.Symbol("n")) for each in front)


@pytest.mark.parametrize(
    "n", [np.linspace(0, 3, 10), np.array([0.0, 1, 2, 0, 1, 2]), np.arange(0.0, 4000, 300)]
)
def test_nothing_is_offered_where_nothing_is_counted_or_floats_end(n):
    """Of thirteen steps of three hundred only powers that stay floats may be offered, and none does."""
    assert offered(n, np.cos(n)) == []
