"""Protected attributes as groups of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import among, check_names, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table

# A column of more distinct numbers is cut into groups of about equal size; words beyond so many groups are put together.
MOST_VALUES, QUANTILE_GROUPS, MOST_GROUPS = 8, 4, 20
JOINT = " & "
MISSING, OTHER = "missing", "other"
# Gaps that a repair can narrow.
CRITERIA = {"dp": "demographic parity", "eo": "equalised odds"}


@dataclass(frozen=True, eq=False)
class Grouping:
    """Rows in groups.

    Attributes
    ----------
    name : str
        The attribute, or the attributes that cross.
    groups : tuple of str
        Names of groups that have rows.
    codes : array of int, shape (n,)
        Group of each row.
    attributes : tuple of str
        One name, or those that cross.
    """

    name: str
    groups: tuple[str, ...]
    codes: Ints
    attributes: tuple[str, ...]

    @property
    def crossed(self) -> bool:
        """Whether it is an intersection of attributes."""
        return len(self.attributes) > 1

    def take(self, rows: NDArray[Any]) -> Grouping:
        """The grouping of some rows; groups without rows stay."""
        return Grouping(self.name, self.groups, self.codes[rows], self.attributes)

    @property
    def labels(self) -> NDArray[Any]:
        """Name of the group of each row."""
        return np.asarray(self.groups, dtype=object)[self.codes]


def everyone(n: int) -> Grouping:
    """All rows as one group."""
    return Grouping("all", ("all",), np.zeros(n, dtype=np.int64), ("all",))


@dataclass(frozen=True, eq=False)
class KnownRows:
    """Rows of a table with what is known of them.

    Attributes
    ----------
    X : table, n rows
    actual : array, shape (n,)
        1 where the outcome is positive.
    grouping : Grouping
    weight : array, shape (n,)
    """

    X: Any
    actual: Floats
    grouping: Grouping
    weight: Floats

    def take(self, rows: Ints) -> KnownRows:
        """Some of the rows."""
        return KnownRows(_taken(self.X, rows), self.actual[rows], self.grouping.take(rows), self.weight[rows])


def groupings(
    protected: Any, table: RawTable, bins: Mapping[str, Sequence[float]] | None = None
) -> tuple[Grouping, ...]:
    """A grouping for each protected attribute.

    Parameters
    ----------
    protected : str, list of str, or mapping of names to arrays of shape (n,)
        Columns of the table; or values of their own, which the model need not see.
    table : RawTable
    bins : mapping of names to sequences of float, optional
        Where to cut a column of numbers: [25, 60] gives "below 25", "25 to 60" and "60 and above".

    Raises
    ------
    InputError
        If an attribute is not there, or has fewer than two groups.
    """
    columns = _columns(protected, table)
    cuts = as_mapping(bins, "bins", "attributes to lists of numbers")
    if strange := [name for name in cuts if name not in columns]:
        raise InputError(
            argument="bins",
            expected="name protected attributes",
            got=f"{short(strange[0])}{did_you_mean(strange[0], list(columns))}",
        )
    made = tuple(_grouping(name, column, cuts.get(name)) for name, column in columns.items())
    for grouping in made:
        if len(grouping.groups) < 2:
            raise InputError(
                subject=f"The protected attribute {short(grouping.name, 40)}",
                expected="have at least two groups among the rows",
                got=f"only {among(grouping.groups)}",
            )
    return made


def intersection(parts: Sequence[Grouping]) -> Grouping:
    """All combinations of groups that have rows."""
    codes = np.zeros(len(parts[0].codes), dtype=np.int64)
    for part in parts:
        codes = codes * len(part.groups) + part.codes
    there, compact = np.unique(codes, return_inverse=True)
    names = list[str]()
    for code in there.tolist():
        words = list[str]()
        for part in reversed(parts):
            code, own = divmod(code, len(part.groups))
            words.append(part.groups[own])
        names.append(JOINT.join(reversed(words)))
    attributes = tuple(part.name for part in parts)
    return Grouping(JOINT.join(attributes), tuple(names), compact.astype(np.int64).reshape(-1), attributes)


def _columns(protected: Any, table: RawTable) -> dict[str, RawColumn]:
    if isinstance(protected, Mapping):
        found = dict[str, RawColumn]()
        for key, values in cast("Mapping[Any, Any]", protected).items():
            name = str(key)
            plain = values.to_numpy() if hasattr(values, "to_numpy") else values
            column = raw_table({name: plain}).columns[0]
            if len(column) != table.n_rows:
                raise InputError(
                    subject=f"The protected attribute {short(name, 40)}",
                    expected=f"have a value for each of {table.n_rows:,} rows",
                    got=f"{len(column):,}",
                )
            found[name] = column
    else:
        names = check_names([protected] if isinstance(protected, str) else protected, "protected")
        known = {column.name: column for column in table.columns}
        if absent := [name for name in names if name not in known]:
            raise InputError(
                argument="protected",
                expected="name columns of X, or map names to arrays",
                got=f"{short(absent[0])}, which is not among {among(known)}{did_you_mean(absent[0], known)}",
            )
        found = {name: known[name] for name in names}
    if not found:
        raise InputError(argument="protected", expected="name at least one attribute", got="none")
    return found


def _grouping(name: str, column: RawColumn, cuts: Sequence[float] | None) -> Grouping:
    if column.codes is not None:
        if cuts is not None:
            raise InputError(
                argument="bins", expected="cut columns of numbers", got=f"words in {short(name, 40)}"
            )
        codes, words = column.codes, list(column.words)
    else:
        codes, words = _numbers(cast(Any, column.numbers), column.kind, cuts)
    codes = np.where(codes < 0, len(words), codes)
    words = [*words, MISSING]
    counts = np.bincount(codes, minlength=len(words))
    if int((counts > 0).sum()) > MOST_GROUPS:
        rare = np.argsort(-counts, kind="stable")[MOST_GROUPS - 1 :]
        codes, words = np.where(np.isin(codes, rare), len(words), codes), [*words, OTHER]
    # Words in alphabetical order, numbers in their own.
    there = np.unique(codes).tolist()
    if column.codes is not None:
        there.sort(key=lambda code: (code >= len(column.words), words[code]))
    place = np.zeros(len(words), dtype=np.int64)
    place[there] = np.arange(len(there))
    return Grouping(name, tuple(words[code] for code in there), place[codes], (name,))


def _numbers(values: NDArray[np.float64], kind: str, cuts: Sequence[float] | None) -> tuple[Ints, list[str]]:
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if cuts is None and len(distinct) <= MOST_VALUES:
        words = [str(bool(value)) if kind == "bool" else _written(value, kind) for value in distinct]
        codes = np.searchsorted(distinct, values)
    else:
        if cuts is None:
            shares = np.arange(1, QUANTILE_GROUPS) / QUANTILE_GROUPS
            inner = np.unique(np.quantile(known, shares, method="higher"))
            inner = inner[inner > distinct[0]]
        else:
            inner = np.unique(np.asarray([float(cut) for cut in cuts]))
        ends = [_written(value, kind) for value in inner]
        middle = [f"{low} to {high}" for low, high in pairwise(ends)]
        words = [f"below {ends[0]}", *middle, f"{ends[-1]} and above"] if ends else ["any"]
        codes = np.searchsorted(inner, values, side="right")
    return np.where(np.isnan(values), -1, codes).astype(np.int64), words


def _taken(X: Any, rows: Ints) -> Any:
    """Some rows of a table, of the kind it is."""
    if isinstance(X, RawTable):
        return X.take(rows)
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        frame: Any = nw.from_native(X, eager_only=True)
        return frame[rows.tolist()].to_native()
    if isinstance(X, Mapping):
        table = cast("Mapping[Any, Any]", X)
        return {name: np.asarray(values)[rows] for name, values in table.items()}
    return np.asarray(X)[rows]


def _written(value: float, kind: str) -> str:
    if kind == "date":
        return str(np.datetime64(round(value * 86_400), "s").astype("datetime64[D]"))
    return f"{value:g}"
