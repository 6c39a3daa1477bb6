"""Drawings of the results: time against the number of intervals, and the kernels under the roofline."""

from __future__ import annotations

import math
from collections.abc import Sequence

from _speed_measures import BOTH, KERNELS, PERCEPTRON, Comparison, Results
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TEXT,
    SIZE_TITLE,
    Theme,
    bare_axes,
    new_figure,
    text_style,
    theme_of,
)

_PANEL, _HEIGHT, _GAP = 1.75, 2.6, 0.28
_LEFT, _BOTTOM, _TOP, _RIGHT = 0.62, 0.5, 0.62, 1.35
Cell = tuple[int | str, ...]


def drawings(results: Results) -> dict[str, Figure]:
    """All drawings for which there are measurements, by name."""
    colours = theme_of("light")
    found: dict[str, Figure] = {}
    if relative := _relative(results):
        found["layers"] = _plot_layers(relative, colours)
    kernels = results.of("roofline")
    if any(kernel.measure in KERNELS for kernel in kernels):
        found["roofline"] = _plot_roofline(kernels, colours)
    return found


def _relative(results: Results) -> dict[str, dict[Cell, float]]:
    """Times of forward and backward over those of the linear layer, by what was measured and by cell."""
    found: dict[str, dict[Cell, float]] = {}
    ours: dict[Cell, float] = {}
    for item in results.of("layers"):
        cell = tuple(item.setting[key] for key in ("in", "out", "batch", "G"))
        if item.reference == "Linear + SiLU":
            if item.setting["base"] == "none":
                ours[cell] = item.ratio
        elif item.measure == BOTH and cell[0] != "all":
            found.setdefault(item.reference, {})[cell] = item.ratio
    if not ours:
        return {}
    # Their time over the linear layer's is ours over the linear layer's, divided by ours over theirs.
    others = {
        name: {cell: ours[cell] / ratio for cell, ratio in cells.items() if cell in ours}
        for name, cells in found.items()
    }
    return {"edgewise": ours} | others


def _plot_layers(relative: dict[str, dict[Cell, float]], theme: Theme) -> Figure:
    """A panel a shape, time over that of a linear layer against G, both axes logarithmic."""
    shapes = sorted(
        {cell[:2] for cell in relative["edgewise"]}, key=lambda shape: int(shape[0]) * int(shape[1])
    )
    batches = sorted({int(cell[2]) for cell in relative["edgewise"]})
    intervals = sorted({int(cell[3]) for cell in relative["edgewise"]})
    width = _LEFT + len(shapes) * (_PANEL + _GAP) + _RIGHT
    figure = new_figure(width, _BOTTOM + _HEIGHT + _TOP, theme)
    colours = {"edgewise": theme.numeric, "dense formulation": theme.symbolic, PERCEPTRON: theme.muted}
    top = 1.6 * max(value for cells in relative.values() for value in cells.values())
    ticks = [tick for tick in (1, 4, 10, 30, 100, 300, 1000) if tick <= top]
    for k, shape in enumerate(shapes):
        axes = bare_axes(figure, (_LEFT + k * (_PANEL + _GAP), _BOTTOM, _PANEL, _HEIGHT), theme, grid="y")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(0.85, top)
        axes.set_xlim(intervals[0] / 1.35, intervals[-1] * 1.35)
        axes.axhline(4, color=theme.numeric, linewidth=0.8, linestyle=(0, (1, 2)))
        ends: list[tuple[float, str, str]] = []
        for name, cells in relative.items():
            for batch in batches:
                points = sorted((int(cell[3]), v) for cell, v in cells.items() if cell[:3] == (*shape, batch))
                if not points:
                    continue
                large = batch == batches[-1]
                axes.plot(
                    *zip(*points, strict=True),
                    color=colours[name],
                    linewidth=1.8 if large else 1.0,
                    linestyle="-" if large else (0, (4, 2)),
                    marker="o",
                    markersize=4 if large else 3.4,
                    markerfacecolor=colours[name] if large else theme.ground,
                    zorder=3 if name == "edgewise" else 2,
                )
                if large:
                    ends.append((points[-1][1], name, colours[name]))
        _ticks(axes, intervals, ticks, labelled=k == 0)
        axes.set_title(f"{shape[0]} × {shape[1]}", loc="left", pad=5, **text_style(theme, SIZE_TEXT))
        axes.set_xlabel("intervals G", labelpad=2, **text_style(theme, SIZE_SMALL, theme.muted))
        if k == len(shapes) - 1:
            _name_ends(axes, ends, top, theme)
            words = "floor: 4 multiply-adds\nan edge"
            axes.annotate(
                words,
                (1.0, 4),
                xycoords=("axes fraction", "data"),
                xytext=(6, -4),
                textcoords="offset points",
                va="top",
                **text_style(theme, SIZE_SMALL, theme.numeric),
            )
    title = "Forward + backward, in times of a linear layer with SiLU of the same width"
    figure.text(
        _LEFT / width,
        1 - 0.17 / figure.get_size_inches()[1],
        title,
        va="top",
        **text_style(theme, SIZE_TITLE),
    )
    lines = f"solid: batch {batches[-1]:,}" + (f"\ndashed: batch {batches[0]:,}" if len(batches) > 1 else "")
    figure.text(
        (width - _RIGHT - _GAP + 0.08) / width,
        _BOTTOM / figure.get_size_inches()[1],
        lines,
        linespacing=1.5,
        **text_style(theme, SIZE_SMALL, theme.muted),
    )
    return figure


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten in a range, powers alone where they are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    leads = (1, 2, 5) if high / low < 300 else (1,)
    return [lead * 10.0**power for power in powers for lead in leads if low <= lead * 10.0**power <= high]


