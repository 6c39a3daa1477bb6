"""Which terms of a library make up a law, and with which coefficients.

The rows' covariance depends on the law (noise enters through every term), and the law on the covariance: both are found in
turns (D. M. Bortz, D. A. Messenger and V. Dukic 2023, doi:10.1007/s11538-023-01208-6). The subsets met on the way are then
compared by how far from the measured fields the nearest ones are that obey them, and by their number of terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.jet_polynomials import Divergence, plus
from edgewise.fields.subsets import UnitNormal, best_subsets, normal
from edgewise.fields.weak_rows import WeakRows

# Random halves of the rows from which terms are chosen again.
HALVES = 50
# Terms of a law at most.
_MOST_TERMS = 8
# Searches at most, each with the covariance of the law before; turns of coefficients and covariance at most.
_PASSES = 5
_TURNS = 4
# Differences below this share of the left side's square are not looked at.
_LEAST_SHARE = 1e-6
# A term has to take away at least this share of what is left without it: the rows' noise is known to first order
# only.
_LEAST_GAIN = 0.1

Subset = tuple[int, ...]
_RATE = 2e9


@dataclass(frozen=True, eq=False)
class WhiteRows:
    """Rows whose noise is white: terms (K, J) and left side (K,)."""

    terms: Floats
    left: Floats

    @cached_property
    def normal(self) -> UnitNormal:
        """Normal equations."""
        return normal(self.terms, self.left)

    def solve(self, subset: Subset) -> Floats:
        """Coefficients of a subset."""
        return np.asarray(np.linalg.lstsq(self.terms[:, subset], self.left, rcond=None)[0], dtype=float)

    def score(self, subset: Subset, cost: float, floor: float) -> float:
        """Twice the negative logarithm of the likelihood for noise of any size, with the cost of the terms."""
        rest = self.normal.rest(subset) + floor * self.normal.square
        return len(self.left) * float(np.log(max(rest, 1e-300))) + cost * len(subset)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A law: a subset of the library with its coefficients.

    Attributes
    ----------
    subset : tuple of int
    coefficients, errors : ndarray
        With their standard errors.
    covariance : ndarray
        Of the coefficients.
    misfit : float
        Square of the residuals in units of the noise: how far, in twice the logarithm of the likelihood, the nearest fields
        that obey the law are from the measured ones.
    rest : float
        Mean square of the white rows' residuals: about 1 where only noise is left.
    share : float
        The same as a share of the left side's.
    """

    subset: Subset
    coefficients: Floats
    covariance: Floats
    misfit: float
    rest: float
    share: float

    @property
    def errors(self) -> Floats:
        """Standard errors of the coefficients."""
        return np.sqrt(np.diag(self.covariance))


