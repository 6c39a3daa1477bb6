"""What `edgewise formula` shows and writes: the front as a table or JSON, one formula as code, a folder of files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.files import write_file
from edgewise._core.rows import data_rows
from edgewise.cli.formula_next import told
from edgewise.cli.front import place_of_best, show_front
from edgewise.cli.summary import results_console, show_messages, to_json
from edgewise.cli.terminal import print_json, say, tell_files
from edgewise.exporting.sympy_source import to_sympy_source
from edgewise.symbolic import Formula, FormulaResult, Measurement
from edgewise.symbolic.results.formula import latex_name
from edgewise.symbolic.results.search_result import renumbered
from edgewise.verifying.results.verdicts import ProofResult


@dataclass(frozen=True)
class Wanted:
    """What is to be shown and written.

    Attributes
    ----------
    export : "python", "c", "latex", "json" or "sympy", to write one formula and nothing else
    pick : the number of the formula in the table; by default the recommended one
    out : a folder for files
    plot : a picture of the front
    """

    export: str | None
    pick: int | None
    out: Path | None
    plot: Path | None
    quiet: bool = False
    verbose: bool = False
    json: bool = False


@dataclass(frozen=True, eq=False)
class FinishedSearch:
    """A finished search beside the rows it looked at.

    Attributes
    ----------
    result : what the search returned
    target : the column that the formulas give
    names : the columns it looked at
    X, y : the rows, (n, d) and (n,)
    source, fingerprint : the file's name and hash
    seed : of the search
    units : the unit of each column that has one
    notes : what was decided in reading the table
    proofs : of each constraint, whether the recommended formula satisfies it in the box of the rows
    places : where to measure next, the most informative place first
    """

    result: FormulaResult
    target: str
    names: tuple[str, ...]
    X: Floats
    y: Floats
    source: str
    fingerprint: str
    seed: int
    units: Mapping[str, str]
    notes: tuple[str, ...] = ()
    proofs: tuple[ProofResult, ...] = ()
    places: tuple[Measurement, ...] = ()

    @property
    def told(self) -> FormulaResult:
        """The result with its rows counted as those of the file."""
        return renumbered(self.result, lambda row: row + 1, data_rows)

    @property
    def best(self) -> int:
        """The place of the recommended formula, from 1."""
        return place_of_best(self.result)


def deliver(found: FinishedSearch, wanted: Wanted) -> None:
    """Write the files, then show the front, or one formula as code.

    A --pick beyond the table ends in a sentence, but last: the search has found what it has found.
    """
    count = len(found.result.front)
    number = wanted.pick if wanted.pick is not None and wanted.pick <= count else found.best
    data = to_json(as_data(found, number))
    written = [] if wanted.out is None else write_files(found, number, wanted.out, data)
    if wanted.plot is not None:
        written.append(drawn(found, wanted.plot))
    tell_files(written, quiet=wanted.quiet)
    beyond, ended = wanted.pick is not None and wanted.pick > count, found.result.stop_reason
    if wanted.export is not None and not beyond:
        text = text_of(found.result.front[number - 1], found.target, wanted.export)
        if wanted.json and wanted.export != "json":
            text = to_json({"format": wanted.export, "text": text}) + "\n"
        sys.stdout.write(text)
        if not ended.repeatable and not wanted.quiet:
            say(f"Note: {ended.advice}", err=True)
    elif wanted.json:
        print_json(data)
    else:
        console = results_console()
        show_front(console, found.told, found.target, number, verbose=wanted.verbose)
        show_messages(console, (ended.advice, *map(_said, found.proofs)))
        for line in told(found.places, found.target, found.result.noise):
            console.print(Text(line), soft_wrap=True)
    if beyond:
        raise InputError(
            subject="The option --pick",
            expected=f"be a number of the table, from 1 to {count}",
            got=wanted.pick,
        )


def as_data(found: FinishedSearch, number: int) -> dict[str, Any]:
    """The whole search as plain data."""
    front = [
        {"number": place, "recommended": place == found.best, **formula.to_dict()}
        for place, formula in enumerate(found.result.front, start=1)
    ]
    return {
        "target": found.target,
        "columns": list(found.names),
        "rows": len(found.y),
        "seconds": round(found.result.seconds, 3),
        "stop_reason": found.result.stop_reason.value,
        "message": found.told.message,
        "gross_errors": list(found.told.gross_errors),
        "reduced_chi_square": found.result.reduced_chi_square,
        "probability": found.result.probability,
        "constraints": [each.to_dict() for each in found.proofs],
        "broken": list(found.result.broken),
        "contradicted": list(found.result.contradicted),
        "next": [each.to_dict() for each in found.places],
        "recommended": found.best,
        "formula": front[number - 1],
        "front": front,
    }


def _said(proof: ProofResult) -> str:
    """One line about a constraint."""
    why = "." if proof.proved else f": {proof.message}"
    return f"{proof.status.capitalize()}: {proof.property}, for {proof.domain}{why}"


def text_of(formula: Formula, target: str, form: str) -> str:
    """A formula as Python, C, LaTeX, JSON or sympy."""
    return _WRITERS[form](formula, target)


_WRITERS: Mapping[str, Callable[[Formula, str], str]] = {
    "python": lambda formula, target: formula.python(),
    "c": lambda formula, target: formula.c(),
    "latex": lambda formula, target: f"{latex_name(target)} = {formula.latex}\n",
    "json": lambda formula, target: json.dumps(formula.to_dict(), indent=2, ensure_ascii=False) + "\n",
    "sympy": lambda formula, target: to_sympy_source(formula),
}


def write_files(found: FinishedSearch, number: int, folder: Path, data: str) -> list[Path]:
    """The front, one formula in every language and the page, into a folder that exists; the files written."""
    from edgewise.estimators import FormulaRegressor, save
    from edgewise.report import render_report

    formula = found.result.front[number - 1]
    texts = {
        "formulas.json": data + "\n",
        "formula.py": text_of(formula, found.target, "python"),
        "formula.c": text_of(formula, found.target, "c"),
        "formula.tex": text_of(formula, found.target, "latex"),
        "formula_sympy.py": text_of(formula, found.target, "sympy"),
        "report.html": render_report(_page(found, formula)),
    }
    for name, text in texts.items():
        write_file(folder / name, text.encode("utf-8", errors="replace"), overwrite=True)
    # The formula that was asked for is the one to predict with.
    likely = found.result.probability if number == found.best else None
    chosen = replace(found.result, best=formula, probability=likely)
    save(FormulaRegressor.from_result(chosen, found.X, target=found.target), folder / "formula.kan")
    return [folder / name for name in ("formula.kan", *texts)]


def _page(found: FinishedSearch, formula: Formula) -> Any:
    from edgewise.cli.page import origin
    from edgewise.report import ReportContent

    return ReportContent(
        title=f"{found.target} from {found.source}",
        source=found.source,
        names=found.names,
        target=found.target,
        X=found.X,
        y=found.y,
        X_test=found.X[:0],
        y_test=found.y[:0],
        formula=formula,
        front=tuple(found.result.front),
        alternatives=found.result.alternatives() if formula is found.result.front[found.best - 1] else (),
        notes=(*found.notes, found.told.message),
        stop_reason=found.result.stop_reason,
        advice=found.result.stop_reason.advice,
        proofs=found.proofs if formula is found.result.front[found.best - 1] else (),
        units=dict(found.units),
        origin=origin(found.fingerprint, found.seed),
    )


def drawn(found: FinishedSearch, path: Path) -> Path:
    """The front as a picture."""
    from edgewise.plots import plot_front, save_figure

    return save_figure(plot_front(found.result.front), path)
