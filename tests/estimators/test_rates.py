"""Counts and amounts: rates, exposures, totals, and what generalised linear models make of the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor

import edgewise as ew
from edgewise._core.arrays import Floats
from edgewise.training.common.losses import LOG_LOSSES

RANDOM = np.random.default_rng(0)
ROWS = 3000
X = RANDOM.uniform(-1, 1, (ROWS, 2))
MEAN = np.exp(0.4 + 0.8 * X[:, 0] - 0.5 * X[:, 1])
YEARS = RANDOM.uniform(0.05, 3, ROWS)


def drawn(loss: str, mean: Floats, seed: int = 1) -> Floats:
    """Outcomes of some means."""
    random = np.random.default_rng(seed)
    if loss == "poisson":
        return random.poisson(mean).astype(float)
    if loss == "negative_binomial":
        return random.poisson(mean * random.gamma(2, 0.5, len(mean))).astype(float)
    amounts = random.wald(mean, 3) if loss == "inverse_gaussian" else random.gamma(2, mean / 2)
    return np.where(random.random(len(mean)) < 0.3, 0.0, amounts / 0.7) if loss == "tweedie" else amounts


@pytest.mark.parametrize("loss", LOG_LOSSES)
def test_means_are_found_and_totals_met(loss: str) -> None:
    y = drawn(loss, MEAN)
    model = ew.KANRegressor(loss=loss, mode="additive").fit(X, y)
    answer = model.predict(X)
    assert answer.sum() == pytest.approx(y.sum(), rel=1e-6)
    assert np.sqrt(np.mean(np.log(answer / MEAN) ** 2)) < 0.12
    assert model.fit_.curve == "exp"
    assert model.under_curve().predict(X) == pytest.approx(np.log(answer), abs=1e-6)
    assert model.score(X, y) > 0.0


def test_linear_truths_are_met_as_well_as_by_linear_models() -> None:
    """Half a deviance of new rows, beside scikit-learn's models, to which the truth is no surprise."""
    for loss, peer in (
        ("poisson", PoissonRegressor(alpha=0)),
        ("gamma", GammaRegressor(alpha=0)),
        ("tweedie", TweedieRegressor(power=1.5, alpha=0, link="log")),
    ):
        y = drawn(loss, MEAN)
        mine = ew.KANRegressor(loss=loss, mode="additive").fit(X, y).predict(X)
        theirs = peer.fit(X, y).predict(X)
        assert np.sqrt(np.mean(np.log(mine / theirs) ** 2)) < 0.08


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_exposures_multiply_means(loss: str) -> None:
    """A row of some exposure is, to the likelihood, a rate of that weight; the unit of exposure makes no difference."""
    y = drawn(loss, YEARS * MEAN)
    model = ew.KANRegressor(loss=loss, mode="additive").fit(X, y, exposure=YEARS)
    assert model.predict(X, exposure=YEARS) == pytest.approx(YEARS * model.predict(X))
    assert np.sqrt(np.mean(np.log(model.predict(X) / MEAN) ** 2)) < 0.1
    if loss == "poisson":
        assert model.predict(X, exposure=YEARS).sum() == pytest.approx(y.sum(), rel=1e-6)
    days = ew.KANRegressor(loss=loss, mode="additive").fit(X, y, exposure=365 * YEARS)
    assert 365 * days.predict(X) == pytest.approx(model.predict(X), rel=1e-5)
    logs = ew.KANRegressor(loss=loss, mode="additive").fit(X, y, offset=np.log(YEARS))
    assert logs.predict(X) == pytest.approx(model.predict(X), rel=1e-5)
    assert model.score(X, y, exposure=YEARS) == pytest.approx(
        logs.score(X, y, offset=np.log(YEARS)), rel=1e-5
    )


