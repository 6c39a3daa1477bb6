"""Polynomials and quotients of two polynomials in x or in a function of x, sparse where that is as good.

y*q(u) = p(u) is linear in the coefficients of p and q, so an exact quotient is the null vector of a matrix; under noise
the equation is weighted by the last denominator until it settles (Sanathanan and Koerner 1963,
doi:10.1109/TAC.1963.1105517).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number
from edgewise.symbolic.costs import ROUTINE, SINGULAR
from edgewise.symbolic.univariate.curve import CurvePoints
from edgewise.symbolic.univariate.library import LibraryColumn
from edgewise.symbolic.univariate.trees import ONE, add, call, multiply, power, real

_NEGLIGIBLE = 1e-6


def polynomials(points: CurvePoints, u: LibraryColumn, most: int = 9) -> Iterator[tuple[Node, float]]:
    """The polynomials in u of each degree with their relative residuals, until one is exact."""
    root = np.sqrt(points.weight)
    scale = float(np.abs(u.values).max()) or 1.0
    powers = (u.values[:, None] / scale) ** np.arange(min(most, len(points.x) // 3) + 1)
    if not np.isfinite(powers).all():
        return
    for degree in range(1, powers.shape[1]):
        design = powers[:, : degree + 1] * root[:, None]
        norms = np.linalg.norm(design, axis=0)
        solution = np.linalg.lstsq(design / norms, points.y * root, rcond=1e-15)[0] / norms
        left = points.y * root - design @ solution
        residual = float(np.sqrt(np.mean(left * left))) / points.spread
        # What is long and not the law imitates anything.
        if degree <= 5 or residual <= points.near:
            yield _series(solution / scale ** np.arange(degree + 1), u.tree), residual
        if residual <= min(points.exact, 1e-11):
            return


def rationals(points: CurvePoints, u: LibraryColumn, most: int = 6) -> Iterator[tuple[Node, float]]:
    """Quotients y = p(u) / q(u) of growing degree with their relative residuals, until one is exact."""
    y, weight = points.y, points.weight
    scale = float(np.abs(u.values).max()) or 1.0
    powers = (u.values[:, None] / scale) ** np.arange(most + 1)
    size = float(np.sqrt(np.mean(weight * y * y))) or 1.0
    if not (np.isfinite(size) and np.isfinite(powers).all()):
        return
    for total in range(2, 2 * most + 1):
        for below in range(1, min(most, total) + 1):
            above = total - below
            if above > most or total + 2 > len(y) // 3:
                continue
            exact = _null(powers, y / size, weight, above, below)
            p, q = exact if points.noise <= 1e-6 else _settled(powers, y / size, weight, above, below, exact)
            with np.errstate(all="ignore"):
                value = size * (powers[:, : above + 1] @ p) / (powers[:, : below + 1] @ q)
                residual = float(np.sqrt(np.mean(weight * np.square(y - value)))) / points.spread
            if not np.isfinite(residual):
                continue
            if total > 5 and residual > max(1e2 * points.exact, 1.5 * points.noise):
                continue
            yield _quotient(size * p, q, scale, u.tree), residual
            if residual <= 1e2 * points.exact:
                return


def _null(powers: Floats, y: Floats, weight: Floats, above: int, below: int) -> tuple[Floats, Floats]:
    """p and q with p - y*q smallest for coefficients of unit size."""
    root = np.sqrt(weight)[:, None]
    design = np.column_stack([powers[:, : above + 1], -y[:, None] * powers[:, : below + 1]]) * root
    norms = np.linalg.norm(design, axis=0)
    norms[norms == 0] = 1.0
    charge(ROUTINE + SINGULAR * design.size * design.shape[1])
    triangle = np.linalg.qr(design / norms, mode="r")
    _, _, right = np.linalg.svd(triangle)
    vector = right[-1] / norms
    return vector[: above + 1], vector[above + 1 :]


def _settled(
    powers: Floats, y: Floats, weight: Floats, above: int, below: int, start: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """The equation weighted by the last denominator, a few times over."""
    p, q = start
    for _ in range(4):
        held = np.abs(powers[:, : below + 1] @ q)
        if not (held > 1e-6 * held.max()).all():
            break
        p, q = _null(powers, y, weight / held**2, above, below)
    return p, q


def _quotient(p: Floats, q: Floats, scale: float, u: Node) -> Node:
    """The quotient with the lowest coefficient of the denominator that matters set to one."""
    matters = np.abs(q) > _NEGLIGIBLE * np.abs(q).max()
    first = int(np.flatnonzero(matters)[0])
    p = p / q[first] * scale ** (first - np.arange(len(p), dtype=np.float64))
    q = q / q[first] * scale ** (first - np.arange(len(q), dtype=np.float64))
    below = [multiply(real(c) if at != first else ONE, power(u, at)) for at, c in enumerate(q) if c != 0]
    return multiply(_series(p, u), call("inv", add(*below)))


def _series(coefficients: Floats, u: Node) -> Node:
    terms = [multiply(Number(float(c)), power(u, at)) for at, c in enumerate(coefficients) if c != 0]
    return add(*terms)
