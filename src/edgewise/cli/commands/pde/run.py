"""A problem of the gallery, of a TOML or a Python file is solved; progress, and what was found, are shown."""

from __future__ import annotations

import math
import runpy
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import EdgewiseError, InputError
from edgewise.cli.answer import Answer, code_of
from edgewise.cli.commands.pde import PdeRequest
from edgewise.cli.outcome import DONE, UNDECIDED, refuse_to_overwrite
from edgewise.cli.progress import Note, ShownProgress, at_work
from edgewise.pde import (
    Box,
    Checkpoint,
    Modes,
    Problem,
    ProblemFile,
    Solution,
    eigen,
    gallery,
    gallery_names,
    load_problem,
    solve,
)
from edgewise.pde.results.solution import ROADS
from edgewise.pde.terms.text import write_term

_DEFAULT_TOLERANCE = 1e-6
_WIDE = 90
_SECONDS_BETWEEN = 5.0
_IN_MOTION = (".gif", ".mp4")


def run(asked: PdeRequest) -> Answer:
    """List the gallery, show a problem, or solve it."""
    if asked.problem is None:
        return _gallery()
    posed = found(asked.problem)
    if asked.show:
        text = posed.text.rstrip("\n")
        return Answer(text, text)
    moves = asked.plot is not None and asked.plot.suffix.lower() in _IN_MOTION
    if moves and posed.problem.domain.time is None:
        raise InputError(
            f"The problem has no time: {asked.plot} would not move; name a .png or .svg instead."
        )
    files = [path for path in (asked.out, asked.plot, asked.report) if path is not None]
    still = None if moves else asked.plot
    refuse_to_overwrite([path for path in files if path != still], asked.force, plot=still)
    if asked.checkpoint is not None and not isinstance(posed.problem.domain, Box):
        raise InputError("Checkpoints are of marches through time on boxes: leave out --checkpoint.")
    tolerance = posed.tolerance if asked.tolerance is None else asked.tolerance
    if posed.problem.eigenvalue is None:
        return _solved(asked, posed, tolerance, files)
    if files or asked.checkpoint is not None:
        raise InputError(
            "Eigenvalues are shown, not written: leave out --out, --plot, --report and --checkpoint."
        )
    modes = asked.call(eigen, posed.problem, posed.count, max(tolerance, 1e-13))
    return Answer(modes.to_dict, "\n".join(_modes(modes)), code=DONE if modes.solved else UNDECIDED)


def _solved(asked: PdeRequest, posed: ProblemFile, tolerance: float, files: Sequence[Path]) -> Answer:
    progress, keeper = PdeProgress(asked.quiet), Keeper(asked.checkpoint)
    with at_work(progress, f"solve {posed.title or asked.problem}") as interrupts:

        def on_step(record: object) -> None:
            progress.step(record)
            keeper.step(record, last=interrupts.happened)
            interrupts(record)

        solution = asked.call(solve, posed.problem, tolerance, callbacks=on_step, resume=keeper.found)
    if asked.out is not None:
        solution.save(asked.out, overwrite=asked.force)
    if asked.plot is not None:
        draw(solution, asked.plot)
    if asked.report is not None:
        solution.report(asked.report, title=posed.title or None, overwrite=asked.force)
    residuals = solution.residual(seed=asked.seed)
    return Answer(
        {**solution.to_dict(), "residuals": residuals},
        "\n".join(_told(solution, residuals, files)),
        code=code_of(interrupts, DONE if solution.solved else UNDECIDED),
    )


def _gallery() -> Answer:
    problems = {name: gallery(name) for name in gallery_names()}
    width = max(map(len, problems))
    lines = [f"  {name:{width}}  {problem.title}" for name, problem in problems.items()]
    head = "Problems of the gallery; `edgewise pde NAME` solves one, with --show it prints its file.\n"
    return Answer(
        [{"name": n, "title": p.title, "tolerance": p.tolerance} for n, p in problems.items()],
        "\n".join([head, *lines]),
    )


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


def _told(solution: Solution, residuals: dict[str, float], files: Sequence[Path]) -> Iterator[str]:
    """A solution in a few lines."""
    yield solution.message
    for name, error in solution.errors.items():
        yield f"  {name:12}  relative L2 error {error:.1e}"
    for equation in solution.problem.equations:
        words = f"{write_term(equation.left)} = {write_term(equation.right)}"
        words = words if len(words) <= _WIDE else f"{words[: _WIDE - 3]}..."
        yield f"  residual {residuals[repr(equation)]:.1e}  {words}"
    yield f"  {solution.coefficients:,} coefficients, {ROADS[solution.road]}, {solution.seconds:.1f} s"
    yield from (f"  written: {file}" for file in files)


def _modes(modes: Modes) -> Iterator[str]:
    """Eigenvalues line by line."""
    yield modes.message
    for value, error in zip(modes.values, modes.errors, strict=True):
        yield f"  {float(value):<22.15g}relative error {float(error):.1e}"
    yield f"  {modes.seconds:.1f} s"


def draw(solution: Solution, path: Path) -> None:
    """A picture of the solution."""
    from edgewise.plots import animate_solution, plot_solution, save_figure
    from edgewise.plots.solution_animation import FORMATS

    if path.suffix.lower() in FORMATS:
        animate_solution(solution, path)
        return
    save_figure(plot_solution(solution), path)
