"""Conditions on the faces of a box: those that a space of splines can have built in, and the others.

Built in is what has one unknown and its derivatives across the face with constant weights: u == g, dn(u) == g,
dn(u) + 2*u == g, dx(u, x) == g. The rest (tangential derivatives, several unknowns, products) becomes rows of the least
squares problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.errors import InputError
from edgewise.fields.space import EndCondition
from edgewise.pde.domains.parts import Face
from edgewise.pde.problem.jets import Compiled, Evaluate, compile_equations
from edgewise.pde.problem.problem import Problem
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import NormalSymbol


@dataclass(frozen=True, eq=False)
class BuiltIn:
    """A condition on one unknown that its space has built in.

    Attributes
    ----------
    field : int
    face : Face
    end : EndCondition
    data : callable
        (coordinates) -> what the condition is to give.
    """

    field: int
    face: Face
    end: EndCondition
    data: Evaluate


@dataclass(frozen=True, eq=False)
class Weak:
    """Conditions on a face that are met in the mean."""

    face: Face
    compiled: Compiled


@dataclass(frozen=True, eq=False)
class FaceConditions:
    """All conditions of a problem on a box, face by face."""

    built_in: tuple[BuiltIn, ...]
    weak: tuple[Weak, ...]


def face_conditions(problem: Problem) -> FaceConditions:
    """The conditions, sorted into those built in and those met in the mean."""
    built_in: list[BuiltIn] = []
    weak: list[Weak] = []
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    taken: dict[tuple[Any, ...], tuple[Any, Any]] = {}
    for condition in problem.conditions:
        for face in condition.part.faces:
            residual = outward(condition.equation.residual, face, symbols[face.axis])
            strong, known = _built_in(residual, face, problem)
            if strong is None:
                weak.append(Weak(face, compile_equations([residual], problem.fields, symbols)))
                continue
            # Conditions are the same for an unknown where their weights are the same up to a factor.
            weights = strong.end.weights
            key = (strong.field, face.axis, face.high, tuple(w / weights[-1] for w in weights))
            wanted = sp.simplify(known / sp.Float(weights[-1]))
            if key not in taken:
                taken[key] = (wanted, condition.equation)
                built_in.append(strong)
            elif abs(sp.N((wanted - taken[key][0]).subs(_somewhere(problem)))) > 1e-9:
                raise InputError(
                    f"The conditions '{taken[key][1]!r}' and '{condition.equation!r}' on '{face.name}' "
                    f"contradict each other; "
                    "leave one of them out."
                )
    return FaceConditions(tuple(built_in), tuple(weak))


def outward(residual: Any, face: Face, symbol: Any) -> Any:
    """The residual with dn(...) as the derivative out of the face, and the normal as numbers."""
    sign = 1 if face.high else -1

    def derived(inner: Any) -> Any:
        return sign * sp.diff(inner, symbol)

    parts = {n: sign if n.name == f"n_{symbol.name}" else 0 for n in residual.atoms(NormalSymbol)}
    return residual.xreplace(parts).replace(NORMAL, derived).doit()


def _built_in(residual: Any, face: Face, problem: Problem) -> tuple[BuiltIn | None, Any]:
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    symbol, at = symbols[face.axis], problem.domain.bounds[face.axis][1 if face.high else 0]
    fields = {f for f in residual.atoms(AppliedUndef) if f in problem.fields}
    if len(fields) != 1:
        return None, None
    (field,) = fields
    letters: dict[Any, Any] = {}
    order_of: dict[Any, int] = {}
    trees: list[Any] = [*residual.atoms(sp.Derivative), field]
    for tree in trees:
        if isinstance(tree, sp.Derivative):
            if tree.expr != field or any(s != symbol for s, _ in _counts(tree)):
                return None, None
            order = int(sum(count for _, count in _counts(tree)))
        else:
            order = 0
        letter = sp.Symbol(f"_d{order}", real=True)
        letters[tree], order_of[letter] = letter, order
    derivatives = sorted(letters, key=lambda tree: not isinstance(tree, sp.Derivative))
    plain = residual.xreplace({tree: letters[tree] for tree in derivatives}).subs(symbol, sp.Float(at))
    weights = [0.0] * (max(order_of.values()) + 1)
    for letter, order in order_of.items():
        slope = sp.simplify(sp.diff(plain, letter))
        if not slope.is_number:
            return None, None
        weights[order] = float(slope)
    if not any(weights):
        return None, None
    while not weights[-1]:
        weights.pop()
    known = -plain.subs(dict.fromkeys(order_of, 0))
    if known.free_symbols - set(symbols):
        return None, None
    data = sp.lambdify(symbols, known, modules=["scipy", "numpy"])
    found = BuiltIn(problem.fields.index(field), face, EndCondition(face.high, tuple(weights)), data)
    return found, known


def _counts(derivative: Any) -> Any:
    """Which symbols a derivative is taken in, and how often."""
    return derivative.variable_count


def _somewhere(problem: Problem) -> dict[Any, float]:
    """A place of the domain at which data may be compared, of no special numbers."""
    return {
        coordinate.tree: low + (0.3819 + 0.1 * n) * (high - low)
        for n, (coordinate, (low, high)) in enumerate(
            zip(problem.domain.coordinates, problem.domain.bounds, strict=True)
        )
    }
