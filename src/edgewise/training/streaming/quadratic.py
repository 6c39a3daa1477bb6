"""The penalised fit from sums over the rows alone: the quadratic model of a loss, its least, and weights by the evidence.

Of a loss that is no square the model is made anew about one point after the other, each of a pass over the rows: Newton's
method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, lapack

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.kernels.sparse import mirrored
from edgewise.training.additive.irls import LEAST_FREEDOM, SETTLED, weight_limits
from edgewise.training.common.costs import solve_cost
from edgewise.training.streaming.features import FeatureBlock

# Updates of the weights on one quadratic model.
UPDATES = 60
# Mean square, in network units, that the outputs move by in a step: below the first the next one keeps the weights, below
# the second there is none, nor where the squares by which steps shrink say that it would be below the third.
SMOOTH, STILL, EXACT = 1e-3, 1e-11, 1e-16
# Log-odds that a step may move the rows of a feature by, as far as it is asked alone; and times that a step is shortened.
STEP_REACH, SHORTENED = 3.0, 6
# Passes at most; a loss that is a square needs one.
MOST_PASSES = 30


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A loss about a point: value + gradient d + d^T matrix d / 2, in directions; the constant comes last.

    Attributes
    ----------
    matrix : array of shape (P + 1, P + 1)
    gradient : array of shape (P + 1,)
    value, total : float
        Sum of the losses, and of the weights of the rows.
    bends, pulled : array of shape (features,)
        Curvature and gradient in each feature.
    """

    matrix: Floats
    gradient: Floats
    value: float
    total: float
    bends: Floats
    pulled: Floats

    def less(self, other: Quadratic) -> Quadratic:
        """Without the rows of another."""
        names = [part.name for part in fields(self)]
        return Quadratic(*(getattr(self, name) - getattr(other, name) for name in names))

    def at(self, step: Floats) -> float:
        """Its value a step away."""
        return self.value + float(self.gradient @ step) + 0.5 * float(step @ self.matrix @ step)

    def about(self, step: Floats) -> Quadratic:
        """The same about a point that is a step away."""
        return replace(self, gradient=self.gradient + self.matrix @ step, value=self.at(step))


