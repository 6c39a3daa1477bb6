"""Results as tables of text: the same ones on the terminal and on the page about performance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from edgewise.bench.results import Comparison, NotMeasured, Results

TITLES = {
    "layers": "Layers: time of a pass over the reference's",
    "roofline": "Kernels: multiply-adds a second over what the processor allows",
    "derivatives": "Differential equation: time of a training step over the reference's",
    "memory": "Memory of a forward and backward pass over the bytes of its arrays",
    "small": "Small networks in float64: time of a step over the reference's",
    "images": "MNIST in one loop",
    "peers": "Other packages: our time over theirs",
}
# Tables with a column for each reference; the others have a row for each comparison.
_WIDE = ("layers", "roofline", "peers")
_UNITS = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")), "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))}


def rows(results: Results, table: str) -> list[dict[str, str]]:
    """One table as rows of cells by column; every row has the same columns.

    Parameters
    ----------
    results : Results
    table : str
        A key of `TITLES`.
    """
    found = [each for each in results.of(table) if each.measure != "ceiling"]
    return _wide(found) if table in _WIDE else _long(found)


def notes(results: Results, table: str) -> list[str]:
    """Sentences under a table: ceilings, goals, and what is missing."""
    found = results.of(table)
    sentences: list[str] = []
    if ceilings := [each for each in found if each.measure == "ceiling"]:
        sentences.append(_ceilings(ceilings))
    aimed = sorted((each for each in found if each.goal), key=_aim)
    for (column, goal), same in groupby(aimed, key=_aim):
        several = list(same)
        met = sum(bool(each.met) for each in several)
        sentences.append(f"{column}: the aim of {goal} is met in {met} of {len(several)}.")
    sentences += [
        f"Not measured: {each.reference}: {each.reason}." for each in results.missing if each.table == table
    ]
    return sentences


def _wide(found: Sequence[Comparison]) -> list[dict[str, str]]:
    columns = list(dict.fromkeys(_column(each) for each in found))
    grouped: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for each in found:
        cells = {key: str(value) for key, value in each.setting.items() if key != "base"}
        if each.table == "peers":
            cells["what"] = each.measure
        row = grouped.setdefault(tuple(cells.items()), dict.fromkeys(columns, ""))
        row[_column(each)] = _share(each) if each.table == "roofline" else ratio_text(each)
    return [dict(key) | row for key, row in grouped.items()]


def _long(found: Sequence[Comparison]) -> list[dict[str, str]]:
    """A row for each comparison; what was held fixed in only some of them is left open in the others."""
    fixed = dict.fromkeys((key for each in found for key in each.setting), "")
    return [
        fixed
        | {key: str(value) for key, value in each.setting.items()}
        | {
            "measure": each.measure,
            "figure": amount(each.ours, each.unit),
            "against": each.reference,
            "its figure": amount(each.theirs, each.unit),
            "ratio": ratio_text(each),
            "aim": each.goal,
        }
        for each in found
    ]


def line(finding: Comparison | NotMeasured) -> str:
    """A finding in one line."""
    if isinstance(finding, NotMeasured):
        return f"{finding.table}: {finding.reference}: {finding.reason}"
    fixed = ", ".join(f"{key} {value}" for key, value in finding.setting.items())
    if finding.measure == "ceiling":
        return f"{finding.table}: {fixed}: {_ceiling(finding)}"
    figures = f"{finding.measure} against {finding.reference}: {ratio_text(finding)}"
    return f"{finding.table}: {fixed}: {figures}"


def ratio_text(each: Comparison) -> str:
    """Median and, where there are several repetitions, quartiles: "5.20 (5.10–5.40)"."""
    if each.low == each.high:
        return figure(each.ratio)
    return f"{figure(each.ratio)} ({figure(each.low)}–{figure(each.high)})"


def amount(value: float, unit: str) -> str:
    """A figure with its unit: "1.2 ms"."""
    if unit == "%":
        return f"{value:.2f} %"
    *larger, smallest = _UNITS[unit]
    size, name = next((scale for scale in larger if value >= scale[0]), smallest)
    return f"{figure(value / size)} {name}"


def figure(value: float) -> str:
    """Three digits, two of small numbers, never an exponent."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}"


def _share(each: Comparison) -> str:
    return f"{each.ratio:.0%}, {each.extra['bound by']}".replace("%", " %")


def _column(each: Comparison) -> str:
    if each.table == "roofline":
        return each.measure
    if each.table == "peers":
        return each.reference
    more = (
        ", with base"
        if each.setting.get("base") == "silu"
        else ", forward"
        if each.measure == "forward"
        else ""
    )
    return each.reference + more


def _aim(each: Comparison) -> tuple[str, str]:
    column = _column(each) if each.table in ("layers", "roofline") else each.measure
    return column + (", median of all cells" if each.setting.get("in") == "all" else ""), each.goal


def _ceilings(found: Sequence[Comparison]) -> str:
    parts = [f"{each.setting['ceiling']} {_ceiling(each)}" for each in found]
    return f"One core at most: {', '.join(parts)}."


def _ceiling(each: Comparison) -> str:
    return f"{each.ours / 1e9:.0f} {'G multiply-adds/s' if each.unit == 'MAC/s' else 'GB/s'}"
