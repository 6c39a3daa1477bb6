"""A pool of terms over the grids of their constants, in coordinates in which few numbers stand for many rows.

Smooth functions of few columns span few directions, as closely as noise lets anybody see. The inner products of all terms
beside any others then follow from those of the pool, so that the best single terms and the best pairs are found at once.

References
----------
Halko, Martinsson, Tropp (2011), Finding structure with randomness. SIAM Review 53(2). doi:10.1137/090771806
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Number
from edgewise.symbolic.costs import GRAM_ONLY, PAIRS
from edgewise.symbolic.expressions.complexity import surcharge
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.code_length import OPERATOR_NATS, nats
from edgewise.symbolic.fitting.criterion import NODE_NATS
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.nonlinear_fit import NonlinearSum, basis
from edgewise.symbolic.structure.nonlinear_terms import Constants, Ints, NonlinearTerm, dictionary, monomial
from edgewise.symbolic.structure.state import product

# Set, as the numbers of `sums_in_noise`, on sums drawn by seeds 1 to 3 of benchmarks/sums_of_terms.py with 1 % noise.
# Directions that terms span, as closely as noise lets anybody see; places on the grids of constants at most.
_DIRECTIONS = 300
_MOST_PLACES = 1400
# Total degree of the products of powers among the terms.
_DEGREE = 3
# Other powers of a positive column that stand there without being measured.
_BROKEN_POWERS = (0.5, 1.5, -0.5, -1.0, -2.0)
# A pair of terms counts as if at least this much of each, squared, stood apart from the other; a term of which others leave
# less, squared, is not told by the rows.
_APART = 1e-3
_LEAST_LEFT = 1e-8

# Like an inner constant in place of the one of the grid: any number that nothing simplifies.
_SOME = 1.2345


@dataclass(frozen=True, eq=False)
class TermPool:
    """Products of powers and terms of one function, laid out on a table.

    Parameters
    ----------
    rows
        The table.
    measured
        Nats of a measured constant.
    frame
        An orthonormal basis of what the terms span, (n, r).
    target
        y in it, (r,).
    outside
        What of y is beyond it, squared and summed.
    places
        The term and the constants of each column; one without functions is a product of powers.
    part
        Which part a column belongs to: of each the best column alone is looked at, (m,).
    price
        What each part costs in nats.
    values
        The columns in the basis, of unit length, (r, m).
    """

    rows: SplitRows
    measured: float
    frame: Floats
    target: Floats
    outside: float
    places: tuple[tuple[NonlinearTerm, Constants], ...]
    part: Ints
    price: Floats
    values: Floats

    @classmethod
    def of(cls, rows: SplitRows) -> TermPool:
        """The pool of all terms that have values on the rows."""
        X, y = rows.X, rows.y
        exponents = itertools.product(range(_DEGREE + 1), repeat=X.shape[1])
        powers = [NonlinearTerm(each, ()) for each in exponents if sum(each) <= _DEGREE]
        positive = np.flatnonzero((X > 0).all(axis=0))
        powers += [
            NonlinearTerm(tuple(broken if at == column else 0 for at in range(X.shape[1])), ())
            for column, broken in itertools.product(positive.tolist(), _BROKEN_POWERS)
        ]
        table = dictionary(X)
        chosen = np.arange(len(table.part))[:: max(1, math.ceil(len(table.part) / _MOST_PLACES))]
        places = [(each, ()) for each in powers] + [table.at(int(at)) for at in chosen]
        values = np.column_stack([*(monomial(X, each.exponents) for each in powers), table.values[:, chosen]])
        values = values / np.linalg.norm(values, axis=0)
        rng = np.random.default_rng(0)
        sketch = values @ rng.standard_normal((values.shape[1], min(_DIRECTIONS, len(y))))
        frame = basis([*sketch.T], len(y))
        GRAM_ONLY(4 * values.size * frame.shape[1])
        inside, target = frame.T @ values, frame.T @ y
        _, part = np.unique(
            np.r_[np.arange(len(powers)) - len(powers), table.part[chosen]], return_inverse=True
        )
        measured = 0.5 * math.log(len(y))
        outside = max(float(y @ y - target @ target), 0.0)
        starts = np.flatnonzero(np.diff(part, prepend=-1))
        known = {term: _price(term, rows, measured) for term in dict.fromkeys(places[at][0] for at in starts)}
        price = np.array([known[places[at][0]] for at in starts])
        return cls(rows, measured, frame, target, outside, tuple(places), part, price, inside)

    def price_of(self, found: NonlinearSum) -> float:
        """Nats of a sum's terms with their constants."""
        terms = [*(NonlinearTerm(each, ()) for each in found.powers), *found.terms]
        return sum(self._priced(each) for each in terms)

    def singles(self, rest: NonlinearSum, count: int) -> list[NonlinearSum]:
        """A sum with each of the terms that promise to describe the rows in the least, best first."""
        along, norm, _, left = self._beside(rest)
        gain = np.square(along) / np.maximum(norm, _APART * 1e-2)
        gain[norm < _LEAST_LEFT] = 0.0
        best = np.maximum.reduceat(gain, self._starts)
        promised = self._nats(left - best) + self.price
        made = list[NonlinearSum]()
        for part in np.argsort(promised, kind="stable")[:count]:
            low, high = self._bounds(int(part))
            made.append(self._with(rest, low + int(gain[low:high].argmax())))
        return made

    def pairs(self, rest: NonlinearSum, count: int) -> list[NonlinearSum]:
        """The same with pairs of terms."""
        along, norm, over, left = self._beside(rest)
        scale = np.where(norm > _LEAST_LEFT, 1 / np.sqrt(np.maximum(norm, _LEAST_LEFT)), 0.0)
        a = along * scale
        PAIRS(len(a) ** 2 / 4)
        both = over.T @ over
        np.subtract(self._gram, both, out=both)
        both *= scale[:, None]
        both *= scale
        gain = both * (-2 * a[:, None])
        gain *= a
        gain += np.square(a)[:, None]
        gain += np.square(a)
        np.square(both, out=both)
        np.subtract(1, both, out=both)
        np.maximum(both, _APART, out=both)
        gain /= both
        rows = np.maximum.reduceat(gain, self._starts, axis=0)
        best = np.maximum.reduceat(rows, self._starts, axis=1)
        one, other = np.triu_indices(len(best))
        promised = self._nats(left - best[one, other]) + self.price[one] + self.price[other]
        made = list[NonlinearSum]()
        for at in np.argsort(promised, kind="stable")[:count]:
            (low, high), (left_, right) = self._bounds(int(one[at])), self._bounds(int(other[at]))
            block = gain[low:high, left_:right]
            row, column = divmod(int(block.argmax()), right - left_)
            made.append(self._with(self._with(rest, low + row), left_ + column))
        return made

    def _beside(self, rest: NonlinearSum) -> tuple[Floats, Floats, Floats, float]:
        """Beside a sum: the products of the pool with what is left of y, its lengths squared, and overlaps; what is left.

        What a shift of its constants could still do is not left to further terms.
        """
        X, size = self.rows.X, len(self.target)
        slopes = [term.slopes(X, own).T for term, own in zip(rest.terms, rest.constants, strict=True)]
        columns = [*rest.columns(X), *itertools.chain(*slopes)]
        inside = [self.frame.T @ each for each in columns]
        GRAM_ONLY(self.values.size * len(columns))
        beside = basis(inside, size)
        left = self.target - beside @ (beside.T @ self.target)
        over = beside.T @ self.values
        norm = np.maximum(1 - np.square(over).sum(axis=0), 0.0)
        return left @ self.values, norm, over, float(left @ left) + self.outside

    def _nats(self, rss: Floats) -> Floats:
        rows = len(self.rows.y)
        return 0.5 * rows * np.log(np.maximum(rss, 0.5 * self.outside + 1e-300) / rows)

    def _with(self, found: NonlinearSum, at: int) -> NonlinearSum:
        term, constants = self.places[at]
        if term.factors:
            return found.with_term(term, constants)
        return found if term.exponents in found.powers else found.with_power(term.exponents)

    @cached_property
    def _gram(self) -> Floats:
        GRAM_ONLY(self.values.size * self.values.shape[1])
        return self.values.T @ self.values

    @cached_property
    def _starts(self) -> Ints:
        return np.flatnonzero(np.diff(self.part, prepend=-1))

    def _bounds(self, part: int) -> tuple[int, int]:
        starts = self._starts
        return int(starts[part]), int(starts[part + 1]) if part + 1 < len(starts) else len(self.part)

    @cached_property
    def _known(self) -> dict[NonlinearTerm, float]:
        return {}

    def _priced(self, term: NonlinearTerm) -> float:
        if term not in self._known:
            self._known[term] = _price(term, self.rows, self.measured)
        return self._known[term]


def _price(term: NonlinearTerm, rows: SplitRows, measured: float) -> float:
    """Nats of a term with the plus and the factor before it, and of its measured constants."""
    inner = (_SOME,) * len(term.factors)
    tree = product(Number(-_SOME), term.tree(rows.names, inner))
    written = shortest(from_tree(tree, rows.names), rows.positive)
    dearer = NODE_NATS * surcharge(written, dict(rows.costs))
    return nats(written, rows) + dearer + OPERATOR_NATS + measured * (1 + len(inner))
