"""Rows whose y is no measurement of the law at all: slipped decimal points, swapped signs, broken sensors.

A smooth function of the columns is fitted so that few rows cannot bend it: least absolute errors first, then Tukey's
bisquare around them (an M-estimate with the scale of the first step, as in Yohai's MM-estimates). A law of its own may leave
this function far behind, too, as exp(5 x) and 1/x do at one end of their range. Three things distinguish such a law from
errors: it is smooth in *some* scale of y, and the smoothest of several is taken; where it departs, so do the rows beside;
and no row that lies within what most of y does is called a gross error.

References
----------
Yohai (1987), High breakdown-point and high efficiency robust estimates for regression. Annals of Statistics 15(2).
doi:10.1214/aos/1176350366
Beaton, Tukey (1974), The fitting of power series, meaning polynomials, illustrated on band-spectroscopic data.
Technometrics 16(2). doi:10.1080/00401706.1974.10489171
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

Flags = NDArray[np.bool_]

# Of a normal distribution, standard deviations of its median absolute deviation.
NORMAL_DEVIATION = 1.4826
# Fewer rows cannot distinguish an error from a law.
_FEWEST = 20
# Rows that the smooth function is fitted to, rows for each of its terms, its terms, and its highest degree.
_FITTED, _ROWS_EACH, _MOST_TERMS, _DEGREE = 2000, 5, 120, 3
# Steps with absolute errors, and with the bisquare, whose constant gives 95 % efficiency under normal noise.
_ABSOLUTE, _BISQUARE, _CONSTANT = 25, 15, 4.685
# A gross error leaves so many standard deviations of what the smooth function leaves, and of y itself.
_LEFT, _OF_Y = 8.0, 3.0
# Neighbours of a row that are asked whether they depart, too; if half of them do, it is the law.
_NEIGHBOURS = 4
# A scale other than that of y itself must leave less than this share of its spread. Neighbours whose median is the simplest
# of the smooth functions, for at most so many columns.
_SAYS_MUCH, _AROUND, _LOCAL = 0.3, 8, 6
# Rows whose neighbours are looked for at most, and rows that a function is evaluated on at once.
_ASKED, _BLOCK = 20_000, 8192
# So many values on one side of zero have logarithms, but for errors.
_ONE_SIDE = 0.8
# Beyond this share of the rows they are no exceptions.
_MOST = 0.3


def robust_deviation(values: Floats) -> float:
    """The standard deviation of normal values, from the median of their absolute deviations from the median.

    Examples
    --------
    >>> values = np.random.default_rng(0).standard_normal(10_000)
    >>> values[:1000] = 1e6
    >>> 0.9 < robust_deviation(values) < 1.2
    True
    """
    return NORMAL_DEVIATION * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


@dataclass(frozen=True)
class _Smooth:
    """A smooth function of the columns in one scale of y: its values in units of y, and what it leaves in that scale."""

    values: Floats
    residual: Floats
    scale: float
    share: float
    plain: bool


def gross_errors(X: Floats, y: Floats, *, alone: bool = True) -> Flags:
    """Which rows are gross errors of y.

    Parameters
    ----------
    X : array, shape (n, d)
    y : array, shape (n,)
    alone : bool
        Spare rows beside which others depart to the same side: they may be where a law is steep. Of errors that happen to
        lie side by side it spares some, too. Without it, errors in y as it stands
        count as well as those in the scale that explains most.

    Returns
    -------
    array of bool, shape (n,)
        None of them where there are fewer than 20 rows, or where more than three tenths would be.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 1, (200, 2))
    >>> y = np.exp(5 * X[:, 0]) * (1 + X[:, 1])
    >>> int(gross_errors(X, y).sum())
    0
    >>> y[[3, 50]] = [-4000.0, 900.0]
    >>> np.flatnonzero(gross_errors(X, y)).tolist()
    [3, 50]
    """
    none = np.zeros(len(y), dtype=bool)
    deviation = robust_deviation(y)
    if len(y) < _FEWEST or X.shape[1] == 0 or not 0 < deviation < np.inf:
        return none
    with np.errstate(all="ignore"):
        fits = list(_smooth(X, y, deviation))
        best = min(fits, key=lambda fit: fit.share)
        flagged = _beyond(best, y, deviation)
        if not alone:
            flagged |= _beyond(min((f for f in fits if f.plain), key=lambda item: item.share), y, deviation)
    if not flagged.any():
        return none
    if alone:
        flagged[flagged] = ~_accompanied(X, best, np.flatnonzero(flagged))
    return flagged if flagged.mean() <= _MOST else none


def _beyond(fit: _Smooth, y: Floats, deviation: float) -> Flags:
    """Which rows are far off both for what the function leaves and for what y does."""
    far = np.abs(fit.residual) > _LEFT * fit.scale
    # Not "beyond": a value that overflows is no excuse.
    return far & ~(np.abs(y - fit.values) <= _OF_Y * deviation)


def _smooth(X: Floats, y: Floats, deviation: float) -> Iterator[_Smooth]:
    """The smooth functions of the columns that explain much of y in some scale of it, the plain one in any case."""
    seen = np.linspace(0, len(y) - 1, min(len(y), _FITTED)).round().astype(np.intp)
    tables = [_unit(columns) for columns in _columns(X)]
    local = X.shape[1] <= _LOCAL and _AROUND < len(y) <= _ASKED
    near = _nearest(X[seen], X, _AROUND) if local else None
    for name, scaled in _scales(y, deviation).items():
        spread = robust_deviation(scaled)
        if not (0 < spread < np.inf and np.isfinite(scaled).all()):
            continue
        fits = [_robust_fit(table, scaled, seen) for table in tables]
        if near is not None:
            fits.append(_fit(np.median(scaled[seen][near], axis=1), scaled, 0))
        for fitted, residual, scale in fits:
            share = scale / spread
            if name == "plain" or share < _SAYS_MUCH:
                yield _Smooth(
                    _in_units_of_y(fitted, name, y, deviation), residual, scale, share, name == "plain"
                )


def _scales(y: Floats, deviation: float) -> dict[str, Floats]:
    """y as it stands, in logarithms, in such that go through zero, and its inverse: laws with poles are smooth in that."""
    scales = {"plain": y, "signed logarithm": np.arcsinh(y / deviation)}
    side = y * np.sign(np.median(y))
    if (side > 0).mean() >= _ONE_SIDE:
        # What lies on the other side is either next to nothing, or far off in every scale.
        scales["logarithm"] = np.log(np.where(side > 0, side, 1e-3 * side[side > 0].min()))
    return scales | {"inverse": deviation / y} if (y != 0).all() else scales


def _in_units_of_y(values: Floats, name: str, y: Floats, deviation: float) -> Floats:
    if name == "plain":
        return values
    if name == "logarithm":
        return float(np.sign(np.median(y))) * np.exp(values)
    return deviation / values if name == "inverse" else deviation * np.sinh(values)


def _columns(X: Floats) -> list[Floats]:
    """The columns as they stand, and the positive ones among them in logarithms."""
    positive = (X > 0).all(axis=0)
    logs = np.where(positive, np.log(np.where(positive, X, 1.0)), X)
    return [X, logs] if positive.any() else [X]


def _unit(X: Floats) -> Floats:
    """Every column over [-1, 1]."""
    low, high = X.min(axis=0), X.max(axis=0)
    return 2 * (X - low) / np.where(high > low, high - low, 1.0) - 1


def _terms(columns: int, count: int) -> list[tuple[int, ...]]:
    """All products of the columns up to the degree that so many rows can carry; the empty one is a constant."""
    most = min(_MOST_TERMS, count // _ROWS_EACH)
    degree = next((d for d in range(_DEGREE, 0, -1) if math.comb(columns + d, d) <= most), 0)
    sizes = range(degree + 1)
    return [term for size in sizes for term in itertools.combinations_with_replacement(range(columns), size)]


def _products(unit: Floats, terms: Sequence[tuple[int, ...]]) -> Floats:
    return np.column_stack([unit[:, term].prod(axis=1) for term in terms])


def _robust_fit(unit: Floats, y: Floats, seen: NDArray[np.intp]) -> tuple[Floats, Floats, float]:
    """Values, residuals and their robust deviation of the fit that few of the rows seen cannot bend."""
    terms = _terms(unit.shape[1], len(seen))
    A, b = _products(unit[seen], terms), y[seen]
    residual, coefficients = b - np.median(b), np.zeros(len(terms))
    for _ in range(_ABSOLUTE):
        floor = 1e-2 * robust_deviation(residual) + np.finfo(np.float64).tiny
        coefficients = _weighted(A, b, 1 / np.maximum(np.abs(residual), floor))
        residual = b - A @ coefficients
    scale = _deviation(residual, A.shape[1])
    for _ in range(_BISQUARE if scale > 0 else 0):
        weight = np.square(np.maximum(1 - np.square(residual / (_CONSTANT * scale)), 0.0))
        # Where a function fits to rounding, no weight need be left.
        if not weight.any():
            break
        coefficients = _weighted(A, b, weight)
        residual = b - A @ coefficients
    blocks = [_products(unit[at : at + _BLOCK], terms) @ coefficients for at in range(0, len(unit), _BLOCK)]
    return _fit(np.concatenate(blocks), y, len(terms))


def _weighted(A: Floats, b: Floats, weight: Floats) -> Floats:
    root = np.sqrt(weight / weight.max())
    return np.linalg.lstsq(A * root[:, None], b * root, rcond=1e-10)[0]


def _fit(values: Floats, y: Floats, size: int) -> tuple[Floats, Floats, float]:
    return values, y - values, _deviation(y - values, size)


def _deviation(residual: Floats, size: int) -> float:
    """The robust deviation of residuals from so many coefficients."""
    room = len(residual) / max(len(residual) - size, 1)
    return NORMAL_DEVIATION * float(np.median(np.abs(residual))) * math.sqrt(room)


def _nearest(known: Floats, X: Floats, count: int) -> NDArray[np.intp]:
    """The nearest rows among those known, but for the row itself, (n, count)."""
    from scipy.spatial import KDTree

    spread = np.array([robust_deviation(column) or float(column.std()) or 1.0 for column in X.T])
    distance, found = KDTree(known / spread).query(X / spread, k=count + 1)
    order = np.argsort(distance > 0, axis=1, kind="stable")
    return np.take_along_axis(np.asarray(found, dtype=np.intp), order, axis=1)[:, 1:]


def _accompanied(X: Floats, best: _Smooth, rows: NDArray[np.intp]) -> Flags:
    """Whether rows beside these depart to the same side: beside in the columns, or in what the smooth function gives."""
    side = np.sign(best.residual) * (np.abs(best.residual) > _LEFT / 2 * best.scale)
    count = min(_NEIGHBOURS, len(side) - 1)
    beside = _nearest(X, X[rows], count)
    order = np.argsort(best.values, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    first = np.clip(place[rows] - count // 2, 0, len(order) - count - 1)
    window = order[first[:, None] + np.arange(count + 1)]
    columns = (side[beside] == side[rows, None]).sum(axis=1)
    # The row itself is one of the window.
    values = (side[window] == side[rows, None]).sum(axis=1) - 1
    return np.maximum(columns, values) >= count / 2
