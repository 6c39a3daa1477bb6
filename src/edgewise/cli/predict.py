"""`edgewise predict`: a model and a table in; the table with predictions out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgewise.cli import options
from edgewise.cli.outcome import refuse_to_overwrite

OUTSIDE = "outside_training_range"


def predict(
    model: Annotated[Path, typer.Argument(help="A model.kan that `edgewise fit` wrote.", show_default=False)],
    data: options.Data,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The table to write, CSV or Parquet.", show_default="CSV on standard output"
        ),
    ] = None,
    drop_missing: options.DropMissing = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Predict from a table's columns.

    The table comes back with a column of predictions for each output, and with
    outside_training_range: true where an input lies beyond what the model has
    seen, so that its prediction is an extrapolation.
    """
    if out is not None:
        refuse_to_overwrite([out], force)
    from edgewise.data import read_table, write_table

    table = read_table(data)
    from edgewise.cli.predictions import with_predictions
    from edgewise.network import load

    network = load(model)
    if drop_missing:
        table = table.drop_missing(network.input_names)
    filled, outside = with_predictions(network, table)
    write_table(filled, sys.stdout.buffer if out is None else out)
    if not quiet:
        where = "" if out is None else f", written to {out}"
        typer.echo(f"{filled.n_rows:,} predictions{where}; {outside:,} outside the training range.", err=True)
