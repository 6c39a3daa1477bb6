"""One network of products for the whole box, trained by Levenberg and Marquardt's method: a few products on a coarse grid
first, then more of both, whichever lowers the residuals more (nested growth).

    u = what meets the conditions + sum over r of a_r(x) b_r(t)

New products begin at the largest singular vectors of the residuals and are fitted one coordinate after the other
(alternating least squares) before all factors move together. As long as there are but the first few, every grid is begun
afresh: what a coarse grid made of a steep front is no good start for a finer one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.fields.quadrature import gauss
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import RATE, Patch, ReducedAxis
from edgewise.pde.discretisation.lift import conditioned
from edgewise.pde.discretisation.product_sums import Factors, ProductSystem, normal_equations
from edgewise.pde.problem.problem import Problem
from edgewise.pde.settings import FIRST_INTERVALS, UNDETERMINED, SolverConfig
from edgewise.pde.solvers.error_estimates import differences, residual_parts, scales
from edgewise.pde.solvers.levels import (
    BoxSystem,
    Level,
    first_spaces,
    relative_residual,
    solve_level,
    violated,
    with_conditions,
)
from edgewise.pde.solvers.newton import GridSolution

# Degree of the splines of the factors.
DEGREE = 7
# Products at first. Few have few places to get stuck; of 5 and 8 on a front, 8 ended in a valley.
_FIRST_PRODUCTS = 5
# Share of the products, and number, that are added at a time.
_MORE_SHARE = 1 / 3
_LEAST_MORE = 3
# Intervals are halved that have this share of the squared rough residuals.
_ROUGH_SQUARES = 0.9
# Products stay that bring the squared residuals to this share; what brought them to the second share is done again,
# be it a finer grid or more products.
_WORTH = 0.8
_WORTH_AGAIN = 0.3
# Products are trained that lower the squared residuals to this share by themselves, with this share of their step at
# least.
_PROMISING = 0.8
_SHORTEST_STEP = 0.01
# First and largest number added to the scaled diagonal.
_FIRST_DAMPING = 1e-3
_MOST_DAMPING = 1e12
# Steps on a grid; so many that leave more than a share of the squared residuals end it.
_MOST_STEPS = 100
_SLOW_STEPS = 4
_SLOW = 0.9
# Turns of alternating least squares for new products, and what is added to their scaled diagonal.
_SWEEPS = 3
_SWEEP_SHIFT = 1e-6
# Whether the equations determine the unknowns is seen on a grid of so many intervals.
_COARSE_INTERVALS = 8


@dataclass(frozen=True, eq=False)
class ProductStage:
    """A sum of products on a grid.

    Attributes
    ----------
    spaces : tuple of Space
    first : tuple of Space
        Those of the first grid.
    system : ProductSystem
    contradiction : float
        How far the data of two faces are apart where these meet, relative to them.
    factors : Factors
        Without products at first.
    objective : float
        Sum of squared residuals, integrated.
    steps : int
        Of Levenberg and Marquardt's method.
    """

    spaces: tuple[Space, ...]
    first: tuple[Space, ...]
    system: ProductSystem
    contradiction: float
    factors: Factors
    objective: float = float("inf")
    steps: int = 0

    @property
    def products(self) -> int:
        """Number of products."""
        return self.factors[0][0].shape[1]


def check_products(problem: Problem, resume: object) -> None:
    """Refuse what is no function of two coordinates of a box.

    Raises
    ------
    InputError
    """
    domain = problem.domain
    box = domain.on_grid
    if not box or domain.parameters or len(domain.coordinates) != 2:
        what = f"a box of {len(domain.coordinates)} coordinates" if box else "a shape, a surface or a solid"
        raise InputError(
            argument="road",
            expected="be 'products' for a box of two coordinates alone, without parameters",
            got=what,
            advice="leave 'road' out",
        )
    if resume is not None:
        raise InputError(
            argument="resume",
            expected="be for problems that march through time",
            advice="leave it or 'road' out",
        )


def grow_products(
    problem: Problem,
    system: BoxSystem,
    tolerance: float,
    config: SolverConfig,
    on_level: Callable[[Level, float], None],
) -> None:
    """Trains stage after stage until the estimated error is within the tolerance; each is reported with its estimate."""
    bounds, around = problem.domain.bounds, problem.domain.periodic
    spaces = first_spaces(bounds, around, system.degrees, FIRST_INTERVALS)
    # Whether the equations determine the unknowns is seen from all coefficients of a coarse grid: damping would hide it.
    coarse = first_spaces(bounds, around, system.degrees, _COARSE_INTERVALS)
    weakest = solve_level(system, coarse, None, most_steps=1).solution.weakest
    stage = trained(begun(_stage_on(system, spaces, spaces), _FIRST_PRODUCTS))
    levels = [_level(stage, None, weakest)]
    on_level(levels[-1], np.inf)
    finer, waiting = True, None
    while True:
        after = refined(system, stage, levels[-1].rough) if finer else more_products(stage)
        if after is not None:
            if sum(table.size for factor in after.factors for table in factor) > config.most_factors:
                return
            after = trained(after)
        gain = 1.0 if after is None else after.objective / stage.objective
        if gain >= _WORTH:
            # A finer grid that does not help waits for what more products do; where neither helps, it is taken.
            if finer and after is not None:
                waiting, finer = after, False
                continue
            after, finer = waiting, True
            if after is None:
                continue
        if after is None:
            continue
        levels.append(_level(after, levels[-1], weakest))
        stage, error, waiting = after, products_error(levels), None
        on_level(levels[-1], error)
        if error <= tolerance or weakest < UNDETERMINED:
            return
        finer = finer if gain < _WORTH_AGAIN else not finer


def products_error(levels: Sequence[Level]) -> float:
    """Estimated relative L2 error of the last stage.

    What stages still to come would change is a geometric series of what the last ones changed, with the fall of the
    residuals as its ratio; the larger of two, since a stage may change the unknowns by chance little.
    """
    found = []
    for before, after in list(pairwise(levels))[-3:]:
        fall = min(np.sqrt(after.solution.objective / max(before.solution.objective, 1e-300)), 0.99)
        last = np.sqrt(levels[-1].solution.objective / max(after.solution.objective, 1e-300))
        found.append(after.change * fall / (1 - fall) * min(last, 1.0))
    return max(*found, 1e-15) if found else float("inf")


def _stage_on(system: BoxSystem, spaces: tuple[Space, ...], first: tuple[Space, ...]) -> ProductStage:
    """No products yet on a grid; conditions are met by functions as wide as the first grid's splines, whatever the grid."""
    layout, lifts, contradiction = conditioned(spaces, system.faces.built_in, len(system.names), wide=first)
    rules = tuple(gauss(space, space.degree + 1) for space in spaces)
    patches = with_conditions(Patch(system.inside, rules), spaces, system.faces)
    none: Any = tuple(tuple(np.zeros((axis.size, 0)) for axis in own) for own in layout.axes)
    return ProductStage(spaces, first, ProductSystem(layout, patches, lifts), contradiction, none)