@dataclass(frozen=True, eq=False)
class Directions:
    """The directions of the parts, one after the other, and groups of them that have one weight.

    Attributes
    ----------
    parts : sequence of FeatureBlock
    group : array of shape (P,)
    sizes : array of shape (groups,)
    """

    parts: Sequence[FeatureBlock]
    group: NDArray[np.int64]
    sizes: Floats

    @property
    def count(self) -> int:
        """P, without the constant."""
        return len(self.group)

    def of_sums(self, gram: Floats, pulled: Floats, value: float) -> Quadratic:
        """The quadratic model from sums over the rows in features: the upper half of a matrix, and a gradient."""
        whole = self._completed(mirrored(gram))
        first = self.parts[0].features
        half = np.empty((len(whole), self.count + 1))
        for part, columns in zip(self.parts, self._slices, strict=True):
            half[:, columns] = whole[:, part.features] @ part.directions
        half[:, -1] = whole[:, first].sum(1)
        matrix, slope = np.empty((self.count + 1,) * 2), np.empty(self.count + 1)
        for part, rows in zip(self.parts, self._slices, strict=True):
            matrix[rows] = part.directions.T @ half[part.features]
            slope[rows] = part.directions.T @ pulled[part.features]
        matrix[-1], slope[-1] = half[first].sum(0), pulled[first].sum()
        return Quadratic(
            (matrix + matrix.T) / 2, slope, value, float(matrix[-1, -1]), whole.diagonal().copy(), pulled
        )

    def held(self, quadratic: Quadratic, step: Floats, reach: float) -> Quadratic | None:
        """The model with more curvature in features that a step (P + 1,) moves too far; None where it moves none so.

        Where a model is sure and wrong, the curvature of log-odds says next to nothing of how far it is to go. A feature
        that moves further than `reach` gets so much that alone it would go so far; where steps end does not change.
        """
        enough = np.abs(quadratic.pulled) / reach
        far = np.flatnonzero((np.abs(self.features(step)) > reach) & (enough > quadratic.bends))
        if not len(far):
            return None
        whole = np.zeros((len(far), self.count + 1))
        for part, columns in zip(self.parts, self._slices, strict=True):
            own = (far >= part.start) & (far < part.features.stop)
            whole[own, columns] = part.directions[far[own] - part.start]
        first = self.parts[0].features
        whole[(far >= first.start) & (far < first.stop), -1] = 1.0
        more = (enough - quadratic.bends)[far]
        bends = quadratic.bends.copy()
        bends[far] = enough[far]
        return replace(quadratic, matrix=quadratic.matrix + (whole.T * more) @ whole, bends=bends)

    def _completed(self, whole: Floats) -> Floats:
        """With the products of common numbers: the features of one input come to one in every row."""
        first = self.parts[0].features
        total = whole[:, first].sum(1)
        left_out = [part for part in self.parts if part.common >= 0]
        for part in left_out:
            # What was not summed is zero so far.
            total[part.start + part.common] = total[first].sum() - total[part.features].sum()
        for part in left_out:
            at = part.start + part.common
            whole[:, at] = 0.0  # of another common number it says what is not yet so
            whole[at] = whole[:, at] = total - whole[:, part.features].sum(1)
            whole[part.features, at] = whole[at, part.features] = 0.0
            whole[at, at] = total[at]
        return whole

    def features(self, theta: Floats) -> Floats:
        """What directions (P + 1,) come to in features, the constant among those of the first part."""
        out = np.zeros(max(part.features.stop for part in self.parts))
        for part, columns in zip(self.parts, self._slices, strict=True):
            out[part.features] = part.directions @ theta[columns]
        out[self.parts[0].features] += theta[-1]
        return out

    @property
    def _slices(self) -> list[slice]:
        ends = np.cumsum([0, *(part.directions.shape[1] for part in self.parts)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def split(self, theta: Floats) -> list[Floats]:
        """Directions (P + 1,) part by part."""
        return [theta[columns] for columns in self._slices]


def directions_of(parts: Sequence[FeatureBlock]) -> Directions:
    """The directions of the parts, each group of each part with a weight of its own."""
    group, begin = list[NDArray[np.int64]](), 0
    for part in parts:
        _, own = np.unique(part.group, return_inverse=True)
        group.append(own + begin)
        begin += int(own.max(initial=-1)) + 1
    whole = np.concatenate(group) if group else np.empty(0, np.int64)
    return Directions(parts, whole, np.bincount(whole, minlength=begin).astype(np.float64))


def solved(quadratic: Quadratic, theta: Floats, weights: Floats, directions: Directions) -> Floats:
    """The least of a quadratic model about theta (P + 1,) with penalties of given weights (groups,)."""
    root = _root(quadratic, weights, directions)
    return theta - cho_solve((root, True), _pull(quadratic, theta, weights, directions))


def learned(
    quadratic: Quadratic,
    theta: Floats,
    weights: Floats,
    directions: Directions,
    dispersed: bool,
) -> tuple[Floats, Floats]:
    """The least of a quadratic model, and the weights that maximise the evidence.

    References
    ----------
    S. Wood and M. Fasiolo, "A generalized Fellner-Schall method for smoothing parameter optimization", 2017,
    doi:10.1111/biom.12666.
    """
    total, group = quadratic.total, directions.group
    limits, best = weight_limits(total, dispersed), theta
    for _ in range(UPDATES):
        root = _root(quadratic, weights, directions)
        charge(3 * solve_cost(len(root)))
        best = theta - cho_solve((root, True), _pull(quadratic, theta, weights, directions))
        inverse = _inverse_diagonal(root)[:-1]
        free = np.maximum(directions.sizes - weights * np.bincount(group, inverse, len(weights)), 1e-6)
        size = np.maximum(np.bincount(group, best[:-1] ** 2, len(weights)), 1e-30)
        noise = 1.0
        if dispersed:
            rest = max(2 * quadratic.at(best - theta), 1e-14 * total)
            noise = rest / max(total - 1 - float(free.sum()), LEAST_FREEDOM * total)
        renewed = np.clip(noise * free / size, *limits)
        moved = float(np.abs(np.log(renewed / weights)).max(initial=0.0))
        weights = renewed
        if moved < SETTLED:
            break
    return solved(quadratic, theta, weights, directions), weights


def _root(quadratic: Quadratic, weights: Floats, directions: Directions) -> Floats:
    whole = quadratic.matrix.copy()
    diagonal = np.einsum("ii->i", whole)
    diagonal[:-1] += weights[directions.group]
    try:
        return cho_factor(whole, lower=True, overwrite_a=False)[0]
    except np.linalg.LinAlgError:
        diagonal += 1e-8 * float(diagonal.mean())
        return cho_factor(whole, lower=True)[0]


def _pull(quadratic: Quadratic, theta: Floats, weights: Floats, directions: Directions) -> Floats:
    pull = quadratic.gradient.copy()
    pull[:-1] += weights[directions.group] * theta[:-1]
    return pull


def _inverse_diagonal(root: Floats) -> Floats:
    """Diagonal of the inverse, from the lower root."""
    inverse, _ = cast(Any, lapack).dtrtri(root, lower=1)
    return np.einsum("ij,ij->j", np.tril(inverse), np.tril(inverse))


@dataclass(frozen=True, eq=False)
class NewtonState:
    """Where Newton's method has come to.

    Attributes
    ----------
    theta : array of shape (P + 1, D)
    weights : array of shape (groups, D)
    about : tuple of Quadratic
        The quadratic models about `looked`.
    looked : array of shape (P + 1, D)
        The last point that the rows were asked about.
    """

    theta: Floats
    weights: Floats
    about: tuple[Quadratic, ...]
    looked: Floats

    def without(self, held: list[Quadratic], directions: Directions) -> Floats:
        """One step from where the rows were last asked without some of them, the weights as they are."""
        columns = [
            solved(whole.less(own), self.looked[:, k], self.weights[:, k], directions)
            for k, (whole, own) in enumerate(zip(self.about, held, strict=True))
        ]
        return np.stack(columns, 1)


def minimised(
    look: Callable[[Floats], list[Quadratic]],
    theta: Floats,
    weights: Floats,
    directions: Directions,
    dispersed: bool,
    learn: bool = True,
) -> NewtonState:
    """Where a penalised loss is least, and the weights of the penalties by the evidence.

    Parameters
    ----------
    look : callable
        Quadratic models, by each output, about a point (P + 1, D).
    theta, weights : array of shape (P + 1, D) and (groups, D)
        Where to start.
    directions : Directions
    dispersed : bool
        Whether the loss is a squared error, whose sums one pass gives exactly.
    learn : bool
        Whether the weights are learned.
    """
    aim, best, about = theta, np.inf, list[Quadratic]()
    looked, known, before = theta, False, np.nan
    for _ in range(MOST_PASSES):
        found = look(aim)
        value = found[0].value + 0.5 * float((weights[directions.group] * aim[:-1] ** 2).sum())
        if known and value > best + 1e-10 * abs(best):
            aim = (aim + looked) / 2  # too far: half the way
            continue
        looked, best, about, known = aim, value, found, True
        theta, renewed, moved = np.empty_like(aim), weights.copy(), 0.0
        for k, own in enumerate(about):
            theta[:, k], renewed[:, k], far = _step(
                own, looked[:, k], weights[:, k], directions, dispersed, learn
            )
            moved += far
        weights, step = renewed, theta - looked
        learn = learn and moved > SMOOTH
        if dispersed:
            # The model is the loss itself, so its solution is exact there.
            about = [quadratic.about(step[:, k]) for k, quadratic in enumerate(about)]
            return NewtonState(theta, weights, tuple(about), theta)
        shrinks = moved / before**2
        if moved < STILL or (shrinks <= 1 and shrinks * moved**2 < EXACT):
            break
        before = moved
        best = about[0].value + 0.5 * float((weights[directions.group] * looked[:-1] ** 2).sum())
        aim = theta
    else:
        theta = looked  # where the next step leads to, no rows have been asked
    return NewtonState(theta, weights, tuple(about), looked)


def _step(
    model: Quadratic,
    looked: Floats,
    weights: Floats,
    directions: Directions,
    dispersed: bool,
    learn: bool,
) -> tuple[Floats, Floats, float]:
    """Where a step leads to, the weights, and the mean square that the outputs move by."""
    for left in reversed(range(SHORTENED)):
        theta, renewed = (
            learned(model, looked, weights, directions, dispersed)
            if learn
            else (solved(model, looked, weights, directions), weights)
        )
        step = theta - looked
        held = None if dispersed or not left else directions.held(model, step, STEP_REACH)
        if held is None:
            return theta, renewed, float(step @ model.matrix @ step) / model.total
        model = held
    raise AssertionError("the last is not shortened")
