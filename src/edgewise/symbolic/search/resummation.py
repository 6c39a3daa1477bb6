"""The first terms of a series written as what they are the beginning of.

A search over sums of products finds 2/x - 4/x^3 where the law has 2 x/(x^2 + 2): under noise both explain as much on the
rows, but only the latter outside. So a term and its first correction, a + a u with u a product of powers, are offered as
a/(1 - u), a exp(u), a/sqrt(1 - 2 u) and 2 a u/(1 - exp(-2 u)) as well, with the term that would come next left away where
there is one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.algebra import add, divided, multiply, negated, power
from edgewise.symbolic.expressions.expansion import expanded
from edgewise.symbolic.expressions.nodes import HALF, ONE, SYMBOL, Expr, factors_of, made, number
from edgewise.symbolic.expressions.ordering import ordered_terms
from edgewise.symbolic.expressions.writing import to_tree
from edgewise.symbolic.provenance import marked, proposes
from edgewise.symbolic.results.formula import Formula

# Sums of more terms are no beginning of a series.
_SERIES_TERMS = 7


@proposes("resummation")
def resummed(formulas: Iterable[Formula]) -> Iterator[Node]:
    """Candidates to fit and judge, from formulas that are sums of products.

    Parameters
    ----------
    formulas
        What has been found; those that are no sums of two to seven terms give nothing.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> from edgewise.symbolic.expressions.parse import to_sympy
    >>> x = sympy.Symbol("x")
    >>> "2*x/(x^2 + 2)" in [Formula(sympy.simplify(to_sympy(tree, ["x"])), names=("x",)).text
    ...                     for tree in resummed([Formula(2 / x - 4 / x**3, names=("x",))])]
    True
    """
    seen = set[Expr]()
    for formula in formulas:
        for whole in _written(formula.expression):
            if whole not in seen and whole.real:
                seen.add(whole)
                yield marked(to_tree(whole), *formula.origin)


def _written(expression: Expr) -> Iterator[Expr]:
    terms = ordered_terms(expanded(expression))
    if len(terms) > _SERIES_TERMS:
        return
    for first, second in itertools.permutations(range(len(terms)), 2):
        u = divided(terms[second], terms[first])
        if u.numeric or not _is_product(u):
            continue
        rest = [term for at, term in enumerate(terms) if at not in (first, second)]
        # What may be the next term of the same series.
        later = [other for other in rest if divided(other, multiply(terms[second], u)).numeric]
        for kept in (rest, [other for other in rest if other not in later]) if later else (rest,):
            for closed in _closed(terms[first], u):
                yield add(closed, *kept)


def _closed(a: Expr, u: Expr) -> Iterator[Expr]:
    yield divided(a, add(ONE, negated(u)))
    yield multiply(a, made("exp", u))
    twice = multiply(number(-2), u)
    yield divided(a, power(add(ONE, twice), HALF))
    # 1 - z/2 + z^2/12 - ...: the occupation of levels by heat.
    yield divided(multiply(a, twice), add(made("exp", twice), number(-1)))


def _is_product(u: Expr) -> bool:
    """A number times powers of columns."""
    return all(
        factor.numeric
        or factor.head == SYMBOL
        or (factor.head == "^" and factor.args[0].head == SYMBOL and factor.args[1].numeric)
        for factor in factors_of(u)
    )
