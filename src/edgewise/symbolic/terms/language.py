"""The language of terms: products of powers before functions of columns, listed by how many nats they take to write down.

    term     = powers * function?  |  function * function
    function = f(argument)
    argument = column | column + column | column - column | column * column | g(column)

Functions may hold a constant, which a grid lays out; a fit moves it off the grid. A library lists every term once,
the shortest first, and drops what has the values of a shorter one up to a factor: nothing is forgotten because nobody
thought of it. To add a function, add its text to `PLAIN`, or with a constant k inside to `SCALED`. Rates of change also have
what stands in `OF_RATES`, functions of distances, and shares.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, Variable, replaced
from edgewise.symbolic.costs import TERM
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.code_length import NUMBER_NATS, OPERATOR_NATS, nats
from edgewise.symbolic.fitting.damped_steps import bounded
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.state import powers, product

Ints = NDArray[np.intp]
# Functions of an argument without a constant, and those that stand around another one.
PLAIN = (
    "exp(u)", "exp(-u)", "log(u)", "log(1 + u)", "sqrt(u)", "abs(u)", "sin(u)", "cos(u)", "tanh(u)", "atan(u)", "1/u",
    "1/(1 + u)", "u^2", "u^3", "exp(-u^2)", "1/(1 + u^2)",
)  # fmt: skip
AROUND = (
    "exp(u)", "exp(-u)", "log(u)", "log(1 + u)", "sqrt(u)", "abs(u)", "sin(u)", "cos(u)", "tanh(u)", "1/u", "1/(1 + u)",
    "u^2", "exp(-u^2)",
)  # fmt: skip
# Rates of a function: how far its argument goes over the column with the slowest and the fastest, and how many.
_FLATTEST, _STEEPEST, _RATES = 0.15, 25.0, 16
# The slowest wave, the steps between waves, and the fastest, in radians over the range of the column.
_SLOWEST_WAVE, _WAVE_STEP, _FASTEST_WAVE = 0.5, 0.8, 30.0
_EXPONENTS = (-2.5, -1.5, -0.75, -0.4, 0.3, 0.7, 1.3, 1.6, 2.4, 3.4)
# Exponents of products of powers: whole ones, and those that a positive column has besides.
_DEGREE = 3
_OTHER_POWERS = (
    0.5,
    1.5,
    -0.5,
    -1.0,
    -1.5,
    -2.0,
    -3.0,
    -4.0,
    *(sixths / 6 for sixths in (2, 4, 8, 10, -2, -4)),
)
# What squares without overflow; what varies by less than a share of its size, or is nothing but for a few rows, is no term.
_SMALLEST_VALUE, _LARGEST_VALUE, _FLATTEST_SHARE, _MEDIAN_SHARE = 1e-140, 1e140, 1e-7, 1e-12
# Of two columns, these are algebraic.
_WHOLE_POWERS = frozenset(("u^2", "u^3", "1/u"))
# Digits in which the values of two terms must differ.
_DIGITS = 8
# Every so-manieth constant of a grid stands in products of two functions, and in functions of two columns.
_THINNED = 3
# Like a constant inside in place of the one of the grid: any number that nothing simplifies.
_SOME = 1.2345


def _rates(u: Floats) -> Floats:
    return np.geomspace(_FLATTEST, _STEEPEST, _RATES) / float(np.abs(u).max())


def _both_signs(u: Floats) -> Floats:
    rates = _rates(u)
    # Growth beyond some decades makes a column of zeros and one number.
    slow = rates[: 3 * len(rates) // 5]
    return np.r_[rates if (u >= 0).all() else slow, -slow]


def _frequencies(u: Floats) -> Floats:
    return np.arange(_SLOWEST_WAVE, _FASTEST_WAVE, _WAVE_STEP) / float(np.ptp(u))


def _sizes(u: Floats) -> Floats:
    return np.geomspace(_FLATTEST, _STEEPEST / 2, _RATES) * float(np.median(np.abs(u)))


def _square_rates(u: Floats) -> Floats:
    return _rates(np.square(u))


# Functions of an argument with a constant k inside, and the values of k that tell their curves apart.
SCALED: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("exp(-k*u)", _both_signs),
    ("sin(k*u)", _frequencies),
    ("cos(k*u)", _frequencies),
    ("u^k", lambda u: np.array(_EXPONENTS)),
    ("log(1 + k*u)", _rates),
    ("1/(k + u)", _sizes),
    ("tanh(k*u)", _rates),
    ("exp(-k*u^2)", _square_rates),
    ("1/(k + u^2)", lambda u: _sizes(np.square(u))),
    ("exp(-k/u)", _sizes),
    ("1/(k + u^3)", lambda u: _sizes(np.abs(u) ** 3)),
    ("1/(k + u^4)", lambda u: _sizes(u**4)),
)
# Those that are a number less another one, and as short; the same constants tell their curves apart.
_REST_OF = {"1/(k + u)": "u/(k + u)"} | {f"1/(k + u^{n})": f"u^{n}/(k + u^{n})" for n in (2, 3, 4)}
# Steepness of steps over half of the column, their middles and the distance of poles, all in its width; constants below a
# line, in its size.
_STEEP, _MIDDLES, _POLES, _SHARES = (
    (1.5, 4.0, 10.0),
    (0.1, 0.3, 0.5, 0.7, 0.9),
    (0.1, 0.25, 0.6, 1.5),
    (0.05, 0.2, 0.7),
)


def _steps(u: Floats) -> Floats:
    low, width = float(u.min()), float(np.ptp(u))
    return np.array([(2 * k / width, low + c * width) for k in _STEEP for c in _MIDDLES])


def _poles(u: Floats) -> Floats:
    gaps = np.array(_POLES) * float(np.ptp(u))
    return np.r_[float(u.max()) + gaps, float(u.min()) - gaps][:, None]


def _quadratics(u: Floats) -> Floats:
    size = float(np.abs(u).max())
    return np.array([(k * size**2, c * size) for k in _SHARES for c in _SHARES])


# What stands in rates of change besides: functions with one or two constants, k and c, of a column and of two; the first
# constant is the one that grids are fine in.
OF_RATES: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("1/(1 + exp(k*(c - u)))", _steps),
    ("1/(k - u)", _poles),
    ("1/(k - u)^2", _poles),
    ("1/(k + c*u + u^2)", _quadratics),
)
# Functions of a distance r, alone and before the components of what it is the size of: central forces, drag.
_OF_DISTANCE = ("r", "1/r", "1/r^2", "1/r^3")
_OF_SHARES, _WEIGHTS = "1/(k*u + v)", (0.1, 0.2, 0.35, 0.7, 1.4, 2.5, 5.0)
# Those whose product is a term of one column, too.
_WAVES = {"sin(u)", "cos(u)"}
# Those of which two columns' products are terms, and those of a sum, difference or product of columns.
_IN_PRODUCTS = frozenset(("exp(-k*u)", "sin(k*u)", "cos(k*u)", "u^k", "exp(-k/u)"))
_OF_PAIRS = frozenset(("exp(-k*u)", "sin(k*u)", "cos(k*u)", "1/(k + u)", "exp(-k*u^2)"))


@dataclass(frozen=True, eq=False)
class ColumnFunction:
    """A function of columns at one value of its constant, if it has one.

    Parameters
    ----------
    tree
        The function; its floats are constants to fit.
    values
        On the rows, (n,).
    nats
        What it takes to write down.
    kind
        The same for one function of one argument over its whole grid.
    constants
        How many it holds.
    columns
        The columns it is of.
    slopes
        In its constant, on the rows, where it has one, (n,).
    algebraic
        Whether it is a power of columns, or a whole power of the sum or difference of two.
    """

    tree: Node
    values: Floats
    nats: float
    kind: str
    constants: int
    columns: frozenset[str]
    slopes: Floats | None = None
    algebraic: bool = False


@dataclass(frozen=True, eq=False)
class Library:
    """Terms on rows, the shortest first.

    Parameters
    ----------
    trees
        The terms; floats in them are constants to fit.
    values
        Their values on the rows, (n, m).
    nats
        What each takes to write down, its operator and factor included, (m,).
    constants
        How many each holds inside, (m,).
    kind
        A number for each function, alike over the grid of its constant, (m,).
    slopes
        The slopes of the values in the constant inside where there is one, zero elsewhere, (n, m).
    algebraic
        Which are powers of columns, and whole powers of the sum or difference of two, (m,).
    """

    trees: tuple[Node, ...]
    values: Floats
    slopes: Floats
    nats: Floats
    constants: Ints
    kind: Ints
    algebraic: NDArray[np.bool_]

    def among(self, places: Ints) -> Library:
        """Some of the terms, in that order."""
        return Library(
            tuple(self.trees[at] for at in places.tolist()),
            self.values[:, places],
            self.slopes[:, places],
            self.nats[places],
            self.constants[places],
            self.kind[places],
            self.algebraic[places],
        )

    def seen(self, by: Callable[[Floats], Floats]) -> Library:
        """The terms with a linear map of their values."""
        return replace(self, values=by(self.values), slopes=by(self.slopes))


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A term that may be listed: what it takes to write down, and the parts that its values are products of."""

    tree: Callable[[], Node]
    parts: tuple[ColumnFunction, ...]
    nats: float

    @property
    def constants(self) -> int:
        return sum(part.constants for part in self.parts)

    @property
    def kind(self) -> str:
        return "*".join(part.kind for part in self.parts)

    @property
    def values(self) -> Floats:
        values = self.parts[0].values
        for part in self.parts[1:]:
            values = values * part.values
        return values

    @property
    def slopes(self) -> Floats | None:
        """In the constant inside, where there is just one."""
        moving = [(at, part.slopes) for at, part in enumerate(self.parts) if part.slopes is not None]
        if len(moving) != 1:
            return None
        place, slopes = moving[0]
        for at, part in enumerate(self.parts):
            if at != place:
                slopes = slopes * part.values
        return slopes


