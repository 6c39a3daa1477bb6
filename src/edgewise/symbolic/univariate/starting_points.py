"""Where to start fitting a form to a curve: a cached table of shapes per form, compared with the curve at once.

In unit coordinates every curve lives on t in [-1, 1], so the shapes f(b*t + c) over a grid of (b, c) are computed once
for each form, centred and normalised; the best starts for a curve are then the largest entries of one matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms import Form

POINTS = np.linspace(-1.0, 1.0, 96)
_DISTANCES = np.concatenate([[0.0], np.geomspace(1e-3, 40.0, 24)])
_RATES = np.geomspace(0.08, 40.0, 20)


@dataclass(frozen=True, slots=True)
class StartTable:
    """Starts (b, c), the group each belongs to, and orthonormal shapes (starts, directions, points)."""

    b: Floats
    c: Floats
    group: NDArray[np.intp]
    shapes: Floats


def best_starts(form: Form, v: Floats, count: int) -> tuple[Floats, Floats]:
    """The (b, c) whose shapes correlate best with a curve sampled at `POINTS`, from different groups."""
    table = _table(form)
    score = np.square(table.shapes @ (v - v.mean())).sum(axis=1)
    order = np.argsort(-score, kind="stable")
    _, first = np.unique(table.group[order], return_index=True)
    chosen = order[np.sort(first)][:count]
    return table.b[chosen], table.c[chosen]


def symmetric(form: Form) -> bool:
    """Is the form odd or even, so that a negative b adds nothing?"""
    z = np.array([0.21, 0.47, 0.83])
    up, down = form.at(z), form.at(-z)
    return np.allclose(up, down, rtol=1e-12, equal_nan=False) or np.allclose(up, -down, rtol=1e-12)


@lru_cache(maxsize=256)
def _table(form: Form) -> StartTable:
    b, c, group = _periodic() if form.name == "sin" else _grid(form)
    z = b[:, None] * POINTS + c[:, None]
    good = form.domain.admits(z.min(axis=1), z.max(axis=1))
    with np.errstate(all="ignore"):
        values = form.at(z)
        directions = [values]
        if form.name == "sin":
            directions.append(np.cos(z))
        shapes: list[Floats] = []
        for direction in directions:
            centred = direction - direction.mean(axis=1, keepdims=True)
            for other in shapes:
                centred = centred - np.sum(centred * other, axis=1, keepdims=True) * other
            norm = np.linalg.norm(centred, axis=1, keepdims=True)
            good &= np.isfinite(norm[:, 0]) & (norm[:, 0] > 1e-12 * (1 + np.abs(direction).max(axis=1)))
            shapes.append(centred / norm)
    return StartTable(b[good], c[good], group[good], np.stack(shapes, axis=1)[good])


def _periodic() -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Frequencies only: the phase is linear, so each one is tried with a sine and a cosine direction (a periodogram)."""
    b = np.concatenate([np.geomspace(0.3, 2.0, 10), np.arange(2.25, 110.0, 0.5)])
    # Neighbouring frequencies belong together, or one broad peak would take every start.
    return b, np.zeros_like(b), np.floor(np.arange(len(b)) / 3).astype(np.intp)


def _grid(form: Form) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """The grid of (b, c) that suits the form's family and domain; a group is one b or one region of c."""
    domain = form.domain
    pairs: list[tuple[float, float, int]] = []
    if form.family == "linear":
        return np.ones(1), np.zeros(1), np.zeros(1, dtype=np.intp)
    if form.family == "exponential":
        pairs = [(sign * rate, 0.0, at // 4) for sign in (1.0, -1.0) for at, rate in enumerate(_RATES)]
    elif (math.isfinite(domain.low) and math.isfinite(domain.high)) or domain.period is not None:
        pairs = list(_between(*_span(form)))
    elif math.isfinite(domain.low) or domain.pole is not None:
        rates = [1.0] if form.family == "power" else list(_RATES[:16])
        mirrored = [0.0] if math.isfinite(domain.low) else [0.0, 1.0]
        zero = domain.low if math.isfinite(domain.low) else float(domain.pole or 0.0)
        for at, rate in enumerate(rates):
            for sign in (1.0, -1.0):
                for side in mirrored:
                    for near, distance in enumerate(_DISTANCES):
                        reach = rate * (1.0 + distance)
                        centre = zero + (reach if side == 0.0 else -reach)
                        pairs.append((sign * rate, centre, 16 * at + (near + 3) // 4 + 8 * (sign < 0)))
    elif form.family == "power":
        shifts = np.concatenate([np.linspace(-1.5, 1.5, 31), np.geomspace(2, 40, 6), -np.geomspace(2, 40, 6)])
        pairs = [(1.0, float(shift), at // 4) for at, shift in enumerate(shifts)]
    else:
        signs = (1.0,) if symmetric(form) else (1.0, -1.0)
        for at, rate in enumerate(_RATES):
            for middle in np.linspace(-1 - 3 / rate, 1 + 3 / rate, 21):
                pairs += [(sign * rate, -sign * rate * float(middle), 2 * at + (sign < 0)) for sign in signs]
    columns = np.array(pairs, dtype=np.float64)
    return columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].astype(np.intp)


def _span(form: Form) -> tuple[float, float]:
    if form.domain.period is not None:
        pole = float(form.domain.pole or 0.0)
        return pole - form.domain.period, pole
    return form.domain.low, form.domain.high


def _between(low: float, high: float) -> list[tuple[float, float, int]]:
    """Lines that take [-1, 1] into parts of a bounded interval."""
    marks = np.array([0.0005, 0.01, 0.04, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96, 0.99, 0.9995])
    stops = low + (high - low) * marks
    pairs: list[tuple[float, float, int]] = []
    for at, start in enumerate(stops):
        for stop in stops[at + 1 :]:
            pairs.append(((stop - start) / 2, (stop + start) / 2, at))
            pairs.append(((start - stop) / 2, (stop + start) / 2, at))
    return pairs
