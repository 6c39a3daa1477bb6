"""`edgewise formula`: reads a table and what limits the search, searches, shows and writes what was found."""

from __future__ import annotations

import json
import math
import shlex
import sys
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import typer
from numpy.typing import NDArray
from rich.text import Text

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.files import write_file
from edgewise._core.rows import data_rows
from edgewise.cli.answer import to_json
from edgewise.cli.inputs import as_names, called, find, numbers, useless_columns
from edgewise.cli.outcome import (
    INTERRUPTED,
    REFUTED,
    Interrupts,
    make_folder,
    refuse_short,
)
from edgewise.cli.progress import ShownProgress
from edgewise.cli.requests import FORMULA_FILES, FormulaRequest
from edgewise.cli.summary import place_of_best, results_console, show_front, show_messages
from edgewise.cli.terminal import print_json, say, tell, tell_files
from edgewise.data import Provenance, provenance, read_frame, to_table
from edgewise.data.arrow import Frame
from edgewise.data.encoding_raw import raw_table
from edgewise.data.frames import sigma_of

if TYPE_CHECKING:
    from edgewise.symbolic import Formula, FormulaResult, GroupedResult, Measurement
    from edgewise.training import Record
    from edgewise.verifying.results.verdicts import ProofResult

# Each row is judged by a fit to the others.
FEWEST_ROWS = 5
# Places to measure at that are told; each is apart from those before it. Rows that are told as missed most.
_PLACES, _MOST_MISSED = 3, 3
Ends = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class FormulaColumns:
    """Which columns a formula may use.

    Attributes
    ----------
    target : the column it gives
    chosen : the columns it may hold, in order
    require_columns : those among them that it must hold
    units : the unit of each of these that has one, by name
    apart : the column of the rows' weights
    notes : which columns are left out unasked, and why
    """

    target: str
    chosen: tuple[str, ...]
    require_columns: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    apart: str | None = None
    notes: tuple[str, ...] = ()


def run(asked: FormulaRequest) -> None:
    """Search one law, or one over groups, and deliver what was found."""
    frame = read_frame(asked.data)
    group = None if asked.groups is None else _column_of_groups(frame, asked)
    columns = columns_of(frame if group is None else frame.drop_columns([group]), asked)
    worded = words_of(frame, columns.chosen) if group is None else []
    if worded and asked.not_of_groups:
        raise InputError(
            f"Columns of words cannot be combined with {asked.not_of_groups[0]}. Leave it out, or these columns with "
            "--drop."
        )
    if group is not None or worded:
        _one_law_over_groups(asked, frame, columns, group, worded)
    else:
        _one_law(asked, frame, columns)


# ---- what limits the search


def columns_of(frame: Frame, asked: FormulaRequest) -> FormulaColumns:
    """The columns asked for, or one sentence about the one that is not there."""
    target, known = find(frame, asked.target), frame.column_names
    if asked.weight is not None and asked.sigma is not None:
        raise InputError(
            "The options --weight and --sigma must not both be given: a standard deviation is a weight of 1/sigma^2. "
            "Leave one out."
        )
    option = "--weight" if asked.sigma is None else "--sigma"
    given = asked.weight or asked.sigma
    apart = None if given is None else find(frame, given)
    if apart == target:
        raise InputError(subject=f"The column of {option}", expected=f"not be the target {called(target)}")
    left_out = {
        find(frame, name)
        for entry in (asked.drop, asked.ignore_columns)
        for name in as_names(entry, known) or ()
    }
    named = as_names(asked.columns, known)
    chosen = [find(frame, name) for name in named or known]
    if named is None:
        chosen = [name for name in chosen if name not in (target, apart)]
    elif apart in chosen:
        raise InputError(
            subject=f"The column {called(apart)} of {option}",
            expected="not be among those a formula may use",
            advice="leave it out of --columns",
        )
    chosen = [name for name in dict.fromkeys(chosen) if name not in left_out]
    required = [find(frame, name) for name in as_names(asked.require_columns, known) or ()]
    useless = dict[str, str]()
    if named is None:
        useless = useless_columns(frame.select([name for name in chosen if name not in required]))
        chosen = [name for name in chosen if name not in useless]
    if not chosen:
        raise InputError(
            subject=provenance(frame).source,
            expected=f"have at least one column besides the target {target!r}",
            got="none of use" if useless else None,
        )
    if strange := [name for name in required if name not in chosen]:
        raise InputError(
            subject="The columns of --require-columns",
            expected="be among those a formula may use",
            got=called(strange[0]),
            advice="take it out of --require-columns, or add it to the columns",
        )
    from edgewise.symbolic.units.text import define_unit

    for entry in asked.unit or ():
        define_unit(*(part.strip() for part in entry.partition("=")[::2]))
    units = _units(frame, asked.units)
    wanted = tuple((name, unit) for name, unit in units.items() if name in {target, *chosen})
    notes = tuple(f"Column {called(name)} is left out: {reason}." for name, reason in useless.items())
    return FormulaColumns(target, tuple(chosen), tuple(required), wanted, apart, notes)


