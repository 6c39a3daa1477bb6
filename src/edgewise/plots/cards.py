"""Cards: one function on small axes of its own over the density of its rows, and levels as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgewise._core.arrays import Floats
from edgewise.plots.explain_axes import compact
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import LIGHT, SIZE_SMALL, bare_axes, new_figure, padded, text_style

# Inches: the whole card, the room about its axes, and a bar with its gap.
WIDTH, HEIGHT = 2.41, 1.56
LEFT, RIGHT, TOP, BOTTOM = 0.42, 0.09, 0.05, 0.36
BAR, LEVELS, SHARES = 0.155, 1.16, 0.4
# Share of the height that the density takes up, and letters of a level and of an axis.
SKYLINE = 0.2
LETTERS, LONGEST = 19, 40


@dataclass(frozen=True, eq=False)
class Card:
    """A function of one input.

    Attributes
    ----------
    x, y : arrays of shape (k,)
        The curve; gaps where values are not finite.
    name : str
        What runs along the horizontal axis.
    counts : array of shape (b,)
        Rows in equal steps between `ends`.
    ends : (low, high)
        The range of the rows; a curve that goes on beyond is dashed there.
    symbolic : bool
        Whether it is a closed form.
    band : (low, high) or None
        Arrays of shape (k,): what single rows do.
    marks : tuple of (place, label) or None
        Ticks instead of round numbers.
    rug : array
        Some of the values of the rows.
    """

    x: Floats
    y: Floats
    name: str
    counts: Floats
    ends: tuple[float, float]
    symbolic: bool = False
    band: tuple[Floats, Floats] | None = None
    marks: tuple[tuple[float, str], ...] | None = None
    rug: Floats | None = None


def curve_card(card: Card) -> Figure:
    """The curve over the density of its rows, with the band of single rows where there is one."""
    theme, figure = LIGHT, new_figure(WIDTH, HEIGHT, LIGHT)
    axes = bare_axes(figure, (LEFT, BOTTOM, WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM - TOP), theme, grid="y")
    inside = (card.x >= card.ends[0]) & (card.x <= card.ends[1])
    low, high = padded(np.concatenate(card.band), 0.12) if card.band else window(card.y[inside])
    axes.set_ylim(low, high)
    axes.set_xlim(float(card.x[0]), max(float(card.x[-1]), float(np.nextafter(card.x[0], np.inf))))
    _density(axes, card)
    colour = theme.symbolic if card.symbolic else theme.numeric
    free: dict[str, Any] = {"clip_on": False, "color": colour}
    shown = np.where((card.y >= low) & (card.y <= high), card.y, np.nan)
    if card.band:
        edge: dict[str, Any] = {"color": theme.faint, "linestyle": (0, (4, 3)), "linewidth": 0.8}
        axes.fill_between(card.x, *card.band, color=colour, alpha=0.14, linewidth=0, clip_on=False)
        axes.plot(card.x[[0, -1]], [0.0, 0.0] if low <= 0 <= high else [np.nan] * 2, clip_on=False, **edge)
    elif not inside.all():
        axes.plot(card.x, shown, linewidth=0.9, linestyle=(0, (3, 2.5)), alpha=0.75, **free)
    axes.plot(np.where(inside, card.x, np.nan), shown, linewidth=1.3, solid_capstyle="round", **free)
    if card.marks is None:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(compact(axes.get_xlim()))
    else:
        axes.set_xticks([at for at, _ in card.marks], [drawable(name) for _, name in card.marks])
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(compact((low, high)))
    return _finished(figure, axes, card.name)


def window(values: Floats, below: float = 0.5) -> tuple[float, float]:
    """A constant gets a window as high as itself; beyond the rows a closed form may run off, so they set the scale."""
    good = values[np.isfinite(values)]
    low, high = (float(good.min()), float(good.max())) if good.size else (-1.0, 1.0)
    room = 0.5 * (high - low) if high - low > 1e-12 * max(abs(low), abs(high)) else abs(high) or 1.0
    return low - below * room, high + 0.3 * room


def _density(axes: Axes, card: Card) -> None:
    """The rows as a low skyline, which any number of them leaves readable."""
    low, high = axes.get_ylim()
    top = float(card.counts.max(initial=0.0))
    if top > 0:
        ends = card.ends if card.ends[1] > card.ends[0] else (card.ends[0] - 0.5, card.ends[1] + 0.5)
        edges = np.linspace(*ends, len(card.counts) + 1)
        look: dict[str, Any] = {"color": LIGHT.line, "linewidth": 0.0, "zorder": 0.5, "clip_on": False}
        axes.stairs(low + SKYLINE * (high - low) * card.counts / top, edges, baseline=low, fill=True, **look)
    if card.rug is not None and card.rug.size:
        stroke = np.array([0.0, 0.03, np.nan])
        at = np.repeat(card.rug, 3)
        up = np.tile(low + (high - low) * stroke, card.rug.size)
        axes.plot(at, up, color=LIGHT.faint, linewidth=0.6, alpha=0.8, clip_on=False)


def level_card(
    levels: Sequence[str],
    y: Floats,
    counts: Floats,
    name: str,
    shares: Sequence[str],
    band: tuple[Floats, Floats] | None = None,
) -> Figure:
    """One bar a level, right of the line where it raises the output and left where it lowers it; its share of the rows."""
    height = TOP + len(levels) * BAR + BOTTOM
    figure = new_figure(WIDTH, height, LIGHT)
    words = [drawable(shorten(level, LETTERS)) for level in levels]
    left = min(LEVELS, 0.12 + 0.062 * max(len(word) for word in words))
    axes = bare_axes(figure, (left, BOTTOM, WIDTH - left - SHARES, height - BOTTOM - TOP), LIGHT, grid="x")
    every = np.concatenate([y, [0.0], *(band or ())])
    low, high = padded(every, 0.06) if np.ptp(every) > 0 else (-1.0, 1.0)
    axes.set_xlim(low, high)
    axes.set_ylim(len(levels) - 0.5, -0.5)
    look: dict[str, Any] = {"color": LIGHT.numeric, "linewidth": 0, "height": 0.72, "clip_on": False}
    for at, value in enumerate(y.tolist()):
        axes.barh(at, value, alpha=1.0 if counts[at] else 0.3, **look)
        axes.annotate(
            shares[at],
            (1, at),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            **text_style(LIGHT, SIZE_SMALL, LIGHT.muted),
        )
    for at, ends in enumerate(zip(*band, strict=True)) if band else ():
        axes.plot(ends, [at, at], color=LIGHT.faint, linewidth=0.9, clip_on=False)
    axes.plot([0.0, 0.0], axes.get_ylim(), color=LIGHT.faint, linewidth=0.6, clip_on=False)
    axes.set_yticks(range(len(levels)), words, **text_style(LIGHT, SIZE_SMALL))
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(compact((low, high)))
    return _finished(figure, axes, name)


def _finished(figure: Figure, axes: Axes, name: str) -> Figure:
    """Without strokes at the ticks, and with its name in the middle below."""
    axes.spines["left"].set_visible(False)
    axes.tick_params(which="both", length=0)
    for line in (*axes.get_xgridlines(), *axes.get_ygridlines()):
        line.set_clip_on(False)
    box = axes.get_position()
    # In the middle of its axis where it is short, else of the card.
    middle = (box.x0 + box.x1) / 2 if len(name) < LETTERS else 0.5
    figure.text(
        middle,
        0.06 / float(figure.get_figheight()),
        drawable(shorten(name, LONGEST)),
        ha="center",
        va="bottom",
        **text_style(LIGHT, SIZE_SMALL, LIGHT.muted),
    )
    return figure
