"""`edgewise doctor`: what this machine has, what is missing and how to get it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from edgewise.cli.outcome import REFUTED
from edgewise.cli.terminal import print_json

if TYPE_CHECKING:
    from edgewise.cli.health import Check

_MARKS = {"ok": "green", "missing": "yellow", "broken": "bold red", "note": "cyan"}


def doctor(*, quiet: bool, verbose: bool, json: bool) -> None:
    """Check this installation: versions, processor, GPU, kernels, extras.

    Exit code 1 where something edgewise needs is broken; what is merely
    missing comes with the command that installs it.
    """
    from edgewise.cli.health import examine
    from edgewise.cli.summary import to_json

    checks = examine(thorough=verbose)
    broken = [check for check in checks if check.state == "broken"]
    if json:
        print_json(to_json({"healthy": not broken, "checks": [asdict(check) for check in checks]}))
    elif not quiet or broken:
        _show(checks)
    if broken:
        raise typer.Exit(REFUTED)


def _show(checks: tuple[Check, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    from edgewise.cli.summary import results_console

    console = results_console()
    grid = Table.grid(padding=(0, 2))
    for column in range(4):
        grid.add_column(no_wrap=column < 2, overflow="fold")
    for check in checks:
        grid.add_row(
            Text(check.state, style=_MARKS[check.state]), check.name, Text(check.found), Text(check.advice)
        )
    console.print(grid)
    broken = sum(check.state == "broken" for check in checks)
    missing = sum(check.state == "missing" for check in checks)
    verdict = f"{broken} broken" if broken else "All that edgewise needs is here"
    console.print(f"\n{verdict}; optional parts missing: {missing}." if missing else f"\n{verdict}.")
