"""The rungs of the search for a closed form of one curve, each a family of candidates, from polynomials to long sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgewise.forms.tree import Node
from edgewise.symbolic.univariate.atoms import atoms, fast_waves, square_atom
from edgewise.symbolic.univariate.best_subsets import Selection, Terms
from edgewise.symbolic.univariate.candidates import Candidates
from edgewise.symbolic.univariate.compositions import Chains, Products
from edgewise.symbolic.univariate.library import FUNCTIONS, Column, monomials
from edgewise.symbolic.univariate.like_terms import like_sums
from edgewise.symbolic.univariate.oscillations import phase, trigonometric
from edgewise.symbolic.univariate.outer_functions import View, views
from edgewise.symbolic.univariate.pursuit import Pursuit
from edgewise.symbolic.univariate.rational import polynomials, rationals
from edgewise.symbolic.univariate.selection import residual_of
from edgewise.symbolic.univariate.trees import X, call, loosened, multiply, size

# Points of a phase that oscillates.
_DENSE = 600


class Ladder(Candidates):
    """One search: rung after rung, until a formula is as exact as the curve and no later rung could bring a simpler one."""

    def run(self) -> None:
        """Climb until done or out of work."""
        flat = float(np.ptp(self.points.y)) <= 1e-14 * float(np.abs(self.points.y).max())
        if flat or self.points.x[-1] <= self.points.x[0]:
            return
        for rung, nodes in self._rungs():
            rung()
            if self.late() or self.done(nodes):
                return

    def _rungs(self) -> Iterator[tuple[Callable[[], None], int]]:
        """Searches in order, each with the size of an exact formula that makes all later ones needless."""
        yield self._polynomials, 7
        yield self._single_atoms, 10
        yield self._rationals, 13
        yield self._small_sums, 13
        yield self._products, 14
        yield self._scaled_forms, 14
        yield self._other_rationals, 16
        # A function of a simple one is quickly found; anything longer must not shut out what the next ones bring.
        yield self._through_outers, 8
        yield self._like_sums, 16
        yield self._atom_products, 18
        yield self._square_sums, 18
        yield self._atom_sums, 18
        yield self._inner_atoms, 18
        yield self._waves, 20
        yield self._with_monomials, 18
        yield self._chains, 22
        yield self._large_sums, 22
        yield self._outer_atoms, 24
        yield self._outer_sums, 28
        yield self._long_sums, 40
        yield self._loosened, 40

    def _polynomials(self) -> None:
        few = self.few
        self.consider(polynomials(few, Column(X, few.x)), 3)
        if not self.done(40):
            self.consider(self.sums(self.library.powers(), few, 4, lambda node: node), 5)

    def _single_atoms(self) -> None:
        few = self.few
        plain = [fast_waves(each, few.x) if each.name == "sin" else each for each in self.plain_atoms(few.x)]
        for background in ([], [Column(X, few.x)]):
            pursuit = Pursuit(plain, few.y, few.weight, background)
            self.fits(pursuit, pursuit.singles(), lambda node: node, 4)

    def _like_sums(self) -> None:
        self.consider(self.judged(like_sums(self.few, self.allowed)), 8, settled=True)

    def _products(self) -> None:
        """A power of x times one function, with a constant or without."""
        few = self.few
        x = Column(X, few.x)
        for factor in monomials(few.x, -2, 4, roots=False):
            if self.late() or self.done(12):
                return
            chosen = [
                atom
                for atom in atoms(x, self.allowed, prefactor=factor)
                if atom.name not in ("x^p", "1/x", "1/x^2")
            ]
            # x*log(2*x) is x*log(x) and a multiple of x.
            pursuit = Pursuit(chosen, few.y, few.weight, [factor])
            self.fits(pursuit, pursuit.singles(3, 4, 20), lambda node: node, 2)

    def _with_monomials(self) -> None:
        """One function plus a power of x."""
        few = self.few
        for power_column in monomials(few.x, -2, 4):
            if self.late() or self.done(12):
                return
            if power_column.tree != X:
                pursuit = Pursuit(self.plain_atoms(few.x), few.y, few.weight, [power_column])
                self.fits(pursuit, pursuit.singles(2, 3, 20), lambda node: node, 1)

    def _scaled_forms(self) -> None:
        """A power of x times a function of the library."""
        self.consider(self._scaled(), 6)

    def _scaled(self) -> Iterator[tuple[Node, float]]:
        few, terms = self.few, self.library.small()
        price = few.config.term_node / len(few.y)
        for factor in monomials(few.x, -2, 4, roots=False):
            trees = [multiply(factor.tree, tree) for tree in terms.trees]
            scaled = Terms(trees, terms.values * factor.values[:, None], terms.nodes + 2)
            for chosen in Selection(scaled, few.y, few.weight).sums(1, price, 2):
                tree = chosen.tree(scaled)
                yield tree, residual_of(tree, few)

    def _rationals(self) -> None:
        self.consider(rationals(self.few, Column(X, self.few.x)), 4)

    def _small_sums(self) -> None:
        self.consider(self.sums(self.library.small(), self.few, 3, lambda node: node), 8)

    def _large_sums(self) -> None:
        self.consider(self.sums(self.library.large(), self.few, 3, lambda node: node, 6), 10)

    def _views(self) -> Iterator[View]:
        yield from views(self.few, self.allowed)

    def _through_outers(self) -> None:
        self.consider(self._inside_views(), 14)

    def _inside_views(self) -> Iterator[tuple[Node, float]]:
        found = phase(self.points.thinned(_DENSE)) if "sin" in self.allowed else None
        if found is not None:
            yield from self.judged(
                found.wrap(t) for t, _ in polynomials(found.points, Column(X, found.points.x), 6)
            )
        for view in self._views():
            if self.late():
                return
            yield from self._inside(view)

    def _inside(self, view: View) -> Iterator[tuple[Node, float]]:
        column = Column(X, view.points.x)
        yield from self.judged(view.wrap(tree) for tree, _ in polynomials(view.points, column, 6))
        if view.name not in ("inv", "square", "cube"):
            yield from self.judged(view.wrap(tree) for tree, _ in rationals(view.points, column, None, 3))
        yield from self.sums(self.library.powers(), view.points, 3, view.wrap, 3)
        yield from self.sums(self.library.small(), view.points, 1, view.wrap, 3)

    def _outer_sums(self) -> None:
        for view in self._views():
            if self.late() or self.done(20):
                return
            self.consider(self.sums(self.library.small(), view.points, 2, view.wrap, 3), 3)

    def _square_sums(self) -> None:
        """Sums of two functions, at least one of them of x^2."""
        few = self.few
        chosen = [each for each in self.inner_atoms(("x^2",), short=False) if each.name != "damped"]
        chosen += atoms(Column(X, few.x), self.allowed, short=True)
        pursuit = Pursuit(chosen, few.y, few.weight)
        self.fits(pursuit, pursuit.pairs(until=self.meter.most), lambda node: node, 6)

    def _atom_products(self) -> None:
        few = self.few
        x = Column(X, few.x)
        chosen = [
            each for each in self.plain_atoms(few.x) if each.name not in ("damped", "hyperbola", "lorentzian")
        ]
        chosen += self.inner_atoms(("x^2", "sqrt"), short=True)
        chosen.append(square_atom(x))
        products = Products(chosen, few.y, few.weight)
        self.fits(products, products.best(), lambda node: node, 6)

    def _chains(self) -> None:
        few = self.few
        x = Column(X, few.x)
        chosen = [*self.plain_atoms(few.x), square_atom(x)]
        outers = [
            at
            for at, each in enumerate(chosen)
            if each.inward is not None and each.name not in ("square", "hyperbola", "1/x^2")
        ]
        inners = [at for at, each in enumerate(chosen) if each.name not in ("damped", "hyperbola", "1/x^2")]
        chains = Chains(chosen, few.y, few.weight)
        self.fits(chains, chains.best(outers, inners, until=self.meter.most), lambda node: node, 8)

    def _waves(self) -> None:
        if {"sin", "cos"} <= self.allowed:
            self.consider(trigonometric(self.few), 3)

    def _other_rationals(self) -> None:
        self.consider(self._rationals_in(), 6)

    def _rationals_in(self) -> Iterator[tuple[Node, float]]:
        x = self.few.x
        names = [name for name in ("exp", "cos", "sin") if name in self.allowed]
        inner = [Column(call(name, X), FUNCTIONS[name](x)) for name in names]
        if "sqrt" in self.allowed and (x >= 0).all():
            inner.append(Column(call("sqrt", X), np.sqrt(x)))
        if "log" in self.allowed and (x > 0).all():
            inner.append(Column(call("log", X), np.log(x)))
        powers: list[Column | None] = [None, *monomials(x, -1, 3, roots=False)]
        for u in inner:
            for factor in powers:
                if self.late():
                    return
                yield from rationals(self.few, u, factor, 2 if factor is not None else 3)

    def _atom_sums(self) -> None:
        few = self.few
        everything = self.plain_atoms(few.x)
        x = Column(X, few.x)
        shorter = [each for each in everything if each.name != "damped"]
        products = atoms(x, self.allowed, prefactor=x, short=True)
        squares = self.inner_atoms(("x^2",), short=True)
        for chosen, background in (
            ([*shorter, *products, *squares], []),
            (everything, []),
            ([*shorter, *products, *squares], [x]),
        ):
            if self.late() or self.done(18):
                return
            pursuit = Pursuit(chosen, few.y, few.weight, background)
            fits = pursuit.pairs(until=self.meter.most)
            self.fits(pursuit, fits, lambda node: node, 6)
            if not self.done(20) and not self.late():
                self.fits(pursuit, pursuit.grown(fits[:8]), lambda node: node, 4)

    def _inner_atoms(self) -> None:
        """A function of a simple function of x, with a line added or without."""
        few = self.few
        names = ("x^2", "x^3", "sqrt", "inv", "log", "exp", "sin", "cos", "tanh", "atan")
        for background in ([], [Column(X, few.x)]):
            for name in names:
                if self.late() or self.done(14):
                    return
                inner = [each for each in self.inner_atoms((name,), short=False) if each.name != "damped"]
                if inner:
                    pursuit = Pursuit(inner, few.y, few.weight, background)
                    self.fits(pursuit, pursuit.singles(2, 4, 25), lambda node: node, 1)

    def _outer_atoms(self) -> None:
        """One function with constants inside another with none."""
        for view in self._views():
            if self.late() or self.done(18):
                return
            points = view.points
            plain = ("damped", "lorentzian", "hyperbola", "1/x^2")
            chosen = [each for each in self.plain_atoms(points.x) if each.name not in plain]
            pursuit = Pursuit(chosen, points.y, points.weight)
            self.fits(pursuit, pursuit.singles(2, 4, 20), view.wrap, 1)

    def _loosened(self) -> None:
        config = self.points.config
        short = [each for each in self.pool.values() if size(each[2]) <= config.loosened_size]
        for _, _, tree in sorted(short, key=lambda each: each[0])[: config.loosened]:
            if self.late() or self.done(20):
                return
            self.front.offer(loosened(tree), 30)

    def _long_sums(self) -> None:
        self.consider(self.sums(self.library.small(), self.few, 5, lambda node: node, 4), 6)
