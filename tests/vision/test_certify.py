"""Networks for small pictures as plain ones, bounds that nothing exceeds, and radii that no attack breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise import KAN, InputError, StopReason
from edgewise.verifying.bounds.exact import exact_model
from edgewise.vision import ImageClassifier, as_kan, certified_radius
from edgewise.vision.certify import LayerBounds


@cache
def bars(kind: str = "patches", side: int = 8, channels: int = 1) -> tuple[ImageClassifier, Any, Any]:
    """Standing and lying bars in noise."""
    rng = np.random.default_rng(0)
    X, y = rng.random((80, side, side, channels)) * 0.3, np.arange(80) % 2
    for k in range(80):
        bar = (slice(at := int(rng.integers(1, side - 2)), at + 2), slice(1, side - 1))
        X[(k, *(bar if y[k] else bar[::-1]))] += 0.6
    settings = {"shift": 0, "rate": 1e-2, "depth": 1 if side > 8 else 2}
    return ImageClassifier(kind, 900, epochs=6, validation=0.0, settings=settings).fit(X, y), X, y


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "side", "channels"), [("kan", 8, 1), ("patches", 8, 1), ("patches", 13, 2), ("kan", 7, 3)]
)
def test_a_network_of_pictures_is_a_plain_one(kind: str, side: int, channels: int) -> None:
    model, X, _ = bars(kind, side, channels)
    net = as_kan(model)
    rows = X[:9].transpose(0, 3, 1, 2).reshape(9, -1)
    np.testing.assert_allclose(net.predict(rows), model.logits(X[:9]), atol=2e-4, rtol=1e-4)
    assert net.shape[0] == side * side * channels
    assert net.output_names == ("0", "1")


@cache
def smooth() -> tuple[KAN, Any]:
    """A plain network of cubics in which every node sees every input."""
    return ew.KAN([5, 4, 3, 2], degree=3, seed=0), np.random.default_rng(0).uniform(-1, 1, 5)


@cache
def picture(kind: str, side: int, channels: int) -> tuple[KAN, Any]:
    model, X, _ = bars(kind, side, channels)
    return as_kan(model), X[0].transpose(2, 0, 1).reshape(-1)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.0, 0.003, 0.3, 3.0])
@pytest.mark.parametrize("case", [lambda: picture("patches", 8, 1), lambda: picture("kan", 7, 3), smooth])
def test_no_picture_exceeds_its_bounds(radius: float, case: Callable[[], tuple[KAN, Any]]) -> None:
    net, row = case()
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(3, 2))
    least, most = LayerBounds(exact_model(net)).sums(row - radius, row + radius, weights)
    signs = rng.choice([-1.0, 0.0, 1.0], (200, row.size))
    inside = row + radius * np.concatenate([rng.uniform(-1, 1, (200, row.size)), signs])
    seen = net.predict(inside) @ weights.T
    hair = 1e-6 * (radius == 0.0)  # where bounds are as close as rounding
    assert (least <= seen + hair).all()
    assert (seen <= most + hair).all()
    if radius == 0.0:
        np.testing.assert_allclose([least, most], [seen.min(0), seen.max(0)], atol=1e-5)


def test_bounds_of_one_layer_are_attained() -> None:
    """Of a sum of functions each of its own input the ends are those of the functions, found here on a fine grid."""
    net = ew.KAN([3, 2], degree=3, seed=1)
    exact, weights = exact_model(net), np.array([[1.0, -2.0]])
    least, most = LayerBounds(exact).sums(np.full(3, -0.7), np.full(3, 0.9), weights)
    x = np.linspace(-0.7, 0.9, 20_001)
    each = [exact.outputs(np.eye(3)[i] * x[:, None]) @ weights[0] for i in range(3)]
    at_zero = exact.outputs(np.zeros((1, 3)))[0] @ weights[0]
    np.testing.assert_allclose(most[0], sum(e.max() - at_zero for e in each) + at_zero, atol=1e-6)
    np.testing.assert_allclose(least[0], sum(e.min() - at_zero for e in each) + at_zero, atol=1e-6)


def test_what_is_no_number_is_bounded_by_nothing() -> None:
    net, row = smooth()
    row = np.where(np.arange(5) == 2, np.nan, row)
    least, most = LayerBounds(exact_model(net)).sums(row, row, np.array([[1.0, -1.0]]))
    assert not (least > -np.inf).any()
    assert not (most < np.inf).any()


@pytest.mark.slow
def test_a_proof_of_a_plain_network_agrees() -> None:
    """The prover bounds the same function: what it refutes no bound of ours denies."""
    model, X, _ = bars("kan", 7, 3)
    net = as_kan(model)
    row = X[0].transpose(2, 0, 1).reshape(-1)
    near = {name: (float(v), float(v)) for name, v in zip(net.input_names, row, strict=True)}
    value = float(net.predict(row[None])[0, 0])
    answer = ew.verify(
        net, ew.properties.output_range(high=value - 0.1, output="0"), where=near, work="quick"
    )
    assert answer.status == "refuted"
    _, most = LayerBounds(exact_model(net)).sums(row, row, np.array([[1.0, 0.0]]))
    assert most[0] > value - 0.1


@pytest.mark.slow
def test_no_attack_breaks_a_certified_radius() -> None:
    model, X, _ = bars()
    found = [certified_radius(model, picture, steps=5) for picture in X[:2]]
    assert max(item.certified for item in found) > 1e-3
    random = torch.Generator().manual_seed(0)
    for picture, item in zip(X, found, strict=False):
        x = model.like(picture[None])
        best = int(model.network_(x).argmax())
        assert model.classes_[best] == item.label
        low, high = (x - item.certified).clamp(0, 1), (x + item.certified).clamp(0, 1)
        draws = low + (high - low) * torch.rand((300, *x.shape[1:]), generator=random)
        corners = torch.where(torch.rand(draws.shape, generator=random) < 0.5, low, high)
        point = torch.cat([draws, corners])
        for _ in range(10):
            assert (model.network_(point).argmax(1) == best).all()
            point = point.detach().requires_grad_()
            logits = model.network_(point)
            (slope,) = torch.autograd.grad((logits[:, 1 - best] - logits[:, best]).sum(), point)
            point = torch.minimum(
                torch.maximum(point.detach() + 0.3 * item.certified * slope.sign(), low), high
            )
        if item.broken is not None:
            assert item.certified < item.broken
            assert np.abs(item.picture - picture).max() <= item.broken + 1e-6
            assert model.predict(item.picture[None])[0] == item.other != item.label
        assert "within" in str(item)


@pytest.mark.slow
def test_numbers_that_are_no_shares_move_both_ways() -> None:
    """Nothing is known of how bright pixels can be that are not shares, so that none is held back in a box."""
    _, X, y = bars()
    model = ImageClassifier("patches", 900, epochs=3, validation=0.0, settings={"shift": 0}).fit(100 * X, y)
    found = certified_radius(model, 100 * X[0], most=60.0, steps=6)
    assert found.broken is not None
    away = found.picture - 100 * X[0]
    assert 1 < np.abs(away).max() <= found.broken + 1e-4
    assert away.max() > 0 > away.min()
    assert model.predict(found.picture[None])[0] == found.other


@pytest.mark.slow
def test_an_interruption_keeps_what_was_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    model, X, _ = bars()
    whole = certified_radius(model, X[0], steps=6)
    asked = list[float]()
    sums = LayerBounds.sums

    def interrupted(self: LayerBounds, *given: Any) -> Any:
        asked.append(0.0)
        if len(asked) > 6:
            raise KeyboardInterrupt
        return sums(self, *given)

    monkeypatch.setattr(LayerBounds, "sums", interrupted)
    found = certified_radius(model, X[0], steps=6)
    assert found.stop_reason is StopReason.INTERRUPTED
    assert 0 < found.certified <= whole.certified
    assert found.broken is None
    assert str(found).startswith("Interrupted; by then")


def test_what_cannot_be_certified_is_one_sentence() -> None:
    model, X, y = bars()
    other = ImageClassifier("cnn", 900, epochs=1).fit(X, y)
    for asked, message in (
        (lambda: certified_radius(other, X[0]), "must be of kind 'kan' or 'patches'"),
        (lambda: certified_radius(model, X[:2][None]), "'picture' argument must be one picture"),
        (lambda: certified_radius(ImageClassifier(), X[0]), "must be fitted"),
        (lambda: certified_radius(model, X[0, :3]), "must hold pictures"),
        (lambda: certified_radius(model, X[0], most=2.0), "'most'"),
    ):
        with pytest.raises(InputError, match=message):
            asked()
