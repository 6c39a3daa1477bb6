"""Eigenvalues: the numbers for which equations have an answer besides zero.

On a mesh, K u = lam M u with sparse symmetric matrices; the smallest eigenvalues come from Lanczos' method for
(K - shift M)^-1 M, where the shift lies below them all (T. Ericsson and A. Ruhe 1980,
doi:10.1090/S0025-5718-1980-0583502-2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from scipy.linalg import eigvalsh_tridiagonal
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_int
from edgewise._core.config import chosen
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, check_seconds, check_work
from edgewise.pde.discretisation.condensed import Condensed
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.problem.problem import Problem, on_region
from edgewise.pde.problem.weak import WeakForm, weak_form
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.modes import Modes
from edgewise.pde.results.outcome import RoadOutcome
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.mesh_levels import left_by
from edgewise.pde.solvers.on_mesh import said_of_facets
from edgewise.pde.solvers.progress import ended, working
from edgewise.pde.solvers.refinement import meshes_of
from edgewise.pde.terms.symbols import Equation, Expr

# Eigenvalues closer than this, relative to their size, are taken for one of several functions.
_SAME = 1e-6
# Steps of Lanczos' method that look for an eigenvalue below a shift.
_LANCZOS_STEPS = 40


@dataclass(frozen=True, eq=False)
class _EigenLevel:
    """Eigenvalues and functions on one mesh, two more than asked for where there are so many."""

    galerkin: Galerkin
    values: Floats
    pieces: tuple[MeshPieces, ...]


def eigen(
    problem: Problem | Any,
    count: int = 5,
    tolerance: float = 1e-8,
    *,
    work: str | float = "normal",
    seconds: float | None = None,
    config: SolverConfig | None = None,
) -> Modes:
    """The smallest eigenvalues of a problem on a plane shape or box, a surface or a solid, with their functions.

    Parameters
    ----------
    problem : Problem
        Linear equations with `eigenvalue()` in them, as `-lap(u) == lam * u`, and conditions that give zero.
    count : int
        How many.
    tolerance : float
        Relative error of the eigenvalues that is asked for.
    work : "quick", "normal", "thorough" or float
        How fine meshes may become.
    seconds : float, optional
        Interrupts after so long.
    config : SolverConfig, optional

    Returns
    -------
    Modes

    Raises
    ------
    InputError
        Where equations are not linear, not symmetric or have no eigenvalue, conditions do not give zero, or the domain is
        of another kind.

    Examples
    --------
    >>> from edgewise import pde
    >>> x, y = pde.coordinates("x", "y")
    >>> u, lam = pde.unknown("u", x, y), pde.eigenvalue()
    >>> square = pde.box({x: (0, np.pi), y: (0, np.pi)})
    >>> drum = pde.Problem(square, [-pde.lap(u) == lam * u], pde.on(square.boundary["walls"], u == 0))
    >>> pde.eigen(drum, 4).values.round(6)
    array([2., 5., 5., 8.])
    """
    if not isinstance(problem, Problem) or problem.eigenvalue is None:
        raise InputError(
            argument="problem",
            expected=(
                "be a Problem whose equations have an eigenvalue: lam = eigenvalue(), -lap(u) == lam * u"
            ),
        )
    if problem.box is None and problem.domain.time is not None:
        raise InputError("Eigenvalue problems have no time: leave .during(...) out.")
    check_int(count, "count", low=1, high=200)
    check_float(tolerance, "tolerance", low=1e-13, high=0.1)
    constants = chosen(config, SolverConfig()).scaled(check_work(work))
    meter = Meter(seconds=check_seconds(seconds))
    shaped = on_region(problem)
    region: Any = shaped.domain
    stiff, mass = _forms(shaped)
    levels: list[_EigenLevel] = []
    changes: list[Floats] = []

    def left() -> Floats:
        """Errors of the last level but one."""
        every = [np.full(count, np.inf), *changes]
        return np.array(left_by([change.tolist() for change in every], levels[-1].galerkin.mesh))

    def refine() -> None:
        shift = -1.0 / region.size**2
        for galerkin, tell in meshes_of(region, stiff, constants):
            heavy = Galerkin(galerkin.mesh, mass, galerkin.degree)
            level, shift = _solved(galerkin, heavy, count, shift)
            if levels and len(levels[-1].values) < min(count, len(level.values)):
                # So coarse a mesh does not have as many functions.
                levels.clear()
            levels.append(level)
            if len(levels) > 1:
                changes.append(_change(levels[-1].values[:count], levels[-2].values[:count]))
                # Smaller elements at a lower degree measure an error less well than a higher degree does.
                same = level.galerkin.mesh.like(levels[-2].galerkin.mesh)
                if same and left().max() <= tolerance:
                    break
            tell(sum((p.lacks() for p in level.pieces[:count]), np.zeros(galerkin.mesh.count)))

    with working(meter):
        reason = ended(refine, meter, levels, "eigen", "mesh")
        errors = left() if changes else np.full(count, np.inf)
        if errors.max() <= tolerance:
            reason = StopReason.CONVERGED
        level = levels[-2] if len(levels) > 1 else levels[-1]
        apart = _apart(level, levels[-1], count) if changes else np.full(count, np.inf)
    how = "the change to a mesh of higher degree" + said_of_facets(region)
    functions = tuple(
        Solution.of(
            RoadOutcome(level.pieces[n], [float(apart[n])] * len(problem.names), how, "mesh", reason),
            _at_value(problem, float(level.values[n])),
            max(float(np.sqrt(tolerance)), tolerance),
            meter.seconds,
        )
        for n in range(count)
    )
    return Modes(
        problem, level.values[:count].copy(), errors, functions, tolerance, how, reason, (), meter.seconds
    )


def _forms(problem: Problem) -> tuple[WeakForm, WeakForm]:
    """The forms of K and of M."""
    symbol = problem.eigenvalue
    residuals = [equation.residual.doit() for equation in problem.equations]
    weights = [-1 * sp.diff(residual, symbol) for residual in residuals]
    if any(weight.has(symbol) for weight in weights) or all(weight == 0 for weight in weights):
        raise InputError(
            subject=f"The eigenvalue '{symbol}'", expected="stand in the equations as a factor, as in lam * u"
        )
    if any(condition.equation.residual.has(symbol) for condition in problem.conditions):
        raise InputError(
            subject=f"The eigenvalue '{symbol}'", expected="stand in the equations, not in conditions"
        )
    stiff = weak_form(problem, [residual.subs(symbol, 0) for residual in residuals])
    mass = weak_form(problem, weights, tests=stiff.tests, natural=False)
    if not (stiff.linear and mass.linear):
        raise InputError(
            subject="The equations of an eigenvalue problem", expected="be linear in the unknowns"
        )
    return stiff, mass


def _at_value(problem: Problem, value: float) -> Problem:
    """The equations with a number for the eigenvalue."""
    symbol = problem.eigenvalue
    equations = [
        Equation(
            *(Expr(side.tree.subs(symbol, sp.Float(value, 17))) for side in (equation.left, equation.right))
        )
        for equation in problem.equations
    ]
    return Problem(problem.domain, equations, problem.conditions)


def _solved(galerkin: Galerkin, heavy: Galerkin, count: int, shift: float) -> tuple[_EigenLevel, float]:
    """Eigenvalues on one mesh, and a shift below them for the next."""
    fixed, given, _ = galerkin.given()
    zero = np.zeros(galerkin.count)
    base = galerkin.residual(zero)
    if np.abs(given).max(initial=0.0) > 0 or np.abs(base).max() > 0:
        raise InputError(
            subject="The equations and conditions of an eigenvalue problem", expected="be met by zero"
        )
    free = np.flatnonzero(~fixed)
    count = min(count + 2, len(free) - 2)

    def spread(part: Floats) -> Floats:
        whole = zero.copy()
        whole[free] = np.ravel(part)
        return whole

    size = (len(free), len(free))

    def operator(apply: Callable[[Floats], Floats]) -> Any:
        made: Any = LinearOperator
        return made(size, matvec=lambda v: apply(spread(v))[free], dtype=float)

    mass, stiff = operator(heavy.residual), operator(galerkin.residual)
    # No chance in it: the same problem gives the same bits.
    start = mass.matvec(np.cos(np.arange(len(free)) * 0.7) + 1.5)
    _symmetric(stiff, mass, start)
    # Weak forms may have either sign; that of the mass decides.
    sign = 1.0 if start @ (np.cos(np.arange(len(free)) * 0.7) + 1.5) > 0 else -1.0
    plus, stiff = sign * mass, sign * stiff
    step = abs(shift)
    while True:
        factor = Condensed(
            galerkin,
            lambda part, shift=shift: (
                sign * (galerkin.matrices(zero, part) - shift * heavy.matrices(zero, part))
            ),
            fixed,
        )
        inverse = operator(factor.solve)
        if _reaches_below(inverse, plus, start):
            step *= 4
            shift -= step
            continue
        many = min(max(4 * count, 40), len(free))
        ask: Any = {"M": plus, "sigma": shift, "OPinv": inverse, "v0": start, "ncv": many, "tol": 1e-14}
        try:
            values, vectors = eigsh(stiff, count, which="LM", **ask)
            break
        except ArpackError as error:
            raise InputError(f"The eigenvalues were not found: {error}.") from None
    order = np.argsort(values)
    pieces: list[MeshPieces] = []
    for n in order:
        vector = vectors[:, n]
        vector = vector * np.sign(vector[np.abs(vector).argmax()])
        found = MeshPieces(galerkin.fields(spread(vector)))
        norm = np.sqrt(sum(found.norms(f)[0] ** 2 for f in range(len(galerkin.numberings))))
        pieces.append(MeshPieces(galerkin.fields(spread(vector / norm))))
    # Nearer to the smallest the method is faster.
    return _EigenLevel(galerkin, values[order], tuple(pieces)), float(values.min() - 0.5 * np.ptp(values))


def _reaches_below(inverse: Any, mass: Any, start: Floats) -> bool:
    """Whether an eigenvalue lies below the shift: whether Lanczos' method for (K - shift M)^-1 M finds a negative one."""
    before, now = np.zeros_like(start), start / np.sqrt(start @ mass.matvec(start))
    basis, diagonal, beside = [now], [], []
    heavy = [mass.matvec(now)]
    for n in range(min(_LANCZOS_STEPS, len(start))):
        ahead = inverse.matvec(heavy[-1])
        diagonal.append(float(ahead @ heavy[-1]))
        ahead = ahead - diagonal[-1] * now - (beside[-1] * before if n else 0.0)
        for vector, weighted in zip(basis, heavy, strict=True):
            ahead = ahead - vector * (weighted @ ahead)
        weighted = mass.matvec(ahead)
        beside.append(float(np.sqrt(max(ahead @ weighted, 0.0))))
        if beside[-1] <= 1e-12 * max(map(abs, diagonal)):
            break
        before, now = now, ahead / beside[-1]
        basis.append(now)
        heavy.append(weighted / beside[-1])
    found: Any = eigvalsh_tridiagonal(np.array(diagonal), np.array(beside[: len(diagonal) - 1]))
    return bool(found.min() < -1e-9 * np.abs(found).max())


