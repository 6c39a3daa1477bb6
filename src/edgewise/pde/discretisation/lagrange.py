"""Polynomials on [0, 1] by their values at the places of Gauss, Lobatto and Legendre."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from edgewise._core.arrays import Floats

# So many places at most are kept with their polynomials.
_FEW = 64


@lru_cache(maxsize=64)
def lobatto(degree: int) -> Floats:
    """The degree + 1 places in [0, 1], ends included."""
    if degree == 0:
        return np.array([0.5])
    inner = np.polynomial.legendre.Legendre.basis(degree).deriv().roots() if degree > 1 else np.zeros(0)
    return (np.concatenate([[-1.0], np.sort(np.real(inner)), [1.0]]) + 1) / 2


def lagrange(degree: int, at: Floats) -> tuple[Floats, Floats]:
    """Values and derivatives at places in [0, 1] of the polynomials that are 1 at one of `lobatto` and 0 at the others.

    Returns two arrays (q, degree + 1), not to be changed.
    """
    # Gauss places come again and again; other places are as many as there are points.
    return _kept(degree, at.tobytes()) if len(at) <= _FEW else _polynomials(degree, at)


@lru_cache(maxsize=256)
def _kept(degree: int, places: bytes) -> tuple[Floats, Floats]:
    return _polynomials(degree, np.frombuffer(places))


def _polynomials(degree: int, at: Floats) -> tuple[Floats, Floats]:
    legendre = np.polynomial.legendre
    values = legendre.legvander(2 * at - 1, degree)
    slope = 2 * values[:, :degree] @ legendre.legder(np.eye(degree + 1)) if degree else 0 * values
    inverse = to_modes(degree)
    return values @ inverse, slope @ inverse


@lru_cache(maxsize=64)
def to_modes(degree: int) -> Floats:
    """The matrix from values at the places to coefficients of Legendre's polynomials."""
    places = 2 * lobatto(degree) - 1
    return np.asarray(np.linalg.inv(np.polynomial.legendre.legvander(places, degree)), dtype=float)


def inverses(matrices: Floats) -> Floats:
    """Inverses of the last two axes."""
    return np.asarray(np.linalg.inv(matrices), dtype=float)
