"""A law found by measuring where it tells most: sequential design of experiments.

    a first spread of places -> measure -> search -> places where rivals differ, and new ones between -> measure -> ...

The search ends when the best formula has foretold new measurements, at places where its rivals say otherwise, within the
noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arguments import check_callable
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_int, plural
from edgewise._core.config import chosen
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, check_seconds, check_work
from edgewise.symbolic.config import AskConfig
from edgewise.symbolic.results.next_measurement import check_bounds, next_measurement, spread
from edgewise.symbolic.results.search_result import FormulaResult
from edgewise.symbolic.search.find_formula import find_formula


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
        Whether the formula had foretold the last measurements.
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
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callback: Callable[[FormulaResult, int], object] | None = None,
    config: AskConfig | None = None,
) -> AskResult:
    """Find the law behind a function that measures, with few measurements.

    Parameters
    ----------
    measure : callable
        Takes a value for each column, as {"x": 1.5}, and returns y. NaN is a measurement that failed; it counts.
    bounds : mapping of str to (float, float)
        Between which values each column can be set.
    most : int
        Measurements at most.
    sigma : float, optional
        Standard deviation of the noise of a measurement; by default it is estimated.
    work : "quick", "normal", "thorough" or float
        How much each search may do.
    seconds : float, optional
        Interrupts after so long; what is found by then is the answer.
    seed : int
        Of the places and the searches.
    callback : callable, optional
        Gets the result of every search and the number of measurements; returning True stops.
    config : AskConfig, optional
        Constants of the design.

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
    check_callable(measure, "measure", of="ask")
    low, high = check_bounds(bounds, None, of="ask")
    names = tuple(str(name) for name in bounds)
    own = chosen(config, AskConfig(), "ask")
    first = max(own.first, own.first_each * len(names))
    check_int(most, "most", low=first, of="ask")
    if sigma is not None:
        check_float(sigma, "sigma", low=0, of="ask")
    check_work(work, "ask")
    if callback is not None:
        check_callable(callback, "callback", of="ask")
    limit, meter = check_seconds(seconds, "ask"), Meter()
    X, y = np.zeros((0, len(names))), np.zeros(0)
    asked = 0
    places = spread(low, high, first, seed)
    result: FormulaResult | None = None
    confirmed, foretold, reason = False, 0, StopReason.EXHAUSTED
    while True:
        expected = None if result is None else _predicted(result, places)
        values = np.array([_measured(measure, names, place) for place in places])
        asked += len(places)
        kept = np.isfinite(values)
        X, y = np.vstack([X, places[kept]]), np.concatenate([y, values[kept]])
        if len(y) < own.fewest:
            raise InputError(
                f"The 'measure' parameter of ask gave {plural(len(y), 'number')} of {asked}; at least {own.fewest} are "
                "needed. Give 'bounds' within which it can measure."
            )
        if result is not None and expected is not None:
            held = _held(expected[kept], values[kept], y, sigma if sigma is not None else result.noise, own)
            foretold = foretold + 1 if held else 0
            exact = result.exact and sigma is None
            confirmed = foretold >= (own.foretold_exact if exact else own.foretold)
            if confirmed and (exact or not result.alternatives()):
                reason = StopReason.CONVERGED
                break
        left = None if limit is None else max(limit - meter.seconds, 0.01)
        result = _searched(X, y, names, sigma, work, left, seed)
        if result.stop_reason in (StopReason.TIME_LIMIT, StopReason.INTERRUPTED):
            reason = result.stop_reason
            break
        if callback is not None and callback(result, asked) is True:
            reason = StopReason.CALLBACK
            break
        if asked >= most:
            break
        places = _next(
            result, bounds, low, high, min(most - asked, max(own.least, asked // own.share)), asked, seed
        )
    assert result is not None
    return AskResult(result, X, y, confirmed, _said(confirmed, reason, asked), reason, meter.seconds)


def _searched(
    X: Floats,
    y: Floats,
    names: Sequence[str],
    sigma: float | None,
    work: str | float,
    seconds: float | None,
    seed: int,
) -> FormulaResult:
    errors = None if sigma is None else np.full(len(y), sigma)
    found = find_formula(X, y, names=names, sigma=errors, work=work, seconds=seconds, seed=seed)
    assert isinstance(found, FormulaResult)
    return found


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
    telling = next_measurement(result, bounds, count=max(count // 2, 1), seed=seed + asked)
    first = np.array([[value for _, value in each.place] for each in telling])
    rest = count - len(first)
    return first if rest <= 0 else np.vstack([first, spread(low, high, rest, seed, skip=asked)])


def _measured(measure: Callable[[dict[str, float]], float], names: Sequence[str], place: Floats) -> float:
    value = measure(dict(zip(names, map(float, place), strict=True)))
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"The 'measure' parameter of ask must return a number. Got {type(value).__name__}."
        ) from None


def _predicted(result: FormulaResult, places: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(result.best.predict(places), dtype=float)


def _held(expected: Floats, values: Floats, y: Floats, noise: float | None, config: AskConfig) -> bool:
    """Whether new measurements are as foretold, up to noise and rounding."""
    if not len(values):
        return False
    bar = config.noises * (noise or 0.0) + config.rounding * np.maximum(np.abs(values), 1e-3 * np.std(y))
    return bool((np.abs(expected - values) <= bar).all())


def _said(confirmed: bool, reason: StopReason, asked: int) -> str:
    much = plural(asked, "measurement")
    if reason is StopReason.CONVERGED:
        return f"It foretold the last of {much}, where its rivals say otherwise."
    if reason is StopReason.EXHAUSTED:
        return f"After {much} it is {'as foretold' if confirmed else 'not certain'}; more may tell."
    return f"It was ended after {much}."
