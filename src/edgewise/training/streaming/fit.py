"""From batches of rows to one network of functions of single inputs and of pairs: passes, and algebra between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.stopping import StopReason
from edgewise.training.additive.irls import FIRST_WEIGHT
from edgewise.training.common.losses import CrossEntropy, Loss, Squared, negligible_gain
from edgewise.training.common.results import TableFit
from edgewise.training.config import TableConfig
from edgewise.training.first_order.epoch_optimizers import FirstOrderOptions
from edgewise.training.interactions.two_way_tables import BINS, Pair, strongest
from edgewise.training.streaming.as_network import (
    DeepSettings,
    first_breaks,
    first_network,
    layers_of,
    network_of,
)
from edgewise.training.streaming.checkpoints import Passes, State
from edgewise.training.streaming.descent import STAGE, ShuffledRows, StreamedDescent, made_block
from edgewise.training.streaming.features import Features, make_features
from edgewise.training.streaming.quadratic import Directions, NewtonState, Quadratic, directions_of, minimised
from edgewise.training.streaming.sums import Batches, Encoded, LossSums, TwoWaySums, bins_of
from edgewise.training.tabular.assembly import Ends, LayerTensors

# Pairs that join at most unless a number is asked for.
MOST_PAIRS = 8
# Share of the rows that judge, as far as the sample goes.
HELD = 0.2


@dataclass(frozen=True, eq=False)
class StreamedRows:
    """What a fit is to learn from.

    Attributes
    ----------
    batches : callable
        Batches from one of some number on, each time the same.
    sample : Encoded
        Some of the rows, in memory.
    numbers : array of int
        Their numbers.
    masses : sequence of (array, array)
        Of each input the values and how many rows have them.
    paired : sequence of int
        Inputs that may be joined in pairs.
    count : int
        Rows in all.
    part : callable, optional
        Batches of one in so many of the rows, `one_in`, where these are many.
    one_in : int
    blocks : callable
        Blocks of rows with their numbers, of the part of this worker, in the order of some pass and from one of some number
        on.
    """

    batches: Batches
    sample: Encoded
    numbers: NDArray[np.int64]
    masses: Sequence[tuple[Floats, Floats]]
    paired: Sequence[int]
    count: int
    blocks: Callable[[int, int], Iterator[tuple[Encoded, NDArray[np.int64]]]]
    part: Batches | None = None
    one_in: int = 1


@dataclass(frozen=True, eq=False)
class _StreamedSolution:
    """A solved model, and one that has not learned from the rows that judge."""

    features: Features
    directions: Directions
    solution: NewtonState
    held_out: Floats

    def outputs(self, rows: Encoded, theta: Floats) -> Floats:
        """Outputs (n, D) of directions (P + 1, D)."""
        own = [self.directions.features(column) for column in theta.T]
        parts = [self.features.rows(part.inputs) for part in rows.parts()]
        return np.concatenate([np.stack([part.times(column) for column in own], 1) for part in parts])


@own_settings
def fit_streamed(
    rows: StreamedRows,
    *,
    loss: str,
    ends: Ends,
    mode: str,
    interactions: str | int | None,
    passes: Passes,
    config: TableConfig,
    threads: int,
    deep: DeepSettings,
) -> TableFit:
    """Fit functions of single inputs, and of pairs that rows held out support, in a few passes.

    Parameters
    ----------
    rows : StreamedRows
        With targets in network units: (y - shift) / scale, or a column for each output of classes.
    loss : "squared", "logistic" or "cross_entropy"
    ends : Ends
    mode : "auto", "additive", "pairwise" or "deep"
        Deep networks learn what functions of single inputs and of pairs leave over; "auto" leaves them out.
    interactions : int, "auto" or None
        How many pairs.
    passes : Passes
    config : TableConfig
    threads : int
        To sum on; the rest goes on one. The model does not depend on it.
    deep : DeepSettings
        Of the hidden nodes.

    Returns
    -------
    TableFit

    References
    ----------
    S. Wood, Z. Li, G. Shaddick and N. Augustin, "Generalized additive models for gigadata: modeling the U.K. black smoke
    network daily data", 2017, doi:10.1080/01621459.2016.1195744, for additive models from accumulated cross products of few
    distinct or local columns.
    """
    began = time.monotonic()
    job = _Job(rows, Squared() if loss == "squared" else CrossEntropy(), passes)
    features = make_features(rows.masses, rows.sample.inputs, rows.sample.weight, config, threads)
    additive = job.model("single", features, None)
    tried = {"additive": additive}
    asked = interactions if isinstance(interactions, int) else None
    if mode != "additive" and asked != 0:
        pairs = job.strongest(additive, asked)
        if pairs:
            tried["pairwise"] = job.model("pairs", features.with_pairs(pairs), additive)
    losses = {name: job.held_losses(model) for name, model in tried.items()}
    rule = "auto" if interactions == "auto" or mode == "deep" else mode
    chosen, why = _choice(losses, job.held.weight, rule, negligible_gain(job.loss))
    model = tried[chosen]
    answers, layers, reason = model.outputs(job.held, model.held_out), (), StopReason.CONVERGED
    if mode == "deep":
        # All of it has not learned from the rows that judge.
        model = replace(model, solution=replace(model.solution, theta=model.held_out))
        layers, answers, reason = _deepened(job, model, answers, deep)
        losses["deep"], why = job.losses(answers), f"Hidden nodes on top of this: {why[0].lower()}{why[1:]}"
        chosen = "deep"
    error = float(losses[chosen] @ job.held.weight / max(job.held.weight.sum(), 1e-300))
    shift, scale = ends.shift.numpy(), ends.scale.numpy()
    units = float(scale[0]) if job.loss.dispersed else 1.0
    compared = tuple((name, job.error(losses[name]) * units) for name in losses)
    return TableFit(
        network=network_of(model.features, model.directions, model.solution.theta, ends, layers),
        history=(),
        message=f"{why} Learned from all {rows.count:,} rows, batch by batch.",
        stop_reason=reason,
        seconds=time.monotonic() - began,
        mode=chosen,
        members=1,
        validation_error=(math.sqrt(2 * error) * units if job.loss.dispersed else error)
        if len(job.held)
        else None,
        held=torch.from_numpy(rows.numbers[job.judging]),
        out_of_bag=torch.from_numpy(shift + scale * answers),
        pairs=() if chosen == "deep" else model.features.pairs,
        compared=compared,
    )


class _Job:
    """The passes of one fit."""

    def __init__(self, rows: StreamedRows, loss: Loss, passes: Passes) -> None:
        self.rows, self.loss, self.passes = rows, loss, passes
        sample = rows.sample
        count = min(len(sample), int(HELD * rows.count))
        # The sample is in the order of the rows; every so many-th is as random as they are.
        self.judging = np.arange(count) * len(sample) // max(count, 1)
        self.held = Encoded(sample.inputs[self.judging], sample.y[self.judging], sample.weight[self.judging])

    def error(self, losses: Floats) -> float:
        """Root mean square error of the squared error, mean loss otherwise; in network units."""
        mean = float(losses @ self.held.weight / max(self.held.weight.sum(), 1e-300))
        return math.sqrt(2 * mean) if self.loss.dispersed else mean

    def model(self, stage: str, features: Features, start: _StreamedSolution | None) -> _StreamedSolution:
        """Solve for all functions: of classes on the sample first, where a pass costs nothing, and on a part of many."""
        directions = directions_of(features.parts)
        found = self.passes.stage(stage, lambda: self._solve(stage, features, directions, start))
        solution = NewtonState(found["theta"], found["weights"], (), found["looked"])
        return _StreamedSolution(features, directions, solution, found["held_out"])

    def _solve(
        self, stage: str, features: Features, directions: Directions, start: _StreamedSolution | None
    ) -> State:
        theta, weights = self._start(directions, start)
        if not self.loss.dispersed:
            scout = minimised(
                lambda at: self._sampled(features, directions, at, self.rows.sample),
                theta,
                weights,
                directions,
                False,
            )
            theta, weights = scout.theta, scout.weights
            if self.rows.part is not None:
                look = self._looks(
                    f"{stage} part", features, directions, self.rows.part, 1 / self.rows.one_in
                )
                scout = minimised(look, theta, weights, directions, False)
                theta, weights = scout.theta, scout.weights
        look = self._looks(stage, features, directions, self.rows.batches)
        solution = minimised(look, theta, weights, directions, self.loss.dispersed)
        held = self._sampled(features, directions, solution.looked, self.held)
        return {
            "theta": solution.theta,
            "weights": solution.weights,
            "looked": solution.looked,
            "held_out": solution.without(held, directions),
        }

    def _looks(
        self, stage: str, features: Features, directions: Directions, batches: Batches, share: float = 1.0
    ) -> Callable[[Floats], list[Quadratic]]:
        """Quadratic models about one point after the other, each of a pass that is a stage of its own."""
        turn = iter(range(10**6))

        def look(at: Floats) -> list[Quadratic]:
            point = _in_features(directions, at)
            name = f"{stage} {next(turn)}"

            def make(state: State | None) -> LossSums:
                return LossSums(features, point, self.loss, state)

            def find() -> State:
                return self.passes.run(name, make, batches, share=share).state()

            return make(self.passes.stage(name, find)).quadratics(directions)

        return look

    def _start(self, directions: Directions, start: _StreamedSolution | None) -> tuple[Floats, Floats]:
        outputs = self.rows.sample.y.shape[1]
        weights = np.full((len(directions.sizes), outputs), FIRST_WEIGHT * self.rows.sample.weight.sum())
        theta = np.zeros((directions.count + 1, outputs))
        if start is None:
            theta[-1] = _level(self.rows.sample, self.loss)
            return theta, weights
        count = start.directions.count
        theta[:count], theta[-1] = start.solution.theta[:-1], start.solution.theta[-1]
        weights[: len(start.directions.sizes)] = start.solution.weights
        return theta, weights

    def _sampled(
        self, features: Features, directions: Directions, at: Floats, rows: Encoded
    ) -> list[Quadratic]:
        sums = LossSums(features, _in_features(directions, at), self.loss)
        sums.add(sums.prepared(rows))
        return sums.quadratics(directions)

    def strongest(self, model: _StreamedSolution, asked: int | None) -> tuple[Pair, ...]:
        """The pairs that explain most of what a model of single inputs leaves over: so many, or those that matter."""
        most = MOST_PAIRS if asked is None else asked
        found = self.passes.stage("tables", lambda: self._tables(model, most, asked is not None))
        return tuple((int(i), int(j)) for i, j in found["pairs"])

    def _tables(self, model: _StreamedSolution, most: int, asked: bool) -> State:
        point = _in_features(model.directions, model.solution.theta)
        bins = bins_of(model.features, self.rows.paired, BINS)
        every = [(i, j) for at, i in enumerate(self.rows.paired) for j in self.rows.paired[at + 1 :]]
        if not every:
            return {"pairs": np.empty((0, 2), np.int64)}
        sums: TwoWaySums = self.passes.run(
            "tables",
            lambda state: TwoWaySums(model.features, point, self.loss, bins, state),
            self.rows.batches,
        )
        gains = sums.gains(every)
        if not asked:
            # Half of what a pair explains, in units of its variance, is about what it takes from the loss.
            gains[gains < 2 * negligible_gain(self.loss) * self.rows.count] = 0.0
        pairs = strongest(gains, every)[:most]
        return {"pairs": np.array(pairs, dtype=np.int64).reshape(-1, 2)}

    def held_losses(self, model: _StreamedSolution) -> Floats:
        """Losses of the rows that judge, by what has not learned from them."""
        if not len(self.held):
            return np.empty(0)
        return self.losses(model.outputs(self.held, model.held_out))

    def losses(self, answers: Floats) -> Floats:
        """Losses of the rows that judge, where these are the outputs."""
        return self.loss.rows(torch.from_numpy(answers), torch.from_numpy(self.held.y)).numpy()


def _deepened(
    job: _Job, model: _StreamedSolution, answers: Floats, deep: DeepSettings
) -> tuple[tuple[LayerTensors, ...], Floats, StopReason]:
    """Hidden nodes that learn what a model leaves over, and the outputs of the rows that judge with them."""
    features, judging = model.features, job.rows.numbers[job.judging]
    units = features.shift, features.scale
    coarse = first_breaks(features.breaks)

    def blocks(turn: int, start: int) -> Iterator[ShuffledRows]:
        for rows, numbers in job.rows.blocks(turn, start):
            learns = np.ones(len(numbers), dtype=bool)
            begin, end = np.searchsorted(judging, [numbers[0], numbers[-1] + 1]) if len(numbers) else (0, 0)
            learns[judging[begin:end] - numbers[:1]] = False
            own = Encoded(rows.inputs[learns], rows.y[learns], rows.weight[learns])
            yield made_block(own, model.outputs(own, model.held_out) if len(own) else own.y, *units)

    held = made_block(job.held, answers, *units)
    sample = made_block(job.rows.sample, np.zeros_like(job.rows.sample.y), *units)
    net = first_network(coarse, deep, job.rows.sample.y.shape[1])
    options = FirstOrderOptions(seed=deep.seed, work=deep.work)
    total = job.rows.count - len(judging)
    run = StreamedDescent(net, blocks, sample, held, total, job.loss, options, job.passes)

    def find() -> State:
        reason = run.run()
        state = {name: tensor.numpy() for name, tensor in run.best.state_dict().items()}
        return {**state, "reason": np.frombuffer(str(reason).encode(), np.uint8)}

    found = job.passes.stage(STAGE, find)
    reason = StopReason(found.pop("reason").tobytes().decode())
    run.best.load_state_dict({name: torch.from_numpy(array) for name, array in found.items()})
    told = run.outputs(run.best, held).numpy() if len(held) else answers
    return layers_of(run.best, coarse, features.breaks), told, reason


def _in_features(directions: Directions, theta: Floats) -> Floats:
    return np.stack([directions.features(column) for column in theta.T], 1)


def _level(rows: Encoded, loss: Loss) -> Floats:
    """Best constants of the sample."""
    mean = rows.weight @ rows.y / rows.weight.sum()
    if loss.dispersed:
        return mean
    mean = mean.clip(1e-6, 1 - 1e-6)
    return np.log(mean / (1 - mean)) if len(mean) == 1 else np.log(mean) - np.log(mean).mean()


def _choice(losses: dict[str, Floats], weight: Floats, mode: str, faint: float) -> tuple[str, str]:
    """The simplest that the rows held out cannot distinguish from the best, and why."""
    if "pairwise" not in losses:
        return "additive", "A sum of functions of single columns."
    if mode == "pairwise" or not len(weight):
        return "pairwise", "Functions of single columns and of pairs, as asked for."
    share = weight / weight.sum()
    gap = losses["additive"] - losses["pairwise"]
    mean = float(gap @ share)
    spread = math.sqrt(float(((gap - mean) ** 2) @ share**2))
    if mean > spread + faint:
        return "pairwise", "Functions of pairs lower the error on rows held out."
    return "additive", "A sum of functions of single columns: rows held out do not support pairs."
