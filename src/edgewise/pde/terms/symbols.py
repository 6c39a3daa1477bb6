"""Coordinates, unknowns and what is written with them: `dt(u) + u * dx(u, x) == nu * dx(u, x, 2)` is an equation.

Expressions carry a sympy expression; `==` makes an `Equation` instead of a comparison, so that a problem reads as it is
written on paper. Functions of NumPy (`np.sin(x)`) and of this room (`sin(x)`) both apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sympy as sp

from edgewise._core.checks import short
from edgewise._core.errors import InputError

Number = int | float
# Ufuncs of NumPy by name, where they differ from sympy's.
_UFUNCS: Final = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "absolute": "Abs",
    "maximum": "Max",
    "minimum": "Min",
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "true_divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
}


class Expr:
    """A term of an equation: coordinates, unknowns, their derivatives, numbers and functions of those.

    Parameters
    ----------
    tree : sympy expression
    """

    __slots__ = ("tree",)

    def __init__(self, tree: Any) -> None:
        self.tree: sp.Expr = sp.sympify(tree)

    def _sympy_(self) -> sp.Expr:
        return self.tree

    def __repr__(self) -> str:
        return sp.sstr(self.tree)

    def __hash__(self) -> int:
        return hash(self.tree)

    def __add__(self, other: Expr | Number) -> Expr:
        return Expr(self.tree + tree_of(other))

    def __radd__(self, other: Expr | Number) -> Expr:
        return Expr(tree_of(other) + self.tree)

    def __sub__(self, other: Expr | Number) -> Expr:
        return Expr(self.tree - tree_of(other))

    def __rsub__(self, other: Expr | Number) -> Expr:
        return Expr(tree_of(other) - self.tree)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Vector):
            return Vector(*(self * part for part in other))
        return Expr(self.tree * tree_of(other))

    def __rmul__(self, other: Expr | Number) -> Expr:
        return Expr(tree_of(other) * self.tree)

    def __truediv__(self, other: Expr | Number) -> Expr:
        return Expr(self.tree / tree_of(other))

    def __rtruediv__(self, other: Expr | Number) -> Expr:
        return Expr(tree_of(other) / self.tree)

    def __pow__(self, other: Expr | Number) -> Expr:
        return Expr(self.tree ** tree_of(other))

    def __rpow__(self, other: Expr | Number) -> Expr:
        return Expr(tree_of(other) ** self.tree)

    def __neg__(self) -> Expr:
        return Expr(-self.tree)

    def __pos__(self) -> Expr:
        return self

    def __abs__(self) -> Expr:
        return Expr(sp.Abs(self.tree))

    def __eq__(self, other: object) -> Equation:  # type: ignore[override]
        return Equation(self, Expr(tree_of(other)))

    def __bool__(self) -> bool:
        raise InputError(
            "A term of an equation is neither true nor false; give pieces as where(condition, a, b), and "
            "equations in a list."
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **_: Any) -> Expr:
        name = ufunc.__name__
        if method == "__call__" and name in _OPERATORS:
            return Expr(_OPERATORS[name](*(tree_of(variable) for variable in inputs)))
        function = getattr(sp, _UFUNCS.get(name, name), None)
        if method != "__call__" or function is None:
            raise InputError(f"The function '{name}' of NumPy is not known in equations.")
        return Expr(function(*(tree_of(variable) for variable in inputs)))


class TimeSymbol(sp.Symbol):
    """The symbol of time: gradients leave it out."""


class EigenvalueSymbol(sp.Symbol):
    """The number that an eigenvalue problem leaves open."""


class ParameterSymbol(sp.Symbol):
    """The symbol of a parameter: nothing is derived by it."""


class NormalSymbol(sp.Symbol):
    """A part of the outward normal of a boundary."""


class Coordinate(Expr):
    """A coordinate of space or time, or a parameter that a family of problems runs through."""

    __slots__ = ("name", "parameter", "time")

    def __init__(self, name: str, time: bool = False, parameter: bool = False) -> None:
        if not name.isidentifier():
            raise InputError(
                subject="The name of a coordinate",
                expected="be a word of letters, digits and '_', such as 'x'",
                got=short(name),
            )
        kind = TimeSymbol if time else ParameterSymbol if parameter else sp.Symbol
        super().__init__(kind(name, real=True))
        self.name, self.time, self.parameter = name, time, parameter

    __hash__ = Expr.__hash__


class Unknown(Expr):
    """A function that the equations are to determine."""

    __slots__ = ("coordinates", "name")

    def __init__(self, name: str, *coordinates: Coordinate | Any) -> None:
        if not name.isidentifier():
            raise InputError(
                subject="The name of an unknown",
                expected="be a word of letters, digits and '_', such as 'u'",
                got=short(name),
            )
        if not coordinates:
            raise InputError(f"The unknown '{name}' needs its coordinates: unknown('{name}', x, t).")
        for item in coordinates:
            if not isinstance(item, Coordinate):
                raise InputError(
                    subject=f"The unknown '{name}'",
                    expected="depend on coordinates made by coordinates('x', 'y') or time('t')",
                    got=short(item),
                )
        super().__init__(sp.Function(name, real=True)(*(item.tree for item in coordinates)))
        self.name, self.coordinates = name, coordinates

    __hash__ = Expr.__hash__


class Vector:
    """A vector of terms, with `+`, `-`, `*` by a number or term, and `==` between vectors.

    Parameters
    ----------
    *parts : Expr or number
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: Expr | Number) -> None:
        self.parts = tuple(part if isinstance(part, Expr) else Expr(tree_of(part)) for part in parts)

    def __repr__(self) -> str:
        return "Vector(" + ", ".join(map(repr, self.parts)) + ")"

    def __hash__(self) -> int:
        return hash(self.parts)

    def __iter__(self) -> Iterator[Expr]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: int) -> Expr:
        return self.parts[index]

    def _with(self, other: Any) -> Vector:
        if isinstance(other, Vector) and len(other) == len(self):
            return other
        if isinstance(other, int | float) and other == 0:
            return Vector(*(0 for _ in self.parts))
        raise InputError(
            f"Vectors of {len(self)} parts go with vectors of {len(self)} parts, or with 0. Got {short(other)}."
        )

    def __add__(self, other: Any) -> Vector:
        return Vector(*(a + b for a, b in zip(self, self._with(other), strict=True)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Vector:
        return Vector(*(a - b for a, b in zip(self, self._with(other), strict=True)))

    def __neg__(self) -> Vector:
        return Vector(*(-part for part in self))

    def __mul__(self, factor: Expr | Number) -> Vector:
        return Vector(*(part * factor for part in self))

    __rmul__ = __mul__

    def __truediv__(self, factor: Expr | Number) -> Vector:
        return Vector(*(part / factor for part in self))

    def __eq__(self, other: object) -> tuple[Equation, ...]:  # type: ignore[override]
        return tuple(a == b for a, b in zip(self, self._with(other), strict=True))


@dataclass(frozen=True, eq=False)
class Equation:
    """left == right.

    Attributes
    ----------
    left, right : Expr
    """

    left: Expr
    right: Expr

    @property
    def residual(self) -> sp.Expr:
        """left - right, which is to be zero."""
        return self.left.tree - self.right.tree

    def __repr__(self) -> str:
        return f"{self.left!r} == {self.right!r}"

    def __bool__(self) -> bool:
        if self.left.tree.is_Symbol and self.right.tree.is_Symbol:
            # Dictionaries compare their keys, and coordinates are keys.
            return bool(self.left.tree == self.right.tree)
        raise InputError(
            f"'{self!r}' is an equation, neither true nor false; give equations to Problem(...) in a list."
        )


def tree_of(value: Any) -> sp.Expr:
    """The sympy expression behind a term or number; refuses what is neither."""
    if isinstance(value, Expr):
        return value.tree
    if isinstance(value, int | float | np.number | sp.Expr) and not isinstance(value, bool):
        number = value.item() if isinstance(value, np.number) else value
        if isinstance(number, float) and not np.isfinite(number):
            raise InputError(subject="Numbers in a 'term' of an equation", expected="be finite", got=number)
        return _exact(number)
    raise InputError(
        subject="A 'term' of an equation",
        expected="be written with coordinates, unknowns and numbers",
        got=f"{short(value)} of type {type(value).__name__}",
    )


def _exact(value: Any) -> sp.Expr:
    """Numbers of few digits as fractions: sympy would take exp(1000.0*x - 1000.0) apart, which overflows."""
    text = repr(value)
    if isinstance(value, float) and np.isfinite(value) and len(text) <= 14:
        return sp.Rational(text)
    return sp.sympify(value)


def coordinates(*names: str) -> tuple[Coordinate, ...]:
    """Coordinates of space.

    Parameters
    ----------
    *names : str
        One name each: `x, y = coordinates("x", "y")`.

    Returns
    -------
    tuple of Coordinate

    Examples
    --------
    >>> x, y = coordinates("x", "y")
    >>> x * y + 1
    x*y + 1
    """
    return tuple(Coordinate(name) for name in names)


def coordinate(name: str) -> Coordinate:
    """One coordinate of space."""
    return Coordinate(name)


def time(name: str = "t") -> Coordinate:
    """The coordinate of time."""
    return Coordinate(name, time=True)


def normal(*coordinates: Coordinate) -> Vector:
    """The outward normal of a boundary, for conditions and for integrals over it.

    Parameters
    ----------
    *coordinates : Coordinate
        Of space, all that the domain has.

    Returns
    -------
    Vector

    Examples
    --------
    >>> x, y = coordinates("x", "y")
    >>> normal(x, y)[0]
    n_x
    """
    return Vector(*(Expr(NormalSymbol(f"n_{item.name}", real=True)) for item in coordinates))


def eigenvalue(name: str = "lam") -> Expr:
    """A number to be determined together with functions other than zero: see `eigen`."""
    if not name.isidentifier():
        raise InputError(
            subject="The name of an eigenvalue", expected="be a word, such as 'lam'", got=short(name)
        )
    return Expr(EigenvalueSymbol(name, real=True))


def parameter(name: str) -> Coordinate:
    """A parameter that a family of problems runs through: a further input of the unknowns, with a range in the domain.

    Parameters
    ----------
    name : str

    Returns
    -------
    Coordinate

    Examples
    --------
    >>> from edgewise import pde
    >>> (x,), k = pde.coordinates("x"), pde.parameter("k")
    >>> u = pde.unknown("u", x, k)
    >>> family = pde.box({x: (0, 1), k: (1, 3)})
    >>> walls = pde.on(family.boundary["walls"], u == 0)
    >>> solution = pde.solve(pde.Problem(family, [pde.dx(u, x, 2) - k**2 * u == 1], walls), tolerance=1e-6)
    >>> round(solution(0.5, 2.2), 5)
    -0.08278
    """
    return Coordinate(name, parameter=True)


def unknown(name: str, *coordinates: Coordinate) -> Unknown:
    """A function to be determined.

    Parameters
    ----------
    name : str
    *coordinates : Coordinate
        What it depends on.

    Returns
    -------
    Unknown

    Raises
    ------
    InputError
        Where the name is no word, or a coordinate is none.

    Examples
    --------
    >>> x, = coordinates("x")
    >>> u = unknown("u", x)
    >>> u * u == 2
    u(x)**2 == 2
    """
    return Unknown(name, *coordinates)
