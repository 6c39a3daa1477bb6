"""Calibration as data: rising maps from the output of a classifier to probabilities, and back.

Of two classes the map carries every threshold: p(s) is above one half just where the network's output s is above a number
that the map stores, and a bound of p is a bound of s. So what is proved of the network's output is proved of the calibrated
model. Of more classes that holds of one temperature for all, which leaves the largest output the largest.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, logit, softmax

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError

METHODS = ("isotonic", "sigmoid", "temperature")
# Zero and one cannot be paid for by any log loss; a few rows cannot show them either.
LEAST = 1e-6
# A threshold that no output reaches stands for one that no number is.
FAR = 1e300
# Stretches into which each piece of a map is divided where changes along it are bounded.
_FINE = 32
# The least probability that decides for the second of two classes.
_ABOVE = float(np.nextafter(0.5, 1.0))


@dataclass(frozen=True)
class Logistic:
    """p = expit(slope * s + offset), slope >= 0."""

    slope: float
    offset: float

    def log_odds(self, score: Floats) -> Floats:
        """Log-odds at scores, (n,)."""
        with np.errstate(over="ignore"):
            return self.slope * score + self.offset

    def probability(self, score: Floats) -> Floats:
        """Probabilities at scores, (n,)."""
        return expit(self.log_odds(score))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"slope": self.slope, "offset": self.offset}


@dataclass(frozen=True)
class RisingPolyline:
    """Straight between points that rise, level beyond the first and the last."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, score: Floats) -> Floats:
        """Probabilities at scores, (n,)."""
        x, p = np.array(self.scores), np.array(self.probabilities)
        if len(x) == 1:
            return np.full(len(score), p[0])
        score = np.clip(score, x[0], x[-1])
        at = np.clip(np.searchsorted(x, score, side="right") - 1, 0, len(x) - 2)
        share = (score - x[at]) / (x[at + 1] - x[at])
        # Rounding must not lead beyond the ends of a piece, or the map would not rise.
        return np.clip(p[at] + share * (p[at + 1] - p[at]), p[at], p[at + 1])

    def log_odds(self, score: Floats) -> Floats:
        """Log-odds at scores, (n,)."""
        return logit(self.probability(score))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}


Curve = Logistic | RisingPolyline


