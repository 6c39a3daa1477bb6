"""Candidates of one curve: what is known of the curve, what was tried, and the best of it by size against residual."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import Meter
from edgewise.forms import FORMS, Form
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import Node, Number
from edgewise.symbolic.expressions.source import calls_in
from edgewise.symbolic.fitting.criterion import criterion
from edgewise.symbolic.provenance import marked
from edgewise.symbolic.univariate.atoms import Atom, atoms, form_atom
from edgewise.symbolic.univariate.best_subsets import SubsetSelection, SubsetTerms
from edgewise.symbolic.univariate.curve import NEAR_EXACT_TIMES, CurvePoints
from edgewise.symbolic.univariate.library import ALL, CurveLibrary, LibraryColumn
from edgewise.symbolic.univariate.pursuit import AtomSum, Pursuit
from edgewise.symbolic.univariate.selection import NODE_NATS, Front, residual_of, ugly
from edgewise.symbolic.univariate.trees import X, call, power, size

# Points that candidates are judged on.
_JUDGING_POINTS = 200
# The search ends with a formula of at most this complexity that leaves this share of the accuracy asked for.
_EXACT_SHARE = 1e-4
_EXACT_COMPLEXITY = 45
# Nats that a node costs while terms of a sum are chosen, where nothing is fitted whole yet.
TERM_NODE_NATS = 4.0

Ranked = Iterable[tuple[Node, float]]
Kind = TypeVar("Kind", bound=Pursuit)


def bare(tree: Node) -> Node:
    """A tree as it is, with no function around it."""
    return tree


class Candidates:
    """The curve, the thinned curve that candidates are judged on, the work, and what was found."""

    def __init__(self, points: CurvePoints, forms: Sequence[Form] | None, meter: Meter) -> None:
        self.points, self.meter = points, meter
        self.few = points.thinned(_JUDGING_POINTS)
        self.front = Front(points)
        self.allowed, self.own = _functions(forms)
        self.library = CurveLibrary(self.few.x, self.allowed, self._plain_forms())
        self.pool: dict[str, tuple[float, float, Node]] = {}
        self._tried: set[str] = set()
        self.stage = ""
        # There is always an answer.
        self.front.offer(Number(float(np.average(points.y, weights=points.weight))))

    def _plain_forms(self) -> list[LibraryColumn]:
        return [LibraryColumn(form.tree(), form.at(self.few.x)) for form in self.own]

    def late(self) -> bool:
        """Is the work done that is allowed?"""
        return self.meter.left <= 0

    def done(self, nodes: int) -> bool:
        points = self.points
        best = self.front.best()
        if best is None:
            return False
        rounding = 1e-13 * max(1.0, float(np.abs(points.y).max()) / points.spread)
        least = max(rounding, _EXACT_SHARE * points.accuracy)
        if best.residual <= least and best.complexity <= _EXACT_COMPLEXITY:
            return True
        reach = (
            points.exact
            if points.noise <= NEAR_EXACT_TIMES * points.exact
            else points.noise * (1 + 2 / math.sqrt(len(points.y)))
        )
        return best.residual <= reach and best.complexity + ugly(best) <= nodes

    def _price(self, tree: Node, residual: float) -> float:
        return criterion(residual, size(tree), len(self.few.y), node=NODE_NATS, floor=1e-14)

    def consider(self, candidates: Ranked, keep: int, *, settled: bool = False) -> None:
        """Fit the best few of many candidates and put them on the front; all are remembered."""
        ranked: list[tuple[float, float, Node]] = []
        for tree, residual in candidates:
            if math.isfinite(residual):
                ranked.append((self._price(tree, residual), residual, tree))
        ranked.sort(key=lambda item: item[0])
        seen: set[str] = set()
        for price, residual, tree in ranked:
            key = f"{residual:.6g}" if residual > 1e-9 else f"{size(tree)}"
            text = repr(tree)
            if key in seen or text in self._tried:
                continue
            # Terms without effect will leave; a few nodes fewer are allowed for.
            if self.front.beaten(size(tree) - 2 * settled, residual, settled=settled):
                continue
            seen.add(key)
            self._tried.add(text)
            self.pool[text] = (price, residual, tree)
            self.front.offer(marked(tree, self.stage))
            if len(seen) >= keep or self.late():
                break

    def judged(self, trees: Iterable[Node]) -> Iterator[tuple[Node, float]]:
        """Trees with their residuals on the thinned curve."""
        for tree in trees:
            yield tree, residual_of(tree, self.few)

    def sums(
        self,
        terms: SubsetTerms,
        points: CurvePoints,
        most: tuple[int, int],
        wrap: Callable[[Node], Node] = bare,
    ) -> Iterator[tuple[Node, float]]:
        rows, (longest, keep) = slice(None), most
        if len(points.x) != len(self.library.x):
            good = np.isin(self.library.x, points.x)
            if good.sum() != len(points.x):
                return
            rows = good
        price = TERM_NODE_NATS / len(points.y)
        selection = SubsetSelection(
            SubsetTerms(terms.trees, terms.values[rows], terms.nodes), points.y, points.weight
        )
        for chosen in selection.sums(longest, price, keep):
            tree = wrap(chosen.tree(terms))
            yield tree, residual_of(tree, self.few)

    def plain_atoms(self, x: Floats) -> list[Atom]:
        u = LibraryColumn(X, x)
        return [*atoms(u, self.allowed), *(form_atom(form, u) for form in self.own)]

    def pursuit(
        self, kind: type[Kind], atoms: Sequence[Atom], background: Sequence[LibraryColumn] = ()
    ) -> Kind:
        """A pursuit of the thinned curve."""
        return kind(atoms, self.few.y, self.few.weight, background)

    def fits(self, pursuit: Pursuit, fits: Sequence[AtomSum], keep: int) -> None:
        self.consider(self.judged(pursuit.trees(fits)), keep, settled=True)

    def inner_atoms(self, names: Sequence[str], *, short: bool) -> list[Atom]:
        x = self.few.x
        table = {
            "x^2": LibraryColumn(power(X, 2), x**2),
            "x^3": LibraryColumn(power(X, 3), x**3),
            "inv": LibraryColumn(call("inv", X), 1 / x),
        }
        found: list[Atom] = []
        for name in names:
            if name in ("sqrt", "log") and (x <= 0).any():
                continue
            if name in ALL and name not in self.allowed:
                continue
            inner = table.get(name) or LibraryColumn(call(name, X), FUNCTIONS[name].value(x))
            if np.isfinite(inner.values).all():
                found += atoms(inner, self.allowed, short=short)
        return found


def _functions(forms: Sequence[Form] | None) -> tuple[frozenset[str], list[Form]]:
    """The functions that the forms allow, and the forms that are the caller's own."""
    if forms is None:
        return ALL, []
    allowed: set[str] = set()
    own: list[Form] = []
    for form in forms:
        if FORMS.get(form.name) is form:
            called = calls_in(form.tree()) & ALL
            allowed.update({*called, "acos"} if "asin" in called else called)
        else:
            own.append(form)
    return frozenset(allowed), own
