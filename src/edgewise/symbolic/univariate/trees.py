"""Trees of one-variable formulas: built without terms of no effect, measured, and loosened.

Built trees never contain a zero term, a factor of one or a power of one, so that the size of a tree is what there is to
read in it.
"""

from __future__ import annotations

import math

from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import OPERATORS, Apply, Node, Number, Variable, apply, inverse, multiplied, summed

X = Variable("x")
ONE, ZERO = Number(1), Number(0)
# Functions whose inner scale (log, sqrt, step) or inner shift (exp) a factor or term outside can do as well.
_NO_SCALE = frozenset({"log", "sqrt", "abs", "step"})
_NO_SHIFT = frozenset({"exp"})
_AT_ZERO = {
    name: int(function.value(0.0))
    for name, function in FUNCTIONS.items()
    if function.arity == 1 and function.contains(0.0) and function.value(0.0) in (0.0, 1.0)
}


def real(value: float) -> Node:
    """A constant to fit; zero and one are exact."""
    value = float(value)
    return Number(int(value)) if value in (0.0, 1.0, -1.0) else Number(value)


def add(*terms: Node) -> Node:
    """The sum, flattened, without zeros; exact constants are added up."""
    flat: list[Node] = []
    exact = 0
    for term in terms:
        parts = term.arguments if isinstance(term, Apply) and term.function == "+" else (term,)
        for part in parts:
            if isinstance(part, Number) and isinstance(part.value, int):
                exact += part.value
            else:
                flat.append(part)
    if exact:
        flat.append(Number(exact))
    return summed(flat) if flat else ZERO


def multiply(*factors: Node) -> Node:
    """The product, flattened, without ones; exact constants are multiplied out, and at most one float stays in front."""
    flat: list[Node] = []
    exact, measured = 1, None
    for factor in factors:
        sign, factor = _unsigned(factor)
        exact *= sign
        parts = factor.arguments if isinstance(factor, Apply) and factor.function == "*" else (factor,)
        for part in parts:
            if isinstance(part, Number) and isinstance(part.value, int):
                exact *= part.value
            elif isinstance(part, Number):
                measured = part.value if measured is None else measured * part.value
            else:
                flat.append(part)
    if exact == 0 or measured == 0:
        return ZERO
    if measured is not None:
        flat.insert(0, Number(float(measured * exact)))
    elif abs(exact) != 1:
        flat.insert(0, Number(abs(exact)))
    node = multiplied(flat) if flat else ONE
    return -node if measured is None and exact < 0 else node


def power(base: Node, exponent: float) -> Node:
    """base^exponent; roots and inverses are written as such, a float that is no whole or half number is to be fitted."""
    if exponent == 0:
        return ONE
    if exponent == 1 or base == ONE:
        return base
    if exponent < 0:
        return inverse(power(base, -exponent))
    if exponent == 0.5:
        return apply("sqrt", base)
    if isinstance(base, Apply) and base.function == "sqrt" and exponent == 2:
        return base.arguments[0]
    if exponent == int(exponent):
        return base ** int(exponent)
    return base ** float(exponent)


def call(function: str, argument: Node) -> Node:
    """A named function of something; a sign or an inverse that undoes another vanishes."""
    if function == "neg" and isinstance(argument, Apply) and argument.function == "neg":
        return argument.arguments[0]
    if function == "inv" and isinstance(argument, Apply) and argument.function == "inv":
        return argument.arguments[0]
    if function == "neg":
        return multiply(Number(-1), argument)
    return apply(function, argument)


def tidy(node: Node) -> Node:
    """The same formula rebuilt without zero terms and unit factors."""
    if not isinstance(node, Apply):
        return node
    parts = [tidy(argument) for argument in node.arguments]
    if node.function == "+":
        return add(*parts)
    if node.function == "*":
        return multiply(*parts)
    if node.function == "^" and parts[1] == ONE:
        return parts[0]
    if node.function == "^" and parts[1] == ZERO:
        return ONE
    if node.function in ("neg", "inv"):
        return ONE if node.function == "inv" and parts[0] == ONE else call(node.function, parts[0])
    if parts[0] == ZERO and node.function in _AT_ZERO:
        return Number(_AT_ZERO[node.function])
    return Apply(node.function, tuple(parts))


