"""One pass over a dataset, shared among workers: what its columns are for and hold, and a sample of its rows.

Sketches depend on the order in which parts are put together. So the rows fall into leaves that depend on the files alone,
and what is counted of numbers goes up one fixed binary tree over the leaves: a worker keeps the nodes that are whole so far,
a logarithm of their number, and whoever joins two workers goes on where the first has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import as_word, as_words
from edgewise.data.encoding_raw import RawColumn, RawTable, column_error, raw_table
from edgewise.data.streaming.columns import LEAF_BITS, MOST_SKETCHED, Numbers, Sample, State, Target, Words
from edgewise.data.streaming.source import Batch, Source


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
            raise column_error(
                roles.weight,
                "hold weights of zero or more",
                got=f"{weight[~(np.isfinite(weight) & (weight >= 0))][0]} among them",
            )
    labels: tuple[str, ...] = ()
    if roles.target.classes:
        labels, y = _labels(target)
    else:
        y = _numbers(target, "numbers")
    gaps = y < 0 if roles.target.classes else ~np.isfinite(y)
    if gaps.any():
        raise column_error(
            target.name,
            "hold the target of every row",
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
        raise column_error(
            raw.name,
            f"hold {what}",
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


MOST_CLASSES = 1_000
_TARGET = "target"


@dataclass(frozen=True, eq=False)
class _LeafCounts:
    """What was counted of the columns of numbers over leaves [index 2^level, (index + 1) 2^level)."""

    level: int
    index: int
    columns: dict[str, Numbers]

    def with_next(self, other: _LeafCounts) -> _LeafCounts:
        """With the leaves behind."""
        for name, column in self.columns.items():
            column.merge(other.columns[name])
        return _LeafCounts(self.level + 1, self.index // 2, self.columns)


class Counting:
    """Counts over the batches so far.

    Parameters
    ----------
    roles : Roles
    kinds : sequence of str
        Kind of each column to predict from.
    most, seed : int
        Rows of the sample, and what it is drawn by.
    state : mapping, optional
        What `state` gave, to go on from there.
    total : int, optional
        Rows of all workers, where that is known: of very many a sketch takes some.
    """

    def __init__(
        self,
        roles: Roles,
        kinds: Sequence[str],
        most: int,
        seed: int,
        state: State | None = None,
        total: int | None = None,
    ) -> None:
        self._drawn = min(1.0, MOST_SKETCHED / max(total or 1, 1))
        self.roles, self.kinds, self.sample = roles, tuple(kinds), Sample(most, seed)
        # Rows seen of each leaf, and the number that moments of the target are about.
        self.seen, self.about = np.empty((0, 2), np.int64), np.zeros(1)
        kind_of = {str(k): kind for k, kind in enumerate(kinds)}
        kind_of[_TARGET] = "text" if roles.target.classes else "number"
        self._numeric = {name: kind for name, kind in kind_of.items() if kind != "text"}
        width = {name: 0 if name == _TARGET else roles.target.width for name in kind_of}
        words = [name for name, kind in kind_of.items() if kind == "text"]
        self.words = {
            name: Words(width[name], None if state is None else _part(state, name)) for name in words
        }
        self._nodes = list[_LeafCounts]()
        if state is not None:
            known = _part(state, "sample")
            self.sample = Sample(most, seed, known["hashes"], known["numbers"], known["cells"])
            self.seen, self.about = state["seen"], state["about"]
            for at, (level, index) in enumerate(state["nodes"].tolist()):
                own = _part(state, f"node {at}")
                columns = {name: Numbers(kind, _part(own, name)) for name, kind in self._numeric.items()}
                self._nodes.append(_LeafCounts(level, index, columns))

    def prepared(self, batch: tuple[int, Batch]) -> tuple[int, RoleRows]:
        """What `add` takes."""
        return batch[0], rows_of(batch[1], self.roles)

    def add(self, batch: tuple[int, RoleRows]) -> int:
        """Take in rows of a leaf, not before those that come before it; the number of those that count."""
        leaf, rows = batch
        count = len(rows.y)
        if not count:
            return 0
        first = self._open(leaf, count)
        columns = self._nodes[-1].columns
        chosen, hashes = self.sample.chosen(first, count)
        drawn = hashes < np.uint64(2**63 * self._drawn) * 2 if self._drawn < 1 else np.ones(count, dtype=bool)
        moments = self._moments(rows, columns, drawn)
        cells = list[Floats]()
        for k, (raw, kind) in enumerate(zip(rows.table.columns, self.kinds, strict=True)):
            if kind == "text":
                cells.append(self.words[str(k)].add(as_words(raw), moments)[chosen].astype(np.float64))
                continue
            if raw.numbers is None and len(raw.words):
                raise column_error(
                    raw.name,
                    f"hold {kind}s",
                    got=short(raw.words[0]),
                    advice="correct it or make it a missing value",
                )
            x = np.full(count, np.nan) if raw.numbers is None else raw.numbers
            columns[str(k)].add(x, rows.weight, drawn, raw.name)
            cells.append(x[chosen])
        numbers = first + np.flatnonzero(chosen)
        self.sample.add(
            hashes[chosen], numbers, np.column_stack([*cells, rows.y[chosen], rows.weight[chosen]])
        )
        return count

    def _open(self, leaf: int, count: int) -> int:
        """Make room for so many rows of a leaf; the number of the first."""
        if not len(self.seen) or self.seen[-1, 0] != leaf:
            self._carry()
            columns = {name: Numbers(kind) for name, kind in self._numeric.items()}
            self._nodes.append(_LeafCounts(0, leaf, columns))
            self.seen = np.vstack([self.seen, [leaf, 0]])
        first = (leaf << LEAF_BITS) + int(self.seen[-1, 1])
        self.seen[-1, 1] += count
        return first

    def _carry(self) -> None:
        """Put nodes together that are the two halves of one, as in binary addition."""
        while len(self._nodes) > 1:
            one, other = self._nodes[-2:]
            if one.level != other.level or one.index % 2 or one.index + 1 != other.index:
                return
            self._nodes[-2:] = [one.with_next(other)]

    def _moments(self, rows: RoleRows, columns: dict[str, Numbers], drawn: NDArray[np.bool_]) -> Floats:
        """What each row adds to the moments of its words; targets that are classes are numbered anew."""
        if not self.roles.target.classes:
            columns[_TARGET].add(rows.y, rows.weight, drawn, self.roles.target.name)
            if self.seen[:, 1].sum() == len(rows.y):
                mean = rows.y.mean()
                # Sums of whole numbers about a whole number are exact, so that ties stay ties.
                self.about[0] = np.rint(mean) if (rows.y == np.rint(rows.y)).all() else mean
            y = rows.y - self.about[0]
            return np.column_stack([rows.weight, rows.weight * y, rows.weight * y**2])
        raw = RawColumn(self.roles.target.name, "text", codes=rows.y.astype(np.int64), words=rows.labels)
        y = self.words[_TARGET].add(raw, rows.weight[:, None])
        self._check_classes()
        rows.y[:] = y
        out = np.zeros((len(y), len(self.words[_TARGET].places)))
        out[np.arange(len(y)), y] = rows.weight
        return out

    def _check_classes(self) -> None:
        known = self.words[_TARGET]
        if known.crowded or len(known.places) > MOST_CLASSES:
            raise column_error(
                self.roles.target.name,
                f"hold at most {MOST_CLASSES:,} classes",
                got="more",
                advice="for numbers use KANRegressor",
            )

    def merge(self, other: Counting) -> Counting:
        """With what another has counted of leaves behind those of this one; neither is to be used any more."""
        if not len(other.seen):
            return self
        if not len(self.seen):
            return other
        for node in other._nodes:
            self._carry()
            self._nodes.append(node)
        cells = other.sample.settle().cells
        classes: Ints | None = None
        if self.roles.target.classes:
            known = other.words[_TARGET]
            classes = self.words[_TARGET].merge(known, known.moments)
            self._check_classes()
            cells[:, -2] = classes[cells[:, -2].astype(np.int64)]
        for name, known in other.words.items():
            if name != _TARGET:
                own = self.words[name]
                lookup = own.merge(known, self._brought(known.moments, other, classes))
                places = cells[:, int(name)].astype(np.int64)
                cells[:, int(name)] = -1 if own.crowded else lookup[places]
        self.seen = np.vstack([self.seen, other.seen])
        self.sample.add(other.sample.hashes, other.sample.numbers, cells)
        return self

    def _brought(self, moments: Floats, other: Counting, classes: Ints | None) -> Floats:
        """Moments of another about the number of this one, or in the order of its classes."""
        if classes is not None:
            out = np.zeros((len(moments), 1 + len(self.words[_TARGET].places)))
            out[:, 0] = moments[:, 0]
            out[:, 1 + classes[: moments.shape[1] - 1]] = moments[:, 1:]
            return out
        by = other.about[0] - self.about[0]
        rows, weight, first, second = moments.T
        return np.column_stack([rows, weight, first + by * weight, second + by * (2 * first + by * weight)])

    def finished(self) -> Statistics:
        """What was found; nothing may be added any more."""
        self._carry()
        columns = {name: Numbers(kind) for name, kind in self._numeric.items()}
        if self._nodes:
            columns = self._nodes[-1].columns
        for node in reversed(self._nodes[:-1]):
            columns = node.with_next(_LeafCounts(node.level, node.index + 1, columns)).columns
        known: dict[str, Numbers | Words] = {**columns, **self.words}
        offsets = np.zeros(int(self.seen[:, 0].max(initial=0)) + 1, np.int64)
        offsets[self.seen[1:, 0]] = np.cumsum(self.seen[:-1, 1])
        return Statistics(
            self.roles,
            tuple(known[str(k)] for k in range(len(self.kinds))),
            known[_TARGET],
            self.sample.in_order(offsets),
            int(self.seen[:, 1].sum()),
            offsets,
        )

    def state(self) -> State:
        """Everything, as arrays."""
        parts = {name: column.state() for name, column in self.words.items()} | {
            "sample": self.sample.state()
        }
        for at, node in enumerate(self._nodes):
            own = {name: column.state() for name, column in node.columns.items()}
            parts[f"node {at}"] = _joined(own)
        nodes = np.array([[node.level, node.index] for node in self._nodes], np.int64).reshape(-1, 2)
        return {**_joined(parts), "seen": self.seen.copy(), "about": self.about.copy(), "nodes": nodes}


def _joined(parts: dict[str, State]) -> State:
    return {f"{part}.{name}": array for part, own in parts.items() for name, array in own.items()}


def _part(state: State, name: str) -> State:
    begin = f"{name}."
    return {key.removeprefix(begin): array for key, array in state.items() if key.startswith(begin)}