def refined(system: BoxSystem, stage: ProductStage, rough: Sequence[Floats]) -> ProductStage:
    """The same sum on a grid with those intervals halved that have most of the rough residuals; or its first products
    begun afresh."""
    widths = scales(stage.system.patches[0], stage.system.lifted)
    rough = [array / width for array, width in zip(rough, widths, strict=True)]
    every = np.sort(np.concatenate([array**2 for array in rough]))[::-1]
    last = every[np.searchsorted(np.cumsum(every), _ROUGH_SQUARES * every.sum())]
    # Places that mirror each other are alike but for rounding; both are taken.
    spaces = tuple(
        space.refined(array**2 >= 0.9 * last) if (array**2 >= 0.9 * last).any() else space
        for space, array in zip(stage.spaces, rough, strict=True)
    )
    after = _stage_on(system, spaces, stage.first)
    if stage.products <= _FIRST_PRODUCTS:
        return begun(after, stage.products)
    moved: Any = tuple(
        tuple(_moved(old, new, table) for old, new, table in zip(one, two, own, strict=True))
        for one, two, own in zip(
            stage.system.layout.axes, after.system.layout.axes, stage.factors, strict=True
        )
    )
    return replace(after, factors=moved)


def _moved(old: ReducedAxis, new: ReducedAxis, table: Floats) -> Floats:
    """Free coefficients of the same functions on finer breaks."""
    whole = old.reduction.free @ table
    if old.space is not new.space:
        whole = old.space.insertion(new.space) @ whole
    return np.asarray(whole[new.reduction.own])


def begun(stage: ProductStage, count: int) -> ProductStage:
    """The first products, by what the residuals of the conditions' functions ask for."""
    return replace(stage, factors=_new_products(stage, count))


def more_products(stage: ProductStage) -> ProductStage | None:
    """The sum with new products, or None where these lower the residuals little."""
    count = max(_LEAST_MORE, int(stage.products * _MORE_SHARE))
    new = _new_products(stage, count)
    before = stage.system.objective(stage.factors)
    share = 1.0
    while share >= _SHORTEST_STEP:
        # Equations that are not linear may ask for a part of the step only.
        joint: Any = tuple(
            tuple(np.concatenate([a, np.sqrt(share) * b], axis=1) for a, b in zip(*item, strict=True))
            for item in zip(stage.factors, new, strict=True)
        )
        after = stage.system.objective(joint)
        if after < _PROMISING * before:
            return replace(stage, factors=joint)
        share /= 4
    return None


