"""The search of a formula, what is shown of it and written."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.files import write_file
from edgewise._core.rooms import is_there, room
from edgewise._core.rows import data_rows
from edgewise.cli.answer import Answer, code_of, to_json
from edgewise.cli.commands.formula import FormulaRequest
from edgewise.cli.commands.formula.limits import (
    FormulaColumns,
    columns_of,
    ends_of,
    errors_of,
    limits_of,
    notes_of,
)
from edgewise.cli.inputs import as_names, called, find, words_of
from edgewise.cli.outcome import DONE, REFUTED, Interrupts, make_folder, refuse_short
from edgewise.cli.progress import ShownProgress, at_work
from edgewise.cli.summary import dim, front_lines, place_of_best
from edgewise.cli.terminal import tell
from edgewise.data import Provenance, provenance, read_frame, to_table
from edgewise.data.arrow import Frame
from edgewise.data.encoding_raw import raw_table
from edgewise.data.frames import sigma_of
from edgewise.symbolic import (
    ConstraintWarning,
    Formula,
    FormulaResult,
    GroupedResult,
    Measurement,
    find_formula,
    next_measurement,
)
from edgewise.symbolic.results.formula import latex_name
from edgewise.symbolic.results.row_noise import known_noise
from edgewise.symbolic.results.search_result import renumbered

if TYPE_CHECKING:
    from edgewise.training import Record
    from edgewise.verifying.results.verdicts import ProofResult

# Where it is installed, formulas are also written for sympy.
_SYMPY = "edgewise.exporting.sympy_source"
# Each row is judged by a fit to the others.
FEWEST_ROWS = 5
# Places to measure at that are told; each is apart from those before it. Rows that are told as missed most.
_PLACES, _MOST_MISSED = 3, 3


def run(asked: FormulaRequest) -> Answer:
    """Search one law, or one over groups."""
    frame = read_frame(asked.data)
    group = None if asked.groups is None else _column_of_groups(frame, asked)
    columns = columns_of(frame if group is None else frame.drop_columns([group]), asked)
    worded = words_of(frame, columns.chosen) if group is None else []
    if worded and (barred := asked.barred("groups")):
        raise InputError(
            f"Columns of words cannot be combined with {barred[0]}. Leave it out, or these columns with "
            "--drop."
        )
    if group is not None or worded:
        return _one_law_over_groups(asked, frame, columns, group, worded)
    return _one_law(asked, frame, columns)


def _column_of_groups(frame: Frame, asked: FormulaRequest) -> str:
    assert asked.groups is not None
    group = find(frame, asked.groups)
    if group in (target := find(frame, asked.target), *(as_names(asked.columns, frame.column_names) or ())):
        which = "the target" if group == target else "among --columns"
        raise InputError(
            subject="The column of --groups", expected=f"not be {which}", got=f"{called(group)} for both"
        )
    return group


class BestSoFar:
    """A callback for `find_formula` that passes its records to the display with the best formula as their note."""

    def __init__(self, progress: ShownProgress, target: str) -> None:
        self._progress = progress
        self._target = target
        self._error = math.inf
        self._text = ""

    def __call__(self, record: Record) -> bool:
        """Take note of one step; never asks to stop."""
        error = record.validation
        if record.phase == "formula":
            # The record that lowers the error is that of the formula which did.
            if error is not None and error < self._error:
                self._error, self._text = error, record.note
            record = replace(record, phase="formulas tried:", loss=math.nan)
        note = f"best so far: {self._target} = {self._text}" if self._text else record.note
        return self._progress(replace(record, note=note))


@contextmanager
def _searching(
    title: str, asked: FormulaRequest, target: str
) -> Generator[tuple[Interrupts, tuple[Callable[[Record], Any], ...]]]:
    """The search with its progress shown, and what it is to call back."""
    if asked.out is not None:
        make_folder(asked.out)  # before the search, which would be lost
    progress = ShownProgress(asked.quiet)
    with at_work(progress, title) as interrupts, warnings.catch_warnings():
        # What it says is a part of the result's own message.
        warnings.simplefilter("ignore", ConstraintWarning)
        yield interrupts, (BestSoFar(progress, target), interrupts)


def _one_law(asked: FormulaRequest, frame: Frame, columns: FormulaColumns) -> Answer:
    known, limits = provenance(frame), limits_of(columns, asked)
    apart = () if columns.apart is None else (columns.apart,)
    table = to_table(frame.select(dict.fromkeys([*columns.chosen, columns.target, *apart])), known.source)
    X, y, names = table.features(columns.target, columns.chosen, missing=True)
    counts = None if not apart else table.features(apart[0], columns.chosen, missing=True)[1]
    complete = ~(np.isnan(X).any(axis=1) | np.isnan(y))
    sigma = counts if asked.sigma else None if apart else sigma_of(frame, columns.target)
    stated = {} if asked.weight else _stated(frame, columns.chosen)
    x_sigma = {**stated, **(errors_of(frame, asked.x_sigma, columns.chosen) or {})}
    notes = notes_of(columns, known, X[complete])
    notes += (
        _unused(frame, (*columns.chosen, columns.target), "a search with --weight does")
        if asked.weight
        else ()
    )
    tell(notes, quiet=asked.quiet)
    refuse_short(table.source, table.n_rows, FEWEST_ROWS)
    # Without whole rows the search has its own sentence.
    ends = ends_of(frame, asked.bounds, names, X[complete]) if asked.next_places and complete.any() else None
    with _searching("find the formula", asked, columns.target) as (interrupts, callbacks):
        result = asked.call(
            find_formula,
            X,
            nw.new_series(columns.target, y, backend="pyarrow"),
            names=names,
            sample_weight=None if asked.weight is None else counts,
            sigma=sigma,
            x_sigma=x_sigma or None,
            callbacks=callbacks,
            **limits,
        )
    assert isinstance(result, FormulaResult)
    found = FinishedSearch(
        result,
        columns.target,
        tuple(names),
        X[complete],
        y[complete],
        Errors.of(complete, sigma, x_sigma),
        known,
        asked,
        {**known.units, **dict(columns.units)},
        notes,
        _proofs(result.recommended, asked.constraint, X[complete], columns.target),
        () if ends is None else next_measurement(result, ends, count=_PLACES, seed=asked.seed),
    )
    refuted = bool(result.broken) or any(proof.status == "refuted" for proof in found.proofs)
    return _answer(found, code_of(interrupts, REFUTED if refuted else DONE))


def _proofs(
    formula: Formula, constraints: Sequence[str] | None, X: Floats, target: str
) -> tuple[ProofResult, ...]:
    """Whether the recommended formula satisfies the constraints in the box of the rows."""
    if not constraints:
        return ()
    from edgewise.verifying import prove_constraints

    ends = zip(formula.names, X.min(axis=0).tolist(), X.max(axis=0).tolist(), strict=True)
    bounds = {name: (low, high) for name, low, high in ends}
    return prove_constraints(formula, constraints, bounds, target=target, work="quick")


def _one_law_over_groups(
    asked: FormulaRequest, frame: Frame, columns: FormulaColumns, group: str | None, worded: Sequence[str]
) -> Answer:
    """One law and the constants of each group: of a column, or of the words of some."""
    from edgewise.estimators.formula_rows import labels_of

    limits, known = limits_of(columns, asked), provenance(frame)
    table = to_table(frame.select(dict.fromkeys([*columns.chosen, columns.target])), known.source)
    counted = [name for name in columns.chosen if name not in worded]
    X, y, names = table.features(columns.target, counted, missing=True)
    apart = [] if group is None else [group]
    unused = _unused(frame, (*columns.chosen, columns.target), "one law over groups does")
    tell(
        (*known.notes([*columns.chosen, columns.target, *apart]), *columns.notes, *unused), quiet=asked.quiet
    )
    rows: Any = raw_table(frame.select(columns.chosen)) if worded else X
    labels = None if group is None else labels_of(raw_table(frame.select([group])).columns[0])
    with _searching("find one law for all groups", asked, columns.target) as (interrupts, callbacks):
        found = asked.call(
            find_formula,
            rows,
            nw.new_series(columns.target, y, backend="pyarrow"),
            callbacks=callbacks,
            **({} if worded else {"groups": labels, "names": names}),
            **limits,
        )
    assert isinstance(found, GroupedResult)
    places = asked.places[:2]
    if places:
        from edgewise.estimators import FormulaRegressor, save

        model, document = places
        save(FormulaRegressor.from_result(found, rows, groups=group, target=columns.target), model)
        write_file(document, (to_json(found.to_dict()) + "\n").encode(), overwrite=True)

    law: Any = found.best

    def figure() -> Any:
        from edgewise.plots import plot_groups

        groups = labels if law.words is None else law.words.read(rows, names)[1]
        assert groups is not None
        missing = np.array([label is None for label in groups], dtype=bool)
        complete = ~(np.isnan(X).any(axis=1) | np.isnan(y) | missing)
        kept = [label for label, whole in zip(groups, complete, strict=True) if whole]
        measured = nw.new_series(columns.target, y[complete], backend="pyarrow")
        return plot_groups(law, X[complete], measured, kept)

    return Answer(
        found.to_dict,
        str(found),
        files=places,
        figure=figure,
        code=code_of(interrupts, REFUTED if found.broken else DONE),
    )


def _stated(frame: Frame, columns: Sequence[str]) -> dict[str, Floats]:
    """The standard deviations that the file states behind the numbers of columns; rows without are left out anyway."""
    stated = {name: sigma_of(frame, name) for name in columns}
    return {name: np.nan_to_num(item) for name, item in stated.items() if item is not None}


def _unused(frame: Frame, columns: Sequence[str], why: str) -> tuple[str, ...]:
    names = _stated(frame, columns)
    return tuple(
        f"Column {called(name)} states errors of its numbers, which {why} not use." for name in names
    )


@dataclass(frozen=True, eq=False)
class Errors:
    """What is known of the errors of the rows that a search looked at.

    Attributes
    ----------
    numbers : the numbers of these rows in the file, from 1, (n,)
    sigma : the standard deviation of the target, (n,); None where it is not known
    x_sigma : those of columns that have some, each (n,)
    """

    numbers: NDArray[np.int64]
    sigma: Floats | None
    x_sigma: Mapping[str, Floats]

    @classmethod
    def of(cls, complete: NDArray[np.bool_], sigma: Floats | None, x_sigma: Mapping[str, Any]) -> Errors:
        """Of the complete rows of a file."""
        spread = {name: np.broadcast_to(item, complete.shape)[complete] for name, item in x_sigma.items()}
        return cls(np.flatnonzero(complete) + 1, None if sigma is None else sigma[complete], spread)


@dataclass(frozen=True, eq=False)
class FinishedSearch:
    """A finished search beside the rows it looked at.

    Attributes
    ----------
    result : what the search returned
    target : the column that the formulas give
    names : the columns it looked at
    X, y : the rows, (n, d) and (n,)
    errors : what is known of their errors
    known : of the table
    asked : the question
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
    errors: Errors
    known: Provenance
    asked: FormulaRequest
    units: Mapping[str, str]
    notes: tuple[str, ...] = ()
    proofs: tuple[ProofResult, ...] = ()
    places: tuple[Measurement, ...] = ()

    @property
    def told(self) -> FormulaResult:
        """The result with its rows counted as those of the file."""
        return renumbered(self.result, lambda row: row + 1, data_rows)

    def missed(self, number: int) -> list[dict[str, float]]:
        """The rows that a formula misses most, by how many standard deviations; none where these are not known."""
        formula = self.result.front[number - 1]
        noise = known_noise(formula, self.X, self.errors.sigma, self.errors.x_sigma)
        if noise is None:
            return []
        with np.errstate(all="ignore"):
            sigmas = np.nan_to_num((formula.predict(self.X) - self.y) / noise)
        return [
            {"row": int(self.errors.numbers[k]), "sigmas": float(sigmas[k])}
            for k in np.argsort(-np.abs(sigmas), kind="stable")[:_MOST_MISSED]
        ]

    def drawn(self) -> Any:
        """The figure of the front."""
        from edgewise.plots import plot_front

        return plot_front(self.result.front)

    @property
    def best(self) -> int:
        """The place of the recommended formula, from 1."""
        return place_of_best(self.result)


