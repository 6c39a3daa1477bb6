"""Text as tokens, and the reader that takes one after the other: every grammar of this package stands on it.

Nothing is ever evaluated as Python, so a hostile text can at worst be refused. Python's own `ast` is not used:
it gives `^` the wrong precedence, normalises Unicode names (a column called 'µ' would be lost) and warns, overflows
or runs out of stack on hostile input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError

MAX_LENGTH = 20_000
MAX_DEPTH = 80
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|(?P<quoted>`(?:[^`]|``)+`)"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<operator>\*\*|<=|>=|==|[-+*/^<>=≤≥(){}\[\],:|@])|(?P<other>\S))"
)
_SAME = {"**": "^", "==": "=", "≤": "<=", "≥": ">="}
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text, what it is, and where it starts."""

    kind: str
    text: str
    start: int

    @property
    def name(self) -> str:
        """A name without the quotes it may stand in."""
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`")
        return re.sub(r"\\(.)", r"\1", self.text[1:-1]) if self.kind == "string" else self.text

    @property
    def operator(self) -> str:
        """The operator by its first spelling; empty where it is none."""
        return _SAME.get(self.text, self.text) if self.kind == "operator" else ""


@dataclass(slots=True)
class Reader:
    """The tokens, the place among them, and how deep in brackets it is.

    Attributes
    ----------
    text : str
    refusal : str
        How the error begins where the text cannot be read: a format of {text}.
    """

    text: str
    refusal: str
    tokens: list[Token]
    at: int = 0
    depth: int = 0

    @classmethod
    def of(cls, text: Any, refusal: str, what: str, *, instead: str = "a text") -> Reader:
        """The reader of a whole text; `what` names it in errors, `instead` what it must be."""
        if not isinstance(text, str):
            raise InputError(subject=what, expected=f"be {instead}", got=short(text))
        if text.isspace():
            raise InputError(subject=what, expected="hold more than white space")
        if len(text) > MAX_LENGTH:
            raise InputError(
                f"{what} must have at most {MAX_LENGTH:,} characters. Got {len(text):,} instead, from {short(text, 40)} on."
            )
        tokens = [
            Token(kind, match[kind], match.start(kind))
            for match in _TOKEN.finditer(text)
            if (kind := str(match.lastgroup))
        ]
        return cls(text, refusal, [*tokens, Token("end", "", len(text))])

    @property
    def head(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def after(self, steps: int = 1) -> Token:
        """The token so many steps behind the next one, or the end."""
        return self.tokens[min(self.at + steps, len(self.tokens) - 1)]

    def take(self, *operators: str) -> str:
        """Step over the next token if it is one of these operators."""
        found = self.head.operator
        if found and found in operators:
            self.at += 1
            return found
        return ""

    def word(self, *words: str) -> str:
        """Step over the next tokens if they are one of these words, or several with blanks between them."""
        for text in words:
            parts = text.split()
            heads = [self.after(k) for k in range(len(parts))]
            if [token.text for token in heads if token.kind == "name"] == parts:
                self.at += len(parts)
                return text
        return ""

    def need(self, operator: str) -> None:
        """Step over this operator, or fail if it is missing."""
        if not self.take(operator):
            raise self.unexpected(f"{operator!r}")

    def end(self, wanted: str) -> None:
        """Say what stands where the text should end."""
        if self.head.kind != "end":
            raise self.unexpected(wanted)

    def enter(self) -> None:
        """One level deeper in brackets and exponents."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"it is nested deeper than {MAX_DEPTH} levels")

    def leave(self) -> None:
        """One level up again."""
        self.depth -= 1

    def fail(self, reason: str) -> InputError:
        """The error for a text that cannot be read."""
        return InputError(f"{self.refusal.format(text=short(self.text, 60))}: {reason}.")

    def unexpected(self, wanted: str) -> InputError:
        """The error that names what was expected here."""
        if self.head.kind == "end":
            return self.fail(f"{wanted} was expected at its end")
        return self.fail(
            f"{wanted} was expected in place of {short(self.head.text, 24)} at character {self.head.start + 1}"
        )

    def name(self, wanted: str = "the name of a column") -> str:
        """Step over a name, bare or in quotes."""
        token = self.head
        if token.kind not in ("name", "quoted", "string"):
            raise self.unexpected(wanted)
        self.at += 1
        return token.name

    def name_before(self, *marks: str) -> str:
        """Step over a name that may hold blanks and signs without quotes, up to the next mark outside brackets."""
        first, depth = self.head, 0
        while self.head.kind != "end" and (depth or self.head.text not in marks):
            depth += (self.head.text in _OPENING) - (self.head.text in _CLOSING)
            self.at += 1
        written = self.text[first.start : self.head.start].strip()
        return first.name if written == first.text else written

    @property
    def at_number(self) -> bool:
        """Whether a number comes next, its sign included."""
        return self.head.kind == "number" or (self.head.operator == "-" and self.after().kind == "number")

    def number(self, wanted: str = "a number") -> float:
        """Step over a number, its sign included."""
        if not self.at_number:
            raise self.unexpected(wanted)
        sign = -1.0 if self.take("-") else 1.0
        self.at += 1
        return sign * float(self.tokens[self.at - 1].text)

    def value(self) -> Any:
        """Step over a number or a name."""
        return self.number() if self.at_number else self.name("a value")
