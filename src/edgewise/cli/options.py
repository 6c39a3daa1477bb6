"""Options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(help="A table: CSV or Parquet.", show_default=False)]
Target = Annotated[str, typer.Option("--target", "-t", help="The column to predict.", show_default=False)]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        "-c",
        help="Predict from these columns only: 'a,b', or given several times.",
        show_default=False,
    ),
]
Seconds = Annotated[float, typer.Option("--seconds", "-s", help="Time to spend.", min=0.1)]
Seed = Annotated[int, typer.Option("--seed", help="Fixes every random choice.", min=0)]
DropMissing = Annotated[
    bool, typer.Option("--drop-missing", help="Drop rows with missing cells instead of stopping.")
]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="The folder for model.kan and report.html.", show_default=True)
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite files that exist.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on standard output.")]


def as_names(columns: list[str] | None) -> tuple[str, ...] | None:
    """The names in `--columns a,b --columns c`."""
    if not columns:
        return None
    return tuple(name.strip() for entry in columns for name in entry.split(",") if name.strip())
