"""The base function silu(x) = x / (1 + e^-x): its values, and a piecewise cubic that is near it, with proved distances.

On each piece the cubic has silu's values and slopes at both ends (Hermite). Where M bounds the fourth derivative on a piece
of width h, values differ by at most h^4 M / 384 and slopes by at most sqrt(3) h^3 M / 216 (Birkhoff and Priver, Journal of
Mathematics and Physics 46, 1967, doi:10.1002/sapm1967461440). From FAR on the cubic is 0 or x, where |silu(x)| and
|silu(x) - x| are at most |x| e^-|x|, and slopes differ by at most (1 + |x|) e^-|x|.
"""

from bisect import bisect_right
from fractions import Fraction as Q
from functools import cache, lru_cache
from itertools import pairwise

BITS, FAR = 400, 32
# Ends of the pieces from 0 on: (up to, width).
_STEPS = [(4, Q(1, 32)), (8, Q(1, 16)), (12, Q(1, 8)), (16, Q(1, 4)), (20, Q(1, 2)), (FAR, Q(1))]
NEAR = Q(1, 1 << 300)  # beside this share of 1 + |x| values, and at pieces' ends slopes, are exact


def _breaks() -> list[Q]:
    made = [Q(0)]
    for end, width in _STEPS:
        while made[-1] < end:
            made.append(made[-1] + width)
    return [-x for x in made[:0:-1]] + made


BREAKS = _breaks()


def decay(x: Q) -> Q:
    """e^-x for x >= 0, up to 2^-350.

    Taylor's series of e^-y for y = x / 2^k <= 1, then k <= 8 squares: fewer than 100 terms are rounded, each by less than
    2^-398 with what those before it hand on; a square doubles the error at most, and adds one rounding.
    """
    if x >= 256:
        return Q(0)
    k = 0
    while x > 1 << k:
        k += 1
    y, term, total, n = (x.numerator << BITS) // (x.denominator << k), 1 << BITS, 1 << BITS, 0
    while term:
        n += 1
        term = -((term * y >> BITS) // n) if term > 0 else (-term * y >> BITS) // n
        total += term
    for _ in range(k):
        total = total * total >> BITS
    return Q(total, 1 << BITS)


def value(x: Q) -> Q:
    """silu(x), up to NEAR (1 + |x|)."""
    return _both(x)[0]


def _both(x: Q) -> tuple[Q, Q]:
    """Value and slope, s + x s (1 - s) with s = 1 / (1 + e^-x)."""
    e = decay(abs(x))
    s = _short((1 if x >= 0 else e) / (1 + e))
    return _short(x * s), _short(s + x * s * (1 - s))


def upward(x: Q) -> Q:
    """A dyadic number that is hardly larger."""
    return Q(-((-x.numerator << BITS) // x.denominator), 1 << BITS)


def _short(x: Q) -> Q:
    return Q((x.numerator << BITS) // x.denominator, 1 << BITS)


@cache
def piece(n: int) -> tuple[list[Q], Q, Q]:
    """Bernstein coefficients of piece n, that from BREAKS[n - 1] on; bounds of how far values and slopes are from silu's."""
    if n in (0, len(BREAKS)):
        e = decay(Q(FAR)) + NEAR
        return [], FAR * e, (1 + FAR) * e
    a, b = BREAKS[n - 1], BREAKS[n]
    h, ends = b - a, [_both(x) if abs(x) < FAR else (max(x, Q(0)), Q(x > 0)) for x in (a, b)]
    (p, s), (q, t) = ends
    high = _bend(min(abs(a), abs(b)), max(abs(a), abs(b)))
    # What the data at the ends are off by: a Hermite cubic hands on at most so much of it (with room).
    off = 64 * NEAR
    if max(abs(a), abs(b)) == FAR:
        e = decay(Q(FAR)) + NEAR
        off += (1 + FAR) * (1 + h) * (2 + 2 / h) * e
    far, slant = h**4 * high / 384 + off, Q(81, 10_000) * h**3 * high + off
    return [p, p + h * s / 3, q - h * t / 3, q], far, slant


def _bend(low: Q, high: Q) -> Q:
    """A bound of |silu''''(x)| = g |4 (1 - 6 g) - |x| r (1 - 12 g)| for |x| between two ends, where g = s (1 - s) falls and
    r = |1 - 2 s| rises with |x|."""
    ends = list[tuple[Q, Q]]()
    for x in (low, high):
        e = decay(x)
        ends.append((e / (1 + e) ** 2, x * (1 - e) / (1 + e)))
    (most, least_r), (least, most_r) = ends
    first = [4 * (1 - 6 * g) for g in (most, least)]
    second = [r * (1 - 12 * g) for r in (least_r, most_r) for g in (most, least)]
    return most * max(max(first) - min(second), max(second) - min(first)) + NEAR


@lru_cache(4096)  # parts of one domain meet the same pieces again and again
def controls(a: Q, b: Q) -> tuple[Q, ...]:
    """Bernstein coefficients on [a, b], which lies in one piece; a value where a = b."""
    if a == b:
        return (value(a),) * 4
    n = _at((a + b) / 2)
    if n in (0, len(BREAKS)):
        return tuple(x if n else Q(0) for x in (a, a + (b - a) / 3, b - (b - a) / 3, b))
    own, start, width = piece(n)[0], BREAKS[n - 1], BREAKS[n] - BREAKS[n - 1]
    s, t = (a - start) / width, (b - start) / width
    if (s, t) == (0, 1):
        return tuple(own)
    return tuple(_blossom(own, [s] * (3 - k) + [t] * k) for k in range(4))


def _at(x: Q) -> int:
    return bisect_right(BREAKS, x)


def _blossom(c: list[Q], points: list[Q]) -> Q:
    for t in points:
        c = [p + (q - p) * t for p, q in pairwise(c)]
    return c[0]


def distance(low: Q, high: Q) -> tuple[Q, Q]:
    """How far at most values and slopes of the cubic are from those of silu, between two ends."""
    pieces = [piece(n)[1:] for n in range(_at(low), _at(high) + 1)]
    return max(far for far, _ in pieces), max(slant for _, slant in pieces)
