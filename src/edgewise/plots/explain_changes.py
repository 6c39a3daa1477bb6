"""Counterfactuals as a table: a row as it is, and beside it the least changes that change the answer."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.explaining import Counterfactuals
from edgewise.explaining.columns import number_text
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import SIZE_SMALL, SIZE_TEXT, SIZE_TITLE, new_figure, text_style, theme_of, write_at

NAME, CELL, LINE = 2.5, 1.75, 0.34
EDGE, TOP, BOTTOM = 0.2, 0.95, 0.12


def plot_counterfactuals(found: Counterfactuals, *, theme: str = "light") -> Figure:
    """Draw a row as it is beside its counterfactuals; only what changes is shown.

    Parameters
    ----------
    found : Counterfactuals
        What `edgewise.counterfactuals` gives.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If it is no result of `counterfactuals`.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KAN, counterfactuals
    >>> X = np.random.default_rng(0).uniform(-1, 1, (50, 2)).round(2)
    >>> net = KAN([2, 1], seed=0)
    >>> low = float(net.predict(X).min())
    >>> figure = plot_counterfactuals(counterfactuals(net, X, int(net.predict(X).argmin()), above=low + 1e-3))
    """
    colours = theme_of(theme)
    if not isinstance(found, Counterfactuals):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(argument="found", expected="be what counterfactuals gives", got=short(found))
    names = list(dict.fromkeys(change.column for item in found.items for change in item.changes))
    before = {change.column: change.before_text for item in found.items for change in item.changes}
    width = 2 * EDGE + NAME + CELL * (1 + len(found.items))
    height = TOP + LINE * (len(names) + (2 if found.fixed else 1)) + BOTTOM
    figure = new_figure(max(width, 5.0), height, colours)
    width = float(figure.get_size_inches()[0])

    def write(
        x: float, y: float, text: str, size: float = SIZE_SMALL + 0.6, colour: str | None = None
    ) -> None:
        write_at(figure, x, y, drawable(text), text_style(colours, size, colour or colours.ink))

    who = "This row" if found.row is None else f"Row {found.row}"
    write(EDGE, 0.26, f"{who}: {shorten(found.wanted, 60)}", SIZE_TITLE)
    if not found.items:
        write(EDGE, 0.75, "no way found within the observed ranges and levels", SIZE_TEXT, colours.muted)
        return figure
    top = TOP - 0.22
    write(EDGE + NAME, top, "as it is", SIZE_SMALL, colours.muted)
    for at, item in enumerate(found.items):
        words = f"{at + 1}.  cost {number_text(item.cost, 2)}"
        write(EDGE + NAME + CELL * (at + 1), top, words, SIZE_SMALL, colours.muted)
    for line, name in enumerate(names):
        y = TOP + LINE * (line + 0.35)
        _rule(figure, y - LINE / 2, (EDGE, width - EDGE), colours.line, height, width)
        write(EDGE, y, shorten(name, 32))
        write(EDGE + NAME, y, shorten(before[name], 22), colour=colours.muted)
        for at, item in enumerate(found.items):
            change = next((one for one in item.changes if one.column == name), None)
            x = EDGE + NAME + CELL * (at + 1)
            if change is None:
                write(x, y, "\u00b7", colour=colours.faint)
                continue
            box = (x - 0.07, y - 0.36 * LINE, CELL - 0.1, 0.72 * LINE)
            figure.add_artist(
                FancyBboxPatch(
                    (box[0] / width, 1 - (box[1] + box[3]) / height),
                    box[2] / width,
                    box[3] / height,
                    boxstyle="round,pad=0,rounding_size=0.008",
                    mutation_aspect=width / height,
                    facecolor=colours.numeric,
                    alpha=0.13,
                    linewidth=0,
                    transform=figure.transFigure,
                )
            )
            write(x, y, shorten(change.after_text, 22))
    y = TOP + LINE * (len(names) + 0.35)
    _rule(figure, y - LINE / 2, (EDGE, width - EDGE), colours.faint, height, width)
    write(EDGE, y, shorten(found.output, 32), colour=colours.muted)
    write(EDGE + NAME, y, number_text(found.value), colour=colours.muted)
    for at, item in enumerate(found.items):
        write(EDGE + NAME + CELL * (at + 1), y, number_text(item.value), colour=colours.numeric)
    kept = f"Left as they are: {', '.join(found.fixed)}." if found.fixed else ""
    if kept:
        write(EDGE, y + LINE, shorten(kept, int(14 * width)), SIZE_SMALL, colours.muted)
    return figure


def _rule(
    figure: Figure, y: float, ends: tuple[float, float], colour: str, height: float, width: float
) -> None:
    from matplotlib.lines import Line2D

    place = 1 - y / height
    figure.add_artist(Line2D([ends[0] / width, ends[1] / width], [place, place], color=colour, linewidth=0.6))
