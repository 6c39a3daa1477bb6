"""The formulas of a wholly symbolic network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgewise._core.arguments import dimensions
from edgewise._core.checks import check_bool, check_matrix, check_vector
from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.network.arguments import check_net
from edgewise.symbolic.expressions.composition import compose
from edgewise.symbolic.expressions.nodes import Expr
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, to_tree, values
from edgewise.symbolic.results.formula import Constant, Formula


def formula(model: KAN, X: Any = None, y: Any = None, *, simplify: bool = True) -> tuple[Formula, ...]:
    """What a symbolic network computes, as one formula per output in the user's columns and units.

    Parameters
    ----------
    model
        A network whose living edges are all symbolic.
    X, y
        Rows to state the error on, (n, d) and (n,) or (n, outputs); give those the network was not trained on.
    simplify
        Bring the formulas to their shortest writing.

    Returns
    -------
    tuple of Formula
        Equal to the network's outputs wherever these have a value.

    Raises
    ------
    NumericEdgesError
        Where a living edge is numeric; the message names them.
    InputError
        Where X and y do not fit the network.

    Examples
    --------
    >>> import torch
    >>> from edgewise.network import KAN, set_symbolic
    >>> from edgewise.symbolic import formula
    >>> model = set_symbolic(KAN([1, 1], seed=0, dtype=torch.float64), (0, 0, 0), "sin", (2.0, 3.0, 0.0, 0.5)).network
    >>> formula(model)[0].text
    '2*sin(3*x1) + 0.5'
    """
    check_net(model)
    expressions = [from_tree(tree, model.input_names) for tree in compose(model)]
    if check_bool(simplify, "simplify"):
        expressions = [shortest(expression) for expression in expressions]
    if X is None or y is None:
        if y is not None or X is not None:
            raise InputError(
                subject="The 'X' and 'y' arguments of formula",
                expected="be given together",
                got="only one of them",
            )
        return tuple(
            Formula(expression, model.input_names, constants=_constants(expression, model.input_names))
            for expression in expressions
        )
    rows = check_matrix(X, "X", columns=model.shape[0])
    target = check_matrix(
        check_vector(y, "y")[:, None] if dimensions(y) == 1 else y,
        "y",
        columns=model.shape[-1],
        rows=len(rows),
    )
    outputs = model.predict(rows)
    return tuple(
        _judged(expression, model.input_names, rows, target[:, at], outputs[:, at])
        for at, expression in enumerate(expressions)
    )


def _judged(expression: Expr, names: tuple[str, ...], X: Any, y: Any, output: Any) -> Formula:
    value = values(expression, names, X)
    error = math.sqrt(float(np.mean(np.square(value - y))))
    spread = float(np.std(y))
    r2 = 1 - (error / spread) ** 2 if spread > 0 else math.nan
    deviation = math.sqrt(float(np.mean(np.square(value - output))))
    return Formula(expression, names, error, r2, _constants(expression, names), deviation)


def _constants(expression: Expr, names: tuple[str, ...]) -> tuple[Constant, ...]:
    return tuple(Constant(value, math.nan) for value in Tape(to_tree(expression), names).start.tolist())
