"""Unknowns of a problem that are known everywhere: values, derivatives, terms and integrals of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_int
from edgewise._core.errors import InputError
from edgewise.pde.domains.parts import Part
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.evaluation import derivatives, residuals, terms
from edgewise.pde.results.integrals import integral
from edgewise.pde.results.tables import Tables
from edgewise.pde.terms.symbols import Coordinate, Expr, tree_of


@dataclass(frozen=True, eq=False)
class Values:
    """What can be asked of functions at places; whether they are near the solution is another matter.

    Attributes
    ----------
    problem : Problem
    pieces : Pieces, MeshPieces, MeshSlabs or Waves
        The unknowns as tables of splines, as polynomials on the elements of a mesh, and in time, or as waves.
    """

    problem: Problem
    pieces: Tables

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the unknowns."""
        return self.problem.names

    def __call__(
        self, *at: Any, unknown: str | None = None, derivative: Mapping[Coordinate | str, int] | None = None
    ) -> Any:
        """Values, or a derivative, at places.

        Parameters
        ----------
        *at : array-like
            One for each coordinate, in the order of the domain; broadcast against each other.
        unknown : str, optional
            Which unknown; not needed where there is one.
        derivative : mapping of coordinate to int, optional
            Orders of the derivative: `{x: 2}` or `{"x": 2}`.

        Returns
        -------
        ndarray or float

        Raises
        ------
        InputError
            Where places lie outside the domain, or a name is none of the problem's.
        """
        n = self._number(unknown)
        return derivatives(self.problem.domain, self.pieces, n, at, derivative or {})

    def evaluate(self, term: Expr | Any, *at: Any) -> Any:
        """Values of a term of the unknowns and their derivatives, such as a velocity from a stream function.

        Parameters
        ----------
        term : Expr
            As equations are written with: `curl(psi)[0]`, `u**2 + v**2`, `lap(u)`.
        *at : array-like
            One for each coordinate, in the order of the domain; broadcast against each other.

        Returns
        -------
        ndarray or float

        Raises
        ------
        InputError
            Where places lie outside the domain, or the term has names that are none of the problem's.

        Examples
        --------
        >>> from edgewise import pde
        >>> (x,) = pde.coordinates("x")
        >>> u = pde.unknown("u", x)
        >>> line = pde.box({x: (0, 1)})
        >>> problem = pde.Problem(line, [pde.dx(u, x, 2) == 2], pde.on(line.boundary["walls"], u == 0))
        >>> round(pde.solve(problem, tolerance=1e-8).evaluate(u + 3 * pde.dx(u, x), 0.0), 6)
        -3.0
        """
        return terms(self.problem, self.pieces, tree_of(term), at)

    def grid(self, *at: Any, unknown: str | None = None) -> Floats:
        """Values on the grid of all combinations of places, one array for each coordinate; nan outside the domain."""
        return self.pieces.grid(self._number(unknown), [np.asarray(item, dtype=float) for item in at])

    def integral(
        self,
        term: Expr | Any,
        over: Part | str | None = None,
        *,
        at: Mapping[Coordinate | str, float] | None = None,
    ) -> float:
        """The integral of a term over the domain, or over a part of its boundary: a mean, a flux, a force.

        Outward derivatives of unknowns that are given on whole closed curves are found from the equations' balance, which is
        more exact than the derivatives themselves.

        Parameters
        ----------
        term : Expr
            In the unknowns and their derivatives; on the boundary with `dn(u)` and the parts of `normal(x, y)` too.
        over : Part or str, optional
            A part of the boundary, by default the domain.
        at : mapping of coordinate to float, optional
            The time, of solutions on shapes through time: {"t": 0.5}.

        Returns
        -------
        float

        Raises
        ------
        InputError
            Where the solution depends on the time of a box, the boundary has no such part, or the term has other names.

        Examples
        --------
        >>> from edgewise import pde
        >>> x, y = pde.coordinates("x", "y")
        >>> u, plate = pde.unknown("u", x, y), pde.disk((x, y))
        >>> problem = pde.Problem(plate, [-pde.lap(u) == 4], pde.on(plate.boundary["rim"], u == 0))
        >>> solution = pde.solve(problem, tolerance=1e-8)
        >>> round(solution.integral(u), 6), round(solution.integral(-pde.dn(u), "rim"), 6)
        (1.570796, 12.566371)
        """
        return integral(self.problem, self.pieces, tree_of(term), over, at)

    def residual(self, points: int = 1000, seed: int = 0) -> dict[str, float]:
        """Root mean square of what each equation misses at random places that the solver never saw.

        Parameters
        ----------
        points : int
        seed : int

        Returns
        -------
        dict of str to float
            By the text of the equation, in its units.
        """
        check_int(points, "points", low=1, high=10**7)
        check_int(seed, "seed", low=0)
        return residuals(self.problem, self.pieces, points, seed)

    def _number(self, unknown: str | None) -> int:
        if unknown is None:
            if len(self.names) == 1:
                return 0
            raise InputError(
                argument="unknown", expected=f"say which of the solution: {', '.join(self.names)}"
            )
        return self.names.index(check_choice(unknown, "unknown", self.names))
