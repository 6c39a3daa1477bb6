"""An audit as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from edgewise._core.plain import lines_of
from edgewise.auditing.flips import Flips
from edgewise.auditing.gaps import Gap
from edgewise.auditing.metrics import GroupTable
from edgewise.auditing.proxies import Proxies

if TYPE_CHECKING:
    from edgewise.auditing.result import AuditResult

# Heads of the columns of measures.
RATES = {
    "selection_rate": "chosen",
    "tpr": "TPR",
    "fpr": "FPR",
    "fnr": "FNR",
    "ppv": "PPV",
    "fdr": "FDR",
    "accuracy": "accuracy",
    "auc": "AUC",
}
RISKS = {
    "observed": "observed",
    "expected": "expected",
    "calibration": "obs/exp",
    "ece": "ECE",
    "brier": "Brier",
}
NUMBERS = {
    "observed": "mean y",
    "expected": "mean prediction",
    "error": "mean error",
    "absolute_error": "mean |error|",
    "rmse": "RMSE",
}
_LISTED, _MOST_CHANGES = 8, 4


def audit_text(result: AuditResult) -> str:
    """The whole audit."""
    lines = [heading(result), ""]
    for table in result.tables:
        lines += [f"== {table.name} ==", "", *_groups(table, result), ""]
        flips = next((each for each in result.flips if each.attribute == table.name), None)
        proxies = next((each for each in result.proxies if each.attribute == table.name), None)
        lines += [*verdicts(table), *([] if flips is None else flips_text(flips, result.positive))]
        lines += [*([] if proxies is None else proxies_text(proxies)), ""]
    if result.warnings:
        lines += ["Warnings", *(f"- {text}" for text in result.warnings), ""]
    if result.notes:
        lines += ["Notes", *(f"- {text}" for text in result.notes), ""]
    return lines_of(lines).rstrip() + "\n"


def heading(result: AuditResult) -> str:
    """What was audited, in a line or two."""
    what = f"Audit of {result.model} on {result.rows:,} rows."
    if result.kind == "classes":
        what += f" Decision: {result.positive!r} above a probability of {result.threshold:g}."
    if result.draws:
        what += f" In brackets: 95 % intervals (Wilson's for rates, else {result.draws} bootstrap samples)."
    return what


def verdicts(table: GroupTable) -> list[str]:
    """The gaps that matter, one a line."""
    parity, odds = table.demographic_parity, table.equalised_odds
    if parity is None or odds is None:
        return [
            f"Mean prediction: {_gap_text(table.gaps['expected'])}",
            f"Mean error: {_gap_text(table.gaps['error'])}",
        ]
    from edgewise.auditing.result import passes_four_fifths

    return [
        f"Demographic parity: {_gap_text(parity)}",
        f"Equalised odds: {_gap_text(odds)}",
        f"80 % rule {passes_four_fifths(table)}.",
    ]


def flips_text(flips: Flips, positive: str) -> list[str]:
    """What changing the attribute does, in sentences."""
    lines = list[str]()
    found = f"the score moves by up to {flips.largest:.3g}"
    if flips.share is None:
        lines.append(f"Changing {flips.attribute} alone: {found}.")
    else:
        lines.append(f"Changing {flips.attribute} alone: {flips.share:.2%} of decisions flip; {found}.")
        for change in sorted(flips.changes, key=lambda each: -each.to_yes - each.to_no)[:_MOST_CHANGES]:
            if change.to_yes + change.to_no > 0:
                words = f"  to {change.value!r}: {change.to_yes:.2%} become {positive!r}, {change.to_no:.2%} no longer are"
                lines.append(f"{words}; mean change {change.mean:+.3g}")
    certified = flips.certified
    if certified is not None:
        if math.isinf(certified.bound):
            lines.append(certified.message)
        else:
            how = {"exact": "exactly", "proved": "proved", "chained": "a bound, not the least one"}[
                certified.method
            ]
            unit = (
                ""
                if flips.share is None
                else f" log-odds (a probability by at most {certified.probability:.3g})"
            )
            lines.append(
                f"Over all rows there can be, the output moves by at most {certified.bound:.4g}{unit}; {how}."
            )
    return lines


def proxies_text(proxies: Proxies) -> list[str]:
    """What gives the attribute away, in sentences."""
    found = proxies.found
    if not found and not proxies.pairs:
        return [f"Proxies of {proxies.attribute}: none found among {len(proxies.columns)} other columns."]
    measure = "area under the curve at guessing it; 0.5 is chance, all columns together reach"
    lines = [f"Proxies of {proxies.attribute} ({measure} {proxies.together:.2f}):"]
    lines += [
        f"  {proxy.column}: {proxy.auc:.2f} [{proxy.low:.2f}, {proxy.high:.2f}], {proxy.strength}, for {proxy.group!r}"
        for proxy in found[:_LISTED]
    ]
    if len(found) > _LISTED:
        lines.append(f"  and {len(found) - _LISTED} more")
    lines += [
        f"  {pair.columns[0]} with {pair.columns[1]}: {pair.auc:.2f} together, {pair.apart:.2f} apart, for {pair.group!r}"
        for pair in proxies.pairs
    ]
    return lines


def _groups(table: GroupTable, result: AuditResult) -> list[str]:
    if result.kind == "numbers":
        return _measures(table, NUMBERS, result.overall)
    return [*_measures(table, RATES, result.overall), "", *_measures(table, RISKS, result.overall)]


def _measures(table: GroupTable, heads: dict[str, str], overall: GroupTable) -> list[str]:
    shown = [name for name in heads if name in table.values]
    rows = [["group", "n", *(heads[name] for name in shown)]]
    for g, group in enumerate(table.groups):
        rows.append([group, f"{table.count[g]:,}", *(f"{number(table.values[name][g])}" for name in shown)])
        if table.intervals and len(table.groups) <= _LISTED:
            rows.append(["", "", *(interval(table.intervals[name][g]) for name in shown)])
    rows.append(["all", f"{overall.count[0]:,}", *(number(overall.values[name][0]) for name in shown)])
    return columns(rows)


def _gap_text(gap: Gap) -> str:
    if math.isnan(gap.difference):
        return "not defined (fewer than two groups have it)"
    words = f"difference {number(gap.difference)}"
    if not math.isnan(gap.interval[0]):
        words += f" {interval(gap.interval)}"
    if not math.isnan(gap.ratio):
        words += f", ratio {number(gap.ratio)}"
    return f"{words} ({gap.highest!r} highest, {gap.lowest!r} lowest)" if gap.highest else words


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_line(row, widths) for row in rows]


def _line(row: Iterable[str], widths: Sequence[int]) -> str:
    cells = list(row)
    first = cells[0].ljust(widths[0])
    return "  ".join(
        [first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
    ).rstrip()


def number(value: float) -> str:
    """A measure with three digits; a dash where there is none."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.4g}"


def interval(pair: tuple[float, float]) -> str:
    """The ends of an interval in brackets; nothing where it is not known."""
    low, high = pair
    return "" if math.isnan(low) else f"[{number(low)}, {number(high)}]"
