"""partial_fit's memory: a bounded, uniform sample of all rows seen, and training that goes on from a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.seeds import derive, numpy_generator
from edgewise.data import Encoding
from edgewise.data.encoding_raw import RawColumn, RawTable, column_error
from edgewise.estimators.problem import EstimatorProblem, TrainSettings, column_importances
from edgewise.network import KAN
from edgewise.training import TableFit, fit

_FIT_LOSS = {"squared": "squared", "logistic": "cross_entropy", "cross_entropy": "cross_entropy"}


@dataclass(frozen=True, eq=False)
class Reservoir:
    """Rows kept. Every row seen draws a random key; the rows of the smallest keys stay (J. Vitter, 1985)."""

    table: RawTable
    y: Floats
    weight: Floats
    keys: Floats
    seen: int
    seen_at_fit: int

    def problem(self, like: EstimatorProblem) -> EstimatorProblem:
        """The rows kept as a problem."""
        weight = None if (self.weight == 1.0).all() else self.weight
        return replace(like, table=self.table, y=self.y, weight=weight)

    def fitted(self) -> Reservoir:
        """The same rows, remembering that a network was learned from them."""
        return replace(self, seen_at_fit=self.seen)


def kept_rows(before: Reservoir | None, new: EstimatorProblem, seed: int, most: int) -> Reservoir:
    """The rows kept so far and the new ones, thinned to so many at most."""
    seen = 0 if before is None else before.seen
    n = new.table.n_rows
    keys = numpy_generator(derive(seed, 31, seen)).random(n)
    weight = np.ones(n) if new.weight is None else new.weight
    if before is None:
        whole = Reservoir(new.table, new.y, weight, keys, n, 0)
    else:
        whole = Reservoir(
            joined(before.table, new.table),
            np.concatenate([before.y, new.y]),
            np.concatenate([before.weight, weight]),
            np.concatenate([before.keys, keys]),
            seen + n,
            before.seen_at_fit,
        )
    if len(whole.keys) <= most:
        return whole
    rows = np.sort(np.argsort(whole.keys, kind="stable")[:most])
    return replace(
        whole, table=whole.table.take(rows), y=whole.y[rows], weight=whole.weight[rows], keys=whole.keys[rows]
    )


def joined(first: RawTable, second: RawTable) -> RawTable:
    """The rows of two tables of the same columns."""
    second = second.select(first.names)
    columns = tuple(_joined(a, b) for a, b in zip(first.columns, second.columns, strict=True))
    return RawTable(columns, first.n_rows + second.n_rows, first.named)


def _joined(a: RawColumn, b: RawColumn) -> RawColumn:
    if (a.codes is None) != (b.codes is None):
        raise column_error(
            a.name,
            f"hold what it held before, {('numbers' if a.codes is None else 'words')}",
            got=f"{('words' if a.codes is None else 'numbers')}",
        )
    if a.codes is None:
        numbers = np.concatenate([cast(Floats, a.numbers), cast(Floats, b.numbers)])
        return replace(a, numbers=numbers, kind=a.kind if a.kind == b.kind else "number")
    words = dict.fromkeys((*a.words, *b.words))
    place = {word: k for k, word in enumerate(words)}
    move = np.array([*(place[word] for word in b.words), -1], dtype=np.int64)
    return replace(a, codes=np.concatenate([a.codes, move[cast(Any, b.codes)]]), words=tuple(words))


def warm_fit(
    net: KAN, encoding: Encoding, last: TableFit, problem: EstimatorProblem, settings: TrainSettings
) -> tuple[KAN, Encoding, TableFit, Floats]:
    """Train on from a network on the grids it has: the network, its encoding, the fit and the importances of columns."""
    problem = problem.canonical()
    inputs = encoding.apply(problem.table)
    result = fit(
        net,
        inputs,
        problem.y,
        loss=_FIT_LOSS[problem.loss],
        sample_weight=problem.weight,
        intervals=(net.layers[0].intervals,),
        sparsity="auto",
        work=settings.work,
        seconds=settings.seconds,
        seed=settings.seed,
        callbacks=settings.callbacks,
    )
    names = ("network", "history", "message", "stop_reason", "seconds", "validation_error", "events")
    again = replace(last, **{name: getattr(result, name) for name in names})
    importances = column_importances(result.network, encoding, inputs, settings.config)
    return result.network, encoding, again, importances
