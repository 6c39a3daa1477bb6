"""Constants of a known formula in many groups: against scipy group by group, what is shared, and few rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import curve_fit

from edgewise import InputError
from edgewise.symbolic import fit_groups

T = np.tile(np.linspace(0, 5, 25), 3)
METAL = np.repeat(["iron", "copper", "tin"], 25)
RATE = np.repeat([0.5, 1.1, 0.8], 25)
NOISE = 0.3 * np.random.default_rng(0).standard_normal(75)
Y = 60 * np.exp(-RATE * T) + 20 + NOISE
LAW = "a*exp(-k*t) + c"


def fitted(**options: Any) -> Any:
    return fit_groups(T[:, None], Y, LAW, METAL, names=["t"], **options)


def test_with_nothing_shared_each_group_is_its_own_fit() -> None:
    """scipy's curve_fit of each group alone gives the same constants; errors that trust no equal noise are rather larger."""
    found = fitted(shared=[])
    for metal in ("iron", "copper", "tin"):
        rows = metal == METAL
        values, covariance = curve_fit(
            lambda t, a, k, c: a * np.exp(-k * t) + c, T[rows], Y[rows], (50, 1, 10)
        )
        for name, value, error in zip("akc", values, np.sqrt(np.diag(covariance)), strict=True):
            assert found.own[metal][name].value == pytest.approx(value, rel=1e-5)
            assert 0.999 * error <= found.own[metal][name].standard_error <= 1.5 * error


def test_what_is_asked_to_be_shared_is() -> None:
    """Against one joint fit by scipy of five constants."""

    def joint(_: Any, a: float, c: float, *k: float) -> Any:
        return a * np.exp(-np.repeat(k, 25) * T) + c

    values, covariance = curve_fit(joint, T, Y, (50, 10, 1, 1, 1))
    found = fitted(shared=["a", "c"])
    assert set(found.shared) == {"a", "c"}
    assert found.shared["a"].value == pytest.approx(values[0], rel=1e-5)
    assert 0.999 <= found.shared["c"].standard_error / np.sqrt(covariance[1, 1]) <= 1.5
    assert [found.own[text]["k"].value for text in ("iron", "copper", "tin")] == pytest.approx(
        values[2:], rel=1e-5
    )


def test_evidence_tells_what_is_shared() -> None:
    found = fitted()
    assert set(next(iter(found.own.values()))) == {"k"}
    assert found.predict(T[:, None], METAL) == pytest.approx(Y, abs=1.2)


def test_levels_of_few_rows_and_new_ones_follow_the_others() -> None:
    short = np.r_[np.arange(50), 50]
    found = fit_groups(T[short, None], Y[short], LAW, METAL[short], names=["t"], shared=["a", "c"])
    assert list(found.own) == ["iron", "copper", "tin"]
    more = found.with_group("lead", T[50:, None], Y[50:])
    assert more.own["lead"]["k"].value == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"shared": ["b"]}, "shared"),
        ({"text": "2*t"}, "text"),
        ({"text": "a*log(-1 - t^2)"}, "text"),
        ({"groups": METAL[:3]}, "groups"),
        ({"groups": np.arange(75)}, "groups"),
        ({"start": {"z": 1}}, "start"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], named: str) -> None:
    options: dict[str, Any] = {"text": LAW, "groups": METAL, "names": ["t"], **change}
    with pytest.raises(InputError, match=f"'{named}'"):
        fit_groups(T[:, None], Y, **options)
