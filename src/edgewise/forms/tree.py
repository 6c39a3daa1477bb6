"""The immutable tree of a formula: three kinds of node, five operators, one printer.

A sum is one node with many terms and a product one node with many factors, so that long formulas stay shallow;
a subtraction is a sum with a `neg` term and a division a product with an `inv` factor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeGuard

from edgewise._core.arguments import check_text

IDENTIFIER = re.compile(r"[^\W\d]\w*")
OPERATORS = frozenset({"+", "*", "^", "neg", "inv"})


class _Operators:
    """Python's operators on nodes: they make the tree that is written, and simplify nothing; numbers become literals.

    A chain makes nodes of two terms or factors within each other, where `summed` and `multiplied` make one of many.
    """

    __slots__ = ()
    # numpy's numbers leave the operators to these.
    __array_ufunc__: ClassVar[None] = None

    def __add__(self, other: Operand) -> Apply:
        return apply("+", self, other)

    def __radd__(self, other: Operand) -> Apply:
        return apply("+", other, self)

    def __sub__(self, other: Operand) -> Apply:
        return apply("+", self, apply("neg", other))

    def __rsub__(self, other: Operand) -> Apply:
        return apply("+", other, -self)

    def __mul__(self, other: Operand) -> Apply:
        return apply("*", self, other)

    def __rmul__(self, other: Operand) -> Apply:
        return apply("*", other, self)

    def __truediv__(self, other: Operand) -> Apply:
        return apply("*", self, inverse(other))

    def __rtruediv__(self, other: Operand) -> Apply:
        return apply("*", other, inverse(self))

    def __pow__(self, other: Operand) -> Apply:
        return apply("^", self, other)

    def __rpow__(self, other: Operand) -> Apply:
        return apply("^", other, self)

    def __neg__(self) -> Apply:
        return apply("neg", self)


@dataclass(frozen=True, slots=True)
class Number(_Operators):
    """A literal: an int is exact, a float is a measured constant."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Variable(_Operators):
    """A column, or one of the constants pi and e where no column has that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply(_Operators):
    """An operator (`+`, `*`, `^`, `neg`, `inv`) or a named function applied to arguments.

    `origin` names the parts of a search that made it; trees that differ in nothing else are equal.
    """

    function: str
    arguments: tuple[Node, ...]
    origin: tuple[str, ...] = field(default=(), compare=False, repr=False)


Node = Number | Variable | Apply
Operand = _Operators | int | float


def apply(function: str, *arguments: Operand) -> Apply:
    """An operator or a function of nodes and numbers.

    Raises
    ------
    TypeError
        Where an argument is neither.

    Examples
    --------
    >>> x = Variable("x")
    >>> render(2.5 * apply("sin", x**2) - inverse(x))
    '2.5*sin(x^2) - 1/x'
    """
    return Apply(function, tuple(map(_node, arguments)))


def inverse(node: Operand) -> Apply:
    """One over a node, without a one to read."""
    return apply("inv", node)


def _node(operand: Operand) -> Node:
    if isinstance(operand, (Number, Variable, Apply)):
        return operand
    if isinstance(operand, (int, float)):
        return Number(operand)
    raise TypeError(f"no node of a formula: {operand!r}")


def summed(terms: Iterable[Node]) -> Node:
    """The sum of one term or more."""
    return _chained("+", tuple(terms))


def multiplied(factors: Iterable[Node]) -> Node:
    """The product of one factor or more."""
    return _chained("*", tuple(factors))


def _chained(operator: str, parts: tuple[Node, ...]) -> Node:
    return parts[0] if len(parts) == 1 else Apply(operator, parts)


def ratio(numerator: int, denominator: int = 1) -> Node:
    """An exact number, a whole one where it is one."""
    return Number(numerator) if denominator == 1 else Number(numerator) / denominator


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
        arguments = tuple(replaced(argument, new) for argument in node.arguments)
        return Apply(node.function, arguments, node.origin)
    return node


# Letters of a name that a refusal repeats at most.
_SHOWN = 40


def quote(name: str) -> str:
    """A name as formulas write it: bare where it is an identifier, in backticks otherwise."""
    check_text(name, "name")
    return name if IDENTIFIER.fullmatch(name) else "`" + name.replace("`", "``") + "`"


def in_backticks(names: Iterable[str]) -> str:
    """What to know of names where one of them is no identifier; nothing where all are.

    Examples
    --------
    >>> in_backticks(["m", "flow rate"])
    '; `flow rate` is written in backticks'
    """
    odd = next((name for name in names if not IDENTIFIER.fullmatch(name) and len(name) <= _SHOWN), None)
    return "" if odd is None else f"; {quote(odd)} is written in backticks"


@dataclass(frozen=True)
class Notation:
    """How a language writes what a formula is made of.

    Attributes
    ----------
    functions : mapping
        Names of functions in the language, or formats of their arguments; others are written as they are called.
    plus, times : pair of str
        Between terms and between factors, and before those that are subtracted or divided by.
    inverse : str
        Before what one is divided by.
    power : str
        A format of two operands.
    number : callable
        The text of a number.
    bracketed : bool
        Whether every compound part stands in brackets, and not only where it must; `power` brings its own.
    """

    functions: Mapping[str, str] = field(default_factory=dict[str, str])
    plus: tuple[str, str] = (" + ", " - ")
    times: tuple[str, str] = ("*", "/")
    inverse: str = "1/"
    power: str = "{}^{}"
    number: Callable[[int | float], str] = repr
    bracketed: bool = False


_PLAIN = Notation()


def render(node: Node, notation: Notation = _PLAIN, names: Callable[[str], str] = quote) -> str:
    """The text of a tree, by default such that parsing it gives the same tree."""
    return _render(node, notation, names)[0]


# Binding strength of what has been written, weakest first.
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)


def _render(node: Node, how: Notation, names: Callable[[str], str]) -> tuple[str, int]:
    if isinstance(node, Number):
        text = how.number(node.value)
        return text, _SIGN if text.startswith("-") else _ATOM
    if isinstance(node, Variable):
        return names(node.name), _ATOM
    head, arguments = node.function, [_render(argument, how, names) for argument in _inner(node)]
    if head == "^":
        # A sign binds weaker than a power on its left and stronger on its right, as in Python: -x^-2 = -(x^(-2)).
        text = how.power.format(_wrap(*arguments[0], _ATOM), _wrap(*arguments[1], _SIGN))
        return text, _ATOM if how.bracketed else _POWER
    if head == "+":
        text, strength = _chain(node, arguments, "neg", how.plus, _PRODUCT), _SUM
    elif head == "*":
        text, strength = _chain(node, arguments, "inv", how.times, _SIGN), _PRODUCT
    elif head == "neg":
        text, strength = "-" + _wrap(*arguments[0], _POWER), _SIGN
    elif head == "inv":
        text, strength = how.inverse + _wrap(*arguments[0], _POWER), _PRODUCT
    else:
        return call(how.functions.get(head, head), [text for text, _ in arguments]), _ATOM
    return (f"({text})", _ATOM) if how.bracketed else (text, strength)


def call(function: str, arguments: Sequence[str]) -> str:
    """A call, by the name of the function or by a format of its arguments."""
    return function.format(*arguments) if "{" in function else f"{function}({', '.join(arguments)})"


def _inner(node: Apply) -> list[Node]:
    """The arguments, with the sign or inverse of all but the first of a sum or product taken off."""
    inverse = {"+": "neg", "*": "inv"}.get(node.function, "")
    return [
        argument.arguments[0] if k and _is(argument, inverse) else argument
        for k, argument in enumerate(node.arguments)
    ]


def _chain(
    node: Apply, arguments: Sequence[tuple[str, int]], inverse: str, joins: tuple[str, str], strength: int
) -> str:
    later = strength if inverse == "neg" else _POWER
    text = _wrap(*arguments[0], strength)
    for argument, (written, own) in zip(node.arguments[1:], arguments[1:], strict=True):
        inverted = _is(argument, inverse)
        # A sign inside a chain is bracketed: "a + (-2)" keeps its tree, "a - 2" would be another.
        text += joins[inverted] + _wrap(written, own, _POWER if own == _SIGN and not inverted else later)
    return text


def _is(node: Node, function: str) -> TypeGuard[Apply]:
    return isinstance(node, Apply) and node.function == function


def _wrap(text: str, own: int, strength: int) -> str:
    return text if own >= strength else f"({text})"
