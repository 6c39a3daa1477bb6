"""A polynomial and terms with constants inside fitted to rows: variable projection (Golub and Pereyra 2003).

References
----------
Golub, Pereyra (2003), Separable nonlinear least squares. Inverse Problems 19(2). doi:10.1088/0266-5611/19/2/201
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Node, Number, summed
from edgewise.symbolic.costs import INSIDE, ORTHOGONAL
from edgewise.symbolic.fitting.damped_steps import Damping, descended, squared
from edgewise.symbolic.structure.nonlinear_terms import Constants, NonlinearTerm, monomial, monomial_tree
from edgewise.symbolic.structure.state import product

_DAMPING = Damping(falls=0.2, rises=4.0, least=1e-12, most=1e8)
# Singular values below this share of the largest are rounding.
_SAME = 1e-13


@dataclass(frozen=True)
class NonlinearSum:
    """Products of powers, and terms with their constants; what they leave of y, squared and summed."""

    powers: tuple[tuple[float, ...], ...]
    terms: tuple[NonlinearTerm, ...] = ()
    constants: tuple[Constants, ...] = ()
    rss: float = math.inf

    @property
    def key(self) -> tuple[object, ...]:
        """What tells sums apart."""
        return (tuple(sorted(self.powers)), *sorted((each.exponents, each.factors) for each in self.terms))

    @property
    def count(self) -> int:
        """How many constants it has, inside and before terms."""
        return len(self.powers) + len(self.terms) + sum(map(len, self.constants))

    def columns(self, X: Floats) -> list[Floats]:
        """The values of its products and terms on rows, each (n,)."""
        inner = [term.value(X, own) for term, own in zip(self.terms, self.constants, strict=True)]
        return [*(monomial(X, each) for each in self.powers), *inner]

    def without_power(self, at: int) -> NonlinearSum:
        """The sum without one of its products of powers."""
        return replace(self, powers=self.powers[:at] + self.powers[at + 1 :])

    def with_power(self, exponents: tuple[float, ...]) -> NonlinearSum:
        """The sum with one product of powers more."""
        return replace(self, powers=(*self.powers, exponents))

    def without_term(self, at: int) -> NonlinearSum:
        """The sum without one of its terms."""
        terms, constants = self.terms, self.constants
        return replace(
            self, terms=terms[:at] + terms[at + 1 :], constants=constants[:at] + constants[at + 1 :]
        )

    def with_term(self, term: NonlinearTerm, constants: Constants) -> NonlinearSum:
        """The sum with one term more."""
        return replace(self, terms=(*self.terms, term), constants=(*self.constants, constants))

    def plainer(self, at: int) -> Iterator[NonlinearSum]:
        """Without a term; and with one of its functions, or a product of powers, in its place."""
        fewer, term = self.without_term(at), self.terms[at]
        yield fewer
        if len(term.factors) > 1:
            for factor, own in zip(term.factors, self.constants[at], strict=True):
                yield fewer.with_term(NonlinearTerm(term.exponents, (factor,)), (own,))
            return
        column = next(column for column, _ in term.factors)
        for power in range(3):
            exponents = tuple(each + power * (other == column) for other, each in enumerate(term.exponents))
            if exponents not in self.powers:
                yield replace(fewer, powers=(*fewer.powers, exponents))

    def tree(self, names: Sequence[str], X: Floats, y: Floats) -> Node | None:
        """The sum as a formula with its factors fitted; None where they cannot be."""
        columns = self.columns(X)
        trees = [monomial_tree(names, each) for each in self.powers]
        trees += [term.tree(names, own) for term, own in zip(self.terms, self.constants, strict=True)]
        design = np.column_stack(columns) if columns else np.empty((len(y), 0))
        scale = np.linalg.norm(design, axis=0)
        if not columns or not (np.isfinite(scale) & (scale > 0)).all():
            return None
        solution = np.linalg.lstsq(design / scale, y, rcond=_SAME)[0] / scale
        parts = tuple(product(Number(float(c)), tree) for c, tree in zip(solution, trees, strict=True))
        return summed(parts)


def fitted(
    found: NonlinearSum, X: Floats, y: Floats, *, steps: int, floor: float, beside: Floats | None = None
) -> NonlinearSum:
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
    beside
        An orthonormal basis of its products of powers on the rows, if it is there already, (n, r).
    """
    if beside is None:
        beside = basis([monomial(X, each) for each in found.powers], len(y))
    problem = _Inside(X, y - beside @ (beside.T @ y), beside, found)
    start = np.array(list(itertools.chain(*found.constants)))
    end = descended(
        problem, start, steps=steps if found.terms else 0, tolerance=1e-3, floor=floor, damping=_DAMPING
    )
    return replace(found, constants=problem.split(end.point), rss=end.loss)


