"""The closed-form derivative of a tree, tidied only as far as zeros and ones go."""

from __future__ import annotations

from functools import cache

from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Number, Variable, names_in, substitute

_ZERO, _ONE = Number(0), Number(1)


def differentiate(node: Node, name: str) -> Node:
    """d node / d name."""
    if isinstance(node, Variable):
        return _ONE if node.name == name else _ZERO
    if isinstance(node, Number) or name not in names_in(node):
        return _ZERO
    head, arguments = node.function, node.arguments
    if head == "+":
        return add(*(differentiate(argument, name) for argument in arguments))
    if head == "*":
        return add(
            *(
                multiply(*arguments[:at], differentiate(argument, name), *arguments[at + 1 :])
                for at, argument in enumerate(arguments)
            )
        )
    inner = arguments[0]
    slope = differentiate(inner, name)
    if head == "neg":
        return negate(slope)
    if head == "inv":
        return negate(multiply(slope, Apply("inv", (power(inner, Number(2)),))))
    if head == "^":
        return _power_rule(inner, arguments[1], slope, name)
    return multiply(substitute(_outer_slope(head), "x", inner), slope)


def _power_rule(base: Node, exponent: Node, slope: Node, name: str) -> Node:
    if name not in names_in(exponent):
        lowered = Number(exponent.value - 1) if isinstance(exponent, Number) else add(exponent, Number(-1))
        return multiply(exponent, power(base, lowered), slope)
    growth = multiply(differentiate(exponent, name), Apply("log", (base,)))
    relative = multiply(exponent, slope, Apply("inv", (base,)))
    return multiply(power(base, exponent), add(growth, relative))


@cache
def _outer_slope(function: str) -> Node:
    return read(FUNCTIONS[function].derivative, ("x",))


def add(*terms: Node) -> Node:
    """A sum without its zeros."""
    kept = tuple(term for term in terms if term != _ZERO)
    return Apply("+", kept) if len(kept) > 1 else kept[0] if kept else _ZERO


def multiply(*factors: Node) -> Node:
    """A product without its ones, or zero."""
    if _ZERO in factors:
        return _ZERO
    kept = tuple(factor for factor in factors if factor != _ONE)
    return Apply("*", kept) if len(kept) > 1 else kept[0] if kept else _ONE


def negate(node: Node) -> Node:
    """The negated tree."""
    return Number(-node.value) if isinstance(node, Number) else Apply("neg", (node,))


def power(base: Node, exponent: Node) -> Node:
    """A power without trivial exponents."""
    return _ONE if exponent == _ZERO else base if exponent == _ONE else Apply("^", (base, exponent))
