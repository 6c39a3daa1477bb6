"""Moves that a table's smooth model suggests: scalings, mergeable pairs, separable columns.

Each rests on a relation between the derivatives F_i of the model F, which is exact where the law has that structure:

- scaling: sum_i a_i x_i F_i = c F takes products of powers together and a product of powers out of y;
- mergeable pair: F_i / F_j = r x_i^p / x_j^q means that y depends on the two only through
  r x_i^(p+1)/(p+1) + x_j^(q+1)/(q+1): sums, differences, products, ratios, sums of squares, of inverses, ...;
- sum: F_i depends on x_i alone; product: F_i / F does.

References
----------
Udrescu, Tegmark (2020), AI Feynman: a physics-inspired method for symbolic regression. doi:10.1126/sciadv.aay2631.
Udrescu et al. (2020), AI Feynman 2.0: Pareto-optimal symbolic regression exploiting graph modularity. arXiv:2006.10782.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, Variable, inverse, summed
from edgewise.symbolic.costs import STEP, TERM
from edgewise.symbolic.expressions.nodes import ZERO
from edgewise.symbolic.expressions.writing import to_tree
from edgewise.symbolic.fitting.cancellation import LARGEST_EXPONENT
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.fitting.rounding import exact_number
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.chebyshev_surrogate import NOISY_ERROR
from edgewise.symbolic.structure.state import RELATION_ROWS, Move, State, power, powers, product

# Rows on which slopes are read, and the share near either end of a column that is not: a polynomial is worst there.
_VIEW_ROWS = 600
_VIEW_EDGE = 0.12
# Singular values apart by less belong together.
_SINGULAR_GAP = 1.3
# An exponent read off a model is within this of the law's.
_EXPONENT_ERROR = 0.08
# Share of the rows on which both columns of a pair must show.
_PAIR_SHARE = 0.3
# Sets of columns to solve for that are tried, and how alike these may be, as a condition number.
_PIVOT_SETS = 400
_PIVOT_CONDITION = 1e4
# A relation that holds row by row (median) may miss by so many times the doubt of the slopes; one over all rows at once by
# so many.
_DOUBTS = 10.0
WHOLE_DOUBTS = 20.0
# It may always miss by this: one of given functions, and one whose numbers are read off the slopes as well.
EXACT_MISS = 1e-7
NEARLY_EXACT_MISS = 1e-6
# It may never miss by more: any relation, and one with weights of its own.
LOOSE_MISS = 0.1
STRICT_MISS = 0.05
# Shares of the rows that fit a relation best, the rest being where the model is worst: of scalings, of powers in a ratio.
_COMMON_SHARE = 0.85
_COMMON_TAIL = 0.8
# Share of the rows on which a ratio must have the same sign.
_SIGN_SHARE = 0.9
# Rows where a column does less than this share of the usual do not determine a ratio.
_FAINT_SHARE = 1e-3
# A ratio this near a simple number, as a share of it, is tried as that number, too.
_SIMPLE_NEARNESS = 0.03
# How much nearer a fraction must be for each one more in its denominator.
_DENOMINATOR_PRICE = 0.03
# Of exponents, thirds and quarters must be so many times as near as halves, which only a good model distinguishes.
_QUARTERS_FACTOR = 4.0
# What being off costs beside what an exponent takes to be read.
_MISS_PRICE = 50.0
# Exponents that are solved for are looked at up to this size.
_LARGEST_RATIO = 50.0
# The best scalings, and ways to merge two features, that are followed.
_SCALINGS = 3
_PAIR_MOVES = 2
# Relations that miss by so many times as much as the closest are as good.
AS_NEAR_TIMES = 3.0

# Exponents of laws are small fractions.
_BOTTOMS = (1, 2, 3, 4)
# Numbers that people write, in ratios of two derivatives.
_RATIOS = (1.0, 2.0, 0.5, 3.0, 4.0, 1 / 3, 0.25, 1.5, 2 / 3)
# Powers of columns in the ratio of two derivatives.
_SLOPES = (-4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True, eq=False)
class SlopeView:
    """The smooth model's values and derivatives on some rows."""

    names: tuple[Node, ...]
    X: Floats
    value: Floats
    gradient: Floats
    doubt: float

    @classmethod
    def of(cls, state: State) -> SlopeView | None:
        """A view of a state; None where it has no smooth model."""
        model, rows = state.landscape, state.rows.thinned(_VIEW_ROWS)
        if model is None:
            return None
        value, gradient = model.gradient(rows.X)
        good = np.isfinite(value) & np.isfinite(gradient).all(axis=1) & _inside(rows.X)
        if good.sum() < RELATION_ROWS:
            return None
        names = tuple(Variable(name) for name in state.rows.names)
        return cls(
            names,
            rows.X[good],
            value[good],
            gradient[good],
            max(
                model.doubt,
                1e-9,
                min(model.error, 3 * model.doubt) if model.error > NOISY_ERROR else 0.0,
            ),
        )

    def allowed(self, exact: float, most: float, doubts: float | None = None) -> float:
        """How far a relation may miss: by what the doubt explains, within limits."""
        times = _DOUBTS if doubts is None else doubts
        return min(max(times * self.doubt, exact), most)

    def sizes(self, at: int) -> Floats:
        """How large a column is on each row, (n,): its spread where it passes through zero."""
        column = self.X[:, at]
        return np.abs(column) if self.one_signed(at) else np.full(len(column), float(column.std()))

    def one_signed(self, at: int) -> bool:
        """Is a column of one sign?"""
        return bool((self.X[:, at] > 0).all() or (self.X[:, at] < 0).all())