class SubsetSearch:
    """Everything about one left side that subsets are judged by.

    Parameters
    ----------
    forms : sequence of WeakRows
        One an experiment.
    left : Divergence
    terms : sequence of Divergence
    """

    def __init__(
        self,
        forms: Sequence[WeakRows],
        left: Divergence,
        terms: Sequence[Divergence],
    ) -> None:
        self.forms, self.left, self.terms = forms, left, terms
        self._left = [form.integrals(left) for form in forms]
        self._terms = [form.table(terms) for form in forms]
        self.count = sum(len(value) for value in self._left)

    @cached_property
    def sizes(self) -> list[float]:
        """The length of each experiment's left side."""
        return [max(float(np.linalg.norm(left)), 1e-300) for left in self._left]

    @cached_property
    def plain(self) -> WhiteRows:
        """The rows as they are, those of each experiment in units of their left side."""
        terms = np.concatenate([term / size for term, size in zip(self._terms, self.sizes, strict=True)])
        left = np.concatenate([value / size for value, size in zip(self._left, self.sizes, strict=True)])
        return WhiteRows(terms, left)

    @property
    def choice(self) -> float:
        """Price of a term: that of a parameter, and of a choice among the library."""
        return float(np.log(self.count) + 2 * np.log(len(self.terms)))

    @property
    def cost(self) -> float:
        """The same where the covariance is known, to first order."""
        return self.choice + _LEAST_GAIN * self.count

    def residual(self, subset: Subset, coefficients: Floats) -> Divergence:
        """The law's left side less its right side."""
        found: Divergence = {orders: dict(part) for orders, part in self.left.items()}
        for number, value in zip(subset, coefficients, strict=True):
            for orders, part in self.terms[number].items():
                plus(found.setdefault(orders, {}), part, -float(value))
        return {orders: part for orders, part in found.items() if part}

    def rows(self, subset: Subset, coefficients: Floats) -> WhiteRows:
        """All rows, made white by the covariance that a law gives them."""
        residual = self.residual(subset, coefficients)
        white: list[Floats] = []
        for form, left, terms in zip(self.forms, self._left, self._terms, strict=True):
            covariance = form.covariance(residual)
            charge(len(left) ** 2 * (len(left) / 3 + len(self.terms)) / _RATE)
            lower = lower_factor(covariance)
            white.append(solve_triangular(lower, np.column_stack([terms, left]), lower=True))
        joined = np.concatenate(white)
        return WhiteRows(joined[:, :-1], joined[:, -1])

    def candidate(self, subset: Subset, start: WhiteRows) -> Candidate:
        """A subset's law, its coefficients and their covariance found in turns."""
        coefficients, rows = start.solve(subset), start
        for _ in range(_TURNS):
            rows = self.rows(subset, coefficients)
            before, coefficients = coefficients, rows.solve(subset)
            if np.abs(coefficients - before).max(initial=0.0) <= 1e-6 * np.abs(coefficients).max(initial=0.0):
                break
        columns = rows.terms[:, subset]
        mean = rows.normal.rest(subset) / max(len(rows.left) - len(subset), 1)
        # What the noise does not explain widens the errors; smoothing may leave less than the noise was.
        spread = np.asarray(np.linalg.pinv(columns.T @ columns), dtype=float) * max(mean, 1.0)
        square = rows.normal.square
        misfit = rows.normal.rest(subset) + _LEAST_SHARE * square
        return Candidate(subset, coefficients, spread, misfit, mean, mean * len(rows.left) / square)

    def ranked(self, found: Sequence[Candidate]) -> list[tuple[float, Candidate]]:
        """Candidates with their scores, best first; what no law explains counts as noise."""
        noise = max(min((candidate.misfit for candidate in found), default=1.0) / self.count, 1.0)
        scored = [
            (candidate.misfit / noise + self.cost * len(candidate.subset), candidate) for candidate in found
        ]
        return sorted(scored, key=lambda item: (item[0], item[1].subset))

    def best(self, within: Sequence[int] | None = None) -> tuple[list[tuple[float, Candidate]], WhiteRows]:
        """The laws met with their scores, best first, and the rows of the best.

        Parameters
        ----------
        within : sequence of int, optional
            The subset, where it is known already.
        """
        rows = self.plain
        if within is not None:
            only = self.candidate(tuple(within), rows)
            return [(0.0, only)], self.rows(only.subset, only.coefficients)
        # Before anything is known of the covariance, as many terms as may matter are welcome.
        path = best_subsets(rows.normal, _MOST_TERMS)
        wide = min(path, key=lambda step: rows.score(step, self.choice, _LEAST_SHARE))
        rows = self.rows(wide, rows.solve(wide))
        found: dict[Subset, Candidate] = {}
        now: Candidate | None = None
        for _ in range(_PASSES):
            path = best_subsets(rows.normal, _MOST_TERMS)
            chosen = min(path, key=lambda step: rows.score(step, self.cost, _LEAST_SHARE))
            near = [step for step in path if len(step) <= len(chosen) + 1]
            for item in near:
                if item not in found:
                    found[item] = self.candidate(item, rows)
            best = self.ranked(list(found.values()))[0][1]
            if now is not None and best.subset == now.subset:
                break
            now = best
            rows = self.rows(now.subset, now.coefficients)
        ranked = self.ranked(list(found.values()))
        return ranked, self.rows(ranked[0][1].subset, ranked[0][1].coefficients)

    def stability(self, rows: WhiteRows, seed: int, halves: int = HALVES) -> tuple[Floats, dict[Subset, int]]:
        """How often each term, and each subset, is chosen from random halves of the rows (N. Meinshausen and P. Buehlmann
        2010, doi:10.1111/j.1467-9868.2010.00740.x)."""
        random = np.random.default_rng(seed)
        times = np.zeros(len(self.terms))
        subsets: dict[Subset, int] = {}
        n = len(rows.left)
        for _ in range(halves):
            half = random.permutation(n)[: max(n // 2, 1)]
            part = WhiteRows(rows.terms[half], rows.left[half])
            path = best_subsets(part.normal, _MOST_TERMS)
            chosen = min(path, key=lambda step: part.score(step, self.cost, _LEAST_SHARE))
            times[list(chosen)] += 1
            subsets[chosen] = subsets.get(chosen, 0) + 1
            charge(len(half) * len(self.terms) ** 2 / _RATE)
        return times / halves, subsets


def lower_factor(covariance: Floats) -> Floats:
    """The factor of a covariance, with as much on its diagonal as it takes."""
    diagonal = np.diag(covariance)
    floor = float(diagonal.max(initial=0.0)) * 1e-14 + 1e-300
    shift = 1e-11
    while True:
        try:
            return cholesky(covariance + np.diag(shift * diagonal + floor), lower=True, check_finite=False)
        except LinAlgError:
            shift *= 10
            if shift > 1e3:
                raise
