"""The stages of the search for a closed form of one curve, each a family of candidates, from polynomials to long sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgewise.forms.tree import Node
from edgewise.symbolic.config.curve_stages import CurveStage
from edgewise.symbolic.provenance import is_excluded, marked
from edgewise.symbolic.univariate.atoms import atoms, fast_waves, square_atom
from edgewise.symbolic.univariate.best_subsets import SubsetSelection, SubsetTerms
from edgewise.symbolic.univariate.candidates import Candidates
from edgewise.symbolic.univariate.compositions import AtomProducts, Chains
from edgewise.symbolic.univariate.library import FUNCTIONS, LibraryColumn, monomials
from edgewise.symbolic.univariate.like_terms import like_sums
from edgewise.symbolic.univariate.oscillations import phase, trigonometric
from edgewise.symbolic.univariate.outer_functions import InnerCurve, views
from edgewise.symbolic.univariate.pursuit import Pursuit
from edgewise.symbolic.univariate.rational import polynomials, rationals
from edgewise.symbolic.univariate.selection import residual_of
from edgewise.symbolic.univariate.trees import X, call, loosened, multiply, size


class CurveSearch(Candidates):
    """One search: stage after stage, until a formula is as exact as the curve and no later one could be simpler."""

    def run(self) -> None:
        """Climb until done or out of work."""
        flat = float(np.ptp(self.points.y)) <= 1e-14 * float(np.abs(self.points.y).max())
        if flat or self.points.x[-1] <= self.points.x[0]:
            return
        for stage, (nodes, keep) in self._stages():
            self.stage = f"curve: {stage.__name__.strip('_').replace('_', ' ')}"
            if is_excluded(self.stage):
                continue
            stage(keep)
            if self.late() or self.done(nodes):
                return

    def _stages(self) -> Iterator[tuple[Callable[[int], None], CurveStage]]:
        """Searches in order, each with the size of an exact formula that makes all later ones needless."""
        reach = self.reach
        yield self._polynomials, reach.polynomials
        yield self._single_atoms, reach.single_functions
        yield self._rationals, reach.rationals
        yield self._small_sums, reach.small_sums
        yield self._products, reach.products
        yield self._scaled_forms, reach.scaled_forms
        yield self._other_rationals, reach.other_rationals
        yield self._through_outers, reach.through_outers
        yield self._like_sums, reach.like_sums
        yield self._atom_products, reach.function_products
        yield self._square_sums, reach.square_sums
        yield self._atom_sums, reach.function_sums
        yield self._inner_atoms, reach.inner_functions
        yield self._waves, reach.waves
        yield self._with_monomials, reach.with_powers
        yield self._chains, reach.chains
        yield self._large_sums, reach.large_sums
        yield self._outer_atoms, reach.outer_functions
        yield self._outer_sums, reach.outer_sums
        yield self._long_sums, reach.long_sums
        yield self._loosened, (reach.loosened, self.points.config.loosened)

    def _polynomials(self, keep: int) -> None:
        few = self.few
        self.consider(polynomials(few, LibraryColumn(X, few.x)), keep)
        nodes, kept = self.reach.power_sums
        if not self.done(nodes):
            self.consider(self.sums(self.library.powers(), few, self.reach.powers_terms), kept)

    def _single_atoms(self, keep: int) -> None:
        few = self.few
        plain = [fast_waves(each, few.x) if each.name == "sin" else each for each in self.plain_atoms(few.x)]
        for background in ([], [LibraryColumn(X, few.x)]):
            pursuit = self.pursuit(Pursuit, plain, background)
            self.fits(pursuit, pursuit.singles(*self.reach.single_starts), keep)

    def _like_sums(self, keep: int) -> None:
        self.consider(self.judged(like_sums(self.few, self.allowed)), keep, settled=True)

    def _products(self, keep: int) -> None:
        """A power of x times one function, with a constant or without."""
        few = self.few
        x = LibraryColumn(X, few.x)
        for factor in monomials(few.x, -2, 4, roots=False):
            if self.late() or self.done(self.reach.products_done):
                return
            chosen = [
                atom
                for atom in atoms(x, self.allowed, prefactor=factor)
                if atom.name not in ("x^p", "1/x", "1/x^2")
            ]
            # x*log(2*x) is x*log(x) and a multiple of x.
            pursuit = self.pursuit(Pursuit, chosen, [factor])
            self.fits(pursuit, pursuit.singles(*self.reach.product_starts), keep)

    def _with_monomials(self, keep: int) -> None:
        """One function plus a power of x."""
        few = self.few
        for power_column in monomials(few.x, -2, 4):
            if self.late() or self.done(self.reach.with_powers_done):
                return
            if power_column.tree != X:
                pursuit = self.pursuit(Pursuit, self.plain_atoms(few.x), [power_column])
                self.fits(pursuit, pursuit.singles(*self.reach.with_powers_starts), keep)

    def _scaled_forms(self, keep: int) -> None:
        """A power of x times a function of the library."""
        self.consider(self._scaled(), keep)

    def _scaled(self) -> Iterator[tuple[Node, float]]:
        few, terms = self.few, self.library.small()
        price, (longest, most) = few.config.term_node / len(few.y), self.reach.scaled_terms
        for factor in monomials(few.x, -2, 4, roots=False):
            trees = [multiply(factor.tree, tree) for tree in terms.trees]
            scaled = SubsetTerms(trees, terms.values * factor.values[:, None], terms.nodes + 2)
            for chosen in SubsetSelection(scaled, few.y, few.weight).sums(longest, price, most):
                tree = chosen.tree(scaled)
                yield tree, residual_of(tree, few)

    def _rationals(self, keep: int) -> None:
        self.consider(rationals(self.few, LibraryColumn(X, self.few.x)), keep)

    def _small_sums(self, keep: int) -> None:
        self.consider(self.sums(self.library.small(), self.few, self.reach.small_terms), keep)

    def _large_sums(self, keep: int) -> None:
        self.consider(self.sums(self.library.large(), self.few, self.reach.large_terms), keep)

    def _views(self) -> Iterator[InnerCurve]:
        yield from views(self.few, self.allowed)

    def _through_outers(self, keep: int) -> None:
        self.consider(self._inside_views(), keep)

    def _inside_views(self) -> Iterator[tuple[Node, float]]:
        found = phase(self.points.thinned(self.reach.phase_points)) if "sin" in self.allowed else None
        if found is not None:
            yield from self.judged(
                found.wrap(t)
                for t, _ in polynomials(
                    found.points, LibraryColumn(X, found.points.x), self.reach.outer_degree
                )
            )
        for view in self._views():
            if self.late():
                return
            yield from self._inside(view)

    def _inside(self, view: InnerCurve) -> Iterator[tuple[Node, float]]:
        column, reach = LibraryColumn(X, view.points.x), self.reach
        yield from self.judged(
            view.wrap(tree) for tree, _ in polynomials(view.points, column, reach.outer_degree)
        )
        if view.name not in ("inv", "square", "cube"):
            quotients = rationals(view.points, column, None, reach.outer_quotient_degree)
            yield from self.judged(view.wrap(tree) for tree, _ in quotients)
        yield from self.sums(self.library.powers(), view.points, reach.outer_powers_terms, view.wrap)
        yield from self.sums(self.library.small(), view.points, reach.outer_small_terms, view.wrap)

    def _outer_sums(self, keep: int) -> None:
        for view in self._views():
            if self.late() or self.done(self.reach.outer_sums_done):
                return
            self.consider(
                self.sums(self.library.small(), view.points, self.reach.outer_sums_terms, view.wrap), keep
            )

    def _square_sums(self, keep: int) -> None:
        """Sums of two functions, at least one of them of x^2."""
        few = self.few
        chosen = [each for each in self.inner_atoms(("x^2",), short=False) if each.name != "damped"]
        chosen += atoms(LibraryColumn(X, few.x), self.allowed, short=True)
        pursuit = self.pursuit(Pursuit, chosen)
        self.fits(pursuit, pursuit.pairs(until=self.meter.most), keep)

    def _atom_products(self, keep: int) -> None:
        few = self.few
        x = LibraryColumn(X, few.x)
        chosen = [
            each for each in self.plain_atoms(few.x) if each.name not in ("damped", "hyperbola", "lorentzian")
        ]
        chosen += self.inner_atoms(("x^2", "sqrt"), short=True)
        chosen.append(square_atom(x))
        products = self.pursuit(AtomProducts, chosen)
        self.fits(products, products.best(), keep)

    def _chains(self, keep: int) -> None:
        few = self.few
        x = LibraryColumn(X, few.x)
        chosen = [*self.plain_atoms(few.x), square_atom(x)]
        outers = [
            at
            for at, each in enumerate(chosen)
            if each.inward is not None and each.name not in ("square", "hyperbola", "1/x^2")
        ]
        inners = [at for at, each in enumerate(chosen) if each.name not in ("damped", "hyperbola", "1/x^2")]
        chains = self.pursuit(Chains, chosen)
        self.fits(chains, chains.best(outers, inners, until=self.meter.most), keep)

    def _waves(self, keep: int) -> None:
        if {"sin", "cos"} <= self.allowed:
            self.consider(trigonometric(self.few), keep)

    def _other_rationals(self, keep: int) -> None:
        self.consider(self._rationals_in(), keep)

    def _rationals_in(self) -> Iterator[tuple[Node, float]]:
        x, reach = self.few.x, self.reach
        names = [name for name in ("exp", "cos", "sin") if name in self.allowed]
        inner = [LibraryColumn(call(name, X), FUNCTIONS[name](x)) for name in names]
        if "sqrt" in self.allowed and (x >= 0).all():
            inner.append(LibraryColumn(call("sqrt", X), np.sqrt(x)))
        if "log" in self.allowed and (x > 0).all():
            inner.append(LibraryColumn(call("log", X), np.log(x)))
        powers: list[LibraryColumn | None] = [None, *monomials(x, -1, 3, roots=False)]
        for u in inner:
            for factor in powers:
                if self.late():
                    return
                degree = reach.inner_quotient_degree if factor is None else reach.factor_quotient_degree
                yield from rationals(self.few, u, factor, degree)

    def _atom_sums(self, keep: int) -> None:
        few = self.few
        everything = self.plain_atoms(few.x)
        x = LibraryColumn(X, few.x)
        shorter = [each for each in everything if each.name != "damped"]
        products = atoms(x, self.allowed, prefactor=x, short=True)
        squares = self.inner_atoms(("x^2",), short=True)
        for chosen, background in (
            ([*shorter, *products, *squares], []),
            (everything, []),
            ([*shorter, *products, *squares], [x]),
        ):
            if self.late() or self.done(self.reach.function_sums[0]):
                return
            pursuit = self.pursuit(Pursuit, chosen, background)
            fits = pursuit.pairs(until=self.meter.most)
            self.fits(pursuit, fits, keep)
            nodes, kept = self.reach.third_functions
            if not self.done(nodes) and not self.late():
                self.fits(pursuit, pursuit.grown(fits[: self.reach.third_from]), kept)

    def _inner_atoms(self, keep: int) -> None:
        """A function of a simple function of x, with a line added or without."""
        few = self.few
        names = ("x^2", "x^3", "sqrt", "inv", "log", "exp", "sin", "cos", "tanh", "atan")
        for background in ([], [LibraryColumn(X, few.x)]):
            for name in names:
                if self.late() or self.done(self.reach.inner_done):
                    return
                inner = [each for each in self.inner_atoms((name,), short=False) if each.name != "damped"]
                if inner:
                    pursuit = self.pursuit(Pursuit, inner, background)
                    self.fits(pursuit, pursuit.singles(*self.reach.inner_starts), keep)

    def _outer_atoms(self, keep: int) -> None:
        """One function with constants inside another with none."""
        for view in self._views():
            if self.late() or self.done(self.reach.outer_done):
                return
            points = view.points
            plain = ("damped", "lorentzian", "hyperbola", "1/x^2")
            chosen = [each for each in self.plain_atoms(points.x) if each.name not in plain]
            pursuit = self.pursuit(Pursuit, chosen, points=points)
            self.fits(pursuit, pursuit.singles(*self.reach.outer_starts), keep, view.wrap)

    def _loosened(self, keep: int) -> None:
        longest = self.points.config.loosened_size
        short = [each for each in self.pool.values() if size(each[2]) <= longest]
        for _, _, tree in sorted(short, key=lambda each: each[0])[:keep]:
            if self.late() or self.done(self.reach.loosened_done):
                return
            self.front.offer(marked(loosened(tree), self.stage), self.reach.loosened_steps)

    def _long_sums(self, keep: int) -> None:
        self.consider(self.sums(self.library.small(), self.few, self.reach.long_terms), keep)
