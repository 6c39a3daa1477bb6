"""Where a model fails: the stretch of one column in which its errors stand out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.report.content.content import InputView
from edgewise.report.text.numbers import number

PARTS = 5
FEWEST_ROWS = 12
# Errors this many times the rest's stand out.
NOTEWORTHY = 1.5


@dataclass(frozen=True)
class ErrorSlice:
    """A stretch of a column and how much larger the errors are in it.

    Attributes
    ----------
    name : str
    where : str
        The stretch in words ("above 12", "between 3 and 5", "for level a").
    ratio : float
        Root mean square error in it over that elsewhere.
    rows : int
    """

    name: str
    where: str
    ratio: float
    rows: int

    @property
    def sentence(self) -> str:
        """As a sentence."""
        return f"Errors are {number(self.ratio, 2)} times as large where {self.name} is {self.where} ({self.rows:,} rows)."


def worst_slice(X: Floats, views: tuple[InputView, ...], errors: Floats) -> ErrorSlice | None:
    """The stretch that stands out most, None where errors are alike everywhere or rows too few to judge.

    Parameters
    ----------
    X : array of shape (n, d)
    views : tuple of InputView
        One a column.
    errors : array of shape (n,)

    Examples
    --------
    >>> x = np.linspace(0, 10, 200)
    >>> spot = worst_slice(x[:, None], (InputView("x", "x"),), np.where(x > 8, 3.0, 1.0))
    >>> spot.where, round(spot.ratio)
    ('above 8.04', 3)
    """
    good = np.isfinite(errors)
    squares = errors[good] ** 2
    best: ErrorSlice | None = None
    for k, view in enumerate(views):
        values = X[good, k]
        for where, inside in _stretches(values, view):
            rows = int(inside.sum())
            if rows < FEWEST_ROWS or len(values) - rows < FEWEST_ROWS:
                continue
            elsewhere = float(squares[~inside].mean())
            if elsewhere <= 0:
                continue
            ratio = float(np.sqrt(squares[inside].mean() / elsewhere))
            # One wild row must not make a stretch: the ratio must also hold without its largest error.
            rest = float(np.sqrt((squares[inside].sum() - squares[inside].max()) / (rows - 1) / elsewhere))
            if rest >= NOTEWORTHY and (best is None or ratio > best.ratio):
                best = ErrorSlice(view.label, where, ratio, rows)
    return best


def _stretches(values: Floats, view: InputView) -> list[tuple[str, NDArray[np.bool_]]]:
    if view.levels:
        codes = values.round()
        return [(name, codes == k) for k, name in enumerate(view.levels)]
    cuts = (
        np.unique(np.quantile(values, np.linspace(0.0, 1.0, PARTS + 1)[1:-1], method="higher"))
        if values.size
        else values
    )
    ends = [number(float(v), 3) for v in view.in_table(cuts)]
    if not len(cuts):
        return []
    found = [(f"below {ends[0]}", values < cuts[0])]
    found += [
        (f"between {ends[k]} and {ends[k + 1]}", (values >= cuts[k]) & (values < cuts[k + 1]))
        for k in range(len(cuts) - 1)
    ]
    found.append((f"above {ends[-1]}", values >= cuts[-1]))
    return found
