"""What a law would take once constants are made one for all, or multiples of each other: foretold from one Jacobian.

Laws are compared before that is done for each, which takes fits. To first order the constants are normal around their
values, with the covariance that the Jacobian gives; that the groups agree in one of them, or in the ratio of two, is then a
linear constraint, of which Wald's statistic says how much it adds to the sum of squares.

References
----------
Wald (1943), Tests of statistical hypotheses concerning several parameters when the number of observations is large.
Transactions of the American Mathematical Society 54(3). doi:10.1090/S0002-9947-1943-0012401-3
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.groups.constants import EXACTLY, Tied, linearized
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import drawn

# What an undetermined constant's information is beside that of a determined one.
_NONE = 1e-12
# How many times another a constant may be where something is added.
_TIMES = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


@dataclass(frozen=True)
class Join:
    """A constant as a multiple of powers of others, in all groups the same one; of none where it is one for all.

    Where `times` is a number, it is so many times the one other, and in all groups the same is added. `added` is what this
    adds to the sum of squares, in the variances that were left of the fit, `gain` twice the nats that this is worth (see
    `differ`), and `saved` by how much Schwarz's criterion falls.
    """

    name: str
    powers: Mapping[str, int]
    added: float
    gain: float
    saved: float
    times: float | None = None


@dataclass(frozen=True, eq=False)
class Outlook:
    """Constants of the groups' own as what the rows say of them to first order.

    Parameters
    ----------
    values, covariance
        Of each constant in each group, (groups, constants) and (groups*constants, groups*constants).
    names, free
        The constants, and those that may still be joined.
    n, dof, left
        Rows, rows less constants, and the sum of squares, in the variances that were left of the fit.
    price
        By how much more than one for all a constant of the groups' own costs.
    """

    values: Floats
    covariance: Floats
    names: tuple[str, ...]
    free: tuple[str, ...]
    n: int
    dof: int
    left: float
    price: float

    @staticmethod
    def of(model: Tied, rows: GroupedRows) -> Outlook | None:
        """None where nothing is each group's own, or slopes are beyond all numbers."""
        names, n = tuple(model.own), len(rows.y)
        if rows.count < 2 or not names:
            return None
        jacobian, order = linearized(model, rows)
        size = np.sqrt(np.square(jacobian).sum(axis=0))
        if not np.isfinite(size).all():
            return None
        size[size == 0] = 1.0
        scaled = jacobian / size
        left, right = np.linalg.eigh(scaled.T @ scaled)
        dof = max(n - model.constants, 1)
        # Rounding is no evidence against anything.
        variance = max(model.rss / dof, EXACTLY**2 * float(np.mean(np.square(rows.y))))
        whole = (right / np.maximum(left, _NONE)) @ right.T * variance / np.outer(size, size)
        if not np.isfinite(whole).all():
            return None
        at = {item: place for place, item in enumerate(order)}
        places = np.array([at[name, group] for group in range(rows.count) for name in names])
        values = np.array([model.own[name][0] for name in names]).T
        price = rows.own_price - math.log(n)
        return Outlook(values, whole[np.ix_(places, places)], names, names, n, dof, float(dof), price)

    def joins(self, most: int = 2) -> Iterator[Join]:
        """Everything that may be joined to so many others at most, whatever it costs."""
        for name in self.free:
            yield self._join(name, {})
            others = [item for item in self.free if item != name]
            for count in range(1, most + 1 if len(self.values) > 2 else 1):
                for chosen in itertools.combinations(others, count):
                    for signs in itertools.product((1, -1), repeat=count):
                        yield self._join(name, dict(zip(chosen, signs, strict=True)))

    def offsets(self) -> Iterator[Join]:
        """Everything that may be a plain number of times another and a constant."""
        for name, other in itertools.permutations(self.free, 2):
            for times in _TIMES:
                yield self._join(name, {other: 1}, times)

    def after(self, join: Join) -> Outlook | None:
        """The constants given that the groups agree in one of them or in a ratio; None where numbers end."""
        value, parts = self._contrast(join.name, join.powers, join.times)
        groups, count = self.values.shape
        slopes = np.zeros((groups, groups, count))
        for at, slope in parts:
            slopes[np.arange(groups), np.arange(groups), at] = slope
        table = slopes.reshape(groups, -1)
        table, off = table[1:] - table[0], value[1:] - value[0]
        across = self.covariance @ table.T
        try:
            inverse = np.linalg.pinv(table @ across, hermitian=True)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(inverse).all():
            return None
        moved = self.values.reshape(-1) - across @ inverse @ off
        return replace(
            self,
            values=moved.reshape(self.values.shape),
            covariance=self.covariance - across @ inverse @ across.T,
            free=tuple(name for name in self.free if name != join.name),
            dof=self.dof + len(off),
            left=self.left + join.added,
        )

    def _join(self, name: str, powers: Mapping[str, int], times: float | None = None) -> Join:
        value, parts = self._contrast(name, powers, times)
        groups, count = self.values.shape
        if not np.isfinite(value).all() or not all(np.isfinite(slope).all() for _, slope in parts):
            return Join(name, powers, math.inf, math.inf, -math.inf, times)
        blocks = self.covariance.reshape(groups, count, groups, count)
        inner = np.zeros((groups, groups))
        for (one, rise), (other, slope) in itertools.product(parts, repeat=2):
            inner += rise[:, None] * slope * blocks[:, one, :, other]
        # Of the differences from the first group.
        inner, off = inner[1:, 1:] - inner[1:, :1] - inner[:1, 1:] + inner[0, 0], value[1:] - value[0]
        size = np.sqrt(np.maximum(np.diag(inner), 1e-300))
        try:
            added = float(off / size @ np.linalg.solve(inner / np.outer(size, size), off / size))
        except np.linalg.LinAlgError:
            added = math.inf
        added = added if added >= 0 else math.inf  # rounding in what is hardly determined
        longer = math.log1p(added / self.left)
        return Join(name, powers, added, self.dof * longer, self.price - self.n * longer, times)

    def _contrast(
        self, name: str, powers: Mapping[str, int], times: float | None
    ) -> tuple[Floats, list[tuple[int, Floats]]]:
        """What is to be one for all groups, and its slopes in each group's constants."""
        own, ones = self.names.index(name), np.ones(len(self.values))
        if times is not None:
            (other,) = (self.names.index(power) for power in powers)
            return self.values[:, own] - times * self.values[:, other], [(own, ones), (other, -times * ones)]
        if not powers:
            return self.values[:, own], [(own, ones)]
        sign, value, parts = ones.copy(), np.zeros(len(self.values)), list[tuple[int, Floats]]()
        for other, power in {name: 1, **{item: -power for item, power in powers.items()}}.items():
            at = self.names.index(other)
            sign *= np.sign(self.values[:, at])
            value += power * np.log(np.abs(self.values[:, at]))
            parts.append((at, power / self.values[:, at]))
        # Of another sign in some group it is no multiple.
        return value if (sign == sign[0]).all() else np.full(len(sign), np.nan), parts


def foretold(model: Tied, rows: GroupedRows) -> float:
    """By how much the criterion falls once its constants are tied and joined, to first order."""
    with np.errstate(all="ignore"):
        outlook, saved = Outlook.of(model, rows), 0.0
        while outlook is not None and outlook.free:
            # Multiples of two others are rare, and many.
            best = max(outlook.joins(most=1), key=lambda join: join.saved)
            more = rows.count - 1
            if best.saved <= 0 or best.gain > drawn(best.gain, more, outlook.n):
                break
            saved, outlook = saved + best.saved, outlook.after(best)
    return saved
