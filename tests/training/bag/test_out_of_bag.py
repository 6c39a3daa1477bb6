"""Out-of-bag rows judge honestly, and log-odds are drawn along the line that they speak for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from edgewise.training import fit_table
from edgewise.training.bag.out_of_bag import (
    SLOPE_SPREAD,
    OutOfBag,
    recalibration,
    shared_rows_factor,
    significantly_better,
)
from edgewise.training.bag.run import TableProblem, TableRows, make_problem
from edgewise.training.common.losses import CrossEntropy, Squared


def problem_of(y: torch.Tensor) -> TableProblem:
    rows = TableRows(
        torch.linspace(0, 1, len(y), dtype=torch.float64)[:, None], y, torch.ones(len(y)).double()
    )
    return make_problem(rows, 4, 4, 0)


@pytest.mark.parametrize("bold", [0.5, 1.0, 2.5])
def test_the_line_is_that_of_a_logistic_regression(bold: float) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0.5, 1.5, 2000)
    y = torch.from_numpy((rng.random(2000) < 1 / (1 + np.exp(-z))).astype(float))[:, None]
    problem = problem_of(y)
    told = torch.from_numpy(bold * z + 0.7)[problem.held, None]
    oracle = LogisticRegression(C=np.inf).fit(told.numpy(), y[problem.held, 0].numpy())
    line = recalibration(OutOfBag(told, 0.0), problem, CrossEntropy(), 1.0)
    assert line.slope == pytest.approx(oracle.coef_[0, 0], rel=1e-2)
    assert float(line.shift) == pytest.approx(oracle.intercept_[0], abs=2e-2)
    part = recalibration(OutOfBag(told, 0.0), problem, CrossEntropy(), 0.75)
    assert np.log(part.slope) == pytest.approx(0.75 * np.log(line.slope))
    assert float(part.shift) == pytest.approx(0.75 * float(line.shift))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [60, 200])
def test_the_slope_of_few_rows_is_weighed_against_none(rows: int) -> None:
    """The most likely slope under a normal prior on its logarithm, by a grid of slopes with the best shift of each."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=rows)
    y = torch.from_numpy((rng.random(rows) < 1 / (1 + np.exp(-z))).astype(float))[:, None]
    problem = problem_of(y)
    told, own = torch.from_numpy(2 * z)[problem.held, None], y[problem.held, 0].numpy()
    line = recalibration(OutOfBag(told, 0.0), problem, CrossEntropy(), 1.0)

    def worth(slope: float) -> float:
        f = slope * told[:, 0].numpy()[:, None] + np.linspace(-2, 2, 801)
        loss = np.logaddexp(0, f) - own[:, None] * f
        return float(loss.sum(0).min()) + np.log(slope) ** 2 / (2 * SLOPE_SPREAD**2)

    slopes = np.exp(np.linspace(-1.0, 0.0, 401))
    assert line.slope == pytest.approx(slopes[np.argmin([worth(one) for one in slopes])], rel=0.02)
    # Bolder than the outcomes, and less far from none than a regression would have it.
    oracle = LogisticRegression(C=np.inf).fit(told.numpy(), own).coef_[0, 0]
    assert oracle < line.slope < 1


def test_of_three_classes_the_mean_probabilities_become_the_frequencies() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(3000, 3))
    p = torch.softmax(torch.from_numpy(z), -1).numpy()
    y = torch.from_numpy(np.eye(3)[[rng.choice(3, p=own) for own in p]])
    problem = problem_of(y)
    told = torch.from_numpy(3 * z + [1.0, 0.0, -1.0])[problem.held]
    line = recalibration(OutOfBag(told, 0.0), problem, CrossEntropy(), 1.0)
    after = torch.softmax(line(told), -1)
    assert torch.allclose(after.mean(0), y[problem.held].mean(0), atol=1e-3)
    assert line.slope == pytest.approx(1 / 3, rel=0.15)


def test_numbers_and_few_rows_are_left_as_they_are() -> None:
    y = torch.from_numpy(np.random.default_rng(2).integers(0, 2, (40, 1)).astype(float))
    problem = problem_of(y)
    for loss in (CrossEntropy(), Squared()):
        line = recalibration(OutOfBag(5 * y[problem.held], 0.0), problem, loss, 1.0)
        assert (line.slope, float(line.shift)) == (1.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_the_out_of_bag_error_of_many_columns_of_noise_is_no_praise(loss: str) -> None:
    """Smoothness chosen on all rows knows the rows left out, and would let them speak well of the model."""
    shares = list[float]()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(8000, 12))
        y = X[:, 0] + 2 * rng.normal(size=len(X))
        if loss == "logistic":
            y = (y > 0).astype(float)
        fit = fit_table(X[:150], y[:150], loss=loss, mode="additive")
        out = fit.network.predict(X[150:]).ravel()
        if loss == "logistic":
            fresh = np.mean(np.logaddexp(0, out) - y[150:] * out)
        else:
            fresh = np.sqrt(np.mean((out - y[150:]) ** 2))
        assert fit.validation_error is not None
        shares.append(float(fit.validation_error / fresh))
    # A single table's error is sure to a few hundredths; the mean of six was 0.9 where smoothness knew the rows.
    assert np.mean(shares) > 0.96


def test_a_gain_counts_groups_not_rows_and_heeds_the_rows_that_folds_share() -> None:
    random = np.random.default_rng(3)
    gain = torch.from_numpy(np.repeat(random.normal(0.3, 1.0, 24), 10))
    group = torch.arange(24).repeat_interleave(10)
    X = torch.from_numpy(random.normal(size=(240, 1)))
    rows = TableRows(X, torch.zeros(240, 1).double(), torch.ones(240).double(), group)
    problem = make_problem(rows, 4, 4, 0)
    held = problem.held
    # Squared loss is half of the square: outputs whose losses differ by the gain.
    simple, rich = (torch.sqrt(2 * (5 + sign * gain[held] / 2))[:, None] for sign in (1, -1))
    assert len(held) == 240
    means = gain.numpy().reshape(-1, 10).mean(1)
    wanted = means.mean() / (means.std() / np.sqrt(len(means)))
    for errors, better in ((0.98 * wanted, True), (1.02 * wanted, False)):
        outs = OutOfBag(rich, 0.0), OutOfBag(simple, 0.0)
        assert significantly_better(*outs, problem, Squared(), errors) == better
    # Each of four folds is a quarter of the rows: 1/n becomes 1/n + 1/(3n/4).
    assert shared_rows_factor(problem) == pytest.approx(np.sqrt(1 + 4 / 3))
