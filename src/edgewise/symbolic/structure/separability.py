"""Columns that enter by a factor or a term of their own: y = A(x) R(rest) or y = A(x) + R(rest).

The derivatives show where (F_i / F, or F_i, depends on x_i alone); a polynomial in x_i beside one in the rest, fitted to
the data at once, then gives A itself, and the library says which closed form that is. How far the relations may miss is what
the slopes' doubt explains, so noise needs no moves of its own: `cross_validated_reduction` takes these, with more doubt.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, Variable, substitute
from edgewise.symbolic.expressions.algebra import replaced
from edgewise.symbolic.expressions.nodes import coefficient, floats, number
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.fitting.rounding import exact_number
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.chebyshev_surrogate import (
    HIGHEST_DEGREE,
    coordinates,
    design,
    logarithmic,
    terms,
)
from edgewise.symbolic.structure.direct_candidates import curve_tree
from edgewise.symbolic.structure.moves import (
    AS_NEAR_TIMES,
    EXACT_MISS,
    LOOSE_MISS,
    NEARLY_EXACT_MISS,
    STRICT_MISS,
    WHOLE_DOUBTS,
    SlopeView,
)
from edgewise.symbolic.structure.state import TOO_LARGE, Move, State, power, powers, product
from edgewise.symbolic.univariate.closed_forms import fit_curve
from edgewise.symbolic.univariate.search import CURVE_ROWS, one_variable

# How near the exponent of a factor must be to a half of a whole number, and the largest.
_FACTOR_MISS = 0.1
_LARGEST_FACTOR = 6.0
# What a term with a given exponent may miss, in medians of what it leaves.
_TERM_MEDIANS = 1.5
# A part of y in a column that is known no better is not read.
_PART_DOUBT = 0.1
# The polynomial that stands for a part, and terms at most of the one of the other columns beside it.
PART_DEGREE = 14
_OTHER_TERMS = 300
# Points of a part, and closed forms of it that are tried.
_PART_POINTS = 200
_PART_FORMS = 3
# Work on those of more than one function.
PART_WORK = 0.33
# What a form may leave, in what is not known of the part, and as a share of it where that is known to rounding.
_LOOSE_DOUBTS = 100.0
_LEAST_SHARE = 1e-5
# Where the best form leaves more, in the same, those of more than one function are looked for.
_UNCLEAR_DOUBTS = 10.0
# How near a number in it must be to a simple one to be it, as a share.
_NUMBER_NEARNESS = 1e-5


@proposes("separations")
def separations(state: State, view: SlopeView) -> Iterator[Move]:
    """Moves that take a factor or a term of one feature out of the target."""
    if len(view.names) < 2:
        return
    for at in range(len(view.names)):
        slope, value = view.gradient[:, at], view.value
        size = float(np.sqrt(np.mean(slope**2))) + 1e-300
        allowed = view.allowed(NEARLY_EXACT_MISS, LOOSE_MISS, WHOLE_DOUBTS)
        if _depends(view.X[:, at], np.ones_like(value), slope) <= allowed * size:
            yield from _moves(state, at, logs=False)
        one_signed = bool((state.rows.y > 0).all() or (state.rows.y < 0).all())
        if one_signed and _depends(view.X[:, at], value, slope) <= allowed * size:
            yield from _moves(state, at, logs=True)


# Functions a feature may enter by as a factor, as they stand.
_FACTORS = (
    "cos(x)", "sin(x)", "tan(x)", "cos(x/2)", "sin(x/2)", "exp(x)", "exp(-x)", "exp(-x^2/2)", "exp(-x^2)", "log(x)",
    "1 + x", "1 - x", "1 + x^2", "1 - x^2", "sqrt(1 - x^2)", "sqrt(1 + x^2)",
)  # fmt: skip


@proposes("factors")
def factors(view: SlopeView) -> Iterator[Move]:
    """Factors that are known functions of one feature: F_i f = F f'. They may change sign, unlike other factors."""
    if len(view.names) < 2:
        return
    for at, name in enumerate(view.names):
        rest = tuple(other for other in view.names if other != name)
        if view.one_signed(at):
            yield from _power_factor(view, at, rest)
        for tree, (value, slope) in zip(_trees(), _values(view.X[:, at]), strict=True):
            for exponent in (1.0, -1.0, 2.0, -2.0):
                left, right = view.gradient[:, at] * value, exponent * view.value * slope
                size = float(np.median(np.abs(left) + np.abs(right)))
                residual = float(np.median(np.abs(left - right))) / (size + 1e-300)
                if np.isfinite(residual) and residual <= view.allowed(EXACT_MISS, LOOSE_MISS):
                    yield Move("factor", rest, power(substitute(tree, "x", name), exponent), None, residual)


