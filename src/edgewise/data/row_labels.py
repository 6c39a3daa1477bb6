"""The label of each row, where every row must have one: groups, courses, experiments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_labels, dimensions
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import is_missing


def row_labels(groups: Any, rows: int, *, what: str = "group") -> list[Any]:
    """The labels (n,) of rows, as the caller wrote them; `what` is the word for what they name.

    Raises
    ------
    InputError
        If there is not one for each row, or a row has none.
    """
    labels = as_labels(groups, "groups")
    if len(labels) != rows:
        raise InputError(
            argument="groups", expected=f"name a {what} for each of {rows:,} rows", got=f"{len(labels):,}"
        )
    # numpy would write a gap among words out as a word.
    is_list = isinstance(groups, (list, tuple)) and dimensions(groups) == 1
    cells = plain_labels(list(cast("list[Any]", groups)) if is_list else labels)
    missing = next((at for at, cell in enumerate(cells) if is_missing(cell)), None)
    if missing is not None:
        raise InputError(
            argument="groups",
            expected=f"name a {what} for every row",
            got="none",
            rows=[missing],
            advice="name it, or leave the row out",
        )
    return cells


def plain_labels(labels: list[Any] | NDArray[Any]) -> list[Any]:
    """Labels as Python has them: numbers, words and dates, whatever type of numpy they came in."""
    if isinstance(labels, np.ndarray):
        # Times in nanoseconds would become whole numbers.
        labels = labels.astype("datetime64[us]") if labels.dtype.kind == "M" else labels
        return labels.tolist()
    return [
        plain_labels(np.asarray(label)[None])[0] if isinstance(label, np.generic) else label
        for label in labels
    ]


def label_text(label: Any, most: int = 32) -> str:
    """A label in so many characters at most; a date without its time where that is midnight."""
    text = str(label)
    if isinstance(label, datetime) and label.time() == time():
        text = str(label.date())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}\u2026"


def label_texts(labels: Sequence[Any], most: int) -> list[str]:
    """Labels in so many characters at most, cut in their middles where they would read the same without their ends.

    Examples
    --------
    >>> label_texts(["the first vessel on the left", "the first vessel on the right"], 17)
    ['the firs…the left', 'the firs…he right']
    """
    whole, short = ([label_text(label, size) for label in labels] for size in (10**6, most))
    if len(set(short)) == len(set(whole)):
        return short
    head, tail = (most - 1) // 2, most // 2
    return [
        text if len(text) <= most else f"{text[:head].rstrip()}…{text[-tail:].lstrip()}" for text in whole
    ]
