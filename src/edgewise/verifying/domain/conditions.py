"""Conditions on raw columns, which narrow the domain of a proof."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, cast

from edgewise._core.checks import UNREADABLE, short, text_of
from edgewise._core.errors import InputError
from edgewise.forms.tree import quote


def number(value: float) -> str:
    """A number as people write it; reading it gives the same float."""
    if math.isfinite(value) and float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def word(value: Any) -> str:
    """A value as the text form writes it: words in quotes."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return (
        number(float(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else text_of(value)
    )


@dataclass(frozen=True)
class Between:
    """The column holds a number (or date) from `low` to `high`; None leaves that side open."""

    column: str
    low: Any = None
    high: Any = None

    def __str__(self) -> str:
        name = quote(self.column)
        if self.low is None:
            return f"{name} <= {_shown(self.high)}"
        if self.high is None:
            return f"{name} >= {_shown(self.low)}"
        return f"{name} in [{_shown(self.low)}, {_shown(self.high)}]"


@dataclass(frozen=True)
class OneOf:
    """The column holds one of these values."""

    column: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{quote(self.column)} = {_shown(self.values[0])}"
        return f"{quote(self.column)} in {{{', '.join(_shown(value) for value in self.values)}}}"


@dataclass(frozen=True)
class Missing:
    """The column's cell is missing, or is not."""

    column: str
    missing: bool = True

    def __str__(self) -> str:
        return f"{quote(self.column)} is {'' if self.missing else 'not '}missing"


Condition = Between | OneOf | Missing


def ends_of(condition: Condition) -> tuple[Any, Any]:
    """The least and the largest value that a condition allows; None where it leaves that side open."""
    if isinstance(condition, Between):
        return condition.low, condition.high
    return (min(condition.values), max(condition.values)) if isinstance(condition, OneOf) else (None, None)


def conditions_of(domain: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Conditions from a mapping of columns to what they may hold.

    Parameters
    ----------
    domain : mapping
        A pair (low, high) of numbers or dates (None for an open end); one value, or a list or set of values; None for a
        missing cell.

    Raises
    ------
    InputError
        If an entry is none of these.

    Examples
    --------
    >>> found = conditions_of({"age": (18, 65), "job": ["skilled", "management"], "rate": None})
    >>> print(*found, sep="\\n")
    age in [18, 65]
    job in {"skilled", "management"}
    rate is missing
    """
    if not isinstance(domain, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            argument="where",
            expected="map columns to what they may hold, as in {'age': (18, 65), 'job': ['skilled']}",
            got=short(domain),
        )
    return tuple(_condition(name, value) for name, value in domain.items())


def _condition(name: Any, value: Any) -> Condition:
    if not isinstance(name, str):
        raise InputError(argument="where", expected="name columns", got=short(name))
    if value is None:
        return Missing(name)
    if isinstance(value, tuple) and len(value) == 2 and any(_measure(item) for item in value):
        low, high = cast("tuple[Any, Any]", value)
        if all(item is None or _measure(item) for item in (low, high)):
            if low is not None and high is not None and low > high:
                raise InputError(
                    subject=f"The range of {short(name, 40)}",
                    expected="begin with its lower end",
                    got=short(value),
                )
            return Between(name, low, high)
    if isinstance(value, (list, tuple, Set)):
        values = tuple(cast("list[Any]", value))
        # A set has no order of its own that two runs share.
        values = tuple(sorted(values, key=str)) if isinstance(value, Set) else values
        if not values:
            raise InputError(
                subject=f"The values of {short(name, 40)}",
                expected="be at least one",
                got="none",
                advice="leave the column out",
            )
        if strange := [text for text in values if not (isinstance(text, (str, bool)) or _measure(text))]:
            raise InputError(
                subject=f"The values of {short(name, 40)}",
                expected="be words, numbers or dates",
                got=short(strange[0]),
            )
        return OneOf(name, values)
    if isinstance(value, str) or _measure(value) or isinstance(value, bool):
        return OneOf(name, (value,))
    raise InputError(
        subject=f"What {short(name, 40)} may hold",
        expected="be a pair (low, high), a value, a list of values or None",
        got=short(value),
    )


def _measure(value: Any) -> bool:
    """Whether a value has an order: a finite number or a date, no word or truth."""
    if isinstance(value, dt.date):
        return True
    if isinstance(value, (str, bool)) or value is None:
        return False
    try:
        return math.isfinite(float(value))
    except UNREADABLE:
        return False


def _shown(value: Any) -> str:
    if isinstance(value, (str, bool)):
        return word(str(value))
    return word(value.isoformat()) if isinstance(value, dt.date) else number(float(value))
