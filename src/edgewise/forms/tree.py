"""The immutable tree of a formula: three kinds of node, five operators, one printer.

A sum is one node with many terms and a product one node with many factors, so that long formulas stay shallow;
a subtraction is a sum with a `neg` term and a division a product with an `inv` factor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

IDENTIFIER = re.compile(r"[^\W\d]\w*")
OPERATORS = frozenset({"+", "*", "^", "neg", "inv"})


@dataclass(frozen=True, slots=True)
class Number:
    """A literal: an int is exact, a float is a measured constant."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Variable:
    """A column, or one of the constants pi and e where no column has that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator (`+`, `*`, `^`, `neg`, `inv`) or a named function applied to arguments."""

    function: str
    arguments: tuple[Node, ...]


Node = Number | Variable | Apply


def names_in(node: Node) -> Iterator[str]:
    """Every variable of the tree, in reading order, with repeats."""
    if isinstance(node, Variable):
        yield node.name
    elif isinstance(node, Apply):
        for argument in node.arguments:
            yield from names_in(argument)


def substitute(node: Node, name: str, new: Node) -> Node:
    """The tree with every occurrence of a variable replaced."""
    return replaced(node, {name: new})


def replaced(node: Node, new: Mapping[str, Node]) -> Node:
    """The tree with every occurrence of some variables replaced, all at once."""
    if isinstance(node, Variable):
        return new.get(node.name, node)
    if isinstance(node, Apply):
        return Apply(node.function, tuple(replaced(argument, new) for argument in node.arguments))
    return node


def quote(name: str) -> str:
    """A name as formulas write it: bare where it is an identifier, in backticks otherwise."""
    return name if IDENTIFIER.fullmatch(name) else "`" + name.replace("`", "``") + "`"


def render(node: Node) -> str:
    """The text of a tree; parsing it gives the same tree."""
    return _render(node)[0]


# Binding strength of what has been written, weakest first.
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)


def _render(node: Node) -> tuple[str, int]:
    if isinstance(node, Number):
        return repr(node.value), _SIGN if str(node.value).startswith("-") else _ATOM
    if isinstance(node, Variable):
        return quote(node.name), _ATOM
    head, arguments = node.function, node.arguments
    if head == "+":
        return _chain(arguments, "neg", " + ", " - ", _PRODUCT), _SUM
    if head == "*":
        return _chain(arguments, "inv", "*", "/", _SIGN), _PRODUCT
    if head == "neg":
        return "-" + _wrap(arguments[0], _POWER), _SIGN
    if head == "inv":
        return "1/" + _wrap(arguments[0], _POWER), _PRODUCT
    if head == "^":
        # A sign binds weaker than a power on its left and stronger on its right, as in Python: -x^-2 = -(x^(-2)).
        return f"{_wrap(arguments[0], _ATOM)}^{_wrap(arguments[1], _SIGN)}", _POWER
    return f"{head}({', '.join(render(argument) for argument in arguments)})", _ATOM


def _chain(arguments: tuple[Node, ...], inverse: str, join: str, join_inverse: str, strength: int) -> str:
    later = strength if inverse == "neg" else _POWER
    text = _wrap(arguments[0], strength)
    for argument in arguments[1:]:
        if isinstance(argument, Apply) and argument.function == inverse:
            text += join_inverse + _wrap(argument.arguments[0], later)
        else:
            # A sign inside a chain is bracketed: "a + (-2)" keeps its tree, "a - 2" would be another.
            text += join + _wrap(argument, _POWER if _signed(argument) else later)
    return text


def _signed(node: Node) -> bool:
    if isinstance(node, Number):
        return _render(node)[1] == _SIGN
    return isinstance(node, Apply) and node.function == "neg"


def _wrap(node: Node, strength: int) -> str:
    text, own = _render(node)
    return text if own >= strength else f"({text})"
