"""One law over many groups: a small panel for each, its rows as points and the law with its constants as a line."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from edgewise._core.arguments import check_is, check_table
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_matrix, check_vector
from edgewise.data.row_labels import label_texts, row_labels
from edgewise.forms.tree import names_in
from edgewise.plots.layout import panel_grid
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import SIZE_SMALL, SIZE_TEXT, bare_axes, new_figure, padded, text_style, theme_of
from edgewise.symbolic import BranchedFormula, GroupedFormula
from edgewise.symbolic.groups.grouped_formula import column_of_groups

WIDTH, HEIGHT, ACROSS = 1.9, 1.25, 4
LEFT, BOTTOM, RIGHT, TOP = 0.5, 0.42, 0.15, 0.42
MOST = 24
# The law above all panels: room for it, and letters of it in an inch.
HEAD, LETTERS = 0.3, 11.0
# Letters kept free beside it, where it may be told how many groups are drawn.
SOME = 12


def plot_groups(
    formula: GroupedFormula | BranchedFormula,
    X: Any,
    y: Any,
    groups: Any = None,
    *,
    column: str | None = None,
    theme: str = "light",
) -> Figure:
    """Draw the rows of every group, and the law with the group's own constants.

    Parameters
    ----------
    formula : GroupedFormula or BranchedFormula
    X : array of shape (n, d)
        Or, without groups, the table with the columns of words that the formula follows.
    y : array or series of shape (n,)
        Its name is written where it has one.
    groups : array of shape (n,), or the column of a data frame that holds them, optional
    column : str, optional
        The column along the panels; the first in the law where left out. A law of several is drawn at the rows alone.
    theme : "light" or "dark"

    Returns
    -------
    Figure
        A panel for each of the first 24 groups, all on the same axes; above them the law that they share, and of how many
        groups these are.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import find_formula
    >>> x, name = np.tile(np.linspace(1, 3, 12), 2), np.repeat(["one", "two"], 12)
    >>> y = np.repeat([2.0, 3.0], 12) * x
    >>> found = find_formula(x[:, None], y, groups=name, names=["x"], work="quick")
    >>> [axes.get_title(loc="left") for axes in plot_groups(found.best, x[:, None], y, name).axes]
    ['one', 'two']
    """
    colours = theme_of(theme)
    check_is(formula, (GroupedFormula, BranchedFormula), "formula", "a GroupedFormula")
    table, cells = _rows(formula, X, groups)
    target = check_vector(y, "y", length=len(table))
    used = _used(formula) or formula.columns[:1]
    chosen = used[0] if column is None else check_choice(column, "column", formula.columns)
    axis = formula.columns.index(chosen)
    labels = list(dict.fromkeys(cells))
    shown = labels[:MOST]
    grid = panel_grid(len(shown), ACROSS, (WIDTH, HEIGHT), (LEFT, BOTTOM, RIGHT, TOP))
    law = _heading(formula, getattr(y, "name", None), grid.width)
    some = f"{len(shown)} of {len(labels)} groups" if len(labels) > len(shown) else ""
    height = grid.height + (HEAD if law or some else 0.0)
    figure = new_figure(grid.width, height, colours)
    if law:
        figure.text(LEFT / grid.width, 1 - 0.2 / height, law, va="center", **text_style(colours, SIZE_TEXT))
    quiet = text_style(colours, SIZE_SMALL, colours.muted)
    if some:
        figure.text(1 - RIGHT / grid.width, 1 - 0.2 / height, some, ha="right", va="center", **quiet)
    for label, name, box in zip(shown, label_texts(shown, 24), grid.boxes, strict=True):
        there = np.array([cell == label for cell in cells])
        rows = table[there]
        axes = bare_axes(figure, box, colours, grid="y")
        axes.set_xlim(*padded(table[:, axis]))
        axes.set_ylim(*padded(target, 0.08))
        points: dict[str, Any] = {"color": colours.muted, "linewidth": 0, "marker": "o", "markersize": 2.2}
        axes.plot(rows[:, axis], target[there], gid="measured", **points)
        line = used == (chosen,)
        places = _along(table, axis) if line else rows
        x, values = places[:, axis], formula.predict(places, label)
        style: dict[str, Any] = (
            {"linewidth": 1.3} if line else {"linewidth": 0, "marker": "_", "markersize": 5}
        )
        axes.plot(x, values, color=colours.numeric, gid="law", **style)
        axes.set_title(drawable(name), loc="left", pad=14, **text_style(colours, SIZE_TEXT))
        constants = formula.own.get(label, {}).items()
        # Branches have no law above the panels.
        own = (
            formula.of(label)
            if not law
            else ", ".join(f"{constant} = {item.value:.4g}" for constant, item in constants)
        )
        axes.text(0, 1.04, drawable(shorten(own, 40)), transform=axes.transAxes, va="bottom", **quiet)
        axes.set_xlabel(drawable(shorten(chosen, 24)), labelpad=2, **quiet)
    return figure


def _heading(formula: GroupedFormula | BranchedFormula, target: Any, width: float) -> str:
    """The law as text; nothing where branches have laws of their own."""
    if isinstance(formula, BranchedFormula):
        return ""
    left = f"{target} = " if isinstance(target, str) and target else ""
    return drawable(shorten(f"{left}{formula.text}", int(LETTERS * width) - SOME))


def _rows(formula: GroupedFormula | BranchedFormula, X: Any, groups: Any) -> tuple[Floats, list[Hashable]]:
    """The table, and the group of each row."""
    if groups is None and formula.words is not None:
        numbers, levels = formula.words.read(X, formula.columns)
        return check_matrix(numbers, "X"), list[Hashable](levels)
    table = check_table(X, formula.columns)
    return table, row_labels(column_of_groups(X, groups, formula.columns), len(table))


def _used(formula: GroupedFormula | BranchedFormula) -> tuple[str, ...]:
    """The columns that the law holds."""
    branches = formula.branches if isinstance(formula, BranchedFormula) else (formula,)
    held = {name for branch in branches for name in names_in(branch.tree)}
    return tuple(name for name in formula.columns if name in held)


def _along(table: Floats, axis: int) -> Floats:
    """Places along a column, from one end of the rows to the other, as a table (200, d)."""
    places = np.tile(np.median(table, axis=0), (200, 1))
    places[:, axis] = np.linspace(table[:, axis].min(), table[:, axis].max(), len(places))
    return places
