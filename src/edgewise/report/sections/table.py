"""The table on the page: its columns, what became of each, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from edgewise._core.checks import plural
from edgewise.report.content.columns import summarise_classes, summarise_numbers
from edgewise.report.content.content import ColumnSummary, ReportContent
from edgewise.report.drawings.charts import sparkline
from edgewise.report.text.numbers import number, percent


@dataclass(frozen=True)
class ColumnRow:
    """A row of the table of columns."""

    column: ColumnSummary
    role: str
    spark: Markup
    about: str


def column_rows(content: ReportContent) -> tuple[ColumnRow, ...]:
    """The columns, the target first, and what became of each."""
    X = np.concatenate([content.X, content.X_test])
    y = np.concatenate([content.y, content.y_test])
    if content.classes:
        aim = summarise_classes(content.target, content.classes, y)
    else:
        (aim,) = summarise_numbers((content.target,), y[:, None])
    table = content.table or (aim, *summarise_numbers(content.names, X))
    ordered = sorted(table, key=lambda column: column.name != content.target)
    return tuple(ColumnRow(c, _role(content, c.name), _spark(c), _about(c)) for c in ordered)


def dropped(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Columns and inputs that the network does not use, and why."""
    net = content.network
    found = list(content.dropped)
    if net is not None:
        alive = net.layers[0].mask.any(1).tolist()
        idle = {name for name, edge in zip(net.input_names, alive, strict=True) if not edge}
        gone = set(content.names) - set(net.input_names)
        found += [
            (
                content.view(name).label,
                "taken out while simplifying" if name in gone else "training turned its edges off",
            )
            for name in content.names
            if name in idle | gone
        ]
    return tuple(found)


def _role(content: ReportContent, name: str) -> str:
    if name == content.target:
        return "predicted"
    inputs = {n for n in content.names if content.view(n).column == name}
    if not inputs:
        return "not used"
    places: list[str] = []
    if content.network is not None:
        alive = content.network.layers[0].mask.any(1).tolist()
        used = {n for n, edge in zip(content.network.input_names, alive, strict=True) if edge}
        places += ["network"] if used & inputs else []
    if content.formula is not None:
        places += ["formula"] if {str(s) for s in content.formula.sympy.free_symbols} & inputs else []
    nothing = content.network is None and content.formula is None
    return ", ".join(places) if places else "" if nothing else "not used"


def _spark(column: ColumnSummary) -> Markup:
    bars = bool(column.levels) or len(column.histogram) < 24
    kind = "values" if bars else "steps"
    words = f"Distribution of {column.name} in {plural(len(column.histogram), kind[:-1])}."
    return sparkline(column.histogram, bars=bars, words=words)


def _about(column: ColumnSummary) -> str:
    """Range or levels in words."""
    if column.kind == "empty":
        return "no values"
    if column.kind == "date":
        return " ".join(word for word, _ in column.levels)
    if column.levels:
        total = sum(n for _, n in column.levels)
        shown = [f"{name} ({percent(n / max(total, 1))})" for name, n in column.levels[:3]]
        more = column.distinct - len(shown)
        return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    if column.low is None or column.high is None:
        return ""
    if column.low == column.high:
        return f"always {number(column.low)}"
    return f"{number(column.low)} to {number(column.high)}, median {number(column.median)}"
