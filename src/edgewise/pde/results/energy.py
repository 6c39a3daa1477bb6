"""What a solution may be wrong by in the energy norm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EnergyBound:
    """A guaranteed bound of the error of a solution in the energy norm, and that norm of the solution.

    The energy of -div(A grad u) + c u = f is the integral of grad u . A grad u + c u^2, and of alpha u^2 over boundaries
    with A grad u . n + alpha u = h.

    Attributes
    ----------
    bound, norm : float
        In units of the problem.
    """

    bound: float
    norm: float

    @property
    def relative(self) -> float:
        """The bound as a share of the norm."""
        return self.bound / max(self.norm, 1e-300)
