"""The Pareto front: error against complexity, inside the table and outside, each candidate named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgewise._core.arguments import all_are
from edgewise._core.checks import check_bool
from edgewise._core.errors import InputError
from edgewise.plots.layout import confined, spread
from edgewise.plots.mathtext import expression_mathtext, name_mathtext, shorten, text_size
from edgewise.plots.style import (
    MATH_SCALE,
    SIZE_SMALL,
    SIZE_TEXT,
    bare_axes,
    label_log_axis,
    math_style,
    new_figure,
    text_style,
    theme_of,
)
from edgewise.symbolic.results.formula import Formula

WIDTH = 3.6
LEFT, BOTTOM, TOP = 0.78, 0.52, 0.2
LINE_HEIGHT = 0.26
LONGEST_LABEL = 4.4


def plot_front(front: Sequence[Formula], *, numbered: bool = False, theme: str = "light") -> Figure:
    """Draw the error on held-out rows against complexity, and beside each candidate its formula.

    Where it is known what formulas do on ends of the table that they were not fitted to, a hollow point above each shows the
    error on the worst of them: what goes on has the two close together.

    Parameters
    ----------
    front : sequence of Formula
        As in `FormulaResult.front`.
    numbered : bool
        Write 1, 2, ... at the points instead of formulas, for a drawing beside a list of them.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no candidate with a finite error.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> x = sympy.Symbol("x")
    >>> figure = plot_front([Formula(x, ("x",), error=0.5), Formula(x**2 + 1, ("x",), error=0.1)])
    >>> len(figure.axes[0].lines[0].get_xdata())
    2
    """
    colours = theme_of(theme)
    check_bool(numbered, "numbered")
    # Numbers follow the caller's order; candidates without an error keep theirs but are not drawn.
    listed = all_are(front, Formula, "front", "formulas")
    shown = [(k + 1, one) for k, one in enumerate(listed) if np.isfinite(one.error)]
    if not shown:
        raise InputError(argument="front", expected="hold a formula with a finite error", got="none")
    shown.sort(key=lambda pair: (pair[1].complexity, pair[1].error))
    x = np.array([float(one.complexity) for _, one in shown])
    error = np.array([float(one.error) for _, one in shown])
    positive = error[error > 0]
    floor = float(positive.min()) / 10 if positive.size else 1.0
    y = np.where(error > 0, error, floor)
    beyond = np.array([math.nan if one.outside is None else one.outside.error for _, one in shown])
    beyond[~((beyond > 0) & (beyond < np.inf))] = np.nan

    labels = [] if numbered else [_label(one.sympy) for _, one in shown]
    heights = [max(LINE_HEIGHT, 1.3 * text_size(t, MATH_SCALE * SIZE_SMALL, math=True)[1]) for t in labels]
    column = max((text_size(t, MATH_SCALE * SIZE_SMALL, math=True)[0] for t in labels), default=0.0)
    height = max(2.3, sum(heights) + 0.1)
    right = 0.25 if numbered else 0.62 + column + 0.15
    width = WIDTH + (1.2 if numbered else 0.0)
    figure = new_figure(LEFT + width + right, BOTTOM + height + TOP, colours)
    axes = bare_axes(figure, (LEFT, BOTTOM, width, height), colours, grid="y")
    axes.set_yscale("log")
    room = max(0.06 * (x[-1] - x[0]), 0.6)
    axes.set_xlim(x[0] - room, x[-1] + room)
    axes.set_ylim(float(y.min()) / 1.9, float(np.nanmax([*y, *beyond])) * 1.9)
    label_log_axis(axes.yaxis, *axes.get_ylim())
    axes.plot(x, y, color=colours.faint, linewidth=0.9, zorder=2, gid="front")
    dots: dict[str, Any] = {
        "markersize": 11.0 if numbered else 5.0,
        "markeredgecolor": colours.ground,
        "markeredgewidth": 1.0,
    }
    axes.plot(x, y, linestyle="none", marker="o", color=colours.numeric, zorder=3, clip_on=False, **dots)

    if np.isfinite(beyond).any():
        hollow: dict[str, Any] = dots | {
            "markersize": 4.0, "markerfacecolor": colours.ground, "markeredgecolor": colours.muted
        }  # fmt: skip
        axes.vlines(x, y, beyond, color=colours.line, linewidth=0.8, zorder=1)
        axes.plot(x, beyond, linestyle="none", marker="o", zorder=2, clip_on=False, gid="outside", **hollow)
        style = text_style(colours, SIZE_SMALL, colours.muted)
        axes.text(0.98, 0.98, "hollow: outside", transform=axes.transAxes, ha="right", va="top", **style)
    low, high = np.log(axes.get_ylim())
    at = height * (np.log(y) - low) / (high - low)
    across = width * (x - axes.get_xlim()[0]) / float(np.diff(axes.get_xlim())[0])
    if numbered:
        style: dict[str, Any] = {**text_style(colours, SIZE_SMALL, colours.ground), "weight": "bold"}
        for (number, _), px, py in zip(shown, x, y, strict=True):
            axes.text(px, py, str(number), ha="center", va="center_baseline", zorder=4, **style)
    else:
        # Formulas stand in a column to the right, in the order of their points, each tied to its point by a thin line.
        order = np.argsort(at, kind="stable")
        gaps = [(heights[a] + heights[b]) / 2 for a, b in pairwise(order)]
        places = spread(at[order].tolist(), gaps)
        places = confined(places, gaps, heights[order[0]] / 2, height + TOP - heights[order[-1]] / 2)
        for k, place in zip(order, places, strict=True):
            ends = np.array(
                [
                    [across[k] / width, 1 + 0.18 / width, 1 + 0.5 / width],
                    [at[k] / height, at[k] / height, place / height],
                ]
            )
            line: dict[str, Any] = {"transform": axes.transAxes, "color": colours.line, "linewidth": 0.8}
            axes.plot(ends[0], ends[1], clip_on=False, zorder=1, gid=f"leader-{k}", **line)
            label = {"transform": axes.transAxes, "ha": "left", "va": "center"}
            axes.text(1 + 0.56 / width, place / height, labels[k], **label, **math_style(colours, SIZE_SMALL))
    style = text_style(colours, SIZE_TEXT, colours.muted)
    axes.set_xlabel("complexity", labelpad=3, **style)
    axes.set_ylabel(f"{listed[0].judged} RMSE", labelpad=4, **style)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    return figure


def _label(expression: Any) -> str:
    """The formula, or its beginning where the whole is too long for a label."""
    for digits in (4, 3):
        whole = f"${expression_mathtext(expression, digits=digits)}$"
        if text_size(whole, MATH_SCALE * SIZE_SMALL, math=True)[0] <= LONGEST_LABEL:
            return whole
    return f"${name_mathtext(shorten(str(expression), 64))}$"
