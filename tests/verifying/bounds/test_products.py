"""Multiplication nodes: what is proved of them holds, and the checker, which unfolds them on its own, bears it out."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise.verifying.bounds.exact import exact_model, unfolded
from edgewise.verifying.bounds.rational import _sized as exactly
from edgewise.verifying.bounds.rounding import reaches, rounding
from edgewise.verifying.checker import check
from edgewise.verifying.checker.model import CheckedModel
from edgewise.verifying.checker.rounding import rounding as checked
from edgewise.verifying.results.certificate import file_of
from tests.verifying.certificate_kit import seal

SHAPES = [
    [2, ew.Nodes(1, (2,)), 1],
    [2, ew.Nodes(0, (2, 2)), 1],
    [3, ew.Nodes(1, (3,)), 2],
    [2, ew.Nodes(0, (2,))],
    [2, 2, ew.Nodes(1, (2,))],
    [2, ew.Nodes(1, (2,)), ew.Nodes(0, (2,)), 1],
]


def made(shape: list[object], seed: int) -> tuple[ew.KAN, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    net = ew.KAN(shape, degree=int(rng.integers(1, 4)), intervals=3, seed=seed, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.copy_(torch.from_numpy(rng.normal(0, 0.7, tuple(layer.coef.shape))))
            assert layer.bias is not None
            layer.bias.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(layer.bias.shape))))
        net.input_shift.copy_(torch.from_numpy(rng.normal(0, 1, net.shape[0])))
        net.input_scale.copy_(torch.from_numpy(rng.uniform(0.5, 2, net.shape[0])))
        net.output_shift.copy_(torch.from_numpy(rng.normal(0, 1, net.shape[-1])))
        net.output_scale.copy_(torch.from_numpy(rng.normal(0, 2, net.shape[-1])))
    shift, scale = net.input_shift.numpy(), net.input_scale.numpy()
    return net, shift - 1.3 * scale, shift + 1.3 * scale


@pytest.mark.parametrize("shape", SHAPES)
def test_unfolded_networks_are_the_same_function(shape: list[object]) -> None:
    for seed in range(3):
        net, low, high = made(shape, seed)
        X = np.random.default_rng(seed).uniform(low, high, (200, len(low)))
        plain = unfolded(exact_model(net), reaches(net, low, high)[1])
        y = net.predict(X)
        np.testing.assert_allclose(plain.outputs(X), y, rtol=0, atol=1e-9 * np.abs(y).max())
        room = rounding(net, low, high)
        ends = [(Fraction(a), Fraction(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        mine, _ = checked(CheckedModel(file_of(net)), ends)
        assert all(float(a) <= b <= 3 * float(a) for a, b in zip(mine, room.tolist(), strict=True))
        for x, found in zip(X[:20], y, strict=False):
            for o, ((value, _), _) in enumerate(exactly(net, x)):
                assert abs(Fraction(float(found[o])) - value) <= mine[o]


@pytest.mark.parametrize("shape", SHAPES)
def test_claims_about_products(shape: list[object]) -> None:
    net, low, high = made(shape, 1)
    low, high = low + (high - low) * 0.15, high - (high - low) * 0.15
    X = np.random.default_rng(0).uniform(low, high, (4000, len(low)))
    domain = {f"x{i + 1}": ends for i, ends in enumerate(zip(low.tolist(), high.tolist(), strict=True))}
    y = net.predict(X)[:, 0]
    size, name = float(np.ptp(y)), net.output_names[0]
    wide = ew.verify(
        net,
        ew.properties.output_range(float(y.min()) - size, float(y.max()) + size, output=name),
        where=domain,
        work=0.3,
    )
    assert wide.status == "proved", wide
    assert check(wide.certificate.text.encode(), file_of(net)).accepted
    tight = ew.properties.output_range(high=float(y.max()) - size / 50, output=name)
    assert ew.verify(net, tight, where=domain, work=0.1).status == "refuted"
    # A certificate of it for a bound that rows break is refused.
    document = dict(wide.certificate.document)
    document["claim"] = {**document["claim"], "high": float(y.max()) - size / 50}
    assert not check(json.dumps(seal(document)).encode(), file_of(net)).accepted


def test_a_product_of_two_inputs_is_bounded_closely() -> None:
    """x y on a box: its greatest value is at a corner, its slope in x is y."""
    net = ew.KAN([2, ew.Nodes(0, (2,))], degree=1, intervals=1, seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef.zero_()
        for i in range(2):
            net.layers[0].coef[i, :, i] = torch.tensor([-1.0, 1.0], dtype=torch.float64)
        assert net.layers[0].bias is not None
        net.layers[0].bias.zero_()
    where = {"x1": (-0.9, 0.6), "x2": (0.3, 0.6)}
    assert ew.verify(net, "range(-0.545, 0.365)", where=where).status == "proved"
    assert ew.verify(net, "range(-0.535, 0.365)", where=where).status == "refuted"
    assert ew.verify(net, "monotone(x1, increasing)", where=where).status == "proved"
    assert ew.verify(net, "lipschitz(x1, 0.61)", where=where).status == "proved"
    assert ew.verify(net, "lipschitz(x1, 0.59)", where=where).status == "refuted"
