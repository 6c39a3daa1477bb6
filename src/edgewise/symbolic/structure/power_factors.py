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
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Variable
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.fitting.cancellation import LARGEST_EXPONENT
from edgewise.symbolic.fitting.damped_steps import damped_step, descended, squared, triangle
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.state import Move, power, product

# Steps and rounds of weighing of the fit that takes powers of columns out of y; a step that gains a smaller share of the sum
# of squares ends it.
_STEPS = 40
_ROUNDS = 3
_SETTLED_SHARE = 1e-9
# How far beyond the largest y its exponential may reach, in nats.
_REACH_NATS = 3.0
# Chance of what squares and products must show before they count.
_CHANCE = 1e-6
# How close an exponent is to a half of a whole number, and how sure it must be.
_POWER_NEARNESS = 0.12
_POWER_ERROR = 0.1
# Where more than this share of y is of either sign, as around a pole, no exponential with a sign follows it.
_BOTH_SIGNS = 0.2


@proposes("power factors")
def power_factors(rows: SplitRows, weight: Floats) -> Iterator[Move]:
    """Steps that take powers of columns out of y: all that show at once, then one by one.

    Parameters
    ----------
    rows
        Features and target.
    weight
        How much an error of the target counts on each row, (n,).
    """
    exponents = _exponents(rows, weight)
    found = {at: p for at, p in exponents.items() if 0 < abs(p) <= LARGEST_EXPONENT}
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
            chdtrc(len(curved), chi) > _CHANCE
            and unsure < _POWER_ERROR
            and abs(own - exponent) < max(_POWER_NEARNESS, 3 * unsure)
        ):
            found[at] = exponent
    return found


@dataclass(frozen=True, eq=False)
class _Exponential:
    """What sign * exp(table @ coefficients) leaves of y, each row counting by its root."""

    table: Floats
    y: Floats
    sign: float
    most: float
    root: Floats

    def value(self, at: Floats) -> Floats:
        return self.sign * np.exp(np.minimum(self.table @ at, self.most))

    def residual(self, at: Floats) -> Floats:
        return self.root * (self.y - self.value(at))

    def jacobian(self, at: Floats) -> Floats:
        return (self.root * self.value(at))[:, None] * self.table

    def loss(self, at: Floats) -> float:
        return squared(self.residual(at))

    def slopes(self, at: Floats) -> tuple[Floats, Floats, Floats] | None:
        """The R factor of the scaled Jacobian, the residual in its coordinates, and the scale."""
        jacobian = self.jacobian(at)
        scale = np.linalg.norm(jacobian, axis=0)
        if not (np.isfinite(scale) & (scale > 0)).all():
            return None
        charge(ROUTINE + FACTORED * jacobian.size * jacobian.shape[1])
        return (*triangle(jacobian / scale, self.residual(at)), scale)

    def moved(self, at: Floats, slopes: tuple[Floats, Floats, Floats], damping: float) -> Floats:
        factor, projected, scale = slopes
        return at + damped_step(factor, projected, damping) / scale


def _fitted(table: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients of the exponent, and their covariance."""
    if min((y > 0).mean(), (y < 0).mean()) > _BOTH_SIGNS and (y != 0).all():
        return _logarithmic(table, np.log(np.abs(y)))
    sign = 1.0 if float(np.sum(weight**2 * y * np.abs(y))) > 0 else -1.0
    seen = sign * y > 0
    counts = (weight * np.abs(y))[seen]
    at = linear_fit(table[seen] * counts[:, None], np.log(sign * y[seen]) * counts)
    problem = _Exponential(table, y, sign, float(np.log(np.abs(y).max())) + _REACH_NATS, weight)
    root = weight
    for _ in range(_ROUNDS):
        problem = replace(problem, root=root)
        at = descended(problem, at, steps=_STEPS, tolerance=_SETTLED_SHARE).point
        value = problem.value(at)
        root = weight / np.sqrt(1 + np.square(_lack(weight * value, weight * (value - y))))
    jacobian = problem.jacobian(at)
    information = jacobian.T @ jacobian
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
        return None
    # What the polynomial lacks is no noise of equal size: heteroscedasticity-robust errors (White's).
    inverse = np.linalg.inv(information).astype(np.float64)
    unequal = jacobian * problem.residual(at)[:, None]
    return at, inverse @ (unequal.T @ unequal) @ inverse


def _logarithmic(table: Floats, target: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients of the logarithm of |y|, which poles do not rule, and their covariance (White's)."""
    information = table.T @ table
    if np.linalg.cond(information) > 1e12:
        return None
    inverse = np.linalg.inv(information)
    at = inverse @ (table.T @ target)
    unequal = table * (target - table @ at)[:, None]
    return at, inverse @ (unequal.T @ unequal) @ inverse


def _lack(size: Floats, left: Floats) -> Floats:
    """What the polynomial lacks, a share of y, in units of the noise: from the larger half of y and the smaller."""
    large = np.abs(size) > np.median(np.abs(size))
    if not large.any():
        return np.zeros(len(size))
    noise, share = np.median(np.abs(left[~large])), np.median(np.abs(left[large] / size[large]))
    return share * size / noise if noise > 0 else np.zeros(len(size))
