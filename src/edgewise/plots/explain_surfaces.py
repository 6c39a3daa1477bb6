"""Surfaces of pairs of columns: what the two do together beyond the shape of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int
from edgewise.explaining import GlobalExplanation
from edgewise.explaining.columns import number_text
from edgewise.explaining.surface_view import Laid, SurfacePiece, bands, ends, laid, parts, scales
from edgewise.explaining.surfaces import Surface, SurfaceAxis
from edgewise.plots.explain_axes import asinh, check_global, number_ticks
from edgewise.plots.layout import Rectangle, panel_grid
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    LIGHT,
    SIZE_SMALL,
    SIZE_TEXT,
    SIZE_TITLE,
    Theme,
    bare_axes,
    new_figure,
    say_instead,
    text_style,
    theme_of,
    write_at,
)

PANEL = (2.35, 1.9)
# Width of the colour bar, its distance from the panel, and the room it takes with its numbers.
BAR, BAR_GAP, BAR_ROOM = 0.08, 0.1, 0.42
ROOM = (0.62, 0.52, 0.2 + BAR_ROOM, 0.5)
# A panel that stands by itself, and the room about it.
CARD, CARD_ROOM = (1.5, 1.45), (0.52, 0.44, 0.16 + BAR_ROOM, 0.08)
# Panels at least this high, in inches, have room for the numbers of contour lines.
NUMBERED = 1.7
# Least distances of a number from the border of its panel and from the next one, in inches.
EDGE, BETWEEN = 0.16, 0.4
# How far the strongest colour goes from the ground to the theme's own: words stay readable on it.
STRONGEST = 0.8
LETTER = 0.063
MINUS = "\u2212"


def plot_surfaces(
    explanation: GlobalExplanation, *, most: int = 6, columns: int = 3, theme: str = "light"
) -> Figure:
    """Draw what pairs of columns do to the output beyond the shape of each, strongest pairs first.

    Blue raises the output and orange lowers it, as the colour bar and the contour lines show, in units of the output; all
    panels share one scale unless a surface would be blank on it. Dots are rows; where there are none near, the surface is
    pale, for nothing but the network's own way of going on stands behind it. Levels are strips, in the network's order.

    Parameters
    ----------
    explanation : GlobalExplanation
        What `edgewise.explain(model, X)` gives.
    most : int
        At most so many pairs.
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
    >>> figure = plot_surfaces(explain(KAN([2, 3, 1], seed=0), X))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('x1', 'x2')
    """
    colours = theme_of(theme)
    check_int(most, "most", low=1)
    check_int(columns, "columns", low=1)
    check_global(explanation)
    shown = explanation.surfaces[:most]
    grid = panel_grid(len(shown), columns, PANEL, ROOM)
    figure = new_figure(grid.width, grid.height, colours)
    limits = scales(shown)
    for surface, box, limit in zip(shown, grid.boxes, limits, strict=True):
        draw_surface(figure, box, surface, limit, colours, own=limit < max(limits))
    return figure if shown else say_instead(figure, "no two columns act together", colours)


def surface_figure(surface: Surface, limit: float) -> Figure:
    """One surface with its bar of colours, which end at `limit`, and without a title."""
    left, bottom, right, top = CARD_ROOM
    figure = new_figure(CARD[0] + left + right, CARD[1] + bottom + top, LIGHT)
    _surface(figure, Rectangle(left, bottom, *CARD), surface, limit, LIGHT)
    return figure


def draw_surface(
    figure: Figure, box: Rectangle, surface: Surface, limit: float, theme: Theme, *, own: bool = False
) -> None:
    """One surface with its title and its bar of colours; `own` states that its scale is not that of the others."""
    axes = _surface(figure, box, surface, limit, theme)
    place = {"ha": "left", "va": "bottom", "transform": axes.transAxes}
    title = drawable(shorten(" \u00d7 ".join(surface.columns), 42))
    axes.text(0.0, 1 + 0.22 / box.height, title, **place, **text_style(theme, SIZE_TEXT))
    words = f"strength {number_text(surface.strength, 2)}"
    words += ("" if surface.exact else " \u00b7 average effect") + (" \u00b7 own scale" if own else "")
    axes.text(0.0, 1 + 0.08 / box.height, words, **place, **text_style(theme, SIZE_SMALL, theme.muted))


def _surface(figure: Figure, box: Rectangle, surface: Surface, limit: float, theme: Theme) -> Axes:
    axes = bare_axes(figure, box, theme)
    view = laid(surface)
    paint = _Paint(theme, bands(limit))
    axes.set_xlim(*ends(view.across))
    axes.set_ylim(*ends(view.up))
    for axis, scale, of in (
        (axes.xaxis, axes.set_xscale, view.across),
        (axes.yaxis, axes.set_yscale, view.up),
    ):
        if of.bend is not None:
            scale("function", functions=asinh(of.bend[0], abs(of.bend[1])))
        if not of.labels:
            number_ticks(axis, of.x, kind=of.kind, whole=of.whole, bend=of.bend)
    for part in parts(view):
        _fill(axes, part, paint, lines=view.smooth, numbers=box.height >= NUMBERED)
    dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 1.5, "markeredgewidth": 0}
    axes.plot(*view.rows.T, **dots, color=theme.ink, alpha=0.35, zorder=3)
    _name_levels(axes, view, box.width, theme)
    label = text_style(theme, SIZE_SMALL, theme.muted)
    axes.set_xlabel(_named(view.across), labelpad=2, **label)
    axes.set_ylabel(_named(view.up), labelpad=3, **label)
    _bar(figure, box, paint)
    return axes


@dataclass(frozen=True)
class _Paint:
    """The colours of effects: of bands between steps, as shares of the theme's own, and of what lies beyond."""

    theme: Theme
    steps: Floats

    @property
    def bands(self) -> list[Any]:
        """Colours from what lies below the steps to what lies above them."""
        middles = (self.steps[1:] + self.steps[:-1]) / 2
        return [self._colour(value) for value in (self.steps[0], *middles.tolist(), self.steps[-1])]

    def _colour(self, value: float) -> Any:
        share = float(value / self.steps[-1])
        if abs(share) < 1e-9:
            return to_rgb(self.theme.panel)
        return to_rgba(
            self.theme.numeric if share > 0 else self.theme.symbolic, STRONGEST * min(abs(share), 1.0)
        )


