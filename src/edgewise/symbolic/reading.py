"""Formulas read from small networks, from the simplest shape to richer ones."""

from __future__ import annotations

import math
import time

from edgewise._core.seeds import derive
from edgewise.symbolic.compose import living_edges
from edgewise.symbolic.gathering import Search, StopError
from edgewise.symbolic.shapes import Shape, Trained, shapes, thinned, train
from edgewise.symbolic.snapping import snap_network

# Forms show on coarse grids already; a second and third turn start anew, and finer.
_INTERVALS = (6, 10, 16)
# A network that leaves no more than this share of y's spread explains all.
_EXPLAINED = 2e-2
# What is left of the time when there is no point in starting anything.
_NOTHING_LEFT = 0.2
_ONLY_NOISE = "the formulas explain all but the noise"


def read_networks(search: Search, seed: int | None) -> str:
    """Train networks and add what they say; returns why that ended."""
    for turn, intervals in enumerate(_INTERVALS):
        waiting: list[Trained] = []
        half = search.left / 2
        for shape in shapes(search.rows.X.shape[1]):
            # What waits must still be read.
            if search.left <= half:
                break
            trained = _trained(search, shape, intervals, derive(seed, turn) or turn)
            # A network that explains all is read at once; the others are compared first.
            if trained.error <= _EXPLAINED * search.rows.spread:
                _read(search, trained)
            else:
                waiting.append(trained)
            if search.exact:
                return "an exact formula was found"
            if search.explained:
                return _ONLY_NOISE
        for trained in sorted(waiting, key=_promise):
            _read(search, trained)
            if search.exact:
                return "an exact formula was found"
            if search.explained:
                return _ONLY_NOISE
            if search.left <= _NOTHING_LEFT:
                return "the time was spent"
        if search.left <= _NOTHING_LEFT:
            return "the time was spent"
        if search.smallest <= 1.02 * min((each.error for each in search.trained), default=0.0):
            return "no network explains more than the formulas do"
    return "every shape has been tried"


def _trained(search: Search, shape: Shape, intervals: int, seed: int) -> Trained:
    trained = train(
        shape, search.rows, intervals=intervals, seconds=_share(search), seed=seed, callbacks=search.callbacks
    )
    search.trained.append(trained)
    search.tell(f"network {list(trained.network.shape)}: held-out error {trained.error:.3g}")
    _respect(trained)
    return trained


def _respect(trained: Trained) -> None:
    """`fit` answers an interruption with its best network; here it means that the search is over."""
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    if trained.stopped == "callback":
        raise StopError


def _promise(trained: Trained) -> float:
    """Small networks first, unless a larger one explains much more."""
    return math.log(max(trained.error, 1e-300)) + 0.05 * len(living_edges(trained.network))


def _read(search: Search, trained: Trained) -> None:
    """Add the formulas of a network, unless the formulas at hand explain more than it does."""
    if trained.error >= 1.05 * search.smallest:
        return
    limit = min(search.deadline, time.monotonic() + 0.12 * (search.deadline - search.started))
    thin = thinned(trained, search.rows, deadline=limit)
    _respect(thin)
    accuracy = min(max(thin.error / max(search.rows.spread, 1e-300), 1e-8), 1e-2)
    limit = min(search.deadline, time.monotonic() + 0.12 * (search.deadline - search.started))
    trees = snap_network(thin.network, search.rows, search.limits.forms, accuracy=accuracy, deadline=limit)
    search.add(trees, thin.network)


def _share(search: Search) -> float:
    """Simple shapes must not starve the rich ones."""
    return max(
        min(search.left, max(0.15 * (search.deadline - search.started), 0.4 * search.left)), _NOTHING_LEFT
    )
