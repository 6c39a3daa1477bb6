"""Piecewise polynomials between two ends, in whole numbers, and the maxima of their weighted sums.

*Fixed* integers count multiples of 2^-P, of a function in units of a power of two about as large as its largest number, so
that digits are kept however large or small it is; SLACK of them covers every rounding.
"""

from bisect import bisect_left, bisect_right
from fractions import Fraction as Q
from itertools import pairwise
from math import lcm
from operator import mul
from typing import Any

P, SLACK, TIGHT = 256, 1 << 72, 60


class Table:
    """Functions of x between two ends, each over 2^units: Bernstein coefficients (fixed) by piece, and so by row.

    `parts` are (edges, shift, order) for phi(x + shift) or its derivative, a number `at` for |x - at|, None for x.
    Functions that are exactly the same share their weight, and those that are exactly zero have none: so that a difference
    which is zero costs no SLACK.
    """

    def __init__(self, ends: Any, parts: list[Any]) -> None:
        low, high = ends if ends[0] < ends[1] else (ends[0] - 1, ends[1] + 1)
        cuts, self.pieces, exact = {p for p in parts if type(p) is Q}, list[Any](), list[Any]()
        for edges, shift, _ in (p for p in parts if type(p) is tuple):
            cuts |= {b - shift for b in edges.breaks}
        self.cuts, whole = [low, *sorted(c for c in cuts if low < c < high), high], list[int]()
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
            whole.append(unit)
        functions = list(zip(*exact, strict=True))
        sizes = [[max(map(abs, c)).bit_length() for c in function] for function in functions]
        tall = [one.bit_length() for one in whole]
        self.units = [max(b - t for b, t in zip(s, tall, strict=True)) if any(s) else 0 for s in sizes]
        for piece, one in zip(exact, whole, strict=True):
            self.pieces.append(
                [[_over(x, one, u) for x in c] for c, u in zip(piece, self.units, strict=True)]
            )
        self.rows = [list(zip(*piece, strict=True)) for piece in self.pieces]
        known: dict[Any, int] = {}
        self.first = [known.setdefault(c, j) if any(map(any, c)) else -1 for j, c in enumerate(functions)]

    def top(self, ends: Any, weights: Any) -> Q:
        """Upper bound of the weighted sum between the ends, tight but for 2^-TIGHT of its size; weights by function."""
        live = dict[int, Any]()
        for j, w in weights:
            if w and (first := self.first[j]) >= 0:
                live[first] = live.get(first, 0) + w
        live = {j: Q(w) for j, w in live.items() if w}
        if not live:
            return Q(0)
        powers = [self.units[j] + 1 - w.denominator.bit_length() for j, w in live.items()]
        least = min(powers)
        ints = [w.numerator << (n - least) for w, n in zip(live.values(), powers, strict=True)]
        few = [*live] != [*range(len(self.first))]
        (low, high), cuts, waiting = ends, self.cuts, list[list[int]]()
        point = low == high
        i = min(max((bisect_left if point else bisect_right)(cuts, low) - 1, 0), len(self.pieces) - 1)
        j = min(max((bisect_right if point else bisect_left)(cuts, high) - 1, 0), len(self.rows) - 1)
        for p in range(i, j + 1):
            rows = zip(*(self.pieces[p][k] for k in live), strict=True) if few else self.rows[p]
            c, a, b = [sum(map(mul, ints, row)) for row in rows], cuts[p], cuts[p + 1]
            s = min(_fixed((low - a) / (b - a)), 1 << P) if p == i and low > a else 0
            t = max(_fixed((high - a) / (b - a)) + 1, 0) if p == j and high < b else 1 << P
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
        found, power = best + tight + SLACK * sum(map(abs, ints)), P - least
        return Q(found, 1 << power) if power > 0 else Q(found << -power)

    def span(self, ends: Any, plus: int | None, minus: int | None = None) -> tuple[Q, Q]:
        """Least and greatest value of a function, or of the difference of two, between the ends."""
        ones = [(j, w) for j, w in ((plus, 1), (minus, -1)) if j is not None]
        return -self.top(ends, [(j, -w) for j, w in ones]), self.top(ends, ones)


def _over(x: int, one: int, unit: int) -> int:
    """x / one / 2^unit, fixed."""
    return (x << (P - unit)) // one if unit <= P else x // (one << (unit - P))


def rounded(x: Q, width: Q) -> Q:
    """Down to a multiple of 2^-P of the width, or of a little less."""
    unit = P + width.denominator.bit_length() - width.numerator.bit_length() + 1
    return Q((x.numerator << unit) // x.denominator, 1 << unit) if unit > 0 else x


def _fixed(x: Q) -> int:
    return (x.numerator << P) // x.denominator


def _bloom(c: list[int], points: list[int]) -> int:
    for t in points:
        c = [x + ((y - x) * t >> P) for x, y in pairwise(c)]
    return c[0]
