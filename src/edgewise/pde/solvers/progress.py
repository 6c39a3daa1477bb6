"""What solvers tell while they work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgewise.pde.results.checkpoint import Checkpoint


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
    checkpoint : callable or None
        What a march has found so far, to be saved and gone on from; None where nothing marches.
    """

    stage: str
    error: float
    residual: float
    share: float | None
    intervals: tuple[int, ...]
    checkpoint: Callable[[], Checkpoint] | None = None
