"""Newton's method on a penalised loss of which each look at the rows is a pass over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.training.config import TableConfig
from edgewise.training.streaming.quadratic import Directions, Quadratic, learned, solved

# Mean square, in network units, that the outputs are still to move by: weights are settled below the first, all below the
# second, where the next step would be about as small as the square of this one.
SMOOTH, STILL = 1e-5, 1e-11
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
    config: TableConfig,
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
    config : TableConfig
    learn : bool
        Whether the weights are learned.
    """
    outputs = theta.shape[1]
    aim, best, about = theta, np.inf, list[Quadratic]()
    looked, known = theta, False
    for _ in range(MOST_PASSES):
        found = look(aim)
        value = found[0].value + 0.5 * float((weights[directions.group] * aim[:-1] ** 2).sum())
        if known and value > best + 1e-10 * abs(best):
            aim = (aim + looked) / 2  # too far: half the way
            continue
        looked, best, about, known = aim, value, found, True
        theta, renewed = np.empty_like(aim), weights.copy()
        for k in range(outputs):
            if learn:
                theta[:, k], renewed[:, k] = learned(
                    about[k], looked[:, k], weights[:, k], directions, dispersed, config
                )
            else:
                theta[:, k] = solved(about[k], looked[:, k], weights[:, k], directions)
        weights = renewed
        step = theta - looked
        moved = sum(float(step[:, k] @ about[k].matrix @ step[:, k]) for k in range(outputs)) / about[0].total
        learn = learn and moved > SMOOTH
        if dispersed:
            # The model is the loss itself, so its solution is exact there.
            about = [each.about(step[:, k]) for k, each in enumerate(about)]
            return NewtonState(theta, weights, tuple(about), theta)
        if moved < STILL:
            break
        best = about[0].value + 0.5 * float((weights[directions.group] * looked[:-1] ** 2).sum())
        aim = theta
    return NewtonState(theta, weights, tuple(about), looked)
