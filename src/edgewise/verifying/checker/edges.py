"""The functions that leave a node of a network, as exact piecewise polynomials."""

from bisect import bisect_right
from fractions import Fraction as Q
from functools import cached_property
from itertools import pairwise
from math import lcm, prod
from operator import mul
from typing import Any

from .reading import need
from .silu import BREAKS, controls

# Pieces that edges remember.
_KEPT = 256


class Edges:
    """The edge functions that leave one node: B-splines on one grid, with straight tails, and weighted silu besides.

    Knots and ends are dyadic (whole numbers over a power of two), and so all that follows is whole numbers over one divisor.
    Coefficients count multiples of 2^-bits. silu is what it is at points, elsewhere a cubic near it; it is one of
    (x - shift) / scale.
    """

    def __init__(
        self,
        breaks: list[Q],
        k: int,
        coefs: list[list[int]],
        bits: int,
        base: list[Q] | None = None,
        place: tuple[Q, Q] = (Q(0), Q(1)),
    ) -> None:
        widths = [b - a for a, b in pairwise(breaks)]
        need(min(widths) > 0, "a grid does not rise")
        before = [breaks[0] - s * widths[0] for s in range(k, 0, -1)]
        self.breaks, self.degree, self.known, self.least = breaks, k, dict[Any, Any](), min(widths)
        self.most, self.ends = max(widths), (widths[0], widths[-1])
        self.knots = before + breaks + [breaks[-1] + s * widths[-1] for s in range(1, k + 1)]
        self.coefs, self.bits = coefs, bits
        self.place, self.base, self.cuts = place, base or [Q(0)] * len(coefs), breaks
        if any(self.base):
            self.cuts = breaks + [place[0] + place[1] * b for b in BREAKS]

    def mixed(self, sums: list[dict[int, int]]) -> "Edges":
        """Weighted sums of the functions."""
        zero = [0] * len(self.coefs[0])
        return self._with(
            [
                [
                    sum(x)
                    for x in zip(zero, *([w * c for c in self.coefs[v]] for v, w in s.items()), strict=True)
                ]
                for s in sums
            ],
            [sum((w * self.base[v] for v, w in s.items()), Q(0)) for s in sums],
        )

    def scaled(self, factors: list[Q]) -> "Edges":
        """Each function times a number."""
        whole, bits = common(factors)
        coefs = [[c * f for c in row] for row, f in zip(self.coefs, whole, strict=True)]
        base = [w * f for w, f in zip(self.base, factors, strict=True)]
        return Edges(self.breaks, self.degree, coefs, self.bits + bits, base, self.place)

    def silent(self) -> "Edges":
        """The same without any effect."""
        return self._with([[0] * len(row) for row in self.coefs], [Q(0)] * len(self.base))

    def _with(self, coefs: list[list[int]], base: list[Q]) -> "Edges":
        return Edges(self.breaks, self.degree, coefs, self.bits, base, self.place)

    def idle(self) -> bool:
        """Whether nothing leaves the node."""
        return not any(map(any, self.coefs)) and not any(self.base)

    @cached_property
    def sizes(self) -> tuple[list[tuple[int, int]], int]:
        """Of each function: a bound of its slopes, and its largest coefficient, which it does not exceed on the grid.

        Both are whole multiples of one power of two, 2^-bits, which comes with them.
        """
        k, t, found = self.degree, self.knots, list[tuple[int, int]]()
        # One over the gaps of knots, in whole multiples of a power of two, rounded up.
        bits = 64 + max(0, (t[-1] - t[0]).numerator.bit_length() - (t[-1] - t[0]).denominator.bit_length())
        rates = [-(Q(-k << bits) // (t[j + k] - t[j])) for j in range(1, len(self.coefs[0]))]
        for c in self.coefs:
            steep = max(abs(q - p) * rate for (p, q), rate in zip(pairwise(c), rates, strict=True))
            found.append((steep, max(map(abs, c)) << bits))
        return found, bits + self.bits

    def weights(self, t: list[int], points: list[int]) -> list[int]:
        """Weights of the live coefficients in the blossom of an interval with knots t (de Boor), times `divisor`."""
        k = self.degree
        d = [[int(m == j) for m in range(k + 1)] for j in range(k + 1)]
        for r, x in enumerate(points):
            gaps = [t[j + 1 + k] - t[j + 1 + r] for j in range(k - r)]
            for j, gap in enumerate(gaps):
                up, rest = x - t[j + 1 + r], prod(gaps[:j] + gaps[j + 1 :])
                up, down = up * rest, (gap - up) * rest
                d[j] = [p * down + q * up for p, q in zip(d[j], d[j + 1], strict=True)]
        return d[0]

    def divisor(self, t: list[int]) -> int:
        """What divides the weights: all gaps of knots that they were multiplied with."""
        k = self.degree
        return prod(t[j + 1 + k] - t[j + 1 + r] for r in range(k) for j in range(k - r))

    def blossoms(self, a: Q, b: Q) -> tuple[int, list[list[int]], int]:
        """The interval of a piece, weights of the Bernstein coefficients on [a, b] in it, and what divides them."""
        if (a, b) not in self.known:
            at, k = bisect_right(self.breaks, (a + b) / 2) - 1, self.degree
            n = min(max(at, 0), len(self.breaks) - 2)
            t, low, high = _whole(self.knots[n : n + 2 * k + 2], a, b)
            if at == n:
                rows = [self.weights(t, [low] * (k - j) + [high] * j) for j in range(k + 1)]
            else:  # a straight tail: value + k * (blossom at the end, but once at x, - value)
                end = t[k + (at > 0)]
                value = self.weights(t, [end] * k)
                once = [self.weights(t, [end] * (k - 1) + [x]) for x in (low, high)]
                rows = [[v + k * (w - v) for v, w in zip(value, row, strict=True)] for row in once]
            if len(self.known) >= _KEPT:
                self.known.clear()
            self.known[a, b] = n, rows, self.divisor(t)
            return n, rows, self.divisor(t)
        return self.known[a, b]

    def controls(self, a: Q, b: Q, order: int = 0) -> tuple[list[list[int]], int]:
        """Four Bernstein coefficients of each function, or derivative, on [a, b] within a piece; what divides all."""
        n, rows, one = self.blossoms(a, b)
        if order:
            rate = (len(rows) - 1) / (b - a)
            one *= rate.denominator
            rows = [[rate.numerator * (q - p) for p, q in zip(*two, strict=True)] for two in pairwise(rows)]
        while (m := len(rows)) < 4:
            inner = enumerate(pairwise(rows), 1)
            mixed = [[m * y + j * (x - y) for x, y in zip(p, q, strict=True)] for j, (p, q) in inner]
            rows, one = [[m * x for x in rows[0]], *mixed, [m * x for x in rows[-1]]], one * m
        found, one = [[sum(map(mul, c[n:], row)) for row in rows] for c in self.coefs], one << self.bits
        if not any(self.base):
            return found, one
        shift, scale = self.place
        near = list(controls((a - shift) / scale, (b - shift) / scale))
        if order:
            p, q, r = (3 * (y - x) / (b - a) for x, y in pairwise(near))
            near = [p, (p + 2 * q) / 3, (2 * q + r) / 3, r]
        whole = lcm(*(x.denominator for x in (*near, *self.base)))
        sizes, weights = ([int(x * whole) for x in xs] for xs in (near, self.base))
        every = zip(found, weights, strict=True)
        mixed = [
            [x * whole * whole + w * y * one for x, y in zip(row, sizes, strict=True)] for row, w in every
        ]
        return mixed, one * whole * whole


def _whole(knots: list[Q], *ends: Q) -> Any:
    """Knots and ends as whole numbers: multiples of one power of two."""
    one = max(x.denominator for x in (*knots, *ends))
    t, low, high = (
        [x.numerator * (one // x.denominator) for x in item] for item in (knots, ends[:1], ends[1:])
    )
    return t, low[0], high[0]


def common(numbers: list[Q]) -> tuple[list[int], int]:
    """Dyadic numbers as whole multiples of one power of two, 2^-bits, and the bits."""
    one = max((x.denominator for x in numbers), default=1)
    return [x.numerator * (one // x.denominator) for x in numbers], one.bit_length() - 1
