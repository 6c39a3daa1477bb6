"""Fields: tables of spline coefficients, interpolation, and what their grids lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.fields.quadrature import gauss, over_grid
from edgewise.fields.space import Space


@dataclass(frozen=True, eq=False)
class Field:
    """A spline of several coordinates.

    Attributes
    ----------
    spaces : tuple of Space, one a coordinate
    coefficients : ndarray, shape (size of each space)
    """

    spaces: tuple[Space, ...]
    coefficients: Floats

    def grid(self, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values, or a derivative, on the grid of all combinations of places."""
        orders = orders or (0,) * len(self.spaces)
        designs = [s.matrix(a, o) for s, a, o in zip(self.spaces, at, orders, strict=True)]
        return contract(self.coefficients, designs)

    def points(self, at: Floats, orders: Sequence[int] = ()) -> Floats:
        """Values, or a derivative, at points: (q, d) -> (q,)."""
        orders = orders or (0,) * len(self.spaces)
        values = None
        for axis, (space, order) in enumerate(zip(self.spaces, orders, strict=True)):
            design = space.design(at[:, axis], order)
            values = (
                np.tensordot(design, self.coefficients, axes=(1, 0))
                if values is None
                else np.einsum("qi,qi...->q...", design, values)
            )
        assert values is not None
        return values

    def on(self, spaces: Sequence[Space]) -> Field:
        """The same function on finer breaks, or its interpolant on others."""
        moves = [
            np.eye(old.size) if old is new else old.insertion(new)
            for old, new in zip(self.spaces, spaces, strict=True)
        ]
        return Field(tuple(spaces), contract(self.coefficients, moves))


def widest(fields: Sequence[Field]) -> tuple[Space, ...]:
    """For every coordinate the space of the highest degree among those of functions on the same breaks."""
    return tuple(max(own, key=lambda s: s.degree) for own in zip(*(f.spaces for f in fields), strict=True))


def contract(coefficients: Floats, matrices: Sequence[Any]) -> Floats:
    """Applies one matrix, dense or sparse, to each axis."""
    values = coefficients
    for matrix in matrices:
        # Each step takes the first axis and puts the result last, so that all have had their turn in the end.
        rest = values.shape[1:]
        values = (matrix @ values.reshape(len(values), -1)).T.reshape(*rest, matrix.shape[0])
    return values


def interpolate(spaces: Sequence[Space], values: Floats) -> Floats:
    """Coefficients of the spline with given values on the grid of Greville places."""
    return contract(values, [space.interpolation for space in spaces])


def next_modes(fields: Sequence[Field], which: Sequence[int] | None = None) -> tuple[Floats, ...]:
    """For each coordinate and interval, the expected size of the first mode that is missing, relative to the unknowns (L2).

    Modes of smooth functions fall geometrically; the next one is extrapolated from the last four. Even and odd modes go
    together, since either may vanish where the function is odd or even. Splines are smooth across their breaks, which costs
    accuracy that polynomials on single intervals have: their error is 2 (h / 2 pi)^(k + 1) times the (k + 1)-th
    derivative (I. J. Schoenberg, "Cardinal Spline Interpolation", 1973), for which jumps of the k-th derivative stand.
    Where only some unknowns are asked for, all determine what is large.
    """
    weighed: list[Floats] = []
    for field in fields:
        rules = [gauss(space, space.degree + 1) for space in field.spaces]
        at = [rule.at(space) for rule, space in zip(rules, field.spaces, strict=True)]
        root = over_grid(np.sqrt(rule.weights.ravel()) for rule in rules)
        weighed.append((field.grid(at) * root).reshape([n for rule in rules for n in rule.weights.shape]))
    sizes = [max(float((array**2).sum()), 1e-300) for array in weighed]
    largest = max(sizes)
    chosen = range(len(fields)) if which is None else which
    found: list[Floats] = []
    for axis, first in enumerate(fields[0].spaces):
        total = np.zeros(first.intervals)
        for n in chosen:
            field, each, size = fields[n], weighed[n], sizes[n]
            k = field.spaces[axis].degree
            nodes, weights = np.polynomial.legendre.leggauss(k + 1)
            modes = np.polynomial.legendre.legvander(nodes, k)
            transform = (modes * np.sqrt((2 * np.arange(k + 1) + 1) / 2)).T * np.sqrt(weights)
            moved = np.moveaxis(np.tensordot(transform, each, axes=(1, 2 * axis + 1)), 1 + 2 * axis, 1)
            energy = (moved.reshape(k + 1, first.intervals, -1) ** 2).sum(2)
            last = energy[k] + energy[k - 1]
            before = energy[k - 2] + energy[k - 3] if k >= 3 else last
            fall = np.minimum(1.0, last / np.maximum(before, 1e-300))
            # Unknowns that are nearly zero throughout are judged beside the others.
            total += last * np.sqrt(fall) / max(size, 1e-6 * largest)
        found.append(np.maximum(np.sqrt(total), _jumps([fields[n] for n in chosen], axis, largest)))
    return tuple(found)


def _jumps(fields: Sequence[Field], axis: int, largest: float) -> Floats:
    """The error of smooth splines on each interval, relative to the unknowns, by the larger jump at its ends."""
    intervals = fields[0].spaces[axis].intervals
    if intervals < 2:
        return np.zeros(intervals)
    # Of each interval, the jumps at its low and at its high end.
    both = np.array([_by_jumps(field, axis) for field in fields])
    return np.sqrt((both**2).sum(0).max(0) / largest)


def _by_jumps(field: Field, axis: int) -> Floats:
    space = field.spaces[axis]
    others = [s for a, s in enumerate(field.spaces) if a != axis]
    rules = [gauss(s, s.degree + 1) for s in others]
    mass = over_grid(rule.weights.ravel() for rule in rules)
    designs = iter([rule.at(s) for rule, s in zip(rules, others, strict=True)])
    matrices = [space.jumps() if a == axis else s.matrix(next(designs)) for a, s in enumerate(field.spaces)]
    values = np.moveaxis(contract(field.coefficients, matrices), axis, 0)
    size = np.sqrt((values**2 * mass).reshape(len(values), -1).sum(1))
    steps = np.diff(space.breaks)
    if not space.periodic:
        size = np.concatenate([[0.0], size, [0.0]])[:-1]
    low, high = size, np.roll(size, -1)
    # An interval that is wider than its neighbour lacks more than that; by how much is known at their break alone.
    before, after = np.roll(steps, 1), np.roll(steps, -1)
    lacks = [
        jump * np.minimum(steps, (steps + other) / 2) ** space.degree
        for jump, other in ((low, before), (high, after))
    ]
    return 2 * (2 * np.pi) ** -(space.degree + 1) * np.array(lacks) * np.sqrt(steps)
