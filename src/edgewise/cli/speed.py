"""`edgewise bench speed`: every table of speed anew, on this machine."""

from __future__ import annotations

import json as json_text
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, make_folder
from edgewise.cli.terminal import print_json, say

if TYPE_CHECKING:
    from rich.console import Console

    from edgewise.bench import Finding, Job, Results, Settings


def speed(
    quick: Annotated[
        bool, typer.Option("--quick", help="A small part of each table, in about a minute.")
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(
            help="Some tables only: layers, roofline, derivatives, memory, small, images, peers; 'a,b'.",
            show_default="all",
        ),
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option(
            help="Other packages to compare with: pykan, inkan, inkan-compiled, jaxkan; 'a,b' or 'none'.",
            show_default="all",
        ),
    ] = None,
    data: Annotated[
        Path | None, options.unset("--data", help="MNIST as mnist.npz, for the table of images.")
    ] = None,
    out: Annotated[
        Path | None, options.unset("--out", "-o", help="A folder for speed.json and the drawings.")
    ] = None,
    *,
    threads: int | None,
    quiet: bool,
    json: bool,
) -> None:
    """Measure speed on this machine, as ratios: below 1 edgewise is ahead.

    Every reference is measured in turn with edgewise in a process of its own, on
    as many threads. Times are processor time on one thread and time on the wall
    on more; each ratio is a median with its quartiles. Ctrl-C ends with what was
    measured so far.

    Examples:

    - `edgewise bench speed --quick`

    - `edgewise bench speed --only layers,roofline --out speed`

    - `edgewise bench speed --threads 2 --json`
    """
    from edgewise.bench import Settings, plan

    jobs = plan(_names(only), _names(peers), quick=quick)
    settings = Settings(quick=quick, threads=threads or 1, data=_file(data))
    if out is not None:
        make_folder(out)
    results, ended = _measure(jobs, settings, quiet, out)
    if out is not None:
        _draw(results, out)
    if json:
        print_json(json_text.dumps(results.to_json(), indent=1))
    else:
        _show(results)
    if not ended:
        say("Interrupted; this is what was measured so far.", err=True)
        raise typer.Exit(INTERRUPTED)


def _names(text: str | None) -> list[str] | None:
    """The names in "a,b"; "none" is an empty list."""
    if text is None:
        return None
    return [] if text == "none" else [name.strip() for name in text.split(",") if name.strip()]


def _file(path: Path | None) -> Path | None:
    from edgewise._core.errors import InputError

    if path is not None and not path.is_file():
        raise InputError(f"The file {path} of --data does not exist; check the path.")
    return path


def _measure(
    jobs: tuple[Job, ...], settings: Settings, quiet: bool, folder: Path | None
) -> tuple[Results, bool]:
    """All that was measured, kept in the folder as it grows, and whether that is all there was to measure."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from edgewise.bench import NotMeasured, Results, run
    from edgewise.bench.machine import describe
    from edgewise.cli.console import console as visible_console

    console = visible_console(err=True)
    results = Results(describe(settings.threads), settings.threads, settings.quick)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=len(jobs))
        try:
            for job in jobs:
                bar.update(task, description=f"{job.table}: {job.name}")
                for finding in run(job, settings):
                    if isinstance(finding, NotMeasured):
                        results = replace(results, missing=(*results.missing, finding))
                    else:
                        results = replace(results, comparisons=(*results.comparisons, finding))
                    if not quiet:
                        _tell(bar.console, finding)
                    if folder is not None:
                        _keep(results, folder)
                bar.advance(task)
        except KeyboardInterrupt:
            return results, False
    return results, True


def _tell(console: Console, finding: Finding) -> None:
    """One line as soon as it is known."""
    from edgewise.bench.tables import line

    console.print(line(finding), soft_wrap=True, markup=False, style="dim")


def _show(results: Results) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from edgewise.bench.tables import TITLES, notes, rows
    from edgewise.cli.summary import results_console

    console = results_console()
    for table, title in TITLES.items():
        if found := rows(results, table):
            grid = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
            for column in found[0]:
                grid.add_column(column, justify="right" if found[0][column][:1].isdigit() else "left")
            for row in found:
                grid.add_row(*row.values())
            console.print(grid)
        for sentence in notes(results, table):
            console.print(sentence, markup=False)
        if found:
            console.print()
    console.print(results.machine, style="dim")


def _keep(results: Results, folder: Path) -> None:
    from edgewise._core.files import write_file

    write_file(folder / "speed.json", json_text.dumps(results.to_json(), indent=1).encode(), overwrite=True)


def _draw(results: Results, folder: Path) -> None:
    """Each drawing as .svg and .png."""
    from edgewise.bench.plots import drawings
    from edgewise.plots import save_figure

    for name, figure in drawings(results).items():
        for ending in ("svg", "png"):
            save_figure(figure, folder / f"{name}.{ending}")
