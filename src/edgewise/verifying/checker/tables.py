"""Piecewise polynomials between two ends, in whole numbers, and the maxima of their weighted sums.

*Fixed* integers count multiples of 2^-P, of a function in units of a power of two about as large as its largest number, so
that digits are kept however large or small it is; SLACK of them covers every rounding.
"""

from bisect import bisect_left, bisect_right
from fractions import Fraction as Q
from functools import lru_cache
from itertools import pairwise
from math import lcm
from operator import mul
from typing import Any

from .reading import need
from .silu import distance, upward

P, SLACK, TIGHT = 256, 1 << 72, 60
# Tables that are remembered: what a network's own nodes need, whichever domains they are asked about.
_KEPT = 512


class PieceTable:
    """Functions of x between two ends, each over 2^units: Bernstein coefficients (fixed) by piece, and so by row.

    `parts` are (edges, shift, order) for phi(x + shift) or its derivative, a number `at` for |x - at|, None for x.
    Functions that are exactly the same share their weight, and those that are exactly zero have none: so that a difference
    which is zero costs no SLACK. Where silu stands for a cubic near it, its weight in a sum bounds how far that may be off.
    """

    def __init__(self, ends: Any, parts: Any) -> None:
        (low, high), cuts, self.pieces, exact = (
            ends,
            {p for p in parts if type(p) is Q},
            list[Any](),
            list[Any](),
        )
        for edges, shift, _ in (p for p in parts if type(p) is tuple):
            cuts |= {b - shift for b in edges.cuts}
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
        # Of each function the weight of silu in it, and of which one; of each of these how far it is from its cubic.
        self.base, self.far = list[Any](), dict[Any, Q]()
        for p in parts:
            if type(p) is not tuple:
                self.base.append(None)
                continue
            (edges, move, order), (zero, scale) = p, p[0].place
            key = zero - move, scale, order
            self.base += [(w, key) if w else None for w in edges.base]
            if any(edges.base):
                far = distance((low - key[0]) / scale, (high - key[0]) / scale)
                self.far[key] = upward(far[order] / (scale if order else 1))
        known: dict[Any, int] = {}
        names = zip(functions, self.base, strict=True)
        self.first = [
            known.setdefault((c, b), j) if b or any(map(any, c)) else -1 for j, (c, b) in enumerate(names)
        ]

    def top(self, ends: Any, weights: Any) -> Q:
        """Upper bound of the weighted sum between the ends, tight but for 2^-TIGHT of its size; weights by function."""
        live = dict[int, Any]()
        for j, w in weights:
            if w and (first := self.first[j]) >= 0:
                live[first] = live.get(first, 0) + w
        live = {j: w if type(w) is Q else Q(w) for j, w in live.items() if w}
        if not live:
            return Q(0)
        need(all(w.denominator.bit_count() == 1 for w in live.values()), "a weight is no dyadic number")
        off = dict.fromkeys(self.far, Q(0))
        for j, w in live.items():
            if self.base[j]:
                share, key = self.base[j]
                off[key] += w * share
        away = sum((abs(w) * self.far[key] for key, w in off.items()), Q(0))
        powers = [self.units[j] + 1 - w.denominator.bit_length() for j, w in live.items()]
        least = min(powers)
        ints = [w.numerator << (n - least) for w, n in zip(live.values(), powers, strict=True)]
        few = [*live] != [*range(len(self.first))]
        waiting = list[list[int]]()
        for p, s, t in self.places(ends):
            rows = zip(*(self.pieces[p][k] for k in live), strict=True) if few else self.rows[p]
            waiting.append(_part([sum(map(mul, ints, row)) for row in rows], s, t))
        found, power = _most(waiting) + SLACK * sum(map(abs, ints)), P - least
        return _number(found, power) + away

    def places(self, ends: Any) -> list[tuple[int, int, int]]:
        """The pieces between two ends, and from where to where in each, fixed; both are the same at a point."""
        (low, high), cuts = ends, self.cuts
        point = low == high
        i = min(max((bisect_left if point else bisect_right)(cuts, low) - 1, 0), len(self.pieces) - 1)
        j = min(max((bisect_right if point else bisect_left)(cuts, high) - 1, 0), len(self.pieces) - 1)
        found = list[tuple[int, int, int]]()
        for p in range(i, j + 1):
            a, b = cuts[p], cuts[p + 1]
            s = min(max(_fixed((low - a) / (b - a)), 0), 1 << P) if p == i and low > a else 0
            t = max(_fixed((high - a) / (b - a)) + 1, 0) if p == j and high < b else 1 << P
            # A point is known but for a unit, which a function makes a few of; SLACK covers them.
            found.append((p, s, s if point else t))
        return found

    def spans(self, ends: Any, wanted: Any) -> list[tuple[Q, Q]]:
        """Least and greatest value between the ends of functions, or of differences of two, as (plus, minus or None)."""
        places, found = self.places(ends), dict[Any, tuple[Q, Q]]()
        for plus, minus in dict.fromkeys(wanted):
            if plus is None or minus is not None:
                ones = [(j, w) for j, w in ((plus, 1), (minus, -1)) if j is not None]
                span = -self.top(ends, [(j, -w) for j, w in ones]), self.top(ends, ones)
            elif self.first[plus] < 0:
                span = Q(0), Q(0)
            else:
                parts = [_part(self.pieces[p][plus], s, t) for p, s, t in places]
                most, least = _most(parts), -_most([[-x for x in part] for part in parts])
                power = P - self.units[plus]
                share, key = self.base[plus] or (Q(0), None)
                away = abs(share) * self.far.get(key, Q(0))
                span = _number(least - SLACK, power) - away, _number(most + SLACK, power) + away
            found[plus, minus] = span
        return [found[name] for name in wanted]

    def span(self, ends: Any, plus: int | None, minus: int | None = None) -> tuple[Q, Q]:
        """The same of one function, or difference."""
        return self.spans(ends, [(plus, minus)])[0]


