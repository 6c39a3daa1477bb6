"""A network over many boxes at once: enclosures of its outputs, and of their first and second derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.verifying.bounds.curves import Curves
from edgewise.verifying.bounds.exact import ExactLayer, ExactModel, silu_ranges
from edgewise.verifying.bounds.intervals import NUMBER, STEP, Intervals, point, side_by_side

# Sums of products and polynomials in floats: relative to the sum of the terms' sizes. The longest has a few thousand.
_SUMMED = 1e-12
# Work of a cubic's range, in that of an operation.
_CUBIC = 4


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
    charge(_CUBIC * (STEP + NUMBER * c0.size))
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
class CurveDerivatives:
    """The curves of each layer of a network, and those of their first and second derivatives."""

    first: tuple[Curves, ...]
    second: tuple[Curves, ...]

    @classmethod
    def of(cls, model: ExactModel) -> CurveDerivatives:
        """Made once for many boxes."""
        first = tuple(layer.curves.derivative() for layer in model.layers)
        return cls(first, tuple(curves.derivative() for curves in first))


def enclose_network(
    model: ExactModel, derivatives: CurveDerivatives, output: int, x: Intervals, *, second: bool = False
) -> Enclosed:
    """Enclose an output over boxes of inputs.

    Parameters
    ----------
    model : ExactModel
        Its nodes may multiply, and its edges have base functions.
    derivatives : CurveDerivatives
    output : int
    x : Intervals, (B, inputs)
    second : bool
        Whether second derivatives are wanted. Where edges have kinks (degree 1) they give no bound.
    """
    shape = x.low.shape
    rate = point(np.broadcast_to(model.scale, shape)).inverse()
    h = (x - point(np.broadcast_to(model.shift, shape))) * rate
    slopes: Intervals | None = None  # (B, nodes, inputs)
    bends: Intervals | None = None  # (B, nodes, inputs, inputs)
    last = len(model.layers) - 1
    for k, layer in enumerate(model.layers):
        arities = model.arities[k] if model.arities else ()
        only = [output] if k == last and not arities else slice(None)
        values, steep, *more = (
            _edges(layer, curves, order, only, h)
            for order, curves in enumerate(
                (layer.curves, derivatives.first[k], derivatives.second[k])[: 2 + second]
            )
        )
        if slopes is None:
            slopes = steep.swapped()
            if more:
                curved, own = more[0].swapped()[..., None], np.eye(shape[1])
                bends = Intervals(curved.low * own, curved.high * own)
        else:
            if more and bends is not None:
                # (phi o h)'' = phi''(h) h' h'^T + phi'(h) h''
                bends = _summed(
                    more[0][..., None, None] * _squares(slopes) + steep[..., None, None] * bends[:, :, None]
                )
            slopes = _summed(steep[..., None] * slopes[:, :, None])
        h = _summed(values) + point(np.broadcast_to(layer.bias[only], (shape[0], values.low.shape[-1])))
        if arities:
            h, slopes, bends = _multiplied(arities, h, slopes, bends)
    assert slopes is not None
    at = output if model.arities and model.arities[-1] else 0
    factor = point(np.full(shape[0], model.out_scale[output]))
    value = factor * h[:, at] + point(np.full(shape[0], model.out_shift[output]))
    if bends is not None:
        bends = bends[:, at] * (rate[:, :, None] * rate[:, None]) * factor[:, None, None]
    return Enclosed(value, slopes[:, at] * rate * factor[:, None], bends)


def _edges(layer: ExactLayer, curves: Curves, order: int, only: list[int] | slice, h: Intervals) -> Intervals:
    """Edge functions, or their first or second derivatives, over intervals of the nodes below, (B, I) -> (B, I, O)."""
    found = curve_ranges(Curves(layer.curves.breaks, curves.table[only]), h)
    if layer.base is None or not layer.base.any():
        return found
    weights = np.broadcast_to(layer.base[only].T, found.low.shape)
    return found + point(weights) * silu_ranges(h, order)[..., None]


def _multiplied(
    arities: Sequence[int], h: Intervals, slopes: Intervals, bends: Intervals | None
) -> tuple[Intervals, Intervals, Intervals | None]:
    """Nodes from sums (B, sums), of which the last are multiplied in groups, with their derivatives."""
    at = h.low.shape[1] - sum(arities)
    parts = [(h[:, k], slopes[:, k], None if bends is None else bends[:, k]) for k in range(at)]
    for arity in arities:
        a, da, dda = (h[:, at], slopes[:, at], None if bends is None else bends[:, at])
        for k in range(at + 1, at + arity):
            b, db, ddb = h[:, k], slopes[:, k], None if bends is None else bends[:, k]
            if dda is not None and ddb is not None:
                # (a b)'' = a'' b + a' b'^T + b' a'^T + a b''
                cross = da[:, :, None] * db[:, None]
                dda = dda * b[..., None, None] + (cross + cross.swapped()) + ddb * a[..., None, None]
            a, da = a * b, da * b[..., None] + db * a[..., None]
        parts.append((a, da, dda))
        at += arity
    values, slopes_of, bends_of = zip(*parts, strict=True)
    return (
        side_by_side(values),
        side_by_side(slopes_of),
        None if bends is None else side_by_side([bend for bend in bends_of if bend is not None]),
    )


def _squares(slopes: Intervals) -> Intervals:
    """Products of the slopes of a node in two inputs, (B, I, 1, inputs, inputs); of one with itself never negative."""
    first = slopes[:, :, None, :, None]
    made = first * slopes[:, :, None, None]
    own = np.eye(slopes.low.shape[-1], dtype=bool)
    across = (first.low <= 0) & (first.high >= 0)
    least = np.where(across, 0.0, np.minimum(first.low**2, first.high**2) * (1 - 1e-15))
    return Intervals(np.where(own, np.maximum(made.low, least), made.low), made.high)


def _summed(parts: Intervals) -> Intervals:
    """Sums over the second axis."""
    pad = _SUMMED * parts.size.sum(1)
    return Intervals(parts.low.sum(1) - pad, parts.high.sum(1) + pad)
