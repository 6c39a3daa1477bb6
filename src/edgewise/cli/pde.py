"""`edgewise pde`: a differential equation in; its solution with its estimated error out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgewise._core.errors import InputError
from edgewise.cli import options
from edgewise.cli.outcome import (
    INTERRUPTED,
    UNDECIDED,
    Interrupts,
    refuse_to_overwrite,
)
from edgewise.cli.terminal import print_json, say

_IN_MOTION = (".gif", ".mp4")


def pde(
    problem: Annotated[
        str | None,
        typer.Argument(
            help="A problem of the gallery, a TOML file, or a Python file that defines `problem`; "
            "without it the gallery is listed.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            "-t",
            help="Relative L2 error to ask for.",
            min=1e-13,
            max=0.1,
            show_default="that of the problem, else 1e-6",
        ),
    ] = None,
    road: Annotated[
        str,
        typer.Option(
            "--road",
            help="auto: what suits the problem. products: one network of products, trained in all of a box at once.",
        ),
    ] = "auto",
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", help="Of the places at which residuals are measured; solving is not random.", min=0
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        options.unset("--out", "-o", help="Write the solution here, to be read by edgewise.load."),
    ] = None,
    plot: Annotated[
        Path | None,
        options.unset(
            "--plot", help="Draw the solution into this .png or .svg file; in motion into a .gif or .mp4."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        options.unset("--report", help="Write a page about the solution here, one .html file."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        options.unset(
            "--checkpoint",
            help="Keep a march through time here while it goes on; where the file is there, go on from it.",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the problem's TOML file, to be copied, and leave.")
    ] = False,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Solve a differential equation to a tolerance, and state how far the answer is to be relied on.

    Exit code 0: the estimated error is within the tolerance. 3: it is not, or
    something counts against the answer, which is printed. Ctrl-C ends early with
    the solution so far and exit code 130.

    A problem of one's own is a TOML file (`--show` prints those of the
    gallery), with equations as text: `dx(u, t) + u*dx(u, x) = nu*dx(u, x, 2)`.
    A Python file may build the problem as `edgewise.pde` does.

    Examples:

    - `edgewise pde`

    - `edgewise pde burgers --tolerance 1e-8 --plot burgers.png`

    - `edgewise pde burgers --show > mine.toml`

    - `edgewise pde mine.toml -o mine.kan --json`

    - `edgewise pde kovasznay --report flow.html`

    - `edgewise pde kdv --checkpoint kdv.part -o kdv.kan`
    """
    from edgewise.cli.pde_answer import Keeper, PdeProgress, draw, found, listed, shown, shown_modes
    from edgewise.cli.summary import to_json
    from edgewise.pde import Box, eigen, solve

    if problem is None:
        listed(as_json=json)
        return
    posed = found(problem)
    tolerance = posed.tolerance if tolerance is None else tolerance
    if show:
        say(posed.text.rstrip("\n"))
        return
    moves = plot is not None and plot.suffix.lower() in _IN_MOTION
    if moves and posed.problem.domain.time is None:
        raise InputError(f"The problem has no time: {plot} would not move; name a .png or .svg instead.")
    files = [path for path in (out, plot, report) if path is not None]
    still = None if moves else plot
    refuse_to_overwrite([path for path in files if path != still], force, plot=still)
    if checkpoint is not None and not isinstance(posed.problem.domain, Box):
        raise InputError("Checkpoints are of marches through time on boxes: leave out --checkpoint.")
    if posed.problem.eigenvalue is not None:
        if files or checkpoint is not None:
            raise InputError(
                "Eigenvalues are shown, not written: leave out --out, --plot, --report and --checkpoint."
            )
        modes = eigen(posed.problem, posed.count, max(tolerance, 1e-13), work=work, seconds=seconds)
        if json:
            print_json(to_json(modes.to_dict()))
        else:
            shown_modes(modes)
        if not modes.solved:
            raise typer.Exit(UNDECIDED)
        return
    progress, keeper = PdeProgress(quiet), Keeper(checkpoint)
    with Interrupts() as interrupts, progress:
        progress.begin(f"solve {posed.title or problem}")

        def on_step(record: object) -> None:
            progress.step(record)
            keeper.step(record, last=interrupts.happened)
            interrupts(record)

        solution = solve(
            posed.problem,
            tolerance,
            road=road,
            work=work,
            seconds=seconds,
            callbacks=on_step,
            resume=keeper.found,
        )
    if out is not None:
        solution.save(out, overwrite=force)
    if plot is not None:
        draw(solution, plot)
    if report is not None:
        solution.report(report, title=posed.title or None, overwrite=force)
    if json:
        print_json(to_json({**solution.to_dict(), "residuals": solution.residual(seed=seed)}))
    else:
        shown(solution, seed, files)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if not solution.solved:
        raise typer.Exit(UNDECIDED)
