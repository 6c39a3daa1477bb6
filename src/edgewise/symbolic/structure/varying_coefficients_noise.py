"""Sums of known functions of one feature under noise, with unknown functions of another for weights: a(u) f(v) + b(u) g(v).

The rates of dynamical systems are often of this kind: x (4 - x) - y x/(1 + x). With polynomials for the weights the fit is
linear, and rows that are left out tell how far they should bend and which f and g serve. The rows less all other parts, over
what a weight stands before, then are noisy values of that weight: a curve, which is read as any other.

References
----------
Hastie, Tibshirani (1993), Varying-coefficient models. J. R. Stat. Soc. B 55(4). doi:10.1111/j.2517-6161.1993.tb01939.x
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.work import spent
from edgewise.forms.tree import Apply, Node, Number, Variable, substitute
from edgewise.symbolic.config import SearchConfig
from edgewise.symbolic.costs import ORTHOGONAL
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.curves import curves
from edgewise.symbolic.structure.state import power, product
from edgewise.symbolic.univariate.search import one_variable
from edgewise.symbolic.univariate.trees import size

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Part:
    """A function of the feature that enters by known functions, and the weight before it, on the rows."""

    tree: Node
    values: Floats
    weight: Floats


def weighed(rows: SplitRows, weight: Floats, until: float) -> Iterator[Node]:
    """Formulas in two features of which one enters by known functions.

    Parameters
    ----------
    rows
        Two features and a target.
    weight
        How much the target counts on each row.
    until
        The count of work (see `spent`) where it ends.
    """
    config = rows.config
    if len(rows.y) < config.weighed_rows:
        return
    fitted: list[tuple[float, int, list[_Part]]] = []
    for at in (0, 1):
        for functions in _functions(rows, at):
            error, parts = _fit(rows, 1 - at, functions, weight)
            if math.isfinite(error):
                fitted.append((error, at, parts))
    fitted.sort(key=lambda each: each[0])
    for error, at, parts in fitted[: config.weighed_models]:
        left = (until - spent()) / config.curves.work_units
        if error > config.weighed_chance * fitted[0][0] or left < config.weighed_least_work:
            return
        yield from _read(rows, 1 - at, parts, weight, error, min(config.weighed_work, left / 4))


def _functions(rows: SplitRows, at: int) -> Iterator[Sequence[tuple[Node, Floats]]]:
    v, name = rows.X[:, at], Variable(rows.names[at])
    one = (Number(1), np.ones(len(v)))
    waves = [(Apply(kind, (name,)), values) for kind, values in (("sin", np.sin(v)), ("cos", np.cos(v)))]
    yield [one, (name, v)]
    yield [one, (power(name, 2.0), v**2)]
    yield [(name, v), (power(name, 2.0), v**2)]
    yield waves
    yield from ([one, wave] for wave in waves)
    if (v > 0).all() or (v < 0).all():
        yield [one, (power(name, -1.0), 1 / v)]
        yield [(name, v), (power(name, -1.0), 1 / v)]
    if (v > 0).all():
        yield [one, (power(name, 0.5), np.sqrt(v))]
        yield [one, (Apply("log", (name,)), np.log(v))]
    if float(np.abs(v).max()) < 20:
        yield [one, (Apply("exp", (name,)), np.exp(v))]
        yield [one, (Apply("exp", (Apply("neg", (name,)),)), np.exp(-v))]


def _fit(
    rows: SplitRows, by: int, functions: Sequence[tuple[Node, Floats]], weight: Floats
) -> tuple[float, list[_Part]]:
    """The error on left-out rows with the best degree, and the parts."""
    u = rows.X[:, by]
    if not np.ptp(u) > 0:
        return math.inf, []
    degrees = rows.config.weighed_degrees
    whole = np.polynomial.chebyshev.chebvander(2 * (u - u.min()) / np.ptp(u) - 1, max(degrees))
    best: tuple[float, list[_Part]] = (math.inf, [])
    for degree in degrees:
        table = whole[:, : degree + 1]
        design = np.concatenate([table * values[:, None] for _, values in functions], axis=1)
        if 4 * design.shape[1] > len(u):
            break
        ORTHOGONAL(design.size * design.shape[1])
        q, r = np.linalg.qr(design * weight[:, None])
        size = np.abs(np.diagonal(r))
        if not size.min() > 1e-10 * size.max():
            break
        along = q.T @ (rows.y * weight)
        left = (rows.y * weight - q @ along) / np.maximum(1 - np.square(q).sum(1), 1e-2)
        error = float(np.sqrt(np.mean(np.square(left))))
        if error < best[0]:
            parts = np.split(np.linalg.solve(r, along), len(functions))
            made = [_Part(*each, table @ part) for each, part in zip(functions, parts, strict=True)]
            best = error, made
    return best


def _read(
    rows: SplitRows, by: int, parts: Sequence[_Part], weight: Floats, error: float, work: float
) -> Iterator[Node]:
    """Closed forms of the weights put together, and of each those that the rows leave once the other has its form."""
    left = rows.y - sum((each.values * each.weight for each in parts), np.zeros(len(rows.y)))
    name = Variable(rows.names[by])
    first = [
        _forms(_curve(rows, by, each, each.weight * each.values + left, weight), error, name, work)
        for each in parts
    ]
    for picked in itertools.product(*first):
        yield Apply("+", tuple(product(form, each.tree) for form, each in zip(picked, parts, strict=True)))
    for own, (part, other) in zip(first, (parts, parts[::-1]), strict=True):
        for form in own:
            tape = Tape(form, (name.name,))
            rest = rows.y - part.values * tape.value(tape.start, rows.X[:, [by]])
            curve = _curve(rows, by, other, rest, weight)
            for each in itertools.islice(
                curves(curve.rows(name), np.sqrt(curve.counts)), rows.config.weighed_second
            ):
                yield Apply("+", (product(form, part.tree), product(each, other.tree)))


@dataclass(frozen=True, eq=False)
class _Curve:
    """Noisy values of a weight, and how much each counts."""

    x: Floats
    y: Floats
    counts: Floats
    config: SearchConfig

    def rows(self, name: Variable) -> SplitRows:
        held = self.x[:0, None], self.y[:0]
        return SplitRows((name.name,), self.x[:, None], self.y, *held, config=self.config)


def _curve(rows: SplitRows, by: int, part: _Part, target: Floats, weight: Floats) -> _Curve:
    """What a weight would have to be on each row for its part to be the target."""
    strength = np.abs(part.values)
    seen = strength > rows.config.weighed_faint * strength.max()
    counts = np.square(weight * strength)[seen]
    return _Curve(rows.X[seen, by], target[seen] / part.values[seen], counts, rows.config)


def _forms(curve: _Curve, error: float, name: Variable, work: float) -> list[Node]:
    """Closed forms of a weight: a constant, and of those that follow it the simplest and the closest."""
    config, x, y, counts = curve.config, curve.x, curve.y, curve.counts
    scale = math.sqrt(float(np.average(np.square(y), weights=counts)))
    accuracy = min(1.0, 1.1 * error / math.sqrt(float(counts.mean())) / max(scale, 1e-300))
    told: list[tuple[float, Node]] = []
    for each in one_variable(x, y, counts / counts.max(), accuracy=accuracy, work=work, config=config):
        told.append((each.residual, substitute(each.tree, "x", name)))
    for tree in curves(curve.rows(name), np.sqrt(counts)):
        tape = Tape(tree, (name.name,))
        left = np.square(tape.value(tape.start, x[:, None]) - y)
        told.append((math.sqrt(float(np.average(left, weights=counts))) / max(scale, 1e-300), tree))
    least = min((residual for residual, _ in told if math.isfinite(residual)), default=math.inf)
    near = [
        (size(tree), residual, tree) for residual, tree in told if residual <= config.weighed_near * least
    ]
    simple, close = sorted(near, key=lambda each: each[:2]), sorted(near, key=lambda each: each[1])
    simple, close = simple[: config.weighed_simplest], close[: config.weighed_closest]
    kept = [*simple, *(each for each in close if each not in simple)]
    return [Number(float(np.average(y, weights=counts))), *(tree for _, _, tree in kept)]
