"""The probability of an answer: what moves it which way, where it is told, and that it tells right from wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise import FormulaRegressor, find_formula
from edgewise.symbolic import Constant, Formula, FormulaResult
from edgewise.symbolic.results.outside import Outside
from edgewise.symbolic.results.probability import (
    EXACT_PROBABILITY,
    FIGURES,
    MOST_SURE,
    figures,
    law_probability,
    likely,
    logistic,
)

x = sympy.Symbol("x")
RNG = np.random.default_rng(0)
X = RNG.uniform(1, 3, (200, 2))
LAW = 2 * X[:, 0] / X[:, 1] ** 2


def formula(expression: sympy.Expr, error: float, sure: float = math.inf) -> Formula:
    names = ("x",)
    constants = () if math.isinf(sure) else (Constant(1.0, 1 / sure),)
    return Formula(expression, names, error, 1 - error**2, constants)


def result(*front: Formula, at: int = 0) -> FormulaResult:
    return FormulaResult(front[at], front, None, "", 0.0)


SHORT, LONG = formula(x, 0.5), formula(x**2 + sympy.sin(x), 0.1)


def told(found: FormulaResult, rows: int = 100) -> dict[str, float]:
    return dict(zip(FIGURES, figures(found.best, found.front, rows), strict=True))


def test_the_figures_of_a_front_that_is_made_by_hand() -> None:
    """Against their definitions, worked out here."""
    nodes = LONG.complexity - SHORT.complexity
    first, last = told(result(SHORT, LONG)), told(result(SHORT, LONG, at=1))
    assert first["shorter"] == 0
    assert last["shorter"] == pytest.approx(math.log1p(100 * math.log(5) / nodes))
    there = replace(LONG, outside=Outside(0.3, "the highest fifth of x", 0.1, 0.25))
    assert told(result(SHORT, there, at=1))["shorter"] == pytest.approx(math.log1p(100 * math.log(2) / nodes))
    assert told(result(formula(1.5 * x, 0.1, sure=100)))["sure"] == pytest.approx(2)
    assert first["sure"] == MOST_SURE
    lost = Formula(x, ("x",), 0.1, 0.99, (Constant(2.0, math.inf), Constant(1.0, 0.001)))
    assert told(result(lost))["sure"] == 0
    assert told(result(Formula(x, ("x",), 0.1, 0.99, (Constant(1.0, math.nan),))))["sure"] == 0


@given(st.tuples(*(st.floats(0, 6) for _ in FIGURES)), st.integers(0, len(FIGURES) - 1), st.floats(0.01, 3))
def test_each_figure_speaks_for_a_law(start: tuple[float, ...], at: int, more: float) -> None:
    """Sure constants and gains over shorter formulas speak for a law."""
    moved = tuple(value + more * (k == at) for k, value in enumerate(start))
    before, after = logistic(start), logistic(moved)
    assert 0 < before < 1
    assert after >= before


def test_what_is_exact_has_the_share_of_exact_ones() -> None:
    found = find_formula(X, LAW, names=["m", "r"])
    assert found.exact
    assert found.probability == EXACT_PROBABILITY
    assert "The probability that it is the law is" in found.message
    assert found.to_dict()["probability"] == found.probability


@pytest.mark.slow
def test_a_law_in_noise_is_likely_and_a_stand_in_is_not() -> None:
    names, noise = ["m", "r"], 0.02 * LAW.std() * RNG.standard_normal(200)
    law = find_formula(X, LAW + noise, names=names, work=0.05)
    assert law.best.text == "2*m/r^2"
    stand_in = find_formula(
        X, LAW + noise, names=names, work=0.05, exclude_functions=["sqrt"], constraints=["exponents 1"]
    )
    assert law.probability is not None
    assert stand_in.probability is not None
    assert law.probability > 0.8
    assert stand_in.probability < 0.5


@pytest.mark.slow
def test_noise_alone_is_no_law() -> None:
    found = find_formula(X, RNG.standard_normal(200), work=0.02)
    assert found.probability is not None
    assert found.probability < 0.3


def test_what_was_not_judged_has_none() -> None:
    assert law_probability(formula(x, math.nan), (), 100) is None


def test_it_is_saved(tmp_path: Path) -> None:
    model = FormulaRegressor(work=0.02).fit(X, LAW)
    found = model.result_.to_dict()["probability"]
    assert found > 0
    ew.save(model, tmp_path / "law.kan")
    assert ew.load(tmp_path / "law.kan").result_.to_dict()["probability"] == found


def test_it_is_told_no_closer_than_it_is_known() -> None:
    assert [likely(value) for value in (0.0, 0.03, 0.5, 0.97, 1.0)] == [
        "below 3 %", "about 3 %", "about 50 %", "about 97 %", "above 97 %",
    ]  # fmt: skip
