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


def main() -> None:
    run = begin("speed", "Speed of layers, kernels, training steps and other packages")
    folder = OUT / ("speed-quick" if run.quick else "speed")
    words = ["--quick"] if run.quick else []
    images = run.table("images/mnist.npz")
    one = measured(folder, [*words, *(["--data", str(images)] if images else [])])
    two = measured(folder / "two", [*words, "--only", ",".join(SHARED), "--peers", "none", "--threads", "2"])
    found = parts(one, tuple(TABLES)) | parts(two, SHARED, ", two threads")
    (OUT / f"{folder.name}.json").write_text(json.dumps(found, indent=1))
    if not run.quick:
        for name, figure in drawings(one).items():
            save_figure(figure, IMAGES / f"speed-{name}.svg")


if __name__ == "__main__":
    main()
