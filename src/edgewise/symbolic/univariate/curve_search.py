"""The stages of the search for a closed form of one curve, each a family of candidates, from polynomials to long sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgewise.forms.tree import Node
from edgewise.symbolic.provenance import is_excluded, marked
from edgewise.symbolic.univariate.atoms import atoms, fast_waves, square_atom
from edgewise.symbolic.univariate.best_subsets import SubsetSelection, SubsetTerms
from edgewise.symbolic.univariate.candidates import TERM_NODE_NATS, Candidates
from edgewise.symbolic.univariate.compositions import AtomProducts, Chains
from edgewise.symbolic.univariate.library import LibraryColumn, monomials
from edgewise.symbolic.univariate.like_terms import like_sums
from edgewise.symbolic.univariate.oscillations import phase, trigonometric
from edgewise.symbolic.univariate.outer_functions import InnerCurve, views
from edgewise.symbolic.univariate.pursuit import SINGLE_STARTS, Pursuit
from edgewise.symbolic.univariate.rational import polynomials, rationals
from edgewise.symbolic.univariate.selection import residual_of
from edgewise.symbolic.univariate.trees import X, loosened, multiply, size

# What follows was set by hand on laws of textbooks. Sums of powers, only where polynomials leave something: size of an exact
# formula that makes them needless, and candidates.
_POWER_SUMS = (40, 5)
# The same of a third function in a sum of functions.
_THIRD_FUNCTIONS = (20, 4)
_TRIPLES = 8
# The stage of sums of functions, of which each part is left out once there is an exact formula of its size.
_FUNCTION_SUMS = (18, 6)
# Sizes that end other stages of many parts before their last one.
_PRODUCTS_DONE = 12
_WITH_POWERS_DONE = 12
_INNER_DONE = 14
_LOOSENED_DONE = 20
# Terms of a sum, and sums that are kept.
_POWERS = (4, 4)
_SMALL_SUMS = (3, 4)
_LARGE_SUMS = (3, 6)
_SCALED_SUMS = (1, 2)
# The same inside a function.
_OUTER_POWERS = (3, 3)
_OUTER_SMALL_SUMS = (1, 3)
# Degrees of polynomials and of quotients: inside a function, in a function, and in one beside a power.
_OUTER_DEGREE = 6
_OUTER_QUOTIENT_DEGREE = 3
# Points of a curve that oscillates.
_PHASE_POINTS = 600
# Starts of each function, fits that are kept, and steps of each.
_PRODUCT_STARTS = (3, 4, 20)
_WITH_POWERS_STARTS = (2, 3, 20)
_INNER_STARTS = (2, 4, 25)
# Formulas that get a constant more everywhere, how long they may be, and steps of their fits.
_LOOSENED_FORMULAS = 8
_LOOSENED_SIZE = 25
_LOOSENED_STEPS = 30


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

    def _stages(self) -> Iterator[tuple[Callable[[int], None], tuple[int, int]]]:
        """Stages in order, each with the size of an exact formula that makes later ones needless, and its candidates.

        Sizes rise with what the next stages would bring: a function of a simple one is quickly found, and anything longer
        must not shut that out. Candidates are what a stage of about a hundredth of all work has time to fit.
        """
        yield self._polynomials, (7, 3)
        yield self._single_atoms, (10, 4)
        yield self._rationals, (13, 4)
        yield self._small_sums, (13, 8)
        yield self._products, (14, 2)
        yield self._scaled_forms, (14, 6)
        yield self._through_outers, (8, 14)
        yield self._like_sums, (16, 8)
        yield self._atom_products, (18, 6)
        yield self._square_sums, (18, 6)
        yield self._atom_sums, _FUNCTION_SUMS
        yield self._inner_atoms, (18, 1)
        yield self._waves, (20, 3)
        yield self._with_monomials, (18, 1)
        yield self._chains, (22, 8)
        yield self._large_sums, (22, 10)
        yield self._loosened, (40, _LOOSENED_FORMULAS)

    def _polynomials(self, keep: int) -> None:
        few = self.few
        self.consider(polynomials(few, LibraryColumn(X, few.x)), keep)
        nodes, kept = _POWER_SUMS
        if not self.done(nodes):
            self.consider(self.sums(self.library.powers(), few, _POWERS), kept)

    def _single_atoms(self, keep: int) -> None:
        few = self.few
        plain = [fast_waves(atom, few.x) if atom.name == "sin" else atom for atom in self.plain_atoms(few.x)]
        for background in ([], [LibraryColumn(X, few.x)]):
            pursuit = self.pursuit(Pursuit, plain, background)
            self.fits(pursuit, pursuit.singles(*SINGLE_STARTS), keep)

    def _like_sums(self, keep: int) -> None:
        self.consider(self.judged(like_sums(self.few, self.allowed)), keep, settled=True)

    def _products(self, keep: int) -> None:
        """A power of x times one function, with a constant or without."""
        few = self.few
        x = LibraryColumn(X, few.x)
        for factor in monomials(few.x, -2, 4, roots=False):
            if self.late() or self.done(_PRODUCTS_DONE):
                return
            chosen = [
                atom
                for atom in atoms(x, self.allowed, prefactor=factor)
                if atom.name not in ("x^p", "1/x", "1/x^2")
            ]
            # x*log(2*x) is x*log(x) and a multiple of x.
            pursuit = self.pursuit(Pursuit, chosen, [factor])
            self.fits(pursuit, pursuit.singles(*_PRODUCT_STARTS), keep)

    def _with_monomials(self, keep: int) -> None:
        """One function plus a power of x."""
        few = self.few
        for power_column in monomials(few.x, -2, 4):
            if self.late() or self.done(_WITH_POWERS_DONE):
                return
            if power_column.tree != X:
                pursuit = self.pursuit(Pursuit, self.plain_atoms(few.x), [power_column])
                self.fits(pursuit, pursuit.singles(*_WITH_POWERS_STARTS), keep)

    def _scaled_forms(self, keep: int) -> None:
        """A power of x times a function of the library."""
        self.consider(self._scaled(), keep)

    def _scaled(self) -> Iterator[tuple[Node, float]]:
        few, terms = self.few, self.library.small()
        price, (longest, most) = TERM_NODE_NATS / len(few.y), _SCALED_SUMS
        for factor in monomials(few.x, -2, 4, roots=False):
            trees = [multiply(factor.tree, tree) for tree in terms.trees]
            scaled = SubsetTerms(trees, terms.values * factor.values[:, None], terms.nodes + 2)
            for chosen in SubsetSelection(scaled, few.y, few.weight).sums(longest, price, most):
                tree = chosen.tree(scaled)
                yield tree, residual_of(tree, few)

    def _rationals(self, keep: int) -> None:
        self.consider(rationals(self.few, LibraryColumn(X, self.few.x)), keep)

    def _small_sums(self, keep: int) -> None:
        self.consider(self.sums(self.library.small(), self.few, _SMALL_SUMS), keep)

    def _large_sums(self, keep: int) -> None:
        self.consider(self.sums(self.library.large(), self.few, _LARGE_SUMS), keep)

    def _through_outers(self, keep: int) -> None:
        self.consider(self._inside_views(), keep)

    def _inside_views(self) -> Iterator[tuple[Node, float]]:
        found = phase(self.points.thinned(_PHASE_POINTS)) if "sin" in self.allowed else None
        if found is not None:
            yield from self.judged(
                found.wrap(t)
                for t, _ in polynomials(found.points, LibraryColumn(X, found.points.x), _OUTER_DEGREE)
            )
        for view in views(self.few, self.allowed):
            if self.late():
                return
            yield from self._inside(view)

    def _inside(self, view: InnerCurve) -> Iterator[tuple[Node, float]]:
        column = LibraryColumn(X, view.points.x)
        yield from self.judged(view.wrap(tree) for tree, _ in polynomials(view.points, column, _OUTER_DEGREE))
        if view.name not in ("inv", "square", "cube"):
            quotients = rationals(view.points, column, _OUTER_QUOTIENT_DEGREE)
            yield from self.judged(view.wrap(tree) for tree, _ in quotients)
        yield from self.sums(self.library.powers(), view.points, _OUTER_POWERS, view.wrap)
        yield from self.sums(self.library.small(), view.points, _OUTER_SMALL_SUMS, view.wrap)

    def _square_sums(self, keep: int) -> None:
        """Sums of two functions, at least one of them of x^2."""
        few = self.few
        chosen = [atom for atom in self.inner_atoms(("x^2",), short=False) if atom.name != "damped"]
        chosen += atoms(LibraryColumn(X, few.x), self.allowed, short=True)
        pursuit = self.pursuit(Pursuit, chosen)
        self.fits(pursuit, pursuit.pairs(until=self.meter.most), keep)

    def _atom_products(self, keep: int) -> None:
        few = self.few
        x = LibraryColumn(X, few.x)
        chosen = [
            atom for atom in self.plain_atoms(few.x) if atom.name not in ("damped", "hyperbola", "lorentzian")
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
            for at, atom in enumerate(chosen)
            if atom.inward is not None and atom.name not in ("square", "hyperbola", "1/x^2")
        ]
        inners = [at for at, atom in enumerate(chosen) if atom.name not in ("damped", "hyperbola", "1/x^2")]
        chains = self.pursuit(Chains, chosen)
        self.fits(chains, chains.best(outers, inners, until=self.meter.most), keep)

    def _waves(self, keep: int) -> None:
        if {"sin", "cos"} <= self.allowed:
            self.consider(trigonometric(self.few), keep)

    def _atom_sums(self, keep: int) -> None:
        few = self.few
        everything = self.plain_atoms(few.x)
        x = LibraryColumn(X, few.x)
        shorter = [atom for atom in everything if atom.name != "damped"]
        products = atoms(x, self.allowed, prefactor=x, short=True)
        squares = self.inner_atoms(("x^2",), short=True)
        for chosen, background in (
            ([*shorter, *products, *squares], []),
            (everything, []),
            ([*shorter, *products, *squares], [x]),
        ):
            if self.late() or self.done(_FUNCTION_SUMS[0]):
                return
            pursuit = self.pursuit(Pursuit, chosen, background)
            fits = pursuit.pairs(until=self.meter.most)
            self.fits(pursuit, fits, keep)
            nodes, kept = _THIRD_FUNCTIONS
            if not self.done(nodes) and not self.late():
                self.fits(pursuit, pursuit.grown(fits[:_TRIPLES]), kept)

    def _inner_atoms(self, keep: int) -> None:
        """A function of a simple function of x, with a line added or without."""
        few = self.few
        names = ("x^2", "x^3", "sqrt", "inv", "log", "exp", "sin", "cos", "tanh", "atan")
        for background in ([], [LibraryColumn(X, few.x)]):
            for name in names:
                if self.late() or self.done(_INNER_DONE):
                    return
                inner = [atom for atom in self.inner_atoms((name,), short=False) if atom.name != "damped"]
                if inner:
                    pursuit = self.pursuit(Pursuit, inner, background)
                    self.fits(pursuit, pursuit.singles(*_INNER_STARTS), keep)

    def _loosened(self, keep: int) -> None:
        short = [term for term in self.pool.values() if size(term[2]) <= _LOOSENED_SIZE]
        for _, _, tree in sorted(short, key=lambda item: item[0])[:keep]:
            if self.late() or self.done(_LOOSENED_DONE):
                return
            self.front.offer(marked(loosened(tree), self.stage), _LOOSENED_STEPS)
