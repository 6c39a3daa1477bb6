"""Sums of terms fitted to rows: factors before terms are solved for, constants inside are searched (variable projection).

References
----------
Golub, Pereyra (2003), Separable nonlinear least squares. Inverse Problems 19(2). doi:10.1088/0266-5611/19/2/201
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, summed
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import Damping, descended, squared
from edgewise.symbolic.structure.state import product

_DAMPING = Damping(falls=0.2, rises=4.0, least=1e-12, most=1e8)
# Singular values below this share of the largest are rounding.
_SAME = 1e-13
# A step that gains no more than this share ends a fit.
_SETTLED = 1e-3


@dataclass(frozen=True, eq=False)
class FreeTerm:
    """A term of a sum.

    Parameters
    ----------
    tape
        Its values and slopes; floats in its tree are constants.
    nats
        What it takes to write down.
    kind
        The same for one function at any constants.
    """

    tape: Tape
    nats: float
    kind: int

    @property
    def constants(self) -> int:
        return self.tape.size


@dataclass(frozen=True, eq=False)
class Sum:
    """Terms, the constants inside, and what their best factors leave of y, squared and summed."""

    terms: tuple[FreeTerm, ...]
    constants: tuple[Floats, ...]
    rss: float = math.inf

    @property
    def key(self) -> tuple[int, ...]:
        """What tells sums apart."""
        return tuple(sorted(term.kind for term in self.terms))

    @property
    def nats(self) -> float:
        """What its terms take to write down, measured constants aside."""
        return sum(term.nats for term in self.terms)

    @property
    def measured(self) -> int:
        """How many constants it has, inside and before terms."""
        return len(self.terms) + sum(term.constants for term in self.terms)

    def without(self, gone: Sequence[int]) -> Sum:
        """The sum without some of its terms."""
        kept = [at for at in range(len(self.terms)) if at not in gone]
        return Sum(tuple(self.terms[at] for at in kept), tuple(self.constants[at] for at in kept))

    def with_term(self, term: FreeTerm) -> Sum:
        """The sum with one term more, at the constants of its tape."""
        return Sum((*self.terms, term), (*self.constants, term.tape.start))

    def columns(self, X: Floats) -> list[Floats]:
        """The values of its terms on rows, each (n,)."""
        return [term.tape.value(own, X) for term, own in zip(self.terms, self.constants, strict=True)]

    def tree(self, X: Floats, y: Floats) -> Node | None:
        """The sum as a formula with its factors fitted; None where they cannot be."""
        design = np.column_stack(self.columns(X))
        scale = np.linalg.norm(design, axis=0)
        if not (np.isfinite(scale) & (scale > 0)).all():
            return None
        solution = np.linalg.lstsq(design / scale, y, rcond=_SAME)[0] / scale
        trees = [
            term.tape.with_constants(own.tolist())
            for term, own in zip(self.terms, self.constants, strict=True)
        ]
        return summed(
            [
                Number(float(factor)) if tree == Number(1) else product(Number(float(factor)), tree)
                for factor, tree in zip(solution, trees, strict=True)
            ]
        )


def fitted(found: Sum, X: Floats, y: Floats, *, steps: int, floor: float) -> Sum:
    """The sum with its constants where damped steps end.

    Parameters
    ----------
    found
        Where to start.
    X, y
        The rows, (n, d) and (n,).
    steps
        The most steps.
    floor
        A sum of squares that counts as zero.
    """
    problem = _Inside(X, y, found)
    start = np.concatenate([np.zeros(0), *found.constants])
    end = descended(
        problem, start, steps=steps if len(start) else 0, tolerance=_SETTLED, floor=floor, damping=_DAMPING
    )
    return replace(found, constants=problem.split(end.point), rss=end.loss)


class _Inside:
    """What is left of y as a function of the constants inside terms, all factors before them solved for."""

    def __init__(self, X: Floats, y: Floats, found: Sum) -> None:
        self._X, self._y, self._terms = X, y, found.terms
        self._ends = list(itertools.accumulate((len(each) for each in found.constants), initial=0))
        self._last: tuple[bytes | None, tuple[Floats, Floats, Floats] | None] = (None, None)
        # Terms without constants inside are what they are.
        self._still = {
            at: term.tape.value(term.tape.start, X)
            for at, term in enumerate(found.terms)
            if not term.constants
        }

    def split(self, point: Floats) -> tuple[Floats, ...]:
        """The constants of each term."""
        return tuple(point[low:high] for low, high in itertools.pairwise(self._ends))

    def _solved(self, point: Floats) -> tuple[Floats, Floats, Floats] | None:
        """Residual, columns and their factors; None where a column has no values, or none of its own."""
        key = point.tobytes()
        if self._last[0] != key:
            self._last = (key, self._solve(point))
        return self._last[1]

    def _solve(self, point: Floats) -> tuple[Floats, Floats, Floats] | None:
        inside = enumerate(zip(self._terms, self.split(point), strict=True))
        columns = np.column_stack(
            [
                self._still[at] if at in self._still else term.tape.value(own, self._X)
                for at, (term, own) in inside
            ]
        )
        charge(ROUTINE + FACTORED * columns.size * columns.shape[1])
        scale = np.linalg.norm(columns, axis=0)
        if not (np.isfinite(scale) & (scale > 0)).all():
            return None
        factors = np.linalg.lstsq(columns / scale, self._y, rcond=_SAME)[0] / scale
        return self._y - columns @ factors, columns, factors

    def loss(self, point: Floats) -> float:
        solved = self._solved(point)
        return math.inf if solved is None else squared(solved[0])

    def slopes(self, point: Floats) -> tuple[Floats, Floats] | None:
        """The residual, and the columns beside their slopes."""
        solved = self._solved(point)
        if solved is None:
            return None
        residual, columns, factors = solved
        slopes = [
            factor * term.tape.jacobian(own, self._X)[1]
            for factor, term, own in zip(factors.tolist(), self._terms, self.split(point), strict=True)
            if term.constants
        ]
        table = np.hstack([columns, *slopes])
        return (residual, table) if np.isfinite(table).all() else None

    def moved(self, point: Floats, slopes: tuple[Floats, Floats], damping: float) -> Floats:
        residual, table = slopes
        charge(ROUTINE + FACTORED * table.size * table.shape[1])
        count, before = len(point), table.shape[1] - len(point)
        scale = np.linalg.norm(table, axis=0)
        scale[scale == 0] = 1.0
        # Only the constants inside are damped: what the factors can undo is then left out of the step.
        brake = np.hstack([np.zeros((count, before)), math.sqrt(damping) * np.eye(count)])
        system, target = np.vstack([table / scale, brake]), np.r_[residual, np.zeros(count)]
        step = np.linalg.lstsq(system, target, rcond=_SAME)[0] / scale
        return point + step[before:]
