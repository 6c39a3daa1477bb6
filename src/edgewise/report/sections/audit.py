"""The audit on a page: verdicts, tables and pictures; as the last section of a report, or as a page of its own."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from edgewise.auditing.flips import Flips
from edgewise.auditing.metrics import GroupTable
from edgewise.auditing.proxies import Proxies
from edgewise.auditing.result import AuditResult
from edgewise.auditing.text import NUMBERS, RATES, RISKS, flips_text, interval, number, passes_four_fifths
from edgewise.plots.audit_groups import plot_audit
from edgewise.plots.audit_proxies import plot_proxies
from edgewise.plots.save import figure_svg
from edgewise.plots.style import LIGHT
from edgewise.report.text.pages import whole_page, write_page


@dataclass(frozen=True)
class MeasureText:
    """A measure and its interval, as text."""

    head: str
    value: str
    interval: str


@dataclass(frozen=True)
class GroupRow:
    """A group's measures."""

    name: str
    count: str
    cells: tuple[MeasureText, ...]


@dataclass(frozen=True)
class CriterionSummary:
    """One criterion: its name, the number, and what it means."""

    name: str
    value: str
    interval: str
    text: str


@dataclass(frozen=True)
class AttributeView:
    """The page's section on one attribute."""

    key: str
    name: str
    crossed: bool
    verdicts: tuple[CriterionSummary, ...]
    tables: tuple[tuple[str, tuple[str, ...], tuple[GroupRow, ...]], ...]
    picture: Markup
    flips: tuple[str, ...]
    proxies: tuple[str, ...]
    shapes: Markup | None


@dataclass(frozen=True)
class AuditView:
    """An audit as the template takes it."""

    lead: str
    cut_short: str
    attributes: tuple[AttributeView, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def audit_view(result: AuditResult) -> AuditView:
    """The audit as the page shows it.

    Parameters
    ----------
    result : AuditResult
    """
    return AuditView(
        result.heading,
        "" if result.stop_reason.repeatable else result.stop_reason.advice,
        tuple(_attribute(table, result, k) for k, table in enumerate(result.tables)),
        result.warnings,
        result.notes,
    )


def render_audit(result: AuditResult) -> str:
    """A page of its own, complete in one file and without a script.

    Parameters
    ----------
    result : AuditResult

    Returns
    -------
    str
        An HTML document.
    """
    return whole_page("audit_page.html", audit=audit_view(result)) + "\n"


def write_audit_page(path: str | os.PathLike[str], result: AuditResult, *, overwrite: bool = False) -> Path:
    """Write the page of an audit to a file, whole or not at all.

    Parameters
    ----------
    path : path
    result : AuditResult
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileError
        If the file exists and may not be replaced, or cannot be written.
    """
    return write_page(path, render_audit(result), overwrite=overwrite)


def _attribute(table: GroupTable, result: AuditResult, place: int) -> AttributeView:
    key = f"audit-{place}"
    flips = next((flip for flip in result.flips if flip.attribute == table.name), None)
    proxies = next((proxy for proxy in result.proxies if proxy.attribute == table.name), None)
    kinds = (("", NUMBERS),) if result.kind == "numbers" else (("Decisions", RATES), ("Scores", RISKS))
    return AttributeView(
        key,
        table.name,
        len(table.attributes) > 1,
        _verdicts(table, flips, proxies),
        tuple((title, tuple(heads.values()), _rows(table, heads, result.overall)) for title, heads in kinds),
        _picture(
            plot_audit(result, table.name), key, f"Measures of the groups of {table.name}, with intervals."
        ),
        () if flips is None else tuple(flips_text(flips, result.positive)),
        () if proxies is None else _proxies(proxies),
        None if proxies is None or not (proxies.found or proxies.pairs) else _shapes(proxies, key),
    )


def _verdicts(
    table: GroupTable, flips: Flips | None, proxies: Proxies | None
) -> tuple[CriterionSummary, ...]:
    criteria = list[CriterionSummary]()
    parity, odds = table.demographic_parity, table.equalised_odds
    if parity is not None and odds is not None:
        for name, gap in (("demographic parity", parity), ("equalised odds", odds)):
            between = f"between {gap.lowest} and {gap.highest}" if gap.highest else "not defined"
            criteria.append(
                CriterionSummary(
                    f"{name}, difference", number(gap.difference), interval(gap.interval), between
                )
            )
        held = "-" if table.four_fifths is None else "kept" if table.four_fifths else "broken"
        sure = "" if table.impact is None else interval(table.impact.ratio_interval)
        criteria.append(
            CriterionSummary("80 % rule", held, sure, passes_four_fifths(table).split(": ", 1)[-1])
        )
    else:
        gap = table.gaps["expected"]
        between = f"between {gap.lowest} and {gap.highest}"
        criteria.append(
            CriterionSummary(
                "mean predictions, difference", number(gap.difference), interval(gap.interval), between
            )
        )
    if flips is not None:
        share = f"{flips.share:.1%}" if flips.share is not None else number(flips.largest)
        what = (
            f"of decisions change when {flips.attribute} alone does"
            if flips.share is not None
            else "largest change"
        )
        criteria.append(CriterionSummary("flips", share, "", what))
        if flips.certified is not None and not math.isinf(flips.certified.bound):
            bound = flips.certified
            unit = (
                f"a probability by at most {bound.probability:.3g}"
                if flips.share is not None
                else "of the output"
            )
            criteria.append(
                CriterionSummary(
                    "certified largest change", number(bound.bound), "", f"over all rows there can be; {unit}"
                )
            )
    if proxies is not None:
        strongest = proxies.found[0].column if proxies.found else "none found"
        criteria.append(CriterionSummary("proxies", f"{len(proxies.found)}", "", f"strongest: {strongest}"))
    return tuple(criteria)


def _rows(table: GroupTable, heads: dict[str, str], overall: GroupTable) -> tuple[GroupRow, ...]:
    rows = list[GroupRow]()
    for source in (table, overall):
        for g, group in enumerate(source.groups):
            cells = tuple(
                MeasureText(
                    head,
                    number(source.values[name][g]),
                    interval(source.intervals[name][g]) if source.intervals else "",
                )
                for name, head in heads.items()
                if name in source.values
            )
            label = "all rows" if source is overall else group
            rows.append(GroupRow(label, f"{source.count[g]:,}", cells))
    return tuple(rows)


def _proxies(proxies: Proxies) -> tuple[str, ...]:
    if not proxies.found and not proxies.pairs:
        return (f"None found among {len(proxies.columns)} other columns.",)
    entries = [
        f"{proxy.column}: {proxy.strength}, area {proxy.auc:.2f} {interval((proxy.low, proxy.high))} for {proxy.group}"
        for proxy in proxies.found
    ]
    return (
        f"All others together predict {proxies.together_group} with an area of {proxies.together:.2f}; 0.5 is chance.",
        *entries,
        *(
            f"{pair.columns[0]} with {pair.columns[1]}: area {pair.auc:.2f} together, {pair.apart:.2f} apart"
            for pair in proxies.pairs
        ),
    )


def _shapes(proxies: Proxies, key: str) -> Markup:
    words = f"What each proxy predicts of {proxies.attribute}: log-odds over its values."
    return _picture(plot_proxies(proxies), f"{key}-proxies", words)


def _picture(figure: Any, key: str, words: str) -> Markup:
    svg = figure_svg(figure, prefix=key, variables=LIGHT)
    return Markup(
        svg.replace(
            "<svg",
            f'<svg role="img" aria-label="{escape(words)}" style="min-width: 40rem; max-width: 100%; height: auto"',
            1,
        )
    )
