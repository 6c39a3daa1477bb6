"""A waterfall of contributions: from the average answer to that for one row."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import MaxNLocator

from edgewise._core.checks import check_int, plural, short
from edgewise._core.errors import InputError
from edgewise.explaining import LocalExplanation
from edgewise.explaining.columns import number_text
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TITLE,
    Theme,
    bare_axes,
    new_figure,
    text_style,
    theme_of,
    write_at,
)

WIDTH, LINE = 4.2, 0.29
LEFT, RIGHT, BOTTOM, TOP = 3.1, 0.55, 0.55, 0.72


def plot_contributions(explanation: LocalExplanation, *, most: int = 12, theme: str = "light") -> Figure:
    """Draw how the columns of a row lead from the average output to its own.

    Each arrow begins where the one above ends; blue ones raise the output, orange ones lower it. Contributions beyond the
    largest are one arrow.

    Parameters
    ----------
    explanation : LocalExplanation
        What `edgewise.explain(model, X, row=...)` gives.
    most : int
        At most so many columns by themselves.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If it is no local explanation.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KAN, explain
    >>> X = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    >>> figure = plot_contributions(explain(KAN([2, 1], seed=0), X, row=3))
    >>> len(figure.axes[0].patches)
    2
    """
    colours = theme_of(theme)
    check_int(most, "most", low=1)
    if not isinstance(explanation, LocalExplanation):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            argument="explanation",
            expected="be what explain(model, X, row=...) gives",
            got=short(explanation),
        )
    steps = [(one.column, one.value, one.effect) for one in explanation.contributions if one.effect != 0]
    rest = steps[most:]
    steps = steps[:most]
    if rest:
        steps.append((plural(len(rest), "more column"), "", sum(effect for _, _, effect in rest)))
    height = max(len(steps), 1) * LINE
    figure = new_figure(LEFT + WIDTH + RIGHT, BOTTOM + height + TOP, colours)
    axes = bare_axes(figure, (LEFT, BOTTOM, WIDTH, height), colours, grid="x")
    _arrows(axes, steps, explanation, colours)
    _words(figure, explanation, colours)
    return figure


def _arrows(
    axes: Axes, steps: list[tuple[str, str, float]], explanation: LocalExplanation, theme: Theme
) -> None:
    places, at = [explanation.base], explanation.base
    for _, _, effect in steps:
        at += effect
        places.append(at)
    low, high = min(places), max(places)
    room = 0.16 * (high - low) or 1.0
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(max(len(steps), 1) - 0.4, -0.6)
    tip = 0.018 * (high - low + 2 * room)
    for row, (name, value, effect) in enumerate(steps):
        start, end = places[row], places[row + 1]
        colour = theme.numeric if effect > 0 else theme.symbolic
        _arrow(axes, start, end, row, tip, colour)
        if row + 1 < len(steps):
            axes.plot([end, end], [row + 0.3, row + 0.7], color=theme.faint, linewidth=0.7)
        sign = "+" if effect > 0 else ""
        side = max(start, end) if effect > 0 else min(start, end)
        axes.annotate(
            f"{sign}{number_text(effect, 2)}",
            (side, row),
            xytext=(4 if effect > 0 else -4, 0),
            textcoords="offset points",
            ha="left" if effect > 0 else "right",
            va="center",
            **text_style(theme, SIZE_SMALL, colour),
        )
        _label(axes, row, name, value, theme)
    # Two words that near would overlap; then the axis alone shows the average.
    near = abs(explanation.base - explanation.value) < 0.3 * (high - low + 2 * room)
    for x, word in ((explanation.base, "" if near else "average "), (explanation.value, "this row ")):
        axes.axvline(x, color=theme.muted, linewidth=0.7, linestyle=(0, (2.5, 2.0)), zorder=0.6)
        if word:
            axes.annotate(
                word + number_text(x),
                (x, -0.6),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                annotation_clip=False,
                **text_style(theme, SIZE_SMALL, theme.muted),
            )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(
        drawable(shorten(explanation.output, 60)), labelpad=3, **text_style(theme, SIZE_SMALL, theme.muted)
    )


def _arrow(axes: Axes, start: float, end: float, row: int, tip: float, colour: str) -> None:
    half = 0.34
    point = min(tip, abs(end - start)) * (1 if end > start else -1)
    shaft = end - point
    corners = [
        (start, row - half),
        (shaft, row - half),
        (end, row),
        (shaft, row + half),
        (start, row + half),
    ]
    axes.add_patch(Polygon(corners, closed=True, facecolor=colour, edgecolor="none", alpha=0.9))


def _label(axes: Axes, row: int, name: str, value: str, theme: Theme) -> None:
    """The column's name and value left of the axes."""
    place = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "va": "center",
        "ha": "right",
    }
    if not value:
        axes.annotate(
            name, (0.0, row), xytext=(-8, 0), **place, **text_style(theme, SIZE_SMALL + 0.6, theme.muted)
        )
        return
    room = max(48 - len(shorten(name, 28)), 14)
    text = drawable(f"{shorten(name, 28)} = {shorten(value, room)}")
    axes.annotate(text, (0.0, row), xytext=(-8, 0), **place, **text_style(theme, SIZE_SMALL + 0.6, theme.ink))


def _words(figure: Figure, explanation: LocalExplanation, theme: Theme) -> None:
    who = "This row" if explanation.row is None else f"Row {explanation.row}"
    answer = explanation.prediction
    shown = number_text(answer) if isinstance(answer, float) else str(answer)
    sure = (
        ""
        if explanation.probability is None
        else f" (probability of {explanation.label} {explanation.probability:.2f})"
    )
    write_at(
        figure, 0.18, 0.26, drawable(f"{who}: {shorten(shown, 40)}{sure}"), text_style(theme, SIZE_TITLE)
    )
