"""The result of a measurement: two figures beside each other and their ratio, as data first and as a table second."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Setting = Mapping[str, int | str]


@dataclass(frozen=True)
class Comparison:
    """One figure of edgewise beside one of a reference.

    Attributes
    ----------
    table : which table it belongs to
    setting : what was held fixed, by name
    measure, reference, unit : what was measured, against what, in what
    ours, theirs : the two figures, medians
    ratio, low, high : median and quartiles of ours over theirs, from measurements taken in turn
    goal : what the ratio (or, where the goal names a unit, our figure) is meant to be; empty where nothing was aimed at
    met : whether it is
    extra : further figures by name
    """

    table: str
    setting: Setting
    measure: str
    reference: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    goal: str = ""
    met: bool | None = None
    extra: Mapping[str, float | str] = field(default_factory=dict[str, float | str])


@dataclass(frozen=True)
class NotMeasured:
    """Something that could not be measured here, and why."""

    table: str
    reference: str
    reason: str


@dataclass(frozen=True)
class Results:
    """Everything one run measured."""

    machine: str
    threads: int
    quick: bool
    comparisons: tuple[Comparison, ...] = ()
    missing: tuple[NotMeasured, ...] = ()

    def of(self, table: str) -> tuple[Comparison, ...]:
        """The comparisons of one table."""
        return tuple(each for each in self.comparisons if each.table == table)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Results:
        """What `to_json` wrote."""
        return cls(
            machine=document["machine"],
            threads=document["threads"],
            quick=document["quick"],
            comparisons=tuple(Comparison(**each) for each in document["comparisons"]),
            missing=tuple(NotMeasured(**each) for each in document["missing"]),
        )


def compare(
    table: str,
    setting: Setting,
    measure: str,
    reference: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    unit: str = "s",
    most: float | None = None,
    least: float | None = None,
    extra: Mapping[str, float | str] | None = None,
) -> Comparison:
    """Put figures beside each other that were measured in turn; the ratio is taken pair by pair.

    Parameters
    ----------
    table, setting, measure, reference, unit, extra
        As in `Comparison`.
    ours, theirs : sequence of float
        Repetitions, the k-th of one right after the k-th of the other.
    most, least : float, optional
        What the ratio should not be above, or below.

    Examples
    --------
    >>> compare("layers", {"G": 5}, "forward", "Linear", [3.0, 4.0, 5.0], [1.0, 1.0, 1.0], most=8).ratio
    4.0
    """
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    low, middle, high = quartiles(ratios)
    goal = f"at most {most:g}" if most is not None else f"at least {least:g}" if least is not None else ""
    met = None
    if goal:
        met = middle <= most if most is not None else middle >= (least or 0.0)
    return Comparison(
        table,
        dict(setting),
        measure,
        reference,
        unit,
        statistics.median(ours),
        statistics.median(theirs),
        middle,
        low,
        high,
        goal,
        met,
        dict(extra or {}),
    )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
