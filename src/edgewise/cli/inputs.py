"""From raw columns to what a model learns from: which columns, which rows, numbers or classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import LARGEST, among, check_squarable, did_you_mean, plural, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import numpy_generator
from edgewise.data import provenance, split
from edgewise.data.arrow import Cells, Frame, pc
from edgewise.data.dialect import without_unit
from edgewise.data.encoding_raw import raw_table
from edgewise.data.identifiers import IDENTIFIER, is_identifier

# Whole numbers with no more distinct values than this are taken as classes, and that is reported.
MOST_NUMBERED_CLASSES = 10
MOST_CLASSES = 200


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The distribution of a target of numbers.

    Attributes
    ----------
    loss, power : as `KANRegressor` takes them
    exposure : what each count or amount is of, (n,), if they are of any
    """

    loss: str = "squared"
    power: float | None = None
    exposure: Floats | None = None

    @property
    def of_means(self) -> bool:
        """Whether it is one of counts or amounts, whose means are above 0."""
        return self.loss not in ("squared", "huber")

    @property
    def options(self) -> dict[str, Any]:
        """The parameters of an estimator."""
        return {"loss": self.loss, **({} if self.power is None else {"power": self.power})}


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model learns from.

    Attributes
    ----------
    source, fingerprint : the file's name and hash
    frame : the columns to predict from, raw
    target : the name of the column to predict
    y : its values, float64 for regression, labels for classification
    task : "regression" or "classification"
    weight : a weight a row, if there are any
    groups, time : what each row belongs to, or when it was; at most one of them
    likelihood : what y is: amounts that errors are squares of, or counts of some exposure
    outcomes : further columns of what happened
    notes : what was decided on the way, in sentences
    units : units that the table itself states, by column
    dropped : columns left out unasked, and why
    """

    source: str
    fingerprint: str
    frame: Frame
    target: str
    y: NDArray[Any]
    task: str
    weight: Floats | None = None
    notes: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    groups: NDArray[Any] | None = None
    time: Floats | None = None
    likelihood: Likelihood = field(default_factory=Likelihood)
    outcomes: Frame | None = None

    def judged(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], Floats | None]:
        """What predictions of some rows are compared with, and how much they count: rates, where there are exposures."""
        y, exposure = self.y[rows], self.likelihood.exposure
        if exposure is None:
            return y, None
        from edgewise.estimators.exposure import rates_by_exposure

        return rates_by_exposure(y, exposure[rows], self.likelihood.loss, self.likelihood.power)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns to predict from."""
        return tuple(self.frame.column_names)

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.y)

    def halves(self, test: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of the rows to learn from and of those held out: a share `test`; of 0 none, of 1 all, as both.

        Groups are held out whole, and of times the latest.
        """
        every = np.arange(self.n_rows, dtype=np.int64)
        if test in (0, 1):
            return every, every if test else every[:0]
        if self.groups is not None or self.time is not None:
            return self._parted(test, seed)
        if self.task == "regression":
            return split(self.n_rows, test, seed)
        train, held_out = split(self.n_rows, test, seed, classes=self.y)
        # A class that nothing was learned of cannot be predicted, so its rows are learned from.
        strange = ~np.isin(self.y[held_out], self.y[train])
        return np.sort(np.concatenate([train, held_out[strange]])), held_out[~strange]

    def _parted(self, test: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Whole groups in random order, or times from the last, until a share of the rows is held out."""
        codes = np.unique(np.asarray(self.time if self.groups is None else self.groups), return_inverse=True)[
            1
        ]
        size = np.bincount(codes)
        order = (
            np.arange(len(size))[::-1]
            if self.groups is None
            else numpy_generator(seed).permutation(len(size))
        )
        reached = int(np.searchsorted(np.cumsum(size[order]), test * len(codes))) + 1
        held_out = np.isin(codes, order[: min(reached, len(size) - 1)])
        return np.flatnonzero(~held_out).astype(np.int64), np.flatnonzero(held_out).astype(np.int64)


def as_names(entries: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...] | None:
    """The names in `--columns a,b --columns c`; an entry that is a column's whole name is that column, commas or not."""
    if not entries:
        return None
    names: list[str] = []
    for entry in entries:
        tidy = " ".join(entry.split())
        names += [tidy] if tidy in known else [name.strip() for name in entry.split(",") if name.strip()]
    return tuple(names)


def called(name: str) -> str:
    """A column's name as a sentence can bear it."""
    return short(name, 40)


def find(frame: Frame, name: str) -> str:
    """The name of a column, which may leave out its unit, or one sentence that it is not there."""
    tidy = " ".join(name.split())
    if tidy in frame.column_names:
        return tidy
    unitless = [text for text in frame.column_names if text.startswith(tidy) and without_unit(text) == tidy]
    if tidy and len(unitless) == 1:
        return unitless[0]
    read = provenance(frame)
    # Who names a column of a table that seems to have no names should know that it was read so.
    how = f" (it is read so: {read.dialect})" if "no header" in read.dialect else ""
    raise InputError(
        f"{read.source} has no column {called(name)}{did_you_mean(name, frame.column_names)}; its columns "
        f"are {among(frame.column_names)}{how}."
    )


@dataclass(frozen=True)
class ColumnRoles:
    """What columns are for, as asked: the one to predict, those to predict from or not, weights, what splits the rows.

    `outcomes` are further columns of what happened, which are kept beside the rows.
    """

    target: str
    columns: Sequence[str] | None = None
    drop: Sequence[str] | None = None
    weight: str | None = None
    groups: str | None = None
    time: str | None = None
    exposure: str | None = None
    outcomes: tuple[str, ...] = ()


def prepare(
    frame: Frame,
    roles: ColumnRoles,
    *,
    drop_missing: bool = False,
    task: str | None = None,
    likelihood: Likelihood | None = None,
) -> Inputs:
    """Choose columns and rows, and decide whether to predict numbers or classes; exposures are read from their column."""
    likelihood = likelihood or Likelihood()
    known, groups, time = provenance(frame), roles.groups, roles.time
    target = find(frame, roles.target)
    if groups is not None and time is not None:
        raise InputError(argument="time", expected="be left out beside --groups", got=short(time))
    weight = None if roles.weight is None else find(frame, roles.weight)
    split_by = None if groups is None and time is None else find(frame, groups or time or "")
    exposure = None if roles.exposure is None else find(frame, roles.exposure)
    outcomes = [find(frame, name) for name in roles.outcomes]
    taken = {
        "target": target, "weight": weight, "groups" if time is None else "time": split_by, "exposure": exposure,
        **{f"outcome {name}": name for name in outcomes},
    }  # fmt: skip
    chosen = _chosen(frame, taken, roles)
    wanted = [*chosen, *dict.fromkeys(name for name in taken.values() if name is not None)]
    notes = list(known.notes(wanted))
    frame = frame.select(wanted)
    refuse_infinite(frame, known.source)
    needed = [name for name in (target, split_by, exposure) if name is not None]
    frame, remarks = _complete_rows(frame, wanted if drop_missing else needed, known.source)
    notes += remarks
    if exposure is not None:
        frame, likelihood, remarks = _exposed(frame, exposure, known.source, likelihood)
        notes += remarks
    y, task, remarks = _target(frame.column(target), target, known.source, task)
    notes += remarks
    weights = None if weight is None else _weights(frame.column(weight), weight, known.source)
    features = timed(frame.select(chosen))
    reasons = {} if roles.columns is not None else useless_columns(features)
    features = features.drop_columns(list(reasons))
    notes += [f"Column {called(name)} is left out: {reason}." for name, reason in reasons.items()]
    if not features.num_columns:
        raise InputError(
            subject=known.source,
            expected=f"have at least one column to predict {called(target)} from",
            got="none of use",
        )
    return Inputs(
        known.source,
        known.fingerprint,
        features,
        target,
        y,
        task,
        weights,
        tuple(notes),
        tuple(reasons.items()),
        known.units,
        None if groups is None else _marks(frame, split_by, "groups"),
        None if time is None else _marks(frame, split_by, "time"),
        likelihood,
        frame.select(outcomes) if outcomes else None,
    )


def _exposed(
    frame: Frame, name: str, source: str, likelihood: Likelihood
) -> tuple[Frame, Likelihood, list[str]]:
    """The rows with an exposure above 0, those exposures, and a note on the rest."""
    values = numbers_of(frame, name, ", as exposures are")
    if (values < 0).any():
        raise InputError(
            subject=f"The exposures {called(name)} of {source}",
            expected="be 0 or more",
            got=short(float(values[values < 0][0])),
        )
    there = values > 0
    if not there.any():
        raise InputError(
            subject=f"The exposures {called(name)} of {source}",
            expected="be above 0 in some row",
            got="zeros only",
        )
    kept = replace(likelihood, exposure=values[there])
    if there.all():
        return frame, kept, []
    gone = plural(int((~there).sum()), "row")
    return (
        frame.filter(pa.array(there)),
        kept,
        [f"{gone} of {len(values):,} left out: {called(name)} is 0 there, so they say nothing."],
    )


def words_of(frame: Frame, chosen: Sequence[str]) -> list[str]:
    """The columns of words among those chosen; none where one holds words beside numbers, which is a slip."""
    from edgewise.symbolic.fitting.word_columns import of_words

    columns = [column for column in raw_table(frame.select(chosen)).columns if column.codes is not None]
    return [column.name for column in columns] if all(map(of_words, columns)) else []


def numbers(column: Cells) -> Floats | None:
    """A column as float64 with NaN where a cell is missing; None where it holds no numbers."""
    if not _is_number(column.type):
        return None
    # In this order: Arrow turns missing integers into NaN by itself only as floats.
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def numbers_of(frame: Frame, name: str, why: str = "") -> Floats:
    """A column as `numbers` gives it, or one sentence that it holds none and why it should."""
    values = numbers(frame.column(name))
    if values is None:
        subject = f"Column {called(name)} of {provenance(frame).source}"
        raise InputError(subject=subject, expected=f"hold numbers{why}", got=frame.column(name).type)
    return values


def refuse_infinite(frame: Frame, source: str) -> None:
    """Stop at the first infinity among the numbers, and name its row as a person counts rows."""
    for name, column in zip(frame.column_names, frame.columns, strict=True):
        if not pa.types.is_floating(column.type):
            continue
        rows = np.flatnonzero(np.isinf(column.to_numpy()))
        if len(rows):
            raise InputError(
                subject=f"Column {called(name)} of {source}",
                expected="hold finite numbers",
                got=(
                    f"{column[int(rows[0])].as_py()} in data row {rows[0] + 1:,} ({len(rows):,} infinite "
                    "in all)"
                ),
                advice="correct it, or leave the cell empty",
            )


def matrix(frame: Frame) -> Floats | None:
    """All columns as one matrix; None unless every one holds numbers without gaps, none too large to be squared."""
    columns = [numbers(column) for column in frame.columns]
    if any(values is None or not (np.abs(values) <= LARGEST).all() for values in columns):
        return None
    return np.stack([values for values in columns if values is not None], axis=1)


def _marks(frame: Frame, name: str | None, role: str) -> NDArray[Any]:
    """What each row belongs to, as numbers or words, or when it was, as numbers."""
    column = raw_table(timed(frame.select([name]))).columns[0]
    cells = np.array(column.cells())
    if len(np.unique(cells)) < 2 or (role == "time" and column.codes is not None):
        what = (
            "take at least two values"
            if column.codes is None or role == "groups"
            else "hold numbers or dates"
        )
        raise InputError(argument=role, expected=f"name a column whose cells {what}", got=called(str(name)))
    return cells


def _chosen(frame: Frame, taken: Mapping[str, str | None], roles: ColumnRoles) -> list[str]:
    dropped = [find(frame, name) for name in as_names(roles.drop, frame.column_names) or ()]
    named = as_names(roles.columns, frame.column_names)
    if named is None:
        return [name for name in frame.column_names if name not in {*taken.values(), *dropped}]
    chosen = [find(frame, name) for name in named]
    for role, name in taken.items():
        if name in chosen:
            raise InputError(
                subject=f"The {role} {called(name)}",
                expected="not be among the columns to predict from",
                advice="leave it out of --columns",
            )
    if twice := [name for name in chosen if chosen.count(name) > 1]:
        raise InputError(
            subject="The columns to predict from",
            expected="be distinct",
            got=f"{called(twice[0])} more than once",
        )
    return [name for name in chosen if name not in dropped]


def timed(frame: Frame) -> Frame:
    """Times of day as hours and lengths of time as days; dates and all other columns as they are."""
    columns = [_timed(column) for column in frame.columns]
    return pa.table(columns, names=frame.column_names, metadata=frame.schema.metadata)


def _timed(column: Cells) -> Cells:
    if pa.types.is_time(column.type):
        return pc.divide(column.cast(pa.time64("ns")).cast(pa.int64()).cast(pa.float64()), 3.6e12)
    if pa.types.is_duration(column.type):
        return pc.divide(
            column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 8.64e10
        )
    return column


def complete(frame: Frame, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows miss none of these cells."""
    keep = np.ones(frame.num_rows, dtype=bool)
    for name in names:
        keep &= ~pc.is_null(frame.column(name), nan_is_null=True).to_numpy()
    return keep


def _complete_rows(frame: Frame, names: list[str], source: str) -> tuple[Frame, list[str]]:
    """The rows that miss none of these cells, and a note on it."""
    left = frame.filter(pa.array(complete(frame, names)))
    lost = frame.num_rows - left.num_rows
    if not left.num_rows:
        what = f"in {called(names[0])}" if len(names) == 1 else "in every column"
        raise InputError(subject=source, expected=f"have at least one row with a value {what}", got="none")
    if not lost:
        return frame, []
    why = f"{called(names[0])} is missing there" if len(names) == 1 else "cells are missing there"
    return left, [f"{plural(lost, 'row')} of {frame.num_rows:,} left out: {why}."]


def _target(column: Cells, name: str, source: str, task: str | None) -> tuple[NDArray[Any], str, list[str]]:
    values = numbers(column)
    if values is None and not _is_word(column.type):
        raise InputError(
            subject=f"The target {called(name)} of {source}",
            expected="hold numbers or words",
            got=column.type,
            advice="convert it",
        )
    counts = pc.count_distinct(column).as_py()
    if counts < 2:
        raise InputError(
            subject=f"The target {called(name)} of {source}",
            expected="take more than one value",
            got=f"{short(column[0].as_py())} in every row",
            advice="there is nothing to learn",
        )
    if task is None:
        task, notes = _guess(column, values, counts, name)
    else:
        notes = []
    if task == "regression":
        if values is None:
            example = short(column[0].as_py())
            raise InputError(
                subject=f"The target {called(name)} of {source}",
                expected="hold numbers for regression",
                got=example,
                advice="encode it, or give --task classification",
            )
        check_squarable(values, f"The target {called(name)} of {source}", tiny=False)
        return values, task, notes
    if counts > min(MOST_CLASSES, max(len(column) // 2, 2)):
        raise InputError(
            subject=f"The target {called(name)} of {source}",
            expected=f"have classes that several rows share, at most {MOST_CLASSES}",
            got=f"{counts:,} in {plural(len(column), 'row')}",
            advice="choose another target",
        )
    return _labels(column), task, notes


def _guess(column: Cells, values: Floats | None, counts: int, name: str) -> tuple[str, list[str]]:
    if values is None or pa.types.is_boolean(column.type):
        return "classification", [f"{called(name)} takes {counts} values, so this is classification."]
    whole = bool(np.all(np.isfinite(values) & (values == np.round(values))))
    if whole and counts <= MOST_NUMBERED_CLASSES and counts <= len(values) // 10:
        taken = f"{called(name)} takes {counts} whole numbers, which are taken as classes"
        return "classification", [f"{taken}; --task regression takes them as numbers."]
    return "regression", []


def _labels(column: Cells) -> NDArray[Any]:
    """Classes as numpy has them: truth values, whole numbers where they are, else words."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_boolean(column.type):
        return np.array(column.to_pylist(), dtype=bool)
    values = numbers(column)
    if values is None:
        return np.array([str(cell) for cell in column.to_pylist()])
    return (
        values.astype(np.int64)
        if np.all(values == np.round(values)) and np.all(abs(values) < 2**53)
        else values
    )


def _weights(column: Cells, name: str, source: str) -> Floats:
    values = numbers(column)
    if values is None:
        raise InputError(
            subject=f"The weights {called(name)} of {source}", expected="be numbers", got=column.type
        )
    if not np.all(np.isfinite(values)) or np.any(values < 0) or not np.any(values > 0):
        bad = values[~(np.isfinite(values) & (values >= 0))]
        got = "zeros only" if not len(bad) else "a missing cell" if np.isnan(bad[0]) else short(float(bad[0]))
        raise InputError(
            subject=f"The weights {called(name)} of {source}",
            expected="be finite, not negative and not all zero",
            got=got,
        )
    return values


def useless_columns(frame: Frame) -> dict[str, str]:
    """Columns that can teach nothing, and why."""
    pairs = zip(frame.column_names, frame.columns, strict=True)
    return {name: reason for name, column in pairs if (reason := _useless(name, column))}


def _useless(name: str, column: Cells) -> str:
    n = len(column)
    if column.null_count == n:
        return "it is empty"
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return f"it holds neither numbers nor words ({column.type})"
    if n > 1 and not column.null_count and pc.count_distinct(column).as_py() == 1:
        return f"it holds {short(column[0].as_py(), 24)} in every row"
    if n < 10:
        return ""
    if _is_word(column.type) and not pa.types.is_boolean(column.type):
        if pc.count_distinct(column).as_py() + column.null_count >= n:
            return "its words differ in every row, so they say nothing about other rows"
    elif pa.types.is_integer(column.type) and not column.null_count:
        values = column.to_numpy()
        if name.startswith("column_") and np.all(np.diff(values) == 1):
            return "it only counts the rows"
        if is_identifier(name, np.asarray(values, dtype=np.float64)):
            return f"it holds {IDENTIFIER}"
    return ""


def _is_number(kind: Any) -> bool:
    return (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )


def _is_word(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)