def _column_of_groups(frame: Frame, asked: FormulaRequest) -> str:
    assert asked.groups is not None
    group = find(frame, asked.groups)
    if group in (target := find(frame, asked.target), *(as_names(asked.columns, frame.column_names) or ())):
        which = "the target" if group == target else "among --columns"
        raise InputError(
            subject="The column of --groups", expected=f"not be {which}", got=f"{called(group)} for both"
        )
    return group


def words_of(frame: Frame, chosen: Sequence[str]) -> list[str]:
    """The columns of words among those chosen; none where one holds words beside numbers, which is a slip."""
    from edgewise.symbolic.fitting.word_columns import of_words

    columns = [each for each in raw_table(frame.select(chosen)).columns if each.codes is not None]
    return [each.name for each in columns] if all(map(of_words, columns)) else []


def limits_of(columns: FormulaColumns, asked: FormulaRequest) -> dict[str, Any]:
    """The limits that were asked for, as keyword arguments of `find_formula`; what was not asked is left to it."""
    limits = {
        "units": dict(columns.units),
        "forms": _words(asked.only_functions),
        "exclude_functions": _words(asked.exclude_functions),
        "require_columns": columns.require_columns,
        "constraints": tuple(asked.constraint or ()),
        "costs": dict(map(_cost, _words(asked.cost))),
    }
    return {name: value for name, value in limits.items() if value}


