"""A law found by measuring where it is most informative: sequential design of experiments.

    a first spread of places -> measure -> search -> places where rivals differ, and new ones between -> measure -> ...
                                 without noise -> experiments that take the law apart, once

The search ends when the best formula has predicted new measurements, at places where its rivals predict otherwise, within
the noise. What the noise is, is not left to the formulas: some places are measured again. Where that gives the same to the
last digit, there is none, and a law must leave nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from edgewise._core.arguments import as_callables, as_mapping, check_callable, check_table
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_float, check_int, check_vector, plural, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason, tell
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, check_seconds, check_work, running
from edgewise.symbolic.costs import SEARCH_WORK_UNITS
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.next_measurement import check_bounds, next_measurement, spread
from edgewise.symbolic.results.pure_error import PureError
from edgewise.symbolic.results.search_result import FormulaResult, renumbered
from edgewise.symbolic.search.confirmation import confirms, with_slips
from edgewise.symbolic.search.controlled_experiments import views
from edgewise.symbolic.search.coordinates import Coordinates
from edgewise.symbolic.search.find_formula import LOSSES, find_formula
from edgewise.symbolic.search.laboratory import LEAST_PLACES, Laboratory, OneColumn
from edgewise.symbolic.search.measured_rows import MeasuredRows
from edgewise.symbolic.search.outcome import Ended, message

# Places of the first design: so many at least, and so many a column; later turns have one of so many measured so far.
_FIRST_PLACES = 12
_FIRST_PLACES_A_COLUMN = 3
_TURN_PART = 4
# Measurements that must have given a number.
_FEWEST_VALUES = 8
# Turns in a row whose measurements the formula must have predicted, under noise and where it leaves but rounding.
_PREDICTED_TURNS = 2
_PREDICTED_TURNS_EXACT = 1
# Places that are measured again, to know the noise, where the first does not give the same.
_REPEATED_PLACES = 5
# Share of the work that every search gets at least, also once a law is taken apart further, and the search along a column.
_LEAST_WORK = 0.02
_VIEW_WORK = 0.08
_PART_WORK = 0.02
# Share of the largest value within which a law of a column must hold, its measured constants, and the rows that it needs.
_PART_ROUNDING = 1e-9
_PART_CONSTANTS = 3
_PART_ROWS = 7

# Ends of bounds that are multiples of a step but for rounding.
_ROUNDING = 1e-9
_ENDED = (StopReason.TIME_LIMIT, StopReason.INTERRUPTED)


@dataclass(frozen=True, eq=False)
class AskResult:
    """A law found by measuring.

    Attributes
    ----------
    result : FormulaResult
        What was found in all measurements.
    X : ndarray, shape (n, d)
        Where it was measured.
    y : ndarray, shape (n,)
    confirmed : bool
        Whether the formula had predicted the last measurements.
    message : str
    stop_reason : StopReason
    seconds : float
    """

    result: FormulaResult
    X: Floats
    y: Floats
    confirmed: bool
    message: str
    stop_reason: StopReason
    seconds: float

    def __str__(self) -> str:
        return f"{self.result}\n{self.message}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "result": self.result.to_dict(),
            "X": self.X.tolist(),
            "y": self.y.tolist(),
            "confirmed": self.confirmed,
            "message": self.message,
            "stop_reason": self.stop_reason.value,
            "seconds": self.seconds,
        }


def ask(
    measure: Callable[[dict[str, float]], float],
    bounds: Mapping[str, Sequence[float]],
    *,
    most: int = 60,
    sigma: float | None = None,
    steps: Mapping[str, float] | None = None,
    loss: str = "squared",
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    X: Any = None,
    y: Any = None,
    callbacks: Callable[[FormulaResult, int], object] | Sequence[Callable[[FormulaResult, int], object]] = (),
) -> AskResult:
    """Find the law behind a function that measures, with few measurements.

    Parameters
    ----------
    measure : callable
        Takes a value for each column, as {"x": 1.5}, and returns y. NaN is a measurement that failed; it counts. An error
        that it raises ends all and has what was measured before as its attributes X and y.
    bounds : mapping of str to (float, float)
        Between which values each column can be set.
    most : int
        Measurements at most, those of `X` and `y` included.
    sigma : float, optional
        Standard deviation of the noise of a measurement; by default one place is measured again, and more where that gives
        another value.
    steps : mapping of str to float, optional
        The columns that can only be set to multiples of a number. Then no measurements are made to take the law apart, for
        which exact places are needed.
    loss : "squared" or "robust"
        "robust" sets gross errors aside, such as slips of who measures, and names them.
    work : "quick", "normal", "thorough" or float
        How much all searches may do together; the later ones, of more measurements, may do more.
    seconds : float, optional
        Interrupts after so long; what is found by then is the answer.
    seed : int
        Of the places and the searches.
    X, y : arrays of shape (n, d) and (n,), optional
        Measurements made before, to go on from: after an error, or of another result whose `most` was too low. With the same
        other arguments the answer is that of a run which did not end.
    callbacks : callable or sequence of callable
        Each gets the result of every search and the number of measurements; returning True stops.

    Returns
    -------
    AskResult

    Raises
    ------
    InputError
        Where an argument is out of range, or the measurements are too few, or not numbers.

    Examples
    --------
    >>> from edgewise.symbolic import ask
    >>> found = ask(lambda at: 3 * at["m"] / at["r"] ** 2, {"m": (1, 5), "r": (1, 3)}, seed=0)
    >>> found.result.best.text, found.confirmed, len(found.y) <= 30
    ('3*m/r^2', True, True)
    """
    check_callable(measure, "measure")
    low, high = check_bounds(bounds, None)
    names = tuple(str(name) for name in bounds)
    first = max(_FIRST_PLACES, _FIRST_PLACES_A_COLUMN * len(names))
    before = _measured_before(X, y, names)
    check_int(most, "most", low=max(first, 0 if before is None else len(before[1])))
    if sigma is not None:
        check_float(sigma, "sigma", low=0)
    check_choice(loss, "loss", LOSSES)
    total = check_work(work)
    listeners = as_callables(callbacks)
    limit, meter = check_seconds(seconds), Meter()
    asking = MeasuredRows(measure, names, most, _settable(steps, names, low, high), before)
    view = Coordinates.of(names)
    noise = None if sigma is None else PureError(sigma)
    places = asking.first(spread(low, high, first, seed))
    result: FormulaResult | None = None
    confirmed, taken_apart, predicted, reason = False, bool(steps), 0, StopReason.EXHAUSTED

    def left() -> float | None:
        return None if limit is None else max(limit - meter.seconds, 0.01)

    try:
        while True:
            X, y = asking.at(places)
            if len(asking.y) < _FEWEST_VALUES:
                raise InputError(
                    argument="measure",
                    expected=f"give at least {_FEWEST_VALUES} numbers",
                    got=f"{len(asking.y)} of {asking.count}",
                    advice="give bounds within which it can measure",
                )
            if noise is None:
                noise = asking.again(_REPEATED_PLACES)
            if result is not None:
                aside = result.gross_errors if loss == "robust" else None
                held = confirms(result, X, y, asking, aside, noise)
                predicted = predicted + 1 if held else 0
                confirmed = predicted >= (_PREDICTED_TURNS_EXACT if noise.sigma == 0 else _PREDICTED_TURNS)
                # Rows made before are all looked at, too.
                settled = confirmed and not asking.waiting
                if settled and (noise.sigma == 0 or not result.alternatives()):
                    reason = StopReason.CONVERGED
                    break
            turns = len(_turns(asking.count, most))
            share = (total - meter.spent / SEARCH_WORK_UNITS) / 2**turns
            with running(meter):
                result = _searched(asking, view, sigma, loss, max(share, _LEAST_WORK * total), left(), seed)
                if noise.sigma == 0 and not result.exact and not taken_apart and len(names) > 1:
                    taken_apart = True
                    law = _one_column(_PART_WORK * total, seed)
                    for other in views(Laboratory(asking, low, high, law)):
                        found = _searched(
                            asking, other, sigma, loss, max(share, _VIEW_WORK * total), left(), seed
                        )
                        # Where columns came apart, what is left is always the easier question.
                        if (
                            view.entries == Coordinates.of(names).entries
                            or found.best.error <= result.best.error
                        ):
                            view, result = other, found
                        if result.exact or found.stop_reason in _ENDED:
                            result = replace(result, stop_reason=found.stop_reason)
                            break
            if result.stop_reason in _ENDED:
                reason = result.stop_reason
                break
            if tell(listeners, with_slips(result, asking), asking.count):
                reason = StopReason.CALLBACK
                break
            if asking.count >= most:
                break
            count = _turns(asking.count, most)[0]
            places = _next(result, bounds, low, high, count, asking.count, seed)
    except KeyboardInterrupt as error:
        # What was found by then is the answer.
        if result is None:
            _keep_measurements(error, asking)
            raise
        reason = StopReason.INTERRUPTED
    except Exception as error:
        _keep_measurements(error, asking)
        raise
    assert result is not None
    said, found = _said(confirmed, reason, asking.count), with_slips(result, asking)
    return AskResult(found, asking.X, asking.y, confirmed, said, reason, meter.seconds)


def _measured_before(X: Any, y: Any, names: Sequence[str]) -> tuple[Floats, Floats] | None:
    if (X is None) != (y is None):
        raise InputError(
            subject="The 'X' and 'y' parameters of ask",
            expected="be given together",
            got="one without the other",
        )
    if X is None or not np.size(y):
        return None
    values = check_vector(y, "y", missing=True)
    return check_table(X, names, rows=len(values)), values


def _keep_measurements(error: BaseException, asking: MeasuredRows) -> None:
    """What was measured, as attributes of the error."""
    X, y = asking.every
    vars(error).update(X=X, y=y)
    if len(y):
        error.add_note(
            f"What was measured before, {plural(len(y), 'row')}, is in the attributes X and y of this error; with "
            "X=error.X, y=error.y ask goes on from there."
        )


def _settable(steps: object, names: tuple[str, ...], low: Floats, high: Floats) -> Callable[[Floats], Floats]:
    """Moves places (n, d) to the nearest that can be set."""
    given = as_mapping(steps, "steps", "columns to numbers")
    for name, step in given.items():
        if name not in names:
            raise InputError(argument="steps", expected="name columns of 'bounds'", got=short(name))
        check_float(step, f"steps[{name!r}]", low=0, closed=False)

    def moved(places: Floats) -> Floats:
        found = places.copy()
        for name, step in given.items():
            at = names.index(name)
            first, last = np.ceil(low[at] / step - _ROUNDING), np.floor(high[at] / step + _ROUNDING)
            count = np.clip(np.round(places[:, at] / step), first, max(first, last))
            # As the number would be written: 0.3, not three times 0.1.
            found[:, at] = [float(f"{item * step:.12g}") for item in count]
        return found

    return moved


def _turns(asked: int, most: int) -> list[int]:
    """How many places each turn from now on measures."""
    found = list[int]()
    while asked < most:
        found.append(min(most - asked, max(LEAST_PLACES, asked // _TURN_PART)))
        asked += found[-1]
    return found


def _searched(
    rows: MeasuredRows,
    view: Coordinates,
    sigma: float | None,
    loss: str,
    work: float,
    seconds: float | None,
    seed: int,
) -> FormulaResult:
    """Formulas for the rows, sought in the coordinates and written in the columns."""
    X, y = rows.X[rows.searched], rows.y[rows.searched]
    errors = None if sigma is None else np.full(len(y), sigma)
    if view == Coordinates.of(rows.names):
        found = find_formula(
            X, y, names=rows.names, sigma=errors, loss=loss, work=work, seconds=seconds, seed=seed
        )
        # Counted among all measurements that gave a number.
        return renumbered(found, np.flatnonzero(rows.searched).tolist().__getitem__)
    Z, seen = view.seen(X, y)
    # Of rows that are the same in these coordinates one is enough.
    alone = np.isin(np.arange(len(Z)), np.unique(Z, axis=0, return_index=True)[1])
    kept = alone & np.isfinite(Z).all(1) & np.isfinite(seen)
    if view.entries:
        found = find_formula(Z[kept], seen[kept], names=view.labels(), work=work, seconds=seconds, seed=seed)
    else:
        constant = Formula(sympy.Float(float(np.median(seen[kept]))), ())
        found = FormulaResult(constant, (constant,), None, "", 0.0, StopReason.EXACT)
    best, *front = (
        Formula(view.written(formula.sympy), rows.names, formula.error, formula.r2)
        for formula in (found.best, *found.front)
    )
    split = SplitRows.split(rows.names, X, y, 0.2, seed)
    with np.errstate(all="ignore"), one_thread():
        ended = Ended(replace(found, best=best, front=tuple(front), network=None), len(front), split).on(
            split
        )
    return replace(ended.result, message=message(ended))


def _one_column(work: float, seed: int) -> OneColumn:
    """What finds the law of one column, of few constants, that leaves nothing of some rows."""

    def law(x: Floats, y: Floats, name: str) -> Formula | None:
        if len(y) < _PART_ROWS:
            return None
        result = find_formula(x[:, None], y, names=[name], work=work, seed=seed)
        if result.stop_reason is StopReason.INTERRUPTED:
            raise KeyboardInterrupt
        best = result.best
        with np.errstate(all="ignore"):
            off = np.abs(np.asarray(best.predict(x[:, None]), dtype=float) - y).max()
        right = off <= _PART_ROUNDING * np.abs(y).max() and len(best.constants) <= _PART_CONSTANTS
        return best if right else None

    return law


def _next(
    result: FormulaResult,
    bounds: Mapping[str, Sequence[float]],
    low: Floats,
    high: Floats,
    count: int,
    asked: int,
    seed: int,
) -> Floats:
    """Half where rivals differ most, half between the places so far."""
    informative = next_measurement(result, bounds, count=max(count // 2, 1), seed=seed + asked)
    first = np.array([[value for _, value in measurement.place] for measurement in informative])
    rest = count - len(first)
    return first if rest <= 0 else np.vstack([first, spread(low, high, rest, seed, skip=asked)])


def _said(confirmed: bool, reason: StopReason, asked: int) -> str:
    much = plural(asked, "measurement")
    if reason is StopReason.CONVERGED:
        return f"It predicted the last of {much}, where its rivals predict otherwise."
    if reason is StopReason.EXHAUSTED:
        held = "as predicted" if confirmed else "not certain"
        return f"After {much} it is {held}; more measurements may decide."
    return f"It was ended after {much}."
