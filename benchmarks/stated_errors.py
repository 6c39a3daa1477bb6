"""Stated errors beside true ones over all rows of docs/benchmarks-equations.md, and a drawing of errors against CPU seconds.

A stated error is good where it is between a third and five times the true one. Of facets that stand for a smooth surface
what is stated is the error on them and how far they lie off it, together.
"""

from __future__ import annotations

import re
from pathlib import Path

from _common import OUT, Report, begin
from matplotlib.figure import Figure

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks-equations.md"
PART = re.compile(r"<!-- figures (\w+) / (.+?) -->(.*?)<!-- end -->", re.DOTALL)
# Columns with a true error, and those that state it.
PAIRS = (("error", "stated error"), ("error", "stated"), ("H1", "H1 stated"), ("largest error", "stated"))
LOW, HIGH = 1 / 3, 5.0


def rows() -> list[dict[str, str]]:
    """Every row of the page's tables that has a problem and its CPU seconds."""
    found: list[dict[str, str]] = []
    for _, part, body in PART.findall(PAGE.read_text(encoding="utf-8")):
        lines = [
            [c.strip() for c in line.strip("| ").split(" | ")]
            for line in body.splitlines()
            if line.startswith("|")
        ]
        if len(lines) > 2 and {"problem", "CPU s"} <= set(lines[0]):
            found += [{"part": part, **dict(zip(lines[0], line, strict=False))} for line in lines[2:]]
    return found


def drawing(table: list[dict[str, str]], path: Path) -> None:
    """True errors over CPU seconds, a point a problem."""
    figure = Figure(figsize=(8.5, 5.5), layout="constrained")
    axes = figure.subplots()
    for part, colour in (("in short", "#0b6bb3"), ("shapes", "#c4540a"), ("eigenvalues", "#5c6675")):
        own = [row for row in table if row["part"] == part and ("error" in row or "largest error" in row)]
        at = [(float(row["CPU s"]), float(row.get("error", row.get("largest error", "nan")))) for row in own]
        label = {"in short": "boxes and time", "shapes": "plane shapes"}.get(part, part)
        axes.scatter([a for a, _ in at], [b for _, b in at], s=22, color=colour, label=label)
        for row, place in zip(own, at, strict=True):
            axes.annotate(row["problem"], place, xytext=(4, 3), textcoords="offset points", fontsize=6.5)
    axes.set(xscale="log", yscale="log", xlabel="CPU s, error estimate included", ylabel="true error")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)


def main() -> None:
    run = begin("stated_errors", "Stated errors beside true ones")
    table = rows()
    report = Report(
        run,
        "stated",
        ("problem", "measure", "error", "stated", "stated / true", "within"),
        (28, 13, 10, 10, 13, 6),
    )
    for row in table:
        for true, stated in PAIRS:
            if row.get(true) and row.get(stated):
                error, told = float(row[true]), float(row[stated]) + float(row.get("facets lie off") or 0)
                report.add(row["problem"], true, error, told, told / error, LOW <= told / error <= HIGH)
    good = sum(report.column("within"))
    report.note(
        f"{good} of {len(report.rows)} stated errors are between a third and five times the true one."
    )
    OUT.mkdir(exist_ok=True)
    drawing(table, OUT / "equations_errors.png")
    report.save()


if __name__ == "__main__":
    main()
