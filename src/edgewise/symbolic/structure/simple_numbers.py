"""The simplest number of an interval: where the rows leave a place open, the one that people would write."""

from __future__ import annotations

import math
from fractions import Fraction

from edgewise.forms.tree import Node, ratio

_DIGITS = 15


def simplest(low: float, high: float) -> Fraction:
    """The number of (low, high] with the fewest decimal digits, zero first; of several the one nearest the middle.

    Examples
    --------
    >>> simplest(1.4967, 1.5121), simplest(-0.3, 0.2), simplest(299.8, 300.3)
    (Fraction(3, 2), Fraction(0, 1), Fraction(300, 1))
    """
    if low < 0 <= high:
        return Fraction(0)
    middle = low + (high - low) / 2
    size = math.floor(math.log10(max(abs(low), abs(high))))
    for digits in range(_DIGITS):
        unit = Fraction(10) ** (size - digits)
        nearest = round(Fraction(middle) / unit)
        for count in sorted(range(nearest - 5, nearest + 6), key=lambda item: (abs(item - nearest), item)):
            if low < count * unit <= high:
                return count * unit
    return Fraction(high)


def number(value: Fraction) -> Node:
    """An exact number as a tree."""
    return ratio(*value.as_integer_ratio())
