"""Nonlinear terms taken in step by step, where Newton's method does not find its way from where it stands.

The equations L(u) + s N(u) = f have the solution of a linear problem at s = 0; each step of s begins with the solution of
the one before (E. L. Allgower and K. Georg, "Introduction to Numerical Continuation Methods", 2003). With s before the
advection of a flow, that is continuation in its Reynolds number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgewise._core.arrays import Floats
from edgewise.pde.solvers.gauss_newton import GridSolution

# Nonlinear terms are taken in by such a share first; shares that are tried on a grid at most.
_FIRST_SHARE = 0.25
_MOST_SHARES = 16


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
