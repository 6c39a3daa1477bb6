"""One pass over a dataset: what its columns hold, and a sample of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import as_word
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table
from edgewise.data.streaming.columns import Numbers, Sample, State, Target, Words
from edgewise.data.streaming.source import Source

MOST_CLASSES = 1_000


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


def roles_of(source: Source, target: Any, weight: Any, classes: bool, of: str) -> Roles:
    """The columns of a dataset by what they are for.

    Raises
    ------
    InputError
        If `target` or `weight` is no column, or nothing is left to predict from.
    """
    target = source.check_column(target, "target", of)
    weight = None if weight is None else source.check_column(weight, "sample_weight", of)
    columns = tuple(name for name in source.names if name not in (target, weight))
    if weight == target or not columns:
        what = (
            "name another column than the target" if weight == target else "have a column besides the target"
        )
        raise InputError(
            f"The dataset and 'sample_weight' of {of} must {what}. Got {short(target)} alone instead."
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
                f"Column {short(roles.weight, 40)} must hold weights of zero or more. Got "
                f"{weight[~(np.isfinite(weight) & (weight >= 0))][0]} among them instead."
            )
    labels: tuple[str, ...] = ()
    if roles.target.classes:
        labels, y = _labels(target)
    else:
        y = _numbers(target, "numbers")
    gaps = y < 0 if roles.target.classes else ~np.isfinite(y)
    if gaps.any():
        raise InputError(
            f"Column {short(target.name, 40)} must hold the target of every row. Got {plural(int(gaps.sum()), 'row')} "
            "of a batch without one instead; drop those rows."
        )
    table = RawTable(tuple(own[name] for name in roles.columns), whole.n_rows, named=True)
    if not (weight > 0).all():
        keep = weight > 0
        table, y, weight = table.take(keep), y[keep], weight[keep]
    return RoleRows(table, y, weight, labels)


def _numbers(raw: RawColumn, what: str) -> Floats:
    if raw.numbers is None:
        raise InputError(
            f"Column {short(raw.name, 40)} must hold {what}. Got words such as {short(next(iter(raw.words), ''))} "
            "instead; for classes use KANClassifier."
        )
    return raw.numbers


def _labels(raw: RawColumn) -> tuple[tuple[str, ...], Floats]:
    if raw.codes is not None:
        return raw.words, raw.codes.astype(np.float64)
    values, place = np.unique(cast(Floats, raw.numbers), return_inverse=True)
    y = np.where(np.isnan(values), -1.0, np.arange(len(values)))[place]
    return tuple(as_word(value, raw.kind) for value in values.tolist()), y


class Statistics:
    """Sums over the batches so far.

    Parameters
    ----------
    roles : Roles
    kinds : sequence of str
        Kind of each column to predict from.
    most, seed : int
        Rows of the sample, and what it is drawn by.
    state : mapping, optional
        What `state` gave, to go on from there.
    """

    def __init__(
        self, roles: Roles, kinds: Sequence[str], most: int, seed: int, state: State | None = None
    ) -> None:
        self.roles, self.kinds = roles, tuple(kinds)
        width = roles.target.width
        known: list[State | None] = [None] * len(kinds)
        self.sample = Sample(most, seed)
        # Rows seen, and the number that moments of the target are about.
        self.seen, self.about = np.zeros(1, np.int64), np.zeros(1)
        if state is not None:
            known = [_part(state, str(k)) for k in range(len(kinds))]
            self.sample = Sample(most, seed, **_part(state, "sample"))
            self.seen, self.about = state["seen"], state["about"]
        self.columns: list[Numbers | Words] = [
            Words(width, own) if kind == "text" else Numbers(kind, own)
            for kind, own in zip(kinds, known, strict=True)
        ]
        self.target = (
            Words(0, None if state is None else _part(state, "target"))
            if roles.target.classes
            else Numbers("number", None if state is None else _part(state, "target"))
        )

    def add(self, batch: Any) -> int:
        """Take a batch in; the number of its rows that count."""
        first = int(self.seen[0])
        rows = rows_of(batch, self.roles)
        self.seen[0] += len(rows.y)
        if not len(rows.y):
            return 0
        moments = self._moments(rows, first)
        chosen, hashes = self.sample.chosen(first, len(rows.y))
        cells = list[Floats]()
        for raw, kind, known in zip(rows.table.columns, self.kinds, self.columns, strict=True):
            if isinstance(known, Words):
                cells.append(known.add(as_words(raw), moments)[chosen].astype(np.float64))
                continue
            if raw.numbers is None and len(raw.words):
                raise InputError(
                    f"Column {short(raw.name, 40)} must hold {kind}s. Got {short(raw.words[0])} instead; correct it or "
                    "make it a missing value."
                )
            x = np.full(len(rows.y), np.nan) if raw.numbers is None else raw.numbers
            known.add(x, rows.weight, raw.name)
            cells.append(x[chosen])
        numbers = first + np.flatnonzero(chosen)
        self.sample.add(
            hashes[chosen], numbers, np.column_stack([*cells, rows.y[chosen], rows.weight[chosen]])
        )
        return len(rows.y)

    def _moments(self, rows: RoleRows, first: int) -> Floats:
        """What each row adds to the moments of its words; targets that are classes are numbered anew."""
        if isinstance(self.target, Numbers):
            self.target.add(rows.y, rows.weight, self.roles.target.name)
            if first == 0:
                self.about[0] = rows.y.mean()
            y = rows.y - self.about[0]
            return np.column_stack([rows.weight, rows.weight * y, rows.weight * y**2])
        raw = RawColumn(self.roles.target.name, "text", codes=rows.y.astype(np.int64), words=rows.labels)
        y = self.target.add(raw, rows.weight[:, None])
        if self.target.crowded or len(self.target.places) > MOST_CLASSES:
            raise InputError(
                f"Column {short(self.roles.target.name, 40)} must hold at most {MOST_CLASSES:,} classes. Got more "
                "instead; for numbers use KANRegressor."
            )
        rows.y[:] = y
        out = np.zeros((len(y), len(self.target.places)))
        out[np.arange(len(y)), y] = rows.weight
        return out

    def state(self) -> State:
        """Everything, as arrays."""
        parts = {str(k): column.state() for k, column in enumerate(self.columns)}
        parts |= {"target": self.target.state(), "sample": self.sample.state()}
        arrays = {f"{part}.{name}": array for part, own in parts.items() for name, array in own.items()}
        return {**arrays, "seen": self.seen.copy(), "about": self.about.copy()}


def as_words(raw: RawColumn) -> RawColumn:
    """A column that holds words elsewhere, where a batch of it happens to hold numbers or nothing."""
    if raw.codes is not None:
        return raw
    values, codes = np.unique(cast(Any, raw.numbers), return_inverse=True)
    words = tuple(as_word(value, raw.kind) for value in values.tolist())
    gaps = np.array([word == "" for word in words])
    codes = np.where(gaps[codes], -1, codes) if len(words) else codes
    return RawColumn(raw.name, "text", codes=codes.astype(np.int64), words=words)


def _part(state: State, name: str) -> State:
    begin = f"{name}."
    return {key.removeprefix(begin): array for key, array in state.items() if key.startswith(begin)}
