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
    LIGHT,
    SIZE_TEXT,
    bare_axes,
    draw_points,
    new_figure,
    padded,
    text_style,
)

Rows = NDArray[np.int64]

# More points than these only make a page heavy; rows are then taken at even steps.
MOST_POINTS = 900
SIDE, WIDE, FLAT = 2.7, 2.7, 1.3
LEFT, BOTTOM, TOP, RIGHT = 0.62, 0.42, 0.06, 0.1
_NONE = np.zeros(0, dtype=np.int64)


def fit_figure(
    truth: Floats, predicted: Floats, name: str, *, missed: Rows = _NONE, most: int = MOST_POINTS
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
    figure, axes = _panel(SIDE, SIDE)
    ends = padded(np.concatenate([truth, predicted]))
    _limit(axes, ends, ends, name=(f"measured {name}", f"predicted {name}"))
    axes.plot(ends, ends, color=LIGHT.faint, linewidth=0.8, zorder=1)
    _rows(axes, truth, predicted, missed, most)
    return figure


def residual_figure(values: Floats, errors: Floats, name: str, unit: str = "") -> Figure:
    """Errors along a column; around zero without a pattern is good.

    Parameters
    ----------
    values, errors : ndarray, shape (n,)
        Finite; errors are predicted less measured.
    name : str
        What runs along the axis, with its unit.
    unit : str
        Of the errors.
    """
    figure, axes = _panel(SIDE, SIDE)
    end = 1.08 * float(np.abs(errors).max(initial=0.0)) or 1.0
    _limit(
        axes,
        padded(values),
        (-end, end),
        name=(name, "predicted less measured" + (f" ({unit})" if unit else "")),
    )
    axes.axhline(0.0, color=LIGHT.faint, linewidth=0.8, zorder=1)
    _rows(axes, values, errors, _NONE, MOST_POINTS)
    return figure


def residual_panel(
    values: Floats,
    errors: Floats,
    name: str,
    *,
    reach: float,
    missed: Rows,
    median: tuple[Floats, Floats],
    most: int,
) -> Figure:
    """The same, low, as one of many.

    Parameters
    ----------
    values, errors : ndarray, shape (n,)
    name : str
    reach : float
        Where the axis of errors ends; those beyond stand at its edge.
    missed : ndarray of int
        Rows that were missed most.
    median : (ndarray, ndarray)
        Places along the column and the median error about each.
    most : int
        Points to draw, beside those missed.
    """
    figure, axes = _panel(WIDE, FLAT)
    _limit(axes, padded(values), (-reach, reach), name=(name, ""))
    axes.axhline(0.0, color=LIGHT.faint, linewidth=0.8, zorder=1)
    _rows(axes, values, np.clip(errors, -0.97 * reach, 0.97 * reach), missed, most)
    axes.plot(*median, color=LIGHT.ink, linewidth=1.2, zorder=4)
    return figure


def _panel(width: float, height: float) -> tuple[Figure, Axes]:
    figure = new_figure(LEFT + width + RIGHT, BOTTOM + height + TOP, LIGHT)
    return figure, bare_axes(figure, (LEFT, BOTTOM, width, height), LIGHT, grid="y")


def _limit(
    axes: Axes, across: tuple[float, float], up: tuple[float, float], *, name: tuple[str, str]
) -> None:
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    style = text_style(LIGHT, SIZE_TEXT, LIGHT.muted)
    axes.set_xlabel(drawable(shorten(name[0], 40)), labelpad=2, **style)
    axes.set_ylabel(drawable(shorten(name[1], 40)), labelpad=2, **style)
    for axis, ends in ((axes.xaxis, across), (axes.yaxis, up)):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(compact(ends))


def _rows(axes: Axes, x: Floats, y: Floats, missed: Rows, most: int) -> None:
    shown = np.setdiff1d(np.arange(0, len(x), max(-(-len(x) // most), 1)), missed)
    draw_points(axes, x[shown], y[shown], 3.4, LIGHT.numeric, alpha=0.55, zorder=2)
    draw_points(axes, x[missed], y[missed], 4.2, LIGHT.symbolic, zorder=3)
