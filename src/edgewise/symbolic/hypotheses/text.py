"""Hypotheses about a law as text: what may be claimed, and how the claim is read.

Every claim ends as one of five kinds: separable groups (a sum or a product), columns that count only through
expressions, columns that do not count at all, a direction, a parity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms import Expression, parse
from edgewise.forms.tree import Apply, Node, quote

Kind = Literal["sum", "product", "through", "increasing", "decreasing", "even", "odd"]

_SHAPES = (
    "sum(x1, x2 | x3), product(x1 | x2), through(x1*x2), depends only on x1*x2, translation(x1, x2), scale(x1, x2), "
    "increasing(x1), decreasing(x1), even(x1), odd(x1) or independent(x1)"
)
_CALL = re.compile(r"\s*([A-Za-z]+)\s*\((.*)\)\s*", re.DOTALL)
_ONLY = re.compile(r"\s*depends\s+only\s+on\b(.*)", re.DOTALL | re.IGNORECASE)


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
    >>> from edgewise.symbolic.hypotheses.text import read_hypothesis
    >>> read_hypothesis("sum(x1 | x2)", ["x1", "x2", "x3"]).groups
    ((0,), (1,), (2,))
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"The 'hypothesis' argument must be a text. Got {short(text)} instead.")
    only = _ONLY.fullmatch(text)
    if only:
        expressions = _expressions(text, only.group(1), names)
        used = {name for each in expressions for name in each.variables}
        rest = tuple(at for at, name in enumerate(names) if name not in used)
        return Hypothesis(text, "through", expressions=expressions, ignored=rest)
    call = _CALL.fullmatch(text)
    reader = _READERS.get(call.group(1).lower()) if call else None
    if call is None or reader is None:
        hint = did_you_mean(call.group(1).lower(), _READERS) if call else ""
        raise InputError(f"The 'hypothesis' argument must be {_SHAPES}. Got {short(text)} instead{hint}.")
    return reader(text, call.group(1).lower(), call.group(2), names)


def _separable(text: str, word: str, inside: str, names: Sequence[str]) -> Hypothesis:
    groups = [_columns(text, part, names) for part in _split(inside, "|")]
    flat = [at for group in groups for at in group]
    if len(flat) != len(set(flat)):
        raise InputError(
            f"The groups of the 'hypothesis' must not share a column. Got {short(text)} instead."
        )
    # Columns nobody mentions are one group more: they may do what they like, apart from the others.
    rest = tuple(at for at in range(len(names)) if at not in flat)
    if rest:
        groups.append(rest)
    if len(groups) < 2:
        raise InputError(
            f"The 'hypothesis' must split the columns into at least two groups, as {word}(x1 | x2) does. "
            f"Got {short(text)} instead."
        )
    return Hypothesis(text, "sum" if word == "sum" else "product", tuple(groups))


def _through(text: str, word: str, inside: str, names: Sequence[str]) -> Hypothesis:
    return Hypothesis(text, "through", expressions=_expressions(text, inside, names))


def _pair(text: str, word: str, inside: str, names: Sequence[str]) -> Hypothesis:
    parts = _split(inside, ",")
    if len(parts) != 2:
        raise InputError(
            f"The 'hypothesis' {word}(...) takes two columns or multiples of columns, as {word}(x1, x2) does. "
            f"Got {short(text)} instead."
        )
    first, second = (_expression(text, part, names).tree for part in parts)
    joined: Node = (
        Apply("+", (first, Apply("neg", (second,))))
        if word == "translation"
        else Apply("*", (first, Apply("inv", (second,))))
    )
    return Hypothesis(text, "through", expressions=_apart(text, (Expression(joined, tuple(names)),)))


def _single(text: str, word: str, inside: str, names: Sequence[str]) -> Hypothesis:
    column = _columns(text, inside, names)
    if len(column) != 1:
        raise InputError(f"The 'hypothesis' {word}(...) takes one column. Got {short(text)} instead.")
    kinds: dict[str, Kind] = {
        "increasing": "increasing", "decreasing": "decreasing", "even": "even", "odd": "odd"
    }  # fmt: skip
    return Hypothesis(text, kinds[word], (column,))


def _independent(text: str, word: str, inside: str, names: Sequence[str]) -> Hypothesis:
    return Hypothesis(text, "through", ignored=_columns(text, inside, names))


_READERS: dict[str, Callable[[str, str, str, Sequence[str]], Hypothesis]] = {
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


def _expressions(text: str, inside: str, names: Sequence[str]) -> tuple[Expression, ...]:
    return _apart(text, tuple(_expression(text, part, names) for part in _split(inside, ",")))


def _apart(text: str, expressions: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Expressions of columns, no column in two of them: each is then moved along without touching the others."""
    seen: set[str] = set()
    for each in expressions:
        if not each.variables:
            raise InputError(
                f"The expressions of the 'hypothesis' must each use a column. Got {short(text)} instead."
            )
        shared = seen.intersection(each.variables)
        if shared:
            raise InputError(
                "The expressions of the 'hypothesis' must not share a column. "
                f"Got {short(text)} instead, where {quote(min(shared))} is in two of them."
            )
        seen.update(each.variables)
    return expressions


def _expression(text: str, part: str, names: Sequence[str]) -> Expression:
    try:
        return parse(part, names)
    except InputError as error:
        raise InputError(
            f"The 'hypothesis' argument must hold formulas of the columns {among(names, 5)}. Got {short(text)} instead: "
            f"{short(part.strip())} cannot be read ({error})"
        ) from error


def _columns(text: str, part: str, names: Sequence[str]) -> tuple[int, ...]:
    found: list[int] = []
    for word in _split(part, ","):
        name = word.strip()
        if name.startswith("`") and name.endswith("`") and len(name) > 2:
            name = name[1:-1].replace("``", "`")
        if name not in names:
            raise InputError(
                f"The 'hypothesis' must name columns among {among(names, 5)}. Got {short(name)} in {short(text)} "
                f"instead{did_you_mean(name, names)}."
            )
        found.append(list(names).index(name))
    if len(found) != len(set(found)):
        raise InputError(f"The 'hypothesis' must name a column once. Got {short(text)} instead.")
    return tuple(found)


def _split(text: str, mark: str) -> list[str]:
    """Parts between marks that stand outside brackets and backticks."""
    parts, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == "`"
        depth += 0 if quoted else (character == "(") - (character == ")")
        if character == mark and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts
