"""The text of a property as tokens, and the reader that takes one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError

MAX_LENGTH = 20_000


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|(?P<quoted>`(?:[^`]|``)+`)"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<operator><=|>=|==|≤|≥|[-+*<>=(){}\[\],:])|(?P<other>\S))"
)


SAME = {"==": "=", "≤": "<=", "≥": ">=", "<": "<=", ">": ">="}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text, what it is, and where it starts."""

    """A word of the text, what it is, and where it starts."""

    kind: str
    text: str
    start: int


@dataclass(slots=True)
class Reader:
    """The tokens and the place among them."""

    text: str
    tokens: list[Token]
    at: int = 0

    @classmethod
    def of(cls, text: Any) -> Reader:
        """The reader of a whole text."""
        if not isinstance(text, str):
            raise InputError(
                f"A property must be text or made by edgewise.properties. Got {short(text)} instead."
            )
        if len(text) > MAX_LENGTH:
            raise InputError(
                f"A property must have at most {MAX_LENGTH:,} characters. Got {len(text):,} instead."
            )
        tokens, at = list[Token](), 0
        while (found := _TOKEN.match(text, at)) is not None:
            kind = str(found.lastgroup)
            tokens.append(Token(kind, found[kind], found.start(kind)))
            at = found.end()
        tokens.append(Token("end", "", len(text)))
        return cls(text, tokens)

    @property
    def head(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    @property
    def operator(self) -> str:
        """The next token as an operator; empty where it is none."""
        return SAME.get(self.head.text, self.head.text) if self.head.kind == "operator" else ""

    def take(self, *operators: str) -> str:
        """Step over the next token if it is one of these operators."""
        found = self.operator
        if found and found in operators:
            self.at += 1
            return found
        return ""

    def word(self, *words: str) -> str:
        """Step over the next token if it is one of these words."""
        if self.head.kind == "name" and self.head.text in words:
            self.at += 1
            return self.tokens[self.at - 1].text
        return ""

    def need(self, operator: str) -> None:
        """Step over this operator, or say that it is missing."""
        if not self.take(operator):
            raise self.unexpected(f"{operator!r}")

    def end(self) -> None:
        """Say what stands where the text should end."""
        if self.head.kind != "end":
            raise self.unexpected("the end or 'where'")

    def fail(self, reason: str) -> InputError:
        """The error that says why the text cannot be read."""
        return InputError(f"The property {short(self.text, 60)} cannot be read: {reason}.")

    def unexpected(self, wanted: str) -> InputError:
        """The error that says what was expected here."""
        token = self.head
        if token.kind == "end":
            return self.fail(f"{wanted} was expected at its end")
        return self.fail(
            f"{wanted} was expected in place of {short(token.text, 40)} at character {token.start + 1}"
        )

    def name(self, wanted: str = "the name of a column") -> str:
        """Step over a name, bare or in quotes."""
        token = self.head
        if token.kind not in ("name", "quoted", "string"):
            raise self.unexpected(wanted)
        self.at += 1
        return _bare(token)

    def number(self, wanted: str = "a number") -> float:
        """Step over a number, its sign included."""
        start = self.at
        sign = -1.0 if self.take("-") else 1.0
        if self.head.kind != "number":
            self.at = start
            raise self.unexpected(wanted)
        self.at += 1
        return sign * float(self.tokens[self.at - 1].text)

    def before(self, *texts: str) -> bool:
        """Whether what comes after the next token is this."""
        return [token.text for token in self.tokens[self.at + 1 : self.at + 1 + len(texts)]] == [*texts]

    @property
    def at_number(self) -> bool:
        """Whether a number comes next."""
        after = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        return self.head.kind == "number" or (self.operator == "-" and after.kind == "number")

    def value(self) -> Any:
        """Step over a number or a name."""
        return self.number() if self.at_number else self.name("a value")


def _bare(token: Token) -> str:
    if token.kind == "quoted":
        return token.text[1:-1].replace("``", "`")
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "string" else token.text
