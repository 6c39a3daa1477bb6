"""Which formulas of the structural search get the expensive steps: rounding, judging, showing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgewise.forms.tree import Node, render
from edgewise.symbolic.expressions.nodes import Expr
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, text, to_tree
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.rounding import FittedFormula, round_constants
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import like
from edgewise.symbolic.results.formula import Formula

# Formulas of a walk that are rounded and judged: the shortest of those about as accurate as the most accurate.
_SHORTLISTED = 6
_CLOSE_ERROR = 1.05
# Share of the rows on which a formula under noise must have values to be mended.
_VALID_SHARE = 0.97


def shortlist(waiting: list[tuple[float, Node]]) -> list[tuple[float, Node]]:
    """The most accurate few, and the shortest of those that are about as accurate."""
    if not waiting:
        return []
    waiting = sorted(waiting, key=lambda item: item[0])
    near = [item for item in waiting if item[0] <= _CLOSE_ERROR * waiting[0][0]]
    short = sorted(near, key=lambda item: len(render(item[1])))[:_SHORTLISTED]
    return list(
        {render(tree): (error, tree) for error, tree in [*short, *waiting[: _SHORTLISTED // 2]]}.values()
    )


def settled(tree: Node, rows: SplitRows, exact: float) -> tuple[float, Node]:
    """The held-out error of a formula, its constants fitted where they are nearly right."""
    tape = Tape(tree, rows.names)
    value = tape.value(tape.start, rows.X)
    good = np.isfinite(value)
    if _VALID_SHARE * len(good) <= good.sum() < len(good):
        # A root of what is zero but for noise: exact constants may still give it values everywhere.
        some = replace(rows, X=rows.X[good], y=rows.y[good])
        tree = like(to_tree(round_constants(from_tree(tree, rows.names), some).expression), tree)
        tape = Tape(tree, rows.names)
    error = tape.value(tape.start, rows.X_held) - rows.y_held
    size = float(np.sqrt(np.mean(np.square(error))))
    if 10 * exact * rows.spread < size < 0.05 * rows.spread:
        fit = refit(tree, rows.names, rows.X, rows.y)
        size, tree = min((rows.held_error(fit), like(fit.tree, tree)), (size, tree), key=lambda item: item[0])
    return size, tree


def worth_finishing(
    fresh: Sequence[FittedFormula], finished: Sequence[Formula], rows: SplitRows
) -> list[FittedFormula]:
    """Rounding is the expensive part: only what no formula beats in nodes, measured constants and error is rounded."""
    kept: list[FittedFormula] = []
    rivals = [(formula.complexity, len(formula.constants), formula.error) for formula in finished]
    texts: set[str] = set()
    for formula in sorted(fresh, key=lambda one: (one.held, rows.size(one.expression))):
        size, key, count = (
            rows.size(formula.expression),
            digits_key(formula.expression),
            formula.fit.constants.size,
        )
        beaten = any(
            other <= size and constants <= count and error <= 1.0001 * formula.held
            for other, constants, error in rivals
        )
        if key not in texts and not beaten:
            kept.append(formula)
            rivals.append((size, count, formula.held))
            texts.add(key)
    return kept


def digits_key(expression: Expr) -> str:
    """A key that distinguishes formulas which differ by more than rounding."""
    return text(expression, 15)
