"""Measures against scikit-learn, intervals against theory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid
from sklearn import metrics

from edgewise import InputError
from edgewise.report import AccuracyRow
from edgewise.report.evaluation.leaderboard import leaderboard, main_row, probabilities, verdict
from edgewise.report.evaluation.measures import (
    accuracy,
    auc,
    brier,
    difference,
    gini,
    interval,
    log_loss,
    mae,
    r_squared,
    resamples,
    rmse,
    weighed,
    yardsticks,
)
from tests.report.conftest import build, build_classes

RNG = np.random.default_rng(0)
Y, P = RNG.normal(size=80), RNG.normal(size=80)
CODES = RNG.integers(0, 3, 80).astype(float)
SHARES = RNG.dirichlet(np.ones(3), 80).round(1) + 1e-3
SHARES = SHARES / SHARES.sum(1, keepdims=True)
WEIGHTS = np.concatenate([np.ones((1, 80)), resamples(80, 6)])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (rmse, lambda w: metrics.mean_squared_error(Y, P, sample_weight=w) ** 0.5),
        (mae, lambda w: metrics.mean_absolute_error(Y, P, sample_weight=w)),
        (r_squared, lambda w: metrics.r2_score(Y, P, sample_weight=w)),
    ],
)
def test_measures_of_numbers(ours, theirs):
    assert ours(Y, P)(WEIGHTS) == pytest.approx([theirs(w) for w in WEIGHTS], rel=1e-10)


@pytest.mark.parametrize(
    ("loss", "power", "given"),
    [("poisson", 1, None), ("gamma", 2, None), ("inverse_gaussian", 3, None), ("tweedie", 1.3, 1.3)],
)
def test_measures_of_means(loss, power, given):
    random = np.random.default_rng(1)
    y, means, weight = random.gamma(2.0, size=(3, 80))
    explained, deviance, _ = yardsticks(0, loss, given)
    assert weighed(deviance.of(y, means), weight)(WEIGHTS) == pytest.approx(
        [metrics.mean_tweedie_deviance(y, means, sample_weight=w * weight, power=power) for w in WEIGHTS]
    )
    assert weighed(explained.of(y, means), weight)(WEIGHTS[:1]) == pytest.approx(
        metrics.d2_tweedie_score(y, means, sample_weight=weight, power=power)
    )


def test_gini_is_the_area_between_the_lorenz_curve_and_the_diagonal():
    y = np.arange(1.0, 81.0)
    order = np.argsort(P)
    for w, ours in zip(WEIGHTS, gini(y, P)(WEIGHTS), strict=True):
        across, up = np.cumsum(w[order]), np.cumsum((w * y)[order])
        area = trapezoid(np.append(0, up / up[-1]), np.append(0, across / across[-1]))
        assert ours == pytest.approx(1 - 2 * area)
    # Of equal shares: the mean absolute difference of two rows over twice the mean.
    equal = np.abs(y[:, None] - y).mean() / (2 * y.mean())
    assert gini(y, y)(np.ones((1, 80))) == pytest.approx(equal)


@pytest.mark.parametrize("classes", [2, 3])
def test_measures_of_classes(classes):
    y = CODES if classes == 3 else (CODES > 0).astype(float)
    p = SHARES if classes == 3 else np.column_stack([SHARES[:, 0], 1 - SHARES[:, 0]])
    expected = {
        log_loss: lambda w: metrics.log_loss(y, p, sample_weight=w),
        accuracy: lambda w: metrics.accuracy_score(y, p.argmax(1), sample_weight=w),
        auc: lambda w: np.mean(
            [
                metrics.roc_auc_score(y == k, p[:, k], sample_weight=w)
                for k in ([1] if classes == 2 else range(3))
            ]
        ),
        brier: lambda w: (
            metrics.brier_score_loss(y, p[:, 1], sample_weight=w)
            if classes == 2
            else np.average(((p - np.eye(3)[y.astype(int)]) ** 2).sum(1), weights=w)
        ),
    }
    for ours, theirs in expected.items():
        assert ours(y, p)(WEIGHTS) == pytest.approx([theirs(w) for w in WEIGHTS], rel=1e-10)


def test_measures_that_cannot_be_are_not_numbers():
    assert np.isnan(r_squared(np.ones(5), np.arange(5.0))(np.ones((1, 5)))[0])
    assert np.isnan(auc(np.ones(5), np.tile([0.3, 0.7], (5, 1)))(np.ones((1, 5)))[0])


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(2)
    weights = resamples(60, 400)
    inside = 0
    for _ in range(300):
        rows = rng.normal(size=60)
        one = interval(lambda w, rows=rows: w @ rows / w.sum(1), weights)
        inside += one.low <= 0.0 <= one.high
    assert 0.90 <= inside / 300 <= 0.98


def test_paired_differences_are_narrower_than_single_intervals():
    rng = np.random.default_rng(3)
    truth = rng.normal(size=200)
    shared = truth + rng.normal(size=200)
    ours, theirs = rmse(truth, shared), rmse(truth, shared + 0.1 * rng.normal(size=200))
    weights = resamples(200)
    single, both = interval(ours, weights), difference(ours, theirs, weights)
    assert both.high - both.low < 0.5 * (single.high - single.low)
    assert both.value == pytest.approx(float((ours(np.ones((1, 200))) - theirs(np.ones((1, 200))))[0]))


def test_resamples_are_the_same_every_time_and_bounded():
    assert (resamples(30, 5) == resamples(30, 5)).all()
    assert resamples(200_000, 1000).shape == (100, 200_000)
    with pytest.raises(InputError, match="'rows'"):
        resamples(0)


def test_the_table_measures_predictions_and_leaves_the_rest_as_given():
    content = build()
    y = content.y_test
    rows = (
        AccuracyRow("given", 3.0, 0.2, 1.0),
        AccuracyRow("close", predicted=y + 0.1),
        AccuracyRow("far", predicted=y + 2.0),
        AccuracyRow("ours", predicted=y + 0.01 * np.sin(np.arange(len(y))), ours=True),
    )
    table = leaderboard(build(accuracy=rows))
    assert [one.measures[0].known for one in table.rows] == [False, True, True, True]
    assert table.rows[0].measures[0].value == 3.0
    assert table.rows[1].measures[0].value == pytest.approx(0.1)
    assert table.rival == "close"
    assert table.main is not None
    assert table.main.row.model == "ours"
    assert table.main.gain is not None
    assert table.main.gain.low > 0
    assert verdict(table.main.gain, "it") == "better than it"


def test_the_page_is_about_the_network_it_draws():
    content = build()
    net = content.network.predict(content.columns(content.X_test, content.network.input_names))[:, 0]
    other = AccuracyRow("as fitted", predicted=net + 1.0, ours=True)
    same = AccuracyRow("simplified", predicted=net, ours=True)
    assert main_row(build(accuracy=(other, same))).model == "simplified"
    assert main_row(build(accuracy=(other,))).model == "as fitted"
    assert main_row(build(accuracy=())).model == "network"
    assert main_row(build(accuracy=(), network=None)).model == "formula"
    assert main_row(build(accuracy=(), network=None, formula=None)) is None


def test_probabilities_of_logits():
    one = probabilities(np.array([[0.0], [2.0]]))
    assert one[:, 1] == pytest.approx([0.5, 1 / (1 + np.exp(-2))])
    three = probabilities(np.array([[1.0, 2.0, 3.0]]))
    assert three.sum() == pytest.approx(1)
    assert (np.diff(three[0]) > 0).all()


def test_few_rows_give_no_table_of_intervals():
    content = build()
    small = build(X_test=content.X_test[:5], y_test=content.y_test[:5])
    table = leaderboard(small)
    assert table.main is None
    assert [one.measures[0].value for one in table.rows] == [1.0, 0.02]


def test_yardsticks_lead_with_what_matters():
    assert next(y.name for y in yardsticks(0)) == "RMSE"
    assert next(y.name for y in yardsticks(3)) == "AUC"
    classes = leaderboard(build_classes())
    assert classes.main is not None
    assert classes.main.gain is not None
    assert classes.main.gain.low > 0


@pytest.mark.parametrize("predicted", [np.zeros(3), np.zeros((20, 2))])
def test_predictions_must_be_as_many_as_rows(predicted):
    with pytest.raises(InputError, match="predictions of 'm' in ReportContent must have shape"):
        build(accuracy=(AccuracyRow("m", predicted=predicted),))
