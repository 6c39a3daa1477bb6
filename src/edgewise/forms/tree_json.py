"""Trees as plain lists for JSON, and back: every digit is kept, and nothing is evaluated."""

from __future__ import annotations

from typing import Any, cast

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import OPERATORS, Apply, Node, Number, Variable

# Nesting beyond this is no formula that anyone wrote or found.
_DEEPEST = 200
_ANY_NUMBER = frozenset({"+", "*"})


def to_json(node: Node) -> Any:
    """A number as itself, a variable as its name, an operation as a list that begins with what is done.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> to_json(parse("2.5*x + 1", ["x"]).tree)
    ['+', ['*', 2.5, 'x'], 1]
    """
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Variable):
        return node.name
    return [node.function, *map(to_json, node.arguments)]


def from_json(value: Any, depth: int = 0) -> Node:
    """The tree again.

    Raises
    ------
    InputError
        If the value is no tree: an operation that does not exist, a wrong number of arguments, nesting without end.
    """
    if isinstance(value, str):
        return Variable(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Number(value)
    if depth > _DEEPEST or not isinstance(value, list) or not value:
        raise InputError(
            subject="a formula", expected="be numbers, names and operations", got=short(value, 40)
        )
    name, *arguments = cast("list[Any]", value)
    known = isinstance(name, str) and (name in OPERATORS or name in FUNCTIONS)
    if not known or not _fits(name, len(arguments)):
        raise InputError(f"{short(name, 40)} of {len(arguments)} arguments is no operation of a formula.")
    return Apply(name, tuple(from_json(argument, depth + 1) for argument in arguments))


def _fits(name: str, count: int) -> bool:
    if name in _ANY_NUMBER:
        return count > 0
    if name in OPERATORS:
        return count == (2 if name == "^" else 1)
    return count == FUNCTIONS[name].arity
