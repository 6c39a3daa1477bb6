"""Estimators on datasets that are read in batches: statistics, encoding, passes, and one network."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import is_classifier

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, numpy_generator
from edgewise._core.stopping import tell
from edgewise._core.threads import one_thread
from edgewise.data import Encoding
from edgewise.data.encoding_raw import RawTable, column_error
from edgewise.data.streaming.counting import Counting, RoleRows, Roles, Statistics, roles_of, rows_of
from edgewise.data.streaming.encode import learned, masses, sampled
from edgewise.data.streaming.source import Source, ahead, kind_of
from edgewise.data.streaming.spool import dataset
from edgewise.estimators.problem import EstimatorProblem, Trained, TrainSettings, column_importances, constant
from edgewise.estimators.screen import screened
from edgewise.estimators.targets import class_factors
from edgewise.explaining.conformal import out_of_bag_misses
from edgewise.training import Record
from edgewise.training.common.workers import joined, place
from edgewise.training.streaming.as_network import DeepSettings
from edgewise.training.streaming.checkpoints import Passes
from edgewise.training.streaming.fit import StreamedRows, fit_streamed
from edgewise.training.streaming.sums import Encoded
from edgewise.training.tabular.assembly import Ends

# Rows of the sample, which finds coordinates, starts Newton's method and judges what has not learned from it.
SAMPLE_ROWS = 100_000
# Newton's method goes through one in so many leaves first where there are twice as many, each some 262,144 rows.
ONE_IN = 16
# Rows between two checkpoints: seconds of work.
CHECKPOINT_ROWS = 2_000_000


@dataclass(frozen=True, eq=False)
class Streamed:
    """What a fit to a dataset gives an estimator.

    Attributes
    ----------
    trained : Trained
    table : RawTable
        The sample.
    classes : array, or None
    """

    trained: Trained
    table: RawTable
    classes: NDArray[Any] | None


def fit_dataset(
    model: Any, data: Any, target: Any, sample_weight: Any, settings: TrainSettings, checkpoint: Any = None
) -> Streamed:
    """Fit to a dataset in constant memory.

    Parameters
    ----------
    model : KANRegressor or KANClassifier
        That asks; it is left as it is.
    data : path, pattern, folder, list of paths, pyarrow dataset, Polars LazyFrame, or iterator of frames
    target, sample_weight : str
        Names of columns.
    settings : TrainSettings
    checkpoint : path, optional
        A folder that keeps what has been summed.
    """
    _check(settings, sample_weight)
    class_weight = getattr(model, "class_weight", None)
    threads, (rank, workers) = torch.get_num_threads(), place()
    with dataset(data) as source, one_thread():
        roles = roles_of(source, target, sample_weight, is_classifier(model))
        marks = (source.fingerprint, repr(roles), repr(settings), repr(class_weight), SAMPLE_ROWS)
        passes = Passes(
            None if checkpoint is None else Path(checkpoint, *([f"worker-{rank}"] if rank else [])),
            hashlib.sha256(repr(marks).encode()).hexdigest(),
            CHECKPOINT_ROWS,
            _reporter(settings, source.share(rank, workers).rows),
        )
        statistics = _statistics(source, roles, settings, passes)
        of = type(model).__name__
        streamed = _fitted(source, statistics, settings, class_weight, passes, threads, of)
        passes.clear()
        return streamed


def _check(settings: TrainSettings, sample_weight: Any) -> None:
    """What is fitted in memory alone."""
    if sample_weight is not None and not isinstance(sample_weight, str):
        raise InputError(
            argument="sample_weight", expected="name a column of the dataset", got=short(sample_weight)
        )
    for name, given, allowed in (
        ("seconds", settings.seconds, settings.seconds is None),
        ("monotone, convex or bounds", settings.wishes, not settings.wishes.columns),
        ("output_range", settings.output_range, settings.output_range is None),
        ("loss", settings.loss, settings.loss == "squared"),
    ):
        if not allowed:
            raise InputError(
                argument=name,
                expected=(
                    "be left out for a dataset that is read in batches, which gets functions of single "
                    "columns and of pairs"
                ),
                got=short(given),
                advice="fit to a sample in memory for that",
            )


def _statistics(source: Source, roles: Roles, settings: TrainSettings, passes: Passes) -> Statistics:
    kinds = [_kind(kind_of(source.schema.field(name).type), name) for name in roles.columns]

    def make(state: Any) -> Counting:
        return Counting(roles, kinds, SAMPLE_ROWS, settings.seed, state, source.rows)

    def find() -> Any:
        batches = lambda start: ahead(source.counted(roles.read, start, *place()))  # noqa: E731
        own = passes.run("statistics", make, batches, shared=False)
        return joined(own.state(), lambda one, other: make(one).merge(make(other)).state())

    return make(passes.stage("statistics", find, shared=False)).finished()


def _kind(kind: str, name: str) -> str:
    if kind == "nothing":
        return "number"  # a column of gaps, which is left out
    if kind not in ("number", "bool", "date", "text"):
        raise column_error(
            name, "hold numbers, words, truth values or dates", got=kind, advice="leave it out"
        )
    return kind


def _fitted(
    source: Source,
    statistics: Statistics,
    settings: TrainSettings,
    class_weight: Any,
    passes: Passes,
    threads: int,
    of: str,
) -> Streamed:
    roles, (table, y, weight) = statistics.roles, sampled(statistics)
    coding = _Coding.of(statistics, source, y, weight, class_weight)
    encoding, left_out = _encoding(statistics, coding, table, y, settings, of)
    if coding.constant(statistics):
        problem = EstimatorProblem(table, coding.problem_target(y), weight, None, coding.loss, coding.outputs)
        fit = constant(problem, encoding)
        trained = Trained(fit.network, encoding, fit, np.zeros(len(encoding.columns)), left_out)
        return Streamed(trained, table, coding.classes)

    def batches_of(chosen: Source) -> Callable[[int], Iterator[Encoded]]:
        own = chosen.share(*place())

        def batches(start: int) -> Iterator[Encoded]:
            whole = (rows_of(batch, roles) for batch in own.batches(roles.read, start))
            return ahead(coding.encoded(rows, encoding) for rows in whole)

        return batches

    def blocks(turn: int, start: int) -> Iterator[tuple[Encoded, NDArray[np.int64]]]:
        return ahead(_blocks(source, statistics, coding, encoding, settings.seed, turn, start))

    order = statistics.sample.numbers
    rows = StreamedRows(
        batches_of(source),
        coding.encoded(RoleRows(table, y, weight, coding.named(statistics)), encoding),
        order,
        masses(encoding, statistics),
        _first_inputs(encoding),
        statistics.rows,
        blocks,
        batches_of(source.one_in(ONE_IN)) if len(source.leaves) >= 2 * ONE_IN else None,
        ONE_IN,
    )
    ends = Ends(
        encoding.names, coding.outputs, torch.from_numpy(coding.shift), torch.from_numpy(coding.scale)
    )
    fit = fit_streamed(
        rows,
        loss=coding.loss,
        ends=ends,
        mode=settings.mode,
        interactions=settings.interactions,
        passes=passes,
        config=settings.config,
        threads=threads,
        deep=DeepSettings(settings.hidden or DeepSettings.hidden, settings.work, settings.seed),
    )
    importances = column_importances(fit.network, encoding, rows.sample.inputs, settings.config)
    misses = None
    if coding.loss == "squared" and fit.held is not None and fit.out_of_bag is not None and len(fit.held):
        own = np.searchsorted(order, fit.held.numpy())
        misses = out_of_bag_misses(y[own, None], fit.out_of_bag.numpy(), weight[own])
    return Streamed(Trained(fit.network, encoding, fit, importances, left_out, misses), table, coding.classes)


def _blocks(
    source: Source,
    statistics: Statistics,
    coding: _Coding,
    encoding: Encoding,
    seed: int,
    turn: int,
    start: int,
) -> Iterator[tuple[Encoded, NDArray[np.int64]]]:
    """Blocks of this worker's leaves in the order of a pass, with the numbers of their rows, from one of some number on."""
    (rank, workers), number = place(), 0
    order = numpy_generator(derive(seed, 7106, turn)).permutation(len(source.leaves))
    for leaf in order[rank::workers].tolist():
        own = source.leaves[leaf]
        if own.blocks is not None and number + own.blocks <= start:
            number += own.blocks
            continue
        first = int(statistics.first[leaf]) if leaf < len(statistics.first) else 0
        for batches in own.in_blocks(statistics.roles.read):
            rows = [coding.encoded(rows_of(batch, statistics.roles), encoding) for batch in batches]
            parts = [
                np.concatenate([getattr(row, name) for row in rows]) for name in ("inputs", "y", "weight")
            ]
            numbers = first + np.arange(len(parts[1]))
            first, number = first + len(numbers), number + 1
            if number > start:
                yield Encoded(*parts), numbers


