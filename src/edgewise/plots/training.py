"""How training went: training and held-out error, step by step, with the rounds marked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgewise._core.arguments import all_are
from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.plots.layout import spread
from edgewise.plots.mathtext import drawable, shorten, text_size
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TEXT,
    Theme,
    bare_axes,
    label_log_axis,
    new_figure,
    text_style,
    theme_of,
)
from edgewise.training import Record

WIDTH, HEIGHT = 6.6, 2.5
LEFT, BOTTOM, TOP, RIGHT = 0.75, 0.5, 0.5, 1.15


def plot_training(history: Sequence[Record], *, theme: str = "light") -> Figure:
    """Draw training and held-out error over the steps, on a logarithmic scale, each round with its number of intervals.

    Parameters
    ----------
    history : sequence of Record
        As in `FitResult.history`.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no step.

    Examples
    --------
    >>> from edgewise.training import Record
    >>> steps = [Record("round 1", k, loss=2.0**-k, validation=None, seconds=0.1 * k, intervals=3) for k in range(5)]
    >>> plot_training(steps).axes[0].get_yscale()
    'log'
    """
    colours = theme_of(theme)
    steps = list(all_are(history, Record, "history", "records of steps"))
    if not steps:
        raise InputError(argument="history", expected="hold at least one step", got="none")
    figure = new_figure(LEFT + WIDTH + RIGHT, BOTTOM + HEIGHT + TOP, colours)
    axes = bare_axes(figure, (LEFT, BOTTOM, WIDTH, HEIGHT), colours, grid="y")
    axes.set_yscale("log")
    rounds = _rounds(steps)
    x = np.arange(1.0, len(steps) + 1)
    loss = _drawable_values([s.loss for s in steps])
    held = _drawable_values([s.validation for s in steps])
    series = [("held-out error", held, colours.numeric, "validation")] if np.isfinite(held).any() else []
    series.append(("training error", loss, colours.muted, "loss"))
    for _, values, colour, gid in series:
        for k, (first, last, _) in enumerate(rounds):
            part = slice(first, last)
            alone: dict[str, Any] = {"marker": "o", "markersize": 2.2} if last - first == 1 else {}
            axes.plot(
                x[part],
                values[part],
                color=colour,
                linewidth=1.3,
                solid_capstyle="round",
                gid=f"{gid}-{k}",
                **alone,
            )
    if not any(np.isfinite(values).any() for _, values, _, _ in series):
        axes.set_ylim(0.1, 10.0)
    axes.set_xlim(0.5, len(steps) + 0.5)
    label_log_axis(axes.yaxis, *axes.get_ylim())
    _end_labels(axes, series, colours)
    _mark_rounds(axes, rounds, steps, colours)
    axes.set_xlabel("step", labelpad=3, **text_style(colours, SIZE_TEXT, colours.muted))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    return figure


def _drawable_values(values: Sequence[float | None]) -> Floats:
    """Positive finite values; NaN (a gap) for the rest, which a logarithmic axis cannot show."""
    array = np.array([np.nan if v is None else float(v) for v in values])
    return np.where(np.isfinite(array) & (array > 0), array, np.nan)


def _rounds(steps: Sequence[Record]) -> list[tuple[int, int, tuple[str, int | None]]]:
    """Runs of steps with the same phase and grid: (first, end, (phase, intervals))."""
    found: list[tuple[int, int, tuple[str, int | None]]] = []
    start = 0
    for key, run in groupby(steps, key=lambda s: (s.phase, s.intervals)):
        end = start + sum(1 for _ in run)
        found.append((start, end, key))
        start = end
    return found


def _end_labels(axes: Axes, series: Sequence[tuple[str, Floats, str, str]], theme: Theme) -> None:
    """Each line named where it ends, the names kept apart."""
    low, high = np.log(axes.get_ylim())
    ends = [(name, colour, v[np.isfinite(v)][-1]) for name, v, colour, _ in series if np.isfinite(v).any()]
    ends.sort(key=lambda end: end[2])
    at = [HEIGHT * float((np.log(value) - low) / (high - low)) for _, _, value in ends]
    for (name, colour, _), y in zip(ends, spread(at, [0.16] * (len(at) - 1)), strict=True):
        axes.text(
            1 + 0.08 / WIDTH,
            y / HEIGHT,
            name,
            transform=axes.transAxes,
            va="center",
            **text_style(theme, SIZE_SMALL, colour),
        )


def _mark_rounds(
    axes: Axes,
    rounds: Sequence[tuple[int, int, tuple[str, int | None]]],
    steps: Sequence[Record],
    theme: Theme,
) -> None:
    """A faint line where a round begins; above, the phase and its intervals as far as there is room."""
    free = [-1.0, -1.0]
    before: tuple[str, int | None] | None = None
    for first, _, (phase, intervals) in rounds:
        if first:
            axes.axvline(first + 0.5, color=theme.line, linewidth=0.8, zorder=0.6, gid=f"round-{first}")
        words = [
            drawable(shorten(phase, 24)) if before is None or before[0] != phase else "",
            f"{intervals} intervals" if intervals and (before is None or before[1] != intervals) else "",
        ]
        before = (phase, intervals)
        for row, text in enumerate(words):
            at = WIDTH * first / len(steps)
            long = text_size(text, SIZE_SMALL, math=False)[0] if text else 0.0
            if row and at < free[1] and text:
                text, long = str(intervals), text_size(str(intervals), SIZE_SMALL, math=False)[0]
            if not text or at < free[row]:
                continue
            free[row] = at + long + 0.1
            height = 1 + (0.24 - 0.15 * row) / HEIGHT
            style = text_style(theme, SIZE_SMALL, theme.muted if row else theme.ink)
            axes.text(at / WIDTH, height, text, transform=axes.transAxes, ha="left", va="baseline", **style)
