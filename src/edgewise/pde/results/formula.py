"""The closed form of a solution, inserted into the equations and conditions that it has to meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from edgewise._core.arguments import check_text
from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter
from edgewise.forms.tree import render
from edgewise.pde.discretisation.faces import outward
from edgewise.pde.domains.curves import Curve
from edgewise.pde.domains.region import Rim
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.closed_form import SampledFunction, closed_form
from edgewise.pde.results.exact import exact_bound, numbers_of
from edgewise.pde.results.tables import Tables
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import Expr
from edgewise.pde.terms.text import read_term
from edgewise.symbolic.expressions.parse import from_sympy

_LONGEST = 400
_DIGITS = 40
_PLACES = 200
# Along a curve of the boundary.
_WAY = sp.Symbol("_way", real=True)
# Values that cannot be more accurate, or need not be.
_BEST, _WORST = 1e-12, 1e-4


@dataclass(frozen=True)
class Insertion:
    """What an equation or a condition leaves once the formulas are in it.

    Attributes
    ----------
    text : str
        The equation; of a condition with its part of the boundary.
    how : str
        "zero": nothing, by the rules of algebra; "digits": nothing in 30 digits at random places; "numbers": no more
        than rounded constants explain; "not zero".
    residual : float
        Root mean square at random places, relative to the terms.
    """

    text: str
    how: str
    residual: float


@dataclass(frozen=True, eq=False)
class SolutionFormula:
    """Closed forms of a solution; `str` of it writes them.

    Attributes
    ----------
    expressions : dict of str to sympy expression
        By unknown (or by the term that was asked for), over real symbols with the names of the coordinates; what has no
        closed form that was found is not there.
    distances : dict of str to float
        Relative L2 distance from the solution.
    insertions : tuple of Insertion
        What the equations, conditions and periods leave; empty where an unknown has no formula.
    checked : bool
        Whether the formulas meet every one of them exactly.
    message : str
    stop_reason : StopReason
        "exact" where `checked`, else "exhausted".
    seconds : float
    """

    expressions: dict[str, Any]
    distances: dict[str, float]
    insertions: tuple[Insertion, ...]
    checked: bool
    message: str
    stop_reason: StopReason
    seconds: float

    @property
    def texts(self) -> dict[str, str]:
        """The formulas as text that `read_term` and `edgewise.symbolic.parse_formula` read."""
        return {name: render(from_sympy(expression)) for name, expression in self.expressions.items()}

    @property
    def residuals(self) -> dict[str, float]:
        """What each equation and condition leaves, relative to its terms."""
        return {insertion.text: insertion.residual for insertion in self.insertions}

    def __str__(self) -> str:
        lines = [f"{name} = {text}" for name, text in self.texts.items()]
        return "\n".join([*lines, self.message])

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return {
            "formulas": self.texts,
            "distances": dict(self.distances),
            "checked": self.checked,
            "residuals": self.residuals,
            "how": {insertion.text: insertion.how for insertion in self.insertions},
            **fields(self, "message", "stop_reason", "seconds"),
        }


def formula_of(
    problem: Problem,
    pieces: Tables,
    errors: Mapping[str, float],
    of: str | None,
    work: str | float,
) -> SolutionFormula:
    """Closed forms of all unknowns of a solution, or of one term in them."""
    meter = Meter()
    # A closed form holds everywhere if it holds in a box.
    bounds = problem.domain.inner_box
    if bounds is None:
        raise InputError(
            "Closed forms are looked for on boxes and plane shapes. On solids and surfaces take values, "
            "solution.evaluate(...), and find_formula of them."
        )
    exact = numbers_of(problem)
    symbols = tuple(coordinate.tree for coordinate in problem.domain.coordinates)
    names = [*problem.names] if of is None else [check_text(of, "of")]
    expressions: dict[str, Any] = {}
    distances: dict[str, float] = {}
    for name in names:
        error = max(errors.values()) if of is not None else errors[name]
        accuracy = min(max(error if np.isfinite(error) else _WORST, _BEST), _WORST)
        samples = SampledFunction(symbols, bounds, _values(problem, pieces, name), accuracy)
        found = closed_form(samples, exact, work)
        if found is not None:
            expressions[name], distances[name] = found.expression, found.distance
    complete = of is None and len(expressions) == len(names)
    insertions = inserted(problem, expressions) if complete else ()
    checked = complete and all(insertion.how in ("zero", "digits") for insertion in insertions)
    message = _message(names, expressions, insertions, complete)
    ended = StopReason.EXACT if checked else StopReason.EXHAUSTED
    return SolutionFormula(expressions, distances, insertions, checked, message, ended, meter.seconds)


def _values(problem: Problem, pieces: Tables, name: str) -> Any:
    if name in problem.names:
        return lambda at: pieces.grid(problem.names.index(name), at)
    known = {field.func.__name__: field for field in problem.fields}
    places = {str(coordinate.tree): coordinate for coordinate in problem.domain.coordinates}
    letters = {item: sp.Symbol(f"_{n}", real=True) for n, item in enumerate(known)}
    term = read_term(name, {**places, **{item: Expr(letter) for item, letter in letters.items()}})
    function = sp.lambdify(
        [*letters.values(), *(place.tree for place in places.values())], term.tree, ["scipy", "numpy"]
    )

    def grid(at: Sequence[Floats]) -> Floats:
        values = [pieces.grid(problem.names.index(letter), at) for letter in letters]
        places = np.meshgrid(*at, indexing="ij")
        return np.broadcast_to(np.asarray(function(*values, *places), dtype=float), places[0].shape)

    return grid


def inserted(problem: Problem, expressions: Mapping[str, Any]) -> tuple[Insertion, ...]:
    """What equations, conditions and periods leave of formulas."""
    domain = problem.domain
    symbols = [coordinate.tree for coordinate in domain.coordinates]
    put = {field: expressions[name] for name, field in zip(problem.names, problem.fields, strict=True)}
    found = [_judged(repr(equation), equation.residual, put, problem, {}) for equation in problem.equations]
    for condition in problem.conditions:
        for face in condition.part.faces:
            if isinstance(face, Rim):
                shape: Any = domain.shape
                curve, plane = shape.curves[face.number], symbols[:2]
                residual, at = _on_curve(condition.equation.residual, curve, plane)
            else:
                symbol = symbols[face.axis]
                residual = outward(condition.equation.residual, face, symbol)
                at = {symbol: exact_bound(domain.bounds[face.axis][1 if face.high else 0])}
            found.append(_judged(f"{condition.equation!r} on '{face.name}'", residual, put, problem, at))
    for symbol, (low, high), around in zip(symbols, domain.bounds, domain.periodic, strict=True):
        for name, expression in expressions.items() if around else ():
            apart = expression.subs(symbol, exact_bound(low)) - expression.subs(symbol, exact_bound(high))
            found.append(_judged(f"{name} repeats along {symbol}", apart, {}, problem, {}))
    return tuple(found)


def _on_curve(residual: Any, curve: Curve, symbols: Sequence[Any]) -> tuple[Any, dict[Any, Any]]:
    """The residual with dn(...) as the derivative out of a curve, and the places of the curve."""
    start, across, up = (
        [exact_bound(round(item, 14)) for item in pair] for pair in (curve.center, curve.across, curve.up)
    )
    if curve.straight:
        places = [a + b * _WAY for a, b in zip(start, across, strict=True)]
    else:
        places = [a + b * sp.cos(_WAY) + c * sp.sin(_WAY) for a, b, c in zip(start, across, up, strict=True)]
    ahead = 1 if curve.straight or curve.last > curve.first else -1
    along = [ahead * sp.diff(place, _WAY) for place in places]
    length = sp.sqrt(sp.simplify(along[0] ** 2 + along[1] ** 2))
    normal = sp.symbols("_nx _ny", real=True)

    def derived(inner: Any) -> Any:
        return sum(n * sp.diff(inner, s) for n, s in zip(normal, symbols, strict=True))

    at = dict(zip((*symbols, *normal), (*places, along[1] / length, -along[0] / length), strict=True))
    return residual.replace(NORMAL, derived).doit(), at


def _judged(
    text: str, residual: Any, put: Mapping[Any, Any], problem: Problem, at: Mapping[Any, Any]
) -> Insertion:
    terms = [argument.subs(put).doit().subs(at) for argument in sp.Add.make_args(residual)]
    whole = sp.Add(*terms)
    sizes = put.values() if at else ()
    measured = _measured(whole, [*terms, *sizes], problem)
    if not whole.atoms(sp.Float) and _zero_in_digits(whole, terms, problem):
        return Insertion(text, "zero" if is_zero(whole) else "digits", measured)
    close = measured < 1e-6 and bool(whole.atoms(sp.Float))
    return Insertion(text, "numbers" if close else "not zero", measured)


def is_zero(expression: Any) -> bool:
    """Whether algebra shows that an expression vanishes."""
    plain = sp.expand(expression)
    if plain == 0:
        return True
    if plain.atoms(sp.Float):
        return False
    # Of waves and exponentials, and their quotients, the products of exponentials are a normal form.
    above = sp.fraction(sp.together(plain.rewrite(sp.exp)))[0]
    if sp.expand(above) == 0:
        return True
    return sp.count_ops(plain) <= _LONGEST and bool(sp.simplify(plain) == 0)


def _places(problem: Problem, count: int) -> Floats:
    """Places inside the domain, of fixed seed."""
    r = np.random.default_rng(0)
    own = [r.uniform(low, high, count) for low, high in problem.domain.bounds]
    return np.stack([*own, r.uniform(0, 1, count)], axis=1)


def _measured(whole: Any, terms: Sequence[Any], problem: Problem) -> float:
    """Root mean square of a residual, relative to its terms."""
    symbols = [*(coordinate.tree for coordinate in problem.domain.coordinates), _WAY]
    at = _places(problem, _PLACES).T
    function = sp.lambdify(symbols, [whole, *terms], ["scipy", "numpy"])
    with np.errstate(all="ignore"):
        sizes = [float(np.sqrt(np.mean(np.square(item)))) for item in function(*at)]
    missed, *parts = sizes
    return missed / max([*parts, 1e-300])


def _zero_in_digits(whole: Any, terms: Sequence[Any], problem: Problem) -> bool:
    symbols = [*(coordinate.tree for coordinate in problem.domain.coordinates), _WAY]
    for place in _places(problem, 3):
        at = {symbol: sp.Rational(str(round(value, 6))) for symbol, value in zip(symbols, place, strict=True)}
        left = abs(sp.N(whole.subs(at), _DIGITS))
        size = max((abs(sp.N(term.subs(at), _DIGITS)) for term in terms), default=sp.Integer(1))
        if not left <= sp.Float("1e-30") * max(size, sp.Float("1e-10")):
            return False
    return True


def _message(
    names: Sequence[str], expressions: Mapping[str, Any], insertions: Sequence[Insertion], complete: bool
) -> str:
    missing = [name for name in names if name not in expressions]
    if missing:
        return f"No closed form of {', '.join(missing)} was found; it may have none."
    if not complete:
        return "Compared with the solution only: equations are in the unknowns themselves."
    if all(insertion.how == "zero" for insertion in insertions):
        return "The equations and conditions hold exactly, by algebra."
    if all(insertion.how in ("zero", "digits") for insertion in insertions):
        return "The equations and conditions hold: by algebra, or in 30 digits at random places."
    worst = max(insertions, key=lambda insertion: (insertion.how == "not zero", insertion.residual))
    if worst.how == "not zero":
        return (
            f"It is close to the solution, and not the solution: '{worst.text}' leaves "
            f"{worst.residual:.1e} of its terms."
        )
    return (
        f"The equations and conditions hold up to {worst.residual:.1e} of their terms: constants of the formulas are "
        "measured, not exact."
    )
