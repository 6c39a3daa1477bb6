"""Newton's method for the equations of a slab, its steps by GMRES with the inverse of averaged equations in front.

Steps are measured after that inverse, in coefficients, which are as large as the unknowns; the test of a step is that the
next one, with the same inverse, is smaller (P. Deuflhard, "Newton Methods for Nonlinear Problems", 2004, section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.settings import MOST_STEPS, SHORTEST_STEP, STEP_TOLERANCE
from edgewise.pde.solvers.gauss_newton import GridSolution

# Newton's steps in slabs of time are exact to this share, by so many steps of GMRES at most.
_KRYLOV_SHARE = 1e-3
_KRYLOV_STEPS = 40

# Steps that fall no more are rounding below this share of the unknowns.
_FLOOR = 1e-8
Map = Callable[[Floats], Floats]


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
    """
    lifted = max(float(np.abs(each).max(initial=0.0)) for each in lifts)
    free = start.copy()
    jets = operators.jets(free)
    slopes = operators.slopes(jets)
    linear = operators.patch.compiled.linear
    steps, converged = 0, False
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
    except np.linalg.LinAlgError:
        pass
    fields = operators.fields(free, lifts)
    residuals = operators.patch.compiled.residuals(operators.places, jets)
    objective = float(sum((operators.patch.mass * r * r).sum() for r in residuals))
    return GridSolution(fields, free, objective, steps, converged, 1.0)
