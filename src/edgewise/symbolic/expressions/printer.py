"""Formulas as expressions of a programming language: one printer, and how each language writes powers and functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgewise._core.errors import InputError
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Apply, Node, Number, Variable


@dataclass(frozen=True)
class Notation:
    """How a language writes what a formula is made of.

    Attributes
    ----------
    functions : mapping
        Name of every function of formulas in the language, or a format of its arguments.
    power : str
        A format of two operands.
    """

    functions: Mapping[str, str]
    power: str


def source_of(node: Node, names: Callable[[str], str], notation: Notation) -> str:
    """A tree as an expression, every compound part in brackets."""
    if isinstance(node, Number):
        # Integers as floats: numpy refuses negative integer powers of integer arrays, C divides integers whole.
        return literal(as_float(node.value))
    if isinstance(node, Variable):
        return names(node.name)
    parts = [source_of(argument, names, notation) for argument in _plain(node)]
    head = node.function
    if head in ("+", "*"):
        inverse, join, inverted = ("neg", " + ", " - ") if head == "+" else ("inv", " * ", " / ")
        signs = [inverted if _is(argument, inverse) else join for argument in node.arguments]
        return f"({parts[0]}{''.join(sign + part for sign, part in zip(signs[1:], parts[1:], strict=True))})"
    if head == "neg":
        return f"(-{parts[0]})"
    if head == "inv":
        return f"(1.0 / {parts[0]})"
    if head == "^":
        return notation.power.format(*parts)
    return call(notation.functions[head], parts)


def calls_in(node: Node) -> set[str]:
    """Names of all functions and operators of a tree."""
    if not isinstance(node, Apply):
        return set()
    return {node.function}.union(*(calls_in(argument) for argument in node.arguments))


def call(function: str, arguments: Sequence[str]) -> str:
    """A call, by the name of the function or by a format of its arguments."""
    return function.format(*arguments) if "{" in function else f"{function}({', '.join(arguments)})"


def named(columns: Mapping[str, str]) -> Callable[[str], str]:
    """Source of every column; pi and e as numbers where no column has their name."""
    return lambda name: columns[name] if name in columns else literal(CONSTANTS[name])


def literal(value: float) -> str:
    """A number as Python and C read it back to the bit; negative ones in brackets."""
    return f"({value!r})" if math.copysign(1.0, value) < 0 else repr(value)


def as_float(value: float) -> float:
    """A constant of a formula as a finite float."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(
            "A formula to be written as source must hold finite numbers only. Got a constant beyond the range of "
            "floating-point numbers instead; scale its column."
        )
    return number


def _plain(node: Apply) -> list[Node]:
    """The arguments, with the sign or inverse of all but the first of a sum or product taken off."""
    inverse = {"+": "neg", "*": "inv"}.get(node.function)
    return [
        argument.arguments[0]
        if k and isinstance(argument, Apply) and argument.function == inverse
        else argument
        for k, argument in enumerate(node.arguments)
    ]


def _is(node: Node, function: str) -> bool:
    return isinstance(node, Apply) and node.function == function
