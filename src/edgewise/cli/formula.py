"""`edgewise formula`: a table in; the Pareto front of formulas out."""

from __future__ import annotations

import typer

from edgewise._core.errors import InputError
from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, Interrupts, print_json, refuse_short

# Each row is judged by a fit to the others.
FEWEST_ROWS = 5


def formula(
    data: options.Data,
    target: options.Target,
    columns: options.Columns = None,
    drop: options.Drop = None,
    seconds: options.Seconds = 60.0,
    seed: options.Seed = 0,
    drop_missing: options.DropMissing = False,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Find formulas, from the simplest to the most accurate, judged on rows held out.

    Examples:

    - `edgewise formula falls.csv --target time --columns height,mass`

    - `edgewise formula falls.csv -t time --seconds 20 --json > front.json`
    """
    from edgewise.cli.inputs import as_names, find
    from edgewise.data import provenance, read_frame, to_table

    frame = read_frame(data)
    target = find(frame, target)
    dropped = {find(frame, name) for name in as_names(drop, frame.column_names) or ()}
    named = as_names(columns, frame.column_names)
    chosen = [find(frame, name) for name in named or frame.column_names if name not in dropped]
    if named is None:
        chosen.remove(target) if target in chosen else None
    if not chosen:
        raise InputError(
            f"{provenance(frame).source} must have at least one column besides the target {target!r}."
        )
    table = to_table(frame.select(dict.fromkeys([*chosen, target])), provenance(frame).source)
    if drop_missing:
        table = table.drop_missing()
    X, y, names = table.features(target, chosen)
    refuse_short(table.source, table.n_rows, FEWEST_ROWS)

    from edgewise.cli import summary
    from edgewise.cli.progress import Progress
    from edgewise.symbolic import find_formula

    with Interrupts() as interrupts, Progress(quiet) as progress:
        progress.begin("find the formula")
        found = find_formula(X, y, names=names, seconds=seconds, seed=seed, callbacks=(progress, interrupts))
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
        if verbose:
            summary.show_messages(console, (found.message,))
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
