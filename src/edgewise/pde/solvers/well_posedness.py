"""Whether a problem with conditions at one end of a coordinate depends on its data: Hadamard's and Petrovsky's test.

Coefficients are frozen at a place. Waves exp(i k.x + s t) along the other coordinates then have growth rates s(k), the
eigenvalues of a polynomial of matrices. Where the largest real part grows with k without bound, the shortest waves of any
rounding grow fastest, and no solver can follow (I. G. Petrovsky 1938; H.-O. Kreiss and J. Lorenz, "Initial-Boundary Value
Problems and the Navier-Stokes Equations", 2004, chapter 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import eig

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.domains.box import Box
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.problem.jets import Compiled

_PLACES, _DRAWS = 12, 4
# Wave numbers, in units of the inverse length of a coordinate, between which rates are compared.
_WAVES = (1e2, 1e4)


def ill_posed(domain: Box, inside: Compiled, faces: FaceConditions) -> str:
    """A sentence where waves grow the faster the shorter they are; empty where they do not.

    Parameters
    ----------
    domain : Box
    inside : Compiled
        The equations.
    faces : FaceConditions
    """
    for axis, coordinate in enumerate(domain.coordinates):
        ends = [face.face.high for face in (*faces.built_in, *faces.weak) if face.face.axis == axis]
        order = max((orders[axis] for _, orders in inside.jets), default=0)
        if order and len(set(ends)) == 1 and len(ends) >= order and _grows(domain, inside, axis, ends[0]):
            return (
                f"Waves grow the faster the shorter they are along '{coordinate.name}': with conditions at one of its ends "
                "alone the problem is ill-posed, as heat that goes back in time is."
            )
    return ""


def grows_with_time(domain: SpaceTime, inside: Compiled, axis: int) -> str:
    """The same of a problem on a shape through time, with conditions at its start."""
    if not _grows(domain, inside, axis, False):
        return ""
    return (
        "Waves grow the faster the shorter they are through time: the problem is ill-posed, as heat that goes back in "
        "time is."
    )


def _grows(domain: Box | SpaceTime, inside: Compiled, axis: int, high: bool) -> bool:
    random = np.random.default_rng(0)
    lows, highs = np.array(domain.bounds).T
    around = [a for a in range(len(lows)) if a != axis and not domain.coordinates[a].parameter]
    directions = [np.eye(len(lows))[a] for a in around]
    if len(around) > 1:
        directions.append(np.sum(directions, axis=0))
    for _ in range(_PLACES):
        at: list[Any] = [np.asarray(item) for item in random.uniform(lows, highs)]
        # Coefficients may depend on the unknowns: what holds for any of them holds for the solution.
        draws = random.standard_normal((_DRAWS, len(inside.jets)))
        slopes = [np.array(inside.derivatives(at, [np.asarray(v) for v in draw])) for draw in draws]
        for direction in directions:
            waves = direction / np.where(direction > 0, highs - lows, 1.0)
            if all(_unbounded(inside, slope, axis, waves, -1 if high else 1) for slope in slopes):
                return True
    return False


def _unbounded(inside: Compiled, slopes: Floats, axis: int, waves: Floats, way: int) -> bool:
    slow, fast = (_rate(inside, slopes, axis, scale * waves, way) for scale in _WAVES)
    return fast > 10 * max(slow, 0.0) and fast > 1.0


def _rate(inside: Compiled, slopes: Floats, axis: int, waves: Floats, way: int) -> float:
    """The largest growth rate of waves that is more than rounding; 0 where none grows."""
    count = max(f for f, _ in inside.jets) + 1
    order = max(orders[axis] for _, orders in inside.jets)
    parts = np.zeros((order + 1, inside.count, count), dtype=complex)
    for (e, j), slope in zip(inside.entries, slopes, strict=True):
        f, orders = inside.jets[j]
        across = np.prod(
            [(1j * k) ** o for a, (k, o) in enumerate(zip(waves, orders, strict=True)) if a != axis]
        )
        parts[orders[axis], e, f] += slope * across
    if inside.count != count or not np.isfinite(parts).all():
        return 0.0
    # A polynomial of matrices in s as a pencil of larger ones; s and rows are scaled, since powers of k are far apart.
    low, high = float(np.abs(parts[0]).max()), float(np.abs(parts[-1]).max())
    unit = (low / high) ** (1 / order) if low and high else 1.0
    parts = parts * unit ** np.arange(order + 1)[:, None, None]
    scale = np.abs(parts).max(axis=(0, 2))
    parts = parts / np.where(scale > 0, scale, 1.0)[:, None]
    size = order * count
    left, right = np.eye(size, k=count, dtype=complex), np.eye(size, dtype=complex)
    left[-count:] = -np.concatenate(list(parts[:-1]), axis=1)
    right[-count:, -count:] = parts[-1]
    top, bottom = _pencil(left, right)
    finite = np.abs(bottom) > 1e-12 * np.abs(top)
    rates = unit * top[finite] / bottom[finite]
    if not len(rates):
        return 0.0
    largest = float((way * rates.real).max())
    return largest if largest > 1e-6 * float(np.abs(rates).max()) else 0.0


def _pencil(left: Any, right: Any) -> Sequence[Any]:
    """Numerators and denominators of the generalised eigenvalues."""
    found: Any = eig(left, right, right=False, homogeneous_eigvals=True)
    return found
