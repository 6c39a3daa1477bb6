"""Which columns are searched: those that y follows, and of many first those that matter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgewise._core.seeds import derive
from edgewise._core.stopping import StopReason
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import attempted
from edgewise.symbolic.results.formula import pareto
from edgewise.symbolic.search.recipe import networks, run
from edgewise.symbolic.search.screening import mattering, related
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.search_state import Search

# From so many columns on those that matter are searched first.
_WIDE_COLUMNS = 6
# Rows that show which columns matter, and the share of the work for that: a search of little work needs the rest.
_SCREENED_ROWS = 1000
_SCREENING_SHARE = 0.1
# Share of the work for the search among these.
_NARROW_SHARE = 0.4


def searched_columns(rows: SplitRows, limits: Limits, most: int) -> NDArray[np.intp]:
    """Which columns are searched: those that are required, and of the others the most that y follows."""
    used = np.array([rows.names.index(name) for name in limits.columns], dtype=np.intp)
    needed = [rows.names.index(name) for name in limits.columns if name in limits.needed]
    alike = rows.alike
    return np.union1d(used[related(alike.X[:, used], alike.y, most)], np.array(needed, dtype=np.intp))


def _narrowed(wide: Search) -> Search | None:
    """The search among the columns that matter, for a part of the time; None where that is all or unknown."""
    rows, names, config = wide.rows, wide.rows.names, wide.config
    if len(names) < _WIDE_COLUMNS or rows.short:
        return None
    thin = rows.alike.thinned(_SCREENED_ROWS)
    needed = [at for at, name in enumerate(names) if name in wide.limits.needed]
    most = _SCREENING_SHARE * wide.left
    kept = np.union1d(mattering(thin.X, thin.y, most), np.array(needed, dtype=np.intp))
    if len(kept) in (0, len(names)):
        return None
    few = rows.columns(kept)
    until = wide.part(_NARROW_SHARE)
    return Search(few, wide.limits.narrowed(few.names), wide.callbacks, wide.meter, until, config)


def run_narrow_first(searches: list[Search], seed: int | None) -> StopReason:
    """Search among the columns that matter; among all of them where those fall short."""
    wide = searches[-1]
    wide.meter.beat = wide.beat
    narrow = None
    with attempted("columns that matter"):
        narrow = _narrowed(wide)
    if narrow is None:
        return run(wide, seed)
    searches.append(narrow)
    wide.meter.beat = narrow.beat
    reason = run(narrow, seed)
    missed = True
    with attempted("columns that matter"):
        missed = _missed(narrow, wide)
    if missed:
        searches.append(wide)
        wide.meter.beat = wide.beat
        wide.add([formula.tree for formula in pareto(narrow.finished)], None)
        return run(wide, seed)
    if narrow.solved is None:
        narrow.until = wide.until
        return narrow.follow(networks(narrow, derive(seed, 1))) or StopReason.EXHAUSTED
    return reason


def _missed(narrow: Search, wide: Search) -> bool:
    """Whether what the best formula leaves follows a column that was left out."""
    if narrow.exact or not narrow.finished:
        return not narrow.exact
    best = min(narrow.finished, key=lambda formula: formula.error)
    thin, few = wide.rows.alike.thinned(_SCREENED_ROWS), narrow.rows.alike.thinned(_SCREENED_ROWS)
    shown = mattering(thin.X, few.y - best.predict(few.X))
    return any(wide.rows.names[at] not in narrow.rows.names for at in shown)
