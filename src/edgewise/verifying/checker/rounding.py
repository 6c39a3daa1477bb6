"""How far what a model predicts, computed in float64, can be from the exact function; see "Rounding" on the page.

Standard error analysis: each operation has a relative error of at most U, so that a sum of n products, in any order and
with or without fused multiplications, is wrong by at most n U (1 + n U) times the sum of the products' sizes. The counts
below are more than what any way to evaluate a layer needs.

N. J. Higham, "Accuracy and Stability of Numerical Algorithms", chapter 3, doi:10.1137/1.9780898718027.
"""

from fractions import Fraction as Q
from functools import lru_cache, reduce
from math import prod

from .edges import Edges, common
from .model import CheckedModel
from .silu import NEAR

U, TINY = Q(1, 1 << 53), Q(1, 1 << 1000)
# Widths that differ by so little, beside the breaks, may be taken for the same one: kernels do so up to 16 U.
EVEN = 40 * U


def rounding(model: CheckedModel, hulls: list[tuple[Q, Q]]) -> tuple[list[Q], list[list[Q]]]:
    """Of each output, where the inputs lie in the hulls; and bounds of the sizes of each layer's sums."""
    # Of each node: its range, what is 0 there in network units, and its error so far.
    nodes = [
        (low, high, zero, 4 * U * max(abs(low - zero), abs(high - zero)))
        for (low, high), zero in zip(hulls, model.shift, strict=True)
    ]
    found, bounds = list[Q](), list[list[Q]]()
    for edges, biases, arities in zip(model.layers, model.constants, model.arities, strict=True):
        count = len(edges) * (edges[0].degree + 1 + any(any(e.base) for e in edges)) + 4
        sized = [_edges(e, *node) for e, node in zip(edges, nodes, strict=True)]
        deep = max(bits for _, bits in sized)
        errors, sizes, powers = (
            [Q(sum(own[o][k] << (deep - bits) for own, bits in sized), 1 << deep) for o in range(len(biases))]
            for k in range(3)
        )
        found = [
            e + (10 * count * U * (p + b) + count * TINY) * (p > 0)
            for e, p, b in zip(errors, powers, biases, strict=True)
        ]
        found = list(map(_up, found))
        tops = [_up(s + b) for s, b in zip(sizes, biases, strict=True)]
        bounds.append(tops)
        at = len(tops) - sum(arities)
        both = list(zip(tops, found, strict=True))
        for arity in arities:
            both.append(reduce(_product, both[at : at + arity]))
            at += arity
        if arities:
            both = both[: len(tops) - sum(arities)] + both[len(tops) :]
            tops, found = [top for top, _ in both], [_up(error + TINY) for _, error in both]
        nodes = [(-h, h, Q(0), e) for h, e in zip(tops, found, strict=True)]
    factors = model.output_scale if model.arities[-1] else [Q(1)] * len(found)
    ends = zip(found, nodes, map(abs, factors), model.output_shift, strict=True)
    return [f * e + 4 * U * (f * high + abs(shift)) for e, (_, high, _, _), f, shift in ends], bounds


def _product(one: tuple[Q, Q], two: tuple[Q, Q]) -> tuple[Q, Q]:
    """Largest size and error of a product, from those of its factors."""
    (top, error), (other, wrong) = one, two
    return top * other, (top + error) * (other + wrong) * (1 + 4 * U) - top * other


def _edges(edges: Edges, low: Q, high: Q, zero: Q, error: Q) -> tuple[list[tuple[int, int, int]], int]:
    """Of each function that leaves a node: error of what leaves it, largest value, largest sum of sizes of powers.

    All are whole multiples of one power of two, 2^-bits, which comes with them.
    """
    k, first, last, most = edges.degree, edges.breaks[0], edges.breaks[-1], edges.most
    left, right, (uneven, share) = max(Q(0), first - low), max(Q(0), high - last), _shares(edges, zero)
    beyond = max(left, right)
    far = max(abs(x - zero) for x in (low, high, first, last))
    # An error of the place, which the function's slope multiplies.
    off = _up(error + 8 * U * far + (most + beyond) * (8 * U + uneven) + (last - first) * uneven)
    tall = _up(1 + 2 * k * max(left / edges.ends[0], right / edges.ends[1]))
    (steep, part, up, out), bits = common([off, tall * share, tall, beyond])
    sizes, more = edges.sizes
    sized = [(p * steep + q * part, (q << bits) + p * out, q * up) for p, q in sizes]
    if not any(edges.base):
        return sized, bits + more
    # silu rises by at most 1.1 and is at most |x|; it is computed, and known to the checker at points, to little of that.
    shift, scale = edges.place
    top = _up(max(abs(low - shift), abs(high - shift)) / scale)
    wrong = _up(Q(11, 10) * error / scale + 64 * U * top + NEAR * (1 + top))
    besides = [part for w in map(abs, edges.base) for part in (w * wrong, w * top)]
    ints, fine = common([*besides, Q(1, 1 << (bits + more))])
    raised = [[x << (fine - bits - more) for x in three] for three in sized]
    return [
        (e + ints[2 * o], s + ints[2 * o + 1], p + ints[2 * o + 1]) for o, (e, s, p) in enumerate(raised)
    ], fine


@lru_cache(1024)
def _shares(edges: Edges, zero: Q) -> tuple[Q, Q]:
    """How uneven the widths are that may be taken for the same one; the relative error of the sum of sizes of powers."""
    k, least, most = edges.degree, edges.least, edges.most
    ends = max(abs(edges.breaks[0] - zero), abs(edges.breaks[-1] - zero))
    even = most - least < EVEN * ends
    uneven = most / least - 1 if even else Q(0)
    # Level d of the recursion for the powers multiplies the sum of their sizes by at most 1 + 2 s, s = width / d widths;
    # knots beyond the grid are rounded, which gaps that hold an end interval feel, and so are they all where widths are
    # taken for the same one.
    outer = least if even else min(edges.ends)
    s = [min(Q(1), most / (d * least)) for d in range(1, k + 1)]
    mass = prod(1 + 2 * x for x in s)
    strain = 16 * mass * sum(x / (1 + 2 * x) for x in s)
    return uneven, _up(mass * (10 * k + 4) * U + strain * (uneven + 4 * U * ends / outer))


def _up(x: Q) -> Q:
    """A number a little larger with few digits."""
    bits = max(0, 64 + x.denominator.bit_length() - x.numerator.bit_length())
    return Q(-((-x.numerator << bits) // x.denominator), 1 << bits)
