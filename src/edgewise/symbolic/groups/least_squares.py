"""Least squares of a formula over many groups of rows, some constants each group's own and some one for all.

A constant of one group moves no other group's rows, so the Jacobian is blocks beside a few full columns. Each group's block
is brought to a triangle by itself, what is left of all groups then gives the shared constants: steps cost as much as those
of one group, times the groups, however many constants there are in all.

References
----------
Björck (1996), Numerical Methods for Least Squares Problems, section 6.3: block angular problems.
doi:10.1137/1.9781611971484
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, names_in, replaced
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import bounded, descended, squared, triangle
from edgewise.symbolic.fitting.jumps import jump_error
from edgewise.symbolic.fitting.least_squares import ROUNDING, standard_errors
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.groups.rows import GroupedRows

_STEPS, _TOLERANCE = 60, 1e-13


@dataclass(frozen=True, eq=False)
class GroupedFit:
    """Constants that were fitted, their standard errors, and the residual sum of squares.

    `own` and `own_errors` hold arrays of one entry a group. Where the formula has no value on some row, the sum is infinite.
    """

    own: dict[str, Floats]
    own_errors: dict[str, Floats]
    shared: dict[str, float]
    shared_errors: dict[str, float]
    rss: float


def fit_together(
    tree: Node, own: Mapping[str, Floats], shared: Mapping[str, float], rows: GroupedRows
) -> GroupedFit:
    """All constants fitted at once.

    Parameters
    ----------
    tree
        The formula of the columns and the named constants, every other number exact.
    own, shared
        Where the constants start: those of each group's own with an entry a group, and those that are one for all.
    rows
        All groups.
    """
    problem = GroupedProblem.of(tree, tuple(own), tuple(shared), rows)
    start = problem.joined(own, shared)
    floor = 1e-31 * squared(rows.y) + 1e-300
    found = descended(problem, start, steps=_STEPS, tolerance=_TOLERANCE, floor=floor)
    errors = np.full(len(start), np.inf)
    if found.slopes is not None:
        errors = _errors(problem, found.point, found.slopes, found.loss)
    values, each = problem.apart(found.point)
    value_errors, each_errors = problem.apart(errors)
    return GroupedFit(values, value_errors, each, each_errors, found.loss)


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The Jacobian (n, names), the residual, the scales of its columns, and each group's triangle with the residual."""

    jacobian: Floats
    residual: Floats
    scale: Floats
    triangles: Floats


