"""Errors in the columns: chi-square is about one with them and far from it without, and constants come out right."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from edgewise import FormulaRegressor, InputError, find_formula
from edgewise.symbolic import ConstraintWarning, FormulaResult

RNG = np.random.default_rng(3)
TRUE = RNG.uniform(0.5, 4, 160)
ERROR = np.where(np.arange(160) % 2, 0.02, 0.06)
X = (TRUE + ERROR * RNG.standard_normal(160))[:, None]
Y = 3 / TRUE**2 + 0.02 * RNG.standard_normal(160)


@pytest.mark.slow
def test_errors_in_a_column_are_counted() -> None:
    without = find_formula(X, Y, names=["r"], sigma=0.02, work=0.01)
    found = find_formula(X, Y, names=["r"], sigma=0.02, x_sigma={"r": ERROR}, work=0.02)
    assert without.reduced_chi_square is not None
    assert found.reduced_chi_square is not None
    assert without.reduced_chi_square > 5
    assert 0.7 < found.reduced_chi_square < 1.4
    assert "Errors in r" in found.remarks[-1]
    r = np.linspace(0.8, 3.5, 20)[:, None]
    assert np.abs(found.best.predict(r) / (3 / r[:, 0] ** 2) - 1).max() < 0.1


@pytest.mark.slow
def test_the_estimator_and_missing_rows_take_them_too() -> None:
    holes = X[:60].copy()
    holes[5] = np.nan
    model = FormulaRegressor(0.002, names=["r"])
    model.fit(holes, Y[:60], sigma=np.full(60, 0.02), x_sigma={"r": ERROR[:60]})
    assert cast(FormulaResult, model.result_).reduced_chi_square == pytest.approx(1, abs=0.5)


def test_searches_in_turn_warn_once() -> None:
    with pytest.warns(ConstraintWarning) as said:
        find_formula(
            X[:40],
            Y[:40],
            names=["r"],
            sigma=0.02,
            x_sigma={"r": ERROR[:40]},
            work=0.002,
            constraints=["increasing(r)"],
        )
    assert len(said) == 1


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (0.1, "must map columns"),
        ({}, "must map columns"),
        ({"s": 0.1}, "'r'"),
        ({"r": -1.0}, "x_sigma"),
        ({"r": [0.1, 0.2]}, "160"),
        ({"r": -ERROR}, "standard deviations"),
        ({"r": np.inf}, "finite"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(told: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_formula(X, Y, names=["r"], sigma=0.02, x_sigma=told)  # type: ignore[arg-type]


def test_weights_and_groups_have_no_meaning_beside_them() -> None:
    with pytest.raises(InputError, match="sample_weight"):
        find_formula(X, Y, names=["r"], x_sigma={"r": 0.1}, sample_weight=np.ones(160))
    with pytest.raises(InputError, match="x_sigma"):
        find_formula(X, Y, names=["r"], x_sigma={"r": 0.1}, groups=np.arange(160) % 2)
