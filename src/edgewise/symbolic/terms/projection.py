"""Sums of terms fitted to rows: factors before terms are solved for, constants inside are searched (variable projection).

References
----------
Golub, Pereyra (2003), Separable nonlinear least squares. Inverse Problems 19(2). doi:10.1088/0266-5611/19/2/201
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, summed
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import Damping, descended, squared
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.state import product

_DAMPING = Damping(falls=0.2, rises=4.0, least=1e-12, most=1e8)
# Singular values below this share of the largest are rounding.
_SAME = 1e-13
# A step that gains no more than this share ends a fit.
_SETTLED = 1e-3


@dataclass(frozen=True, eq=False)
class SumEvidence:
    """What a sum of terms must be.

    Parameters
    ----------
    rows
        Where terms have values.
    y
        What sums must be, (n,): on the rows, or by each functional.
    functionals
        A linear map of values on the rows, such as integrals, (rows,) or (rows, m) -> (n,) or (n, m); None where y is of
        the rows themselves.
    """

    rows: SplitRows
    y: Floats
    functionals: Callable[[Floats], Floats] | None = None

    def columns(self, values: Floats) -> Floats:
        """What values on the rows are beside y, (rows,) or (rows, m) -> (n,) or (n, m)."""
        return values if self.functionals is None else self.functionals(values)

    @property
    def rounding(self) -> float:
        """The error that floating point itself makes on y."""
        return 4e-15 * float(np.abs(self.y).max() + 1e-300)

    def thinned(self, most: int) -> SumEvidence:
        """Of so many rows at most; functionals need all."""
        if self.functionals is not None:
            return self
        rows = self.rows.thinned(most)
        return SumEvidence(rows, rows.y)


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
    limits
        The least and the largest size of each constant; None for any.
    """

    tape: Tape
    nats: float
    kind: int
    limits: tuple[Floats, Floats] | None = None

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

    def factors(self, evidence: SumEvidence) -> Floats | None:
        """The best factors of its terms; None where they cannot be fitted."""
        rows = evidence.rows
        values = [term.tape.value(own, rows.X) for term, own in zip(self.terms, self.constants, strict=True)]
        design = evidence.columns(np.column_stack(values))
        scale = np.linalg.norm(design, axis=0)
        if not (np.isfinite(scale) & (scale > 0)).all():
            return None
        return np.asarray(np.linalg.lstsq(design / scale, evidence.y, rcond=_SAME)[0] / scale)

    def trees(self) -> list[Node]:
        """Its terms with their constants."""
        return [
            term.tape.with_constants(own.tolist())
            for term, own in zip(self.terms, self.constants, strict=True)
        ]

    def tree(self, evidence: SumEvidence) -> Node | None:
        """The sum as a formula with its factors fitted; None where they cannot be."""
        factors = self.factors(evidence)
        if factors is None:
            return None
        return summed(
            [
                Number(factor) if tree == Number(1) else product(Number(factor), tree)
                for factor, tree in zip(factors.tolist(), self.trees(), strict=True)
            ]
        )


def fitted(found: Sum, evidence: SumEvidence, *, steps: int, floor: float) -> Sum:
    """The sum with its constants where damped steps end.

    Parameters
    ----------
    found
        Where to start.
    evidence
        What it must be.
    steps
        The most steps.
    floor
        A sum of squares that counts as zero.
    """
    problem = _Inside(evidence, found)
    start = np.concatenate([np.zeros(0), *found.constants])
    end = descended(
        problem, start, steps=steps if len(start) else 0, tolerance=_SETTLED, floor=floor, damping=_DAMPING
    )
    return replace(found, constants=problem.split(end.point), rss=end.loss)


class _Inside:
    """What is left of y as a function of the constants inside terms, all factors before them solved for."""

    def __init__(self, evidence: SumEvidence, found: Sum) -> None:
        self._X, self._y, self._terms = evidence.rows.X, evidence.y, found.terms
        self._seen = evidence.columns
        self._ends = list(itertools.accumulate((len(constant) for constant in found.constants), initial=0))
        self._last: tuple[bytes | None, tuple[Floats, Floats, Floats] | None] = (None, None)
        # Terms without constants inside are what they are.
        self._still = {
            at: self._seen(term.tape.value(term.tape.start, self._X))
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

    def _is_beyond(self, point: Floats) -> bool:
        return any(
            ((np.abs(own) < term.limits[0]) | (np.abs(own) > term.limits[1])).any()
            for term, own in zip(self._terms, self.split(point), strict=True)
            if term.limits is not None
        )

    def _solve(self, point: Floats) -> tuple[Floats, Floats, Floats] | None:
        if self._is_beyond(point):
            return None
        inside = enumerate(zip(self._terms, self.split(point), strict=True))
        columns = np.column_stack(
            [
                self._still[at] if at in self._still else self._seen(term.tape.value(own, self._X))
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
            factor * self._seen(term.tape.jacobian(own, self._X)[1])
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