def _fill(axes: Axes, part: SurfacePiece, paint: _Paint, *, lines: bool, numbers: bool) -> None:
    axes.contourf(
        part.x,
        part.y,
        part.z,
        levels=paint.steps,
        colors=paint.bands,
        extend="both",
        zorder=1,
        antialiased=False,
    )
    low, high = float(part.z.min()), float(part.z.max())
    crossed = [step for step in paint.steps.tolist() if low < step < high]
    if lines and crossed:
        theme = paint.theme
        drawn = axes.contour(
            part.x,
            part.y,
            part.z,
            levels=crossed,
            colors=[theme.muted],
            linewidths=0.5,
            linestyles="solid",
            zorder=2,
        )
        if numbers:
            _number(axes, drawn, part, theme)
    # Pale where no row is near: half-way between a place with rows and one without.
    bare = np.minimum(part.near, 1.0)
    if float(bare.min()) < 1.0:
        axes.contourf(
            part.x, part.y, bare, levels=[-1.0, 0.5], colors=[paint.theme.ground], alpha=0.72, zorder=2.5
        )


def _number(axes: Axes, drawn: Any, part: SurfacePiece, theme: Theme) -> None:
    """Numbers on contour lines, where rows are near and no other number, nor the border, is too near."""
    style = {"fontsize": SIZE_SMALL - 0.8, "colors": [theme.ink], "inline": False}
    to_inches = axes.transData - axes.figure.dpi_scale_trans  # pyright: ignore[reportOptionalMemberAccess]
    border = axes.bbox.transformed(axes.figure.dpi_scale_trans.inverted())  # pyright: ignore[reportOptionalMemberAccess]
    kept = list[Floats]()
    for text in axes.clabel(drawn, fmt=_signed, **style):
        x, y = text.get_position()
        at = to_inches.transform((x, y))
        bare = part.near[np.abs(part.y - y).argmin(), np.abs(part.x - x).argmin()] < 1
        room = min(at[0] - border.x0, border.x1 - at[0], at[1] - border.y0, border.y1 - at[1])
        if bare or room < EDGE or any(np.hypot(*(at - other)) < BETWEEN for other in kept):
            text.remove()
            continue
        kept.append(at)
        text.set(family=text_style(theme)["family"], parse_math=False)
        text.set_path_effects([withStroke(linewidth=1.8, foreground=theme.ground)])


def _name_levels(axes: Axes, view: Laid, width: float, theme: Theme) -> None:
    style = text_style(theme, SIZE_SMALL, theme.ink)
    if view.up.labels:
        axes.set_yticks([])
        box = {"facecolor": theme.ground, "alpha": 0.7, "linewidth": 0, "pad": 1.0}
        for k, name in enumerate(view.up.labels):
            axes.text(
                0.02,
                (k + 0.5) / len(view.up.labels),
                drawable(shorten(name, 18)),
                ha="left",
                va="center",
                transform=axes.transAxes,
                zorder=4,
                bbox=box,
                **style,
            )
    if view.across.labels:
        room = max(int(width / len(view.across.labels) / LETTER) - 1, 3)
        labels = [drawable(shorten(name, room)) for name in view.across.labels]
        axes.set_xticks(range(len(labels)), labels)
        for tick in axes.get_xticklabels():
            tick.set(**style)
    if view.up.labels or view.across.labels:
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0 if view.across.labels else 2.5)


