"""What `edgewise pde` shows while it solves, and of what it found."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewise.cli.progress import Note, ShownProgress
from edgewise.cli.summary import to_json
from edgewise.cli.terminal import say
from edgewise.pde import Checkpoint, Modes, Solution
from edgewise.pde.results.solution import ROADS
from edgewise.pde.terms.text import write_term

_WIDE = 90
_SECONDS_BETWEEN = 5.0


class PdeProgress(ShownProgress):
    """Progress of `solve`: the estimated error, the residual and the grid."""

    _steps = 0

    def step(self, record: Any) -> None:
        """Take note of a grid or a slab of time."""
        self._steps += 1
        error = f"error {record.error:.1e}  " if math.isfinite(record.error) else ""
        grid = " x ".join(map(str, record.intervals))
        note = f"{error}residual {record.residual:.1e}  {grid} intervals"
        self(Note(record.stage, self._steps, note, record.share))


class Keeper:
    """Keeps a march in a file, every few seconds and when it is interrupted; finds what an earlier one left there."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._kept = path, time.monotonic()
        self.found = Checkpoint.load(path) if path is not None and path.exists() else None

    def step(self, record: Any, *, last: bool) -> None:
        """Take note of a slab of time."""
        if self._path is None or record.checkpoint is None:
            return
        if last or time.monotonic() - self._kept > _SECONDS_BETWEEN:
            record.checkpoint().save(self._path)
            self._kept = time.monotonic()


def solution_json(solution: Solution, seed: int) -> str:
    """Everything that is known of a solution, as JSON."""
    return to_json({**solution.to_dict(), "residuals": solution.residual(seed=seed)})


def shown(solution: Solution, seed: int, files: Sequence[Path]) -> None:
    """A solution in a few lines on standard output."""
    say(solution.message)
    for name, error in solution.errors.items():
        say(f"  {name:12}  relative L2 error {error:.1e}")
    residuals = solution.residual(seed=seed)
    for each in solution.problem.equations:
        words = f"{write_term(each.left)} = {write_term(each.right)}"
        words = words if len(words) <= _WIDE else f"{words[: _WIDE - 3]}..."
        say(f"  residual {residuals[repr(each)]:.1e}  {words}")
    say(f"  {solution.coefficients:,} coefficients, {ROADS[solution.road]}, {solution.seconds:.1f} s")
    for file in files:
        say(f"  written: {file}")


def modes_json(modes: Modes) -> str:
    """Everything that is known of eigenvalues, as JSON."""
    return to_json(modes.to_dict())


def shown_modes(modes: Modes) -> None:
    """Eigenvalues line by line on standard output."""
    say(modes.message)
    for value, error in zip(modes.values, modes.errors, strict=True):
        say(f"  {float(value):<22.15g}relative error {float(error):.1e}")
    say(f"  {modes.seconds:.1f} s")


def draw(solution: Solution, path: Path) -> None:
    """A picture of the solution."""
    from edgewise.plots import animate_solution, plot_solution, save_figure
    from edgewise.plots.solution_animation import FORMATS

    if path.suffix.lower() in FORMATS:
        animate_solution(solution, path)
        return
    save_figure(plot_solution(solution), path)
