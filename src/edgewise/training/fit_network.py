"""fit: one call that trains a network and reports how."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import (
    LARGEST,
    as_tuple,
    check_bool,
    check_choice,
    check_float,
    check_int,
    plural,
    short,
)
from edgewise._core.errors import InputError
from edgewise._core.rows import row_numbers
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Ending, Meter, check_work, running
from edgewise.network import KAN
from edgewise.network.grids import MOST_LAID
from edgewise.training.common.costs import is_small
from edgewise.training.common.gross_errors import gross_errors
from edgewise.training.common.losses import Loss, in_units_of_y, make_loss
from edgewise.training.common.records import Callback, Listeners, Record
from edgewise.training.common.results import FitResult
from edgewise.training.common.rows import TrainingRows, as_rows, hold_out
from edgewise.training.common.workers import all_know, place, some_know
from edgewise.training.second_order.fit_problem import error
from edgewise.training.second_order.fit_state import STEPS, FitCheckpoint, FitState, Options
from edgewise.training.second_order.run import MOST_DENSE, MOST_WORK, SecondOrder

METHODS = ("auto", "lm", "lbfgs", "adam")
# A given network may cost so many times what rounds grow to: no smaller one is asked for.
_GIVEN_WORK = 4.0
# AdamW on numbers: at equal time half the error and less on laws without noise, and no more than the spread of seeds on a
# noisy table (benchmarks/large_optimisers.py).
_RATE, _MINIBATCHES = 0.1, 60
_SECOND_ORDER_ONLY = ("intervals", "roughness", "sparsity", "total_variation", "starts")


@own_settings
def fit(
    model: KAN,
    X: Any,
    y: Any,
    *,
    loss: str | Loss = "auto",
    method: str = "auto",
    validation: Any = 0.2,
    sample_weight: Any = None,
    steps: int | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    intervals: Sequence[int] | None = None,
    roughness: str | float = "auto",
    sparsity: str | float = 0.0,
    total_variation: float = 0.0,
    starts: int = 1,
    patience: int = 1,
    batch: int | None = None,
    accumulate: int = 1,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    shared: bool = False,
) -> FitResult:
    """Train a network on a table.

    Small networks are trained by Levenberg-Marquardt in float64 on grids that double while the held-out error falls; large
    ones by AdamW on minibatches. Asked for by name, "lm" takes networks of any size: beyond 5,000 parameters its steps are
    found by conjugate gradients, without a matrix, and "auto" weights of the penalties stay at their first values.

    Parameters
    ----------
    model : KAN
        The network to start from; it is not changed. One without scalings gets them from the data.
    X : array, list or data frame, shape (n, inputs)
    y : array, shape (n,) or (n, outputs)
        Numbers, or class numbers (or one-hot rows) for cross-entropy.
    loss : "auto", "squared", "robust", "huber", "cross_entropy", "poisson" or Loss
        "auto" is squared. "robust" is squared on the rows that are left once gross errors of y, as slipped decimals and
        broken sensors make them, are set aside; `events` of the result names these rows. "huber" keeps every row, and counts
        large errors by their size. The network's outputs are log-odds or logits for "cross_entropy" and logarithms of rates
        for "poisson"; `FitResult.predict` answers on the scale of y, with probabilities and rates.
    method : "auto", "lm", "lbfgs" or "adam"
    validation : float, (X, y) or None
        Share of rows held out to choose the grid and to stop early, rows of your own, or none. Chosen rows are given
        back in a last refit on all rows; your own are not.
    sample_weight : array, shape (n,), optional
    steps : int, optional
        Most steps a round (second-order) or epochs (AdamW); by default from `work`.
    work : "quick", "normal", "thorough" or float
        A fifth, once or five times the normal work, or a factor of your own, on steps (or epochs) and on the multiplications
        of a step that finer grids may grow to.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the answer, and may differ
        from run to run.
    intervals : sequence of int, optional
        Intervals of the grid in each round; by default they double from the network's own while it pays.
    roughness : "auto" or float
        Weight of the integral of the squared second derivative of every edge; "auto" finds one for each edge by maximising
        the evidence.
    sparsity : "auto" or float
        Strength of the group penalty that turns whole edges to zero; "auto" finds one for each edge by the evidence.
    total_variation : float
        Weight of the total variation of the slopes of all edges, in shares of the range of the node each adds to, so that
        it knows no units. It is how far edges are from lines, which loosens the bounds of proofs. Try 1e-4, and compare
        the validation error with that of a plain fit: it may be lower or higher.
    starts : int
        Networks tried from different random functions on the first grid; the best goes on.
    patience : int
        Rounds (or tens of epochs) without progress before training ends.
    batch : int, optional
        Rows of a step of AdamW; by default a power of two near a sixtieth of the rows (a thirtieth for
        losses that are likelihoods), 32 to 1024.
    accumulate : int
        Parts in which AdamW evaluates a batch one after another, so that memory holds one of them at a time. The step is
        that of the whole batch.
    seed : int
        Seed of everything random: same seed, rows and version, same result.
    callbacks : sequence of callable
        Each is called with a `Record` after every step (small networks: every few milliseconds), and at least once a second;
        returning True stops.
    checkpoint : path, optional
        File that keeps the state of the fit; a killed fit that is started again with the same arguments goes on from
        it to the same result.
    shared : bool
        Whether the processes of `torch.distributed`, which all call `fit` with the same table, share the rows of every
        Levenberg-Marquardt step. Each gets the network that one alone finds, to 1e-9; they need processors of one kind. The
        first writes the checkpoint, which the others have to be able to read.

    Returns
    -------
    FitResult
        With the best network, the history, the errors and why training ended.

    Raises
    ------
    InputError
        If an argument, X or y does not fit.
    FileError
        If the checkpoint cannot be read or written, is damaged, or belongs to another fit.

    Notes
    -----
    Same arguments give the same bits, however busy the machine is. Small networks take one thread; large ones may differ in
    the last bits between numbers of threads. Ctrl-C does not raise: it ends training with the best network so far and
    stop_reason "interrupted".

    References
    ----------
    D. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", 1963, doi:10.1137/0111030.
    D. MacKay, "Bayesian interpolation", 1992, doi:10.1162/neco.1992.4.3.415. P. Eilers and B. Marx, "Flexible smoothing
    with B-splines and penalties", 1996, doi:10.1214/ss/1038425655. G. Golub, M. Heath and G. Wahba, "Generalized
    cross-validation as a method for choosing a good ridge parameter", 1979, doi:10.1080/00401706.1979.10489751.
    S.-J. Kim, K. Koh, S. Boyd and D. Gorinevsky, "l1 trend filtering", 2009, doi:10.1137/070690274.

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> result = ew.fit(ew.KAN([2, 1], seed=0), X, np.sin(3 * X[:, 0]) + X[:, 1] ** 2)
    >>> result.validation_error < 1e-3
    True
    """
    if not isinstance(cast(object, model), KAN):
        raise InputError(argument="model", expected="be a KAN", got=short(model))
    check_choice(method, "method", METHODS)
    robust = isinstance(loss, str) and loss == "robust"
    row_loss = make_loss("squared" if robust or (isinstance(loss, str) and loss == "auto") else loss)
    seed = check_int(seed, "seed", low=0)
    factor = check_work(work)
    options = Options(
        steps=max(1, round(STEPS * factor)) if steps is None else check_int(steps, "steps", low=1),
        work=factor,
        starts=check_int(starts, "starts", low=1),
        intervals=_schedule(intervals),
        roughness=_auto_or_weight(roughness, "roughness"),
        sparsity=_auto_or_weight(sparsity, "sparsity"),
        total_variation=check_float(total_variation, "total_variation", low=0.0),
        patience=check_int(patience, "patience", low=0),
        seed=seed,
        shared=check_bool(shared, "shared"),
    )
    if shared and (method != "lm" or seconds is not None):
        raise InputError(
            argument="shared",
            expected="go with method='lm' and without 'seconds', which processes do not share",
            got=f"method={method!r} and seconds={seconds!r}",
        )
    if batch is not None:
        check_int(batch, "batch", low=1)
    check_int(accumulate, "accumulate", low=1)
    if seconds is not None:
        check_float(seconds, "seconds", low=0.0)
    if not all(callable(callback) for callback in as_tuple(callbacks, "callbacks", "functions")):
        raise InputError(argument="callbacks", expected="list functions", got=short(callbacks))
    if checkpoint is not None and not isinstance(cast(object, checkpoint), (str, os.PathLike)):
        raise InputError(argument="checkpoint", expected="be the path of a file", got=short(checkpoint))
    if model.n_parameters == 0:
        raise InputError(argument="model", expected="have an edge or a bias to train", got="one without any")
    meter = Meter(seconds=seconds)
    rows = as_rows(model, X, y, row_loss, sample_weight)
    notes = list[str]()
    if robust:
        rows, notes = _without_gross_errors(rows)
    train, held = hold_out(rows, model, row_loss, validation, seed)
    if method == "auto":
        method = "lm" if _second_order_fits(model, train) else "adam"
    if method == "lm":
        refit = not isinstance(validation, tuple)
        with one_thread(is_small(model, len(train))):
            result = _drive(
                lambda learns, judges: SecondOrder(model, learns, judges, row_loss, options, refit),
                train,
                held,
                meter,
                callbacks,
                checkpoint,
                options.shared,
            )
        return _with_values(replace(result, events=(*notes, *result.events)), rows)

    from edgewise.training.first_order.run import FirstOrderOptions, fit_first_order

    first = FirstOrderOptions(
        method=method,
        steps=steps,
        work=factor,
        seed=seed,
        patience=patience,
        batch=batch,
        accumulate=accumulate,
    )
    if in_units_of_y(row_loss):
        first = replace(first, rate=_RATE, minibatches=_MINIBATCHES)
    result = fit_first_order(model, train, held, row_loss, first, callbacks, checkpoint, meter)
    unused = [name for name in _SECOND_ORDER_ONLY if getattr(options, name) != getattr(Options(), name)]
    if unused:
        notes.append(f"method={method!r} makes no use of {', '.join(unused)}; only method='lm' does.")
    return _with_values(replace(result, events=(*notes, *result.events)), rows)


def _with_values(result: FitResult, rows: TrainingRows) -> FitResult:
    """The result, if its network has a value on all rows: one held out may lie so far from the others that it has none."""
    if float(rows.X.abs().max()) <= LARGEST:
        return result
    lost = np.flatnonzero(~np.isfinite(result.network.predict(rows.X.numpy())).all(1))
    if len(lost):
        raise InputError(
            subject=f"Row {lost[0]} of 'X'",
            expected="be nearer to the others",
            got=(
                f"one with a number of size {float(rows.X[int(lost[0])].abs().max()):.3g}, where the "
                "network has no finite value"
            ),
            advice="drop or correct it",
        )
    return result


def _without_gross_errors(rows: TrainingRows) -> tuple[TrainingRows, list[str]]:
    """The rows without gross errors in any output, and remarks on these."""
    X = rows.X.numpy()
    flagged = np.any([gross_errors(X, y) for y in rows.y.numpy().T], axis=0)
    if not flagged.any():
        return rows, []
    where = row_numbers(np.flatnonzero(flagged).tolist())
    note = f"{plural(int(flagged.sum()), 'row')} set aside as gross errors: {where}."
    return rows.take(torch.from_numpy(np.flatnonzero(~flagged))), [note]


def _schedule(intervals: Sequence[int] | None) -> tuple[int, ...] | None:
    """Intervals of each round, checked."""
    if intervals is None:
        return None
    counts = as_tuple(intervals, "intervals", "ints, as in [5, 10, 20]")
    if not counts:
        raise InputError(
            argument="intervals",
            expected="name at least one grid",
            got="an empty list",
            advice="leave it out to let fit choose",
        )
    return tuple(check_int(count, "intervals", low=1, high=MOST_LAID) for count in counts)


def _auto_or_weight(value: str | float, name: str) -> float | None:
    """None for "auto", else the weight, checked."""
    if isinstance(value, str):
        check_choice(value, name, ("auto",))
        return None
    return check_float(value, name, low=0.0)


def _drive(
    begin: Callable[[TrainingRows, TrainingRows | None], SecondOrder],
    train: TrainingRows,
    held: TrainingRows | None,
    meter: Meter,
    callbacks: Sequence[Callback],
    checkpoint: str | Path | None,
    shared: bool,
) -> FitResult:
    """Advance state by state until done, out of time, interrupted or asked to stop."""
    run: SecondOrder | None = None
    now: FitState | None = None
    keeper: FitCheckpoint | None = None
    reason: StopReason | None = None
    history, spent = list[Record](), 0.0

    def last() -> Record:
        record = history[-1] if history else Record("start", 0, math.nan, None, 0.0, 0)
        return replace(record, seconds=spent + meter.seconds)

    listeners = Listeners(callbacks, meter, last)
    with Ending(meter) as end:
        with running(meter):
            run = begin(train, held)
        if checkpoint is not None:
            keeper = FitCheckpoint(Path(checkpoint), run.fingerprint())
        if shared:
            all_know(True)  # the first has written what an earlier call has left
        if keeper is not None and (stored := keeper.read()) is not None:
            now, history = stored
            spent = history[-1].seconds if history else 0.0
        if shared:
            all_know(True)  # and writes again when all have read
            keeper = keeper if place()[0] == 0 else None
        with running(meter):
            now = run.begin() if now is None else now
        while now.stage != "done":
            with running(meter):
                before, now = now, run.advance(now)
                new = now.step > before.step or now.stage == "done"
                record = _record(run, now, len(history) + 1, spent + meter.seconds) if new else None
            # What callbacks do counts for the meters around the fit, not for its own.
            if record is not None:
                history.append(record)
                told = listeners.tell(record)
                if some_know(told) if shared else told:
                    reason = StopReason.CALLBACK
                    break
            if keeper is not None:
                keeper.write(now, history)
    reason = end.reason or reason
    if keeper is not None and now is not None:
        keeper.write(now, history, force=True)
    if run is None:
        run = begin(train.few(), None if held is None else held.few())
    elif reason is StopReason.TIME_LIMIT:
        run.hurry()
    now = run.begin() if now is None else now
    best = now.best if now.stage == "done" else run.best_until(now)
    reason = reason or now.stop_reason
    assert reason is not None
    return FitResult(
        network=best,
        history=tuple(history),
        method="lm",
        stop_reason=reason,
        seconds=spent + meter.seconds,
        train_error=error(best, run.train, run.loss),
        validation_error=run.validation_error(now),
        resolved=now.best_noise_free,
        events=now.events,
        loss=getattr(run.loss, "name", ""),
    )


def _record(run: SecondOrder, now: FitState, step: int, seconds: float) -> Record:
    phases = {
        "start": f"start {now.index + 1}/{run.options.starts}",
        "round": f"round {now.index + 1}",
        "refit": "refit",
        "done": "done",
    }
    train, held = run.errors(now)
    net = now.best if now.stage == "done" else now.net
    return Record(phases[now.stage], step, train, held, seconds, net.layers[0].intervals)


def _second_order_fits(net: KAN, rows: TrainingRows) -> bool:
    size = net.n_parameters
    return size <= MOST_DENSE and size**2 * (len(rows) * net.shape[-1] + size) <= _GIVEN_WORK * MOST_WORK
