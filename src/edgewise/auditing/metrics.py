"""Measures group by group, with gaps between groups and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.plain import plain
from edgewise._core.resampling import wilson
from edgewise.auditing.bootstrap import Outcomes, Resamples, statistics, trials
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


def _table(outcomes: Outcomes, part: Grouping, boots: Resamples | None, k: int) -> GroupTable:
    boot = None if boots is None else boots.of(k)
    values = {name: own[0] for name, own in statistics(outcomes, part, outcomes.weight[:, None]).items()}
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