def _new_products(stage: ProductStage, count: int) -> Factors:
    """Products that lower the linearised residuals: from their largest singular vectors, one coordinate at a time."""
    parts = stage.system.linearised(stage.factors)
    splines = stage.system.splines[0]
    _, _, along = np.linalg.svd(np.concatenate(parts[0].residuals), full_matrices=False)
    root = np.sqrt(stage.system.patches[0].rules[1].weights.ravel())
    wanted = along[: min(count, len(along))].T / root[:, None]
    factors: Any = tuple((np.zeros((own[0].size, wanted.shape[1])), own[1].fitted(wanted)) for own in splines)
    for turn in range(2 * _SWEEPS):
        axis = turn % 2
        matrix, gradient = normal_equations(parts, factors, (axis,))
        found = _damped(matrix, -gradient, _SWEEP_SHIFT)
        solved = _apart(found, [(own[axis],) for own in factors])
        factors = tuple(
            tuple(solved[f][0] if a == axis else table for a, table in enumerate(own))
            for f, own in enumerate(factors)
        )
        factors = balanced(factors)
    return factors


def trained(stage: ProductStage) -> ProductStage:
    """All factors moved together, by Levenberg and Marquardt's method in units of the diagonal."""
    factors, system = stage.factors, stage.system
    damping, steps, slow = _FIRST_DAMPING, 0, 0
    parts = system.linearised(factors)
    objective = sum(part.objective for part in parts)
    while steps < _MOST_STEPS and slow < _SLOW_STEPS:
        matrix, gradient = normal_equations(parts, factors)
        while True:
            try:
                step = _damped(matrix, -gradient, damping)
            except LinAlgError:
                damping = max(10 * damping, 1e-14)
                continue
            trial = _apart(_joined(factors) + step, factors)
            after = system.objective(trial)
            if after < objective or damping > _MOST_DAMPING:
                break
            damping *= 4
        if after >= objective:
            break
        steps += 1
        slow = slow + 1 if after > _SLOW * objective else 0
        factors, objective, damping = balanced(trial), after, max(damping / 5, 1e-15)
        parts = system.linearised(factors)
    return replace(stage, factors=factors, objective=objective, steps=steps)


def _damped(matrix: Floats, right: Floats, damping: float) -> Floats:
    """The solution of equations scaled to a diagonal of ones, with the damping added to it."""
    diagonal = np.diag(matrix)
    scale = 1 / np.sqrt(diagonal + 1e-14 * diagonal.max(initial=1e-300))
    scaled = matrix * scale[:, None] * scale
    scaled[np.diag_indices(len(scale))] += damping
    charge(len(scale) ** 3 / 3 / RATE)
    return np.asarray(
        scale * cho_solve(cho_factor(scaled, check_finite=False, overwrite_a=True), scale * right)
    )


def balanced(factors: Factors) -> Factors:
    """The same products with factors of equal size: a product does not determine how it is shared."""
    found: Any = []
    for one, two in factors:
        a, b = np.linalg.norm(one, axis=0), np.linalg.norm(two, axis=0)
        ratio = np.sqrt(np.where((a > 0) & (b > 0), b / np.where(a > 0, a, 1.0), 1.0))
        found.append((one * ratio, two / np.where(ratio > 0, ratio, 1.0)))
    return tuple(found)


def _joined(factors: Factors) -> Floats:
    return np.concatenate([table.ravel() for own in factors for table in own])


def _apart(flat: Floats, like: Sequence[Sequence[Floats]]) -> Any:
    """The tables of a flat vector, in the shapes of others."""
    found, at = [], 0
    for own in like:
        tables = []
        for table in own:
            tables.append(flat[at : at + table.size].reshape(table.shape))
            at += table.size
        found.append(tuple(tables))
    return tuple(found)


def _level(stage: ProductStage, before: Level | None, weakest: float) -> Level:
    fields = stage.system.fields(stage.factors)
    patch = stage.system.patches[0]
    jets = patch.jets(fields)
    rough, indicator = residual_parts(patch, fields, jets)
    change = np.inf if before is None else max(differences(fields, before.solution.fields))
    count = sum(table.size for own in stage.factors for table in own)
    solution = GridSolution(fields, np.zeros(count), stage.objective, stage.steps, True, weakest)
    return Level(
        stage.spaces,
        solution,
        stage.contradiction,
        change,
        rough,
        indicator,
        relative_residual(patch, solution, jets),
        violated(stage.system.patches[1:], fields),
        False,
    )
