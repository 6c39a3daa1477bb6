"""Sums of terms are found whole: functions of functions and of pairs, constants inside, with and without noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from edgewise._core.work import Meter, running, spent
from edgewise.forms import parse
from edgewise.forms.tree import Node, render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.terms.projection import FreeTerm, Sum, SumEvidence, fitted
from edgewise.symbolic.terms.search import sums_of_terms
from tests.tiers import slow

NAMES = ("x", "z")


def table(law: str, noise: float = 0.0, count: int = 500) -> SplitRows:
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.uniform(-2, 2, count), rng.uniform(0.3, 3, count)])
    tape = Tape(parse(law, list(NAMES)).tree, NAMES)
    y = tape.value(tape.start, X)
    return SplitRows.split(NAMES, X, y + noise * y.std() * rng.standard_normal(count), 0.2, 0)


def found(rows: SplitRows, *, noisy: bool = False) -> list[Node]:
    with running(Meter()):
        return list(sums_of_terms(rows, spent() + 12, noisy=noisy))


def left(tree: Node, rows: SplitRows) -> float:
    tape = Tape(tree, NAMES)
    return float(np.std(tape.value(tape.start, rows.X_held) - rows.y_held) / np.std(rows.y_held))


@pytest.mark.parametrize(
    "law", ["2.03*abs(x - z) - 3.39*z + 0.7*cos(2.2*x)", *slow("1.45*x*exp(-sin(z)) + 0.33*z^2")]
)
def test_without_noise_the_law_is_found(law: str) -> None:
    rows = table(law)
    assert min(left(tree, rows) for tree in found(rows)) < 1e-9


@pytest.mark.slow
def test_under_noise_the_best_sum_has_the_terms_of_the_law() -> None:
    rows = table("2.1*z*sin(1.8*x) + 1.9*tanh(exp(-x^2))", noise=0.01, count=1000)
    texts = [render(tree) for tree in found(rows, noisy=True)]
    assert any("tanh(exp(-x^2))" in text and "z*sin(" in text and text.count("*(") <= 1 for text in texts)


@pytest.mark.slow
def test_same_rows_and_seed_give_the_same_sums() -> None:
    rows = table("1.3*z*log(1 + z) - 0.8*x*z")
    assert [render(tree) for tree in found(rows)] == [render(tree) for tree in found(rows)]


def test_functions_that_may_not_be_called_are_in_no_sum() -> None:
    rows = table("1.3*sin(2.1*x) - 0.8*x*z")
    allowed = frozenset(("exp", "sqrt"))
    with running(Meter()):
        trees = list(sums_of_terms(rows, spent() + 0.7, noisy=False, functions=allowed))
    assert trees
    assert not any("sin" in render(tree) for tree in trees)


def test_little_rows_and_many_columns_offer_nothing() -> None:
    rows = table("x*z", count=40)
    assert found(rows) == []


def test_constants_inside_are_those_of_least_squares() -> None:
    rows = table("2*exp(-0.7*z) + 0.5*sin(1.9*x)", noise=0.05)
    trees = [parse(text, list(NAMES)).tree for text in ("exp(-0.9*z)", "sin(1.6*x)")]
    terms = tuple(FreeTerm(Tape(tree, NAMES), 1.0, at) for at, tree in enumerate(trees))
    fit = fitted(
        Sum(terms, tuple(term.tape.start for term in terms)), SumEvidence(rows, rows.y), steps=200, floor=0.0
    )

    def residual(p: np.ndarray) -> np.ndarray:
        return p[0] * np.exp(-p[1] * rows.X[:, 1]) + p[2] * np.sin(p[3] * rows.X[:, 0]) - rows.y

    oracle = least_squares(residual, [1.0, 0.9, 1.0, 1.6], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert fit.rss == pytest.approx(2 * oracle.cost, rel=2e-3)
    assert abs(float(fit.constants[0][0])) == pytest.approx(oracle.x[1], rel=2e-2)
