"""The closed-form derivative of a tree, tidied only as far as zeros and ones go."""

from __future__ import annotations

import math
from functools import cache

from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import (
    Apply,
    Node,
    Number,
    Variable,
    apply,
    inverse,
    multiplied,
    names_in,
    replaced,
    summed,
)

_ZERO, _ONE = Number(0), Number(1)
# Products of more factors are differentiated half by half.
_LONG = 8


def differentiate(node: Node, name: str) -> Node:
    """d node / d name."""
    if isinstance(node, Variable):
        return _ONE if node.name == name else _ZERO
    if isinstance(node, Number) or name not in names_in(node):
        return _ZERO
    head, arguments = node.function, node.arguments
    if head == "+":
        return add(*(differentiate(argument, name) for argument in arguments))
    if head == "*" and len(arguments) > _LONG:
        # Half by half: each factor's slope times all the others would take room that grows with the square of the length.
        half = len(arguments) // 2
        left, right = multiplied(arguments[:half]), multiplied(arguments[half:])
        return add(_beside(differentiate(left, name), right), _beside(differentiate(right, name), left))
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
        return negate(multiply(slope, inverse(power(inner, Number(2)))))
    if head == "^":
        return _power_rule(inner, arguments[1], slope, name)
    here = dict(zip("xy", arguments, strict=False))
    slopes = (slope, *(differentiate(argument, name) for argument in arguments[1:]))
    return add(
        *(
            multiply(replaced(outer, here), own)
            for outer, own in zip(_outer_slopes(head), slopes, strict=True)
            if own != _ZERO
        )
    )


def _power_rule(base: Node, exponent: Node, slope: Node, name: str) -> Node:
    if name not in names_in(exponent):
        lowered = Number(exponent.value - 1) if isinstance(exponent, Number) else add(exponent, Number(-1))
        return multiply(exponent, power(base, lowered), slope)
    growth = multiply(differentiate(exponent, name), apply("log", base))
    relative = multiply(exponent, slope, inverse(base))
    return multiply(power(base, exponent), add(growth, relative))


@cache
def _outer_slopes(function: str) -> tuple[Node, ...]:
    known = FUNCTIONS[function]
    x = tuple(map(Variable, "xy"[: known.arity]))
    slopes = known.derivatives(*x, value=apply(function, *x))
    return tuple(slope if isinstance(slope, Node) else Number(slope) for slope in slopes)


def add(*terms: Node) -> Node:
    """A sum without its zeros."""
    kept = tuple(term for term in terms if term != _ZERO)
    return summed(kept) if kept else _ZERO


def multiply(*factors: Node) -> Node:
    """A product with its whole numbers joined and without its ones, or zero."""
    flat = [part for factor in factors for part in _factors(factor)]
    whole = math.prod(part.value for part in flat if _is_whole(part))  # pyright: ignore[reportAttributeAccessIssue]
    rest = [part for part in flat if not _is_whole(part)]
    if whole == 0:
        return _ZERO
    kept = rest if whole == 1 and rest else [Number(whole), *rest]
    return multiplied(kept)


def _factors(node: Node) -> tuple[Node, ...]:
    if not (isinstance(node, Apply) and node.function == "*"):
        return (node,)
    return (*_factors(node.arguments[0]), *node.arguments[1:])


def _is_whole(node: Node) -> bool:
    return isinstance(node, Number) and isinstance(node.value, int)


def _beside(slope: Node, other: Node) -> Node:
    """A product that keeps both parts whole, so that neither is copied."""
    return _ZERO if slope == _ZERO else slope * other


def negate(node: Node) -> Node:
    """The negated tree."""
    return Number(-node.value) if isinstance(node, Number) else -node


def power(base: Node, exponent: Node) -> Node:
    """A power without trivial exponents."""
    return _ONE if exponent == _ZERO else base if exponent == _ONE else base**exponent
