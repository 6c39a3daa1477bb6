"""Constants found from data, with their errors, beside the solution that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice
from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise._core.views import VIEWS
from edgewise.fields.field import Field
from edgewise.fields.space import Space
from edgewise.network import KAN
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.products import network_of
from edgewise.pde.results.solution import Solution
from edgewise.pde.terms.constants import CoefficientFunction


@dataclass(frozen=True)
class Estimate:
    """A constant with its standard error and its 95 % interval."""

    name: str
    value: float
    error: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"{self.name} = {self.value:.6g} +- {self.error:.2g}"


@dataclass(frozen=True, eq=False)
class FunctionEstimate:
    """A function in the weights of an equation with its errors, as data determine it.

    Attributes
    ----------
    function : CoefficientFunction
    weights : ndarray, shape (m,)
        Of its splines.
    covariance : ndarray, shape (m, m)
    quantile : float
        Half the width of a 95 % interval, in standard errors.
    """

    function: CoefficientFunction
    weights: Floats
    covariance: Floats
    quantile: float

    @property
    def name(self) -> str:
        """Its name."""
        return self.function.name

    def __call__(self, at: Any) -> Any:
        """Values at places of its coordinate."""
        places = np.asarray(at, dtype=float)
        values = (self.function.basis(places.ravel()) @ self.weights).reshape(places.shape)
        return float(values) if values.ndim == 0 else values

    def error(self, at: Any) -> Any:
        """Standard errors at places."""
        places = np.asarray(at, dtype=float)
        rows = self.function.basis(places.ravel())
        spread = np.einsum("ni,ij,nj->n", rows, self.covariance, rows)
        errors = np.sqrt(np.maximum(spread, 0.0)).reshape(places.shape)
        return float(errors) if errors.ndim == 0 else errors

    def band(self, at: Any) -> tuple[Any, Any]:
        """Ends of the 95 % intervals at places, each for itself."""
        values, reach = self(at), self.quantile * self.error(at)
        return values - reach, values + reach

    def network(self) -> KAN:
        """The function as a network of one edge, to be drawn, saved and read."""
        own = self.function
        space = Space(np.linspace(own.low, own.high, own.intervals + 1), 3)
        field = Field((space,), space.interpolation @ self(space.greville))
        return network_of(Pieces(((field,),), None), 0, [own.coordinate], own.name, 1e-6)

    def plot(self, **options: Any) -> Any:
        """A matplotlib Figure with its band, as `edgewise.plots.plot_coefficient` draws it with these options."""
        return VIEWS["plot_coefficient"](self, **options)

    def __repr__(self) -> str:
        at = np.linspace(self.function.low, self.function.high, 101)
        values, errors = self(at), self.error(at)
        of = f"{self.name}({self.function.coordinate})"
        return f"{of} from {values.min():.4g} to {values.max():.4g} +- {errors.mean():.2g}"


@dataclass(frozen=True, eq=False)
class Identification:
    """The constants of a problem found from data, and its unknowns.

    Attributes
    ----------
    constants : tuple of Estimate
        By name.
    covariance : ndarray
        Of the constants.
    solution : Solution
        The unknowns, with these constants.
    sigma : tuple of float
        Standard deviation of the noise of each set of data, as given or estimated.
    misfit : float
        Mean square of what the data miss, in units of their noise, for each degree of freedom: near 1 where equations and
        noise explain them.
    equations_left : float
        Residuals of the equations relative to their terms.
    warnings : tuple of str
    stop_reason : StopReason
    seconds : float
    functions : tuple of FunctionEstimate
        Those in the weights of the equations, by name.

    Notes
    -----
    `found["nu"]` is the constant or function of that name.
    """

    constants: tuple[Estimate, ...]
    covariance: Floats
    solution: Solution
    sigma: tuple[float, ...]
    misfit: float
    equations_left: float
    warnings: tuple[str, ...]
    stop_reason: StopReason
    seconds: float
    functions: tuple[FunctionEstimate, ...] = ()

    def __getitem__(self, name: str) -> Any:
        every = {constant.name: constant for constant in (*self.constants, *self.functions)}
        return every[check_choice(name, "name", list(every))]

    @property
    def message(self) -> str:
        """What was found, in a sentence or two."""
        found = (
            ", ".join(map(repr, (*self.constants, *self.functions)))
            or "There are no constants; the data were assimilated"
        )
        return " ".join([f"{found}.", *self.warnings])

    def __repr__(self) -> str:
        return f"<Identification: {self.message}>"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as JSON takes it."""
        return plain(
            {
                "constants": [vars(constant) for constant in self.constants],
                "functions": [
                    {
                        **vars(function.function),
                        "weights": function.weights,
                        "covariance": function.covariance,
                    }
                    for function in self.functions
                ],
                "covariance": self.covariance,
                "sigma": self.sigma,
                "misfit": self.misfit,
                "equations_left": self.equations_left,
                "warnings": self.warnings,
                "message": self.message,
                "stop_reason": str(self.stop_reason),
                "seconds": self.seconds,
                "solution": self.solution.to_dict(),
            }
        )
