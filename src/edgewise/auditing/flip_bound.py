"""How far changing one attribute alone moves the output: what is known of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason

EXACT, PROVED, CHAINED = "exact", "proved", "chained"


@dataclass(frozen=True)
class CertifiedFlip:
    """The largest change of the output when an attribute alone is changed.

    Attributes
    ----------
    attribute : str
    bound : float
        No row there can be changes by more: log-odds of a classifier of two classes (calibrated ones where it is), else
        units of the output. Infinite where no bound is known.
    reached : float
        A change that some row reaches; equal to `bound`, but for rounding, where `method` is "exact".
    method : "exact", "proved" or "chained"
    seconds : float
    note : str
        What stood in the way of a better bound; empty where nothing did.
    stop_reason : StopReason
        Why no better bound was sought: "exact", or "converged" where it is within 1 % of the range of the change.
    """

    attribute: str
    bound: float
    reached: float
    method: str
    seconds: float
    note: str = ""
    stop_reason: StopReason = StopReason.EXACT

    @property
    def message(self) -> str:
        """What is known, in a sentence."""
        if not math.isfinite(self.bound):
            return f"No bound for all rows is known: {self.note or 'the network has nodes that multiply'}."
        how = {EXACT: "exactly", PROVED: "proved", CHAINED: "by slopes chained from layer to layer"}[
            self.method
        ]
        return f"{self.attribute} alone moves the output by at most {self.bound:.4g} ({how})."

    @property
    def probability(self) -> float:
        """The largest change of a probability that a change of log-odds by `bound` can make: tanh(bound / 4)."""
        return math.tanh(self.bound / 4)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None where the bound is infinite."""
        entries = {**plain(asdict(self)), "probability": self.probability, "message": self.message}
        return {**entries, "stop_reason": self.stop_reason.value}
