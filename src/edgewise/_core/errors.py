"""The errors edgewise raises on purpose: each one's text is a single clear sentence."""

from __future__ import annotations


class EdgewiseError(Exception):
    """Base of every error edgewise raises on purpose.

    The text is one sentence naming the argument, what was expected, what came and what to do.

    Examples
    --------
    >>> from edgewise import EdgewiseError, InputError
    >>> issubclass(InputError, EdgewiseError)
    True
    """


class InputError(EdgewiseError, ValueError):
    """A bad argument or a bad table.

    Examples
    --------
    >>> import edgewise as ew
    >>> try:
    ...     ew.read_table("no-such-file.csv")
    ... except ew.InputError as error:
    ...     print("refused")
    refused
    """


class FileError(EdgewiseError, OSError):
    """A file that cannot be read or written.

    Examples
    --------
    >>> from edgewise import FileError
    >>> str(FileError("The file m.kan is truncated."))
    'The file m.kan is truncated.'
    """


class NumericEdgesError(EdgewiseError):
    """A formula was asked of a network whose edges are not all symbolic.

    Examples
    --------
    >>> from edgewise import EdgewiseError
    >>> from edgewise.symbolic import NumericEdgesError
    >>> issubclass(NumericEdgesError, EdgewiseError)
    True
    """
