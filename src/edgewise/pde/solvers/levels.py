"""One grid after the other: each is refined where the splines' highest derivatives jump, until the error is small enough."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment

from edgewise._core.arrays import Floats
from edgewise.fields.field import Field, next_modes
from edgewise.fields.quadrature import AxisRule, end, gauss, radau
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import Assembler, Layout, Patch, WeightingSpace
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.discretisation.free_constants import loose_unknowns
from edgewise.pde.discretisation.lift import conditioned
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.problem.jets import Compiled
from edgewise.pde.settings import BANDLESS, MOST_STEPS, RESIDUAL_LEFT, ROUGH_SHARE, UNDETERMINED, SolverConfig
from edgewise.pde.solvers.error_estimates import differences, residual_parts
from edgewise.pde.solvers.frozen import FrozenSlab, slab_axis
from edgewise.pde.solvers.newton import (
    GridSolution,
    continue_to_all,
    solve_galerkin,
    solve_grid,
    solve_newton_krylov,
)
from edgewise.pde.solvers.separable import SeparableInverse
from edgewise.pde.solvers.solenoidal import Solenoidal

# Steps of Newton's method for each share of the nonlinear terms.
_SHARE_STEPS = 10
# Refinement ends early where the sum of squares stays above the first share of what it was two grids ago, and the
# unknowns change by less than the second.
_STALL = 0.8
_STALL_CHANGE = 0.02
# Grids of fewer coefficients cost nothing: what they do not resolve yet is no stall.
_STALL_FROM = 500
# Of smooth manufactured solutions the errors were up to 4.6 times what the indicator foretells, of weak ones up to 16.
_SAFETY, _SAFETY_WEAK = 2.0, 6.0
# Relative errors below that are rounding.
_LEAST_ERROR = 4e-15
# Grids of two coordinates have at least so many intervals where equations may be at resonance.
_WAVE_INTERVALS = 8


@dataclass(frozen=True, eq=False)
class BoxSystem:
    """Equations and conditions on a box, ready for any grid.

    Attributes
    ----------
    names : tuple of str
        The unknowns.
    inside : Compiled
    faces : FaceConditions
    degrees : tuple of int
        Of the splines of each coordinate.
    tests : tuple of WeightingSpace or None
        What each equation is tested against where nothing marches; None for least squares.
    lower : tuple of (tuple of int), one an unknown
        How much lower its degrees are; empty where all are alike.
    solenoidal : Solenoidal or None
        What the divergence of unknowns has to be zero of, by construction.
    """

    names: tuple[str, ...]
    inside: Compiled
    faces: FaceConditions
    degrees: tuple[int, ...]
    tests: tuple[WeightingSpace, ...] | None = None
    lower: tuple[tuple[int, ...], ...] = ()
    solenoidal: Solenoidal | None = None

    def own(self, f: int, spaces: Sequence[Space]) -> tuple[Space, ...]:
        """The spaces of an unknown."""
        return (
            tuple(s.lowered(n) for s, n in zip(spaces, self.lower[f], strict=True))
            if self.lower
            else tuple(spaces)
        )

    def whole(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """All unknowns of the problem, by those that are solved for."""
        return tuple(fields) if self.solenoidal is None else self.solenoidal.whole(fields)

    def marching(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """Those that are solved for, of all."""
        return tuple(fields) if self.solenoidal is None else self.solenoidal.without(fields)

    @cached_property
    def loose(self) -> tuple[int, ...]:
        """Unknowns to which a constant may be added."""
        return loose_unknowns(self.inside, self.faces, len(self.names))


@dataclass(frozen=True, eq=False)
class Level:
    """What one grid gave.

    Attributes
    ----------
    spaces : tuple of Space
    solution : GridSolution
    contradiction : float
        How far the data of two faces are apart where these meet, relative to them.
    change : float
        Relative L2 difference from the grid before, the largest of all unknowns; infinite on the first.
    rough : tuple of ndarray
        For each coordinate and interval, the residuals that are rough along it, or what the splines lack.
    indicator : float
        The error by these, in units of its own.
    relative : float
        Share of the terms of the equations that the residuals are.
    violation : float
        The same of conditions that are met in the mean; 0 where all are built in.
    weak : bool
        Whether residuals are tested with the unknowns' own splines, not made small themselves.
    """

    spaces: tuple[Space, ...]
    solution: GridSolution
    contradiction: float
    change: float
    rough: tuple[Floats, ...]
    indicator: float
    relative: float
    violation: float
    weak: bool


def solve_level(
    system: BoxSystem,
    spaces: tuple[Space, ...],
    before: Sequence[Field] | None,
    known: dict[int, Field] | None = None,
    tests: Sequence[WeightingSpace] | None = None,
    continued: bool = False,
    most_steps: int = MOST_STEPS,
) -> Level:
    """Least squares on one grid, beginning with a solution on another.

    Parameters
    ----------
    system : BoxSystem
    spaces : tuple of Space
    before : sequence of Field, optional
        Where to begin.
    known : dict, optional
        Data of conditions built in that are splines, by the condition's number.
    tests : sequence of WeightingSpace, optional
        What each equation is tested against; without them residuals are made small in the mean of squares.
    continued : bool
        Whether nonlinear terms may be taken in step by step where Newton's method fails.
    most_steps : int
    """
    layout, lifts, contradiction = conditioned(
        spaces, system.faces.built_in, len(system.names), system.lower or None, known
    )
    # With three coordinates the places are what costs, and smooth splines are integrated by fewer than polynomials.
    tested = tests is not None and len(spaces) > 2 and not any(any(test.orders) for test in tests)
    rules = tuple(gauss(s, min(s.degree + 1, s.degree // 2 + 4) if tested else s.degree + 1) for s in spaces)
    if tests is not None:
        # Along time as many Radau places as there are test functions.
        rules = tuple(
            radau(space, space.degree + 1 - along) if along else rule
            for space, rule, along in zip(
                spaces, rules, np.max([t.orders for t in tests], axis=0), strict=True
            )
        )
    patches = with_conditions(Patch(system.inside, rules), spaces, system.faces)
    start = np.zeros(layout.count) if before is None else project(layout, before, lifts)

    def at_share(share: float, start: Floats, most_steps: int = most_steps) -> GridSolution:
        """The solution of equations whose nonlinear terms are taken with a share."""
        first = replace(patches[0], compiled=patches[0].compiled.softened(share))
        if tests is None:
            return solve_grid(
                Assembler(layout, [first, *patches[1:]]), lifts, start, system.loose, most_steps
            )
        axis = slab_axis(layout, system.inside, tests)
        if len(spaces) > 2 or (axis is not None and len(spaces) > 1):
            operators = Operators(layout, first, tests, lifts)
            if system.solenoidal is not None and axis is not None:
                kernel = system.solenoidal.kernel(operators, spaces, lifts)
                return solve_newton_krylov(kernel, lifts, kernel.reduced(start), kernel.inverse, most_steps)
            inverse = _inverse_of(operators, axis, system.loose)
            return solve_newton_krylov(
                operators, lifts, start, inverse, most_steps, weighed=axis is None, loose=system.loose
            )
        return solve_galerkin(
            Assembler(layout, [first]), lifts, start, tests, most_steps, weighed=axis is None
        )

    solution = at_share(1.0, start)
    if not solution.converged and continued and not system.inside.linear:
        solution = continue_to_all(lambda share, at: at_share(share, at, _SHARE_STEPS), start, solution)
    change = np.inf if before is None else max(differences(solution.fields, before))
    weak = tests is not None and not any(any(test.orders) for test in tests)
    relative = 0.0
    jets = patches[0].jets(solution.fields) if not weak or system.loose else None
    if jets is not None:
        relative = relative_residual(patches[0], solution, jets)
    if not weak:
        rough, indicator = residual_parts(patches[0], solution.fields, jets)
    else:
        # Residuals of weak solutions need not be small; what their splines lack is seen from the unknowns.
        rough = next_modes(solution.fields)
        indicator = float(np.sqrt(sum(float((mode**2).sum()) for mode in rough)))
    violation = violated(patches[1:], solution.fields)
    return Level(spaces, solution, contradiction, change, rough, indicator, relative, violation, weak)


def _inverse_of(
    operators: Operators, axis: int | None, loose: Sequence[int]
) -> Callable[[Sequence[Floats]], Callable[[Floats], Floats]]:
    """An inverse for given coefficients: coordinate by coordinate where that is exact or nothing marches."""

    def inverse(slopes: Sequence[Floats]) -> Callable[[Floats], Floats]:
        plain = operators.patch.compiled.linear and len(slopes[0].shape) > 2
        if axis is None or plain:
            found = SeparableInverse(operators, slopes, loose if axis is None else ())
            if axis is None or found.exact:
                return found.solve
        return FrozenSlab(operators, axis, slopes).solve

    return inverse


def relative_residual(patch: Patch, solution: GridSolution, jets: Sequence[Floats]) -> float:
    """Share of the terms of the equations that is left."""
    left = float(np.sqrt(solution.objective))
    return left / max(left + terms(patch, solution.fields, jets), 1e-300)


def violated(patches: Sequence[Patch], fields: Sequence[Field]) -> float:
    """How far conditions met in the mean are missed, relative to their terms."""
    left = [float(np.sqrt(patch.objective(fields))) / max(terms(patch, fields), 1e-300) for patch in patches]
    return max(left, default=0.0)


def terms(patch: Patch, fields: Sequence[Field], jets: Sequence[Floats] | None = None) -> float:
    """Size of the terms of the equations, as residuals are measured."""
    places, jets = patch.places(fields[0].spaces), jets or patch.jets(fields)
    slopes = patch.compiled.derivatives(places, jets)
    total = np.zeros((patch.compiled.count, *patch.mass.shape))
    for (e, j), slope in zip(patch.compiled.entries, slopes, strict=True):
        total[e] += np.abs(slope * jets[j])
    return float(np.sqrt((patch.mass * total**2).sum()))


def with_conditions(inside: Patch, spaces: Sequence[Space], faces: FaceConditions) -> list[Patch]:
    """The equations inside, and the conditions on faces that are met in the mean."""
    patches = [inside]
    for weak in faces.weak:
        on: list[AxisRule] = list(inside.rules)
        on[weak.face.axis] = end(spaces[weak.face.axis], weak.face.high)
        weight = inside.weight * _weak_weight(spaces, weak.face.axis)
        patches.append(Patch(weak.compiled, tuple(on), weight))
    return patches


def _weak_weight(spaces: Sequence[Space], axis: int) -> float:
    """Weight of conditions met in the mean: h^(-3/2), as the theory of least squares for second order asks for."""
    widths = np.diff(spaces[axis].breaks)
    return float(10 * min(widths[0], widths[-1]) ** -1.5)


def project(layout: Layout, before: Sequence[Field], lifts: Sequence[Floats]) -> Floats:
    """Free coefficients of another grid's solution on this one."""
    parts = []
    for field, table, axes in zip(before, lifts, layout.axes, strict=True):
        whole = field.on([axis.space for axis in axes]).coefficients - table
        parts.append(whole[np.ix_(*(axis.reduction.own for axis in axes))].ravel())
    return np.concatenate(parts)


