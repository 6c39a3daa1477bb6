"""Formulas with parts left out that the data may not need: terms, factors, and functions that hardly bend.

A search under noise takes factors in that follow the noise, one making up for another: exp(x^2/60)/x is nearly constant on
the rows. Each product is offered with fewer of its factors, several of them left out at a time, each sum with one term
less, and each function with its argument in its place; what that costs is judged as with any other candidate. Squares of
sums are offered written out as well, for one of the two has the rounder constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from edgewise.forms.tree import Node
from edgewise.symbolic.config import DEFAULT, SearchConfig
from edgewise.symbolic.expressions.complexity import complexity
from edgewise.symbolic.expressions.parse import from_sympy, is_real
from edgewise.symbolic.results.formula import Formula


def shortened(formulas: Iterable[Formula], config: SearchConfig = DEFAULT) -> Iterator[Node]:
    """Candidates to fit and judge, from formulas that hold products of several factors.

    Parameters
    ----------
    formulas
        What has been found.
    config
        The thresholds.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> from edgewise.symbolic.expressions.parse import to_sympy
    >>> from edgewise.symbolic.search.backward_elimination import shortened
    >>> x, y = sympy.symbols("x y")
    >>> [Formula(to_sympy(tree, ["x", "y"]), names=("x", "y")).text
    ...  for tree in shortened([Formula(y + 2.5 * sympy.sin(y) / x, names=("x", "y"))])]
    ['y', 'y + 2.5', 'y + 2.5/x', '2.5*sin(y)/x', 'y + 2.5*sin(y)', 'y + 2.5*y/x']
    """
    told: set[Any] = set()
    for formula in formulas:
        fewer = {each for each in _fewer(formula.sympy, config.eliminated_factors) if is_real(each)}
        fewer = sorted(fewer, key=lambda each: (complexity(each), str(each)))
        for each in itertools.islice((one for one in fewer if one not in told), config.eliminations):
            told.add(each)
            yield from_sympy(each)


def _fewer(expression: Any, most: int) -> Iterator[Any]:
    for product in _products(expression):
        number, rest = product.as_independent(*product.free_symbols)
        factors = rest.as_ordered_factors()
        if 2 <= len(factors) <= most:
            # An exact number goes with the factors that it stood before.
            number = number.evalf()
            for k in range(len(factors)):
                for kept in itertools.combinations(factors, k):
                    yield expression.xreplace({product: prod(kept, start=number)})

    for function, line in _straight(expression):
        yield expression.xreplace({function: line})
    for total in _sums(expression):
        for term in total.args:
            if term.free_symbols:
                yield expression.xreplace({total: total - term})
        if any(each.is_Pow and each.exp == 2 and each.base.is_Add for each in total.args):
            yield expression.xreplace({total: total.expand()})


def _sums(expression: Any) -> set[Any]:
    from sympy import Add

    return expression.atoms(Add)


def _straight(expression: Any) -> Iterator[tuple[Any, Any]]:
    """Functions with the line that touches them at zero, its slope to be fitted."""
    from sympy import Float, Function, asin, asinh, atan, exp, sin, sinh, tan, tanh

    for function in expression.atoms(Function):
        if isinstance(function, (asin, asinh, atan, sin, sinh, tan, tanh)):
            yield function, Float(1) * function.args[0]
        elif isinstance(function, exp):
            yield function, 1 + Float(1) * function.args[0]


def _products(expression: Any) -> set[Any]:
    from sympy import Mul

    return expression.atoms(Mul)
