"""Canonical writings of what kinks and jumps: max(x, y) for (x + y + |x - y|)/2, mod(a, b) for a - b*floor(a/b)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sympy

from edgewise.symbolic.expressions.complexity import complexity
from edgewise.symbolic.expressions.steps import Mod, applied, larger, smaller

# What a few roundings leave of a number.
_ROUNDING = 1e-15


def larger_or_smaller(expression: Any) -> Any:
    """A maximum or minimum without what its arguments share: max(2*x + z, 2*y + z) = 2*max(x, y) + z."""
    terms = [sympy.Add.make_args(each) for each in expression.args]
    shared = [each for each in terms[0] if all(each in other for other in terms[1:])]
    arguments = [sympy.Add(*(each for each in own if each not in shared)) for own in terms]
    parts = [leading(each) for each in arguments if each != 0]
    sizes = {abs(size) for size, _ in parts}
    scale = sizes.pop() if len(sizes) == 1 else sympy.Integer(1)
    if scale != 1:
        signed = iter(sympy.sign(size) * rest for size, rest in parts)
        arguments = [next(signed) if each != 0 else each for each in arguments]
    function, turn = expression.func, sympy.Integer(1)
    if all(each.could_extract_minus_sign() for each in arguments):
        function, turn = (sympy.Min if function is sympy.Max else sympy.Max), -turn
        arguments = [-each for each in arguments]
    if len(arguments) == 2 and arguments[0] == -arguments[1]:
        found = sympy.Abs(arguments[0]) * (1 if function is sympy.Max else -1)
    else:
        found = applied(function, *arguments)
    return sympy.Add(turn * scale * found, *shared)


def sum_of_kinks(total: Any) -> Any:
    """A sum with an absolute value or a whole part as one with a maximum, minimum or remainder where that is shorter.

    c|u| + r = max(r + c*u, r - c*u) for c > 0, and c*floor(u) + r = r + c*u - c*mod(u, 1).
    """
    while total.is_Add and total.has(sympy.Abs, sympy.floor):
        shorter = min(_rewritten(total), key=complexity, default=total)
        if complexity(shorter) >= complexity(total):
            break
        total = shorter
    return total


def _rewritten(total: Any) -> Iterator[Any]:
    for term in total.args:
        others = [each for each in total.args if each is not term]
        for factor in sympy.Mul.make_args(term):
            if isinstance(factor, sympy.Abs):
                yield _by_larger(term / factor, factor.args[0], others)
            elif isinstance(factor, sympy.floor):
                outer, inner = term / factor, factor.args[0]
                rest = _added([*others, outer * inner])
                yield sympy.Add(rest, product_of_kinks(-outer * Mod(inner, sympy.Integer(1))))


def _by_larger(outer: Any, inner: Any, others: list[Any]) -> Any:
    """outer*|inner| and other terms; those that share its columns go into the maximum."""
    size, body = outer.as_coeff_Mul()
    if not size.is_extended_real:
        return sympy.Add(outer * sympy.Abs(inner), *others)
    inside = [each for each in others if _is_multiple(each, body, inner)]
    ends = [_added([*(each / body for each in inside), sign * abs(size) * inner]) for sign in (1, -1)]
    found = larger(*ends) if size > 0 else smaller(*ends)
    found = larger_or_smaller(found) if isinstance(found, (sympy.Max, sympy.Min)) else found
    return sympy.Add(sympy.expand_mul(body * found), *(each for each in others if each not in inside))


def _is_multiple(term: Any, body: Any, inner: Any) -> bool:
    share = term / body
    return not share.as_numer_denom()[1].free_symbols and bool(share.free_symbols & inner.free_symbols)


def product_of_kinks(product: Any) -> Any:
    """u*step(u) = max(u, 0), and k*mod(a, b) or mod(k*a, k*b), whichever is shorter."""
    factors = list(sympy.Mul.make_args(product))
    for each in factors:
        if isinstance(each, sympy.Heaviside) and each.args[0] in factors:
            rest = [other for other in factors if other is not each and other != each.args[0]]
            return sympy.Mul(*rest, larger(each.args[0], sympy.Integer(0)))
    for each in factors:
        if isinstance(each, Mod):
            a, b = each.args
            outer = sympy.Mul(*(other for other in factors if other is not each))
            size, body = outer.as_coeff_Mul()
            turn = -1 if size.is_negative else 1
            lead = abs(leading(b)[0])
            choices = [(turn * outer, turn), (turn * size, turn * body), (1 / lead, lead * outer)]
            choices += [(other, outer / other) for other in (body, *sympy.Mul.make_args(body))]
            found = [outside * Mod(_added([inside * a]), _added([inside * b])) for inside, outside in choices]
            return min((product, *found), key=complexity)
    return product


def _added(terms: Iterable[Any]) -> Any:
    """A sum multiplied out, without what rounding leaves of terms that cancel and of factors of one."""
    sizes: dict[Any, list[Any]] = {}
    for term in terms:
        for each in sympy.Add.make_args(sympy.expand_mul(term)):
            size, body = each.as_coeff_Mul()
            sizes.setdefault(body, []).append(size)
    kept: list[Any] = []
    for body, each in sizes.items():
        size, most = sympy.Add(*each), _ROUNDING * sum(map(abs, each))
        if size.is_Float and body != 1 and abs(size - (whole := round(size))) <= most and abs(whole) <= 1:
            size = sympy.Integer(whole)
        kept.append(size * body)
    return sympy.Add(*kept)


def leading(expression: Any) -> tuple[Any, Any]:
    """A float factor taken out: of a product its coefficient, of a sum that of its first term with a column."""
    if not expression.is_Add:
        size, rest = expression.as_coeff_Mul()
        return (size, rest) if size.is_Float or size.is_Rational else (sympy.Integer(1), expression)
    if not expression.has(sympy.Float):
        return sympy.Integer(1), expression
    terms = [term for term in expression.as_ordered_terms() if not term.is_number]
    if not terms:
        return sympy.Integer(1), expression
    sizes = [term.as_coeff_Mul()[0] for term in terms]
    # A first term that is all but gone would blow up the others.
    visible = 1e-3 * max(abs(float(size)) for size in sizes)
    lead, size = next(pair for pair in zip(terms, sizes, strict=True) if abs(float(pair[1])) >= visible)
    if not size.is_Float or size == 0:
        return sympy.Integer(1), expression
    scaled: list[Any] = []
    for term in expression.args:
        coefficient, body = term.as_coeff_Mul()
        ratio = coefficient / size
        # The leading term must lose its float, or it would come back as 1.0*x.
        scaled.append(body if term is lead or ratio == 1 else ratio * body)
    return size, sympy.Add(*scaled)