class _Inside:
    """What is left of y as a function of the constants inside terms, all factors before them solved for."""

    def __init__(self, X: Floats, y: Floats, beside: Floats, found: NonlinearSum) -> None:
        self._X, self._y, self._beside, self._terms = X, y, beside, found.terms
        self._ends = list(itertools.accumulate(map(len, found.constants), initial=0))
        self._last: tuple[bytes, tuple[Floats, Floats, Floats] | None] = (b"", None)

    def split(self, point: Floats) -> tuple[Constants, ...]:
        """The constants of each term."""
        numbers = point.tolist()
        return tuple(tuple(numbers[low:high]) for low, high in itertools.pairwise(self._ends))

    def _solved(self, point: Floats) -> tuple[Floats, Floats, Floats] | None:
        """Residual, columns and their factors; None where a column has no values, or none of its own."""
        key = point.tobytes()
        if self._last[0] != key:
            self._last = (key, self._solve(point))
        return self._last[1]

    def _solve(self, point: Floats) -> tuple[Floats, Floats, Floats] | None:
        if not self._terms:
            return self._y, np.empty((len(self._y), 0)), point
        pairs = zip(self._terms, self.split(point), strict=True)
        columns = self._free(np.column_stack([term.value(self._X, own) for term, own in pairs]))
        INSIDE(columns.size * (2 * self._beside.shape[1] + columns.shape[1]))
        scale = np.linalg.norm(columns, axis=0)
        if not (np.isfinite(scale) & (scale > 0)).all():
            return None
        factors = np.linalg.lstsq(columns / scale, self._y, rcond=_SAME)[0] / scale
        return self._y - columns @ factors, columns, factors

    def _free(self, columns: Floats) -> Floats:
        return columns - self._beside @ (self._beside.T @ columns)

    def loss(self, point: Floats) -> float:
        solved = self._solved(point)
        return math.inf if solved is None else squared(solved[0])

    def slopes(self, point: Floats) -> tuple[Floats, Floats] | None:
        """The residual, and the columns beside their slopes."""
        solved = self._solved(point)
        if solved is None:
            return None
        residual, columns, factors = solved
        pairs = zip(factors.tolist(), self._terms, self.split(point), strict=True)
        slopes = np.column_stack([factor * term.slopes(self._X, own) for factor, term, own in pairs])
        table = np.hstack([columns, self._free(slopes)])
        return (residual, table) if np.isfinite(table).all() else None

    def moved(self, point: Floats, slopes: tuple[Floats, Floats], damping: float) -> Floats:
        residual, table = slopes
        INSIDE(table.size * table.shape[1])
        count, before = len(point), table.shape[1] - len(point)
        scale = np.linalg.norm(table, axis=0)
        scale[scale == 0] = 1.0
        # Only the constants inside are damped: what the factors can undo is then left out of the step.
        brake = np.hstack([np.zeros((count, before)), math.sqrt(damping) * np.eye(count)])
        system, target = np.vstack([table / scale, brake]), np.r_[residual, np.zeros(count)]
        step = np.linalg.lstsq(system, target, rcond=_SAME)[0] / scale
        return point + step[before:]


def basis(columns: Sequence[Floats], rows: int) -> Floats:
    """An orthonormal basis of some columns of so many rows, (n, r)."""
    if not columns:
        return np.empty((rows, 0))
    table = np.column_stack(columns)
    ORTHOGONAL(table.size * table.shape[1])
    scale = np.linalg.norm(table, axis=0)
    return np.linalg.qr(table[:, scale > 0] / scale[scale > 0])[0]
