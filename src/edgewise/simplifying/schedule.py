"""simplify: the smallest network that explains the data as well, found by pruning, retraining and the held-out error."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from edgewise._core.checks import check_float, check_int
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_work, running
from edgewise.network import KAN, EditRecord, EditResult
from edgewise.simplifying.canonical import canonical
from edgewise.simplifying.judge import Judge
from edgewise.simplifying.merge import merge_equal
from edgewise.simplifying.prune import prune
from edgewise.simplifying.scores import edge_scores
from edgewise.training import Callback, FitResult, Loss, Record, fit
from edgewise.training.common.costs import is_small
from edgewise.training.common.losses import make_loss
from edgewise.training.common.preparation import covered
from edgewise.training.common.results import tell
from edgewise.training.common.rows import TrainingRows, as_rows, hold_out

# Intervals of the grid on which smaller shapes are tried first.
COARSE = 5
# Intervals of the grid on which an edge to be taken out is tried before the fine grid is.
QUICK = 10
# Seconds that a last refit may take after a time limit.
LAST = 0.5
# Steps in which a trained network forgets the held-out rows.
REJUDGED = 15
# A trial is given up when, this many times worse than the best, it no longer improves on a finer grid.
HOPELESS = 3.0
# Where no noise is left the held-out error is the grid's alone, and differences within this factor say nothing.
GRID_ONLY = 2.0


@dataclass(frozen=True, eq=False)
class SimplifyResult:
    """A simpler network and how it was reached.

    Attributes
    ----------
    network : KAN
        In canonical form, refitted on all rows.
    steps : tuple of EditRecord
        Every edit that was tried; the detail says whether it was kept and with what held-out error.
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
        told = {
            "steps": [vars(step) for step in self.steps],
            "history": [vars(record) for record in self.history],
        }
        return {**fields(self, "validation_error", "message", "stop_reason", "seconds"), **plain(told)}


