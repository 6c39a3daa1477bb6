"""Derivatives and functions of terms: dx, grad, div, lap, curl, dot, dn, sin, exp and their like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.checks import check_int, short
from edgewise._core.errors import InputError
from edgewise.pde.terms.symbols import Coordinate, Expr, Number, ParameterSymbol, TimeSymbol, Vector, tree_of

# The derivative along the outward normal stands as this function until a condition states on which part of the boundary.
NORMAL = sp.Function("dn")
pi = Expr(sp.pi)


def dx(term: Expr, coordinate: Coordinate | Any, order: int = 1) -> Expr:
    """Partial derivative of a term by a coordinate.

    Parameters
    ----------
    term : Expr
    coordinate : Coordinate
        Of space or of time.
    order : int
        1 to 4.

    Returns
    -------
    Expr

    Examples
    --------
    >>> from edgewise.pde import coordinates, unknown
    >>> x, y = coordinates("x", "y")
    >>> dx(x**2 * unknown("u", x, y), x)
    x**2*Derivative(u(x, y), x) + 2*x*u(x, y)
    """
    if not isinstance(coordinate, Coordinate):
        raise InputError(
            argument="coordinate", expected="be a coordinate, as in dx(u, x)", got=short(coordinate)
        )
    if coordinate.parameter:
        raise InputError(
            f"'{coordinate.name}' is a parameter: unknowns have no derivative by it in equations. Make it with "
            "coordinates(...) or time()."
        )
    check_int(order, "order", low=1, high=4)
    return Expr(sp.diff(tree_of(term), coordinate.tree, order))


def dt(term: Expr | Vector | Any, coordinate: Coordinate | int | Any = None, order: int = 1) -> Any:
    """Derivative of a term in time: dt(u), dt(u, 2), dt(u, t) or dt(u, t, 2).

    Parameters
    ----------
    term : Expr or Vector
    coordinate : Coordinate, optional
        Time; not needed where the term depends on one. An order may stand in its place.
    order : int
        1 to 4.

    Returns
    -------
    Expr or Vector

    Raises
    ------
    InputError
        Where the term depends on no time.

    Examples
    --------
    >>> from edgewise.pde import coordinates, time, unknown
    >>> (x,), t = coordinates("x"), time()
    >>> dt(unknown("u", x, t), 2)
    Derivative(u(x, t), (t, 2))
    """
    if isinstance(coordinate, int):
        coordinate, order = None, coordinate
    if isinstance(term, Vector):
        return Vector(*(dt(part, coordinate, order) for part in term))
    if coordinate is not None:
        return dx(term, coordinate, order)
    clocks = tree_of(term).atoms(TimeSymbol)
    if len(clocks) != 1:
        raise InputError(
            subject="The term of dt(...)",
            expected="depend on time, as unknown('u', x, t) with t = time() does",
            got=short(term),
        )
    check_int(order, "order", low=1, high=4)
    return Expr(sp.diff(tree_of(term), clocks.pop(), order))


def _space(term: Any) -> tuple[Any, ...]:
    """The coordinates of space that the unknowns in a term depend on, in their order."""
    trees = [tree_of(part) for part in (term if isinstance(term, Vector) else (term,))]
    applied = sorted({atom for tree in trees for atom in tree.atoms(AppliedUndef)}, key=str)
    if not applied:
        raise InputError(f"lap, grad, div and curl act on unknowns; {term!r} has none. Use dx(term, x).")
    longest = max(applied, key=lambda part: len(part.args))
    return tuple(s for s in longest.args if not isinstance(s, TimeSymbol | ParameterSymbol))


def grad(term: Expr) -> Vector:
    """Gradient in the coordinates of space."""
    return Vector(*(Expr(sp.diff(tree_of(term), s)) for s in _space(term)))


def div(vector: Vector) -> Expr:
    """Divergence in the coordinates of space."""
    space = _space(vector)
    if len(space) != len(vector):
        raise InputError(
            subject="The vector of div(...)",
            expected=f"have as many parts as there are coordinates of space, {len(space)}",
            got=len(vector),
        )
    return Expr(sum(sp.diff(part.tree, s) for part, s in zip(vector, space, strict=True)))


def lap(term: Any) -> Any:
    """Laplacian in the coordinates of space, of a term or of each part of a vector."""
    if isinstance(term, Vector):
        space = _space(term)
        return Vector(*(Expr(sum(sp.diff(part.tree, s, 2) for s in space)) for part in term))
    return Expr(sum(sp.diff(tree_of(term), s, 2) for s in _space(term)))


def curl(field: Any) -> Any:
    """Curl: of a stream function (dy, -dx), of a plane field (a number), or of a field in space (a vector)."""
    space = _space(field)
    if not isinstance(field, Vector):
        if len(space) != 2:
            raise InputError(f"curl of a single function needs two coordinates of space. Got {len(space)}.")
        return Vector(Expr(sp.diff(field.tree, space[1])), Expr(-sp.diff(field.tree, space[0])))
    parts = [part.tree for part in field]
    if len(parts) == 2:
        return Expr(sp.diff(parts[1], space[0]) - sp.diff(parts[0], space[1]))
    if len(parts) != 3 or len(space) != 3:
        raise InputError(
            subject="The field of curl(...)",
            expected="have two or three parts in as many coordinates",
            got=len(parts),
        )
    x, y, z = space
    a, b, c = parts
    return Vector(
        Expr(sp.diff(c, y) - sp.diff(b, z)),
        Expr(sp.diff(a, z) - sp.diff(c, x)),
        Expr(sp.diff(b, x) - sp.diff(a, y)),
    )


def dot(a: Vector, b: Any) -> Any:
    """Scalar product of two vectors."""
    if len(a) != len(b):
        raise InputError(
            subject="The vectors of dot(...)", expected="be of equal length", got=f"{len(a)} and {len(b)}"
        )
    return Expr(sum(tree_of(p) * tree_of(q) for p, q in zip(a, b, strict=True)))


def advect(velocity: Vector, field: Any) -> Any:
    """(velocity . grad) field, of a term or of each part of a vector."""
    if isinstance(field, Vector):
        return Vector(*(advect(velocity, part) for part in field))
    return dot(velocity, grad(field))


def dn(term: Expr) -> Expr:
    """Derivative along the outward normal: for conditions on the boundary."""
    return Expr(NORMAL(tree_of(term)))


def _function(name: str, made: Callable[..., Any]) -> Callable[..., Expr]:
    def apply(*terms: Expr | Number) -> Expr:
        return Expr(made(*(tree_of(term) for term in terms)))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"{name} of a term."
    return apply


sin, cos, tan = _function("sin", sp.sin), _function("cos", sp.cos), _function("tan", sp.tan)
sinh, cosh, tanh = _function("sinh", sp.sinh), _function("cosh", sp.cosh), _function("tanh", sp.tanh)
exp, log, sqrt = _function("exp", sp.exp), _function("log", sp.log), _function("sqrt", sp.sqrt)
atan2, sign = _function("atan2", sp.atan2), _function("sign", sp.sign)
