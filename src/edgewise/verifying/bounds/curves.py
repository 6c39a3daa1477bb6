"""Many piecewise cubics at once: sums of them, their values, and their exact maxima over intervals.

A `Curves` holds n functions for each of S sites (input or hidden nodes); the functions of a site share its breaks. On
piece p of site s, with u = (x - origin) / width,

    f_c(x) = sum_r table[c, r, s, p] * u^r,      r = 0 .. 3,

where piece 0 and the last are straight tails. A cubic's one local maximum has a closed form, so the maximum of a
piecewise cubic over an interval is found among few points: the ends, the breaks and one point a piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge

# Units of work of a look at values, and for each of them; of a search for maxima, and for each coefficient.
LOOK, VALUE, SEARCH, COEFFICIENT = 8e-6, 1e-8, 6e-5, 1e-8


@dataclass(frozen=True, eq=False)
class Curves:
    """Piecewise cubics with straight tails.

    Parameters
    ----------
    breaks : array of shape (S, G + 1)
        Not decreasing; two equal breaks make a piece that is never used.
    table : array of shape (n, 4, S, G + 2)
        Powers of the local coordinate.
    rough : array of shape (2, n, S), optional
        How far what the functions stand for may be from them, and its slope from theirs: errors of one kind at a site,
        which weights, with their signs, multiply; none where they stand for themselves.
    bends : array of shape (S, K), optional
        The breaks at which functions bend of themselves, if not all: others are as fine as errors ask for.
    """

    breaks: Floats
    table: Floats
    rough: Floats | None = None
    bends: Floats | None = None

    @property
    def corners(self) -> Floats:
        """Breaks worth a look, (S, K)."""
        return self.breaks if self.bends is None else self.bends

    @property
    def count(self) -> int:
        """Functions of every site."""
        return self.table.shape[0]

    @cached_property
    def loose(self) -> Floats:
        """How far values may be off, (n, S)."""
        if self.rough is None:
            return np.zeros((self.count, len(self.breaks)))
        return np.abs(self.rough[0])

    @cached_property
    def jumps(self) -> bool:
        """Whether functions that bend within pieces jump between them, as slopes of splines with kinks and silu do."""
        c = self.table[..., :-1]
        ends = c.sum(1)
        ends[..., 0] = c[:, 0, :, 0]
        gaps = np.abs(ends - self.table[:, 0, :, 1:]) > 1e-9 * (1 + np.abs(ends))
        used = self.limits[1][:, :-1] > 0
        used[:, 0] = True
        return bool((gaps & used).any() and (self.table[:, 1:] != 0).any())

    @cached_property
    def origin(self) -> Floats:
        """Where the local coordinate of a piece is 0, (S, P)."""
        return np.concatenate([self.breaks[:, :1], self.breaks], 1)

    @cached_property
    def width(self) -> Floats:
        """What the local coordinate of a piece is measured in, (S, P); 1 for pieces of no width."""
        width = np.diff(self.breaks, axis=1)
        width = np.where(width > 0, width, 1.0)
        return np.concatenate([width[:, :1], width, width[:, -1:]], 1)

    @cached_property
    def limits(self) -> tuple[Floats, Floats]:
        """Local coordinates between which a piece is used, (S, P) each."""
        sites, pieces = self.origin.shape
        low, high = np.zeros((sites, pieces)), np.ones((sites, pieces))
        low[:, 0], high[:, 0], high[:, -1] = -np.inf, 0.0, np.inf
        high[:, 1:-1] = np.diff(self.breaks, axis=1) > 0
        return low, high

    @cached_property
    def by_piece(self) -> Floats:
        """The table as (S, P, 4, n), for looking up pieces."""
        return np.ascontiguousarray(self.table.transpose(2, 3, 1, 0))

    def locate(self, x: Floats) -> Ints:
        """The piece of each x, (..., S)."""
        return (x[..., None] >= self.breaks).sum(-1)

    def values(self, x: Floats) -> Floats:
        """Values of all functions, (..., S) -> (..., S, n)."""
        return self.at(*self.local(x))

    def local(self, x: Floats) -> tuple[Ints, Floats]:
        """Piece and local coordinate of each x, (..., S) each."""
        piece, site = self.locate(x), np.arange(x.shape[-1])
        return piece, (x - self.origin[site, piece]) / self.width[site, piece]

    def at(self, piece: Ints, u: Floats, site: Ints | None = None) -> Floats:
        """Values of all functions at local coordinates of pieces, (..., S) -> (..., S, n)."""
        charge(LOOK + VALUE * piece.size * self.count)
        c = self.by_piece[np.arange(piece.shape[-1]) if site is None else site, piece]
        u = u[..., None]
        return ((c[..., 3, :] * u + c[..., 2, :]) * u + c[..., 1, :]) * u + c[..., 0, :]

    def of_sites(self, x: Floats, site: Ints) -> Floats:
        """Values of all functions of some sites, one x each, (N,) -> (N, n)."""
        piece = (x[:, None] >= self.breaks[site]).sum(1)
        return self.at(piece, (x - self.origin[site, piece]) / self.width[site, piece], site)

    def derivative(self) -> Curves:
        """The functions' derivatives."""
        c, w = self.table, self.width
        zero = np.zeros_like(c[:, 0])
        table = np.stack([c[:, 1] / w, 2 * c[:, 2] / w, 3 * c[:, 3] / w, zero], 1)
        # Of second derivatives nothing is known.
        rough = None if self.rough is None else np.stack([self.rough[1], np.full_like(self.rough[1], np.nan)])
        return replace(self, table=table, rough=rough)

    def combined(self, weights: Floats) -> Floats:
        """Polynomials of weighted sums of the functions: (B, n) -> (B, 4, S, P)."""
        return (weights @ self.table.reshape(self.count, -1)).reshape(len(weights), *self.table.shape[1:])

    def mixed(self, weights: Floats) -> Curves:
        """Weighted sums of the functions as curves: (m, n) -> m functions."""
        rough = None if self.rough is None else weights @ self.rough
        return replace(self, table=self.combined(weights), rough=rough)

    def sites(self, chosen: Ints) -> Curves:
        """The curves of some sites."""
        rough = None if self.rough is None else self.rough[:, :, chosen]
        bends = None if self.bends is None else self.bends[chosen]
        return Curves(self.breaks[chosen], self.table[:, :, chosen], rough, bends)

    def functions(self, chosen: Ints | slice) -> Curves:
        """Some of the functions."""
        rough = None if self.rough is None else self.rough[:, chosen]
        return replace(self, table=self.table[chosen], rough=rough)

    def weighted(self, weights: NDArray[Any]) -> Curves:
        """The functions times weights that broadcast to (n, S)."""
        table = self.table * np.broadcast_to(weights, (self.count, len(self.breaks)))[:, None, :, None]
        return replace(self, table=table, rough=None if self.rough is None else self.rough * weights)

    def summed(self, index: Ints, count: int) -> Curves:
        """Sums of functions, `index` gives to which each is added; errors may be of several kinds."""
        table = np.zeros((count, *self.table.shape[1:]))
        np.add.at(table, index, self.table)
        if self.rough is None:
            return replace(self, table=table)
        rough = np.zeros((count, 2, len(self.breaks)))
        np.add.at(rough, index, np.abs(self.rough).swapaxes(0, 1))
        return replace(self, table=table, rough=rough.swapaxes(0, 1))

    def window(self, low: Floats, high: Floats) -> LocalIntervals:
        """Intervals [low, high] of the sites, (B, S) each, prepared for `peak`."""
        bottom, top = self.limits
        u_low = (low[..., None] - self.origin) / self.width
        u_high = (high[..., None] - self.origin) / self.width
        used = (u_low <= top) & (u_high >= bottom)
        last = self.locate(high)
        site = np.arange(last.shape[-1])
        end = (high - self.origin[site, last]) / self.width[site, last]
        return LocalIntervals(
            np.minimum(np.maximum(u_low, bottom), top),
            np.maximum(np.minimum(u_high, top), bottom),
            np.where(used, 0.0, -np.inf),
            last,
            end,
            self.jumps,
        )


