"""Several targets with shared constants: against scipy's weighted joint fit, and what their errors cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from edgewise import InputError
from edgewise.symbolic import fit_targets

T = np.linspace(0, 4, 30)[:, None]
LAWS = ["a*exp(-k*t)", "a*(1 - exp(-k*t)) + b"]
TRUE = np.column_stack([3 * np.exp(-0.7 * T[:, 0]), 3.5 - 3 * np.exp(-0.7 * T[:, 0])])


def measured(seed: int) -> np.ndarray:
    return TRUE + np.random.default_rng(seed).normal(size=TRUE.shape) * [0.3, 0.01]


def test_weights_are_those_of_each_target() -> None:
    """At the answer, scipy with the deviations that were found moves no further."""
    Y = measured(0)
    found = fit_targets(T, Y, LAWS, names=["t"])

    def left(c: np.ndarray) -> np.ndarray:
        fall = np.exp(-c[1] * T[:, 0])
        both = np.column_stack([c[0] * fall, c[0] * (1 - fall) + c[2]])
        return ((both - Y) / found.deviations).ravel()

    best = least_squares(left, [1.0, 1.0, 1.0], xtol=1e-14, ftol=1e-14).x
    assert [found.constants[name].value for name in "akb"] == pytest.approx(best, rel=1e-4)
    assert found.deviations[0] / found.deviations[1] == pytest.approx(30, rel=0.5)
    assert found.predict(T) == pytest.approx(TRUE, abs=0.05)


@pytest.mark.slow
def test_intervals_cover() -> None:
    """Of 2 x 40 intervals of 1.96 standard errors at least 68 cover: chance gives fewer once in 500."""
    covered = 0
    for seed in range(40):
        found = fit_targets(T, measured(seed), LAWS, names=["t"])
        for name, true in (("a", 3.0), ("k", 0.7)):
            one = found.constants[name]
            covered += abs(one.value - true) < 1.96 * one.standard_error
    assert covered >= 68


def test_cells_may_be_missing_in_a_target() -> None:
    Y = TRUE.copy()
    Y[5:, 0] = np.nan
    found = fit_targets(T, Y, LAWS, names=["t"])
    assert found.constants["a"].value == pytest.approx(3, rel=1e-9)
    assert "35 values" in found.message
    assert set(found.to_dict()["constants"]) == {"a", "k", "b"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"texts": LAWS[:1]}, "Y"),
        ({"texts": ["a*t", "2*t"]}, "text"),
        ({"texts": ["a*log(-1 - t^2)", "b*t"]}, "texts"),
        ({"Y": TRUE[:4]}, "Y"),
        ({"start": {"z": 1}}, "start"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], named: str) -> None:
    options: dict[str, Any] = {"Y": TRUE, "texts": LAWS, "names": ["t"], **change}
    with pytest.raises(InputError, match=f"'{named}'"):
        fit_targets(T, **options)


def test_a_constant_named_like_an_unused_column_is_told() -> None:
    table = np.column_stack([T[:, 0], np.cos(T[:, 0])])
    found = fit_targets(table, TRUE, LAWS, names=["t", "kk"])
    assert "'k' is no column and was fitted as a constant (did you mean 'kk'?)." in found.message
