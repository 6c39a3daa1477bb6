"""Constants found from data, with their errors, beside the solution that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise.pde.results.solution import Solution

Floats = NDArray[np.float64]


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
class Identification:
    """What data say of the constants of a problem, and of its unknowns.

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

    def __getitem__(self, name: str) -> Estimate:
        return next(each for each in self.constants if each.name == name)

    @property
    def message(self) -> str:
        """What was found, in a sentence or two."""
        found = ", ".join(map(repr, self.constants)) or "There are no constants; the data were assimilated"
        return " ".join([f"{found}.", *self.warnings])

    def __repr__(self) -> str:
        return f"<Identification: {self.message}>"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as JSON takes it."""
        return plain(
            {
                "constants": [vars(each) for each in self.constants],
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
