"""`SearchConfig`: how large the tables and formulas are that a search takes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.config import brief, check_config, chosen


@dataclass(frozen=True)
class SearchConfig:
    """Limits of `find_formula` and `FormulaRegressor`.

    What formulas are judged by is no choice, and stands beside its use.

    Attributes
    ----------
    searched_rows, searched_held : int
        Rows that are searched: those to fit and those to judge on. Of a larger table the others are used at the end.
    searched_columns : int
        A search over more columns would not come beyond the first candidates of any shape.
    largest : int
        Complexity beyond which no formula is offered: longer ones explain nothing to a reader.
    """

    searched_rows: int = 3200
    searched_held: int = 800
    searched_columns: int = 60
    largest: int = 60

    def __post_init__(self) -> None:
        check_config(self)

    def __repr__(self) -> str:
        return brief(self)


DEFAULT = SearchConfig()


def config_of(config: Any) -> SearchConfig:
    """The limits asked for; the defaults where there are none."""
    return chosen(config, DEFAULT)
