"""How a formula does where its constants were not fitted: one end of the table left out at a time.

A formula that only interpolates predicts rows among others as well as a law does. Where the lowest or the highest fifth of
a column is left out and the constants are fitted to the other rows, the law goes on, and what imitates it does not. It is no
oracle: rows of one specimen say nothing of another, and a law whose constants one end alone determines is lost there.

References
----------
Chow (1960), Tests of equality between sets of coefficients in two linear regressions. Econometrica 28(3).
doi:10.2307/1910133
Martius, Lampert (2016), Extrapolation and learning equations. arXiv:1610.02995 (formulas chosen by how they go on)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Node, names_in
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows

# The share of the rows that an end takes; with equal values it may be more, up to so many.
_END_SHARE, _LARGEST_END = 0.2, 0.4
# Rows looked at, evenly from the table: as many as tell errors to some per cent.
_ROWS = 1000
# Steps of a fit, which starts from the constants of all rows.
_STEPS = 12

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outside:
    """The errors of a formula on ends of the table to which its constants were not fitted.

    Attributes
    ----------
    error : float
        The root mean squared error on the worst end, in the units of y; infinite where it has no value there.
    region : str
        Which end that is: "the highest fifth of x".
    inside : float
        The error on the rows that the constants were then fitted to.
    typical : float
        The root mean squared error over all ends.
    """

    error: float
    region: str
    inside: float
    typical: float

    def __str__(self) -> str:
        if not math.isfinite(self.error):
            return f"Fitted without {self.region}, it has no finite value there."
        return (
            f"Fitted without {self.region}, it is off by {self.error:.3g} there (root mean square), "
            f"by {self.inside:.3g} on the other rows."
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what is not finite as None."""
        numbers = {"error": self.error, "inside": self.inside, "typical": self.typical}
        return {
            "region": self.region,
            **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        }


def outside(tree: Node, rows: SplitRows, columns: Sequence[str] | None = None) -> Outside | None:
    """The errors of a formula on ends of a table, its constants fitted to the other rows.

    Parameters
    ----------
    tree
        The formula, with its constants fitted to all rows.
    rows
        The table.
    columns
        Those whose ends are left out; by default those of the formula. Formulas that are compared need the same.

    Returns
    -------
    Outside or None
        None where no column has ends.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> x = np.linspace(1, 3, 100)
    >>> rows = SplitRows.split(("x",), x[:, None], np.exp(x), 0.2, 0)
    >>> symbol = sympy.Symbol("x")
    >>> law = outside(Formula(1.0 * sympy.exp(1.0 * symbol), ("x",)).tree, rows)
    >>> line = outside(Formula(8.4 * symbol - 8.0, ("x",)).tree, rows)
    >>> law.error < 1e-9, line.region, line.error > 3 * line.inside
    (True, 'the highest fifth of x', True)
    """
    X, y, weight = _thinned(*rows.everything)
    names = rows.names
    tape = Tape(tree, names)
    wanted = sorted(names_in(tree)) if columns is None else columns
    weight = np.ones(len(y)) if weight is None else weight
    worst, count, total = Outside(-1.0, "", 0.0, 0.0), 0.0, 0.0
    for region, end in _ends(names, X, wanted):
        rest = ~end
        constants = tape.start
        if tape.size:
            constants = refit(tree, names, X[rest], y[rest], weight[rest], steps=_STEPS).constants
        with np.errstate(all="ignore"):
            squares = weight * np.square(tape.value(constants, X) - y)
        squares[np.isnan(squares)] = np.inf
        there = math.sqrt(float(squares[end].sum() / weight[end].sum()))
        count, total = count + float(weight[end].sum()), total + float(squares[end].sum())
        if there > worst.error:
            worst = Outside(there, region, math.sqrt(float(squares[rest].sum() / weight[rest].sum())), 0.0)
    if not worst.region:
        return None
    return Outside(worst.error, worst.region, worst.inside, math.sqrt(total / count))


def _thinned(X: Floats, y: Floats, weight: Floats | None) -> tuple[Floats, Floats, Floats | None]:
    """Rows spread evenly over the table."""
    if len(y) <= _ROWS:
        return X, y, weight
    kept = np.linspace(0, len(y) - 1, _ROWS).round().astype(int)
    return X[kept], y[kept], None if weight is None else weight[kept]


def end_of(values: Floats) -> Mask | None:
    """Which rows hold the lowest fifth of a column (n,); None where equal values leave nothing to be fitted to."""
    end = values <= np.quantile(values, _END_SHARE)
    return end if end.mean() <= _LARGEST_END and np.ptp(values[~end]) > 0 else None


def _ends(names: Sequence[str], X: Floats, wanted: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """Ends of a table (n, d) in words, and the rows that are there, (n,): of each column, and far out in all together."""
    columns = [at for at, name in enumerate(names) if name in wanted]
    for at in columns:
        for which, sign in (("lowest", 1), ("highest", -1)):
            if (end := end_of(sign * X[:, at])) is not None:
                yield f"the {which} fifth of {names[at]}", end
    if len(columns) > 1:
        centred = X[:, columns] - X[:, columns].mean(axis=0)
        left, sizes, _ = np.linalg.svd(
            centred / np.maximum(np.abs(centred).max(axis=0), 1e-300), full_matrices=False
        )
        far = np.square(left[:, sizes > 1e-9 * sizes[0]]).sum(axis=1)
        yield (
            "the fifth that is farthest from the middle of all columns",
            far >= np.quantile(far, 1 - _END_SHARE),
        )
