"""Columns that y is proportional to powers of, however far y spreads: y = exp(q) with q quadratic in logarithms of columns.

Where y covers decades, noise that is even in y hides most of its logarithm, and polynomials of y itself cannot follow. What
can still be fitted is the exponential of a polynomial, in the units of y. A column that enters by a power alone shows no
square and no product with another in q; that is tested, and the slope of q is the exponent.

References
----------
Santos Silva, Tenreyro (2006), The log of gravity. Review of Economics and Statistics 88(4). doi:10.1162/rest.88.4.641
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from edgewise.forms.tree import Node, Variable
from edgewise.symbolic.costs import ORTHOGONAL
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.state import Move, power, product

Floats = NDArray[np.float64]

# Steps of the fit, and how far beyond the largest y its exponential may reach, in nats.
_STEPS, _BEYOND = 40, 3.0
# Rounds of weighing: rows where the polynomial itself lacks more than noise count less.
_ROUNDS = 3
# Chance of what squares and products must show before they count; how close an exponent is to a half of a whole number,
# and how sure it must be.
_RARE, _NEAR, _SURE = 1e-6, 0.12, 0.1


def power_factors(rows: SplitRows, weight: Floats, largest: float) -> Iterator[Move]:
    """Steps that take powers of columns out of y: all that show at once, then one by one.

    Parameters
    ----------
    rows
        Features and target.
    weight
        How much an error of the target counts on each row, (n,).
    largest
        The largest exponent.
    """
    exponents = _exponents(rows, weight)
    found = {at: p for at, p in exponents.items() if 0 < abs(p) <= largest}
    names = [Variable(name) for name in rows.names]
    # Something must be left to be a function of.
    if len(found) == len(names):
        found.pop(max(found, key=lambda at: abs(found[at]) * float(np.log(np.abs(rows.X[:, at])).std())))
    sets = [found, *({at: p} for at, p in found.items())] if len(found) > 1 else [found]
    for chosen in sets:
        if chosen:
            rest: tuple[Node, ...] = tuple(name for at, name in enumerate(names) if at not in chosen)
            yield Move("factor", rest, product(*(power(names[at], p) for at, p in chosen.items())))


def _exponents(rows: SplitRows, weight: Floats) -> dict[int, float]:
    """The exponents of the columns that enter by a power alone."""
    clear = [bool((column > 0).all() or (column < 0).all()) for column in rows.X.T]
    with np.errstate(all="ignore"):
        logs = np.where(clear, np.log(np.abs(rows.X)), rows.X)
    scale = logs.std(axis=0)
    if not (scale > 0).all():
        return {}
    z = (logs - logs.mean(axis=0)) / scale
    count = z.shape[1]
    pairs = list(itertools.combinations_with_replacement(range(count), 2))
    table = np.column_stack([np.ones(len(z)), z, *(z[:, i] * z[:, j] for i, j in pairs)])
    if len(rows.y) < 4 * table.shape[1]:
        return {}
    fit = _fitted(table, rows.y, weight)
    if fit is None:
        return {}
    slope, covariance = fit
    found: dict[int, float] = {}
    for at in np.flatnonzero(clear).tolist():
        curved = [1 + count + k for k, pair in enumerate(pairs) if at in pair]
        b = slope[curved]
        chi = float(b @ np.linalg.solve(covariance[np.ix_(curved, curved)], b))
        own, unsure = float(slope[1 + at] / scale[at]), float(np.sqrt(covariance[1 + at, 1 + at]) / scale[at])
        exponent = round(2 * own) / 2
        if (
            chdtrc(len(curved), chi) > _RARE
            and unsure < _SURE
            and abs(own - exponent) < max(_NEAR, 3 * unsure)
        ):
            found[at] = exponent
    return found


def _fitted(table: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients of the exponent, and their covariance."""
    # It takes a fifth of a second to import, and few tables come this far.
    from scipy import optimize

    least_squares: Any = optimize.least_squares
    sign = 1.0 if float(np.sum(weight**2 * y * np.abs(y))) > 0 else -1.0
    top = float(np.log(np.abs(y).max()))
    seen = sign * y > 0
    counts = (weight * np.abs(y))[seen]
    start = np.linalg.lstsq(table[seen] * counts[:, None], np.log(sign * y[seen]) * counts, rcond=None)[0]

    def value(at: Floats) -> Floats:
        return sign * np.exp(np.minimum(table @ at, top + _BEYOND))

    made: Any = None
    root = weight
    for _ in range(_ROUNDS):
        at = start if made is None else made.x

        def left(at: Floats, root: Floats = root) -> Floats:
            return root * (value(at) - y)

        def slopes(at: Floats, root: Floats = root) -> Floats:
            return (root * value(at))[:, None] * table

        made = least_squares(left, at, slopes, method="lm", max_nfev=_STEPS)
        ORTHOGONAL(made.nfev * table.size * table.shape[1])
        root = weight / np.sqrt(1 + np.square(_lack(weight * value(made.x), weight * (value(made.x) - y))))
    information = made.jac.T @ made.jac
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
        return None
    # What the polynomial lacks is no noise of equal size: errors that hold up then (White's).
    inverse = np.linalg.inv(information)
    unequal = made.jac * made.fun[:, None]
    return made.x, inverse @ (unequal.T @ unequal) @ inverse


def _lack(size: Floats, left: Floats) -> Floats:
    """What the polynomial lacks, a share of y, in units of the noise: told by the larger half of y and the smaller."""
    large = np.abs(size) > np.median(np.abs(size))
    if not large.any():
        return np.zeros(len(size))
    noise, share = np.median(np.abs(left[~large])), np.median(np.abs(left[large] / size[large]))
    return share * size / noise if noise > 0 else np.zeros(len(size))