def refine(level: Level, goal: float = 0.0) -> tuple[Space, ...]:
    """Spaces with those intervals halved whose residuals are roughest, in whichever coordinate."""
    largest = max(float(item.max(initial=0.0)) for item in level.rough)
    finer: list[Space] = []
    for space, rough in zip(level.spaces, level.rough, strict=True):
        marked = rough >= ROUGH_SHARE * largest
        if level.weak and marked.all() and goal > 0 and np.ptp(np.diff(space.breaks)) < 1e-9:
            # Where all are alike, as many equal intervals as the goal asks for, if twice as many would be too many.
            wanted = float(np.sqrt((rough**2).sum())) / goal
            finer.append(space.equal(wanted ** (1 / (space.degree + 1))))
        else:
            finer.append(space.refined(marked))
    return tuple(finer)


def first_spaces(
    bounds: Sequence[tuple[float, float]], periodic: Sequence[bool], degrees: Sequence[int], intervals: int
) -> tuple[Space, ...]:
    """Equal intervals in every coordinate."""
    return tuple(
        Space(np.linspace(low, high, intervals + 1), degree, around)
        for (low, high), around, degree in zip(bounds, periodic, degrees, strict=True)
    )


def solve_levels(
    system: BoxSystem,
    spaces: tuple[Space, ...],
    tolerance: float,
    config: SolverConfig,
    on_level: Callable[[Level, float], None],
) -> None:
    """Refines until the estimated error is below the tolerance; reports every level with the estimate."""
    levels = [solve_level(system, spaces, None, tests=system.tests, continued=True)]
    on_level(levels[-1], np.inf)
    for _ in range(config.most_levels - 1):
        finer = refine(levels[-1], 0.1 * tolerance if len(spaces) > 2 else 0.0)
        count = len(system.names) * int(np.prod([space.size for space in finer]))
        # Tested equations of three coordinates have no band that has to fit into memory.
        free = system.tests is not None and len(finer) > 2
        if count > config.most_coefficients * (BANDLESS if free else 1):
            break
        levels.append(
            solve_level(
                system,
                finer,
                levels[-1].solution.fields,
                tests=system.tests,
                continued=_goes_on(levels),
            )
        )
        error = estimate(levels)
        on_level(levels[-1], error)
        if error <= tolerance and len(spaces) == 2 and _may_resonate(system, levels[-1]):
            ends, around = [(s.low, s.high) for s in spaces], [s.periodic for s in spaces]
            equal = first_spaces(ends, around, system.degrees, _WAVE_INTERVALS)
            levels.append(solve_level(system, equal, levels[-1].solution.fields, tests=system.tests))
            on_level(levels[-1], estimate(levels))
            break
        if error <= tolerance or stalled(levels, system.inside.linear):
            break


