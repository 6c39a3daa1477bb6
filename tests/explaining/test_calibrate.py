"""Calibration moves probabilities along one rising curve, towards the frequencies."""

import numpy as np
import pytest
from sklearn.base import clone

import edgewise as ew


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(3000, 2))
    p = 1 / (1 + np.exp(-1.5 * X[:, 0] - X[:, 1]))
    return X, np.where(random.random(3000) < p, "yes", "no")


@pytest.fixture(scope="module")
def model(data):
    return ew.KANClassifier(interactions=0).fit(data[0][:1000], data[1][:1000])


class Hot:
    """A model that is too sure of itself."""

    def __init__(self, model):
        self.model = model
        self.network_, self.encoding_, self.classes_ = model.network_, model.encoding_, model.classes_

    def decision_function(self, X):
        return 3 * self.model.decision_function(X) + 1


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
def test_what_is_too_sure_is_set_right(model, data, method):
    X, y = data
    better = ew.calibrate(Hot(model), X[1000:2000], y[1000:2000], method=method)
    assert better.before.ece > 0.1
    assert better.after.ece < 0.05
    told = ew.explaining.reliability(better, X[2000:], y[2000:])
    assert told.brier < better.before.brier
    assert told.ece < 0.06


@pytest.mark.parametrize("method", ["isotonic", "sigmoid", "temperature"])
def test_order_and_network_stay(model, data, method):
    X, y = data
    better = ew.calibrate(model, X[1000:2000], y[1000:2000], method=method)
    order = np.argsort(model.decision_function(X))
    assert np.diff(better.predict_proba(X)[order, 1]).min() >= -1e-12
    assert better.predict_proba(X).sum(1) == pytest.approx(1)
    assert better.network_ is model.network_
    assert better.encoding_ is model.encoding_
    assert set(better.predict(X)) == {"yes", "no"}
    assert clone(better).method == method
    assert set(better.to_dict()) == {"method", "before", "after"}


def test_estimators_are_calibrated_as_they_come(model, data):
    told = ew.explaining.reliability(model, data[0][1000:], data[1][1000:])
    assert told.ece < 0.04
    assert sum(rows for _, _, rows in told.bins) == 2000


def test_more_classes(data):
    X, _ = data
    y = np.digitize(X[:, 0] + 0.5 * np.random.default_rng(1).normal(size=3000), [-0.5, 0.5])
    model = ew.KANClassifier(interactions=0).fit(X[:500], y[:500])
    for method in ("isotonic", "sigmoid", "temperature"):
        better = ew.calibrate(model, X[500:1500], y[500:1500], method=method)
        assert better.predict_proba(X).sum(1) == pytest.approx(1)
        assert ew.explaining.reliability(better, X[1500:], y[1500:]).ece < 0.06


def test_what_cannot_be_calibrated(model, data):
    X, y = data
    with pytest.raises(ew.InputError, match="classes"):
        ew.calibrate(model, X[:10], ["maybe"] * 10)
    with pytest.raises(ew.InputError, match="two rows"):
        ew.calibrate(model, X[:10], ["yes"] * 10)
    with pytest.raises(ew.InputError, match="method"):
        ew.calibrate(model, X, y, method="isotonik")
    with pytest.raises(ew.InputError, match="KANClassifier"):
        ew.calibrate(ew.KAN([2, 1], seed=0), X, y)