def _symmetric(stiff: Any, mass: Any, start: Floats) -> None:
    other = np.sin(np.arange(len(start)) * 1.3)
    for operator in (stiff, mass):
        one, two = other @ operator.matvec(start), start @ operator.matvec(other)
        if abs(one - two) > 1e-8 * max(abs(one), abs(two)):
            raise InputError(
                "eigen takes symmetric problems: equations and conditions that come from an energy, without terms such "
                "as dx(u, x) alone."
            )


def _change(after: Floats, before: Floats) -> Floats:
    """Relative difference of eigenvalues; at least what rounding leaves."""
    scale = np.maximum(np.abs(after), 1e-3 * np.abs(after).max())
    return np.maximum(np.abs(after - before) / np.maximum(scale, 1e-300), 1e-14)


def _apart(level: _EigenLevel, finer: _EigenLevel, count: int) -> Floats:
    """L2 distance of each function from those of a finer mesh that belong to the same eigenvalue."""
    found: list[float] = []
    scale = np.maximum(np.abs(level.values), 1e-3 * np.abs(level.values).max())
    for n in range(count):
        slack = _SAME * scale[n] + 2 * abs(finer.values[n] - level.values[n])
        same = np.flatnonzero(np.abs(finer.values - level.values[n]) <= slack)
        found.append(_outside(level.pieces[n], [finer.pieces[m] for m in same]))
    return np.array(found)


def _outside(piece: MeshPieces, others: Sequence[MeshPieces]) -> float:
    """What of a function, of L2 norm 1, the span of orthonormal others does not hold."""
    own, mass = _values(others[0], piece)
    rest = own
    for other in others:
        theirs = _values(other, other)[0]
        rest = rest - theirs * float((mass * theirs * own).sum())
    return float(np.sqrt((mass * rest**2).sum()))


def _values(mesh: MeshPieces, piece: MeshPieces) -> tuple[Floats, Floats]:
    """Values of a function at the places of another's mesh, unknown after unknown, and their weights."""
    parts = [piece.on(mesh, n) for n in range(len(piece.fields))]
    return np.stack([values for values, _ in parts]), np.stack([weights for _, weights in parts])
