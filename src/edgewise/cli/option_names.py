"""What functions say of their arguments, said of the options that these came from."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from edgewise._core.errors import InputError

# "The 'costs['sin']' parameter of find_formula".
_SUBJECT = re.compile(r"The '(\w+)(?:\[(['\"].*?['\"])\])?' (?:parameter|argument)(?: of \w+)?(?=\s)")
_NAMED = re.compile(r"\b(by|[Gg]ive) '(\w+)'")


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

    def named(found: re.Match[str]) -> str:
        return f"{found[1]} {options[found[2]]}" if found[2] in options else found[0]

    try:
        yield
    except InputError as error:
        raise InputError(_NAMED.sub(named, _SUBJECT.sub(subject, str(error)))) from None
