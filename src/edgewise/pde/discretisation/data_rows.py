"""Rows of least squares for values measured at scattered places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from edgewise._core.arrays import Floats
from edgewise.fields.field import Field
from edgewise.pde.discretisation.assembly import Layout
from edgewise.pde.problem.jets import Compiled, Jet


@dataclass(frozen=True, eq=False)
class DataRows:
    """Terms at places, less their measured values, in units of the noise.

    Attributes
    ----------
    compiled : Compiled
        The term.
    at : ndarray, shape (n, d)
    values : ndarray, shape (n,)
    sigma : float
    """

    compiled: Compiled
    at: Floats
    values: Floats
    sigma: float

    def residuals(self, fields: Sequence[Field]) -> Floats:
        """(n,)"""
        return (self.compiled.residuals(list(self.at.T), self._jets(fields))[0] - self.values) / self.sigma

    def _jets(self, fields: Sequence[Field]) -> list[Floats]:
        return [fields[f].points(self.at, orders) for f, orders in self.compiled.jets]

    def jacobian(self, layout: Layout, fields: Sequence[Field], held: dict[Jet, Any]) -> Any:
        """Derivatives in the free coefficients, in the order of the band: a sparse matrix (n, count).

        `held` keeps what depends on the layout alone from one step to the next.
        """
        slopes = self.compiled.derivatives(list(self.at.T), self._jets(fields))
        total = sparse.csr_matrix((len(self.at), layout.count))
        for (_, j), slope in zip(self.compiled.entries, slopes, strict=True):
            jet = self.compiled.jets[j]
            if jet not in held:
                held[jet] = _rows(layout, self.at, jet)
            total = total + sparse.diags(slope / self.sigma) @ held[jet]
        return total


def relative_noise(rows: Sequence[DataRows], sigma: Sequence[float]) -> float:
    """Noise relative to the values, the least of all sets."""
    sizes = [max(float(np.sqrt((row.values**2).mean())), 1e-300) for row in rows]
    return max(min(s / size for s, size in zip(sigma, sizes, strict=True)), 1e-7)


def _rows(layout: Layout, at: Floats, jet: Jet) -> Any:
    """A derivative of an unknown at places, as a matrix over the free coefficients."""
    field, orders = jet
    values, flat = np.ones((len(at), 1)), np.zeros((len(at), 1), dtype=np.int64)
    for axis, order, place in zip(layout.axes[field], orders, at.T, strict=True):
        every = np.asarray(axis.reduction.free.T @ axis.space.design(place, order).T).T
        cells = np.clip(
            np.searchsorted(axis.space.breaks, place, side="right") - 1, 0, axis.space.intervals - 1
        )
        numbers = axis.numbers[cells]
        own = np.take_along_axis(every, numbers, axis=1)
        # Spare places repeat the first number.
        own[:, 1:][numbers[:, 1:] == numbers[:, :1]] = 0
        values = (values[:, :, None] * own[:, None, :]).reshape(len(at), -1)
        flat = (flat[:, :, None] * axis.size + numbers[:, None, :]).reshape(len(at), -1)
    columns = layout.rank[flat + layout.offsets[field]]
    rows = np.broadcast_to(np.arange(len(at))[:, None], columns.shape)
    return sparse.csr_matrix((values.ravel(), (rows.ravel(), columns.ravel())), (len(at), layout.count))
