"""Constants and fields of a problem from scattered data: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from scipy.stats import t as student

from edgewise._core.arguments import all_are
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, plural
from edgewise._core.config import chosen
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, check_seconds, check_work
from edgewise.fields.field import Field
from edgewise.pde.discretisation.data_rows import DataRows
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.problem.data import Data
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.problem.problem import Condition, Problem
from edgewise.pde.results.identification import Estimate, FunctionEstimate, Identification
from edgewise.pde.results.outcome import RoadOutcome
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.evolution import evolution_of, known_starts
from edgewise.pde.solvers.identifiability import poorly_determined, undetermined
from edgewise.pde.solvers.joint_search import JointSearch
from edgewise.pde.solvers.joint_system import JointSystem, covariance
from edgewise.pde.solvers.levels import terms
from edgewise.pde.solvers.progress import working
from edgewise.pde.solvers.state_search import StateSearch, course_fields
from edgewise.pde.terms.constants import ConstantSymbol
from edgewise.pde.terms.symbols import Equation, Expr


def identify(
    problem: Problem | Any,
    data: Data | Sequence[Data],
    *,
    work: str | float = "normal",
    seconds: float | None = None,
    config: SolverConfig | None = None,
) -> Identification:
    """Find the constants of a problem, and its unknowns, from measured values.

    Conditions on the boundary may be missing: what the data determine need not be given again.

    Parameters
    ----------
    problem : Problem
        On a box; its equations may have constants, made by `constant`.
    data : Data or sequence of Data
        Made by `data`.
    work : "quick", "normal", "thorough" or float
        How large grids may become.
    seconds : float, optional
        Interrupts after so long.
    config : SolverConfig, optional

    Returns
    -------
    Identification

    Raises
    ------
    InputError
        Where the domain is no box, a condition has a constant, data lie outside the domain, or there are too few.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import pde
    >>> (x,) = pde.coordinates("x")
    >>> u, k = pde.unknown("u", x), pde.constant("k", guess=1.0, bounds=(0.01, 100))
    >>> line = pde.box({x: (0, 1)})
    >>> at = np.linspace(0.05, 0.95, 40)
    >>> noise = 0.001 * np.random.default_rng(0).standard_normal(40)
    >>> found = pde.identify(
    ...     pde.Problem(line, [k * pde.dx(u, x, 2) == -1], pde.on(line.boundary["walls"], u == 0)),
    ...     pde.data(u, {x: at}, at * (1 - at) / 4 + noise, sigma=0.001),
    ... )
    >>> found["k"].low < 2 < found["k"].high, bool(abs(found["k"].value - 2) < 0.02)
    (True, True)
    """
    if not isinstance(problem, Problem):
        raise InputError(argument="problem", expected="be a Problem", got=type(problem).__name__)
    if problem.box is None:
        raise InputError(
            argument="problem", expected="be on a box", got=f"one on a {type(problem.domain).__name__}"
        )
    constants = chosen(config, SolverConfig()).scaled(check_work(work))
    meter = Meter(seconds=check_seconds(seconds))
    sets = all_are([data] if isinstance(data, Data) else data, Data, "data", "data(...) of terms")
    system = _compiled(problem)
    rows = [_rows(subset, problem) for subset in sets]
    count = sum(len(row.values) for row in rows)
    if count <= len(system.constants):
        raise InputError(
            subject=f"For {plural(len(system.constants), 'constant')} 'data'",
            expected=f"hold more than {plural(count, 'value')}",
        )
    with working(meter):
        given = [subset.sigma for subset in sets]
        evolution = evolution_of(problem.box, system, rows)
        if evolution is None:
            found = _by_grids(JointSearch(problem.box, system, rows, given, constants, meter))
        else:
            end = problem.domain.bounds[evolution.axis][1]
            known = known_starts(problem.box, system.faces.built_in, evolution.axis)
            found = _by_start(StateSearch(evolution, system, rows, given, end, known, meter))
        return _identification(problem, system.constants, found, meter.seconds)


def _compiled(problem: Problem) -> JointSystem:
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    constants = problem.constants
    for condition in problem.conditions:
        if condition.equation.residual.free_symbols & set(constants):
            raise InputError(
                subject="Conditions", expected="not have constants", got=f"'{condition.equation!r}'"
            )
    for equation in problem.equations:
        own = [c for c in constants if c in equation.residual.free_symbols]
        if (
            own
            and all(c.low <= 0 <= c.high for c in own)
            and equation.residual.subs(dict.fromkeys(own, 0)) == 0
        ):
            raise InputError(
                f"'{equation!r}' holds for every function where its constants are zero, so that data cannot determine them; "
                "give one of them as a number."
            )
    residuals = [equation.residual.doit() for equation in problem.equations]
    every = [*symbols, *constants]
    inside = compile_equations(residuals, problem.fields, every)
    tangents = tuple(
        compile_equations([sp.diff(r, c) for r in residuals], problem.fields, every) for c in constants
    )
    return JointSystem(problem.names, constants, inside, tangents, face_conditions(problem))


def _rows(data: Data, problem: Problem) -> DataRows:
    domain = problem.domain
    names = [coordinate.name for coordinate in domain.coordinates]
    for name in data.places:
        check_choice(name, "places", names)
    if missing := [name for name in names if name not in data.places]:
        raise InputError(argument="places", expected=f"have the coordinate '{missing[0]}'")
    at = np.stack([data.places[name] for name in names], axis=1)
    for axis, (low, high) in enumerate(domain.bounds):
        if domain.periodic[axis]:
            at[:, axis] = low + np.mod(at[:, axis] - low, high - low)
        elif ((at[:, axis] < low) | (at[:, axis] > high)).any():
            raise InputError(
                subject="Data",
                expected=f"lie in the domain, from {low:g} to {high:g} along '{names[axis]}'",
            )
    compiled = compile_equations(
        [data.term.tree], problem.fields, [coordinate.tree for coordinate in domain.coordinates]
    )
    if not compiled.jets:
        raise InputError(argument="term", expected="have an unknown of the problem", got=f"'{data.term!r}'")
    usual = float(np.std(data.values)) or float(np.abs(data.values).max()) or 1.0
    return DataRows(compiled, at, data.values, data.sigma or 0.03 * usual)


@dataclass(frozen=True, eq=False)
class _Outcome:
    """What a search found, whichever it was.

    Attributes
    ----------
    road : str
    values, spread : ndarray
        Of the constants, with their covariance.
    fields : tuple of Field
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
    """

    road: str
    values: Floats
    spread: Floats
    fields: tuple[Field, ...]
    sigma: tuple[float, ...]
    noise: float
    follow: float
    rest: float
    misfit: float
    left: float
    warnings: tuple[str, ...]
    reason: StopReason


def _identification(
    problem: Problem, symbols: Sequence[ConstantSymbol], found: _Outcome, seconds: float
) -> Identification:
    """The answer of `identify`."""
    values, spread = found.values, found.spread
    reach = float(student.ppf(0.975, found.rest))
    errors = np.sqrt(np.maximum(np.diag(spread), 0.0)) if len(symbols) else np.zeros(0)
    estimates = tuple(
        Estimate(str(c), float(v), float(e), float(v - reach * e), float(v + reach * e))
        for c, v, e in zip(symbols, values, errors, strict=True)
        if c.function is None
    )
    plain = [n for n, c in enumerate(symbols) if c.function is None]
    outcome = RoadOutcome(
        Pieces((found.fields,), None),
        [float(np.sqrt(found.follow)) * found.noise] * len(problem.names),
        "what the noise of the data leaves open at their places",
        found.road,
        found.reason,
        found.warnings,
    )
    numbers = _with_numbers(problem, symbols, values)
    solution = Solution.of(outcome, numbers, max(found.noise, 1e-13), seconds)
    return Identification(
        estimates,
        spread[np.ix_(plain, plain)],
        solution,
        found.sigma,
        found.misfit,
        found.left,
        found.warnings,
        found.reason,
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
    for function in every:
        own = [n for n, c in enumerate(symbols) if c.function == function]
        found.append(FunctionEstimate(function, values[own], spread[np.ix_(own, own)], reach))
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


def _by_grids(search: JointSearch) -> _Outcome:
    """Data and equations together on grids of splines."""
    found = search.run()
    stage, state, linear, fields = found.stage, found.state, found.linear, found.fields
    freedom = float(search.freedom(linear).sum())
    rest = max(search.count - freedom - len(state.constants), 1.0)
    misfit = float(sum(linear.misfit) / rest)
    patch = search.patch(stage, state.constants, 1.0)
    left = float(np.sqrt(patch.objective(fields))) / max(terms(patch, fields), 1e-300)
    doubts = misfit_warnings(search.count, misfit, found.converged, found.reason)
    return _Outcome(
        road="grid",
        values=state.constants,
        spread=covariance(linear.schur),
        fields=fields,
        sigma=state.sigma,
        noise=search.noise(state.sigma),
        follow=freedom / search.count,
        rest=rest,
        misfit=misfit,
        left=left,
        warnings=(*doubts, *undetermined(search, found)),
        reason=found.reason,
    )


def _by_start(search: StateSearch) -> _Outcome:
    """Data followed back to the start of an evolution."""
    found = search.run()
    guess, count = found.guess, search.count
    many = len(guess.modes)
    freedom = float(found.freedom.sum())
    rest = max(count - freedom, 1.0)
    misfit = float(sum(found.misfit) / rest)
    follow = max(freedom - len(guess.constants), 0.0)
    doubts = misfit_warnings(count, misfit, found.converged, found.reason)
    return _Outcome(
        road="start",
        values=guess.constants,
        spread=found.spread[many:, many:],
        fields=course_fields(search, guess),
        sigma=guess.sigma,
        noise=search.noise(guess.sigma),
        follow=follow / count,
        rest=rest,
        misfit=misfit,
        left=search.lacks * search.noise(guess.sigma),
        warnings=(
            *doubts,
            *poorly_determined(search.constants, guess.constants, found.schur, follow, count),
        ),
        reason=found.reason,
    )
