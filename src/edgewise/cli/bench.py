"""`edgewise bench`: how quick and how accurate edgewise is on this machine, beside scikit-learn and a linear layer."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, Interrupts
from edgewise.cli.terminal import print_json

if TYPE_CHECKING:
    from edgewise.cli.trials import Trial


def bench(
    context: typer.Context,
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    seed: options.Seed = 0,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Measure speed and accuracy on this machine, as ratios: below 1 edgewise is ahead.

    A layer against a linear layer of the same size; networks against
    scikit-learn's gradient boosting on two generated tables and on the nuclear
    binding energies that ship along, judged on held-out rows.

    Examples:

    - `edgewise bench`

    - `edgewise bench --work quick --threads 4 --json`

    - `edgewise bench speed --quick`
    """
    if context.invoked_subcommand is not None:
        return
    from edgewise.cli.progress import ShownProgress
    from edgewise.cli.summary import to_json
    from edgewise.cli.trials import run

    with Interrupts() as interrupts, ShownProgress(quiet) as progress:
        trials = run(work, seconds, seed, progress, interrupts)
    if json:
        print_json(to_json([asdict(trial) | {"ratio": trial.ratio} for trial in trials]))
    else:
        _show(trials)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)


def _show(trials: tuple[Trial, ...]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from edgewise.cli.summary import results_console, show_messages

    grid = Table(
        box=SIMPLE_HEAD, title="Ratios; below 1 edgewise is ahead", title_justify="left", title_style="bold"
    )
    for heading in ("trial", "measure"):
        grid.add_column(heading, no_wrap=True)
    for heading in ("edgewise", "reference", "ratio"):
        grid.add_column(heading, justify="right")
    grid.add_column("reference is", no_wrap=True)
    for trial in trials:
        style = "bold" if trial.ratio < 1 else ""
        grid.add_row(
            trial.name,
            f"{trial.measure}{f', {trial.unit}' if trial.unit else ''}",
            f"{trial.ours:.3g}",
            f"{trial.theirs:.3g}",
            f"{trial.ratio:.3g}",
            trial.reference,
            style=style,
        )
    console = results_console()
    console.print(grid)
    reasons = dict.fromkeys(trial.stop_reason for trial in trials if trial.stop_reason is not None)
    show_messages(console, tuple(reason.advice for reason in reasons))
