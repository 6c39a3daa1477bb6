"""Two measured constants become one where the data cannot tell them apart and the formula can be written with one.

0.498 sin(x) cos(y) - 0.497 cos(x) sin(y) is 0.4975 (sin(x) cos(y) - cos(x) sin(y)): one constant fewer, and a sine of a
difference that now shows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.symbolic.expressions.algebra import replaced
from edgewise.symbolic.expressions.border import as_sympy, canonical
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.nodes import Expr, floats, number, symbol
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.rounding import Fitted, fit_expression, indistinguishable
from edgewise.symbolic.fitting.train_test import SplitRows

_SHARED = "#shared"


def tie_constants(fitted: Fitted, rows: SplitRows) -> Fitted:
    """Write a formula with one constant where it has two that the data cannot tell apart.

    Parameters
    ----------
    fitted
        A formula with its constants fitted.
    rows
        Data to fit and to judge on.

    Returns
    -------
    Fitted
        With as few constants as that leaves; `fitted` itself where nothing can be tied.

    Examples
    --------
    >>> import numpy as np
    >>> import sympy
    >>> from edgewise.symbolic.fitting.rounding import fit_expression
    >>> from edgewise.symbolic.fitting.train_test import SplitRows
    >>> from edgewise.symbolic.fitting.tying import tie_constants
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 6, (400, 2))
    >>> y = 0.7 * np.sin(X[:, 0] - X[:, 1]) + 0.05 * rng.normal(size=400)
    >>> rows = SplitRows.split(("x", "z"), X, y, 0.2, 0)
    >>> x, z = sympy.symbols("x z")
    >>> loose = 0.71 * sympy.sin(x) * sympy.cos(z) - 0.69 * sympy.cos(x) * sympy.sin(z)
    >>> tie_constants(fit_expression(loose, rows), rows).fit.constants.round(2).tolist()
    [0.7]
    """
    for candidate in itertools.islice(_candidates(fitted, rows), rows.config.tied_tries):
        new = fit_expression(candidate, rows)
        if new.fit.constants.size < fitted.fit.constants.size and indistinguishable(new, fitted, rows, 1.0):
            return tie_constants(new, rows)
    return fitted


def _candidates(fitted: Fitted, rows: SplitRows) -> Iterator[Expr]:
    constants, errors = fitted.fit.constants, fitted.fit.standard_errors
    tape, most = Tape(fitted.fit.tree, rows.names), node_count(fitted.expression)
    for i, j in itertools.combinations(range(len(constants)), 2):
        both, size = errors[i] + errors[j], abs(constants[i])
        if (
            not both <= rows.config.tied_loose * size
            or abs(abs(constants[j]) - size) > rows.config.tied_apart * both
        ):
            continue
        shared: Node = Variable(_SHARED)
        same = constants[i] * constants[j] > 0
        values: list[float | Node] = list(constants.tolist())
        values[i], values[j] = shared, shared if same else Apply("*", (Number(-1), shared))
        whole = from_tree(tape.with_constants(values), (*rows.names, _SHARED))
        value = math.copysign((size + abs(float(constants[j]))) / 2, constants[i])
        for written in _written(whole):
            short = shortest(replaced(written, {symbol(_SHARED): number(value)}), rows.positive)
            if node_count(short) <= most and len(floats(short)) < len(constants):
                yield short
                break


def _written(expression: Expr) -> Iterator[Expr]:
    """The formula with what the shared constant multiplies as one term; a number in front of a sum would be two again.

    Sums of products of waves and quotients are taken together by sympy: hardly a formula comes this far.
    """
    import sympy
    from sympy.simplify.fu import TR10i

    whole: Any = as_sympy(expression)
    shared: Any = sympy.Symbol(_SHARED)
    for written in (sympy.factor_terms(whole), sympy.collect(sympy.expand_mul(whole), shared)):
        for product in written.atoms(sympy.Mul) if written.count(shared) == 1 else ():
            if shared in product.args:
                beside = product / shared
                for short in (TR10i(beside), sympy.factor(sympy.together(beside))):
                    if not short.is_Add:
                        yield canonical(written.xreplace({product: shared * short}))