def _ticks(axes: Axes, x: Sequence[float], y: Sequence[float], *, labelled: bool = True) -> None:
    for axis, places in ((axes.xaxis, x), (axes.yaxis, y)):
        axis.set_major_locator(FixedLocator(places))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if not labelled:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: ""))


def _name_ends(axes: Axes, ends: Sequence[tuple[float, str, str]], top: float, theme: Theme) -> None:
    """Each line named at its right end, a little apart from its neighbours."""
    least = 0.0
    for value, name, colour in sorted(ends):
        place = max(math.log(value / 0.85) / math.log(top / 0.85), least)
        least = place + 0.075
        axes.annotate(
            name.replace(", ", ",\n"),
            (1.0, place),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            **text_style(theme, SIZE_SMALL, colour),
        )


_SHAPES: dict[str, str] = {"forward": "o", "grad_coef": "s", "grad_input": "^"}


def _plot_roofline(found: Sequence[Comparison], theme: Theme) -> Figure:
    """Multiply-adds a second against multiply-adds a byte, under the ceilings that were measured."""
    levels = {
        str(comparison.setting["ceiling"]): comparison.ours
        for comparison in found
        if comparison.measure == "ceiling"
    }
    peak = levels.pop("float32")
    levels.pop("float64", None)
    points = [comparison for comparison in found if comparison.measure in KERNELS]
    wide, high = 5.6, 3.4
    width, height = _LEFT + wide + 1.6, _BOTTOM + high + 0.5
    figure = new_figure(width, height, theme)
    axes = bare_axes(figure, (_LEFT, _BOTTOM, wide, high), theme, grid="both")
    axes.set_xscale("log")
    axes.set_yscale("log")
    x = [float(point.extra["multiply-adds a byte"]) for point in points]
    low, right = min(*x, peak / max(levels.values())) / 2, max(*x, peak / min(levels.values())) * 2
    bottom = min(point.ours for point in points) / 2
    axes.set_xlim(low, right)
    axes.set_ylim(bottom, peak * 1.6)
    for name, speed in levels.items():
        ridge = peak / speed
        start = max(low, bottom / speed)
        axes.plot([start, ridge], [start * speed, peak], color=theme.faint, linewidth=1.0, zorder=1)
        # Names run along the slopes, just under the bend.
        at = max(math.sqrt(start * ridge), ridge / 8)
        axes.annotate(
            f"{name}  {speed / 1e9:.0f} GB/s",
            (at, at * speed),
            xytext=(-3, 3),
            textcoords="offset points",
            rotation=_slope(axes, wide, high),
            rotation_mode="anchor",
            ha="center",
            **text_style(theme, SIZE_SMALL, theme.muted),
        )
    axes.plot([peak / max(levels.values()), right], [peak, peak], color=theme.muted, linewidth=1.4, zorder=1)
    axes.annotate(
        f"peak: {peak / 1e9:.0f} G multiply-adds/s",
        (right, peak),
        xytext=(-2, 4),
        textcoords="offset points",
        ha="right",
        **text_style(theme, SIZE_SMALL, theme.muted),
    )
    colours: dict[str, str] = dict(zip(KERNELS, (theme.numeric, theme.symbolic, theme.ink), strict=True))
    widths, batches = (sorted({int(point.setting[key]) for point in points}) for key in ("in", "batch"))
    for point in points:
        large, many = int(point.setting["in"]) == widths[-1], int(point.setting["batch"]) == batches[-1]
        axes.plot(
            [float(point.extra["multiply-adds a byte"])],
            [point.ours],
            marker=_SHAPES[point.measure],
            markersize=6.5 if large else 4.2,
            markerfacecolor=colours[point.measure] if many else theme.ground,
            markeredgecolor=colours[point.measure],
            linestyle="",
            zorder=3,
        )
    for k, kernel in enumerate(KERNELS):
        axes.plot(
            [1.03],
            [0.95 - 0.07 * k],
            transform=axes.transAxes,
            clip_on=False,
            color=colours[kernel],
            marker=_SHAPES[kernel],
            markersize=5,
            linestyle="",
        )
        axes.text(
            1.055,
            0.95 - 0.07 * k,
            kernel,
            transform=axes.transAxes,
            va="center",
            **text_style(theme, SIZE_SMALL),
        )
    sizes = (
        [f"large: {widths[-1]} × {widths[-1]}", f"small: {widths[0]} × {widths[0]}"]
        if len(widths) > 1
        else []
    )
    fills = [f"filled: batch {batches[-1]:,}", f"hollow: batch {batches[0]:,}"] if len(batches) > 1 else []
    words = "\n".join(sizes + fills)
    axes.text(
        1.03,
        0.72,
        words,
        transform=axes.transAxes,
        va="top",
        linespacing=1.5,
        **text_style(theme, SIZE_SMALL, theme.muted),
    )
    axes.set_xlabel("multiply-adds a byte", labelpad=3, **text_style(theme, SIZE_TEXT, theme.muted))
    axes.set_title(
        "Multiply-adds a second of each kernel, one core, float32",
        loc="left",
        pad=10,
        **text_style(theme, SIZE_TITLE),
    )
    _ticks(axes, _round_numbers(low, right), _round_numbers(bottom, peak * 1.6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e9:g} G"))
    return figure


def _slope(axes: Axes, wide: float, high: float) -> float:
    """Degrees at which proportionality runs across the drawing."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return math.degrees(math.atan2(high / math.log(top / bottom), wide / math.log(right / left)))
