"""Formulas one step away from one that nearly holds in all groups: a constant more or a part less.

What one noisy group cannot show, all of them together do: a power of 5 in its formula may be one of 4, and the 1 before a
time a rate. Powers are therefore made constants that all groups share, from their values on; rounding them is for later.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgewise.forms.tree import OPERATORS, Apply, Node, Number, Variable, multiplied, names_in, summed
from edgewise.symbolic.groups.template import constant_names

Path = tuple[int, ...]


@dataclass(frozen=True)
class Edited:
    """A formula, and where its new constants start: those that all groups share, and those of each group's own."""

    tree: Node
    shared: dict[str, float]
    own: dict[str, float]


def edits(tree: Node, columns: Sequence[str]) -> Iterator[Edited]:
    """The formulas one step away.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> from edgewise.forms.tree import render
    >>> found = list(edits(parse("a*exp(-x)", ["x", "a"]).tree, ["x"]))
    >>> [render(each.tree) for each in found]
    ['a*exp(-x^b)', 'a*exp(-x^2)', 'a*exp(b*(-x))', 'a*exp(-x) + b', 'exp(-x)', 'a*(-x)']
    """
    powers = [path for path, node in places(tree) if _power(node, columns) is not None]
    # A column itself is its first power.
    powers = [
        path for path in powers if not path or path[:-1] not in powers or not _is_column(tree, path, columns)
    ]
    of_columns = [
        path for path in powers if _is_column(tree, path, columns) or _is_column(tree, (*path, 0), columns)
    ]
    together = [chosen for chosen in (powers, of_columns) if len(chosen) > 1]
    for chosen in [*([power] for power in powers), *together]:
        yield _freed(tree, chosen, columns)
    yield from _other_powers(tree, of_columns, columns)
    yield from _of_one_rate(tree, columns)
    name = next(constant_names([*columns, *names_in(tree)]))
    new = Variable(name)
    for path, node in places(tree):
        if not varies(node, columns):
            continue
        if _inner(tree, path) and not _scaled(node, columns):
            yield Edited(put(tree, path, _product(new, node)), {}, {name: 1.0})
    for path, node in places(tree):
        # A number that is added in an exponential is a factor of it.
        whole = not path or _holder(tree, path) not in (*OPERATORS, "exp")
        if whole and varies(node, columns) and not _has_constant(node, columns):
            yield Edited(put(tree, path, _sum(node, new)), {}, {name: 0.0})
    for path, node in places(tree):
        if isinstance(node, Apply) and node.function in ("+", "*"):
            for at in range(len(node.arguments)):
                rest = tuple(argument for k, argument in enumerate(node.arguments) if k != at)
                left = rest[0] if len(rest) == 1 else Apply(node.function, rest)
                if varies(left, columns):
                    yield Edited(put(tree, path, left), {}, {})
        elif isinstance(node, Apply) and node.function not in OPERATORS and varies(node, columns):
            yield Edited(put(tree, path, node.arguments[0]), {}, {})


