"""The linear system of Galerkin's method: what belongs to the inside of one element alone is eliminated there before the
sparse system of the edges and corners is solved (static condensation; R. J. Guyan 1965, doi:10.2514/3.2874)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg, gmres, splu

from edgewise._core.arrays import Bools, Ints
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.galerkin import Galerkin

# Smaller systems are factorised.
MOST_DIRECT = 12_000
_TOLERANCE = 1e-8
_MOST_STEPS = 1500
_RESTART = 60


class TwoLevel:
    """A solver of one large sparse system.

    Parameters
    ----------
    matrix : csc_matrix
    coarse : csr_matrix
        Coefficients of the functions of the second level, one a column.
    symmetric : bool
    """

    def __init__(self, matrix: Any, coarse: Any, symmetric: bool) -> None:
        self._matrix, self._symmetric = sparse.csr_matrix(matrix), symmetric
        self._coarse = sparse.csr_matrix(coarse)
        small: Any = sparse.csc_matrix(self._coarse.T @ self._matrix @ self._coarse)
        charge(30 * small.nnz * np.sqrt(max(small.shape[0], 1)) / RATE)
        self._small = splu(small, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        diagonal = self._matrix.diagonal()
        self._diagonal = np.where(diagonal == 0, 1.0, diagonal)
        # Complex symmetric matrices are not definite.
        self._real = diagonal.dtype.kind != "c"

    def _behind(self, right: Any) -> Any:
        charge((self._matrix.nnz + 2 * self._coarse.nnz) * 2 / RATE)
        return right / self._diagonal + self._coarse @ self._small.solve(self._coarse.T @ right)

    def solve(self, right: Any) -> Any:
        """The solution; where no method comes to an end, what it had."""
        made: Any = LinearOperator
        behind = made(self._matrix.shape, matvec=self._behind, dtype=self._matrix.dtype)
        options: Any = {"rtol": _TOLERANCE, "M": behind}
        # The sign of a weak form may make all of it negative definite, for which conjugate gradients do as well.
        if self._symmetric and self._real:
            found, left = cg(self._matrix, right, maxiter=_MOST_STEPS, **options)
            if left == 0 and np.isfinite(found).all():
                return found
        return gmres(self._matrix, right, restart=_RESTART, maxiter=_MOST_STEPS // _RESTART, **options)[0]


class Condensed:
    """The linear system of a Galerkin method, factorised.

    Parameters
    ----------
    galerkin : Galerkin
    matrices : callable
        slice of elements -> (l, n, n), real or complex.
    fixed : ndarray of bool
        Coefficients that stay as they are.
    """

    def __init__(self, galerkin: Galerkin, matrices: Any, fixed: Bools) -> None:
        table, inner = galerkin.table, galerkin.inner
        self.count, self.fixed = galerkin.count, fixed
        self.rim, self.own = table[:, ~inner], table[:, inner]
        self._inverse: list[Any] = []
        self._right: list[Any] = []
        self._left: list[Any] = []
        self._slices = galerkin.chunks
        rows, columns, entries = [], [], []
        # Coefficients on edges and corners that are free, numbered through.
        free = np.zeros(self.count, dtype=bool)
        free[self.rim.ravel()] = True
        self.free = np.flatnonzero(free & ~fixed)
        number = np.full(self.count, -1, dtype=np.int64)
        number[self.free] = np.arange(len(self.free))
        for which in self._slices:
            matrix = matrices(which)
            n, m = matrix.shape[1], int(inner.sum())
            charge(len(matrix) * (2 * m**3 + 2 * m * n * n) / RATE)
            inverse = matrix[:, inner][:, :, inner]
            if m:
                try:
                    inverse = np.linalg.inv(inverse)
                except np.linalg.LinAlgError:
                    inverse = np.full_like(inverse, np.nan)
            right, left = inverse @ matrix[:, inner][:, :, ~inner], matrix[:, ~inner][:, :, inner]
            small = matrix[:, ~inner][:, :, ~inner] - left @ right
            self._inverse.append(inverse)
            self._right.append(right)
            self._left.append(left)
            place = number[self.rim[which]]
            keep = (place[:, :, None] >= 0) & (place[:, None, :] >= 0)
            rows.append(np.broadcast_to(place[:, :, None], keep.shape)[keep])
            columns.append(np.broadcast_to(place[:, None, :], keep.shape)[keep])
            entries.append(small[keep])
        size = len(self.free)
        self._factor: Any = None
        self.symmetric = True
        if not all(np.isfinite(entry).all() for entry in entries):
            # An element alone is singular: there is no change that does it.
            return
        joined = sparse.csc_matrix(
            (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size)
        )
        # Symmetric matrices need no exchange of rows; others do.
        apart = abs(joined - joined.T).max() if size else 0.0
        self.symmetric = bool(apart <= 1e-9 * abs(joined).max()) if size else True
        if galerkin.mesh.dimension == 3 and size > MOST_DIRECT:
            # Of linear functions those whose own corner is free: the others are not independent of these.
            corners = (offset + np.arange(galerkin.mesh.coefficients(1)) for offset in galerkin.offsets[:-1])
            own = ~fixed[np.concatenate(list(corners))]
            self._factor = TwoLevel(joined, galerkin.coarse[self.free][:, own], self.symmetric)
        elif size:
            charge(30 * joined.nnz * np.sqrt(size) / RATE)
            try:
                self._factor = splu(
                    joined,
                    permc_spec="MMD_AT_PLUS_A",
                    diag_pivot_thresh=0.01 if self.symmetric else 1.0,
                    options={"SymmetricMode": True},
                )
            except RuntimeError:
                # Exactly singular: there is no change that does it.
                self._factor = None

    def solve(self, right: Any) -> Any:
        """The change of the coefficients whose residuals change by `right`; not finite where the system is singular."""
        kind = np.result_type(right, *(tensor.dtype for tensor in self._inverse[:1]))
        rest, found = right.astype(kind), np.zeros(self.count, dtype=kind)
        inner: list[Any] = []
        for n, which in enumerate(self._slices):
            inner.append((self._inverse[n] @ right[self.own[which]][..., None])[..., 0])
            moved = (self._left[n] @ inner[-1][..., None])[..., 0]
            rest -= _summed(self.rim[which], moved, self.count)
        if len(self.free):
            found[self.free] = np.nan if self._factor is None else self._factor.solve(rest[self.free])
        for n, which in enumerate(self._slices):
            found[self.own[which]] = inner[n] - (self._right[n] @ found[self.rim[which]][..., None])[..., 0]
        return found


def _summed(numbers: Ints, values: Any, count: int) -> Any:
    """Values added up by their numbers."""
    flat = numbers.ravel()
    found = np.bincount(flat, values.real.ravel(), minlength=count)
    if values.dtype.kind != "c":
        return found
    return found + 1j * np.bincount(flat, values.imag.ravel(), minlength=count)
