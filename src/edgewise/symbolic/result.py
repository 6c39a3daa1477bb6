"""What a formula search returns, and how it picks the one formula it recommends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise.network import KAN
from edgewise.symbolic.formula import Constant, Formula
from edgewise.symbolic.parse import from_sympy
from edgewise.symbolic.rounding import Fitted
from edgewise.symbolic.rows import Rows
from edgewise.symbolic.tape import Tape

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FormulaResult:
    """Formulas from the simplest to the most accurate.

    Parameters
    ----------
    best
        The simplest formula that no other beats by more than chance.
    front
        The formulas that no simpler one equals, the simplest first.
    network
        The network the best formula was read from, or the most accurate one trained; None where none was needed.
    message
        What was found and why the search ended, in one sentence.
    seconds
        How long it took.
    """

    best: Formula
    front: tuple[Formula, ...]
    network: KAN | None
    message: str
    seconds: float


def as_formula(fitted: Fitted, rows: Rows, network: KAN | None) -> Formula:
    """A fitted expression as a result."""
    r2 = (
        1.0 - (fitted.held / rows.spread) ** 2 if rows.spread > 0 and math.isfinite(fitted.held) else math.nan
    )
    constants = tuple(
        Constant(value, error)
        for value, error in zip(
            fitted.fit.constants.tolist(), fitted.fit.standard_errors.tolist(), strict=True
        )
    )
    deviation = None
    if network is not None:
        difference = predictions(fitted.expression, rows, rows.X_held) - network.predict(rows.X_held)[:, 0]
        with np.errstate(all="ignore"):
            deviation = float(np.sqrt(np.mean(np.square(difference))))
    return Formula(fitted.expression, rows.names, fitted.held, r2, constants, deviation)


def predictions(expression: object, rows: Rows, X: Floats) -> Floats:
    """A formula's values on some rows."""
    tape = Tape(from_sympy(expression), rows.names)
    return tape.value(tape.start, X)


def recommended(front: Sequence[Formula], rows: Rows) -> Formula:
    """The formula with the best balance: each node must take 7 % off the error, and more than chance.

    A formula stays in the running where no simpler one has a squared error within one standard error of its own, the
    rule of Breiman et al. (1984), Classification and Regression Trees.
    """
    # A difference that floating point itself makes is none.
    floor = max(10 * rows.rounding_error, 1e-12 * rows.spread)
    running: list[tuple[Formula, Floats]] = []
    for each in sorted(front, key=lambda one: one.complexity):
        squares = np.square(each.predict(rows.X_held) - rows.y_held)
        gains = [(before - squares) for _, before in running]
        if all(float(gain.mean()) > float(gain.std()) / math.sqrt(len(gain)) for gain in gains):
            running.append((each, squares))
    return min(
        (each for each, _ in running),
        key=lambda one: math.log(max(one.error, floor)) + _NODE * one.complexity,
    )


_NODE = 0.07
