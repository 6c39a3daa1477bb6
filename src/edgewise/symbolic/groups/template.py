"""A formula whose numbers may differ from group to group: they get names, and so do factors and terms that one may hide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from edgewise.forms.tree import Apply, Node, Number, Variable, apply, names_in, summed

# A formula with names for its constants, those names, and where the constants start.
Structure = tuple[Node, tuple[str, ...], tuple[float, ...]]

_LETTERS = "abcdfghjkmnpqrsuvwz"


def constant_names(taken: Iterable[str]) -> Iterator[str]:
    """a, b, c, ... but for the names that are taken, then a2, b2, ..."""
    known = {*taken, "e", "E", "i", "I", "pi"}
    turn = 1
    while True:
        for letter in _LETTERS:
            name = letter if turn == 1 else f"{letter}{turn}"
            if name not in known:
                yield name
        turn += 1


def template(tree: Node, columns: Sequence[str]) -> tuple[Node, tuple[str, ...], tuple[float, ...]]:
    """A formula with names for its numbers, those names, and the numbers.

    Whole exponents and signs belong to the structure and stay. The numbers of a product are one.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> from edgewise.forms.tree import render
    >>> found, names, values = template(parse("2*x^2 + exp(-9*x/10)", ["x"]).tree, ["x"])
    >>> render(found), names, values
    ('a*x^2 + exp(b*x)', ('a', 'b'), (2.0, -0.9))
    """
    supply = constant_names([*columns, *names_in(tree)])
    found: list[tuple[str, float]] = []

    def named(node: Node, exponent: bool = False) -> Node:
        if isinstance(node, Number):
            value = float(node.value)
            if (exponent and value == round(value)) or value in (0.0, -1.0):
                return Number(round(value))  # exact: no constant to be fitted
            name = next(supply)
            found.append((name, value))
            return Variable(name)
        if isinstance(node, Variable):
            return node
        if node.function == "^":
            base, power = node.arguments
            return named(base) ** named(power, exponent=True)
        if all(isinstance(leaf, Number) for leaf in _leaves(node)) and node.function in ("*", "inv", "neg"):
            return named(Number(_value(node)), exponent)
        numbers = [factor for factor in _factors(node) if _is_number(factor)]
        if len(numbers) > 1:
            others = (factor for factor in _factors(node) if not _is_number(factor))
            node = Apply("*", (Number(math.prod(map(_value, numbers))), *others))
        return Apply(node.function, tuple(named(argument, exponent) for argument in node.arguments))

    whole = named(tree)
    return whole, tuple(name for name, _ in found), tuple(value for _, value in found)


def factored(tree: Node) -> Node:
    """The formula with numbers that are added in an exponential as factors of it, which is how people write them.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> from edgewise.forms.tree import render
    >>> render(factored(parse("exp(2 - x) + 1", ["x"]).tree))
    '7.38905609893065*exp(-x) + 1'
    """
    if not isinstance(tree, Apply):
        return tree
    parts = tuple(factored(argument) for argument in tree.arguments)
    inner = parts[0]
    if tree.function != "exp" or not isinstance(inner, Apply) or inner.function != "+":
        return Apply(tree.function, parts)
    numbers = [
        argument
        for argument in inner.arguments
        if all(isinstance(leaf, Number) for leaf in _leaves(argument))
    ]
    others = tuple(argument for argument in inner.arguments if argument not in numbers)
    plain = all(isinstance(number, Number) or number.function in ("*", "inv", "neg") for number in numbers)  # pyright: ignore[reportAttributeAccessIssue]
    if not numbers or not others or not plain:
        return Apply("exp", parts)
    factor = Number(float(np.exp(sum(_value(number) for number in numbers))))
    return factor * apply("exp", summed(others))


def loosened(tree: Node, columns: Sequence[str]) -> Node:
    """The formula with a factor at each term and a term without columns: in one group they may be 1 and 0."""
    terms = list(tree.arguments) if isinstance(tree, Apply) and tree.function == "+" else [tree]
    scaled = [term if _has_factor(term) or not _varies(term, columns) else 1.0 * term for term in terms]
    if all(_varies(term, columns) for term in terms):
        scaled.append(Number(0.1))
    return summed(scaled)


def _varies(node: Node, columns: Sequence[str]) -> bool:
    return any(name in columns for name in names_in(node))


def _has_factor(node: Node) -> bool:
    if not isinstance(node, Apply):
        return isinstance(node, Number)
    if node.function == "neg":
        return _has_factor(node.arguments[0])
    return node.function == "*" and any(
        isinstance(leaf, Number) for argument in node.arguments for leaf in [_stripped(argument)]
    )


def _stripped(node: Node) -> Node:
    while isinstance(node, Apply) and node.function in ("neg", "inv"):
        node = node.arguments[0]
    return node


def _factors(node: Node) -> Iterator[Node]:
    if isinstance(node, Apply) and node.function == "*":
        for argument in node.arguments:
            yield from _factors(argument)
    else:
        yield node


def _is_number(node: Node) -> bool:
    if isinstance(node, Apply):
        return node.function in ("*", "inv", "neg") and all(map(_is_number, node.arguments))
    return isinstance(node, Number)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Apply):
        for argument in node.arguments:
            yield from _leaves(argument)
    else:
        yield node


def _value(node: Node) -> float:
    if isinstance(node, Number):
        return float(node.value)
    assert isinstance(node, Apply)
    values = [_value(argument) for argument in node.arguments]
    return float(
        {"neg": lambda: -values[0], "inv": lambda: 1 / values[0], "*": lambda: np.prod(values)}[
            node.function
        ]()
    )
