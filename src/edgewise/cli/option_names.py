"""What functions say of their arguments, said of the options that these came from: in refusals, and in what results tell."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from edgewise._core.errors import InputError

# "The 'costs['sin']' parameter of find_formula".
_SUBJECT = re.compile(r"The '(\w+)(?:\[(['\"].*?['\"])\])?' (?:parameter|argument)(?: of \w+)?(?=\s)")
_NAMED = re.compile(r"\b(by|[Gg]ive|leave|raise) '(\w+)'")
# 'work="thorough"'.
_VALUED = re.compile(r'\b(\w+)="(\w+)"')
# "; more 'steps' help if the error is still falling".
_MORE_OF = re.compile(r"; (?:more )?'(\w+)' (?:goes on|helps?)\b[^.;]*")

# What the results of several commands speak of. Only one of them leaves gross errors out.
COMMON: Mapping[str, str] = MappingProxyType(
    {"work": "--work", "seconds": "--seconds", "most": "--most", "loss": "`edgewise formula` with --loss"}
)


def with_options(text: str, options: Mapping[str, str] = COMMON) -> str:
    """The advice of a result with options in place of arguments; advice on what no option sets is left out.

    Parameters
    ----------
    text
        Sentences of a result.
    options
        The option for each argument.

    Examples
    --------
    >>> with_options('The work that was allowed is done; work="thorough", or a larger factor, goes on.')
    'The work that was allowed is done; --work thorough, or a larger factor, goes on.'
    >>> with_options("The steps that were allowed are done; more 'steps' help if the error is still falling.")
    'The steps that were allowed are done.'
    """

    def valued(found: re.Match[str]) -> str:
        return f"{options[found[1]]} {found[2]}" if found[1] in options else found[0]

    def more_of(found: re.Match[str]) -> str:
        return found[0].replace(f"'{found[1]}'", options[found[1]]) if found[1] in options else ""

    return _named(_MORE_OF.sub(more_of, _VALUED.sub(valued, text)), options)


@contextmanager
def told_of_options(options: Mapping[str, str]) -> Generator[None, None, None]:
    """Name options instead of arguments in the refusals of what runs within.

    Parameters
    ----------
    options
        The option for each argument, as "--cost" or "column of --time".

    Examples
    --------
    >>> with told_of_options({"costs": "--cost"}):
    ...     raise InputError("The 'costs' parameter of find_formula must be one of 'exp', 'sin'. Got 'sni'.")
    Traceback (most recent call last):
    edgewise._core.errors.InputError: The option --cost must be one of 'exp', 'sin'. Got 'sni'.
    """

    def subject(found: re.Match[str]) -> str:
        name, key = found.groups()
        if name not in options:
            return found[0]
        said = options[name]
        return f"The {'option ' if said.startswith('--') else ''}{said}{f' of {key}' if key else ''}"

    try:
        yield
    except InputError as error:
        raise InputError(_named(_SUBJECT.sub(subject, str(error)), options)) from None


def _named(text: str, options: Mapping[str, str]) -> str:
    return _NAMED.sub(lambda found: f"{found[1]} {options.get(found[2], repr(found[2]))}", text)
