"""Rows that mitigated models learn from and rows that judge them, in the same groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import check_weights
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, short
from edgewise._core.errors import InputError
from edgewise.auditing.groups import Grouping, groupings, intersection
from edgewise.auditing.subject import AuditedModel, subject
from edgewise.data.encoding_raw import RawTable, raw_table
from edgewise.data.splitting import split


class KnownRows:
    """Rows with what is known of them."""

    def __init__(self, X: Any, actual: Floats, grouping: Grouping, weight: Floats) -> None:
        self.X, self.actual, self.grouping, self.weight = X, actual, grouping, weight


def learn_and_judge(
    model: Any,
    X: Any,
    y: Any,
    protected: Any,
    test: tuple[Any, Any] | None,
    fraction: float,
    positive: Any,
    threshold: float | None,
    sample_weight: Any,
    bins: Mapping[str, Sequence[float]] | None,
    seed: int,
) -> tuple[KnownRows, KnownRows, AuditedModel, list[str]]:
    """Rows to learn from and rows that judge, in the same groups."""
    table = raw_table(X)
    who, actual = subject(model, y, table.n_rows, positive=positive, threshold=threshold)
    if not table.named and who.fit is not None:
        table = table.select(who.fit.columns)
    weight = check_weights(sample_weight, table.n_rows)
    n = table.n_rows
    if test is None:
        grouping = _grouping(protected, table, bins)
        first, second = split(n, fraction, seed, classes=actual)
        part: Callable[[NDArray[np.int64]], Any] = (
            table.take if who.fit is not None else lambda rows: _taken(X, rows)
        )
        learn = KnownRows(part(first), actual[first], grouping.take(first), weight[first])
        judge = KnownRows(part(second), actual[second], grouping.take(second), weight[second])
        return learn, judge, who, list(grouping.attributes)
    pair = as_tuple(test, "test", "a table and its outcomes")
    if len(pair) != 2:
        raise InputError(argument="test", expected="be a pair (X, y)", got=short(test))
    other = raw_table(pair[0])
    if not other.named and who.fit is not None:
        other = other.select(who.fit.columns)
    _, later = subject(model, pair[1], other.n_rows, positive=positive, threshold=threshold)
    names = [protected] if isinstance(protected, str) else list(protected)
    # Groups are named over all rows at once, so that cuts and codes are the same on both sides.
    both = _grouping({name: _cells(table, other, name) for name in names}, table, bins, n + other.n_rows)
    at = np.arange(n + other.n_rows)
    learn = KnownRows(table if who.fit is not None else X, actual, both.take(at[:n]), weight)
    judge = KnownRows(
        other if who.fit is not None else pair[0], later, both.take(at[n:]), np.ones(other.n_rows)
    )
    return learn, judge, who, list(both.attributes)


def _grouping(
    protected: Any, table: RawTable, bins: Mapping[str, Sequence[float]] | None, n: int | None = None
) -> Grouping:
    known = table if n is None else RawTable((), n, named=True)
    parts = groupings(protected, known, bins)
    return parts[0] if len(parts) == 1 else intersection(parts)


def _cells(first: RawTable, second: RawTable, name: str) -> list[Any]:
    cells = list[Any]()
    for table in (first, second):
        column = next((each for each in table.columns if each.name == name), None)
        if column is None:
            raise InputError(
                subject=f"The protected attribute {name!r}",
                expected="be a column of X and of the test rows",
                got="one without",
            )
        if column.codes is not None:
            cells += [None if code < 0 else column.words[code] for code in column.codes.tolist()]
        else:
            cells += np.asarray(column.numbers).tolist()
    return cells


def _taken(X: Any, rows: NDArray[np.int64]) -> Any:
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        import narwhals as nw

        frame: Any = nw.from_native(X, eager_only=True)
        return frame[rows.tolist()].to_native()
    if isinstance(X, Mapping):
        return {name: np.asarray(values)[rows] for name, values in X.items()}
    return np.asarray(X)[rows]
