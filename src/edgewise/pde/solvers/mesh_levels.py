"""Problems on plane regions, surfaces and solids: one mesh after the other until the answer no longer changes.

The answer is that of the last mesh but one: its error is what the last one changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.pde.discretisation.condensed import Condensed
from edgewise.pde.discretisation.elements import Elements
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.weak import WeakForm
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.settings import CONTRADICTION, IMBALANCE, UNDETERMINED, SolverConfig
from edgewise.pde.solvers.newton import newton_steps
from edgewise.pde.solvers.refinement import meshes_of

# Changes of two levels of which the second is not smaller show nothing about the third: errors are this series at most.
_SLOWEST = 0.8

# Length over which equations that are not linear are linearised, in units of the change.
_LENGTH = 1e-5


@dataclass(frozen=True, eq=False)
class MeshLevel:
    """What one mesh gave.

    Attributes
    ----------
    galerkin : Galerkin
    values : ndarray
        All coefficients.
    pieces : MeshPieces
    contradiction : float
        How far conditions are apart where parts of the boundary meet, relative to them.
    converged : bool
        Whether Newton's steps came to an end.
    change, slope_change : tuple of float, one an unknown
        Relative L2 difference from the mesh before, and that of the gradients; infinite on the first.
    lacks : ndarray, shape (L,)
        Energy of the modes that each element lacks, relative to that of the unknowns.
    imbalance : float
        What remains of the equations where a constant is free: zero where sources and flows through the boundary
        balance.
    weakest : float
        How much of the derivative terms of the weakest function the equations have left: near zero where they do not
        determine the unknowns.
    definite : bool
        Whether the equations are elliptic throughout.
    loose : tuple of int
        Unknowns to which a constant may be added; their mean is zero.
    """

    galerkin: Galerkin
    values: Floats
    pieces: MeshPieces
    contradiction: float
    converged: bool
    change: tuple[float, ...]
    slope_change: tuple[float, ...]
    lacks: Floats
    imbalance: float
    weakest: float
    definite: bool
    loose: tuple[int, ...]


def solve_mesh(galerkin: Galerkin, before: MeshLevel | None) -> MeshLevel:
    """The unknowns on one mesh, beginning with those of another."""
    form = galerkin.form
    fixed, values, apart = galerkin.given()
    if before is not None and not form.linear:
        values = np.where(fixed, values, _moved(galerkin, before.pieces))
    loose = galerkin.loose(values, fixed, range(len(form.names)))
    held = galerkin.pinned(fixed, loose)
    factor: Condensed | None = None
    balanced = _balance(galerkin, loose)
    if not np.isfinite(galerkin.residual(values)).all() and (before is None or form.linear):
        raise InputError(
            "The equations have terms that are not finite everywhere in the domain or on its boundary."
        )

    def step_at(values: Floats, residual: Floats) -> Floats:
        nonlocal factor
        if factor is None or not form.linear:
            factor = Condensed(galerkin, lambda which: galerkin.matrices(values, which), held)
        return factor.solve(-balanced(residual))

    def norm(residual: Floats) -> float:
        return float(np.linalg.norm(balanced(residual)[~held]))

    enough = 3 if form.linear else 0
    values, residual, steps, converged = newton_steps(galerkin.residual, step_at, norm, values, enough, 1e-9)
    if not steps and not form.linear and before is None:
        # At zero nothing may hold the unknowns, as in lap(u) == u**3 without a boundary, and rounding decides whether
        # the step is infinite or only leads nowhere: begin elsewhere.
        values = np.where(fixed, values, values + 1.0)
        values, residual, _, converged = newton_steps(galerkin.residual, step_at, norm, values, 0, 1e-9)
    values = _centred(galerkin, values, loose)
    pieces = MeshPieces(galerkin.fields(values))
    every = range(len(form.names))
    changes = [(np.inf, np.inf) for _ in every]
    if before is not None:
        changes = []
        sizes = [pieces.norms(f) for f in every]
        largest = max(size[0] for size in sizes)
        for f in every:
            apart_now = pieces.norms(f, before.pieces)
            changes.append(
                tuple(a / max(s, 1e-6 * largest, 1e-300) for a, s in zip(apart_now, sizes[f], strict=True))
            )
    return MeshLevel(
        galerkin,
        values,
        pieces,
        apart,
        converged,
        tuple(c[0] for c in changes),
        tuple(c[1] for c in changes),
        pieces.lacks(),
        _imbalance(galerkin, residual, loose),
        1.0 if factor is None else _weakest(galerkin, factor, held, values),
        galerkin.definite(values),
        loose,
    )


def _balance(galerkin: Galerkin, loose: Sequence[int]) -> Callable[[Floats], Floats]:
    """Residuals of equations for unknowns with a free constant, without what no function lowers: a source throughout."""
    even: list[tuple[slice, Floats]] = []
    for f in loose:
        part = galerkin.slices[f]
        ones = np.zeros(galerkin.count)
        ones[part] = 1.0
        moments = galerkin.moments(ones)[part]
        even.append((part, moments / moments.sum()))

    def balanced(residual: Floats) -> Floats:
        found = residual.copy() if even else residual
        for part, share in even:
            found[part] -= residual[part].sum() * share
        return found

    return balanced


def _centred(galerkin: Galerkin, values: Floats, loose: Sequence[int]) -> Floats:
    """Unknowns with a free constant, with mean zero."""
    values = values.copy()
    for f in loose:
        values[galerkin.slices[f]] -= galerkin.mean(values, f)
    return values


def _weakest(galerkin: Galerkin, factor: Condensed, held: NDArray[np.bool_], values: Floats) -> float:
    """For the change that the equations tell least of: its residuals, relative to those of the flux alone."""
    # Linear equations say the same everywhere, and at zero without rounding.
    length, middle = (1.0, 0 * values) if galerkin.form.linear else (_LENGTH, values)
    found = np.zeros(galerkin.count)
    right = np.where(held, 0.0, np.cos(np.arange(galerkin.count) * 0.7) + 1.0)
    for _ in range(3):
        found = factor.solve(right)
        if not np.isfinite(found).all():
            return 0.0
        found = found / max(float(np.abs(found).max()), 1e-300)
        right = galerkin.moments(found)
        right[held] = 0.0
    ends = [middle + length * found, middle - length * found]
    left, flux = (
        np.subtract(*(galerkin.residual(end, source=source) for end in ends))[~held]
        for source in (True, False)
    )
    return float(np.linalg.norm(left) / max(float(np.linalg.norm(flux)), 1e-300))


def _imbalance(galerkin: Galerkin, residual: Floats, loose: Sequence[int]) -> float:
    worst = 0.0
    for f in loose:
        # Test functions that add up to one: what the equation misses in all, beside what flows and springs.
        part = galerkin.slices[f]
        start = galerkin.residual(np.zeros_like(residual))
        worst = max(worst, abs(float(residual[part].sum())) / max(float(np.abs(start[part]).sum()), 1e-300))
    return worst


def _moved(galerkin: Galerkin, before: MeshPieces) -> Floats:
    """Another mesh's unknowns at this one's places."""
    values = np.zeros(galerkin.count)
    for f in range(len(galerkin.numberings)):
        numbers, places = galerkin.nodes(f)
        values[numbers] = np.nan_to_num(before.points(f, places, (0,) * places.shape[1]))
    return values


def solve_meshes(
    region: Region | Solid | TriangleSurface,
    form: WeakForm,
    tolerance: float,
    config: SolverConfig,
    on_level: Callable[[MeshLevel], None],
) -> None:
    """Refines until the last mesh changes the unknowns by less than the tolerance; reports every level."""
    levels: list[MeshLevel] = []
    for galerkin, tell in meshes_of(region, form, config):
        levels.append(solve_mesh(galerkin, levels[-1] if levels else None))
        on_level(levels[-1])
        # Smaller elements at a lower degree measure an error less well than a higher degree does.
        same = len(levels) > 1 and levels[-1].pieces.mesh.like(levels[-2].pieces.mesh)
        if (same and max(left_of(levels)) <= tolerance) or (len(levels) > 2 and _hopeless(levels[-1])):
            break
        tell(levels[-1].lacks)


def left_of(levels: Sequence[MeshLevel]) -> tuple[float, ...]:
    """Estimated errors of the last level but one; infinite where there is none."""
    return left_by([level.change for level in levels], levels[-1].pieces.mesh)


def left_by(changes: Sequence[Sequence[float]], mesh: Elements) -> tuple[float, ...]:
    """Estimated errors of the last level but one, by the change to each level: what the last changes and, where degrees rise
    by one, what the changes of all further ones would add, as the last ones fall."""
    if mesh.degree_steps > 1 or len(changes) < 2:
        return tuple(changes[-1])
    return tuple(map(float, _with_further([np.array(change) for change in changes[1:]])))


def _with_further(changes: Sequence[Floats]) -> Floats:
    """The last change and what all further ones would add to it, as they fall where degrees rise by one."""
    last = changes[-1]
    if len(changes) < 2:
        return last
    # Even and odd functions gain by every second degree alone.
    back = 2 if len(changes) > 2 else 1
    before = changes[-1 - back]
    fall = np.where(before > 0, last / np.where(before > 0, before, 1.0), 0.0) ** (1 / back)
    return last / (1 - np.minimum(fall, _SLOWEST))


def _hopeless(level: MeshLevel) -> bool:
    """Whether finer meshes help no more."""
    return (
        not (level.converged and level.definite)
        or level.weakest < UNDETERMINED
        or level.contradiction > CONTRADICTION
        or level.imbalance > IMBALANCE
    )
