"""Laws solved for their other columns: from y = f(a, b, ...) the law a = g(y, b, ...), where algebra gives one.

A column that occurs once is freed step by step, by the inverse of what is done to it; one that occurs in a polynomial of
degree one or two by its roots. Of several branches that is taken which gives back the column on rows of the law. The range
of y is what holds the middle of its values on those rows. Laws that are not real on all of their box, or steep there, are
left out, as among random ones (`random_laws.py`). Rows come in the judge's format; `formulas.py --set solved:SET` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy
from random_laws import is_fair

ROWS, MIDDLE = 2000, (10, 90)
# The branch that holds gives the column back up to rounding.
SAME = 1e-6
_INVERSE = {
    sympy.exp: [sympy.log],
    sympy.log: [sympy.exp],
    sympy.sin: [sympy.asin, lambda e: sympy.pi - sympy.asin(e)],
    sympy.cos: [sympy.acos, lambda e: 2 * sympy.pi - sympy.acos(e)],
    sympy.tan: [sympy.atan, lambda e: sympy.pi + sympy.atan(e)],
    sympy.asin: [sympy.sin],
    sympy.acos: [sympy.cos],
    sympy.tanh: [sympy.atanh],
}


def solved(problems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every law solved for every column that algebra frees."""
    return [row for problem in problems for row in _of(problem)]


def _of(problem: dict[str, Any]) -> Iterator[dict[str, Any]]:
    names, output = problem["vars"], str(problem["output"])
    if output in names:
        output = f"{output}_out"
    symbols = {name: sympy.Symbol(name) for name in names}
    law, y = sympy.sympify(problem["formula"], locals=symbols), sympy.Symbol(output)
    rng = np.random.default_rng(0)
    X = rng.uniform(problem["low"], problem["high"], (ROWS, len(names)))
    truth = _values(law, names, X)
    if not np.isfinite(truth).all():
        return
    low, high = np.percentile(truth, MIDDLE)
    for k, name in enumerate(names):
        others = [item for item in names if item != name]
        columns = [output, *others]
        known = np.column_stack([truth, X[:, [names.index(other) for other in others]]])
        for branch in _freed(law, y, symbols[name]):
            back = _values(branch, columns, known)
            if not np.allclose(back, X[:, k], rtol=SAME, atol=0):
                continue
            ends = (
                [low, *(problem["low"][names.index(other)] for other in others)],
                [high, *(problem["high"][names.index(other)] for other in others)],
            )
            if is_fair(branch, columns, *ends):
                yield problem | {
                    "set": "solved",
                    "id": f"{problem['id']}-{name}",
                    "formula": str(branch),
                    "output": name,
                    "vars": columns,
                    "low": [float(end) for end in ends[0]],
                    "high": [float(end) for end in ends[1]],
                    "units": None,
                    "out_units": None,
                    "source": "benchmarks/solved_laws.py",
                }
            break


def _freed(law: Any, y: Any, column: Any) -> Iterator[Any]:
    """What a column may be equal to."""
    if sum(item == column for item in sympy.preorder_traversal(law)) == 1:
        yield from _undone(law, y, column)
        return
    top, _ = sympy.fraction(sympy.together(law - y))
    if top.is_polynomial(column) and 1 <= sympy.degree(top, column) <= 2:
        yield from sympy.roots(sympy.Poly(top, column), multiple=True)


def _undone(law: Any, value: Any, column: Any) -> Iterator[Any]:
    """The column where law = value, which holds it once: the inverse of each step."""
    if law == column:
        yield value
        return
    inner = next(argument for argument in law.args if argument.has(column))
    rest = [argument for argument in law.args if argument is not inner]
    if law.is_Add:
        found = [value - sympy.Add(*rest)]
    elif law.is_Mul:
        found = [value / sympy.Mul(*rest)]
    elif law.is_Pow and inner is law.args[0]:
        root = value ** (1 / law.exp)
        found = [root, -root]
    elif law.is_Pow:
        found = [sympy.log(value) / sympy.log(law.base)]
    else:
        found = [inverse(value) for inverse in _INVERSE.get(law.func, ())]
    for item in found:
        yield from _undone(inner, item, column)


def _values(expression: Any, names: Sequence[str], X: Any) -> Any:
    value = sympy.lambdify([sympy.Symbol(name) for name in names], expression, "numpy")
    with np.errstate(all="ignore"):
        # Without complex numbers on the way, as the judge computes.
        return np.broadcast_to(np.asarray(value(*X.T), dtype=float), (len(X),))
