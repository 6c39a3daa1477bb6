"""Doubling and the like: where a column counts steps, y may grow by a whole factor from each step to the next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes

# Steps that a column of whole numbers must have to count generations.
_FEWEST_STEPS = 4

# Whole factors that laws are written with.
_BASES = (2, 3, 10)


@proposes("growth factors")
def growths(rows: SplitRows) -> Iterator[Node]:
    """a*2^n + b and a*2^n, for the whole factor and the sign of n that fit best, of each column n of whole numbers.

    Examples
    --------
    >>> from edgewise.forms.tree import render
    >>> n = np.arange(7.0)[:, None]
    >>> "*2^n + " in render(next(growths(SplitRows.split(("n",), n, 0.25 + 0.5 * 2 ** n[:, 0], 0.2, 0))))
    True
    """
    for at, name in enumerate(rows.names):
        n = rows.X[:, at]
        if (n != np.round(n)).any() or len(np.unique(n)) < _FEWEST_STEPS:
            continue
        for constant in (True, False):
            fits = [
                fit for base in _BASES for sign in (1, -1) if (fit := _fit(rows.y, n, base, sign, constant))
            ]
            if fits:
                _, base, sign, (factor, offset) = min(fits)
                exponent: Node = Variable(name) if sign > 0 else Apply("neg", (Variable(name),))
                growing = Apply("*", (Number(factor), Apply("^", (Number(base), exponent))))
                yield Apply("+", (growing, Number(offset))) if constant else growing


def _fit(
    y: np.ndarray, n: np.ndarray, base: int, sign: int, constant: bool
) -> tuple[float, int, int, tuple[float, float]] | None:
    """The residual sum of squares and what it was reached with; None where a power leaves the range of floats."""
    with np.errstate(all="ignore"):
        power = float(base) ** (sign * n)
        size = float(np.linalg.norm(power))
    if not np.isfinite(size) or size == 0 or not power.all():
        return None
    design = np.column_stack([power / size, *([np.ones_like(n)] if constant else [])])
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    left = y - design @ solution
    factors = (float(solution[0]) / size, float(solution[1]) if constant else 0.0)
    return float(left @ left), base, sign, factors
