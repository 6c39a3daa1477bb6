"""How far a formula can be trusted, as data and as text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import plural
from edgewise.symbolic.results.box import Place, place_text
from edgewise.symbolic.results.domain import DomainCondition
from edgewise.symbolic.results.extrapolation import Extrapolation

# Standard deviations of an estimate from n rows, about 1/sqrt(n) each, by which an error must exceed the noise.
CLEAR_DEVIATIONS = 4.0


@dataclass(frozen=True)
class ConstantInterval:
    """A constant and the range that holds the true one in 95 of 100 such tables, where the formula is right.

    Parameters
    ----------
    value, low, high
        The constant and the ends; infinite where the data do not determine it.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if not math.isfinite(self.high - self.low):
            return f"{self.value:.6g} (not determined by the data)"
        digits = _digits(self.value, self.high - self.low)
        return f"{self.value:.{digits}g} ({self.low:.{digits}g} to {self.high:.{digits}g})"


@dataclass(frozen=True)
class NetworkDistance:
    """How far a formula is from the network over the box of the data.

    Parameters
    ----------
    rms, largest
        Of the difference, over points spread evenly over the box.
    place
        Where it is largest.
    finite
        The share of the box where the formula has a finite value.
    """

    rms: float
    largest: float
    place: Place | None
    finite: float

    def __str__(self) -> str:
        if self.place is None:
            return "It has no finite value in the box of the data to compare with the network's."
        text = (
            f"It differs from the network by {self.rms:.3g} over the box of the data (root mean square), at most by "
            f"{self.largest:.3g}, at {place_text(self.place)}"
        )
        return (
            f"{text}."
            if self.finite == 1
            else f"{text}; on {100 * (1 - self.finite):.0f} % of it it has no finite value."
        )


@dataclass(frozen=True)
class Noise:
    """The standard deviation of the noise in y, estimated in up to three ways; each is rather too large than too small.

    Parameters
    ----------
    residuals
        What the formula leaves over.
    neighbours
        From rows that lie close together, without any formula.
    network
        What the network leaves over.
    rows
        How many rows the formula was judged on.
    clearly
        Standard deviations of these estimates by which the formula must leave more.
    """

    residuals: float
    neighbours: float
    network: float
    rows: int
    clearly: float = CLEAR_DEVIATIONS

    @property
    def level(self) -> float:
        """The best estimate: the smallest."""
        known = [item for item in (self.residuals, self.neighbours, self.network) if math.isfinite(item)]
        return min(known, default=math.nan)

    @property
    def unexplained(self) -> bool:
        """Does the formula leave clearly more than noise?"""
        clearly = 1 + self.clearly / math.sqrt(self.rows)
        return self.residuals > clearly * self.level or not math.isfinite(self.residuals)

    def __str__(self) -> str:
        ways = [
            f"{value:.3g} by {way}"
            for value, way in (
                (self.residuals, "what the formula leaves over"),
                (self.neighbours, "neighbouring rows"),
                (self.network, "what the network leaves over"),
            )
            if math.isfinite(value)
        ]
        verdict = (
            "so the formula leaves something unexplained"
            if self.unexplained
            else "so nothing but noise is left to explain"
        )
        return (
            f"At most {self.level:.3g} ({', '.join(ways)}), {verdict}." if ways else "It could not be known."
        )


@dataclass(frozen=True)
class Trust:
    """How far a formula can be trusted.

    Parameters
    ----------
    rows
        How many rows it was judged on.
    error
        Root mean squared error on them, in the units of y.
    r2
        Coefficient of determination on them.
    network
        The distance to the network; None where there was none.
    domain
        What its parts ask of the columns, and whether they get it in the box of the data and around.
    extrapolation
        What it does beyond that box.
    constants
        Its measured constants with 95 % intervals, in the order of the formula.
    noise
        The noise in y.
    leave_one_out
        Whether each of these rows was predicted by a fit to the others, as in a short table; else they were held out.

    Examples
    --------
    >>> import numpy as np
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> from edgewise.symbolic.results.diagnostics import trust
    >>> X = np.linspace(1, 2, 60)[:, None]
    >>> y = 3 * np.log(X[:, 0]) + 0.01 * np.cos(1e4 * X[:, 0])
    >>> judged = trust(Formula(3.0 * sympy.log(sympy.Symbol("x")), ("x",)), X, y)
    >>> print(judged.domain[0])
    log(x) needs x > 0, which holds in the box of the data and around it.
    """

    rows: int
    error: float
    r2: float
    network: NetworkDistance | None
    domain: tuple[DomainCondition, ...]
    extrapolation: Extrapolation
    constants: tuple[ConstantInterval, ...]
    noise: Noise
    leave_one_out: bool = False

    @property
    def leaves_domain(self) -> tuple[DomainCondition, ...]:
        """The conditions that fail in the box of the data or around it."""
        return tuple(condition for condition in self.domain if not condition.holds)

    def __str__(self) -> str:
        counted = plural(self.rows, "row")
        judged = f"{counted}, each left out in turn" if self.leave_one_out else counted
        lines = [f"Error: {self.error:.3g} on {judged} (R2 {self.r2:.6g})."]
        if not math.isfinite(self.error):
            lines = [f"Error: it has no finite value on some of the {counted} it was judged on."]
        lines.append(f"Noise: {_lowered(str(self.noise))}")
        if self.network is not None:
            lines.append(f"Network: {_lowered(str(self.network))}")
        failing = [str(condition) for condition in self.leaves_domain]
        kept = "it has a value everywhere in the box of the data and around it."
        lines.append(f"Domain: {' '.join(failing) or kept}")
        lines.append(f"Beyond the data: {_lowered(str(self.extrapolation))}")
        if self.constants:
            lines.append(f"Constants, with 95 % intervals: {'; '.join(map(str, self.constants))}.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Everything for JSON; numbers that are not finite as None."""
        near = self.network
        return {
            "rows": self.rows,
            "error": _finite(self.error),
            "r2": _finite(self.r2),
            "leave_one_out": self.leave_one_out,
            "network": None
            if near is None
            else {
                "rms": _finite(near.rms),
                "largest": _finite(near.largest),
                "place": None if near.place is None else dict(near.place),
                "finite": near.finite,
            },
            "domain": [condition.to_dict() for condition in self.domain],
            "extrapolation": self.extrapolation.to_dict(),
            "constants": [
                {"value": constant.value, "low": _finite(constant.low), "high": _finite(constant.high)}
                for constant in self.constants
            ],
            "noise": {
                "level": _finite(self.noise.level),
                "residuals": _finite(self.noise.residuals),
                "neighbours": _finite(self.noise.neighbours),
                "network": _finite(self.noise.network),
            },
            "text": str(self),
        }


def _digits(value: float, width: float) -> int:
    """As many digits as distinguish the ends of the interval, and one more."""
    if width <= 0 or value == 0:
        return 6
    return min(max(math.ceil(math.log10(abs(value) / width)) + 2, 2), 15)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
