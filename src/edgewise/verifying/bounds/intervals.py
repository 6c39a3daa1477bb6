"""Interval arithmetic on arrays, rounded outward: spline networks over many boxes at once.

Sums, products, quotients and roots are correctly rounded in IEEE arithmetic, so that one step outward encloses them. Where
a formula has no value in part of a box its enclosure is unbounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.work import charge
from edgewise.verifying.bounds.curves import Curves
from edgewise.verifying.bounds.exact import ExactModel

Floats = NDArray[np.float64]

# Sums of products and polynomials in floats: relative to the sum of the terms' sizes. The longest has a few thousand.
_SUMMED = 1e-12
# Units of work of an operation, and for each interval; of a cubic's range, several times as much.
_STEP, _NUMBER, _CUBIC = 4e-5, 4e-8, 4


@dataclass(frozen=True, eq=False)
class Intervals:
    """Closed intervals [low, high] of one shape; ends may be infinite."""

    low: Floats
    high: Floats

    def __add__(self, other: Intervals) -> Intervals:
        return outward(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Intervals) -> Intervals:
        return outward(self.low - other.high, self.high - other.low)

    def __neg__(self) -> Intervals:
        return Intervals(-self.high, -self.low)

    def __mul__(self, other: Intervals) -> Intervals:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        # Zero times an end at infinity is zero: infinity only says that there is no bound.
        products = np.stack([np.where(np.isnan(end), 0.0, end) for end in ends])
        return outward(products.min(0), products.max(0))

    def inverse(self) -> Intervals:
        """1 / x; unbounded where zero is inside."""
        with np.errstate(divide="ignore"):
            made = outward(1.0 / self.high, 1.0 / self.low)
        across = (self.low <= 0) & (self.high >= 0)
        return Intervals(np.where(across, -np.inf, made.low), np.where(across, np.inf, made.high))

    def meet(self, other: Intervals) -> Intervals:
        """What two enclosures of the same value leave."""
        return Intervals(np.maximum(self.low, other.low), np.minimum(self.high, other.high))

    @property
    def size(self) -> Floats:
        """The largest absolute value inside."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def point(x: Floats) -> Intervals:
    """Intervals of one number each."""
    return Intervals(x, x)


def outward(low: Floats, high: Floats, ulps: int = 1) -> Intervals:
    """A step outward; what is no number has no bound."""
    charge(_STEP + _NUMBER * np.size(low))
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = (
            np.where(np.isfinite(end), end + side * ulps * np.spacing(np.abs(end)), end)
            for end, side in ((low, -1), (high, 1))
        )
    return Intervals(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))


# ---- networks


def curve_ranges(curves: Curves, x: Intervals) -> Intervals:
    """Ranges of all functions over intervals of their sites, (B, S) -> (B, S, n), up to outward rounding."""
    site = np.arange(curves.origin.shape[0])
    left, right = curves.limits
    first, last = curves.locate(x.low), curves.locate(x.high)
    low = np.full((*x.low.shape, curves.count), np.inf)
    high = np.full_like(low, -np.inf)
    # From the piece of the lower end to that of the upper one; most boxes soon lie in a piece or two.
    for step in range(int((last - first).max(initial=0)) + 1):
        rows = ((first + step) <= last).any(1)
        if not rows.any():
            break
        piece = np.minimum(first[rows] + step, last[rows])
        origin, width = curves.origin[site, piece], curves.width[site, piece]
        a = np.maximum((x.low[rows] - origin) / width, left[site, piece])
        b = np.minimum((x.high[rows] - origin) / width, right[site, piece])
        made = _cubic_ranges(curves.by_piece[site, piece], np.minimum(a, b)[..., None], b[..., None])
        low[rows] = np.minimum(low[rows], made.low)
        high[rows] = np.maximum(high[rows], made.high)
    return Intervals(low, high)


def _cubic_ranges(c: Floats, a: Floats, b: Floats) -> Intervals:
    """Ranges of cubics c (..., 4, n) over [a, b] (..., 1), up to outward rounding."""
    c0, c1, c2, c3 = (c[..., r, :] for r in range(4))
    charge(_CUBIC * (_STEP + _NUMBER * c0.size))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # Where they turn, drawn into the interval: 3 c3 u^2 + 2 c2 u + c1 = 0.
        p = 3 * c3
        root = np.sqrt(np.maximum(c2 * c2 - p * c1, 0.0))
        s = -(c2 + np.where(c2 >= 0, root, -root))
        turns = [np.clip(np.nan_to_num(u, nan=0.0, posinf=0.0, neginf=0.0), a, b) for u in (s / p, c1 / s)]
        ends = np.stack([((c3 * u + c2) * u + c1) * u + c0 for u in (a, b, *turns)])
        far = np.maximum(np.abs(a), np.abs(b))
        size = ((np.abs(c3) * far + np.abs(c2)) * far + np.abs(c1)) * far + np.abs(c0)
    return Intervals(ends.min(0) - _SUMMED * size, ends.max(0) + _SUMMED * size)