def _inside(X: Floats) -> NDArray[np.bool_]:
    """Rows away from the ends of every column, where a polynomial's slopes are worst."""
    edge = _VIEW_EDGE / X.shape[1]
    low, high = np.quantile(X, edge, axis=0), np.quantile(X, 1 - edge, axis=0)
    return np.asarray(((low <= X) & (high >= X)).all(axis=1))


@proposes("scalings")
def scalings(view: SlopeView) -> Iterator[Move]:
    """Products of powers that y depends on, and one that it is proportional to."""
    chosen = [at for at in range(len(view.names)) if view.one_signed(at)]
    if not chosen:
        return
    weight = 1 / np.maximum(np.abs(view.value), 0.1 * np.sqrt(np.mean(view.value**2)))
    table = np.column_stack([view.gradient[:, chosen] * view.X[:, chosen], view.value]) * weight[:, None]
    size = np.sqrt(np.mean(table**2, axis=0)) + 1e-300
    right = np.linalg.svd(table / size, full_matrices=False)[2]
    # The rows that fit worst are where the model is.
    left = np.abs(table / size @ right[-1])
    table = table[left <= np.quantile(left, _COMMON_SHARE)]
    _, singular, right = np.linalg.svd(table / size, full_matrices=False)
    singular /= singular[0]
    for rank in range(1, len(singular)):
        # A gap, and what lies below it no more than the model's own error explains.
        if (
            singular[rank] > max(WHOLE_DOUBTS * view.doubt, NEARLY_EXACT_MISS)
            or singular[rank - 1] < _SINGULAR_GAP * singular[rank]
        ):
            continue
        null = right[rank:].T / size[:, None]
        yield from _scaling(view, chosen, table, null, 5 * max(singular[rank], view.doubt))


def _scaling(
    view: SlopeView, chosen: list[int], table: Floats, null: Floats, allowed: float
) -> Iterator[Move]:
    count = null.shape[1]
    found: list[tuple[float, float, tuple[int, ...], Floats]] = []
    sets = itertools.islice(itertools.combinations(range(len(chosen)), count), _PIVOT_SETS)
    for pivots in sets:
        charge(STEP)
        block = null[list(pivots)]
        if np.linalg.cond(block) > _PIVOT_CONDITION:
            continue
        weights = null @ np.linalg.inv(block)
        charge(TERM * weights.size)
        rounded = np.vectorize(_simple)(weights)
        apart = np.abs(weights - rounded)
        # Thirds and quarters lie so close that only a good model can distinguish them.
        apart[np.abs(2 * rounded - np.round(2 * rounded)) > 1e-9] *= _QUARTERS_FACTOR
        off = float(apart.max())
        if not off <= _EXPONENT_ERROR or float(np.abs(rounded).max()) > LARGEST_EXPONENT:
            continue
        left = table @ rounded
        residual = float(np.sqrt(np.mean(left**2)) / np.sqrt(np.mean((table**2) @ (rounded**2)) + 1e-300))
        if residual <= allowed:
            found.append((_dear(rounded) + _MISS_PRICE * off, residual, pivots, rounded))
    found.sort(key=lambda item: item[0])
    for _, residual, pivots, rounded in found[:_SCALINGS]:
        yield _scaled(view, chosen, pivots, rounded, residual)


