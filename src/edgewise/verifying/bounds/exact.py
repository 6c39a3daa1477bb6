"""A network as what proofs are about: the exact piecewise polynomials that its float parameters stand for.

As docs/certificates.md defines them, nodes that multiply become plain ones, x y = ((x + y)^2 - (x - y)^2) / 4, and silu a
piecewise cubic near it, with its error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import torch
from scipy.special import expit

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.network.module import KAN
from edgewise.splines.pieces import make_pieces
from edgewise.verifying.bounds.curves import Curves, merge, spans
from edgewise.verifying.bounds.intervals import Intervals, outward

MOST_DEGREE = 3


@dataclass(frozen=True, eq=False)
class ExactLayer:
    """Edge functions (sites: the nodes below, functions: the nodes above) and biases.

    Attributes
    ----------
    curves : Curves
    bias : array of shape (O,)
    base : array of shape (O, I) or None
        Weights of silu besides.
    plain : Curves or None
        The curves without it, where `curves` hold cubics in its place (`smoothed`).
    """

    curves: Curves
    bias: Floats
    base: Floats | None = None
    plain: Curves | None = None

    def forward(self, h: Floats) -> Floats:
        """Node sums, (n, I) -> (n, O)."""
        splines = self.curves if self.plain is None else self.plain
        sums = splines.values(h).sum(-2) + self.bias
        return sums if self.base is None else sums + silu(h) @ self.base.T

    def slopes(self, h: Floats) -> Floats:
        """Derivatives of the edge functions, (n, I) -> (n, I, O)."""
        found = (self.curves if self.plain is None else self.plain).derivative().values(h)
        return found if self.base is None else found + silu_slope(h)[..., None] * self.base.T

    def missing(self, h: Floats) -> Floats:
        """What edge functions are more than their curves, (n, I) -> (n, I, O)."""
        if self.base is None or self.plain is None:
            return np.zeros((*h.shape, len(self.bias)))
        return self.plain.values(h) + silu(h)[..., None] * self.base.T - self.curves.values(h)

    def beside(self, h: Floats, base: Floats) -> Floats:
        """Node sums of rows that differ from a base row in few places, (n, I) -> (n, O)."""
        sums = np.repeat(self.forward(base[None]), len(h), 0)
        row, site = np.nonzero(h != base)
        splines = self.curves if self.plain is None else self.plain
        change = splines.of_sites(h[row, site], site) - splines.of_sites(base[site], site)
        if self.base is not None:
            change += (silu(h[row, site]) - silu(base[site]))[:, None] * self.base.T[site]
        np.add.at(sums, row, change)
        return sums


@dataclass(frozen=True, eq=False)
class ExactModel:
    """A network in float64, layer by layer.

    Attributes
    ----------
    layers : tuple of ExactLayer
    shift, scale : arrays of shape (inputs,)
        h0 = (x - shift) / scale.
    out_shift, out_scale : arrays of shape (outputs,)
    arities : tuple of tuple of int
        Of the nodes of each layer that multiply the last of its sums; none where all are plain.
    """

    layers: tuple[ExactLayer, ...]
    shift: Floats
    scale: Floats
    out_shift: Floats
    out_scale: Floats
    arities: tuple[tuple[int, ...], ...] = ()

    @property
    def hidden(self) -> int:
        """Number of hidden layers."""
        return len(self.layers) - 1

    def outputs(self, x: Floats, base: Floats | None = None) -> Floats:
        """Outputs for rows of inputs, (n, inputs) -> (n, outputs); faster for rows that differ little from a base row."""
        h = (x - self.shift) / self.scale
        first, *rest = self.layers
        h = first.forward(h) if base is None else first.beside(h, (base - self.shift) / self.scale)
        for layer in rest:
            h = layer.forward(h)
        return self.out_shift + self.out_scale * h


def exact_model(network: KAN) -> ExactModel:
    """The exact tables of a network: those of the sums before nodes that multiply, and of splines without base functions.

    `unfolded` and `smoothed` make plain tables of such ones.

    Raises
    ------
    InputError
        If it has symbolic edges, another basis than B-splines, or a degree proofs do not take.
    """
    layers: list[ExactLayer] = []
    for layer in network.layers:
        found = None
        if layer.basis_name != "bspline":
            found = f"the basis {layer.basis_name!r}"
        elif not 1 <= layer.degree <= MOST_DEGREE:
            found = f"splines of degree {layer.degree}"
        elif bool((layer.grid.diff(dim=1) <= 0).any()):
            found = "breaks that do not rise"
        elif any(bool(layer.mask[edge.source, edge.target]) for edge in layer.symbolic):
            found = "symbolic edges"
        if found is not None:
            raise InputError(
                argument="model",
                expected="be a network of numeric B-spline edges of degree 1 to 3",
                got=f"one with {found}",
                advice="train one without, as KAN(shape) does by default",
            )
        with torch.no_grad():
            grid = layer.grid.detach().to(device="cpu", dtype=torch.float64)
            coef = numbers(layer.numeric_coef())
            pieces = make_pieces(grid, layer.degree)
            bias = layer.bias
            constant = np.zeros(layer.out_features) if bias is None else numbers(bias)
        basis = pieces.table.numpy()  # (I, P, k + 1, k + 1): the live B-splines of a piece, powers of u
        inputs, count, live, _ = basis.shape
        first = np.clip(np.arange(count) - 1, 0, count - 3)
        table = np.zeros((coef.shape[2], 4, inputs, count))
        for m in range(live):
            table[:, :live] += np.einsum("ipr,ipo->orip", basis[:, :, m], coef[:, first + m])
        weights = layer.base_weight
        base = None if weights is None else (numbers(weights) * numbers(layer.numeric_mask())).T.copy()
        layers.append(ExactLayer(Curves(grid.numpy().copy(), table), constant, base))
    scales = (network.input_shift, network.input_scale, network.output_shift, network.output_scale)
    arities = tuple(spec.nodes.products for spec in network.spec.layers)
    shift, scale, low, by = (numbers(item) for item in scales)
    model = ExactModel(tuple(layers), shift, scale, low, by, arities if any(arities) else ())
    arrays = [x for layer in layers for x in (layer.curves.table, layer.bias, layer.base) if x is not None]
    arrays += [shift, scale, low, by]
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError(
            argument="model", expected="have finite parameters", got="some that are NaN or infinite"
        )
    return model


def silu(x: Floats) -> Floats:
    """x / (1 + e^-x)."""
    return x * expit(x)


def silu_slope(x: Floats) -> Floats:
    """Its derivative."""
    return expit(x) * (1 + x * expit(-x))


def numbers(tensor: torch.Tensor) -> Floats:
    """A tensor as an array of its own in float64."""
    return tensor.detach().to(device="cpu", dtype=torch.float64).numpy().copy()


# Breaks of parabolas left of zero, each a quarter of the one before, so that little squares keep their digits.
PARABOLA_BREAKS = 12


def unfolded(model: ExactModel, tops: Sequence[Floats]) -> ExactModel:
    """The same function as one of plain nodes; `tops` bound the sums of each layer on the domain."""
    if not any(model.arities):
        return model
    layers: list[ExactLayer] = []
    for layer, arities, top in zip(model.layers, model.arities, tops, strict=True):
        curves, bias, values, base, plain = layer.curves, layer.bias, top, layer.base, layer.plain
        at = len(bias) - sum(arities)
        groups = [[k] for k in range(at)]
        for arity in arities:
            groups.append([*range(at, at + arity)])
            at += arity
        while True:
            mixing = _mixing(groups, len(bias))
            base = None if base is None else mixing @ base
            plain = None if plain is None else plain.mixed(mixing)
            layers.append(ExactLayer(curves.mixed(mixing), mixing @ bias, base, plain))
            if max(map(len, groups)) == 1:
                break
            most = np.abs(mixing) @ values
            curves, groups, values = _squares(groups, values, most)
            bias, base, plain = np.zeros(len(values)), None, None
    return ExactModel(tuple(layers), model.shift, model.scale, model.out_shift, model.out_scale)


def _mixing(groups: Sequence[Sequence[int]], count: int) -> Floats:
    """Nodes from values: of a group of factors the sum and difference of the first two, and the others as they are."""
    rows: list[Floats] = []
    unit = np.eye(count)
    for group in groups:
        one, *rest = group
        rows += [unit[one]] if not rest else [unit[one] + unit[rest[0]], unit[one] - unit[rest[0]]]
        rows += [unit[v] for v in rest[1:]]
    return np.array(rows)


def _squares(
    groups: Sequence[Sequence[int]], values: Floats, most: Floats
) -> tuple[Curves, list[list[int]], Floats]:
    """What leaves such nodes, the groups that are left, and bounds of their values."""
    shares: list[tuple[int, int, float]] = []
    tops: list[float] = []
    left: list[list[int]] = []
    for group in groups:
        first = len(tops)
        if len(group) == 1:
            shares.append((first, 1, 1.0))
            tops.append(float(values[group[0]]))
        else:
            shares += [(first, 2, 0.25), (first, 2, -0.25)]
            tops.append(float(values[group[0]] * values[group[1]]))
        for v in group[2:]:
            shares.append((len(tops), 1, 1.0))
            tops.append(float(values[v]))
        left.append([*range(first, len(tops))])
    reach = np.where(most > 0, 2.0 ** np.ceil(np.log2(np.where(most > 0, most, 1.0)) + 1), 1.0)
    inner = -(4.0 ** -np.arange(PARABOLA_BREAKS + 1))
    breaks = reach[:, None] * np.concatenate([inner, [0.0, 1.0]])
    bare = Curves(breaks, np.zeros((0, 4, *breaks.shape)))
    origin, width = bare.origin, bare.width
    table = np.zeros((len(tops), 4, len(shares), breaks.shape[1] + 1))
    for site, (value, power, weight) in enumerate(shares):
        x, w = origin[site], width[site]
        if power == 1:
            table[value, 0, site], table[value, 1, site] = weight * x, weight * w
        else:
            table[value, 0, site], table[value, 1, site] = weight * x * x, weight * 2 * x * w
            table[value, 2, site, 1:-1] = weight * (w * w)[1:-1]
    return Curves(breaks, table), left, np.array(tops)


# Ends of the pieces from 0 on: (up to, width); from the last one on the cubic is 0 or x.
STEPS = ((4.0, 1 / 32), (8.0, 1 / 16), (12.0, 1 / 8), (16.0, 1 / 4), (20.0, 1 / 2), (32.0, 1.0))
HALF = np.concatenate([np.arange(a, b, h) for (a, _), (b, h) in pairwise([(0.0, 0.0), *STEPS])])
SILU_BREAKS = np.concatenate([[-32.0], -HALF[:0:-1], HALF, [32.0]])
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
    inside = np.flatnonzero((SILU_BREAKS - low) * (SILU_BREAKS - high) < 0)
    first, last = (inside[0], inside[-1]) if len(inside) else (np.searchsorted(SILU_BREAKS, high),) * 2
    x = SILU_BREAKS[max(min(first, len(SILU_BREAKS) - 1) - 1, 0) : last + 2]
    far = np.abs(x) >= SILU_BREAKS[-1]
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


# Where silu, its slope and its second derivative turn, to within NEAR; they are flat there to twice as many digits.
TURNS = (
    (-1.2784645427610738,),
    (-2.399357280515468, 2.399357280515468),
    (-3.4358158992166136, 0.0, 3.4358158992166136),
)
NEAR = 1e-7
# Errors of the formulas in floats: of the value, and of the largest of its terms. silu itself is one product, which may
# become zero where it should be tiny.
_ULPS, _ROUNDING, _TINY = 32, 1e-14, 1e-300


def _bend(x: Floats) -> Floats:
    """Second derivative."""
    s = expit(x)
    return s * (1 - s) * (2 + x * (1 - 2 * s))


_KINDS: tuple[Callable[[Floats], Floats], ...] = (silu, silu_slope, _bend)


def silu_ranges(x: Intervals, order: int = 0) -> Intervals:
    """Enclosures of silu over intervals, or of its first or second derivative.

    Each is monotone between the few places where it turns, so that its range over an interval is that of its ends and of the
    places inside. Far out all three are a hair from 0, x or 1.

    Parameters
    ----------
    x : Intervals
    order : int
        0, 1 or 2.
    """
    kind = _KINDS[order]
    ends = [kind(x.low), kind(x.high)]
    for turn in TURNS[order]:
        inside = (x.low <= turn + NEAR) & (turn - NEAR <= x.high)
        ends.append(np.where(inside, kind(np.full_like(x.low, turn)), ends[0]))
    both = np.stack(ends)
    low, high = both.min(0), both.max(0)
    hair = _ROUNDING if order else _TINY
    return outward(low - hair, high + hair, _ULPS)
