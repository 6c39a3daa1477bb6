"""What is shown of results: the accuracy table, the front of formulas, messages; or all of it as data."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table as Grid
from rich.text import Text

if TYPE_CHECKING:
    from edgewise.cli.job import TaskOutcome
    from edgewise.report import AccuracyRow
    from edgewise.symbolic import Formula, FormulaResult


_HEADINGS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "auc": "AUC",
    "log_loss": "log loss",
    "brier": "Brier",
    "accuracy": "accuracy",
    "explained_deviance": "D2",
    "deviance": "deviance",
    "gini_index": "Gini",
}
_MORE_IS_BETTER = ("r2", "auc", "accuracy", "explained_deviance", "gini_index")
# Formulas named beside the one that is recommended.
MOST_RIVALS = 3


def dim(messages: Iterable[str]) -> Iterator[Text]:
    """The messages of the stages, a line each."""
    return (Text(message, style="dim") for message in messages)


def accuracy_table(
    accuracy: tuple[AccuracyRow, ...], scores: tuple[dict[str, float], ...], rows: int
) -> Iterator[Grid]:
    """One line a model, the best by the first measure in bold; nothing where nothing was measured."""
    if not scores:
        return
    grid = Grid(
        box=SIMPLE_HEAD, title=f"Errors on {rows:,} held-out rows", title_justify="left", title_style="bold"
    )
    grid.add_column("model", no_wrap=True)
    keys = list(scores[0])
    for key in keys:
        grid.add_column(_HEADINGS[key], justify="right")
    grid.add_column("time", justify="right")
    grid.add_column("to read", no_wrap=True)
    lead = keys[0]
    values = [score[lead] for score in scores if not math.isnan(score[lead])]
    best = (max if lead in _MORE_IS_BETTER else min)(values, default=math.nan)
    for entry, score in zip(accuracy, scores, strict=True):
        cells = [_measure(key, score[key]) for key in keys]
        style = "bold" if score[lead] == best else ""
        grid.add_row(Text(entry.model), *cells, _time(entry.seconds), entry.size, style=style)
    yield grid


def _measure(key: str, value: float) -> str:
    """Shares to a fixed number of places, errors to four digits."""
    if key in _MORE_IS_BETTER and not math.isnan(value) and abs(value) < 10:
        return f"{value:.6f}" if key == "r2" else f"{value:.4f}"
    return _number(value)


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.4g}"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s" if seconds >= 0.05 else "< 0.1 s"


def place_of_best(found: FormulaResult) -> int:
    """The place of the recommended formula on the front, from 1."""
    return _place(found, found.recommended)


def _place(found: FormulaResult, formula: Formula) -> int:
    texts = [item.exact_text for item in found.front]
    return texts.index(formula.exact_text) + 1 if formula.exact_text in texts else 1


def front_lines(
    found: FormulaResult, target: str, number: int | None = None, *, verbose: bool = False
) -> Iterator[Grid | Text]:
    """The front from the simplest to the most accurate, and one formula, by default the recommended one."""
    best = place_of_best(found)
    number = best if number is None else number
    grid = Grid(box=SIMPLE_HEAD, title="Formulas, simplest first", title_justify="left", title_style="bold")
    grid.add_column("", no_wrap=True)
    beyond = any(formula.outside is not None for formula in found.front)
    outside = ("outside",) if beyond else ()
    for heading in ("complexity", f"{found.front[0].judged} RMSE", *outside, "R2"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("formula", overflow="fold")
    for place, formula in enumerate(found.front, start=1):
        there = formula.outside
        grid.add_row(
            f"{found.mark(formula)} {place}",
            str(formula.complexity),
            "-" if math.isnan(formula.error) else f"{formula.error:.4g}",
            *([_number(None if there is None else there.error)] if beyond else []),
            "-" if math.isnan(formula.r2) else f"{formula.r2:.6f}",
            Text(formula.text),  # not markup: a formula may hold square brackets
            style="bold" if place == best else "",
        )
    yield grid
    yield Text(f"{target} = {found.front[number - 1].text}", style="bold")
    yield from dim(_remarks(found, number, best, verbose))


def _remarks(found: FormulaResult, number: int, best: int, verbose: bool) -> Iterator[str]:
    """What to know of the formula shown: what rivals it, where it has no value; with `verbose` all that is known."""
    if found.front[number - 1].constants_told:
        yield found.front[number - 1].constants_told
    said = found.recommendation(lambda formula: f"{found.mark(formula)} {_place(found, formula)}")
    yield said if number == best else f"This is formula {number}. {said}"
    for other in (
        found.alternatives()[:MOST_RIVALS] if found.recommended is found.best and number == best else ()
    ):
        yield f"The data cannot distinguish it from {other}."
    trust = found.front[number - 1].trust
    if verbose:
        from edgewise.symbolic.provenance import in_words

        yield from ("" if trust is None else str(trust)).splitlines()
        yield found.message
        yield from filter(None, [in_words(found.front[number - 1].origin)])
        yield from (f"A part of the search failed on these rows: {failure}." for failure in found.failures)
        return
    if trust is not None:
        yield from map(str, trust.leaves_domain)
    if number != best and found.front[number - 1].units_told:
        yield found.front[number - 1].units_told
    yield from (
        remark for remark in found.remarks if number == best or remark != found.recommended.units_told
    )


def front_as_data(found: FormulaResult | None) -> list[dict[str, Any]]:
    """The Pareto front as plain data."""
    return [] if found is None else [json.loads(formula.json()) for formula in found.front]


def job_as_data(job: TaskOutcome, files: dict[str, Path]) -> dict[str, Any]:
    """A job as plain data."""
    inputs = job.task.inputs
    found = None if job.reading is None else job.reading.found
    return {
        "target": inputs.target,
        "task": inputs.task,
        "columns": list(inputs.names),
        "rows": {"fitted": len(job.train), "held_out": len(job.test)},
        "classes": list(job.model.labels),
        "accuracy": accuracy_as_data(job.accuracy, job.scores),
        "formula": None if found is None else json.loads(found.recommended.json()),
        "front": front_as_data(found),
        "files": {name: str(path) for name, path in files.items()},
        "notes": [*inputs.notes, *job.remarks, *job.messages],
        "seed": job.task.seed,
        "seconds": round(job.seconds, 3),
        "stop_reason": job.stop_reason.value,
        "stopped": {stage: reason.value for stage, reason in job.stopped.items()},
        "message": job.stop_reason.advice,
    }


def accuracy_as_data(
    accuracy: tuple[AccuracyRow, ...], scores: tuple[dict[str, float], ...]
) -> list[dict[str, Any]]:
    """The accuracy table as plain data."""
    return [
        {"model": row.model, **score, "size": row.size, "seconds": row.seconds, "ours": row.ours}
        for row, score in zip(accuracy, scores, strict=True)
    ]
