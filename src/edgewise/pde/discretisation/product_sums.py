"""Unknowns of two coordinates as sums of products of splines, and the normal equations of residuals in all factors.

    u(x, t) = lift(x, t) + sum over r of a_r(x) b_r(t)

J'J is assembled without J. With S_j the derivative of a residual in the j-th jet, its part between a_r and b_s is

    sum over j, k of (B_j * a_s,k)' (S_j S_k) (b_r,j * C_k)

where B_j are derivatives of the splines of x, C_k of those of t: on an interval k + 1 of them live, so that it is a few
dense products an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.field import Field
from edgewise.fields.quadrature import AxisRule
from edgewise.pde.discretisation.assembly import RATE, Layout, Patch, ReducedAxis

# Of every unknown a table (free coefficients, products) for each of both coordinates.
Factors = tuple[tuple[Floats, Floats], ...]


class Splines:
    """The free splines of a coordinate at the places of a rule, interval by interval."""

    def __init__(self, axis: ReducedAxis, rule: AxisRule) -> None:
        self.axis, self.rule, self.size = axis, rule, axis.size
        # Spare places of an interval repeat a number; only the first counts.
        self.live = [np.unique(numbers, return_index=True) for numbers in axis.numbers[rule.cells]]
        self._local: dict[int, Floats] = {}

    def local(self, order: int) -> Floats:
        """A derivative of the live splines: (intervals, places, k + 1)."""
        if order not in self._local:
            self._local[order] = self.axis.values(self.rule, order)
        return self._local[order]

    def values(self, table: Floats, order: int) -> Floats:
        """A derivative of the functions with these coefficients: (places of all intervals, functions)."""
        own = table[self.axis.numbers[self.rule.cells]]
        return (self.local(order) @ own).reshape(self.rule.weights.size, table.shape[1])

    def fitted(self, values: Floats) -> Floats:
        """Coefficients of the functions nearest to values at the places, by weights of the rule."""
        design = self.values(np.eye(self.size), 0)
        root = np.sqrt(self.rule.weights.ravel())[:, None]
        return np.asarray(np.linalg.lstsq(design * root, values * root, rcond=1e-12)[0], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Linearised:
    """Equations of one patch near some values of the unknowns: residuals, and their derivatives in the jets.

    Attributes
    ----------
    residuals : list of ndarray, one an equation
        On the grid of places, times the roots of their weights, as the slopes are.
    slopes : list of (equation, unknown, orders, ndarray)
    splines : tuple of (tuple of Splines)
        For each unknown and coordinate.
    """

    residuals: list[Floats]
    slopes: list[tuple[int, int, tuple[int, ...], Floats]]
    splines: tuple[tuple[Splines, Splines], ...]

    @property
    def objective(self) -> float:
        """Sum of squares."""
        return float(sum((r * r).sum() for r in self.residuals))


class ProductSystem:
    """Equations on a grid, for unknowns that are sums of products.

    Parameters
    ----------
    layout : Layout
        The free splines of every unknown along both coordinates.
    patches : sequence of Patch
    lifts : sequence of ndarray, one an unknown
        Coefficients that meet the conditions built in.
    """

    def __init__(self, layout: Layout, patches: Sequence[Patch], lifts: Sequence[Floats]) -> None:
        self.layout, self.patches, self.lifts = layout, tuple(patches), tuple(lifts)
        self.lifted = layout.fields(np.zeros(layout.count), lifts)
        self._jets = [patch.jets(self.lifted) for patch in self.patches]
        self.splines = [
            tuple(
                (Splines(axes[0], patch.rules[0]), Splines(axes[1], patch.rules[1])) for axes in layout.axes
            )
            for patch in self.patches
        ]

    def fields(self, factors: Factors) -> tuple[Field, ...]:
        """The unknowns as tables of coefficients."""
        found = []
        for axes, lift, (one, two) in zip(self.layout.axes, self.lifts, factors, strict=True):
            table = (axes[0].reduction.free @ one) @ (axes[1].reduction.free @ two).T
            found.append(Field(tuple(axis.space for axis in axes), lift + table))
        return tuple(found)

    def objective(self, factors: Factors) -> float:
        """Weighted sum of squared residuals."""
        total = 0.0
        for patch, jets in zip(self.patches, self._all_jets(factors), strict=True):
            found = patch.compiled.residuals(patch.places(self.layout.spaces), jets)
            total += float(sum((patch.mass * r * r).sum() for r in found))
        return total if np.isfinite(total) else float("inf")

    def linearised(self, factors: Factors) -> list[Linearised]:
        """Residuals and their derivatives where the unknowns stand, patch by patch."""
        found = []
        for patch, jets, splines in zip(self.patches, self._all_jets(factors), self.splines, strict=True):
            places, root = patch.places(self.layout.spaces), np.sqrt(patch.mass)
            slopes = zip(patch.compiled.entries, patch.compiled.derivatives(places, jets), strict=True)
            found.append(
                Linearised(
                    [r * root for r in patch.compiled.residuals(places, jets)],
                    [(e, *patch.compiled.jets[j], slope * root) for (e, j), slope in slopes],
                    splines,
                )
            )
        return found

    def _all_jets(self, factors: Factors) -> list[list[Floats]]:
        """Values of the jets at the places, of every patch."""
        found = []
        for patch, lifted, splines in zip(self.patches, self._jets, self.splines, strict=True):
            own = []
            for (f, orders), known in zip(patch.compiled.jets, lifted, strict=True):
                one, two = (splines[f][a].values(factors[f][a], orders[a]) for a in (0, 1))
                charge(known.size * one.shape[1] / RATE)
                own.append(known + one @ two.T)
            found.append(own)
        return found


def normal_equations(
    parts: Sequence[Linearised], factors: Factors, axes: Sequence[int] = (0, 1)
) -> tuple[Floats, Floats]:
    """J'J and J'r in the factors of some coordinates, in the order of `joined`."""
    blocks = [(f, a) for f in range(len(factors)) for a in axes]
    starts = np.concatenate([[0], np.cumsum([factors[f][a].size for f, a in blocks])])
    matrix, gradient = np.zeros((starts[-1], starts[-1])), np.zeros(starts[-1])
    for part in parts:
        for e, residual in enumerate(part.residuals):
            slopes = [(f, orders, slope) for n, f, orders, slope in part.slopes if n == e]
            seen = [_Columns(part.splines, factors, slopes, f, a) for f, a in blocks]
            for m, one in enumerate(seen):
                rows = slice(starts[m], starts[m + 1])
                gradient[rows] += one.against(residual)
                for n in range(m, len(seen)):
                    other = seen[n]
                    if not one.jets or not other.jets:
                        continue
                    block = one.with_same(other) if one.a == other.a else one.with_other(other)
                    matrix[rows, starts[n] : starts[n + 1]] += block
    lower = np.tril_indices(len(matrix), -1)
    matrix[lower] = matrix.T[lower]
    return matrix, gradient


class _Columns:
    """Columns of J that belong to the factors of one unknown along one coordinate, for one equation."""

    def __init__(
        self,
        splines: Sequence[tuple[Splines, Splines]],
        factors: Factors,
        slopes: Sequence[tuple[int, tuple[int, ...], Floats]],
        f: int,
        a: int,
    ) -> None:
        self.a, self.own, self.beside = a, splines[f][a], splines[f][1 - a]
        self.table, self.count = factors[f][a], factors[f][a].shape[1]
        # Derivative along the coordinate, the other factors, and the slope with the coordinate's places in front.
        self.jets = [
            (orders[a], orders[1 - a], self.beside.values(factors[f][1 - a], orders[1 - a]), slope)
            for g, orders, slope in ((g, orders, s if a == 0 else s.T) for g, orders, s in slopes)
            if g == f
        ]
        self.orders = sorted({order for order, *_ in self.jets})
        # What each derivative of the factors is multiplied with: (places, places of the other, orders x R).
        self.grids: Any = np.zeros((0, 0, 0))
        if self.jets:
            shape = self.jets[0][3].shape
            self.grids = np.zeros((*shape, len(self.orders), self.count))
            for order, _, others, slope in self.jets:
                self.grids[:, :, self.orders.index(order)] += slope[:, :, None] * others
            self.grids = self.grids.reshape(*shape, -1)

    def local(self) -> Floats:
        """Derivatives of the live splines: (intervals, places, orders, k + 1)."""
        return np.stack([self.own.local(order) for order in self.orders], axis=2)

    def against(self, right: Floats) -> Floats:
        """J' times a grid."""
        found = np.zeros((self.own.size, self.count))
        if self.jets:
            moved = right if self.a == 0 else right.T
            local = self.local()
            summed = (moved[:, None, :] @ self.grids).reshape(*local.shape[:3], -1)
            live = np.einsum("cqoi,cqor->cir", local, summed)
            np.add.at(found, self.own.axis.numbers[self.own.rule.cells], live)
        return found.ravel()

    def with_same(self, other: _Columns) -> Floats:
        """J'J between factors of the same coordinate."""
        local, beside, r, s = self.local(), other.local(), self.count, other.count
        cells, places, _, live = local.shape
        joined = self.grids.transpose(0, 2, 1) @ other.grids
        charge(self.grids.size * other.grids.shape[2] / RATE)
        small = joined.reshape(cells, places, local.shape[2], r, beside.shape[2], s)
        half = np.einsum("cqoi,cqorps->cirsqp", local, small, optimize=True)
        wide = half.reshape(cells, live * r * s, -1) @ beside.reshape(cells, -1, beside.shape[3])
        block = wide.reshape(cells, live, r, s, -1).transpose(0, 1, 2, 4, 3)
        found = np.zeros((self.own.size, r, other.own.size, s))
        for c, ((own, i), (theirs, j)) in enumerate(zip(self.own.live, other.own.live, strict=True)):
            found[np.ix_(own, np.arange(r), theirs, np.arange(s))] += block[c][i][:, :, j]
        return found.reshape(self.own.size * r, other.own.size * s)

    def with_other(self, other: _Columns) -> Floats:
        """J'J between factors of both coordinates; this is the first."""
        r, s, n = self.count, other.count, other.own.size
        # By the orders of derivatives along the first: (its places, products x coefficients of the second).
        pairs: dict[tuple[int, int], Floats] = {}
        values: dict[int, Floats] = {}
        for order, _, others, slope in self.jets:
            for across, along, theirs, more in other.jets:
                found = _summed(slope * more.T, others, other.own, across)
                held = pairs.get((order, along))
                pairs[order, along] = found if held is None else held + found
                values[along] = theirs
        total = np.zeros((self.own.size, s, r * n))
        places = self.own.local(0).shape[1]
        for c, (own, i) in enumerate(self.own.live):
            at = slice(c * places, (c + 1) * places)
            left = [
                np.einsum("qi,qs->isq", self.own.local(order)[c][:, i], values[along][at])
                for order, along in pairs
            ]
            block = np.concatenate(left, axis=2).reshape(len(own) * s, -1) @ np.concatenate(
                [pair[at] for pair in pairs.values()]
            )
            charge(block.size * places * len(pairs) / RATE)
            total[own] += block.reshape(len(own), s, -1)
        return total.reshape(self.own.size, s, r, n).transpose(0, 2, 3, 1).reshape(self.own.size * r, n * s)


def _summed(weights: Floats, factors: Floats, splines: Splines, order: int) -> Floats:
    """Sums over the second coordinate of weights, factors and splines: (places, R x coefficients)."""
    local = splines.local(order)
    places, count = local.shape[1], factors.shape[1]
    found = np.zeros((len(weights), count, splines.size))
    for c, (own, i) in enumerate(splines.live):
        at = slice(c * places, (c + 1) * places)
        both = (factors[at][:, :, None] * local[c][:, None, i]).reshape(places, -1)
        found[:, :, own] += (weights[:, at] @ both).reshape(len(weights), count, -1)
    charge(weights.size * count * local.shape[2] / RATE)
    return found.reshape(len(weights), -1)
