"""Least squares of the residuals on one grid: Gauss-Newton steps with a banded Cholesky factor.

For linear equations the first step is the solution up to rounding, and one or two more with the same factor and the true
residuals take off what the squared condition of the normal equations costs (iterative refinement). For nonlinear ones each
step is shortened until the sum of squares falls (Nocedal and Wright, "Numerical Optimization", 2006, chapter 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded, solve_banded

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE, Assembler, Normal, WeightingSpace
from edgewise.pde.discretisation.field import Field
from edgewise.pde.discretisation.free_constants import mean
from edgewise.pde.settings import DIAGONAL_SHIFT, MOST_STEPS, SHORTEST_STEP, STEP_TOLERANCE


@dataclass(frozen=True, eq=False)
class GridSolution:
    """The unknowns on one grid.

    Attributes
    ----------
    fields : tuple of Field
    free : ndarray
        Free coefficients, in the order of the layout.
    objective : float
        Sum of squared residuals, integrated.
    steps : int
        Gauss-Newton steps taken.
    converged : bool
    weakest : float
        Smallest pivot of the scaled normal equations: near zero where the equations do not determine the unknowns.
    share : float
        Terms that are not linear were taken with this share: below 1 it is no solution, but a way to one on finer grids.
    """

    fields: tuple[Field, ...]
    free: Floats
    objective: float
    steps: int
    converged: bool
    weakest: float
    share: float = 1.0


class Factor:
    """Cholesky factor of normal equations scaled to a diagonal of ones."""

    def __init__(self, normal: Normal, shift: float) -> None:
        diagonal = normal.band[0]
        self.scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        band = normal.band.copy()
        n = band.shape[1]
        for row in range(len(band)):
            band[row, : n - row] *= self.scale[row:] * self.scale[: n - row]
        charge(n * len(band) ** 2 / RATE)
        while True:
            band[0] = 1.0 + shift
            try:
                self.band = cholesky_banded(band, lower=True, check_finite=False)
                break
            except LinAlgError:
                shift = max(10 * shift, 1e-15)
        self.shift = shift
        self.weakest = float(self.band[0].min())

    def solve(self, right: Floats) -> Floats:
        return self.scale * cho_solve_banded((self.band, True), self.scale * right, check_finite=False)


def solve_grid(
    assembler: Assembler,
    lifts: Sequence[Floats],
    start: Floats,
    loose: Sequence[int] = (),
    most_steps: int = MOST_STEPS,
) -> GridSolution:
    """The unknowns that make the sum of squared residuals smallest.

    Parameters
    ----------
    assembler : Assembler
    lifts : sequence of ndarray, one an unknown
        What meets the conditions.
    start : ndarray
        Free coefficients to begin with.
    loose : sequence of int
        Unknowns to which a constant may be added; their mean is made zero.
    most_steps : int
    """
    layout = assembler.layout
    pinned = [layout.rank[layout.offsets[f]] for f in loose]
    linear = all(patch.compiled.linear for patch in assembler.patches)

    def fields_of(free: Floats) -> tuple[Field, ...]:
        return layout.fields(free, lifts)

    def objective_of(free: Floats) -> float:
        fields = fields_of(free)
        value = sum(patch.objective(fields) for patch in assembler.patches)
        return value if np.isfinite(value) else np.inf

    free, factor = start.copy(), None
    normal = assembler.normal(fields_of(free))
    objective, steps, converged, weakest = normal.objective, 0, False, 1.0
    size_before = np.inf
    while steps < most_steps:
        if factor is None or not linear:
            # Where a constant is free a step leaves one coefficient as it is.
            normal.band[0, pinned] *= 2
            factor = Factor(normal, DIAGONAL_SHIFT)
            weakest = min(weakest, factor.weakest)
        step = factor.solve(-normal.gradient)[layout.rank]
        size = float(np.abs(step).max(initial=0.0))
        # Against the unknowns, not the free part: where the conditions carry all, the free part is rounding.
        scale = max(
            float(np.abs(free + step).max(initial=0.0)),
            *(float(np.abs(lift).max()) for lift in lifts),
            1e-300,
        )
        length, after = 1.0, objective_of(free + step)
        while after > objective * (1 + 1e-9) + 1e-300 and length > SHORTEST_STEP and not linear:
            length *= 0.5
            after = objective_of(free + length * step)
        steps += 1
        if after > objective * (1 + 1e-9) and (not linear or size > 1e-6 * scale):
            converged = size <= 1e-7 * scale
            break
        free = free + length * step
        small = size <= STEP_TOLERANCE * scale
        stalled = length == 1.0 and size > 0.3 * size_before and size <= 1e-9 * scale
        size_before = size
        normal = assembler.normal(fields_of(free))
        objective = normal.objective
        if small or stalled:
            converged = True
            break
    for f, field in zip(loose, [fields_of(free)[f] for f in loose], strict=True):
        free[layout.offsets[f] : layout.offsets[f + 1]] -= mean(field)
    return GridSolution(fields_of(free), free, objective, steps, converged, weakest)


def solve_galerkin(
    assembler: Assembler,
    lifts: Sequence[Floats],
    start: Floats,
    tests: Sequence[WeightingSpace],
    most_steps: int = MOST_STEPS,
) -> GridSolution:
    """The unknowns whose residuals are orthogonal to the test functions: Newton's method.

    Where the grid resolves the unknowns barely, residuals are large but rough, and least squares would trade errors of the
    smooth part for them; orthogonality keeps the smooth part right.
    """
    layout, width = assembler.layout, assembler.width
    linear = assembler.patches[0].compiled.linear
    free = start.copy()
    normal = assembler.galerkin(layout.fields(free, lifts), tests)
    steps, converged, size_before = 0, False, np.inf
    while steps < most_steps:
        charge(2 * len(free) * width**2 / RATE)
        try:
            step = solve_banded((width, width), normal.band, -normal.gradient, check_finite=False)[
                layout.rank
            ]
        except LinAlgError:
            break
        if not np.isfinite(step).all():
            break
        size = float(np.abs(step).max(initial=0.0))
        scale = max(
            float(np.abs(free + step).max(initial=0.0)),
            *(float(np.abs(lift).max()) for lift in lifts),
            1e-300,
        )
        length, norm = 1.0, float(np.linalg.norm(normal.gradient))
        while True:
            trial = assembler.galerkin(layout.fields(free + length * step, lifts), tests)
            after = float(np.linalg.norm(trial.gradient))
            if linear or after <= (1 - 0.1 * length) * norm or length < SHORTEST_STEP or size <= 1e-8 * scale:
                break
            length *= 0.5
        if length < SHORTEST_STEP:
            break
        free, normal, steps = free + length * step, trial, steps + 1
        if size <= STEP_TOLERANCE * scale or (size > 0.3 * size_before and size <= 1e-10 * scale):
            converged = True
            break
        if linear and steps >= 2:
            converged = True
            break
        size_before = size
    return GridSolution(layout.fields(free, lifts), free, normal.objective, steps, converged, 1.0)
