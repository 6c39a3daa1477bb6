"""A smooth model of a table with exact derivatives, in milliseconds: one Chebyshev polynomial of bounded total degree.

Structure shows in derivatives (a sum has no mixed ones, a function of x/y scales), long before a network of the right
shape is known. In the coordinates that suit it, plain or logarithmic, a law of a few columns is so close to a polynomial
that its slopes come out right to three to ten digits. The degree is the one that predicts left-out rows best, so that
noise is smoothed and not followed.

References
----------
Blatman, Sudret (2011), Adaptive sparse polynomial chaos expansion based on least angle regression. J. Comput. Phys.
230(6). doi:10.1016/j.jcp.2010.12.021
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.symbolic.costs import BATCH, ENTRY, FACTORED
from edgewise.symbolic.expressions.expansion import compositions

# A smooth model with a larger error has noise in it, or too few terms: its slopes show no exact relations.
NOISY_ERROR = 1e-3
# One with fewer than this share of the terms it may have stops at noise.
NOISY_TERMS_SHARE = 0.7
# Terms at most, and rows for each, so that leaving rows out means something.
MOST_TERMS = 450
ROWS_A_TERM = 2.5
# Terms of the first try.
_FIRST_TERMS = 130
# An error below which the total degree bounds well enough; above it columns that bend more get higher degrees.
_FINE_ERROR = 1e-3
# How far from the middle of the decades the median of a column may lie that enters by its logarithm, as a share.
_EVEN_DECADES = 0.2
# Of a polynomial in few columns: the coefficients of a smooth law have fallen to rounding long before.
HIGHEST_DEGREE = 40
# A column whose least value is above this share of its largest may enter by its logarithm: over fewer than two decades
# evenly spread rows determine it everywhere. Columns over more must be even over their decades instead.
_LEAST_RATIO = 0.02
# Columns that bend more get higher degrees at most so often, and as long as that takes error times doubt down to this share:
# a smaller gain is not worth another least-squares problem of all terms.
_UNEVEN_ROUNDS = 2
_UNEVEN_GAIN = 0.8
# A column gets degrees at most so many times lower than the one that bends most: what the last model saw is an estimate.
_MOST_UNEVEN = 6.0
# Halvings of the interval that holds the bound on weighted degrees; twelve leave less than one degree.
_UNEVEN_HALVINGS = 12
# Lengths at which such a polynomial may end, and the first as a share of its terms.
_CUTS = 12
_FIRST_CUT = 0.08
# Share of itself that a row is taken to leave to the others, at least: one the fit passes through would count without bound.
_LEAST_FREEDOM = 1e-3
# Rows on which the slopes of two degrees are compared; the doubt where these have no value: larger than doubts are.
_DOUBT_ROWS = 200
_UNKNOWN_DOUBT = 1e3

Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Landscape:
    """A polynomial in the columns (or their logarithms) for the target (or the logarithm of its size).

    Parameters
    ----------
    logs
        Whether each column enters by its logarithm.
    target
        Which function of the target the polynomial stands for: a key of `TARGETS`.
    sign
        The sign of the target where that function forgets it, else 1.
    low, high
        The box of the coordinates.
    powers
        The degree in each coordinate of each term, (terms, d).
    coefficients
        (terms,).
    error
        Root mean squared error of leaving out one row at a time, as a share of the target's spread.
    doubt
        An estimate of the gradient's error, as a share of its size.
    """

    logs: tuple[bool, ...]
    target: str
    sign: int
    low: Floats
    high: Floats
    powers: Ints
    coefficients: Floats
    error: float
    doubt: float = 0.0

    def value(self, X: Floats) -> Floats:
        """The model at some rows, (n,)."""
        inner = design(self._unit(X), self.powers) @ self.coefficients
        with np.errstate(all="ignore"):
            return self.sign * TARGETS[self.target].inverse(inner)

    def gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """The model (n,) and its derivatives in the columns themselves (n, d)."""
        unit = self._unit(X)
        tables, slopes = _chebyshev(unit, int(self.powers.max(initial=0)))
        inside = _products(tables, self.powers) @ self.coefficients
        with np.errstate(all="ignore"):
            value = self.sign * TARGETS[self.target].inverse(inside)
            outer = 1 / (self.sign * TARGETS[self.target].slope(self.sign * value))
        gradient = np.empty_like(X)
        for along in range(X.shape[1]):
            # Terms without the column have no slope in it, and columns of degree nothing are factors of one.
            own = np.flatnonzero(self.powers[:, along])
            sloping = slopes[self.powers[own, along], :, along].T
            for at in np.flatnonzero(self.powers[own].any(axis=0)):
                if at != along:
                    charge(ENTRY * sloping.size)
                    sloping = sloping * tables[self.powers[own, at], :, at].T
            charge(ENTRY * len(X) * len(self.powers))
            product = np.zeros((len(X), len(self.powers)))
            product[:, own] = sloping
            slope = product @ self.coefficients * (2 / (self.high[along] - self.low[along]))
            gradient[:, along] = slope / X[:, along] if self.logs[along] else slope
        return value, gradient * outer[:, None]

    def _unit(self, X: Floats) -> Floats:
        return 2 * (coordinates(X, self.logs) - self.low) / (self.high - self.low) - 1


@dataclass(frozen=True, slots=True)
class TargetTransform:
    """A function of the target, its slope, its inverse, and where it may be used: of |y| where `signed` is False."""

    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    inverse: Callable[[Floats], Floats]
    anywhere: bool = False
    low: float = 0.0
    high: float = math.inf


TARGETS: Mapping[str, TargetTransform] = MappingProxyType(
    {
        "identity": TargetTransform(lambda y: y, np.ones_like, lambda u: u, anywhere=True),
        "log": TargetTransform(np.log, lambda y: 1 / y, lambda u: np.exp(np.minimum(u, 700.0))),
        "square": TargetTransform(np.square, lambda y: 2 * y, lambda u: np.sqrt(np.maximum(u, 0.0))),
        "sqrt": TargetTransform(np.sqrt, lambda y: 0.5 / np.sqrt(y), np.square),
        "reciprocal": TargetTransform(lambda y: 1 / y, lambda y: -1 / y**2, lambda u: 1 / u),
        "inverse square": TargetTransform(
            lambda y: y**-2.0, lambda y: -2 * y**-3.0, lambda u: np.maximum(u, 1e-300) ** -0.5
        ),
        "inverse two thirds": TargetTransform(
            lambda y: y ** (-2 / 3), lambda y: -2 / 3 * y ** (-5 / 3), lambda u: np.maximum(u, 1e-300) ** -1.5
        ),
        "sin": TargetTransform(np.sin, np.cos, lambda u: np.arcsin(np.clip(u, -1, 1)), high=math.pi / 2),
        "cos": TargetTransform(
            np.cos, lambda y: -np.sin(y), lambda u: np.arccos(np.clip(u, -1, 1)), high=math.pi
        ),
    }
)


def landscape(X: Floats, y: Floats, *, most: int | None = None, thorough: bool = True) -> Landscape | None:
    """The best of the polynomials in plain and logarithmic coordinates.

    Parameters
    ----------
    X
        Columns, (n, d), none of them constant.
    y
        Target, (n,).
    most
        Terms at most; None for as many as the rows allow.
    thorough
        Whether to try the most terms even where fewer predict better.

    Returns
    -------
    Landscape or None
        None where there are too few rows for even a straight line.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(1, 3, (400, 2))
    >>> model = landscape(X, X[:, 0] ** 2 / X[:, 1])
    >>> value, gradient = model.gradient(np.array([[2.0, 1.5]]))
    >>> gradient.round(6).tolist()
    [[2.666667, -1.777778]]
    """
    spread = float(y.std())
    if X.shape[1] == 0 or spread == 0 or len(y) < ROWS_A_TERM * (X.shape[1] + 1):
        return None
    positive = logarithmic(X)
    most = MOST_TERMS if most is None else most
    most = max(min(most, int(len(y) / ROWS_A_TERM)), X.shape[1] + 1)
    kinds = sorted({tuple(False for _ in positive), positive})
    best: Landscape | None = None
    for count in (_FIRST_TERMS, most):
        chosen = terms(X.shape[1], min(count, most), HIGHEST_DEGREE)
        found = [item for logs in kinds for item in _fitted(X, y, logs, chosen, spread)]
        best = min(found, key=_merit, default=best)
        # Under noise a few terms are best, and more of them would only cost time.
        if not thorough and best is not None and len(best.powers) < NOISY_TERMS_SHARE * len(chosen[0]):
            return best
    if best is not None and best.error > _FINE_ERROR and X.shape[1] > 1:
        # Columns that bend more get higher degrees.
        for _ in range(_UNEVEN_ROUNDS):
            uneven = weighted_terms(_bending(best), most)
            found = _fitted(X, y, best.logs, uneven, spread, best.target)
            better = min(found, key=_merit, default=best)
            if _merit(better) > _UNEVEN_GAIN * _merit(best):
                break
            best = better
    return best


def logarithmic(X: Floats) -> tuple[bool, ...]:
    """Which columns may enter by their logarithm.

    Close to zero a logarithm runs away, unless the rows are about as dense in every decade.

    Examples
    --------
    >>> even = np.linspace(0.001, 1, 100)
    >>> logarithmic(np.column_stack([even, 1 + even, np.geomspace(0.001, 1, 100), even - 0.5]))
    (False, True, True, False)
    """
    low, high = X.min(axis=0), X.max(axis=0)
    with np.errstate(all="ignore"):
        middle = (np.log(np.median(X, axis=0)) - np.log(low)) / (np.log(high) - np.log(low))
    even = (low > 0) & (np.abs(middle - 0.5) < _EVEN_DECADES)
    return tuple(map(bool, (low > _LEAST_RATIO * high) | even))


def _merit(model: Landscape) -> float:
    # The error is that of large values; slopes count everywhere.
    return (model.error + 1e-13) * (model.doubt + 1e-13)


def _bending(model: Landscape) -> Floats:
    """How fast the coefficients fall with the degree in each coordinate, the slowest being 1."""
    rates: list[float] = []
    size = np.square(model.coefficients)
    for degrees in model.powers.T:
        top = int(degrees.max())
        energy = np.array([size[degrees == k].sum() for k in range(top + 1)])
        if top < 1 or energy[1:].sum() == 0:
            # The others' rates are one at most.
            rates.append(_MOST_UNEVEN)
            continue
        k = np.arange(top + 1)
        mean = float((energy[1:] * k[1:]).sum() / energy[1:].sum())
        rates.append(1 / mean)
    weights = np.array(rates)
    return np.minimum(weights / weights.min(), _MOST_UNEVEN)


def coordinates(X: Floats, logs: tuple[bool, ...]) -> Floats:
    """The columns, or their logarithms where so marked."""
    if not any(logs):
        return X
    result = X.copy()
    marked = np.array(logs)
    with np.errstate(all="ignore"):
        result[:, marked] = np.log(np.maximum(X[:, marked], 1e-300))
    return result


def _fitted(
    X: Floats,
    y: Floats,
    logs: tuple[bool, ...],
    chosen: tuple[Ints, tuple[int, ...]],
    spread: float,
    only: str | None = None,
) -> Iterator[Landscape]:
    u = coordinates(X, logs)
    low, high = u.min(axis=0), u.max(axis=0)
    if not (high > low).all():
        return
    powers, ends = chosen
    charge(BATCH + FACTORED * len(X) * len(powers) * (len(powers) + 10))
    table = design(2 * (u - low) / (high - low) - 1, powers)
    q, r = np.linalg.qr(table)
    leverage = np.cumsum(np.square(q), axis=1)
    size = np.abs(np.diagonal(r))
    sign = 1 if (y >= 0).all() else -1 if (y <= 0).all() else 0
    for name, function in TARGETS.items():
        if only is not None and name != only:
            continue
        if not function.anywhere and (sign == 0 or not (y != 0).all() or np.abs(y).max() > function.high):
            continue
        signed = 1 if function.anywhere else sign
        target, slope = function.value(signed * y), function.slope(signed * y)
        along = q.T @ target
        best, cut, before, last = math.inf, 1, math.inf, math.inf
        for end in ends:
            # Rank lost (a column with few values): higher degrees add nothing.
            if size[:end].min() <= 1e-10 * size[0]:
                break
            residual = (target - q[:, :end] @ along[:end]) / np.maximum(
                1 - leverage[:, end - 1], _LEAST_FREEDOM
            )
            # To first order, in the target's own units.
            with np.errstate(all="ignore"):
                error = float(np.sqrt(np.mean(np.square(residual / slope)))) / spread
            if error < best:
                best, cut, before = error, end, last
            last = error
        if cut <= ends[0]:
            continue
        lower = max(end for end in ends if end < cut)
        coefficients = solve_triangular(r[:cut, :cut], along[:cut])
        shorter = solve_triangular(r[:lower, :lower], along[:lower])
        made = Landscape(logs, name, signed, low, high, powers[:cut], coefficients, best)
        less = Landscape(logs, name, signed, low, high, powers[:lower], shorter, best)
        # What the last degree still changed, less what it gained.
        doubt = _doubt(made, less, X[:_DOUBT_ROWS]) * min(best / before, 1.0)
        yield Landscape(logs, name, signed, low, high, powers[:cut], coefficients, best, doubt)


def _doubt(made: Landscape, less: Landscape, X: Floats) -> float:
    with np.errstate(all="ignore"):
        first, second = made.gradient(X)[1], less.gradient(X)[1]
        # Typical, not mean: near a pole both may be far off.
        size = np.linalg.norm(first, axis=1) + 1e-300
        doubt = float(np.median(np.linalg.norm(first - second, axis=1) / size))
    return doubt if math.isfinite(doubt) else _UNKNOWN_DOUBT


@lru_cache(maxsize=64)
def terms(columns: int, most: int, highest: int) -> tuple[Ints, tuple[int, ...]]:
    """Degrees of all terms by total degree, and where each total degree ends."""
    degree = 1
    while math.comb(columns + degree + 1, columns) <= most and degree < highest:
        degree += 1
    rows: list[tuple[int, ...]] = []
    ends: list[int] = []
    for total in range(degree + 1):
        rows += list(compositions(columns, total))
        ends.append(len(rows))
    return np.array(rows, dtype=np.intp), tuple(ends)


def weighted_terms(weights: Floats, most: int) -> tuple[Ints, tuple[int, ...]]:
    """Degrees of the terms of least weighted total degree, and where each step ends."""
    sizes: list[float] = weights.tolist()

    def fits(bound: float) -> bool:
        return _counted(sizes, bound, most + 1) <= most

    low, high = 1.0, 2.0
    while fits(high):
        low, high = high, 2 * high
    for _ in range(_UNEVEN_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    rows = sorted(_below(sizes, low, HIGHEST_DEGREE), key=lambda row: (float(np.dot(row, weights)), row))
    shares = np.linspace(_FIRST_CUT, 1, _CUTS)
    steps = sorted({max(2, round(len(rows) * share)) for share in shares})
    return np.array(rows, dtype=np.intp), tuple(min(step, len(rows)) for step in steps)


def _counted(weights: Sequence[float], bound: float, most: int) -> int:
    """How many there are of `_below`, or so many where there are more: there may be very many."""
    fitting, count = [weight for weight in weights if weight <= bound], 1
    for at, weight in enumerate(fitting):
        for degree in range(1, min(int(bound / weight), HIGHEST_DEGREE) + 1):
            if count >= most:
                return most
            count += _counted(fitting[at + 1 :], bound - degree * weight, most - count)
    return count


def _below(
    weights: Sequence[float], bound: float, highest: int, degrees: tuple[int, ...] = ()
) -> Iterator[tuple[int, ...]]:
    """All degrees of weighted total at most the bound, those of the first columns given."""
    yield (*degrees, *[0] * (len(weights) - len(degrees)))
    for at in range(len(degrees), len(weights)):
        for degree in range(1, min(int(bound / weights[at]), highest) + 1):
            own = (*degrees, *[0] * (at - len(degrees)), degree)
            yield from _below(weights, bound - degree * weights[at], highest, own)


def _chebyshev(unit: Floats, degree: int) -> tuple[Floats, Floats]:
    """T_k and its derivative at every entry: (degree + 1, n, d) each."""
    first = np.ones((degree + 1, *unit.shape))
    second = np.ones_like(first)
    slopes = np.zeros_like(first)
    if degree:
        first[1], second[1], slopes[1] = unit, 2 * unit, 1.0
    for k in range(2, degree + 1):
        first[k] = 2 * unit * first[k - 1] - first[k - 2]
        second[k] = 2 * unit * second[k - 1] - second[k - 2]
        slopes[k] = k * second[k - 1]
    return first, slopes


def design(unit: Floats, powers: Ints) -> Floats:
    """Products of Chebyshev polynomials at points of the unit box, (n, terms)."""
    return _products(_chebyshev(unit, int(powers.max(initial=0)))[0], powers)


def _products(table: Floats, powers: Ints) -> Floats:
    """Of values of each degree at points (degrees, n, d) those of terms, (n, terms)."""
    charge(ENTRY * 2 * table.size)
    product = np.ones((len(powers), table.shape[1]))
    for at in range(table.shape[2]):
        # A column of degree nothing is a factor of one, as most are of many.
        own = np.flatnonzero(powers[:, at])
        product[own] *= table[powers[own, at], :, at]
    return np.ascontiguousarray(product.T)