def _power_factor(view: SlopeView, at: int, rest: tuple[Node, ...]) -> Iterator[Move]:
    """A power of one feature: x_i F_i = p F."""
    left = view.gradient[:, at] * view.X[:, at]
    slope = float(left @ view.value / (view.value @ view.value))
    exponent = round(2 * slope) / 2
    if exponent == 0 or abs(exponent) > _LARGEST_FACTOR or abs(slope - exponent) > _FACTOR_MISS:
        return
    right = exponent * view.value
    residual = float(np.median(np.abs(left - right)) / (np.median(np.abs(left) + np.abs(right)) + 1e-300))
    if residual <= view.allowed(NEARLY_EXACT_MISS, LOOSE_MISS):
        yield Move("factor", rest, power(view.names[at], exponent), None, residual)


@cache
def _trees() -> tuple[Node, ...]:
    return tuple(read(text, ("x",)) for text in _FACTORS)


def _values(x: Floats) -> Iterator[tuple[Floats, Floats]]:
    step = 1e-6 * np.ptp(x)
    for tree in _trees():
        tape = Tape(tree, ("x",))
        with np.errstate(all="ignore"):
            up, down, here = (tape.value(tape.start, (x + move)[:, None]) for move in (step, -step, 0.0))
            yield here, (up - down) / (2 * step)


@proposes("monomial terms")
def monomials(view: SlopeView) -> Iterator[Move]:
    """Products of powers that are terms of y and hold a feature that nothing else does: F_i is a product of powers."""
    clear = [at for at in range(len(view.names)) if view.one_signed(at)]
    if len(view.names) < 2 or not clear:
        return
    logs = np.column_stack([np.log(np.abs(view.X[:, clear])), np.ones(len(view.X))])
    for at in clear:
        slope = view.gradient[:, at]
        if not ((slope > 0).all() or (slope < 0).all()):
            continue
        weights = linear_fit(logs, np.log(np.abs(slope)))
        exponents = np.round(2 * weights[:-1]) / 2
        off = np.log(np.abs(slope)) - logs[:, :-1] @ exponents
        residual = _TERM_MEDIANS * float(np.median(np.abs(off - np.median(off))))
        if not residual <= view.allowed(NEARLY_EXACT_MISS, STRICT_MISS):
            continue
        exponents[clear.index(at)] += 1
        if exponents[clear.index(at)] == 0:
            continue
        term = powers([view.names[item] for item in clear], list(exponents))
        weight = float(np.sign(slope[0]) * np.exp(np.median(off))) / exponents[clear.index(at)]
        if view.X[0, at] < 0:
            continue
        for lead, exact in _numbers(weight, max(AS_NEAR_TIMES * residual, 1e-9)):
            rest = tuple(name for place, name in enumerate(view.names) if place != at)
            yield Move("term", rest, None, product(lead, term), residual, exact)


def _numbers(value: float, width: float) -> Iterator[tuple[Node, bool]]:
    """The exact number a weight could be, then the weight itself."""
    found = exact_number(value, width * abs(value) / 4)
    if found is not None:
        yield to_tree(found), True
    yield Number(value), False


