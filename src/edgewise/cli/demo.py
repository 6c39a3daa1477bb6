"""`edgewise demo`: the main job on measured data that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgewise._core.stopping import StopReason
from edgewise.cli import options
from edgewise.cli.fit import carry_out, results
from edgewise.cli.outcome import INTERRUPTED, refuse_to_overwrite
from edgewise.cli.terminal import say

_FOLDER = Path("edgewise-demo")


def demo(
    name: Annotated[
        str, typer.Argument(help="The data: nuclear_binding, moseley_ka1 or german_credit.")
    ] = "nuclear_binding",
    work: options.Work = 0.75,
    seconds: options.Seconds = None,
    out: options.Out = _FOLDER,
    seed: options.Seed = 0,
    force: options.Force = False,
    *,
    quiet: bool,
    verbose: bool,
    json: bool,
) -> None:
    """See what edgewise does: from real measurements to a formula a physicist recognises.

    nuclear_binding and moseley_ka1 hold laws of physics; german_credit is a
    table of words and numbers whose rows fall into two classes.

    Examples:

    - `edgewise demo`

    - `edgewise demo moseley_ka1 --work quick`
    """
    from edgewise.cli.stages import Began

    began = Began()
    # The folder is the demo's own, so running it again replaces what an earlier run left there.
    refuse_to_overwrite(results(out).values(), force or out == _FOLDER, folder=out)
    from edgewise.data import EXAMPLES, load_example, to_frame

    table = load_example(name)
    example = EXAMPLES[name]
    from edgewise.cli.inputs import ColumnRoles, prepare
    from edgewise.cli.job import TableTask

    if not json:
        say(f"{example.title}: {example.target} from {', '.join(example.columns)}\n{example.citation}\n")
    task = TableTask(
        prepare(to_frame(table), ColumnRoles(example.target, example.columns)),
        work,
        seconds,
        seed,
        title=example.title,
        known=example.law,
        units=tuple(example.units.items()),
    )
    job = carry_out(task, out, began, quiet=quiet, verbose=verbose, as_json=json)
    if example.law and not json:
        say(f"\nknown law: {example.law}")
    if job.stop_reason is StopReason.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