@dataclass(frozen=True, eq=False)
class LocalIntervals:
    """Intervals in local coordinates.

    Attributes
    ----------
    low, high : array of shape (B, S, P)
        Part of each piece.
    outside : array of shape (B, S, P)
        0 where the interval reaches the piece, else -inf.
    last : array of shape (B, S)
        Piece of the upper end.
    end : array of shape (B, S)
        Local coordinate of the upper end.
    jumps : bool
        Whether upper ends of pieces are not lower ends of the next.
    """

    low: Floats
    high: Floats
    outside: Floats
    last: Ints
    end: Floats
    jumps: bool = False

    def take(self, rows: Ints) -> LocalIntervals:
        """Some of the batch."""
        pieces_of = (self.low, self.high, self.outside, self.last, self.end)
        return LocalIntervals(*(a[rows] for a in pieces_of), jumps=self.jumps)  # pyright: ignore[reportArgumentType]

    def repeat(self, count: int) -> LocalIntervals:
        """The same intervals `count` times (of a batch of one)."""

        def spread(a: NDArray[np.generic]) -> NDArray[np.generic]:
            return np.broadcast_to(a, (count, *a.shape[1:]))

        pieces_of = (self.low, self.high, self.outside, self.last, self.end)
        return LocalIntervals(*(spread(a) for a in pieces_of), jumps=self.jumps)  # pyright: ignore[reportArgumentType]


