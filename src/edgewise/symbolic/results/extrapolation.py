"""What a formula does beyond the box of its data: whether it has values there, and how fast they grow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.results.box import DataBox

# Widths of the boxes looked at, beside the data's own.
_FACTORS = (1.5, 2.0, 3.0)
_POINTS = 512
# Half as far out again, a polynomial of degree five grows eightfold; what grows faster is not to be trusted.
_SANE = 10.0


@dataclass(frozen=True)
class Shell:
    """The faces of a box around the data, in which columns of one sign keep it.

    Parameters
    ----------
    factor
        How many times as wide as the box of the data it is.
    finite
        The share of its faces where the formula has a finite value.
    growth
        The largest distance from the middle of the data's values, beside the data's own largest.
    """

    factor: float
    finite: float
    growth: float


@dataclass(frozen=True)
class Extrapolation:
    """How a formula goes on where there are no data.

    Parameters
    ----------
    shells
        Ever wider boxes around the data.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> print(extrapolation(lambda rows: rows[:, 0] ** 3, ("x",), X, X[:, 0] ** 3))
    With columns over 1.5 times their measured range its values reach 3.4 times as far as the measured ones; over 2
    times, 8 times as far.
    """

    shells: tuple[Shell, ...]

    @property
    def sane(self) -> bool:
        """Finite a little beyond the data, and no larger than ten times what the data are?"""
        near = self.shells[0]
        return near.finite == 1.0 and near.growth <= _SANE

    def __str__(self) -> str:
        near, far = self.shells[:2]
        if near.finite < 1.0:
            return (
                f"With columns over {near.factor:g} times their measured range it has no finite value on "
                f"{_percent(1 - near.finite)} of the ends: do not rely on it there."
            )
        reach = (
            f"With columns over {near.factor:g} times their measured range its values reach {_times(near.growth)} times "
            "as far as the measured ones"
        )
        if not self.sane:
            return f"{reach}: do not rely on it there."
        further = (
            f"over {far.factor:g} times, {_times(far.growth)} times as far"
            if far.finite == 1.0
            else f"over {far.factor:g} times, it has no finite value on {_percent(1 - far.finite)} of the ends"
        )
        return f"{reach}; {further}."

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "sane": self.sane,
            "text": str(self),
            "shells": [
                {
                    "factor": shell.factor,
                    "finite": shell.finite,
                    "growth": shell.growth if math.isfinite(shell.growth) else None,
                }
                for shell in self.shells
            ],
        }


def extrapolation(
    predict: Callable[[Floats], Floats], names: tuple[str, ...], X: Floats, y: Floats
) -> Extrapolation:
    """A formula on the faces of ever wider boxes around its data.

    Parameters
    ----------
    predict
        The formula, (m, d) -> (m,).
    names
        The columns.
    X, y
        The data, (n, d) and (n,).

    Returns
    -------
    Extrapolation
    """
    box = DataBox.around(names, X)
    middle, half = (float(y.max()) + float(y.min())) / 2, (float(y.max()) - float(y.min())) / 2
    # A constant column of values has no range; its size is the next best measure.
    half = half or max(abs(middle), 1e-300)
    shells: list[Shell] = []
    for factor in _FACTORS:
        with np.errstate(all="ignore"):
            values = predict(box.widened(factor, keep_signs=True).surface(_POINTS))
            finite = np.isfinite(values)
            growth = float(np.abs(values[finite] / half - middle / half).max()) if finite.any() else math.nan
        shells.append(Shell(factor, float(finite.mean()), growth))
    return Extrapolation(tuple(shells))


def _times(growth: float) -> str:
    if growth < 10:
        return f"{growth:.2g}"
    return f"{growth:,.0f}" if growth < 1e4 else f"{growth:.1e}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"
