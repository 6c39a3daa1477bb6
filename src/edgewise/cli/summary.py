"""What a finished job shows: the accuracy table, the formula, where the files are; or all of it as JSON."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

if TYPE_CHECKING:
    from edgewise.cli.job import Job
    from edgewise.report import AccuracyRow
    from edgewise.symbolic import FormulaResult


def results_console() -> Console:
    """Standard output; wide where it is no terminal, so that a file or a pipe gets whole lines."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def show_accuracy(console: Console, accuracy: tuple[AccuracyRow, ...], rows: int) -> None:
    """One line a model, the smallest error in bold."""
    grid = Grid(
        box=SIMPLE_HEAD, title=f"Errors on {rows:,} held-out rows", title_justify="left", title_style="bold"
    )
    grid.add_column("model", no_wrap=True)
    for heading in ("RMSE", "MAE", "R2"):
        grid.add_column(heading, justify="right")
    grid.add_column("time", justify="right")
    grid.add_column("to read", no_wrap=True)
    best = min((entry.rmse for entry in accuracy if not math.isnan(entry.rmse)), default=math.nan)
    for entry in accuracy:
        r2 = _number(entry.r2) if math.isnan(entry.r2) or abs(entry.r2) >= 10 else f"{entry.r2:.6f}"
        style = "bold" if entry.rmse == best else ""
        grid.add_row(
            Text(entry.model),
            _number(entry.rmse),
            _number(entry.mae),
            r2,
            _time(entry.seconds),
            entry.size,
            style=style,
        )
    console.print(grid)


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.4g}"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"


def show_front(console: Console, found: FormulaResult) -> None:
    """The formulas from the simplest to the most accurate."""
    grid = Grid(box=SIMPLE_HEAD, title="Formulas, simplest first", title_justify="left", title_style="bold")
    grid.add_column("complexity", justify="right")
    grid.add_column("held-out RMSE", justify="right")
    grid.add_column("R2", justify="right")
    grid.add_column("formula", overflow="fold")
    for formula in found.front:
        # Text, not markup: a formula may hold square brackets.
        style = "bold" if formula.text == found.best.text else ""
        grid.add_row(
            str(formula.complexity),
            f"{formula.error:.4g}",
            f"{formula.r2:.6f}",
            Text(formula.text),
            style=style,
        )
    console.print(grid)


def show_formula(console: Console, target: str, found: FormulaResult) -> None:
    """The formula on lines of its own, never cut."""
    console.print(Text(f"{target} = {found.best.text}", style="bold"), soft_wrap=True)


def front_as_data(found: FormulaResult | None) -> list[dict[str, Any]]:
    """The Pareto front as plain data."""
    return [] if found is None else [json.loads(formula.json()) for formula in found.front]


def as_json(job: Job, files: dict[str, Path]) -> str:
    """A job as one JSON object."""
    data = {
        "target": job.task.target,
        "columns": list(job.names),
        "rows": {"fitted": len(job.y), "held_out": len(job.y_test)},
        "accuracy": [asdict(entry) for entry in job.accuracy],
        "formula": None if job.found is None else json.loads(job.found.best.json()),
        "front": front_as_data(job.found),
        "files": {name: str(path) for name, path in files.items()},
        "seconds": round(job.seconds, 3),
        "interrupted": job.interrupted,
    }
    return to_json(data)


def to_json(data: Any) -> str:
    """Strict JSON: what is no finite number becomes null."""
    return json.dumps(_finite(data), indent=2, allow_nan=False, ensure_ascii=False)


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
