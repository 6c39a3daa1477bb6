"""What a road to a solution found: functions, their errors, and why it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgewise._core.stopping import StopReason
from edgewise.pde.results.energy import EnergyBound
from edgewise.pde.results.tables import Tables


@dataclass(frozen=True, eq=False)
class OtherGrid:
    """What the solver found on another grid than that of the answer: their difference estimates errors.

    Attributes
    ----------
    pieces : Pieces, MeshPieces or Waves
    scale : float
        An error of the answer is about this share of what both are apart.
    """

    pieces: Tables
    scale: float


@dataclass(frozen=True, eq=False)
class RoadOutcome:
    """What a road found of a problem, to be made a `Solution`, whose attributes of the same names these are.

    Attributes
    ----------
    pieces : Tables
    errors : sequence of float
        One an unknown.
    how : str
    road : str
    stop_reason : StopReason
        What ended it, whether or not the tolerance was met by then.
    warnings : tuple of str
        Empty ones are none.
    coefficients : int or None
        None counts those of the pieces.
    whole : float or None
        The error of all unknowns; None for the largest.
    slope_error : float or None
    energy : EnergyBound or None
    neighbour : OtherGrid or None
    """

    pieces: Tables
    errors: Sequence[float]
    how: str
    road: str
    stop_reason: StopReason
    warnings: tuple[str, ...] = ()
    coefficients: int | None = None
    whole: float | None = None
    slope_error: float | None = None
    energy: EnergyBound | None = None
    neighbour: OtherGrid | None = None

    @property
    def error(self) -> float:
        """The error of all unknowns."""
        return max(self.errors) if self.whole is None else self.whole