def library(
    rows: SplitRows,
    most: int,
    measured: float,
    wanted: Callable[[Node], bool] | None = None,
    rates: bool = False,
) -> Library:
    """The shortest terms that have values on the rows, each set of values once.

    Parameters
    ----------
    rows
        The table.
    most
        How many terms at most, the values on the grids of constants included.
    measured
        Nats of a measured constant.
    wanted
        Which terms may be listed; None for all.
    rates
        Whether y is a rate of change: then what stands in these is listed besides.
    """
    listed, seen = list[_Candidate](), set[bytes]()
    values, slopes = list[Floats](), list[Floats]()
    nothing = np.zeros(len(rows.y))
    with np.errstate(all="ignore"):
        for item in sorted(
            _candidates(rows, rates), key=lambda candidate: candidate.nats + measured * candidate.constants
        ):
            column = item.values
            if wanted is not None and not wanted(item.tree()):
                continue
            if not _usable(column):
                continue
            unit = column / np.linalg.norm(column)
            key = np.round(unit * np.sign(unit[np.argmax(np.abs(unit))]), _DIGITS).tobytes()
            if key in seen:
                continue
            seen.add(key)
            slope = item.slopes
            listed.append(item)
            values.append(column)
            slopes.append(slope if slope is not None and bounded(slope) else nothing)
            if len(listed) == most:
                break
    charge(TERM * len(listed))
    kinds = {kind: at for at, kind in enumerate(dict.fromkeys(item.kind for item in listed))}
    trees = tuple(item.tree() for item in listed)
    return Library(
        trees,
        np.column_stack(values),
        np.column_stack(slopes),
        np.array([item.nats for item in listed]),
        np.array([item.constants for item in listed], dtype=np.intp),
        np.array([kinds[item.kind] for item in listed], dtype=np.intp),
        np.array([all(part.algebraic for part in item.parts) for item in listed]),
    )


