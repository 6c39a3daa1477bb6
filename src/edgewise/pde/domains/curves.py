"""Pieces of boundaries: segments and arcs of ellipses, exact, with the places where they meet."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

# Places closer than this share of the size of a shape are the same.
CLOSE = 1e-10


@dataclass(frozen=True, eq=False)
class Curve:
    """center + across cos(angle) + up sin(angle) for an arc; start + (end - start) s for a segment.

    Attributes
    ----------
    name : str
        Of the part of the boundary.
    center, across, up : tuple of float
        Of an arc: its center and two half axes. Of a segment: its start, and across from start to end.
    first, last : float
        Angles of an arc, in radians; unused by a segment.
    straight : bool
    """

    name: str
    center: tuple[float, float]
    across: tuple[float, float]
    up: tuple[float, float] = (0.0, 0.0)
    first: float = 0.0
    last: float = 1.0
    straight: bool = True

    @cached_property
    def _axes(self) -> Floats:
        return np.array([self.across, self.up])

    def at(self, s: Floats | float) -> Floats:
        """Places at shares of the way: (...) -> (..., 2)."""
        part = np.asarray(s, dtype=float)[..., None]
        if self.straight:
            return np.asarray(self.center) + part * self._axes[0]
        angle = self.first + (self.last - self.first) * part
        return np.asarray(self.center) + np.cos(angle) * self._axes[0] + np.sin(angle) * self._axes[1]

    def slope(self, s: Floats | float) -> Floats:
        """Derivative of the places in the share of the way."""
        part = np.asarray(s, dtype=float)[..., None]
        if self.straight:
            return np.broadcast_to(self._axes[0], (*part.shape[:-1], 2)).copy()
        span = self.last - self.first
        angle = self.first + span * part
        return span * (np.cos(angle) * self._axes[1] - np.sin(angle) * self._axes[0])

    @property
    def start(self) -> Floats:
        """Where it begins."""
        return self.at(0.0)

    @property
    def end(self) -> Floats:
        """Where it ends."""
        return self.at(1.0)

    @cached_property
    def size(self) -> float:
        """About its length."""
        return float(np.linalg.norm(np.diff(self.at(np.linspace(0, 1, 33)), axis=0), axis=1).sum())

    def part(self, low: float, high: float) -> Curve:
        """The piece between two shares of the way; backwards where low is above high."""
        if self.straight:
            start, end = self.at(low), self.at(high)
            return segment(start, end, self.name)
        span = self.last - self.first
        return replace(self, first=self.first + low * span, last=self.first + high * span)

    def reversed(self) -> Curve:
        """The same from its end to its start."""
        return self.part(1.0, 0.0)

    def where(self, place: Floats, close: float) -> float | None:
        """The share of the way at which it passes a place, or None."""
        if self.straight:
            along = self._axes[0]
            share = float((place - np.asarray(self.center)) @ along / (along @ along))
        else:
            local = np.linalg.solve(self._axes.T, place - np.asarray(self.center))
            share = self._share(float(np.arctan2(local[1], local[0])), close)
        share = min(max(share, 0.0), 1.0)
        return share if np.linalg.norm(self.at(share) - place) <= close else None

    def _share(self, angle: float, close: float) -> float:
        """The share of the way at an angle: within [0, 1], or the nearest outside."""
        span = self.last - self.first
        slack = close / self.size
        turns = (angle - self.first) % (2 * np.pi * np.sign(span))
        share = turns / span
        around = 2 * np.pi / abs(span)
        return float(share - around if share > 1 + slack and share - around > -slack else share)

    def meetings(self, other: Curve, close: float) -> list[float]:
        """Shares of the way at which it meets another curve; where they run together, the other's ends on it."""
        found = [s for end in (other.start, other.end) if (s := self.where(end, close)) is not None]
        for place in _crossings(self, other):
            share = self.where(place, close)
            if share is not None and other.where(place, close) is not None:
                found.append(share)
        return found

    def crossings(self, at: Floats) -> NDArray[np.int64]:
        """How often rays from places to the right pass through it."""
        total = np.zeros(len(at), dtype=np.int64)
        for piece in self._rising:
            (x0, y0), (x1, y1) = piece.start, piece.end
            inside = (at[:, 1] >= min(y0, y1)) & (at[:, 1] < max(y0, y1))
            if not inside.any():
                continue
            y = at[inside, 1]
            if piece.straight:
                x = x0 + (x1 - x0) * (y - y0) / (y1 - y0)
            else:
                a, b = piece.across[1], piece.up[1]
                radius, phase = np.hypot(a, b), np.arctan2(b, a)
                turn = np.arccos(np.clip((y - piece.center[1]) / radius, -1, 1))
                middle = (piece.first + piece.last) / 2
                both = np.stack([phase + turn, phase - turn])
                both += 2 * np.pi * np.round((middle - both) / (2 * np.pi))
                angle = both[np.abs(both - middle).argmin(axis=0), np.arange(len(y))]
                x = piece.center[0] + piece.across[0] * np.cos(angle) + piece.up[0] * np.sin(angle)
            total[inside] += x > at[inside, 0]
        return total

    @cached_property
    def _rising(self) -> tuple[Curve, ...]:
        """Pieces on each of which y rises or falls throughout."""
        if self.straight:
            return (self,)
        peak = np.arctan2(self.up[1], self.across[1])
        low, high = sorted((self.first, self.last))
        turns = np.arange(np.ceil((low - peak) / np.pi), np.floor((high - peak) / np.pi) + 1)
        inner = [(peak + np.pi * n - self.first) / (self.last - self.first) for n in turns]
        ends = sorted({0.0, 1.0, *(float(s) for s in inner if 1e-12 < s < 1 - 1e-12)})
        return tuple(self.part(a, b) for a, b in itertools.pairwise(ends))