def _scaled(
    view: SlopeView, chosen: list[int], pivots: tuple[int, ...], weights: Floats, residual: float
) -> Move:
    names = view.names
    base = [names[chosen[at]] for at in pivots]
    features: list[Node] = []
    for at, name in enumerate(names):
        if at not in chosen:
            features.append(name)
        elif chosen.index(at) not in pivots:
            features.append(powers([name, *base], [1.0, *(-weights[chosen.index(at)])]))
    factor = powers(base, [-weight for weight in weights[-1]])
    return Move("scaling", tuple(features), None if factor == Number(1) else factor, None, residual)


def _simple(value: float) -> float:
    """The simplest fraction near a number."""
    if not np.isfinite(value) or abs(value) > _LARGEST_RATIO:
        return np.inf
    return min(
        (Fraction(round(value * bottom), bottom) for bottom in _BOTTOMS),
        key=lambda item: abs(float(item) - value) + _DENOMINATOR_PRICE * (item.denominator - 1),
    ).__float__()


def _dear(weights: Floats) -> float:
    """What exponents cost to read."""
    used = weights[weights != 0]
    broken = np.abs(used - np.round(used)) > 1e-9
    return float(len(used) + np.abs(used).sum() + 2 * broken.sum())


@proposes("mergeable pairs")
def pairs(view: SlopeView) -> Iterator[Move]:
    """Two features that y depends on only through one."""
    for i, j in itertools.combinations(range(len(view.names)), 2):
        merged = list(_pair(view, i, j))
        yield from merged
        if not merged:
            yield from _curved_pair(view, i, j)
            yield from _curved_pair(view, j, i)


def _curved_pair(view: SlopeView, i: int, j: int) -> Iterator[Move]:
    """F_i / F_j a polynomial in x_i: y depends on the two only through its integral plus x_j."""
    wide, scale = float(view.X[:, i].std()), float(view.X[:, j].std())
    fi, fj, x = view.gradient[:, i] * wide, view.gradient[:, j] * scale, view.X[:, i]
    size = np.hypot(fi, fj) + 1e-300
    for degree in (1, 2):
        table = (x / wide)[:, None] ** np.arange(degree + 1)
        weights = linear_fit(table * (fj / size)[:, None], fi / size)
        left = np.abs(fi - fj * (table @ weights)) / size
        # Back to the units of the columns.
        weights = weights * scale / wide ** (np.arange(degree + 1) + 1)
        residual = float(np.median(left))
        if residual > view.allowed(EXACT_MISS, STRICT_MISS):
            continue
        lead = float(weights[-1]) / (degree + 1)
        if lead == 0 or not np.isfinite(weights).all():
            continue
        parts = [float(weight) / (at + 1) / lead for at, weight in enumerate(weights)]
        width = max(3 * residual, 1e-9)
        exact = [exact_number(part, width * max(abs(part), 0.1) / 4) for part in parts[:-1]]
        if any(value is None for value in exact):
            continue
        whole = exact_number(lead, width * abs(lead) / 4)
        name = view.names[i]
        inner = [
            product(to_tree(value), power(name, at + 1))
            for at, value in enumerate(exact)
            if value is not None and value is not ZERO
        ]
        curve = summed([power(name, degree + 1), *inner])
        number = Number(lead) if whole is None else to_tree(whole)
        feature = product(number, curve) + view.names[j]
        features = tuple(feature if at == i else item for at, item in enumerate(view.names) if at != j)
        yield Move("merge", features, residual=residual, exact=whole is not None)
        return


def _pair(view: SlopeView, i: int, j: int) -> Iterator[Move]:
    fi, fj = view.gradient[:, i], view.gradient[:, j]
    # What a change of either column by its own size does.
    one, other = np.abs(fi * view.sizes(i)), np.abs(fj * view.sizes(j))
    size = np.hypot(one, other)
    seen = (size > _FAINT_SHARE * np.median(size)) & (np.minimum(one, other) > _FAINT_SHARE * size)
    if seen.mean() < _PAIR_SHARE:
        return
    fi, fj = fi[seen], fj[seen]
    xi, xj = view.X[seen, i], view.X[seen, j]
    found: list[tuple[float, float, float, float, float]] = []
    with np.errstate(all="ignore"):
        for p in _allowed(view, i):
            left = xi**p
            for q in _allowed(view, j):
                right = xj**q
                # F_i x_j^q = r F_j x_i^p, each row at its own size.
                a, b = fi * right, fj * left
                ratio = float(np.median(a / b))
                if not np.isfinite(ratio) or ratio == 0:
                    continue
                near = _near(ratio)
                for r in {near, ratio}:
                    residual = float(np.median(np.abs(a - r * b) / (np.abs(a) + np.abs(r * b) + 1e-300)))
                    price = 0.0 if r == near else 1.0
                    found.append((residual, price + abs(p + 1) % 1 + abs(q + 1) % 1, r, p, q))
    allowed = view.allowed(EXACT_MISS, LOOSE_MISS)
    found = [item for item in found if item[0] <= allowed]
    if not found:
        yield from _power_pair(view, i, j, (fi, fj, xi, xj), allowed)
        return
    closest = min(item[0] for item in found)
    good = [item for item in found if item[0] <= max(AS_NEAR_TIMES * closest, 1e-9)]
    good.sort(key=lambda item: (item[1], item[0]))
    for residual, price, r, p, q in good[:_PAIR_MOVES]:
        if price >= 1.0 and good[0][1] < 1.0:
            break
        move = _merged(view, i, j, (r, p, q), residual)
        if move is not None:
            yield move