def size(node: Node) -> int:
    """Operators, functions, variables and constants; signs and divisions inside products cost nothing, and of like terms,
    such as decays that differ by their numbers alone, the first is read and of the others their numbers."""
    if not isinstance(node, Apply):
        return 1
    if node.function == "neg":
        return size(node.arguments[0])
    if node.function == "inv":
        return 2 + size(node.arguments[0])
    if node.function == "+":
        kinds: dict[Node, list[int]] = {}
        repeated = 0
        for argument in node.arguments:
            kind = _shape(argument)
            repeated += len(floats_in(argument)) if kind in kinds else 0
            kinds.setdefault(kind, []).append(size(argument))
        return len(node.arguments) - 1 + sum(max(sizes) for sizes in kinds.values()) + repeated
    if node.function == "*":
        # A division in a product is one operator, as a multiplication is.
        inverses = [_is_inverse(argument) for argument in node.arguments]
        lone = 2 if all(inverses) else 0
        parts = sum(
            size(argument) - (2 if inv else 0) for argument, inv in zip(node.arguments, inverses, strict=True)
        )
        return len(node.arguments) - 1 + parts + lone
    return 1 + sum(size(argument) for argument in node.arguments)


def _shape(node: Node) -> Node:
    """What a term with a function has in common with those that differ by numbers alone; any other is a kind of its own."""
    return _numberless(node) if _curved(node) else node


def _curved(node: Node) -> bool:
    return isinstance(node, Apply) and (node.function not in OPERATORS or any(map(_curved, node.arguments)))


def _numberless(node: Node) -> Node:
    if not isinstance(node, Apply) or node.function == "^":
        return ONE if isinstance(node, Number) else node
    inner = tuple(map(_numberless, node.arguments))
    if node.function in ("*", "neg"):
        return multiply(*inner)
    return Apply(node.function, inner)


def floats_in(node: Node) -> list[float]:
    """The measured constants, in reading order."""
    if isinstance(node, Number):
        return [node.value] if isinstance(node.value, float) else []
    if isinstance(node, Apply):
        return [value for argument in node.arguments for value in floats_in(argument)]
    return []


def loosened(node: Node) -> Node:
    """The formula with a constant wherever one may be fitted: in front of every term, inside every function.

    What a fitted constant does not change is dropped again afterwards, so a formula of about the right shape can become
    the right one.
    """
    return add(multiply(Number(1.0 + 1e-9), _loose(node)), Number(1e-9))


def _loose(node: Node) -> Node:
    if not isinstance(node, Apply):
        return node
    if node.function == "+":
        loose = [_scaled(_loose(argument)) for argument in node.arguments]
        # One scale is always outside already.
        loose[0] = _loose(node.arguments[0])
        held = any(isinstance(argument, Number) for argument in node.arguments)
        return summed(tuple(loose) if held else (*loose, Number(1e-9)))
    if node.function in ("*", "neg", "inv"):
        return Apply(node.function, tuple(_loose(argument) for argument in node.arguments))
    if node.function == "^":
        return _shifted(_loose(node.arguments[0])) ** node.arguments[1]
    if len(node.arguments) == 2:
        inside = (_scaled(_loose(argument)) for argument in node.arguments)
        return Apply(
            node.function,
            tuple(number if isinstance(number, Number) else _shifted(number) for number in inside),
        )
    inner = _loose(node.arguments[0])
    if node.function not in _NO_SCALE:
        inner = _scaled(inner)
    return apply(node.function, inner if node.function in _NO_SHIFT else _shifted(inner))


def _scaled(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(float(node.value))
    if (
        isinstance(node, Apply)
        and node.function == "*"
        and any(isinstance(e, Number) for e in node.arguments)
    ):
        return multiplied(Number(float(e.value)) if isinstance(e, Number) else e for e in node.arguments)
    return (1.0 + 1e-9) * node


def _shifted(node: Node) -> Node:
    if isinstance(node, Apply) and node.function == "+":
        return node
    return node + 1e-9


def _is_inverse(node: Node) -> bool:
    return isinstance(node, Apply) and node.function == "inv"


def _unsigned(node: Node) -> tuple[int, Node]:
    sign = 1
    while isinstance(node, Apply) and node.function == "neg":
        sign, node = -sign, node.arguments[0]
    return sign, node


def is_finite(node: Node) -> bool:
    """Are all constants numbers?"""
    return all(math.isfinite(value) for value in floats_in(node))
