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


def twiced(spread: Floats, free: Floats) -> tuple[Floats, Floats]:
    """Covariance, and response to the data's slopes, of what was drawn to the first answer in place of zero.

    With B = `spread` times `free`, the share by which the first answer is drawn, the second is drawn by B B, and its mean
    square error, over noise and over weights as large as they are taken to be, is spread + (B - B B) spread.

    Parameters
    ----------
    spread : ndarray, shape (P, P)
        Inverse of the normal equations of the first.
    free : ndarray, shape (P,)
        One over the squares of the sizes of weights; zero for what is not drawn.
    """
    drawn = spread * free
    more = drawn @ spread
    return spread + more - drawn @ more, spread + more
