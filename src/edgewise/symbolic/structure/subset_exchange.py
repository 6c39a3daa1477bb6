"""Sums of products of powers of the columns, of their pairwise sums and differences, chosen together by exchange.

Terms such as A^(2/3), Z^2/A and (N - Z)^2/A resemble each other so much that adding the best next one leads astray. Here a
whole set of terms stands from the start and its members are exchanged one at a time for whichever lowers

    log RSS + weight * nodes

most, from many random sets, until no exchange helps (V. Fedorov's exchange idea, 1972, as used for subset selection by A.
Miller, "Subset Selection in Regression", 2002). With a weight of zero the best fit of each size is found; with larger ones,
formulas that are nearly as good and easier to read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Apply, Node, Number, Variable, ratio, summed
from edgewise.symbolic.costs import EXCHANGE
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.state import FEWEST_ROWS

# Columns and rows at most, terms chosen from and taken, and random sets it starts from.
_MOST_COLUMNS = 6
_MOST_ROWS = 2000
_POOL_TERMS = 600
_LONGEST_SUM = 5
_STARTS = 150
# Shares of the residual sum of squares that each node more must take off.
_NODE_SHARES = (0.0, 0.02, 0.05)
# Exponents in sixths, of either sign, of what stands alone or second in a product; and whole ones of what stands first.
# Thirds are what surfaces and volumes bring into laws; a finer set would let sums of close powers imitate anything.
_SIXTHS = (2, 4, 6, 8, 10, 12)
_WHOLE_EXPONENTS = (1, 2)
# Rows for each term.
_ROWS_A_TERM = 4
# Up to so many columns also bring their pairwise sums and differences: powers of four columns leave place for these.
_PAIRED_COLUMNS = 4


@dataclass(frozen=True)
class _Atom:
    """Something to take powers of, with its values and what it costs to read."""

    tree: Node
    values: Floats
    positive: bool
    nodes: int


@dataclass(frozen=True)
class _Term:
    tree: Node
    values: Floats
    nodes: int


@proposes("exchange of terms")
def sums_by_exchange(rows: SplitRows, seed: int = 0) -> Iterator[Node]:
    """The best sums of one to five terms at each weight, as trees to refit.

    Parameters
    ----------
    rows
        The rows to fit; few columns, or nothing is offered.
    seed
        Of the random sets the exchange starts from.
    """
    if len(rows.names) > _MOST_COLUMNS or len(rows.y) < FEWEST_ROWS:
        return
    thin = rows.thinned(_MOST_ROWS)
    terms = _terms(thin)
    columns = np.column_stack([term.values for term in terms])
    scale = np.linalg.norm(columns, axis=0)
    good = [at for at, size in enumerate(scale) if np.isfinite(size) and size > 0]
    if not good:
        return
    unit = columns[:, good] / scale[good]
    size = np.linalg.norm(thin.y)
    if size == 0:
        return
    pool = _Pool(
        unit.T @ unit, unit.T @ (thin.y / size), len(thin.y), np.array([terms[at].nodes for at in good])
    )
    random = np.random.default_rng(seed)
    offered: set[tuple[int, ...]] = set()
    for count in range(1, min(_LONGEST_SUM, len(good), len(thin.y) // _ROWS_A_TERM) + 1):
        for weight in _NODE_SHARES:
            chosen = pool.best(count, weight, random, _STARTS)
            if chosen in offered:
                continue
            offered.add(chosen)
            picked = [terms[good[at]] for at in chosen]
            design = columns[:, [good[at] for at in chosen]]
            norms = np.linalg.norm(design, axis=0)
            solution = np.linalg.lstsq(design / norms, thin.y, rcond=None)[0] / norms
            yield _sum(picked, solution)


@dataclass(frozen=True)
class _Pool:
    """Inner products of unit terms among themselves and with y (of unit size)."""

    gram: Floats
    along: Floats
    rows: int
    nodes: NDArray[np.int64]

    def best(self, count: int, weight: float, random: np.random.Generator, starts: int) -> tuple[int, ...]:
        """The set of terms that the exchange arrives at most favourably."""
        winner, lowest = (), np.inf
        for _ in range(starts):
            chosen = [int(at) for at in random.choice(len(self.along), count, replace=False)]
            value, moved = np.inf, True
            while moved:
                moved = False
                for place in range(count):
                    rest = chosen[:place] + chosen[place + 1 :]
                    costs = self._costs(rest, weight)
                    at = int(np.argmin(costs))
                    if costs[at] < value - 1e-9:
                        value, chosen[place], moved = float(costs[at]), at, True
            if value < lowest:
                winner, lowest = tuple(sorted(chosen)), value
        return winner

    def _costs(self, rest: Sequence[int], weight: float) -> Floats:
        """log RSS plus the price of the nodes, for each term added to the rest."""
        rest = list(rest)
        if rest:
            EXCHANGE(len(rest) * len(self.gram))
            lower = np.linalg.cholesky(self.gram[np.ix_(rest, rest)] + 1e-12 * np.eye(len(rest)))
            across = np.linalg.solve(lower, self.gram[rest])
            held = np.linalg.solve(lower, self.along[rest])
            apart = 1 - (across**2).sum(axis=0)
            left = self.along - across.T @ held
            total = 1 - float(held @ held)
        else:
            apart, left, total = np.ones_like(self.along), self.along, 1.0
        distinct = apart > 1e-9
        squares = np.where(distinct, total - left**2 / np.where(distinct, apart, 1.0), np.inf)
        price = weight * (self.nodes + self.nodes[rest].sum())
        costs = np.log(np.maximum(squares, 1e-30)) + price
        costs[rest] = np.inf
        return costs


def _terms(rows: SplitRows) -> list[_Term]:
    """One, powers of atoms and products of two of them, the easiest to read first."""
    signed = (*(-size for size in reversed(_SIXTHS)), *_SIXTHS)
    atoms = _atoms(rows)
    terms = [_Term(Number(1), np.ones(len(rows.y)), 1)]
    with np.errstate(all="ignore"):
        for atom in atoms:
            for sixths in signed if atom.positive else (6, 12):
                terms.append(
                    _Term(_power(atom.tree, sixths), _raised(atom, sixths), atom.nodes + _price(sixths))
                )
        for first, second in itertools.permutations(atoms, 2):
            if not second.positive:
                continue
            for whole, sixths in itertools.product(_WHOLE_EXPONENTS, signed):
                # x*y and x^2*y^2 come once; x*y^2 comes as y^2*x already.
                if sixths in (6, 12) and first.nodes >= second.nodes and str(first.tree) > str(second.tree):
                    continue
                tree = Apply("*", (_power(first.tree, 6 * whole), _power(second.tree, sixths)))
                nodes = first.nodes + second.nodes + 1 + _price(6 * whole) + _price(sixths)
                terms.append(_Term(tree, _raised(first, 6 * whole) * _raised(second, sixths), nodes))
    return sorted(terms, key=lambda term: term.nodes)[:_POOL_TERMS]


def _atoms(rows: SplitRows) -> list[_Atom]:
    """The columns; few of them also bring their pairwise sums and differences."""
    atoms = [
        _Atom(Variable(name), rows.X[:, at], name in rows.positive, 1) for at, name in enumerate(rows.names)
    ]
    if len(atoms) > _PAIRED_COLUMNS:
        return atoms
    for one, other in itertools.combinations(list(atoms), 2):
        total = one.values + other.values
        atoms.append(_Atom(Apply("+", (one.tree, other.tree)), total, one.positive and other.positive, 3))
        tree = Apply("+", (one.tree, Apply("neg", (other.tree,))))
        atoms.append(_Atom(tree, one.values - other.values, False, 3))
    return atoms


def _raised(atom: _Atom, sixths: int) -> Floats:
    return atom.values ** (sixths // 6) if sixths % 6 == 0 else atom.values ** (sixths / 6)


def _price(sixths: int) -> int:
    """Nodes that a power costs beyond its base."""
    size = abs(sixths)
    written = 0 if size == 6 else 1 if size % 6 == 0 or size == 3 else 2
    return written + (1 if sixths < 0 else 0)


def _power(tree: Node, sixths: int) -> Node:
    """An exact power: whole numbers and fractions of small denominators stay what they are when constants are fitted."""
    size = abs(sixths)
    divisor = int(np.gcd(size, 6))
    top, bottom = size // divisor, 6 // divisor
    raised = tree if size == 6 else Apply("^", (tree, ratio(top, bottom)))
    return raised if sixths > 0 else Apply("inv", (raised,))


def _sum(terms: Sequence[_Term], solution: Floats) -> Node:
    parts = tuple(
        Number(float(weight)) if term.tree == Number(1) else Apply("*", (Number(float(weight)), term.tree))
        for term, weight in zip(terms, solution, strict=True)
    )
    return summed(parts)
