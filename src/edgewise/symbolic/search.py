"""From a table to a formula: direct candidates first, then small networks, from the simplest shape to richer ones.

Every candidate goes the same way: constants fitted on the data, the expression brought to its shortest writing,
constants rounded where the data cannot tell, and judged on rows it has not seen. The search can be stopped at any
time and then answers with the best it has.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import (
    as_tuple,
    check_float,
    check_int,
    check_matrix,
    check_names,
    check_vector,
    short,
)
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive
from edgewise._core.threads import one_thread
from edgewise.forms import FORMS, Form
from edgewise.forms.tree import Node
from edgewise.network import KAN
from edgewise.symbolic.candidates import direct_candidates
from edgewise.symbolic.complexity import complexity
from edgewise.symbolic.compose import living_edges
from edgewise.symbolic.curve import check_forms
from edgewise.symbolic.exchange import sums_by_exchange
from edgewise.symbolic.formula import Formula, pareto
from edgewise.symbolic.parse import to_sympy
from edgewise.symbolic.result import FormulaResult, as_formula, recommended
from edgewise.symbolic.rounding import Fitted, fit_expression, round_constants, trim_digits
from edgewise.symbolic.rows import Rows
from edgewise.symbolic.screen import related
from edgewise.symbolic.shapes import Shape, Trained, shapes, thinned, train
from edgewise.symbolic.snapping import snap_network
from edgewise.symbolic.tidy import simplify_expression
from edgewise.training import Record

Floats = NDArray[np.float64]
Callback = Callable[[Record], Any]

# A held-out error this small beside the spread of y is a law found exactly, not a good fit.
_EXACT = 1e-9
# Nobody reads longer ones.
_LARGEST = 60
# Beyond this size, or below its inverse, squared errors leave the range of floats.
_SMALLEST_Y = 1e-140


class _StopError(Exception):
    """A callback asked to stop."""


@dataclass
class _Search:
    """What has been found so far."""

    rows: Rows
    forms: Sequence[Form] | None
    callbacks: Sequence[Callback]
    started: float
    deadline: float
    found: list[tuple[Fitted, KAN | None]] = field(default_factory=list[tuple[Fitted, KAN | None]])
    finished: list[Formula] = field(default_factory=list[Formula])
    trained: list[Trained] = field(default_factory=list[Trained])

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    @property
    def smallest(self) -> float:
        return min((each.error for each in self.finished), default=math.inf)

    @property
    def exact(self) -> bool:
        return self.smallest <= max(_EXACT * self.rows.spread, 10 * self.rows.rounding_error)

    def tell(self, note: str) -> None:
        error = self.smallest
        record = Record(
            phase="formula",
            step=len(self.finished),
            loss=error,
            validation=error,
            seconds=time.monotonic() - self.started,
            intervals=0,
            note=note,
        )
        answers = [callback(record) for callback in self.callbacks]
        if any(answer is True for answer in answers):
            raise _StopError

    def add(self, trees: Iterable[Node], network: KAN | None) -> None:
        """Fit, shorten and judge candidates, then finish those that no shorter one beats."""
        fresh: list[Fitted] = []
        for tree in trees:
            if fresh and self.left <= 0:
                break
            expression = simplify_expression(to_sympy(tree, self.rows.names), self.rows.positive)
            if _is_real(expression) and complexity(expression) <= _LARGEST:
                fitted = fit_expression(expression, self.rows)
                # A formula with a constant for every third row can follow anything.
                if math.isfinite(fitted.held) and 3 * fitted.fit.constants.size <= len(self.rows.y):
                    fresh.append(fitted)
        for fitted in _worth_finishing(fresh, self.finished):
            polished = trim_digits(round_constants(fitted.expression, self.rows), self.rows)
            formula = as_formula(polished, self.rows, network)
            self.finished.append(formula)
            self.found.append((polished, network))
            self.tell(formula.text)
            if self.left <= 0:
                return


def find_formula(
    X: Any,
    y: Any,
    *,
    names: Iterable[str] | None = None,
    seconds: float = 60.0,
    seed: int | None = 0,
    callbacks: Iterable[Callback] = (),
    forms: Iterable[Form] | None = None,
    held_out: float = 0.2,
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
    seconds
        The time to spend; the search ends earlier once a formula is exact or every shape has been tried.
    seed
        Seed of the split and of the networks.
    callbacks
        Called with a `Record` after each step; one that returns True ends the search.
    forms
        The closed forms an edge may become; by default all of `edgewise.forms.FORMS`. Add your own with
        `edgewise.forms.form_from_text`.
    held_out
        The share of rows on which formulas are judged. Tables of fewer than 60 rows are judged by leaving out one row
        at a time instead.

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
    >>> found.best.text
    '2*m/r^2'
    """
    started = time.monotonic()
    seed = None if seed is None else check_int(seed, "seed", low=0, of="find_formula")
    rows = _rows(X, y, names, held_out, seed)
    limit = check_float(seconds, "seconds", low=0.0, closed=False, of="find_formula")
    library = None if forms is None else _checked_forms(forms)
    told = as_tuple(callbacks, "callbacks", "functions", of="find_formula")
    if not all(callable(callback) for callback in told):
        raise InputError(
            f"The 'callbacks' parameter of find_formula must list functions. Got {short(callbacks)} instead."
        )
    # Only the columns that matter are searched; the formulas are told in all of them.
    chosen = related(rows.X, rows.y)
    search = _Search(rows.columns(chosen), library, told, started, started + limit)
    try:
        # Candidates leave the range of floats as a matter of course; they are judged by what they give.
        with np.errstate(all="ignore"), one_thread():
            reason = _run(search, seed)
    except KeyboardInterrupt:
        reason = "the search was interrupted"
    except _StopError:
        reason = "a callback asked to stop"
    if not search.finished:
        # Stopped before anything was judged: the mean is always an answer.
        mean = fit_expression(to_sympy(next(iter(direct_candidates(search.rows)))), search.rows)
        search.finished.append(as_formula(mean, search.rows, None))
        search.found.append((mean, None))
    if len(chosen) < len(rows.names):
        reason += (
            f"; of {len(rows.names):,} columns the {len(chosen)} that y follows most closely were searched"
        )
    with np.errstate(all="ignore"):
        return _named(_result(search, reason), rows.names)


