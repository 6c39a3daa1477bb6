"""The parts of an audit as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from edgewise.auditing.flips import Flips
from edgewise.auditing.gaps import Gap
from edgewise.auditing.metrics import FOUR_FIFTHS, SMALL_SHARE, GroupTable
from edgewise.auditing.proxies import Proxies

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
_LISTED, _MOST_CHANGES, _NAMED = 8, 4, 8


def verdicts(table: GroupTable) -> list[str]:
    """The gaps that matter, one a line."""
    parity, odds = table.demographic_parity, table.equalised_odds
    if parity is None or odds is None:
        return [
            f"Mean prediction: {_gap_text(table.gaps['expected'])}",
            f"Mean error: {_gap_text(table.gaps['error'])}",
        ]
    return [
        f"Demographic parity: {_gap_text(parity)}",
        f"Equalised odds: {_gap_text(odds)}",
        f"80 % rule {passes_four_fifths(table)}.",
    ]


def passes_four_fifths(table: GroupTable) -> str:
    """The 80 % rule in words."""
    gap, held = table.impact, table.four_fifths
    without = ""
    if table.left_out:
        small = f"{', '.join(table.left_out[:_NAMED])}{' and others' if len(table.left_out) > _NAMED else ''}"
        without = f"; left out, with less than {SMALL_SHARE:.0%} of the rows: {small}"
    if gap is None or held is None:
        few = sum(group not in table.left_out for group in table.groups) < 2
        why = "fewer than two groups are large enough" if few else "no group is ever chosen"
        return f"not defined: {why}{without}"
    return (
        f"{'kept' if held else 'broken'}: the least chosen group is chosen {gap.ratio:.2f} times as often as the most "
        f"chosen one ({FOUR_FIFTHS} is the rule){without}"
    )


def flips_text(flips: Flips, positive: str) -> list[str]:
    """What changing the attribute does, in sentences."""
    lines = list[str]()
    found = f"the score moves by up to {flips.largest:.3g}"
    if flips.share is None:
        lines.append(f"Changing {flips.attribute} alone: {found}.")
    else:
        lines.append(f"Changing {flips.attribute} alone: {flips.share:.2%} of decisions flip; {found}.")
        for change in sorted(flips.changes, key=lambda change: -change.to_yes - change.to_no)[:_MOST_CHANGES]:
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


def groups_text(table: GroupTable, overall: GroupTable, *, numbers: bool) -> list[str]:
    """The measures of each group beside those of all rows."""
    if numbers:
        return _measures(table, NUMBERS, overall)
    return [*_measures(table, RATES, overall), "", *_measures(table, RISKS, overall)]


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
