"""Least squares for a*f(b*t + c) + d over many starts and many forms in one batch.

For given b and c the best a and d are linear least squares, so only (b, c) is searched: variable projection with
Kaufman's Jacobian, in Levenberg-Marquardt steps whose 2 x 2 systems are solved in closed form for all starts at once.

References
----------
Golub, Pereyra (2003), Separable nonlinear least squares. Inverse Problems 19(2). doi:10.1088/0266-5611/19/2/201
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Bools, Floats
from edgewise._core.work import charge
from edgewise.forms import Form, FormDomain
from edgewise.symbolic.costs import BATCH, FUNCTION
from edgewise.symbolic.fitting.damped_steps import BatchOfPoints, Damping, descended_together, leaders

# On a curve from -1 to 1: a form with a smaller rate only imitates a line or parabola, with a larger one a step.
_LEAST_RATE = 0.03
_LARGEST_RATE = 400.0
# With its centre further out a form imitates its own asymptote (sinh becomes exp); the first for powers and for forms that
# are not defined everywhere.
_LARGEST_SHIFT = 60.0
_REACH = 4.0
# Steps of a fit, and after how many only the best candidate of each form goes on.
_STEPS = 32
_HEAT_STEPS = 8

Ints = NDArray[np.intp]

_TINY = 1e-300
_EVERYWHERE = FormDomain()
_DAMPING = Damping(falls=0.1, rises=8.0, least=1e-15, most=1e8, start=1e-2)


@dataclass(frozen=True, slots=True)
class UnitCurve:
    """A curve in unit coordinates: t in [-1, 1], v of weighted mean 0 and variance 1, weights that sum to 1."""

    t: Floats
    v: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Batch:
    """Candidates f(b*(t + origin) + c), sorted by form; `form` indexes the list of forms."""

    form: Ints
    b: Floats
    c: Floats
    origin: Floats
    free_b: Bools
    free_c: Bools

    def take(self, rows: Ints | Bools) -> Batch:
        return Batch(*(getattr(self, name)[rows] for name in self.__slots__))


def join(batches: Sequence[Batch]) -> Batch:
    """One batch of several, sorted by form again."""
    columns = (np.concatenate([getattr(batch, name) for batch in batches]) for name in Batch.__slots__)
    joined = Batch(*columns)
    return joined.take(np.argsort(joined.form, kind="stable"))


def evaluate(forms: Sequence[Form], index: Ints, z: Floats) -> tuple[Floats, Floats]:
    """f and f' of rows z, each row with its own form; rows are sorted by form."""
    value, slope = np.empty_like(z), np.empty_like(z)
    for form, rows in _slices(forms, index):
        value[rows], slope[rows] = form.at(z[rows]), form.slope_at(z[rows])
    return value, slope


def _slices(forms: Sequence[Form], index: Ints) -> list[tuple[Form, slice]]:
    """The run of rows of each form present."""
    edges = np.flatnonzero(np.diff(index, prepend=-1, append=len(forms)))
    return [(forms[int(index[low])], slice(low, high)) for low, high in itertools.pairwise(edges)]


def admitted(forms: Sequence[Form], batch: Batch, curve: UnitCurve) -> Bools:
    """Is the whole curve inside the form's domain, away from poles, and the form bent enough to matter?"""
    ends = np.stack([curve.t[0] + batch.origin, curve.t[-1] + batch.origin])
    z = batch.b * ends + batch.c
    low, high = z.min(axis=0), z.max(axis=0)
    size = np.abs(batch.b)
    good = (size >= _LEAST_RATE) & (size <= _LARGEST_RATE) & np.isfinite(low) & np.isfinite(high)
    for form, rows in _slices(forms, batch.form):
        good[rows] &= form.domain.admits(low[rows], high[rows])
        # Where a form is tied to the user's own zero no distance is too far.
        if form.family == "power":
            good[rows] &= (np.abs(batch.c[rows]) <= _LARGEST_SHIFT) | ~batch.free_c[rows]
        elif form.family == "general" and form.name not in ("sin", "cos"):
            reach = size[rows] + _REACH if form.domain == _EVERYWHERE else size[rows] * _LARGEST_SHIFT
            good[rows] &= (np.abs(batch.c[rows]) <= reach) | ~batch.free_c[rows]
    return good


