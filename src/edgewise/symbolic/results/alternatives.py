"""Formulas that the data cannot distinguish from the best one, and where a measurement could."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.box import DataBox, Place, place_text
from edgewise.symbolic.results.formula import Formula

_POINTS = 512
# More alternatives would not be read.
_MOST = 12
# Formulas whose errors chance sets as far apart with a smaller probability are distinguished.
_LEVEL = 0.05


@dataclass(frozen=True)
class Alternative:
    """A formula that the data cannot distinguish from the best one.

    Parameters
    ----------
    formula
        The formula.
    p_value
        How likely chance alone would set its squared errors on the held-out rows this far from the best formula's; of few
        rows, where one large error can hide all others, or the likelihoods of the rows, if that is less.
    difference
        The largest difference between the two in the box of the data and a quarter of its width around.
    place
        Where that is: a measurement there would distinguish them best. None where the formulas have no values to compare.
    """

    formula: Formula
    p_value: float
    difference: float
    place: Place | None

    def __str__(self) -> str:
        where = (
            ""
            if self.place is None
            else f"; they differ most, by {self.difference:.3g}, at {place_text(self.place)}"
        )
        return f"{self.formula.text} (p = {self.p_value:.2g}{where})"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "text": self.formula.text,
            "p_value": self.p_value,
            "difference": self.difference if math.isfinite(self.difference) else None,
            "place": None if self.place is None else dict(self.place),
        }


def alternatives(best: Formula, others: Sequence[Formula], rows: SplitRows) -> tuple[Alternative, ...]:
    """The formulas that the data cannot distinguish from the best one.

    A paired test of their squared errors on rows neither was fitted to (each row left out in turn where the table is short).

    Parameters
    ----------
    best
        The formula to compare with.
    others
        Formulas to compare.
    rows
        The data.

    Returns
    -------
    tuple of Alternative
        The shortest first, at most twelve; of formulas that are the same in the box the shortest alone.
    """
    own = squared_errors(best, rows)
    kept: list[tuple[Formula, float, Floats]] = []
    for other in sorted(others, key=lambda one: (one.complexity, one.error)):
        squares = squared_errors(other, rows)
        p = paired_p_value(squares, own, _floor(rows))
        if rows.short:
            likely, own_likely = (log_likelihoods(one, rows.rounding_error) for one in (squares, own))
            p = min(p, paired_p_value(likely, own_likely, -math.inf))
        known = (own, *(before for _, _, before in kept))
        texts = (best.text, *(before.text for before, _, _ in kept))
        same = any(np.allclose(squares, before, rtol=1e-6, atol=_floor(rows)) for before in known)
        if p >= _LEVEL and not same and other.text not in texts:
            kept.append((other, p, squares))
    return tuple(_alternative(item, p, best, rows) for item, p, _ in kept[:_MOST])


def squared_errors(formula: Formula, rows: SplitRows) -> Floats:
    """Weighted squared errors on the held-out rows, or of predicting each row from all others (to first order)."""
    tape = Tape(formula.tree, rows.names)
    if not rows.short:
        squares = np.square(tape.value(tape.start, rows.X_held) - rows.y_held)
        return squares if rows.weight_held is None else squares * rows.weight_held
    value, jacobian = tape.jacobian(tape.start, rows.X)
    root = np.ones(len(value)) if rows.weight is None else np.sqrt(rows.weight)
    value, jacobian = value * root, jacobian * root[:, None]
    leverage = np.zeros(len(value))
    if tape.size and np.isfinite(jacobian).all():
        left, sizes, _ = np.linalg.svd(jacobian, full_matrices=False)
        leverage = np.square(left[:, sizes > 1e-12 * sizes.max(initial=0.0)]).sum(axis=1)
    return np.square((value - rows.y * root) / np.maximum(1 - leverage, 1e-3))


def log_likelihoods(squares: Floats, rounding_error: float) -> Floats:
    """The logarithm of each row's likelihood by its squared error, for normal noise as large as what is left, (n,)."""
    square = max(float(squares.mean()), rounding_error**2, 1e-300)
    return -0.5 * math.log(square) - squares / (2 * square)


def paired_p_value(squares: Floats, reference: Floats, floor: float) -> float:
    """The probability that chance sets means as far apart (two-sided paired t test).

    Parameters
    ----------
    squares, reference
        Squared errors, or what else is compared, on the same rows.
    floor
        What is below this is none.
    """
    from scipy.special import stdtr

    if not (np.isfinite(squares).all() and np.isfinite(reference).all()):
        return 0.0
    excess = np.maximum(squares, floor) - np.maximum(reference, floor)
    mean, spread = float(excess.mean()), float(excess.std(ddof=1)) if len(excess) > 1 else 0.0
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(len(excess) - 1, -abs(mean) / (spread / math.sqrt(len(excess)))))


def _floor(rows: SplitRows) -> float:
    """What floating point itself leaves of a squared error."""
    return max(10 * rows.rounding_error, 1e-12 * rows.spread) ** 2


def _alternative(formula: Formula, p_value: float, best: Formula, rows: SplitRows) -> Alternative:
    box = DataBox.around(rows.names, np.vstack([rows.X, rows.X_held])).widened(1.5, keep_signs=True)
    points = box.points(_POINTS)
    first, second = (Tape(item.tree, rows.names) for item in (formula, best))
    with np.errstate(all="ignore"):
        distance = np.abs(first.value(first.start, points) - second.value(second.start, points))
    finite = np.flatnonzero(np.isfinite(distance))
    if not finite.size:
        return Alternative(formula, p_value, math.nan, None)
    at = int(finite[np.argmax(distance[finite])])
    return Alternative(formula, p_value, float(distance[at]), box.place(points[at]))
