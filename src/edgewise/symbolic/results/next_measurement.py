"""Where to measure next: where the formulas that are still possible differ most, in units of the noise.

Of rivals the place with the largest variance between them is most informative (G. E. P. Box and W. J. Hill 1967,
doi:10.1080/00401706.1967.10490441); of a single formula that at which its constants are known worst (D-optimal design, V. V.
Fedorov, "Theory of Optimal Experiments", 1972).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import qmc

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_int, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import FormulaResult

_PLACES = 1024
# Columns whose bounds are of one sign and so far apart are spread by their logarithms.
_DECADES = 30.0
# Places of one call are apart from each other by this share of each column's width at least.
_APART = 0.08
# Formulas with up to so many times the error of the best are rivals, too.
_RIVAL = 10.0
# Values that floating point or a measuring device cannot distinguish.
_RELATIVE = 1e-9


@dataclass(frozen=True)
class Measurement:
    """A place at which to measure.

    Attributes
    ----------
    place : tuple of (str, float)
        A value for each column.
    predicted : float
        The prediction of the best formula there.
    spread : float
        Standard deviation of the rivals' predictions there, and of the best formula's constants.
    """

    place: tuple[tuple[str, float], ...]
    predicted: float
    spread: float

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {value:.4g}" for name, value in self.place)
        return f"{where}: {self.predicted:.4g} is expected, give or take {self.spread:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"place": dict(self.place), "predicted": self.predicted, "spread": self.spread}


def next_measurement(
    result: FormulaResult, bounds: Mapping[str, Sequence[float]], *, count: int = 1, seed: int = 0
) -> tuple[Measurement, ...]:
    """Where measurements would be most informative.

    Parameters
    ----------
    result : FormulaResult
        What `find_formula` found in the rows so far.
    bounds : mapping of str to (float, float)
        Between which values each column can be set; a column whose ends are equal is held fixed.
    count : int
        Number of places, apart from each other.
    seed : int
        Of the places that are compared.

    Returns
    -------
    tuple of Measurement
        The most informative first.

    Raises
    ------
    InputError
        Where a column has no bounds, or no numbers in order, or none is free.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import find_formula
    >>> from edgewise.symbolic import next_measurement
    >>> x = np.linspace(0.1, 0.5, 15)
    >>> found = find_formula(x[:, None], np.sin(x) + 0.02 * np.cos(40 * x), names=["x"], work="quick")
    >>> place, = next_measurement(found, {"x": (0.1, 3.0)})
    >>> dict(place.place)["x"] > 1
    True
    """
    check_is(
        result,
        FormulaResult,
        "result",
        "what find_formula gives without groups or words",
    )
    names = result.best.names
    low, high = check_bounds(bounds, names, fixed=True)
    check_int(count, "count", low=1)
    rivals = _rivals(result)
    points = spread(low, high, _PLACES, seed)
    values = [_values(rival, points) for rival in rivals]
    with np.errstate(all="ignore"):
        own, deviation = values[0], _from_constants(result.best, points)
        variance = np.nan_to_num(np.var(values, axis=0), nan=0.0, posinf=0.0) + deviation**2
        unit = (result.noise or 0.0) ** 2 + (_RELATIVE * own) ** 2 + 1e-300
        worth = np.where(np.isfinite(own), variance / unit, -1.0)
    found: list[int] = []
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    for at in np.argsort(-worth, kind="stable"):
        if all(np.abs(scaled[at] - scaled[other]).max() > _APART for other in found):
            found.append(int(at))
        if len(found) == count:
            break
    return tuple(
        Measurement(
            tuple(zip(names, map(float, points[at]), strict=True)),
            float(own[at]),
            float(math.sqrt(max(variance[at], 0.0))),
        )
        for at in found
    )


def check_bounds(bounds: Any, names: Sequence[str] | None, *, fixed: bool = False) -> tuple[Floats, Floats]:
    """Lower and upper ends of every column; with `fixed` they may be equal in all but one.

    Raises
    ------
    InputError
    """
    if not isinstance(bounds, Mapping) or not bounds:
        raise InputError(
            argument="bounds", expected="be a mapping of columns to (low, high)", got=type(bounds).__name__
        )
    known = dict(bounds)
    if strange := [name for name in known if names is not None and name not in names]:
        raise InputError(
            argument="bounds",
            expected=f"name columns among {among(names or ())}",
            got=f"{short(strange[0], 40)}{did_you_mean(strange[0], names or ())}",
        )
    missing = [name for name in names or () if name not in known]
    if missing:
        raise InputError(f"The 'bounds' argument must have every column; {among(missing)} is not in it.")
    ends: list[tuple[float, float]] = []
    for name in names or known:
        try:
            low, high = (float(item) for item in known[name])
        except (TypeError, ValueError):
            low = high = math.nan
        if not (math.isfinite(low) and math.isfinite(high) and (low < high or (fixed and low == high))):
            advice = "" if fixed or low != high else "; leave out a column that is held fixed"
            raise InputError(
                argument="bounds",
                expected=f"have two finite numbers in order for {short(name, 40)}",
                got=f"{short(known[name])}{advice}",
            )
        ends.append((low, high))
    pairs = np.array(ends)
    if (pairs[:, 0] == pairs[:, 1]).all():
        raise InputError(argument="bounds", expected="leave a column free", got="all of them held fixed")
    return pairs[:, 0], pairs[:, 1]


def spread(low: Floats, high: Floats, count: int, seed: int, skip: int = 0) -> Floats:
    """Places of low discrepancy between bounds (Sobol's sequence), by logarithms in columns over decades: (count, d)."""
    sequence = qmc.Sobol(len(low), scramble=False)
    if skip:
        sequence.fast_forward(skip)
    # The seed moves all places round (Cranley and Patterson's rotation).
    shift = np.random.default_rng(seed).random(len(low))
    unit = (sequence.random(1 << (count - 1).bit_length())[:count] + shift) % 1.0
    found = low + unit * (high - low)
    for column, (a, b) in enumerate(zip(low, high, strict=True)):
        if a * b > 0 and max(b / a, a / b) >= _DECADES:
            found[:, column] = np.sign(a) * abs(a) ** (1 - unit[:, column]) * abs(b) ** unit[:, column]
    return found


def _rivals(result: FormulaResult) -> list[Formula]:
    """The best formula, those that the rows do not distinguish from it, and those not much worse."""
    near = [
        formula
        for formula in result.front
        if formula.error <= _RIVAL * max(result.best.error, result.noise or 0.0)
    ]
    every = [result.best, *(equivalent.formula for equivalent in result.equivalents), *near]
    if len(every) < 2 or all(formula.text == result.best.text for formula in every):
        # A formula without rivals is held against the closest other one.
        others = [formula for formula in result.front if formula.text != result.best.text]
        every += sorted(others, key=lambda other: other.error)[:1]
    return list({formula.text: formula for formula in every}.values())


def _values(formula: Formula, points: Floats) -> Floats:
    tape = Tape(formula.tree, formula.names)
    with np.errstate(all="ignore"):
        return np.broadcast_to(tape.value(tape.start, points), (len(points),))


def _from_constants(formula: Formula, points: Floats) -> Floats:
    """Standard deviation of the formula's values by the standard errors of its constants."""
    tape = Tape(formula.tree, formula.names)
    errors = np.array([constant.standard_error for constant in formula.constants])
    if not tape.size or len(errors) != tape.size or not np.isfinite(errors).all():
        return np.zeros(len(points))
    with np.errstate(all="ignore"):
        _, jacobian = tape.jacobian(tape.start, points)
        found = np.sqrt(np.square(jacobian * errors).sum(axis=1))
    return np.where(np.isfinite(found), found, 0.0)