def test_amounts_in_other_units_are_the_same_amounts() -> None:
    y = drawn("gamma", MEAN)
    one, many = (
        ew.KANRegressor(loss="gamma", mode="additive").fit(X, k * y).predict(X) for k in (1.0, 1000.0)
    )
    assert many == pytest.approx(1000 * one, rel=1e-4)


def test_counts_that_vary_more_are_told() -> None:
    y = drawn("negative_binomial", 3 * MEAN)
    plain = ew.KANRegressor(loss="poisson", mode="additive").fit(X, y)
    assert any("negative_binomial" in event for event in plain.fit_.events)
    fair = ew.KANRegressor(loss="poisson", mode="additive").fit(X, drawn("poisson", 3 * MEAN))
    assert not any("negative_binomial" in event for event in fair.fit_.events)
    found = ew.KANRegressor(loss="negative_binomial", mode="additive").fit(X, y).fit_.events
    assert 0.35 < float(next(event for event in found if "m^2" in event).split("+ ")[1].split()[0]) < 0.65


def test_rates_are_proved_about(tmp_path: Any) -> None:
    model = ew.KANRegressor(loss="poisson", mode="additive", monotone={0: "increasing"})
    model.fit(X, drawn("poisson", YEARS * MEAN), exposure=YEARS)
    assert ew.verify(model, "monotone(x1, increasing)").status == "proved"
    assert ew.verify(model, "output >= 0").status == "proved"
    assert ew.verify(model, f"output >= {model.predict(X).max():g}").status == "refuted"
    ew.save(model, tmp_path / "rates.kan")
    again = ew.load(tmp_path / "rates.kan")
    assert (again.predict(X) == model.predict(X)).all()
    assert (again.under_curve().predict(X) == model.under_curve().predict(X)).all()
    assert again.score(X, MEAN) == model.score(X, MEAN)


def test_two_counts_at_once() -> None:
    y = np.column_stack([drawn("poisson", MEAN), drawn("poisson", 2 / MEAN, 5)])
    model = ew.KANRegressor(loss="poisson", mode="additive").fit(X, y)
    assert model.predict(X).sum(axis=0) == pytest.approx(y.sum(axis=0), rel=1e-6)
    assert np.sqrt(np.mean(np.log(model.predict(X) / np.column_stack([MEAN, 2 / MEAN])) ** 2)) < 0.1


@pytest.mark.parametrize(
    ("loss", "y", "options", "argument"),
    [
        ("poisson", -np.ones(9), {}, "y"),
        ("gamma", np.zeros(9), {}, "y"),
        ("squared", np.ones(9), {"exposure": np.ones(9)}, "exposure"),
        ("negative_binomial", np.ones(9), {"offset": np.ones(9)}, "offset"),
        ("poisson", np.arange(9.0), {"exposure": np.zeros(9)}, "exposure"),
        ("poisson", np.ones(9), {"exposure": np.append(np.ones(8), 0)}, "exposure"),
        ("poisson", np.arange(9.0), {"exposure": np.ones(8)}, "exposure"),
        ("poisson", np.arange(9.0), {"offset": np.full(9, 1e4)}, "offset"),
        ("normal", np.arange(9.0), {}, "loss"),
    ],
)
def test_what_no_rate_can_come_from_is_refused(loss: str, y: Floats, options: Any, argument: str) -> None:
    with pytest.raises(ew.InputError) as error:
        ew.KANRegressor(loss=loss).fit(X[:9], y, **options)
    assert error.value.argument == argument


def test_rows_without_exposure_say_nothing() -> None:
    y = drawn("poisson", YEARS * MEAN)
    idle = np.arange(ROWS) % 3 == 0
    years, counts = np.where(idle, 0.0, YEARS), np.where(idle, 0.0, y)
    one = ew.KANRegressor(loss="poisson", mode="additive").fit(X, counts, exposure=years)
    two = ew.KANRegressor(loss="poisson", mode="additive").fit(X[~idle], y[~idle], exposure=YEARS[~idle])
    assert one.predict(X) == pytest.approx(two.predict(X), rel=1e-3)
