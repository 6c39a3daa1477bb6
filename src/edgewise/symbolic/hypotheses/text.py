"""Hypotheses about a law as text: what may be claimed, and how the claim is read.

Every claim ends as one of five kinds: separable groups (a sum or a product), columns that count only through
expressions, columns that do not count at all, a direction, a parity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from edgewise._core.arguments import check_words
from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms import Expression
from edgewise.forms.parser import formula
from edgewise.forms.reader import Reader
from edgewise.forms.tree import Node, quote

Kind = Literal["sum", "product", "through", "increasing", "decreasing", "even", "odd"]

_SHAPES = (
    "sum(x1, x2 | x3), product(x1 | x2), through(x1*x2), depends only on x1*x2, translation(x1, x2), scale(x1, x2), "
    "increasing(x1), decreasing(x1), even(x1), odd(x1) or independent(x1)"
)


@dataclass(frozen=True)
class Hypothesis:
    """A claim about y as a function of the columns.

    Parameters
    ----------
    text
        The claim as it was written.
    kind
        What is claimed.
    groups
        Numbers of the columns: the groups of a sum or product; the one column of a direction or parity.
    expressions
        What "through" lets y depend on, each over columns of its own.
    ignored
        Columns that y is claimed not to depend on.
    """

    text: str
    kind: Kind
    groups: tuple[tuple[int, ...], ...] = ()
    expressions: tuple[Expression, ...] = ()
    ignored: tuple[int, ...] = ()


def read_hypothesis(text: object, names: Sequence[str]) -> Hypothesis:
    """Read a hypothesis.

    Parameters
    ----------
    text
        For example "sum(x1, x2 | x3)" or "depends only on x1/x2, x3".
    names
        The columns.

    Returns
    -------
    Hypothesis

    Raises
    ------
    InputError
        Where the text is no hypothesis about these columns.

    Examples
    --------
    >>> read_hypothesis("sum(x1 | x2)", ["x1", "x2", "x3"]).groups
    ((0,), (1,), (2,))
    """
    text = check_words(text, "hypothesis")
    reader = Reader.of(text, "The 'hypothesis' {text} cannot be read", "The 'hypothesis' argument")
    if [reader.after(k).text.lower() for k in range(3)] == ["depends", "only", "on"]:
        reader.at += 3
        expressions = _expressions(reader, names)
        reader.end("',' or the end")
        used = {name for expression in expressions for name in expression.variables}
        rest = tuple(at for at, name in enumerate(names) if name not in used)
        return Hypothesis(text, "through", expressions=expressions, ignored=rest)
    word = reader.head.text.lower()
    read = _READERS.get(word)
    if read is None or reader.after().text != "(":
        hint = did_you_mean(word, _READERS) if reader.after().text == "(" else ""
        raise InputError(f"The 'hypothesis' argument must be {_SHAPES}. Got {short(text)} instead{hint}.")
    reader.at += 2
    found = read(reader, word, names)
    reader.need(")")
    reader.end("the end")
    return found


def _separable(reader: Reader, word: str, names: Sequence[str]) -> Hypothesis:
    text, groups = reader.text, [_columns(reader, names)]
    while reader.take("|"):
        groups.append(_columns(reader, names))
    flat = [at for group in groups for at in group]
    if len(flat) != len(set(flat)):
        raise InputError(
            subject="The groups of the 'hypothesis'", expected="not share a column", got=short(text)
        )
    # Columns that are not named are one more group: they may act freely, apart from the others.
    rest = tuple(at for at in range(len(names)) if at not in flat)
    if rest:
        groups.append(rest)
    if len(groups) < 2:
        raise InputError(
            argument="hypothesis",
            expected=f"split the columns into at least two groups, as {word}(x1 | x2) does",
            got=short(text),
        )
    return Hypothesis(text, "sum" if word == "sum" else "product", tuple(groups))


def _through(reader: Reader, word: str, names: Sequence[str]) -> Hypothesis:
    return Hypothesis(reader.text, "through", expressions=_expressions(reader, names))


def _pair(reader: Reader, word: str, names: Sequence[str]) -> Hypothesis:
    text, parts = reader.text, _formulas(reader, names)
    if len(parts) != 2:
        raise InputError(
            argument="hypothesis",
            expected=f"give {word}(...) two columns or multiples of columns, as {word}(x1, x2) does",
            got=short(text),
        )
    first, second = (part.tree for part in parts)
    joined: Node = first - second if word == "translation" else first / second
    return Hypothesis(text, "through", expressions=_apart(text, (Expression(joined, tuple(names)),)))


def _single(reader: Reader, word: str, names: Sequence[str]) -> Hypothesis:
    text, column = reader.text, _columns(reader, names)
    if len(column) != 1:
        raise InputError(f"The 'hypothesis' {word}(...) takes one column. Got {short(text)} instead.")
    kinds: dict[str, Kind] = {
        "increasing": "increasing", "decreasing": "decreasing", "even": "even", "odd": "odd"
    }  # fmt: skip
    return Hypothesis(text, kinds[word], (column,))


def _independent(reader: Reader, word: str, names: Sequence[str]) -> Hypothesis:
    return Hypothesis(reader.text, "through", ignored=_columns(reader, names))


_READERS: dict[str, Callable[[Reader, str, Sequence[str]], Hypothesis]] = {
    "sum": _separable,
    "product": _separable,
    "through": _through,
    "translation": _pair,
    "scale": _pair,
    "increasing": _single,
    "decreasing": _single,
    "even": _single,
    "odd": _single,
    "independent": _independent,
}


def _expressions(reader: Reader, names: Sequence[str]) -> tuple[Expression, ...]:
    return _apart(reader.text, _formulas(reader, names))


def _formulas(reader: Reader, names: Sequence[str]) -> tuple[Expression, ...]:
    found = [formula(reader, names)]
    while reader.take(","):
        found.append(formula(reader, names))
    return tuple(Expression(item, tuple(names)) for item in found)


def _apart(text: str, expressions: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Expressions of columns, no column in two of them: each is then moved along without touching the others."""
    seen: set[str] = set()
    for expression in expressions:
        if not expression.variables:
            raise InputError(
                subject="The expressions of the 'hypothesis'", expected="each use a column", got=short(text)
            )
        shared = seen.intersection(expression.variables)
        if shared:
            raise InputError(
                argument="hypothesis",
                expected="be about expressions that share no column",
                got=f"{short(text)}, where {quote(min(shared))} is in two of them,",
            )
        seen.update(expression.variables)
    return expressions


def _columns(reader: Reader, names: Sequence[str]) -> tuple[int, ...]:
    found = list[int]()
    while not found or reader.take(","):
        name = reader.name_before(",", "|", ")")
        if name not in names:
            raise InputError(
                argument="hypothesis",
                expected=f"name columns among {among(names, 5)}",
                got=f"{short(name)} in {short(reader.text)}{did_you_mean(name, names)}",
            )
        found.append(list(names).index(name))
    if len(found) != len(set(found)):
        raise InputError(argument="hypothesis", expected="name a column once", got=short(reader.text))
    return tuple(found)
