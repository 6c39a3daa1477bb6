"""The first terms of a series written as what they are the beginning of.

A search over sums of products finds 2/x - 4/x^3 where the law has 2 x/(x^2 + 2): under noise both explain as much on the
rows, but only the latter outside. So a term and its first correction, a + a u with u a product of powers, are offered as
a/(1 - u), a exp(u) and a/sqrt(1 - 2 u) as well, with the term that would come next left away where there is one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from edgewise.forms.tree import Node
from edgewise.symbolic.config import DEFAULT, SearchConfig
from edgewise.symbolic.expressions.parse import from_sympy, is_real
from edgewise.symbolic.results.formula import Formula


def resummed(formulas: Iterable[Formula], config: SearchConfig = DEFAULT) -> Iterator[Node]:
    """Candidates to fit and judge, from formulas that are sums of products.

    Parameters
    ----------
    formulas
        What has been found; those that are no sums of two to seven terms give nothing.
    config
        The thresholds.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> from edgewise.symbolic.expressions.parse import to_sympy
    >>> from edgewise.symbolic.search.resummation import resummed
    >>> x = sympy.Symbol("x")
    >>> "2*x/(x^2 + 2)" in [Formula(sympy.simplify(to_sympy(tree, ["x"])), names=("x",)).text
    ...                     for tree in resummed([Formula(2 / x - 4 / x**3, names=("x",))])]
    True
    """
    told: set[Any] = set()
    for formula in formulas:
        for whole in _written(formula.sympy, config.series_terms):
            if whole not in told and is_real(whole):
                told.add(whole)
                yield from_sympy(whole)


def _written(expression: Any, most: int) -> Iterator[Any]:
    terms = expression.expand().as_ordered_terms()
    if len(terms) > most:
        return
    for first, second in itertools.permutations(range(len(terms)), 2):
        u = terms[second] / terms[first]
        if not u.free_symbols or not _is_product(u):
            continue
        rest = [each for at, each in enumerate(terms) if at not in (first, second)]
        # What may be the next term of the same series.
        later = [each for each in rest if (each / (terms[second] * u)).is_number]
        for kept in (rest, [each for each in rest if each not in later]) if later else (rest,):
            for closed in _closed(terms[first], u):
                yield sum(kept, closed)


def _closed(a: Any, u: Any) -> Iterator[Any]:
    from sympy import exp, sqrt

    yield a / (1 - u)
    yield a * exp(u)
    yield a / sqrt(1 - 2 * u)


def _is_product(u: Any) -> bool:
    """A number times powers of columns."""
    return all(
        each.is_number or each.is_Symbol or (each.is_Pow and each.base.is_Symbol and each.exp.is_number)
        for each in u.as_ordered_factors()
    )
