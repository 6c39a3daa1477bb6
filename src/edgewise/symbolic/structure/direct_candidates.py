"""Formulas that need no network: single curves, straight lines, power laws and short sums of products.

They cost milliseconds, are exact where the law has that shape, and give every later candidate something to beat.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms import FORMS, Form
from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Number, Variable, apply, inverse, multiplied, substitute, summed
from edgewise.symbolic.costs import ENTRY, STEP
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.state import EXACT
from edgewise.symbolic.univariate.closed_forms import Suggestion, fit_curve

# Products of powers, those of which pairs and triples are all tried, terms of a sum, and of one inside a function that is
# not defined everywhere.
_PRODUCTS = 400
_EXHAUSTIVE_PRODUCTS = 120
_LONGEST_SUM = 6
_LONGEST_SUM_INSIDE = 4
# An offset whose square is below so many of its variances (95 %) may as well be none.
_OFFSET_VARIANCES = 4.0
# Noise about zero turns the sign of at most this share of the rows of a power law.
_ASTRAY_SHARE = 0.1
# Rows that plain curves are fitted to.
PLAIN_CURVE_ROWS = 300
# Tables of more columns are hardly a curve of one; a column with fewer different values shows none, for a function with its
# constants has as many.
_CURVE_COLUMNS = 3
_FEWEST_VALUES = 4
# Curves of a column that are offered: of the only column, and of one of several.
_CURVES_ALONE = 8
_CURVES_BESIDE = 3
# Rows for each term of a sum of products, so that the best of hundreds still means something.
_ROWS_A_TERM = 5
# Shorter tables would get a term or two by that; they get a term for fewer rows (two of them to spare), but no more terms
# than these, so that short tables of exact laws are not turned away.
_FEW_ROWS = 15
_ROWS_A_TERM_OF_FEW = 3
_TERMS_OF_FEW = 2
# Powers in products go up to the first, and up to the second where there are more columns than the third: the same few
# hundred products must serve more columns.
_HIGHEST_POWER = 3
_HIGHEST_POWER_WIDE = 2
_NARROW_COLUMNS = 5
# With more columns only squares and products of pairs: nine have two million combinations of exponents, too many to list.
_PRODUCT_COLUMNS = 8


@proposes("direct candidates")
def direct_candidates(rows: SplitRows, forms: Sequence[Form] | None = None) -> Iterator[Node]:
    """Trees to refit, the simplest kinds first."""
    yield Number(float(rows.y.mean()))
    yield from _lines(rows)
    yield from _power_laws(rows)
    if len(rows.names) == 1:
        yield from _parabolas(rows)
    yield from _plain_curves(rows, forms)
    if len(rows.names) <= _CURVE_COLUMNS:
        yield from _curves(rows, forms)
    yield from _sums_of_products(rows)


def curve_tree(found: Suggestion, inner: Node) -> Node:
    """a*f(b*x + c) + d as a tree, without the constants it does not need."""
    scaled = inner if found.b == 1.0 else float(found.b) * inner
    z = scaled if found.c == 0.0 else scaled + float(found.c)
    value = float(found.a) * substitute(found.form.tree(), "x", z)
    return value + float(found.d)


def _lines(rows: SplitRows) -> Iterator[Node]:
    design = np.column_stack([rows.X, np.ones(len(rows.y))])
    solution = linear_fit(design, rows.y)
    yield _linear([Variable(name) for name in rows.names], solution)


def _linear(terms: Sequence[Node], solution: NDArray[np.floating]) -> Node:
    """Terms with coefficients, and the constant that comes last."""
    parts: list[Node] = [float(weight) * term for weight, term in zip(solution[:-1], terms, strict=True)]
    return summed([*parts, Number(float(solution[-1]))])


def _parabolas(rows: SplitRows) -> Iterator[Node]:
    """a x + b x^2 with and without a constant: the first correction to many a law."""
    x, name = rows.X[:, 0], Variable(rows.names[0])
    terms = [name, name**2]
    for constant in (False, True):
        design = np.column_stack([x, x**2, np.ones(len(x))][: 2 + constant])
        if len(x) > design.shape[1]:
            solution = linear_fit(design, rows.y)
            yield _linear(terms, solution if constant else np.append(solution, 0.0))


def _power_laws(rows: SplitRows) -> Iterator[Node]:
    """C * x1^p1 * x2^p2 ..., by a line through logarithms; also of y less its offset at the smallest power.

    An error of y is the larger in its logarithm the smaller y is, and noise turns the signs of a few small values.
    """
    clear = np.flatnonzero((rows.X != 0).all(axis=0))
    if clear.size == 0 or not (rows.y != 0).any():
        return
    columns = rows.X[:, clear]
    size = np.abs(rows.y)
    logs = np.column_stack([np.log(np.abs(columns)), np.ones(len(rows.y))])
    target = np.log(np.where(size > 0, size, 1.0))
    powers = linear_fit(logs * size[:, None], target * size)
    signed = np.asarray((columns < 0).any(axis=0))
    # A negative number has whole powers only.
    powers[:-1][signed] = np.round(powers[:-1][signed])
    signs = np.sign(rows.y) * np.prod(np.sign(columns) ** np.where(signed, powers[:-1], 0.0), axis=1)
    sign = float(np.sign(signs.sum()))
    if float(np.mean(signs == sign)) < 1 - _ASTRAY_SHARE:
        return
    factors = tuple(
        Variable(rows.names[at]) ** (int(power) if whole else float(power))
        for at, power, whole in zip(clear, powers[:-1], signed, strict=True)
        if power
    )
    law = multiplied([Number(sign * float(np.exp(powers[-1]))), *factors])
    yield law
    yield law + 0.0


def _plain_curves(rows: SplitRows, forms: Sequence[Form] | None) -> Iterator[Node]:
    """Functions of a column as it stands that are all there is: a*f(x) + d.

    Where the rows see little of a wave, its rate and its amplitude cannot both be fitted, and other formulas fit as well; a
    rate of one is then the simplest.
    """
    for name in rows.names:
        for form in FORMS.values() if forms is None else forms:
            tree = substitute(form.tree(), "x", Variable(name))
            tape = Tape(tree, rows.names)
            value = tape.value(tape.start, rows.X)
            if form.family == "linear" or not np.isfinite(value).all():
                continue
            design = np.column_stack([value, np.ones(len(value))])
            scale = np.linalg.norm(design, axis=0)
            if (scale > 0).all():
                solution = linear_fit(design / scale, rows.y) / scale
                if float(np.abs(rows.y - design @ solution).max()) <= EXACT * float(np.abs(rows.y).max()):
                    yield _linear([tree], solution)


def _curves(rows: SplitRows, forms: Sequence[Form] | None) -> Iterator[Node]:
    """One column's curve, where one column may be all there is to it."""
    top = _CURVES_ALONE if len(rows.names) == 1 else _CURVES_BESIDE
    for at, name in enumerate(rows.names):
        order = np.argsort(rows.X[:, at], kind="stable")
        count = min(len(order), PLAIN_CURVE_ROWS)
        chosen = order[np.unique(np.linspace(0, len(order) - 1, count).astype(np.intp))]
        if len(np.unique(rows.X[chosen, at])) < _FEWEST_VALUES:
            continue
        for found in fit_curve(rows.X[chosen, at], rows.y[chosen], forms=forms, top=top):
            tree = curve_tree(found, Variable(name))
            yield tree
            if found.form.family in ("power", "exponential") and isinstance(tree, Apply):
                # Many laws start at zero: E = a*(Z - b)^2 needs no offset.
                yield tree.arguments[0]