def _words(entries: Sequence[str] | None) -> tuple[str, ...]:
    """The names of functions in `--exclude-functions sin,tan --exclude-functions exp`."""
    words = [word.strip() for entry in entries or () for word in entry.split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def _cost(entry: str) -> tuple[str, int]:
    name, _, value = (part.strip() for part in entry.partition("="))
    try:
        return name, int(value)
    except ValueError:
        raise InputError(
            subject="The entries of --cost",
            expected="read function=nodes with a whole number, as in sin=3",
            got=called(entry),
        ) from None


def pairs(
    frame: Frame, entries: Sequence[str] | None, option: str, form: str, advice: str = ""
) -> dict[str, tuple[str, str]]:
    """Column and value of entries such as `m=kg,v=m/s`, and the entry, by the name of the column.

    Entries are cut at their commas, but for one that begins with the whole name of a column that holds some.
    """
    found: dict[str, tuple[str, str]] = {}
    for entry in entries or ():
        whole = " ".join(entry.rpartition("=")[0].split()) in frame.column_names
        for pair in [entry] if whole else [part for part in entry.split(",") if part.strip()]:
            name, _, value = (part.strip() for part in pair.rpartition("="))
            if not name or not value:
                raise InputError(
                    subject=f"The entries of {option}",
                    expected=f"read {form}",
                    got=called(pair.strip()),
                    advice=advice,
                )
            column = find(frame, name)
            if column in found:
                raise InputError(
                    subject=f"The columns of {option}",
                    expected="be distinct",
                    got=f"{called(column)} more than once",
                )
            found[column] = value, pair.strip()
    return found


def _searched(column: str, columns: Sequence[str], option: str) -> None:
    if column not in columns:
        raise InputError(
            subject=f"The columns of {option}",
            expected="be among those that are searched",
            got=called(column),
        )


def _units(frame: Frame, entries: Sequence[str] | None) -> dict[str, str]:
    """The pairs in `--units m=kg,v=m/s --units E=J`."""
    form, advice = "column=unit, as in m=kg,v=m/s", "a number without a unit is =1"
    return {name: unit for name, (unit, _) in pairs(frame, entries, "--units", form, advice).items()}


def errors_of(frame: Frame, entries: Sequence[str] | None, columns: Sequence[str]) -> dict[str, Any] | None:
    """The value of `--x-sigma`: for a column a number, or the numbers of another column; None where nothing was asked."""
    found = dict[str, Any]()
    form = "column=number or column=column, as in x=0.1"
    for column, (value, _) in pairs(frame, entries, "--x-sigma", form).items():
        _searched(column, columns, "--x-sigma")
        try:
            found[column] = float(value)
        except ValueError:
            found[column] = numbers(frame.column(find(frame, value)))
            if found[column] is None:
                raise InputError(
                    subject=f"Column {called(value)} of {provenance(frame).source}",
                    expected="hold numbers for --x-sigma",
                    got="words",
                ) from None
    return found or None


def ends_of(frame: Frame, entries: Sequence[str] | None, names: Sequence[str], X: Floats) -> Ends:
    """The ends of every column: those in `--bounds m=1:5,r=2`, where r is held fixed, else those of the rows X."""
    low, high = X.min(axis=0).tolist(), X.max(axis=0).tolist()
    ends = dict(zip(names, zip(low, high, strict=True), strict=True))
    form = "column=low:high, or column=value for one that is held fixed"
    for column, (span, pair) in pairs(frame, entries, "--bounds", form).items():
        _searched(column, names, "--bounds")
        try:
            given = [float(end) for end in span.split(":")]
        except ValueError:
            given = []
        if not (len(given) in (1, 2) and given[0] <= given[-1] and all(map(math.isfinite, given))):
            raise InputError(subject="The entries of --bounds", expected=f"read {form}", got=called(pair))
        ends[column] = (given[0], given[-1])
    if all(low == high for low, high in ends.values()):
        raise InputError(
            subject="The option --next",
            expected="have a column that is free",
            got="all of them held fixed",
            advice="give the ends of one with --bounds",
        )
    return ends


def notes_of(columns: FormulaColumns, known: Provenance, X: NDArray[np.float64]) -> tuple[str, ...]:
    """What was decided in reading the table, and what of it the search cannot use."""
    notes = [
        f"Column {called(name)} holds {values[0]:g} in every row, so no formula can depend on it."
        for name, values in zip(columns.chosen, X.T, strict=True)
        if len(values) > 1 and (values == values[0]).all()
    ]
    units = {
        name: known.units[name]
        for name in (*columns.chosen, columns.target)
        if name in known.units and _has_dimension(known.units[name])
    }
    if units and not columns.units:
        given = ",".join(f"{name}={unit}" for name, unit in units.items())
        notes.append(f"The table states units; --units {shlex.quote(given)} has formulas agree with them.")
    return (*known.notes((*columns.chosen, columns.target)), *columns.notes, *notes)


def _has_dimension(unit: str) -> bool:
    """Whether the search knows a unit; it knows no money."""
    from edgewise.symbolic.units.text import unit_powers

    try:
        unit_powers(unit, "a column")
    except InputError:
        return False
    return True


# ---- the search


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
) -> Generator[tuple[Interrupts, dict[str, Any]], None, None]:
    """What every search is given, its progress shown."""
    from edgewise.symbolic import ConstraintWarning

    if asked.out is not None:
        make_folder(asked.out)  # before the search, which would be lost
    with Interrupts() as interrupts, ShownProgress(asked.quiet) as progress, warnings.catch_warnings():
        progress.begin(title)
        # What it says is a part of the result's own message.
        warnings.simplefilter("ignore", ConstraintWarning)
        callbacks = (BestSoFar(progress, target), interrupts)
        yield (
            interrupts,
            {"work": asked.work, "seconds": asked.seconds, "seed": asked.seed, "callbacks": callbacks},
        )


def _one_law(asked: FormulaRequest, frame: Frame, columns: FormulaColumns) -> None:
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
    from edgewise.symbolic import find_formula, next_measurement

    with _searching("find the formula", asked, columns.target) as (interrupts, search):
        result = find_formula(
            X,
            nw.new_series(columns.target, y, backend="pyarrow"),
            names=names,
            loss=asked.loss,
            sample_weight=None if asked.weight is None else counts,
            sigma=sigma,
            x_sigma=x_sigma or None,
            **limits,
            **search,
        )
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
    deliver(found)
    _leave(interrupts, bool(result.broken) or any(proof.status == "refuted" for proof in found.proofs))


def _leave(interrupts: Interrupts, refuted: bool) -> None:
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if refuted:
        raise typer.Exit(REFUTED)


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
) -> None:
    """One law and the constants of each group: of a column, or of the words of some."""
    from edgewise.estimators.formula_rows import labels_of
    from edgewise.symbolic import GroupedResult, find_formula

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
    if not worded:
        limits |= {"groups": labels, "names": names}
    with _searching("find one law for all groups", asked, columns.target) as (interrupts, search):
        found = find_formula(rows, nw.new_series(columns.target, y, backend="pyarrow"), **limits, **search)
    assert isinstance(found, GroupedResult)
    written = [] if asked.out is None else _write_grouped(found, asked.out, rows, group, columns.target)
    if asked.plot is not None:
        from edgewise.plots import plot_groups, save_figure

        if found.best.words is not None:
            _, labels = found.best.words.read(rows, names)
        assert labels is not None
        missing = np.array([label is None for label in labels], dtype=bool)
        complete = ~(np.isnan(X).any(axis=1) | np.isnan(y) | missing)
        kept = [label for label, whole in zip(labels, complete, strict=True) if whole]
        measured = nw.new_series(columns.target, y[complete], backend="pyarrow")
        written.append(save_figure(plot_groups(found.best, X[complete], measured, kept), asked.plot))
    tell_files(written, quiet=asked.quiet)
    if asked.json:
        print_json(to_json(found.to_dict()))
    else:
        say(str(found))
    _leave(interrupts, bool(found.broken))


