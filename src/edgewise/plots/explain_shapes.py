"""Shape functions of a global explanation: what each column does to the output, over the density of its rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from edgewise._core.checks import check_int, short
from edgewise._core.errors import InputError
from edgewise.explain import GlobalExplanation
from edgewise.explain.columns import number_text
from edgewise.explain.shapes import Shape
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TEXT,
    Theme,
    bare_axes,
    new_figure,
    text_style,
    theme_of,
)

Floats = NDArray[np.float64]

PANEL = (2.35, 1.45)
PAD_LEFT, PAD_BOTTOM, PAD_TOP, PAD_RIGHT = 0.62, 0.5, 0.46, 0.2
# More levels than this are the strongest ones, up and down.
MOST_LEVELS = 7
# A scale this many times higher than the median panel needs would show most panels flat.
DWARFED = 5.0
# Width of a letter in inches.
LETTER = 0.063


def plot_shapes(
    explanation: GlobalExplanation, *, most: int = 12, columns: int = 3, theme: str = "light"
) -> Figure:
    """Draw the shape functions of a model, most important columns first.

    All panels share one scale of the effect, in units of the output, so that heights can be compared; where one
    column would dwarf the others each has its own, and its title says so. A curve that is exact is a part of the
    network; an accumulated local effect has a dashed line with its exact part and, shaded, a 95 % band of a bootstrap
    over rows. The skyline below is the density of the rows. Levels are bars whose thickness tells how many rows have
    them.

    Parameters
    ----------
    explanation : GlobalExplanation
        What `edgewise.explain(model, X)` gives.
    most : int
        At most so many columns.
    columns : int
        Panels in a row.
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
    colours = theme_of(theme, "plot_shapes")
    check_int(most, "most", low=1, of="plot_shapes")
    check_int(columns, "columns", low=1, of="plot_shapes")
    if not isinstance(explanation, GlobalExplanation):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"The 'explanation' of plot_shapes must be what explain(model, X) gives. Got {short(explanation)} instead."
        )
    used = [
        (one, shape)
        for one, shape in zip(explanation.importances, explanation.shapes, strict=True)
        if one.value > 0
    ][:most]
    across = min(columns, max(len(used), 1))
    down = max(math.ceil(len(used) / across), 1)
    width, height = PANEL[0] + PAD_LEFT + PAD_RIGHT, PANEL[1] + PAD_BOTTOM + PAD_TOP
    figure = new_figure(across * width, down * height, colours)
    shared = _limits([shape for _, shape in used])
    for place, (one, shape) in enumerate(used):
        row, column = divmod(place, across)
        corner = (column * width + PAD_LEFT, (down - 1 - row) * height + PAD_BOTTOM)
        levels, (low, high) = bool(shape.labels), shared or _own(shape)
        axes = bare_axes(figure, (*corner, *PANEL), colours, grid="x" if levels else "y")
        if levels:
            _draw_levels(axes, shape, (low, high), colours)
        else:
            _draw_curve(axes, shape, (low, high), colours)
        _title(axes, shape, one.value, colours, own=shared is None)
        if column == 0 and not levels:
            label = drawable(shorten(explanation.output, 30))
            axes.set_ylabel(label, labelpad=3, **text_style(colours, SIZE_SMALL, colours.muted))
    if not used:
        style = text_style(colours, SIZE_TEXT, colours.muted)
        figure.text(0.5, 0.5, "no column has an effect", ha="center", va="center", **style)
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
    ends = (*_weighty(shape), shape.missing or 0.0, 0.0)
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
        centre, scale = shape.bend
        axes.set_xscale("function", functions=_asinh(centre, abs(scale)))
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
    if shape.missing is not None and shape.missing_rows:
        at = float(shape.x.max())
        axes.plot(
            [at], [shape.missing], marker="D", markersize=4, color=theme.symbolic, clip_on=False, zorder=5
        )
        side = "bottom" if shape.missing < (low + high) / 2 else "top"
        shift = 5 if side == "bottom" else -5
        axes.annotate(
            "missing",
            (at, shape.missing),
            xytext=(0, shift),
            textcoords="offset points",
            ha="right",
            va=side,
            **text_style(theme, SIZE_SMALL, theme.symbolic),
        )
    label = shape.unit or {"date": "date"}.get(shape.kind, "")
    if label:
        axes.set_xlabel(drawable(label), labelpad=2, **text_style(theme, SIZE_SMALL, theme.muted))
    _ticks(axes, shape)


def _ticks(axes: Axes, shape: Shape) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(_compact(axes.get_ylim()))
    if shape.kind == "date":
        locator = AutoDateLocator(maxticks=4)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        return
    if shape.bend is not None:
        axes.set_xticks(_spread_ticks(shape))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=shape.whole))
    axes.xaxis.set_major_formatter(_compact((float(shape.x.min()), float(shape.x.max()))))


def _spread_ticks(shape: Shape) -> list[float]:
    """Round numbers about evenly spread on an asinh axis."""
    assert shape.bend is not None
    forward, _ = _asinh(shape.bend[0], abs(shape.bend[1]))
    low, high = float(shape.x.min()), float(shape.x.max())
    decades = [0.0, *(sign * m * 10.0**e for e in range(-6, 13) for m in (1, 2, 5) for sign in (1, -1))]
    inside = sorted(t for t in decades if low <= t <= high)
    spots = forward(np.array([low, high]))
    gap, chosen, last = 0.24 * float(spots[1] - spots[0]), list[float](), -math.inf
    for tick in inside:
        at = float(forward(np.array([tick]))[0])
        if at - last >= gap:
            chosen.append(tick)
            last = at
    return chosen


def _asinh(centre: float, scale: float) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    def forward(x: Floats) -> Floats:
        return np.arcsinh((np.asarray(x) - centre) / scale)

    def backward(t: Floats) -> Floats:
        return centre + scale * np.sinh(t)

    return forward, backward


def _compact(ends: tuple[float, float]) -> FuncFormatter:
    """Ticks in few characters, all of an axis in one unit: 50k, 250k."""
    largest = max(abs(end) for end in ends)
    unit, letter = next(
        ((unit, letter) for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if largest >= 10 * unit),
        (1.0, ""),
    )
    return FuncFormatter(lambda value, _: f"{value / unit:.4g}{letter if value else ''}")


def _draw_levels(axes: Axes, shape: Shape, limits: tuple[float, float], theme: Theme) -> None:
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
        inches = share * PANEL[0] + (PAD_RIGHT if right else PAD_LEFT) - 0.08
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
    axes.xaxis.set_major_formatter(_compact(limits))
