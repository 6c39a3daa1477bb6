"""Large sparse systems step by step: Krylov's methods behind two levels, the diagonal and the functions that are linear on
every element (the additive Schwarz method of M. Dryja and O. Widlund 1987; L. F. Pavarino 1993, doi:10.1007/BF01385709)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg, gmres, splu

from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE

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
