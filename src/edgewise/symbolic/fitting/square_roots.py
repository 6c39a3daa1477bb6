"""Roots of squares written with the sign they have: sqrt((x - u*t)^2/(1 - u^2)) as (x - u*t)/sqrt(1 - u^2), or as |x|.

A search that looks at y^2 finds the root of a square, which is right only where what is squared keeps its sign. On the
rows of the table the two are the same; beyond them only the signed one follows the law.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.expressions.algebra import add, multiply, power, rebuilt, replaced
from edgewise.symbolic.expressions.border import as_sympy, canonical
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.expansion import expanded
from edgewise.symbolic.expressions.nodes import (
    ONE,
    Expr,
    coefficient,
    floats,
    is_exact,
    is_whole,
    made,
    number,
    terms_of,
)
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import values
from edgewise.symbolic.fitting.train_test import SplitRows

# Factoring larger expressions takes longer than a reader gains.
_LARGEST, _MOST_GENERATORS = 80, 8
# How much longer the signed formula may be.
_LONGER = 2
# Ratios of measured constants this close to a simple one are taken for it while factors are looked for.
_CLOSE = 1e-9
_DENOMINATOR = 1000


def unsquared(expression: Any, rows: SplitRows) -> Expr:
    """The formula without roots of squares, and without absolute values of what has one sign on all rows.

    Parameters
    ----------
    expression
        A formula in the columns of `rows`.
    rows
        The data.

    Returns
    -------
    Expr
        Equal to it on every row to rounding, and hardly longer; the formula itself where there is no such writing.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic.expressions.writing import text
    >>> x = np.linspace(-2, -1, 80)[:, None]
    >>> rows = SplitRows.split(("x",), x, x[:, 0], 0.2, 0)
    >>> text(unsquared(sympy.sqrt(sympy.Symbol("x") ** 2 - 2 * sympy.Symbol("x") + 1), rows))
    '1 - x'
    """
    expression = canonical(expression)
    if node_count(expression) > _LARGEST or not expression.heads & {"^", "abs"}:
        return expression
    table = rows.X if rows.short else np.vstack([rows.X, rows.X_held])
    found = _signed(expression, rows.names, table)
    if found == expression:
        return expression
    found = shortest(found, rows.positive)
    if node_count(found) > node_count(expression) + _LONGER:
        return expression
    before, after = (values(item, rows.names, table) for item in (expression, found))
    same = np.abs(before - after) <= 1e-11 * (np.abs(before) + np.std(before))
    return found if bool(same.all()) else expression


def _signed(expression: Expr, names: tuple[str, ...], table: Floats) -> Expr:
    if expression.atom:
        return expression
    whole = rebuilt(expression, [_signed(argument, names, table) for argument in expression.args])
    if whole.head == "abs":
        sign = _sign(whole.args[0], names, table)
        return multiply(number(sign), whole.args[0]) if sign else whole
    if whole.head == "^" and is_exact(whole.args[1]) and Fraction(whole.args[1].value).denominator == 2:
        return _root(whole, names, table)
    return whole


def _root(root: Expr, names: tuple[str, ...], table: Floats) -> Expr:
    """P^(k/2) with the squares in P taken out of the root."""
    rational = _rational(root.args[0])
    if rational is None or not _may_hold_squares(rational[1]):
        return root
    size, inner = rational
    outside: list[Expr] = []
    inside: list[Expr] = [size]
    for base, exponent in _factors(inner):
        sign = 0 if base.numeric else _sign(base, names, table)
        if not sign and (base.numeric or exponent % 2):
            inside.append(power(base, number(exponent)))
            continue
        if not sign:
            outside.append(power(made("abs", base), number(exponent // 2)))
            continue
        # What stands under the root is written so that it is positive, and not as one over what is negative.
        pairs, odd = divmod(abs(exponent), 2)
        turn, positive = (1 if exponent > 0 else -1), expanded(multiply(number(sign), base), powers=False)
        outside.append(power(positive, number(turn * pairs)))
        inside.append(multiply(number(sign**odd), power(positive, number(turn * odd))))
    if all(expression is ONE for expression in outside):
        return root
    exponent = root.args[1]
    twice = multiply(number(2), exponent)
    return multiply(*(power(expression, twice) for expression in outside), power(multiply(*inside), exponent))


def _factors(expression: Expr) -> list[tuple[Expr, int]]:
    """Factors with whole exponents, found by sympy; nothing where they cannot be found quickly."""
    import sympy

    try:
        top, bottom = sympy.fraction(sympy.together(as_sympy(expression)))
        size: Any = sympy.Integer(1)
        found: list[tuple[Expr, int]] = []
        for part, turn in ((top, 1), (bottom, -1)):
            if part.is_number:
                size *= part**turn
                continue
            if len(sympy.Poly(part).gens) > _MOST_GENERATORS:
                return []
            # Only squares are of interest: c^2 - u^2 is better left as it is.
            content, factors = cast(Any, sympy.sqf_list(part))
            size *= content**turn
            found += [(canonical(base), turn * int(count)) for base, count in factors]
    except sympy.PolynomialError:
        return []
    return [(canonical(size), 1), *found]


def _may_hold_squares(expression: Expr) -> bool:
    """Whether a quotient of polynomials may hold a square: on a line one that does is not prime to its derivative.

    Functions in it and what has no whole exponent count as columns.
    """
    from sympy.polys.domains import QQ
    from sympy.polys.rings import ring

    _, t = ring("t", QQ)
    return any(not item.is_squarefree for item in _on_a_line(expression, t, {}, itertools.count(2)))


def _on_a_line(expression: Expr, t: Any, lines: dict[Expr, Any], places: Iterator[int]) -> tuple[Any, Any]:
    """What an expression is above and below the line where every column is one of its own in t: polynomials in t."""
    one, zero, rational = t.ring.one, t.ring.zero, t.ring.domain
    if is_exact(expression):
        return one * rational(*Fraction(expression.value).as_integer_ratio()), one
    parts = [
        _on_a_line(argument, t, lines, places)
        for argument in expression.args
        if expression.head in ("+", "*")
    ]
    if expression.head == "*":
        above, below = (math.prod(side, start=one) for side in zip(*parts, strict=True))
        return above, below
    if expression.head == "+":
        above, below = zero, one
        for top, bottom in parts:
            if bottom == below:
                above += top
            else:
                above, below = above * bottom + top * below, below * bottom
        return above, below
    if expression.head == "^" and is_whole(expression.args[1]):
        above, below = _on_a_line(expression.args[0], t, lines, places)
        exponent = expression.args[1].value
        return (above**exponent, below**exponent) if exponent > 0 else (below**-exponent, above**-exponent)
    if expression not in lines:
        at = next(places)
        lines[expression] = rational(3 * at + 1, at * at) * t + rational(at * at + 1, 2 * at + 3)
    return lines[expression], one


def _rational(base: Expr) -> tuple[Expr, Expr] | None:
    """A float factor and a formula in exact numbers whose product the expression is; None where it is not."""
    if not base.measured:
        return ONE, base
    size, rest = _leading(base)
    exact: dict[Expr, Expr] = {}
    for item in floats(rest):
        near = Fraction(item).limit_denominator(_DENOMINATOR)
        if abs(float(near) - item) > _CLOSE * abs(item):
            return None
        exact[number(item)] = number(near)
    return size, replaced(rest, exact)


def _leading(expression: Expr) -> tuple[Expr, Expr]:
    """The largest coefficient of a sum, or that of a product, and what is left."""
    terms = terms_of(expanded(expression, powers=False))
    size = max((coefficient(term)[0] for term in terms), key=lambda item: abs(float(item)))
    if type(size) is not float:
        return ONE, expression
    inverse = number(1 / abs(size))
    return number(abs(size)), add(*(multiply(inverse, term) for term in terms))


def _sign(expression: Expr, names: tuple[str, ...], table: Floats) -> int:
    """The sign that an expression has on every row; 0 where it changes."""
    found = values(expression, names, table)
    if not np.isfinite(found).all():
        return 0
    return 1 if (found >= 0).all() else -1 if (found <= 0).all() else 0
