"""Oscillations: trigonometric polynomials under an envelope, and sines of anything by unwrapping the phase."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, Variable
from edgewise.symbolic.costs import ROUTINE, SINGULAR
from edgewise.symbolic.univariate.curve import CurvePoints
from edgewise.symbolic.univariate.outer_functions import InnerCurve
from edgewise.symbolic.univariate.trees import ONE, X, add, call, multiply, power

_HARMONICS = 6
_POWERS = (0, 1, 2, 3, 4, -1, -2)
_RATES = (0.0, -1.0, 1.0, -0.5, -2.0)
_BASES = ((ONE, 1.0), (Number(0.5), 0.5), (Variable("pi"), np.pi))


def trigonometric(points: CurvePoints) -> Iterator[tuple[Node, float]]:
    """x^m * exp(b*x) * (sum of sines and cosines of multiples of a base frequency), with relative residuals.

    Any product of powers of sines and cosines of whole multiples is such a sum.
    """
    x, y = points.x, points.y
    root = np.sqrt(points.weight)
    waves = {base: _waves(x, frequency) for base, frequency in _BASES}
    for m, rate in itertools.product(_POWERS, _RATES):
        if m < 0 and (x == 0).any():
            continue
        with np.errstate(all="ignore"):
            envelope = np.exp(rate * x) * x**m if m >= 0 else np.exp(rate * x) / x**-m
        if not np.isfinite(envelope).all():
            continue
        for base, _ in _BASES:
            design = waves[base] * (envelope * root)[:, None]
            charge(ROUTINE + SINGULAR * design.size * design.shape[1])
            norms = np.linalg.norm(design, axis=0)
            norms[norms == 0] = 1.0
            solution, _, _, _ = np.linalg.lstsq(design / norms, y * root, rcond=1e-13)
            left = y * root - design / norms @ solution
            residual = float(np.sqrt(np.mean(left * left))) / points.spread
            factors = solution / norms
            important = np.abs(solution) > 1e-7 * np.abs(solution).max()
            # A long sum that is not the law imitates anything.
            if residual > points.near and important.sum() > 3:
                continue
            yield _tree(factors, important, m, rate, base), residual


def _waves(x: Floats, frequency: float) -> Floats:
    turns = np.arange(1, _HARMONICS + 1) * frequency
    z = x[:, None] * turns
    return np.column_stack([np.ones(len(x)), np.sin(z), np.cos(z)])


def _tree(factors: Floats, important: NDArray[np.bool_], m: int, rate: float, base: Node) -> Node:
    terms: list[Node] = []
    for at in np.flatnonzero(important):
        if at == 0:
            terms.append(Number(float(factors[0])))
            continue
        name, turn = ("sin", at) if at <= _HARMONICS else ("cos", at - _HARMONICS)
        exact = base if not isinstance(base, Number) or isinstance(base.value, int) else None
        inner = multiply(Number(int(turn)), exact, X) if exact is not None else multiply(Number(turn / 2), X)
        terms.append(multiply(Number(float(factors[at])), call(name, inner)))
    envelope = call("exp", multiply(Number(float(rate)), X)) if rate else ONE
    return multiply(power(X, m), envelope, add(*terms))


def phase(points: CurvePoints) -> InnerCurve | None:
    """The curve g of y = a*sin(g(x)) + d, where y turns at both ends of its range again and again.

    Between its turns at the ends the arcsine is followed from branch to branch; a turn before an end is one of g itself.
    """
    y = points.y
    high, low = float(y.max()), float(y.min())
    size, middle = (high - low) / 2, (high + low) / 2
    if size <= 0 or len(y) < 40:
        return None
    v = (y - middle) / (size * (1 + 1e-9))
    branch, branches = 0, np.zeros(len(v))
    ends = 0
    for at in range(1, len(v) - 1):
        branches[at] = branch
        turns = (v[at] - v[at - 1]) * (v[at + 1] - v[at]) <= 0
        if turns and abs(v[at]) > 0.93:
            # Branch k holds the phases within pi/2 of k*pi; even ones end at +1 above, odd ones below.
            even = branch % 2 == 0
            branch += 1 if (v[at] > 0) == even else -1
            ends += 1
    branches[-1] = branch
    if ends < 2 or ends > len(v) // 4:
        return None
    inner = np.where(branches % 2 == 0, 1.0, -1.0) * np.arcsin(v) + np.pi * branches
    inside = points.with_target(inner, points.weight * np.maximum(1 - v * v, 1e-4))
    if inside is None:
        return None

    def wrap(node: Node) -> Node:
        return add(multiply(Number(float(size)), call("sin", node)), Number(float(middle)))

    return InnerCurve("phase", inside, wrap)
