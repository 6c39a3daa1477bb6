"""Which tetrahedra come after others: a higher degree, or smaller ones where they lack the most."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.pde.discretisation.simplex_elements import SimplexNumbering
from edgewise.pde.discretisation.simplex_galerkin import SimplexGalerkin
from edgewise.pde.discretisation.simplex_mesh import SimplexMesh, tetra_mesh
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.tetrahedra import fill
from edgewise.pde.problem.weak import WeakForm
from edgewise.pde.settings import LACKING_SHARE, SolverConfig

# Tetrahedra in a solid are at most as wide as this share of its size at first.
_FIRST_WIDTH = 0.3
# The highest degree on tetrahedra; from the second on, they are made smaller where a degree lowered what they lack by
# less than the factor.
_TOP_DEGREE = 10
_SLOW_DEGREE = 4
_SLOW_FALL = 2.5


def solid_meshes(
    solid: Solid, form: WeakForm, config: SolverConfig
) -> Iterator[tuple[SimplexGalerkin, Callable[[Floats], None]]]:
    """One mesh after the other, each with a function to call with the errors of its elements."""
    at, widths = np.zeros((0, 3)), np.zeros(0)
    width = _FIRST_WIDTH * solid.size
    mesh = tetra_mesh(fill(solid, width, at, widths))
    low = 1 + max(form.lower)
    # Facets by the thousand may leave room for the lowest degrees alone.
    third = sum(SimplexNumbering(mesh, low + 2 - lower).count for lower in form.lower)
    degree = low + 1 if third <= config.mesh_coefficients else low
    lacking: list[Floats] = []
    rests: list[float] = []
    for _ in range(4 * config.most_levels):
        galerkin = SimplexGalerkin(mesh, form, degree)
        if len(lacking) > 1 and galerkin.count > config.mesh_coefficients:
            return
        yield galerkin, lacking.append
        rests.append(float(lacking[-1].sum()))
        # Even and odd functions gain by every second degree alone.
        slow = degree >= _SLOW_DEGREE and len(rests) > 2 and rests[-1] > rests[-3] / _SLOW_FALL**4
        if degree < _TOP_DEGREE and not slow:
            degree += 1
            continue
        marked, half = _halved(mesh, lacking[-1])
        at, widths = np.concatenate([at, marked]), np.concatenate([widths, half])
        try:
            mesh = tetra_mesh(fill(solid, width, at, widths))
        except InputError:
            # What coarser tetrahedra gave holds as it is.
            return
        degree, rests = max(degree - 2, low + 1), []


def _halved(mesh: SimplexMesh, lacks: Floats) -> tuple[Floats, Floats]:
    """Places at which elements are to be half as wide: those that lack much."""
    marked = lacks > LACKING_SHARE * lacks.max()
    corners = mesh.points[mesh.nodes[marked]]
    # Edges of regular tetrahedra as large: what Netgen takes for widths.
    edge = (6 * np.sqrt(2) * mesh.volume[marked]) ** (1 / 3)
    at = np.concatenate([corners.mean(1, keepdims=True), corners], axis=1)
    return at.reshape(-1, 3), np.repeat(edge / 2, 5)
