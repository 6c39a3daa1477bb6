"""Terms that hold one constant inside, as rates of growth, of reactions and of oscillators do: x^p f(k u).

A dictionary lays them out over a grid of k; a fit then moves k off the grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, Variable, substitute
from edgewise.symbolic.config import NonlinearSumConfig
from edgewise.symbolic.costs import LAID_OUT
from edgewise.symbolic.structure.state import powers, product

Ints = NDArray[np.intp]
# The function itself, or its slope in k, of a column and k.
_Values = Callable[[Floats, float], Floats]


@dataclass(frozen=True)
class Family:
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
    grid: Callable[[Floats, NonlinearSumConfig], Floats]
    positive: bool = False
    own_powers: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class NonlinearTerm:
    """A power of a column, or one, times a function of a column.

    Parameters
    ----------
    exponents
        Of each column before the function.
    column, family
        What the function is of, and which of `FAMILIES` it is.
    """

    exponents: tuple[int, ...]
    column: int
    family: int

    def value(self, X: Floats, k: float) -> Floats:
        """Its values on rows, (n,)."""
        return monomial(X, self.exponents) * FAMILIES[self.family].value(X[:, self.column], k)

    def slope(self, X: Floats, k: float) -> Floats:
        """Its slopes in k on rows, (n,)."""
        return monomial(X, self.exponents) * FAMILIES[self.family].slope(X[:, self.column], k)

    def tree(self, names: Sequence[str], k: float) -> Node:
        """The term as a formula."""
        function = substitute(FAMILIES[self.family].tree, "u", Variable(names[self.column]))
        return product(monomial_tree(names, self.exponents), substitute(function, "k", Number(float(k))))


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Terms laid out over the grids of their constants, those of one term side by side.

    Parameters
    ----------
    terms
        Different terms.
    term
        Which of them a column of `values` is, (m,).
    half
        Twice that, and one more in the upper half of the grid, (m,).
    constants
        The constant that it has there, (m,).
    values
        Its values on the rows, (n, m).
    """

    terms: tuple[NonlinearTerm, ...]
    term: Ints
    half: Ints
    constants: Floats
    values: Floats


def dictionary(X: Floats, config: NonlinearSumConfig) -> Dictionary:
    """All terms that have values on the rows (n, d)."""
    terms, halves, constants, values = list[NonlinearTerm](), list[int](), list[float](), list[Floats]()
    with np.errstate(all="ignore"):
        for term in _terms(X):
            u, before = X[:, term.column], len(values)
            grid = np.sort(FAMILIES[term.family].grid(u, config))
            for at, k in enumerate(grid):
                column = term.value(X, float(k))
                if float(np.abs(column).max()) < config.largest:
                    halves.append(2 * len(terms) + (2 * at >= len(grid)))
                    constants.append(float(k))
                    values.append(column)
            if len(values) > before:
                terms.append(term)
    LAID_OUT(len(values))
    table = np.column_stack(values) if values else np.empty((len(X), 0))
    half = np.array(halves, dtype=np.intp)
    return Dictionary(tuple(terms), half // 2, half, np.array(constants), table)


def _terms(X: Floats) -> Iterator[NonlinearTerm]:
    count = X.shape[1]
    before = [(0,) * count]
    before += [
        tuple(power * (at == other) for other in range(count)) for at in range(count) for power in (1, 2)
    ]
    positive = (X > 0).all(axis=0)
    for column, (at, family), exponents in itertools.product(range(count), enumerate(FAMILIES), before):
        if exponents[column] in family.own_powers and (positive[column] or not family.positive):
            yield NonlinearTerm(exponents, column, at)


def monomial(X: Floats, exponents: Sequence[int]) -> Floats:
    """A product of whole powers of columns on rows, (n,)."""
    values = np.ones(len(X))
    for at, power in enumerate(exponents):
        if power:
            values = values * X[:, at] ** power
    return values


def monomial_tree(names: Sequence[str], exponents: Sequence[int]) -> Node:
    """A product of whole powers of columns as a formula."""
    return powers([Variable(name) for name in names], [float(each) for each in exponents])


def _rates(u: Floats, config: NonlinearSumConfig) -> Floats:
    return np.geomspace(config.flattest, config.steepest, config.rates) / float(np.abs(u).max())


def _square_rates(u: Floats, config: NonlinearSumConfig) -> Floats:
    return _rates(np.square(u), config)


def _both_signs(u: Floats, config: NonlinearSumConfig) -> Floats:
    rates = _rates(u, config)
    # Growth beyond some decades leaves a column of zeros and one number.
    slow = rates[: 3 * len(rates) // 5]
    return np.r_[rates if (u >= 0).all() else slow, -slow]


def _frequencies(u: Floats, config: NonlinearSumConfig) -> Floats:
    return np.arange(config.waves, config.wave_most, config.wave_step) / float(np.ptp(u))


def _activation(u: Floats, config: NonlinearSumConfig) -> Floats:
    return np.geomspace(config.flattest, config.steepest / 2, config.rates) * float(np.median(u))


def _exponents(u: Floats, config: NonlinearSumConfig) -> Floats:
    return np.array(config.exponents)


def _family(text: str, value: _Values, slope: _Values, grid: Callable[[Floats, NonlinearSumConfig], Floats], *,
            positive: bool = False, own_powers: tuple[int, ...] = (0, 1, 2)) -> Family:  # fmt: skip
    return Family(read(text, ("u", "k")), value, slope, grid, positive, own_powers)


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
    _family("log(1 + k*u)", lambda u, k: np.log1p(k * u), lambda u, k: u / (1 + k * u), _rates, positive=True),
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
