"""Estimates of the error from residuals, interval by interval of each coordinate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.assembly import Patch
from edgewise.pde.discretisation.field import Field
from edgewise.pde.discretisation.quadrature import AxisRule


def residual_parts(
    patch: Patch, fields: Sequence[Field], jets: Sequence[Floats] | None = None
) -> tuple[tuple[Floats, ...], float]:
    """Estimates of the error from the residuals: interval by interval of each coordinate, and in all.

    Inside a cell residuals are polynomials at Gauss places. What a finer grid along one coordinate would take away is
    the part with Legendre modes above half the degree along it, which separates the coordinates' shares. Each is
    weighted by h to the order of the derivatives along the coordinate: what the equations miss at the scale of a cell
    comes from an error so large.
    """
    residuals = patch.compiled.residuals(patch.places(fields[0].spaces), jets or patch.jets(fields))
    sizes = [(len(rule.cells), len(rule.local)) for rule in patch.rules]
    shape = [n for pair in sizes for n in pair]
    widths = scales(patch, fields)
    rough: list[Floats] = []
    whole: list[float] = []
    for axis, rule in enumerate(patch.rules):
        high = high_modes(rule)
        scale = widths[axis]
        own, every = np.zeros(sizes[axis][0]), np.zeros(sizes[axis][0])
        for r in residuals:
            scaled = (r * np.sqrt(patch.mass)).reshape(shape)
            moved = np.moveaxis(np.tensordot(high, scaled, axes=(1, 2 * axis + 1)), 1 + 2 * axis, 0)
            own += (moved.reshape(len(moved), -1) ** 2).sum(1)
            cells = np.moveaxis(scaled, 2 * axis, 0)
            every += (cells.reshape(len(cells), -1) ** 2).sum(1)
        rough.append(np.sqrt(own) * scale)
        whole.append(float((every * scale**2).sum() * own.sum()))
    shares = sum(float(((each / s) ** 2).sum()) for each, s in zip(rough, widths, strict=True))
    return tuple(rough), float(np.sqrt(sum(whole) / max(shares, 1e-300)))


def high_modes(rule: AxisRule) -> Floats:
    """Rows that take weighted values at the places of an interval to their Legendre modes above half the degree."""
    n = len(rule.local)
    modes = np.linalg.inv(np.polynomial.legendre.legvander(2 * rule.local - 1, n - 1))
    # Weights of an interval of width 2, whose roots the values have been multiplied by already.
    weights = rule.weights[0] / rule.weights[0].sum() * 2
    scaled = modes / np.sqrt(weights) * np.sqrt(2 / (2 * np.arange(n) + 1))[:, None]
    return scaled[(n + 1) // 2 :]


def scales(patch: Patch, fields: Sequence[Field]) -> list[Floats]:
    """h to the order of the derivatives, for every interval of each coordinate."""
    return [
        np.diff(space.breaks) ** max(orders[axis] for _, orders in patch.compiled.jets)
        for axis, space in enumerate(fields[0].spaces)
    ]
