"""Constants and fields of a problem from scattered data: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.stats import t as student

from edgewise._core.checks import check_choice, plural
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, check_seconds, check_work, running
from edgewise.pde.discretisation.data_rows import DataRows
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.domains.box import Box
from edgewise.pde.problem.data import Data
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.problem.problem import Condition, Problem
from edgewise.pde.results.identification import Estimate, FunctionEstimate, Identification
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.joint_search import Found, JointSearch
from edgewise.pde.solvers.joint_system import JointSystem
from edgewise.pde.solvers.levels import terms
from edgewise.pde.solvers.spread import covariance
from edgewise.pde.solvers.told_apart import undetermined
from edgewise.pde.terms.constants import ConstantSymbol
from edgewise.pde.terms.symbols import Equation, Expr

Floats = NDArray[np.float64]
_OF = "identify"


def identify(
    problem: Problem | Any,
    data: Data | Sequence[Data],
    *,
    work: str | float = "normal",
    seconds: float | None = None,
    config: SolverConfig | None = None,
) -> Identification:
    """Find the constants of a problem, and its unknowns, from measured values.

    Conditions on the boundary may be missing: what the data tell need not be told again.

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
        raise InputError(f"The 'problem' parameter of {_OF} must be a Problem. Got {type(problem).__name__}.")
    if not isinstance(problem.domain, Box):
        raise InputError(f"{_OF} works on boxes. Got another domain.")
    constants = (config or SolverConfig()).scaled(check_work(work, _OF))
    meter = Meter(seconds=check_seconds(seconds, _OF))
    sets = [data] if isinstance(data, Data) else list(data)
    system = _compiled(problem)
    rows = [_rows(each, problem) for each in sets]
    count = sum(len(each.values) for each in rows)
    if count <= len(system.constants):
        raise InputError(
            f"{plural(len(system.constants), 'constant')} need more data than {plural(count, 'value')}."
        )
    with one_thread(), running(meter), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        search = JointSearch(problem.domain, system, rows, [each.sigma for each in sets], constants, meter)
        return _result(problem, search, search.run())


def _compiled(problem: Problem) -> JointSystem:
    symbols = [each.tree for each in problem.domain.coordinates]
    constants = problem.constants
    for each in problem.conditions:
        if each.equation.residual.free_symbols & set(constants):
            raise InputError(f"Conditions of {_OF} must not have constants. Got '{each.equation!r}'.")
    for each in problem.equations:
        own = [c for c in constants if c in each.residual.free_symbols]
        if own and all(c.low <= 0 <= c.high for c in own) and each.residual.subs(dict.fromkeys(own, 0)) == 0:
            raise InputError(
                f"'{each!r}' holds for every function where its constants are zero, so that data cannot tell them; give "
                "one of them as a number."
            )
    residuals = [each.residual.doit() for each in problem.equations]
    every = [*symbols, *constants]
    inside = compile_equations(residuals, problem.fields, every)
    tangents = tuple(
        compile_equations([sp.diff(r, c) for r in residuals], problem.fields, every) for c in constants
    )
    return JointSystem(problem.names, constants, inside, tangents, face_conditions(problem))


def _rows(data: Data, problem: Problem) -> DataRows:
    domain = problem.domain
    assert isinstance(domain, Box)
    names = [each.name for each in domain.coordinates]
    for name in data.places:
        check_choice(name, "places", names, of="data")
    if missing := [name for name in names if name not in data.places]:
        raise InputError(f"The 'places' parameter of data must have the coordinate '{missing[0]}'.")
    at = np.stack([data.places[name] for name in names], axis=1)
    for axis, (low, high) in enumerate(domain.bounds):
        if domain.periodic[axis]:
            at[:, axis] = low + np.mod(at[:, axis] - low, high - low)
        elif ((at[:, axis] < low) | (at[:, axis] > high)).any():
            raise InputError(
                f"Data lie outside the domain, which goes from {low:g} to {high:g} along '{names[axis]}'."
            )
    compiled = compile_equations([data.term.tree], problem.fields, [each.tree for each in domain.coordinates])
    if not compiled.jets:
        raise InputError(
            f"The 'term' parameter of data must have an unknown of the problem. Got '{data.term!r}'."
        )
    usual = float(np.std(data.values)) or float(np.abs(data.values).max()) or 1.0
    return DataRows(compiled, at, data.values, data.sigma or 0.03 * usual)


def _result(problem: Problem, search: JointSearch, found: Found) -> Identification:
    stage, state, linear, fields, reason = found.stage, found.state, found.linear, found.fields, found.reason
    freedom = search.freedom(linear)
    rest = max(search.count - float(freedom.sum()) - len(state.constants), 1.0)
    misfit = sum(linear.misfit) / rest
    spread = covariance(linear.schur)
    plain = [n for n, c in enumerate(search.system.constants) if c.function is None]
    errors = np.sqrt(np.maximum(np.diag(spread), 0.0))
    reach = float(student.ppf(0.975, rest))
    estimates = tuple(
        Estimate(str(c), float(v), float(e), float(v - reach * e), float(v + reach * e))
        for c, v, e in zip(search.system.constants, state.constants, errors, strict=True)
        if c.function is None
    )
    size = terms(search.patch(stage, state.constants, 1.0), fields)
    patch = search.patch(stage, state.constants, 1.0)
    left = float(np.sqrt(patch.objective(fields))) / max(size, 1e-300)
    warnings = _warnings(search, found, misfit)
    domain = problem.domain
    numbers: dict[Any, Any] = {
        c: sp.Float(float(v)) for c, v in zip(search.system.constants, state.constants, strict=True)
    }
    solved = Problem(
        domain,
        [
            Equation(Expr(e.left.tree.subs(numbers)), Expr(e.right.tree.subs(numbers)))
            for e in problem.equations
        ],
        [Condition(c.part, c.equation) for c in problem.conditions],
        problem.jumps,
    )
    error = float(np.sqrt(freedom.sum() / search.count)) * search.noise(state.sigma)
    solution = Solution(
        solved,
        Pieces((fields,), None),
        error,
        dict.fromkeys(problem.names, error),
        "what the noise of the data leaves open at their places",
        max(search.noise(state.sigma), 1e-13),
        "grid",
        reason,
        warnings,
        search.meter.seconds,
        int(sum(field.coefficients.size for field in fields)),
    )
    return Identification(
        estimates,
        spread[np.ix_(plain, plain)],
        solution,
        state.sigma,
        float(misfit),
        left,
        warnings,
        reason,
        search.meter.seconds,
        _functions(search.system.constants, state.constants, spread, reach),
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


def _warnings(search: JointSearch, end: Found, misfit: float) -> tuple[str, ...]:
    found: list[str] = []
    reason = end.reason
    if not end.converged and reason is StopReason.CONVERGED:
        found.append("The steps did not converge on the last grid.")
    if reason is not StopReason.CONVERGED:
        found.append(f"The equations are not met as well as the data ask for. {reason.advice}")
    spread = 4 * np.sqrt(2 / search.count)
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
    return (*found, *undetermined(search, end))
