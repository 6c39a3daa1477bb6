"""A solution as a network: a sum of products of edge functions, one function a coordinate in each product.

The singular value decomposition of a function of two coordinates is its best sum of products (E. Schmidt 1907,
doi:10.1007/BF01449770); with more coordinates, each product's part in the others is decomposed again. The functions become
spline edges of a network with multiplication nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.fields.quadrature import gauss, over_grid
from edgewise.fields.space import Space
from edgewise.network import KAN, Nodes
from edgewise.network.state import put_together, take_apart
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.tables import Tables
from edgewise.pde.results.waves import Waves
from edgewise.splines.bspline import MAX_DEGREE, BSpline

_MOST_INTERVALS = 4096


def separate(values: Floats, weights: Sequence[Floats], share: float) -> list[list[Floats]]:
    """Products whose sum is a table of values up to a share of its L2 norm; each a list of one factor a coordinate."""
    root = [np.sqrt(w) for w in weights]
    first = values.reshape(len(weights[0]), -1)
    if len(weights) == 1:
        return [[values]]
    rest = over_grid(root[1:])
    left, sizes, right = np.linalg.svd(root[0][:, None] * first * rest.ravel(), full_matrices=False)
    tails = np.sqrt(np.cumsum(sizes[::-1] ** 2)[::-1])
    rank = max(int((tails > share * tails[0]).sum()), 1)
    products: list[list[Floats]] = []
    for r in range(rank):
        own = left[:, r] * np.sqrt(sizes[r]) / root[0]
        other = (right[r] * np.sqrt(sizes[r]) / rest.ravel()).reshape([len(w) for w in weights[1:]])
        # What is small already needs fewer digits of its own.
        inner = share * tails[0] / sizes[r]
        products += [[own, *more] for more in separate(other, weights[1:], min(inner, 0.5))]
    return products


def network_of(
    pieces: Tables,
    unknown: int,
    names: Sequence[str],
    name: str,
    tolerance: float,
) -> KAN:
    """The network of products that is a solution up to a relative L2 error.

    Raises
    ------
    InputError
        Where the solution is no sum of products, or spline edges of the highest degree need more intervals than a network
        should have.
    """
    if isinstance(pieces, Waves):
        raise InputError(
            "A solution of waves that turn fast takes too many products of functions of one coordinate: it has no "
            "network. Values on grids, solution.grid(...), may be fitted with one."
        )
    if isinstance(pieces, MeshPieces | MeshSlabs):
        raise InputError(
            "Solutions on shapes that are no boxes are no sums of products of functions of one coordinate: they have "
            "no network. Solve on a box for one."
        )
    d = len(names)
    rules = [pieces.rule(axis) for axis in range(d)]
    values = pieces.grid(unknown, [places for places, _ in rules])
    products = separate(values, [weights for _, weights in rules], 0.3 * tolerance)
    every = range(d)
    bounds = [(float(pieces.breaks(axis)[0]), float(pieces.breaks(axis)[-1])) for axis in every]
    breaks = [pieces.breaks(axis) for axis in every]
    norms = [[float(np.linalg.norm(p[a] * np.sqrt(rules[a][1]))) for a in every] for p in products]
    mass = over_grid(weights for _, weights in rules)
    size = max(float(np.sqrt((mass * values**2).sum())), 1e-300)
    while True:
        count = max(len(item) for item in breaks) - 1
        if count > _MOST_INTERVALS:
            raise InputError(
                f"The network of '{name}' would need more than {_MOST_INTERVALS:,} intervals an edge to come "
                f"within {tolerance:g}; "
                "give a larger 'tolerance'."
            )
        breaks = [_padded(item, count) for item in breaks]
        unit = torch.tensor(
            np.array(
                [
                    2 * (item - low) / (high - low) - 1
                    for item, (low, high) in zip(breaks, bounds, strict=True)
                ]
            )
        )
        unit[:, 0], unit[:, -1] = -1.0, 1.0
        basis = BSpline(unit, MAX_DEGREE)
        coef = torch.zeros(d, basis.size, d * len(products), dtype=torch.float64)
        worst = 0.0
        for axis in every:
            rule = gauss(Space(breaks[axis], MAX_DEGREE), MAX_DEGREE + 1)
            places, weights = rule.at(Space(breaks[axis], MAX_DEGREE)), rule.weights.ravel()
            wanted = _factor(pieces, unknown, rules, products, axis, places)
            low, high = bounds[axis]
            at = torch.tensor(2 * (places - low) / (high - low) - 1)[:, None].expand(-1, d)
            design = basis.values(at)[:, axis].numpy()
            weight = np.sqrt(weights)[:, None]
            found = np.linalg.lstsq(design * weight, wanted * weight, rcond=None)[0]
            apart = np.linalg.norm((design @ found - wanted) * weight, axis=0)
            for r, own in enumerate(norms):
                worst += float(apart[r]) * float(np.prod([n for a, n in enumerate(own) if a != axis]))
                coef[axis, :, r * d + axis] = torch.tensor(found[:, r])
        if worst <= 0.5 * tolerance * size:
            return _built(unit, coef, bounds, names, name, len(products))
        breaks = [np.sort(np.concatenate([item, (item[1:] + item[:-1]) / 2])) for item in breaks]


def _factor(
    pieces: Pieces,
    unknown: int,
    rules: Sequence[tuple[Floats, Floats]],
    products: Sequence[Sequence[Floats]],
    axis: int,
    places: Floats,
) -> Floats:
    """The functions of one coordinate at any places: (places, R), by least squares over the other coordinates."""
    others = [a for a in range(len(rules)) if a != axis]
    at = [places if a == axis else rules[a][0] for a in range(len(rules))]
    values = np.moveaxis(pieces.grid(unknown, at), axis, 0).reshape(len(places), -1)
    if not others:
        return values
    columns = [over_grid(product[a] for a in others).ravel() for product in products]
    root = over_grid(np.sqrt(rules[a][1]) for a in others).ravel()
    found = np.linalg.lstsq(np.array(columns).T * root[:, None], (values * root).T, rcond=None)[0]
    return np.asarray(found.T, dtype=float)


def _padded(breaks: Floats, count: int) -> Floats:
    """Breaks with the widest intervals halved until there are as many as for the other coordinates."""
    while len(breaks) - 1 < count:
        widest = int(np.argmax(np.diff(breaks)))
        breaks = np.insert(breaks, widest + 1, (breaks[widest] + breaks[widest + 1]) / 2)
    return breaks


def _built(
    unit: torch.Tensor,
    coef: torch.Tensor,
    bounds: Sequence[tuple[float, float]],
    names: Sequence[str],
    name: str,
    rank: int,
) -> KAN:
    d = len(names)
    middle = Nodes(0, (d,) * rank) if d > 1 else rank
    net = KAN(
        [d, middle, 1],
        degree=MAX_DEGREE,
        intervals=unit.shape[1] - 1,
        bias=False,
        input_names=list(names),
        output_names=[name],
        seed=0,
        dtype=torch.float64,
    )
    first, last = take_apart(net)
    alive = torch.zeros_like(first.mask)
    for r in range(rank):
        for axis in range(d):
            alive[axis, r * d + axis] = True
    # Edges of the second layer pass products on as they are: splines continue linearly outside their grid.
    same = BSpline(last.grid, MAX_DEGREE).greville()[:, :, None].expand_as(last.coef).clone()
    made = put_together(net, [replace(first, grid=unit, coef=coef, mask=alive), replace(last, coef=same)])
    with torch.no_grad():
        made.input_shift.copy_(torch.tensor([(low + high) / 2 for low, high in bounds]))
        made.input_scale.copy_(torch.tensor([(high - low) / 2 for low, high in bounds]))
    return made
