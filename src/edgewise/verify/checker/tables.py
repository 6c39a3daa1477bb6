"""Piecewise polynomials between two ends, in whole numbers, and the maxima of their weighted sums.

*Fixed* integers count multiples of 2^-P; SLACK of them covers every rounding.
"""

from bisect import bisect_left, bisect_right
from fractions import Fraction as Q
from itertools import pairwise
from math import lcm
from operator import mul
from typing import Any

P, SLACK, TIGHT = 256, 1 << 72, 60


class Table:
    """Functions of x between two ends; rows[piece][j] has the Bernstein coefficients j of all of them (fixed).

    `parts` are (edges, shift, order) for phi(x + shift) or its derivative, a number `at` for |x - at|, None for x.
    Functions that are exactly the same share their weight, and those that are exactly zero have none: so that a difference
    which is zero costs no SLACK.
    """

    def __init__(self, ends: Any, parts: list[Any]) -> None:
        low, high = ends if ends[0] < ends[1] else (ends[0] - 1, ends[1] + 1)
        cuts, self.rows, exact = {p for p in parts if type(p) is Q}, list[Any](), list[Any]()
        for edges, shift, _ in (p for p in parts if type(p) is tuple):
            cuts |= {b - shift for b in edges.breaks}
        self.cuts = [low, *sorted(c for c in cuts if low < c < high), high]
        for a, b in pairwise(self.cuts):
            thirds, made = [a + (b - a) * j / 3 for j in range(4)], list[tuple[list[int], int]]()
            for p in parts:
                if type(p) is tuple:
                    polynomials, one = p[0].controls(a + p[1], b + p[1], p[2])
                    made += [(c, one) for c in polynomials]
                else:
                    line = [x if p is None else abs(x - p) for x in thirds]
                    one = lcm(*(x.denominator for x in line))
                    made.append(([int(x * one) for x in line], one))
            unit = lcm(*(one for _, one in made))
            exact.append([tuple(x * (unit // one) for x in c) for c, one in made])
            self.rows.append(list(zip(*([(x << P) // one for x in c] for c, one in made), strict=True)))
        known: dict[Any, int] = {}
        functions = list(zip(*exact, strict=True))
        firsts = [known.setdefault(c, j) for j, c in enumerate(functions)]
        self.zero = [not any(map(any, c)) for c in functions]
        self.twins = [(j, first) for j, first in enumerate(firsts) if first < j or self.zero[j]]

    def top(self, ends: Any, weights: list[Any]) -> Q:
        """Upper bound of the weighted sum between the ends, tight but for 2^-TIGHT of its size."""
        bits = max(w.denominator for w in weights).bit_length()
        ints = [w.numerator << (bits - w.denominator.bit_length()) for w in weights]
        for j, first in self.twins:
            ints[first] += ints[j]
            ints[j] = 0
            if self.zero[j]:
                ints[first] = 0
        if not any(ints):
            return Q(0)
        (low, high), cuts, waiting = ends, self.cuts, list[list[int]]()
        point = low == high
        i = min(max((bisect_left if point else bisect_right)(cuts, low) - 1, 0), len(self.rows) - 1)
        j = min(max((bisect_right if point else bisect_left)(cuts, high) - 1, 0), len(self.rows) - 1)
        for p in range(i, j + 1):
            c, a, width = [sum(map(mul, ints, row)) for row in self.rows[p]], cuts[p], cuts[p + 1] - cuts[p]
            s = min(_fixed((low - a) / width), 1 << P) if p == i and low > a else 0
            t = max(_fixed((high - a) / width) + 1, 0) if p == j and high < cuts[p + 1] else 1 << P
            part = [_bloom(c, [s] * (3 - k) + [t] * k) for k in range(4)] if s > 0 or t < 1 << P else c
            waiting.append(part)
        best = max(max(c[0], c[3]) for c in waiting)
        tight = (max(max(map(abs, c)) for c in waiting) >> TIGHT) + 16
        while waiting:
            a, b, c, d = waiting.pop()
            # The polynomial lies below its coefficients; those of halves are closer to it.
            if max(b, c) > best + tight:
                ab, bc, cd = a + b >> 1, b + c >> 1, c + d >> 1
                abc, bcd = ab + bc >> 1, bc + cd >> 1
                waiting += [[a, ab, abc, abc + bcd >> 1], [abc + bcd >> 1, bcd, cd, d]]
                best = max(best, abc + bcd >> 1)
        return Q(best + tight + SLACK * sum(map(abs, ints)), 1 << (P + bits - 1))

    def span(self, ends: Any, plus: int | None, minus: int | None = None) -> tuple[Q, Q]:
        """Least and greatest value of a function, or of the difference of two, between the ends."""
        ones = [int(j == plus) - int(j == minus) for j in range(len(self.zero))]
        return -self.top(ends, [-w for w in ones]), self.top(ends, ones)


def _fixed(x: Q) -> int:
    return (x.numerator << P) // x.denominator


def _bloom(c: list[int], points: list[int]) -> int:
    for t in points:
        c = [x + ((y - x) * t >> P) for x, y in pairwise(c)]
    return c[0]