def _answer(found: FinishedSearch, code: int) -> Answer:
    """The files and the front, or one formula as code.

    A --pick beyond the table ends in a sentence, but last: the search has found what it has found.
    """
    asked, count, ended = found.asked, len(found.result.front), found.result.stop_reason
    beyond = asked.pick is not None and asked.pick > count
    number = found.best if asked.pick is None or beyond else asked.pick
    data = to_json(as_data(found, number))
    if asked.out is not None:
        write_files(found, number, asked.out, data)
    content, remark = None, ""
    if asked.export is not None and not beyond:
        text = text_of(found.result.front[number - 1], found.target, asked.export)
        if not asked.json:
            content = text.encode()
        elif asked.export != "json":
            text = to_json({"format": asked.export, "text": text})
        data, remark = text, "" if ended.repeatable else f"Note: {ended.advice}"
    refusal = InputError(
        subject="The option --pick", expected=f"be a number of the table, from 1 to {count}", got=asked.pick
    )
    return Answer(
        data,
        () if content is not None else _told(found, number),
        content=content,
        files=asked.places,
        figure=found.drawn,
        remark=remark,
        code=code,
        refusal=refusal if beyond else None,
    )


def _told(found: FinishedSearch, number: int) -> Iterator[RenderableType]:
    yield from front_lines(found.told, found.target, number, verbose=found.asked.verbose)
    told = (_missed_told(found.missed(number)), found.result.stop_reason.advice, *map(_said, found.proofs))
    yield from dim(filter(None, told))
    yield from places_told(found.places, found.target, found.result.noise)


