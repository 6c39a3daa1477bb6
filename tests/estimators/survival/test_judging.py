"""Judges of predicted times, against sums over all pairs and chances that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.estimators.survival.judging import (
    brier,
    calibration_shares,
    concordance,
    integrated_brier,
    kaplan_meier,
)


@given(seed=st.integers(0, 10**6), rows=st.integers(2, 25))
def test_concordance_is_the_share_of_pairs_in_order(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    time, happened = random.integers(1, 8, rows).astype(float), random.random(rows) < 0.6
    risk = random.integers(0, 5, rows).astype(float)
    agree = total = 0.0
    for i in np.flatnonzero(happened):
        for j in range(rows):
            if time[j] > time[i] or (time[j] == time[i] and not happened[j]):
                total += 1
                agree += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    found = concordance(time, happened, risk)
    assert np.isnan(found) if total == 0 else found == pytest.approx(agree / total)


def test_the_share_that_is_there_is_that_of_rows_without_censoring() -> None:
    time = np.random.default_rng(0).exponential(size=200)
    share = kaplan_meier(time, np.ones(200, dtype=bool))
    at = np.linspace(0.1, 2, 7)
    assert share(at) == pytest.approx((time[:, None] > at).mean(axis=0))


def test_squared_errors_are_least_for_the_truth() -> None:
    random = np.random.default_rng(1)
    time, ended = random.exponential(size=4000), random.exponential(2, 4000)
    seen, happened = np.minimum(time, ended), time <= ended
    at = np.linspace(0.1, 1.5, 8)
    censoring = kaplan_meier(seen, ~happened)

    def judged(rate: float) -> float:
        chances = np.broadcast_to(np.exp(-rate * at), (4000, 8))
        return integrated_brier(brier(seen, happened, chances, at, censoring), at)

    assert judged(1.0) < min(judged(0.7), judged(1.4))
    exact = np.exp(-at) * (1 - np.exp(-at))
    assert brier(seen, happened, np.broadcast_to(np.exp(-at), (4000, 8)), at, censoring) == pytest.approx(
        exact, abs=0.02
    )


def test_calibrated_chances_fill_the_unit_interval_evenly() -> None:
    random = np.random.default_rng(2)
    time, ended = random.exponential(size=5000), random.exponential(2, 5000)
    seen, happened = np.minimum(time, ended), time <= ended
    counts = calibration_shares(np.exp(-seen), happened)
    assert counts.sum() == pytest.approx(5000)
    assert ((counts - 500) ** 2 / 500).sum() < 25
    wrong = calibration_shares(np.exp(-2 * seen), happened)
    assert ((wrong - 500) ** 2 / 500).sum() > 100
