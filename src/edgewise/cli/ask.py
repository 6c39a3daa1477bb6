"""`edgewise ask`: places to measure at out, measurements in, until the law behind them is known."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise._core.rows import data_rows
from edgewise.cli.outcome import INTERRUPTED
from edgewise.cli.requests import AskRequest, LossName
from edgewise.cli.terminal import print_json, say, tell

if TYPE_CHECKING:
    from edgewise.cli.ask_measure import Recorder
    from edgewise.symbolic import AskResult, FormulaResult


def run(asked: AskRequest) -> None:
    """Carry a request out and show what came of it."""
    from edgewise.cli.ask_measure import (
        MeasuringProgram,
        Recorder,
        Typed,
        convenient_steps,
        read_bounds,
        recorded,
    )

    ends, steps = read_bounds(asked.bounds)
    if asked.target in ends:
        raise InputError(
            subject="The target",
            expected="not be a column of --bounds",
            got=f"{short(asked.target)} for both",
        )
    program = None if asked.command is None else MeasuringProgram.read(asked.command, tuple(ends))
    known = recorded(asked.out, tuple(ends), asked.target) if asked.resume and asked.out.exists() else ()
    typed = Typed(asked.target, asked.most)
    recorder = Recorder(typed if program is None else program, tuple(ends), asked.target, asked.out, known)
    if program is None:
        steps = {**convenient_steps(ends), **steps}
    from edgewise.symbolic import ask as ask_for
    from edgewise.symbolic.results.search_result import renumbered

    try:
        found = ask_for(
            recorder.measure,
            ends,
            most=asked.most,
            sigma=asked.sigma,
            steps=steps or None,
            loss=asked.loss.value,
            work=asked.work,
            seconds=asked.seconds,
            seed=asked.seed,
            X=[row[:-1] for row in known] if known else None,
            y=[row[-1] for row in known] if known else None,
            callbacks=partial(
                _so_far, target=asked.target, recorder=recorder, loss=asked.loss, quiet=asked.quiet
            ),
        )
    except KeyboardInterrupt:
        say(
            f"\nEnded before there were measurements enough for a formula. {_kept(recorder, ended=True)}",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    tell([_kept(recorder, ended=not found.stop_reason.repeatable)], quiet=asked.quiet)
    result = renumbered(found.result, recorder.number, data_rows)
    _show(replace(found, result=result), asked.target, verbose=asked.verbose, json=asked.json)
    if not found.stop_reason.repeatable:
        raise typer.Exit(INTERRUPTED)


def _so_far(
    result: FormulaResult, count: int, *, target: str, recorder: Recorder, loss: LossName, quiet: bool
) -> None:
    notes = [f"After {count} measurements: {target} = {result.recommended.text}"]
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
    from edgewise.cli.answer import to_json
    from edgewise.cli.summary import results_console, show_front, show_messages

    if json:
        print_json(to_json(found.to_dict()))
        return
    console = results_console()
    show_front(console, found.result, target, verbose=verbose)
    show_messages(console, (found.message,))
