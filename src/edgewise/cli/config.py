"""`--config run.toml`: options from a file, which those on the command line override."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import typer

from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError, on_a_line


def apply_config(context: typer.Context, path: Path | None) -> Path | None:
    """Make a file's values the command's defaults: those above all sections, then those of the command's own section."""
    if path is None or context.resilient_parsing:
        return path
    document = _read(path)
    group: Any = context.parent and context.parent.command
    commands = {name: _options(command) for name, command in (group.commands if group else {}).items()}
    own, name = _options(context.command), str(context.info_name)
    shared = {key: value for key, value in document.items() if not isinstance(value, dict)}
    sections = {key: value for key, value in document.items() if isinstance(value, dict)}
    if unknown := [key for key in sections if key not in commands]:
        raise InputError(
            subject=f"The sections of {path}",
            expected="be called like commands",
            got=f"[{unknown[0]}]{did_you_mean(unknown[0], commands)}",
        )
    # A key above all sections serves every command that has such an option, so it must be one of some command.
    known = dict.fromkeys(option for options in commands.values() for option in options) | own
    _refuse_unknown(shared, known, f"{path}")
    for section, values in sections.items():
        _refuse_unknown(values, commands[section], f"[{section}] in {path}")
    wanted = {_key(key): value for key, value in shared.items() if _key(key) in own} | {
        _key(key): value for key, value in sections.get(name, {}).items()
    }
    context.default_map = {own[key].name: _fitting(own[key], value, path) for key, value in wanted.items()}
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(
            f"The file {on_a_line(str(path))} of --config does not exist; check the path."
        ) from None
    except OSError as error:
        raise InputError(
            f"The file {on_a_line(str(path))} of --config cannot be read: {error.strerror or error}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            subject=f"The file {path} of --config", expected="be TOML", got=f"text that is not ({reason})"
        ) from None


def _options(command: Any) -> dict[str, Any]:
    """A command's parameters under the names a file may use: long options without dashes, and arguments."""
    options: dict[str, Any] = {}
    for parameter in command.params:
        long = [word for word in parameter.opts if word.startswith("--")]
        name = _key(long[0] if long else parameter.name)
        if name not in ("config", "help"):
            options[name] = parameter
    return options


def _key(name: str) -> str:
    return name.lstrip("-").replace("_", "-")


def _refuse_unknown(values: Iterable[str], known: Iterable[str], place: str) -> None:
    known = sorted(known)
    for key in values:
        if _key(key) not in known:
            raise InputError(
                subject=f"The keys of {place}",
                expected="be names of options",
                got=f"{short(key)}{did_you_mean(_key(key), known)}",
            )


def _fitting(parameter: Any, value: Any, path: Path) -> Any:
    """The value as Typer takes it; what is no plain value or list of them is refused."""
    name = _key(parameter.opts[0])
    several = bool(getattr(parameter, "multiple", False))
    cells = cast("list[Any]", value) if several and isinstance(value, list) else [value]
    if getattr(parameter, "is_flag", False):
        if not isinstance(value, bool):
            raise InputError(
                subject=f"The key {name!r} of {path}", expected="be true or false", got=short(value)
            )
        return value
    # A number for a place would make a file of that name; one for a name may be a column's.
    place = getattr(getattr(parameter, "type_descriptor", None), "annotation", None) is Path
    for cell in cells:
        if isinstance(cell, bool) or not isinstance(cell, str if place else (str, int, float)):
            wanted = "a path in quotes" if place else "a text or a number"
            raise InputError(
                subject=f"The key {name!r} of {path}",
                expected=f"be {wanted}{(' or a list of them' if several else '')}",
                got=short(cell),
            )
    return [str(cell) for cell in cells] if several else value if isinstance(value, str) else str(value)
