"""What a counterfactual must reach: another class, or a number beyond a bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, short
from edgewise._core.errors import InputError
from edgewise.explaining.columns import number_text
from edgewise.explaining.output import output_of
from edgewise.network.calibration import Calibration
from edgewise.network.fitted import Fitted

# A decision is changed only where its margin is this clear, so that rounding cannot change it back.
CLEAR = 1e-9


@dataclass(frozen=True)
class OutputGoal:
    """A set of outputs.

    Attributes
    ----------
    words : str
        What is wanted.
    weights : tuple of float or None
        The margin is `weights @ outputs + constant` where it is linear; else that of class `place` over the best other.
    constant : float
    place : int
    label : object
        The class that is wanted; None for numbers.
    calibration : Calibration or None
        What outputs become before classes are compared, where the largest output need not win.
    """

    words: str
    weights: tuple[float, ...] | None
    constant: float
    place: int
    label: Any
    calibration: Calibration | None = None

    def margin(self, outputs: Floats) -> Floats:
        """By how much outputs reach the goal: (n, outputs) -> (n,), reached where at least `clear`."""
        if self.weights is not None:
            return outputs @ np.array(self.weights) + self.constant
        if self.calibration is not None:
            outputs = self.calibration.probabilities(outputs)
        others = np.delete(outputs, self.place, axis=1)
        return outputs[:, self.place] - others.max(axis=1)

    def clear(self, outputs: Floats) -> float:
        """The least margin that counts, for outputs of this size."""
        return CLEAR * (1.0 + float(np.abs(outputs).max(initial=0.0)))


def goal_of(
    model: Fitted, outputs: Floats, target: Any, above: float | None, below: float | None
) -> OutputGoal:
    """What is wanted instead of what the model answers for a row with these outputs (1, outputs).

    Raises
    ------
    InputError
        If a class is wanted where numbers are predicted, or the other way round, or the row has it already.
    """
    if not model.classes:
        return _bound(model, outputs, target, above, below)
    if above is not None or below is not None:
        raise InputError(
            subject="The 'above' and 'below' arguments of counterfactuals",
            expected="be left out for a classifier",
            got="a bound",
            advice="name the class that is wanted as target",
        )
    if len(model.classes) == 1:
        raise InputError(
            argument="model", expected="know at least two classes", got="one that knows only one"
        )
    binary = outputs.shape[1] == 1
    now = int(model.decided(outputs)[0])
    through = None if model.calibration is None or model.calibration.carried else model.calibration
    if target is None:
        # Of more than two classes the runner-up is the nearest change.
        ranked = outputs if through is None else through.probabilities(outputs)
        place = 1 - now if binary else int(np.argsort(-ranked[0], kind="stable")[1])
    else:
        place = output_of(model, target).place
    if place == now:
        raise InputError(
            argument="target",
            expected="be another class than the row has",
            got=f"{short(model.classes[now])}, which it is already",
        )
    label = model.classes[place]
    if binary:
        sign = 1.0 if place else -1.0
        words = f"{label} instead of {model.classes[now]}"
        return OutputGoal(words, (sign,), -sign * model.threshold, place, label)
    return OutputGoal(f"{label} instead of {model.classes[now]}", None, 0.0, place, label, through)


def _bound(
    model: Fitted, outputs: Floats, target: Any, above: float | None, below: float | None
) -> OutputGoal:
    if target is not None:
        raise InputError(
            argument="target",
            expected="be left out for a model of numbers",
            got="one",
            advice="give above= or below=",
        )
    if (above is None) == (below is None):
        raise InputError(
            subject="Exactly one of 'above' and 'below' of counterfactuals",
            expected="be given for a model of numbers, as above=200_000",
            got=f"{('both' if above is not None else 'neither')}",
        )
    output = output_of(model)
    sign = 1.0 if above is not None else -1.0
    bound = check_float(above if above is not None else below, "above" if above is not None else "below")
    word = "above" if above is not None else "below"
    goal = OutputGoal(
        f"{output.name} {word} {number_text(bound)}",
        tuple(sign * weight for weight in output.weights),
        -sign * bound,
        output.place,
        None,
    )
    if goal.margin(outputs)[0] > 0:
        raise InputError(
            argument=word,
            expected="not hold of the row yet",
            got=(
                f"{number_text(bound)}, and the model answers "
                f"{number_text(float(output.of(outputs)[0]))} already"
            ),
        )
    return goal
