"""Text to tree: a small operator-precedence parser.

Nothing is ever evaluated as Python, so a hostile text can at worst be refused. Python's own `ast` is not used:
it gives `^` the wrong precedence, normalises Unicode names (a column called 'µ' would be lost) and warns, overflows
or runs out of stack on hostile input.

Precedence, weakest first: `+ -`, `* /`, sign, `^` or `**` (to the right).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms.functions import CONSTANTS, FUNCTIONS, SPELLINGS
from edgewise.forms.tree import Apply, Node, Number, Variable

MAX_LENGTH = 20_000
MAX_DEPTH = 80
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|(?P<quoted>`(?:[^`]|``)+`)"
    r"|(?P<operator>\*\*|[-+*/^(),])|(?P<other>\S))"
)
_ALLOWED = (
    "the operators + - * / ^, numbers, brackets, column names (in `backticks` where needed) and functions"
)
_COUNTS = {1: "one argument", 2: "two arguments"}


@dataclass(frozen=True)
class Grammar:
    """What a text may hold beside numbers, operators, variables and the functions of formulas.

    Attributes
    ----------
    refusal : str
        How a refusal begins: a format of {text}.
    noun : str
        What a variable is called.
    calls : mapping
        Further functions with the fewest and the most arguments they take.
    """

    refusal: str = f"The 'text' argument must be a formula made of {_ALLOWED}. Got {{text}} instead"
    noun: str = "column"
    calls: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])


_FORMULA = Grammar()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


@dataclass(slots=True)
class _Reader:
    """The tokens, the position in them and the nesting depth."""

    text: str
    variables: Collection[str]
    tokens: list[_Token]
    grammar: Grammar
    at: int = 0
    depth: int = 0

    @property
    def head(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *texts: str) -> bool:
        found = self.head.kind == "operator" and self.head.text in texts
        self.at += found
        return found

    def fail(self, reason: str) -> InputError:
        return InputError(f"{self.grammar.refusal.format(text=short(self.text, 50))}: {reason}.")

    def unexpected(self, wanted: str = "") -> InputError:
        token = self.head
        found = (
            "the end of the text"
            if token.kind == "end"
            else f"{short(token.text, 40)} at character {token.start + 1}"
        )
        return self.fail(f"{wanted + ' was expected before' if wanted else 'did not expect'} {found}")


def read(text: str, variables: Collection[str], grammar: Grammar = _FORMULA) -> Node:
    """The tree of a formula, or one `InputError`."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"The 'text' argument must be a string. Got {short(text)} instead.")
    if len(text) > MAX_LENGTH:
        raise InputError(
            f"The 'text' argument must have at most {MAX_LENGTH:,} characters. Got {len(text):,} instead."
        )
    tokens = [
        _Token(match.lastgroup or "", match.group(match.lastgroup or 0), match.start(match.lastgroup or 0))
        for match in _TOKEN.finditer(text)
    ]
    reader = _Reader(text, variables, [*tokens, _Token("end", "", len(text))], grammar)
    if not tokens:
        raise reader.fail("it is empty")
    tree = _sum(reader)
    if reader.head.kind != "end":
        raise reader.unexpected("an operator")
    return tree


def _sum(reader: _Reader) -> Node:
    reader.depth += 1
    if reader.depth > MAX_DEPTH:
        raise reader.fail(f"it is nested deeper than {MAX_DEPTH} levels")
    terms = [_product(reader)]
    while (minus := reader.take("-")) or reader.take("+"):
        term = _product(reader)
        terms.append(Apply("neg", (term,)) if minus else term)
    reader.depth -= 1
    return terms[0] if len(terms) == 1 else Apply("+", tuple(terms))


def _product(reader: _Reader) -> Node:
    factors = [_signed(reader)]
    while (over := reader.take("/")) or reader.take("*"):
        factor = _signed(reader)
        factors.append(Apply("inv", (factor,)) if over else factor)
    return factors[0] if len(factors) == 1 else Apply("*", tuple(factors))


def _signed(reader: _Reader) -> Node:
    minus = False
    while (negative := reader.take("-")) or reader.take("+"):
        minus ^= negative
    node = _power(reader)
    if not minus:
        return node
    # "-2" is the number minus two, "-x" a negated variable, "-2^2" the negated square.
    return Number(-node.value) if isinstance(node, Number) else Apply("neg", (node,))


def _power(reader: _Reader) -> Node:
    base = _atom(reader)
    if not reader.take("^", "**"):
        return base
    reader.depth += 1
    if reader.depth > MAX_DEPTH:
        raise reader.fail(f"it is nested deeper than {MAX_DEPTH} levels")
    exponent = _signed(reader)
    reader.depth -= 1
    return Apply("^", (base, exponent))


def _atom(reader: _Reader) -> Node:
    token = reader.head
    if token.kind == "number":
        reader.at += 1
        return _number(reader, token)
    if token.kind == "quoted":
        reader.at += 1
        return _variable(reader, token.text[1:-1].replace("``", "`"))
    if token.kind == "name":
        reader.at += 1
        if reader.take("("):
            return _call(reader, token.text)
        return _variable(reader, token.text)
    if reader.take("("):
        inner = _sum(reader)
        if not reader.take(")"):
            raise reader.unexpected("')'")
        return inner
    raise reader.unexpected()


def _number(reader: _Reader, token: _Token) -> Number:
    if token.text.isdigit() and len(token.text) <= 15:
        return Number(int(token.text))
    value = float(token.text)
    if value == float("inf"):
        raise reader.fail(f"the number {short(token.text, 40)} is too large for a float")
    return Number(value)


def _call(reader: _Reader, name: str) -> Node:
    calls = reader.grammar.calls
    function = name if name in calls else SPELLINGS.get(name, name)
    if function not in calls and function not in FUNCTIONS:
        if name in reader.variables:
            raise reader.fail(
                f"{short(name, 40)} is a {reader.grammar.noun}, not a function; write {short(name, 40)[1:-1]}*(...) for a "
                "product"
            )
        hint = did_you_mean(name, [*FUNCTIONS, *SPELLINGS, *calls])
        raise reader.fail(f"there is no function {short(name, 40)}{hint}")
    arguments = [_sum(reader)]
    while reader.take(","):
        arguments.append(_sum(reader))
    if not reader.take(")"):
        raise reader.unexpected("')'")
    fewest, most = calls.get(function) or (FUNCTIONS[function].arity,) * 2
    if not fewest <= len(arguments) <= most:
        short_of = len(arguments) < fewest
        count = _COUNTS.get(fewest if short_of else most, f"{fewest if short_of else most} arguments")
        raise reader.fail(f"the function {name!r} {'needs' if short_of else 'takes'} {count}")
    return Apply(function, tuple(arguments))


def _variable(reader: _Reader, name: str) -> Node:
    if name in reader.variables or name in CONSTANTS:
        return Variable(name)
    if name in reader.grammar.calls:
        raise reader.fail(f"the function {name!r} needs its arguments in brackets")
    if SPELLINGS.get(name, name) in FUNCTIONS:
        needs = _COUNTS[FUNCTIONS[SPELLINGS.get(name, name)].arity]
        raise reader.fail(f"the function {name!r} needs {needs} in brackets")
    hint = did_you_mean(name, reader.variables)
    raise reader.fail(
        f"there is no {reader.grammar.noun} {short(name, 40)} among {among(reader.variables, 3)}{hint}"
    )
