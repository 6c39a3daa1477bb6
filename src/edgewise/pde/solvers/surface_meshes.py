"""Which triangles come after others on a surface: a higher degree, or smaller ones where they lack the most."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.simplex_elements import SimplexNumbering
from edgewise.pde.discretisation.simplex_galerkin import SimplexGalerkin
from edgewise.pde.discretisation.triangulation import Triangulation, bent
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.weak import WeakForm
from edgewise.pde.settings import LACKING_SHARE, SolverConfig

# The highest degree on triangles; from the second on, they are made smaller where a degree lowered what they lack by
# less than the factor.
_TOP_DEGREE = 12
_SLOW_DEGREE = 5
_SLOW_FALL = 2.0


def surface_meshes(
    surface: TriangleSurface, form: WeakForm, config: SolverConfig
) -> Iterator[tuple[SimplexGalerkin, Callable[[Floats], None]]]:
    """One mesh after the other, each with a function to call with the errors of its elements."""
    cut = Triangulation(surface.places, surface.facets, surface.sides, surface.part)
    flat = cut.mesh(surface.reach)
    low = 1 + max(form.lower)
    # Facets by the thousand may leave room for the lowest degrees alone.
    third = sum(SimplexNumbering(flat, low + 2 - lower).count for lower in form.lower)
    degree = low + 1 if third <= config.mesh_coefficients else low
    lacking: list[Floats] = []
    rests: list[float] = []
    for _ in range(8 * config.most_levels):
        mesh = flat if surface.smooth is None else bent(flat, degree, surface.project)
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
        cut = cut.halved(lacking[-1] > LACKING_SHARE * lacking[-1].max(), surface.project)
        flat = cut.mesh(surface.reach)
        degree, rests = max(degree - 2, low + 1), []
