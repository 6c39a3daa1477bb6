"""Terms that right-hand sides are sums of: formulas of states and inputs, with constants inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.terms.language import Library, library

# Stands for every constant inside where terms are compared.
_SOME = 1.2345
# Words by which kinds of terms are left out, beside the names of functions.
_BROKEN, _STEP, _SATURATION, _DISTANCE = "sqrt", "tanh", "saturation", "distance"
KINDS = ("sin", "cos", "exp", "log", "abs", _BROKEN, _STEP, _SATURATION, _DISTANCE)


@dataclass(frozen=True, eq=False)
class RateTerm:
    """A term.

    Attributes
    ----------
    tape : Tape
        Its values and slopes at rows of states and inputs; its constants inside start where the tape does.
    nats : float
        What it takes to write it down with its factor, constants that are measured aside.
    limits : tuple of ndarray or None
        The least and the largest size of each constant inside that the courses can tell.
    """

    tape: Tape
    nats: float
    limits: tuple[Floats, Floats] | None = None

    @property
    def inner(self) -> tuple[float, ...]:
        """Where its constants inside start."""
        return tuple(self.tape.start.tolist())

    @cached_property
    def key(self) -> Node:
        """What the term is but for the values of its constants inside."""
        return self.tape.with_constants([Number(_SOME) for _ in self.inner])

    @cached_property
    def places(self) -> list[tuple[Node, int]]:
        """Where each constant inside stands: the factor that has it, and which it is in that."""
        found = list[tuple[Node, int]]()
        for factor in _factors(self.key):
            found += [(factor, rank) for rank in range(Tape(factor, self.tape.columns).size)]
        return found

    def at(self, inner: Sequence[float]) -> RateTerm:
        """The term at other constants inside."""
        tape = Tape(self.tape.with_constants(inner), self.tape.columns) if len(inner) else self.tape
        return RateTerm(tape, self.nats, self.limits)

    @property
    def is_seen(self) -> bool:
        """Whether its constants inside are such as the courses can tell."""
        sizes = np.abs(self.tape.start)
        return self.limits is None or bool(((self.limits[0] <= sizes) & (sizes <= self.limits[1])).all())


def _factors(tree: Node) -> list[Node]:
    if isinstance(tree, Apply) and tree.function == "*":
        return [factor for argument in tree.arguments for factor in _factors(argument)]
    return [tree]


def wanted(exclude_functions: Sequence[str], degree: int) -> Callable[[Node], bool]:
    """Which terms may be looked at: those without some functions; of products of powers those up to a degree below 3; none
    with a function around another, which follows almost anything."""
    without = frozenset(exclude_functions)

    def is_wanted(tree: Node) -> bool:
        plain = _degree(tree)
        if plain is not None:
            return degree >= _HIGH or plain <= degree
        parts = list(_parts(tree))
        if any(_is_nested(part) for part in parts):
            return False
        return not without or not without & {kind for part in parts for kind in _kinds(part)}

    return is_wanted


# From this degree on, higher powers are looked at too.
_HIGH = 3
# Functions that stand around no other; and what else stands around none of them but exp.
_FUNCTIONS = frozenset(("exp", "log", "sin", "cos", "tanh", "atan", "abs"))


def _parts(tree: Node) -> Iterator[Apply]:
    if isinstance(tree, Apply):
        yield tree
        for argument in tree.arguments:
            yield from _parts(argument)


def _is_nested(tree: Apply) -> bool:
    inside = {part.function for argument in tree.arguments for part in _parts(argument)} & _FUNCTIONS
    if tree.function in _FUNCTIONS:
        return bool(inside)
    first = tree.arguments[0]
    if tree.function == "inv" and any(part.function == "inv" for part in _parts(first)):
        return True
    # The root of a square is its size.
    around = tree.function == "sqrt" and _is_square(first)
    return around or (tree.function in ("inv", "sqrt") and bool(inside - {"exp"}))


def _is_sum_of_squares(tree: Node) -> bool:
    if not isinstance(tree, Apply) or tree.function != "+":
        return False
    return len(tree.arguments) > 1 and all(map(_is_square, tree.arguments))


def _kinds(tree: Apply) -> Iterator[str]:
    """The words of what a part of a term is."""
    yield tree.function
    if tree.function == "atan" or (
        tree.function == "inv" and any(part.function == "exp" for part in _parts(tree))
    ):
        yield _STEP
    exponent = tree.arguments[-1]
    if tree.function == "^" and not (isinstance(exponent, Number) and isinstance(exponent.value, int)):
        yield _BROKEN
    if tree.function == "inv" and any(part.function == "+" for part in _parts(tree)):
        yield _SATURATION
    if _is_sum_of_squares(tree):
        yield _DISTANCE


def _is_square(tree: Node) -> bool:
    return isinstance(tree, Apply) and tree.function == "^" and tree.arguments[1] == Number(2)


# Nats by which exponentials, logarithms and square roots, and functions of more than a sum, are rarer in right-hand sides
# than in other laws (`benchmarks/dynamics_terms.py` counts them); a constant is no commoner than a state.
_RARER = 2.0


def listed(rows: SplitRows, most: int, measured: float, wanted: Callable[[Node], bool]) -> Library:
    """The shortest terms as right-hand sides have them."""
    found = library(rows, most, measured, wanted, rates=True)
    nats = np.array(
        [price + _rarity(tree) for tree, price in zip(found.trees, found.nats.tolist(), strict=True)]
    )
    columns = [isinstance(tree, Variable) for tree in found.trees]
    nats = np.maximum(nats, min(nats[columns].tolist(), default=0.0))
    return replace(found, nats=nats).among(np.argsort(nats + measured * found.constants, kind="stable"))


def _rarity(tree: Node) -> float:
    parts = list(_parts(tree))
    rare = sum(
        part.function in ("exp", "log", "sqrt") and not _is_sum_of_squares(part.arguments[0])
        for part in parts
    )
    around = sum(
        node.function in _FUNCTIONS
        and any(part.function in ("^", "inv") for part in _parts(node.arguments[0]))
        for node in parts
    )
    return _RARER * (rare + around)


def _degree(tree: Node) -> float | None:
    """Of a product of whole powers; None for other terms."""
    if isinstance(tree, Number):
        return 0.0
    if isinstance(tree, Variable):
        return 0.0 if tree.name in CONSTANTS else 1.0
    if tree.function == "*":
        parts = [_degree(argument) for argument in tree.arguments]
        return None if None in parts else float(sum(part or 0.0 for part in parts))
    if (
        tree.function == "^"
        and isinstance(tree.arguments[1], Number)
        and isinstance(tree.arguments[1].value, int)
    ):
        inside = _degree(tree.arguments[0])
        return None if inside is None else inside * tree.arguments[1].value
    return None


def table(terms: Sequence[RateTerm], Z: Floats) -> tuple[Floats, Floats]:
    """Values of terms at rows (q, m), and their slopes in the constant inside where there is just one: both (q, terms)."""
    values, slopes = np.zeros((2, len(Z), len(terms)))
    for at, term in enumerate(terms):
        if term.tape.size == 1:
            values[:, at], slope = term.tape.jacobian(term.tape.start, Z)
            slopes[:, at] = slope[:, 0]
        else:
            values[:, at] = term.tape.value(term.tape.start, Z)
    return values, slopes
