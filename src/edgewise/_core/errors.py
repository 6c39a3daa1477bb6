"""The errors edgewise raises on purpose: each one's text is a single clear sentence."""

from __future__ import annotations

import re
from typing import Any

from edgewise._core.rows import Rows, row_numbers


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

    The sentence is made of the parts, so that a caller can name its own option in place of the argument.

    Parameters
    ----------
    message
        The whole sentence, where it has no such parts.
    argument
        The name of the argument.
    subject
        What the sentence is about, where that is no argument: "Column 'age' of loans.csv".
    expected
        What it must do or be, as "be an int in the range [0, 5]".
    got
        What came instead.
    rows
        Numbers of the rows in which it came, from 0.
    advice
        What to do, as "drop those rows".

    Examples
    --------
    >>> from edgewise import InputError
    >>> error = InputError(argument="degree", expected="be an int", got="2.5", advice="round it")
    >>> str(error)
    "The 'degree' argument must be an int. Got 2.5 instead; round it."
    >>> error.argument
    'degree'
    >>> str(InputError(argument="y", expected="be finite", got="nan", rows=[3]))
    "The 'y' argument must be finite. Got nan in row 3 (counted from 0) instead."
    """

    def __init__(
        self,
        message: str = "",
        *,
        argument: str = "",
        subject: object = "",
        expected: str = "",
        got: object = "",
        rows: Rows = (),
        advice: str = "",
    ) -> None:
        self.message, self.argument, self.subject = message, argument, str(subject)
        self.expected, self.got, self.advice = expected, str(got), advice
        self.rows = tuple(int(row) for row in rows)
        super().__init__(self.sentence())

    def about(self, *, argument: str = "", subject: str = "") -> InputError:
        """The same of another argument or subject, which a caller knows better."""
        parts: dict[str, Any] = {
            "expected": self.expected,
            "got": self.got,
            "rows": self.rows,
            "advice": self.advice,
        }
        return InputError(self.message, argument=argument, subject=subject, **parts)

    def sentence(self, subject: str = "", rows: str = "") -> str:
        """The sentence, about another subject and with other words for the rows where they are given."""
        if self.message:
            return self.message
        subject = subject or self.subject or f"The '{self.argument}' argument"
        where = f" in {rows or row_numbers(self.rows)}" if self.rows else ""
        got = f" Got {self.got}{where} instead" if self.got else ""
        advice = f"; {self.advice}" if self.advice else ""
        return on_a_line(f"{subject} must {self.expected}{'.' if got else ''}{got}{advice}.")


class FileError(EdgewiseError, OSError):
    """A file that cannot be read or written.

    Examples
    --------
    >>> from edgewise import FileError
    >>> str(FileError("The file m.kan is truncated."))
    'The file m.kan is truncated.'
    """


class MissingRoomError(EdgewiseError, ImportError):
    """Something was asked of a room that this installation lacks.

    Examples
    --------
    >>> from edgewise._core.rooms import room
    >>> room("edgewise.alchemy")
    Traceback (most recent call last):
        ...
    edgewise._core.errors.MissingRoomError: This installation has no room alchemy, which was taken off; install the whole ...
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


def on_a_line(text: str) -> str:
    """A sentence with the line ends inside names and paths written as escapes."""
    return re.sub(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", lambda end: repr(end[0])[1:-1], text)
