"""Errors of fields: L2 norms of differences, and estimates from residuals, interval by interval of each coordinate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.fields.field import Field
from edgewise.fields.quadrature import AxisRule, gauss, over_grid
from edgewise.pde.discretisation.assembly import Patch


def norms(
    fields: Sequence[Field], others: Sequence[Field] | None = None, orders: Sequence[int] = ()
) -> tuple[float, float]:
    """L2 norm of the fields (or a derivative), and of their difference from others, by Gauss places of the finer grid."""
    spaces = fields[0].spaces
    rules = [gauss(space, space.degree + 1) for space in spaces]
    at = [rule.at(space) for rule, space in zip(rules, spaces, strict=True)]
    mass = over_grid(rule.weights.ravel() for rule in rules)
    size = apart = 0.0
    for n, field in enumerate(fields):
        values = field.grid(at, orders)
        size += float((mass * values**2).sum())
        if others is not None:
            apart += float((mass * (values - others[n].grid(at, orders)) ** 2).sum())
    return float(np.sqrt(size)), float(np.sqrt(apart))


def slope_difference(field: Field, before: Field, axes: Sequence[int]) -> float:
    """Relative L2 difference of the gradients of two solutions in some coordinates."""
    every = [norms([field], [before], [int(a == b) for b in range(len(field.spaces))]) for a in axes]
    size, apart = np.linalg.norm(every, axis=0)
    return float(apart / max(size, 1e-300))


def differences(fields: Sequence[Field], before: Sequence[Field]) -> tuple[float, ...]:
    """Relative L2 difference of two solutions, one an unknown."""
    found = [norms([field], [other]) for field, other in zip(fields, before, strict=True)]
    # An unknown that vanishes has no relative error of its own.
    least = max(1e-6 * max(size for size, _ in found), 1e-300)
    return tuple(apart / max(size, least) for size, apart in found)


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
    shares = sum(float(((array / s) ** 2).sum()) for array, s in zip(rough, widths, strict=True))
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
