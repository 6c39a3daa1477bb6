"""Columns that number the rows: what they hold of one row says nothing about another."""

from __future__ import annotations

import re

import numpy as np

from edgewise._core.arrays import Floats

# A few whole numbers may all differ by chance.
FEWEST_ROWS = 20
# A whole number that differs in every row may be measured (an income, a year, a count): its name has to say that it is a
# mark. The last word of a name does; other words do behind the name of what is numbered, or alone.
_MARKS = {"id", "ids", "identifier", "uuid", "guid", "rowid", "rownames", "rownumber", "unnamed"}
_WEAK_MARKS = {"number", "no", "nr", "num", "index", "key", "code", "ref", "reference", "serial"}
_NUMBERED = re.compile(
    "account|applica(nt|tion)|borrower|case|claim|client|contract|customer|document|employee|file|household|invoice|loan|"
    "member|obs(ervation)?|participant|passenger|patient|person|policy|record|row|sample|serial|subject|ticket|"
    "transaction|user"
)
IDENTIFIER = "a different whole number in every row, an identifier by its name"


def is_identifier(name: str, numbers: Floats, fewest: int = FEWEST_ROWS) -> bool:
    """Whether a column numbers the rows: whole numbers, another in each row, and a name that says so.

    Parameters
    ----------
    name : str
    numbers : array of shape (n,)
        Of distinct rows; NaN where a cell is missing.
    fewest : int
        Rows below which nothing is one.

    Examples
    --------
    >>> numbers = np.arange(100.0, 200.0)
    >>> is_identifier("PolicyNumber", numbers), is_identifier("income", numbers)
    (True, False)
    """
    if len(numbers) < fewest or not _marks(name) or not np.isfinite(numbers).all():
        return False
    return bool((numbers == np.floor(numbers)).all()) and len(np.unique(numbers)) == len(numbers)


def _marks(name: str) -> bool:
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    if not words:
        return False
    *before, last = words
    for mark in ("id", "no", "nr", "num", "number"):
        if _NUMBERED.fullmatch(last.removesuffix(mark)):  # customerid
            return True
    return (
        last in _MARKS
        or words[0] == "unnamed"  # pandas' name of a column without one
        or (last in _WEAK_MARKS and (not before or _NUMBERED.fullmatch(before[-1]) is not None))
    )
