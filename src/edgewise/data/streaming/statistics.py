"""What columns of a dataset are for, its rows by that, and what one pass over them finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import as_word
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table
from edgewise.data.streaming.columns import Numbers, Sample, Target, Words
from edgewise.data.streaming.source import Source


@dataclass(frozen=True)
class Roles:
    """Which columns are read, and what for.

    Attributes
    ----------
    columns : tuple of str
        To predict from.
    target : Target
    weight : str or None
    """

    columns: tuple[str, ...]
    target: Target
    weight: str | None

    @property
    def read(self) -> tuple[str, ...]:
        """All that is read."""
        own = (*self.columns, self.target.name)
        return own if self.weight is None else (*own, self.weight)


def roles_of(source: Source, target: Any, weight: Any, classes: bool) -> Roles:
    """The columns of a dataset by what they are for.

    Raises
    ------
    InputError
        If `target` or `weight` is no column, or nothing is left to predict from.
    """
    target = source.check_column(target, "target")
    weight = None if weight is None else source.check_column(weight, "sample_weight")
    columns = tuple(name for name in source.names if name not in (target, weight))
    if weight == target or not columns:
        what = (
            "name another column than the target" if weight == target else "have a column besides the target"
        )
        raise InputError(
            subject="The dataset and 'sample_weight'", expected=what, got=f"{short(target)} alone"
        )
    return Roles(columns, Target(target, classes), weight)


@dataclass(frozen=True, eq=False)
class RoleRows:
    """A batch by roles, rows of weight zero left out.

    Attributes
    ----------
    table : RawTable
        The columns to predict from.
    y : array of shape (n,)
        Numbers; of classes what stands for each among `labels`.
    weight : array of shape (n,)
    labels : tuple of str
        The classes of the batch.
    """

    table: RawTable
    y: Floats
    weight: Floats
    labels: tuple[str, ...] = ()


def rows_of(batch: Any, roles: Roles) -> RoleRows:
    """A batch by roles.

    Raises
    ------
    InputError
        If a target is missing, or a weight no number of zero or more.
    """
    whole = raw_table(batch)
    own = dict(zip(whole.names, whole.columns, strict=True))
    target = own[roles.target.name]
    weight = np.ones(whole.n_rows)
    if roles.weight is not None:
        weight = _numbers(own[roles.weight], "weights")
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise InputError(
                subject=f"Column {short(roles.weight, 40)}",
                expected="hold weights of zero or more",
                got=f"{weight[~(np.isfinite(weight) & (weight >= 0))][0]} among them",
            )
    labels: tuple[str, ...] = ()
    if roles.target.classes:
        labels, y = _labels(target)
    else:
        y = _numbers(target, "numbers")
    gaps = y < 0 if roles.target.classes else ~np.isfinite(y)
    if gaps.any():
        raise InputError(
            subject=f"Column {short(target.name, 40)}",
            expected="hold the target of every row",
            got=f"{plural(int(gaps.sum()), 'row')} of a batch without one",
            advice="drop those rows",
        )
    table = RawTable(tuple(own[name] for name in roles.columns), whole.n_rows, named=True)
    if not (weight > 0).all():
        keep = weight > 0
        table, y, weight = table.take(keep), y[keep], weight[keep]
    return RoleRows(table, y, weight, labels)


def _numbers(raw: RawColumn, what: str) -> Floats:
    if raw.numbers is None:
        raise InputError(
            subject=f"Column {short(raw.name, 40)}",
            expected=f"hold {what}",
            got=f"words such as {short(next(iter(raw.words), ''))}",
            advice="for classes use KANClassifier",
        )
    return raw.numbers


def _labels(raw: RawColumn) -> tuple[tuple[str, ...], Floats]:
    if raw.codes is not None:
        return raw.words, raw.codes.astype(np.float64)
    values, place = np.unique(cast(Floats, raw.numbers), return_inverse=True)
    y = np.where(np.isnan(values), -1.0, np.arange(len(values)))[place]
    return tuple(as_word(value, raw.kind) for value in values.tolist()), y


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a pass has found.

    Attributes
    ----------
    roles : Roles
    columns : tuple of Numbers or Words
        One for each column to predict from.
    target : Numbers or Words
    sample : Sample
        In the order of the rows.
    rows : int
        Of positive weight.
    first : array of int
        The number of the first row of each leaf that has rows.
    """

    roles: Roles
    columns: tuple[Numbers | Words, ...]
    target: Numbers | Words
    sample: Sample
    rows: int
    first: Ints


def as_words(raw: RawColumn) -> RawColumn:
    """A column that holds words elsewhere, where a batch of it happens to hold numbers or nothing."""
    if raw.codes is not None:
        return raw
    values, codes = np.unique(cast(Any, raw.numbers), return_inverse=True)
    words = tuple(as_word(value, raw.kind) for value in values.tolist())
    gaps = np.array([word == "" for word in words])
    codes = np.where(gaps[codes], -1, codes) if len(words) else codes
    return RawColumn(raw.name, "text", codes=codes.astype(np.int64), words=words)
