"""Functions of several coordinates as sums of products of splines: a table of coefficients over one space a coordinate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.space import Space


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
