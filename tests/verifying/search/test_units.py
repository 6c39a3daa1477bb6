"""Columns far from zero, and steep or tiny networks: bounds hold, and what is proved is accepted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.domain.domain import Domain, Group
from edgewise.verifying.domain.goals import OutputBounds, OutputTerm
from edgewise.verifying.domain.space import make_space
from tests.verifying.proving import maximise
from tests.verifying.search.test_prove import accepted


def far(shape: list[int], offset: float, seed: int) -> tuple[ew.KAN, Domain]:
    """A network of columns that vary by about 1 around an offset, and the range of its grids."""
    rng = np.random.default_rng(seed)
    net = ew.KAN(shape, seed=seed, intervals=4, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.copy_(torch.from_numpy(rng.normal(0, 1, tuple(layer.coef.shape))))
        net.input_shift.copy_(torch.from_numpy(offset + rng.normal(size=shape[0])))
        net.input_scale.copy_(torch.from_numpy(rng.uniform(0.5, 2, shape[0])))
    ends = zip(
        (net.input_shift - net.input_scale).tolist(),
        (net.input_shift + net.input_scale).tolist(),
        strict=True,
    )
    return net, Domain(tuple(Group(f"x{i}", (i,), (((low, high),),)) for i, (low, high) in enumerate(ends)))


@pytest.mark.slow
@pytest.mark.parametrize("offset", [0.0, -1e7, 1e10, 1e13])
@pytest.mark.parametrize("shape", [[2, 1], [2, 3, 1], [2, 2, 2, 1]])
def test_columns_far_from_zero(shape: list[int], offset: float, tmp_path: Path) -> None:
    """Their breaks are no floats in the columns' own units; the true maximum, without rounding, stays below the bound."""
    net, domain = far(shape, offset, seed=1)
    found = maximise(net, domain, [OutputTerm(0)], gap=1e-3, work=0.01)
    assert found.witness is not None
    space, goal = make_space(domain, 2), OutputBounds(((OutputTerm(0),),), (found.upper,))
    low, high = (np.array([group.cells[0][0][end] for group in domain.groups]) for end in (0, 1))
    rows = np.clip(np.random.default_rng(0).uniform(low, high, (4000, 2)), low, high)
    best = rows[np.argsort(-net.predict(rows)[:, 0])[:5]]
    assert max(exact_excess([net], space, goal, x) for x in [found.witness, *best]) <= 0
    # And it is no looser than near zero.
    assert found.upper - found.lower < 0.02
    assert accepted(
        [net], domain, {"type": "range", "output": 0, "low": None, "high": found.upper}, [found], tmp_path
    )


def test_units_are_rounded_outward() -> None:
    rng = np.random.default_rng(0)
    shift, scale = rng.normal(size=50) * 10.0 ** rng.integers(0, 14, 50), rng.uniform(0.1, 10, 50)
    low = shift + rng.normal(size=50)
    groups = tuple(Group(f"x{i}", (i,), (((x, x + 1),),)) for i, x in enumerate(low.tolist()))
    space = make_space(Domain(groups), 50, shift, scale)
    x = low + rng.uniform(size=50)
    true = [
        (Fraction(a) - Fraction(b)) / Fraction(c)
        for a, b, c in zip(x.tolist(), shift.tolist(), scale.tolist(), strict=True)
    ]
    below, above = space.to_units(x, side=-1).tolist(), space.to_units(x, side=1).tolist()
    assert all(
        Fraction(a) <= t <= Fraction(b) <= t + abs(t) * Fraction(2**-48)
        for a, t, b in zip(below, true, above, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("x", "y"), [(1e-7, 1e12), (1.0, 1e-60), (1e-60, 1e60), (1e100, 1e-100)])
@pytest.mark.parametrize("shape", [[2, 1], [2, 3, 1], [2, 2, 2, 1]])
def test_steep_and_tiny_networks_are_proved(shape: list[int], x: float, y: float) -> None:
    """The checker keeps the digits of a function however large or small it is; `verify` asks it before it answers."""
    net, _ = far(shape, 0.0, seed=0)
    with torch.no_grad():
        net.input_shift.zero_()
        net.input_scale.mul_(x)
        net.output_scale.fill_(y)
    rows = np.random.default_rng(0).uniform(-1, 1, (3000, 2)) * net.input_scale.numpy()
    found = net.predict(rows)
    low, high = float(found.min()), float(found.max())
    room = 0.3 * (high - low)
    assert ew.verify(net, f"range({low - room!r}, {high + room!r})", work=0.05).status == "proved"
    assert ew.verify(net, f"range({low - room!r}, {high - room / 3!r})", work=0.05).status == "refuted"
    assert ew.verify(net, f"lipschitz(x1, {40 * y / x!r})", work=0.1).status == "proved"


@pytest.mark.parametrize("size", [1.0, 1e-60, 1e-100])
def test_the_sign_of_a_tiny_excess_is_told(size: float) -> None:
    """What is computed without rounding is trusted by the size of its own numbers, however small they are."""
    net, domain = far([2, 2, 2, 1], 0.0, seed=2)
    with torch.no_grad():
        net.output_scale.fill_(size)
        net.output_shift.zero_()
    x = net.input_shift.numpy()
    y = float(net.predict(x[None])[0, 0])
    for sign in (-1, 1):
        goal = OutputBounds(((OutputTerm(0),),), (y + sign * 1e-9 * size,))
        assert np.sign(exact_excess([net], make_space(domain, 2), goal, x)) == -sign
