"""Places go out, measurements come in, and what is found after each is told."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from itertools import chain

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise._core.rows import data_rows
from edgewise.cli.answer import Answer
from edgewise.cli.commands.ask import AskRequest
from edgewise.cli.commands.ask.measure import (
    MeasuringProgram,
    Recorder,
    Typed,
    convenient_steps,
    read_bounds,
    recorded,
)
from edgewise.cli.outcome import DONE, INTERRUPTED
from edgewise.cli.summary import dim, front_lines
from edgewise.cli.terminal import tell
from edgewise.symbolic import FormulaResult, ask
from edgewise.symbolic.results.search_result import renumbered


def run(asked: AskRequest) -> Answer:
    """Measure until the law is known, nothing is left to measure, or it is ended."""
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
    so_far = partial(_so_far, target=asked.target, recorder=recorder, loss=asked.loss, quiet=asked.quiet)
    try:
        found = asked.call(
            ask,
            recorder.measure,
            ends,
            steps=steps or None,
            X=[row[:-1] for row in known] if known else None,
            y=[row[-1] for row in known] if known else None,
            callbacks=so_far,
        )
    except KeyboardInterrupt:
        few = "\nEnded before there were measurements enough for a formula."
        return Answer(warnings=[f"{few} {_kept(recorder, ended=True)}"], code=INTERRUPTED)
    ended = not found.stop_reason.repeatable
    tell([_kept(recorder, ended=ended)], quiet=asked.quiet)
    result = renumbered(found.result, recorder.number, data_rows)
    return Answer(
        replace(found, result=result).to_dict,
        chain(front_lines(result, asked.target, verbose=asked.verbose), dim((found.message,))),
        code=INTERRUPTED if ended else DONE,
    )


def _so_far(
    result: FormulaResult, count: int, *, target: str, recorder: Recorder, loss: str, quiet: bool
) -> None:
    notes = [f"After {count} measurements: {target} = {result.recommended.text}"]
    if result.gross_errors:
        rows = data_rows([recorder.number(row) for row in result.gross_errors])
        place = f"What was measured in {rows} of {recorder.path}"
        notes.append(
            f"{place} is set aside as a slip."
            if loss == "robust"
            else f"{place} lies far from the rest, as slips do. End, correct it in the file, and --resume goes on."
        )
    tell(notes, quiet=quiet)
    sys.stderr.flush()


def _kept(recorder: Recorder, *, ended: bool) -> str:
    if not recorder.made:
        return "Nothing was measured."
    kept = f"{plural(recorder.made, 'measurement')} in {recorder.path}"
    return f"{kept}; --resume goes on from there." if ended else f"{kept}."