def _candidates(rows: SplitRows, rates: bool) -> Iterator[_Candidate]:
    """All terms of the language, in no order."""
    monomials = sorted(_monomials(rows), key=lambda monomial: monomial.nats)
    plain, composed, scaled, paired = _factors(rows)
    yield _Candidate(lambda: Number(1), (monomials[0],), OPERATOR_NATS + NUMBER_NATS)
    for monomial in monomials[1:]:
        yield _term(monomial)
    short = [monomial for monomial in monomials if monomial.nats <= _BESIDE_NATS]
    linear = short[: 1 + len(rows.names)]
    simple = [
        monomial for monomial in monomials if len(monomial.columns) <= 1 and monomial.nats <= _BESIDE_NATS
    ]
    still = [item for item in paired if not item.constants]
    shares = [item for item in scaled if item.kind.split("|")[0] in _REST_OF]
    other = [item for item in scaled if item not in shares]
    beside = (
        (plain, short),
        (shares, short),
        (other, linear),
        (composed, linear),
        (paired, linear[:1]),
        (still, simple[1:]),
    )
    if rates:
        columns = _columns(rows)
        own = [f for column in columns for f in _of_rates(column, rows)]
        pairs = [*itertools.combinations(columns, 2)]
        distances = [f for pair in pairs for f in _of_distance(*pair, rows)]
        weighted = [f for pair in pairs for f in _of_shares(*pair, rows)]
        beside = (*beside, (own, linear), (distances, linear[:1]), (weighted, short))
    for factors, before in beside:
        for factor, item in itertools.product(factors, before):
            yield _term(factor) if item is monomials[0] else _term(item, factor)
    products = [*plain, *[item for item in scaled if item.kind.split("|")[0] in _IN_PRODUCTS][::_THINNED]]
    for one, other in itertools.combinations(products, 2):
        if not one.columns & other.columns or {item.kind.split("|")[0] for item in (one, other)} == _WAVES:
            yield _term(one, other)


