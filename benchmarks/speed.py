"""Every table and drawing of docs/performance.md: `edgewise bench speed`, on one thread, and on two what
threads can change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _common import OUT, begin

from edgewise.bench import TABLES, Results
from edgewise.bench.plots import drawings
from edgewise.bench.tables import notes, rows
from edgewise.plots import save_figure

IMAGES = Path(__file__).parent.parent / "docs" / "images"


# What threads can change; the other tables are of one core, or of steps too small to share.
SHARED = ("layers", "derivatives")


def measured(folder: Path, words: list[str]) -> Results:
    """What `edgewise bench speed` finds with the given options."""
    command = [sys.executable, "-m", "edgewise.cli", "bench", "speed", "--out", str(folder), *words]
    subprocess.run(command, check=True)
    return Results.from_json(json.loads((folder / "speed.json").read_text()))


def parts(results: Results, tables: tuple[str, ...], suffix: str = "") -> dict[str, Any]:
    """Tables for the page."""
    return {
        table + suffix: {
            "machine": results.machine,
            "rows": rows(results, table),
            "notes": notes(results, table),
        }
        for table in tables
    }


def in_short(part: dict[str, Any]) -> dict[str, Any]:
    """The table of layers without their widths: from the least to the largest ratio of each column."""
    rows = part["rows"]
    columns = [name for name in rows[0] if name not in ("in", "out", "batch", "G")]
    grouped: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        grouped.setdefault((row["batch"], row["G"]), []).append(row)
    return {
        "machine": part["machine"],
        "rows": [
            {"batch": batch, "G": intervals} | {name: _span([row[name] for row in same]) for name in columns}
            for (batch, intervals), same in sorted(grouped.items(), key=lambda one: one[0][0] == "all")
        ],
        "notes": [],
    }


def _span(cells: list[str]) -> str:
    """ "4.4 (4.2–4.7)", "5.0 (4.9–5.1)" -> "4.4 to 5.0"; a single cell stays as it is."""
    ratios = sorted((cell.split()[0] for cell in cells if cell), key=float)
    return cells[0] if len(cells) == 1 else f"{ratios[0]} to {ratios[-1]}" if ratios else ""


def main() -> None:
    run = begin("speed", "Speed of layers, kernels, training steps and other packages")
    folder = OUT / ("speed-quick" if run.quick else "speed")
    words = ["--quick"] if run.quick else []
    images = run.table("images/mnist.npz")
    one = measured(folder, [*words, *(["--data", str(images)] if images else [])])
    two = measured(folder / "two", [*words, "--only", ",".join(SHARED), "--peers", "none", "--threads", "2"])
    found = parts(one, tuple(TABLES)) | parts(two, SHARED, ", two threads")
    found["layers, in short"] = in_short(found["layers"])
    (OUT / f"{folder.name}.json").write_text(json.dumps(found, indent=1))
    if not run.quick:
        for name, figure in drawings(one).items():
            save_figure(figure, IMAGES / f"speed-{name}.svg")


if __name__ == "__main__":
    main()
