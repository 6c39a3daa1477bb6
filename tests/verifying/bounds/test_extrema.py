"""Exact extrema of piecewise cubics against dense sampling, and exact tables against the network itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from edgewise import KAN, InputError
from edgewise.verifying.bounds.curves import Curves, merge, peak, spans
from edgewise.verifying.bounds.exact import exact_model


def curves(degree: int = 3, sites: int = 4, functions: int = 3, seed: int = 0) -> Curves:
    net = KAN([sites, functions], degree=degree, intervals=6, seed=seed, dtype=torch.float64)
    return exact_model(net).layers[0].curves


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_tables_are_the_network(degree: int) -> None:
    net = KAN([3, 4, 2], degree=degree, seed=degree, dtype=torch.float64)
    x = np.random.default_rng(degree).uniform(-3, 3, (400, 3))
    assert np.allclose(exact_model(net).outputs(x), net.predict(x), atol=1e-12)


def test_a_piece_is_scipys_spline() -> None:
    net = KAN([1, 1], intervals=5, seed=3, dtype=torch.float64)
    layer = net.layers[0]
    knots = np.linspace(-1 - 3 * 0.4, 1 + 3 * 0.4, 12)
    oracle = BSpline(knots, layer.coef.detach().numpy()[0, :, 0], 3)
    x = np.linspace(-1, 1, 101)
    found = exact_model(net).layers[0].curves.values(x[:, None])[:, 0, 0]
    assert np.allclose(found, oracle(x), atol=1e-12)


@pytest.mark.parametrize("degree", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_extrema_are_those_of_a_dense_sample(degree: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    c = curves(degree, seed=seed)
    low = random.uniform(-2, 1.5, (1, 4))
    high = low + random.choice([0.0, 1e-3, 0.3, 2.5], (1, 4))
    least, most = spans(c, c.window(low, high))
    sample = low + (high - low) * np.linspace(0, 1, 4001)[:, None]
    values = c.values(sample)
    assert (most + 1e-12 >= values.max(0).T).all()
    assert (least - 1e-12 <= values.min(0).T).all()
    # Between two points of the sample a function rises by no more than its steepest slope allows.
    slack = np.abs(c.derivative().values(sample)).max() * (high - low).max() / 4000 + 1e-12
    assert (most - values.max(0).T <= slack).all()
    assert (values.min(0).T - least <= slack).all()


def test_peak_says_where() -> None:
    c = curves(seed=5)
    weights = np.random.default_rng(1).normal(size=(7, 3))
    window = c.window(np.full((7, 4), -1.3), np.full((7, 4), 1.4))
    value, piece, u = peak(c.combined(weights), window)
    x = c.origin[np.arange(4), piece] + u * c.width[np.arange(4), piece]
    assert ((x >= -1.3 - 1e-12) & (x <= 1.4 + 1e-12)).all()
    assert np.allclose((c.values(x) * weights[:, None]).sum(-1), value, atol=1e-12)


def test_a_cubic_with_a_maximum_inside() -> None:
    # x - x^3 on [-2, 2] as one piece with u = (x + 2) / 4: its local maximum is at 1 / sqrt(3).
    u = np.poly1d([4.0, -2.0])
    table = np.zeros((1, 4, 1, 3))
    table[0, :, 0, 1] = (u - u * u * u).coeffs[::-1]
    c = Curves(np.array([[-2.0, 2.0]]), table)
    least, most = spans(c, c.window(np.array([[-1.0]]), np.array([[1.5]])))
    assert most[0, 0] == pytest.approx(2 / 3**1.5, abs=1e-14)
    assert least[0, 0] == pytest.approx(1.5 - 1.5**3, abs=1e-14)


def test_merged_curves_are_the_shifted_ones() -> None:
    a, b = curves(seed=1), curves(degree=1, seed=2)
    shift = np.array([0.3, 0.0, -0.7, 1e-9])
    both = merge([a, b, a], [np.full(4, 0.123)], [shift, -shift, shift])
    x = np.random.default_rng(0).uniform(-3, 3, (500, 4))
    expected = np.concatenate([a.values(x + shift), b.values(x - shift), a.values(x + shift)], -1)
    assert np.allclose(both.values(x), expected, atol=1e-12)
    least, most = spans(both, both.window(np.full((1, 4), -1.0), np.full((1, 4), 1.0)))
    inside = both.values(np.linspace(-1, 1, 3001)[:, None].repeat(4, 1))
    assert np.allclose(most, inside.max(0).T, atol=1e-4)
    assert np.allclose(least, inside.min(0).T, atol=1e-4)


DEGREES = "B-spline edges of degree 1 to 3"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: KAN([2, 1], basis="chebyshev"), DEGREES),
        (lambda: KAN([2, 1], degree=4), DEGREES),
        (lambda: KAN([2, 1], degree=0), DEGREES),
    ],
)
def test_what_cannot_be_proved_is_refused(make: Callable[[], KAN], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        exact_model(make())


def test_masked_edges_are_zero() -> None:
    net = KAN([2, 3, 1], seed=0, dtype=torch.float64)
    mask = net.layers[0].mask.clone()
    mask[0] = False
    net.layers[0].set_mask(mask)
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    assert np.allclose(exact_model(net).outputs(x), net.predict(x), atol=1e-12)
