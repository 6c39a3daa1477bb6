"""Entries of options that give values to names, as in `--units m=kg,v=m/s --units E=J`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from edgewise._core.checks import among as every
from edgewise._core.checks import did_you_mean
from edgewise._core.errors import InputError
from edgewise.cli.inputs import called, find
from edgewise.data.arrow import Frame

Value = TypeVar("Value")


def read_entries(
    given: Sequence[str] | None,
    option: str,
    form: str,
    read: Callable[[str], Value],
    *,
    frame: Frame | None = None,
    among: Sequence[str] | None = None,
    cut: bool = True,
    advice: str = "",
) -> dict[str, Value]:
    """The value of each name.

    Parameters
    ----------
    given, option
        What was given on the command line, and for what; None where nothing was.
    form, advice
        For messages: how an entry reads, and what may be meant instead.
    read
        Makes a value of the text behind the last sign of equality; a ValueError says that it is none.
    frame
        The table that names are columns of.
    among
        The names that there may be.
    cut
        Whether entries are cut at their commas, but for one that begins with the whole name of a column.
    """
    found, known = dict[str, Value](), () if frame is None else frame.column_names
    for entry in given or ():
        whole = not cut or " ".join(entry.rpartition("=")[0].split()) in known
        for pair in [entry] if whole else [part for part in entry.split(",") if part.strip()]:
            name, _, text = (part.strip() for part in pair.rpartition("="))
            try:
                value = read(text) if name and text else None
            except ValueError:
                value = None
            if value is None:
                raise InputError(
                    subject=f"The entries of {option}",
                    expected=f"read {form}",
                    got=called(pair.strip()),
                    advice=advice,
                )
            name = name if frame is None else find(frame, name)
            if name in found:
                raise InputError(
                    subject=f"The names in {option}",
                    expected="be distinct",
                    got=f"{called(name)} more than once",
                )
            if among is not None and name not in among:
                raise InputError(
                    subject=f"The names in {option}",
                    expected=f"be among those that it may be about, {every(among)}",
                    got=f"{called(name)}{did_you_mean(name, among)}",
                )
            found[name] = value
    return found


def read_span(text: str) -> tuple[float, ...]:
    """The numbers in low:high, or in low:high:step."""
    low, *rest = numbers = tuple(float(part) for part in text.split(":"))
    if len(rest) > 2 or not all(map(math.isfinite, numbers)) or (rest and low > rest[0]):
        raise ValueError
    return numbers
