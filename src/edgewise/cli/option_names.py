"""What functions say of their arguments, said of the options and files that these came from: in refusals and of results."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
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

# "rows 3, 4 and 7 (counted from 0)", as `row_numbers` writes it.
_ROWS = re.compile(r"\b(rows?) ((?:\d+, )*\d+(?: and \d+)?)( and [\d,]+ more)? \(counted from 0\)")

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


def below_header(at: int) -> int:
    """The number of a row in a file, whose first row below the header is 1."""
    return at + 1


def with_data_rows(text: str, number: Callable[[int], int] = below_header) -> str:
    """Sentences about rows with the numbers that these have in a file.

    Parameters
    ----------
    text
    number
        Turns the place of a row, from 0, into its number in the file.

    Examples
    --------
    >>> with_data_rows("2 rows set aside as gross errors: rows 3 and 40 (counted from 0).")
    '2 rows set aside as gross errors: data rows 4 and 41.'
    """

    def counted(found: re.Match[str]) -> str:
        word, numbers, more = found.groups()
        here = re.sub(r"\d+", lambda each: str(number(int(each[0]))), numbers)
        return f"data {word} {here}{more or ''}"

    return _ROWS.sub(counted, text)


@contextmanager
def told_of_options(
    options: Mapping[str, str], number: Callable[[int], int] = below_header
) -> Generator[None, None, None]:
    """Name options instead of arguments, and rows of the file, in the refusals of what runs within.

    Parameters
    ----------
    options
        The option for each argument, as "--cost" or "column of --time".
    number
        Turns the place of a row, from 0, into its number in the file.

    Examples
    --------
    >>> with told_of_options({"costs": "--cost"}):
    ...     raise InputError("The 'costs' argument must be one of 'exp', 'sin'. Got 'sni'.")
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
        said = _named(_SUBJECT.sub(subject, str(error)), options)
        raise InputError(with_data_rows(said, number)) from None


def _named(text: str, options: Mapping[str, str]) -> str:
    return _NAMED.sub(lambda found: f"{found[1]} {options.get(found[2], repr(found[2]))}", text)
