"""Text to tree: the grammar of formulas, by operator precedence.

Precedence, weakest first: `+ -`, `* /`, sign, `^` or `**` (to the right).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache

from edgewise._core.checks import among, did_you_mean, short
from edgewise.forms.functions import CONSTANTS, FUNCTIONS, SPELLINGS
from edgewise.forms.reader import Reader, Token
from edgewise.forms.tree import (
    Apply,
    Node,
    Number,
    Variable,
    in_backticks,
    inverse,
    multiplied,
    replaced,
    summed,
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
    unknown : bool
        Whether other names may be called too, as functions that nobody knows.
    arguments : int
        How many arguments such a function takes at most.
    """

    refusal: str = f"The 'text' argument must be a formula made of {_ALLOWED}. Got {{text}} instead"
    noun: str = "column"
    calls: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    unknown: bool = False
    arguments: int = 1


_FORMULA = Grammar()


def read(text: str, variables: Collection[str] | None, grammar: Grammar = _FORMULA) -> Node:
    """The tree of a formula, or one `InputError`; None for the variables lets every name be one."""
    reader = Reader.of(text, grammar.refusal, "The 'text' argument", instead="a string")
    if reader.head.kind == "end":
        raise reader.fail("it is empty")
    tree = formula(reader, variables, grammar)
    reader.end("an operator or the end")
    return tree


@cache
def _written(function: str) -> Node | None:
    text = FUNCTIONS[function].written if function in FUNCTIONS else ""
    return read(text, ("x",)) if text else None


def spelled_out(node: Apply) -> Node | None:
    """A function that others say in these: sqrt(x) = x^(1/2), gaussian(x) = exp(-x^2); None for others.

    Examples
    --------
    >>> from edgewise.forms.tree import Variable, apply, render
    >>> render(spelled_out(apply("sigmoid", 2 * Variable("z"))))
    '1/(1 + exp(-(2*z)))'
    """
    written = _written(node.function)
    return None if written is None else replaced(written, {"x": node.arguments[0]})


def formula(reader: Reader, variables: Collection[str] | None, grammar: Grammar = _FORMULA) -> Node:
    """The formula that begins at the next token, up to the first that can be no part of it."""
    return _Formula(reader, variables, grammar).sum()


@dataclass(frozen=True, slots=True)
class _Formula:
    reader: Reader
    variables: Collection[str] | None
    grammar: Grammar

    def sum(self) -> Node:
        self.reader.enter()
        terms = [self.product()]
        while sign := self.reader.take("-", "+"):
            term = self.product()
            terms.append(-term if sign == "-" else term)
        self.reader.leave()
        return summed(terms)

    def product(self) -> Node:
        factors = [self.signed()]
        while sign := self.reader.take("/", "*"):
            factor = self.signed()
            factors.append(inverse(factor) if sign == "/" else factor)
        return multiplied(factors)

    def signed(self) -> Node:
        minus = False
        while sign := self.reader.take("-", "+"):
            minus ^= sign == "-"
        node = self.power()
        if not minus:
            return node
        # "-2" is the number minus two, "-x" a negated variable, "-2^2" the negated square.
        return Number(-node.value) if isinstance(node, Number) else -node

    def power(self) -> Node:
        base = self.atom()
        if not self.reader.take("^"):
            return base
        self.reader.enter()
        exponent = self.signed()
        self.reader.leave()
        return base**exponent

    def atom(self) -> Node:
        token = self.reader.head
        if token.kind in ("number", "quoted", "name"):
            self.reader.at += 1
            if token.kind == "number":
                return self.number(token)
            if token.kind == "name" and self.reader.take("("):
                return self.call(token.text)
            return self.variable(token.name)
        if not self.reader.take("("):
            raise self.reader.unexpected("a number, a name or a bracket")
        inner = self.sum()
        self.reader.need(")")
        return inner

    def number(self, token: Token) -> Number:
        if token.text.isdigit() and len(token.text) <= 15:
            return Number(int(token.text))
        value = float(token.text)
        if value == float("inf"):
            raise self.reader.fail(f"the number {short(token.text, 40)} is too large for a float")
        return Number(value)

    def call(self, name: str) -> Node:
        calls, noun = self.grammar.calls, self.grammar.noun
        function = name if name in calls else SPELLINGS.get(name, name)
        known = function in calls or function in FUNCTIONS
        if not known and name in (self.variables or ()):
            raise self.reader.fail(
                f"{short(name, 40)} is a {noun}, not a function; write {short(name, 40)[1:-1]}*(...) for a product"
            )
        if not known and not self.grammar.unknown:
            hint = did_you_mean(name, [*FUNCTIONS, *SPELLINGS, *calls])
            raise self.reader.fail(f"there is no function {short(name, 40)}{hint}")
        arguments = [self.sum()]
        while self.reader.take(","):
            arguments.append(self.sum())
        self.reader.need(")")
        fewest, most = calls.get(function) or (
            (FUNCTIONS[function].arity,) * 2 if known else (1, self.grammar.arguments)
        )
        if not fewest <= len(arguments) <= most:
            short_of = len(arguments) < fewest
            count = fewest if short_of else most
            wanted = _COUNTS.get(count, f"{count} arguments")
            raise self.reader.fail(f"the function {name!r} {'needs' if short_of else 'takes'} {wanted}")
        return Apply(function, tuple(arguments))

    def variable(self, name: str) -> Node:
        if self.variables is None or name in self.variables or name in CONSTANTS:
            return Variable(name)
        if name in self.grammar.calls:
            raise self.reader.fail(f"the function {name!r} needs its arguments in brackets")
        if SPELLINGS.get(name, name) in FUNCTIONS:
            needs = _COUNTS[FUNCTIONS[SPELLINGS.get(name, name)].arity]
            raise self.reader.fail(f"the function {name!r} needs {needs} in brackets")
        hint = did_you_mean(name, self.variables)
        raise self.reader.fail(
            f"there is no {self.grammar.noun} {short(name, 40)} among {among(self.variables, 3)}{hint}"
            f"{in_backticks(self.variables)}"
        )
