"""Sums of terms with constants inside: c1 P sin(w t) + c2 P/(k + P) + c3 exp(-r t), beside a polynomial.

Terms of unlike kinds resemble each other over the range of a table, so that adding the best next one leads astray. A
polynomial therefore stands beside them from the start, terms are first chosen in pairs, of all pairs of a dictionary, and the
constants inside are fitted before anything is compared (variable projection). More terms join the best of these sums. What
the rows do not need is left out at last, and terms are exchanged for others while the criterion falls.

References
----------
Golub, Pereyra (2003), Separable nonlinear least squares. Inverse Problems 19(2). doi:10.1088/0266-5611/19/2/201
Pati, Rezaiifar, Krishnaprasad (1993), Orthogonal matching pursuit. doi:10.1109/ACSSC.1993.342465
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import spent
from edgewise.forms.tree import Apply, Node, Number
from edgewise.symbolic.config import NonlinearSumConfig
from edgewise.symbolic.costs import GRAM_ONLY, ORTHOGONAL, PAIRS
from edgewise.symbolic.fitting.damped_steps import Damping, descended, squared
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.dictionaries import whole_exponents
from edgewise.symbolic.structure.nonlinear_terms import (
    Dictionary,
    Ints,
    NonlinearTerm,
    dictionary,
    monomial,
    monomial_tree,
)
from edgewise.symbolic.structure.state import product

_DAMPING = Damping(falls=0.2, rises=4.0, least=1e-12, most=1e8)
# Entries of a block of inner products.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class NonlinearSum:
    """Products of powers, and terms with their constants; what they leave of y, squared and summed."""

    powers: tuple[tuple[int, ...], ...]
    terms: tuple[NonlinearTerm, ...] = ()
    constants: tuple[float, ...] = ()
    rss: float = math.inf

    @property
    def key(self) -> tuple[object, ...]:
        """What tells sums apart."""
        return (tuple(sorted(self.powers)), *sorted(map(str, self.terms)))

    def without_power(self, at: int) -> NonlinearSum:
        return replace(self, powers=self.powers[:at] + self.powers[at + 1 :])

    def without_term(self, at: int) -> NonlinearSum:
        kept = [each for each in range(len(self.terms)) if each != at]
        return replace(
            self,
            terms=tuple(self.terms[each] for each in kept),
            constants=tuple(self.constants[each] for each in kept),
        )

    def plainer(self, at: int) -> Iterator[NonlinearSum]:
        """Without a term, and with a product of powers in its place: a slow rate leaves no more of it."""
        fewer, term = self.without_term(at), self.terms[at]
        yield fewer
        for power in range(3):
            exponents = tuple(each + power * (column == term.column) for column, each in enumerate(term.exponents))
            if exponents not in self.powers:
                yield replace(fewer, powers=(*fewer.powers, exponents))

    def with_terms(self, terms: Sequence[NonlinearTerm], constants: Sequence[float]) -> NonlinearSum:
        return replace(self, terms=(*self.terms, *terms), constants=(*self.constants, *constants))


def nonlinear_sums(rows: SplitRows, until: float, *, noisy: bool) -> Iterator[Node]:
    """The best sums, as formulas to refit.

    Parameters
    ----------
    rows
        The table; few columns, or nothing is offered.
    until
        The count of work (see `spent`) where it ends.
    noisy
        Whether y holds noise: all rows are needed then, and more sums are thinned out.
    """
    config = rows.config.nonlinear_sums
    thin = rows.thinned(config.noisy_rows if noisy else config.rows)
    columns, count = thin.X.shape[1], len(thin.y)
    if not 1 <= columns <= config.columns or count < rows.config.fewest_rows or not np.ptp(thin.y) > 0:
        return
    with np.errstate(all="ignore"):
        table = _Table.of(thin, config)
        found = list[NonlinearSum]()
        for degree in config.degrees:
            found += table.pursued(_polynomial(thin.X, degree), until)
            if spent() > until or (found and min(each.rss for each in found) <= table.rounding):
                break
        if not found:
            return
        found.sort(key=lambda each: each.rss)
        chosen = dict[tuple[object, ...], NonlinearSum]()
        for each in found[: config.thinned if noisy else config.offered]:
            if spent() < until:
                short = table.thinned(each)
                chosen.setdefault(short.key, short)
        best = sorted(chosen.values(), key=table.criterion)
        for each in best[: config.exchanged]:
            if spent() < until:
                other = table.exchanged(each)
                chosen.setdefault(other.key, other)
        for each in sorted(chosen.values(), key=table.criterion)[: config.offered]:
            if (tree := table.tree(each, thin.names)) is not None:
                yield tree


@dataclass(frozen=True, eq=False)
class _Table:
    """Rows, and the dictionary of terms on them.

    Parameters
    ----------
    X, y
        The rows, (n, d) and (n,).
    terms
        The dictionary.
    total
        The sum of squares of y about its mean.
    rounding
        A sum of squares that counts as zero.
    config
        The thresholds.
    """

    X: Floats
    y: Floats
    terms: Dictionary
    total: float
    rounding: float
    config: NonlinearSumConfig

    @classmethod
    def of(cls, rows: SplitRows, config: NonlinearSumConfig) -> _Table:
        total = squared(rows.y - rows.y.mean())
        rounding = max(config.solved**2 * total, len(rows.y) * rows.rounding_error**2)
        return cls(rows.X, rows.y, dictionary(rows.X, config), total, rounding, config)

    def criterion(self, found: NonlinearSum) -> float:
        """Schwarz's, where a term out of a dictionary also costs the choice of it; rounding counts as no error."""
        count = len(self.y)
        inside = len(found.terms)
        price = math.log(count) * (len(found.powers) + 2 * inside)
        price += 2 * math.log(max(len(self.terms.terms), 1)) * inside
        return count * math.log(max(found.rss, self.rounding) / count) + price

    def pursued(self, powers: tuple[tuple[int, ...], ...], until: float) -> list[NonlinearSum]:
        """Sums of more and more terms beside some products of powers, those of each number that leave the least."""
        config = self.config
        beside = _basis([monomial(self.X, each) for each in powers])
        left = self.y - beside @ (beside.T @ self.y)
        start = NonlinearSum(powers, rss=squared(left))
        unit = self._unit(beside, config.least_left)
        beam, found = [start], [start]
        for count in range(2, config.terms + 1):
            fitted = dict[tuple[object, ...], NonlinearSum]()
            for each in beam:
                if each.terms:
                    inner = [t.value(self.X, k) for t, k in zip(each.terms, each.constants, strict=True)]
                    whole = _basis([*beside.T, *inner])
                    next_terms = self._singles(unit, whole)
                else:
                    next_terms = self._pairs(unit, left)
                for picked in next_terms:
                    more = each.with_terms(
                        [self.terms.terms[self.terms.term[at]] for at in picked],
                        [float(self.terms.constants[at]) for at in picked],
                    )
                    more = self.fitted(more, config.steps, beside)
                    if more.rss < fitted.get(more.key, start).rss:
                        fitted[more.key] = more
                if spent() > until:
                    break
            beam = sorted(fitted.values(), key=lambda each: each.rss)[: config.beam]
            found += beam[: config.kept]
            if (
                not beam
                or spent() > until
                or beam[0].rss <= self.rounding
                or (count == 2 and beam[0].rss > config.promising**2 * self.total)
            ):
                break
        return found

    def _unit(self, basis: Floats, least: float) -> Floats:
        """The terms of the dictionary less what a basis makes of them, of unit length; zero where hardly anything is left."""
        values = self.terms.values
        GRAM_ONLY(2 * values.size * basis.shape[1])
        rest = values - basis @ (basis.T @ values)
        length, whole = np.linalg.norm(rest, axis=0), np.linalg.norm(values, axis=0)
        seen = length > least * whole
        return rest * np.where(seen, 1 / np.where(seen, length, 1.0), 0.0)

    def _singles(self, unit: Floats, whole: Floats) -> list[tuple[int, ...]]:
        """The best places of each term beside a basis, for those that take away the most."""
        left = self.y - whole @ (whole.T @ self.y)
        GRAM_ONLY(2 * unit.size * whole.shape[1])
        rest = np.square(unit).sum(axis=0) - np.square(whole.T @ unit).sum(axis=0)
        gain = np.square(left @ unit) / np.maximum(rest, self.config.alike)
        return [(at,) for at in self._best_of_each(gain)[: self.config.singles]]

    def _best_of_each(self, gain: Floats) -> list[int]:
        """The best place in each half of a term's grid, the best of all first."""
        starts = _starts(self.terms.half)
        ends = np.r_[starts[1:], len(gain)]
        best = [
            int(start + gain[start:end].argmax()) for start, end in zip(starts, ends, strict=True)
        ]
        return sorted(best, key=lambda at: -gain[at])

    def _pairs(self, unit: Floats, left: Floats) -> list[tuple[int, ...]]:
        """The best places of each pair of terms, for the pairs that take away the most.

        Slow and fast rates of a term come apart: the best of the grid need not lead to the lowest minimum.
        """
        along, starts, count = left @ unit, _starts(self.terms.half), unit.shape[1]
        if not count:
            return []
        GRAM_ONLY(unit.size * count)
        PAIRS(count * count / 4)
        ends = np.r_[starts[1:], count]
        best = np.empty((len(starts), len(starts)))
        places = np.empty((len(starts), len(starts)), dtype=np.intp)
        for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
            gram = unit[:, start:end].T @ unit[:, start:]
            gain = self._gain(gram, along[start:end, None], along[None, start:])
            # Places are kept as a number: row of the block, and column behind it.
            row = gain.argmax(axis=0)
            highest = gain[row, np.arange(gain.shape[1])]
            tops = np.maximum.reduceat(highest, starts[at:] - start)
            best[at, at:] = tops
            for other in range(at, len(starts)):
                low, high = starts[other] - start, ends[other] - start
                column = low + int(highest[low:high].argmax())
                places[at, other] = (start + row[column]) * count + start + column
        upper = np.triu_indices(len(starts))
        order = np.argsort(-best[upper], kind="stable")[: self.config.pairs]
        chosen = places[upper][order]
        return [(int(each) // count, int(each) % count) for each in chosen]

    def _gain(self, gram: Floats, one: Floats, other: Floats) -> Floats:
        """What pairs of unit vectors take away together, by their inner products and those with what is left."""
        apart = np.maximum(1 - np.square(gram), self.config.alike)
        return (np.square(one) + np.square(other) - 2 * gram * one * other) / apart

    def fitted(self, found: NonlinearSum, steps: int, beside: Floats | None = None) -> NonlinearSum:
        """The sum with its constants where damped steps end."""
        if beside is None:
            beside = _basis([monomial(self.X, each) for each in found.powers], len(self.y))
        problem = _Inside(self.X, self.y - beside @ (beside.T @ self.y), beside, found.terms)
        end = descended(
            problem,
            np.array(found.constants),
            steps=steps if found.terms else 0,
            tolerance=1e-3,
            floor=1e-26 * self.total,
            damping=_DAMPING,
        )
        return replace(found, constants=tuple(end.point.tolist()), rss=end.loss)

    def thinned(self, found: NonlinearSum) -> NonlinearSum:
        """Without what the rows do not need: one by one, whatever is missed least, while the criterion falls."""
        best = self.fitted(found, self.config.steps)
        while len(best.powers) + len(best.terms) > 1:
            fewer = [best.without_power(at) for at in range(len(best.powers))]
            fewer += [each for at in range(len(best.terms)) for each in best.plainer(at)]
            tried = [self.fitted(each, self.config.short_steps) for each in fewer]
            least = min(tried, key=self.criterion)
            if self.criterion(least) > self.criterion(best):
                break
            best = self.fitted(least, self.config.steps)
        return best

    def exchanged(self, found: NonlinearSum) -> NonlinearSum:
        """Its terms exchanged for others while the criterion falls."""
        config, best = self.config, found
        for _ in range(config.rounds):
            tried = list[NonlinearSum]()
            for at in range(len(best.terms)):
                rest = best.without_term(at)
                inner = [t.value(self.X, k) for t, k in zip(rest.terms, rest.constants, strict=True)]
                basis = _basis(
                    [*(monomial(self.X, each) for each in rest.powers), *inner], len(self.y)
                )
                unit = self._unit(basis, config.least_left)
                gain = np.square((self.y - basis @ (basis.T @ self.y)) @ unit)
                for place in self._best_of_each(gain)[: config.exchange_terms]:
                    term = self.terms.terms[self.terms.term[place]]
                    if term != best.terms[at]:
                        other = rest.with_terms([term], [float(self.terms.constants[place])])
                        tried.append(self.fitted(other, config.steps))
            tried.sort(key=self.criterion)
            shorter = [self.thinned(each) for each in tried[:2]]
            winner = min(shorter, key=self.criterion, default=best)
            if not self.criterion(winner) < self.criterion(best) - 1e-6:
                break
            best = winner
        return best

    def tree(self, found: NonlinearSum, names: Sequence[str]) -> Node | None:
        """The sum as a formula."""
        columns = [monomial(self.X, each) for each in found.powers]
        columns += [t.value(self.X, k) for t, k in zip(found.terms, found.constants, strict=True)]
        trees = [monomial_tree(names, each) for each in found.powers]
        trees += [t.tree(names, k) for t, k in zip(found.terms, found.constants, strict=True)]
        if not columns:
            return None
        design = np.column_stack(columns)
        scale = np.linalg.norm(design, axis=0)
        if not (np.isfinite(scale) & (scale > 0)).all():
            return None
        solution = np.linalg.lstsq(design / scale, self.y, rcond=1e-14)[0] / scale
        parts = tuple(
            product(Number(float(weight)), tree) for weight, tree in zip(solution, trees, strict=True)
        )
        return parts[0] if len(parts) == 1 else Apply("+", parts)


class _Inside:
    """What is left of y as a function of the constants inside terms, all factors before them solved for."""

    def __init__(self, X: Floats, y: Floats, beside: Floats, terms: Sequence[NonlinearTerm]) -> None:
        self._X, self._y, self._beside, self._terms = X, y, beside, terms
        self._last: tuple[bytes, tuple[Floats, Floats, Floats] | None] = (b"", None)

    def _free(self, columns: Floats) -> Floats:
        return columns - self._beside @ (self._beside.T @ columns)

    def _solved(self, constants: Floats) -> tuple[Floats, Floats, Floats] | None:
        """Residual, columns and their factors; None where a column has no values, or none of its own."""
        key = constants.tobytes()
        if self._last[0] != key:
            self._last = (key, self._solve(constants))
        return self._last[1]

    def _solve(self, constants: Floats) -> tuple[Floats, Floats, Floats] | None:
        if not len(constants):
            return self._y, np.empty((len(self._y), 0)), constants
        columns = self._free(
            np.column_stack([t.value(self._X, k) for t, k in zip(self._terms, constants.tolist(), strict=True)])
        )
        ORTHOGONAL(columns.size * (2 * self._beside.shape[1] + columns.shape[1]))
        scale = np.linalg.norm(columns, axis=0)
        if not (np.isfinite(scale) & (scale > 0)).all():
            return None
        factors = np.linalg.lstsq(columns / scale, self._y, rcond=1e-13)[0] / scale
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
        slopes = np.column_stack(
            [
                weight * term.slope(self._X, k)
                for weight, term, k in zip(factors.tolist(), self._terms, point.tolist(), strict=True)
            ]
        )
        table = np.hstack([columns, self._free(slopes)])
        return (residual, table) if np.isfinite(table).all() else None

    def moved(self, point: Floats, slopes: tuple[Floats, Floats], damping: float) -> Floats:
        residual, table = slopes
        ORTHOGONAL(table.size * table.shape[1])
        count = len(point)
        scale = np.linalg.norm(table, axis=0)
        scale[scale == 0] = 1.0
        brake = np.zeros((count, 2 * count))
        brake[np.arange(count), count + np.arange(count)] = math.sqrt(damping)
        step = np.linalg.lstsq(np.vstack([table / scale, brake]), np.r_[residual, np.zeros(count)], rcond=1e-13)[0]
        return point + (step / scale)[count:]


def _polynomial(X: Floats, degree: int) -> tuple[tuple[int, ...], ...]:
    """The exponents of all products of powers of a total degree at most."""
    clear = [False] * X.shape[1]
    return tuple(each for size in range(degree + 1) for each in whole_exponents(clear, size))


def _basis(columns: Sequence[Floats], rows: int = 0) -> Floats:
    """An orthonormal basis of some columns, (n, r)."""
    if not columns:
        return np.empty((rows, 0))
    table = np.column_stack(columns)
    ORTHOGONAL(table.size * table.shape[1])
    scale = np.linalg.norm(table, axis=0)
    return np.linalg.qr(table[:, scale > 0] / scale[scale > 0])[0]


def _starts(groups: Ints) -> Ints:
    return np.flatnonzero(np.diff(groups, prepend=-1))
