"""Error against time: equations of `equations.py` solved to one tolerance after the other, drawn beside what was asked for.

Every point is a solution of its own, from the start; its true error is measured as there. The drawing is
docs/images/equations-times.svg; rows are kept, so that a second call draws the same or goes on. EQUATIONS chooses problems.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _common import Clock, Report, begin
from equations import CASES
from matplotlib.ticker import NullFormatter

from edgewise import pde
from edgewise.plots.save import save_figure
from edgewise.plots.style import LIGHT, SIZE_SMALL, SIZE_TITLE, new_figure, text_style

PLOT = Path(__file__).parent.parent / "docs" / "images" / "equations-times.svg"
SHOWN = (
    "poisson-kan",
    "layer, eps 1e-3",
    "kovasznay",
    "wave",
    "burgers, nu .01/pi",
    "korteweg-de vries",
    "allen-cahn",
    "coherent state",
)
COLUMNS = ("problem", "tolerance", "error", "stated error", "solved", "CPU s")
ACROSS = 4


def tolerances(last: float) -> list[float]:
    """From a hundredth to that of the problem, each a hundred times smaller."""
    found = [10.0**-n for n in range(2, 14, 2) if 10.0**-n > 3 * last]
    return [*found, last]


def drawing(rows: Sequence[Sequence[Any]], path: Path) -> None:
    """True and stated errors over CPU seconds, one panel a problem."""
    names = list(dict.fromkeys(row[0] for row in rows))
    down = -(-len(names) // ACROSS)
    figure = new_figure(11.2, 0.5 + 2.6 * down, LIGHT)
    for n, name in enumerate(names):
        own = sorted((row for row in rows if row[0] == name), key=lambda row: -row[1])
        seconds, true, stated = (np.array([row[k] for row in own], dtype=float) for k in (5, 2, 3))
        axes = figure.add_subplot(down, ACROSS, n + 1)
        axes.loglog(seconds, true, "o-", color=LIGHT.numeric, markersize=3.5, linewidth=1.3, label="true")
        axes.loglog(seconds, stated, "s:", color=LIGHT.symbolic, markersize=3, linewidth=1, label="stated")
        axes.set_title(name, fontsize=SIZE_TITLE, loc="left", color=LIGHT.ink)
        axes.tick_params(labelsize=SIZE_SMALL, colors=LIGHT.muted)
        axes.grid(color=LIGHT.line, linewidth=0.6)
        axes.set(xlim=(0.03, 100), ylim=(1e-14, 1))
        axes.xaxis.set_minor_formatter(NullFormatter())
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if n % ACROSS == 0:
            axes.set_ylabel("relative L2 error", **text_style(LIGHT, SIZE_SMALL))
        if n >= len(names) - ACROSS:
            axes.set_xlabel("CPU seconds", **text_style(LIGHT, SIZE_SMALL))
        if n == 0:
            axes.legend(fontsize=SIZE_SMALL, frameon=False)
    figure.tight_layout()
    save_figure(figure, path)


def main() -> None:
    run = begin("equation_times", "Error against time")
    chosen = [name for name in os.environ.get("EQUATIONS", "").split(";") if name] or list(SHOWN)
    report = Report(run, "error against time", COLUMNS, (20, 10, 10, 13, 8, 8))
    known = {(row[0], float(row[1])): row for row in report.saved()}
    for name in chosen[:1] if run.quick else chosen:
        case = CASES[name]()
        for tolerance in tolerances(case.tolerance)[: 2 if run.quick else None]:
            if row := known.get((name, tolerance)):
                report.add(*row)
                continue
            clock = Clock()
            solution = pde.solve(case.problem, tolerance)
            seconds = clock.seconds
            report.add(name, tolerance, case.error(solution), case.stated(solution), solution.solved, seconds)
            report.save()
    drawing(report.rows, report.file.with_suffix(".svg") if run.quick else PLOT)
    report.save()


if __name__ == "__main__":
    main()