def segment(start: Floats | tuple[float, float], end: Floats | tuple[float, float], name: str) -> Curve:
    """A segment between two places."""
    (a, b), (c, d) = (map(float, start), map(float, end))
    return Curve(name, (a, b), (c - a, d - b))


def _crossings(one: Curve, other: Curve) -> list[Floats]:
    """Places at which the lines or ellipses of two curves cross; none where they are the same or parallel."""
    if one.straight and other.straight:
        matrix = np.array([one.across, (-other.across[0], -other.across[1])]).T
        scale = np.linalg.norm(matrix[:, 0]) * np.linalg.norm(matrix[:, 1])
        if abs(np.linalg.det(matrix)) <= 1e-12 * scale:
            return []
        share = np.linalg.solve(matrix, np.subtract(other.center, one.center))[0]
        return [np.asarray(one.center) + share * np.asarray(one.across)]
    if one.straight:
        return _crossings(other, one)
    # In the frame in which the arc is part of the unit circle.
    frame = np.array([one.across, one.up])
    local = np.linalg.inv(frame).T
    center = local @ np.subtract(other.center, one.center)
    across, up = local @ np.asarray(other.across), local @ np.asarray(other.up)
    if other.straight:
        roots = np.roots([across @ across, 2 * center @ across, center @ center - 1])
        shares = [float(np.real(r)) for r in roots if abs(np.imag(r)) < 1e-7]
        return [np.asarray(other.center) + s * np.asarray(other.across) for s in shares]
    # |center + across cos t + up sin t|^2 = 1 as a polynomial in exp(i t).
    c2 = (across @ across - up @ up) / 4 - 0.5j * (across @ up)
    c1 = center @ across - 1j * (center @ up)
    c0 = center @ center - 1 + (across @ across + up @ up) / 2
    coefficients = np.array([c2, c1, c0, np.conj(c1), np.conj(c2)])
    if np.abs(coefficients).max() < 1e-12:
        return []
    coefficients[np.abs(coefficients) < 1e-15 * np.abs(coefficients).max()] = 0
    roots = np.roots(coefficients)
    angles = [float(np.angle(r)) for r in roots if abs(abs(r) - 1) < 1e-6]
    return [other_at(other, t) for t in angles]


def other_at(curve: Curve, angle: float) -> Floats:
    """The place of an arc's ellipse at an angle."""
    turn = np.array([np.cos(angle), np.sin(angle)])
    return np.asarray(curve.center) + turn @ np.array([curve.across, curve.up])
