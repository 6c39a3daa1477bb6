"""Measures group by group, by Fairlearn's functions, with gaps between groups and intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.plain import plain
from edgewise._core.resampling import wilson
from edgewise.auditing.bootstrap import BINS, Outcomes, Resamples, bin_of, statistics, trials
from edgewise.auditing.ece_interval import group_intervals
from edgewise.auditing.gaps import Gap, Gaps
from edgewise.auditing.groups import Grouping
from edgewise.auditing.widest import LEVEL, Pair

# What a regulator's "four-fifths rule" asks of the ratio of selection rates (29 CFR 1607.4 D).
FOUR_FIFTHS = 0.8
# Groups of a smaller share of the rows are left out of that rule (29 CFR 1607.4 A and 1607.15 A (2)(a)).
SMALL_SHARE = 0.02
# Groups of fewer rows, or with fewer outcomes of either class, estimate little.
FEW_ROWS, FEW_OUTCOMES = 30, 10
# Of more rows the sums behind the bootstrap are measured with: the same to rounding, in a tenth of the time.
MANY_ROWS = 200_000


@dataclass(frozen=True)
class GroupTable:
    """All measures of the groups of an attribute, or of an intersection.

    Attributes
    ----------
    name : str
    attributes : tuple of str
    groups : tuple of str
    count : tuple of int
        Rows of each group.
    values : dict of measure to tuple of float
        NaN where a group has no denominator for it.
    intervals : dict of measure to tuple of (low, high)
        95 %: Wilson's for rates, by a test of each value for the calibration error, of bootstrap resamples for others.
    gaps : dict of measure to Gap
    warnings : tuple of str
    odds : Gap or None
        What `equalised_odds` is.
    impact : Gap or None
        The gap between selection rates of groups of at least 2 % of the rows, which the four-fifths rule is about.
    left_out : tuple of str
        The smaller groups.
    """

    name: str
    attributes: tuple[str, ...]
    groups: tuple[str, ...]
    count: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]
    intervals: Mapping[str, tuple[Pair, ...]]
    gaps: Mapping[str, Gap]
    warnings: tuple[str, ...] = ()
    odds: Gap | None = None
    impact: Gap | None = None
    left_out: tuple[str, ...] = ()

    @property
    def demographic_parity(self) -> Gap | None:
        """The gap between selection rates; None for numbers."""
        return self.gaps.get("selection_rate")

    @property
    def equalised_odds(self) -> Gap | None:
        """The wider one of the gaps between true and false positive rates; None for numbers.

        Its ratio is the smaller one of both, as Fairlearn has it.
        """
        return self.odds

    @property
    def four_fifths(self) -> bool | None:
        """Whether each group is chosen at least 0.8 times as often as the one chosen most; None where unknown.

        Groups of less than 2 % of the rows are left out, as practice under 29 CFR 1607.4 D has it; `left_out` names them.
        """
        gap = self.impact
        return None if gap is None or np.isnan(gap.ratio) else gap.ratio >= FOUR_FIFTHS

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers; None where there is no value."""
        entries = cast("dict[str, Any]", plain(asdict(self)))
        if self.demographic_parity is not None:
            entries["demographic_parity"] = plain(asdict(self.demographic_parity))
            entries["equalised_odds"] = entries.pop("odds")
            entries["four_fifths"] = self.four_fifths
        return entries


def group_tables(
    outcomes: Outcomes, parts: tuple[Grouping, ...], boots: Resamples | None = None
) -> tuple[GroupTable, ...]:
    """Measure all groups of all groupings; resamples, where there are any, give the intervals."""
    return tuple(_table(outcomes, part, boots, k) for k, part in enumerate(parts))


def fairlearn_values(outcomes: Outcomes, grouping: Grouping) -> dict[str, Floats]:
    """Every measure of every group by Fairlearn's functions (scikit-learn's where Fairlearn takes those).

    MetricFrame, which would call them, copies every column cell by cell for every call: seconds where this takes a
    moment.

    References
    ----------
    S. Bird et al., "Fairlearn: a toolkit for assessing and improving fairness in AI", 2020, Microsoft MSR-TR-2020-32.
    """
    measures = _measures(outcomes)
    out = {name: np.full(len(grouping.groups), np.nan) for _, chosen in measures for name in chosen}
    actual = outcomes.actual if outcomes.decided is None else outcomes.actual.astype(np.int64)
    decided = None if outcomes.decided is None else outcomes.decided.astype(np.int64)
    for g in range(len(grouping.groups)):
        rows = np.flatnonzero(grouping.codes == g)
        weight = outcomes.weight[rows]
        if not weight.sum() > 0:
            continue
        for read, chosen in measures:
            predicted = cast(Floats, decided if read == "decided" else outcomes.score)[rows]
            for name, measure in chosen.items():
                out[name][g] = measure(actual[rows], predicted, sample_weight=weight)
    return out


