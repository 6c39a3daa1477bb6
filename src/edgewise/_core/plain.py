"""Results as plain data, types as words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from typing import Any, cast

import numpy as np


def plain(value: Any) -> Any:
    """A value as JSON holds it: what is not finite becomes None, tuples and arrays lists, members of enums their value,
    dates text.

    Examples
    --------
    >>> plain({"low": float("nan"), "ends": (1, np.float64(2.0))})
    {'low': None, 'ends': [1, 2.0]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in cast("list[Any]", value)]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def visible(text: str, kept: str = "") -> str:
    """One line of text in which what is not seen (escapes, line ends, marks of direction, odd spaces) stands as its code.

    Characters `kept` stay. The checker of certificates, which leans on nothing else, has one of its own.

    Examples
    --------
    >>> print(visible("a column\\x1b[2J of\\n one line"))
    a column\\x1b[2J of\\n one line
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in kept else c.encode("unicode_escape").decode("ascii") for c in text
    )


def lines_of(lines: Iterable[str]) -> str:
    """Lines as one text; a line is a line, whatever the names in it hold."""
    return "\n".join(map(visible, lines))


def fields(result: object, *names: str) -> dict[str, Any]:
    """Some attributes of a result as plain data."""
    return {name: plain(getattr(result, name)) for name in names}


def article(kind: type) -> str:
    """The name of a type with its article: 'a Table', 'an Index', 'an UnboundLocalError', 'a UnicodeError'."""
    name = kind.__name__
    return f"{'an' if re.match('[AEIOaeio]|[Uu]n(?!ic|io)', name) else 'a'} {name}"
