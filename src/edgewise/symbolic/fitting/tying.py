"""Two measured constants become one where the data cannot distinguish them and the formula can be written with one.

0.498 sin(x) cos(y) - 0.497 cos(x) sin(y) is 0.4975 (sin(x) cos(y) - cos(x) sin(y)): one constant fewer, and a sine of a
difference that now shows.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator

from edgewise.forms.tree import Node, Number, Variable
from edgewise.symbolic.expressions.algebra import add, divided, multiply, power, rebuilt, replaced
from edgewise.symbolic.expressions.border import as_sympy, canonical
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.expansion import expanded, factored_terms
from edgewise.symbolic.expressions.nodes import (
    ONE,
    Expr,
    coefficient,
    distinct,
    factors_of,
    floats,
    made,
    number,
    parts,
    symbol,
    terms_of,
)
from edgewise.symbolic.expressions.ordering import whole_power
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, text
from edgewise.symbolic.fitting.rounding import FittedFormula, fit_expression, indistinguishable
from edgewise.symbolic.fitting.train_test import SplitRows

# How far apart two constants may be, in sums of their standard errors, to be the same.
_APART_ERRORS = 3.0
# How large such a sum may be, as a share of them: looser ones agree by chance.
_LOOSE_SHARE = 0.1
# Candidates that are tried.
_MOST_TRIES = 8

_SHARED = "#shared"
# Digits to which like parts agree.
_ALIKE = 6


def tie_constants(fitted: FittedFormula, rows: SplitRows) -> FittedFormula:
    """Write a formula with one constant where it has two that the data cannot distinguish.

    Parameters
    ----------
    fitted
        A formula with its constants fitted.
    rows
        Data to fit and to judge on.

    Returns
    -------
    FittedFormula
        With as few constants as that leaves; `fitted` itself where nothing can be tied.

    Examples
    --------
    >>> import numpy as np
    >>> import sympy
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 6, (400, 2))
    >>> y = 0.7 * np.sin(X[:, 0] - X[:, 1]) + 0.05 * rng.normal(size=400)
    >>> rows = SplitRows.split(("x", "z"), X, y, 0.2, 0)
    >>> x, z = sympy.symbols("x z")
    >>> loose = 0.71 * sympy.sin(x) * sympy.cos(z) - 0.69 * sympy.cos(x) * sympy.sin(z)
    >>> tie_constants(fit_expression(loose, rows), rows).fit.constants.round(2).tolist()
    [0.7]
    """
    for candidate in itertools.islice(_candidates(fitted, rows), _MOST_TRIES):
        new = fit_expression(candidate, rows)
        if new.fit.constants.size < fitted.fit.constants.size and indistinguishable(new, fitted, rows, 1.0):
            return tie_constants(new, rows)
    return fitted


def _candidates(fitted: FittedFormula, rows: SplitRows) -> Iterator[Expr]:
    constants, errors = fitted.fit.constants, fitted.fit.standard_errors
    tape, most = Tape(fitted.fit.tree, rows.names), node_count(fitted.expression)
    for i, j in itertools.combinations(range(len(constants)), 2):
        both, size = errors[i] + errors[j], abs(constants[i])
        if not both <= _LOOSE_SHARE * size or abs(abs(constants[j]) - size) > _APART_ERRORS * both:
            continue
        shared: Node = Variable(_SHARED)
        same = constants[i] * constants[j] > 0
        values: list[float | Node] = list(constants.tolist())
        values[i], values[j] = shared, shared if same else Number(-1) * shared
        whole = from_tree(tape.with_constants(values), (*rows.names, _SHARED))
        value = math.copysign((size + abs(float(constants[j]))) / 2, constants[i])
        for written in _written(whole):
            short = shortest(replaced(written, {symbol(_SHARED): number(value)}), rows.positive)
            if node_count(short) <= most and len(floats(short)) < len(constants):
                yield short
                break
    for square in _squares(fitted.expression):
        short = shortest(square, rows.positive)
        if node_count(short) <= most and len(floats(short)) < len(constants):
            yield short


def _squares(expression: Expr) -> Iterator[Expr]:
    """The formula with a polynomial of second degree in some part as a square: a u^2 + b u + c = a (u + b/2a)^2."""
    for total in distinct(expression, "+"):
        # Fitted one by one, the constants of like parts differ by rounding.
        terms = {text(body, _ALIKE): (float(size), body) for size, body in map(coefficient, total.args)}
        c = terms.get(text(ONE), (0.0, ONE))[0]
        for a, body in terms.values():
            base = body.args[0] if body.head == "^" and body.args[1] == number(2) else ONE
            b = 0.0 if base.numeric else terms.get(text(base, _ALIKE), (0.0, base))[0]
            if b and abs(b * b - 4 * a * c) <= _LOOSE_SHARE * b * b:
                used = [text(item, _ALIKE) for item in (body, base, ONE)]
                rest = (
                    multiply(number(size), part) for key, (size, part) in terms.items() if key not in used
                )
                square = multiply(number(a), power(add(base, number(b / (2 * a))), number(2)))
                yield replaced(expression, {total: add(square, *rest)})


def _written(whole: Expr) -> Iterator[Expr]:
    """The formula with what the shared constant multiplies as one term; a number in front of a sum would be two again."""
    shared = symbol(_SHARED)
    for written in (factored_terms(whole), _collected(expanded(whole, powers=False), shared)):
        if sum(part == shared for part in parts(written)) != 1:
            continue
        for product in distinct(written, "*"):
            if shared in product.args:
                beside = divided(product, shared)
                for short in (_of_angles(beside), _factored(beside)):
                    if short.head != "+":
                        yield replaced(written, {product: multiply(shared, short)})


def _collected(expression: Expr, shared: Expr) -> Expr:
    """The terms of a sum that a symbol multiplies taken together."""
    if expression.head in "*^":
        return rebuilt(expression, [_collected(argument, shared) for argument in expression.args])
    inside = [term for term in terms_of(expression) if shared in factors_of(term)]
    if expression.head != "+" or len(inside) < 2:
        return expression
    outside = [argument for argument in expression.args if argument not in inside]
    return add(multiply(shared, add(*(divided(item, shared) for item in inside))), *outside)


def _of_angles(expression: Expr) -> Expr:
    """sin(a)*cos(b) - cos(a)*sin(b) = sin(a - b), and its like."""
    if not expression.heads & {"sin", "cos"} or expression.atom:
        return expression
    whole = rebuilt(expression, [_of_angles(argument) for argument in expression.args])
    if whole.head != "+" or len(whole.args) != 2:
        return whole
    (size, one), (other_size, other) = (coefficient(argument) for argument in whole.args)
    common = [factor for factor in factors_of(one) if factor in factors_of(other)]
    (first, second), (third, fourth) = (
        sorted((factor for factor in factors_of(term) if factor not in common), key=lambda item: item.head)
        if len(factors_of(term)) - len(common) == 2
        else (ONE, ONE)
        for term in (one, other)
    )
    heads = (first.head, second.head, third.head, fourth.head)
    if abs(size) != abs(other_size):
        return whole
    if heads == ("cos", "sin", "cos", "sin"):
        a, b = second.args[0], first.args[0]
        if (third.args[0], fourth.args[0]) != (a, b):
            return whole
        turn = 1 if size == other_size else -1
        return multiply(number(size), *common, made("sin", add(a, multiply(number(turn), b))))
    if heads in (("cos", "cos", "sin", "sin"), ("sin", "sin", "cos", "cos")):
        a, b = first.args[0], second.args[0]
        if {third.args[0], fourth.args[0]} != {a, b}:
            return whole
        turn = -1 if size == other_size else 1
        lead = size if first.head == "cos" else other_size
        return multiply(number(lead), *common, made("cos", add(a, multiply(number(turn), b))))
    return whole


def _factored(expression: Expr) -> Expr:
    """The factors of a quotient of polynomials, found by sympy unless it is plain that there are none."""
    sums = [factor for factor in factors_of(expression) if factor.head == "+"]
    # In a product two terms are no longer than their factors.
    if all(_is_prime(total) or (len(total.args) == 2 and total is not expression) for total in sums):
        return expression
    import sympy

    return canonical(sympy.factor(sympy.together(as_sympy(expression))))


def _is_prime(total: Expr) -> bool:
    """Whether a sum without common factors has a column, or what stands for one, in one term alone and there as it is."""
    bases: Counter[Expr] = Counter()
    for term in total.args:
        for factor in factors_of(coefficient(term)[1]):
            base, exponent = whole_power(factor)
            if exponent < 0:
                return False
            bases[base] += exponent
    return factored_terms(total).head == "+" and 1 in bases.values()