def _sums_of_products(rows: SplitRows) -> Iterator[Node]:
    """Sums of one to six products of powers (and logarithms), of y itself and of simple functions of it."""
    library = _library(rows)
    for outer in _OUTER:
        with np.errstate(all="ignore"):
            target = outer.inverse(rows.y)
        if np.isfinite(target).all() and (outer.anywhere or (rows.y > 0).all() or (rows.y < 0).all()):
            for tree in _pursuit(library, target, outer.anywhere):
                sign = Number(1 if rows.y[0] > 0 else -1)
                yield substitute(substitute(outer.tree, "sign", sign), "u", tree)


@dataclass(frozen=True, slots=True)
class _Outer:
    """y = tree(u) with u = inverse(y)."""

    tree: Node
    inverse: Callable[[Floats], Floats]
    anywhere: bool = False


_OUTER = (
    _Outer(Variable("u"), lambda y: y, anywhere=True),
    _Outer(read("sign*exp(u)", ("u", "sign")), lambda y: np.log(np.abs(y))),
    _Outer(read("1/u", ("u",)), lambda y: 1 / y),
    _Outer(read("sign*sqrt(u)", ("u", "sign")), lambda y: y * y),
    _Outer(read("sign/sqrt(u)", ("u", "sign")), lambda y: 1 / (y * y)),
    _Outer(read("u^2", ("u",)), lambda y: np.sqrt(np.abs(y))),
)