def _run(search: _Search, seed: int | None) -> str:
    search.add(direct_candidates(search.rows, search.forms), None)
    if search.exact:
        return "an exact formula needed no network"
    search.add(sums_by_exchange(search.rows, seed or 0), None)
    if search.exact:
        return "an exact formula needed no network"
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
        for trained in sorted(waiting, key=_promise):
            _read(search, trained)
            if search.exact:
                return "an exact formula was found"
            if search.left <= 0.2:
                return "the time was spent"
        if search.left <= 0.2:
            return "the time was spent"
        if search.smallest <= 1.02 * min((each.error for each in search.trained), default=0.0):
            return "no network explains more than the formulas do"
    return "every shape has been tried"


# Forms show on coarse grids already; a second and third turn start anew, and finer.
_INTERVALS = (6, 10, 16)
_EXPLAINED = 2e-2


def _trained(search: _Search, shape: Shape, intervals: int, seed: int) -> Trained:
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
        raise _StopError


def _promise(trained: Trained) -> float:
    """Small networks first, unless a larger one explains much more."""
    return math.log(max(trained.error, 1e-300)) + 0.05 * len(living_edges(trained.network))


def _read(search: _Search, trained: Trained) -> None:
    """Add the formulas of a network, unless the formulas at hand explain more than it does."""
    if trained.error >= 1.05 * search.smallest:
        return
    limit = min(search.deadline, time.monotonic() + 0.12 * (search.deadline - search.started))
    thin = thinned(trained, search.rows, deadline=limit)
    _respect(thin)
    accuracy = min(max(thin.error / max(search.rows.spread, 1e-300), 1e-8), 1e-2)
    limit = min(search.deadline, time.monotonic() + 0.12 * (search.deadline - search.started))
    trees = snap_network(thin.network, search.rows, search.forms, accuracy=accuracy, deadline=limit)
    search.add(trees, thin.network)


