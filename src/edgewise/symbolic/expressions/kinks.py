"""Canonical writings of what kinks and jumps: max(x, y) for (x + y + |x - y|)/2, mod(a, b) for a - b*floor(a/b)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgewise.symbolic.expressions.algebra import add, divided, fraction, multiply, negated, rebuilt, replaced
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.exact_numbers import Value, plus
from edgewise.symbolic.expressions.expansion import expanded
from edgewise.symbolic.expressions.nodes import (
    MINUS,
    ONE,
    ZERO,
    Expr,
    coefficient,
    distinct,
    factors_of,
    is_number,
    made,
    number,
    terms_of,
)
from edgewise.symbolic.expressions.numeric_values import value_of
from edgewise.symbolic.expressions.ordering import leads_with_minus, ordered_terms

# What a few roundings leave of a number.
_ROUNDING = 1e-15
# A first term below this share of the largest would blow up the others.
_VISIBLE = 1e-3
_OTHER = {"max": "min", "min": "max"}


def larger_or_smaller(expression: Expr) -> Expr:
    """A maximum or minimum without what its arguments share: max(2*x + z, 2*y + z) = 2*max(x, y) + z."""
    terms = [terms_of(argument) for argument in expression.args]
    shared = [term for term in terms[0] if all(term in other for other in terms[1:])]
    arguments = [add(*(item for item in own if item not in shared)) for own in terms]
    pairs = [leading(argument) for argument in arguments if argument is not ZERO]
    sizes = {abs(size) for size, _ in pairs}
    scale = sizes.pop() if len(sizes) == 1 else 1
    if scale != 1 or type(scale) is float:
        signed = iter(negated(rest) if size < 0 else rest for size, rest in pairs)
        arguments = [next(signed) if argument is not ZERO else argument for argument in arguments]
    head, turn = expression.head, ONE
    if all(leads_with_minus(argument) for argument in arguments):
        head, turn = _OTHER[head], MINUS
        arguments = [negated(argument) for argument in arguments]
    if len(arguments) == 2 and arguments[0] == negated(arguments[1]):
        found = made("abs", arguments[0])
        found = found if head == "max" else negated(found)
    else:
        found = made(head, *arguments)
    return add(multiply(turn, number(scale), found), *shared)


def sum_of_kinks(total: Expr) -> Expr:
    """A sum with an absolute value or a whole part as one with a maximum, minimum or remainder where that is shorter.

    c|u| + r = max(r + c*u, r - c*u) for c > 0, and c*floor(u) + r = r + c*u - c*mod(u, 1).
    """
    while total.head == "+" and total.heads & {"abs", "floor"}:
        shorter = min(_rewritten(total), key=node_count, default=total)
        if node_count(shorter) >= node_count(total):
            break
        total = shorter
    return total


def _rewritten(total: Expr) -> Iterator[Expr]:
    for term in total.args:
        others = [argument for argument in total.args if argument is not term]
        for factor in factors_of(term):
            if factor.head in ("abs", "floor"):
                outer, inner = divided(term, factor), factor.args[0]
                if factor.head == "abs":
                    yield _by_larger(outer, inner, others)
                else:
                    rest = _added([*others, multiply(outer, inner)])
                    yield add(rest, product_of_kinks(multiply(MINUS, outer, made("mod", inner, ONE))))


def _by_larger(outer: Expr, inner: Expr, others: list[Expr]) -> Expr:
    """outer*|inner| and other terms; those that share its columns go into the maximum."""
    size, body = coefficient(outer)
    inside = [other for other in others if _is_multiple(other, body, inner)]
    ends = [
        _added([*(divided(item, body) for item in inside), multiply(number(sign * abs(size)), inner)])
        for sign in (1, -1)
    ]
    found = made("max" if size > 0 else "min", *ends)
    found = larger_or_smaller(found) if found.head in _OTHER else found
    return add(
        expanded(multiply(body, found), powers=False), *(other for other in others if other not in inside)
    )


def _is_multiple(term: Expr, body: Expr, inner: Expr) -> bool:
    share = divided(term, body)
    return not fraction(share)[1].symbols and bool(share.symbols & inner.symbols)


def product_of_kinks(product: Expr) -> Expr:
    """u*step(u) = max(u, 0), and k*mod(a, b) or mod(k*a, k*b), whichever is shorter."""
    if not product.heads & {"step", "mod"}:
        return product
    factors = list(factors_of(product))
    for factor in factors:
        if factor.head == "step" and factor.args[0] in factors:
            rest = [other for other in factors if other is not factor and other != factor.args[0]]
            return multiply(*rest, made("max", factor.args[0], ZERO))
    for factor in factors:
        if factor.head == "mod":
            a, b = factor.args
            outer = multiply(*(other for other in factors if other is not factor))
            size, body = coefficient(outer)
            turn = number(-1 if size < 0 else 1)
            lead = number(abs(leading(b)[0]))
            choices = [
                (multiply(turn, outer), turn),
                (multiply(turn, number(size)), multiply(turn, body)),
                (divided(ONE, lead), multiply(lead, outer)),
            ]
            choices += [(other, divided(outer, other)) for other in (body, *factors_of(body))]
            found = [
                multiply(outside, made("mod", _added([multiply(inside, a)]), _added([multiply(inside, b)])))
                for inside, outside in choices
            ]
            return min((product, *found), key=node_count)
    return product


def straight_in_steps(expression: Expr) -> Expr:
    """What depends on a step alone written as a line in it: f(step(u)) = f(0) + (f(1) - f(0))*step(u).

    Beside measured constants its values are numbers; otherwise they stay exact, as sin(1).
    """
    return _straight(expression, expression.measured) if "step" in expression.heads else expression


def _straight(expression: Expr, measured: bool) -> Expr:
    if "step" not in expression.heads:
        return expression
    whole = rebuilt(expression, [_straight(argument, measured) for argument in expression.args])
    if whole.head != "*":
        return _line(whole, measured)
    groups: dict[Expr | None, list[Expr]] = {}
    for factor in factors_of(whole):
        groups.setdefault(_one_step(factor), []).append(factor)
    others = groups.pop(None, [])
    return multiply(*others, *(_line(multiply(*group), measured) for group in groups.values()))


def _line(expression: Expr, measured: bool) -> Expr:
    step = _one_step(expression)
    if step is None or expression == step:
        return expression
    below, above = (replaced(expression, {step: item}) for item in (ZERO, ONE))
    if measured:
        below, above = (item if is_number(item) else number(value_of(item)) for item in (below, above))
    found = add(below, multiply(add(above, negated(below)), step))
    return found if found.real else expression


def _one_step(expression: Expr) -> Expr | None:
    """The step on which alone an expression depends, if there is one."""
    steps = distinct(expression, "step")
    return next((step for step in steps if replaced(expression, {step: ONE}).numeric), None)


def _added(terms: Iterable[Expr]) -> Expr:
    """A sum multiplied out, without what rounding leaves of terms that cancel and of factors of one."""
    sizes: dict[Expr, list[Value]] = {}
    for term in terms:
        for item in terms_of(expanded(term, powers=False)):
            size, body = coefficient(item)
            sizes.setdefault(body, []).append(size)
    found: list[Expr] = []
    for body, item in sizes.items():
        size: Value = 0
        for one in item:
            size = plus(size, one)
        most = _ROUNDING * float(sum(map(abs, item)))
        if (
            type(size) is float
            and body != ONE
            and abs(size - (whole := round(size))) <= most
            and abs(whole) <= 1
        ):
            size = whole
        found.append(multiply(number(size), body))
    return add(*found)


def leading(expression: Expr) -> tuple[Value, Expr]:
    """A float factor taken out: of a product its coefficient, of a sum that of its first term with a column."""
    if expression.head != "+":
        return coefficient(expression)
    if not expression.measured:
        return 1, expression
    terms = [term for term in ordered_terms(expression) if not term.numeric]
    if not terms:
        return 1, expression
    sizes = [coefficient(term)[0] for term in terms]
    visible = _VISIBLE * max(abs(float(size)) for size in sizes)
    lead, size = next(pair for pair in zip(terms, sizes, strict=True) if abs(float(pair[1])) >= visible)
    if type(size) is not float or size == 0:
        return 1, expression
    scaled: list[Expr] = []
    for term in expression.args:
        own, body = coefficient(term)
        ratio = own / size
        # The leading term must lose its float, or it would come back as 1.0*x.
        scaled.append(body if term is lead else multiply(number(ratio), body))
    return size, add(*scaled)