@dataclass(frozen=True)
class _Library:
    """Terms a sum may be made of, with their values on the rows."""

    trees: Sequence[Node]
    columns: Floats


def _library(rows: SplitRows) -> _Library:
    powers = list(itertools.islice(_exponents(rows), _PRODUCTS))
    trees = [_product(power, rows.names) for power in powers]
    with np.errstate(all="ignore"):
        columns = [np.prod(rows.X ** np.array(power, dtype=float), axis=1) for power in powers]
        for at, name in enumerate(rows.names):
            if (rows.X[:, at] > 0).all():
                trees += [apply("log", Variable(name)), apply("sqrt", Variable(name))]
                columns += [np.log(rows.X[:, at]), np.sqrt(rows.X[:, at])]
    return _Library(trees, np.stack(columns, axis=1))


def _pursuit(library: _Library, y: Floats, plain: bool) -> Iterator[Node]:
    """The best sums of one, two and three terms of all there are, then longer ones by adding the best next term.

    Where terms resemble each other, adding the best next one from the start often misses the law (orthogonal matching
    pursuit, Tropp and Gilbert 2007, doi:10.1109/TIT.2007.909108).
    """
    longest = _LONGEST_SUM if plain else _LONGEST_SUM_INSIDE
    centred = library.columns - library.columns.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    good = np.flatnonzero(np.isfinite(size) & (size > 1e-12 * np.abs(library.columns).max(axis=0)))
    unit = centred[:, good] / size[good]
    target = y - y.mean()
    total = float(target @ target)
    chosen: list[int] = []
    for count in range(1, min(longest, len(good), _most_terms(len(y))) + 1):
        chosen = _next(unit, target, chosen, count)
        design = np.column_stack([library.columns[:, good[chosen]], np.ones(len(y))])
        scale = np.linalg.norm(design, axis=0)
        solution = linear_fit(design / scale, y) / scale
        residual = y - design @ solution
        trees = [library.trees[good[at]] for at in chosen]
        yield _linear(trees, solution)
        yield from _without_offset(trees, design, y, residual)
        if float(residual @ residual) <= 1e-24 * total:
            return


