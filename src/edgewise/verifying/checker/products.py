"""Multiplication nodes as plain ones: a product is a difference of squares, x y = ((x + y)^2 - (x - y)^2) / 4.

A layer whose nodes multiply becomes layers of edges that add: first the sums and differences of factors, then their
squares. Squares are parabolas as far as the nodes can come on the domain; beyond they go on straight, where no row leads.
"""

from copy import copy
from fractions import Fraction as Q

from .edges import Edges, common
from .model import CheckedModel

# A weighted sum of values: value -> weight.
Sum = dict[int, int]


def unfold(model: CheckedModel, tops: list[list[Q]]) -> CheckedModel:
    """The same with layers of plain nodes in the place of those that multiply; `tops` bound the sums of each layer."""
    if not any(model.arities):
        return model
    layers, biases = list[list[Edges]](), list[list[Q]]()
    for number, (edges, bias, most) in enumerate(zip(model.layers, model.biases, tops, strict=True)):
        last = number == len(model.layers) - 1
        groups, values = [[k] for k in range(len(bias))], most
        if arities := model.arities[number]:
            plain, at = len(bias) - sum(arities), 0
            groups = groups[:plain]
            for arity in arities:
                groups.append([*range(plain + at, plain + at + arity)])
                at += arity
        while True:
            done = max(map(len, groups)) == 1
            sums = [term for group in groups for term in _sums(group)]
            if arities:
                edges = [edge.mixed(sums) for edge in edges]
                bias = [sum((w * bias[v] for v, w in term.items()), Q(0)) for term in sums]
            layers.append(edges)
            biases.append(bias)
            if done:
                break
            most = [sum((abs(w) * values[v] for v, w in term.items()), Q(0)) for term in sums]
            edges, groups, values = _squares(groups, values, most)
            bias = [Q(0)] * len(values)
        if last and arities:
            factor, shift = model.output_scale, model.output_shift
            layers[-1] = [edge.scaled(factor) for edge in edges]
            biases[-1] = [s + f * b for s, f, b in zip(shift, factor, bias, strict=True)]
    made = copy(model)
    made.layers, made.biases = layers, biases
    return made


def _sums(group: list[int]) -> list[Sum]:
    """Nodes of a group of factors: sum and difference of the first two, and the others as they are."""
    if len(group) == 1:
        return [{group[0]: 1}]
    one, two, *rest = group
    return [{one: 1, two: 1}, {one: 1, two: -1}, *({v: 1} for v in rest)]


def _squares(
    groups: list[list[int]], values: list[Q], most: list[Q]
) -> tuple[list[Edges], list[list[int]], list[Q]]:
    """What leaves such nodes: a product of the two, or what it is; the groups that are left, and bounds of their values."""
    shares, tops, left = list[tuple[int, int, int]](), list[Q](), list[list[int]]()  # value, power, sign
    for group in groups:
        first, made = len(tops), len(group) > 1
        shares += [(first, 2, 1), (first, 2, -1)] if made else [(first, 1, 1)]
        tops.append(values[group[0]] * values[group[1]] if made else values[group[0]])
        for v in group[2:]:
            shares.append((len(tops), 1, 1))
            tops.append(values[v])
        left.append([*range(first, len(tops))])
    edges = list[Edges]()
    for (value, power, sign), top in zip(shares, most, strict=True):
        r = Q(2) ** (top.numerator.bit_length() - top.denominator.bit_length() + 1) if top else Q(1)
        # Of degree 2 on one interval, the knots being -5 r, -3 r, -r, r, ...: coefficients of x, and of x^2 / 4.
        own = [-2 * r, Q(0), 2 * r] if power == 1 else [sign * c * r * r / 4 for c in (3, -1, 3)]
        (whole, bits), none = common(own), [0] * 3
        edges.append(Edges([-r, r], 2, [whole if v == value else none for v in range(len(tops))], bits))
    return edges, left, tops
