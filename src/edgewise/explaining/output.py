"""Which number an explanation explains: an output of the network, or a class against the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import place_among
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.network.fitted import Fitted


@dataclass(frozen=True)
class Output:
    """A weighted sum of the network's outputs.

    Attributes
    ----------
    weights : tuple of float
    name : str
        What it is, in words.
    label : object
        The class that it supports; None where numbers are predicted.
    place : int
        Number of that class or output.
    """

    weights: tuple[float, ...]
    name: str
    label: Any
    place: int

    def of(self, outputs: Floats) -> Floats:
        """Its values from the network's outputs: (n, outputs) -> (n,)."""
        return outputs @ np.array(self.weights)


def output_of(model: Fitted, output: Any = None, default: int | None = None) -> Output:
    """The output called so.

    Of two classes the network gives the log-odds of the second, and those of the first are their negative. Of more classes
    only differences of logits mean something: the logit of a class is taken against the mean of all. Where a calibration
    follows, these are the numbers before it.

    Parameters
    ----------
    model : Fitted
    output : class, name or int, optional
    default : int, optional
        Number of the class that is meant where none is named.

    Raises
    ------
    InputError
        If there is no such output.
    """
    count = model.network.shape[-1]
    before = "" if model.calibration is None else " before calibration"
    if model.classes and count == 1:
        last = model.classes[-1]
        place = len(model.classes) - 1 if output is None else _place(output, list(model.classes))
        sign = 1.0 if place == len(model.classes) - 1 else -1.0
        label = last if sign > 0 else model.classes[place]
        return Output((sign,), f"log-odds of {label}{before}", label, place)
    if model.classes:
        place = (default or 0) if output is None else _place(output, list(model.classes))
        weights = -np.ones(count) / count
        weights[place] += 1.0
        label = model.classes[place]
        return Output(tuple(weights.tolist()), f"logit of {label} against all classes{before}", label, place)
    names = list(model.network.output_names)
    place = 0 if output is None else _place(output, names)
    name = model.target if count == 1 else names[place]
    return Output(tuple(np.eye(count)[place].tolist()), name, None, place)


def decisions(model: Fitted, outputs: Floats) -> NDArray[np.int64] | None:
    """Numbers of the classes that the model decides for, (n,); None where it predicts numbers."""
    return model.decided(outputs) if model.classes else None


def _place(output: Any, known: list[Any]) -> int:
    place = place_among(output, known)
    if place is not None:
        return place
    plain = output.item() if isinstance(output, np.generic) else output
    if isinstance(plain, int) and not isinstance(plain, bool) and 0 <= plain < len(known):
        return plain
    words = [str(name) for name in known]
    raise InputError(
        argument="output",
        expected=f"be one of {among(words)}",
        got=f"{short(output, 40)}{did_you_mean(output, words)}",
    )