@dataclass(frozen=True, eq=False)
class Enclosed:
    """Enclosures of an output (B,), of its derivatives (B, inputs), and of second ones (B, inputs, inputs) if asked for."""

    value: Intervals
    slopes: Intervals
    bends: Intervals | None = None


@dataclass(frozen=True, eq=False)
class Derivatives:
    """The curves of each layer of a network, and those of their first and second derivatives."""

    first: tuple[Curves, ...]
    second: tuple[Curves, ...]

    @classmethod
    def of(cls, model: ExactModel) -> Derivatives:
        """Made once for many boxes."""
        first = tuple(layer.curves.derivative() for layer in model.layers)
        return cls(first, tuple(curves.derivative() for curves in first))


def enclose_network(
    model: ExactModel, derivatives: Derivatives, output: int, x: Intervals, *, second: bool = False
) -> Enclosed:
    """Enclose an output over boxes of inputs.

    Parameters
    ----------
    model : ExactModel
    derivatives : Derivatives
    output : int
    x : Intervals, (B, inputs)
    second : bool
        Whether second derivatives are wanted. Where edges have kinks (degree 1) they say nothing.
    """
    shape = x.low.shape
    rate = point(np.broadcast_to(model.scale, shape)).inverse()
    h = (x - point(np.broadcast_to(model.shift, shape))) * rate
    slopes: Intervals | None = None  # (B, nodes, inputs)
    bends: Intervals | None = None  # (B, nodes, inputs, inputs)
    last = len(model.layers) - 1
    for k, layer in enumerate(model.layers):
        only = [output] if k == last else slice(None)
        values, steep = (
            curve_ranges(Curves(layer.curves.breaks, curves.table[only]), h)
            for curves in (layer.curves, derivatives.first[k])
        )
        curved = (
            curve_ranges(Curves(layer.curves.breaks, derivatives.second[k].table[only]), h)
            if second
            else None
        )
        if slopes is None:
            slopes = Intervals(steep.low.swapaxes(1, 2), steep.high.swapaxes(1, 2))
            if curved is not None:
                own = np.eye(shape[1])
                bends = Intervals(*(end.swapaxes(1, 2)[..., None] * own for end in (curved.low, curved.high)))
        else:
            if curved is not None and bends is not None:
                # (phi o h)'' = phi''(h) h' h'^T + phi'(h) h''
                bends = _summed(_deep(curved, 2) * _squares(slopes) + _deep(steep, 2) * _wide(bends))
            slopes = _summed(_deep(steep, 1) * _wide(slopes))
        h = _summed(values) + point(np.broadcast_to(layer.bias[only], (shape[0], values.low.shape[-1])))
    assert slopes is not None
    factor = point(np.full(shape[0], model.out_scale[output]))
    value = factor * _node(h) + point(np.full(shape[0], model.out_shift[output]))
    row = Intervals(factor.low[:, None], factor.high[:, None])
    if bends is not None:
        both = Intervals(rate.low[:, :, None], rate.high[:, :, None]) * Intervals(
            rate.low[:, None], rate.high[:, None]
        )
        bends = _node(bends) * both * Intervals(row.low[..., None], row.high[..., None])
    return Enclosed(value, _node(slopes) * rate * row, bends)


def _node(x: Intervals) -> Intervals:
    """Of the one node left, the output."""
    return Intervals(x.low[:, 0], x.high[:, 0])


def _wide(x: Intervals) -> Intervals:
    """(B, I, ...) -> (B, I, 1, ...), to meet edges (B, I, O)."""
    return Intervals(x.low[:, :, None], x.high[:, :, None])


def _deep(x: Intervals, more: int) -> Intervals:
    """(B, I, O) with more axes at the end."""
    shape = (*x.low.shape, *(1,) * more)
    return Intervals(x.low.reshape(shape), x.high.reshape(shape))


def _squares(slopes: Intervals) -> Intervals:
    """Products of the slopes of a node in two inputs, (B, I, 1, inputs, inputs); of one with itself never negative."""
    first = Intervals(slopes.low[:, :, None, :, None], slopes.high[:, :, None, :, None])
    second = Intervals(slopes.low[:, :, None, None], slopes.high[:, :, None, None])
    made = first * second
    own = np.eye(slopes.low.shape[-1], dtype=bool)
    across = (first.low <= 0) & (first.high >= 0)
    least = np.where(across, 0.0, np.minimum(first.low**2, first.high**2) * (1 - 1e-15))
    return Intervals(np.where(own, np.maximum(made.low, least), made.low), made.high)


def _summed(parts: Intervals) -> Intervals:
    """Sums over the second axis."""
    pad = _SUMMED * parts.size.sum(1)
    return Intervals(parts.low.sum(1) - pad, parts.high.sum(1) + pad)
