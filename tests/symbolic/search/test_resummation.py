"""The beginning of a series leads to what it is the beginning of."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from edgewise.symbolic import Formula, find_formula
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.search.resummation import resummed

x, z = sympy.symbols("x z")


@pytest.mark.parametrize(
    "law",
    [3 * z / (1 - 2 / x**2), z / (1 + z / x), 2 * sympy.exp(-z / x), z / sympy.sqrt(1 - z**2 / x**2)],
)
@pytest.mark.parametrize("count", [2, 3])
def test_a_law_comes_back_from_its_first_terms(law: sympy.Expr, count: int) -> None:
    t = sympy.Symbol("t", positive=True)
    series = sympy.series(
        law.subs({x: x / t, z: z * t}) if not law.has(x**-2) else law.subs(x, x / t), t, 0, 7
    ).removeO()
    terms = sorted(sympy.expand(series).as_ordered_terms(), key=lambda term: sympy.degree(term, t))
    beginning = sum(terms[:count]).subs(t, 1)
    offered = [to_sympy(tree, ["x", "z"]) for tree in resummed([Formula(beginning, names=("x", "z"))])]
    assert any(sympy.simplify(item - law) == 0 for item in offered)


@pytest.mark.slow
def test_levels_filled_by_heat_come_back_from_their_first_terms() -> None:
    for beginning in (2 * z / x - 1, 2 * z / x - 1 + x / (6 * z)):
        offered = [to_sympy(tree, ["x", "z"]) for tree in resummed([Formula(beginning, names=("x", "z"))])]
        assert any(sympy.simplify(item - 2 / (sympy.exp(x / z) - 1)) == 0 for item in offered)


def test_what_is_no_series_gives_nothing() -> None:
    for formula in (x * z, sympy.sin(x), x + sympy.sin(z), sympy.Integer(3)):
        assert not list(resummed([Formula(formula, names=("x", "z"))]))


@pytest.mark.slow
def test_the_law_is_found_where_its_series_explains_the_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform((3, 10), (16, 54), (400, 2))
    y = 20 - X[:, 0] - X[:, 0] * X[:, 1] / (1 + 0.5 * X[:, 0] ** 2) + 0.1 * rng.normal(size=400)
    found = find_formula(X, y, names=["x", "z"])
    law = 20 - x - x * z / (1 + x**2 / 2)
    assert sympy.simplify(found.best.sympy - law) == 0
