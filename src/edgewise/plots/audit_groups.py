"""An audit in one picture: every rate of every group with its interval, and what all rows have."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from edgewise._core.arguments import check_is
from edgewise._core.errors import InputError
from edgewise.auditing.metrics import SMALL_SHARE
from edgewise.auditing.result import AuditResult
from edgewise.auditing.text import NUMBERS, RATES, RISKS
from edgewise.plots.layout import panel_grid
from edgewise.plots.mathtext import drawable
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TEXT,
    SIZE_TITLE,
    bare_axes,
    new_figure,
    text_style,
    theme_of,
    write_at,
)

# What is drawn, in order.
SHOWN = ("selection_rate", "tpr", "fpr", "ppv", "accuracy", "calibration")
WORDS = {
    "selection_rate": "chosen",
    "tpr": "true positives",
    "fpr": "false positives",
    "ppv": "precision",
    "accuracy": "accuracy",
    "calibration": "observed / expected",
}
WIDTH, GAP, ROW = 1.5, 0.28, 0.26
TOP, BOTTOM, LETTER, MOST = 0.62, 0.42, 0.075, 2.6
LONGEST, MOST_GROUPS = 34, 30


def plot_audit(result: AuditResult, attribute: str | None = None, *, theme: str = "light") -> Figure:
    """Draw the measures of the groups of an attribute side by side.

    A dot is a group's measure, the line through it its 95 % interval, the thin upright line that of all rows.
    Groups are treated alike in a measure where dots stand under each other.

    Parameters
    ----------
    result : AuditResult
    attribute : str, optional
        The first that was audited by default; "intersection" for combinations.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If the attribute was not audited.

    Examples
    --------
    >>> import edgewise as ew
    >>> rng = np.random.default_rng(0)
    >>> X = {"sex": np.where(rng.random(200) < 0.5, "f", "m"), "skill": rng.normal(size=200)}
    >>> model = ew.KANClassifier(mode="additive", seconds=5).fit(X, X["skill"] > 0)
    >>> found = ew.audit(model, X, X["skill"] > 0, "sex", bootstrap=50, proxies=False)
    >>> len(plot_audit(found).axes)
    6
    """
    colours = theme_of(theme)
    check_is(result, AuditResult, "result", "what audit has found")
    if not result.tables:
        raise InputError(argument="result", expected="hold an attribute", got="none")
    table = result.tables[0] if attribute is None else result.of(attribute)
    names = [name for name in (SHOWN if result.kind == "classes" else tuple(NUMBERS)) if name in table.values]
    heads = {**RATES, **RISKS, **WORDS} if result.kind == "classes" else NUMBERS
    groups = table.groups[:MOST_GROUPS]
    labels = [_short(f"{group} ({count:,})") for group, count in zip(groups, table.count, strict=False)]
    left = 0.2 + min(max(LETTER * max(map(len, labels)), 0.8), MOST)
    height = ROW * len(groups) + 0.1
    grid = panel_grid(len(names), len(names), (WIDTH, height), (0.0, BOTTOM, GAP, TOP), left)
    figure = new_figure(grid.width, grid.height, colours)
    places = np.arange(len(groups))[::-1]
    for k, name in enumerate(names):
        axes = bare_axes(figure, grid.boxes[k], colours, grid="x")
        axes.set_ylim(-0.6, len(groups) - 0.4)
        axes.set_yticks(places, labels if k == 0 else [""] * len(groups))
        axes.tick_params(axis="y", length=0)
        for tick in axes.get_yticklabels():
            tick.set(**text_style(colours, SIZE_SMALL))
        axes.locator_params(axis="x", nbins=4)
        values = np.array(table.values[name][: len(groups)])
        whole = result.overall.values[name][0]
        axes.axvline(whole, color=colours.faint, linewidth=0.9, zorder=1)
        if table.intervals:
            for place, (low, high) in zip(places, table.intervals[name], strict=False):
                if np.isfinite(low):
                    axes.plot(
                        [low, high],
                        [place, place],
                        color=colours.numeric,
                        linewidth=1.4,
                        alpha=0.55,
                        zorder=2,
                    )
        axes.plot(
            values, places, linestyle="none", marker="o", markersize=4.5, color=colours.numeric, zorder=3
        )
        axes.set_title(heads[name], pad=5, **text_style(colours, SIZE_TEXT, colours.muted))
    title = f"{table.name}: {_verdict(result, table.name)}"
    write_at(figure, 0.15, 0.2, drawable(title), text_style(colours, SIZE_TITLE))
    return figure


def _verdict(result: AuditResult, name: str) -> str:
    table = result.of(name)
    parity, odds = table.demographic_parity, table.equalised_odds
    if parity is None or odds is None:
        return f"mean predictions differ by {table.gaps['expected'].difference:.3g}"
    summary = f"demographic parity {parity.difference:.3f}, equalised odds {odds.difference:.3f}"
    if not table.left_out:
        return summary
    count = len(table.left_out)
    return f"{summary}; 80 % rule without {count} group{'s' if count > 1 else ''} below {SMALL_SHARE:.0%} of the rows"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