def _bar(figure: Figure, box: Rectangle, paint: _Paint) -> None:
    """The colour bar, beside the panel."""
    place = (box.left + box.width + BAR_GAP, box.bottom, BAR, box.height)
    axes = bare_axes(figure, place, paint.theme)
    tall = np.diff(paint.steps)
    axes.bar(
        [0.5] * len(tall), tall, width=1.0, bottom=paint.steps[:-1], color=paint.bands[1:-1], linewidth=0
    )
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(paint.steps[0], paint.steps[-1])
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.yaxis.tick_right()
    up = paint.steps[paint.steps > 0]
    levels = sorted({float(up[-1]), float(up[(len(up) - 1) // 2])})
    axes.set_yticks([-step for step in reversed(levels)] + [0.0, *levels])
    axes.yaxis.set_major_formatter(lambda step, _: "0" if step == 0 else _signed(step))
    axes.tick_params(length=0, pad=2)


def _named(axis: SurfaceAxis) -> str:
    name = shorten(axis.column, 26)
    return drawable(f"{name} ({axis.unit})" if axis.unit else name)


def _signed(step: float) -> str:
    return f"{'+' if step > 0 else MINUS}{number_text(abs(step), 3)}"


CELL = 0.5
LEFT, BOTTOM, TOP, RIGHT = 1.75, 0.3, 0.5, 1.25


def plot_interactions(explanation: GlobalExplanation, *, most: int = 10, theme: str = "light") -> Figure:
    """Draw how strongly pairs of columns act together, in units of the output.

    Columns with the strongest partners come first. Cells without a number are pairs that no hidden node joins, or that
    hardly matter.

    Parameters
    ----------
    explanation : GlobalExplanation
        What `edgewise.explain(model, X)` gives.
    most : int
        At most so many columns.
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
    >>> figure = plot_interactions(explain(KAN([2, 3, 1], seed=0), X))
    >>> len(figure.axes[0].images)
    1
    """
    colours = theme_of(theme)
    check_int(most, "most", low=2)
    check_global(explanation)
    strength = explanation.interactions.strength
    order = [
        k for k in np.argsort(-strength.max(axis=1, initial=0.0), kind="stable") if strength[k].max() > 0
    ][:most]
    if not order:
        return say_instead(new_figure(4.2, 1.2, colours), "no two columns act together", colours)
    names = [explanation.interactions.columns[k] for k in order]
    table = strength[np.ix_(order, order)]
    side = len(order) * CELL
    figure = new_figure(LEFT + side + RIGHT, BOTTOM + side + TOP, colours)
    axes = bare_axes(figure, (LEFT, BOTTOM, side, side), colours)
    shown = np.ma.masked_array(table, mask=np.triu(np.ones_like(table, dtype=bool)))
    ramp = LinearSegmentedColormap.from_list("strength", [colours.panel, colours.numeric])
    top = float(table.max())
    axes.imshow(shown, cmap=ramp, vmin=0.0, vmax=top, aspect="auto")
    for i in range(len(order)):
        for j in range(i):
            value = float(table[i, j])
            if value < 0.03 * top:
                continue
            dark = value > 0.55 * top
            colour = colours.ground if dark else colours.ink
            axes.text(
                j, i, _brief(value), ha="center", va="center", **text_style(colours, SIZE_SMALL - 0.4, colour)
            )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    labels = [drawable(shorten(name, 22)) for name in names]
    axes.set_xticks([])
    axes.set_yticks(range(1, len(order)), labels[1:])
    for tick in axes.get_yticklabels():
        tick.set(**text_style(colours, SIZE_SMALL, colours.ink))
    for at, label in enumerate(labels[:-1]):
        # Each column is named at its head, where the triangle is empty.
        style = text_style(colours, SIZE_SMALL, colours.ink)
        axes.text(
            at - 0.1, at + 0.42, label, rotation=35, ha="left", va="bottom", rotation_mode="anchor", **style
        )
    title = drawable(f"Columns that act together, in units of {shorten(explanation.output, 40)}")
    write_at(figure, 0.15, 0.22, title, text_style(colours, SIZE_TITLE))
    return figure


def _brief(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return number_text(value, 2)
