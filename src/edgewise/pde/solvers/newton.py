"""Least squares of the residuals on one grid: Gauss-Newton steps with a banded Cholesky factor.

For linear equations the first step is the solution up to rounding, and one or two more with the same factor and the true
residuals take off what the squared condition of the normal equations costs (iterative refinement). For nonlinear ones each
step is shortened until the sum of squares falls (Nocedal and Wright, "Numerical Optimization", 2006, chapter 10).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded, solve_banded

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.field import Field
from edgewise.pde.discretisation.assembly import RATE, Assembler, Layout, Normal, Patch, WeightingSpace
from edgewise.pde.discretisation.free_constants import mean
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.settings import DIAGONAL_SHIFT, MOST_STEPS, SHORTEST_STEP, STEP_TOLERANCE

# Newton's steps in slabs of time are exact to this share, by so many steps of GMRES at most.
_KRYLOV_SHARE = 1e-3
_KRYLOV_STEPS = 40

# Steps that fall no more are rounding below this share of the unknowns.
_FLOOR = 1e-8
Map = Callable[[Floats], Floats]
T = TypeVar("T")
# Times that what the equations tell of a random change is taken off it.
_WEAKENING = 3
# A change of which such a share stays then is rounding: there is no other solution.
_DETERMINED = 1e-9
# Nonlinear terms are taken in by such a share first; shares that are tried on a grid at most.
_FIRST_SHARE = 0.25
_MOST_SHARES = 16


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
        Share of the terms of the equations that the change leaves which they tell least of: near zero where they do not
        determine the unknowns.
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

    def solve(self, right: Floats) -> Floats:
        return self.scale * cho_solve_banded((self.band, True), self.scale * right, check_finite=False)


def _largest(free: Floats, lifts: Sequence[Floats]) -> float:
    return max(float(np.abs(free).max(initial=0.0)), *(float(np.abs(lift).max()) for lift in lifts), 1e-300)


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
    objective, steps, converged, size_before = normal.objective, 0, False, np.inf
    while steps < most_steps:
        if factor is None or not linear:
            # Where a constant is free a step leaves one coefficient as it is.
            normal.band[0, pinned] *= 2
            factor = Factor(normal, DIAGONAL_SHIFT)
        step = factor.solve(-normal.gradient)[layout.rank]
        size = float(np.abs(step).max(initial=0.0))
        # Against the unknowns, not the free part: where the conditions carry all, the free part is rounding.
        scale = _largest(free + step, lifts)
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
    free = centred(layout, free, lifts, loose)
    weakest = 1.0
    if factor is not None:
        back = factor.solve

        def leaving(change: Floats) -> Floats:
            moved = layout.fields(change, [np.zeros_like(lift) for lift in lifts])
            return change - back(assembler.along(fields_of(free), moved))[layout.rank]

        weakest = weakest_share(layout, assembler.patches, fields_of(free), leaving, loose)
    return GridSolution(fields_of(free), free, objective, steps, converged, weakest)


def centred(layout: Layout, free: Floats, lifts: Sequence[Floats], loose: Sequence[int]) -> Floats:
    """Free coefficients with means of zero of the unknowns to which a constant may be added."""
    fields, moved = layout.fields(free, lifts) if loose else (), free.copy()
    for f in loose:
        moved[layout.offsets[f] : layout.offsets[f + 1]] -= mean(fields[f])
    return moved


def weakest_share(
    layout: Layout, patches: Sequence[Patch], fields: Sequence[Field], leaving: Map, loose: Sequence[int] = ()
) -> float:
    """Share of the terms of the equations that the change leaves which they tell least of.

    Without sources the linearised equations have the solution zero alone, or there are many. So of a random change
    all is taken off that the solver finds for it, a few times; what stays is weighed by what it does to the equations.

    Parameters
    ----------
    layout : Layout
    patches : sequence of Patch
    fields : sequence of Field
        Where the equations are linearised.
    leaving : callable
        A change without what the solver finds for it.
    loose : sequence of int
        Unknowns to which a constant may be added.
    """
    nothing = [np.zeros(field.coefficients.shape) for field in fields]
    change = np.random.default_rng(0).standard_normal(layout.count)
    for _ in range(_WEAKENING):
        change = leaving(change)
        largest = float(np.abs(change).max(initial=0.0))
        if not _DETERMINED < largest < np.inf:
            return 1.0
        change = centred(layout, change / largest, nothing, loose)
    return share_left(patches, fields, layout.fields(change, nothing))


def share_left(patches: Sequence[Patch], fields: Sequence[Field], change: Sequence[Field]) -> float:
    """Share of the terms of the linearised equations and conditions that a change of the unknowns leaves.

    Beside what a term is, what it would be for a change that varies once over the box counts: constants have no slope.
    """
    spaces = fields[0].spaces
    spans = [space.high - space.low for space in spaces]
    sizes = [float(np.sqrt(np.mean(field.coefficients**2))) for field in change]
    left = whole = 0.0
    for patch in patches:
        slopes = patch.compiled.derivatives(patch.places(spaces), patch.jets(fields))
        moved = patch.jets(change)
        shape = (patch.compiled.count, *patch.mass.shape)
        residual, terms = np.zeros(shape), np.zeros(shape)
        for (e, j), slope in zip(patch.compiled.entries, slopes, strict=True):
            f, orders = patch.compiled.jets[j]
            usual = sizes[f] / float(
                np.prod([span**order for span, order in zip(spans, orders, strict=True)])
            )
            residual[e] += slope * moved[j]
            terms[e] += np.abs(slope) * (np.abs(moved[j]) + usual)
        left += float((patch.mass * residual**2).sum())
        whole += float((patch.mass * terms**2).sum())
    return float(np.sqrt(left / whole)) if whole else 0.0


def newton_steps(
    at: Callable[[Floats], T],
    step_at: Callable[[Floats, T], Floats],
    norm: Callable[[T], float],
    start: Floats,
    enough: int,
    rounding: float,
    least: float = 1e-300,
    most_steps: int = MOST_STEPS,
) -> tuple[Floats, T, int, bool]:
    """Newton's method: the unknowns, what is found there, the steps, and whether they came to an end.

    Residuals are found with whatever else a step needs. So many steps are `enough` for linear equations (zero: they are
    not linear); steps that fall no more are rounding below a share of the unknowns, which are `least` in size at least.
    """
    values, found, steps, size_before = start, at(start), 0, np.inf
    while steps < most_steps:
        step = step_at(values, found)
        if not np.isfinite(step).all():
            break
        size, scale = float(np.abs(step).max(initial=0.0)), float(np.abs(values + step).max(initial=least))
        length, trial = 1.0, at(values + step)
        while not (enough or norm(trial) <= (1 - 0.1 * length) * norm(found) or size <= 1e-8 * scale):
            length *= 0.5
            if length < SHORTEST_STEP:
                return values, found, steps, False
            trial = at(values + length * step)
        values, found, steps = values + length * step, trial, steps + 1
        stalled = size > 0.3 * size_before and size <= rounding * scale
        if size <= STEP_TOLERANCE * scale or stalled or 0 < enough <= steps:
            return values, found, steps, True
        size_before = size
    return values, found, steps, False


def solve_galerkin(
    assembler: Assembler,
    lifts: Sequence[Floats],
    start: Floats,
    tests: Sequence[WeightingSpace],
    most_steps: int = MOST_STEPS,
    weighed: bool = False,
) -> GridSolution:
    """The unknowns whose residuals are orthogonal to the test functions: Newton's method.

    Where the grid resolves the unknowns barely, residuals are large but rough, and least squares would trade errors of the
    smooth part for them; orthogonality keeps the smooth part right.
    """
    layout, width = assembler.layout, assembler.width

    def step_at(free: Floats, normal: Normal) -> Floats:
        charge(2 * len(free) * width**2 / RATE)
        try:
            step = solve_banded((width, width), normal.band, -normal.gradient, check_finite=False)
        except LinAlgError:
            return np.full_like(free, np.nan)
        return step[layout.rank]

    def at(free: Floats) -> Normal:
        return assembler.galerkin(layout.fields(free, lifts), tests)

    def norm(normal: Normal) -> float:
        return float(np.linalg.norm(normal.gradient))

    enough, least = 2 if assembler.patches[0].compiled.linear else 0, _largest(np.zeros(0), lifts)
    found = newton_steps(at, step_at, norm, start.copy(), enough, 1e-10, least, most_steps)
    free, normal, steps, converged = found
    fields, weakest = layout.fields(free, lifts), 1.0
    if weighed and converged:
        offsets = range(width, -width - 1, -1)
        matrix = sparse.dia_matrix((normal.band, offsets), shape=(layout.count, layout.count))
        order = np.argsort(layout.rank)

        def leaving(change: Floats) -> Floats:
            right = matrix @ change[order]
            return change - solve_banded((width, width), normal.band, right, check_finite=False)[layout.rank]

        weakest = weakest_share(layout, assembler.patches, fields, leaving)
    return GridSolution(fields, free, normal.objective, steps, converged, weakest)


def gmres(apply: Map, right: Floats, share: float, most: int) -> tuple[Floats, float]:
    """A vector that the map takes to the right side up to a share of it, and the share that was reached.

    References
    ----------
    Y. Saad and M. H. Schultz 1986, doi:10.1137/0907058.
    """
    size = float(np.linalg.norm(right))
    if size == 0:
        return np.zeros_like(right), 0.0
    basis = [right / size]
    table = np.zeros((most + 1, most))
    found, left = np.zeros(0), 1.0
    for n in range(most):
        new = apply(basis[n])
        for _ in range(2):
            parts = np.array([old @ new for old in basis])
            new = new - parts @ np.array(basis)
            table[: n + 1, n] += parts
        table[n + 1, n] = np.linalg.norm(new)
        target = np.zeros(n + 2)
        target[0] = size
        found = np.linalg.lstsq(table[: n + 2, : n + 1], target, rcond=None)[0]
        left = float(np.linalg.norm(table[: n + 2, : n + 1] @ found - target)) / size
        if left <= share or table[n + 1, n] <= 1e-15 * size or not np.isfinite(left):
            break
        basis.append(new / table[n + 1, n])
    return found @ np.array(basis[: len(found)]), left


def _linear(operators: Operators, slopes: Sequence[Floats], back: Map) -> Map:
    """The linearised equations, the inverse before them."""
    return lambda step: back(operators.derivative(slopes, step))


def solve_newton_krylov(
    operators: Operators,
    lifts: Sequence[Floats],
    start: Floats,
    inverse: Callable[[Sequence[Floats]], Map],
    most_steps: int = MOST_STEPS,
    weighed: bool = False,
    loose: Sequence[int] = (),
) -> GridSolution:
    """The unknowns whose residuals are orthogonal to the test functions.

    Parameters
    ----------
    operators : Operators
    lifts : sequence of ndarray, one an unknown
    start : ndarray
        Free coefficients to begin with.
    inverse : callable
        Coefficients of the linearised equations -> an approximate inverse.
    most_steps : int
    weighed : bool
        Whether to find what the equations tell least of.
    loose : sequence of int
        Unknowns to which a constant may be added.
    """
    lifted = max(float(np.abs(lift).max(initial=0.0)) for lift in lifts)
    free = start.copy()
    jets = operators.jets(free)
    slopes = operators.slopes(jets)
    linear = operators.patch.compiled.linear
    steps, converged, weakest = 0, False, 1.0
    fields = operators.fields(free, lifts)
    try:
        back = inverse(slopes)
        asked = -back(operators.residual(jets))
        while steps < most_steps and np.isfinite(asked).all():
            # Linear equations are solved at once; others to what the step leaves anyhow.
            share = STEP_TOLERANCE if linear else _KRYLOV_SHARE
            step, left = gmres(_linear(operators, slopes, back), asked, share, _KRYLOV_STEPS)
            scale = max(float(np.abs(free + step).max(initial=0.0)), lifted, 1e-300)
            size, norm = float(np.abs(step).max(initial=0.0)), float(np.linalg.norm(asked))
            length = 1.0
            while True:
                trial = free + length * step
                jets = operators.jets(trial)
                after = -back(operators.residual(jets))
                short = float(np.linalg.norm(after)) <= (1 - 0.1 * length) * norm
                if short or length < SHORTEST_STEP or size <= 1e-8 * scale:
                    break
                length *= 0.5
            if not np.isfinite(after).all():
                break
            steps += 1
            before, free, asked = size, trial, after
            if not linear:
                slopes = operators.slopes(jets)
            rest = float(np.abs(asked).max(initial=0.0))
            if rest <= STEP_TOLERANCE * scale or (rest > 0.3 * before and rest <= _FLOOR * scale):
                converged = True
                break
            if length < SHORTEST_STEP:
                break
            if left > 0.5 or (not linear and left > _KRYLOV_SHARE):
                back = inverse(slopes)
                asked = -back(operators.residual(jets))
        fields = operators.fields(free, lifts)
        if weighed and converged:
            apply = _linear(operators, slopes, back)

            def leaving(change: Floats) -> Floats:
                return change - gmres(apply, apply(change), STEP_TOLERANCE, _KRYLOV_STEPS)[0]

            weakest = weakest_share(operators.layout, [operators.patch], fields, leaving, loose)
    except np.linalg.LinAlgError:
        fields = operators.fields(free, lifts)
    residuals = operators.patch.compiled.residuals(operators.places, jets)
    objective = float(sum((operators.patch.mass * r * r).sum() for r in residuals))
    return GridSolution(fields, free, objective, steps, converged, weakest)


def continue_to_all(
    at_share: Callable[[float, Floats], GridSolution],
    start: Floats,
    failed: GridSolution,
) -> GridSolution:
    """The solution of the equations with as much of their nonlinear terms as there is a way to.

    Parameters
    ----------
    at_share : callable
        (share of the nonlinear terms, where to begin) -> solution.
    start : ndarray
    failed : GridSolution
        What the whole equations gave from the start; returned where not even their linear part has a solution.
    """
    held = at_share(0.0, start)
    share, step = 0.0, _FIRST_SHARE
    if not held.converged:
        return failed
    for _ in range(_MOST_SHARES):
        trial = at_share(min(share + step, 1.0), held.free)
        if trial.converged:
            held, share, step = trial, min(share + step, 1.0), 2 * step
            if share == 1:
                return held
        else:
            step /= 4
    return replace(held, share=share, converged=False)
