"""`edgewise ask`: places to measure at out, measurements in, until the law behind them is known."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise._core.rows import data_rows
from edgewise.cli import options
from edgewise.cli.formula import Loss, LossName
from edgewise.cli.outcome import INTERRUPTED, refuse_to_overwrite
from edgewise.cli.terminal import print_json, say, tell

if TYPE_CHECKING:
    from edgewise.cli.ask_measure import Recorder
    from edgewise.symbolic import AskResult, FormulaResult

Bounds = Annotated[
    list[str],
    options.unset(
        "--bounds",
        "-b",
        help="Between which values each column can be set, and in which steps: 'm=1:5,r=1:3:0.1'.",
    ),
]
Out = Annotated[
    Path,
    options.unset(
        "--out", "-o", help="A .csv file for the measurements; each is in it as soon as it is made."
    ),
]
Command = Annotated[
    str | None,
    options.unset(
        "--command",
        help="A program that measures, such as 'python measure.py {m} {r}'; it prints the value as its last line.",
    ),
]
Sigma = Annotated[
    float | None,
    options.unset(
        "--sigma",
        help="Standard deviation of a measurement; where it is not given, places are measured again.",
    ),
]
Most = Annotated[int, typer.Option("--most", help="Measurements at most.", min=1)]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on after the measurements in the file of --out; with the same options as if nothing had ended.",
    ),
]


def ask(
    bounds: Bounds,
    target: Annotated[str, options.unset("--target", "-t", help="What is measured, by name.")],
    out: Out,
    command: Command = None,
    most: Most = 60,
    sigma: Sigma = None,
    loss: Loss = LossName.squared,
    resume: Resume = False,
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    *,
    quiet: bool,
    verbose: bool,
    json: bool,
) -> None:
    """Find a law by measuring where it tells most.

    Says where to measure, reads the value, searches formulas, and says where
    to measure next: where those that are still possible differ. It ends when
    the formula has predicted what the others did not.

    You type the values, or --command names a program that gives them. Typed,
    nan is a measurement that failed and q ends; so does Ctrl-C. The
    measurements are in the file of --out, whatever happens; --resume goes on
    from there, without measuring anything twice. Exit code 130: it was ended
    before.

    Columns without a step are set, where you type, to a thousandth of their
    range or so.

    Examples:

    - `edgewise ask --bounds 'm=1:5,r=1:3:0.1' --target F --out measured.csv`

    - `edgewise ask -b m=1:5,r=1:3 -t F -o measured.csv --command 'python measure.py {m} {r}'`

    - `edgewise ask -b m=1:5,r=1:3 -t F -o measured.csv --resume`
    """
    from edgewise.cli.ask_measure import (
        MeasuringProgram,
        Recorder,
        Typed,
        convenient_steps,
        read_bounds,
        recorded,
    )

    ends, steps = read_bounds(bounds)
    if target in ends:
        raise InputError(
            subject="The target", expected="not be a column of --bounds", got=f"{short(target)} for both"
        )
    if resume and force:
        raise InputError("--resume cannot be combined with --force; leave one of them out.")
    if out.suffix.lower() != ".csv":
        raise InputError(
            subject="The file of --out",
            expected="end in .csv, whose rows are added one by one",
            got=short(out.name),
        )
    if not resume or not out.exists():
        refuse_to_overwrite([out], force)
    program = None if command is None else MeasuringProgram.read(command, tuple(ends))
    known = recorded(out, tuple(ends), target) if resume and out.exists() else ()
    typed = Typed(target, most)
    recorder = Recorder(typed if program is None else program, tuple(ends), target, out, known)
    if program is None:
        steps = {**convenient_steps(ends), **steps}
    from edgewise.symbolic import ask as ask_for
    from edgewise.symbolic.results.search_result import renumbered

    try:
        found = ask_for(
            recorder.measure,
            ends,
            most=most,
            sigma=sigma,
            steps=steps or None,
            loss=loss.value,
            work=work,
            seconds=seconds,
            seed=seed,
            X=[row[:-1] for row in known] if known else None,
            y=[row[-1] for row in known] if known else None,
            callbacks=partial(_so_far, target=target, recorder=recorder, loss=loss, quiet=quiet),
        )
    except KeyboardInterrupt:
        say(
            f"\nEnded before there were measurements enough for a formula. {_kept(recorder, ended=True)}",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    tell([_kept(recorder, ended=not found.stop_reason.repeatable)], quiet=quiet)
    result = renumbered(found.result, recorder.number, data_rows)
    _show(replace(found, result=result), target, verbose=verbose, json=json)
    if not found.stop_reason.repeatable:
        raise typer.Exit(INTERRUPTED)


def _so_far(
    result: FormulaResult, count: int, *, target: str, recorder: Recorder, loss: LossName, quiet: bool
) -> None:
    notes = [f"After {count} measurements: {target} = {result.best.text}"]
    if result.gross_errors:
        rows = data_rows([recorder.number(row) for row in result.gross_errors])
        place = f"What was measured in {rows} of {recorder.path}"
        notes.append(
            f"{place} is set aside as a slip."
            if loss is LossName.robust
            else f"{place} lies far from the rest, as slips do. End, correct it in the file, and --resume goes on."
        )
    tell(notes, quiet=quiet)
    sys.stderr.flush()


def _kept(recorder: Recorder, *, ended: bool) -> str:
    if not recorder.made:
        return "Nothing was measured."
    kept = f"{plural(recorder.made, 'measurement')} in {recorder.path}"
    return f"{kept}; --resume goes on from there." if ended else f"{kept}."


def _show(found: AskResult, target: str, *, verbose: bool, json: bool) -> None:
    from edgewise.cli.summary import results_console, show_front, show_messages, to_json

    if json:
        print_json(to_json(found.to_dict()))
        return
    console = results_console()
    show_front(console, found.result, target, verbose=verbose)
    show_messages(console, (found.message,))
