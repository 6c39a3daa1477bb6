"""Groups of rows by prediction, and Lorenz curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from edgewise.report.evaluation.means import lorenz, mean_groups
from edgewise.report.evaluation.measures import gini


@given(st.integers(1, 60), st.integers(0, 1000))
def test_groups_lose_nothing_and_rise(rows, seed):
    random = np.random.default_rng(seed)
    y, predicted, weight = random.gamma(1.0, size=(3, rows)) + 0.01
    found = mean_groups(y, predicted, weight)
    assert found.weight.sum() == pytest.approx(weight.sum())
    assert found.weight @ found.observed == pytest.approx(weight @ y)
    assert found.weight @ found.predicted == pytest.approx(weight @ predicted)
    assert (np.diff(found.predicted) >= -1e-12).all()
    assert (found.low <= found.observed).all()


def test_intervals_hold_the_mean_as_often_as_they_say():
    random = np.random.default_rng(0)
    mean = np.repeat(np.linspace(0.5, 4, 10), 200)
    hits = []
    for _ in range(60):
        found = mean_groups(random.poisson(mean).astype(float), mean + random.uniform(0, 1e-6, len(mean)))
        hits.append((found.low <= found.predicted) & (found.predicted <= found.high))
    assert 0.91 < np.mean(hits) < 0.98


def test_the_lorenz_curve_has_the_area_that_gini_states():
    random = np.random.default_rng(1)
    y, by, weight = random.gamma(1.0, size=(3, 50))
    across, up = lorenz(y, by, weight)
    assert across[[0, -1]].tolist() == up[[0, -1]].tolist() == [0.0, 1.0]
    assert 1 - 2 * trapezoid(up, across) == pytest.approx(gini(y, by)(weight[None, :])[0])
