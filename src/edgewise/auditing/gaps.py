"""How far the groups of an attribute lie apart in a measure, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.seeds import derive
from edgewise.auditing.bootstrap import Outcomes, Resamples, trials
from edgewise.auditing.ece_interval import sampled_errors
from edgewise.auditing.groups import Grouping
from edgewise.auditing.widest import (
    Pair,
    Sampled,
    difference_interval,
    ratio_interval,
    sampled_numbers,
    sampled_rates,
)

# A group that lacks a measure in more resamples than these has no part in an interval.
_KNOWN = 0.5
# Measures that lie between 0 and 1.
_SHARES = ("selection_rate", "tpr", "fpr", "fnr", "ppv", "fdr", "accuracy", "expected", "ece", "brier", "auc")
# Measures whose ratios mean something however small they are.
_POSITIVE = (*_SHARES, "calibration", "absolute_error", "rmse")
_NOTHING = float("nan")


@dataclass(frozen=True)
class Gap:
    """How far the groups lie apart in one measure.

    Attributes
    ----------
    difference, ratio : float
        Largest less smallest value; smallest over largest. NaN with fewer than two groups that have the measure.
    lowest, highest : str
        The two groups that lie furthest apart.
    interval, ratio_interval : (float, float)
        95 % intervals of the widest difference there is, whichever two groups have it, and of the smallest ratio. They
        begin at 0 and end at 1 where the rows do not distinguish the groups.
    """

    difference: float
    ratio: float
    lowest: str
    highest: str
    interval: Pair = (_NOTHING, _NOTHING)
    ratio_interval: Pair = (_NOTHING, _NOTHING)


class Gaps:
    """The gaps between the groups of an attribute.

    Parameters
    ----------
    outcomes : Outcomes
    part : Grouping
    values : dict of measure to array, shape (groups,)
    boots : Resamples, optional
        Without resamples there are no intervals.
    boot : dict of measure to array, shape (draws, groups), optional
        Those of this attribute.
    """

    def __init__(
        self,
        outcomes: Outcomes,
        part: Grouping,
        values: Mapping[str, Floats],
        boots: Resamples | None = None,
        boot: Mapping[str, Floats] | None = None,
    ) -> None:
        self.outcomes, self.part, self.values, self._boot = outcomes, part, values, boot
        self._shares = outcomes.decided is not None
        self._trials = {} if boot is None else trials(outcomes, part)
        self._seed = 0 if boots is None else derive(boots.seed, 1) or 0

    def of(self, name: str, among: NDArray[np.bool_] | None = None) -> Gap:
        """In one measure; among some of the groups only, if given."""
        return self._gap([name], among)

    def odds(self) -> Gap:
        """The wider one of the gaps between true and between false positive rates; its ratio is the smaller one of both."""
        return self._gap(["tpr", "fpr"], None)

    def _gap(self, names: Sequence[str], among: NDArray[np.bool_] | None) -> Gap:
        gaps = [plain_gap(self._of(name, among), self.part.groups) for name in names]
        known = [gap for gap in gaps if not np.isnan(gap.difference)]
        if not known:
            return gaps[0]
        widest = max(known, key=lambda gap: gap.difference)
        ratio = min((gap.ratio for gap in known if not np.isnan(gap.ratio)), default=_NOTHING)
        interval = ratios = (_NOTHING, _NOTHING)
        sampled = [self._sampled(name, among) for name in names]
        parts = [part for part in sampled if part is not None]
        if parts:
            most = 1.0 if self._shares and names[0] in _SHARES else None
            interval = difference_interval(parts, widest.difference, most)
            if not np.isnan(ratio) and names[0] in _POSITIVE and (self._shares or names[0] != "expected"):
                ratios = ratio_interval(parts, ratio)
        return Gap(widest.difference, ratio, widest.lowest, widest.highest, interval, ratios)

    def _of(self, name: str, among: NDArray[np.bool_] | None) -> Floats:
        return self.values[name] if among is None else np.where(among, self.values[name], np.nan)

    def _sampled(self, name: str, among: NDArray[np.bool_] | None) -> Sampled | None:
        if self._boot is None:
            return None
        values, boot = self._of(name, among), self._boot[name]
        there = np.isfinite(values)
        if name in self._trials:
            rows = self._trials[name]
            if there.sum() < 2:
                return None
            seed = derive(self._seed, int(name == "fpr")) or 0
            return sampled_rates(values[there], rows[there], len(boot), seed)
        if name == "ece" and there.sum() >= 2:
            # Resamples make it larger, the smaller it is the more.
            return sampled_errors(self.outcomes, self.part, there, len(boot), self._seed)
        there &= np.isfinite(boot).mean(0) >= _KNOWN
        return None if there.sum() < 2 else sampled_numbers(values[there], boot[:, there])


def plain_gap(values: Floats, groups: tuple[str, ...]) -> Gap:
    """The gap between some values, without intervals."""
    if int(np.isfinite(values).sum()) < 2:
        return Gap(_NOTHING, _NOTHING, "", "")
    low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
    # Of measures that may be negative (a mean error) a ratio has no meaning.
    ratio = float(values[low] / values[high]) if values[high] > 0 and values[low] >= 0 else _NOTHING
    return Gap(float(values[high] - values[low]), ratio, groups[low], groups[high])
