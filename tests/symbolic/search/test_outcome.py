"""What a search says of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy

from edgewise import StopReason
from edgewise._core.work import Meter
from edgewise.forms import parse
from edgewise.symbolic import Formula, FormulaResult, find_formula, parse_formula
from edgewise.symbolic.fitting.measurements import Measurements, measured
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.outcome import Ended, message, reduced_chi_square, remarks
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.search_state import Search

NAMES = ("a", "b")
X = np.random.default_rng(0).uniform(1, 3, (80, 2))
Y = X[:, 0] * X[:, 1]
NOISE = np.random.default_rng(1).normal(size=80)


def ended(
    text: str, rows: SplitRows, reason: StopReason = StopReason.EXHAUSTED, straightened: tuple[str, ...] = ()
) -> Ended:
    best = Formula(parse_formula(text, rows.names), rows.names, error=0.1, r2=0.9)
    return Ended(
        FormulaResult(best, (best,), None, "", 0.0, stop_reason=reason), 7, rows, straightened=straightened
    )


def table(X: np.ndarray = X, y: np.ndarray = Y) -> tuple[SplitRows, Measurements]:
    told = measured(X, y, NAMES[: X.shape[1]])
    return SplitRows.split(NAMES[: X.shape[1]], X, y, 0.2, 0), told


def test_a_constant_says_that_no_column_tells_anything() -> None:
    rows, told = table(y=NOISE)
    sentence = "No column predicts y: no formula is better than a constant."
    assert remarks(ended("2.5", rows), told, (), (), False) == (sentence,)
    # What follows columns is predicted by them, whether or not a formula was found.
    (other,) = remarks(ended("2.5", table()[0]), table()[1], (), (), False)
    assert other != sentence
    assert remarks(ended("2.5*a", rows), told, (), (), False) == ()
    # A search that was stopped has not looked at all there is.
    assert remarks(ended("2.5", rows, StopReason.TIME_LIMIT), told, (), (), False) == ()
    flat, same = table(y=np.full(80, 3.0))
    assert remarks(ended("3", flat), same, (), (), False) == ()


def test_a_constant_explains_nothing() -> None:
    rows, _ = table(y=NOISE)
    assert "explain" in message(ended("2.5*a", rows, StopReason.EXPLAINED))
    said = message(ended("2.5", rows, StopReason.EXPLAINED))
    assert "explain" not in said
    assert "noise" in said


@pytest.mark.parametrize("count", [12, 200])
def test_pure_noise_tells_nothing(count: int) -> None:
    rng = np.random.default_rng(3)
    found = find_formula(rng.uniform(1, 3, (count, 2)), rng.standard_normal(count), work=0.003)
    assert not found.best.sympy.free_symbols
    assert "No column predicts y" in found.message


def test_where_the_rows_see_but_a_line_the_ranges_are_told() -> None:
    tiny = np.random.default_rng(1).uniform(-1e-9, 2e-9, (80, 1))
    rows = SplitRows.split(("x",), tiny, 3 * tiny[:, 0], 0.2, 0)
    search = Search(rows, Limits.read(("x",)), (), Meter(), 10.0)
    search.add([parse("3.0*sin(x)", ("x",)).tree], None)
    assert [formula.sympy for formula in search.finished] == [3 * sympy.Symbol("x")]
    columns = search.straightened[search.finished[0].expression]
    said = remarks(
        ended("3*x", rows, straightened=columns), measured(tiny, tiny[:, 0], ("x",)), (), (), False
    )
    low, high = f"{tiny.min():.6g}", f"{tiny.max():.6g}"
    assert said[0].endswith(f"it was seen for x from {low} to {high}.")


def test_a_sentence_says_why_it_ended_and_what_more_work_could_do() -> None:
    rows, _ = table()
    assert message(ended("a*b", rows)) == (
        "The best of 7 formulas has an RMSE of 0.1 (R2 0.900000) judged by 16 held-out rows; every shape has been tried."
    )
    assert message(ended("a*b", rows, StopReason.WORK_SPENT)).endswith(StopReason.WORK_SPENT.advice)


def test_chi_square_is_that_of_all_rows() -> None:
    sigma = np.linspace(0.1, 0.3, 80)
    y = Y + sigma * np.random.default_rng(2).standard_normal(80)
    told = measured(X, y, NAMES, sigma=sigma)
    law = Formula(parse_formula("1.0*a*b", NAMES), NAMES)
    tape_size = len(law.sympy.atoms(sympy.Float))
    expected = np.sum(((y - Y) / sigma) ** 2) / (80 - tape_size)
    assert reduced_chi_square(law, told) == pytest.approx(expected)
    assert reduced_chi_square(law, replace(told, variance=None)) is None
