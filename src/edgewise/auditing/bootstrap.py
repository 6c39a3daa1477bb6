"""Every measure of every group as sums over rows, so that a bootstrap is a few matrix products.

A resample is a vector of counts, how often each row was drawn; times the sample weights it takes the place of the
weights. All measures but the area under the curve are ratios of linear sums in these; the area is one cumulative sum
over the rows of a group in the order of their scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.resampling import resample
from edgewise._core.seeds import numpy_generator
from edgewise._core.work import charge
from edgewise.auditing.groups import Grouping

CLASS_MEASURES = (
    "selection_rate",
    "tpr",
    "fpr",
    "fnr",
    "ppv",
    "fdr",
    "accuracy",
    "observed",
    "expected",
    "calibration",
    "ece",
    "brier",
    "auc",
)
NUMBER_MEASURES = ("observed", "expected", "error", "absolute_error", "rmse")
# Bins of the expected calibration error, of equal width.
BINS = 10
# Numbers that one part of a bootstrap holds at once.
AT_ONCE = 1_000_000
# Units of work of a resample of a row, for each grouping.
ROW = 1.2e-7


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What is known of every row.

    Attributes
    ----------
    actual : array, shape (n,)
        1 where y is the positive class, else 0; or y.
    score : array, shape (n,)
        Probability of the positive class, or the prediction.
    decided : array of bool, shape (n,), or None for numbers
    weight : array, shape (n,)
    """

    actual: Floats
    score: Floats
    decided: NDArray[np.bool_] | None
    weight: Floats

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of what can be measured."""
        return NUMBER_MEASURES if self.decided is None else CLASS_MEASURES


def statistics(outcomes: Outcomes, grouping: Grouping, weights: Floats) -> dict[str, Floats]:
    """All measures of all groups under one or several weightings of the rows.

    Parameters
    ----------
    outcomes : Outcomes
    grouping : Grouping
    weights : array, shape (n, b)
        A column for each weighting.

    Returns
    -------
    dict of arrays, shape (b, groups)
        NaN where a measure has no denominator: no true positive rate of a group without positive outcomes.
    """
    kinds = outcomes.measures
    out = {name: np.full((weights.shape[1], len(grouping.groups)), np.nan) for name in kinds}
    for g in range(len(grouping.groups)):
        rows = np.flatnonzero(grouping.codes == g)
        rows = rows[np.argsort(outcomes.score[rows], kind="stable")]
        part = Outcomes(
            outcomes.actual[rows],
            outcomes.score[rows],
            None if outcomes.decided is None else outcomes.decided[rows],
            outcomes.weight[rows],
        )
        own = (_numbers if part.decided is None else _classes)(part, weights[rows])
        for name, values in own.items():
            out[name][:, g] = values
    return out


def trials(outcomes: Outcomes, grouping: Grouping) -> dict[str, Floats]:
    """Of how many rows each rate of each group is a share, (groups,); of weighted ones Kish's effective number."""
    y, w = outcomes.actual == 1, outcomes.weight
    if outcomes.decided is None:
        return {}
    d, everyone = outcomes.decided, np.ones(len(w), bool)
    of = {"selection_rate": everyone, "accuracy": everyone, "tpr": y, "fnr": y, "fpr": ~y, "ppv": d, "fdr": d}

    def effective(rows: NDArray[np.bool_]) -> Floats:
        k = len(grouping.groups)
        codes = grouping.codes[rows]
        return _over(_sums(codes, w[rows], k) ** 2, _sums(codes, w[rows] ** 2, k))

    return {name: effective(rows) for name, rows in of.items()}


