"""Constants of a group with fewer rows than constants: from its rows, and else from what the other groups make likely.

References
----------
Lindstrom and Bates (1990), Nonlinear mixed effects models for repeated measures data. doi:10.2307/2532087
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Node, Number, replaced
from edgewise.symbolic.expressions.tape import Tape

# Spreads and noise are taken to be no less than this share of what they are of.
_LEAST = 1e-9


def of_few_rows(
    tree: Node,
    names: Sequence[str],
    others: Floats,
    noise: float,
    columns: Sequence[str],
    X: Floats,
    y: Floats,
) -> tuple[Floats, Floats]:
    """The likeliest constants of a group and their standard errors.

    Parameters
    ----------
    tree : Node
        The formula; other numbers in it are not fitted.
    names : sequence of str
        Its constants.
    others : ndarray, shape (groups, constants)
        What they are in other groups: their median and spread are the prior.
    noise : float
        Standard deviation of y.
    columns : sequence of str
    X, y
        The rows, of which there may be none.
    """
    centre = np.median(others, axis=0)
    size = np.abs(centre) + np.abs(others).max(axis=0)
    spread = np.maximum(others.std(axis=0, ddof=1) if len(others) > 1 else size, _LEAST * size + 1e-300)
    sigma = max(noise, _LEAST * float(np.abs(y).max(initial=0.0)), 1e-300)
    # Numbers of the formula itself stay as they stand; only the named are moved.
    marks = _marks(len(names))
    tape = Tape(replaced(tree, {n: Number(float(at)) for n, at in zip(names, marks, strict=True)}), columns)
    place = [int(np.flatnonzero(tape.start == mark)[0]) for mark in marks]

    def filled(constants: Floats) -> Floats:
        every = tape.start.copy()
        every[place] = constants
        return every

    def residual(steps: Floats) -> Floats:
        off = (tape.value(filled(centre + steps * spread), X) - y) / sigma
        return np.concatenate([np.nan_to_num(off, nan=1e150, posinf=1e150, neginf=-1e150), steps])

    def slopes(steps: Floats) -> Floats:
        _, jacobian = tape.jacobian(filled(centre + steps * spread), X)
        above = np.nan_to_num(jacobian[:, place] * spread / sigma, posinf=1e100, neginf=-1e100)
        return np.vstack([above, np.eye(len(names))])

    jacobian: Any = slopes  # of which the stubs know nothing
    found = least_squares(residual, np.zeros(len(names)), jacobian, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    # Not by normal equations: exact rows are distinguished from likely constants by nine decades.
    _, singular, right = np.linalg.svd(found.jac, full_matrices=False)
    errors = np.sqrt(np.square(right / singular[:, None]).sum(axis=0))
    return centre + found.x * spread, errors * spread


def _marks(count: int) -> Floats:
    """Numbers by which constants are found again on a tape; no formula holds them."""
    return np.sqrt(2.0) * 1e5 + np.arange(count)
