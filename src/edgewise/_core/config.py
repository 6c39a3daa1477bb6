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
    of, low, high = type(config).__name__, least or {}, most or {}
    for each in fields(config):
        value, usual = getattr(config, each.name), each.default
        if each.default_factory is not MISSING and not isinstance(
            value, type(usual := each.default_factory())
        ):
            raise InputError(
                f"The '{each.name}' parameter of {of} must be a {type(usual).__name__}. Got {short(value)} instead."
            )
        if isinstance(usual, tuple):
            kind = type(usual[0])
            good = isinstance(value, tuple) and bool(cast("tuple[Any, ...]", value))
            if not good:
                raise InputError(
                    f"The '{each.name}' parameter of {of} must be a tuple of numbers. Got {short(value)} instead."
                )
            for one in cast("tuple[Any, ...]", value):
                _check(one, kind, each.name, of, low.get(each.name, 0), high.get(each.name))
        elif isinstance(usual, (int, float)):
            start = low.get(each.name, 1 if isinstance(usual, int) else None)
            _check(value, type(usual), each.name, of, start, high.get(each.name))


def _check(value: Any, kind: type, name: str, of: str, low: float | None, high: float | None) -> None:
    if kind is int:
        check_int(
            value,
            name,
            low=None if low is None else int(low),
            high=None if high is None else int(high),
            of=of,
        )
    else:
        # Above 0 unless a limit is given.
        above = check_float(value, name, low=low, high=high, of=of)
        if low is None:
            check_float(above, name, low=0.0, closed=False, of=of)


def chosen(config: Any, usual: Kind, of: str) -> Kind:
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
            f"The 'config' parameter of {of} must be a {name}. Got {short(config)} instead; leave it out for the defaults."
        )
    return config
