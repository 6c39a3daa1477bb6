"""Periodic problems as waves: a linear part with constant weights, and the Fourier coefficients of the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.domains.box import Box
from edgewise.pde.problem.jets import Compiled
from edgewise.pde.settings import MOST_WAVES

# Where waves of the start turn by more than this angle (radians), their turning is solved for exactly, the rest of
# the equations beside it; slabs of polynomials would follow a few radians each.
_MOST_TURNS = 1000.0

# Vectors of the linear part that are further from orthogonal cost digits.
_SKEW = 1e4
# Gauss places in each of the equal intervals on which the start's waves are found.
_NODES = 10


@dataclass(frozen=True, eq=False)
class WaveSystem:
    """u_t = L u + N(u) on a circle.

    Attributes
    ----------
    inside : Compiled
    axis : int
        Number of the coordinate of time.
    bounds : tuple of (float, float)
        Of space and time, in the order of the domain.
    mass : ndarray, shape (F, F)
        What the derivatives in time are multiplied by.
    still : tuple of (equation, unknown, order, weight)
        The terms of L.
    carried : tuple of bool, one a jet
        Which jets have constant weights only: they are in L.
    start : ndarray, shape (F, most)
        Fourier coefficients of the start.
    """

    inside: Compiled
    axis: int
    bounds: tuple[tuple[float, float], ...]
    mass: Floats
    still: tuple[tuple[int, int, int, float], ...]
    carried: tuple[bool, ...]
    start: NDArray[np.complex128] = field(repr=False)

    @property
    def span(self) -> float:
        """Length of the circle."""
        low, high = self.bounds[1 - self.axis]
        return high - low

    def symbol(self, numbers: Floats) -> Any:
        """L for waves of given numbers: (K, F, F)."""
        found = np.zeros((len(numbers), *self.mass.shape), dtype=complex)
        for e, f, order, weight in self.still:
            found[:, e, f] -= weight * (1j * numbers) ** order
        return np.linalg.solve(self.mass.astype(complex), found)

    def waves(self, share: float) -> int:
        """How many waves hold the start up to a share of its norm; more than are known where these do not."""
        energy = 2 * (np.abs(self.start) ** 2).sum(0)
        energy[0] /= 2
        left = np.cumsum(energy[::-1])[::-1]
        return int(np.searchsorted(-left, -(share**2) * left[0])) + 1


def wave_system(domain: Box, inside: Compiled, faces: FaceConditions, axis: int) -> WaveSystem | None:
    """The problem as waves on a circle; None where it is not one of these."""
    space, count = 1 - axis, inside.count
    fields = {f for f, _ in inside.jets}
    alone = len(domain.bounds) == 2 and domain.periodic == tuple(a == space for a in (0, 1))
    begins = {each.field for each in faces.built_in if each.face.axis == axis and not each.face.high}
    plain = all(len(each.end.weights) == 1 for each in faces.built_in) and not faces.weak
    if not (alone and plain and fields == begins == set(range(count)) and len(faces.built_in) == count):
        return None
    if any(orders[axis] > 1 or (orders[axis] and orders[space]) for _, orders in inside.jets):
        return None
    # Weights that are the same at all places, whatever the unknowns are.
    at = [np.linspace(low, high, 7)[1:-1] for low, high in domain.bounds]
    slopes = inside.derivatives(at, [np.cos(n + np.arange(5.0)) for n in range(len(inside.jets))])
    constant = [slope.strides == (0,) for slope in slopes]
    carried = tuple(
        all(c for (_, own), c in zip(inside.entries, constant, strict=True) if own == j)
        for j in range(len(inside.jets))
    )
    mass, still = np.zeros((count, count)), []
    for (e, j), slope in zip(inside.entries, slopes, strict=True):
        f, orders = inside.jets[j]
        if orders[axis] and not carried[j]:
            return None
        if orders[axis]:
            mass[e, f] += float(slope[0])
        elif carried[j]:
            still.append((e, f, orders[space], float(slope[0])))
    if np.linalg.cond(mass) > _SKEW:
        return None
    # Of what is missing beyond as many as are taken, as many more are enough.
    known = 2 * MOST_WAVES
    start = np.zeros((count, known), dtype=complex)
    for each in faces.built_in:
        start[each.field] = _start(each.data, domain.bounds, axis, known) / each.end.weights[0]
    return WaveSystem(inside, axis, domain.bounds, mass, tuple(still), carried, start)


def _start(data: Callable[..., Any], bounds: tuple[tuple[float, float], ...], axis: int, most: int) -> Any:
    """Fourier coefficients of data on a circle, by Gauss places in equal intervals: kinks where it repeats do no harm."""
    low, high = bounds[1 - axis]
    intervals = 2 * most
    nodes, weights = legendre.leggauss(_NODES)
    inner = (nodes + 1) / (2 * intervals)
    places = low + (high - low) * (np.arange(intervals)[:, None] / intervals + inner)
    times = np.full_like(places, bounds[axis][0])
    both = (times, places) if axis == 0 else (places, times)
    values = np.broadcast_to(np.asarray(data(*both), dtype=float), places.shape)
    spectra = np.fft.rfft(values, axis=0)[:most] / intervals
    turned = np.exp(-2j * np.pi * np.arange(most)[:, None] * inner)
    return (spectra * turned) @ (weights / 2)


def turns_fast(system: WaveSystem, tolerance: float) -> bool:
    """Whether waves of the start turn too often to be followed, and neither grow nor die out much."""
    count = system.waves(tolerance)
    low, high = system.bounds[system.axis]
    values = np.linalg.eigvals(system.symbol(2 * np.pi / system.span * np.arange(float(count))))
    angles, growth = np.abs(values.imag).max() * (high - low), np.abs(values.real).max() * (high - low)
    return bool(angles > _MOST_TURNS and growth < 1e-3 * angles and growth < 30)
