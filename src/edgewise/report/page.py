"""The page: results in, one self-contained HTML file out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from markupsafe import Markup

from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise._core.plain import article
from edgewise._core.rooms import room
from edgewise.plots.training import plot_training
from edgewise.report.checks.warnings import caveats
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings.charts import drawn
from edgewise.report.evaluation.leaderboard import leaderboard, verdict
from edgewise.report.sections import explanations, formulas, network, proofs, results, table
from edgewise.report.text.numbers import number
from edgewise.report.text.pages import page_script, whole_page, write_page

_LIVE = Path(__file__).parent / "live" / "live.js"
# Columns that stand open in the table of the data; the others wait behind a click, and beyond these they are counted.
OPEN_COLUMNS = 30
MOST_COLUMNS = 400
# Fewer steps than these are no curve.
FEWEST_STEPS = 3


def render_report(content: ReportContent) -> str:
    """The page as text: one file that asks nothing of any network.

    Everything on it can be read without its script, which only makes it quicker to use: curves on hovering, a large view
    of each, arrow keys from edge to edge, light and dark by a button.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    str
        An HTML document; equal contents give equal text.

    Raises
    ------
    InputError
        If `content` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.report import ReportContent, render_report
    >>> X = np.linspace(0, 1, 8)[:, None]
    >>> content = ReportContent("A line", "line.csv", ("x",), "y", X[:6], X[:6, 0], X[6:], X[6:, 0])
    >>> render_report(content)[:15]
    '<!DOCTYPE html>'
    """
    if not isinstance(content, ReportContent):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(argument="content", expected="be a ReportContent", got=article(type(content)))
    board = leaderboard(content)
    parity, weak = results.number_charts(content, board)
    scores = network.importance_of(content)
    columns = table.column_rows(content)
    section = network.network_section(content, scores)
    page = whole_page(
        "report.html",
        content=content,
        **_common(section),
        verdict=verdict,
        formula=formulas.headline(content),
        caveats=caveats(content, board),
        table=board,
        effects=network.effect_section(content, scores),
        parity=parity,
        weak=weak,
        classes=results.class_section(content, board),
        survival=results.survival_section(content),
        factors=content.relativities,
        training=_training(content) if len(content.history) >= FEWEST_STEPS else None,
        front=formulas.front_chart(content),
        explained=explanations.explain_view(content),
        proved=proofs.proofs_view(content.proofs),
        audit=None
        if content.audit is None
        else room("edgewise.report.sections.audit").audit_view(content.audit),
        candidates=formulas.candidates(content),
        dropped=table.dropped(content),
        refused=tuple("; refused" in edit.detail for edit in content.edits),
        columns=columns[:OPEN_COLUMNS],
        more_columns=columns[OPEN_COLUMNS:MOST_COLUMNS],
        uncounted=max(len(columns) - MOST_COLUMNS, 0),
    )
    return page + "\n"


def _training(content: ReportContent) -> Markup:
    """Training and held-out error over the steps."""
    last = content.history[-1]
    losses = [("training", last.loss), ("held out", last.validation)]
    ends = [f"{name} error {number(value, 3)}" for name, value in losses if value is not None]
    words = f"Error over {plural(len(content.history), 'step')}, ending at {' and '.join(ends)}."
    return drawn(plot_training(content.history), words, "training")


def write_report(path: str | os.PathLike[str], content: ReportContent, *, overwrite: bool = False) -> Path:
    """Write the page to a file, whole or not at all.

    Parameters
    ----------
    path : path
        Where to; by custom it ends in .html.
    content : ReportContent
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path

    Raises
    ------
    FileError
        If the file exists and may not be replaced, or cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.report import ReportContent, write_report
    >>> X = np.linspace(0, 1, 8)[:, None]
    >>> content = ReportContent("A line", "line.csv", ("x",), "y", X[:6], X[:6, 0], X[6:], X[6:, 0])
    >>> write_report("report.html", content).name
    'report.html'
    """
    return write_page(path, render_report(content), overwrite=overwrite)


def render_network(content: ReportContent, section: network.NetworkSection | None) -> str:
    """The network of a page by itself, as a whole document: what a notebook shows in a frame.

    Parameters
    ----------
    content : ReportContent
    section : NetworkSection, optional
        None where there is no edge to draw.

    Returns
    -------
    str
    """
    return whole_page("live.html", content=content, formula=formulas.headline(content), **_common(section))


def _common(section: network.NetworkSection | None) -> dict[str, Any]:
    """The network and the scripts; those of the live network only where there is one."""
    live = None if section is None else section.live
    more = [] if live is None else [_LIVE.read_text(encoding="utf-8").strip()]
    return {
        "network": section,
        "live": None if live is None else Markup(live.to_json()),
        "scripts": [page_script(), *more],
    }
