"""Formulas with parts left out that the data may not need: terms, factors, and functions that hardly bend.

A search under noise takes factors in that follow the noise, one making up for another: exp(x^2/60)/x is nearly constant on
the rows. Each product is offered with fewer of its factors, several of them left out at a time, each sum with one term
less, and each function with its argument in its place; what that costs is judged as with any other candidate. Squares of
sums are offered written out as well, for one of the two has the rounder constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.algebra import add, multiply, negated, replaced
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.expansion import expanded, independent
from edgewise.symbolic.expressions.nodes import ONE, Expr, distinct, number
from edgewise.symbolic.expressions.numeric_values import value_of
from edgewise.symbolic.expressions.ordering import ordered_factors
from edgewise.symbolic.expressions.writing import text, to_tree
from edgewise.symbolic.provenance import marked, proposes
from edgewise.symbolic.results.formula import Formula

# Factors of a product, and candidates of a formula, those that leave most out first.
_MOST_FACTORS = 6
_CANDIDATES = 60


@proposes("shortening")
def shortened(formulas: Iterable[Formula]) -> Iterator[Node]:
    """Candidates to fit and judge, from formulas that hold products of several factors.

    Parameters
    ----------
    formulas
        What has been found.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> from edgewise.symbolic.expressions.parse import to_sympy
    >>> x, y = sympy.symbols("x y")
    >>> [Formula(to_sympy(tree, ["x", "y"]), names=("x", "y")).text
    ...  for tree in shortened([Formula(y + 2.5 * sympy.sin(y) / x, names=("x", "y"))])]
    ['y', 'y + 2.5', 'y + 2.5/x', '2.5*sin(y)/x', 'y + 2.5*sin(y)', 'y + 2.5*y/x']
    """
    seen = set[Expr]()
    for formula in formulas:
        fewer = {expression for expression in _fewer(formula.expression) if expression.real}
        ordered = sorted(fewer, key=lambda item: (node_count(item), text(item)))
        for item in itertools.islice((one for one in ordered if one not in seen), _CANDIDATES):
            seen.add(item)
            yield marked(to_tree(item), *formula.origin)


def _fewer(expression: Expr) -> Iterator[Expr]:
    for product in distinct(expression, "*"):
        numbers, rest = independent(product)
        factors = ordered_factors(rest)
        if 2 <= len(factors) <= _MOST_FACTORS:
            # An exact number goes with the factors that it stood before.
            start = number(value_of(numbers))
            for k in range(len(factors)):
                for kept in itertools.combinations(factors, k):
                    yield replaced(expression, {product: multiply(start, *kept)})
    for function, line in _straight(expression):
        yield replaced(expression, {function: line})
    for total in distinct(expression, "+"):
        for term in total.args:
            if not term.numeric:
                yield replaced(expression, {total: add(total, negated(term))})
        if any(
            argument.head == "^" and argument.args[0].head == "+" and argument.args[1] == number(2)
            for argument in total.args
        ):
            yield replaced(expression, {total: expanded(total)})


def _straight(expression: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Functions with the line that touches them at zero, its slope to be fitted."""
    for function in distinct(expression, "asin", "asinh", "atan", "sin", "sinh", "tan", "tanh", "exp"):
        line = multiply(number(1.0), function.args[0])
        yield function, add(ONE, line) if function.head == "exp" else line
