"""Splines through noisy values: how smooth is seen from the values themselves.

On a grid the functions that make both the sum of squares and the roughness diagonal (A. Demmler and C. Reinsch 1975,
doi:10.1007/BF01437407) are found for each coordinate alone; smoothing then is a factor for each product of them, and its
strength along every coordinate minimises generalised cross-validation (P. Craven and G. Wahba 1979,
doi:10.1007/BF01404567). Scattered values go the same way with one matrix for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.field import Field, contract
from edgewise.fields.quadrature import gauss
from edgewise.fields.samples import Samples
from edgewise.fields.space import Space

# Degree of the splines through the values, and order of the derivative that smoothing keeps small.
_DEGREE = 7
_ROUGHNESS = 4
# Splines per place of a coordinate that does not repeat, and at most.
_SPLINES_SHARE = 0.75
_MOST_SPLINES = 320
# Fields are smoothed by this share of what cross-validation asks for: integrals against weighting functions average
# noise away, but not what smoothing takes off fronts.
_SMOOTHING = 0.01
# Products of functions of single coordinates that scattered values are fitted with at most.
_MOST_PRODUCTS = 700
# Fields are taken to be no more exact than this share of their root mean square.
_LEAST_NOISE = 1e-5
# A coordinate's finest waves that hold less than this share of the energy above the noise do not count.
_CORNER_SHARE = 1e-4

_RATE = 2e9


@dataclass(frozen=True, eq=False)
class FittedFields:
    """Measured fields as splines, and the noise that they leave.

    Attributes
    ----------
    fields : tuple of Field
    noise : tuple of float
        Standard deviation of the noise of each field.
    density : float
        Values per unit of volume.
    corners : tuple of float
        For each coordinate, the wave number up to which values stand out of the noise.
    """

    fields: tuple[Field, ...]
    noise: tuple[float, ...]
    density: float
    corners: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Axis:
    """A coordinate in its own functions: values -> parts (size, m), parts -> coefficients (size, size), their roughness."""

    space: Space
    analysis: Floats
    synthesis: Floats
    roughness: Floats


def fit(samples: Samples) -> FittedFields:
    """The spline fits of all fields of one experiment."""
    if samples.scattered:
        return _scattered(samples)
    axes = [
        _axis(at, low, high, around)
        for at, (low, high), around in zip(samples.at, samples.bounds, samples.periodic, strict=True)
    ]
    fields: list[Field] = []
    noise: list[float] = []
    corners = [0.0] * len(axes)
    for values in samples.values:
        parts = contract(values, [axis.analysis for axis in axes])
        charge(values.size * sum(len(axis.roughness) for axis in axes) / _RATE)
        left = max(float((values**2).sum() - (parts**2).sum()), 0.0)
        strengths = _strengths(parts, left, values.size, [axis.roughness for axis in axes])
        keeps = _keeps(strengths, [axis.roughness for axis in axes])
        less = _keeps(_SMOOTHING * strengths, [axis.roughness for axis in axes])
        coefficients = contract(parts * less, [axis.synthesis for axis in axes])
        rest = values.size - float(keeps.sum())
        square = left + float((((1 - keeps) * parts) ** 2).sum())
        # Even exact values are rounded, and splines follow them only so far.
        size = float(np.sqrt((values**2).mean()))
        noise.append(max(float(np.sqrt(square / max(rest, 1.0))), _LEAST_NOISE * size))
        fields.append(Field(tuple(axis.space for axis in axes), coefficients))
        for a, axis in enumerate(axes):
            corners[a] = max(corners[a], _corner(parts, noise[-1], axis, a, samples.bounds[a]))
    volume = float(np.prod([high - low for low, high in samples.bounds]))
    return FittedFields(tuple(fields), tuple(noise), samples.values[0].size / volume, tuple(corners))


def _axis(at: Floats, low: float, high: float, around: bool) -> _Axis:
    # As many splines as places are ill-conditioned at the ends, unless there are none.
    most = len(at) if around else max(int(_SPLINES_SHARE * len(at)), 4)
    size = min(most, _MOST_SPLINES)
    degree = _DEGREE if around else min(_DEGREE, size - 1)
    intervals = size if around else size - degree
    space = Space(np.linspace(low, high, intervals + 1), degree, around)
    design = space.design(at)
    order = min(_ROUGHNESS, degree)
    rule = gauss(space, degree + 1)
    bent = space.design(rule.at(space), order) * np.sqrt(rule.weights.ravel())[:, None]
    gram, bending = design.T @ design, bent.T @ bent
    # Roughness spans some twenty decades: the lowest must stand out of the rounding of the highest.
    unit = 1e4 * np.trace(gram) / np.trace(bending)
    share, own = eigh(unit * bending, gram + unit * bending)
    charge(len(gram) ** 3 * 20 / _RATE)
    share = np.clip(share, 0.0, 1 - 1e-14)
    own = own / np.sqrt(1 - share)
    return _Axis(space, (design @ own).T, own, share / (1 - share) / unit)


def _keeps(strengths: Floats, roughness: Sequence[Floats]) -> Floats:
    """What smoothing leaves of each product of functions."""
    total = np.ones([len(r) for r in roughness])
    for axis, (strength, rough) in enumerate(zip(strengths, roughness, strict=True)):
        total += (strength * rough).reshape([-1 if a == axis else 1 for a in range(len(roughness))])
    return 1 / total


def _strengths(parts: Floats, left: float, count: int, roughness: Sequence[Floats]) -> Floats:
    """Smoothing along each coordinate, by generalised cross-validation."""
    squares = parts**2
    # Roughness is measured in units of that of the finest functions: strengths are then numbers of a usual size.
    scales = np.array([float(r.max()) or 1.0 for r in roughness])

    def score(logs: Floats) -> float:
        keeps = _keeps(np.exp(np.clip(logs, -40, 60)) / scales, roughness)
        lost = left + float((squares * (1 - keeps) ** 2).sum())
        rest = count - float(keeps.sum())
        charge(squares.size * 4 / _RATE)
        return np.log(lost + 1e-300) - 2 * np.log(max(rest, 1e-9 * count))

    starts = [np.full(len(scales), level) for level in (-14.0, -7.0, 0.0, 7.0, 14.0, 21.0, 28.0)]
    best = min(starts, key=score)
    simplex = np.vstack([best, *(best + 6.0 * np.eye(len(scales)))])
    options = {"xatol": 0.1, "fatol": 1e-4, "maxfev": 120, "initial_simplex": simplex}
    found = minimize(score, best, method="Nelder-Mead", options=options)
    return np.exp(np.clip(found.x, -40, 60)) / scales


def _corner(
    parts: Floats,
    noise: float,
    axis: _Axis,
    number: int,
    bounds: tuple[float, float],
) -> float:
    """The wave number beyond which the functions of a coordinate hold no more than noise, or next to nothing."""
    others = tuple(a for a in range(parts.ndim) if a != number)
    energy = (parts**2).sum(axis=others)
    order = np.argsort(axis.roughness)
    rest = np.cumsum(energy[order][::-1])[::-1]
    numbers = parts.size / len(energy) * np.arange(len(energy), 0, -1)
    # Four standard deviations above what noise alone would leave.
    floor = noise**2 * (numbers + 4 * np.sqrt(2 * numbers))
    last = int((rest - floor > _CORNER_SHARE * rest[0]).sum())
    # The n-th function of a coordinate has about n / 2 waves along it, as eigenfunctions do.
    return np.pi * max(last, 2) / (bounds[1] - bounds[0])


def _scattered(samples: Samples) -> FittedFields:
    """Values at scattered places: products of the smoothest functions of each coordinate, so many as there is work for."""
    d, count = len(samples.at), len(samples.values[0])
    most = min(count // 2, _MOST_PRODUCTS)
    per_axis = max(round((2 * most) ** (1 / d)), 6)
    axes = []
    for (low, high), around in zip(samples.bounds, samples.periodic, strict=True):
        even = np.linspace(low, high, 3 * per_axis, endpoint=not around)
        axes.append(_axis(even, low, high, around))
    # The functions of each coordinate are taken from a grid that stands for places spread evenly.
    scales = [float(np.sort(axis.roughness)[min(per_axis, len(axis.roughness)) - 1]) for axis in axes]
    total = np.zeros([len(axis.roughness) for axis in axes])
    for a, (axis, scale) in enumerate(zip(axes, scales, strict=True)):
        total += (axis.roughness / scale).reshape([-1 if a == b else 1 for b in range(d)])
    kept = np.unravel_index(np.argsort(total.ravel(), kind="stable")[:most], total.shape)
    columns = np.ones((count, len(kept[0])))
    for axis, numbers, at in zip(axes, kept, samples.at, strict=True):
        columns *= (axis.space.design(at) @ axis.synthesis)[:, numbers]
    gram = columns.T @ columns
    charge(count * len(gram) ** 2 / _RATE)
    roughness = np.stack([axis.roughness[numbers] for axis, numbers in zip(axes, kept, strict=True)])
    fields: list[Field] = []
    noise: list[float] = []
    corners = [0.0] * d
    for values in samples.values:
        parts, left = _ridge(gram, columns.T @ values, float(values @ values), roughness, count)
        noise.append(max(left, _LEAST_NOISE * float(np.sqrt((values**2).mean()))))
        table = np.zeros(total.shape)
        table[kept] = parts
        fields.append(
            Field(tuple(axis.space for axis in axes), contract(table, [axis.synthesis for axis in axes]))
        )
        for a in range(d):
            energy = np.bincount(kept[a], parts**2, minlength=total.shape[a])[np.argsort(axes[a].roughness)]
            rest = np.cumsum(energy[::-1])[::-1]
            last = int((rest > _CORNER_SHARE * rest[0]).sum())
            low, high = samples.bounds[a]
            corners[a] = max(corners[a], np.pi * max(last, 2) / (high - low))
    volume = float(np.prod([high - low for low, high in samples.bounds]))
    return FittedFields(tuple(fields), tuple(noise), count / volume, tuple(corners))


def _ridge(gram: Floats, right: Floats, square: float, roughness: Floats, count: int) -> tuple[Floats, float]:
    """Parts and noise: one strength of smoothing and the coordinates' shares in it, by generalised cross-validation."""
    scales = np.array([float(np.median(r[r > 0])) if (r > 0).any() else 1.0 for r in roughness])
    strengths = np.exp(np.linspace(-35, 15, 101)) * count

    def tried(shares: Floats) -> tuple[float, float, Floats]:
        weights = (np.exp(shares)[:, None] * roughness / scales[:, None]).sum(0)
        values, own = eigh(gram, np.diag(weights + 1e-12 * weights.max(initial=1.0)))
        charge(len(gram) ** 3 * 10 / _RATE)
        turned = own.T @ right
        found: list[tuple[float, float, float]] = []
        for strength in strengths:
            keeps = values / (values + strength)
            solved = turned / (values + strength)
            lost = square - float((2 * turned * solved - values * solved**2).sum())
            rest = count - float(keeps.sum())
            score = float(np.log(max(lost, 1e-14 * square)) - 2 * np.log(max(rest, 1e-3 * count)))
            found.append((score, float(np.sqrt(max(lost, 0.0) / max(rest, 1.0))), float(strength)))
        score, noise, strength = min(found)
        return score, noise, own @ (turned / (values + _SMOOTHING * strength))

    shares = np.zeros(len(scales))
    best = tried(shares)
    for axis in range(1, len(scales)):
        for step in (4.0, -4.0):
            while abs(shares[axis] + step) <= 16:
                moved = shares.copy()
                moved[axis] += step
                new = tried(moved)
                if new[0] >= best[0]:
                    break
                best, shares = new, moved
    return best[2], best[1]
