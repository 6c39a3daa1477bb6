"""Numbers of formulas: exact ones stay exact, floats make all they meet a float, roots are taken out of whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

Value = int | Fraction | float
# Exact powers of more binary digits than floats have exponents for are numbers nobody reads.
_EXACT_BITS = 2048
# Larger prime factors are not looked for.
_LARGEST_PRIME = 2**15


def plus(one: Value, other: Value) -> Value:
    """A sum of numbers; zero is exact."""
    total = one + other
    return total if total else 0


def times(one: Value, other: Value) -> Value:
    """A product of numbers; zero is exact."""
    try:
        total = one * other
    except OverflowError:
        total = math.inf
    return total if total else 0


def radicals(powers: Mapping[Value, Value]) -> tuple[Value, list[tuple[int, Fraction]]]:
    """A product of powers of numbers as a number, and whole numbers with exponents between zero and one.

    Floats, and what would be longer than anybody reads, make the number a float, which may be infinite or none.

    Examples
    --------
    >>> from fractions import Fraction
    >>> half = Fraction(1, 2)
    >>> size, left = radicals({2: half, 6: half})
    >>> size == 2, left
    (True, [(3, Fraction(1, 2))])
    """
    size: Value = 1
    roots: dict[Fraction, int] = {}
    for base, exponent in powers.items():
        if isinstance(base, float) or isinstance(exponent, float) or _is_long(Fraction(base), exponent):
            size = times(size, _power(base, exponent))
        elif isinstance(exponent, int):
            size = times(size, Fraction(base) ** exponent)
        else:
            whole, left = _root(Fraction(base), exponent)
            size = times(size, whole)
            for rest, bottom in left.items():
                roots[rest] = roots.get(rest, 1) * bottom
    found: list[tuple[int, Fraction]] = []
    for rest, bottom in roots.items():
        whole, left = _root(Fraction(bottom), rest)
        size = times(size, whole)
        found += [(item, own) for own, item in left.items()]
    return size, found


def _is_long(base: Fraction, exponent: Value) -> bool:
    bits = max(abs(base.numerator), base.denominator).bit_length()
    return abs(base) != 1 and abs(exponent) * bits > _EXACT_BITS


def _power(base: Value, exponent: Value) -> float:
    try:
        value = float(base) ** float(exponent)
    except (ZeroDivisionError, OverflowError):
        return math.inf
    return value if isinstance(value, float) else math.nan


def _root(base: Fraction, exponent: Fraction) -> tuple[Fraction, dict[Fraction, int]]:
    """A broken power of a positive number: a number, and what is left under each exponent below one."""
    size = Fraction(1)
    left: dict[Fraction, int] = {}
    for part, turn in ((base.numerator, 1), (base.denominator, -1)):
        for prime, count in _primes(part):
            whole, rest = divmod(turn * count * exponent, 1)
            size *= Fraction(prime) ** int(whole)
            if rest:
                left[rest] = left.get(rest, 1) * prime
    return size, left


def _primes(value: int) -> Iterator[tuple[int, int]]:
    """Factors of a whole number, prime unless they are very large."""
    factor = 2
    while factor * factor <= value and factor < _LARGEST_PRIME:
        count = 0
        while value % factor == 0:
            value, count = value // factor, count + 1
        if count:
            yield factor, count
        factor += 1 if factor == 2 else 2
    if value > 1:
        yield value, 1