@dataclass(frozen=True)
class Calibration:
    """Rising maps behind a network of classes.

    Attributes
    ----------
    method : "isotonic", "sigmoid" or "temperature"
    curves : tuple of Logistic or RisingPolyline
        Of two classes one, from the log-odds of the second; of more one a class, from its log-odds against the others, or
        one for all logits ("temperature").
    threshold : float or None
        Of two classes: the second is decided for just where the network's output is above it.

    Examples
    --------
    >>> step = Calibration.of("isotonic", (RisingPolyline((-1.0, 0.0, 1.0, 2.0), (0.25, 0.5, 0.5, 0.75)),), classes=2)
    >>> round(step.threshold, 9), step.decided(np.array([[1.0], [1.1]])).tolist()
    (1.0, [0, 1])
    >>> round(step.highest(0.625), 9), step.lowest(0.25)
    (1.5, -inf)
    """

    method: str
    curves: tuple[Curve, ...]
    threshold: float | None

    @classmethod
    def of(cls, method: str, curves: tuple[Curve, ...], classes: int) -> Calibration:
        """The maps, and of two classes the output at which the decision changes."""
        if classes != 2:
            return cls(method, curves, None)
        last = _last(lambda s: float(curves[0].log_odds(np.array([s]))[0]) <= 0.0)
        # Numbers that any factor rounds to zero are zero.
        threshold = 0.0 if abs(last) < 1 / FAR else min(max(last, -FAR), FAR)
        return cls(method, curves, threshold)

    @property
    def carried(self) -> bool:
        """Whether decisions are those of the network, but for the threshold."""
        return self.threshold is not None or self.method == "temperature"

    @property
    def line(self) -> Logistic | None:
        """The map of log-odds where it is one straight, rising line."""
        only = self.curves[0]
        return only if self.threshold is not None and isinstance(only, Logistic) and only.slope > 0 else None

    # ---- forward

    def decided(self, outputs: Floats) -> NDArray[np.int64]:
        """Numbers of the classes that are decided for, (n,), from the network's outputs (n, outputs)."""
        if self.threshold is not None:
            return (outputs[:, 0] > self.threshold).astype(np.int64)
        return (outputs if self.carried else self.probabilities(outputs)).argmax(axis=1)

    def probabilities(self, outputs: Floats) -> Floats:
        """Probabilities of the classes, (n, classes), from the network's outputs (n, outputs)."""
        if self.threshold is not None:
            score, only = outputs[:, 0], self.curves[0]
            p = self._sided(score, only.probability(score), 0.5, _ABOVE)
            rest = expit(-only.log_odds(score)) if isinstance(only, Logistic) else 1.0 - p
            return np.column_stack([self._sided(-score, rest, 0.5, 0.5, -self.threshold), p])
        if isinstance(self.curves[0], Logistic) and self.method == "temperature":
            return softmax(outputs * self.curves[0].slope, axis=1)
        columns = [own.probability(log_odds_against_others(outputs, k)) for k, own in enumerate(self.curves)]
        p = np.clip(np.column_stack(columns), LEAST, 1)
        return p / p.sum(1, keepdims=True)

    def log_odds(self, outputs: Floats) -> Floats:
        """What `decision_function` gives: log-odds of the second of two classes, (n,); of more log-probabilities."""
        if self.threshold is not None:
            score = outputs[:, 0]
            return self._sided(score, self.curves[0].log_odds(score), 0.0, 2.0**-51)
        if isinstance(self.curves[0], Logistic) and self.method == "temperature":
            return log_softmax(outputs * self.curves[0].slope, axis=1)
        return np.log(self.probabilities(outputs))

    def _sided(
        self, score: Floats, value: Floats, middle: float, above: float, threshold: float | None = None
    ) -> Floats:
        """Values on the side of the middle on which the decision is, also where rounding would have it otherwise."""
        threshold = self.threshold if threshold is None else threshold
        assert threshold is not None
        return np.where(score > threshold, np.maximum(value, above), np.minimum(value, middle))

    # ---- backward: bounds of the calibrated model's output as bounds of the network's output, of two classes

    def highest(self, p: float) -> float:
        """The largest output whose probability is at most p; infinite where all are, or none is."""
        return _last(lambda s: float(self.probabilities(np.array([[s]]))[0, 1]) <= p)

    def lowest(self, p: float) -> float:
        """The least output whose probability is at least p; infinite where none is, or all are."""
        return _after(_last(lambda s: float(self.probabilities(np.array([[s]]))[0, 1]) < p))

    def highest_odds(self, log_odds: float) -> float:
        """The largest output whose calibrated log-odds are at most so much."""
        return _last(lambda s: float(self.log_odds(np.array([[s]]))[0]) <= log_odds)

    def lowest_odds(self, log_odds: float) -> float:
        """The least output whose calibrated log-odds are at least so much."""
        return _after(_last(lambda s: float(self.log_odds(np.array([[s]]))[0]) < log_odds))

    def furthest(self, change: float) -> float:
        """What calibrated log-odds can change, at most, where the network's output changes by so much."""
        own = self.curves[0]
        if isinstance(own, Logistic):
            return own.slope * change
        x = np.array(own.scores)
        ends = np.unique(np.concatenate([x, x - change]))
        # The map rises: on a short stretch the change is at most that from its beginning to its end.
        parts = np.concatenate(
            [np.linspace(a, b, _FINE, endpoint=False) for a, b in pairwise(ends)] + [ends[-1:]]
        )
        low, high = own.log_odds(parts[:-1]), own.log_odds(parts[1:] + change)
        return float((high - low).max(initial=0.0))

    # ---- JSON

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        curves = [curve.to_json() for curve in self.curves]
        return {"method": self.method, "threshold": self.threshold, "curves": curves}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], classes: int) -> Calibration:
        """The maps again.

        Raises
        ------
        InputError, KeyError, TypeError, ValueError
            If the document is not what `to_json` gives for a model of so many classes.
        """
        method, threshold = document["method"], document["threshold"]
        curves = tuple(_curve(curve) for curve in document["curves"])
        logistic = method != "isotonic"
        several = classes if method != "temperature" else 1
        fits = method in METHODS and len(curves) == (1 if classes == 2 else several)
        if not fits or any(isinstance(curve, Logistic) != logistic for curve in curves):
            raise InputError(f"its calibration is not one of {classes} classes.")
        if classes == 2:
            threshold = _number(threshold)
        elif threshold is not None:
            raise InputError("its calibration has a threshold that decides nothing.")
        return cls(method, curves, threshold)


def _curve(document: Mapping[str, Any]) -> Curve:
    if set(document) == {"slope", "offset"}:
        slope, offset = _number(document["slope"]), _number(document["offset"])
        if slope < 0:
            raise InputError("a map of its calibration falls.")
        return Logistic(slope, offset)
    x, p = (tuple(map(_number, document[key])) for key in ("scores", "probabilities"))
    rising = len(x) == len(p) > 0 and np.all(np.diff(x) > 0) and np.all(np.diff(p) >= 0)
    if not rising or not 0 < p[0] <= p[-1] < 1:
        raise InputError("a map of its calibration does not rise from above 0 to below 1.")
    return RisingPolyline(x, p)


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise InputError(f"its calibration holds {short(value)} in the place of a number.")
    return float(value)


def log_odds_against_others(outputs: Floats, k: int) -> Floats:
    """Log-odds of one of several classes against the others."""
    return logit(np.clip(softmax(outputs, axis=1)[:, k], 1e-12, 1 - 1e-12))


def _last(holds: Callable[[float], bool]) -> float:
    """The largest float for which something holds that holds of all smaller ones; infinite where it holds of all or none."""
    if not holds(-FAR):
        return -math.inf
    if holds(FAR):
        return math.inf
    # Floats in their order are whole numbers in their order.
    first, last = _rank(-FAR), _rank(FAR)
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (middle, last) if holds(_ranked(middle)) else (first, middle)
    return _ranked(first) + 0.0


def _after(value: float) -> float:
    return value if math.isinf(value) else math.nextafter(value, math.inf) + 0.0


def _rank(value: float) -> int:
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _ranked(rank: int) -> float:
    value = struct.unpack("<d", struct.pack("<q", abs(rank)))[0]
    return value if rank >= 0 else -value