def places(tree: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every part of a formula and where it is, the whole first."""
    yield path, tree
    if isinstance(tree, Apply):
        for at, argument in enumerate(tree.arguments):
            yield from places(argument, (*path, at))


def varies(node: Node, columns: Sequence[str]) -> bool:
    """Whether a column is in it."""
    return any(name in columns for name in names_in(node))


def _power(node: Node, columns: Sequence[str]) -> float | None:
    """The exponent of a power of what varies; roots, reciprocals and columns themselves are such."""
    if isinstance(node, Variable):
        return 1.0 if node.name in columns else None
    if not isinstance(node, Apply) or not varies(node.arguments[0], columns):
        return None
    if node.function in ("sqrt", "inv"):
        return 0.5 if node.function == "sqrt" else -1.0
    if node.function == "^" and not varies(node.arguments[1], columns):
        return _number(node.arguments[1])
    return None


def _other_powers(tree: Node, powers: Sequence[Path], columns: Sequence[str]) -> Iterator[Edited]:
    """With one or two whole powers of columns one higher or lower: two may have made up for each other."""
    steps = dict[Path, list[int]]()
    for path in powers:
        exponent = _power(_at(tree, path), columns)
        if exponent is not None and exponent == round(exponent):
            steps[path] = [round(exponent) + by for by in (-1, 1) if exponent + by]
    for count in (1, 2):
        for chosen in itertools.combinations(steps, count):
            for new in itertools.product(*(steps[path] for path in chosen)):
                made = tree
                for path, exponent in zip(chosen, new, strict=True):
                    node = _at(tree, path)
                    base = node.arguments[0] if isinstance(node, Apply) else node
                    made = put(made, path, base**exponent)
                yield Edited(made, {}, {})


def _of_one_rate(tree: Node, columns: Sequence[str]) -> Iterator[Edited]:
    """With two exponentials in a sum as one times a line: what they tend to where their rates become one."""
    for path, node in places(tree):
        if not isinstance(node, Apply) or node.function != "+":
            continue
        terms = node.arguments
        found = [
            (at, *exponential)
            for at, term in enumerate(terms)
            for exponential in _exponentials(term, columns)
        ]
        for (one, place, kept), (other, where, _) in itertools.permutations(found, 2):
            for column in dict.fromkeys(name for name in names_in(kept) if name in columns):
                line = _sum(put(terms[one], place, Number(1)), put(terms[other], where, Variable(column)))
                rest = [term for at, term in enumerate(terms) if at not in (one, other)]
                made = line * kept
                yield Edited(put(tree, path, summed([*rest, made])), {}, {})


def _exponentials(term: Node, columns: Sequence[str]) -> Iterator[tuple[Path, Node]]:
    """The exponential that is all of a term that varies, if it is."""
    varying = [(path, item) for path, item in _factors(term) if varies(item, columns)]
    if len(varying) == 1 and isinstance(varying[0][1], Apply) and varying[0][1].function == "exp":
        yield varying[0]


def _factors(term: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    if isinstance(term, Apply) and term.function in ("*", "neg"):
        for at, argument in enumerate(term.arguments):
            yield from _factors(argument, (*path, at))
    else:
        yield path, term


def _is_column(tree: Node, path: Path, columns: Sequence[str]) -> bool:
    node = _at(tree, path)
    return isinstance(node, Variable) and node.name in columns


def _number(node: Node) -> float | None:
    if isinstance(node, Number):
        return float(node.value)
    if not isinstance(node, Apply) or node.function not in ("neg", "inv", "*"):
        return None
    values = [_number(argument) for argument in node.arguments]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or (node.function == "inv" and known[0] == 0):
        return None
    if node.function == "*":
        product = 1.0
        for name in known:
            product *= name
        return product
    return -known[0] if node.function == "neg" else 1 / known[0]


def _freed(tree: Node, powers: Sequence[Path], columns: Sequence[str]) -> Edited:
    """With some exponents constants that are one for all groups."""
    supply = constant_names([*columns, *names_in(tree)])
    shared = dict[str, float]()
    # The longest first: a power in a power is rewritten before the one around it.
    for path in sorted(powers, key=len, reverse=True):
        node = _at(tree, path)
        exponent = _power(node, columns)
        assert exponent is not None
        name = next(supply)
        shared[name] = exponent
        base = node.arguments[0] if isinstance(node, Apply) else node
        tree = put(tree, path, base ** Variable(name))
    return Edited(tree, shared, {})


def _inner(tree: Node, path: Path) -> bool:
    """Whether this is what a function is of, or a term of a sum within something."""
    if not path:
        return False
    holder = _holder(tree, path)
    return holder not in OPERATORS or (holder == "+" and len(path) > 1)


def _holder(tree: Node, path: Path) -> str:
    node = _at(tree, path[:-1])
    assert isinstance(node, Apply)
    return node.function


def _scaled(node: Node, columns: Sequence[str]) -> bool:
    """Whether it has a constant factor, or every term of it has."""
    if not isinstance(node, Apply):
        return False
    if node.function in ("neg", "inv"):
        return _scaled(node.arguments[0], columns)
    if node.function == "+":
        return all(not varies(argument, columns) or _scaled(argument, columns) for argument in node.arguments)
    return node.function == "*" and any(
        not varies(argument, columns) or _scaled(argument, columns) for argument in node.arguments
    )


def _has_constant(node: Node, columns: Sequence[str]) -> bool:
    return (
        isinstance(node, Apply)
        and node.function == "+"
        and any(not varies(argument, columns) for argument in node.arguments)
    )


def _product(one: Node, other: Node) -> Node:
    more = other.arguments if isinstance(other, Apply) and other.function == "*" else (other,)
    return multiplied([one, *more])


def _sum(one: Node, other: Node) -> Node:
    terms = one.arguments if isinstance(one, Apply) and one.function == "+" else (one,)
    return summed([*terms, other])


def _at(tree: Node, path: Path) -> Node:
    for at in path:
        if not isinstance(tree, Apply):
            return tree
        tree = tree.arguments[at]
    return tree


def put(tree: Node, path: Path, new: Node) -> Node:
    """The tree with another part at a place."""
    if not path:
        return new
    assert isinstance(tree, Apply)
    arguments = list(tree.arguments)
    arguments[path[0]] = put(arguments[path[0]], path[1:], new)
    return Apply(tree.function, tuple(arguments))
