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
from edgewise.pde.discretisation.assembly import RATE, Layout, Patch, ReducedAxis
from edgewise.pde.discretisation.faces import BuiltIn
from edgewise.pde.discretisation.lift import lift, reductions
from edgewise.pde.discretisation.product_sums import Factors, ProductSystem, normal_equations
from edgewise.pde.discretisation.quadrature import AxisRule, end, gauss
from edgewise.pde.discretisation.space import Space
from edgewise.pde.domains.box import Box
from edgewise.pde.problem.problem import Problem
from edgewise.pde.settings import ProductConfig, SolverConfig
from edgewise.pde.solvers.gauss_newton import GridSolution
from edgewise.pde.solvers.levels import (
    BoxSystem,
    Level,
    first_spaces,
    relative_residual,
    solve_level,
    violated,
    weak_weight,
)
from edgewise.pde.solvers.norms import differences
from edgewise.pde.solvers.rough_residuals import residual_parts, scales


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
    box = isinstance(domain, Box)
    if not box or domain.parameters or len(domain.coordinates) != 2:
        what = f"a box of {len(domain.coordinates)} coordinates" if box else "a shape, a surface or a solid"
        raise InputError(
            "The 'road' parameter of solve can be 'products' for a box of two coordinates, without parameters. Got "
            f"{what}; leave 'road' out."
        )
    if resume is not None:
        raise InputError(
            "The 'resume' parameter of solve is for problems that march through time; leave it or 'road' out."
        )


def grow_products(
    problem: Problem,
    system: BoxSystem,
    tolerance: float,
    config: SolverConfig,
    on_level: Callable[[Level, float], None],
) -> None:
    """Trains stage after stage until the estimated error is within the tolerance; each is reported with its estimate."""
    own = config.products
    bounds, around = problem.domain.bounds, problem.domain.periodic
    spaces = first_spaces(bounds, around, system.degrees, config.first_intervals)
    # Whether the equations determine the unknowns is seen from all coefficients of a coarse grid: damping would hide it.
    coarse = first_spaces(bounds, around, system.degrees, own.coarse)
    weakest = solve_level(system, coarse, None, replace(config, most_steps=1)).solution.weakest
    weakest = weakest if weakest > own.undetermined else 0.0
    stage = trained(begun(_stage_on(system, spaces, spaces), own.first, own), own)
    levels = [_level(stage, None, weakest)]
    on_level(levels[-1], np.inf)
    finer, waiting = True, None
    while True:
        after = refined(system, stage, levels[-1].rough, own) if finer else more_products(stage, own)
        if after is not None:
            if sum(table.size for each in after.factors for table in each) > config.most_factors:
                return
            after = trained(after, own)
        gain = 1.0 if after is None else after.objective / stage.objective
        if gain >= own.worth:
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
        if error <= tolerance:
            return
        finer = finer if gain < own.again else not finer


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
    count = len(system.names)
    reduced = reductions(spaces, system.faces.built_in, count)
    wide = reductions(first, system.faces.built_in, count)
    axes = tuple(tuple(ReducedAxis(*each) for each in zip(spaces, own, strict=True)) for own in reduced)
    lifts: list[Floats] = []
    contradiction = 0.0
    for f in range(count):
        own: list[BuiltIn] = [each for each in system.faces.built_in if each.field == f]
        blends = [a.insertion(b) @ each.lift for a, b, each in zip(first, spaces, wide[f], strict=True)]
        table, apart = lift(spaces, reduced[f], own, blends=blends)
        lifts.append(table)
        contradiction = max(contradiction, apart)
    rules = tuple(gauss(space, space.degree + 1) for space in spaces)
    patches = [Patch(system.inside, rules)]
    for weak in system.faces.weak:
        on: list[AxisRule] = list(rules)
        on[weak.face.axis] = end(spaces[weak.face.axis], weak.face.high)
        patches.append(Patch(weak.compiled, tuple(on), weak_weight(spaces, weak.face.axis)))
    none: Any = tuple(tuple(np.zeros((axis.size, 0)) for axis in own) for own in axes)
    return ProductStage(spaces, first, ProductSystem(Layout(axes), patches, lifts), contradiction, none)


