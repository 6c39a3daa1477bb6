"""What `edgewise pde` reads and shows: a problem of the gallery, of a TOML or a Python file; progress; what was found."""

from __future__ import annotations

import json
import math
import runpy
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import EdgewiseError, InputError
from edgewise.cli.progress import Note, ShownProgress
from edgewise.cli.terminal import print_json, say
from edgewise.pde import (
    Checkpoint,
    Modes,
    Problem,
    ProblemFile,
    Solution,
    gallery,
    gallery_names,
    load_problem,
)
from edgewise.pde.results.solution import ROADS
from edgewise.pde.terms.text import write_term

_DEFAULT_TOLERANCE = 1e-6
_WIDE = 90
_SECONDS_BETWEEN = 5.0


def listed(*, as_json: bool) -> None:
    """The problems of the gallery."""
    problems = {name: gallery(name) for name in gallery_names()}
    if as_json:
        entries = [{"name": n, "title": p.title, "tolerance": p.tolerance} for n, p in problems.items()]
        print_json(json.dumps(entries, indent=2))
        return
    width = max(map(len, problems))
    say("Problems of the gallery; `edgewise pde NAME` solves one, with --show it prints its file.\n")
    for name, each in problems.items():
        say(f"  {name:{width}}  {each.title}")


def found(name: str) -> ProblemFile:
    """The problem that a word names."""
    if name in gallery_names():
        return gallery(name)
    path = Path(name)
    if path.suffix == ".py":
        return _from_python(path)
    if path.suffix == ".toml" or path.exists():
        return load_problem(path)
    raise InputError(
        f"There is no problem {short(name)}{did_you_mean(name, gallery_names())}; the gallery has "
        f"{among(gallery_names(), 20)}, and a problem of your own is a file that ends in .toml or .py."
    )


def _from_python(path: Path) -> ProblemFile:
    """What a Python file defines as `problem`, and as `tolerance` where it does."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        defined = runpy.run_path(str(path))
    except EdgewiseError:
        raise
    except FileNotFoundError:
        raise InputError(f"The file {path} cannot be read: there is no such file.") from None
    except SyntaxError as error:
        raise InputError(f"The file {path} is no Python: {error.msg}, line {error.lineno}.") from None
    except Exception as error:  # whatever a program of the user's raises
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
        ]
        where = f" in line {lines[-1]}" if lines else ""
        raise InputError(
            f"The file {path} ended with {type(error).__name__}{where}: {short(str(error), 120)}."
        ) from error
    problem, tolerance = defined.get("problem"), defined.get("tolerance", _DEFAULT_TOLERANCE)
    if not isinstance(problem, Problem):
        got = "none" if problem is None else f"one of type {type(problem).__name__}"
        raise InputError(
            subject=f"The file {path}", expected="define `problem`, an edgewise.pde.Problem", got=got
        )
    return ProblemFile(problem, str(defined.get("title", path.stem)), tolerance, text)


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