def _encoding(
    statistics: Statistics, coding: _Coding, table: RawTable, y: Floats, settings: TrainSettings, of: str
) -> tuple[Encoding, tuple[str, ...]]:
    encoding = learned(statistics)
    targets = coding.targets(y, coding.named(statistics))
    return screened(encoding, encoding.apply(table), targets, settings.max_inputs, of)


def _first_inputs(encoding: Encoding) -> tuple[int, ...]:
    """Inputs that are columns themselves, and not marks of missing cells or codes."""
    _, first = np.unique(encoding.sources, return_index=True)
    return tuple(first.tolist())


@dataclass(frozen=True, eq=False)
class _Coding:
    """How targets become outputs in network units.

    Attributes
    ----------
    labels : tuple of str
        Classes as the statistics number them; none of numbers.
    place : array of shape (labels,)
        The place of each among the sorted classes.
    """

    labels: tuple[str, ...]
    place: NDArray[np.int64]
    classes: NDArray[Any] | None
    factors: Floats | None
    loss: str
    outputs: tuple[str, ...]
    shift: Floats
    scale: Floats
    unit: float

    @classmethod
    def of(
        cls, statistics: Statistics, source: Source, y: Floats, weight: Floats, class_weight: Any
    ) -> _Coding:
        target, unit = statistics.roles.target, float(weight.mean())
        if not target.classes:
            mean = np.average(y, weights=weight)
            spread = float(np.sqrt(np.average((y - mean) ** 2, weights=weight)))
            scale = np.array([spread if spread > 0 else 1.0])
            none, middle = np.empty(0, np.int64), np.array([mean])
            return cls((), none, None, None, "squared", (target.name,), middle, scale, unit)
        words: Any = statistics.target
        there = words.moments[:-1, 1]
        labels = tuple(word for word, own in zip(words.places, there, strict=True) if own > 0)
        classes, place = _classes(labels, source.schema.field(target.name).type)
        sizes = np.zeros(len(classes))
        sizes[place] = there[there > 0]
        factors = class_factors(class_weight, classes, np.arange(len(classes)), sizes)
        names = [str(label) for label in classes.tolist()]
        binary = len(classes) <= 2
        outputs = (f"log-odds of {names[-1]}",) if binary else tuple(names)
        plain = np.zeros(len(outputs)), np.ones(len(outputs))
        return cls(
            labels, place, classes, factors, "logistic" if binary else "cross_entropy", outputs, *plain, unit
        )

    def named(self, statistics: Statistics) -> tuple[str, ...]:
        """Labels as the sample numbers them."""
        known: Any = statistics.target
        return () if self.classes is None else tuple(known.places)

    def constant(self, statistics: Statistics) -> bool:
        """Whether all rows have the same target."""
        if self.classes is not None:
            return len(self.classes) == 1
        known: Any = statistics.target
        return bool(known.range[0] == known.range[1])

    def problem_target(self, y: Floats) -> Floats:
        """Numbers, or class numbers, which are all the same."""
        return y if self.classes is None else np.zeros(len(y))

    def numbers(self, y: Floats, labels: tuple[str, ...]) -> NDArray[np.int64]:
        """The class number of each row of a batch with labels of its own."""
        known = dict(zip(self.labels, self.place.tolist(), strict=True))
        # A file may list words that none of its rows has.
        return np.array([known.get(label, 0) for label in labels], dtype=np.int64)[y.astype(np.int64)]

    def targets(self, y: Floats, labels: tuple[str, ...]) -> Floats:
        """Targets in network units, (n, D)."""
        if self.classes is None:
            return ((y - self.shift[0]) / self.scale[0])[:, None]
        codes = self.numbers(y, labels)
        if self.loss == "logistic":
            return (codes == len(self.classes) - 1).astype(np.float64)[:, None]
        return np.eye(len(self.classes))[codes]

    def encoded(self, rows: RoleRows, encoding: Encoding) -> Encoded:
        """Rows as a network reads them."""
        weight = rows.weight / self.unit
        if self.factors is not None:
            weight = weight * self.factors[self.numbers(rows.y, rows.labels)]
        return Encoded(encoding.apply(rows.table), self.targets(rows.y, rows.labels), weight)


def _classes(labels: tuple[str, ...], kind: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The classes, sorted, and the place of each label among them."""
    what = kind_of(kind)
    if what == "bool":
        values: NDArray[Any] = np.array([label == "True" for label in labels])
    elif what == "number":
        numbers = np.array([float(label) for label in labels])
        values = numbers.astype(np.int64) if "int" in str(kind) else numbers
    else:
        values = np.array(labels)
    classes, place = np.unique(values, return_inverse=True)
    return classes, place


def _reporter(settings: TrainSettings, rows: int | None) -> Any:
    began, shown = time.monotonic(), [0.0]

    def report(stage: str, done: int, speed: float, part: float) -> None:
        now = time.monotonic()
        if now - shown[0] < 0.5 and done != rows:
            return
        shown[0] = now
        left = "" if rows is None else f", {max(part * rows - done, 0) / speed:,.0f} s left of this pass"
        share = None if rows is None else min(done / max(part * rows, 1), 1.0)
        note = f"{done:,} rows, {speed:,.0f} rows/s{left}"
        tell(settings.callbacks, Record(stage, done, math.nan, None, now - began, 0, note, share))

    return report
