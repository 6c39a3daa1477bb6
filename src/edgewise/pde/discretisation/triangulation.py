"""Triangles of a surface as elements: halved where asked for, and bent to where a smooth surface lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise.pde.discretisation.simplices import Simplices
from edgewise.pde.domains.facets import Triangulation


def halved(triangles: Triangulation, marked: Bools, project: Callable[[Floats], Floats]) -> Triangulation:
    """Marked triangles cut into four, their neighbours as that asks for, each first through its longest edge
    (M. C. Rivara 1984, doi:10.1002/nme.1620200412); new corners where `project` puts them."""
    ends = np.sort(triangles.simplices[:, [[1, 2], [2, 0], [0, 1]]], axis=2)
    edges, number = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    number = number.reshape(-1, 3)
    length = np.linalg.norm(triangles.points[edges[:, 0]] - triangles.points[edges[:, 1]], axis=1)
    # Of equal ones the first in the order of all, so that neighbours agree.
    rank = np.empty(len(edges), dtype=np.int64)
    rank[np.lexsort([-np.arange(len(edges)), np.round(length / length.max(), 9)])] = np.arange(len(edges))
    longest = number[np.arange(len(number)), rank[number].argmax(1)]
    cut = np.zeros(len(edges), dtype=bool)
    cut[number[marked].ravel()] = True
    while True:
        more = longest[cut[number].any(1)]
        if cut[more].all():
            break
        cut[more] = True
    middle = np.full(len(edges), -1, dtype=np.int64)
    middle[cut] = len(triangles.points) + np.arange(int(cut.sum()))
    points = np.concatenate([triangles.points, project(triangles.points[edges[cut]].mean(1))])
    found: list[list[int]] = []
    # Corners turned so that the longest edge lies opposite to the first.
    turn = rank[number].argmax(1)
    order = (turn[:, None] + np.arange(3)) % 3
    rows = np.arange(len(number))[:, None]
    for (a, b, c), (ma, mb, mc) in zip(
        triangles.simplices[rows, order].tolist(), middle[number[rows, order]].tolist(), strict=True
    ):
        if ma < 0:
            found.append([a, b, c])
            continue
        found += [[a, b, ma]] if mc < 0 else [[a, mc, ma], [mc, b, ma]]
        found += [[a, ma, c]] if mb < 0 else [[a, ma, mb], [mb, ma, c]]
    where = {(int(a), int(b)): int(m) for (a, b), m in zip(edges[cut], middle[cut], strict=True)}
    sides: list[tuple[int, int]] = []
    part: list[int] = []
    for (a, b), own in zip(np.sort(triangles.sides, axis=1).tolist(), triangles.part.tolist(), strict=True):
        new = [(a, where[a, b]), (where[a, b], b)] if (a, b) in where else [(a, b)]
        sides, part = sides + new, part + [own] * len(new)
    return Triangulation(
        points,
        np.array(found, dtype=np.int64),
        np.array(sides, dtype=np.int64).reshape(-1, 2),
        np.array(part, dtype=np.int64),
    )


def bent(mesh: Simplices, degree: int, project: Callable[[Floats], Floats]) -> Simplices:
    """The same triangles as polynomials of a degree, their places where `project` puts them."""
    flat, _ = replace(mesh, bend=None).placed(slice(None), mesh.lattice(degree))
    bend = project(flat.reshape(-1, 3)).reshape(flat.shape)
    return replace(mesh, bend=bend, bend_degree=degree)