def _write_grouped(found: GroupedResult, folder: Path, X: Any, group: str | None, target: str) -> list[Path]:
    """The law as data, and as a file to predict with."""
    from edgewise.estimators import FormulaRegressor, save

    model = FormulaRegressor.from_result(found, X, groups=group, target=target)
    save(model, folder / FORMULA_FILES[0])
    write_file(folder / FORMULA_FILES[1], (to_json(found.to_dict()) + "\n").encode(), overwrite=True)
    return [folder / name for name in FORMULA_FILES[:2]]


def _stated(frame: Frame, columns: Sequence[str]) -> dict[str, Floats]:
    """The standard deviations that the file states behind the numbers of columns; rows without are left out anyway."""
    stated = {name: sigma_of(frame, name) for name in columns}
    return {name: np.nan_to_num(each) for name, each in stated.items() if each is not None}


def _unused(frame: Frame, columns: Sequence[str], why: str) -> tuple[str, ...]:
    names = _stated(frame, columns)
    return tuple(
        f"Column {called(name)} states errors of its numbers, which {why} not use." for name in names
    )


# ---- what is shown and written


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
        spread = {name: np.broadcast_to(each, complete.shape)[complete] for name, each in x_sigma.items()}
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
        from edgewise.symbolic.results.search_result import renumbered

        return renumbered(self.result, lambda row: row + 1, data_rows)

    def missed(self, number: int) -> list[dict[str, float]]:
        """The rows that a formula misses most, by how many standard deviations; none where these are not known."""
        from edgewise.symbolic.results.row_noise import known_noise

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

    @property
    def best(self) -> int:
        """The place of the recommended formula, from 1."""
        return place_of_best(self.result)


def deliver(found: FinishedSearch) -> None:
    """Write the files, then show the front, or one formula as code.

    A --pick beyond the table ends in a sentence, but last: the search has found what it has found.
    """
    asked, count, ended = found.asked, len(found.result.front), found.result.stop_reason
    beyond = asked.pick is not None and asked.pick > count
    number = found.best if asked.pick is None or beyond else asked.pick
    data = to_json(as_data(found, number))
    written = [] if asked.out is None else write_files(found, number, asked.out, data)
    if asked.plot is not None:
        from edgewise.plots import plot_front, save_figure

        written.append(save_figure(plot_front(found.result.front), asked.plot))
    tell_files(written, quiet=asked.quiet)
    if asked.export is not None and not beyond:
        text = text_of(found.result.front[number - 1], found.target, asked.export)
        if asked.json and asked.export != "json":
            text = to_json({"format": asked.export, "text": text}) + "\n"
        sys.stdout.write(text)
        if not ended.repeatable and not asked.quiet:
            say(f"Note: {ended.advice}", err=True)
    elif asked.json:
        print_json(data)
    else:
        console = results_console()
        show_front(console, found.told, found.target, number, verbose=asked.verbose)
        told = (_missed_told(found.missed(number)), ended.advice, *map(_said, found.proofs))
        show_messages(console, tuple(filter(None, told)))
        for line in places_told(found.places, found.target, found.result.noise):
            console.print(Text(line), soft_wrap=True)
    if beyond:
        raise InputError(
            subject="The option --pick",
            expected=f"be a number of the table, from 1 to {count}",
            got=asked.pick,
        )


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
    rows = ", ".join(f"{each['row']} (by {each['sigmas']:+.1f} sigma)" for each in missed)
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
    from edgewise.exporting.sympy_source import to_sympy_source
    from edgewise.symbolic.results.formula import latex_name

    writers: dict[str, Callable[[], str]] = {
        "python": formula.python,
        "c": formula.c,
        "latex": lambda: f"{latex_name(target)} = {formula.latex}\n",
        "json": lambda: json.dumps(formula.to_dict(), indent=2, ensure_ascii=False) + "\n",
        "sympy": lambda: to_sympy_source(formula),
    }
    return writers[form]()


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
    chosen = replace(found.result, best=formula, further=None, probability=likely)
    save(FormulaRegressor.from_result(chosen, found.X, target=found.target), folder / "formula.kan")
    return [folder / name for name in ("formula.kan", *texts)]


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
