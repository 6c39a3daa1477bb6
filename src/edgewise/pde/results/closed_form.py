"""The closed form of a function that is known by its values: products of functions of one coordinate, else any formula.

The functions of each coordinate are spanned by few curves (the singular vectors of the table of values along it). Atoms
of that span are read off: exponents of waves and exponentials, or the closed form of single curves. The table is then a
sum of products of atoms, whose coefficients are a linear least squares problem. What is no such sum is searched as
rows of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.linalg import hankel
from scipy.optimize import least_squares

from edgewise._core.arrays import Floats, Ints
from edgewise.fields.quadrature import over_grid
from edgewise.pde.results.exact import Exact
from edgewise.symbolic import find_formula, one_variable, simplify_expression
from edgewise.symbolic.expressions.parse import to_sympy

_MOST = 10
# Exponents that differ by less than this over the whole range may be one that occurs several times: what is read off for
# one of m is wrong by the m-th root of the accuracy.
_SAME = (1.0, 0.3, 0.1, 0.02)
_PLACES = {1: 240, 2: 64, 3: 26, 4: 20}
_MOST_CURVES = 8
# Of the normal work, for one section: the wave of a square takes most of it.
_CURVE_WORK = 0.3
# Sections of more curves are sums that a search of one curve seldom takes apart.
_MOST_SECTIONS = 3
_MOST_ATOMS = 12
_MOST_PRODUCTS = 400
# Without products that are not needed values may be missed by so many times their error more.
_ROOM = 3.0
_ROWS = 400
# How far exact numbers may be from measured ones, the most generous first.
_NEAR = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
# Measured numbers follow the errors of the values, and those are estimates themselves.
_SLACK = 10
# With more measured numbers, or further off, it is a fit and no closed form.
_MOST_FLOATS = 4
_FAR = 1e-2


@dataclass(frozen=True)
class Mode:
    """x^k exp(rate x) times 1, or times cos(wave x) and sin(wave x), for k below `count`."""

    rate: float
    wave: float
    count: int

    def values(self, x: Floats) -> Floats:
        """Columns of the parts at places."""
        waves = [np.cos(self.wave * x), np.sin(self.wave * x)] if self.wave else [np.ones_like(x)]
        return np.stack(
            [x**k * np.exp(self.rate * x) * wave for k in range(self.count) for wave in waves], axis=1
        )

    def atoms(self, x: Any, rate: Any, wave: Any) -> list[Any]:
        """The same as sympy expressions, with the numbers given."""
        waves = [sp.cos(wave * x), sp.sin(wave * x)] if self.wave else [sp.Integer(1)]
        return [x**k * sp.exp(rate * x) * item for k in range(self.count) for item in waves]


def modes_of(x: Floats, curves: Floats, accuracy: float) -> tuple[Mode, ...]:
    """What a few curves are sums of, to ten times their accuracy; empty where they are no such sums.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Equal steps.
    curves : ndarray, shape (n, R)
    accuracy : float
        Relative to the largest curve.
    """
    half, span = len(x) // 2, float(x[-1] - x[0])
    windows = np.hstack([hankel(time[:half], time[half - 1 :]) for time in curves.T])
    left, sizes, _ = np.linalg.svd(windows, full_matrices=False)
    count = int((sizes > 10 * accuracy * sizes[0]).sum())
    if not 0 < count <= min(_MOST, half - 2):
        return ()
    step = np.linalg.lstsq(left[:-1, :count], left[1:, :count], rcond=None)[0]
    factors = np.linalg.eigvals(step)
    if (np.abs(factors) < 1e-12).any():
        return ()
    exponents = np.log(factors.astype(complex)) / (x[1] - x[0])
    bar = 10 * accuracy * float(np.linalg.norm(curves))
    for same in _SAME:
        found = _polished(x, curves, _grouped(exponents, same / span), span)
        if np.linalg.norm(left_of(x, curves, found)) <= bar:
            return found
    return ()


def rounded(
    x: Floats, curves: Floats, modes: Sequence[Mode], accuracy: float, exact: Callable[[float, float], Any]
) -> tuple[list[Any], list[Any]]:
    """Rates and waves read as exact numbers, as generously as the curves allow."""
    span = float(x[-1] - x[0])
    bar = max(
        10 * accuracy * float(np.linalg.norm(curves)), 2 * float(np.linalg.norm(left_of(x, curves, modes)))
    )
    ways = [[[sp.Float(mode.rate), sp.Float(mode.wave)] for mode in modes]]
    for near in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8):
        numbers = [
            [exact(item, near * max(abs(item), 1 / span)) for item in (mode.rate, mode.wave)]
            for mode in modes
        ]
        trial = [
            Mode(float(rate), float(wave), mode.count)
            for (rate, wave), mode in zip(numbers, modes, strict=True)
        ]
        if np.linalg.norm(left_of(x, curves, trial)) <= bar:
            ways.insert(len(ways) - 1, numbers)
    best = min(ways, key=lambda way: sum(item.is_Float for pair in way for item in pair))
    return [rate for rate, _ in best], [wave for _, wave in best]


def _grouped(exponents: NDArray[np.complex128], near: float) -> list[Mode]:
    """Exponents that are the same put together; of conjugate pairs one."""
    left = sorted(exponents, key=lambda exponent: (abs(exponent.imag), exponent.real))
    modes: list[Mode] = []
    while left:
        group = [exponent for exponent in left if abs(exponent - left[0]) < near]
        mean = complex(np.mean(group))
        if abs(mean.imag) < near / 2:
            group = [exponent for exponent in left if abs(exponent - mean.real) < near]
            modes.append(Mode(float(np.mean([item.real for item in group])), 0.0, len(group)))
        elif mean.imag > 0:
            modes.append(Mode(mean.real, mean.imag, len(group)))
        left = [exponent for exponent in left if exponent not in group]
    return modes


def _polished(x: Floats, curves: Floats, modes: Sequence[Mode], span: float) -> tuple[Mode, ...]:
    """Exponents by least squares of the curves themselves."""

    def made(numbers: Floats) -> tuple[Mode, ...]:
        pairs = numbers.reshape(-1, 2) / span
        return tuple(
            Mode(float(rate), float(wave) if mode.wave else 0.0, mode.count)
            for (rate, wave), mode in zip(pairs, modes, strict=True)
        )

    def missed(numbers: Floats) -> Floats:
        return left_of(x, curves, made(numbers)).ravel()

    start = np.array([[mode.rate, mode.wave] for mode in modes]).ravel() * span
    found = least_squares(missed, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=30)
    return made(found.x)


def left_of(x: Floats, curves: Floats, modes: Sequence[Mode]) -> Floats:
    """What the modes leave of the curves."""
    design = np.hstack([mode.values(x) for mode in modes])
    scaled = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    return curves - scaled @ np.linalg.lstsq(scaled, curves, rcond=1e-14)[0]


@dataclass(frozen=True, eq=False)
class SampledFunction:
    """A function by its values.

    Attributes
    ----------
    symbols : tuple of sympy symbols
        The coordinates.
    bounds : tuple of (float, float)
    grid : callable
        Values on the grid of all combinations of places.
    accuracy : float
        Relative error of the values.
    """

    symbols: tuple[Any, ...]
    bounds: tuple[tuple[float, float], ...]
    grid: Callable[[Sequence[Floats]], Floats]
    accuracy: float

    def places(self) -> list[Floats]:
        """Equal steps along every coordinate."""
        return [np.linspace(low, high, _PLACES[len(self.bounds)]) for low, high in self.bounds]


@dataclass(frozen=True)
class ClosedForm:
    """An expression with its relative L2 distance from the values."""

    expression: Any
    distance: float


def closed_form(samples: SampledFunction, exact: Exact, work: str | float = "quick") -> ClosedForm | None:
    """The closed form of a function, or None where none is found.

    Parameters
    ----------
    samples : SampledFunction
    exact : Exact
        What numbers may stand for.
    work : "quick", "normal", "thorough" or float
        How long formulas are searched where products do not do.
    """
    at = samples.places()
    values = samples.grid(at)
    size = float(np.sqrt((values**2).mean()))
    if size == 0:
        return ClosedForm(sp.Integer(0), 0.0)
    for attempt in (_products, _searched):
        found = attempt(samples, at, values / size, exact, work)
        if found is None:
            continue
        bar = _SLACK * max(_distance(samples, at, values / size, found.floats), samples.accuracy)
        ways = dict.fromkeys([*(found.rounded(size, exact, near) for near in _NEAR), size * found.floats])
        forms = [ClosedForm(way, _distance(samples, at, values, way) / size) for way in ways]
        near = [form for form in forms if form.distance <= bar < _FAR]
        best = min(near, key=lambda formula: len(formula.expression.atoms(sp.Float)), default=None)
        if best is not None and len(best.expression.atoms(sp.Float)) <= _MOST_FLOATS:
            return ClosedForm(_shorter(best.expression), best.distance)
    return None


@dataclass(frozen=True)
class _Found:
    """An expression with measured numbers: coefficients of terms, or, where those are None, any floats within."""

    floats: Any
    terms: tuple[tuple[float, Any], ...] | None = None

    def rounded(self, size: float, exact: Exact, near: float) -> Any:
        """Numbers read exactly, with values in their own size."""
        if self.terms is None:
            return _round_all(sp.expand(size * self.floats), exact, near)
        return sp.Add(*(exact(size * c, near * max(abs(size * c), size)) * term for c, term in self.terms))


def _distance(samples: SampledFunction, at: Sequence[Floats], values: Floats, expression: Any) -> float:
    function = sp.lambdify(samples.symbols, expression, modules=["scipy", "numpy"])
    with np.errstate(all="ignore"):
        found = function(*np.meshgrid(*at, indexing="ij", sparse=True))
        distance = float(np.sqrt(np.mean((values - found) ** 2)))
    return distance if np.isfinite(distance) else np.inf


def _products(
    samples: SampledFunction, at: Sequence[Floats], values: Floats, exact: Exact, work: str | float
) -> _Found | None:
    """A sum of products of atoms."""
    atoms: list[list[Any]] = []
    for axis, (symbol, places) in enumerate(zip(samples.symbols, at, strict=True)):
        unfolded = np.moveaxis(values, axis, 0).reshape(len(places), -1)
        own = _atoms(symbol, places, unfolded, samples.accuracy, exact)
        if own is None:
            return None
        atoms.append(own)
    if np.prod([len(own) for own in atoms]) > _MOST_PRODUCTS:
        return None
    tables = [
        np.stack(
            [np.broadcast_to(sp.lambdify(symbol, atom, "numpy")(places), places.shape) for atom in own],
            axis=1,
        )
        for symbol, places, own in zip(samples.symbols, at, atoms, strict=True)
    ]
    core = values
    for table in tables:
        # Each step takes the first axis and puts the result last.
        core = np.tensordot(core, np.linalg.pinv(table, rcond=1e-13), axes=(0, 1))
    weights = [np.sqrt((table**2).mean(axis=0)) for table in tables]
    kept = np.argwhere(np.abs(core) * over_grid(weights) > 10 * samples.accuracy)
    if not len(kept):
        return None
    design = np.stack(
        [over_grid(table[:, n] for table, n in zip(tables, index, strict=True)).ravel() for index in kept],
        axis=1,
    )
    norms = np.linalg.norm(design, axis=0)
    left = _needed(design / norms, values.ravel(), _ROOM * samples.accuracy * np.sqrt(values.size))
    kept, norms, design = kept[left], norms[left], design[:, left]
    coefficients = np.linalg.lstsq(design / norms, values.ravel(), rcond=1e-14)[0] / norms
    terms = [sp.Mul(*(own[n] for own, n in zip(atoms, index, strict=True))) for index in kept]
    pairs = tuple((float(c), term) for c, term in zip(coefficients, terms, strict=True))
    return _Found(sp.Add(*(c * term for c, term in pairs)), pairs)


def _needed(design: Floats, values: Floats, room: float) -> Ints:
    """Columns that are left once those are taken out, one by one, that the values miss the least.

    Products of curves that are much alike share what there is of noise in ever so many ways.
    """
    across, corner = np.linalg.qr(design)
    seen = across.T @ values
    left, spent = np.arange(design.shape[1]), 0.0
    while len(left) > 1:
        inverse = np.linalg.pinv(corner[:, left], rcond=1e-14)
        # What the sum of squares grows by without each column.
        cost = (inverse @ seen) ** 2 / np.maximum((inverse**2).sum(1), 1e-300)
        least = int(cost.argmin())
        spent += float(cost[least])
        if spent > room**2:
            break
        left = np.delete(left, least)
    return left


def _atoms(symbol: Any, x: Floats, table: Floats, accuracy: float, exact: Exact) -> list[Any] | None:
    """Functions of one coordinate that span all curves of a table along it."""
    left, sizes, _ = np.linalg.svd(table, full_matrices=False)
    tails = np.sqrt(np.cumsum(sizes[::-1] ** 2)[::-1])
    count = int((tails > 3 * accuracy * tails[0]).sum())
    if count > _MOST_CURVES:
        return None
    curves = left[:, :count] * (sizes[:count] / sizes[0])
    modes = modes_of(x, curves, accuracy)
    parts = sum(mode.count * (2 if mode.wave else 1) for mode in modes)
    if not modes or parts > 2 * count + 2:
        found = _curve_by_curve(symbol, x, table, sizes, count, accuracy, exact)
        if found is not None or not modes:
            return found
    numbers = zip(modes, *rounded(x, curves, modes, accuracy, exact), strict=True)
    return [atom for mode, rate, wave in numbers for atom in mode.atoms(symbol, rate, wave)]


def _curve_by_curve(
    symbol: Any, x: Floats, table: Floats, sizes: Floats, count: int, accuracy: float, exact: Exact
) -> list[Any] | None:
    """The terms of closed forms of as many sections as there are curves."""
    if count > _MOST_SECTIONS:
        return None
    largest = np.argsort(-np.linalg.norm(table, axis=0))
    sections = largest[np.linspace(0, len(largest) // 2, count).astype(int)] if count > 1 else largest[:1]
    atoms: dict[Any, None] = {}
    for column in table[:, sections].T:
        forms = one_variable(x, column, accuracy=accuracy, work=_CURVE_WORK)
        exacts = [form for form in forms if form.residual <= 10 * accuracy]
        if not exacts:
            return None
        tree: Any = to_sympy(exacts[0].tree, ("x",))
        expression = sp.expand(tree.xreplace({sp.Symbol("x"): symbol}))
        for term in sp.Add.make_args(_round_all(expression, exact, max(30 * accuracy, 1e-9))):
            atoms[term.as_independent(symbol, as_Add=False)[1]] = None
    if not 0 < len(atoms) <= _MOST_ATOMS:
        return None
    columns = np.stack(
        [np.broadcast_to(sp.lambdify(symbol, atom, ["scipy", "numpy"])(x), x.shape) for atom in atoms], axis=1
    )
    left = table - columns @ np.linalg.lstsq(columns, table, rcond=1e-13)[0]
    return list(atoms) if np.linalg.norm(left) <= 30 * accuracy * float(np.linalg.norm(sizes)) else None


def _searched(
    samples: SampledFunction, at: Sequence[Floats], values: Floats, exact: Exact, work: str | float
) -> _Found | None:
    """A formula of any kind, from rows."""
    places = np.stack([item.ravel() for item in np.meshgrid(*at, indexing="ij")], axis=1)
    rows = np.random.default_rng(0).permutation(len(places))[:_ROWS]
    names = [f"x{n}" for n in range(len(at))]
    found = find_formula(places[rows], values.ravel()[rows], names=names, work=work)
    if found.best.error > 100 * samples.accuracy:
        return None
    letters = {sp.Symbol(name): symbol for name, symbol in zip(names, samples.symbols, strict=True)}
    return _Found(found.best.sympy.xreplace(letters))


def _round_all(expression: Any, exact: Exact, tolerance: float) -> Any:
    """Every float of an expression read as an exact number."""
    floats = {
        atom: exact(float(atom), tolerance * max(abs(float(atom)), 1e-3))
        for atom in expression.atoms(sp.Float)
    }
    return expression.xreplace(floats)


def _shorter(expression: Any) -> Any:
    """The shortest of some ways to write an expression."""
    ways = [expression, sp.factor_terms(expression), simplify_expression(expression)]
    if sp.count_ops(expression) < 150 and expression.has(sp.sin, sp.cos):
        ways.append(sp.trigsimp(expression))
    return min(ways, key=lambda way: (sp.count_ops(way), str(way)))
