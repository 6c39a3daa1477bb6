"""Base functions, for the prover: silu as a piecewise cubic near it, as docs/certificates.md defines it, and its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.verifying.bounds.curves import Curves, merge, spans
from edgewise.verifying.bounds.exact import ExactLayer, ExactModel, silu, silu_slope

# Ends of the pieces from 0 on: (up to, width); from the last one on the cubic is 0 or x.
STEPS = ((4.0, 1 / 32), (8.0, 1 / 16), (12.0, 1 / 8), (16.0, 1 / 4), (20.0, 1 / 2), (32.0, 1.0))
HALF = np.concatenate([np.arange(a, b, h) for (a, _), (b, h) in pairwise([(0.0, 0.0), *STEPS])])
BREAKS = np.concatenate([[-32.0], -HALF[:0:-1], HALF, [32.0]])
# How far values and slopes of the cubic are at most from those of silu.
FAR, SLANT = 1.3e-9, 1.3e-7
HAIR = 1e-9
_DIGITS = Context(prec=120)


def smoothed(model: ExactModel, ends: Sequence[tuple[Floats, Floats]]) -> ExactModel:
    """The model with cubics in the place of silu, as far as the nodes below each layer can come."""
    layers: list[ExactLayer] = []
    known: tuple[Floats, Floats] | None = None
    for number, (layer, (low, high)) in enumerate(zip(model.layers, ends, strict=True)):
        if known is not None:
            low, high = np.maximum(low, known[0]), np.minimum(high, known[1])
        plain = not model.arities or not model.arities[number]
        made = layer if layer.base is not None and layer.base.any() else replace(layer, base=None)
        if made.base is not None:
            made = _with_cubics(made, made.base, low, high)
        layers.append(made)
        least, most = (end.sum(1) for end in spans(made.curves, made.curves.window(low[None], high[None])))
        hair = HAIR * (np.abs(least) + np.abs(most) + np.abs(layer.bias))
        known = (least + layer.bias - hair, most + layer.bias + hair) if plain else None
    return replace(model, layers=tuple(layers))


def _with_cubics(layer: ExactLayer, base: Floats, low: Floats, high: Floats) -> ExactLayer:
    """A layer with cubics in the place of silu, for nodes below between two ends, (I,) each."""
    both = merge([layer.curves, _cubic(float(low.min()), float(high.max()), len(low))])
    count = layer.curves.count
    table = both.table[:count] + base[:, None, :, None] * both.table[count:]
    curves = Curves(both.breaks, table, np.stack([FAR * base, SLANT * base]), layer.curves.breaks)
    return replace(layer, curves=curves, plain=layer.curves)


def _cubic(low: float, high: float, sites: int) -> Curves:
    """One function for each site."""
    inside = np.flatnonzero((BREAKS - low) * (BREAKS - high) < 0)
    first, last = (inside[0], inside[-1]) if len(inside) else (np.searchsorted(BREAKS, high),) * 2
    x = BREAKS[max(min(first, len(BREAKS) - 1) - 1, 0) : last + 2]
    far = np.abs(x) >= BREAKS[-1]
    y, d = np.where(far, np.maximum(x, 0.0), silu(x)), np.where(far, x > 0, silu_slope(x))
    h = np.diff(x)
    rise, p, q = np.diff(y), h * d[:-1], h * d[1:]
    inner = np.stack([y[:-1], p, 3 * rise - 2 * p - q, p + q - 2 * rise])
    tails = np.zeros((2, 4, 1))
    tails[0, 0], tails[0, 1], tails[1, 0], tails[1, 1] = y[0], p[0], y[-1], q[-1]
    table = np.concatenate([tails[0], inner, tails[1]], 1)
    shape = (1, 4, sites, table.shape[1])
    return Curves(np.repeat(x[None], sites, 0), np.broadcast_to(table[None, :, None], shape).copy())


def exact_silu(x: Fraction) -> tuple[Fraction, Fraction]:
    """Value and slope of silu to more than a hundred digits."""
    size = _DIGITS.divide(Decimal(abs(x.numerator)), Decimal(x.denominator))
    e = Fraction(_DIGITS.exp(_DIGITS.minus(size))) if size < 1000 else Fraction(0)
    s = (1 if x >= 0 else e) / (1 + e)
    return x * s, s + x * s * (1 - s)
