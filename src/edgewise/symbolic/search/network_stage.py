"""Formulas read from small networks, from the simplest shape to richer ones."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import replace

from edgewise._core.seeds import derive
from edgewise._core.stopping import StopReason
from edgewise._core.work import StopError
from edgewise.symbolic.expressions.composition import living_edges
from edgewise.symbolic.networks.architectures import Architecture, TrainedNetwork, shapes, thinned, train
from edgewise.symbolic.networks.snapping import snap_network
from edgewise.symbolic.search.search_state import Proposal, Search

# Share of all work below which nothing more is started.
_NOTHING_LEFT = 0.003
# Intervals of the networks, turn for turn: forms show on coarse grids already; later turns start anew, and finer.
_INTERVALS = (6, 10, 16)
# A network that leaves no more than this share of y's spread explains all, and is read at once.
_EXPLAINED_SHARE = 2e-2
# Formulas with at most so many times the error of the best network leave nothing to read.
_MATCHED_ERROR = 1.02
# A network with so many times the error of the best formula is not read.
_BEHIND_ERROR = 1.05
# Shares of all work for a step of reading a network, and for training one; of what remains, what training may take if more.
_READING_SHARE = 0.12
_TRAINING_SHARE = 0.15
_TRAINING_LEFT = 0.4


def read_networks(search: Search, seed: int | None) -> Generator[Proposal, None, StopReason]:
    """Train networks and propose formulas read from them; returns why that ended."""
    nothing = _NOTHING_LEFT * search.until
    for turn, intervals in enumerate(_INTERVALS):
        waiting: list[TrainedNetwork] = []
        half = search.left / 2
        for shape in shapes(search.rows.X.shape[1]):
            # What waits must still be read.
            if search.left <= half:
                break
            trained = _trained(search, shape, intervals, derive(seed, turn) or turn)
            # A network that explains all is read at once; the others are compared first.
            if trained.error <= _EXPLAINED_SHARE * search.rows.spread:
                yield from _read(search, trained)
            else:
                waiting.append(trained)
            if (reason := search.solved) is not None:
                return reason
        for trained in sorted(waiting, key=_promise):
            yield from _read(search, trained)
            if (reason := search.solved) is not None:
                return reason
            if search.left <= nothing:
                return StopReason.WORK_SPENT
        if search.left <= nothing:
            return StopReason.WORK_SPENT
        if search.smallest <= _MATCHED_ERROR * min(
            (network.error for network in search.trained), default=0.0
        ):
            return StopReason.NO_IMPROVEMENT
    return StopReason.EXHAUSTED


def _trained(search: Search, shape: Architecture, intervals: int, seed: int) -> TrainedNetwork:
    trained = train(
        shape,
        search.rows.alike,
        intervals=intervals,
        until=_training(search),
        seed=seed,
        callbacks=(search.pass_on,),
    )
    if search.rows.weight is not None:
        # A network is trained on rows that count alike, and judged as the formulas are.
        trained = replace(trained, error=search.rows.error(trained.network.predict(search.rows.X_held)[:, 0]))
    search.trained.append(trained)
    search.tell(f"network {list(trained.network.shape)}: held-out error {trained.error:.3g}")
    _respect(trained)
    return trained


def _respect(trained: TrainedNetwork) -> None:
    """`fit` answers an interruption with its best network; here it means that the search is over."""
    if trained.stopped is StopReason.INTERRUPTED:
        raise KeyboardInterrupt
    if trained.stopped is not None:
        raise StopError(trained.stopped)


def _promise(trained: TrainedNetwork) -> float:
    """Small networks first, unless a larger one explains much more."""
    return math.log(max(trained.error, 1e-300)) + 0.05 * len(living_edges(trained.network))


def _read(search: Search, trained: TrainedNetwork) -> Iterator[Proposal]:
    """The formulas of a network, unless the formulas at hand explain more than it does."""
    if trained.error >= _BEHIND_ERROR * search.smallest:
        return
    thin = thinned(trained, search.rows.alike, until=_reading(search))
    _respect(thin)
    accuracy = min(max(thin.error / max(search.rows.spread, 1e-300), 1e-8), 1e-2)
    limit = _reading(search)
    trees = snap_network(thin.network, search.rows.alike, search.limits.forms, accuracy=accuracy, until=limit)
    yield Proposal(trees, thin.network)


def _reading(search: Search) -> float:
    """Where the count may be after one step of reading a network."""
    return min(search.until, search.meter.spent + _READING_SHARE * search.until)


def _training(search: Search) -> float:
    """Where the count may be after one network: simple shapes must not starve the rich ones."""
    most = max(
        _TRAINING_SHARE * search.until,
        _TRAINING_LEFT * search.left,
    )
    return search.meter.spent + max(min(search.left, most), 0.0)
