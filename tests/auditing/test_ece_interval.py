"""The interval of a calibration error holds the true one as often as it says, where resamples never do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.auditing.bootstrap import BINS, Outcomes, Resamples, bin_of, statistics
from edgewise.auditing.ece_interval import ece_interval
from edgewise.auditing.gaps import Gaps
from edgewise.auditing.groups import Grouping
from edgewise.auditing.metrics import group_tables


def rows(rng, n, squeeze):
    """Probabilities, and outcomes that follow their log-odds times `squeeze`."""
    z = 1.5 * rng.normal(size=n) - 0.5
    true = 1 / (1 + np.exp(-squeeze * z))
    return 1 / (1 + np.exp(-z)), (rng.random(n) < true).astype(float), true


@pytest.mark.parametrize("squeeze", [1.0, 0.6])
@pytest.mark.parametrize("n", [150, 1500])
def test_the_true_error_is_held_as_often_as_it_says(squeeze, n):
    p, _, true = rows(np.random.default_rng(0), 1_000_000, squeeze)
    error = np.abs(np.bincount(bin_of(p), true - p, BINS)).sum() / len(p) if squeeze < 1 else 0.0
    held = list[bool]()
    for seed in range(120):
        p, y, _ = rows(np.random.default_rng([1, seed]), n, squeeze)
        low, high = ece_interval(y - p, bin_of(p), np.ones(n), 0.95, seed)
        held.append(low <= error <= high)
    # Of 120 fair ones fewer than 106 come once in 20,000 times.
    assert sum(held) >= 106


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60))
def test_it_holds_what_was_observed_and_stays_within_0_and_1(seed, n):
    rng = np.random.default_rng(seed)
    p, y, w = rng.random(n) ** 3, (rng.random(n) < 0.3).astype(float), rng.random(n) + 0.01
    observed = np.abs(np.bincount(bin_of(p), w * (y - p), BINS)).sum() / w.sum()
    low, high = ece_interval(y - p, bin_of(p), w, 0.95, seed)
    assert 0 <= low <= observed + 1e-12
    assert observed - 1e-12 <= high <= 1
    assert (low, high) == ece_interval(y - p, bin_of(p), w, 0.95, seed)


def test_the_audit_gives_it():
    p, y, _ = rows(np.random.default_rng(3), 800, 1.0)
    outcomes = Outcomes(y, p, p > 0.5, np.ones(800))
    part = Grouping("g", ("a", "b"), np.arange(800) % 2, ("g",))
    (table,) = group_tables(outcomes, (part,), Resamples(outcomes, (part,), 0).draw(50))
    for g, (low, high) in enumerate(table.intervals["ece"]):
        own = part.codes == g
        assert (low, high) == ece_interval((y - p)[own], bin_of(p[own]), np.ones(400), 0.95, 0)
        assert low <= table.values["ece"][g] <= high


@pytest.mark.slow
@pytest.mark.parametrize("squeezes", [(1.0, 1.0), (1.0, 0.5)])
def test_gaps_between_groups_are_held_too(squeezes):
    true = list[float]()
    for squeeze in squeezes:
        p, _, chance = rows(np.random.default_rng(0), 500_000, squeeze)
        true.append(np.abs(np.bincount(bin_of(p), chance - p, BINS)).sum() / len(p) if squeeze < 1 else 0.0)
    held = list[bool]()
    for seed in range(80):
        made = [rows(np.random.default_rng([2, seed, k]), 400, squeeze) for k, squeeze in enumerate(squeezes)]
        p, y = (np.concatenate([item[k] for item in made]) for k in (0, 1))
        part = Grouping("g", ("a", "b"), np.repeat([0, 1], 400), ("g",))
        outcomes = Outcomes(y, p, p > 0.5, np.ones(800))
        boots = Resamples(outcomes, (part,), seed)
        values = {name: own[0] for name, own in statistics(outcomes, part, np.ones((800, 1))).items()}
        gap = Gaps(outcomes, part, values, boots, boots.draw(200).of(0)).of("ece")
        (low, high), (least, most) = gap.interval, gap.ratio_interval
        ratio = min(true) / max(true) if max(true) > 0 else 1.0
        held.append(low <= max(true) - min(true) <= high and least <= ratio <= most)
    assert sum(held) >= 70