def as_data(found: FinishedSearch, number: int) -> dict[str, Any]:
    """The whole search as plain data."""
    result = found.told
    front = [
        {"number": place, "recommended": place == found.best, **formula.to_dict()}
        for place, formula in enumerate(result.front, start=1)
    ]
    return {
        "target": found.target,
        "columns": list(found.names),
        "rows": len(found.y),
        "seconds": round(result.seconds, 3),
        "stop_reason": result.stop_reason.value,
        "message": result.message,
        "failures": list(map(str, result.failures)),
        "gross_errors": list(result.gross_errors),
        "reduced_chi_square": result.reduced_chi_square,
        "missed": found.missed(number),
        "probability": result.probability,
        "constraints": [proof.to_dict() for proof in found.proofs],
        "broken": list(result.broken),
        "contradicted": list(result.contradicted),
        "next": [place.to_dict() for place in found.places],
        "recommended": found.best,
        "best": result.best.text,
        "formula": front[number - 1],
        "front": front,
    }


def _missed_told(missed: Sequence[Mapping[str, float]]) -> str:
    rows = ", ".join(f"{entry['row']} (by {entry['sigmas']:+.1f} sigma)" for entry in missed)
    return f"Rows missed most, predicted less measured: {rows}." if rows else ""


def places_told(places: Sequence[Measurement], target: str, noise: float | None) -> tuple[str, ...]:
    """Where to measure next, in lines."""
    if not places:
        return ()
    lines = [f"Where to measure {target} next, the most informative place first:"]
    lines += [f"  {number}. {place}" for number, place in enumerate(places, start=1)]
    if places[0].spread <= (noise or 0.0):
        lines.append(
            "  Even there the formulas that are possible differ by no more than the noise; wider --bounds may tell more."
        )
    return tuple(lines)


