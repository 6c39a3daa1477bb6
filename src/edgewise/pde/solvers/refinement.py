"""Which mesh comes after a mesh: more layers at corners, a higher degree, smaller elements.

How much each element lacks is seen from the last Legendre modes of the unknowns in it. Where elements at a corner lack much,
layers are added there. The degree is raised each time; where that no longer helps, elements that lack much are made
smaller instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.spatial import KDTree

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.blocks import Blocks, blocks_of
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.discretisation.mesh import Mesh, mesh_of
from edgewise.pde.domains.region import Region
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


def meshes(
    region: Region, form: WeakForm, config: SolverConfig
) -> Iterator[tuple[Galerkin, Callable[[Floats], None]]]:
    """One mesh after the other, each with a function to call with the errors of its elements."""
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


def _halved(before: Width, mesh: Mesh, lacks: Floats) -> Width:
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
