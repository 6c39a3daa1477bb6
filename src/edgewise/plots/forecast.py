"""A series and what is expected to follow, with its intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from edgewise._core.arguments import as_labels, check_text
from edgewise._core.checks import check_float, check_vector
from edgewise.plots.explain_axes import date_ticks
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import SIZE_SMALL, SIZE_TEXT, bare_axes, new_figure, text_style, theme_of

WIDTH, HEIGHT = 6.6, 2.6
LEFT, BOTTOM, TOP, RIGHT = 0.75, 0.45, 0.3, 0.95


def plot_forecast(
    times: Any,
    values: Any,
    ahead_times: Any,
    ahead: Any,
    *,
    low: Any = None,
    high: Any = None,
    level: float | None = None,
    actual: Any = None,
    name: str = "value",
    theme: str = "light",
) -> Figure:
    """Draw a series up to now, its forecast, and the intervals around it.

    Parameters
    ----------
    times, values : array-like of shape (n,)
        What was measured; times are dates or numbers.
    ahead_times, ahead : array-like of shape (steps,)
        What is expected.
    low, high : array-like of shape (steps,), optional
        Ends of the intervals.
    level : float, optional
        The share of values that they shall hold.
    actual : array-like of shape (steps,), optional
        What came.
    name : str
        Of the series, with its unit.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_forecast([0, 1, 2], [3.0, 4.0, 5.0], [3, 4], [6.0, 7.0], name="level")
    >>> figure.axes[0].get_ylabel()
    'level'
    """
    colours = theme_of(theme)
    past, forecast = check_vector(values, "values", missing=True), check_vector(ahead, "ahead")
    before = as_labels(times, "times", rows=len(past))
    after = as_labels(ahead_times, "ahead_times", rows=len(forecast))
    check_text(name, "name")
    if level is not None:
        check_float(level, "level", low=0.0, high=1.0)
    figure = new_figure(LEFT + WIDTH + RIGHT, BOTTOM + HEIGHT + TOP, colours)
    axes = bare_axes(figure, (LEFT, BOTTOM, WIDTH, HEIGHT), colours, grid="y")
    axes.plot(before, past, color=colours.muted, linewidth=1.1, gid="measured")
    if low is not None and high is not None:
        lower, upper = (
            check_vector(item, which, length=len(forecast)) for item, which in ((low, "low"), (high, "high"))
        )
        axes.fill_between(after, lower, upper, color=colours.numeric, alpha=0.18, linewidth=0, gid="interval")
        share = "interval" if level is None else f"{100 * level:g} % interval"
        axes.text(
            0.0,
            1.02,
            f"shaded: {share}",
            transform=axes.transAxes,
            va="bottom",
            **text_style(colours, SIZE_SMALL, colours.muted),
        )
    joined = np.concatenate([before[-1:], after]), np.concatenate([past[-1:], forecast])
    axes.plot(*joined, color=colours.numeric, linewidth=1.5, gid="forecast")
    if actual is not None:
        came = check_vector(actual, "actual", length=len(forecast))
        axes.plot(after, came, color=colours.symbolic, linewidth=0, marker="o", markersize=2.6, gid="actual")
    labels = [("forecast", forecast[-1], colours.numeric)]
    if actual is not None:
        labels = [
            ("forecast", forecast[-1], colours.numeric),
            ("measured since", float(check_vector(actual, "actual")[-1]), colours.symbolic),
        ]
    bottom, top = axes.get_ylim()
    apart = 0.055 * (top - bottom)
    if len(labels) == 2 and abs(labels[0][1] - labels[1][1]) < 2 * apart:
        first = 1 if labels[0][1] >= labels[1][1] else -1
        middle = (labels[0][1] + labels[1][1]) / 2
        labels = [
            (words, middle + sign * apart, colour)
            for (words, _, colour), sign in zip(labels, (first, -first), strict=True)
        ]
    for words, height, colour in labels:
        axes.text(
            1.01,
            (height - bottom) / (top - bottom),
            words,
            transform=axes.transAxes,
            va="center",
            **text_style(colours, SIZE_SMALL, colour),
        )
    axes.set_xlim(before[0], after[-1])
    if before.dtype.kind == "M":
        date_ticks(axes.xaxis, most=8, fewest=4)
    axes.set_ylabel(drawable(shorten(name, 40)), labelpad=4, **text_style(colours, SIZE_TEXT, colours.muted))
    return figure
