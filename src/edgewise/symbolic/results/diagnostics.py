"""A formula judged: on rows it has not seen, against its network, at the edges of its domain and beyond."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewise._core.arguments import check_is, check_table
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_float, check_vector, plural, short
from edgewise._core.errors import InputError
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.noise_estimate import neighbour_noise
from edgewise.symbolic.results.box import DataBox
from edgewise.symbolic.results.domain import conditions
from edgewise.symbolic.results.extrapolation import extrapolation
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.trust import CLEAR_DEVIATIONS, ConstantInterval, NetworkDistance, Noise, Trust

if TYPE_CHECKING:
    from edgewise.network import KAN

# Share of such tables in which the interval of a constant holds the true value.
_COVERAGE = 0.95
# Places in the box of the table at which a formula and a network are compared: a few milliseconds.
_COMPARED_PLACES = 2048


def trust(
    formula: Formula,
    X: Any,
    y: Any,
    network: KAN | None = None,
    *,
    training: tuple[Any, Any] | None = None,
    neighbours: float | None = None,
) -> Trust:
    """How far a formula can be trusted.

    Parameters
    ----------
    formula
        The formula.
    X, y
        Rows to judge it on, (n, d) and (n,); give those it was not fitted to.
    network
        The network to compare it with, in the same columns.
    training
        X and y of the rows it was fitted to: the box of the data then holds these as well, and the intervals of the
        constants count them.
    neighbours
        The noise estimated from neighbouring rows (`edgewise.symbolic.fitting.noise_estimate`), where that is known already.

    Returns
    -------
    Trust
        `str` of it reads as a paragraph.

    Raises
    ------
    InputError
        Where rows or network do not fit the formula.
    """
    check_is(formula, Formula, "formula", "a Formula, as find_formula finds it")
    rows, target = _table(formula, X, y, "X", "y")
    pair = (X, y) if training is None else as_tuple(training, "training", "a table and its target")
    if len(pair) != 2:
        raise InputError(argument="training", expected="be a pair (X, y)", got=short(training))
    fitted, values = (rows, target) if training is None else _table(formula, *pair, "training", "training")
    if neighbours is not None and not (isinstance(neighbours, float) and math.isnan(neighbours)):
        neighbours = check_float(neighbours, "neighbours", low=0.0)
    if network is not None:
        from edgewise.network import KAN

        check_is(network, KAN, "network", "a KAN")
    everything, all_values = (
        (rows, target) if training is None else (np.vstack([rows, fitted]), np.r_[target, values])
    )
    if network is not None and network.shape[0] != len(formula.names):
        raise InputError(
            argument="network",
            expected=f"have {plural(len(formula.names), 'input')}, one a column of the formula",
            got=network.shape[0],
        )
    error = _rms(formula.predict(rows) - target)
    spread = float(target.std())
    left_over = math.nan if network is None else _rms(network.predict(rows)[:, 0] - target)
    between_neighbours = neighbour_noise(everything, all_values) if neighbours is None else neighbours
    return Trust(
        len(target),
        error,
        1 - (error / spread) ** 2 if spread > 0 else math.nan,
        None if network is None else _distance(formula, network, DataBox.around(formula.names, everything)),
        conditions(formula.tree, formula.names, everything),
        extrapolation(formula.predict, formula.names, everything, all_values),
        constant_intervals(formula, fitted, values),
        Noise(error, between_neighbours, left_over, len(target), CLEAR_DEVIATIONS),
    )


def _table(formula: Formula, X: Any, y: Any, first: str, second: str) -> tuple[Floats, Floats]:
    rows = check_table(X, formula.names, first)
    return rows, check_vector(y, second, length=len(rows))


def _distance(formula: Formula, network: KAN, box: DataBox) -> NetworkDistance:
    points = box.points(_COMPARED_PLACES)
    with np.errstate(all="ignore"):
        difference = np.abs(formula.predict(points) - network.predict(points)[:, 0])
    finite = np.flatnonzero(np.isfinite(difference))
    if not finite.size:
        return NetworkDistance(math.nan, math.nan, None, 0.0)
    at = int(finite[np.argmax(difference[finite])])
    place = box.place(points[at])
    return NetworkDistance(_rms(difference[finite]), float(difference[at]), place, finite.size / len(points))


def constant_intervals(
    formula: Formula, X: Floats, y: Floats, weight: Floats | None = None, variance: float | None = None
) -> tuple[ConstantInterval, ...]:
    """Student's intervals from the standard errors, which are worked out anew where the formula does not know them.

    Where the variance of the noise of a row of weight one is known they are those of the normal distribution.
    """
    from scipy.special import stdtrit

    tape = Tape(formula.tree, formula.names)
    errors: Sequence[float] = [constant.standard_error for constant in formula.constants]
    known = [constant.value for constant in formula.constants]
    if len(errors) != tape.size or any(math.isnan(error) for error in errors) or known != tape.start.tolist():
        fit = refit(tape.tree, formula.names, X, y, weight, steps=0, variance=variance)
        errors = fit.standard_errors.tolist()
    freedom = max(len(y) - tape.size, 1) if variance is None else math.inf
    reach = float(stdtrit(freedom, (1 + _COVERAGE) / 2))
    return tuple(
        ConstantInterval(value, value - reach * error, value + reach * error)
        for value, error in zip(tape.start.tolist(), errors, strict=True)
    )


def _rms(values: Floats) -> float:
    with np.errstate(all="ignore"):
        mean = float(np.mean(np.square(values)))
    return math.sqrt(mean) if math.isfinite(mean) else math.inf
