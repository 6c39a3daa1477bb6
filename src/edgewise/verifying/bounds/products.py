"""Multiplication nodes as plain ones, for the prover: x y = ((x + y)^2 - (x - y)^2) / 4, as in docs/certificates.md."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.verifying.bounds.curves import Curves
from edgewise.verifying.bounds.exact import ExactLayer, ExactModel

# Breaks of parabolas left of zero, each a quarter of the one before, so that little squares keep their digits.
BREAKS = 12


def unfolded(model: ExactModel, tops: Sequence[Floats]) -> ExactModel:
    """The same function as one of plain nodes; `tops` bound the sums of each layer on the domain."""
    if not any(model.arities):
        return model
    layers: list[ExactLayer] = []
    for layer, arities, top in zip(model.layers, model.arities, tops, strict=True):
        curves, bias, values, base, plain = layer.curves, layer.bias, top, layer.base, layer.plain
        at = len(bias) - sum(arities)
        groups = [[k] for k in range(at)]
        for arity in arities:
            groups.append([*range(at, at + arity)])
            at += arity
        while True:
            mixing = _mixing(groups, len(bias))
            base = None if base is None else mixing @ base
            plain = None if plain is None else plain.mixed(mixing)
            layers.append(ExactLayer(curves.mixed(mixing), mixing @ bias, base, plain))
            if max(map(len, groups)) == 1:
                break
            most = np.abs(mixing) @ values
            curves, groups, values = _squares(groups, values, most)
            bias, base, plain = np.zeros(len(values)), None, None
    return ExactModel(tuple(layers), model.shift, model.scale, model.out_shift, model.out_scale)


def _mixing(groups: Sequence[Sequence[int]], count: int) -> Floats:
    """Nodes from values: of a group of factors the sum and difference of the first two, and the others as they are."""
    rows: list[Floats] = []
    unit = np.eye(count)
    for group in groups:
        one, *rest = group
        rows += [unit[one]] if not rest else [unit[one] + unit[rest[0]], unit[one] - unit[rest[0]]]
        rows += [unit[v] for v in rest[1:]]
    return np.array(rows)


def _squares(
    groups: Sequence[Sequence[int]], values: Floats, most: Floats
) -> tuple[Curves, list[list[int]], Floats]:
    """What leaves such nodes, the groups that are left, and bounds of their values."""
    shares: list[tuple[int, int, float]] = []
    tops: list[float] = []
    left: list[list[int]] = []
    for group in groups:
        first = len(tops)
        if len(group) == 1:
            shares.append((first, 1, 1.0))
            tops.append(float(values[group[0]]))
        else:
            shares += [(first, 2, 0.25), (first, 2, -0.25)]
            tops.append(float(values[group[0]] * values[group[1]]))
        for v in group[2:]:
            shares.append((len(tops), 1, 1.0))
            tops.append(float(values[v]))
        left.append([*range(first, len(tops))])
    reach = np.where(most > 0, 2.0 ** np.ceil(np.log2(np.where(most > 0, most, 1.0)) + 1), 1.0)
    inner = -(4.0 ** -np.arange(BREAKS + 1))
    breaks = reach[:, None] * np.concatenate([inner, [0.0, 1.0]])
    bare = Curves(breaks, np.zeros((0, 4, *breaks.shape)))
    origin, width = bare.origin, bare.width
    table = np.zeros((len(tops), 4, len(shares), breaks.shape[1] + 1))
    for site, (value, power, weight) in enumerate(shares):
        x, w = origin[site], width[site]
        if power == 1:
            table[value, 0, site], table[value, 1, site] = weight * x, weight * w
        else:
            table[value, 0, site], table[value, 1, site] = weight * x * x, weight * 2 * x * w
            table[value, 2, site, 1:-1] = weight * (w * w)[1:-1]
    return Curves(breaks, table), left, np.array(tops)