class Resamples:
    """The measures of some groupings on resamples of the rows: as many as could be drawn.

    Parameters
    ----------
    outcomes : Outcomes
    parts : tuple of Grouping
    seed : int, optional
    """

    def __init__(self, outcomes: Outcomes, parts: tuple[Grouping, ...], seed: int | None) -> None:
        self.outcomes, self.parts = outcomes, parts
        self.drawn, self.seed = 0, seed
        self._random = numpy_generator(seed)
        self._found: list[list[dict[str, Floats]]] = [[] for _ in parts]

    def draw(self, draws: int) -> Resamples:
        """Draw so many more; what is drawn before an interruption stays."""
        n = len(self.outcomes.actual)
        at_once = max(1, AT_ONCE // max(n, 1))
        for start in range(0, draws, at_once):
            size = min(at_once, draws - start)
            charge(ROW * size * n * len(self.parts))
            counts = resample(self._random, size, n)
            # Rows first: groups are then taken, and sums run, along whole lines of memory.
            weights = np.ascontiguousarray(counts.T) * self.outcomes.weight[:, None]
            made = [statistics(self.outcomes, part, weights) for part in self.parts]
            for own, one in zip(self._found, made, strict=True):
                own.append(one)
            self.drawn += size
        return self

    def of(self, k: int) -> dict[str, Floats] | None:
        """The measures of a grouping, arrays (draws, groups); None where nothing was drawn."""
        own = self._found[k]
        if not own:
            return None
        return {name: np.concatenate([one[name] for one in own]) for name in self.outcomes.measures}


def _classes(part: Outcomes, weights: Floats) -> dict[str, Floats]:
    y, s = part.actual, part.score
    assert part.decided is not None
    d = part.decided.astype(np.float64)
    bins = (bin_of(s)[:, None] == np.arange(BINS)) * (y - s)[:, None]
    # Of the four cells of the table of confusion none is a difference of others: rates are between 0 and 1 to the last bit.
    cells = [y * d, y * (1 - d), (1 - y) * d, (1 - y) * (1 - d)]
    sums = np.vstack([*cells, s, (s - y) ** 2, bins.T]) @ weights
    hit, missed, alarm, refused, expected, squares = sums[:6]
    yes, no, chosen = hit + missed, alarm + refused, hit + alarm
    total = chosen + (missed + refused)
    rates = {
        "selection_rate": _over(chosen, total),
        "tpr": _over(hit, yes),
        "fpr": _over(alarm, no),
        "fnr": _over(missed, yes),
        "ppv": _over(hit, chosen),
        "fdr": _over(alarm, chosen),
        "accuracy": _over(hit + refused, total),
        "observed": _over(yes, total),
        "expected": _over(expected, total),
        "calibration": _over(yes, expected),
        "ece": _over(np.abs(sums[6:]).sum(0), total),
        "brier": _over(squares, total),
    }
    return {**rates, "auc": _areas(y, s, weights)}


def bin_of(score: Floats) -> NDArray[np.int64]:
    """The bin of each probability."""
    return np.clip((score * BINS).astype(np.int64), 0, BINS - 1)


def _numbers(part: Outcomes, weights: Floats) -> dict[str, Floats]:
    y, s = part.actual, part.score
    total, *sums = np.vstack([np.ones_like(y), y, s, s - y, np.abs(s - y), (s - y) ** 2]) @ weights
    observed, expected, error, absolute, squares = (_over(item, total) for item in sums)
    return dict(zip(NUMBER_MEASURES, (observed, expected, error, absolute, np.sqrt(squares)), strict=True))


def _areas(y: Floats, s: Floats, weights: Floats) -> Floats:
    """Probability that a positive row scores above a negative one, ties counting half; rows in the order of scores."""
    if not len(s):
        return np.full(weights.shape[1], np.nan)
    yes_rows, no_rows = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    yes, no = weights[yes_rows], weights[no_rows]
    # The weight of negative rows below each positive one; those of equal score count half.
    under = np.searchsorted(s[no_rows], s[yes_rows], side="left")
    upto = np.searchsorted(s[no_rows], s[yes_rows], side="right")
    sums = np.zeros((len(no_rows) + 1, weights.shape[1]))
    np.cumsum(no, axis=0, out=sums[1:])
    above = np.einsum("rb,rb->b", yes, sums[under])
    if (under != upto).any():
        above = 0.5 * (above + np.einsum("rb,rb->b", yes, sums[upto]))
    return _over(above, yes.sum(0) * sums[-1])


def _sums(codes: NDArray[np.int64], values: Floats, groups: int) -> Floats:
    return np.bincount(codes, values, groups).astype(np.float64)


def _over(above: Floats, below: Floats) -> Floats:
    """The ratio, NaN where there is nothing below."""
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0)