def peak(polynomials: Floats, window: LocalIntervals) -> tuple[Floats, Ints, Floats]:
    """Maxima of piecewise cubics over intervals.

    Parameters
    ----------
    polynomials : array of shape (B, 4, S, P)
    window : LocalIntervals of B intervals a site

    Returns
    -------
    value : array of shape (B, S)
    piece, u : arrays of shape (B, S)
        Where: piece and local coordinate.
    """
    charge(SEARCH + COEFFICIENT * polynomials.size)
    c0, c1, c2, c3 = (polynomials[:, r] for r in range(4))
    low, high = window.low, window.high
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(c2 * c2 - 3 * c1 * c3, 0.0))
        # The root of the derivative with a negative second derivative, by the formula that cancels nothing.
        down = c2 <= 0
        top = np.where(down, c1, -c2 - root) / np.where(down, root - c2, 3 * c3)
    top = np.fmin(np.fmax(top, low), high)  # of NaN (a constant piece) the lower end
    inner = ((c3 * top + c2) * top + c1) * top + c0
    start = ((c3 * low + c2) * low + c1) * low + c0
    if window.jumps:
        close = np.where(np.isfinite(high), high, low)
        stop = ((c3 * close + c2) * close + c1) * close + c0
        top, inner = np.where(stop > inner, close, top), np.maximum(stop, inner)
    at_start = start >= inner
    best = np.where(at_start, start, inner) + window.outside
    piece = best.argmax(-1)
    pick = piece[..., None]
    value = np.take_along_axis(best, pick, -1)[..., 0]
    u = np.take_along_axis(np.where(at_start, low, top), pick, -1)[..., 0]
    # Upper ends of pieces are lower ends of the next, but for that of the interval itself.
    last, e = window.last[..., None], window.end
    b0, b1, b2, b3 = (np.take_along_axis(c, last, -1)[..., 0] for c in (c0, c1, c2, c3))
    finish = ((b3 * e + b2) * e + b1) * e + b0
    late = finish > value
    return np.where(late, finish, value), np.where(late, window.last, piece), np.where(late, e, u)


def spans(curves: Curves, window: LocalIntervals) -> tuple[Floats, Floats]:
    """Least and greatest value of what every function stands for over a window of one interval a site, (n, S) each."""
    wide = window.repeat(curves.count)
    return -peak(-curves.table, wide)[0] - curves.loose, peak(curves.table, wide)[0] + curves.loose


def merge(
    parts: Sequence[Curves], extra: Sequence[Floats] = (), shifts: Sequence[Floats] | None = None
) -> Curves:
    """Functions of the same sites side by side, on breaks that suit all of them.

    Parameters
    ----------
    parts : sequence of Curves over S sites
    extra : sequence of arrays of shape (S,)
        More breaks.
    shifts : sequence of arrays of shape (S,), optional
        Part q becomes x -> f(x + shift_q).
    """
    zero = np.zeros(len(parts[0].breaks))
    shifts = [zero] * len(parts) if shifts is None else shifts
    moved = [part.breaks - shift[:, None] for part, shift in zip(parts, shifts, strict=True)]
    rough, bends = None, None
    if any(part.bends is not None for part in parts):
        pieces_of = [part.corners - shift[:, None] for part, shift in zip(parts, shifts, strict=True)]
        bends = np.sort(np.concatenate(pieces_of, 1), 1)
    if any(part.rough is not None for part in parts):
        none = [np.zeros((2, part.count, len(part.breaks))) for part in parts]
        pieces_of = zip(parts, none, strict=True)
        rough = np.concatenate([n if part.rough is None else part.rough for part, n in pieces_of], 1)
    same = not len(extra) and all(
        array.shape == moved[0].shape and (array == moved[0]).all() for array in moved
    )
    if same:
        breaks = moved[0]
        if not any(shift.any() for shift in shifts):
            return Curves(breaks, np.concatenate([part.table for part in parts]), rough, bends)
    else:
        breaks = np.sort(np.concatenate([*moved, *(array[:, None] for array in extra)], 1), 1)
    return Curves(
        breaks,
        np.concatenate([_on(part, breaks, shift) for part, shift in zip(parts, shifts, strict=True)]),
        rough,
        bends,
    )


def _on(part: Curves, breaks: Floats, shift: Floats) -> Floats:
    """The table of x -> f(x + shift) on finer breaks."""
    bare = Curves(breaks, np.zeros((0, 4, *breaks.shape)))
    origin, width = bare.origin, bare.width
    middle = origin + 0.5 * width
    middle[:, 0] = origin[:, 0] - width[:, 0]
    flat = np.concatenate([np.zeros((len(breaks), 1), bool), np.diff(breaks, axis=1) <= 0], 1)
    middle[:, :-1] = np.where(flat, origin[:, :-1], middle[:, :-1])
    site = np.arange(len(breaks))[:, None]
    piece = (middle[..., None] + shift[:, None, None] >= part.breaks[:, None]).sum(-1)
    start = (origin + shift[:, None] - part.origin[site, piece]) / part.width[site, piece]
    ratio = width / part.width[site, piece]
    c = part.table[:, :, site, piece]
    powers = [np.ones_like(start), start, start**2, start**3]
    rows = [sum(comb(m, r) * powers[m - r] * c[:, m] for m in range(r, 4)) * ratio**r for r in range(4)]
    table = np.stack(rows, 1)  # pyright: ignore[reportArgumentType]
    table[:, 1:, :, :-1] *= ~flat
    return table
