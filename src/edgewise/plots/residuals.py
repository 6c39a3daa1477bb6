"""Predicted against measured, and what is left over along a column: small drawings for a page, without titles."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.plots.explain_axes import compact
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    SIZE_TEXT,
    Theme,
    bare_axes,
    draw_points,
    new_figure,
    padded,
    text_style,
    theme_of,
)

Rows = NDArray[np.int64]

# More points than these only make a page heavy; rows are then taken at even steps.
MOST_POINTS = 900
SIDE, WIDE, FLAT = 2.7, 2.7, 1.3
LEFT, BOTTOM, TOP, RIGHT = 0.62, 0.42, 0.06, 0.1
_NONE = np.zeros(0, dtype=np.int64)


def fit_figure(
    truth: Floats,
    predicted: Floats,
    name: str,
    *,
    missed: Rows = _NONE,
    most: int = MOST_POINTS,
    theme: str = "light",
) -> Figure:
    """Predicted against measured, the rows missed most in the other colour; on the line a prediction is right.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n,)
        Finite.
    name : str
        What is predicted, with its unit.
    missed : ndarray of int
        Rows that were missed most.
    most : int
        Points to draw, beside those.
    """
    look = theme_of(theme)
    figure, axes = _panel(SIDE, SIDE, look)
    ends = padded(np.concatenate([truth, predicted]))
    _limit(axes, ends, ends, name=(f"measured {name}", f"predicted {name}"), look=look)
    axes.plot(ends, ends, color=look.faint, linewidth=0.8, zorder=1)
    _rows(axes, truth, predicted, missed, most, look)
    return figure


def residual_figure(
    values: Floats,
    errors: Floats,
    name: str,
    *,
    unit: str = "",
    reach: float | None = None,
    missed: Rows = _NONE,
    median: tuple[Floats, Floats] | None = None,
    most: int = MOST_POINTS,
    theme: str = "light",
) -> Figure:
    """Errors along a column; around zero without a pattern is good.

    Parameters
    ----------
    values, errors : ndarray, shape (n,)
        Finite; errors are predicted less measured.
    name : str
        What runs along the axis, with its unit.
    unit : str
        Of the errors, for a drawing that names them.
    reach : float, optional
        Where the axis of errors ends; those beyond stand at its edge. The drawing is then one of many, and low.
    missed : ndarray of int
        Rows that were missed most.
    median : (ndarray, ndarray), optional
        Places along the column and the median error about each.
    most : int
        Points to draw, beside those missed.
    """
    look = theme_of(theme)
    figure, axes = _panel(*((SIDE, SIDE) if reach is None else (WIDE, FLAT)), look)
    end = reach or 1.08 * float(np.abs(errors).max(initial=0.0)) or 1.0
    side = "" if reach is not None else "predicted less measured" + (f" ({unit})" if unit else "")
    _limit(axes, padded(values), (-end, end), name=(name, side), look=look)
    axes.axhline(0.0, color=look.faint, linewidth=0.8, zorder=1)
    _rows(axes, values, np.clip(errors, -0.97 * end, 0.97 * end), missed, most, look)
    if median is not None:
        axes.plot(*median, color=look.ink, linewidth=1.2, zorder=4)
    return figure


def _panel(width: float, height: float, look: Theme) -> tuple[Figure, Axes]:
    figure = new_figure(LEFT + width + RIGHT, BOTTOM + height + TOP, look)
    return figure, bare_axes(figure, (LEFT, BOTTOM, width, height), look, grid="y")


def _limit(
    axes: Axes, across: tuple[float, float], up: tuple[float, float], *, name: tuple[str, str], look: Theme
) -> None:
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    style = text_style(look, SIZE_TEXT, look.muted)
    axes.set_xlabel(drawable(shorten(name[0], 40)), labelpad=2, **style)
    axes.set_ylabel(drawable(shorten(name[1], 40)), labelpad=2, **style)
    for axis, ends in ((axes.xaxis, across), (axes.yaxis, up)):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(compact(ends))


def _rows(axes: Axes, x: Floats, y: Floats, missed: Rows, most: int, look: Theme) -> None:
    shown = np.setdiff1d(np.arange(0, len(x), max(-(-len(x) // most), 1)), missed)
    draw_points(axes, x[shown], y[shown], 3.4, look.numeric, alpha=0.55, zorder=2)
    draw_points(axes, x[missed], y[missed], 4.2, look.symbolic, zorder=3)