def _share(search: _Search) -> float:
    """Simple shapes must not starve the rich ones."""
    return max(min(search.left, max(0.15 * (search.deadline - search.started), 0.4 * search.left)), 0.2)


def _worth_finishing(fresh: Sequence[Fitted], finished: Sequence[Formula]) -> list[Fitted]:
    """Rounding is the dear part: only what lies near the front is rounded."""
    kept: list[Fitted] = []
    rivals = [(each.complexity, each.error) for each in finished]
    texts: set[str] = set()
    for each in sorted(fresh, key=lambda one: (one.held, complexity(one.expression))):
        size, key = complexity(each.expression), str(each.expression)
        beaten = any(other <= size and error <= 1.0001 * each.held for other, error in rivals)
        if key not in texts and not beaten:
            kept.append(each)
            rivals.append((size, each.held))
            texts.add(key)
    return kept


def _result(search: _Search, reason: str) -> FormulaResult:
    rows = search.rows
    front = pareto(search.finished, slack=1e-6)
    front = front if front else tuple(search.finished[:1])
    best = recommended(front, rows)
    network = next(
        (net for fitted, net in search.found if fitted.expression == best.sympy and net is not None), None
    )
    if network is None and search.trained:
        network = min(search.trained, key=lambda each: each.error).network
    judged = "leaving out one row at a time" if rows.short else f"{len(rows.y_held):,} held-out rows"
    message = (
        f"The best of {len(search.finished)} formulas has an RMSE of {best.error:.4g} (R2 {best.r2:.6f}) judged by "
        f"{judged}; {reason}."
    )
    return FormulaResult(best, front, network, message, time.monotonic() - search.started)


def _named(result: FormulaResult, names: tuple[str, ...]) -> FormulaResult:
    """The result with formulas that predict from the whole table."""
    if result.best.names == names:
        return result
    front = tuple(replace(each, names=names) for each in result.front)
    return replace(result, best=replace(result.best, names=names), front=front)


def _is_real(expression: Any) -> bool:
    from sympy import I, nan, oo, zoo

    return not expression.has(I, nan, oo, -oo, zoo)


def _rows(X: Any, y: Any, names: Iterable[str] | None, held_out: float, seed: int | None) -> Rows:
    table = check_matrix(X, "X", min_rows=5, of="find_formula")
    if table.shape[1] == 0:
        raise InputError("The 'X' parameter of find_formula must have at least 1 column. Got none instead.")
    target = check_vector(y, "y", length=len(table), of="find_formula")
    largest = float(np.abs(target).max())
    if largest != 0 and not _SMALLEST_Y <= largest <= 1 / _SMALLEST_Y:
        raise InputError(
            f"The 'y' parameter of find_formula must have its largest entry between {_SMALLEST_Y:g} and "
            f"{1 / _SMALLEST_Y:g}, so that errors can be squared. Got {largest:g} instead; choose other units."
        )
    share = check_float(held_out, "held_out", low=0.05, high=0.5, of="find_formula")
    if names is None:
        labels = getattr(X, "columns", None)
        names = (
            [f"x{at + 1}" for at in range(table.shape[1])]
            if labels is None
            else [str(each) for each in labels]
        )
    return Rows.split(
        check_names(names, "names", table.shape[1], of="find_formula"), table, target, share, seed
    )


def _checked_forms(forms: Iterable[Form]) -> tuple[Form, ...]:
    library = check_forms(forms, "find_formula")
    if not any(form.family == "linear" for form in library):
        # A search without straight lines could not even say that an edge is one.
        library = (FORMS["identity"], *library)
    return library
