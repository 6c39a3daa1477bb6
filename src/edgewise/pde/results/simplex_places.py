"""Which tetrahedron holds a place, and which triangle of a surface is nearest to it."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise.pde.discretisation.simplex_elements import inverted, simplex_lagrange
from edgewise.pde.discretisation.simplex_mesh import SimplexMesh
from edgewise.pde.domains.facets import distances

# Places may lie outside an element by this share of it: rounding, on its faces.
_SLACK = 1e-7
# Elements whose middles are nearest to a place are asked first.
_NEAREST = 12
_CHUNK = 2_000_000
# Of those, nearest as if triangles were flat, so many are looked at as they are bent.
_TRIED = 4
# Steps of Newton's method to the nearest place of a curved triangle.
_STEPS = 12


def in_solid(mesh: SimplexMesh, tree: KDTree, at: Floats, nearest: bool) -> tuple[Ints, Floats]:
    """Tetrahedra that hold places, and the weights of their last three corners."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 3))
    best = np.full(len(at), np.inf)
    inverse, _ = inverted(mesh.slopes)

    def better(rows: Ints, elements: Ints) -> None:
        """Notes elements (q, k) that places lie less outside of than of those before."""
        for k in range(elements.shape[1]):
            element = elements[:, k]
            gap = at[rows] - mesh.points[mesh.nodes[element, 0]]
            weights = np.einsum("qab,qb->qa", inverse[element], gap)
            outside = np.maximum(-weights.min(1), weights.sum(1) - 1)
            hit = outside < best[rows]
            which[rows[hit]], best[rows[hit]], local[rows[hit]] = element[hit], outside[hit], weights[hit]

    for rows in _parts(len(at)):
        better(rows, _candidates(tree, at[rows]))
    left = np.flatnonzero(best > _SLACK)
    corners = mesh.points[mesh.nodes]
    low, high = corners.min(1), corners.max(1)
    slack = _SLACK * (high - low).max(1, keepdims=True)
    step = max(_CHUNK // mesh.count, 1)
    for first in range(0, len(left), step):
        part = left[first : first + step]
        inside = ((at[part][:, None] >= low - slack) & (at[part][:, None] <= high + slack)).all(2)
        row, element = np.nonzero(inside)
        for n in range(int(inside.sum(1).max(initial=0))):
            # The n-th element whose box holds each place.
            rank = np.arange(len(row)) - np.searchsorted(row, row)
            chosen = rank == n
            better(part[row[chosen]], element[chosen][:, None])
    if not nearest:
        which[best > _SLACK] = -1
    return which, local


def on_surface(mesh: SimplexMesh, tree: KDTree, at: Floats, nearest: bool) -> tuple[Ints, Floats]:
    """Triangles nearest to places, and the weights of their last two corners at the nearest place."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 2))
    best = np.full(len(at), np.inf)
    inverse, _ = inverted(mesh.slopes)

    def better(rows: Ints, element: Ints) -> None:
        weights, apart = _foot(mesh, inverse, element, at[rows])
        hit = apart < best[rows]
        which[rows[hit]], best[rows[hit]], local[rows[hit]] = element[hit], apart[hit], weights[hit]

    for rows in _parts(len(at)):
        near = _candidates(tree, at[rows])
        flat = np.stack([_flat_foot(mesh, inverse, element, at[rows])[1] for element in near.T], axis=1)
        order = np.argsort(flat, axis=1, kind="stable")
        left = np.arange(len(rows))
        for n in range(min(_TRIED, near.shape[1])):
            better(rows[left], near[left, order[left, n]])
            # Where the nearest place is inside of a triangle, no other one is nearer.
            own = local[rows[left]]
            rim = np.minimum(own.min(1), 1 - own.sum(1)) <= _SLACK
            left = left[rim | (best[rows[left]] > mesh.reach)]
    # Middles of long triangles may be far from places that these hold.
    left = np.flatnonzero(best > max(mesh.reach, _SLACK * float(np.ptp(mesh.points))))
    if len(left):
        better(left, distances(at[left], mesh.points, mesh.nodes)[0])
    if not nearest:
        which[best > mesh.reach] = -1
    return which, local


def _flat_foot(mesh: SimplexMesh, inverse: Floats, element: Ints, at: Floats) -> tuple[Floats, Floats]:
    """Weights of the nearest place of triangles, taken for flat, and its distance."""
    gap = at - mesh.points[mesh.nodes[element, 0]]
    weights = _within(np.einsum("qab,qb->qa", inverse[element], gap))
    there = np.einsum("qba,qa->qb", mesh.slopes[element], weights)
    return weights, np.linalg.norm(gap - there, axis=1)


def _foot(mesh: SimplexMesh, inverse: Floats, element: Ints, at: Floats) -> tuple[Floats, Floats]:
    """Weights of the nearest place of triangles, and its distance."""
    weights, apart = _flat_foot(mesh, inverse, element, at)
    if mesh.bend is None:
        return weights, apart
    active = np.arange(len(at))
    for _ in range(_STEPS):
        own = mesh.bend[element[active]]
        value, *slopes = simplex_lagrange(mesh.bend_degree, weights[active])
        gap = at[active] - np.einsum("qn,qnk->qk", value, own)
        apart[active] = np.linalg.norm(gap, axis=1)
        steep, _ = inverted(np.stack([np.einsum("qn,qnk->qk", slope, own) for slope in slopes], axis=-1))
        moved = _within(weights[active] + np.einsum("qab,qb->qa", steep, gap))
        goes_on = np.abs(moved - weights[active]).max(1) > 1e-14
        weights[active] = moved
        active = active[goes_on]
        if not len(active):
            break
    return weights, apart


def _within(weights: Floats) -> Floats:
    """Weights of the last two corners, brought into the triangle."""
    kept = np.maximum(np.concatenate([1 - weights.sum(1, keepdims=True), weights], axis=1), 0.0)
    inside: Bools = (kept[:, 1:] == weights).all(1) & (kept[:, 0] > 0)
    return np.where(inside[:, None], weights, (kept / kept.sum(1, keepdims=True))[:, 1:])


def _candidates(tree: KDTree, at: Floats) -> Ints:
    near = min(_NEAREST, tree.n)
    return np.asarray(tree.query(at, k=near)[1], dtype=np.int64).reshape(len(at), near)


def _parts(count: int) -> list[Ints]:
    return [np.arange(first, min(first + 100_000, count)) for first in range(0, count, 100_000)]