def _term(*parts: ColumnFunction) -> _Candidate:
    """A product of functions with a factor before it."""
    length = sum(part.nats for part in parts) + OPERATOR_NATS * (len(parts) + 1) + NUMBER_NATS
    return _Candidate(lambda: product(*(part.tree for part in parts)), parts, length)


# Products before a plain function may take so many nats: a square, or two columns.
_BESIDE_NATS = 5.3


def _monomials(rows: SplitRows) -> Iterator[ColumnFunction]:
    """Products of powers of columns, one among them."""
    names = rows.names
    variables = [Variable(name) for name in names]
    sets = [[*range(_DEGREE + 1)] for _ in names]
    exponents: list[tuple[float, ...]] = [
        combination for combination in itertools.product(*sets) if sum(combination) <= _DEGREE
    ]
    for at, name in enumerate(names):
        if name not in rows.positive:
            continue
        # Nothing, another column, its square, or two others.
        others = [
            combination
            for combination in itertools.product(*sets)
            if sum(combination) <= 2 and not combination[at]
        ]
        exponents += [
            tuple(float(power) if k == at else part for k, part in enumerate(rest))
            for power in _OTHER_POWERS
            for rest in others
        ]
    for exponent in exponents:
        tree = powers(variables, [float(power) for power in exponent]) if any(exponent) else Number(1)
        values = np.prod(rows.X ** np.array(exponent, dtype=float), axis=1)
        used = frozenset(name for name, power in zip(names, exponent, strict=True) if power)
        yield ColumnFunction(
            tree, values, _nats(tree, rows) if any(exponent) else 0.0, str(exponent), 0, used, algebraic=True
        )


def _factors(
    rows: SplitRows,
) -> tuple[list[ColumnFunction], list[ColumnFunction], list[ColumnFunction], list[ColumnFunction]]:
    """Functions of a column, of a function of one, with a constant inside, and of two columns."""
    columns = _columns(rows)
    plain = [f for column in columns for f in _applied(PLAIN, column, rows)]
    composed = [f for inner in plain for f in _applied(AROUND, inner, rows)]
    scaled = [f for column in columns for f in _scaled(column, rows)]
    pairs = list[ColumnFunction]()
    for one, other in itertools.combinations(columns, 2):
        both = one.columns | other.columns
        minus = one.tree - other.tree
        for tree, values in (
            (one.tree * other.tree, one.values * other.values),
            (one.tree + other.tree, one.values + other.values),
            (minus, one.values - other.values),
        ):
            inner = ColumnFunction(tree, values, 0.0, str(tree), 0, both)
            pairs += [*_applied(PLAIN, inner, rows), *_scaled(inner, rows, _OF_PAIRS, _THINNED)]
    return plain, composed, scaled, pairs


def _applied(functions: Sequence[str], inner: ColumnFunction, rows: SplitRows) -> Iterator[ColumnFunction]:
    for text in functions:
        tape = Tape(read(text, ("u",)), ("u",))
        values = tape.value(tape.start, inner.values[:, None])
        if _varies(values):
            tree = replaced(tape.tree, {"u": inner.tree})
            plain = len(inner.columns) > 1 and text in _WHOLE_POWERS
            kind = f"{text}|{inner.kind}"
            yield ColumnFunction(tree, values, _nats(tree, rows), kind, 0, inner.columns, algebraic=plain)


