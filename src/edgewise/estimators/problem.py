"""From raw training rows to a network: rows in canonical order, encoding, screening, training."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, charge, running
from edgewise.data import Encoding, learn_encoding
from edgewise.data.encoding import CELL
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.data.identifiers import IDENTIFIER
from edgewise.estimators.constraints import (
    NO_WISHES,
    Wishes,
    constraints_of,
    in_raw_units,
    unbound_sentence,
)
from edgewise.estimators.screen import screened
from edgewise.estimators.suspects import giveaways, giveaways_sentence, identifiers
from edgewise.estimators.targets import power_of_two
from edgewise.explaining.conformal import Misses, out_of_bag_misses
from edgewise.network import KAN, mask_edges
from edgewise.simplifying import edge_scores
from edgewise.training import Callback, Record, TableFit, fit_table
from edgewise.training.common.losses import LOG_LOSSES, check_means
from edgewise.training.common.records import Listeners
from edgewise.training.config import DEFAULT, TableConfig
from edgewise.training.tabular.job import GLANCE_ROWS

# Rows for each edge function below which single curves are not to be relied on.
ROWS_AN_EDGE = 3
# Seconds that are left when none are.
_SOON = 1e-3
# Rows are summed in single precision, where smaller weights vanish beside the largest.
_NEGLIGIBLE = 2.0**-23
# Numbers of the widest layer in a chunk of rows, and its fewest rows: inner values stay near the processor.
_CHUNK, _FEWEST = 1 << 18, 1_024


@dataclass(frozen=True, eq=False)
class EstimatorProblem:
    """Raw rows with what they shall predict.

    Parameters
    ----------
    table : RawTable
        n rows.
    y : array of shape (n,) or (n, k)
        Numbers, or class numbers.
    weight : array of shape (n,) or None
        Sample weights.
    factors : array of shape (classes,) or None
        What the weight of a row is multiplied by, class by class.
    loss : "squared", "logistic" or "cross_entropy"
    outputs : tuple of str
        Names of the network's outputs.
    groups : array of shape (n,) or None
        Numbers of groups whose rows are left out together.
    """

    table: RawTable
    y: Floats
    weight: Floats | None
    factors: Floats | None
    loss: str
    outputs: tuple[str, ...]
    groups: NDArray[np.int64] | None = None

    @property
    def level_targets(self) -> Floats:
        """What levels are ordered by, (n, k): the target, or a column for each class."""
        if self.loss == "cross_entropy":
            return np.eye(len(self.outputs))[self.y.astype(np.int64)]
        return self.y.reshape(len(self.y), -1)

    def take(self, rows: NDArray[np.int64]) -> EstimatorProblem:
        """Some of the rows."""
        weight, groups = (None if part is None else part[rows] for part in (self.weight, self.groups))
        return replace(self, table=self.table.take(rows), y=self.y[rows], weight=weight, groups=groups)

    def canonical(self) -> EstimatorProblem:
        """The problem in an order that depends on the rows alone, class factors merged into the weights."""
        rows, weight = canonical_rows(self.table, self.y, self.weight, self.groups)
        y = self.y[rows]
        if self.factors is not None:
            own = self.factors[y.astype(np.int64)]
            weight = own if weight is None else own * weight
        if weight is not None:
            counted = weight > _NEGLIGIBLE * weight.max()
            rows, y, weight = rows[counted], y[counted], weight[counted]
        return replace(self.take(rows), weight=weight, factors=None)


@dataclass(frozen=True)
class TrainSettings:
    """How to train."""

    mode: str
    hidden: int | None
    members: str | int
    work: float
    seconds: float | None
    seed: int
    callbacks: tuple[Callback, ...]
    max_inputs: int
    interactions: str | int | None = None
    wishes: Wishes = NO_WISHES
    output_range: tuple[float, float] | None = None
    config: TableConfig = DEFAULT
    # Of numbers.
    loss: str = "squared"
    quantile: float = 0.5
    power: float | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """A network on encoded columns, and what is remembered of its training."""

    network: KAN
    encoding: Encoding
    fit: TableFit
    importances: Floats
    left_out: tuple[str, ...]
    misses: Misses | None = None


def train(problem: EstimatorProblem, settings: TrainSettings, of: str) -> Trained:
    """Encode the rows, screen the columns where there are too many, and train a network.

    The same rows, weights and settings give the same network, in whatever order the rows come.
    """
    meter = Meter(seconds=settings.seconds)

    Listeners(settings.callbacks, meter, lambda: Record("encoding", 0, math.nan, None, meter.seconds, 0))
    stopped, rows, glance = None, problem.table.n_rows, GLANCE_ROWS
    with one_thread():
        try:
            with running(meter):
                encoded = _encoded(problem, settings, of)
        except StopError as stop:
            stopped = meter.own(stop)
            chosen = numpy_generator(derive(settings.seed, 32)).permutation(rows)[:glance]
            encoded = _encoded(problem.take(np.sort(chosen)), settings, of)
        left = None if settings.seconds is None else max(settings.seconds - meter.seconds, _SOON)
        settings = replace(settings, seconds=left if stopped is None else _SOON)
        trained = _trained_on(*encoded, settings)
    if stopped is None:
        return trained
    note = f"Learned from a random {glance:,} of the {rows:,} rows: {stopped.advice[0].lower()}{stopped.advice[1:]}"
    fit = replace(trained.fit, stop_reason=stopped, events=(*trained.fit.events, note))
    return replace(trained, fit=fit)


def _encoded(
    problem: EstimatorProblem, settings: TrainSettings, of: str
) -> tuple[EstimatorProblem, Encoding, Floats, tuple[str, ...]]:
    """Rows in canonical order, their encoding, the inputs of the network, and the columns that were screened out."""
    problem = problem.canonical()
    encoding = learn_encoding(problem.table, problem.level_targets, sample_weight=problem.weight)
    settings.wishes.check(encoding.column_names)
    encoding = _without_identifiers(problem, encoding, settings)
    encoding = in_raw_units(encoding, settings.wishes)
    inputs = encoding.apply(problem.table)
    encoding, left_out = screened(encoding, inputs, problem.level_targets, settings.max_inputs, of)
    if left_out:
        inputs = encoding.apply(problem.table)
    return problem, encoding, inputs, left_out


def _without_identifiers(problem: EstimatorProblem, encoding: Encoding, settings: TrainSettings) -> Encoding:
    """The encoding without columns that number the rows; one that a constraint names is asked for."""
    found = identifiers(problem.table, settings.config.identifier_rows)
    names = [name for name in found if name not in settings.wishes.columns]
    if all(column.dropped or column.name in names for column in encoding.columns):
        return encoding
    return encoding.without(names, IDENTIFIER) if names else encoding


def _trained_on(
    problem: EstimatorProblem,
    encoding: Encoding,
    inputs: Floats,
    left_out: tuple[str, ...],
    settings: TrainSettings,
) -> Trained:
    fit = _trained(problem, encoding, inputs, settings)
    # Means have no errors of one width.
    misses = None if left_out or fit.curve == "exp" else _misses(problem, fit)
    if left_out:
        # Columns were chosen on all rows, so errors on rows held out of training are no measure of new ones.
        note = "No held-out error is given: the columns were chosen on all rows."
        fit = replace(fit, validation_error=None, events=(*fit.events, note))
    numbering = [column.name for column in encoding.columns if getattr(column, "reason", "") == IDENTIFIER]
    said = [f"Column {short(name, 40)} is left out: {IDENTIFIER}." for name in numbering]
    said += [encoding.codes_sentence, unbound_sentence(encoding, settings.wishes)]
    said += [giveaways_sentence(giveaways(problem.table, problem.y))]
    edges = sum(int(layer.mask.sum()) for layer in fit.network.layers)
    if len(inputs) < ROWS_AN_EDGE * edges:
        said.append(
            f"{plural(edges, 'edge function')} were learned from {plural(len(inputs), 'row')}: "
            "do not read much into a single curve."
        )
    fit = replace(fit, events=(*fit.events, *filter(None, said)))
    importances = column_importances(fit.network, encoding, inputs, settings.config)
    return Trained(fit.network, encoding, fit, importances, left_out, misses)


def _misses(problem: EstimatorProblem, fit: TableFit) -> Misses | None:
    """Errors of numbers that were predicted out of bag."""
    if problem.loss in ("logistic", "cross_entropy") or fit.held is None or fit.out_of_bag is None:
        return None
    rows = fit.held.numpy()
    weight = np.ones(len(rows)) if problem.weight is None else problem.weight[rows]
    truth = problem.y.reshape(len(problem.y), -1)[rows]
    return out_of_bag_misses(truth, fit.out_of_bag.numpy(), weight)


def _trained(
    problem: EstimatorProblem, encoding: Encoding, inputs: Floats, settings: TrainSettings
) -> TableFit:
    y = problem.y
    limits = settings.output_range
    if limits is not None:
        if len(problem.outputs) > 1:
            raise InputError(
                argument="output_range",
                expected="be asked of one output, a number or two classes",
                got=f"{len(problem.outputs)} outputs",
            )
        if problem.loss == "squared" and (y.min() < limits[0] or y.max() > limits[1]):
            raise InputError(
                argument="output_range",
                expected=f"hold all of y, which reaches from {y.min():.6g} to {y.max():.6g}",
                got=short(limits),
            )
    if settings.loss in LOG_LOSSES:
        check_means(settings.loss, torch.from_numpy(y))
    if (y == y[0]).all() and (limits is None or problem.loss == "squared"):
        return constant(problem, encoding)
    size = power_of_two(y) if problem.loss == "squared" else 1.0
    constraints = constraints_of(encoding, settings.wishes, size)
    fit = fit_table(
        inputs,
        y / size if size != 1.0 else y,
        loss=settings.loss if problem.loss == "squared" else problem.loss,
        quantile=settings.quantile,
        power=settings.power,
        sample_weight=problem.weight,
        groups=problem.groups,
        mode=settings.mode,
        members=settings.members,
        hidden=settings.hidden,
        names=encoding.names,
        outputs=problem.outputs,
        work=settings.work,
        seconds=settings.seconds,
        seed=settings.seed,
        callbacks=settings.callbacks,
        interactions=settings.interactions,
        constraints=constraints,
        output_range=None if limits is None else (limits[0] / size, limits[1] / size),
        config=settings.config,
    )
    if size == 1.0:
        return fit
    predicted = None if fit.out_of_bag is None else fit.out_of_bag * size
    return replace(fit, network=magnified(fit.network, size), out_of_bag=predicted)


def constant(problem: EstimatorProblem, encoding: Encoding) -> TableFit:
    """A network without edges for rows that all have the same target."""
    net = KAN(
        [len(encoding.names), len(problem.outputs)],
        input_names=encoding.names,
        output_names=problem.outputs,
        seed=0,
        dtype=torch.float64,
    )
    edges = [(0, i, o) for i in range(net.shape[0]) for o in range(net.shape[-1])]
    net = mask_edges(net, edges).network
    with torch.no_grad():
        net.output_shift.copy_(torch.from_numpy(_constant_outputs(problem)))
    message = "All rows have the same target, and so has the model."
    return TableFit(
        network=net,
        history=(),
        message=message,
        stop_reason=StopReason.EXACT,
        seconds=0.0,
        mode="constant",
        members=1,
        validation_error=None,
    )


def _constant_outputs(problem: EstimatorProblem) -> Floats:
    """The target itself; for classes the logits of Laplace's rule, which leaves those not seen a chance."""
    if problem.loss == "squared":
        return problem.y[0].reshape(-1)
    n, only = len(problem.y), int(problem.y[0])
    if problem.loss == "logistic":
        return np.array([np.log(2 * n + 1) * (1.0 if only == 1 else -1.0)])
    logits = np.zeros(len(problem.outputs))
    logits[only] = np.log(2 * n + 1)
    return logits


