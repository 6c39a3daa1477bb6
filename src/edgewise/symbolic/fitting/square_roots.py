"""Roots of squares written with the sign they have: sqrt((x - u*t)^2/(1 - u^2)) as (x - u*t)/sqrt(1 - u^2), or as |x|.

A search that looks at y^2 finds the root of a square, which is right only where what is squared keeps its sign. On the
rows of the table the two are the same; beyond them only the signed one follows the law.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import numpy as np
import sympy
from numpy.typing import NDArray

from edgewise.symbolic.expressions.complexity import complexity
from edgewise.symbolic.expressions.parse import from_sympy
from edgewise.symbolic.expressions.rewriting import simplify_expression
from edgewise.symbolic.expressions.steps import applied
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows

Floats = NDArray[np.float64]

# Factoring larger expressions takes longer than a reader gains.
_LARGEST, _MOST_GENERATORS = 80, 8
# How much longer the signed formula may be.
_LONGER = 2
# Ratios of measured constants this close to a simple one are taken for it while factors are looked for.
_CLOSE = 1e-9
_DENOMINATOR = 1000


def unsquared(expression: Any, rows: SplitRows) -> Any:
    """The formula without roots of squares, and without absolute values of what has one sign on all rows.

    Parameters
    ----------
    expression
        A sympy formula in the columns of `rows`.
    rows
        The data.

    Returns
    -------
    sympy.Expr
        Equal to it on every row to rounding, and hardly longer; the formula itself where there is no such writing.

    Examples
    --------
    >>> import numpy as np
    >>> import sympy
    >>> from edgewise.symbolic.fitting.train_test import SplitRows
    >>> from edgewise.symbolic.fitting.square_roots import unsquared
    >>> x = np.linspace(-2, -1, 80)[:, None]
    >>> rows = SplitRows.split(("x",), x, x[:, 0], 0.2, 0)
    >>> unsquared(sympy.sqrt(sympy.Symbol("x") ** 2 - 2 * sympy.Symbol("x") + 1), rows)
    1 - x
    """
    if complexity(expression) > _LARGEST:
        return expression
    table = rows.X if rows.short else np.vstack([rows.X, rows.X_held])
    found = _signed(expression, rows.names, table)
    if found == expression:
        return expression
    found = simplify_expression(found, rows.positive)
    if complexity(found) > complexity(expression) + _LONGER:
        return expression
    before, after = (_values(each, rows.names, table) for each in (expression, found))
    same = np.abs(before - after) <= 1e-11 * (np.abs(before) + np.std(before))
    return found if bool(same.all()) else expression


def _signed(expression: Any, names: tuple[str, ...], table: Floats) -> Any:
    if expression.is_Atom:
        return expression
    rebuilt = applied(expression.func, *(_signed(each, names, table) for each in expression.args))
    if isinstance(rebuilt, sympy.Abs):
        sign = _sign(rebuilt.args[0], names, table)
        return sign * rebuilt.args[0] if sign else rebuilt
    if rebuilt.is_Pow and rebuilt.exp.is_Rational and rebuilt.exp.q == 2:
        return _root(rebuilt, names, table)
    return rebuilt


def _root(power: Any, names: tuple[str, ...], table: Floats) -> Any:
    """P^(k/2) with the squares in P taken out of the root."""
    rational = _rational(power.base)
    if rational is None:
        return power
    size, inner = rational
    outside: list[Any] = []
    inside: list[Any] = [size]
    for base, exponent in _factors(inner):
        sign = 0 if base.is_number else _sign(base, names, table)
        if not sign and (base.is_number or exponent % 2):
            inside.append(base**exponent)
            continue
        if not sign:
            outside.append(sympy.Abs(base) ** (exponent // 2))
            continue
        # What stands under the root is written so that it is positive, and not as one over what is negative.
        pairs, odd = divmod(abs(exponent), 2)
        turn, positive = (1 if exponent > 0 else -1), sympy.expand_mul(sign * base)
        outside.append(positive ** (turn * pairs))
        inside.append(sympy.Integer(sign) ** odd * positive ** (turn * odd))
    if all(each == 1 for each in outside):
        return power
    exponent = power.exp
    return sympy.Mul(*(each ** (2 * exponent) for each in outside)) * sympy.Mul(*inside) ** exponent


def _factors(expression: Any) -> list[tuple[Any, int]]:
    """Factors with whole exponents; nothing where they cannot be found quickly."""
    try:
        top, bottom = sympy.fraction(sympy.together(expression))
        size = sympy.Integer(1)
        found: list[tuple[Any, int]] = []
        for part, turn in ((top, 1), (bottom, -1)):
            if part.is_number:
                size *= part**turn
                continue
            if len(sympy.Poly(part).gens) > _MOST_GENERATORS:
                return []
            # Only squares are of interest: c^2 - u^2 is better left as it is.
            content, factors = cast(Any, sympy.sqf_list(part))
            size *= content**turn
            found += [(base, turn * int(count)) for base, count in factors]
    except sympy.PolynomialError:
        return []
    return [(size, 1), *found]


def _rational(base: Any) -> tuple[Any, Any] | None:
    """A float factor and a formula in exact numbers whose product the expression is; None where it is not."""
    floats = base.atoms(sympy.Float)
    if not floats:
        return sympy.Integer(1), base
    size, rest = _leading(base)
    exact: dict[Any, Any] = {}
    for each in rest.atoms(sympy.Float):
        value = float(each)
        near = Fraction(value).limit_denominator(_DENOMINATOR)
        if abs(float(near) - value) > _CLOSE * abs(value):
            return None
        exact[each] = sympy.Rational(near.numerator, near.denominator)
    return size, rest.xreplace(exact)


def _leading(expression: Any) -> tuple[Any, Any]:
    """The largest coefficient of a sum, or that of a product, and what is left."""
    expanded = sympy.expand_mul(expression)
    sizes = [term.as_coeff_Mul()[0] for term in sympy.Add.make_args(expanded)]
    size = max(sizes, key=lambda each: abs(float(each)))
    if not size.is_Float:
        return sympy.Integer(1), expression
    size = abs(size)
    return size, sympy.Add(*(term / size for term in sympy.Add.make_args(expanded)))


def _sign(expression: Any, names: tuple[str, ...], table: Floats) -> int:
    """The sign that an expression has on every row; 0 where it changes."""
    values = _values(expression, names, table)
    if not np.isfinite(values).all():
        return 0
    return 1 if (values >= 0).all() else -1 if (values <= 0).all() else 0


def _values(expression: Any, names: tuple[str, ...], table: Floats) -> Floats:
    tape = Tape(from_sympy(expression), names)
    return tape.value(tape.start, table)
