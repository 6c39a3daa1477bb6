"""The result of identifying the constants of a problem from data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from scipy.stats import t as student

from edgewise._core.arrays import Floats
from edgewise._core.stopping import StopReason
from edgewise.pde.discretisation.field import Field
from edgewise.pde.problem.problem import Condition, Problem
from edgewise.pde.results.identification import Estimate, FunctionEstimate, Identification
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.terms.constants import ConstantSymbol
from edgewise.pde.terms.symbols import Equation, Expr


def identification(
    problem: Problem,
    symbols: Sequence[ConstantSymbol],
    values: Floats,
    spread: Floats,
    fields: tuple[Field, ...],
    *,
    road: str,
    sigma: tuple[float, ...],
    noise: float,
    follow: float,
    rest: float,
    misfit: float,
    left: float,
    warnings: tuple[str, ...],
    reason: StopReason,
    seconds: float,
) -> Identification:
    """The answer of `identify`.

    Parameters
    ----------
    problem : Problem
    symbols : sequence of ConstantSymbol
    values, spread : ndarray
        Of the constants, with their covariance.
    fields : tuple of Field
    road : str
    sigma : tuple of float
    noise : float
        Relative to the values.
    follow : float
        Share of the values that the unknowns follow.
    rest : float
        Values that the noise is estimated from.
    misfit, left : float
        Of the data for each of these, and of the equations.
    warnings : tuple of str
    reason : StopReason
    seconds : float
    """
    reach = float(student.ppf(0.975, rest))
    errors = np.sqrt(np.maximum(np.diag(spread), 0.0)) if len(symbols) else np.zeros(0)
    estimates = tuple(
        Estimate(str(c), float(v), float(e), float(v - reach * e), float(v + reach * e))
        for c, v, e in zip(symbols, values, errors, strict=True)
        if c.function is None
    )
    plain = [n for n, c in enumerate(symbols) if c.function is None]
    error = float(np.sqrt(follow)) * noise
    solution = Solution(
        _with_numbers(problem, symbols, values),
        Pieces((fields,), None),
        error,
        dict.fromkeys(problem.names, error),
        "what the noise of the data leaves open at their places",
        max(noise, 1e-13),
        road,
        reason,
        warnings,
        seconds,
        int(sum(field.coefficients.size for field in fields)),
    )
    return Identification(
        estimates,
        spread[np.ix_(plain, plain)],
        solution,
        sigma,
        misfit,
        left,
        warnings,
        reason,
        seconds,
        _functions(symbols, values, spread, reach),
    )


def _with_numbers(problem: Problem, symbols: Sequence[ConstantSymbol], values: Floats) -> Problem:
    """The problem with what was found in place of its constants."""
    numbers: dict[Any, Any] = {c: sp.Float(float(v)) for c, v in zip(symbols, values, strict=True)}
    return Problem(
        problem.domain,
        [
            Equation(Expr(e.left.tree.subs(numbers)), Expr(e.right.tree.subs(numbers)))
            for e in problem.equations
        ],
        [Condition(c.part, c.equation) for c in problem.conditions],
        problem.jumps,
    )


def _functions(
    symbols: Sequence[ConstantSymbol], values: Floats, spread: Floats, reach: float
) -> tuple[FunctionEstimate, ...]:
    """Functions out of the constants that are weights of their splines."""
    every = dict.fromkeys(c.function for c in symbols if c.function is not None)
    found: list[FunctionEstimate] = []
    for each in every:
        own = [n for n, c in enumerate(symbols) if c.function == each]
        found.append(FunctionEstimate(each, values[own], spread[np.ix_(own, own)], reach))
    return tuple(found)


def misfit_warnings(count: int, misfit: float, converged: bool, reason: StopReason) -> tuple[str, ...]:
    """Sentences about steps that did not end and data that equations and noise do not explain."""
    found: list[str] = []
    if not converged and reason is StopReason.CONVERGED:
        found.append("The steps did not converge on the last grid.")
    if reason is not StopReason.CONVERGED:
        found.append(f"The equations are not met as well as the data ask for. {reason.advice}")
    spread = 4 * np.sqrt(2 / count)
    if misfit > 1 + spread + 0.1:
        found.append(
            f"The data are missed by {np.sqrt(misfit):.2g} times their noise: equations or conditions may be wrong, or "
            "'sigma' too small."
        )
    if misfit < 1 - spread - 0.1:
        found.append(
            f"The data are missed by {np.sqrt(misfit):.2g} times their noise only: with these constants the equations hold "
            "for nearly any values, or 'sigma' is too large."
        )
    return tuple(found)
