"""`edgewise demo`: the main job on measured data that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgewise.cli import options
from edgewise.cli.fit import carry_out, results
from edgewise.cli.outcome import INTERRUPTED, refuse_to_overwrite


def demo(
    name: Annotated[
        str, typer.Argument(help="The data: nuclear_binding or moseley_ka1.")
    ] = "nuclear_binding",
    seconds: options.Seconds = 35.0,
    out: options.Out = Path("edgewise-demo"),
    seed: options.Seed = 0,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """See what edgewise does: from real measurements to a formula a physicist recognises."""
    # The folder is the demo's own, so running it again replaces what an earlier run left there.
    refuse_to_overwrite(results(out).values(), force or out == Path("edgewise-demo"))
    from edgewise.cli.job import Task
    from edgewise.data import EXAMPLES, load_example

    table = load_example(name)
    example = EXAMPLES[name]
    if not json:
        typer.echo(
            f"{example.title}: {example.target} from {', '.join(example.columns)}\n{example.citation}\n"
        )
    task = Task(table, example.target, example.columns, seconds, seed, title=example.title, known=example.law)
    job = carry_out(task, out, quiet=quiet, as_json=json)
    if not json:
        typer.echo(f"\nknown law: {example.law}")
    if job.interrupted:
        raise typer.Exit(INTERRUPTED)
