"""Values of the bases as ONNX operators: t, (n, S, 1), inside the grid -> parts (n, S, m) that make up all M functions."""

from __future__ import annotations

import math

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.exporting.onnx_graph import Graph
from edgewise.exporting.program import ProgramLayer
from edgewise.splines.rbf import GaussianRBF


def basis_values(g: Graph, layer: ProgramLayer, t: str, grid: Floats) -> list[str]:
    """Parts to be joined along the last axis."""
    if layer.basis == "bspline":
        return [_bspline(g, t, grid, layer.degree)]
    u = _unit(g, t, grid)
    if layer.basis == "chebyshev":
        return _series(g, u, layer.size)
    if layer.basis == "rational":
        one = g.constant(1.0)
        return _series(g, g.op("Div", u, g.op("Sqrt", g.op("Add", one, g.op("Mul", u, u)))), layer.size)
    return [_fourier(g, u, layer.size)] if layer.basis == "fourier" else _rbf(g, t, u, grid)


def _bspline(g: Graph, t: str, knots: Floats, degree: int) -> str:
    """All B-splines: from indicators of the intervals up by the Cox-de Boor recursion."""
    intervals = knots.shape[1] - 1 - 2 * degree
    none = g.op("Mul", t, g.constant(0.0))  # NaN where t is NaN
    one = g.op("Add", none, g.constant(1.0))
    values = one
    if intervals > 1:
        inner = g.constant(knots[:, degree + 1 : degree + intervals])
        reached = g.op("Cast", g.op("GreaterOrEqual", t, inner), to=11)
        values = g.op("Sub", g.op("Concat", one, reached, axis=2), g.op("Concat", reached, none, axis=2))
    for d in range(1, degree + 1):
        # The functions of degree d - 1 that live inside the grid start at these knots and end d knots later.
        left = knots[:, degree - d + 1 : degree + intervals]
        right = knots[:, degree + 1 : degree + intervals + d]
        share = g.op("Mul", g.op("Sub", t, g.constant(left)), g.constant(1.0 / (right - left)))
        rising = g.op("Mul", share, values)
        falling = g.op("Sub", values, rising)
        values = g.op("Add", g.op("Concat", falling, none, axis=2), g.op("Concat", none, rising, axis=2))
    return values


def _unit(g: Graph, t: str, grid: Floats) -> str:
    """Coordinate that runs from -1 to 1 over the domain, measured from the nearer end."""
    low, high = grid[:, :1], grid[:, -1:]
    slope, one = g.constant(2.0 / (high - low)), g.constant(1.0)
    from_low, from_high = g.op("Sub", t, g.constant(low)), g.op("Sub", g.constant(high), t)
    left = g.op("Sub", g.op("Mul", from_low, slope), one)
    right = g.op("Sub", one, g.op("Mul", from_high, slope))
    return g.op("Where", g.op("Less", from_low, from_high), left, right)


def _series(g: Graph, u: str, size: int) -> list[str]:
    """1, u, ... with f(n + 1) = 2 u f(n) - f(n - 1)."""
    one = g.op("Add", g.op("Mul", u, g.constant(0.0)), g.constant(1.0))
    twice, terms = g.op("Mul", u, g.constant(2.0)), [one, u]
    for _ in range(size - 2):
        terms.append(g.op("Sub", g.op("Mul", twice, terms[-1]), terms[-2]))
    return terms[:size]


def _fourier(g: Graph, u: str, size: int) -> str:
    """1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2 over the domain."""
    number = np.arange(size)
    turns = g.constant((number + 1) // 2 * (math.pi / 2))
    return g.op("Sin", g.op("Add", g.op("Mul", u, turns), g.constant(np.where(number % 2, 0.0, math.pi / 2))))


def _rbf(g: Graph, t: str, u: str, grid: Floats) -> list[str]:
    """1, u and a Gaussian around every centre."""
    gaps = np.diff(grid, axis=1)
    around = np.hstack([gaps[:, :1], gaps]) + np.hstack([gaps, gaps[:, -1:]])
    inverse = g.constant(1.0 / (GaussianRBF.width / 2 * around))
    v = g.op("Mul", g.op("Sub", t, g.constant(grid)), inverse)
    one = g.op("Add", g.op("Mul", u, g.constant(0.0)), g.constant(1.0))
    return [one, u, g.op("Exp", g.op("Neg", g.op("Mul", v, v)))]
