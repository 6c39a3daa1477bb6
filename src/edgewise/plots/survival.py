"""Curves of survival, drawn: observed beside predicted, or of some rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from edgewise._core.arguments import check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix, check_names, check_vector
from edgewise._core.errors import InputError
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import LIGHT, SIZE_SMALL, SIZE_TEXT, bare_axes, new_figure, text_style

WIDE, HIGH = 4.2, 2.6
LEFT, BOTTOM, TOP, RIGHT = 0.62, 0.42, 0.1, 0.9
# More curves than these cannot be told apart.
MOST_CURVES = 6


def survival_figure(times: Floats, observed: Floats, predicted: Floats, unit: str = "time") -> Figure:
    """The share of rows to which nothing had happened, and the mean of the predicted chances.

    Parameters
    ----------
    times, observed, predicted : arrays of shape (m,)
    unit : str
        What the times are.
    """
    figure, axes = _panel(float(times[-1]), unit)
    axes.step(times, observed, where="post", color=LIGHT.symbolic, linewidth=1.2)
    axes.plot(times, predicted, color=LIGHT.numeric, linewidth=1.4)
    for words, colour, line in (
        ("mean of the predictions", LIGHT.numeric, 0),
        ("observed (Kaplan-Meier)", LIGHT.symbolic, 1),
    ):
        axes.text(
            0.03, 0.16 - 0.08 * line, words, transform=axes.transAxes, ha="left", va="top",
            **text_style(LIGHT, SIZE_SMALL, colour),
        )  # fmt: skip
    return figure


def plot_survival(times: Any, chances: Any, names: Sequence[str] | None = None, unit: str = "time") -> Figure:
    """Curves of survival of a few rows.

    Parameters
    ----------
    times : array of shape (m,)
    chances : array of shape (n, m)
        What `KANSurvival.predict_survival` gives, of at most six rows.
    names : sequence of str, optional
        What the rows are called.
    unit : str
        What the times are.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If the shapes do not fit, or there are more than six rows.

    Examples
    --------
    >>> times = np.linspace(0, 5, 50)
    >>> figure = plot_survival(times, np.exp(-np.outer([0.1, 0.4], times)), ["young", "old"], "years")
    """
    when = check_vector(times, "times", min_length=2)
    rows = check_matrix(chances, "chances", columns=len(when), min_rows=1)
    if len(rows) > MOST_CURVES:
        raise InputError(
            argument="chances",
            expected=f"have at most {MOST_CURVES} rows, as more curves cannot be told apart",
            got=f"{len(rows):,}",
        )
    check_text(unit, "unit")
    words = tuple(f"row {k}" for k in range(len(rows))) if names is None else check_names(names, "names")
    if len(words) != len(rows):
        raise InputError(argument="names", expected=f"name all {len(rows)} rows", got=f"{len(words)}")
    figure, axes = _panel(float(when[-1]), unit, float(when[0]))
    # Names stand at the ends of the curves, as far apart as letters need.
    order = np.argsort(rows[:, -1])
    places = np.maximum.accumulate(rows[order, -1] - 0.07 * np.arange(len(rows))) + 0.07 * np.arange(
        len(rows)
    )
    for place, (row, height) in enumerate(zip(order, places, strict=True)):
        colour = (LIGHT.numeric, LIGHT.symbolic)[place % 2]
        dashes: Any = ("solid", "solid", (0, (4, 1.5)), (0, (4, 1.5)), (0, (1, 1.2)), (0, (1, 1.2)))[place]
        axes.plot(when, rows[row], color=colour, linewidth=1.3, linestyle=dashes)
        axes.annotate(
            drawable(shorten(words[row], 16)), (1.02, (height + 0.01) / 1.03), xycoords="axes fraction",
            va="center", annotation_clip=False, **text_style(LIGHT, SIZE_SMALL, colour),
        )  # fmt: skip
    return figure


def _panel(last: float, unit: str, first: float = 0.0) -> tuple[Figure, Axes]:
    figure = new_figure(LEFT + WIDE + RIGHT, BOTTOM + HIGH + TOP, LIGHT)
    axes = bare_axes(figure, (LEFT, BOTTOM, WIDE, HIGH), LIGHT, grid="y")
    axes.set_xlim(first, last)
    axes.set_ylim(-0.01, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MultipleLocator(0.25))
    style = text_style(LIGHT, SIZE_TEXT, LIGHT.muted)
    axes.set_xlabel(drawable(shorten(unit, 40)), labelpad=2, **style)
    axes.set_ylabel("chance that nothing has happened", labelpad=2, **style)
    return figure, axes
