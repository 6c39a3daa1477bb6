"""The best few columns: forward steps, each followed by exchanges of one column for another, on normal equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_lapack_funcs

from edgewise._core.arrays import Floats
from edgewise._core.work import charge

# Columns that the others explain up to this share of their square carry no information of their own.
_COLLINEAR = 1e-7
# Of so many columns looking at all triples takes no longer than steps and exchanges.
MOST_CUBED = 60
# Units of work: of what a subset leaves and of a column beside it, of the gains of all others, of those without each of its
# columns, and of all columns times those of the subset; of a number of the tables of pairs and triples; and of inner
# products: of a number of them, and of a product.
_REST, _GAINS, _WITHOUT, _ACROSS = 1e-5, 4e-5, 8e-5, 3e-8
_PAIR, _TRIPLE, _INNER, _PRODUCT = 5e-8, 1e-8, 1e-8, 4e-11
(_gesv,) = get_lapack_funcs(("gesv",), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class UnitNormal:
    """Normal equations of columns scaled to length one.

    Attributes
    ----------
    gram : ndarray, shape (J, J)
    right : ndarray, shape (J,)
    square : float
        Sum of squares of the left side.
    scale : ndarray, shape (J,)
        Lengths of the columns.
    """

    gram: Floats
    right: Floats
    square: float
    scale: Floats

    def _block(self, subset: Sequence[int]) -> Floats:
        own = np.array(subset, dtype=np.int64)
        return self.gram[own[:, None], own]

    def gains(self, subset: Sequence[int]) -> Floats:
        """How much each further column would take off the sum of squares; nothing for those in the subset."""
        charge(_GAINS + _ACROSS * len(subset) * len(self.right))
        chosen = list(subset)
        if not chosen:
            return self.right**2
        block = self._block(chosen)
        solved = _solve(block, np.column_stack([self.right[chosen], self.gram[chosen]]))
        left = self.right - self.gram[:, chosen] @ solved[:, 0]
        own = 1 - np.einsum("js,sj->j", self.gram[:, chosen], solved[:, 1:])
        gains = np.where(own > _COLLINEAR, left**2 / np.maximum(own, _COLLINEAR), 0.0)
        gains[chosen] = 0.0
        return gains

    def gains_without(self, subset: Sequence[int]) -> Floats:
        """For each column of a subset, the gains of all others (J,) once it is taken out: (s, J).

        Where the subset is nearly collinear, less exact than `gains`.
        """
        charge(_WITHOUT + _ACROSS * len(subset) * len(self.right))
        chosen = list(subset)
        inverse = np.linalg.inv(self._block(chosen))
        explained = self.gram[:, chosen] @ inverse
        factors, pivots = inverse @ self.right[chosen], np.diag(inverse)[:, None]
        left = self.right - self.gram[:, chosen] @ factors + explained.T * (factors[:, None] / pivots)
        own = 1 - np.einsum("js,js->j", self.gram[:, chosen], explained) + explained.T**2 / pivots
        gains = np.where(own > _COLLINEAR, left**2 / np.maximum(own, _COLLINEAR), 0.0)
        gains[:, chosen] = np.where(np.eye(len(chosen), dtype=bool), gains[:, chosen], 0.0)
        return gains

    def is_independent(self, subset: Sequence[int], column: int) -> bool:
        """Whether a column has information of its own beside a subset."""
        charge(_REST)
        chosen = list(subset)
        own = self.gram[chosen, column]
        return column not in chosen and float(own @ _solve(self._block(chosen), own)) < 1 - _COLLINEAR

    def rest(self, subset: Sequence[int]) -> float:
        """Sum of squares that a subset leaves."""
        charge(_REST)
        chosen = list(subset)
        if not chosen:
            return self.square
        taken = self.right[chosen] @ _solve(self._block(chosen), self.right[chosen])
        return max(self.square - float(taken), 0.0)


def _solve(matrix: Floats, right: Floats) -> Floats:
    """`numpy.linalg.solve` of a symmetric matrix of few rows, without what it does for others, which takes longer; of
    dependent columns the shortest solution."""
    if not len(right):
        return right
    *_, found, info = _gesv(matrix, right)
    if info:
        found = np.linalg.lstsq(matrix, right, rcond=None)[0]
    return np.asarray(found, dtype=np.float64).reshape(right.shape)


def normal(columns: Floats, left: Floats) -> UnitNormal:
    """The normal equations of columns (K, J) and a left side (K,)."""
    charge(columns.shape[1] ** 2 * (_INNER + _PRODUCT * len(columns)))
    scale = np.sqrt((columns**2).sum(0))
    scale = np.where(scale > 0, scale, 1.0)
    unit = columns / scale
    return UnitNormal(unit.T @ unit, unit.T @ left, float(left @ left), scale)


def best_subsets(of: UnitNormal, most: int, *, triples: bool = False) -> list[tuple[int, ...]]:
    """For each number of columns, the best subset that was found; the empty one first. Of two columns it is the best there
    is, and of three where `triples` are looked at, which are J^3."""
    path: list[tuple[int, ...]] = [()]
    known = {2: best_pair, 3: best_triple} if triples else {2: best_pair}
    for size in range(1, min(most, len(of.right)) + 1):
        gains = of.gains(path[-1])
        if not gains.max() > 0:
            break
        path.append(known[size](of) if size in known else _exchanged(of, (*path[-1], int(gains.argmax()))))
    # Down again: a good large subset may hold a better small one than those found on the way up.
    for size in range(len(path) - 1, 3 if triples else 1, -1):
        smaller = min((tuple(step for step in path[size] if step != out) for out in path[size]), key=of.rest)
        smaller = _exchanged(of, smaller)
        if of.rest(smaller) < of.rest(path[size - 1]) * (1 - 1e-12):
            path[size - 1] = smaller
    return [tuple(sorted(step)) for step in path]


def best_pair(of: UnitNormal) -> tuple[int, int]:
    """Of all pairs of columns the one that leaves least; there must be two columns."""
    charge(_PAIR * of.gram.size)
    own = 1 - of.gram**2
    taken = of.right[:, None] ** 2 + of.right**2 - 2 * of.right[:, None] * of.right * of.gram
    # Of columns that are alike one by itself takes as much.
    gains = np.where(own > _COLLINEAR, taken / np.maximum(own, _COLLINEAR), -1.0)
    one, other = divmod(int(np.argmax(np.triu(gains, 1) - np.tri(len(own)))), len(own))
    return one, other


def best_triple(of: UnitNormal) -> tuple[int, ...]:
    """Of all triples of columns the one that leaves least: of J columns, J^3 numbers are computed."""
    gram, count = of.gram, len(of.right)
    charge(_TRIPLE * count**3)
    own = np.where(1 - gram**2 > _COLLINEAR, 1 - gram**2, np.inf)
    size = np.sqrt(own)
    right = (of.right - gram * of.right[:, None]) / size
    cosine = (gram - gram[:, :, None] * gram[:, None, :]) / (size[:, :, None] * size[:, None, :])
    apart = 1 - cosine**2
    both = (
        right[:, :, None] ** 2 + right[:, None, :] ** 2 - 2 * right[:, :, None] * right[:, None, :] * cosine
    )
    gains = of.right[:, None, None] ** 2 + both / np.maximum(apart, _COLLINEAR)
    gains = np.where((apart > _COLLINEAR) & np.isfinite(own[:, :, None] + own[:, None, :]), gains, -1.0)
    return tuple(sorted(int(at) for at in np.unravel_index(int(gains.argmax()), (count,) * 3)))


def _exchanged(of: UnitNormal, subset: tuple[int, ...]) -> tuple[int, ...]:
    """The subset after exchanges of single columns that help."""
    now = of.rest(subset)
    while True:
        found = subset
        for out, gains in zip(subset, of.gains_without(subset), strict=True):
            others, entering = tuple(name for name in subset if name != out), int(gains.argmax())
            if not of.is_independent(others, entering):
                entering = int(of.gains(others).argmax())
            if entering == out or not of.is_independent(others, entering):
                continue
            new = (*others, entering)
            # Judged by what is left, not by the gain: near exact fits the two differ by rounding.
            after = of.rest(new)
            if after < now * (1 - 1e-9) - 1e-14 * of.square:
                found, now = new, after
        if found == subset:
            return subset
        subset = found
