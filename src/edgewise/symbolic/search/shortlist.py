"""Which formulas of the structural search get the expensive steps: rounding, judging, showing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgewise.forms.tree import Node, render
from edgewise.symbolic.config import DEFAULT, SearchConfig
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.rounding import round_constants
from edgewise.symbolic.fitting.train_test import SplitRows


def shortlist(waiting: list[tuple[float, Node]], config: SearchConfig = DEFAULT) -> list[tuple[float, Node]]:
    """The most accurate few, and the shortest of those that are about as accurate."""
    if not waiting:
        return []
    waiting = sorted(waiting, key=lambda each: each[0])
    near = [each for each in waiting if each[0] <= config.shortlist_close * waiting[0][0]]
    short = sorted(near, key=lambda each: len(render(each[1])))[: config.shortlisted]
    return list(
        {
            render(tree): (error, tree) for error, tree in [*short, *waiting[: config.shortlisted // 2]]
        }.values()
    )


def settled(tree: Node, rows: SplitRows, exact: float) -> tuple[float, Node]:
    """The held-out error of a formula, its constants fitted where they are nearly right."""
    tape = Tape(tree, rows.names)
    value = tape.value(tape.start, rows.X)
    good = np.isfinite(value)
    if rows.config.mostly * len(good) <= good.sum() < len(good):
        # A root of what is zero but for noise: exact constants may still give it values everywhere.
        some = replace(rows, X=rows.X[good], y=rows.y[good])
        tree = to_tree(round_constants(from_tree(tree, rows.names), some).expression)
        tape = Tape(tree, rows.names)
    error = tape.value(tape.start, rows.X_held) - rows.y_held
    size = float(np.sqrt(np.mean(np.square(error))))
    if 10 * exact * rows.spread < size < 0.05 * rows.spread:
        fit = refit(tree, rows.names, rows.X, rows.y)
        size, tree = min((rows.held_error(fit), fit.tree), (size, tree), key=lambda each: each[0])
    return size, tree
