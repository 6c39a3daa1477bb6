"""Terms that hold a constant or two inside, as rates of growth, of reactions and of oscillators do: x^p f(k u) g(l v).

A dictionary lays them out over a grid of the constants; a fit then moves these off the grid.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, Variable, substitute
from edgewise.symbolic.costs import LAID_OUT
from edgewise.symbolic.structure.state import powers, product

# Columns of a table at most, and rows that tell sums of such terms apart.
MOST_COLUMNS = 4
FEWEST_ROWS = 60
# How many rates a function has, and how far its argument goes over the column with the fastest and the slowest.
_RATES = 16
_STEEPEST = 25.0
_FLATTEST = 0.15
# The slowest wave, the steps between waves, and the fastest, in radians over the range of the column.
_SLOWEST_WAVE = 0.5
_WAVE_STEP = 0.5
_FASTEST_WAVE = 30.0
# Broken and negative powers.
_EXPONENTS = (-2.5, -1.5, -0.75, -0.4, 0.3, 0.5, 0.7, 1.3, 1.6, 2.4, 3.4)
# Terms whose values go beyond this are left out.
_LARGEST_VALUE = 1e8
# Products of two functions are laid out at every so-manieth constant of each.
_PRODUCT_GRID = 2

Ints = NDArray[np.intp]
Constants = tuple[float, ...]
# The function itself, or its slope in k, of a column and k.
_Values = Callable[[Floats, float], Floats]


@dataclass(frozen=True)
class FunctionFamily:
    """A function of a column u with a constant k inside.

    Parameters
    ----------
    tree
        The function in u and k.
    value, slope
        Its values, and its slope in k.
    grid
        The values of k that tell its curves apart over a column.
    positive
        Whether u must be positive.
    own_powers
        The powers of u that it is multiplied by: others make a function that another family has, or that polynomials
        make up.
    """

    tree: Node
    value: _Values
    slope: _Values
    grid: Callable[[Floats], Floats]
    positive: bool = False
    own_powers: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class NonlinearTerm:
    """A power of a column, or one, times functions of columns.

    Parameters
    ----------
    exponents
        Of each column before the functions.
    factors
        Each function: the column it is of, and which of `FAMILIES` it is.
    """

    exponents: tuple[float, ...]
    factors: tuple[tuple[int, int], ...]

    def value(self, X: Floats, constants: Constants) -> Floats:
        """Its values on rows, (n,)."""
        values = monomial(X, self.exponents)
        for (column, family), k in zip(self.factors, constants, strict=True):
            values = values * FAMILIES[family].value(X[:, column], k)
        return values

    def slopes(self, X: Floats, constants: Constants) -> Floats:
        """Its slopes in the constants on rows, (n, constants)."""
        before = monomial(X, self.exponents)
        values = [FAMILIES[f].value(X[:, c], k) for (c, f), k in zip(self.factors, constants, strict=True)]
        slopes = [FAMILIES[f].slope(X[:, c], k) for (c, f), k in zip(self.factors, constants, strict=True)]
        made = [
            math.prod((each for other, each in enumerate(values) if other != at), start=before * slope)
            for at, slope in enumerate(slopes)
        ]
        return np.column_stack(made)

    def tree(self, names: Sequence[str], constants: Constants) -> Node:
        """The term as a formula."""
        functions = list[Node]()
        for (column, family), k in zip(self.factors, constants, strict=True):
            function = substitute(FAMILIES[family].tree, "u", Variable(names[column]))
            functions.append(substitute(function, "k", Number(float(k))))
        return product(monomial_tree(names, self.exponents), *functions)


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Terms laid out over the grids of their constants, those of one term side by side.

    Parameters
    ----------
    terms
        Different terms.
    part
        Which term a column of `values` is, and whether its first constant is in the lower or the upper half of the grid:
        twice the number of the term, or one more, (m,).
    constants
        The constants that it has there, m of them.
    values
        Its values on the rows, (n, m).
    """

    terms: tuple[NonlinearTerm, ...]
    part: Ints
    constants: tuple[Constants, ...]
    values: Floats

    def at(self, place: int) -> tuple[NonlinearTerm, Constants]:
        """The term of a column, and its constants there."""
        return self.terms[int(self.part[place]) // 2], self.constants[place]


def dictionary(X: Floats) -> Dictionary:
    """All terms of one function that have values on the rows (n, d)."""
    return _laid_out(X, _terms(X))


def dictionary_of_products(X: Floats) -> Dictionary:
    """All products of two functions that have values on the rows (n, d), over coarser grids."""
    return _laid_out(X, _products(X), thinned=_PRODUCT_GRID)


def _laid_out(X: Floats, wanted: Iterable[NonlinearTerm], thinned: int = 1) -> Dictionary:
    terms, parts, constants, values = list[NonlinearTerm](), list[int](), list[Constants](), list[Floats]()
    with np.errstate(all="ignore"):
        for term in wanted:
            grids = [np.sort(FAMILIES[f].grid(X[:, c]))[::thinned] for c, f in term.factors]
            before = len(values)
            for places in itertools.product(*(range(len(grid)) for grid in grids)):
                chosen = tuple(float(grid[at]) for grid, at in zip(grids, places, strict=True))
                column = term.value(X, chosen)
                if float(np.abs(column).max()) < _LARGEST_VALUE:
                    parts.append(2 * len(terms) + (2 * places[0] >= len(grids[0])))
                    constants.append(chosen)
                    values.append(column)
            if len(values) > before:
                terms.append(term)
    LAID_OUT(len(values))
    table = np.column_stack(values) if values else np.empty((len(X), 0))
    return Dictionary(tuple(terms), np.array(parts, dtype=np.intp), tuple(constants), table)


def _terms(X: Floats) -> Iterator[NonlinearTerm]:
    count = X.shape[1]
    before = [(0,) * count]
    before += [
        tuple(power * (at == other) for other in range(count)) for at in range(count) for power in (1, 2)
    ]
    for (column, family), exponents in itertools.product(_functions(X, range(len(FAMILIES))), before):
        if exponents[column] in FAMILIES[family].own_powers:
            yield NonlinearTerm(exponents, ((column, family),))


def _products(X: Floats) -> Iterator[NonlinearTerm]:
    """Decaying waves, and powers that decay, of one column; and of two columns powers, waves and decays."""
    one = (0,) * X.shape[1]
    for first, second in itertools.combinations(_functions(X, _IN_PRODUCTS), 2):
        if first[0] != second[0] or (first[1] == _EXP and second[1] in _BESIDE_EXP):
            yield NonlinearTerm(one, (first, second))


def _functions(X: Floats, families: Sequence[int]) -> Iterator[tuple[int, int]]:
    positive = [bool((column > 0).all()) for column in X.T]
    for column, family in itertools.product(range(X.shape[1]), families):
        if positive[column] or not FAMILIES[family].positive:
            yield column, family


def monomial(X: Floats, exponents: Sequence[float]) -> Floats:
    """A product of powers of columns on rows, (n,)."""
    values = np.ones(len(X))
    for at, power in enumerate(exponents):
        if power:
            values = values * X[:, at] ** power
    return values


def monomial_tree(names: Sequence[str], exponents: Sequence[float]) -> Node:
    """A product of powers of columns as a formula."""
    return powers([Variable(name) for name in names], [float(each) for each in exponents])


def _rates(u: Floats) -> Floats:
    return np.geomspace(_FLATTEST, _STEEPEST, _RATES) / float(np.abs(u).max())


def _square_rates(u: Floats) -> Floats:
    return _rates(np.square(u))


def _both_signs(u: Floats) -> Floats:
    rates = _rates(u)
    # Growth beyond some decades leaves a column of zeros and one number.
    slow = rates[: 3 * len(rates) // 5]
    return np.r_[rates if (u >= 0).all() else slow, -slow]


def _frequencies(u: Floats) -> Floats:
    return np.arange(_SLOWEST_WAVE, _FASTEST_WAVE, _WAVE_STEP) / float(np.ptp(u))


def _activation(u: Floats) -> Floats:
    return np.geomspace(_FLATTEST, _STEEPEST / 2, _RATES) * float(np.median(u))


def _exponents(u: Floats) -> Floats:
    return np.array(_EXPONENTS)


def _family(text: str, value: _Values, slope: _Values, grid: Callable[[Floats], Floats], *,
            positive: bool = False, own_powers: tuple[int, ...] = (0, 1, 2)) -> FunctionFamily:  # fmt: skip
    return FunctionFamily(read(text, ("u", "k")), value, slope, grid, positive, own_powers)


def _tanh_slope(u: Floats, k: float) -> Floats:
    return u * (1 - np.square(np.tanh(k * u)))


FAMILIES = (
    _family("exp(-k*u)", lambda u, k: np.exp(-k * u), lambda u, k: -u * np.exp(-k * u), _both_signs),
    _family(
        "exp(-k*u^2)",
        lambda u, k: np.exp(-k * u * u),
        lambda u, k: -u * u * np.exp(-k * u * u),
        _square_rates,
        own_powers=(0, 1),
    ),
    _family("sin(k*u)", lambda u, k: np.sin(k * u), lambda u, k: u * np.cos(k * u), _frequencies),
    _family("cos(k*u)", lambda u, k: np.cos(k * u), lambda u, k: -u * np.sin(k * u), _frequencies),
    _family("tanh(k*u)", lambda u, k: np.tanh(k * u), _tanh_slope, _rates),
    _family(
        "log(1 + k*u)", lambda u, k: np.log1p(k * u), lambda u, k: u / (1 + k * u), _rates, positive=True
    ),
    _family(
        "1/(1 + k*u)",
        lambda u, k: 1 / (1 + k * u),
        lambda u, k: -u / np.square(1 + k * u),
        _rates,
        positive=True,
    ),
    _family(
        "1/(1 + k*u^2)",
        lambda u, k: 1 / (1 + k * u * u),
        lambda u, k: -u * u / np.square(1 + k * u * u),
        _square_rates,
    ),
    _family(
        "exp(-k/u)",
        lambda u, k: np.exp(-k / u),
        lambda u, k: -np.exp(-k / u) / u,
        _activation,
        positive=True,
        own_powers=(0,),
    ),
    _family(
        "u^k",
        lambda u, k: u**k,
        lambda u, k: u**k * np.log(u),
        _exponents,
        positive=True,
        own_powers=(0,),
    ),
)
_EXP, _SIN, _COS, _ARRHENIUS, _POWER = 0, 2, 3, 8, 9
_IN_PRODUCTS = (_EXP, _SIN, _COS, _ARRHENIUS, _POWER)
_BESIDE_EXP = (_SIN, _COS, _POWER)
