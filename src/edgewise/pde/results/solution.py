"""The answer to a problem: functions that can be evaluated, with their estimated error and why the search for them ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._core.checks import check_float
from edgewise._core.errors import InputError
from edgewise._core.files import PathLike
from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise._core.views import VIEWS
from edgewise.network import KAN
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.energy import EnergyBound
from edgewise.pde.results.evaluation import unmet
from edgewise.pde.results.files import load_solution, save_solution
from edgewise.pde.results.formula import SolutionFormula, formula_of
from edgewise.pde.results.outcome import OtherGrid, RoadOutcome
from edgewise.pde.results.products import network_of
from edgewise.pde.results.values import Values
from edgewise.pde.results.vtk import write_vtk

# Words of `Solution.road`, as they end a sentence.
ROADS = {
    "grid": "on refined grids",
    "products": "as one network of products",
    "march": "marched through time",
    "mesh": "on refined meshes",
    "mesh march": "marched through time on refined meshes",
    "waves": "marched wave by wave",
    "family": "member by member of a family",
    "start": "by data followed back to the start",
}


@dataclass(frozen=True, eq=False)
class Solution(Values):
    """Functions that meet the equations and conditions of a problem, up to an estimated error.

    Attributes
    ----------
    problem : Problem
    pieces : Pieces, MeshPieces, MeshSlabs or Waves
        The unknowns as tables of splines, as polynomials on the elements of a mesh, and in time, or as waves.
    error : float
        Estimated relative L2 error, the largest of all unknowns; infinite where there is no estimate.
    errors : dict of str to float
        The same for each unknown.
    how : str
        How the error was found.
    tolerance : float
        What was asked for.
    road : str
        "grid": all at once on grids that were refined; "products": by one sum of products of functions of one coordinate;
        "march": slab after slab of time; "mesh": on elements that fill a shape; "mesh march": slab after slab on such
        elements; "waves": marched as waves whose turning is exact; "family": member by member;
        "start": by its start, to which `identify` followed data back.
    stop_reason : StopReason
    warnings : tuple of str
        What counts against the answer: contradicting conditions, residuals that do not fall, unknowns that are not
        determined.
    seconds : float
    coefficients : int
        Numbers that describe the answer.
    slope_error : float or None
        Estimated relative L2 error of the gradient, the largest of all unknowns, where it was estimated: that of the
        velocities where the unknown is a stream function.
    energy : EnergyBound or None
        A guaranteed bound of the error in the energy norm: linear elliptic equations of one unknown on shapes.
    neighbour : OtherGrid or None
        The same on another grid, which `error_of` asks; files do not hold it.

    Examples
    --------
    >>> from edgewise import pde
    >>> x, y = pde.coordinates("x", "y")
    >>> u = pde.unknown("u", x, y)
    >>> square = pde.box({x: (0, 1), y: (0, 1)})
    >>> force = 2 * pde.pi**2 * pde.sin(pde.pi * x) * pde.sin(pde.pi * y)
    >>> problem = pde.Problem(square, [-pde.lap(u) == force], pde.on(square.boundary["walls"], u == 0))
    >>> solution = pde.solve(problem, tolerance=1e-8)
    >>> bool(abs(solution(0.5, 0.5) - 1) < 1e-8), solution.error < 1e-8
    (True, True)
    """

    error: float
    errors: dict[str, float]
    how: str
    tolerance: float
    road: str
    stop_reason: StopReason
    warnings: tuple[str, ...]
    seconds: float
    coefficients: int
    slope_error: float | None = None
    energy: EnergyBound | None = None
    neighbour: OtherGrid | None = None

    @classmethod
    def of(cls, outcome: RoadOutcome, problem: Problem, tolerance: float, seconds: float) -> Solution:
        """The solution that a road found.

        Whatever the road, equations that are not met where the solver did not look are warned of.
        """
        warnings = tuple(filter(None, outcome.warnings))
        if outcome.error <= tolerance and not warnings and not (problem.constants or problem.eigenvalue):
            warnings = tuple(filter(None, (unmet(problem, outcome.pieces),)))
        return cls(
            problem,
            outcome.pieces,
            outcome.error,
            dict(zip(problem.names, outcome.errors, strict=True)),
            outcome.how,
            tolerance,
            outcome.road,
            outcome.stop_reason,
            warnings,
            seconds,
            outcome.pieces.coefficients if outcome.coefficients is None else outcome.coefficients,
            outcome.slope_error,
            outcome.energy,
            outcome.neighbour,
        )

    @property
    def solved(self) -> bool:
        """Whether the estimated error is within the tolerance and nothing counts against the answer."""
        return bool(self.error <= self.tolerance) and not self.warnings

    @property
    def message(self) -> str:
        """What was reached, in a sentence or two."""
        if self.warnings:
            return "This is not a solution to rely on. " + " ".join(self.warnings)
        slopes = "" if self.slope_error is None else f", of gradients {self.slope_error:.1e}"
        reached = f"The estimated relative error is {self.error:.1e}{slopes} ({self.how})."
        if self.error <= self.tolerance:
            return reached
        return f"{reached} The tolerance, {self.tolerance:g}, was not met. {self.stop_reason.advice}"

    def __repr__(self) -> str:
        return f"<Solution of {', '.join(self.names)}: {self.message}>"

    def error_of(self, quantity: Callable[[Solution], Any]) -> Any:
        """The estimated error of a quantity that is computed from the solution: an extremum, a drag, values at places.

        It is seen from the same quantity of what the solver found on another grid.

        Parameters
        ----------
        quantity : callable
            Takes a `Solution`, returns a number or an array.

        Returns
        -------
        ndarray or float
            Absolute, in the units of the quantity.

        Raises
        ------
        InputError
            Where there is no other grid: of solutions from files, of families and of constants from data.

        Examples
        --------
        >>> from edgewise import pde
        >>> (x,) = pde.coordinates("x")
        >>> u, line = pde.unknown("u", x), pde.box({x: (0, 1)})
        >>> problem = pde.Problem(line, [pde.dx(u, x, 2) == -u], pde.on(line.boundary["walls"], u == 1))
        >>> solution = pde.solve(problem, tolerance=1e-6)
        >>> bool(solution.error_of(lambda s: s(0.5, derivative={x: 2})) < 1e-4)
        True
        """
        if self.neighbour is None:
            raise InputError(
                "This solution has none on another grid, which would estimate errors: solve(...) returns some that do."
            )
        own = np.asarray(quantity(self), dtype=float)
        other = np.asarray(quantity(replace(self, pieces=self.neighbour.pieces)), dtype=float)
        apart = self.neighbour.scale * np.abs(own - other)
        return float(apart) if apart.ndim == 0 else apart

    def network(self, unknown: str | None = None, tolerance: float | None = None) -> KAN:
        """The solution as a network of products of edge functions, to be saved, drawn, exported and read.

        Parameters
        ----------
        unknown : str, optional
            Which unknown; not needed where there is one.
        tolerance : float, optional
            Relative L2 distance from the solution (default: that of the solution, at least 1e-10).

        Returns
        -------
        KAN
            Its inputs are the coordinates.
        """
        n = self._number(unknown)
        bar = (
            max(self.tolerance, 1e-10)
            if tolerance is None
            else check_float(tolerance, "tolerance", low=1e-13)
        )
        names = [coordinate.name for coordinate in self.problem.domain.coordinates]
        return network_of(self.pieces, n, names, self.names[n], bar)

    def formula(self, of: str | None = None, *, work: str | float = "quick") -> SolutionFormula:
        """The closed form of the solution, where there is one that can be found.

        Sums of products of functions of one coordinate are read off the solution's own products; what is no such sum is
        searched by `edgewise.find_formula`. Formulas of all unknowns are inserted into the equations and the conditions.

        Parameters
        ----------
        of : str, optional
            A term in the unknowns and coordinates, such as "a^2 + b^2", instead of all unknowns.
        work : "quick", "normal", "thorough" or float
            How long the search is, where products do not do.

        Returns
        -------
        SolutionFormula

        Examples
        --------
        >>> from edgewise import pde
        >>> x, y = pde.coordinates("x", "y")
        >>> u, square = pde.unknown("u", x, y), pde.box({x: (0, 1), y: (0, 1)})
        >>> force = -2 * pde.pi**2 * pde.sin(pde.pi * x) * pde.sin(pde.pi * y)
        >>> problem = pde.Problem(square, [pde.lap(u) == force], pde.on(square.boundary["walls"], u == 0))
        >>> found = pde.solve(problem, tolerance=1e-8).formula()
        >>> found.texts["u"], found.checked
        ('sin(pi*x)*sin(pi*y)', True)
        """
        return formula_of(self.problem, self.pieces, self.errors, of, work)

    def to_vtk(self, path: PathLike, *, points: int = 101, times: int = 21) -> tuple[Path, ...]:
        """Write values on a grid for ParaView and its like, velocities of a plane as vectors too; needs the extra `vtk`.

        Parameters
        ----------
        path : str or path
            Ends in .vtr, of surfaces in .vtp; where there is time in .pvd, which lists a file for each time, written beside
            it.
        points, times : int
            Places along every coordinate of space, and times from the start to the end.

        Returns
        -------
        tuple of Path
            All files that were written, replacing what was there.

        Raises
        ------
        InputError
            Where pyvista is not installed, or the path ends otherwise.
        FileError
            Where a file cannot be written.
        """
        return write_vtk(self.problem, self.pieces, path, points, times)

    def plot(self, unknown: str | None = None, **options: Any) -> Any:
        """A matplotlib Figure, as `edgewise.plots.plot_solution` draws it with these options."""
        return VIEWS["plot_solution"](self, unknown, **options)

    def animate(self, path: PathLike, unknown: str | None = None, **options: Any) -> Path:
        """A .gif or .mp4 of it in motion, as `edgewise.plots.animate_solution` makes it with these options."""
        return VIEWS["animate_solution"](self, path, unknown, **options)

    def report(self, path: PathLike, **options: Any) -> Path:
        """A page about it, as `edgewise.report.write_solution_page` writes it with these options."""
        return VIEWS["write_solution_page"](self, path, **options)

    def save(self, path: PathLike, *, overwrite: bool = True) -> None:
        """Write the solution with its problem and its error to one file, by custom with the suffix .kan.

        Parameters
        ----------
        path : str or path
        overwrite : bool
            False refuses a path that exists.

        Raises
        ------
        FileError
            If the file cannot be written.

        Examples
        --------
        >>> from edgewise import pde
        >>> (x,) = pde.coordinates("x")
        >>> u, line = pde.unknown("u", x), pde.box({x: (0, 1)})
        >>> solution = pde.solve(pde.Problem(line, [pde.dx(u, x, 2) == -2], pde.on(line.boundary["walls"], u == 0)))
        >>> solution.save("parabola.kan")
        >>> pde.Solution.load("parabola.kan")(0.5) == solution(0.5)
        True
        """
        save_solution(vars(self), path, overwrite=overwrite)

    @classmethod
    def load(cls, path: PathLike) -> Solution:
        """Read a solution that `save` wrote; its values are the same to the bit. No code from the file runs.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        Solution

        Raises
        ------
        FileError
            If the file is missing, holds no solution, or is damaged anywhere.
        """
        return cls(**load_solution(path))

    def to_dict(self) -> dict[str, Any]:
        """What is known of the answer, as JSON takes it."""
        return plain(
            {
                "unknowns": list(self.names),
                "coordinates": [coordinate.name for coordinate in self.problem.domain.coordinates],
                "equations": [repr(equation) for equation in self.problem.equations],
                "error": self.error,
                "errors": dict(self.errors),
                "how": self.how,
                "tolerance": self.tolerance,
                "solved": self.solved,
                "road": self.road,
                "stop_reason": str(self.stop_reason),
                "message": self.message,
                "warnings": list(self.warnings),
                "seconds": self.seconds,
                "coefficients": self.coefficients,
                "slope_error": self.slope_error,
                "energy_bound": None if self.energy is None else self.energy.relative,
            }
        )
