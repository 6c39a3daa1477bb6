"""The shape of a curve in words, for readers who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.report.text.numbers import number

# Ups and downs smaller than this share of the curve's height are not mentioned.
NOTICEABLE = 0.06
# Departure from a straight line, as a share of the height, that the eye does not see.
STRAIGHT = 0.02


def curve_words(x: Floats, y: Floats) -> str:
    """What a curve does from left to right.

    Parameters
    ----------
    x : array of shape (n,)
        Increasing.
    y : array of shape (n,)
        Entries that are not finite are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> x = np.linspace(0, 10, 101)
    >>> curve_words(x, (x - 4) ** 2)
    'falls to a low near 4, then rises'
    >>> curve_words(x, 2 * x)
    'rises in a straight line'
    """
    good = np.isfinite(y)
    x, y = x[good], y[good]
    if not len(y):
        return "has no values here"
    height = float(y.max() - y.min())
    if height <= 1e-9 * max(float(np.abs(y).max()), 1e-300):
        return "is flat"
    turns = turning_points(y, NOTICEABLE * height)
    legs = len(turns) - 1
    up = y[turns[1]] > y[turns[0]] if legs else True
    if legs <= 1:
        return f"{'rises' if up else 'falls'}{_manner(x, y)}"
    places = [number(float(x[k]), 3) for k in turns[1:-1]]
    if legs == 2:
        return f"{'rises to a peak' if up else 'falls to a low'} near {places[0]}, then {'falls' if up else 'rises'}"
    if legs == 3:
        way = ("rises", "falls", "rises") if up else ("falls", "rises", "falls")
        return f"{way[0]} to {places[0]}, {way[1]} to {places[1]}, then {way[2]}"
    top, bottom = number(float(x[y.argmax()]), 3), number(float(x[y.argmin()]), 3)
    return f"goes up and down {legs} times, highest near {top} and lowest near {bottom}"


def level_words(levels: Sequence[str], y: Floats) -> str:
    """Which level stands highest and which lowest."""
    if len(levels) < 2 or float(y.max() - y.min()) <= 1e-12 * max(float(np.abs(y).max()), 1e-300):
        return "is the same for every level"
    return f"is highest for {levels[int(y.argmax())]} and lowest for {levels[int(y.argmin())]}"


def turning_points(y: Floats, least: float) -> list[int]:
    """Places where the curve turns by at least so much, with both ends.

    Examples
    --------
    >>> turning_points(np.array([0.0, 1.0, 0.9, 2.0, 0.0]), 0.5)
    [0, 3, 4]
    """
    ends = [0]
    high = low = way = 0
    for k in range(1, len(y)):
        high = k if y[k] > y[high] else high
        low = k if y[k] < y[low] else low
        if way != -1 and y[high] - y[k] >= least:
            ends += [high] if way else []
            way, low = -1, k
        elif way != 1 and y[k] - y[low] >= least:
            ends += [low] if way else []
            way, high = 1, k
    if ends[-1] != len(y) - 1:
        ends.append(len(y) - 1)
    return ends


def _manner(x: Floats, y: Floats) -> str:
    """How a curve rises or falls: straight, ever faster, levelling off."""
    span = x[-1] - x[0]
    if len(x) < 3 or span <= 0:
        return ""
    height = float(y.max() - y.min())
    t = (x - x[0]) / span
    design = np.stack([np.ones_like(t), t], axis=1)
    off = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    if float(np.abs(off).max()) <= STRAIGHT * height:
        return " in a straight line"
    thirds = np.interp([0.0, 1 / 3, 2 / 3, 1.0], t, y)
    steps = np.abs(np.diff(thirds))
    if steps[0] > 1.6 * steps[2]:
        return ", then levels off" if steps[2] < 0.15 * steps.sum() else ", ever slower"
    if steps[2] > 1.6 * steps[0]:
        return ", ever faster"
    return ""