def _scaled(
    inner: ColumnFunction, rows: SplitRows, among: frozenset[str] | None = None, thinned: int = 1
) -> Iterator[ColumnFunction]:
    for text, grid in SCALED:
        if among is not None and text not in among:
            continue
        length = _nats(replaced(read(text, ("u", "k")), {"u": inner.tree, "k": Number(_SOME)}), rows)
        for item in (text, _REST_OF[text]) if text in _REST_OF else (text,):
            form = read(item, ("u", "k"))
            for k in np.sort(grid(inner.values))[::thinned].tolist():
                at = replaced(form, {"k": Number(float(k))})
                yield from _listed(at, {"u": inner}, f"{item}|{inner.kind}", length)


def _columns(rows: SplitRows) -> list[ColumnFunction]:
    return [
        ColumnFunction(Variable(name), x, 0.0, name, 0, frozenset((name,)))
        for name, x in zip(rows.names, rows.X.T, strict=True)
    ]


def _of_rates(inner: ColumnFunction, rows: SplitRows) -> Iterator[ColumnFunction]:
    for text, grid in OF_RATES:
        constants = grid(inner.values)
        names = ("k", "c")[: constants.shape[1]]
        form = read(text, ("u", *names))
        some = {name: Number(_SOME + at) for at, name in enumerate(names)}
        length = _nats(replaced(form, {"u": inner.tree, **some}), rows)
        for own in constants.tolist():
            at = replaced(form, {name: Number(value) for name, value in zip(names, own, strict=True)})
            yield from _listed(at, {"u": inner}, f"{text}|{inner.kind}", length)


def _of_distance(one: ColumnFunction, other: ColumnFunction, rows: SplitRows) -> Iterator[ColumnFunction]:
    inner, far = {"u": one, "v": other}, read("sqrt(u^2 + v^2)", ("u", "v"))
    for text in _OF_DISTANCE:
        form = read(text, ("r",))
        # A distance is as common as a sum.
        length = _nats(replaced(form, {"r": one.tree + other.tree}), rows)
        form, kind = replaced(form, {"r": far}), f"{text}|{one.kind},{other.kind}"
        yield from _listed(form, inner, kind, length)
        for component in inner:
            along = product(Variable(component), form)
            yield from _listed(along, inner, f"{component}|{kind}", length + OPERATOR_NATS + math.log(2))


def _of_shares(one: ColumnFunction, other: ColumnFunction, rows: SplitRows) -> Iterator[ColumnFunction]:
    """One over a weighted sum."""
    if not {name for item in (one, other) for name in item.columns} <= rows.positive:
        return
    form = read(_OF_SHARES, ("u", "v", "k"))
    length = _nats(replaced(form, {"u": one.tree, "v": other.tree, "k": Number(_SOME)}), rows)
    scale = float(np.abs(other.values).max() / np.abs(one.values).max())
    for weight in _WEIGHTS:
        at = replaced(form, {"k": Number(weight * scale)})
        yield from _listed(at, {"u": one, "v": other}, f"{_OF_SHARES}|{one.kind},{other.kind}", length)


def _listed(
    form: Node, inner: dict[str, ColumnFunction], kind: str, length: float
) -> Iterator[ColumnFunction]:
    """A function at its constants, if it varies; its slopes are those in the first of them."""
    tape = Tape(form, tuple(inner))
    values, slopes = tape.jacobian(
        tape.start, np.column_stack([function.values for function in inner.values()])
    )
    if _varies(values):
        tree = replaced(form, {name: function.tree for name, function in inner.items()})
        columns = frozenset[str]().union(*(function.columns for function in inner.values()))
        yield ColumnFunction(
            tree, values, length, kind, tape.size, columns, slopes[:, 0] if tape.size else None
        )


def _varies(values: Floats) -> bool:
    return _usable(values) and bool(np.ptp(values) > _FLATTEST_SHARE * np.abs(values).max())


def _usable(values: Floats) -> bool:
    sizes = np.abs(values)
    size = float(sizes.max())
    return _SMALLEST_VALUE < size < _LARGEST_VALUE and bool(np.median(sizes) > _MEDIAN_SHARE * size)


def _nats(tree: Node, rows: SplitRows) -> float:
    return nats(from_tree(tree, rows.names), rows)
