"""Formulas in text whose constants are names, such as a*exp(-b*x) + c."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_mapping, check_words
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_float, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms.functions import CONSTANTS, FUNCTIONS, SPELLINGS
from edgewise.forms.parser import Grammar, formula
from edgewise.forms.reader import Reader
from edgewise.forms.tree import Apply, Node, Number, names_in, ratio


def right_side(reader: Reader, variables: Sequence[str] | None, grammar: Grammar) -> Node:
    """A formula to the end of its text, which may begin with "y =", as people write it."""
    if reader.head.kind == "name" and reader.after().text == "=":
        reader.at += 2
    tree = formula(reader, variables, grammar)
    reader.end("an operator or the end")
    return tree


def names_alone(reader: Reader) -> Iterator[str]:
    """Names that stand for a number: neither called nor in backticks, and no left side."""
    for token, after in pairwise(reader.tokens):
        plain = token.kind == "name" and after.operator != "("
        left = after.text == "=" and token is reader.tokens[0]
        known = token.text in CONSTANTS or SPELLINGS.get(token.text, token.text) in FUNCTIONS
        if plain and not left and not known:
            yield token.text


def like_columns(constants: Iterable[str], columns: Iterable[str], used: Collection[str]) -> tuple[str, ...]:
    """A sentence on each constant whose name is like that of a column which the formula does not use.

    Examples
    --------
    >>> like_columns(["a", "mas"], ["mass", "r"], {"a", "mas", "r"})
    ("'mas' is no column and was fitted as a constant (did you mean 'mass'?).",)
    >>> like_columns(["t0"], ["t"], {"t", "t0"})
    ()
    """
    unused = [name for name in columns if name not in used]
    near = {name: did_you_mean(name, unused) for name in constants}
    return tuple(
        f"{short(name, 40)} is no column and was fitted as a constant{hint}."
        for name, hint in near.items()
        if hint
    )


def with_constants(text: object, columns: Sequence[str]) -> tuple[Node, tuple[str, ...]]:
    """A formula, and its names that stand for constants, in reading order.

    Examples
    --------
    >>> with_constants("y = a*exp(-b*x)/pi + a", ["x"])[1]
    ('a', 'b')
    """
    reader = Reader.of(check_words(text, "text"), Grammar().refusal, "The 'text' argument")
    tree = right_side(reader, None, Grammar())
    free = dict.fromkeys(names_in(tree))
    labels = tuple(name for name in free if name not in columns and name not in CONSTANTS)
    if not labels:
        raise InputError(
            argument="text",
            expected="name at least one constant that is no column, as in a*exp(-b*x)",
            got=f"{short(text)}, with the columns {among(columns)},",
        )
    return tree, labels


def exact(node: Node) -> Node:
    """The formula with its decimals as ratios, so that only the named constants are fitted."""
    if isinstance(node, Number) and isinstance(node.value, float):
        return ratio(*Fraction(repr(node.value)).as_integer_ratio())
    return Apply(node.function, tuple(map(exact, node.arguments))) if isinstance(node, Apply) else node


def given_starts(start: Mapping[str, float] | None, labels: Sequence[str]) -> dict[str, float]:
    """Where constants that are among these labels start."""
    found = dict[str, float]()
    for name, value in as_mapping(start, "start", "constants to numbers").items():
        if name not in labels:
            raise InputError(
                argument="start",
                expected=f"name constants of the formula, {among(labels)}",
                got=f"{short(name)}{did_you_mean(name, labels)}",
            )
        found[name] = check_float(value, f"start[{name!r}]")
    return found


def starts_of(start: Mapping[str, float] | None, labels: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
    """A start for every constant, and which were given."""
    given = given_starts(start, labels)
    first = np.array([given.get(label, 1.0) for label in labels])
    return first, np.array([label in given for label in labels], dtype=bool)
