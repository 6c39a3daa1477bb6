"""Which mesh comes after a mesh: more layers at corners, a higher degree, smaller elements.

How much each element lacks is seen from the last Legendre modes of the unknowns in it. Where elements at a corner lack much,
layers are added there. The degree is raised each time; where that no longer helps, elements that lack much are made
smaller instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from scipy.spatial import KDTree

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.pde.discretisation.blocks import Blocks, blocks_of
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.discretisation.quadrilaterals import Quadrilaterals, mesh_of
from edgewise.pde.discretisation.simplices import Simplices, simplex_mesh
from edgewise.pde.discretisation.triangulation import bent, halved
from edgewise.pde.domains.facets import Triangulation
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.space_time import SpatialShape
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.domains.tetrahedra import fill
from edgewise.pde.domains.triangles import Width
from edgewise.pde.problem.weak import WeakForm
from edgewise.pde.settings import LACKING_SHARE, SolverConfig

# The highest degree of elements.
_TOP_DEGREE = 20
# Elements of a shape are about half as wide as this share of its size at first.
_FIRST_WIDTH = 0.4
# Layers of elements that are added at a time at a corner that has more than a share of what all elements lack.
_MORE_LAYERS = 5
_CORNER_SHARE = 0.05
# From this degree on, elements are made smaller where the last degree lowered what they lack by less than the factor;
# smaller elements begin with it.
_SLOW_DEGREE = 10
_SLOW_FALL = 8.0
# Tetrahedra in a solid are at most as wide as this share of its size at first.
_FIRST_WIDTH_IN_SOLIDS = 0.3


@dataclass(frozen=True)
class _Rise:
    """The highest degree; from the second on, elements are made smaller where a degree lowered what they lack by less than
    the factor."""

    top: int
    slow: int
    fall: float


_ON_TRIANGLES = _Rise(12, 5, 2.0)
_IN_SOLIDS = _Rise(10, 4, 2.5)


# One mesh after the other, each with a function to call with the errors of its elements.
Meshes = Iterator[tuple[Galerkin, Callable[[Floats], None]]]


@singledispatch
def meshes_of(shape: SpatialShape, form: WeakForm, config: SolverConfig) -> Meshes:
    """The meshes on which a problem is solved, by the kind of shape."""
    raise NotImplementedError(type(shape).__name__)


@meshes_of.register
def _on_region(region: Region, form: WeakForm, config: SolverConfig) -> Meshes:
    """Quadrilaterals of a higher degree each time, with layers at corners, or smaller ones."""
    degree, widest = config.mesh_degree, _FIRST_WIDTH * region.size
    width: Width = lambda at: np.full(len(at), widest)  # noqa: E731
    blocks = blocks_of(region, width)
    at_corners = corners(region, form)
    layers = dict.fromkeys(at_corners, 0)
    lacking: list[Floats] = []
    rest_before = np.inf
    for _ in range(4 * config.most_levels):
        points = {_point(blocks, region.curves[n].start): n for n in at_corners}
        mesh = mesh_of(blocks, {point: layers[n] for point, n in points.items()})
        galerkin = Galerkin(mesh, form, degree)
        if lacking and galerkin.count > config.mesh_coefficients:
            return
        yield galerkin, lacking.append
        lacks = lacking[-1]
        for point, n in points.items():
            if lacks[mesh.tip == point].sum() > _CORNER_SHARE * lacks.sum():
                layers[n] += _MORE_LAYERS
        rest = float(lacks[mesh.tip < 0].sum())
        slow = degree >= _SLOW_DEGREE and rest > rest_before / _SLOW_FALL**2
        rest_before = rest
        if degree < _TOP_DEGREE and not slow:
            degree += 2
            continue
        degree, rest_before = _SLOW_DEGREE, np.inf
        width = _halved(width, mesh, lacks)
        blocks = blocks_of(region, width)


def corners(region: Region, form: WeakForm) -> list[int]:
    """Curves at whose start the boundary has a corner, or the conditions change."""
    found: list[int] = []
    first = 0
    for loop in region.loops:
        for k, curve in enumerate(loop):
            n, before = first + k, first + (k - 1) % len(loop)
            a, b = region.curves[before].slope(1.0), curve.slope(0.0)
            turn = abs(a[0] * b[1] - a[1] * b[0]) / (np.linalg.norm(a) * np.linalg.norm(b))
            bent = turn > 1e-6 or a @ b < 0
            if bent or form.rims[n].conditions != form.rims[before].conditions:
                found.append(n)
        first += len(loop)
    return found


def _halved(before: Width, mesh: Quadrilaterals, lacks: Floats) -> Width:
    """Widths for the next triangles: half of what they are where elements lack much, as before elsewhere."""
    blocks = mesh.blocks
    own = np.zeros(len(blocks.quads))
    np.maximum.at(own, mesh.block, np.where(mesh.tip < 0, lacks, 0.0))
    corners = blocks.points[blocks.quads]
    # Triangles are twice as wide as the blocks that they are cut into.
    wide = 2 * np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    wanted = np.where(own > LACKING_SHARE * own.max(), wide / 2, np.inf)
    tree, near = KDTree(corners.mean(1)), min(4, len(own))
    # Triangles lie across several blocks: the neighbours of a block are refined with it.
    return lambda at: np.minimum(before(at), wanted[tree.query(at, k=near)[1].reshape(len(at), near)].min(1))


def _point(blocks: Blocks, place: Floats) -> int:
    return int(np.linalg.norm(blocks.points - place, axis=1).argmin())


@meshes_of.register
def _on_surface(surface: TriangleSurface, form: WeakForm, config: SolverConfig) -> Meshes:
    """Triangles, halved where they lack much and bent to where a smooth surface lies."""
    cut = Triangulation(surface.places, surface.facets, surface.sides, surface.part)

    def curved(mesh: Simplices, degree: int) -> Simplices:
        return mesh if surface.smooth is None else bent(mesh, degree, surface.project)

    def smaller(_: Simplices, lacks: Floats) -> Simplices:
        nonlocal cut
        cut = halved(cut, lacks > LACKING_SHARE * lacks.max(), surface.project)
        return simplex_mesh(cut, surface.reach)

    first, tries = simplex_mesh(cut, surface.reach), 8 * config.most_levels
    return _simplex_meshes(first, form, config.mesh_coefficients, tries, _ON_TRIANGLES, smaller, curved)


@meshes_of.register
def _in_solid(solid: Solid, form: WeakForm, config: SolverConfig) -> Meshes:
    """Tetrahedra, where they lack much from a filling with smaller ones."""
    at, widths = np.zeros((0, 3)), np.zeros(0)
    width = _FIRST_WIDTH_IN_SOLIDS * solid.size

    def smaller(mesh: Simplices, lacks: Floats) -> Simplices | None:
        nonlocal at, widths
        marked, half = _halved_tetrahedra(mesh, lacks)
        at, widths = np.concatenate([at, marked]), np.concatenate([widths, half])
        try:
            return simplex_mesh(fill(solid, width, at, widths))
        except InputError:
            # What coarser tetrahedra gave holds as it is.
            return None

    first, tries = simplex_mesh(fill(solid, width, at, widths)), 4 * config.most_levels
    return _simplex_meshes(first, form, config.mesh_coefficients, tries, _IN_SOLIDS, smaller)


def _simplex_meshes(
    mesh: Simplices | None,
    form: WeakForm,
    most: int,
    tries: int,
    rise: _Rise,
    smaller: Callable[[Simplices, Floats], Simplices | None],
    curved: Callable[[Simplices, int], Simplices] = lambda mesh, _: mesh,
) -> Meshes:
    """A higher degree each time, or smaller elements; up to `most` coefficients, or where there are none smaller."""
    assert mesh is not None
    low = 1 + max(form.lower)
    # Facets by the thousand may leave room for the lowest degrees alone.
    third = sum(mesh.coefficients(low + 2 - lower) for lower in form.lower)
    degree = low + 1 if third <= most else low
    lacking: list[Floats] = []
    rests: list[float] = []
    for _ in range(tries):
        galerkin = Galerkin(curved(mesh, degree), form, degree)
        if len(lacking) > 1 and galerkin.count > most:
            return
        yield galerkin, lacking.append
        rests.append(float(lacking[-1].sum()))
        # Even and odd functions gain by every second degree alone.
        slow = degree >= rise.slow and len(rests) > 2 and rests[-1] > rests[-3] / rise.fall**4
        if degree < rise.top and not slow:
            degree += 1
            continue
        mesh = smaller(mesh, lacking[-1])
        if mesh is None:
            return
        degree, rests = max(degree - 2, low + 1), []


def _halved_tetrahedra(mesh: Simplices, lacks: Floats) -> tuple[Floats, Floats]:
    """Places at which elements are to be half as wide: those that lack much."""
    marked = lacks > LACKING_SHARE * lacks.max()
    corners = mesh.points[mesh.nodes[marked]]
    # Edges of regular tetrahedra as large: what Netgen takes for widths.
    edge = (6 * np.sqrt(2) * mesh.volume[marked]) ** (1 / 3)
    at = np.concatenate([corners.mean(1, keepdims=True), corners], axis=1)
    return at.reshape(-1, 3), np.repeat(edge / 2, 5)
