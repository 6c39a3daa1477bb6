"""The functions that a formula calls."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from edgewise.forms.tree import Apply, Node
from edgewise.symbolic.expressions.tape import Tape

_ARITHMETIC = frozenset({"+", "*", "^", "neg", "inv"})


def functions_in(tree: Node) -> frozenset[str]:
    """The functions a formula calls: a broken power counts as a root, one with a column above as an exponential.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> sorted(functions_in(parse("sin(x)^2 + x^(1/2) + 2^x", ["x"]).tree))
    ['exp', 'sin', 'sqrt']
    """
    if not isinstance(tree, Apply):
        return frozenset()
    own: frozenset[str] = frozenset()
    if tree.function == "^":
        own = _power(tree.arguments[1])
    elif tree.function not in _ARITHMETIC:
        own = frozenset({tree.function})
    return own.union(*(functions_in(argument) for argument in tree.arguments))


def _power(exponent: Node) -> frozenset[str]:
    try:
        tape = Tape(exponent, ())
    except KeyError:
        return frozenset({"exp"})
    value = float(tape.value(tape.start, np.zeros((1, 0)))[0])
    if not math.isfinite(value):
        return frozenset({"exp"})
    return frozenset() if Fraction(value).denominator == 1 else frozenset({"sqrt"})
