"""Newton's method on a penalised loss of which each look at the rows is a pass over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.training.streaming.quadratic import Directions, Quadratic, learned, solved

# Mean square, in network units, that the outputs move by in a step: below the first the next one keeps the weights, below
# the second there is none, nor where the squares by which steps shrink say that it would be below the third.
SMOOTH, STILL, EXACT = 1e-3, 1e-11, 1e-16
# Log-odds that a step may move the rows of a feature by, as far as it is asked alone; and times that a step is shortened.
REACH, SHORTENED = 3.0, 6
# Passes at most; a loss that is a square needs one.
MOST_PASSES = 30

Look = Callable[[Floats], list[Quadratic]]
"""Quadratic models, by each output, about a point (P + 1, D)."""


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
    look: Look,
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
            about = [each.about(step[:, k]) for k, each in enumerate(about)]
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
        held = None if dispersed or not left else directions.held(model, step, REACH)
        if held is None:
            return theta, renewed, float(step @ model.matrix @ step) / model.total
        model = held
    raise AssertionError("the last is not shortened")
