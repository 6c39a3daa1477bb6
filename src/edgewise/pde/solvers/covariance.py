"""Covariances out of normal equations."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Floats


def covariance(schur: Floats) -> Floats:
    """The inverse of normal equations; what they do not determine has a large variance, not none."""
    if not len(schur):
        return schur
    scale = 1 / np.sqrt(np.maximum(np.diag(schur), 1e-300))
    values, own = np.linalg.eigh(schur * scale[:, None] * scale)
    return np.asarray((own / np.maximum(values, 1e-12)) @ own.T * scale[:, None] * scale, dtype=float)