def _may_resonate(system: BoxSystem, level: Level) -> bool:
    """Whether the grid is too coarse for waves at which terms of different orders may cancel."""
    if max(space.intervals for space in level.spaces) >= _WAVE_INTERVALS:
        return False
    orders: dict[tuple[int, int], set[int]] = {}
    for e, j in system.inside.entries:
        f, along = system.inside.jets[j]
        orders.setdefault((e, f), set()).add(sum(along))
    return any(len(found) > 1 for found in orders.values())


def _goes_on(levels: Sequence[Level]) -> bool:
    """Whether finer grids took more of the nonlinear terms, so that the next may reach all of them."""
    shares = [level.solution.share for level in levels if not level.solution.converged]
    return len(shares) < 2 or (len(shares) < 5 and shares[-1] > shares[-2] + 0.05)


def stalled(levels: Sequence[Level], linear: bool) -> bool:
    """Whether finer grids help no more: the unknowns are not determined, or much of the equations is left and stays so."""
    lost = [not level.solution.converged or level.solution.weakest < UNDETERMINED for level in levels]
    if linear and len(levels) > 2 and all(lost[-2:]):
        return True
    if (
        levels[-1].weak
        or len(levels) < 4
        or levels[-1].solution.free.size < _STALL_FROM
        or levels[-1].relative < RESIDUAL_LEFT
    ):
        return False
    last, before = levels[-1], levels[-3]
    still = last.solution.objective > _STALL * before.solution.objective
    return still and max(levels[-1].change, levels[-2].change) < _STALL_CHANGE


