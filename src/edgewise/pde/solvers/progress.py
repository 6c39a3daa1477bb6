"""What solvers tell while they work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What callbacks of `solve` get; returning True stops.

    Attributes
    ----------
    stage : str
        "grid", "march" or "mesh".
    error : float
        Estimated error so far; infinite before the second grid.
    residual : float
        Root of the integrated squared residuals; on a mesh what the highest modes have of the energy.
    share : float or None
        Share of the way through time, where the problem marches.
    intervals : tuple of int
        Of every coordinate; on a mesh the number of elements.
    """

    stage: str
    error: float
    residual: float
    share: float | None
    intervals: tuple[int, ...]
