"""How far two evaluations of networks can differ, layer by layer; see "paired leaves" on the page on certificates."""

from collections.abc import Iterable
from fractions import Fraction as Q
from typing import Any

from .reading import need
from .tables import table

Span = tuple[Q, Q]


def added(spans: Iterable[Span]) -> Span:
    """The range of a sum."""
    low, high = zip(*spans, strict=True)
    return sum(low, Q(0)), sum(high, Q(0))


def times(one: Span, two: Span) -> Span:
    """The range of a product."""
    products = [x * y for x in one for y in two]
    return min(products), max(products)


def difference(proof: Any, terms: Any, matches: Any, cells: Any, ends: Any) -> Q:
    """The most that w * y_o of one unit - w * y_o of another can be in predictions, for the two terms of a row.

    `matches` gives for each hidden layer which node of the second unit (or None) is compared with each node of the first.
    With d = h2 - h1 for compared nodes, phi2(h2) - phi1(h1) = (phi2 - phi1)(h1) + (slope of phi2 between h1 and h2) * d.
    """
    (m1, at1, o1, weight), (m2, at2, o2, minus) = terms
    need(m1 is not None and m2 is not None and weight == -minus, "only differences of outputs are paired")
    one, two = proof.units[m1, at1], proof.units[m2, at2]
    need(len(one) == len(two) == len(matches) + 1, "networks of other depths are not paired")
    d = dict[Any, Span]()  # by pair of variables
    for n in range(len(one)):
        pairs = [(one[-1][o1], two[-1][o2])]
        if n < len(matches):
            pairs = [(v, two[n][k]) for v, k in zip(one[n], matches[n], strict=True) if k is not None]
        need(len({w for _, w in pairs}) == len(pairs), "a node is compared twice")
        if n == 0:
            d = {
                (v, w): span
                for (v, w), span in zip(pairs, proof.first(cells, [(w, v) for v, w in pairs]), strict=True)
            }
        else:
            d = {(v, w): _step(proof, v, w, d, ends) for v, w in pairs}
    v, w = one[-1][o1], two[-1][o2]
    # What is computed from the same numbers is the same; else predictions differ by rounding besides.
    same = v == w or ((at1, o1) == (at2, o2) and proof.case.models[m1].alike(proof.case.models[m2]))
    rounding = Q(0) if same else abs(weight) * (proof.errors[v] + proof.errors[w])
    return max(-weight * x for x in d[v, w]) + rounding


def _step(proof: Any, v: int, w: int, below: dict[Any, Span], ends: Any) -> Span:
    """The range of the difference w - v of two nodes from those of the layer below."""
    (feeds_v, feeds_w), spans = (proof.fed[v], proof.fed[w]), [(proof.bias[w] - proof.bias[v],) * 2]
    for (a, b), gap in below.items():
        if (a, b) not in proof.pairs:  # over all that the two can be anywhere in the domain
            cuts = [*proof.tables[a].cuts, *proof.tables[b].cuts]
            slopes = [(edges, shift, 1) for edges, shift, _ in proof.parts[b]]
            proof.pairs[a, b] = table((min(cuts), max(cuts)), *proof.parts[a], *proof.parts[b], *slopes)
        hull = min(ends[a][0], ends[b][0]), max(ends[a][1], ends[b][1])
        known, first, second = proof.pairs[a, b], len(proof.feeds[a]), len(proof.feeds[b])
        spans.append(known.span(ends[a], first + feeds_w[b], feeds_v[a]))
        spans.append(times(known.span(hull, first + second + feeds_w[b]), gap))
    firsts, seconds = ({pair[k] for pair in below} for k in (0, 1))
    spans += [proof.tables[b].span(ends[b], j) for b, j in feeds_w.items() if b not in seconds]
    alone = [proof.tables[a].span(ends[a], j) for a, j in feeds_v.items() if a not in firsts]
    return added([*spans, *((-high, -low) for low, high in alone)])
