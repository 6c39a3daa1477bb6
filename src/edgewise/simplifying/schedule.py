"""simplify: the smallest network that explains the data as well, found by pruning, retraining and the held-out error."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_float, check_int
from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Ending, Meter, check_work, running
from edgewise.network import KAN, EditRecord
from edgewise.network.arguments import check_net
from edgewise.simplifying.canonical import canonical
from edgewise.simplifying.trials import Judge, Trials
from edgewise.training import Callback, Loss, Record
from edgewise.training.common.costs import is_small
from edgewise.training.common.losses import make_loss
from edgewise.training.common.rows import as_rows, hold_out

# Seconds that a last refit may take after a time limit.
LAST = 0.5


@dataclass(frozen=True, eq=False)
class SimplifyResult:
    """A simpler network and how it was reached.

    Attributes
    ----------
    network : KAN
        In canonical form, refitted on all rows.
    steps : tuple of EditRecord
        Every edit that was tried; the detail states whether it was kept and with what held-out error.
    history : tuple of Record
        Training steps of the networks that were kept.
    validation_error : float or None
        Held-out error of the network before the refit on all rows, as in `FitResult`.
    stop_reason : StopReason
    seconds : float
    """

    network: KAN
    steps: tuple[EditRecord, ...]
    history: tuple[Record, ...]
    validation_error: float | None
    stop_reason: StopReason
    seconds: float

    @property
    def message(self) -> str:
        """Why it ended, in a sentence."""
        if self.stop_reason is StopReason.EXHAUSTED:
            return "Every smaller shape and every further edge taken out raised the held-out error."
        return self.stop_reason.advice

    def to_dict(self) -> dict[str, Any]:
        """Everything but the network, for JSON."""
        sizes = {
            "steps": [vars(step) for step in self.steps],
            "history": [vars(record) for record in self.history],
        }
        return {**fields(self, "validation_error", "message", "stop_reason", "seconds"), **plain(sizes)}


@own_settings
def simplify(
    model: KAN,
    X: Any,
    y: Any,
    *,
    loss: str | Loss = "auto",
    validation: float = 0.2,
    sample_weight: Any = None,
    tolerance: float = 0.02,
    starts: int = 8,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
) -> SimplifyResult:
    """Make a trained network as small as the held-out error allows.

    Hidden layers are narrowed first: the nodes with the best scores are kept, trained again (from where they stand and from
    fresh starts) and refined, from the narrowest shape up. Then edges go, the least score first. A step is kept
    when the held-out loss grows by no more than `tolerance` or its own standard error. Equal nodes are merged, the result is
    refitted on all rows and brought into canonical form.

    Parameters
    ----------
    model : KAN
        A trained network; it is not changed. One that is not trained yet gets a few steps only, and smaller ones are
        judged against that.
    X, y : array, list or data frame
        The table it was trained on.
    loss, sample_weight
        As in `fit`.
    validation : float
        Share of rows held out to judge by; with the seed of `fit` they are the same rows.
    tolerance : float
        Share by which the held-out loss may grow at a step.
    starts : int
        Networks tried for each narrower shape.
    work : "quick", "normal", "thorough" or float
        As in `fit`, for every network that is tried.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: the simplest network until then is the answer, and may
        differ from run to run.
    seed : int
    callbacks : sequence of callable
        As in `fit`.

    Returns
    -------
    SimplifyResult

    Raises
    ------
    InputError
        If an argument, X or y does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> random = np.random.default_rng(0)
    >>> X = random.uniform(-1, 1, (200, 2))
    >>> y = X[:, 0] + X[:, 1] ** 2 + 0.05 * random.normal(size=200)
    >>> model = ew.fit(ew.KAN([2, 2, 1], seed=0), X, y, intervals=[5]).network
    >>> ew.simplify(model, X, y, starts=2).network.shape
    (2, 1, 1)
    """
    check_net(model)
    check_float(tolerance, "tolerance", low=0.0)
    check_int(starts, "starts", low=1)
    check_int(seed, "seed", low=0)
    factor = check_work(work)
    if seconds is not None:
        check_float(seconds, "seconds", low=0.0)
    row_loss = make_loss("squared" if isinstance(loss, str) and loss == "auto" else loss)
    rows = as_rows(model, X, y, row_loss, sample_weight)
    model = _as_double(model)
    with one_thread(is_small(model, len(rows))):
        train, held = hold_out(rows, model, row_loss, validation, seed)
        judge = Judge(train, train if held is None else held, row_loss, tolerance)
        run, meter = Trials(judge, starts, factor, seed, tuple(callbacks)), Meter(seconds=seconds)
        best = model
        with Ending(meter) as end, running(meter):
            if held is not None:
                best = run.rejudged(best)
            best = run.narrowed(best)
            best = run.thinned(best)
            best = run.merged(best)
        reason = end.reason or StopReason.EXHAUSTED
        best = run.best or best
        error, late = judge.error(best), reason is StopReason.TIME_LIMIT
        if late and run.best is None:
            best = model  # which knows all rows already
        elif held is not None:
            best = run.polished(best, rows, LAST if late else None)
        final = canonical(best, rows.X)
    return SimplifyResult(
        final.network,
        tuple(run.steps),
        tuple(run.history),
        None if held is None else error,
        reason,
        meter.seconds,
    )


def _as_double(net: KAN) -> KAN:
    return copy.deepcopy(net).to(torch.float64)
