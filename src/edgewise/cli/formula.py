"""`edgewise formula`: a table in; the Pareto front of formulas out."""

from __future__ import annotations

import typer

from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, Interrupts, print_json, refuse_short

# Each row is judged by a fit to the others.
FEWEST_ROWS = 5


def formula(
    data: options.Data,
    target: options.Target,
    columns: options.Columns = None,
    seconds: options.Seconds = 60.0,
    seed: options.Seed = 0,
    drop_missing: options.DropMissing = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Find formulas, from the simplest to the most accurate, judged on rows held out."""
    from edgewise.data import read_table

    table = read_table(data)
    chosen = options.as_names(columns)
    if drop_missing:
        table = table.drop_missing(table.names if chosen is None else (*chosen, target))
    X, y, names = table.features(target, chosen)
    refuse_short(table.source, table.n_rows, FEWEST_ROWS)

    from edgewise.cli import summary
    from edgewise.cli.progress import Progress
    from edgewise.symbolic import find_formula

    with Interrupts() as interrupts, Progress(quiet) as progress:
        progress.begin("find the formula")
        found = find_formula(X, y, names=names, seconds=seconds, seed=seed, callbacks=(progress,))
    if json:
        report = {
            "target": target,
            "columns": list(names),
            "rows": len(y),
            "seconds": round(found.seconds, 3),
        }
        report |= {
            "interrupted": interrupts.happened,
            "message": found.message,
            "front": summary.front_as_data(found),
        }
        print_json(summary.to_json(report))
    else:
        console = summary.results_console()
        summary.show_front(console, found)
        summary.show_formula(console, target, found)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
