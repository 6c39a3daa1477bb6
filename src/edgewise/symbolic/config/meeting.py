"""How far laws of two short parts are sought, one from the columns and one from y."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class MeetingConfig:
    """The reach of the expressions and look-ups; round numbers that take about a second.

    Attributes
    ----------
    columns, rows : int
        With more columns short expressions do not reach far; fewer rows do not tell formulas apart.
    expressions, look_ups : int
        Expressions of the columns, and targets that are looked up among them.
    outer_parts, twice_inverted : int
        Expressions that are taken off y itself, and those of them after which two functions are undone.
    looked, told_apart : int
        Rows that a look-up goes by, and rows more by which expressions are told apart.
    states : int
        Tables on the way of one search that this is tried on.
    share : float
        Of the work that is left, what one look-up may take at most; with less to spend it is left out.
    judged, formulas : int
        Meetings that are looked at on all rows, and formulas that come of it.
    """

    columns: int = 5
    rows: int = 60
    expressions: int = 100_000
    look_ups: int = 3_000_000
    outer_parts: int = 1000
    twice_inverted: int = 60
    looked: int = 6
    told_apart: int = 6
    states: int = 6
    share: float = 0.4
    judged: int = 40
    formulas: int = 3

    def __post_init__(self) -> None:
        check_config(self, least={"looked": 4})


MEETING = MeetingConfig()
