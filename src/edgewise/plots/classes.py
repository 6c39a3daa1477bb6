"""How well probabilities of classes do: ROC curves and reliability, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from edgewise._core.arrays import Floats
from edgewise.explaining.reliability import OutcomeGroups
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import LIGHT, SIZE_SMALL, SIZE_TEXT, bare_axes, new_figure, text_style

SIDE = 2.4
LEFT, BOTTOM, TOP, RIGHT = 0.52, 0.42, 0.08, 0.1
# How a further class is drawn, in the colours there are.
DASHES = ("solid", "solid", (0, (4, 1.5)), (0, (4, 1.5)), (0, (1, 1.2)), (0, (1, 1.2)))
LINE = 0.16


def roc_figure(curves: Sequence[tuple[str, Floats, Floats]]) -> Figure:
    """True against false positives as the threshold falls, one curve a class; several are named with their areas.

    Parameters
    ----------
    curves : sequence of (str, ndarray, ndarray)
        What a curve is called; false and true positive rates.
    """
    figure, axes = _square("false positives (share)", "true positives (share)")
    for place, (name, across, up) in enumerate(curves):
        axes.plot(across, up, **_line(place, 1.4))
        if len(curves) > 1:
            _name(axes, name, len(curves) - 1 - place, place, right=True)
    return figure


def reliability_figure(
    curves: Sequence[tuple[str, OutcomeGroups]], interval: tuple[Floats, Floats] | None
) -> Figure:
    """What happened against what was predicted; on the diagonal probabilities can be taken at their word.

    Parameters
    ----------
    curves : sequence of (str, OutcomeGroups)
    interval : (ndarray, ndarray), optional
        Ends of the intervals of what happened, of a single curve.
    """
    figure, axes = _square("predicted probability", "how often it happened")
    for place, (name, one) in enumerate(curves):
        if interval is not None:
            axes.vlines(one.predicted, *interval, color=LIGHT.faint, linewidth=1.0)
        axes.plot(one.predicted, one.happened, marker="o", markersize=3.0, **_line(place, 0.9))
        if len(curves) > 1:
            _name(axes, name, len(curves) - 1 - place, place, right=False)
    return figure


def _square(across: str, up: str) -> tuple[Figure, Axes]:
    figure = new_figure(LEFT + SIDE + RIGHT, BOTTOM + SIDE + TOP, LIGHT)
    axes = bare_axes(figure, (LEFT, BOTTOM, SIDE, SIDE), LIGHT, grid="both")
    axes.plot((0.0, 1.0), (0.0, 1.0), color=LIGHT.faint, linewidth=0.8, zorder=1)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    style = text_style(LIGHT, SIZE_TEXT, LIGHT.muted)
    axes.set_xlabel(across, labelpad=2, **style)
    axes.set_ylabel(up, labelpad=2, **style)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.25))
    return figure, axes


def _line(place: int, width: float) -> dict[str, Any]:
    colour = (LIGHT.numeric, LIGHT.symbolic)[place % 2]
    return {"color": colour, "linewidth": width, "linestyle": DASHES[place % len(DASHES)]}


def _name(axes: Axes, name: str, line: int, place: int, *, right: bool) -> None:
    """A name in the free corner, in the colour of its curve, with a piece of it."""
    y = (0.12 + LINE * line) / SIDE if right else 1 - (0.12 + LINE * place) / SIDE
    x = 0.97 if right else 0.12
    colour = (LIGHT.numeric, LIGHT.symbolic)[place % 2]
    words = drawable(shorten(name, 24))
    if not right:
        axes.plot((0.02, 0.1), (y, y), transform=axes.transAxes, **_line(place, 1.4))
    style = text_style(LIGHT, SIZE_SMALL, colour)
    axes.text(x, y, words, transform=axes.transAxes, ha="right" if right else "left", va="center", **style)
