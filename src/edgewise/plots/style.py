"""One look for every drawing: colours, sizes and bare axes, given to each artist and never to matplotlib's global state."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from edgewise._core.checks import check_choice

# Shipped with matplotlib, so that a drawing measures and looks the same on every computer.
FONT = "DejaVu Sans"
MATH_FONT = "stix"
MATH_FILE = "STIXGeneral"

SIZE_TITLE = 10.0
SIZE_TEXT = 8.5
SIZE_SMALL = 7.0
# Mathematics in STIX reads smaller than DejaVu Sans at the same size.
MATH_SCALE = 1.25


@dataclass(frozen=True)
class Theme:
    """The colours of a drawing; each field is a distinct hex colour, so that a page can put CSS variables in their place.

    `numeric` and `symbolic` (and `held_out` and `train`) stay apart under every common colour blindness: blue and orange
    after Okabe and Ito.
    """

    ground: str
    panel: str
    line: str
    faint: str
    muted: str
    ink: str
    numeric: str
    symbolic: str


LIGHT = Theme(
    ground="#ffffff",
    panel="#f6f7f9",
    line="#dcdfe5",
    faint="#a5adba",
    muted="#5c6675",
    ink="#1a2029",
    numeric="#0b6bb3",
    symbolic="#c4540a",
)
DARK = Theme(
    ground="#12151b",
    panel="#1b2029",
    line="#333b48",
    faint="#616c7d",
    muted="#a0aaba",
    ink="#eceff4",
    numeric="#62b5f0",
    symbolic="#f59d4f",
)
THEMES = {"light": LIGHT, "dark": DARK}


def theme_of(name: str) -> Theme:
    """The theme called "light" or "dark"."""
    return THEMES[check_choice(name, "theme", THEMES)]


class ShownFigure(Figure):
    """A figure that a notebook shows by itself: matplotlib teaches notebooks its own figures only once pyplot has drawn."""

    def _repr_png_(self) -> bytes:
        data = io.BytesIO()
        self.savefig(data, format="png")
        return data.getvalue()


def new_figure(width: float, height: float, theme: Theme) -> Figure:
    """An empty figure, in inches, that pyplot knows nothing of."""
    return ShownFigure(figsize=(width, height), facecolor=theme.ground, edgecolor="none", dpi=100)


def text_style(theme: Theme, size: float = SIZE_TEXT, color: str | None = None) -> dict[str, Any]:
    """Keyword arguments of a text that is shown as it is: a "$" in a column's name is a dollar."""
    return {"family": FONT, "size": size, "color": color or theme.ink, "parse_math": False}


def math_style(theme: Theme, size: float = SIZE_TEXT, color: str | None = None) -> dict[str, Any]:
    """Keyword arguments of a text whose dollars enclose mathematics we wrote ourselves."""
    style = text_style(theme, size * MATH_SCALE, color)
    return {**style, "parse_math": True, "math_fontfamily": MATH_FONT}


def write_at(
    figure: Figure, left: float, down: float, words: str, style: dict[str, Any], *, va: str = "center"
) -> None:
    """A text that begins so many inches right of and below the upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - down / height, words, ha="left", va=va, **style)


def say_instead(figure: Figure, words: str, theme: Theme) -> Figure:
    """A figure that has nothing to draw says so."""
    figure.text(0.5, 0.5, words, ha="center", va="center", **text_style(theme, SIZE_TEXT, theme.muted))
    return figure


def bare_axes(
    figure: Figure, box: tuple[float, float, float, float], theme: Theme, *, grid: str = ""
) -> Axes:
    """Axes in a box (left, bottom, width, height in inches) with two quiet spines and, where asked, faint grid lines."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.faint)
        axes.spines[side].set_linewidth(0.6)
    axes.tick_params(
        which="both",
        length=2.5,
        width=0.6,
        color=theme.faint,
        labelcolor=theme.muted,
        labelsize=SIZE_SMALL,
        labelfontfamily=FONT,
    )
    axes.tick_params(which="minor", length=0)
    if grid:
        axes.grid(visible=True, axis=grid, color=theme.line, linewidth=0.6)  # pyright: ignore[reportArgumentType]
    return axes


def padded(values: NDArray[np.float64], share: float = 0.05) -> tuple[float, float]:
    """The range of the finite values with room around it, never of no width."""
    good = values[np.isfinite(values)]
    low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)
    room = share * (high - low) or 0.5 * max(abs(high), 1e-300)
    return low - room, high + room


def draw_points(
    axes: Axes, x: Any, y: Any, size: float, color: str, *, alpha: float = 1.0, zorder: float = 2
) -> None:
    """Dots as one line of short strokes: many rows stay one light element. The limits of the axes are set before."""
    low, high = axes.get_xlim()
    # No renderer draws a stroke of no length.
    stroke = 1e-4 * (high - low)
    gap = np.full(len(x), np.nan)
    across, up = np.column_stack([x, np.asarray(x) + stroke, gap]), np.column_stack([y, y, gap])
    look: dict[str, Any] = {"linewidth": size, "solid_capstyle": "round", "alpha": alpha, "zorder": zorder}
    axes.plot(across.ravel(), up.ravel(), color=color, **look)


def label_log_axis(axis: Axis, low: float, high: float) -> None:
    """Labels of a logarithmic axis: powers of ten, and 2 and 5 between them where there are few powers."""
    decades = math.log10(high / low)
    if decades > 1.6:
        axis.set_major_locator(LogLocator(10.0, numticks=7))
        axis.set_major_formatter(LogFormatterMathtext(10.0))
    else:
        few = LogLocator(10.0, subs=(1.0, 2.0, 5.0)) if decades > 0.5 else MaxNLocator(4, steps=[1, 2, 5, 10])
        axis.set_major_locator(few)
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
