"""The closed form of one curve: a ladder of searches from polynomials to sums and compositions of library functions.

Every rung brings candidates, the best of them are fitted whole on the data and join a Pareto front of complexity against
residual, and the ladder ends where a formula is as exact as the curve itself and no later rung could bring a simpler one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgewise._core.checks import check_float, check_int, check_vector
from edgewise._core.errors import InputError
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.forms import FORMS, Form
from edgewise.forms.tree import Node, Number
from edgewise.symbolic.univariate.atoms import Atom, atoms, form_atom, square_atom
from edgewise.symbolic.univariate.best_subsets import Selection, Terms
from edgewise.symbolic.univariate.closed_forms import MOST, check_forms
from edgewise.symbolic.univariate.compositions import Chains, Products
from edgewise.symbolic.univariate.curve import Points, smooth_noise
from edgewise.symbolic.univariate.library import ALL, FORM_FUNCTIONS, FUNCTIONS, Column, Library, monomials
from edgewise.symbolic.univariate.like_terms import like_sums
from edgewise.symbolic.univariate.oscillations import phase, trigonometric
from edgewise.symbolic.univariate.outer_functions import View, views
from edgewise.symbolic.univariate.pursuit import Fit, Pursuit
from edgewise.symbolic.univariate.rational import polynomials, rationals
from edgewise.symbolic.univariate.selection import Found as Found
from edgewise.symbolic.univariate.selection import Front, residual_of, ugly
from edgewise.symbolic.univariate.trees import X, call, loosened, multiply, power, size

Floats = NDArray[np.float64]
Ranked = Iterable[tuple[Node, float]]
# Units of work that "normal" stands for.
UNITS = 3.0
# Points that the search looks at; the fit of what it finds uses all.
_SEARCHED = 200
_DENSE = 600


def one_variable(
    x: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    accuracy: float = 1e-9,
    forms: Iterable[Form] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    top: int = 8,
) -> tuple[Found, ...]:
    """Closed forms of a curve of one variable.

    Parameters
    ----------
    x, y
        The curve, (n,), from 12 points on; in any order, with noise or without.
    sample_weight
        How much each point counts, (n,); by default all the same.
    accuracy
        The curve's own relative accuracy: a formula whose residual is no larger is exact.
    forms
        The functions formulas may be made of; by default all of `FORMS`. Powers and quotients are always allowed.
    work
        How much to do: "quick", "normal", "thorough" or a factor; a curve of a simple formula takes far less.
    seconds
        Time limit; what is found until then is the answer, and may differ from run to run.
    top
        The most formulas returned.

    Returns
    -------
    tuple of Found
        From simple to accurate: each has a smaller residual than all simpler ones. Constants are as fitted.

    Raises
    ------
    InputError
        Where x, y and sample_weight are not vectors of one length of at least 12 points.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.forms.tree import render
    >>> from edgewise.symbolic.univariate.search import one_variable
    >>> x = np.linspace(0.5, 3, 200)
    >>> best = one_variable(x, x / (np.exp(x) - 1))[-1]
    >>> best.residual < 1e-12
    True
    """
    xs = check_vector(x, "x", min_length=12, of="one_variable")
    ys = check_vector(y, "y", length=len(xs), of="one_variable")
    weights = (
        np.ones(len(xs))
        if sample_weight is None
        else check_vector(sample_weight, "sample_weight", length=len(xs), of="one_variable")
    )
    if weights.min() < 0 or weights.sum() <= 0:
        raise InputError(
            "The 'sample_weight' argument must hold non-negative numbers, not all zero. Got others instead."
        )
    for name, entries in (("x", xs), ("y", ys)):
        if float(np.abs(entries).max()) > MOST:
            raise InputError(
                f"The '{name}' parameter of one_variable must have entries up to {MOST:g}. "
                f"Got {float(np.abs(entries).max()):g} instead; choose other units."
            )
    accuracy = check_float(accuracy, "accuracy", low=0.0, high=1.0, of="one_variable")
    meter = Meter(UNITS * check_work(work, "one_variable"), check_seconds(seconds, "one_variable"))
    top = check_int(top, "top", low=1, of="one_variable")
    library = None if forms is None else check_forms(forms, "one_variable")
    order = np.argsort(xs, kind="stable")
    xs, ys, weights = xs[order], ys[order], weights[order]
    kept = weights > 0
    xs, ys, weights = xs[kept], ys[kept], weights[kept] / weights[kept].mean()
    with np.errstate(all="ignore"), one_thread():
        noise = max(accuracy, smooth_noise(xs, ys, weights))
        search = _Search(Points(xs, ys, weights, accuracy, noise), library, meter)
        try:
            with running(meter):
                search.run()
        except StopError as stop:
            meter.own(stop)
        return search.front.front(top)


class _Search:
    """One search: the curve, the thinned curve that candidates are judged on, the work, and what was found."""

    def __init__(self, points: Points, forms: Sequence[Form] | None, meter: Meter) -> None:
        self.points, self.meter = points, meter
        self.few = points.thinned(_SEARCHED)
        self.front = Front(points)
        self.allowed, self.own = _functions(forms)
        self.library = Library(self.few.x, self.allowed, self._plain_forms())
        self.pool: dict[str, tuple[float, float, Node]] = {}
        self._tried: set[str] = set()
        # There is always an answer.
        self.front.offer(Number(float(np.average(points.y, weights=points.weight))))

    def _plain_forms(self) -> list[Column]:
        import torch

        from edgewise.symbolic.expressions.composition import form_tree

        return [
            Column(form_tree(form), form.value(torch.from_numpy(self.few.x)).numpy()) for form in self.own
        ]

    def run(self) -> None:
        """Climb until done or out of work."""
        flat = float(np.ptp(self.points.y)) <= 1e-14 * float(np.abs(self.points.y).max())
        if flat or self.points.x[-1] <= self.points.x[0]:
            return
        for rung, nodes in self._rungs():
            rung()
            if self.late() or self._done(nodes):
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

    def late(self) -> bool:
        """Is the work done that is allowed?"""
        return self.meter.left <= 0

    def _done(self, nodes: int) -> bool:
        points = self.points
        best = self.front.best()
        if best is None:
            return False
        rounding = 1e-13 * max(1.0, float(np.abs(points.y).max()) / points.spread)
        if best.residual <= max(rounding, 1e-4 * points.accuracy) and best.complexity <= 45:
            return True
        reach = (
            points.exact
            if points.noise <= 30 * points.exact
            else points.noise * (1 + 2 / math.sqrt(len(points.y)))
        )
        return best.residual <= reach and best.complexity + ugly(best) <= nodes

    def _price(self, tree: Node, residual: float) -> float:
        floor = 1e-14
        return len(self.few.y) * math.log(max(residual, floor)) + 2.0 * size(tree)

    def consider(self, candidates: Ranked, keep: int, *, settled: bool = False) -> None:
        """Fit the best few of many candidates and put them on the front; all are remembered."""
        ranked: list[tuple[float, float, Node]] = []
        for tree, residual in candidates:
            if math.isfinite(residual):
                ranked.append((self._price(tree, residual), residual, tree))
        ranked.sort(key=lambda each: each[0])
        seen: set[str] = set()
        for price, residual, tree in ranked:
            key = f"{residual:.6g}" if residual > 1e-9 else f"{size(tree)}"
            text = repr(tree)
            if key in seen or text in self._tried:
                continue
            # Terms that say nothing will leave; a few nodes fewer are allowed for.
            if self.front.beaten(size(tree) - 2 * settled, residual, settled=settled):
                continue
            seen.add(key)
            self._tried.add(text)
            self.pool[text] = (price, residual, tree)
            self.front.offer(tree)
            if len(seen) >= keep or self.late():
                break

    def judged(self, trees: Iterable[Node]) -> Iterator[tuple[Node, float]]:
        """Trees with their residuals on the thinned curve."""
        for tree in trees:
            yield tree, residual_of(tree, self.few)

    def _polynomials(self) -> None:
        few = self.few
        self.consider(polynomials(few, Column(X, few.x)), 3)
        if not self._done(40):
            self.consider(self._sums(self.library.powers(), few, 4, lambda node: node), 5)

    def _sums(
        self, terms: Terms, points: Points, longest: int, wrap: Callable[[Node], Node], keep: int = 4
    ) -> Iterator[tuple[Node, float]]:
        rows = slice(None)
        if len(points.x) != len(self.library.x):
            good = np.isin(self.library.x, points.x)
            if good.sum() != len(points.x):
                return
            rows = good
        price = 4.0 / len(points.y)
        selection = Selection(Terms(terms.trees, terms.values[rows], terms.nodes), points.y, points.weight)
        for chosen in selection.sums(longest, price, keep):
            tree = wrap(chosen.tree(terms))
            yield tree, residual_of(tree, self.few)

    def _atoms(self, x: Floats) -> list[Atom]:
        u = Column(X, x)
        return [*atoms(u, self.allowed), *(form_atom(form, u) for form in self.own)]

    def _single_atoms(self) -> None:
        few = self.few
        for background in ([], [Column(X, few.x)]):
            pursuit = Pursuit(self._atoms(few.x), few.y, few.weight, background)
            self._fits(pursuit, pursuit.singles(), lambda node: node, 4)

    def _fits(self, pursuit: Pursuit, fits: Sequence[Fit], wrap: Callable[[Node], Node], keep: int) -> None:
        self.consider(self.judged(map(wrap, pursuit.trees(fits))), keep, settled=True)

    def _like_sums(self) -> None:
        self.consider(self.judged(like_sums(self.few, self.allowed)), 8, settled=True)

    def _products(self) -> None:
        """A power of x times one function, with a constant or without."""
        few = self.few
        x = Column(X, few.x)
        for factor in monomials(few.x, -2, 4, roots=False):
            if self.late() or self._done(12):
                return
            chosen = [
                atom
                for atom in atoms(x, self.allowed, prefactor=factor)
                if atom.name not in ("x^p", "1/x", "1/x^2")
            ]
            # x*log(2*x) is x*log(x) and a multiple of x.
            pursuit = Pursuit(chosen, few.y, few.weight, [factor])
            self._fits(pursuit, pursuit.singles(3, 4, 20), lambda node: node, 2)

    def _with_monomials(self) -> None:
        """One function plus a power of x."""
        few = self.few
        for power_column in monomials(few.x, -2, 4):
            if self.late() or self._done(12):
                return
            if power_column.tree != X:
                pursuit = Pursuit(self._atoms(few.x), few.y, few.weight, [power_column])
                self._fits(pursuit, pursuit.singles(2, 3, 20), lambda node: node, 1)

    def _scaled_forms(self) -> None:
        """A power of x times a function of the library."""
        self.consider(self._scaled(), 6)

    def _scaled(self) -> Iterator[tuple[Node, float]]:
        few, terms = self.few, self.library.small()
        price = 4.0 / len(few.y)
        for factor in monomials(few.x, -2, 4, roots=False):
            trees = [multiply(factor.tree, tree) for tree in terms.trees]
            scaled = Terms(trees, terms.values * factor.values[:, None], terms.nodes + 2)
            for chosen in Selection(scaled, few.y, few.weight).sums(1, price, 2):
                tree = chosen.tree(scaled)
                yield tree, residual_of(tree, few)

    def _rationals(self) -> None:
        self.consider(rationals(self.few, Column(X, self.few.x)), 4)

    def _small_sums(self) -> None:
        self.consider(self._sums(self.library.small(), self.few, 3, lambda node: node), 8)

    def _large_sums(self) -> None:
        self.consider(self._sums(self.library.large(), self.few, 3, lambda node: node, 6), 10)

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
        yield from self._sums(self.library.powers(), view.points, 3, view.wrap, 3)
        yield from self._sums(self.library.small(), view.points, 1, view.wrap, 3)

    def _outer_sums(self) -> None:
        for view in self._views():
            if self.late() or self._done(20):
                return
            self.consider(self._sums(self.library.small(), view.points, 2, view.wrap, 3), 3)

    def _square_sums(self) -> None:
        """Sums of two functions, at least one of them of x^2."""
        few = self.few
        chosen = [each for each in self._inner(("x^2",), short=False) if each.name != "damped"]
        chosen += atoms(Column(X, few.x), self.allowed, short=True)
        pursuit = Pursuit(chosen, few.y, few.weight)
        self._fits(pursuit, pursuit.pairs(until=self.meter.most), lambda node: node, 6)

    def _atom_products(self) -> None:
        few = self.few
        x = Column(X, few.x)
        chosen = [
            each for each in self._atoms(few.x) if each.name not in ("damped", "hyperbola", "lorentzian")
        ]
        chosen += self._inner(("x^2", "sqrt"), short=True)
        chosen.append(square_atom(x))
        products = Products(chosen, few.y, few.weight)
        self._fits(products, products.best(), lambda node: node, 6)

    def _chains(self) -> None:
        few = self.few
        x = Column(X, few.x)
        chosen = [*self._atoms(few.x), square_atom(x)]
        outers = [
            at
            for at, each in enumerate(chosen)
            if each.inward is not None and each.name not in ("square", "hyperbola", "1/x^2")
        ]
        inners = [at for at, each in enumerate(chosen) if each.name not in ("damped", "hyperbola", "1/x^2")]
        chains = Chains(chosen, few.y, few.weight)
        self._fits(chains, chains.best(outers, inners, until=self.meter.most), lambda node: node, 8)

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
        everything = self._atoms(few.x)
        x = Column(X, few.x)
        shorter = [each for each in everything if each.name != "damped"]
        products = atoms(x, self.allowed, prefactor=x, short=True)
        squares = self._inner(("x^2",), short=True)
        for chosen, background in (
            ([*shorter, *products, *squares], []),
            (everything, []),
            ([*shorter, *products, *squares], [x]),
        ):
            if self.late() or self._done(18):
                return
            pursuit = Pursuit(chosen, few.y, few.weight, background)
            fits = pursuit.pairs(until=self.meter.most)
            self._fits(pursuit, fits, lambda node: node, 6)
            if not self._done(20) and not self.late():
                self._fits(pursuit, pursuit.grown(fits[:8]), lambda node: node, 4)

    def _inner(self, names: Sequence[str], *, short: bool) -> list[Atom]:
        x = self.few.x
        table = {
            "x^2": Column(power(X, 2), x**2),
            "x^3": Column(power(X, 3), x**3),
            "sqrt": Column(call("sqrt", X), np.sqrt(np.abs(x))),
            "inv": Column(call("inv", X), 1 / x),
            "log": Column(call("log", X), np.log(np.abs(x))),
            "exp": Column(call("exp", X), np.exp(x)),
            "sin": Column(call("sin", X), np.sin(x)),
            "cos": Column(call("cos", X), np.cos(x)),
            "tanh": Column(call("tanh", X), np.tanh(x)),
            "atan": Column(call("atan", X), np.arctan(x)),
        }
        found: list[Atom] = []
        for name in names:
            if name in ("sqrt", "log") and (x <= 0).any():
                continue
            if name in ("exp", "sin", "cos", "log", "sqrt", "tanh", "atan") and name not in self.allowed:
                continue
            if np.isfinite(table[name].values).all():
                found += atoms(table[name], self.allowed, short=short)
        return found

    def _inner_atoms(self) -> None:
        """A function of a simple function of x, with a line added or without."""
        few = self.few
        names = ("x^2", "x^3", "sqrt", "inv", "log", "exp", "sin", "cos", "tanh", "atan")
        for background in ([], [Column(X, few.x)]):
            for name in names:
                if self.late() or self._done(14):
                    return
                inner = [each for each in self._inner((name,), short=False) if each.name != "damped"]
                if inner:
                    pursuit = Pursuit(inner, few.y, few.weight, background)
                    self._fits(pursuit, pursuit.singles(2, 4, 25), lambda node: node, 1)

    def _outer_atoms(self) -> None:
        """One function with constants inside another with none."""
        for view in self._views():
            if self.late() or self._done(18):
                return
            points = view.points
            plain = ("damped", "lorentzian", "hyperbola", "1/x^2")
            chosen = [each for each in self._atoms(points.x) if each.name not in plain]
            pursuit = Pursuit(chosen, points.y, points.weight)
            self._fits(pursuit, pursuit.singles(2, 4, 20), view.wrap, 1)

    def _loosened(self) -> None:
        short = [each for each in self.pool.values() if size(each[2]) <= 25]
        for _, _, tree in sorted(short, key=lambda each: each[0])[:8]:
            if self.late() or self._done(20):
                return
            self.front.offer(loosened(tree), 30)

    def _long_sums(self) -> None:
        self.consider(self._sums(self.library.small(), self.few, 5, lambda node: node, 4), 6)


def _functions(forms: Sequence[Form] | None) -> tuple[frozenset[str], list[Form]]:
    """The functions that the forms allow, and the forms that are the caller's own."""
    if forms is None:
        return ALL, []
    allowed: set[str] = set()
    own: list[Form] = []
    for form in forms:
        if FORMS.get(form.name) is form:
            allowed.update(FORM_FUNCTIONS.get(form.name, ()))
        else:
            own.append(form)
    return frozenset(allowed), own
