"""Axes of a model's columns: numbers, dates, and numbers that an asinh spreads evenly."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from matplotlib.axis import Axis
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.explaining import GlobalExplanation

# Of the length of an axis: the least distance of two ticks.
APART = 0.24
# Of an axis, so that its labels do not meet.
_TICKS = 4


def asinh(centre: float, scale: float) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """From values to even places on an asinh axis, and back."""

    def forward(x: Floats) -> Floats:
        return np.arcsinh((np.asarray(x) - centre) / scale)

    def backward(t: Floats) -> Floats:
        return centre + scale * np.sinh(t)

    return forward, backward


def number_ticks(axis: Axis, x: Floats, *, kind: str, whole: bool, bend: tuple[float, float] | None) -> None:
    """Ticks of a column of numbers or dates whose values run over `x`."""
    if kind == "date":
        date_ticks(axis, most=_TICKS)
        return
    ends = (float(x.min()), float(x.max()))
    if bend is None:
        axis.set_major_locator(MaxNLocator(_TICKS, integer=whole))
    else:
        axis.set_ticks(spread_ticks(ends, bend))
    axis.set_major_formatter(compact(ends))


def date_ticks(axis: Axis, *, most: int, fewest: int = 5) -> None:
    """About as many dates as asked for, on an axis of dates."""
    locator = AutoDateLocator(minticks=fewest, maxticks=most)
    # Between a day and a month, say, matplotlib's own steps are too short for few ticks, of which it warns.
    locator.intervald = {
        unit: [*steps, 2 * steps[-1], 4 * steps[-1]] for unit, steps in locator.intervald.items()
    }
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))


def compact(ends: tuple[float, float]) -> FuncFormatter:
    """Ticks in few characters, all of an axis in one unit: 50k, 250k."""
    largest = max(abs(end) for end in ends)
    unit, letter = next(
        ((unit, letter) for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if largest >= 10 * unit),
        (1.0, ""),
    )

    def written(value: float, _: object) -> str:
        # Few thousandths of a unit read better as they are.
        return f"{value:.4g}" if abs(value) < 0.1 * unit else f"{value / unit:.4g}{letter}"

    return FuncFormatter(written)


def spread_ticks(ends: tuple[float, float], bend: tuple[float, float]) -> list[float]:
    """Round numbers about evenly spread on an asinh axis."""
    forward, _ = asinh(bend[0], abs(bend[1]))
    decades = [0.0, *(sign * m * 10.0**e for e in range(-6, 13) for m in (1, 2, 5) for sign in (1, -1))]
    inside = sorted(t for t in decades if ends[0] <= t <= ends[1])
    spots = forward(np.array(ends))
    gap, chosen, last = APART * float(spots[1] - spots[0]), list[float](), -math.inf
    for tick in inside:
        at = float(forward(np.array([tick]))[0])
        if at - last >= gap:
            chosen.append(tick)
            last = at
    return chosen


def check_global(explanation: object) -> None:
    """Refuse what is no explanation of a whole model."""
    if not isinstance(explanation, GlobalExplanation):
        raise InputError(
            argument="explanation", expected="be what explain(model, X) gives", got=short(explanation)
        )
