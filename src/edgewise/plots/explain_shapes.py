"""Shape functions of a global explanation: what each column does to the output, over the density of its rows."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgewise._core.checks import check_int
from edgewise.explaining import GlobalExplanation
from edgewise.explaining.columns import number_text
from edgewise.explaining.shapes import Shape
from edgewise.explaining.surface_view import scales
from edgewise.plots.explain_axes import asinh, check_global, compact, number_ticks
from edgewise.plots.explain_surfaces import BAR_ROOM, draw_surface
from edgewise.plots.layout import panel_grid
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    LIGHT,
    SIZE_SMALL,
    SIZE_TEXT,
    Theme,
    bare_axes,
    new_figure,
    say_instead,
    text_style,
    theme_of,
)

PANEL = (2.35, 1.45)
PAD_LEFT, PAD_BOTTOM, PAD_TOP, PAD_RIGHT = 0.62, 0.5, 0.46, 0.2
# A panel that stands by itself, and the room about it.
CARD, CARD_ROOM = (1.85, 1.2), (0.5, 0.42, 0.15, 0.1)
# More levels than this are the strongest ones, up and down.
MOST_LEVELS = 7
# A scale this many times higher than the median panel needs would show most panels flat.
DWARFED = 5.0
# Width of a letter in inches.
LETTER = 0.063


def plot_shapes(
    explanation: GlobalExplanation,
    *,
    most: int = 12,
    columns: int = 3,
    pairs: int = 3,
    theme: str = "light",
) -> Figure:
    """Draw the shape functions of a model, most important columns first, then what the strongest pairs do beyond them.

    All panels share one scale of the effect, in units of the output, so that heights can be compared; where one
    column would dwarf the others each has its own, and its title says so. A curve that is exact is a part of the
    network; an accumulated local effect has a dashed line with its exact part and, shaded, a 95 % band of a bootstrap
    over rows. The skyline below is the density of the rows. Levels are bars whose thickness shows how many rows have
    them. Surfaces of pairs read as in `plot_surfaces`.

    Parameters
    ----------
    explanation : GlobalExplanation
        What `edgewise.explain(model, X)` gives.
    most : int
        At most so many columns.
    columns : int
        Panels in a row.
    pairs : int
        At most so many surfaces of pairs.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If it is no global explanation.

    Examples
    --------
    >>> from edgewise import KAN, explain
    >>> X = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    >>> len(plot_shapes(explain(KAN([2, 1], seed=0), X)).axes)
    2
    """
    colours = theme_of(theme)
    check_int(most, "most", low=1)
    check_int(columns, "columns", low=1)
    check_int(pairs, "pairs", low=0)
    check_global(explanation)
    used = [
        (one, shape)
        for one, shape in zip(explanation.importances, explanation.shapes, strict=True)
        if one.value > 0
    ][:most]
    surfaces = explanation.surfaces[:pairs]
    grid = panel_grid(len(used) + len(surfaces), columns, PANEL, (PAD_LEFT, PAD_BOTTOM, PAD_RIGHT, PAD_TOP))
    figure = new_figure(grid.width, grid.height, colours)
    shared = _limits([shape for _, shape in used])
    for place, (one, shape) in enumerate(used):
        levels, (low, high) = bool(shape.labels), shared or _own(shape)
        axes = bare_axes(figure, grid.boxes[place], colours, grid="x" if levels else "y")
        if levels:
            _draw_levels(axes, shape, (low, high), colours, PANEL[0])
        else:
            _draw_curve(axes, shape, (low, high), colours)
        _title(axes, shape, one.value, colours, own=shared is None)
        if place % columns == 0 and not levels:
            label = drawable(shorten(explanation.output, 30))
            axes.set_ylabel(label, labelpad=3, **text_style(colours, SIZE_SMALL, colours.muted))
    limits = scales(surfaces)
    for surface, box, limit in zip(surfaces, grid.boxes[len(used) :], limits, strict=True):
        small = box._replace(width=box.width - BAR_ROOM)
        draw_surface(figure, small, surface, limit, colours, own=limit < max(limits))
    return figure if grid.boxes else say_instead(figure, "no column has an effect", colours)


def shape_figure(shape: Shape) -> Figure:
    """One shape on axes and a scale of its own, without a title."""
    left, bottom, right, top = CARD_ROOM
    figure = new_figure(CARD[0] + left + right, CARD[1] + bottom + top, LIGHT)
    axes = bare_axes(figure, (left, bottom, *CARD), LIGHT, grid="x" if shape.labels else "y")
    if shape.labels:
        _draw_levels(axes, shape, _own(shape), LIGHT, CARD[0])
    else:
        _draw_curve(axes, shape, _own(shape), LIGHT)
    return figure


def _limits(shapes: list[Shape]) -> tuple[float, float] | None:
    """One scale for all panels; None where most panels would lie flat on it."""
    ranges = [_own(shape) for shape in shapes]
    low = min((ends[0] for ends in ranges), default=-1.0)
    high = max((ends[1] for ends in ranges), default=1.0)
    typical = float(np.median([ends[1] - ends[0] for ends in ranges])) if ranges else 1.0
    return (low, high) if high - low <= DWARFED * typical else None


def _own(shape: Shape) -> tuple[float, float]:
    """The scale of one shape, with zero on it."""
    ends = (*_weighty(shape), *(mark.effect for mark in shape.marks if mark.rows), 0.0)
    low, high = min(ends), max(ends)
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def _weighty(shape: Shape) -> tuple[float, float]:
    """Least and largest effect, without the outermost half per cent of the rows, where curves may run far."""
    if shape.labels or not shape.counts.sum():
        return float(shape.y.min()), float(shape.y.max())
    total = np.cumsum(shape.counts) / shape.counts.sum()
    first = shape.edges[int(np.searchsorted(total, 0.005))]
    last = shape.edges[min(int(np.searchsorted(total, 0.995)) + 1, len(shape.edges) - 1)]
    inside = (shape.x >= first) & (shape.x <= last)
    y = shape.y[inside] if inside.any() else shape.y
    return float(y.min()), float(y.max())


def _title(axes: Axes, shape: Shape, importance: float, theme: Theme, *, own: bool) -> None:
    place = {"ha": "left", "va": "bottom", "transform": axes.transAxes}
    axes.text(
        0.0, 1 + 0.2 / PANEL[1], drawable(shorten(shape.column, 34)), **place, **text_style(theme, SIZE_TEXT)
    )
    words = f"importance {number_text(importance, 2)}"
    words += ("" if shape.exact else " \u00b7 average effect") + (" \u00b7 own scale" if own else "")
    style = text_style(theme, SIZE_SMALL, theme.muted)
    axes.text(0.0, 1 + 0.06 / PANEL[1], words, **place, **style)


def _draw_curve(axes: Axes, shape: Shape, limits: tuple[float, float], theme: Theme) -> None:
    low, high = limits
    foot = low - 0.2 * (high - low)
    axes.set_ylim(foot, high)
    if shape.bend is not None:
        axes.set_xscale("function", functions=asinh(shape.bend[0], abs(shape.bend[1])))
    axes.set_xlim(float(shape.x.min()), float(shape.x.max()))
    if shape.counts.sum():
        skyline = foot + 0.16 * (high - foot) * shape.counts / shape.counts.max()
        axes.stairs(
            skyline, shape.edges, baseline=foot, fill=True, color=theme.line, linewidth=0.0, zorder=0.5
        )
    axes.axhline(0.0, color=theme.faint, linewidth=0.6, zorder=0.6)
    name = shape.column.replace(" ", "-")
    if shape.low is not None and shape.high is not None:
        axes.fill_between(shape.x, shape.low, shape.high, color=theme.numeric, alpha=0.18, linewidth=0)
        axes.plot(shape.x, shape.alone, color=theme.muted, linewidth=0.9, linestyle=(0, (2.5, 2.0)))
    axes.plot(
        shape.x, shape.y, color=theme.numeric, linewidth=1.6, solid_capstyle="round", gid=f"shape-{name}"
    )
    for mark in (mark for mark in shape.marks if mark.rows):
        at = float(shape.x.max())
        axes.plot(
            [at], [mark.effect], marker="D", markersize=4, color=theme.symbolic, clip_on=False, zorder=5
        )
        side = "bottom" if mark.effect < (low + high) / 2 else "top"
        shift = 5 if side == "bottom" else -5
        axes.annotate(
            drawable(mark.name),
            (at, mark.effect),
            xytext=(0, shift),
            textcoords="offset points",
            ha="right",
            va=side,
            **text_style(theme, SIZE_SMALL, theme.symbolic),
        )
    label = shape.unit or {"date": "date"}.get(shape.kind, "")
    if label:
        axes.set_xlabel(drawable(label), labelpad=2, **text_style(theme, SIZE_SMALL, theme.muted))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(compact(axes.get_ylim()))
    number_ticks(axes.xaxis, shape.x, kind=shape.kind, whole=shape.whole, bend=shape.bend)


def _draw_levels(axes: Axes, shape: Shape, limits: tuple[float, float], theme: Theme, width: float) -> None:
    """Horizontal bars, lowest effect at the bottom; thick where many rows have the level."""
    order = np.argsort(shape.y, kind="stable")
    if len(order) > MOST_LEVELS:
        half = MOST_LEVELS // 2
        order = np.concatenate([order[:half], order[-(MOST_LEVELS - half) :]])
    axes.set_xlim(*limits)
    axes.set_ylim(-0.6, len(order) - 0.4)
    most = max(float(shape.counts.max()), 1.0)
    for place, k in enumerate(order.tolist()):
        thick = 0.22 + 0.56 * math.sqrt(float(shape.counts[k]) / most)
        value = float(shape.y[k])
        axes.barh(place, value, height=thick, color=theme.numeric, alpha=0.85, linewidth=0)
        # The word stands on the free side of the axis.
        right = value < 0
        share = (limits[1] if right else -limits[0]) / (limits[1] - limits[0])
        inches = share * width + (PAD_RIGHT if right else PAD_LEFT) - 0.08
        words = drawable(shorten(shape.labels[k], max(int(inches / LETTER), 6)))
        axes.annotate(
            words,
            (0.0, place),
            xytext=(3 if right else -3, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            annotation_clip=False,
            **text_style(theme, SIZE_SMALL, theme.ink),
        )
    axes.axvline(0.0, color=theme.faint, linewidth=0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(compact(limits))
