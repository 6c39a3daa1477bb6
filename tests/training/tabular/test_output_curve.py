"""Targets whose root is a sum: told from those that are sums, squared by an edge, and read beneath it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise import KAN, KANRegressor
from edgewise.training import TableConfig, fit_table
from edgewise.training.tabular.output_edge import beneath_square, with_square


def counts(n: int, seed: int):
    """Counts whose mean is a product of what three columns say."""
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (n, 3))
    mean = 30 * np.exp(np.sin(3 * X[:, 0])) * (1.2 + X[:, 1]) * (1 + X[:, 2] ** 2)
    return X, random.poisson(mean).astype(float), mean


@given(
    st.floats(-3, 3),
    st.floats(0.1, 30),
    st.floats(-5, 50),
    st.floats(0.5, 100),
    st.integers(0, 5),
)
def test_the_edge_squares_what_is_positive_and_the_sum_is_found_again(
    shift: float, scale: float, added: float, largest: float, seed: int
):
    net = KAN([2, 1], seed=seed, dtype=torch.float64)
    with torch.no_grad():
        net.output_shift.fill_(shift)
        net.output_scale.fill_(scale)
    X = 4 * torch.rand(50, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 2
    root = net(X).detach()
    made, inside = with_square(net, added, largest), root < max(2 * largest, scale)
    told = made(X).detach()
    want = root.clamp(min=0) ** 2 + added
    size = 1 + float(root.abs().max()) ** 2 + abs(added)
    assert float(((told - want).abs() * inside).max()) < 1e-12 * size
    assert torch.allclose(beneath_square(made)(X), root, rtol=1e-10, atol=1e-10 * scale)
    assert float(told[root[:, 0].argsort()].diff(dim=0).min()) > -1e-12 * size


@pytest.mark.slow
def test_products_of_causes_are_fitted_as_roots_and_that_pays():
    X, y, mean = counts(1600, 0)

    def error(**settings: float):
        fit = fit_table(X[:600], y[:600], interactions="auto", config=TableConfig(**settings))
        return fit, float(np.sqrt(np.mean((fit.network.predict(X[600:])[:, 0] - mean[600:]) ** 2)))

    fit, own = error()
    plain, other = error(curve_errors=1e9)
    assert (fit.curve, plain.curve) == ("square", "")
    assert own < 0.8 * other
    assert fit.out_of_bag is not None
    assert fit.held is not None
    rest = fit.out_of_bag[:, 0].numpy() - y[fit.held.numpy()]
    assert abs(rest.mean()) < 1e-9 * y.mean()
    assert fit.validation_error == pytest.approx(np.sqrt(np.mean(rest**2)))
    assert dict(fit.compared)[fit.mode] == fit.validation_error


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_sums_are_left_as_they_are(seed: int):
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (600, 4))
    y = 5 + X[:, 0] + np.sin(3 * X[:, 1]) + X[:, 2] ** 2 + 0.3 * random.normal(size=len(X))
    assert y.min() > 0
    assert fit_table(X, y, interactions="auto", seed=seed).curve == ""


def test_what_has_signs_has_no_root():
    X, y, _ = counts(400, 1)
    assert fit_table(X, y - y.mean(), interactions="auto").curve == ""


def test_a_model_through_a_curve_is_explained_proved_saved_and_read_beneath(tmp_path):
    X, y, _ = counts(500, 2)
    model = KANRegressor(interactions="auto").fit(X, y)
    assert model.fit_.curve == "square"
    told = model.explain(X, row=3)
    wanted = float(model.predict(X[3:4])[0])
    assert told.base + sum(one.effect for one in told.contributions) == pytest.approx(wanted, rel=1e-9)
    inner = model.under_curve()
    added = float(model.network_.output_shift[0])
    assert np.allclose(np.maximum(inner.predict(X), 0) ** 2 + added, model.predict(X))
    assert {pair for term in inner.explain(X).interactions.strongest(9) for pair in [term[:2]]} <= {
        tuple(sorted(pair)) for pair in inner.interactions_
    } | set(inner.interactions_)
    far = np.random.default_rng(0).normal(0, 5, (300, 3))
    assert model.predict(far).min() >= added
    assert ew.verify(model, f"output >= {added - 1e-6 * y.std()}").status == "proved"
    ew.save(model, tmp_path / "m.kan")
    again = ew.load(tmp_path / "m.kan")
    assert (again.predict(far) == model.predict(far)).all()
    assert (again.under_curve().predict(far) == inner.predict(far)).all()
    predicted, ends = model.predict(X, return_interval=0.9)
    assert 0.8 < np.mean((ends[:, 0] <= y) & (y <= ends[:, 1])) < 0.99
    again.partial_fit(X[:40], y[:40])
    assert again.predict(X[:5]).shape == predicted[:5].shape