def _said(proof: ProofResult) -> str:
    """One line about a constraint."""
    why = "." if proof.proved else f": {proof.message}"
    return f"{proof.status.capitalize()}: {proof.property}, for {proof.domain}{why}"


def text_of(formula: Formula, target: str, form: str) -> str:
    """A formula as Python, C, LaTeX, JSON or sympy."""
    writers: dict[str, Callable[[], str]] = {
        "python": formula.python,
        "c": formula.c,
        "latex": lambda: f"{latex_name(target)} = {formula.latex}\n",
        "json": lambda: json.dumps(formula.to_dict(), indent=2, ensure_ascii=False) + "\n",
        "sympy": lambda: room(_SYMPY).to_sympy_source(formula),
    }
    return writers[form]()


def write_files(found: FinishedSearch, number: int, folder: Path, data: str) -> None:
    """The front, one formula in every language and the page, into a folder that exists."""
    from edgewise.estimators import FormulaRegressor, save
    from edgewise.report import render_report

    formula = found.result.front[number - 1]
    texts = {
        "formulas.json": data + "\n",
        "formula.py": text_of(formula, found.target, "python"),
        "formula.c": text_of(formula, found.target, "c"),
        "formula.tex": text_of(formula, found.target, "latex"),
        **({"formula_sympy.py": text_of(formula, found.target, "sympy")} if is_there(_SYMPY) else {}),
        "report.html": render_report(_page(found, formula)),
    }
    for name, text in texts.items():
        write_file(folder / name, text.encode("utf-8", errors="replace"), overwrite=True)
    # The formula that was asked for is the one to predict with.
    likely = found.result.probability if number == found.best else None
    chosen = replace(found.result, best=formula, further=None, probability=likely)
    save(FormulaRegressor.from_result(chosen, found.X, target=found.target), folder / "formula.kan")


def _page(found: FinishedSearch, formula: Formula) -> Any:
    from edgewise.cli.page import origin
    from edgewise.report import ReportContent
    from edgewise.report.content.content import told_on_page

    result, source = found.told, found.known.source
    recommended = formula is found.result.front[found.best - 1]
    return ReportContent(
        title=f"{found.target} from {source}",
        source=source,
        names=found.names,
        target=found.target,
        X=found.X,
        y=found.y,
        X_test=found.X[:0],
        y_test=found.y[:0],
        formula=formula,
        accurate=result.best if recommended else None,
        recommendation=told_on_page(result) if recommended else "",
        front=tuple(result.front),
        alternatives=result.alternatives() if formula is result.best else (),
        notes=(*found.notes, result.message),
        stop_reason=result.stop_reason,
        advice=result.stop_reason.advice,
        proofs=found.proofs if recommended else (),
        units=dict(found.units),
        sigma=found.errors.sigma,
        x_sigma=found.errors.x_sigma,
        origin=origin(found.known.fingerprint, found.asked.seed),
    )
