"""The solution of a differential equation as a page: how far it holds, what it looks like, what it solves."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from edgewise._core.arguments import check_is, check_text
from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise._core.plain import article
from edgewise.pde import Solution, SolutionFormula
from edgewise.pde.domains.box import Box
from edgewise.pde.results.solution import ROADS
from edgewise.pde.terms.symbols import Equation
from edgewise.pde.terms.text import write_term
from edgewise.plots.solution import plot_solution
from edgewise.report.drawings.charts import drawn
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.text.pages import whole_page, write_page


@dataclass(frozen=True)
class Tile:
    """A number, what it is, and a remark on it."""

    name: str
    value: str
    about: str


@dataclass(frozen=True)
class FormulaView:
    """Formulas as drawings and as text, and what inserting them showed."""

    drawn: tuple[Markup, ...]
    text: str
    message: str


@dataclass(frozen=True)
class SolutionView:
    """A solution as the template takes it."""

    title: str
    lead: str
    cut_short: str
    warnings: tuple[str, ...]
    tiles: tuple[Tile, ...]
    how: str
    errors: tuple[tuple[str, str], ...]
    formula: FormulaView | None
    values: Markup
    residuals: tuple[tuple[str, str], ...]
    missed: Markup | None
    domain: str
    conditions: tuple[tuple[str, str], ...]
    made: str


def render_solution(
    solution: Solution, *, title: str | None = None, formula: SolutionFormula | None = None
) -> str:
    """A page of its own, complete in one file and without a script.

    Parameters
    ----------
    solution : Solution
    title : str, optional
        By default the names of the unknowns and the coordinates.
    formula : SolutionFormula, optional
        What `solution.formula()` found.

    Returns
    -------
    str
        An HTML document; equal solutions give equal text.

    Raises
    ------
    InputError
        If `solution` is something else.

    Examples
    --------
    >>> from edgewise import pde
    >>> (x,) = pde.coordinates("x")
    >>> u, line = pde.unknown("u", x), pde.box({x: (0, 1)})
    >>> solution = pde.solve(pde.Problem(line, [pde.dx(u, x, 2) == -2], pde.on(line.boundary["walls"], u == 0)))
    >>> render_solution(solution)[:15]
    '<!DOCTYPE html>'
    """
    if not isinstance(solution, Solution):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(argument="solution", expected="be a Solution", got=article(type(solution)))
    if title is not None:
        check_text(title, "title")
    if formula is not None:
        check_is(formula, SolutionFormula, "formula", "what solution.formula() gives")
    return whole_page("solution_page.html", page=_view(solution, title, formula), images=True) + "\n"


def write_solution_page(
    solution: Solution,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    formula: SolutionFormula | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the page of a solution to a file, whole or not at all.

    Parameters
    ----------
    solution : Solution
    path : path
        By custom it ends in .html.
    title : str, optional
    formula : SolutionFormula, optional
        What `solution.formula()` found.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileError
        If the file exists and may not be replaced, or cannot be written.
    """
    return write_page(path, render_solution(solution, title=title, formula=formula), overwrite=overwrite)


def _view(solution: Solution, title: str | None, formula: SolutionFormula | None) -> SolutionView:
    problem = solution.problem
    places = ", ".join(coordinate.name for coordinate in problem.domain.coordinates)
    names = ", ".join(f"{name}({places})" for name in solution.names)
    residuals = solution.residual()
    return SolutionView(
        title or f"Solution {names}",
        _lead(solution, names),
        "" if solution.stop_reason.repeatable else solution.stop_reason.advice,
        solution.warnings,
        _tiles(solution),
        solution.how,
        tuple((name, _size(error)) for name, error in solution.errors.items()),
        None if formula is None or not formula.expressions else _formula(formula),
        drawn(plot_solution(solution), f"{names} over the domain.", "values"),
        tuple((_written(equation), _size(residuals[repr(equation)])) for equation in problem.equations),
        drawn(plot_solution(solution, show="residual"), "What the equations miss over the domain.", "missed"),
        _domain(solution),
        tuple((condition.part.name, _written(condition.equation)) for condition in problem.conditions),
        f"Found {ROADS[solution.road]} in {solution.seconds:.1f} seconds; "
        f"{plural(solution.coefficients, 'coefficient')}. {solution.stop_reason.advice}",
    )


def _lead(solution: Solution, names: str) -> str:
    asked = f"a relative error of {solution.tolerance:.1e} was asked for"
    if solution.warnings:
        return f"{names}: not a solution to rely on; {asked}."
    if solution.solved:
        return f"{names}, solved: {asked}, {solution.error:.1e} is estimated."
    return f"{names}, not solved to the tolerance: {asked}, {_size(solution.error)} is estimated."


def _tiles(solution: Solution) -> tuple[Tile, ...]:
    kept = "within the tolerance" if solution.error <= solution.tolerance else "above the tolerance"
    found = [Tile("estimated relative L2 error", _size(solution.error), f"{kept}, {solution.tolerance:.1e}")]
    if solution.slope_error is not None:
        found.append(Tile("the same of gradients", _size(solution.slope_error), "estimated"))
    if solution.energy is not None:
        found.append(Tile("error in the energy norm", _size(solution.energy.relative), "a guaranteed bound"))
    return tuple(found)


def _formula(found: SolutionFormula) -> FormulaView:
    texts = found.texts
    drawings = tuple(
        formula_html(expression, texts[name], left=name) for name, expression in found.expressions.items()
    )
    return FormulaView(drawings, "\n".join(f"{name} = {text}" for name, text in texts.items()), found.message)


def _domain(solution: Solution) -> str:
    domain = solution.problem.domain
    around = domain.periodic if isinstance(domain, Box) else (False,) * len(domain.bounds)
    ranges = [
        f"{coordinate.name} from {low:g} to {high:g}{', where it repeats' if repeats else ''}"
        for coordinate, (low, high), repeats in zip(domain.coordinates, domain.bounds, around, strict=True)
    ]
    shape = "" if isinstance(domain, Box) else "A shape within "
    return f"{shape}{'; '.join(ranges)}."


def _written(equation: Equation) -> str:
    return f"{write_term(equation.left)} = {write_term(equation.right)}"


def _size(value: float) -> str:
    return f"{value:.1e}" if math.isfinite(value) else "unknown"