def estimate(levels: Sequence[Level]) -> float:
    """Relative L2 error of the last level.

    The change to a grid is the error of the grid before. How large errors are for one unit of the indicator is learned
    from the last changes; the largest counts, since a grid that was refined along one coordinate only shows little of
    the others.
    """
    pairs = list(itertools.pairwise(levels))[-3:]
    ratio = max(after.change / max(before.indicator, 1e-300) for before, after in pairs)
    safety = _SAFETY_WEAK if levels[-1].weak else _SAFETY
    return max(safety * ratio * levels[-1].indicator, _LEAST_ERROR)


def energy_tests(system: BoxSystem) -> tuple[WeightingSpace, ...] | None:
    """The unknowns' own splines as test functions, where the weak form of the equations has them: every unknown with an
    equation of its own of even order 2 m, and m conditions built in on every face.

    Splines are smooth enough for the residuals to be tested as they stand: parts integrated by these tests leave nothing
    at the boundary. Weak solutions exist where residuals of second or fourth order are in no mean of squares, as where
    conditions jump.
    """
    found = own_equations(system, sum)
    if found is None or any(order % 2 for _, order in found):
        return None
    for f, order in found:
        for axis in range(len(system.degrees)):
            counts = [0, 0]
            for face in system.faces.built_in:
                if face.field == f and face.face.axis == axis:
                    counts[face.face.high] += 1
            if set(counts) - {order // 2} and counts != [0, 0]:
                return None
    return tuple(WeightingSpace(f, (0,) * len(system.degrees)) for f, _ in found)


def own_equations(
    system: BoxSystem, order_of: Callable[[tuple[int, ...]], int]
) -> list[tuple[int, int]] | None:
    """For each equation the unknown whose equation it is, and the highest order of that in it; None where conditions are
    met in the mean, or an unknown has no equation with derivatives of its own."""
    if system.faces.weak or system.inside.count != len(system.names):
        return None
    highest = np.zeros((system.inside.count, len(system.names)), dtype=np.int64)
    for e, j in system.inside.entries:
        f, orders = system.inside.jets[j]
        highest[e, f] = max(highest[e, f], order_of(orders))
    rows, unknowns = linear_sum_assignment(-highest)
    found = highest[rows, unknowns]
    return list(zip(unknowns.tolist(), found.tolist(), strict=True)) if found.all() else None
