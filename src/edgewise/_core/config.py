"""Thresholds of an engine in one frozen dataclass: what they may be, and how one is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, ClassVar, Protocol, TypeVar, cast

from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError


class Config(Protocol):
    """A dataclass of numbers, tuples of numbers and other such dataclasses, each with a default."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Kind = TypeVar("Kind", bound=Config)


def check_config(
    config: Config, *, most: Mapping[str, float] | None = None, least: Mapping[str, float] | None = None
) -> None:
    """Refuse what is no number of the default's kind: whole ones at least 1, others above 0, unless limits are given.

    Raises
    ------
    InputError
        Naming the field.
    """
    _of, low, high = type(config).__name__, least or {}, most or {}
    for each in fields(config):
        value, usual = getattr(config, each.name), each.default
        if each.default_factory is not MISSING and not isinstance(
            value, type(usual := each.default_factory())
        ):
            raise InputError(argument=each.name, expected=f"be a {type(usual).__name__}", got=short(value))
        if isinstance(usual, tuple):
            kind = type(usual[0])
            good = isinstance(value, tuple) and bool(cast("tuple[Any, ...]", value))
            if not good:
                raise InputError(argument=each.name, expected="be a tuple of numbers", got=short(value))
            for one in cast("tuple[Any, ...]", value):
                _check(one, kind, each.name, low.get(each.name, 0), high.get(each.name))
        elif isinstance(usual, (int, float)):
            start = low.get(each.name, 1 if isinstance(usual, int) else None)
            _check(value, type(usual), each.name, start, high.get(each.name))


def _check(value: Any, kind: type, name: str, low: float | None, high: float | None) -> None:
    if kind is int:
        check_int(
            value,
            name,
            low=None if low is None else int(low),
            high=None if high is None else int(high),
        )
    else:
        # Above 0 unless a limit is given.
        above = check_float(value, name, low=low, high=high)
        if low is None:
            check_float(above, name, low=0.0, closed=False)


def chosen(config: Any, usual: Kind) -> Kind:
    """The config asked for; the usual one for None.

    Raises
    ------
    InputError
        If it is none of that kind.
    """
    if config is None:
        return usual
    if not isinstance(config, type(usual)):
        name = type(usual).__name__
        raise InputError(
            argument="config",
            expected=f"be a {name}",
            got=short(config),
            advice="leave it out for the defaults",
        )
    return config
