"""All short expressions in some columns, by size, as values on a few rows: of those with the same values the shortest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Variable, apply, inverse
from edgewise.symbolic.costs import EXPRESSION
from edgewise.symbolic.structure.state import TOO_LARGE, power, product

Ints = NDArray[np.intp]
_UNARY: Sequence[tuple[Callable[[Any], Any], Callable[[Node], Node]]] = (
    (np.square, lambda u: power(u, 2.0)),
    (np.sqrt, lambda u: apply("sqrt", u)),
    (np.reciprocal, inverse),
    (lambda u: u**3, lambda u: power(u, 3.0)),
    (np.exp, lambda u: apply("exp", u)),
    (np.log, lambda u: apply("log", u)),
    (np.sin, lambda u: apply("sin", u)),
    (np.cos, lambda u: apply("cos", u)),
    (np.tanh, lambda u: apply("tanh", u)),
)
# Whether the two may be exchanged.
_BINARY: Sequence[tuple[Callable[[Any, Any], Any], Callable[[Node, Node], Node], bool]] = (
    (np.add, lambda u, v: u + v, True),
    (np.multiply, lambda u, v: product(u, v), True),
    (np.subtract, lambda u, v: u - v, False),
    (np.divide, lambda u, v: product(u, inverse(v)), False),
)
# What varies by less than this share of its size is a constant, or has lost the digits that it varies by.
_CONSTANT = 1e-6
# Bits of a value that rounding may change.
_ROUNDED = 16


@dataclass(frozen=True, eq=False)
class ShortExpressions:
    """Expressions from the shortest on.

    Parameters
    ----------
    names
        The columns.
    values
        (rows, count).
    sizes
        Columns, operators and functions of each, (count,).
    made
        How each was made, (count, 3): the operation, and of what; a column of its number alone.
    """

    names: tuple[str, ...]
    values: Floats
    sizes: Ints
    made: Ints

    def tree(self, at: int) -> Node:
        """An expression in the columns."""
        how, left, right = (int(item) for item in self.made[at])
        if how < 0:
            return Variable(self.names[left])
        if how < len(_UNARY):
            return _UNARY[how][1](self.tree(left))
        return _BINARY[how - len(_UNARY)][1](self.tree(left), self.tree(right))


def short_expressions(X: Floats, names: tuple[str, ...], most: int) -> ShortExpressions:
    """The expressions without constants of the columns, size by size, until there are so many.

    Parameters
    ----------
    X
        Rows on which two expressions with the same values are one, (n, d).
    names
        The columns.
    most
        So many at most, where d is smaller: the last size is cut off.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.forms.tree import render
    >>> found = short_expressions(np.array([[1.5], [0.7], [2.9]]), ("x",), 14)
    >>> [render(found.tree(at)) for at in (0, 1, 9, 13)]
    ['x', 'x^2', 'tanh(x)', 'exp(x)^2']
    """
    columns = len(names)
    values = np.ascontiguousarray(X.T).T
    made = np.column_stack([np.full(columns, -1), np.arange(columns), np.zeros(columns, dtype=np.intp)])
    # Where each size begins.
    starts, seen = [0, 0, columns], np.sort(marks(values))
    while len(made) < most:
        with np.errstate(all="ignore"):
            fresh = [_kept(*block) for block in _next(values, starts, most)]
        both, how = np.hstack([item[0] for item in fresh]), np.vstack([item[1] for item in fresh])
        own = marks(both)
        first = np.sort(np.unique(own, return_index=True)[1])
        first = first[~np.isin(own[first], seen)][: most - len(made)]
        if not len(first):
            break
        seen = np.union1d(seen, own[first])
        values, made = np.hstack([values, both[:, first]]), np.vstack([made, how[first]])
        starts.append(len(made))
    charge(EXPRESSION * len(made))
    sizes = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return ShortExpressions(names, values, sizes, made)


def _next(values: Floats, starts: Sequence[int], most: int) -> Iterator[tuple[Floats, Ints]]:
    """The values of all expressions that are one longer, and how they are made; roughly so many."""
    size, made = len(starts) - 1, 0
    last = np.arange(starts[size - 1], starts[size])
    for how, (function, _) in enumerate(_UNARY):
        made += len(last)
        yield function(values[:, last]), np.column_stack([np.full(len(last), how), last, last])
    for small in range(1, size - 1):
        one, other = (np.arange(starts[item], starts[item + 1]) for item in (small, size - 1 - small))
        for how, (function, _, exchanged) in enumerate(_BINARY, len(_UNARY)):
            if exchanged and len(one) and len(other) and one[0] > other[0]:
                continue
            fits = one[: max(1, (2 * most - made) // max(len(other), 1))]
            if made >= 2 * most:
                return
            left, right = (item.ravel() for item in np.meshgrid(fits, other, indexing="ij"))
            made += len(left)
            results = function(values[:, left], values[:, right])
            yield results, np.column_stack([np.full(len(left), how), left, right])


def _kept(values: Floats, how: Ints) -> tuple[Floats, Ints]:
    """Those with values that vary."""
    size = np.abs(values).max(axis=0)
    good = (size < TOO_LARGE) & (values.max(axis=0) - values.min(axis=0) > _CONSTANT * size)
    return values[:, good], how[good]


def marks(values: Floats) -> NDArray[np.uint64]:
    """A number for each column of values that hardly any other shares, rounding aside, (count,)."""
    bits = np.ascontiguousarray(values).view(np.uint64)
    bits = (bits + np.uint64(1 << (_ROUNDED - 1))) >> np.uint64(_ROUNDED)
    # Odd multipliers, as in multiplicative hashing (Knuth 1998, The Art of Computer Programming 3, 6.4).
    turned = np.full(values.shape[1], 14695981039346656037, dtype=np.uint64)
    for row in bits:
        turned = (turned ^ row) * np.uint64(0x9E3779B97F4A7C15)
        turned ^= turned >> np.uint64(29)
    return turned
