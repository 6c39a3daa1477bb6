"""fit_table: the mode that rows speak for, calibration, time, strange tables."""

import numpy as np
import pytest
import torch

from edgewise import InputError, StopReason
from edgewise.training import TableConfig, fit_table
from edgewise.training.additive.shape_constraints import ShapeConstraint

from ...network.builders import state_bytes
from ..clocks import set_clock


def table(n=400, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 3))


def test_what_is_additive_stays_additive():
    X = table(seed=1)
    y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + 0.3 * np.random.default_rng(2).normal(size=400)
    fit = fit_table(X, y, names=["a", "b", "c"], outputs=["y"], members=2, hidden=4)
    assert fit.mode == "additive"
    assert fit.network.shape == (3, 1)
    assert fit.network.input_names == ("a", "b", "c")
    assert fit.validation_error == pytest.approx(0.3, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "pairwise"])
def test_a_product_is_not_additive(mode):
    X = table(seed=3)
    y = 3 * X[:, 0] * X[:, 1] + 0.05 * np.random.default_rng(4).normal(size=400)
    fit = fit_table(X, y, mode=mode, members=4, hidden=8)
    assert fit.mode == "pairwise"
    fresh = table(seed=5)
    error = fit.network.predict(fresh)[:, 0] - 3 * fresh[:, 0] * fresh[:, 1]
    assert float(np.sqrt(np.mean(error**2))) < 0.25
    assert fit.pairs[0] == (0, 1)


@pytest.mark.slow
def test_probabilities_are_calibrated_out_of_bag():
    X = table(2000, seed=6)
    p = 1 / (1 + np.exp(-3 * X[:, 0] - 2 * X[:, 1]))
    y = (np.random.default_rng(7).uniform(size=2000) < p).astype(float)
    fit = fit_table(X, y, loss="logistic", members=2, hidden=4)
    found = 1 / (1 + np.exp(-fit.network.predict(X)[:, 0]))
    assert float(np.abs(found - p).mean()) < 0.05
    inside = torch.sigmoid(fit.out_of_bag[:, 0]).numpy()
    assert abs(inside.mean() - y[fit.held.numpy()].mean()) < 0.03


@pytest.mark.slow
def test_three_classes_and_two_outputs():
    X = table(500, seed=8)
    label = (X[:, 0] > 0.3).astype(float) + (X[:, 1] > 0.2)
    fit = fit_table(X, label, loss="cross_entropy")
    assert (fit.network.predict(X).argmax(1) == label).mean() > 0.9
    both = fit_table(X, np.stack([X[:, 0], X[:, 1] ** 2], 1), mode="additive")
    assert both.network.shape == (3, 2)
    assert both.validation_error < 0.02


@pytest.mark.slow
def test_same_seed_same_bits_and_the_callers_arrays_are_untouched():
    X = table(200, seed=9)
    y = X[:, 0] * X[:, 1]
    before = X.copy(), y.copy()
    nets = [fit_table(X, y, mode="deep", members=1, hidden=3, seed=3).network for _ in range(2)]
    assert np.array_equal(nets[0].predict(X), nets[1].predict(X))
    assert np.array_equal(X, before[0])
    assert np.array_equal(y, before[1])


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_very_few_rows(n):
    X = table(n, seed=10)
    fit = fit_table(X, X[:, 0])
    assert np.isfinite(fit.network.predict(X)).all()


def deep(rows=600, **options):
    X = table(rows, seed=11)
    return fit_table(X, X[:, 0] * X[:, 1], mode="deep", members=2, hidden=4, **options)


def outcome(fit):
    history = [(r.phase, r.step, r.loss, r.validation, r.share) for r in fit.history]
    return state_bytes(fit.network), history, fit.stop_reason, fit.message


def test_a_callback_stops():
    stopped = deep(callbacks=[lambda record: record.phase == "deep"])
    assert stopped.stop_reason is StopReason.CALLBACK
    assert "callback" in stopped.message
    assert sum(record.phase == "deep" for record in stopped.history) == 1


@pytest.mark.slow
def test_steps_follow_the_work_and_not_the_clock(monkeypatch):
    told = []
    for tick in (1e-6, 1e-2, 10.0):
        set_clock(monkeypatch, tick)
        told.append(outcome(deep(work=0.01, seconds=1e9)))
    assert told[0] == told[1] == told[2]
    assert told[0][2] is StopReason.WORK_SPENT
    shares = [share for _, _, _, _, share in told[0][1][1:] if share is not None]
    assert shares == sorted(shares)
    # It may end before, where nothing is gained any more.
    assert 0.3 < shares[-1] < 1.0 + 1e-9


@pytest.mark.slow
def test_threads_change_no_bit():
    before = torch.get_num_threads()
    try:
        told = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            told.append(outcome(deep(6000, work=0.01)))
    finally:
        torch.set_num_threads(before)
    assert told[0] == told[1]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("constrained", [False, True])
def test_a_time_limit_interrupts_wherever_it_passes_and_says_so(monkeypatch, loss, constrained):
    X = table(300, seed=12)
    y = X[:, 0] + X[:, 1] ** 3
    y = y if loss == "squared" else (y > 0).astype(float)
    constraints = {0: ShapeConstraint(monotone=1)} if constrained else None
    options = {"loss": loss, "mode": "deep", "members": 2, "hidden": 4, "constraints": constraints}
    stages = set()
    for seconds in (0.5, 3.0, 10.0, 40.0, 200.0, 600.0, 1e5):
        set_clock(monkeypatch, 1.0)
        fit = fit_table(X, y, seconds=seconds, work=0.02, **options)
        out = fit.network.predict(X)[:, 0]
        assert np.isfinite(out).all()
        assert fit.stop_reason is (StopReason.WORK_SPENT if seconds > 1e4 else StopReason.TIME_LIMIT)
        assert ("may differ from run to run" in fit.message) == (fit.stop_reason is StopReason.TIME_LIMIT)
        stages.add(fit.mode)
        if constrained:
            steps = np.repeat(X[:1], 50, axis=0)
            steps[:, 0] = np.linspace(-2, 2, 50)
            assert (np.diff(fit.network.predict(steps)[:, 0]) >= 0).all()
    assert stages == {"additive", "deep"}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"loss": "hinge"}, "loss"),
        ({"mode": "wide"}, "mode"),
        ({"members": 0}, "members"),
        ({"hidden": 0}, "hidden"),
        ({"seconds": 0}, "seconds"),
        ({"work": "much"}, "work"),
        ({"config": {"epochs": 3}}, "config"),
        ({"sample_weight": [1.0]}, "weight"),
    ],
)
def test_bad_arguments_are_named(options, word):
    with pytest.raises(InputError, match=word):
        fit_table(table(20), np.arange(20.0), **options)


def test_targets_that_are_no_classes_are_named():
    with pytest.raises(InputError, match="'y'"):
        fit_table(table(20), np.arange(20.0), loss="logistic")
    with pytest.raises(InputError, match="'y'"):
        fit_table(table(20), np.arange(20.0) + 0.5, loss="cross_entropy")


@pytest.mark.slow
def test_thresholds_are_taken_and_the_usual_ones_are_what_none_means():
    X = table(150)
    y = X[:, 0] * X[:, 1]
    usual, same, few = (
        fit_table(X, y, mode="deep", work=0.05, config=config)
        for config in (None, TableConfig(), TableConfig(members=2, hidden=3))
    )
    assert state_bytes(usual.network) == state_bytes(same.network)
    assert (usual.members, few.members) == (8, 2)
    assert usual.network.shape[1] > 8 * 32 > few.network.shape[1] > 2 * 3
