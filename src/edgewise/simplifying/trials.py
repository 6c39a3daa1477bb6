"""Smaller networks tried one after the other: each trained, judged on held-out rows, and kept if it is no worse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason, tell
from edgewise._core.work import StopError
from edgewise.network import KAN, EditRecord, EditResult
from edgewise.simplifying.merge import merge_equal
from edgewise.simplifying.prune import prune
from edgewise.simplifying.scores import edge_scores
from edgewise.training import Callback, FitResult, Loss, Record, fit
from edgewise.training.common.losses import in_units_of_y
from edgewise.training.common.preparation import covered
from edgewise.training.common.rows import TrainingRows
from edgewise.training.second_order.fit_problem import error as error_on

# Losses (in network units, where y has unit variance) below this are rounding: networks that both reach it are equal.
EXACT = 1e-20
# Intervals of the grid on which smaller shapes are tried first.
COARSE = 5
# Intervals of the grid on which an edge to be taken out is tried before the fine grid is.
QUICK = 10
# Steps in which a trained network forgets the held-out rows.
REJUDGED = 15
# A trial is given up when, this many times worse than the best, it no longer improves on a finer grid.
GIVE_UP = 3.0
# Where no noise is left the held-out error is the grid's alone, and differences within this factor mean nothing.
GRID_ONLY = 2.0


@dataclass(frozen=True, eq=False)
class Judge:
    """Held-out rows and what counts as no worse."""

    train: TrainingRows
    held: TrainingRows
    loss: Loss
    tolerance: float

    def rows_of(self, net: KAN) -> torch.Tensor:
        """Loss of every held-out row in the units of the loss."""
        with torch.no_grad():
            f = net(self.held.X)
        if in_units_of_y(self.loss):
            return self.loss.rows(
                (f - net.output_shift) / net.output_scale, (self.held.y - net.output_shift) / net.output_scale
            )
        return self.loss.rows(f, self.held.y)

    def no_worse(self, smaller: KAN, best: KAN) -> bool:
        """Whether the smaller network loses no more than the tolerance or one standard error of the paired difference."""
        ours, theirs = self.rows_of(smaller), self.rows_of(best)
        if not bool(ours.isfinite().all()):
            return False
        worse = ours - theirs
        mean = float(worse @ self.held.weight)
        error = float(worse.std()) / len(worse) ** 0.5 if len(worse) > 1 else 0.0
        base = float(theirs @ self.held.weight)
        # The one-standard-error rule (L. Breiman et al., 1984), bounded so that it never hides a real loss.
        return mean <= max(
            self.tolerance * base, min(error, 0.1 * base), EXACT if in_units_of_y(self.loss) else 0.0
        )

    def error(self, net: KAN) -> float:
        return error_on(net, self.held, self.loss)


class AskedError(StopError):
    """A callback asked to stop, or Ctrl-C was pressed, while a network was trained: with what it came to."""

    def __init__(self, result: FitResult) -> None:
        super().__init__(result.stop_reason)
        self.result = result


class Trials:
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
        """The network trained (again) on the training rows alone, far enough to see which nodes matter.

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
        except AskedError as stop:
            request, trained = stop, stop.result
        kept = self._kept(candidate, trained, best)
        if kept:
            self.best = trained.network
            self.history.extend(trained.history)
        if request is not None:
            raise request
        return trained if kept else None

    def _promising(self, candidate: KAN, best: KAN) -> bool:
        """Whether a quick fit on a coarse grid is near enough to go on; on fine grids failing trials would cost the most."""
        if best.layers[0].intervals <= QUICK:
            return True
        if self._coarse is None or self._coarse[0] is not best:
            self._coarse = (best, self._quick(best))
        return self._quick(candidate) <= GIVE_UP * self._coarse[1]

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
            return ended[-1] > GIVE_UP * target and ended[-1] > 0.5 * ended[-2]

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
            raise AskedError(result)
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