def _depends(x: Floats, scale: Floats, slope: Floats) -> float:
    """What a function of x times `scale` leaves of the slope, root mean square."""
    unit = 2 * (x - x.min()) / np.ptp(x) - 1
    table = np.polynomial.chebyshev.chebvander(unit, 8) * scale[:, None]
    left = slope - table @ linear_fit(table, slope)
    return float(np.sqrt(np.mean(left**2)))


def _moves(state: State, at: int, *, logs: bool) -> Iterator[Move]:
    x, part, accuracy = _part(state, at, logs=logs)
    if not accuracy <= _PART_DOUBT:
        return
    if logs:
        part = np.exp(part - part.mean())
    if not np.isfinite(part).all() or np.abs(part).max() > TOO_LARGE:
        return
    name = Variable(state.rows.names[at])
    rest = tuple(Variable(item) for item in state.rows.names if item != name.name)
    order = np.argsort(x)[:: max(len(x) // _PART_POINTS, 1)]
    kind = "factor" if logs else "term"
    for residual, tree in _closed(x[order], part[order], accuracy):
        plain, exact = _cleaned(tree, drop=logs)
        made = substitute(plain, "x", name)
        yield Move(kind, rest, made if logs else None, None if logs else made, residual=residual, exact=exact)


def _cleaned(tree: Node, *, drop: bool) -> tuple[Node, bool]:
    """The shortest writing with constants that are plainly exact, without its weight where that carries no information."""
    expression = shortest(from_tree(tree, ("x",)), ("x",))
    if not expression.real:
        return tree, False
    if drop:
        expression = coefficient(expression)[1]
    simple = {
        number(value): exact
        for value in floats(expression)
        if (exact := exact_number(value, _NUMBER_NEARNESS * abs(value))) is not None
    }
    expression = replaced(expression, simple)
    return to_tree(expression), not expression.measured


def _closed(x: Floats, y: Floats, accuracy: float) -> Iterator[tuple[float, Node]]:
    """Closed forms of a curve in x, the best few."""
    allowed = max(_LOOSE_DOUBTS * accuracy, _LEAST_SHARE)
    forms = fit_curve(x, y, accuracy=accuracy, top=_PART_FORMS)
    found = [form for form in forms if form.residual <= allowed]
    yield from ((equation.residual, curve_tree(equation, Variable("x"))) for equation in found)
    if len(x) >= CURVE_ROWS and (not found or found[0].residual > _UNCLEAR_DOUBTS * accuracy):
        more = one_variable(x, y, accuracy=max(accuracy, 1e-12), work=PART_WORK, top=_PART_FORMS)
        yield from ((form.residual, form.tree) for form in more if form.residual <= allowed)


def _part(state: State, at: int, *, logs: bool) -> tuple[Floats, Floats, float]:
    """The column, its own part of the target (or of its logarithm) and how accurate that is."""
    rows = state.rows
    y = np.log(np.abs(rows.y)) if logs else rows.y
    x = rows.X[:, at]
    own = np.polynomial.chebyshev.chebvander(2 * (x - x.min()) / np.ptp(x) - 1, PART_DEGREE)[:, 1:]
    others = np.delete(rows.X, at, axis=1)
    u = coordinates(others, logarithmic(others))
    unit = 2 * (u - u.min(axis=0)) / np.ptp(u, axis=0) - 1
    most = min(_OTHER_TERMS, len(y) // 4)
    powers, _ = terms(others.shape[1], most, HIGHEST_DEGREE)
    table = np.column_stack([own, design(unit, powers)])
    weights = linear_fit(table, y, rcond=1e-12)
    left = float(np.sqrt(np.mean((y - table @ weights) ** 2)))
    part = own @ weights[: own.shape[1]]
    return x, part, max(left / (float(part.std()) + 1e-300), 1e-12)
