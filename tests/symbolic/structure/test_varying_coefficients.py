"""Sums of known functions of one feature with curves of another for weights, under noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

from edgewise._core.work import Meter, running
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.varying_coefficients import varying

a, b = sympy.symbols("a b")


def table(law: Callable[..., Any], noise: float, rows: int = 800, seed: int = 0) -> SplitRows:
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.3, 5, (rows, 2))
    y = law(*X.T)
    return SplitRows.split(("a", "b"), X, y + noise * y.std() * rng.normal(size=rows), 0.2, 0)


def offered(rows: SplitRows, until: float = math.inf) -> list[Any]:
    with running(Meter()):
        trees = list(varying(rows, np.ones(len(rows.y)), until))
    return [fit_expression(to_sympy(tree, rows.names), rows) for tree in trees]


@pytest.mark.slow
def test_what_is_offered_leaves_the_noise_alone() -> None:
    rows = table(lambda a, b: np.log(b) + a**2 / (1 + b), 0.02, rows=400)
    best = min(offered(rows, 1.0), key=lambda each: each.held)
    assert best.held < 1.1 * 0.02 * rows.y.std()


def test_nothing_comes_of_few_rows_or_no_work() -> None:
    assert offered(table(lambda a, b: np.log(b) + a**2, 0.02, rows=200), until=0.0) == []
    assert offered(table(lambda a, b: a + b, 0.1, rows=50)) == []


@pytest.mark.slow
def test_the_law_of_a_predator_is_found() -> None:
    rows = table(lambda a, b: a * (4 - a) - a * b / (1 + a), 0.01, rows=1000)
    found = find_formula(rows.X, rows.y, names=["a", "b"])
    assert sympy.simplify(found.best.sympy - (a * (4 - a) - a * b / (1 + a))) == 0
