"""Solutions piece by piece: one table of splines for a steady problem, one for each slab of time otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.fields.field import Field
from edgewise.fields.quadrature import gauss, over_grid


@dataclass(frozen=True, eq=False)
class Pieces:
    """The unknowns on pieces of the domain that follow each other along one coordinate.

    Attributes
    ----------
    fields : tuple of (tuple of Field)
        For each piece, one field an unknown.
    axis : int or None
        The coordinate along which the pieces follow each other; None where there is one piece.
    """

    fields: tuple[tuple[Field, ...], ...]
    axis: int | None

    @property
    def coefficients(self) -> int:
        """Numbers that describe it."""
        return int(sum(field.coefficients.size for piece in self.fields for field in piece))

    @property
    def edges(self) -> Floats:
        """Where pieces meet along their coordinate, both ends included."""
        axis = self.axis or 0
        spaces = [piece[0].spaces[axis] for piece in self.fields]
        return np.array([spaces[0].low, *(space.high for space in spaces)])

    def _piece(self, at: Floats) -> NDArray[np.int64]:
        inner = self.edges[1:-1]
        # At an edge the earlier piece answers: it has been solved up to there.
        return (
            np.searchsorted(inner, at, side="left")
            if self.axis is not None
            else np.zeros(len(at), dtype=np.int64)
        )

    def points(self, unknown: int, at: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at points (q, d)."""
        values = np.empty(len(at))
        which = self._piece(at[:, self.axis or 0])
        for n in np.unique(which):
            rows = which == n
            values[rows] = self.fields[n][unknown].points(at[rows], orders)
        return values

    def grid(self, unknown: int, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values or a derivative on the grid of all combinations of places."""
        if self.axis is None:
            return self.fields[0][unknown].grid(at, orders)
        values = np.empty([len(a) for a in at])
        which = self._piece(at[self.axis])
        for n in np.unique(which):
            rows = np.flatnonzero(which == n)
            part = [a[rows] if axis == self.axis else a for axis, a in enumerate(at)]
            index = [rows if axis == self.axis else np.arange(len(a)) for axis, a in enumerate(at)]
            values[np.ix_(*index)] = self.fields[n][unknown].grid(part, orders)
        return values

    def rule(self, axis: int) -> tuple[Floats, Floats]:
        """Gauss places and weights of a coordinate, on every interval of its finest grid."""
        if axis == self.axis:
            spaces = [piece[0].spaces[axis] for piece in self.fields]
        else:
            spaces = [max((piece[0].spaces[axis] for piece in self.fields), key=lambda s: s.intervals)]
        rules = [gauss(space, space.degree + 1) for space in spaces]
        places = np.concatenate([rule.at(space) for rule, space in zip(rules, spaces, strict=True)])
        return places, np.concatenate([rule.weights.ravel() for rule in rules])

    def breaks(self, axis: int) -> Floats:
        """Breaks of a coordinate, of all pieces together."""
        return np.unique(np.concatenate([piece[0].spaces[axis].breaks for piece in self.fields]))

    def distance(self, other: Pieces) -> tuple[float, ...]:
        """Relative L2 difference from another solution, one an unknown."""
        rules = [self.rule(axis) for axis in range(len(self.fields[0][0].spaces))]
        at = [places for places, _ in rules]
        mass = over_grid(weights for _, weights in rules)
        own = [self.grid(n, at) for n in range(len(self.fields[0]))]
        sizes = [float((mass * values**2).sum()) for values in own]
        found = []
        for n, values in enumerate(own):
            apart = float((mass * (values - other.grid(n, at)) ** 2).sum())
            # An unknown that vanishes has no relative error of its own.
            found.append(float(np.sqrt(apart / max(sizes[n], 1e-12 * max(sizes), 1e-300))))
        return tuple(found)
