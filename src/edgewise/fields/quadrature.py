"""Places and weights along one coordinate: Gauss and Radau places in every interval, and the ends."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import roots_jacobi

from edgewise._core.arrays import Floats, Ints
from edgewise.fields.space import Space


@dataclass(frozen=True, eq=False)
class AxisRule:
    """Which cells of a coordinate, at which places in them, and with which weights."""

    cells: Ints
    local: Floats
    weights: Floats  # (cells, places)

    def at(self, space: Space) -> Floats:
        """The places, flat."""
        steps = np.diff(space.breaks)[self.cells]
        return (space.breaks[self.cells][:, None] + steps[:, None] * self.local).ravel()


def over_grid(factors: Iterable[Floats]) -> Floats:
    """All products of one number of each coordinate, as a grid: weights of its places by those along each coordinate."""
    return functools.reduce(np.multiply.outer, factors, np.ones(()))


def gauss(space: Space, count: int) -> AxisRule:
    """Gauss-Legendre places in every interval."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    steps = np.diff(space.breaks)
    return AxisRule(np.arange(space.intervals), (nodes + 1) / 2, np.outer(steps, weights / 2))


def radau(space: Space, count: int) -> AxisRule:
    """Radau places in every interval, its high end among them: polynomials tested there go with stiff equations (Radau
    IIA)."""
    inner = roots_jacobi(count - 1, 1.0, 0.0)[0] if count > 1 else np.zeros(0)
    nodes = np.append(inner, 1.0)
    moments = np.append(2.0, np.zeros(count - 1))
    weights = np.linalg.solve(np.polynomial.legendre.legvander(nodes, count - 1).T, moments)
    return AxisRule(np.arange(space.intervals), (nodes + 1) / 2, np.outer(np.diff(space.breaks), weights / 2))


def end(space: Space, high: bool) -> AxisRule:
    """The one place at an end."""
    cell = np.array([space.intervals - 1 if high else 0])
    return AxisRule(cell, np.array([1.0 if high else 0.0]), np.ones((1, 1)))
