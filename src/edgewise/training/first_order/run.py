"""First-order training: minibatch AdamW for networks too large for second-order steps, L-BFGS on all rows at once.

An epoch is a pure function of a state (numbers of the network, state of the optimiser, number of the epoch): batches are
drawn from a seed for each epoch. A run continued from a stored state therefore ends in the same result, bit by bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Ending, Meter, running
from edgewise.network import KAN
from edgewise.training.common.losses import Loss
from edgewise.training.common.preparation import prepared
from edgewise.training.common.records import Callback, Listeners, Record
from edgewise.training.common.results import FitResult
from edgewise.training.common.rows import TrainingRows, in_units, scaled, tensors_of
from edgewise.training.common.state_files import (
    check_same_fit,
    fingerprint_of,
    is_there,
    read_tree,
    write_tree,
)
from edgewise.training.first_order.centring import Centring
from edgewise.training.first_order.epoch_optimizers import (
    LBFGS,
    AdamW,
    EpochOptimizer,
    FirstOrderOptions,
    groups,
    mean_loss,
    rows_at_once,
)
from edgewise.training.first_order.hidden_grids import follow, moments

KIND = "first-order fit"
# Epochs without progress that one unit of patience allows, and the share of all epochs that are waited at least: while the
# learning rate is high the error is noisy, and most of the progress comes when it falls.
PATIENCE_UNIT, LEAST_WAIT = 10, 0.25
MOST_RECOVERIES = 8
# What float32 holds without harm: sizes, and offsets in units of the spread.
SMALLEST_SINGLE, LARGEST_SINGLE, MOST_SHIFTED = 1e-30, 1e30, 1e3
# Share of an interval to which the place of a value on its grid must be known.
PLACE = 0.01
# Steps of fewer numbers (rows times parameters) are taken on one thread.
SMALL = 2e7


@dataclass(eq=False)
class RunState:
    """Where a run stands after an epoch, but for the network and the optimiser."""

    epoch: int = 0
    best_epoch: int = 0
    best_error: float = math.inf
    start_loss: float = math.inf
    slowdown: float = 1.0
    recoveries: int = 0
    stop_reason: StopReason | None = None
    events: list[str] = field(default_factory=list)
    history: list[Record] = field(default_factory=list)


def fit_first_order(
    net: KAN,
    train: TrainingRows,
    held: TrainingRows | None,
    loss: Loss,
    options: FirstOrderOptions,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    meter: Meter | None = None,
) -> FitResult:
    """Train by AdamW or L-BFGS; judged on the held-out rows, or on the training rows where there are none.

    Parameters
    ----------
    net : KAN
        The network to start from; it is not changed. AdamW works in its precision (at least float32), L-BFGS in float64.
    train, held : TrainingRows
    loss : Loss
    options : FirstOrderOptions
    callbacks : sequence of callable
        Called with a `Record` after every epoch (ten iterations of L-BFGS); returning True stops.
    checkpoint : path, optional
        File that keeps the state; the same call goes on from it.
    meter : Meter, optional
        With a time limit, where there is one.

    Returns
    -------
    FitResult
        With the best network met.

    Raises
    ------
    FileError
        If the checkpoint is damaged or belongs to another fit.
    """
    with one_thread(min(rows_at_once(len(train), options), len(train)) * net.n_parameters <= SMALL):
        return _drive(
            lambda learns, judges: TrainingRun(net, learns, judges, loss, options),
            train,
            held,
            meter or Meter(),
            callbacks,
            checkpoint,
        )


def _drive(
    begin: Callable[[TrainingRows, TrainingRows | None], TrainingRun],
    train: TrainingRows,
    held: TrainingRows | None,
    meter: Meter,
    callbacks: Sequence[Callback],
    checkpoint: str | Path | None,
) -> FitResult:
    """Advance epoch by epoch until done, out of time, interrupted or asked to stop."""
    run: TrainingRun | None = None
    reason: StopReason | None = None
    spent, written = 0.0, -math.inf

    def last() -> Record:
        record = Record("epoch", 0, math.nan, None, 0.0, 0) if run is None else run.under_way()
        return replace(record, seconds=spent + meter.seconds)

    listeners = Listeners(callbacks, meter, last)
    with Ending(meter) as end:
        with running(meter):
            run = begin(train, held)
        if checkpoint is not None:
            run.restore(checkpoint)
            spent = run.progress.history[-1].seconds if run.progress.history else 0.0
        while not (reason := run.progress.stop_reason):
            with running(meter):
                record = run.advance(lambda: spent + meter.seconds)
            # What callbacks do counts for the meters around the fit, not for its own.
            stopped = listeners.tell(record)
            now = meter.seconds
            # Writing may take a twentieth of the time.
            if checkpoint is not None and (run.progress.stop_reason or now >= written):
                run.store(checkpoint)
                written = meter.seconds + 20 * (meter.seconds - now)
            if stopped:
                reason = StopReason.CALLBACK
                break
    if end.reason is not None:
        few = train.few(), None if held is None else held.few()
        # In the middle of an epoch, perhaps of the first: such a state is not stored, but it may be the best.
        run = begin(*few) if run is None else run.hurried(end.reason)
        run.look()
    assert run is not None
    reason = end.reason or reason
    assert reason is not None
    return run.result(reason, spent + meter.seconds)


class TrainingRun:
    """One fit: the network being trained, the best one so far, and the way of moving."""

    def __init__(
        self, net: KAN, train: TrainingRows, held: TrainingRows | None, loss: Loss, options: FirstOrderOptions
    ) -> None:
        self.loss, self.options, self.progress = loss, options, RunState()
        ready = prepared(net, train, loss)
        exact = options.method == "lbfgs" or net.dtype == torch.float64 or not _single_will_do(ready, train)
        dtype = torch.float64 if exact else torch.float32
        settings, tensors = (options, loss, ready.spec, dtype), tensors_of(train, held, ready)
        self.fingerprint = fingerprint_of(settings, tensors)
        self.net = ready.to(dtype)
        self.train = _moved(ready, train, loss)
        self.held = None if held is None else _moved(ready, held, loss)
        self.best = copy.deepcopy(self.net)
        self.descent = self._epoch_optimizer()
        regrids = self.options.regrids if self.options.method == "adam" else 0
        self.moments = moments(self.descent.epochs, regrids)
        self._judge_start()

    def advance(self, clock: Callable[[], float]) -> Record:
        """One epoch: train, judge, keep the best, recover where the loss has run away."""
        now = self.progress
        note = self._follow()
        value = self.descent.epoch(now.epoch, now.slowdown)
        held = None if self.held is None else mean_loss(self.net, self.held, self.loss)
        # The mean over an epoch of batches lags behind; where it is all there is to judge by, it is measured anew.
        value = mean_loss(self.net, self.train, self.loss) if held is None and math.isfinite(value) else value
        now.epoch += 1
        if self._run_away(value, held):
            note = self._recover()
        elif (error := value if held is None else held) < now.best_error:
            now.best_error, now.best_epoch = error, now.epoch
            self.best.load_state_dict(self.net.state_dict())
        record = Record(
            "epoch",
            now.epoch,
            in_units(self.net, value, self.loss),
            None if held is None else in_units(self.net, held, self.loss),
            clock(),
            self.net.layers[0].intervals,
            note,
            now.epoch / self.descent.epochs,
        )
        now.history.append(record)
        now.stop_reason = now.stop_reason or self._reason_to_end()
        return record

    def under_way(self) -> Record:
        """The last record once more, with the share of the work done by now."""
        now = self.progress
        share = (now.epoch + self.descent.done) / self.descent.epochs
        if now.history:
            return replace(now.history[-1], note="", share=share)
        start = in_units(self.net, now.start_loss, self.loss)
        return Record("epoch", 0, start, None, 0.0, self.net.layers[0].intervals, share=share)

    def hurried(self, reason: StopReason) -> TrainingRun:
        """From here on look at a few of the rows only, where the time is up."""
        if reason is StopReason.TIME_LIMIT:
            self.train, self.held = self.train.few(), None if self.held is None else self.held.few()
            judge = self.train if self.held is None else self.held
            self.progress.best_error = mean_loss(self.best, judge, self.loss)
        return self

    def look(self) -> None:
        """Keep the network as it stands where it is the best so far."""
        judge = self.train if self.held is None else self.held
        if (error := mean_loss(self.net, judge, self.loss)) < self.progress.best_error:
            self.progress.best_error = error
            self.best.load_state_dict(self.net.state_dict())

    def result(self, reason: StopReason, seconds: float) -> FitResult:
        """The best network and how it came about."""
        train = mean_loss(self.best, self.train, self.loss)
        held = (
            None
            if self.held is None
            else in_units(self.best, mean_loss(self.best, self.held, self.loss), self.loss)
        )
        now = self.progress
        return FitResult(
            network=self.best,
            history=tuple(now.history),
            method=self.options.method,
            stop_reason=reason,
            seconds=seconds,
            train_error=in_units(self.best, train, self.loss),
            validation_error=held,
            events=tuple(now.events),
            loss=getattr(self.loss, "name", ""),
        )

    def store(self, path: str | Path) -> None:
        """Write the state after an epoch."""
        write_tree(
            path,
            KIND,
            {
                "fingerprint": self.fingerprint,
                "net": dict(self.net.state_dict()),
                "best": dict(self.best.state_dict()),
                "optimizer": self.descent.optimizer.state_dict(),
                "progress": asdict(self.progress),
            },
        )

    def restore(self, path: str | Path) -> None:
        """Go on from a stored state, if there is one."""
        if not is_there(path):
            return
        tree = read_tree(path, KIND)
        check_same_fit(path, tree["fingerprint"], self.fingerprint)
        self.net.load_state_dict(tree["net"])
        self.best.load_state_dict(tree["best"])
        self.descent.optimizer.load_state_dict(tree["optimizer"])
        history = [Record(**record) for record in tree["progress"].pop("history")]
        ended = tree["progress"].pop("stop_reason")
        ended = None if ended is None else StopReason(ended)
        self.progress = RunState(**tree["progress"], stop_reason=ended, history=history)

    def _epoch_optimizer(self) -> EpochOptimizer:
        if self.options.method == "lbfgs":
            return LBFGS(self.net, self.train, self.loss, self.options)
        parameters = groups(self.net, self.options)
        centring = Centring(self.net, self.train, self.options.seed)
        return AdamW(self.net, parameters, self.train, self.loss, self.options, centring)

    def _follow(self) -> str:
        """Let the hidden grids follow their nodes, at the few epochs where that is due."""
        if self.progress.epoch not in self.moments:
            return ""
        return follow(self.net, self.train, self.options.seed)

    def _judge_start(self) -> None:
        now = self.progress
        now.start_loss = mean_loss(self.net, self.train, self.loss)
        now.best_error = now.start_loss if self.held is None else mean_loss(self.net, self.held, self.loss)
        if not math.isfinite(now.start_loss):
            now.stop_reason, now.best_error = StopReason.DIVERGED, math.inf
            now.events.append("The loss is not finite at the start: a closed form has no value on some row.")

    def _run_away(self, value: float, held: float | None) -> bool:
        limit = self.progress.start_loss + 9 * abs(self.progress.start_loss) + 1.0
        return not (value <= limit) or (held is not None and not math.isfinite(held))

    def _recover(self) -> str:
        """Back to the best network, with a fresh optimiser and half the step."""
        now = self.progress
        now.recoveries += 1
        now.slowdown *= 0.5
        self.net.load_state_dict(self.best.state_dict())
        self.descent = self._epoch_optimizer()
        if now.recoveries > MOST_RECOVERIES:
            now.stop_reason = StopReason.DIVERGED
        note = (
            f"The loss ran away in epoch {now.epoch}: went back to epoch {now.best_epoch} with half the step."
        )
        now.events.append(note)
        return note

    def _reason_to_end(self) -> StopReason | None:
        now = self.progress
        if self.options.method == "lbfgs" and self.held is None and _settled(now.history):
            return StopReason.CONVERGED
        if now.epoch >= self.descent.epochs:
            return StopReason.WORK_SPENT if self.options.steps is None else StopReason.MOST_STEPS
        wait = max(PATIENCE_UNIT * self.options.patience, LEAST_WAIT * self.descent.epochs)
        if now.epoch - now.best_epoch >= wait:
            return StopReason.NO_IMPROVEMENT
        return None


def _moved(net: KAN, rows: TrainingRows, loss: Loss) -> TrainingRows:
    """Rows on the device and in the precision of a network, inputs and targets in network units; weights stay float64."""
    like = net.output_shift
    y = scaled(net, replace(rows, y=rows.y.to(like.device)), loss)
    # Scaled in float64 and once for all: what is left to float32 lies in [-1, 1].
    X = (rows.X.to(like.device) - net.input_shift.to(rows.X.dtype)) / net.input_scale.to(rows.X.dtype)
    return TrainingRows(X.to(like), y.to(like), rows.weight.to(like.device))


def _single_will_do(net: KAN, rows: TrainingRows) -> bool:
    """Whether float32 will do: it holds the rows, and distinguishes places on the grids.

    Rows must be neither too large nor too small for it, nor small differences of large numbers. A value that is rounded by
    eps |x| must be known to a small share of an interval, or the function on the edge is lost: half precision fails that on
    any grid of use, float32 on very fine uneven ones alone.
    """
    eps = torch.finfo(torch.float32).eps
    for layer in net.layers:
        if layer.basis_name == "bspline":
            grid: Tensor = layer.grid
            if bool((eps * grid.abs().amax(1) > PLACE * grid.diff(dim=1).amin(1)).any()):
                return False
    pairs = ((rows.X, net.input_shift, net.input_scale), (rows.y, net.output_shift, net.output_scale))
    return all(
        float(values.abs().max()) < LARGEST_SINGLE
        and bool((scale > SMALLEST_SINGLE).all())
        and bool((shift.abs() <= MOST_SHIFTED * scale).all())
        for values, shift, scale in pairs
    )


def _settled(history: Sequence[Record]) -> bool:
    """Whether the last ten iterations hardly lowered the loss."""
    return len(history) > 1 and history[-2].loss - history[-1].loss <= 1e-9 * history[-2].loss
