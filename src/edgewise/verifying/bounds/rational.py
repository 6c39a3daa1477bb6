"""The excess of a goal at one row without rounding: what decides where floats are within their margin of a bound.

A row's numbers and a network's parameters are floats, hence fractions, and so are all values of B-splines. The sums of a
layer are rounded to P binary digits, so that fractions do not grow from layer to layer; what that changes lies far below
`TRUSTED` times the size of the numbers that are added up, however large or small they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.layers.linear import KANLinear
from edgewise.network.module import KAN
from edgewise.verifying.bounds.exact import exact_silu
from edgewise.verifying.domain.goals import Goal, InputTerm, Slope
from edgewise.verifying.domain.space import CellSpace

# A value, and its derivative in one input.
Pair = tuple[Fraction, Fraction]
P = 256
TRUSTED = Fraction(1, 1 << 160)


def _fraction(values: torch.Tensor) -> list[Fraction]:
    return [Fraction(value) for value in values.detach().cpu().double().reshape(-1).tolist()]


def _rounded(value: Fraction) -> Fraction:
    bits = P + value.denominator.bit_length() - value.numerator.bit_length()
    return Fraction(round(value * (1 << bits)), 1 << bits) if bits > 0 else value


@dataclass(frozen=True, eq=False)
class _RationalLayer:
    layer: KANLinear

    @cached_property
    def tables(self) -> tuple[list[list[Fraction]], list[list[list[Fraction]]], list[Fraction]]:
        """Knots of the inputs, continued beyond the grid by the width of its end intervals; coefficients; biases."""
        k, knots = self.layer.degree, list[list[Fraction]]()
        for row in self.layer.grid:
            grid = _fraction(row)
            first, last = grid[1] - grid[0], grid[-1] - grid[-2]
            low = [grid[0] - first * n for n in range(k, 0, -1)]
            knots.append([*low, *grid, *(grid[-1] + last * n for n in range(1, k + 1))])
        coef = [[_fraction(m) for m in row] for row in self.layer.numeric_coef()]
        bias = self.layer.bias
        return knots, coef, [Fraction(0)] * self.layer.out_features if bias is None else _fraction(bias)

    @cached_property
    def base(self) -> list[list[Fraction]]:
        """Weights of silu."""
        weights, layer = self.layer.base_weight, self.layer
        if weights is None:
            return [[Fraction(0)] * layer.out_features] * layer.in_features
        return [_fraction(row) for row in weights * layer.numeric_mask()]

    def forward(self, h: Sequence[Pair]) -> list[tuple[Pair, Pair]]:
        """The sums, and those of the sizes of what is added up."""
        knots, coef, bias = self.tables
        base = self.base
        sums = [(item, Fraction(0)) for item in bias]
        sizes = [(abs(item), Fraction(0)) for item in bias]
        for t, rows, weights, x in zip(knots, coef, base, h, strict=True):
            first, live = _basis(t, self.layer.degree, x)
            own = exact_silu(x[0]) if any(weights) else (Fraction(0), Fraction(0))
            for o, (value, slope) in enumerate(sums):
                summands = [(b * row[o], d * row[o]) for (b, d), row in zip(live, rows[first:], strict=False)]
                summands.append((weights[o] * own[0], weights[o] * own[1] * x[1]))
                sums[o] = (
                    _rounded(value + sum(b for b, _ in summands)),
                    _rounded(slope + sum(d for _, d in summands)),
                )
                size, steep = sizes[o]
                sizes[o] = (
                    _rounded(size + sum(abs(b) for b, _ in summands)),
                    _rounded(steep + sum(abs(d) for _, d in summands)),
                )
        return list(zip(sums, sizes, strict=True))


def _multiplied(factors: Sequence[Pair]) -> Pair:
    """A product, or the one factor, and its derivative."""
    value, slope = factors[0]
    for other, rise in factors[1:]:
        value, slope = _rounded(value * other), _rounded(slope * other + value * rise)
    return value, slope


def _basis(knots: list[Fraction], degree: int, x: Pair) -> tuple[int, list[Pair]]:
    """The first live B-spline at x, and the live ones' values and derivatives (times that of x).

    References
    ----------
    L. Piegl, W. Tiller, "The NURBS Book", algorithm A2.2, doi:10.1007/978-3-642-59223-2.
    """
    at, slope = x
    low, high = knots[degree], knots[-degree - 1]
    inside = min(max(at, low), high)
    j = degree
    while j < len(knots) - degree - 2 and inside >= knots[j + 1]:
        j += 1
    values, slopes = [Fraction(1)], [Fraction(0)]
    for r in range(1, degree + 1):
        # N'_{i,r} = r (N_{i,r-1} / (t_{i+r} - t_i) - N_{i+1,r-1} / (t_{i+r+1} - t_{i+1}))
        new, rise = [Fraction(0)] * (r + 1), [Fraction(0)] * (r + 1)
        for n in range(r):
            left, right = knots[j + n - r + 1], knots[j + n + 1]
            share = values[n] / (right - left)
            new[n] += (right - inside) * share
            new[n + 1] += (inside - left) * share
            rise[n] -= r * share
            rise[n + 1] += r * share
        values, slopes = new, rise
    beyond = at - inside  # a straight line from the end on
    return j - degree, [(v + beyond * s, s * slope) for v, s in zip(values, slopes, strict=True)]


def exact_excess(models: Sequence[KAN], space: CellSpace, goal: Goal, x: Floats) -> float:
    """The excess of a goal at a row of the domain, whose sign is certain; 0 where it is not to be distinguished from that.

    Parameters
    ----------
    models : sequence of KAN
        Networks of numeric B-spline edges.
    space : CellSpace
    goal : OutputBounds or Slope
    x : array of shape (inputs,)

    Notes
    -----
    Of a slope at a break it is that of the right side.

    Examples
    --------
    >>> from edgewise.verifying.domain.domain import Domain, Group
    >>> from edgewise.verifying.domain.goals import OutputTerm, OutputBounds
    >>> from edgewise.verifying.domain.space import make_space
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> space = make_space(Domain((Group("x", (0,), (((-1.0, 1.0),),)),)), 1)
    >>> y = float(net.predict(np.array([[0.3]]))[0, 0])
    >>> abs(exact_excess([net], space, OutputBounds(((OutputTerm(0),),), (0.0,)), np.array([0.3])) - y) < 1e-12
    True
    """
    if isinstance(goal, Slope):
        (_, slope), (_, steep) = _sized(models[goal.model], x, goal.input)[goal.output]
        return _certain(goal.sign * slope - Fraction(goal.bound), steep + abs(Fraction(goal.bound)))
    known: dict[tuple[int, tuple[int, int] | None], list[tuple[Pair, Pair]]] = {}
    found: list[float] = []
    for row, bound in zip(goal.rows, goal.bounds, strict=True):
        value, size = -Fraction(bound), abs(Fraction(bound))
        for term in row:
            if isinstance(term, InputTerm):
                value += Fraction(term.weight) * Fraction(float(x[term.input]))
                size += abs(Fraction(term.weight) * Fraction(float(x[term.input])))
                continue
            key = (term.model, term.moved)
            if key not in known:
                at = x
                if term.moved is not None:
                    cell = space.first[term.moved[0]] + term.moved[1]
                    at = np.where(space.owns()[cell], space.low[cell], x)
                known[key] = _sized(models[term.model], at)
            (y, _), (most, _) = known[key][term.output]
            value += Fraction(term.weight) * y
            size += abs(Fraction(term.weight)) * most
        found.append(_certain(value, size))
    return min(found)


def _certain(value: Fraction, size: Fraction) -> float:
    return float(value) if abs(value) > TRUSTED * size else 0.0


def _sized(net: KAN, x: Floats, moving: int = -1) -> list[tuple[Pair, Pair]]:
    """Outputs and their derivatives in one input; and the sizes of the numbers that each is the sum of."""
    shifts, scales = _fraction(net.input_shift), _fraction(net.input_scale)
    h = [
        ((Fraction(float(value)) - shift) / scale, Fraction(int(i == moving)) / scale)
        for i, (value, shift, scale) in enumerate(zip(x, shifts, scales, strict=True))
    ]
    sizes = list[Pair]()
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        sums = _RationalLayer(layer).forward(h)
        h, sizes = (
            [_multiplied([sums[k][part] for k in group]) for group in spec.nodes.groups()] for part in (0, 1)
        )
    ends = zip(h, sizes, _fraction(net.output_shift), _fraction(net.output_scale), strict=True)
    return [
        ((shift + scale * value, scale * slope), (abs(shift) + abs(scale) * size, abs(scale) * steep))
        for (value, slope), (size, steep), shift, scale in ends
    ]