def _power_pair(
    view: SlopeView, i: int, j: int, seen: tuple[Floats, Floats, Floats, Floats], allowed: float
) -> Iterator[Move]:
    """F_i / F_j a product of any powers: y depends on the two only through a sum of powers of them."""
    fi, fj, xi, xj = seen
    ratio = fi / fj
    if not (view.one_signed(i) and view.one_signed(j) and (xi > 0).all() and (xj > 0).all()):
        return
    sign = float(np.sign(np.median(ratio)))
    good = sign * ratio > 0
    if good.mean() < _SIGN_SHARE:
        return
    target = np.log(sign * ratio[good])
    table = np.column_stack([np.log(xi[good]), -np.log(xj[good]), np.ones(int(good.sum()))])
    p, q, _ = linear_fit(table, target)
    # What lies far off is where the model is worst.
    off = np.abs(target - table @ linear_fit(table, target))
    near = off <= np.quantile(off, _COMMON_TAIL)
    p, q, _ = linear_fit(table[near], target[near])
    for digits in (1, 2, 3):
        one, other = round(float(p), digits), round(float(q), digits)
        left = target - table[:, :2] @ np.array([one, other])
        constant = float(np.median(left))
        residual = 0.5 * float(np.median(np.abs(left - constant)))
        if residual <= allowed and -1.0 not in (one, other) and max(abs(one), abs(other)) < LARGEST_EXPONENT:
            move = _merged(view, i, j, (sign * math.exp(constant), one, other), residual)
            if move is not None:
                yield replace(move, exact=False)
            return


def _allowed(view: SlopeView, at: int) -> Sequence[float]:
    if view.one_signed(at) and bool((view.X[:, at] > 0).all()):
        return _SLOPES
    return (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0) if view.one_signed(at) else (0.0, 1.0, 2.0, 3.0)


def _near(value: float) -> float:
    """A number people write that lies within a few per cent, else the number itself."""
    for simple in _RATIOS:
        if abs(abs(value) - simple) <= _SIMPLE_NEARNESS * simple:
            return float(np.sign(value)) * simple
    return value


def _merged(
    view: SlopeView, i: int, j: int, relation: tuple[float, float, float], residual: float
) -> Move | None:
    r, p, q = relation
    one, other = view.names[i], view.names[j]
    exact = r == _near(r) and abs(r) in _RATIOS
    if p == -1.0 and q == -1.0:
        ratio = _simple(r)
        if not np.isfinite(ratio):
            return None
        # x^r y; of the two ways to write a ratio, the one that divides by the later column.
        feature = (
            powers((other, one), (1.0, ratio))
            if ratio > 0 or ratio != -1
            else powers((one, other), (1.0, -1.0))
        )
    elif p == -1.0 or q == -1.0:
        return None
    else:
        weight = r * (q + 1) / (p + 1)
        first, second = power(one, p + 1), power(other, q + 1)
        if abs(weight) == 1.0:
            scaled = first
        else:
            value = _simple(abs(weight))
            number: Node = Number(float(abs(weight)))
            if exact:
                number = _fraction(Fraction(value).limit_denominator(12))
            scaled = product(number, first)
        feature = second + (scaled if weight > 0 else -scaled)
    features = tuple(feature if at == i else name for at, name in enumerate(view.names) if at != j)
    return Move("merge", features, residual=residual, exact=exact)


def _fraction(value: Fraction) -> Node:
    top = Number(value.numerator)
    return top if value.denominator == 1 else product(top, inverse(value.denominator))