def _projected(forms: Sequence[Form], batch: Batch, curve: UnitCurve) -> BatchOfPoints:
    """The projected problem at (b, c): its sum of squares, and the normal equations of (b, c)."""
    size = len(batch.form)
    at = np.column_stack([batch.b, batch.c])
    fit = BatchOfPoints(at, np.full(size, np.inf), np.zeros((size, 2)), np.zeros((size, 3)))
    rows = np.flatnonzero(admitted(forms, batch, curve))
    if not len(rows):
        return fit
    charge(BATCH + FUNCTION * len(rows) * len(curve.t))
    part = batch.take(rows)
    w, shifted = curve.weight, curve.t + part.origin[:, None]
    with np.errstate(all="ignore"):
        f, slope = evaluate(forms, part.form, part.b[:, None] * shifted + part.c[:, None])
        f -= (f @ w)[:, None]
        weighted = f * w
        power = np.einsum("sn,sn->s", weighted, f) + _TINY
        a = (weighted @ curve.v) / power
        residual = curve.v - a[:, None] * f
        # An end slope may be infinite (a root at its zero): that point then carries no information about (b, c).
        slope = np.where(np.isfinite(slope), slope, 0.0) * a[:, None]
        along = weighted / power[:, None]
        weighted_residual = residual * w
        jacobian: list[Floats] = []
        for column, free in ((slope * shifted, part.free_b), (slope, part.free_c)):
            column -= (column @ w)[:, None]
            column -= np.einsum("sn,sn->s", column, along)[:, None] * f
            jacobian.append(column * free[:, None])
        loss = np.einsum("sn,sn->s", residual, weighted_residual)
        fit.loss[rows] = np.where(np.isfinite(loss), loss, np.inf)
        for at, column in enumerate(jacobian):
            fit.gradient[rows, at] = np.einsum("sn,sn->s", column, weighted_residual)
            fit.normal[rows, 2 * at] = np.einsum("sn,sn->s", column * w, column)
        fit.normal[rows, 1] = np.einsum("sn,sn->s", jacobian[0] * w, jacobian[1])
    return fit


def refine(forms: Sequence[Form], batch: Batch, curve: UnitCurve) -> tuple[Batch, Floats]:
    """Every candidate at its local optimum, with its share of variance left unexplained (infinite where none)."""

    def moved(rows: Ints, now: BatchOfPoints, damping: Floats) -> BatchOfPoints:
        b, c = _step(now, damping)
        there = replace(batch.take(rows), b=now.at[:, 0] + b, c=now.at[:, 1] + c)
        return _projected(forms, there, curve)

    def leads(step: int, rows: Ints, loss: Floats) -> Bools | None:
        return leaders(batch.form[rows], loss) if step == _HEAT_STEPS else None

    at, loss = descended_together(
        _projected(forms, batch, curve),
        moved,
        steps=_STEPS,
        tolerance=1e-6,
        floor=1e-31,
        damping=_DAMPING,
        leads=leads,
    )
    return replace(batch, b=at[:, 0], c=at[:, 1]), loss


def _step(fit: BatchOfPoints, damping: Floats) -> tuple[Floats, Floats]:
    """The damped 2 x 2 systems, solved in closed form."""
    hbb, hbc, hcc = (fit.normal[:, at] for at in range(3))
    gb, gc = fit.gradient[:, 0], fit.gradient[:, 1]
    # A frozen parameter has a zero column: a unit diagonal then gives it a zero step.
    dbb = hbb * (1 + damping) + (hbb == 0)
    dcc = hcc * (1 + damping) + (hcc == 0)
    determinant = np.maximum(dbb * dcc - hbc * hbc, _TINY)
    return (dcc * gb - hbc * gc) / determinant, (dbb * gc - hbc * gb) / determinant
