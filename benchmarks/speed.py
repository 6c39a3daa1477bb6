"""Every table and drawing of docs/performance.md: `edgewise bench speed`, on one thread."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from _common import OUT, begin

from edgewise.bench import TABLES, Results
from edgewise.bench.plots import drawings
from edgewise.bench.tables import notes, rows
from edgewise.plots import save_figure

IMAGES = Path(__file__).parent.parent / "docs" / "images"


def main() -> None:
    run = begin("speed", "Speed of layers, kernels, training steps and other packages")
    folder = OUT / ("speed-quick" if run.quick else "speed")
    words = ["--out", str(folder), *(["--quick"] if run.quick else [])]
    if images := run.table("images/mnist.npz"):
        words += ["--data", str(images)]
    subprocess.run([sys.executable, "-m", "edgewise.cli", "bench", "speed", *words], check=True)
    results = Results.from_json(json.loads((folder / "speed.json").read_text()))
    parts = {
        table: {"machine": results.machine, "rows": rows(results, table), "notes": notes(results, table)}
        for table in TABLES
    }
    (OUT / f"{folder.name}.json").write_text(json.dumps(parts, indent=1))
    if not run.quick:
        for name, figure in drawings(results).items():
            save_figure(figure, IMAGES / f"speed-{name}.svg")


if __name__ == "__main__":
    main()
