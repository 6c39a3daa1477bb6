"""Terms and equations as text, "dx(u, t) + u*dx(u, x) = nu*dx(u, x, 2)": read by the parser of formulas, never run as code.

What is read is what the same words make in Python: `names` gives what each of them is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, cast

import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.arguments import as_mapping
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms.parser import Grammar, read
from edgewise.forms.tree import Apply, Node, Number, Variable, render, replaced
from edgewise.pde.terms import operators
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import Coordinate, Equation, Expr, Unknown, Vector, tree_of
from edgewise.symbolic.expressions.parse import applied_to, from_sympy, to_sympy

_CALLS = {
    "dx": (2, 3),
    "dt": (1, 3),
    "lap": (1, 1),
    "grad": (1, 1),
    "div": (1, 1),
    "curl": (1, 1),
    "dot": (2, 2),
    "advect": (2, 2),
    "dn": (1, 1),
    "vector": (2, 3),
    "atan2": (2, 2),
}
_VECTORS = frozenset({"dx", "dt", "lap", "div", "curl", "dot", "advect"})
# Integers of more digits are read as floats.
_DIGITS = 15


def read_term(text: str, names: Mapping[str, Any]) -> Any:
    """A term from text.

    Parameters
    ----------
    text : str
        Of + - * / ^, numbers, names, functions such as sin(x), and dx(u, x, 2), dt(u), lap(u), grad(u), div(v), curl(v),
        dot(v, w), advect(v, u), dn(u), vector(u, v).
    names : mapping of str to Expr, Vector or number
        Coordinates, unknowns, constants and whatever else has a name.

    Returns
    -------
    Expr or Vector

    Raises
    ------
    InputError
        Where the text is no such term.

    Examples
    --------
    >>> from edgewise.pde import coordinates, unknown
    >>> (x,) = coordinates("x")
    >>> read_term("nu*dx(u, x, 2) + sin(pi*x)", {"x": x, "u": unknown("u", x), "nu": 0.5})
    sin(pi*x) + Derivative(u(x), (x, 2))/2
    """
    names = as_mapping(names, "names", "words to what they stand for")
    unknowns = {name: unknown for name, unknown in names.items() if isinstance(unknown, Unknown)}
    calls = {name: (len(unknown.coordinates), len(unknown.coordinates)) for name, unknown in unknowns.items()}
    grammar = Grammar("{text} cannot be read as part of an equation", "name", {**_CALLS, **calls})
    found = _term(read(text, tuple(names), grammar), names)
    for part in found if isinstance(found, Vector) else (found,):
        if part.tree.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
            raise InputError(f"{short(text)} divides by zero, or is no real number.")
    return found


def read_equations(text: str, names: Mapping[str, Any]) -> tuple[Equation, ...]:
    """An equation from text, or the equations between the parts of two vectors.

    Parameters
    ----------
    text : str
        Two terms with `=` (or `==`) between them.
    names : mapping of str to Expr, Vector or number
        As `read_term` takes them.

    Returns
    -------
    tuple of Equation

    Raises
    ------
    InputError
        Where the text has no `=`, several, or sides that are no terms.

    Examples
    --------
    >>> from edgewise.pde import coordinates, unknown
    >>> x, y = coordinates("x", "y")
    >>> read_equations("lap(u) = -1", {"x": x, "y": y, "u": unknown("u", x, y)})
    (Derivative(u(x, y), (x, 2)) + Derivative(u(x, y), (y, 2)) == -1,)
    """
    sides = re.split("==?", text) if isinstance(text, str) else []  # pyright: ignore[reportUnnecessaryIsInstance]
    if len(sides) != 2:
        raise InputError(
            subject="An equation", expected="be a text with one '=', such as 'lap(u) = -1'", got=short(text)
        )
    left, right = (read_term(side.strip(), names) for side in sides)
    if isinstance(left, Vector) or isinstance(right, Vector):
        vector, other = (left, right) if isinstance(left, Vector) else (right, left)
        return vector == (0 if isinstance(other, Expr) and other.tree == 0 else other)
    return (left == right,)


def _term(node: Node, names: Mapping[str, Any]) -> Any:
    if isinstance(node, Number):
        return Expr(tree_of(node.value))
    if isinstance(node, Variable):
        if node.name not in names:
            return Expr(to_sympy(node))
        found = names[node.name]
        return found if isinstance(found, Expr | Vector) else Expr(tree_of(found))
    parts = [_term(argument, names) for argument in node.arguments]
    if node.function in names:
        return _called(node.function, names[node.function], parts)
    if node.function in _CALLS:
        return _operator(node.function, parts, names)
    if node.function == "+":
        return reduce(_plus, parts)
    if node.function == "*":
        return reduce(_times, parts)
    if node.function == "neg":
        return -parts[0]
    if any(isinstance(part, Vector) for part in parts):
        raise InputError(f"{short(render(node))} is not defined for vectors; take dot(v, v) or one part.")
    return Expr(applied_to(node.function, [part.tree for part in parts]))


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, Vector) != isinstance(b, Vector):
        raise InputError("A vector and a number or term cannot be added; write vector(a, b) for a vector.")
    return a + b


def _times(a: Any, b: Any) -> Any:
    if isinstance(a, Vector) and isinstance(b, Vector):
        raise InputError("Two vectors are multiplied by dot(v, w), not by *.")
    return a * b


def _called(name: str, known: Any, parts: Sequence[Any]) -> Any:
    """u(x, t), which is u."""
    places = [coordinate.tree for coordinate in known.coordinates]
    if [tree_of(part) for part in parts] != places:
        raise InputError(
            f"The unknown '{name}' stands at its own coordinates, {name}({', '.join(map(str, places))}) or just {name}."
        )
    return known


def _operator(name: str, parts: Sequence[Any], names: Mapping[str, Any]) -> Any:
    if name == "vector":
        return Vector(*parts)
    if name not in _VECTORS and any(isinstance(part, Vector) for part in parts):
        raise InputError(f"{name}(...) takes terms, not vectors; take it of each part.")
    if name in ("div", "dot", "advect") and not isinstance(parts[0], Vector):
        raise InputError(
            f"{name}(...) takes a vector, as in {name}(vector(u, v){', ...' * (name != 'div')})."
        )
    if name == "dot" and not isinstance(parts[1], Vector):
        raise InputError("dot(...) takes two vectors, as in dot(v, grad(u)).")
    if name == "dx":
        return _derivative(*parts)
    if name == "dt":
        return _in_time(parts, names)
    return getattr(operators, name)(*parts)


def _derivative(term: Any, coordinate: Any, order: Any = 1) -> Any:
    """dx(u, x) and dx(u, x, 2); of a vector that of its parts."""
    if isinstance(term, Vector):
        return Vector(*(_derivative(part, coordinate, order) for part in term))
    whole: Any = int(order.tree) if isinstance(order, Expr) and order.tree.is_Integer else order
    return operators.dx(term, coordinate, whole)


def _in_time(parts: Sequence[Any], names: Mapping[str, Any]) -> Any:
    """dt(u), dt(u, 2), dt(u, t) and dt(u, t, 2)."""
    term, *rest = parts
    if rest and isinstance(rest[0], Coordinate):
        return _derivative(term, *rest)
    time = next((name for name in names.values() if isinstance(name, Coordinate) and name.time), None)
    if time is None:
        raise InputError("dt(...) needs a coordinate of time; there is none.")
    return _derivative(term, time, *rest)


def write_term(term: Expr | Any) -> str:
    """A term as text that `read_term` reads as the same term, given names for what it holds."""
    kept: dict[str, Node] = {}

    def keep(node: Node) -> sp.Symbol:
        letter = f"\u00a7{len(kept)}"  # no name that a text can hold
        kept[letter] = node
        return sp.Symbol(letter, real=True)

    def plain(undef: Any) -> Any:
        """The tree with what formulas do not know as letters."""
        if isinstance(undef, sp.Derivative):
            inner, counted = node_of(undef.expr), cast("Any", undef.variable_count)
            for symbol, count in counted:
                order = (Number(int(count)),) if count > 1 else ()
                inner = Apply("dx", (inner, Variable(str(symbol)), *order))
            return keep(inner)
        if isinstance(undef, AppliedUndef):
            own = Variable(undef.func.__name__)
            return keep(Apply("dn", (node_of(undef.args[0]),)) if undef.func == NORMAL else own)
        if isinstance(undef, sp.atan2):
            return keep(Apply("atan2", tuple(node_of(part) for part in undef.args)))
        if undef.is_Rational and max(abs(undef.p), undef.q) >= 10**_DIGITS:
            return sp.Float(float(undef))
        return undef.func(*map(plain, undef.args)) if undef.args else undef

    def node_of(item: Any) -> Node:
        return replaced(from_sympy(plain(item)), kept)

    return render(node_of(tree_of(term)))
