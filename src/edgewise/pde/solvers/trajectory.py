"""The course of modes on a torus from its start, and how it changes with the start and with constants.

The part that acts on every mode alone is solved exactly, the rest by the classical method of Runge and Kutta (J. D. Lawson
1967, doi:10.1137/0704033); changes go through the derivatives of the same steps. Between two ends of steps the course is
the cubic that has their values and their speeds.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.data_rows import DataRows
from edgewise.pde.discretisation.torus import Current, Evolution, Spectra, Torus


@dataclass(frozen=True, eq=False)
class End:
    """An end of a step: modes (F, modes) and their speed; changes (P, F, modes) and theirs."""

    time: float
    state: Spectra
    speed: Spectra
    changes: Spectra
    change_speed: Spectra


def course(
    current: Current, start: Spectra, changes: Spectra, times: Floats, constants: int
) -> Generator[End, None, None]:
    """Goes from time to time.

    Parameters
    ----------
    current : Current
    start : ndarray, shape (F, modes)
    changes : ndarray, shape (P, F, modes)
        Of the start, that are followed; the last `constants` of them are those that constants make.
    times : ndarray, shape (S + 1,)
        Equally spaced.
    constants : int
        0 where none are followed.
    """
    h = float(times[1] - times[0])
    half, whole = _exponential(current, h / 2), _exponential(current, h)
    state, moving = start, changes
    many = len(changes)

    def rates(u: Spectra, du: Spectra, time: float) -> tuple[Spectra, Spectra]:
        speed = current.speed(u, time)
        if not many:
            return speed, du
        slopes, pulls = current.slopes(u, time)
        found = current.change(slopes, du)
        if constants:
            found[many - constants :] += pulls
        return speed, found

    for n, time in enumerate(times):
        k1, d1 = rates(state, moving, time)
        yield End(
            float(time),
            state,
            current.apply(current.linear, state) + k1,
            moving,
            current.apply(current.linear, moving) + d1 if many else moving,
        )
        if n == len(times) - 1:
            return
        on, don = current.apply(half, state), current.apply(half, moving)
        k2, d2 = rates(
            on + h / 2 * current.apply(half, k1), don + h / 2 * current.apply(half, d1), time + h / 2
        )
        k3, d3 = rates(on + h / 2 * k2, don + h / 2 * d2, time + h / 2)
        k4, d4 = rates(current.apply(half, on + h * k3), current.apply(half, don + h * d3), time + h)
        state = current.apply(whole, state + h / 6 * k1) + h / 3 * current.apply(half, k2 + k3) + h / 6 * k4
        if many:
            moving = (
                current.apply(whole, moving + h / 6 * d1) + h / 3 * current.apply(half, d2 + d3) + h / 6 * d4
            )


def _exponential(current: Current, time: float) -> Spectra:
    """exp(L time) of every mode."""
    if current.evolution.count == 1:
        return np.exp(current.linear * time)
    found: Any = expm(current.linear * time)
    return found


@dataclass(frozen=True, eq=False)
class Seen:
    """What a course gives at the places of data.

    Attributes
    ----------
    residuals : ndarray, shape (n,)
        Terms less their measured values, in units of the noise.
    jacobian : ndarray, shape (n, P)
        Of all sets, one after the other.
    """

    residuals: Floats
    jacobian: Floats


def seen(
    current: Current,
    start: Spectra,
    sets: Sequence[DataRows],
    end: float,
    steps: int,
    changes: Spectra | None = None,
) -> Seen:
    """A course beside data up to a time: residuals, and their derivatives in the changes of the start and the constants.

    Parameters
    ----------
    current : Current
    start : ndarray, shape (F, modes)
    sets : sequence of DataRows
        Places in the order of the domain; those later than `end` are left out of the answer.
    end : float
    steps : int
        Of equal length, from the time of the start, `evolution.begins`.
    changes : ndarray, shape (P, F, modes), optional
        Of the start; derivatives in the constants follow those in these.
    """
    evolution, torus = current.evolution, current.torus
    extra = 0 if changes is None else len(current.constants)
    none = np.zeros((extra, *start.shape), dtype=complex)
    every = none if changes is None else np.concatenate([changes, none])
    times = np.linspace(evolution.begins, end, steps + 1)
    wanted = [subset.at[:, evolution.axis] for subset in sets]
    steps_of = [np.clip(np.searchsorted(times, t, side="right") - 1, 0, steps - 1) for t in wanted]
    orders = [np.argsort(own, kind="stable") for own in steps_of]
    inside = [t <= end for t in wanted]
    residuals = [np.zeros(len(t)) for t in wanted]
    jacobians = [np.zeros((len(t), len(every))) for t in wanted]
    before: End | None = None
    ends = [0] * len(sets)
    for n, after in enumerate(course(current, start, every, times, extra)):
        if before is not None:
            for s, subset in enumerate(sets):
                first = ends[s]
                last = int(np.searchsorted(steps_of[s][orders[s]], n - 1, side="right"))
                ends[s] = last
                rows = orders[s][first:last]
                rows = rows[inside[s][rows]]
                if len(rows):
                    residuals[s][rows], jacobians[s][rows] = _at_data(
                        evolution, torus, subset, rows, before, after
                    )
        before = after
    return Seen(
        np.concatenate([r[i] for r, i in zip(residuals, inside, strict=True)]),
        np.concatenate([j[i] for j, i in zip(jacobians, inside, strict=True)]),
    )


def _cubic(before: End, after: End, time: Any) -> tuple[Any, Any, Any, Any]:
    """Weights of the values at both ends and of the speeds there."""
    length = after.time - before.time
    s = (time - before.time) / length
    return (
        (1 + 2 * s) * (1 - s) ** 2,
        s**2 * (3 - 2 * s),
        length * s * (1 - s) ** 2,
        length * s**2 * (s - 1),
    )


def between(before: End, after: End, time: float) -> Spectra:
    """Modes at a time between two ends of a step."""
    a, b, c, d = _cubic(before, after, time)
    return a * before.state + b * after.state + c * before.speed + d * after.speed


def _at_data(
    evolution: Evolution, torus: Torus, data: DataRows, rows: NDArray[np.int64], before: End, after: End
) -> tuple[Floats, Floats]:
    """Residuals of data between two ends of a step, and their derivatives."""
    at = data.at[rows]
    weights = _cubic(before, after, at[:, evolution.axis])
    space = np.delete(at, evolution.axis, axis=1)
    jets: list[Floats] = []
    waves: list[Floats] = []
    parts = (before.state, after.state, before.speed, after.speed)
    for f, orders in data.compiled.jets:
        own: Any = torus.rows(space, evolution.in_space(orders))
        # Real parts of sums of products, as one real product.
        waves.append(np.concatenate([own.real, -own.imag], axis=1))
        jets.append(
            np.asarray(sum(w * (waves[-1] @ _flat(p[f], torus)) for w, p in zip(weights, parts, strict=True)))
        )
    arguments = list(at.T)
    found = (data.compiled.residuals(arguments, jets)[0] - data.values[rows]) / data.sigma
    many = len(before.changes)
    jacobian = np.zeros((len(rows), many))
    if many:
        moved = (before.changes, after.changes, before.change_speed, after.change_speed)
        slopes = data.compiled.derivatives(arguments, jets)
        for (_, j), slope in zip(data.compiled.entries, slopes, strict=True):
            f = data.compiled.jets[j][0]
            for w, part in zip(weights, moved, strict=True):
                jacobian += (slope * w / data.sigma)[:, None] * (waves[j] @ _flat(part[:, f], torus).T)
        charge(8 * len(data.compiled.entries) * len(rows) * waves[0].shape[1] * many / RATE)
    return found, jacobian


def _flat(modes: Spectra, torus: Torus) -> Floats:
    """Kept modes as real numbers: real parts, then imaginary ones."""
    kept: Any = modes[..., torus.kept]
    return np.concatenate([kept.real, kept.imag], axis=-1)