@dataclass(frozen=True, eq=False)
class GroupedProblem:
    """The residuals of a formula as a function of its constants: each group's own (names, groups), then the shared ones."""

    tape: Tape
    order: tuple[str, ...]
    own: tuple[str, ...]
    shared: tuple[str, ...]
    rows: GroupedRows

    @staticmethod
    def of(tree: Node, own: tuple[str, ...], shared: tuple[str, ...], rows: GroupedRows) -> GroupedProblem:
        """Of a formula with these constants."""
        known = {*own, *shared}
        order = tuple(name for name in dict.fromkeys(names_in(tree)) if name in known)
        tape = Tape(replaced(tree, {name: Number(1.5) for name in order}), rows.columns)
        assert tape.size == len(order)
        return GroupedProblem(
            tape,
            order,
            tuple(name for name in own if name in order),
            tuple(name for name in shared if name in order),
            rows,
        )

    def joined(self, own: Mapping[str, Floats], shared: Mapping[str, float]) -> Floats:
        """The point of these constants."""
        return np.array(
            [*itertools.chain(*(own[name] for name in self.own)), *(shared[n] for n in self.shared)]
        )

    def apart(self, point: Floats) -> tuple[dict[str, Floats], dict[str, float]]:
        """The constants of a point."""
        own, shared = self._split(point)
        return dict(zip(self.own, own, strict=True)), dict(zip(self.shared, shared.tolist(), strict=True))

    def value(self, own: Mapping[str, Floats]) -> Floats:
        """The formula on every row where no constant is shared, (n,)."""
        return self.tape.value(self._filled(self.joined(own, {})), self.rows.X)

    def loss(self, point: Floats) -> float:
        """The residual sum of squares."""
        # A denominator may take an infinite constant without a trace.
        if not np.isfinite(point).all():
            return np.inf
        return squared(self.rows.y - self.tape.value(self._filled(point), self.rows.X))

    def slopes(self, point: Floats) -> _Blocks | None:
        """None where slopes cannot be calculated with, or there are none."""
        value, jacobian = self.jacobian(point)
        if not bounded(jacobian) or not self.order:
            return None
        residual = self.rows.y - value
        scale = self._scale(jacobian)
        size = jacobian.shape[1] + 1
        triangles = np.zeros((self.rows.count, size, size))
        for groups, places, there in self.rows.batches:
            both = np.concatenate(
                [jacobian[places] / scale[groups][:, None], residual[places][:, :, None]], axis=2
            )
            found = _triangles(both * there[:, :, None])
            triangles[groups, : found.shape[1]] = found
        return _Blocks(jacobian, residual, scale, triangles)

    def moved(self, point: Floats, slopes: _Blocks, damping: float) -> Floats:
        """Where a damped step leads."""
        count, more = len(self.own), len(self.shared)
        charge(ROUTINE + FACTORED * len(self.rows.y) * (count + more + 1) ** 2)
        groups, brake = self.rows.count, np.sqrt(damping)
        braked = np.zeros((groups, count, count + more + 1))
        braked[:, range(count), range(count)] = brake
        factor = _triangles(np.concatenate([slopes.triangles, braked], axis=1))
        left = factor[:, count:, count:].reshape(-1, more + 1)
        system = np.vstack([left[:, :more], brake * np.eye(more)])
        step = linear_fit(system, np.concatenate([left[:, more], np.zeros(more)]))
        upper, target = factor[:, :count, :count], factor[:, :count, -1] - factor[:, :count, count:-1] @ step
        inner = np.linalg.solve(upper, target[:, :, None])[:, :, 0] / slopes.scale[:, :count]
        return point + np.concatenate([inner.T.reshape(-1), step / slopes.scale[0, count:]])

    def jacobian(self, point: Floats) -> tuple[Floats, Floats]:
        """The value (n,), and its slopes in the constant that each row has of each name (n, names), own ones first."""
        value, slopes = self.tape.jacobian(self._filled(point), self.rows.X)
        places = [self.order.index(name) for name in (*self.own, *self.shared)]
        return value, slopes[:, places]

    def spread(self, jacobian: Floats) -> Floats:
        """The Jacobian with a column for every constant of a point, (n, constants)."""
        groups, count = self.rows.count, len(self.own)
        whole = np.zeros((len(jacobian), groups * count + len(self.shared)))
        each = np.arange(len(jacobian))
        for at in range(count):
            whole[each, at * groups + self.rows.group] = jacobian[:, at]
        whole[:, groups * count :] = jacobian[:, count:]
        return whole

    def _scale(self, jacobian: Floats) -> Floats:
        """The norms of the columns of each group, those of shared constants over all groups, (groups, names)."""
        count = len(self.own)
        peaks = np.ones((self.rows.count, jacobian.shape[1]))
        squares = np.zeros_like(peaks)
        for groups, places, there in self.rows.batches:
            peaks[groups] = np.abs(jacobian[places] * there[:, :, None]).max(axis=1, initial=0.0)
        peaks[:, count:] = peaks.max(axis=0)[count:]
        peaks[peaks == 0] = 1.0
        for groups, places, there in self.rows.batches:
            # Squares of the entries themselves may overflow.
            share = jacobian[places] * there[:, :, None] / peaks[groups][:, None]
            squares[groups] = np.square(share).sum(axis=1)
        squares[:, count:] = squares.sum(axis=0)[count:]
        scale = peaks * np.sqrt(squares)
        scale[scale == 0] = 1.0
        return scale

    def _split(self, point: Floats) -> tuple[Floats, Floats]:
        size = len(self.own) * self.rows.count
        return point[:size].reshape(len(self.own), self.rows.count), point[size:]

    def _filled(self, point: Floats) -> Sequence[Floats | np.float64]:
        """Of each constant what it is on each row, or on all."""
        own, shared = self._split(point)
        values = dict[str, Floats | np.float64](zip(self.own, own[:, self.rows.group], strict=True))
        values |= dict(zip(self.shared, shared, strict=True))
        return [values[name] for name in self.order]


def _triangles(matrices: Floats) -> Floats:
    """The R factor of each, (groups, least of rows and columns, columns)."""
    return np.asarray(np.linalg.qr(matrices, mode="r"), dtype=np.float64)


def _errors(problem: GroupedProblem, point: Floats, slopes: _Blocks, rss: float) -> Floats:
    """The standard errors of all constants of a point, infinite where they are not determined."""
    n, count = len(problem.rows.y), len(problem.own)
    scale = np.concatenate([slopes.scale[:, :count].T.reshape(-1), slopes.scale[0, count:]])
    weighted = problem.spread(slopes.jacobian) / scale
    # Floating point itself makes this much noise: no constant is known better than that.
    noise = max(rss / max(n - len(point), 1), squared(problem.rows.y) / n * ROUNDING**2)
    factor, _ = triangle(weighted, slopes.residual)
    errors = np.nan_to_num(
        standard_errors(factor, weighted, slopes.residual, noise)[0] / scale, nan=np.inf, posinf=np.inf
    )
    if problem.tape.jumps:
        for still in np.flatnonzero(~weighted.any(axis=0)):
            along = np.eye(len(point))[still]
            errors[still] = jump_error(
                lambda step, along=along: problem.loss(point + step * along), float(point[still]), noise
            )
    return errors