def table(ends: Any, *parts: Any) -> PieceTable:
    """A table that covers the ends: over whole grids and, where the ends lie beyond, as far again and again.

    So it serves other domains as well, and is remembered.
    """
    grids = [(edges.breaks, shift) for edges, shift, _ in (p for p in parts if type(p) is tuple)]
    low, high = min(b[0] - shift for b, shift in grids), max(b[-1] - shift for b, shift in grids)
    while ends[0] < low:
        low -= high - low
    while ends[1] > high:
        high += high - low
    return _table((low, high), parts)


@lru_cache(_KEPT)
def _table(ends: Any, parts: Any) -> PieceTable:
    return PieceTable(ends, parts)


def _number(x: int, power: int) -> Q:
    """x / 2^power."""
    return Q(x, 1 << power) if power > 0 else Q(x << -power)


def _part(c: list[int], s: int, t: int) -> list[int]:
    """Bernstein coefficients between two places of those on a whole piece, fixed (de Casteljau)."""
    if s == 0 and t == 1 << P:
        return c
    if s == t:
        return [_step(_step(_step(c, s), s), s)[0]] * 4
    a, b = _step(c, s), _step(c, t)
    aa, ab, bb = _step(a, s), _step(a, t), _step(b, t)
    return [*_step(aa, s), *_step(aa, t), *_step(ab, t), *_step(bb, t)]


def _step(c: list[int], t: int) -> list[int]:
    return [x + ((y - x) * t >> P) for x, y in pairwise(c)]


def _most(waiting: list[list[int]]) -> int:
    """Upper bound of polynomials with such coefficients, tight but for 2^-TIGHT of their size."""
    waiting = [*waiting]
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
    return best + tight


def _over(x: int, one: int, unit: int) -> int:
    """x / one / 2^unit, fixed."""
    return (x << (P - unit)) // one if unit <= P else x // (one << (unit - P))


def rounded(x: Q, width: Q) -> Q:
    """Down to a multiple of 2^-P of the width, or of a little less."""
    unit = P + width.denominator.bit_length() - width.numerator.bit_length() + 1
    return Q((x.numerator << unit) // x.denominator, 1 << unit) if unit > 0 else x


def _fixed(x: Q) -> int:
    return (x.numerator << P) // x.denominator
