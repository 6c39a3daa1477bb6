"""Where the constants inside an atom are looked for: starting values, on the scale of the column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgewise._core.arrays import Floats

Values = tuple[Floats, tuple[Floats, ...]]


def span_of(u: Floats) -> tuple[float, float, float]:
    """Ends and width of a column."""
    low, high = float(u.min()), float(u.max())
    return low, high, max(high - low, 1e-300)


def rate_starts(u: Floats) -> Floats:
    """Rates of either sign, from far below to far above one change over the range."""
    _, _, width = span_of(u)
    sizes = np.geomspace(0.3, 40.0, 14) / width
    return np.concatenate([sizes, -sizes])[:, None]


_DISTANCES = np.array([0.0, 0.01, 0.03, 0.1, 0.25, 0.6, 1.5, 4.0])


def edge_starts(sign: float) -> Callable[[Floats], Floats]:
    """Shifts that put the singularity just outside the range."""

    def starts(u: Floats) -> Floats:
        low, high, width = span_of(u)
        edge = -low if sign > 0 else high
        shifts = edge + (_DISTANCES[1:] * width)
        if sign > 0 and low >= 0:
            shifts = np.append(shifts, 1e-12 * width if low > 0 else 1e-9 * width)
        return shifts[:, None]

    return starts


def power_starts(sign: float) -> Callable[[Floats], Floats]:
    """Shifts to just outside the range, each with exponents of either sign."""
    edges = edge_starts(sign)

    def starts(u: Floats) -> Floats:
        exponents = np.array([-3.0, -1.5, -1.0, -0.5, 0.4, 0.7, 1.5, 2.5, 4.5])
        shifts = edges(u)[:, 0]
        c, p = np.meshgrid(shifts, exponents, indexing="ij")
        return np.column_stack([c.ravel(), p.ravel()])

    return starts


def monomial_starts(u: Floats) -> Floats:
    """Exponents between the whole and half ones."""
    return np.array([-3.3, -2.4, -1.3, -0.6, 0.2, 0.4, 0.7, 1.3, 1.7, 2.4, 3.3, 4.4, 5.5])[:, None]


def pole_starts(u: Floats) -> Floats:
    """Poles on either side of the range and inside it."""
    low, high, width = span_of(u)
    inside = -np.linspace(low, high, 13)
    return np.concatenate([-low + _DISTANCES[1:] * width, -high - _DISTANCES[1:] * width, inside])[:, None]


def waves(u: Floats, most: float = 60.0) -> Floats:
    """Frequencies up to `most` turns of one radian over the range, each as a sine and a cosine about its middle."""
    _, _, width = span_of(u)
    frequency = np.concatenate([np.array([0.5, 1.0, 1.7, 2.5, 3.5]), np.arange(4.5, most, 1.25)]) / width
    phases = np.array([0.0, np.pi / 2])
    middle = float((u.min() + u.max()) / 2)
    b, c = np.meshgrid(frequency, phases, indexing="ij")
    b, c = b.ravel(), c.ravel()
    return np.column_stack([b, np.remainder(c - b * middle, 2 * np.pi)])


def damped_starts(u: Floats) -> Floats:
    """Rates of growth and decay, each with every wave."""
    _, _, width = span_of(u)
    rates = np.array([-8.0, -4.0, -2.0, -1.0, 1.0, 2.0, 4.0]) / width
    carriers = waves(u, 40.0)
    return np.column_stack([np.repeat(rates, len(carriers)), np.tile(carriers, (len(rates), 1))])


def step_starts(u: Floats) -> Floats:
    """Rates and shifts of a step, its middle on an even grid over the range, the finer the steeper."""
    low, high, width = span_of(u)
    rates = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 40.0]) / width
    pairs: list[tuple[float, float]] = []
    for rate in rates:
        reach = 1.5 / rate
        count = int(np.clip(round(2 * (width + 2 * reach) * rate), 5, 25))
        for middle in np.linspace(low - reach, high + reach, count):
            pairs.append((float(rate), float(-rate * middle)))
    return np.array(pairs)
