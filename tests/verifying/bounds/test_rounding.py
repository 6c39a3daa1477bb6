"""Proofs speak of what `predict` returns: how far it is from the exact function stays below what is allowed for."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise.verifying.bounds.rational import _sized as exactly
from edgewise.verifying.bounds.rounding import alike, rounding
from edgewise.verifying.checker.model import CheckedModel
from edgewise.verifying.checker.rounding import rounding as checked
from edgewise.verifying.results.certificate import file_of

SHAPES = [[3, 2], [2, 3, 1], [4, 3, 2, 1]]
Ends = tuple[np.ndarray, np.ndarray]


def made(shape: list[int], seed: int, *, single: bool = False) -> tuple[ew.KAN, Ends]:
    """A network of one kind or another, and ends of its rows that lead well beyond its grids."""
    rng = np.random.default_rng(seed)
    net = ew.KAN(shape, degree=int(rng.integers(1, 4)), intervals=int(rng.choice([1, 5, 20, 40])), seed=seed)
    net = net.double()
    offset, size = float(rng.choice([0, 1e3, 1e10])), 10.0 ** rng.integers(-2, 4)
    with torch.no_grad():
        for n, layer in enumerate(net.layers):
            if rng.random() < 0.5:  # uneven, and at times far from zero in its own units
                # From nearly even to a thousandfold narrower within than at the ends, and the other way round.
                steps = (rng.uniform(0.1, 1.0, tuple(layer.grid.shape)) ** rng.integers(1, 4)).cumsum(1)
                layer.grid.copy_(torch.from_numpy(steps - steps.mean()))
            if n == 0 and rng.random() < 0.3:
                layer.grid.add_(float(rng.choice([30.0, 3e3 if single else 1e6])))
            layer.coef.copy_(torch.from_numpy(size * rng.normal(0, 1, tuple(layer.coef.shape))))
            assert layer.bias is not None
            layer.bias.copy_(torch.from_numpy(rng.normal(0, 1, tuple(layer.bias.shape))))
        net.input_shift.copy_(torch.from_numpy(offset * rng.normal(1, 0.1, shape[0])))
        net.input_scale.copy_(torch.from_numpy(rng.uniform(0.1, 3, shape[0])))
        net.output_scale.copy_(torch.from_numpy(rng.normal(0, 1, shape[-1])))
        net.output_shift.copy_(torch.from_numpy(rng.normal(0, 100, shape[-1])))
    net = net.float() if single else net.double()  # makes tables of the new grids
    grid = net.layers[0].grid.double().numpy()
    shift, scale = net.input_shift.double().numpy(), net.input_scale.double().numpy()
    reach = 0.5 * (grid[:, -1] - grid[:, 0])
    return net, (shift + scale * (grid[:, 0] - reach), shift + scale * (grid[:, -1] + reach))


def rows(net: ew.KAN, ends: Ends, count: int, seed: int) -> np.ndarray:
    """At random, at breaks and right beside them, at ends; one value on most rows, which kernels treat apart."""
    rng = np.random.default_rng(seed)
    low, high = ends
    X = rng.uniform(low, high, (count, len(low)))
    grid = net.layers[0].grid.double().numpy()
    shift, scale = net.input_shift.double().numpy(), net.input_scale.double().numpy()
    for i in range(len(low)):
        at = shift[i] + scale[i] * rng.choice(grid[i], count)
        at = rng.choice([at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)])
        X[:, i] = np.where(rng.random(count) < 0.4, at, X[:, i])
        X[:, i] = np.where(rng.random(count) < 0.1, rng.choice([low[i], high[i]], count), X[:, i])
    X[: 3 * count // 4, 0] = shift[0] + scale[0] * grid[0].mean()
    return np.clip(X, low, high)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "single"), [*product(SHAPES, [False, True])])
def test_predictions_stay_within_the_bound(shape: list[int], single: bool) -> None:
    for seed in range(12):
        net, ends = made(shape, seed, single=single)
        X = rows(net, ends, 120, seed)
        room = rounding(net, *ends)
        model = CheckedModel(file_of(net))
        hulls = [(Fraction(a), Fraction(b)) for a, b in zip(*(end.tolist() for end in ends), strict=True)]
        mine, _ = checked(model, hulls)
        assert all(float(a) <= b <= 3 * float(a) for a, b in zip(mine, room.tolist(), strict=True)), seed
        y = net.predict(X)
        for x, found in zip(X[::6], y[::6], strict=True):
            for o, ((value, _), _) in enumerate(exactly(net, x)):
                assert abs(Fraction(float(found[o])) - value) <= mine[o], (seed, x)


@pytest.mark.parametrize("shape", [*SHAPES, [20, 16, 1], [10, 8, 8, 1]])
def test_the_bound_is_small(shape: list[int]) -> None:
    """So small that it costs proofs about common networks nothing: they leave more room for the prover's own rounding."""
    net = ew.KAN(shape, seed=0)
    ends = np.full(shape[0], -1.5), np.full(shape[0], 1.5)
    size = np.abs(net.predict(np.random.default_rng(0).uniform(*ends, (500, shape[0])))).max()
    assert rounding(net, *ends).max() < 1e-9 * size


def test_narrow_intervals_within_a_grid_cost_no_room_beyond_it() -> None:
    """Straight tails follow from the intervals at the ends."""

    def room(narrow: float) -> float:
        net = ew.KAN([1, 1], intervals=5, seed=0).double()
        with torch.no_grad():
            net.layers[0].grid.copy_(torch.tensor([[-1.0, -0.5, -narrow, narrow, 0.5, 1.0]]))
        ends = np.array([-2.0]), np.array([2.0])
        return float(rounding(net.double(), *ends)[0])

    assert room(1e-6) < 3 * room(0.2)


def test_columns_far_from_zero_lose_no_digits_in_float32() -> None:
    """Shifted in float32, a column about 1e7 that varies by 1 would keep one digit."""
    net = ew.KAN([1, 1], seed=0)
    with torch.no_grad():
        net.input_shift.fill_(1e7)
    x = 1e7 + np.linspace(-1, 1, 50)
    same = ew.KAN([1, 1], seed=0)
    np.testing.assert_allclose(
        net.predict(x[:, None]), same.predict(x[:, None] - 1e7), rtol=1e-12, atol=1e-12
    )


def test_a_bound_within_rounding_is_not_proved() -> None:
    """The exact function keeps such a bound, its prediction may not."""
    net, _ = made([1, 1], 3)
    with torch.no_grad():
        net.input_shift.fill_(0.0)
    grid = net.layers[0].grid
    domain = {"x1": (float(grid[0, 0] * net.input_scale[0]), float(grid[0, -1] * net.input_scale[0]))}
    top = float(net.predict(np.linspace(*domain["x1"], 20_001)[:, None]).max())
    room = rounding(net, *(np.array([end]) for end in domain["x1"]))[0]
    claim = f"output <= {float(top + room / 10)!r}"
    assert ew.verify(net, claim, where=domain, work=0.02).status == "undecided"


def test_networks_that_make_the_same_of_every_row_need_no_room() -> None:
    net, _ = made([2, 3, 1], 0)
    other, _ = made([2, 3, 1], 0)
    assert alike(net, other)
    assert CheckedModel(file_of(net)).alike(CheckedModel(file_of(other)))
    with torch.no_grad():
        other.output_shift.add_(1.0)
    assert not alike(net, other)
    assert not CheckedModel(file_of(net)).alike(CheckedModel(file_of(other)))
