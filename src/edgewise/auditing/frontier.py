"""What a model can be made to cost in accuracy for each gap between groups: points of a frontier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.checks import check_choice, check_float
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise.auditing.certify import CertifiedFlip
from edgewise.auditing.groups import CRITERIA
from edgewise.auditing.text import columns, number

BEFORE = "before"


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """One model.

    Attributes
    ----------
    method : "before", "penalty", "flip", "surgery" or "thresholds"
    detail : str
    model : object
        The new model: of the kind that was given, or a `GroupThresholds`.
    accuracy, auc : float
    dp, eo : float
        Differences between groups: demographic parity and equalised odds.
    dp_ratio : float
        Smallest over largest selection rate.
    certificates : tuple of CertifiedFlip
        What the protected attributes can still do; empty where the model reads none.
    stop_reason : StopReason
        Why it was not changed further.
    """

    method: str
    detail: str
    model: Any
    accuracy: float
    auc: float
    dp: float
    eo: float
    dp_ratio: float
    certificates: tuple[CertifiedFlip, ...] = ()
    stop_reason: StopReason = StopReason.DECIDED

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the model."""
        names = ("method", "detail", "accuracy", "auc", "dp", "eo", "dp_ratio", "stop_reason")
        return {
            **fields(self, *names),
            "certificates": [certificate.to_dict() for certificate in self.certificates],
        }


@dataclass(frozen=True, eq=False)
class Frontier:
    """Models before and after mitigation, measured on rows that none of the mitigations have seen.

    Attributes
    ----------
    attribute : str
    points : tuple of FrontierPoint
        The model as it was comes first.
    rows, held_out : int
        Rows that were learned from, and that judge.
    notes : tuple of str
    stop_reason : StopReason
        "decided" where every model was made; else what ended it, and `notes` say which are missing.
    seconds : float
    """

    attribute: str
    points: tuple[FrontierPoint, ...]
    rows: int
    held_out: int
    notes: tuple[str, ...] = ()
    stop_reason: StopReason = StopReason.DECIDED
    seconds: float = 0.0

    @property
    def message(self) -> str:
        """Why it ended, in a sentence."""
        return self.stop_reason.advice

    @property
    def before(self) -> FrontierPoint:
        """The model as it was."""
        return self.points[0]

    def best(self, criterion: str = "eo", at_most: float = 0.05) -> FrontierPoint:
        """The most accurate model whose gap is at most so wide.

        Raises
        ------
        InputError
            If there is none.
        """
        check_choice(criterion, "criterion", CRITERIA)
        check_float(at_most, "at_most", low=0.0)
        good = [point for point in self.points if getattr(point, criterion) <= at_most]
        if not good:
            least = min(getattr(point, criterion) for point in self.points)
            raise InputError(
                argument="at_most",
                expected=f"be at least {least:.3g}, the least gap there is",
                got=f"{at_most:g}",
            )
        return max(good, key=lambda point: point.accuracy)

    def front(self, criterion: str = "eo") -> tuple[FrontierPoint, ...]:
        """The points that no other one beats in both accuracy and gap, from the narrowest gap on."""
        check_choice(criterion, "criterion", CRITERIA)
        kept = list[FrontierPoint]()
        known = [point for point in self.points if not np.isnan(getattr(point, criterion))]
        for point in sorted(known, key=lambda name: (getattr(name, criterion), -name.accuracy)):
            if not kept or point.accuracy > kept[-1].accuracy:
                kept.append(point)
        return tuple(kept)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {
            "attribute": self.attribute,
            "points": [point.to_dict() for point in self.points],
            **fields(self, "rows", "held_out", "notes", "message", "stop_reason", "seconds"),
        }

    def __str__(self) -> str:
        rows = [["model", "accuracy", "AUC", "dp", "eo", "dp ratio", "certified flip"]]
        for point in self.points:
            certified = max((certificate.bound for certificate in point.certificates), default=float("nan"))
            numbers = (point.accuracy, point.auc, point.dp, point.eo, point.dp_ratio, certified)
            rows.append([f"{point.method}: {point.detail}", *map(number, numbers)])
        head = f"Mitigation for {self.attribute}, learned from {self.rows:,} rows and judged on {self.held_out:,} others."
        return "\n".join([head, "", *columns(rows), *(f"- {note}" for note in self.notes)]) + "\n"
