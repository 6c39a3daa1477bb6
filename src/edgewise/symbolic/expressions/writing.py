"""Between trees and the algebra: a formula read from a tree, and written as one the way people write it.

-2.5*x/(3*y), sqrt(x) and a - b rather than the powers and coefficients that the algebra reckons with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from edgewise.forms.functions import CONSTANTS
from edgewise.forms.parser import spelled_out
from edgewise.forms.tree import (
    Apply,
    Node,
    Number,
    Variable,
    apply,
    inverse,
    multiplied,
    ratio,
    render,
    summed,
)
from edgewise.symbolic.expressions.algebra import divided, negated, power
from edgewise.symbolic.expressions.nodes import (
    CONSTANT,
    HALF,
    MINUS,
    NOTHING,
    NUMBER,
    ONE,
    PI,
    SYMBOL,
    E,
    Expr,
    coefficient,
    is_negative,
    made,
    number,
    symbol,
)
from edgewise.symbolic.expressions.ordering import ordered_factors, ordered_terms
from edgewise.symbolic.expressions.tape import Tape

_READ: Mapping[str, Callable[..., Expr]] = {
    "neg": negated,
    "inv": lambda u: divided(ONE, u),
    "sqrt": lambda u: power(u, HALF),
}


def from_tree(tree: Node, columns: Sequence[str] = ()) -> Expr:
    """A tree in canonical form; pi and e are constants unless a column has their name."""
    if isinstance(tree, Number):
        return number(tree.value)
    if isinstance(tree, Variable):
        if tree.name not in columns and tree.name in CONSTANTS:
            return PI if tree.name == "pi" else E
        return symbol(tree.name)
    read = _READ.get(tree.function)
    if read is None and (spelled := spelled_out(tree)) is not None:
        return from_tree(spelled, columns)
    args = [from_tree(argument, columns) for argument in tree.arguments]
    return made(tree.function, *args) if read is None else read(*args)


def to_tree(expression: Expr, digits: int | None = None) -> Node:
    """The tree of an expression; every float is a constant of its own, with all or so many digits."""
    head = expression.head
    if head == NUMBER:
        return _number(expression, digits)
    if head == SYMBOL:
        return Variable(expression.value)
    if head == CONSTANT:
        # Written so that no column called e can be meant.
        return Variable("pi") if expression.value == "pi" else apply("exp", 1)
    if head == NOTHING:
        return Number(float("nan"))
    if head == "+":
        return _sum(expression, digits)
    if head == "*":
        return _product(expression, digits)
    if head == "^":
        return _power(expression, digits)
    if head in ("max", "min"):
        # Constants last, as people write them.
        ordered = sorted(expression.args, key=lambda argument: argument.numeric)
        return reduce(
            lambda one, other: apply(head, one, other), (to_tree(argument, digits) for argument in ordered)
        )
    return Apply(head, tuple(to_tree(argument, digits) for argument in expression.args))


def text(expression: Expr, digits: int | None = None) -> str:
    """An expression in the language of formulas; with digits without factors that are one to these."""
    if digits is not None and expression.measured:
        expression = _without_ones(expression, digits)
    return render(to_tree(expression, digits))


def values(expression: Expr, names: Sequence[str], X: NDArray[np.float64]) -> NDArray[np.float64]:
    """An expression at every row of X, (n, d) -> (n,)."""
    tape = Tape(to_tree(expression), names)
    return tape.value(tape.start, X)


def _without_ones(expression: Expr, digits: int) -> Expr:
    if expression.head == NUMBER:
        one = type(expression.value) is float and f"{expression.value:.{digits}g}" == "1"
        return ONE if one else expression
    if not expression.measured:
        return expression
    return made(expression.head, *(_without_ones(argument, digits) for argument in expression.args))


def _number(expression: Expr, digits: int | None) -> Node:
    value = expression.value
    if type(value) is float:
        if digits is None:
            return Number(value)
        short = float(f"{value:.{digits}g}")
        # For display only: read back, a whole number is exact and no longer a measured constant.
        return Number(int(short) if short.is_integer() and abs(short) < 1e15 else short)
    if isinstance(value, int):
        return Number(value)
    return ratio(*value.as_integer_ratio())


def _sum(expression: Expr, digits: int | None) -> Node:
    terms = sorted(ordered_terms(expression), key=lambda term: term.numeric)
    # A sum reads better when it does not start with a minus.
    first = next((at for at, term in enumerate(terms) if not _is_minus(term)), 0)
    nodes = [to_tree(terms[first], digits)]
    for term in [*terms[:first], *terms[first + 1 :]]:
        nodes.append(-to_tree(negated(term), digits) if _is_minus(term) else to_tree(term, digits))
    return summed(nodes)


def _is_minus(term: Expr) -> bool:
    return coefficient(term)[0] < 0


def _product(expression: Expr, digits: int | None) -> Node:
    """One fraction, its sign on the first factor: -2.5*x/(3*y)."""
    size, rest = coefficient(expression)
    negative, size = size < 0, abs(size)
    above: list[Node] = []
    below: list[Node] = []
    if isinstance(size, Fraction):
        above += [Number(size.numerator)] if size.numerator != 1 else []
        below.append(Number(size.denominator))
    elif isinstance(size, float) or size != 1:
        above.append(to_tree(number(size), digits))
    for factor in ordered_factors(rest):
        base, exponent = factor.args if factor.head == "^" else (factor, ONE)
        if is_negative(exponent):
            below.append(to_tree(base if exponent == MINUS else power(base, negated(exponent)), digits))
        else:
            above.append(to_tree(factor, digits))
    return over(above, below, negative)


def over(above: Sequence[Node], below: Sequence[Node], negative: bool) -> Node:
    """The product of what stands above a line and below it."""
    first, *others = above or [Number(1)]
    if negative:
        first = Number(-first.value) if isinstance(first, Number) else -first
    if below:
        others.append(inverse(multiplied(below)))
    return multiplied([first, *others])


def _power(expression: Expr, digits: int | None) -> Node:
    base, exponent = expression.args
    if is_negative(exponent):
        return 1 / to_tree(power(base, negated(exponent)), digits)
    if exponent == HALF:
        return apply("sqrt", to_tree(base, digits))
    return to_tree(base, digits) ** to_tree(exponent, digits)
