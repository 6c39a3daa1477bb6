"""Losses of the regressor: quantiles of skewed noise, outliers that pull little, and the laws behind them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

import edgewise as ew
from edgewise.training.common.losses import Huber, LogMean, Quantile, Squared

LOSSES = (Squared(), Huber(), Quantile(0.5), Quantile(0.9), LogMean())


def skewed(n: int, seed: int):
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (n, 3))
    return X, np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.5 * random.exponential(size=n)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["additive", "pairwise", "deep"])
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_so_many_rows_lie_below_a_quantile(mode: str, level: float):
    X, y = skewed(2600, 0)
    model = ew.KANRegressor(mode=mode, loss="quantile", quantile=level, members=2, work=0.05)
    below = np.mean(y[600:] <= model.fit(X[:600], y[:600]).predict(X[600:]))
    assert abs(below - level) < 0.06


def test_a_quantile_of_what_varies_is_wider_where_more_varies():
    random = np.random.default_rng(1)
    X = random.uniform(0, 1, (2000, 1))
    y = X[:, 0] * random.normal(size=2000)
    model = ew.KANRegressor(mode="additive", loss="quantile", quantile=0.9).fit(X, y)
    low, high = model.predict(np.array([[0.2], [0.9]]))
    assert abs(low - 0.2 * 1.2816) < 0.1
    assert abs(high - 0.9 * 1.2816) < 0.2


def test_outliers_pull_little():
    random = np.random.default_rng(2)
    X = random.uniform(-1, 1, (600, 2))
    truth = X[:, 0] ** 2 + X[:, 1]
    y = truth + 0.1 * random.normal(size=600)
    wild = random.random(600) < 0.05
    y[wild] += 50 * X[wild, 0]
    errors = {
        loss: np.sqrt(
            np.mean((ew.KANRegressor(mode="additive", loss=loss).fit(X, y).predict(X) - truth) ** 2)
        )
        for loss in ("squared", "huber", "quantile")
    }
    assert errors["huber"] < 0.1
    assert errors["quantile"] < 0.1
    assert errors["squared"] > 3 * errors["huber"]


@given(st.sampled_from(LOSSES), st.floats(-3, 3), st.floats(0, 3))
def test_gradients_are_slopes(loss: Squared, f: float, y: float):
    outputs = torch.tensor([[f]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[y]], dtype=torch.float64)
    loss.rows(outputs, target).sum().backward()
    assert outputs.grad is not None
    assert torch.allclose(outputs.grad, loss.gradient(outputs.detach(), target), atol=1e-9)


@given(st.sampled_from(LOSSES[:4]), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_the_parabola_of_the_curvature_lies_above(loss: Squared, f: float, g: float, y: float):
    at, other, target = (torch.tensor([[value]], dtype=torch.float64) for value in (f, g, y))
    step = other - at
    parabola = loss.rows(at, target) + (loss.gradient(at, target) * step).sum(-1)
    parabola = parabola + 0.5 * (loss.curvature(at, target) * step**2).sum(-1)
    assert float(loss.rows(other, target)) <= float(parabola) + 1e-9


def test_parameters_are_cloned_saved_and_checked(tmp_path):
    X, y = skewed(100, 3)
    model = ew.KANRegressor(mode="additive", loss="quantile", quantile=0.8)
    assert clone(model).get_params()["quantile"] == 0.8
    ew.save(model.fit(X, y), tmp_path / "model.kan")
    again = ew.load(tmp_path / "model.kan")
    assert again.loss == "quantile"
    assert again.quantile == 0.8
    assert np.array_equal(again.predict(X), model.predict(X))
    for strange in ({"loss": "absolute"}, {"loss": "quantile", "quantile": 1.0}):
        with pytest.raises(ew.InputError, match="argument must"):
            ew.KANRegressor(**strange).fit(X, y)
    with pytest.raises(ew.InputError, match="loss='squared'"):
        ew.KANRegressor(loss="huber", monotone={0: "increasing"}).fit(X, y)
