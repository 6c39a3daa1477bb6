"""A heat map of the pairs of columns that act together."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from edgewise._core.checks import check_int
from edgewise.explaining import GlobalExplanation
from edgewise.explaining.columns import number_text
from edgewise.plots.explain_axes import check_global
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TITLE,
    bare_axes,
    new_figure,
    say_instead,
    text_style,
    theme_of,
    write_at,
)

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