def magnified(net: KAN, factor: float) -> KAN:
    """The network with its outputs multiplied by a number; a power of two changes no digit."""
    scaled = mask_edges(net, []).network
    with torch.no_grad():
        scaled.output_shift.mul_(factor)
        scaled.output_scale.mul_(factor)
    return scaled


def outputs_of(net: KAN, inputs: Floats) -> Floats:
    """Outputs of the network, (n, outputs), without ever holding more than a chunk of its inner values."""
    out = np.empty((len(inputs), net.shape[-1]))
    chunk = max(_CHUNK // max(net.shape), _FEWEST)
    with one_thread(), torch.no_grad():
        for start in range(0, len(inputs), chunk):
            part = torch.from_numpy(inputs[start : start + chunk]).to(net.output_shift)
            out[start : start + chunk] = net(part).to(torch.float64).cpu().numpy()
    return out


def column_importances(net: KAN, encoding: Encoding, inputs: Floats, config: TableConfig = DEFAULT) -> Floats:
    """For each raw column how much its inputs move the outputs, as shares that sum to one."""
    step = -(-len(inputs) // config.importance_rows)
    scores = edge_scores(net, inputs[::step]).inputs.to(torch.float64).cpu().numpy()
    largest = scores.max(initial=0.0)
    if not (np.isfinite(largest) and largest > 0):
        return np.zeros(len(encoding.columns))
    squares = np.bincount(encoding.sources, weights=(scores / largest) ** 2, minlength=len(encoding.columns))
    shares = np.sqrt(squares)
    return shares / shares.sum()


# Whole-numbered weights become repeated rows up to this many rows; beyond it they stay weights.
MOST_REPEATED = 100_000

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


# Rows are sorted by a hash of their content. A fit is then a function of the set of rows and their weights: the order of the
# rows makes no difference, and a row of weight two is, to the bit, the row given twice.
def canonical_rows(
    table: RawTable, y: Floats, weight: Floats | None, groups: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], Floats | None]:
    """Which rows to learn from, in which order, and their weights (None where all count the same).

    Parameters
    ----------
    table : RawTable
        n rows.
    y : array of shape (n,) or (n, k)
    weight, groups : array of shape (n,), optional
    """
    hashes = _hashes(table, y)
    order = np.argsort(hashes, kind="stable") if groups is None else np.lexsort((groups, hashes))
    if weight is None:
        return order, None
    order = order[weight[order] > 0]
    own = weight[order]
    if bool((own == own[0]).all()) and not float(own[0]).is_integer():
        return order, None
    total = float(own.sum())
    if bool((own == np.floor(own)).all()) and total <= max(MOST_REPEATED, 2 * len(own)):
        return np.repeat(order, own.astype(np.int64)), None
    return order, own


def _hashes(table: RawTable, y: Floats) -> NDArray[np.uint64]:
    """One number a row, equal for equal rows."""
    state = np.zeros(table.n_rows, dtype=np.uint64)
    for column in table.columns:
        charge(CELL * table.n_rows)
        state = _mixed(state, _bits(column))
    for target in np.asarray(y, dtype=np.float64).reshape(table.n_rows, -1).T:
        state = _mixed(state, _float_bits(target))
    return state


def _mixed(state: NDArray[np.uint64], value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One round of a multiplicative hash; it wraps around, which is meant."""
    state = (state ^ value) * _MULTIPLIER
    return state ^ (state >> _SHIFT)


def _bits(column: RawColumn) -> NDArray[np.uint64]:
    if column.codes is None:
        return _float_bits(cast(Floats, column.numbers))
    # Codes number the words in the order of the rows; their own hashes do not depend on it.
    words = np.array([_word_bits(word) for word in (*column.words, "")], dtype=np.uint64)
    return words[cast(Any, column.codes)]


def _word_bits(word: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


def _float_bits(x: Floats) -> NDArray[np.uint64]:
    plain = np.where(np.isnan(x), np.nan, x + 0.0)  # one NaN, one zero
    return plain.view(np.uint64)
