"""A partly known formula as text: calls of functions nobody knows become slots, everything else is read as usual."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms import Expression, parse
from edgewise.forms.functions import FUNCTIONS, SPELLINGS
from edgewise.forms.tree import quote

_WORD = re.compile(r"`(?:[^`]|``)+`|[^\W\d]\w*|[0-9.]+(?:[eE][+-]?[0-9]+)?|\s+|.", re.DOTALL)
_LEFT_SIDE = re.compile(r"^\s*[^\W\d]\w*\s*=")


@dataclass(frozen=True)
class Slot:
    """One call of an unknown function.

    Parameters
    ----------
    function
        The function's name.
    argument
        What it is called with, over the columns and the slots before it.
    label
        The name by which later formulas know its value.
    """

    function: str
    argument: Expression
    label: str


@dataclass(frozen=True)
class Partial:
    """A partly known formula: slots in the order in which they can be evaluated, and the whole over all of them."""

    text: str
    names: tuple[str, ...]
    slots: tuple[Slot, ...]
    root: Expression

    @property
    def functions(self) -> tuple[str, ...]:
        """The unknown functions, those that stand inside others first."""
        return tuple(dict.fromkeys(slot.function for slot in self.slots))

    @property
    def reading_order(self) -> tuple[str, ...]:
        """The unknown functions as they appear in the text."""
        called = re.findall(r"([^\W\d]\w*)\s*\(", re.sub(r"`(?:[^`]|``)+`", "", self.text))
        return tuple(name for name in dict.fromkeys(called) if name in self.functions)


@dataclass(slots=True)
class _Reading:
    text: str
    names: tuple[str, ...]
    slots: list[Slot] = field(default_factory=list[Slot])

    def fail(self, reason: str) -> InputError:
        return InputError(
            "The 'text' argument of fit_partial must be a formula that calls unknown functions of one variable, as in "
            f"f(x1/x2)*g(x3) + x4. Got {short(self.text)} instead: {reason}."
        )

    def variables(self) -> tuple[str, ...]:
        return (*self.names, *(slot.label for slot in self.slots))


def read_partial(text: object, names: Sequence[str]) -> Partial:
    """Read a partly known formula.

    Parameters
    ----------
    text
        A formula in which names that are neither columns nor known functions are called.
    names
        The columns.

    Returns
    -------
    Partial

    Raises
    ------
    InputError
        Where the text cannot be read or calls no unknown function.

    Examples
    --------
    >>> from edgewise.symbolic.known_form.text import read_partial
    >>> read_partial("f(x1/x2)*g(f(x1)) + x3", ["x1", "x2", "x3"]).functions
    ('f', 'g')
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"The 'text' argument of fit_partial must be a text. Got {short(text)} instead.")
    reading = _Reading(text, tuple(names))
    # "y = ..." is how people write it.
    plain = _without_calls(reading, _LEFT_SIDE.sub("", text))
    if not reading.slots:
        raise reading.fail("every function in it is known")
    root = parse(plain, reading.variables())
    return Partial(text, reading.names, tuple(reading.slots), root)


def _without_calls(reading: _Reading, text: str) -> str:
    """The text with every unknown call replaced by the label of its slot."""
    words = _WORD.findall(text)
    written: list[str] = []
    at = 0
    while at < len(words):
        word, after = words[at], at + 1
        while after < len(words) and words[after].isspace():
            after += 1
        called = after < len(words) and words[after] == "("
        if called and _unknown(reading, word):
            end = _closing(reading, words, after)
            written.append(quote(_slot(reading, word, "".join(words[after + 1 : end]))))
            at = end + 1
        else:
            written.append(word)
            at += 1
    return "".join(written)


def _unknown(reading: _Reading, word: str) -> bool:
    name = SPELLINGS.get(word, word)
    return word.isidentifier() and name not in FUNCTIONS and word not in reading.names


def _closing(reading: _Reading, words: Sequence[str], opening: int) -> int:
    depth = 0
    for at in range(opening, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0:
            return at
    raise reading.fail("a bracket is not closed")


def _slot(reading: _Reading, function: str, inside: str) -> str:
    plain = _without_calls(reading, inside)
    argument = parse(plain, reading.variables()) if plain.strip() else None
    if argument is None or not argument.variables:
        raise reading.fail(f"the function {function!r} is not called with a column")
    label = f"{function}({inside.strip()})"
    if label not in reading.variables():
        reading.slots.append(Slot(function, argument, label))
    return label
