"""What a forecast holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.plain import fields, plain


@dataclass(frozen=True, eq=False)
class Forecast:
    """Values to come.

    Attributes
    ----------
    times : array of shape (steps,)
        Dates, or numbers.
    values : array of shape (steps,)
        In the units of the series; medians where logarithms were predicted.
    low, high : array of shape (steps,) or None
        Ends of the intervals.
    level : float or None
        Share of values that shall lie between them.
    inputs : dict of str to array (steps,)
        What each value was predicted from: a table for `edgewise.explain` and the forecaster's `model_`.
    name : str
        Of the series.
    """

    times: NDArray[Any]
    values: Floats
    low: Floats | None
    high: Floats | None
    level: float | None
    inputs: dict[str, NDArray[Any]]
    name: str

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        rows = [
            f"{time!s:>20} {value:>14.6g}" + end
            for time, value, end in zip(self.times, self.values, self._ends(), strict=True)
        ]
        return "\n".join([f"{'time':>20} {self.name:>14}", *rows])

    def _ends(self) -> list[str]:
        if self.low is None or self.high is None:
            return [""] * len(self)
        return [f"  {low:.6g} to {high:.6g}" for low, high in zip(self.low, self.high, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        times = [str(time) if isinstance(time, np.datetime64) else plain(time) for time in self.times]
        return {"times": times, **fields(self, "name", "values", "low", "high", "level")}
