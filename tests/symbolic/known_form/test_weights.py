"""Weights and known noise in fitted constants, against repeated rows and scipy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from edgewise._core.errors import InputError
from edgewise.symbolic import fit_constants

T = np.linspace(0.1, 4, 40)
LAWS: dict[str, tuple[Callable[..., np.ndarray], list[float]]] = {
    "a*exp(-b*t) + c": (lambda t, a, b, c: a * np.exp(-b * t) + c, [3.0, 0.8, 0.5]),
    "a*t^b": (lambda t, a, b: a * t**b, [2.0, 0.6]),
    "a/(1 + exp(b - c*t))": (lambda t, a, b, c: a / (1 + np.exp(b - c * t)), [2.0, 3.0, 2.0]),
}
TEXTS = st.sampled_from(list(LAWS))
seeds = st.integers(0, 10**6)


def measured(text: str, seed: int, noise: object = 0.05) -> np.ndarray:
    value, truth = LAWS[text]
    return value(T, *truth) + noise * np.random.default_rng(seed).standard_normal(len(T))


def values(found: object) -> np.ndarray:
    return np.array([constant.value for constant in found.constants.values()])


def errors(found: object) -> np.ndarray:
    return np.array([constant.standard_error for constant in found.constants.values()])


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(TEXTS, seeds)
def test_whole_weights_equal_repeated_rows(text: str, seed: int) -> None:
    y, times = measured(text, seed), np.random.default_rng(seed).integers(0, 4, len(T))
    weighed = fit_constants(T[:, None], y, text, names=["t"], sample_weight=times)
    repeated = fit_constants(np.repeat(T, times)[:, None], np.repeat(y, times), text, names=["t"])
    np.testing.assert_allclose(values(weighed), values(repeated), rtol=1e-10)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(TEXTS, seeds)
def test_no_weight_equals_no_row(text: str, seed: int) -> None:
    y, kept = measured(text, seed), np.random.default_rng(seed).random(len(T)) < 0.8
    spoiled = np.where(kept, y, 1e6)
    weighed = fit_constants(T[:, None], spoiled, text, names=["t"], sample_weight=kept.astype(float))
    fewer = fit_constants(T[kept][:, None], y[kept], text, names=["t"])
    np.testing.assert_array_equal(values(weighed), values(fewer))
    np.testing.assert_array_equal(errors(weighed), errors(fewer))


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(TEXTS, seeds, st.floats(1e-3, 1e3))
def test_equal_noise_changes_no_constant(text: str, seed: int, sigma: float) -> None:
    y = measured(text, seed)
    plain = fit_constants(T[:, None], y, text, names=["t"])
    for told in (sigma, np.full(len(T), sigma)):
        found = fit_constants(T[:, None], y, text, names=["t"], sigma=told)
        np.testing.assert_array_equal(values(found), values(plain))


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(TEXTS, seeds)
def test_known_noise_gives_the_standard_errors_of_scipy(text: str, seed: int) -> None:
    value, truth = LAWS[text]
    sigma = np.random.default_rng(seed + 1).uniform(0.01, 0.1, len(T))
    y = measured(text, seed, sigma)
    found = fit_constants(T[:, None], y, text, names=["t"], sigma=sigma)
    expected, covariance = curve_fit(
        value, T, y, p0=truth, sigma=sigma, absolute_sigma=True, xtol=1e-14, ftol=1e-14
    )
    np.testing.assert_allclose(values(found), expected, rtol=1e-5)
    np.testing.assert_allclose(errors(found), np.sqrt(np.diag(covariance)), rtol=1e-4)
    chi_square = np.sum(np.square((y - value(T, *values(found))) / sigma)) / (len(T) - len(truth))
    assert found.reduced_chi_square == pytest.approx(chi_square, rel=1e-9)


@pytest.mark.parametrize(
    ("factor", "said"), [(1.0, "as sigma lets expect"), (0.2, "falls short"), (10, "sigma is too large")]
)
def test_the_message_judges_the_formula_by_the_noise(factor: float, said: str) -> None:
    y = measured("a*t^b", 3)
    assert said in fit_constants(T[:, None], y, "a*t^b", names=["t"], sigma=0.05 * factor).message


def test_rows_with_missing_cells_are_left_out() -> None:
    y = measured("a*t^b", 3)
    gap = y.copy()
    gap[[2, 5]] = np.nan
    kept = np.delete(np.arange(len(T)), [2, 5])
    found = fit_constants(T[:, None], gap, "a*t^b", names=["t"])
    np.testing.assert_array_equal(
        values(found), values(fit_constants(T[kept][:, None], y[kept], "a*t^b", names=["t"]))
    )
    assert found.message.endswith("2 rows of 40 left out: cells are missing in 'y' (2).")
    with pytest.raises(InputError, match=r"at least 2 rows.* Got 1 instead: 39 rows of 40 left out"):
        fit_constants(T[:, None], np.where(T > 3.95, y, np.nan), "a*t^b", names=["t"])
