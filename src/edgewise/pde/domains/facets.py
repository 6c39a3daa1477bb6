"""Surfaces of triangles: where they lie, which belong together, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.checks import plural
from edgewise._core.errors import InputError

# Corners nearer than this share of the size are one: files hold numbers of seven digits.
_SAME = 1e-7
# Facets are in one plane where corners stand off it by less than this share of the size.
_FLAT = 1e-6
# Pairs of facets that are looked at together.
_CHUNK = 1_000_000


@dataclass(frozen=True, eq=False)
class FacetEdges:
    """FacetEdges of a surface of triangles.

    Attributes
    ----------
    ends : ndarray, shape (e, 2)
        Corners of those at which two facets meet.
    first, second : ndarray, shape (e,)
        These facets.
    sign : ndarray, shape (e,)
        -1 where they are turned against each other.
    rim, crowded : ndarray, shapes (b, 2) and (c, 2)
        Corners of the edges of one facet alone, and of those at which more than two meet.
    """

    ends: Ints
    first: Ints
    second: Ints
    sign: Floats
    rim: Ints
    crowded: Ints


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Triangles of a surface or tetrahedra in a solid.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
    simplices : ndarray, shape (m, d + 1)
        Numbers of the corners of each.
    sides : ndarray, shape (b, d)
        Edges or triangles on the boundary.
    part : ndarray, shape (b,)
        The part of the boundary of each.
    """

    points: Floats
    simplices: Ints
    sides: Ints
    part: Ints


def closed(corners: Floats) -> tuple[Floats, Ints]:
    """The surface of triangles (m, 3, 3) with shared corners: places (n, 3) and facets (m, 3), outward.

    Raises
    ------
    InputError
        Where it is not the boundary of one solid.
    """
    places, facets = joined(corners)
    _check_edges(places, facets)
    check_crossings(places, facets)
    _check_bodies(places, facets)
    return places, facets


def joined(corners: Floats) -> tuple[Floats, Ints]:
    """Triangles (m, 3, 3) with shared corners: places (n, 3) and facets (m, 3)."""
    size = float(np.linalg.norm(np.ptp(corners.reshape(-1, 3), axis=0)))
    exact, numbers = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    pairs = KDTree(exact).query_pairs(_SAME * size, output_type="ndarray").reshape(-1, 2)
    group = components(len(exact), pairs[:, 0], pairs[:, 1])
    _, first = np.unique(group, return_index=True)
    facets = group[numbers.ravel()].reshape(-1, 3)
    facets = facets[(facets != np.roll(facets, 1, axis=1)).all(1)]
    if not len(facets):
        raise InputError("All facets of the surface have no area; export it anew, in larger units perhaps.")
    return exact[first], facets


def turns(places: Floats, facets: Ints, edges: FacetEdges) -> Floats:
    """By how much facets turn at edges, (e,); nothing where one of them has no area."""
    normal, area = normals_of(places, facets)
    one, other = edges.first, edges.second
    turn = np.arccos(np.clip(edges.sign * (normal[one] * normal[other]).sum(1), -1.0, 1.0))
    return np.where((area[one] > 0) & (area[other] > 0), turn, 0.0)


def sagitta(places: Floats, facets: Ints, edges: FacetEdges, turn: Floats) -> float:
    """How far a smooth surface that facets stand for lies off them at most, by the angles in which they turn.

    A chord of length h between facets that turn by an angle lies h * angle / 8 off its arc; a facet's edges add up, as
    surfaces may bend both ways. FacetEdges that are sharp on purpose are to turn by zero here.
    """
    ends, one, other = edges.ends, edges.first, edges.second
    _, area = normals_of(places, facets)
    length = np.linalg.norm(places[ends[:, 0]] - places[ends[:, 1]], axis=1)
    # Across an edge facets are as wide as twice their area over its length.
    width = (area[one] + area[other]) / np.maximum(length, 1e-300)
    own = np.where(turn > 1e-5, turn * width / 8, 0.0)
    return float(np.bincount(np.concatenate([one, other]), np.tile(own, 2), minlength=1).max())


