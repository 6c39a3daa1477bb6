"""`edgewise formula --groups`: one law over many experiments, with constants of its own in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from edgewise._core.errors import InputError
from edgewise.cli.outcome import INTERRUPTED, Interrupts, print_json, tell


def find_for_groups(
    data: Path,
    target: str,
    groups: str,
    *,
    columns: Sequence[str] | None,
    drop: Sequence[str] | None,
    without: Sequence[str] | None,
    only: Sequence[str] | None,
    others: Mapping[str, Any],
    search: Mapping[str, Any],
    quiet: bool,
    json: bool,
) -> None:
    """Print the law and the constants of each group; `others` are options that have no meaning here, by their names."""
    given = [name for name, value in others.items() if value]
    if given:
        raise InputError(f"--groups cannot be combined with {given[0]}; leave one of them out.")
    from edgewise.cli.formula_progress import BestSoFar
    from edgewise.cli.formula_words import columns_of, limits_of
    from edgewise.cli.inputs import find
    from edgewise.cli.progress import Progress
    from edgewise.cli.summary import to_json
    from edgewise.data import provenance, read_frame, to_table
    from edgewise.symbolic import find_grouped_formula

    frame = read_frame(data)
    group = find(frame, groups)
    asked = columns_of(
        frame.drop_columns([group]),
        target,
        columns=columns,
        drop=drop,
        ignore=None,
        require=None,
        units=None,
        weight=None,
        sigma=None,
    )
    limits = limits_of(asked, without=without, only=only)
    known = provenance(frame)
    table = to_table(frame.select(dict.fromkeys([*asked.chosen, asked.target])), known.source)
    X, y, names = table.features(asked.target, asked.chosen, missing=True)
    tell(known.notes([*asked.chosen, asked.target, group]), quiet=quiet)
    with Interrupts() as interrupts, Progress(quiet) as progress:
        progress.begin("find one law for all groups")
        callbacks = (BestSoFar(progress, asked.target), interrupts)
        labels = frame.column(group).to_pylist()
        found = find_grouped_formula(X, y, labels, names=names, callbacks=callbacks, **limits, **search)
    if json:
        print_json(to_json(found.to_dict()))
    else:
        typer.echo(str(found))
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