def refined(
    system: BoxSystem, stage: ProductStage, rough: Sequence[Floats], config: ProductConfig
) -> ProductStage:
    """The same sum on a grid with those intervals halved that have most of the rough residuals; or its first products
    begun afresh."""
    widths = scales(stage.system.patches[0], stage.system.lifted)
    rough = [each / width for each, width in zip(rough, widths, strict=True)]
    every = np.sort(np.concatenate([each**2 for each in rough]))[::-1]
    last = every[np.searchsorted(np.cumsum(every), config.marked * every.sum())]
    # Places that mirror each other are alike but for rounding; both are taken.
    spaces = tuple(
        space.refined(each**2 >= 0.9 * last) if (each**2 >= 0.9 * last).any() else space
        for space, each in zip(stage.spaces, rough, strict=True)
    )
    after = _stage_on(system, spaces, stage.first)
    if stage.products <= config.first:
        return begun(after, stage.products, config)
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


def begun(stage: ProductStage, count: int, config: ProductConfig) -> ProductStage:
    """The first products, by what the residuals of the conditions' functions ask for."""
    return replace(stage, factors=_new_products(stage, count, config))


def more_products(stage: ProductStage, config: ProductConfig) -> ProductStage | None:
    """The sum with new products, or None where these lower the residuals little."""
    count = max(config.least_more, int(stage.products * config.more))
    new = _new_products(stage, count, config)
    before = stage.system.objective(stage.factors)
    share = 1.0
    while share >= config.shortest:
        # Equations that are not linear may ask for a part of the step only.
        joint: Any = tuple(
            tuple(np.concatenate([a, np.sqrt(share) * b], axis=1) for a, b in zip(*each, strict=True))
            for each in zip(stage.factors, new, strict=True)
        )
        after = stage.system.objective(joint)
        if after < config.promising * before:
            return replace(stage, factors=joint)
        share /= 4
    return None


def _new_products(stage: ProductStage, count: int, config: ProductConfig) -> Factors:
    """Products that lower the linearised residuals: from their largest singular vectors, one coordinate at a time."""
    parts = stage.system.linearised(stage.factors)
    splines = stage.system.splines[0]
    _, _, along = np.linalg.svd(np.concatenate(parts[0].residuals), full_matrices=False)
    root = np.sqrt(stage.system.patches[0].rules[1].weights.ravel())
    wanted = along[: min(count, len(along))].T / root[:, None]
    factors: Any = tuple((np.zeros((own[0].size, wanted.shape[1])), own[1].fitted(wanted)) for own in splines)
    for turn in range(2 * config.sweeps):
        axis = turn % 2
        matrix, gradient = normal_equations(parts, factors, (axis,))
        found = _damped(matrix, -gradient, config.shift)
        solved = _apart(found, [(own[axis],) for own in factors])
        factors = tuple(
            tuple(solved[f][0] if a == axis else table for a, table in enumerate(own))
            for f, own in enumerate(factors)
        )
        factors = balanced(factors)
    return factors


def trained(stage: ProductStage, config: ProductConfig) -> ProductStage:
    """All factors moved together, by Levenberg and Marquardt's method in units of the diagonal."""
    factors, system = stage.factors, stage.system
    damping, steps, slow = config.damping, 0, 0
    parts = system.linearised(factors)
    objective = sum(part.objective for part in parts)
    while steps < config.most_steps and slow < config.slow_steps:
        matrix, gradient = normal_equations(parts, factors)
        while True:
            try:
                step = _damped(matrix, -gradient, damping)
            except LinAlgError:
                damping = max(10 * damping, 1e-14)
                continue
            trial = _apart(_joined(factors) + step, factors)
            after = system.objective(trial)
            if after < objective or damping > config.most_damping:
                break
            damping *= 4
        if after >= objective:
            break
        steps += 1
        slow = slow + 1 if after > config.slow * objective else 0
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
