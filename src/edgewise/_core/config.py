"""Thresholds of an engine in one frozen dataclass: what they may be, and how one is chosen."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol, TypeVar, cast

from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError


class Config(Protocol):
    """A dataclass of numbers and tuples of numbers, each with a default."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Kind = TypeVar("Kind", bound=Config)


def check_config(config: Config) -> None:
    """Refuse what is no number of the default's kind: whole ones at least 1 (in tuples 0), others above 0.

    Raises
    ------
    InputError
        Naming the field.
    """
    for field in fields(config):
        value, usual = getattr(config, field.name), field.default
        if not isinstance(usual, tuple):
            _check(value, type(usual), field.name, 1)
            continue
        entries = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else ()
        if not entries:
            raise InputError(argument=field.name, expected="be a tuple of numbers", got=short(value))
        kind = type(cast("tuple[Any, ...]", usual)[0])
        for entry in entries:
            _check(entry, kind, field.name, 0)


def brief(config: Config) -> str:
    """A config as Python, with the fields that differ from their defaults."""
    changed = [field.name for field in fields(config) if getattr(config, field.name) != field.default]
    return f"{type(config).__name__}({', '.join(f'{name}={getattr(config, name)!r}' for name in changed)})"


def _check(value: Any, kind: type, name: str, least: int) -> None:
    if kind is int:
        check_int(value, name, low=least)
    else:
        check_float(value, name, low=0.0, closed=False)


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
