"""From a table to a formula: direct candidates first, then the structure of the data, then small networks.

The search can be stopped at any time and then answers with the best it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_float, check_int
from edgewise._core.seeds import derive
from edgewise._core.threads import one_thread
from edgewise.forms import Form
from edgewise.symbolic.candidates import direct_candidates
from edgewise.symbolic.description import challenged
from edgewise.symbolic.exchange import sums_by_exchange
from edgewise.symbolic.formula import Formula, pareto
from edgewise.symbolic.gathering import Search, StopError
from edgewise.symbolic.given import read_callbacks, read_jobs, read_rows, target_name, threads
from edgewise.symbolic.limits import Limits
from edgewise.symbolic.parse import from_sympy, to_sympy
from edgewise.symbolic.reading import read_networks
from edgewise.symbolic.reduced import from_units, reduced
from edgewise.symbolic.result import FormulaResult, judged, recommended
from edgewise.symbolic.resummed import resummed
from edgewise.symbolic.rounding import fit_expression
from edgewise.symbolic.rows import Rows
from edgewise.symbolic.screen import mattering, related
from edgewise.symbolic.shortened import shortened
from edgewise.symbolic.structured import structured
from edgewise.training import Record

# Formulas whose units fit by themselves are shown alone where their error is no larger than this times the smallest.
_AS_GOOD = 1.05
# From so many columns on those that matter are searched first, as so many rows show them, for this share of the time.
_WIDE, _SCREENED, _NARROW_SHARE = 6, 1000, 0.4


def find_formula(
    X: Any,
    y: Any,
    *,
    names: Iterable[str] | None = None,
    units: Mapping[str, Any] | None = None,
    seconds: float = 60.0,
    seed: int | None = 0,
    callbacks: Iterable[Callable[[Record], Any]] = (),
    forms: Iterable[Form | str] | None = None,
    without: Iterable[str] = (),
    require: Iterable[str] = (),
    ignore: Iterable[str] = (),
    held_out: float = 0.2,
    n_jobs: int = 1,
) -> FormulaResult:
    """Find formulas for y in the columns of X.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d).
    y
        Vector, (n,).
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    units
        What each column and the target are measured in, as {"m": "kg", "v": "m/s", "y": "J"} or as exponents of base
        units. The target goes by "y", or by the name of the series that y is. Formulas whose units do not fit are never
        offered; measured constants may carry a unit where no formula without such does as well.
    seconds
        The time to spend; the search ends earlier once a formula is exact or every shape has been tried.
    seed
        Seed of the split and of the networks.
    callbacks
        Called with a `Record` after each step; one that returns True ends the search.
    forms
        The closed forms an edge may become, or their names; by default all of `edgewise.forms.FORMS`. Add your own with
        `edgewise.forms.form_from_text`. Formulas then hold no function that none of these is made of; sums, products and
        whole powers are always allowed.
    without
        Functions that no formula holds, such as "sin" and "tanh"; without "sqrt" there are no broken powers either.
    require
        Columns that every formula contains.
    ignore
        Columns that are not used.
    held_out
        The share of rows on which formulas are judged. Tables of fewer than 60 rows are judged by leaving out one row
        at a time instead.
    n_jobs
        Threads that torch may take while networks are trained, -1 for as many as there are processors. The networks are
        small, so that more than one seldom helps; the rest of the search takes one.

    Returns
    -------
    FormulaResult

    Raises
    ------
    InputError
        Where the table does not fit together or holds what is not a finite number.

    Notes
    -----
    Of more than 60 columns, those that y follows most closely one by one are searched; the message says so.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import find_formula
    >>> X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    >>> found = find_formula(X, 2 * X[:, 0] / X[:, 1] ** 2, names=["m", "r"], seconds=5)
    >>> found.best.text, found.exact
    ('2*m/r^2', True)
    """
    started = time.monotonic()
    seed = None if seed is None else check_int(seed, "seed", low=0, of="find_formula")
    rows = read_rows(X, y, names, held_out, seed)
    limit = check_float(seconds, "seconds", low=0.0, closed=False, of="find_formula")
    jobs, told = read_jobs(n_jobs), read_callbacks(callbacks)
    limits = Limits.read(
        rows.names,
        target=target_name(y, units, rows.names),
        forms=forms,
        without=without,
        require=require,
        ignore=ignore,
        units=units,
    )
    # Only the columns that matter are searched; the formulas are told in all of them.
    chosen = _searched(rows, limits)
    few = rows.columns(chosen)
    search = Search(few, limits.narrowed(few.names), told, started, started + limit)
    try:
        # Candidates leave the range of floats as a matter of course; they are judged by what they give.
        with np.errstate(all="ignore"), one_thread():
            narrow = _narrowed(search)
            reason = None
            if narrow is not None:
                search, wide = narrow, search
                reason = _run(narrow, seed, jobs)
                if _missed(narrow, wide):
                    search, reason = wide, None
                    wide.add([from_sympy(each.sympy) for each in pareto(narrow.finished)], None)
                elif not (narrow.exact or narrow.explained):
                    narrow.deadline = wide.deadline
                    with threads(jobs):
                        reason = read_networks(narrow, derive(seed, 1))
            reason = _run(search, seed, jobs) if reason is None else reason
    except KeyboardInterrupt:
        reason = "the search was interrupted"
    except StopError:
        reason = "a callback asked to stop"
    if (searched := len(search.rows.names)) < len(limits.columns):
        which = "follows most closely" if search.rows is few else "depends on"
        reason += f"; of {len(limits.columns):,} columns only the {searched} that y {which} were searched"
    with np.errstate(all="ignore"):
        return _named(_result(search, reason), rows.names)


def _searched(rows: Rows, limits: Limits) -> NDArray[np.intp]:
    """Which columns are searched: those that are required, and of the others those that y follows."""
    used = np.array([rows.names.index(name) for name in limits.columns], dtype=np.intp)
    needed = [rows.names.index(name) for name in limits.columns if name in limits.require]
    return np.union1d(used[related(rows.X[:, used], rows.y)], np.array(needed, dtype=np.intp))


def _narrowed(wide: Search) -> Search | None:
    """The search among the columns that matter, for a part of the time; None where that is all of them or cannot be told."""
    rows, names = wide.rows, wide.rows.names
    if len(names) < _WIDE or rows.short:
        return None
    thin = rows.thinned(_SCREENED)
    needed = [at for at, name in enumerate(names) if name in wide.limits.require]
    kept = np.union1d(mattering(thin.X, thin.y), np.array(needed, dtype=np.intp))
    if len(kept) in (0, len(names)):
        return None
    few = rows.columns(kept)
    end = wide.started + _NARROW_SHARE * (wide.deadline - wide.started)
    return Search(few, wide.limits.narrowed(few.names), wide.callbacks, wide.started, end)


def _missed(narrow: Search, wide: Search) -> bool:
    """Whether what the best formula leaves follows a column that was left out."""
    if narrow.exact or not narrow.finished:
        return not narrow.exact
    best = min(narrow.finished, key=lambda each: each.error)
    thin, few = wide.rows.thinned(_SCREENED), narrow.rows.thinned(_SCREENED)
    shown = mattering(thin.X, few.y - best.predict(few.X))
    return any(wide.rows.names[at] not in narrow.rows.names for at in shown)


def _run(search: Search, seed: int | None, jobs: int) -> str:
    rows, limits = search.rows, search.limits
    state = reduced(rows, limits.units)
    for trees in (
        from_units(rows, limits.units, state, limits.forms),
        direct_candidates(rows, limits.forms),
    ):
        search.add(trees, None)
        if search.exact:
            return "an exact formula needed no network"
    structured(search, state)
    if search.exact:
        return "the structure of the data gave an exact formula"
    search.add(resummed(search.closest), None)
    if search.exact:
        return "a series that was found is that of an exact formula"
    search.add(shortened(search.closest), None)
    if search.explained:
        return "the formulas explain all but the noise"
    if search.left <= 0:
        return "the time was spent"
    search.add(sums_by_exchange(rows, seed or 0), None)
    if search.exact:
        return "an exact formula needed no network"
    with threads(jobs):
        reason = read_networks(search, seed)
    search.add(shortened(search.closest), None)
    return reason


def _result(search: Search, reason: str) -> FormulaResult:
    rows = search.rows
    if not search.finished:
        _finish_simplest(search)
    known = _preferred(search)
    front = pareto(known, slack=1e-6)
    front = front if front else tuple(known[:1])
    best = recommended(front, rows)
    if not search.exact:
        best = challenged(best, [*known, *search.near(best)], rows)
        if not any(each.sympy == best.sympy for each in front):
            front = tuple(sorted((*front, best), key=lambda each: each.complexity))
    network = search.networks.get(best.sympy)
    if network is None and search.trained:
        network = min(search.trained, key=lambda each: each.error).network
    how = "leaving out one row at a time" if rows.short else f"{len(rows.y_held):,} held-out rows"
    message = (
        f"The best of {len(search.finished)} formulas has an RMSE of {best.error:.4g} (R2 {best.r2:.6f}) judged by "
        f"{how}; {reason}."
    )
    exact = any(each.sympy == best.sympy for each in search.laws)
    rivals = () if exact else tuple(each for each in search.rivals(best) if search.limits.strict(each))
    found = judged(FormulaResult(best, front, network, message, 0.0, exact=exact), rows, rivals=rivals)
    return replace(found, seconds=time.monotonic() - search.started)


def _finish_simplest(search: Search) -> None:
    """Stopped before anything was judged, or nothing allowed: a constant is always an answer."""
    tree = search.limits.simplest(float(search.rows.y.mean()))
    search.callbacks = ()
    search.finish(fit_expression(to_sympy(tree, search.rows.names), search.rows), None)


def _preferred(search: Search) -> list[Formula]:
    """Where units are told: the formulas that need no constant with a unit, if these explain as much."""
    strict = [each for each in search.finished if search.limits.strict(each)]
    smallest = max(_AS_GOOD * search.smallest, search.exactness)
    return strict if any(each.error <= smallest for each in strict) else search.finished


def _named(result: FormulaResult, names: tuple[str, ...]) -> FormulaResult:
    """The result with formulas that predict from the whole table."""
    if result.best.names == names:
        return result
    front = tuple(replace(each, names=names) for each in result.front)
    equals = tuple(replace(each, formula=replace(each.formula, names=names)) for each in result.equals)
    return replace(result, best=replace(result.best, names=names), front=front, equals=equals)
