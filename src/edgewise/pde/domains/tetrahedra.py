"""Tetrahedra that fill a solid: its flat facets cut as finely as asked for, and the space between them, by Netgen.

Facets in one plane become one polygon first, whose triangles are Netgen's own: what a file cut a wall into does not matter.
J. Schoeberl 1997, "NETGEN: An advancing front 2D/3D-mesh generator based on abstract rules", doi:10.1007/s007910050004.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.errors import InputError
from edgewise._core.extras import need
from edgewise.pde.domains.faceted import EXTRA
from edgewise.pde.domains.facets import Triangulation, distances, planes
from edgewise.pde.domains.solid import Solid

# Netgen's measure of how fast sizes may change from one tetrahedron to the next.
_GRADING = 0.5
# Tetrahedra flatter than this (volume over the cube of the longest edge) are none: corners of files are off their planes by
# rounding, and four of them in one plane may have been joined.
_THIN = 1e-6
_FAILED = (
    "The solid could not be filled with tetrahedra; make its surface simpler or cleaner in the program that made it (thin "
    "slivers, parts that touch), and export it anew."
)


def fill(solid: Solid, width: float, at: Floats, widths: Floats) -> Triangulation:
    """Fills a solid with tetrahedra of about a width, or less at some places.

    Parameters
    ----------
    solid : Solid
    width : float
        Longest edges, in units of the coordinates.
    at : ndarray, shape (q, 3)
    widths : ndarray, shape (q,)
        Longest edges there.

    Raises
    ------
    InputError
        Where Netgen is missing, or finds none.
    """
    need("netgen", EXTRA, "Tetrahedra in solids")
    occ: Any = need("netgen.occ", EXTRA, "Tetrahedra in solids")
    meshing: Any = need("netgen.meshing", EXTRA, "Tetrahedra in solids")
    meshing.SetMessageImportance(0)
    # Netgen takes places nearer than 1e-7 for one.
    middle, size = solid.places.mean(0), solid.size
    parameters = meshing.MeshingParameters(maxh=width / size, grading=_GRADING)
    for place, item in zip((at - middle) / size, widths / size, strict=True):
        parameters.RestrictH(*map(float, place), float(item))
    try:
        shape = _shape(occ, (solid.places - middle) / size, solid)
        mesh = occ.OCCGeometry(shape).GenerateMesh(parameters)
        points = np.array(mesh.Coordinates(), dtype=float) * size + middle
        inner = np.array(mesh.Elements3D().NumPy()["nodes"], dtype=np.int64)[:, :4] - 1
        outer: Any = mesh.Elements2D().NumPy()
        names = [mesh.GetBCName(n) for n in range(mesh.GetNFaceDescriptors())]
    except (meshing.NgException, occ.OCCException, RuntimeError):
        raise InputError(_FAILED) from None
    sides, face = (
        np.array(outer["nodes"], dtype=np.int64)[:, :3] - 1,
        np.array(outer["index"], dtype=np.int64),
    )
    volume = np.linalg.det(points[inner[:, 1:]] - points[inner[:, :1]]) / 6
    if not len(inner) or abs(float(np.abs(volume).sum()) - solid.volume) > 1e-4 * solid.volume:
        raise InputError(_FAILED)
    # All triangles of a face of Netgen's lie in one polygon, and so in one patch; polygons with holes lose their names.
    _, first, number = np.unique(face, return_index=True, return_inverse=True)
    patch = np.array([int(name) if name.isdecimal() else -1 for name in names])[face[first] - 1]
    lost = np.flatnonzero(patch < 0)
    facet, _ = distances(points[sides[first[lost]]].mean(1), solid.places, solid.facets)
    patch[lost] = solid.patch[facet]
    return _without_flat(points, inner, sides, patch[number])


def _without_flat(points: Floats, inner: Ints, sides: Ints, patch: Ints) -> Triangulation:
    """Leaves out flat tetrahedra along the boundary: what they touch inside becomes the boundary."""
    own = {frozenset(map(int, side)): int(p) for side, p in zip(sides, patch, strict=True)}
    while True:
        corners = points[inner]
        longest = np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3).max((1, 2))
        volume = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6
        gone: list[int] = []
        for n in np.flatnonzero(volume < _THIN * longest**3):
            faces = [frozenset(map(int, np.delete(inner[n], k))) for k in range(4)]
            outside = [face for face in faces if face in own]
            if len(outside) >= 2:
                kept = own[outside[0]]
                for face in faces:
                    own.pop(face) if face in own else own.update({face: kept})
                gone.append(int(n))
        if not gone:
            break
        inner = np.delete(inner, gone, axis=0)
    used, numbers = np.unique(inner, return_inverse=True)
    place = {int(old): new for new, old in enumerate(used)}
    rim = np.array([[place[v] for v in sorted(side)] for side in own], dtype=np.int64)
    return Triangulation(
        points[used], numbers.reshape(inner.shape).astype(np.int64), rim, np.array(list(own.values()))
    )


def _shape(occ: Any, places: Floats, solid: Solid) -> Any:
    """The solid as Netgen's geometry has it, its faces named by the numbers of their patches."""
    facets = solid.facets
    plane = planes(places, facets)
    points = [occ.Pnt(*map(float, place)) for place in places]
    segments: dict[tuple[int, int], Any] = {}

    def segment(a: int, b: int) -> Any:
        key = (min(a, b), max(a, b))
        if key not in segments:
            segments[key] = occ.Segment(points[key[0]], points[key[1]])
        return segments[key]

    faces: list[Any] = []
    order = np.argsort(plane, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(plane[order])) + 1):
        group = facets[members]
        loops = _loops(places, group)
        for polygon in [loops] if loops else [[list(map(int, facet))] for facet in group]:
            wires = [occ.Wire([segment(a, b) for a, b in itertools.pairwise([*p, p[0]])]) for p in polygon]
            face = occ.Face(wires[0])
            for hole in wires[1:]:
                face = face - occ.Face(hole)
            face.name = str(int(solid.patch[members[0]]))
            faces.append(face)
    shape = occ.Solid(occ.Sew(faces))
    return shape.Reversed() if shape.mass < 0 else shape


def _loops(places: Floats, group: Ints) -> list[list[int]]:
    """The rim of some facets as loops of corners, the outer one first; none where loops touch."""
    ends = {(int(a), int(b)) for facet in group for a, b in itertools.pairwise([*facet, facet[0]])}
    after = {a: b for a, b in ends if (b, a) not in ends}
    if len(after) != sum((b, a) not in ends for a, b in ends):
        return []
    loops: list[list[int]] = []
    for start in sorted(after):
        if start in after:
            loop = [start]
            while (ahead := after.pop(loop[-1])) != start:
                loop.append(ahead)
            loops.append(loop)

    def area(loop: list[int]) -> float:
        own = places[loop] - places[loop[0]]
        return float(np.linalg.norm(np.cross(own, np.roll(own, -1, axis=0)).sum(0)))

    return sorted(loops, key=area, reverse=True)
