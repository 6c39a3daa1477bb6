"""Plane shapes as tables of text: single ones by name, and what sets make of them.

[domain]
plane = ["x", "y"]
shape = "plate - pipe - slot"

[shapes]
plate = {box = [[0, 4], [0, 2]]}
pipe = {disk = [1, 1], radius = 0.3}
slot = {ellipse = [3, 1], radii = [0.5, 0.2], angle = "pi/6"}
gable = {polygon = [[0, 0], [3, 0], [0, 1]], edges = ["floor", "slope", "wall"]}
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.box import Box, box
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.shapes import disk, ellipse, polygon
from edgewise.pde.domains.solid import Solid, solid
from edgewise.pde.domains.surface import TriangleSurface, surface
from edgewise.pde.terms.symbols import Coordinate, Expr
from edgewise.pde.terms.text import read_equations, read_term

# What each kind of shape may have beside its own key.
_KINDS: Final = {"box": (), "disk": ("radius",), "ellipse": ("radii", "angle"), "polygon": ("edges",)}
_LIKE: Final = "pipe = {disk = [1, 1], radius = 0.3}"
_LONGEST = 10_000
SOLID: Final = "solid"
SURFACE: Final = "surface"
_SMOOTH: Final = "smooth"
_KEYS: Final = ("space", "scale", "angle", "names")


def shape_of(expression: object, names: list[str], shapes: Mapping[str, Any]) -> Box | Region:
    """The shape that an expression of named shapes means.

    Parameters
    ----------
    expression : str
        Names with `|`, `-`, `&` and parentheses.
    names : list of str
        Of the two coordinates.
    shapes : mapping of str to table

    Raises
    ------
    InputError
        Where the expression or a table cannot be read.
    """
    if len(names) != 2:
        raise InputError(
            subject="'plane' of [domain]", expected='name two coordinates, ["x", "y"]', got=short(names)
        )
    plane = (Coordinate(names[0]), Coordinate(names[1]))
    made = {name: _shape(name, table, plane) for name, table in shapes.items()}
    if not isinstance(expression, str) or len(expression) > _LONGEST:
        raise InputError(
            subject="'shape' of [domain]", expected='be a text such as "plate - pipe"', got=short(expression)
        )
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unread(expression) from None
    try:
        return _combined(tree, made, expression)
    except RecursionError:
        raise _unread(expression) from None


def _unread(expression: str) -> InputError:
    return InputError(
        subject="'shape' of [domain]",
        expected="have names of [shapes] with '|', '-', '&' and parentheses",
        got=short(expression),
    )


def _combined(tree: ast.expr, made: Mapping[str, Box | Region], expression: str) -> Any:
    if isinstance(tree, ast.Name):
        if tree.id not in made:
            raise InputError(
                f"'shape' of [domain] has the name '{tree.id}', which is not in [shapes]{did_you_mean(tree.id, made)}; "
                f"there are {among(made)}."
            )
        return made[tree.id]
    if not isinstance(tree, ast.BinOp):
        raise _unread(expression)
    left, right = (_combined(item, made, expression) for item in (tree.left, tree.right))
    if isinstance(tree.op, ast.BitOr):
        return left | right
    if isinstance(tree.op, ast.BitAnd):
        return left & right
    if isinstance(tree.op, ast.Sub):
        return left - right
    raise _unread(expression)


def _shape(name: str, given: Any, plane: tuple[Coordinate, Coordinate]) -> Box | Region:
    table = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    kinds = [kind for kind in _KINDS if kind in table]
    if len(kinds) != 1:
        raise InputError(
            subject=f"'{name}' of [shapes]",
            expected=f"be one of {among(_KINDS)}, such as {_LIKE}",
            got=short(given),
        )
    (kind,) = kinds
    known = (kind, *_KINDS[kind])
    if strange := [key for key in table if key not in known]:
        raise InputError(
            f"'{name}' of [shapes] has the key {short(strange[0])}, which means nothing for a {kind}; "
            f"its keys are {among(known)}."
        )
    if kind == "box":
        (x, y), (first, second) = plane, _numbers(name, table["box"], 2)
        return box({x: tuple(_numbers(name, first, 2)), y: tuple(_numbers(name, second, 2))})
    if kind == "polygon":
        corners = [_pair(name, number) for number in _numbers(name, table["polygon"])]
        edges = table.get("edges")
        if edges is not None and not (
            isinstance(edges, list) and all(isinstance(e, str) for e in cast("Any", edges))
        ):
            raise InputError(argument="edges", expected="be a list of names", got=short(edges))
        return polygon(plane, corners, names=edges)
    center = _pair(name, table[kind])
    if kind == "disk":
        return disk(plane, center, _number(name, table.get("radius", 1.0)), name=name)
    radii = _pair(name, table.get("radii", [1.0, 1.0]))
    return ellipse(plane, center, radii, angle=_number(name, table.get("angle", 0.0)), name=name)


def _pair(name: str, value: Any) -> tuple[float, float]:
    first, second = _numbers(name, value, 2)
    return _number(name, first), _number(name, second)


def _numbers(name: str, value: Any, count: int | None = None) -> list[Any]:
    """A list, of so many entries where that is known; its numbers are read."""
    found = cast("list[Any]", value) if isinstance(value, list) else None
    if found is None or (count is not None and len(found) != count):
        many = "lists of numbers" if count is None else f"{count} entries"
        raise InputError(
            subject=f"'{name}' of [shapes]", expected=f"have {many} there, as in {_LIKE}", got=short(value)
        )
    return [item if isinstance(item, list) else _number(name, item) for item in found]


def _number(name: str, value: Any) -> float:
    if (number := number_in(value)) is None:
        raise InputError(subject=f"'{name}' of [shapes]", expected="have numbers", got=short(value))
    return number


def number_in(value: Any) -> float | None:
    """A number, or what a text such as "pi/2" says; None where it is neither."""
    term: Any = read_term(value, {}) if isinstance(value, str) else value
    if isinstance(term, Expr):
        term = float(term.tree) if term.tree.is_number else None
    return float(term) if isinstance(term, int | float) and not isinstance(term, bool) else None


def solid_in(table: Mapping[str, Any], folder: Path) -> Solid | TriangleSurface:
    """The solid or the surface that [domain] means.

    Parameters
    ----------
    table : mapping
    folder : path
        Where its file lies, unless it states that itself.

    Raises
    ------
    InputError
        Where a key is not known, or has a value of another kind; and as `solid` does.
    """
    kind = SOLID if SOLID in table else SURFACE
    keys = (kind, *_KEYS) if kind == SOLID else (kind, _SMOOTH, *_KEYS)
    if strange := [key for key in table if key not in keys]:
        raise InputError(
            f"[domain] has a '{kind}', and {short(strange[0])} beside it, which means nothing there"
            f"{did_you_mean(strange[0], keys)}; its keys are {among(keys)}."
        )
    file = table[kind]
    if not isinstance(file, str) or not file.strip():
        raise InputError(subject=f"'{kind}' of [domain]", expected='name a file, "part.stl"', got=short(file))
    space: Any = table.get("space", ["x", "y", "z"])
    if not (isinstance(space, list) and all(isinstance(name, str) for name in cast("Any", space))):
        raise InputError(
            subject="'space' of [domain]", expected='name the coordinates, ["x", "y", "z"]', got=short(space)
        )
    names: Any = table.get("names", {})
    if not isinstance(names, dict):
        raise InputError(
            subject="'names' of [domain]", expected="be a table, [domain.names]", got=short(names)
        )
    # Lists of numbers are places, lists of sides or of places are several patches.
    meant = {
        name: tuple(where)
        if isinstance(where, list) and not any(isinstance(e, list | str) for e in where)
        else where
        for name, where in cast("dict[str, Any]", names).items()
    }
    coordinates = tuple(Coordinate(name) for name in cast("list[str]", space))
    options: dict[str, Any] = {
        "scale": table.get("scale", 1.0),
        "angle": table.get("angle", 30.0),
        "names": meant,
    }
    if kind == SOLID:
        return solid(folder / file, coordinates, **options)
    smooth = table.get(_SMOOTH)
    if smooth is not None and not isinstance(smooth, str):
        raise InputError(
            subject=f"'{_SMOOTH}' of [domain]",
            expected='be an equation, "x^2 + y^2 + z^2 = 1"',
            got=short(smooth),
        )
    if smooth is not None:
        equations = read_equations(smooth, {coordinate.name: coordinate for coordinate in coordinates})
        if len(equations) != 1:
            raise InputError(
                subject=f"'{_SMOOTH}' of [domain]", expected="be one equation", got=short(smooth)
            )
        options[_SMOOTH] = equations[0]
    return surface(folder / file, coordinates, **options)
