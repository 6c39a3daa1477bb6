"""`edgewise pde`: a differential equation in; its solution with its estimated error out."""

from __future__ import annotations

import typer

from edgewise._core.errors import InputError
from edgewise.cli.outcome import (
    INTERRUPTED,
    UNDECIDED,
    Interrupts,
    refuse_to_overwrite,
)
from edgewise.cli.requests import PdeRequest
from edgewise.cli.terminal import print_json, say

_IN_MOTION = (".gif", ".mp4")


def run(asked: PdeRequest) -> None:
    """Carry a request out and show what came of it."""
    tolerance = asked.tolerance
    from edgewise.cli.answer import to_json
    from edgewise.cli.pde_answer import Keeper, PdeProgress, draw, found, listed, shown, shown_modes
    from edgewise.pde import Box, eigen, solve

    if asked.problem is None:
        listed(as_json=asked.json)
        return
    posed = found(asked.problem)
    tolerance = posed.tolerance if tolerance is None else tolerance
    if asked.show:
        say(posed.text.rstrip("\n"))
        return
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
    if posed.problem.eigenvalue is not None:
        if files or asked.checkpoint is not None:
            raise InputError(
                "Eigenvalues are shown, not written: leave out --out, --plot, --report and --checkpoint."
            )
        modes = eigen(
            posed.problem, posed.count, max(tolerance, 1e-13), work=asked.work, seconds=asked.seconds
        )
        if asked.json:
            print_json(to_json(modes.to_dict()))
        else:
            shown_modes(modes)
        if not modes.solved:
            raise typer.Exit(UNDECIDED)
        return
    progress, keeper = PdeProgress(asked.quiet), Keeper(asked.checkpoint)
    with Interrupts() as interrupts, progress:
        progress.begin(f"solve {posed.title or asked.problem}")

        def on_step(record: object) -> None:
            progress.step(record)
            keeper.step(record, last=interrupts.happened)
            interrupts(record)

        solution = solve(
            posed.problem,
            tolerance,
            road=asked.road,
            work=asked.work,
            seconds=asked.seconds,
            callbacks=on_step,
            resume=keeper.found,
        )
    if asked.out is not None:
        solution.save(asked.out, overwrite=asked.force)
    if asked.plot is not None:
        draw(solution, asked.plot)
    if asked.report is not None:
        solution.report(asked.report, title=posed.title or None, overwrite=asked.force)
    if asked.json:
        print_json(to_json({**solution.to_dict(), "residuals": solution.residual(seed=asked.seed)}))
    else:
        shown(solution, asked.seed, files)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if not solution.solved:
        raise typer.Exit(UNDECIDED)
