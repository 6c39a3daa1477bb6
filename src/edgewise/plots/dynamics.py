"""Courses as they were measured, and the solution of the equations found beside them: one panel for each state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.interpolate import CubicHermiteSpline

from edgewise._core.arguments import check_is, check_text
from edgewise._core.arrays import Floats
from edgewise.data.row_labels import label_texts
from edgewise.dynamics import Dynamics, FittedCourse
from edgewise.plots.layout import panel_grid
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TEXT,
    bare_axes,
    new_figure,
    padded,
    text_style,
    theme_of,
)

WIDTH, HEIGHT = 6.4, 1.35
LEFT, BOTTOM, RIGHT, TOP = 0.75, 0.4, 0.25, 0.3
MOST_COURSES = 12
# Of more courses the names would cover the lines.
MOST_NAMED = 6
# Points of a line between two measured times.
BETWEEN = 12


def plot_dynamics(found: Dynamics, *, time: str = "time", theme: str = "light") -> Figure:
    """Draw measured states as points and the solution of the found equations as lines, over time.

    Parameters
    ----------
    found : Dynamics
    time : str
        What stands below the axis of times.
    theme : "light" or "dark"

    Returns
    -------
    Figure
        A panel for each state, below its equation; of many courses the first twelve, named where they are six or fewer.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.dynamics import find_dynamics
    >>> t = np.linspace(0, 6, 40)
    >>> figure = plot_dynamics(find_dynamics(t, 4 * np.exp(-0.5 * t), names=["x"]))
    >>> figure.axes[0].get_title(loc="left")
    "x' = -0.5*x"
    """
    check_is(found, Dynamics, "found", "what find_dynamics gives")
    check_text(time, "time")
    colours = theme_of(theme)
    grid = panel_grid(len(found.states), 1, (WIDTH, HEIGHT), (LEFT, BOTTOM, RIGHT, TOP))
    figure = new_figure(grid.width, grid.height, colours)
    shown = found.courses[:MOST_COURSES]
    names = label_texts([course.label for course in shown], 16)
    solved = [_smooth(found, course) for course in shown]
    times = padded(np.concatenate([course.t for course in shown]), 0.01)
    lines = str(found).splitlines()
    for state, (name, box) in enumerate(zip(found.states, grid.boxes, strict=True)):
        axes = bare_axes(figure, box, colours, grid="y")
        both = np.concatenate([c.measured[:, state] for c in shown] + [x[:, state] for _, x in solved])
        axes.set_xlim(*times)
        axes.set_ylim(*padded(both, 0.08))
        named = state == 0 and 1 < len(shown) <= MOST_NAMED
        apart = _apart([(t, x[:, state]) for t, x in solved]) if named else None
        for course, label, (t, solution) in zip(shown, names, solved, strict=True):
            style: dict[str, Any] = {"color": colours.muted, "linewidth": 0, "marker": "o", "markersize": 2.2}
            axes.plot(course.t, course.measured[:, state], gid="measured", **style)
            axes.plot(t, solution[:, state], color=colours.numeric, linewidth=1.3, gid="solution")
            if named:
                at = t[-1] if apart is None else apart
                axes.annotate(
                    drawable(label),
                    (at, np.interp(at, t, solution[:, state])),
                    (3, 3) if at < t.mean() else (-3, 3),
                    textcoords="offset points",
                    ha="left" if at < t.mean() else "right",
                    annotation_clip=False,
                    **text_style(colours, SIZE_SMALL, colours.muted),
                )
        axes.set_title(
            drawable(shorten(lines[state], 90)), loc="left", pad=5, **text_style(colours, SIZE_TEXT)
        )
        quiet = text_style(colours, SIZE_TEXT, colours.muted)
        axes.set_ylabel(drawable(shorten(name, 16)), labelpad=4, **quiet)
        if state + 1 == len(found.states):
            axes.set_xlabel(drawable(shorten(time, 40)), labelpad=3, **quiet)
        else:
            axes.tick_params(labelbottom=False)
    words = "points: measured   line: solution"
    if len(found.courses) > len(shown):
        words += f"   {len(shown)} of {len(found.courses)} courses"
    figure.text(
        1 - RIGHT / grid.width,
        0.06 / grid.height,
        words,
        ha="right",
        va="bottom",
        **text_style(colours, SIZE_SMALL, colours.muted),
    )
    return figure


def _apart(lines: Sequence[tuple[Floats, Floats]]) -> float | None:
    """The time at which lines are furthest from each other, where their names do not cover each other; None without one."""
    first, last = max(t[0] for t, _ in lines), min(t[-1] for t, _ in lines)
    if first >= last:
        return None
    times = np.linspace(first, last, 60)
    values = np.sort([np.interp(times, t, x) for t, x in lines], axis=0)
    return float(times[np.diff(values, axis=0).min(0).argmax()])


def _smooth(found: Dynamics, course: FittedCourse) -> tuple[Floats, Floats]:
    """Times and states of a solution, also between the measured times: with the slopes of the equations."""
    slopes = found.rates(course.solution, course.inputs if found.inputs else None)
    if not np.isfinite([course.solution, slopes]).all():
        return course.t, course.solution
    between = course.t[:-1, None] + np.diff(course.t)[:, None] * np.arange(BETWEEN) / BETWEEN
    t = np.append(between.ravel(), course.t[-1])
    return t, CubicHermiteSpline(course.t, course.solution, slopes)(t)
