"""What is asked of a calibrated model, as what must hold of the network before its maps.

A rising map p(s) keeps the order of outputs: p(s) <= c just where s is at most the largest output of which that is true. So
decisions, ranges and thresholds are those of the network with other numbers. What is about sizes of changes is not, unless
the map of log-odds is one straight line.
"""

from __future__ import annotations

import math

from edgewise._core.errors import InputError
from edgewise.network.calibration import FAR
from edgewise.network.fitted import Fitted


def check_decided(view: Fitted) -> None:
    """Refuse maps that make decisions other than by the largest output."""
    if view.calibration is not None and not view.calibration.carried:
        raise InputError(
            argument="model",
            expected="decide by its largest output",
            got=(
                f"maps for {len(view.classes)} classes of the method {view.calibration.method!r}, "
                "which mix them"
            ),
            advice=(
                "ask it of the model behind the maps, its .model, or calibrate with method='temperature'"
            ),
        )


def carried_range(
    view: Fitted, low: float | None, high: float | None, *, probability: bool
) -> tuple[float | None, float | None]:
    """Ends of a range of probabilities or log-odds as ends of a range of the network's output."""
    maps = view.calibration
    if maps is None:
        if probability:
            low, high = (None if p is None else math.log(p) - math.log1p(-p) for p in (low, high))
        return low, high
    below, above = (maps.lowest, maps.highest) if probability else (maps.lowest_odds, maps.highest_odds)
    return None if low is None else _near(below(low)), None if high is None else _near(above(high))


def carried_threshold(view: Fitted, threshold: float | None) -> float:
    """The output of the network above which the model's output is above a threshold, or the second class is decided for."""
    if threshold is None or view.calibration is None:
        return view.threshold if threshold is None else threshold
    return _near(view.calibration.highest_odds(threshold))


def carried_change(view: Fitted, change: float) -> float:
    """How far the network's output may change where the model's may change by so much."""
    line = None if view.calibration is None else view.calibration.line
    # A hair less, so that rounding gives nothing away.
    return change if line is None else change / line.slope * (1 - 2.0**-50)


def _near(value: float) -> float:
    return min(max(value, -FAR), FAR)