def edges_of(facets: Ints) -> FacetEdges:
    """All edges of a surface, by how many facets meet there."""
    ends = facets[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    owner = np.repeat(np.arange(len(facets)), 3)
    pairs, number, counts = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(number.ravel(), kind="stable")
    first, two = np.cumsum(counts) - counts, counts == 2
    one, other = order[first[two]], order[first[two] + 1]
    ahead = ends[:, 0] < ends[:, 1]
    sign = np.where(ahead[one] == ahead[other], -1.0, 1.0)
    return FacetEdges(pairs[two], owner[one], owner[other], sign, pairs[counts == 1], pairs[counts > 2])


def normals_of(places: Floats, facets: Ints) -> tuple[Floats, Floats]:
    """Unit normals (m, 3), zero where there is none, and areas (m,)."""
    a, b, c = (places[facets[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    twice = np.linalg.norm(cross, axis=1)
    return cross / np.maximum(twice, 1e-300)[:, None], twice / 2


def components(count: int, first: Ints, second: Ints) -> Ints:
    """Numbers of the connected groups of things that are joined in pairs, in the order of their first members."""
    joined = coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count))
    labels = connected_components(joined, directed=False)[1]
    _, begin, numbers = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(begin))[numbers].astype(np.int64)


def planes(places: Floats, facets: Ints) -> Ints:
    """Numbers of the flat pieces of a surface that facets belong to."""
    edges = edges_of(facets)
    ends, one, other = edges.ends, edges.first, edges.second
    normal, area = normals_of(places, facets)
    slack = _FLAT * float(np.linalg.norm(np.ptp(places, axis=0)))
    # The corner of each facet that is not on the edge, over the plane of the other.
    off = np.zeros(len(ends))
    for here, there in ((one, other), (other, one)):
        apex = places[facets[here].sum(1) - ends.sum(1)]
        high = np.abs(((apex - places[ends[:, 0]]) * normal[there]).sum(1))
        off = np.maximum(off, np.where(area[there] > 0, high, 0.0))
    turn = (normal[one] * normal[other]).sum(1)
    thin = np.minimum(area[one], area[other]) <= slack * np.linalg.norm(
        places[ends[:, 0]] - places[ends[:, 1]], axis=1
    )
    flat = (off <= slack) & ((turn > 0.999) | thin)
    return components(len(facets), one[flat], other[flat])


def distances(at: Floats, places: Floats, facets: Ints) -> tuple[Ints, Floats]:
    """For places (q, 3) the nearest facet and the distance to it."""
    a, b, c = (places[facets[:, k]] for k in range(3))
    which, apart = np.zeros(len(at), dtype=np.int64), np.zeros(len(at))
    step = max(_CHUNK // max(len(facets), 1), 1)
    for first in range(0, len(at), step):
        part = slice(first, first + step)
        found = _distance(at[part][:, None], a[None], b[None], c[None])
        which[part] = found.argmin(1)
        apart[part] = found.min(1)
    return which, apart


def winding(at: Floats, places: Floats, facets: Ints) -> Floats:
    """How often a closed surface goes around places (q, 3): 1 inside, 0 outside (A. van Oosterom and J. Strackee 1983,
    doi:10.1109/TBME.1983.325207)."""
    total = np.zeros(len(at))
    step = max(_CHUNK // max(len(facets), 1), 1)
    for first in range(0, len(at), step):
        part = slice(first, first + step)
        a, b, c = (places[facets[:, k]][None] - at[part][:, None] for k in range(3))
        la, lb, lc = (np.linalg.norm(item, axis=2) for item in (a, b, c))
        volume = (a * np.cross(b, c)).sum(2)
        rest = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
        total[part] = np.arctan2(volume, rest).sum(1) / (2 * np.pi)
    return total


def _distance(p: Floats, a: Floats, b: Floats, c: Floats) -> Floats:
    """Distances of places from triangles: to the plane where the foot lies inside, else to the nearest edge."""
    normal = np.cross(b - a, c - a)
    square = np.maximum((normal**2).sum(-1), 1e-300)
    inside = np.ones(np.broadcast_shapes(p.shape, a.shape)[:-1], dtype=bool)
    nearest = np.full(inside.shape, np.inf)
    for one, two in ((a, b), (b, c), (c, a)):
        along, from_one = two - one, p - one
        inside &= (np.cross(along, from_one) * normal).sum(-1) >= 0
        share = np.clip((from_one * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-300), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(from_one - share[..., None] * along, axis=-1))
    high = np.abs(((p - a) * normal).sum(-1)) / np.sqrt(square)
    return np.where(inside & (square > 1e-300), np.minimum(high, nearest), nearest)


def place_text(place: Floats) -> str:
    """(x, y, z) in four digits."""
    return "({:.4g}, {:.4g}, {:.4g})".format(*place)


def _check_edges(places: Floats, facets: Ints) -> None:
    edges = edges_of(facets)
    if len(edges.rim):
        raise InputError(
            f"The surface is not watertight: {plural(len(edges.rim), 'edge has', 'edges have')} one facet only, the first "
            f"at {place_text(places[edges.rim[0]].mean(0))}. Close it in the program that made it, or with "
            "trimesh.repair.fill_holes."
        )
    check_crowded(edges, places, "the outer surface of one solid")
    if (edges.sign < 0).any():
        where = places[edges.ends[edges.sign < 0][0]].mean(0)
        raise InputError(
            f"Neighbouring facets are turned against each other, at {place_text(where)}; turn all normals outward in the "
            "program that made the file, or with trimesh.repair.fix_normals."
        )


def check_crowded(edges: FacetEdges, places: Floats, wanted: str) -> None:
    """Refuses surfaces of which more than two facets meet at an edge."""
    if len(edges.crowded):
        where = place_text(places[edges.crowded[0]].mean(0))
        raise InputError(f"More than two facets meet at an edge of the surface, at {where}; export {wanted}.")


def _check_bodies(places: Floats, facets: Ints) -> None:
    """One outer surface, and cavities inside it."""
    edges = edges_of(facets)
    body = components(len(facets), edges.first, edges.second)
    a, b, c = (places[facets[:, k]] - places.mean(0) for k in range(3))
    volume = np.bincount(body, (a * np.cross(b, c)).sum(1) / 6)
    if volume.sum() <= 0 or not (volume > 0).any():
        raise InputError(
            "The normals of the surface point inward; turn them outward in the program that made the file, or with "
            "trimesh.repair.fix_normals."
        )
    if (volume > 0).sum() > 1:
        count = plural(int((volume > 0).sum()), "body", "bodies")
        raise InputError(
            f"A domain must be one piece: the surface bounds {count}. Take one of them (trimesh's split gives each), or "
            "unite them first."
        )
    outer = facets[body == int(volume.argmax())]
    for n in np.flatnonzero(volume <= 0):
        start = places[facets[body == n][0, 0]]
        if winding(start[None], places, outer)[0] < 0.5:
            raise InputError(
                "Part of the surface is turned inside out: a closed piece with inward normals lies outside of the solid; "
                "turn it, or leave it out."
            )


def check_crossings(places: Floats, facets: Ints) -> None:
    """Refuses surfaces of which an edge goes through a facet."""
    close = 1e-9 * float(np.linalg.norm(np.ptp(places, axis=0)))
    for one, other in _near(places[facets]):
        shared = (facets[one][:, :, None] == facets[other][:, None, :]).any(2)
        for k in range(3):
            # FacetEdges that touch the other facet at a corner of both do not cross it.
            free = ~shared[:, k] & ~shared[:, (k + 1) % 3]
            start, end = (places[facets[one[free], j]] for j in (k, (k + 1) % 3))
            hit = _through(start, end, places[facets[other[free]]], close)
            if hit.any():
                n = int(np.flatnonzero(hit)[0])
                raise InputError(
                    f"The surface crosses itself near {place_text((start[n] + end[n]) / 2)}; unite the parts that overlap "
                    "in the program that made it, or with trimesh.boolean.union."
                )


def _near(corners: Floats):
    """Pairs of facets whose boxes overlap, both ways round, some at a time."""
    low, high = corners.min(1), corners.max(1)
    axis = int(np.argmax(np.ptp(low, axis=0) / np.maximum((high - low).mean(0), 1e-300)))
    order = np.argsort(low[:, axis], kind="stable")
    reach = np.searchsorted(low[order, axis], high[order, axis], side="right")
    counts = np.maximum(reach - np.arange(len(order)) - 1, 0)
    begin = 0
    while begin < len(order):
        end = max(int(np.searchsorted(np.cumsum(counts[begin:]), _CHUNK)) + begin, begin + 1)
        first = np.repeat(np.arange(begin, min(end, len(order))), counts[begin:end])
        starts = np.cumsum(counts[begin:end]) - counts[begin:end]
        second = first + 1 + np.arange(len(first)) - np.repeat(starts, counts[begin:end])
        one, other = order[first], order[second]
        meet = ((low[one] <= high[other]) & (low[other] <= high[one])).all(1)
        one, other = one[meet], other[meet]
        if len(one):
            yield np.concatenate([one, other]), np.concatenate([other, one])
        begin = end


def _through(start: Floats, end: Floats, corners: Floats, close: float) -> Bools:
    """Whether segments cross triangles, away from the triangles' rims."""
    a, b, c = (corners[:, k] for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    normal = normal / np.maximum(length, 1e-300)[:, None]
    over, under = ((start - a) * normal).sum(1), ((end - a) * normal).sum(1)
    sides = ((over > close) & (under < -close)) | ((over < -close) & (under > close))
    share = over / np.where(sides, over - under, 1.0)
    foot = start + share[:, None] * (end - start)
    inside = sides & (length > 0)
    for one, two in ((a, b), (b, c), (c, a)):
        along = two - one
        beside = (np.cross(along, foot - one) * normal).sum(1)
        inside &= beside > close * np.linalg.norm(along, axis=1)
    return inside
