"""The direction of a curve as text, alike for formulas, fits and proofs: increasing(x) or monotone(x, increasing)."""

from __future__ import annotations

from collections.abc import Callable

from edgewise._core.checks import did_you_mean, short
from edgewise.forms.reader import Reader

DIRECTIONS = ("increasing", "decreasing")
MONOTONE = "monotone"


def read_direction(reader: Reader, column: Callable[[], str] | None = None) -> tuple[str, str]:
    """The column of a direction and which way it goes, up to what may follow inside the bracket.

    Parameters
    ----------
    reader
        Before the word.
    column
        Reads the name of a column; by default any name is taken.

    Raises
    ------
    InputError
        Where the word in place of a direction is none.

    Examples
    --------
    >>> read = lambda text: read_direction(Reader.of(text, "{text} cannot be read", "It"))
    >>> read("increasing(age)") == read("monotone(age, increasing)") == ("age", "increasing")
    True
    """
    word = reader.head.text
    reader.at += 2
    name = reader.name() if column is None else column()
    if word != MONOTONE:
        return name, word
    reader.need(",")
    token = reader.head
    way = reader.name("increasing or decreasing")
    if way not in DIRECTIONS:
        raise reader.fail(
            f"increasing or decreasing was expected in place of {short(way, 40)} at character {token.start + 1}"
            f"{did_you_mean(way, DIRECTIONS)}"
        )
    return name, way