def simplify(
    net: KAN,
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
    net : KAN
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
    >>> net = ew.fit(ew.KAN([2, 2, 1], seed=0), X, y, intervals=[5]).network
    >>> ew.simplify(net, X, y, starts=2).network.shape
    (2, 1, 1)
    """
    check_float(tolerance, "tolerance", low=0.0, of="simplify")
    check_int(starts, "starts", low=1, of="simplify")
    check_int(seed, "seed", low=0, of="simplify")
    factor = check_work(work, of="simplify")
    if seconds is not None:
        check_float(seconds, "seconds", low=0.0, of="simplify")
    row_loss = make_loss("squared" if isinstance(loss, str) and loss == "auto" else loss)
    rows = as_rows(net, X, y, row_loss, sample_weight, of="simplify")
    net = _as_double(net)
    with one_thread(is_small(net, len(rows))):
        train, held = hold_out(rows, net, row_loss, validation, seed)
        judge = Judge(train, train if held is None else held, row_loss, tolerance)
        run, meter = _Run(judge, starts, factor, seed, tuple(callbacks)), Meter(seconds=seconds)
        best, reason = net, StopReason.EXHAUSTED
        try:
            with running(meter):
                if held is not None:
                    best = run.rejudged(best)
                best = run.narrowed(best)
                best = run.thinned(best)
                best = run.merged(best)
        except StopError as stop:
            reason = meter.own(stop)
        except KeyboardInterrupt:
            reason = StopReason.INTERRUPTED
        best = run.best or best
        error, late = judge.error(best), reason is StopReason.TIME_LIMIT
        if late and run.best is None:
            best = net  # which knows all rows already
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


class _AskedError(StopError):
    """A callback asked to stop, or Ctrl-C was pressed, while a network was trained: with what it came to."""

    def __init__(self, result: FitResult) -> None:
        super().__init__(result.stop_reason)
        self.result = result


class _Run:
    """The state of one simplification: what was tried, what stands."""

    def __init__(
        self, judge: Judge, starts: int, work: float, seed: int, callbacks: tuple[Callback, ...]
    ) -> None:
        self.judge, self.starts, self.work, self.seed, self.callbacks = judge, starts, work, seed, callbacks
        self.steps: list[EditRecord] = []
        self.history: list[Record] = []
        self.best: KAN | None = None
        self.roughness: str | float = "auto"
        self._lowest = math.inf
        self._coarse: tuple[KAN, float] | None = None

    def rejudged(self, net: KAN) -> KAN:
        """The network trained (again) on the training rows alone, far enough to tell which nodes matter.

        `fit` gives the held-out rows back in the end; a network that has seen them would be judged too well, and every
        smaller one that has not would be refused.
        """
        return self._fit(net, 1, 0.0, intervals=[net.layers[0].intervals], steps=REJUDGED).network

    def narrowed(self, net: KAN) -> KAN:
        """The narrowest hidden layers that explain the held-out rows as well, tried from one node up, layer by layer."""
        best = net
        for layer in range(1, len(net.layers)):
            width = best.shape[layer]
            for count in range(1, width):
                candidate = _keep_best(best, layer, count, self.judge.train)
                if candidate is None:
                    continue
                coarse = covered(candidate.network, self.judge.train, COARSE)
                trained = self._tried(candidate, coarse, best, self.starts)
                if trained is not None:
                    best = trained.network
                    # Where finer grids have shown that there is no noise, nothing is smoothed from here on.
                    self.roughness = 0.0 if trained.resolved else "auto"
                    break
        return best

    def thinned(self, net: KAN) -> KAN:
        """Edges taken out from the least score up, as many at a time as goes well."""
        best = net
        refused: set[tuple[int, int, int]] = set()
        share = 0.5
        while True:
            order = [edge for edge in _by_score(best, self.judge.train) if edge not in refused]
            if not order:
                break
            chosen = order[: max(1, int(share * len(order)))]
            trial = self._without(best, chosen)
            if trial is not None:
                best = self.best = trial
                refused.clear()  # numbers of edges change when nodes go
                continue
            if len(chosen) == 1:
                refused.add(chosen[0])
                # Edges far above the one refused will be refused too.
                if len(refused) >= 3:
                    break
            else:
                share /= 2
        return best

    def merged(self, net: KAN) -> KAN:
        """Equal nodes joined."""
        result = merge_equal(net, self.judge.train.X)
        if result.network.shape == net.shape or not self.judge.no_worse(result.network, net):
            return net
        self.steps.append(result.record)
        self.best = result.network
        return result.network

    def polished(self, net: KAN, rows: TrainingRows, seconds: float | None) -> KAN:
        """A last refit of the same network on all rows."""
        own = [net.layers[0].intervals]
        result = fit(
            net,
            rows.X,
            rows.y,
            loss=self.judge.loss,
            sample_weight=rows.weight,
            validation=None,
            intervals=own,
            steps=10,
            work=self.work,
            seconds=seconds,
            roughness=self.roughness,
        )
        return result.network

    def _without(self, best: KAN, edges: list[tuple[int, int, int]]) -> KAN | None:
        """The network without these edges, retrained on its grid, if it is no worse."""
        candidate = _pruned(best, self.judge.train, edges=edges)
        if candidate is None:
            return None
        if not self._promising(candidate.network, best):
            self._refuse(candidate)
            return None
        own = [best.layers[0].intervals]
        trained = self._tried(candidate, candidate.network, best, 1, own)
        return None if trained is None else trained.network

    def _tried(
        self, candidate: EditResult, begin: KAN, best: KAN, starts: int, intervals: list[int] | None = None
    ) -> FitResult | None:
        """The smaller network trained from `begin`, if it is no worse; a stop asked for keeps what it came to."""
        request = None
        try:
            trained = self._fit(begin, starts, self.judge.error(best), intervals)
        except _AskedError as stop:
            request, trained = stop, stop.result
        kept = self._kept(candidate, trained, best)
        if kept:
            self.best = trained.network
            self.history.extend(trained.history)
        if request is not None:
            raise request
        return trained if kept else None

    def _promising(self, candidate: KAN, best: KAN) -> bool:
        """Whether a quick fit on a coarse grid leaves hope; on fine grids a hopeless trial would cost most of the time."""
        if best.layers[0].intervals <= QUICK:
            return True
        if self._coarse is None or self._coarse[0] is not best:
            self._coarse = (best, self._quick(best))
        return self._quick(candidate) <= HOPELESS * self._coarse[1]

    def _quick(self, net: KAN) -> float:
        coarse = covered(net, self.judge.train, QUICK)
        return self.judge.error(self._fit(coarse, 1, 0.0, intervals=[QUICK], steps=15).network)

    def _refuse(self, candidate: EditResult) -> None:
        detail = f"{candidate.record.detail}; refused on a coarse grid"
        self.steps.append(replace(candidate.record, detail=detail))

    def _kept(self, candidate: EditResult, trained: FitResult, best: KAN) -> bool:
        error = self.judge.error(trained.network)
        good = self.judge.no_worse(trained.network, best)
        if self.roughness == 0.0:
            good = good or error <= GRID_ONLY * self._lowest
        if good:
            self._lowest = min(self._lowest, error)
        verdict = "kept" if good else "refused"
        detail = f"{candidate.record.detail}; {verdict}, held-out error {error:.3g} against {self.judge.error(best):.3g}"
        self.steps.append(replace(candidate.record, detail=detail))
        return good

    def _fit(
        self,
        net: KAN,
        starts: int,
        target: float,
        intervals: list[int] | None = None,
        steps: int | None = None,
    ) -> FitResult:
        train, held = self.judge.train, self.judge.held
        lowest: dict[str, float] = {}
        asked: list[Record] = []

        def watch(record: Record) -> bool:
            if tell(self.callbacks, replace(record, phase=f"simplify {list(net.shape)} {record.phase}")):
                asked.append(record)
                return True
            if record.validation is None or not record.phase.startswith("round"):
                return False
            # Judged when the next round begins: its own first steps are still on their way.
            ended = list(lowest.values())
            lowest[record.phase] = min(record.validation, lowest.get(record.phase, record.validation))
            if len(lowest) == len(ended) or len(ended) < 2:
                return False
            return ended[-1] > HOPELESS * target and ended[-1] > 0.5 * ended[-2]

        result = fit(
            net,
            train.X,
            train.y,
            loss=self.judge.loss,
            sample_weight=train.weight,
            validation=(held.X, held.y),
            starts=starts,
            roughness=self.roughness if intervals is not None else "auto",
            intervals=intervals,
            steps=steps,
            work=self.work,
            seed=self.seed,
            callbacks=(watch,),
        )
        # What `fit` has caught is meant for the whole of simplify.
        if asked or result.stop_reason is StopReason.INTERRUPTED:
            raise _AskedError(result)
        return result


def _keep_best(net: KAN, layer: int, count: int, train: TrainingRows) -> EditResult | None:
    """The network with only the `count` nodes of best score in a hidden layer."""
    scores = edge_scores(net, train.X).nodes[layer - 1]
    order = scores.argsort(descending=True).tolist()
    return _pruned(net, train, nodes=[(layer, node) for node in order[count:]])


def _pruned(net: KAN, train: TrainingRows, **chosen: Any) -> EditResult | None:
    """The pruned network, or None where an output would be left without an edge."""
    try:
        return prune(net, train.X, **chosen)
    except InputError:
        return None


def _by_score(net: KAN, train: TrainingRows) -> list[tuple[int, int, int]]:
    """Alive edges from the least score up."""
    tables = edge_scores(net, train.X).edges
    scored = [
        (float(table[i, o]), (at, i, o))
        for at, table in enumerate(tables)
        for i, o in net.layers[at].mask.nonzero().tolist()
    ]
    return [edge for _, edge in sorted(scored)]


def _as_double(net: KAN) -> KAN:
    return copy.deepcopy(net).to(torch.float64)