def _measures(outcomes: Outcomes) -> list[tuple[str, dict[str, Callable[..., float]]]]:
    """Functions of (y_true, y_pred, sample_weight), by what they read as y_pred."""
    from fairlearn import metrics as theirs
    from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error

    if outcomes.decided is None:
        numbers: dict[str, Callable[..., float]] = {
            "observed": _observed,
            "expected": theirs.mean_prediction,
            "error": lambda y, s, sample_weight: float(np.average(s - y, weights=sample_weight)),
            "absolute_error": mean_absolute_error,
            "rmse": lambda y, s, sample_weight: mean_squared_error(y, s, sample_weight=sample_weight) ** 0.5,
        }
        return [("score", numbers)]
    decisions: dict[str, Callable[..., float]] = {
        "selection_rate": theirs.selection_rate,
        "tpr": _where(theirs.true_positive_rate, 1),
        "fpr": _where(theirs.false_positive_rate, 0),
        "fnr": _where(theirs.false_negative_rate, 1),
        "ppv": _ppv,
        "fdr": lambda y, d, sample_weight: 1.0 - _ppv(y, d, sample_weight),
        "accuracy": accuracy_score,
    }
    scores: dict[str, Callable[..., float]] = {
        "observed": _observed,
        "expected": theirs.mean_prediction,
        "calibration": _calibration,
        "ece": _ece,
        "brier": lambda y, s, sample_weight: float(np.average((s - y) ** 2, weights=sample_weight)),
        "auc": _auc,
    }
    return [("decided", decisions), ("score", scores)]


def _where(rate: Callable[..., float], outcome: int) -> Callable[..., float]:
    """A rate of Fairlearn's, NaN where no row has that outcome; Fairlearn gives zero there, which is a claim."""

    def known(y: Any, d: Any, sample_weight: Any) -> float:
        if not (np.asarray(sample_weight)[np.asarray(y) == outcome]).sum() > 0:
            return float("nan")
        return float(rate(y, d, pos_label=1, sample_weight=sample_weight))

    return known


def _observed(y: Any, s: Any, sample_weight: Any) -> float:
    return float(np.average(y, weights=sample_weight))


def _ppv(y: Any, d: Any, sample_weight: Any) -> float:
    from sklearn.metrics import precision_score

    return float(precision_score(y, d, sample_weight=sample_weight, zero_division=cast(Any, np.nan)))


def _calibration(y: Any, s: Any, sample_weight: Any) -> float:
    expected = float(np.average(s, weights=sample_weight))
    return _observed(y, s, sample_weight) / expected if expected > 0 else float("nan")


def _ece(y: Any, s: Any, sample_weight: Any) -> float:
    """Expected calibration error over bins of equal width (M. P. Naeini et al., 2015, AAAI 29)."""
    y, s, w = (np.asarray(item, dtype=np.float64) for item in (y, s, sample_weight))
    return float(np.abs(np.bincount(bin_of(s), weights=w * (y - s), minlength=BINS)).sum() / w.sum())


def _auc(y: Any, s: Any, sample_weight: Any) -> float:
    from sklearn.metrics import roc_auc_score

    w, y = np.asarray(sample_weight), np.asarray(y)
    if not (w[y == 1].sum() > 0 and w[y == 0].sum() > 0):
        return float("nan")
    return float(roc_auc_score(y, s, sample_weight=w))


def _table(outcomes: Outcomes, part: Grouping, boots: Resamples | None, k: int) -> GroupTable:
    boot = None if boots is None else boots.of(k)
    if len(outcomes.actual) > MANY_ROWS:
        values = {name: own[0] for name, own in statistics(outcomes, part, outcomes.weight[:, None]).items()}
    else:
        values = fairlearn_values(outcomes, part)
    count = np.bincount(part.codes, minlength=len(part.groups))
    intervals = dict[str, tuple[Pair, ...]]()
    if boots is not None and boot is not None:
        of = trials(outcomes, part)
        intervals = {
            name: tuple(
                wilson(float(own[g]), float(of[name][g]), LEVEL)
                if name in of
                else _interval(boot[name][:, g])
                for g in range(len(part.groups))
            )
            for name, own in values.items()
        }
        if "ece" in intervals:
            intervals["ece"] = tuple(group_intervals(outcomes, part, LEVEL, boots.seed))
    gaps = Gaps(outcomes, part, values, boots, boot)
    decides = outcomes.decided is not None
    large = count >= SMALL_SHARE * count.sum()
    impact = None if not decides else gaps.of("selection_rate", None if large.all() else large)
    return GroupTable(
        part.name,
        part.attributes,
        part.groups,
        tuple(count.tolist()),
        {name: tuple(own.tolist()) for name, own in values.items()},
        intervals,
        {name: gaps.of(name) for name in values if name != "observed"},
        _warnings(outcomes, part, count),
        gaps.odds() if decides else None,
        impact,
        tuple(group for group, kept in zip(part.groups, large, strict=True) if not kept) if decides else (),
    )


def _interval(draws: Floats) -> Pair:
    """The middle 95 % of resamples, of those in which the measure exists."""
    known = draws[np.isfinite(draws)]
    if len(known) < 0.5 * len(draws) or not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high


def _warnings(outcomes: Outcomes, part: Grouping, count: NDArray[np.int64]) -> tuple[str, ...]:
    notes = list[str]()
    small = [f"{part.groups[g]} ({count[g]:,})" for g in range(len(count)) if count[g] < FEW_ROWS]
    if small:
        notes.append(
            f"{part.name}: groups of fewer than {FEW_ROWS} rows estimate little: {', '.join(small)}."
        )
    if outcomes.decided is not None:
        yes = np.bincount(part.codes, weights=outcomes.actual, minlength=len(count)).astype(np.int64)
        rare = [
            f"{part.groups[g]} ({yes[g]:,} of {count[g]:,})"
            for g in range(len(count))
            if count[g] >= FEW_ROWS and min(yes[g], count[g] - yes[g]) < FEW_OUTCOMES
        ]
        if rare:
            notes.append(
                f"{part.name}: rates of groups with fewer than {FEW_OUTCOMES} outcomes of one kind estimate little: "
                f"{', '.join(rare)}."
            )
    return tuple(notes)