def _most_terms(rows: int) -> int:
    """Terms of a sum that so many rows bear."""
    if rows >= _FEW_ROWS:
        return max(rows // _ROWS_A_TERM, 1)
    return max(min((rows - 2) // _ROWS_A_TERM_OF_FEW, _TERMS_OF_FEW), 1)


def _without_offset(trees: Sequence[Node], design: Floats, y: Floats, residual: Floats) -> Iterator[Node]:
    """The sum through the origin, where its constant explains no more than chance: many laws start at zero."""
    free = len(y) - design.shape[1]
    solution = linear_fit(design[:, :-1], y)
    excess = float(np.sum(np.square(y - design[:, :-1] @ solution))) - float(residual @ residual)
    if free > 0 and 0 < excess <= _OFFSET_VARIANCES * float(residual @ residual) / free:
        yield _linear(trees, np.append(solution, 0.0))


def _next(unit: Floats, y: Floats, chosen: list[int], count: int) -> list[int]:
    """The best `count` terms: of the simplest terms exhaustively up to three, else one more than before."""
    if count in (2, 3):
        few = unit[:, :_EXHAUSTIVE_PRODUCTS]
        best = (best_pair if count == 2 else best_triple)(few.T @ few, few.T @ y)
        if unit.shape[1] <= _EXHAUSTIVE_PRODUCTS or _explains(unit, y, best) > _explains(
            unit, y, _one_more(unit, y, chosen)
        ):
            return best
    return _one_more(unit, y, chosen)


def _one_more(unit: Floats, y: Floats, chosen: list[int]) -> list[int]:
    charge(STEP + ENTRY * unit.size)
    gains = np.abs(unit.T @ _left(unit, y, chosen))
    gains[chosen] = -1.0
    return [*chosen, int(np.argmax(gains))]


def _left(unit: Floats, y: Floats, chosen: list[int]) -> Floats:
    return y - unit[:, chosen] @ linear_fit(unit[:, chosen], y) if chosen else y


def _explains(unit: Floats, y: Floats, chosen: list[int]) -> float:
    left = _left(unit, y, chosen)
    return -float(left @ left)


def best_pair(gram: Floats, along: Floats) -> list[int]:
    """The two of some terms of length one that explain most, from inner products alone."""
    return list(divmod(int(np.argmax(_explained(gram, along))), len(along)))


def best_triple(gram: Floats, along: Floats) -> list[int]:
    """The three that do."""
    best, chosen = -1.0, [0, 0, 0]
    for first in range(len(along)):
        charge(STEP + ENTRY * gram.size)
        # All inner products without their parts along the first term.
        column = gram[first]
        rest = gram - np.outer(column, column)
        explained = _explained(rest, along - column * along[first])
        at = int(np.argmax(explained))
        total = float(explained.flat[at]) + float(along[first]) ** 2
        if total > best:
            best, chosen = total, [first, *divmod(at, len(along))]
    return chosen


def _explained(gram: Floats, along: Floats) -> Floats:
    """What each pair of terms explains; nothing where two terms are collinear."""
    size = gram.diagonal()
    determinant = np.outer(size, size) - gram**2
    crossed = np.outer(along**2, size)
    with np.errstate(all="ignore"):
        explained = (crossed + crossed.T - 2 * gram * np.outer(along, along)) / determinant
    return np.where(determinant > 1e-9, explained, -1.0)


def _exponents(rows: SplitRows) -> Iterator[tuple[int, ...]]:
    """Exponents of products, the simplest first; negative ones only of columns that keep away from zero."""
    count = rows.X.shape[1]
    inverse = [bool((column > 0).all() or (column < 0).all()) for column in rows.X.T]
    most = _HIGHEST_POWER if count <= _NARROW_COLUMNS else _HIGHEST_POWER_WIDE
    choices = [range(-most if free else 0, most + 1) for free in inverse]
    if count > _PRODUCT_COLUMNS:
        singles = [
            tuple(power * (at == number) for number in range(count))
            for at in range(count)
            for power in (1, 2)
        ]
        pairs = [
            tuple(int(number in pair) for number in range(count))
            for pair in itertools.combinations(range(count), 2)
        ]
        yield from [*singles, *pairs]
        return
    everything = (powers for powers in itertools.product(*choices) if 0 < sum(map(abs, powers)) <= most + 1)
    yield from sorted(everything, key=lambda powers: (sum(map(abs, powers)), -min(powers), powers))


def _product(powers: Sequence[int], names: Sequence[str]) -> Node:
    factors: list[Node] = []
    for name, power in zip(names, powers, strict=True):
        if power:
            size = Variable(name) if abs(power) == 1 else Variable(name) ** abs(power)
            factors.append(size if power > 0 else inverse(size))
    return multiplied(factors)
