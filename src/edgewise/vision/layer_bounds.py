"""Bounds of the outputs of a network over a box of its inputs, layer by layer backwards by lines.

In a network of pictures most edges are zero: a node sees few places. Nodes that see the same are bounded together, by the
functions that reach them and the pieces that their intervals meet, and no others; so are both ends of a sum, whose lines
are the same. This changes no bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.verifying.bounds.curves import Curves
from edgewise.verifying.bounds.exact import ExactModel

# Of sums of products and polynomials in float64, relative to the sizes of their terms; generous.
SUMMED = 1e-11
NUMBER = 1e-8
# So many functions are bounded in the time that a call takes besides.
CALL = 2000
Ends = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class LayerBounds:
    """Bounds of sums of the outputs of a network.

    Parameters
    ----------
    model : ExactModel
        Of plain sum nodes, without base functions.
    """

    model: ExactModel

    @cached_property
    def reach(self) -> tuple[Bools, ...]:
        """Of each layer, which nodes above have a function of which nodes below, (O, S)."""
        return tuple((layer.curves.table != 0).any((1, 3)) for layer in self.model.layers)

    @cached_property
    def together(self) -> tuple[list[Ints], ...]:
        """Of each hidden layer, the nodes to bound at once: those that have functions of the same nodes below, or nearly."""
        found = list[list[Ints]]()
        for reach in self.reach[:-1]:
            kinds, kind = np.unique(reach, axis=0, return_inverse=True)
            groups, seen, cost = list[list[int]](), np.zeros(reach.shape[1], bool), 0
            for k, own in enumerate(kinds):
                nodes = np.flatnonzero(kind.reshape(-1) == k).tolist()
                alone = len(nodes) * int(own.sum())
                joint = (len(groups[-1]) + len(nodes) if groups else 0) * int((seen | own).sum())
                if groups and joint <= cost + alone + CALL:
                    groups[-1] += nodes
                    seen, cost = seen | own, joint
                else:
                    groups.append(nodes)
                    seen, cost = own, alone
            found.append([np.array(group) for group in groups])
        return tuple(found)

    def sums(self, low: Floats, high: Floats, weights: Floats) -> Ends:
        """Bounds from below and above of weighted sums of outputs over a box.

        Parameters
        ----------
        low, high : arrays of shape (inputs,)
        weights : array of shape (Q, outputs)

        Returns
        -------
        pair of arrays of shape (Q,)
        """
        model = self.model
        first, last = (low - model.shift) / model.scale, (high - model.shift) / model.scale
        pad = SUMMED * (1 + np.abs(first) + np.abs(last))
        h = [(np.minimum(first, last) - pad, np.maximum(first, last) + pad)]
        with np.errstate(invalid="ignore", over="ignore"):  # of what is beyond all numbers nothing is claimed
            for k, groups in enumerate(self.together):
                ends = np.zeros((2, len(model.layers[k].bias)))
                for nodes in groups:
                    ends[:, nodes] = self._backward(h, k, np.eye(ends.shape[1])[nodes])
                h.append((ends[0], ends[1]))
            least, most = self._backward(h, len(model.layers) - 1, weights * model.out_scale)
        shift = weights @ model.out_shift
        return least + shift, most + shift

    def _backward(self, h: list[Ends], last: int, weights: Floats) -> Ends:
        """Bounds of weighted sums of the nodes behind layer `last`, (Q, O) -> (Q,), from the ranges of nodes before."""
        least, most = np.zeros((2, len(weights)))
        for k in range(last, -1, -1):
            layer = self.model.layers[k]
            sure, loose = weights @ layer.bias, SUMMED * (np.abs(weights) @ np.abs(layer.bias))
            above = np.flatnonzero(weights.any(0))
            below = np.flatnonzero(self.reach[k][above].any(0))
            edges = _Edges(layer.curves, above, below, h[k][0][below], h[k][1][below])
            own = weights[:, above].T
            slope = edges.chords(own) if k else np.zeros((len(below), len(weights)))
            lower, upper = edges.extremes(own, slope)
            least, most = least + lower.sum(0) + sure - loose, most + upper.sum(0) + sure + loose
            weights = np.zeros((len(weights), len(h[k][0])))
            weights[:, below] = slope.T
        return least, most


@dataclass(frozen=True, eq=False)
class _Edges:
    """The functions between some nodes above and some below, those over an interval of each."""

    curves: Curves
    above: Ints
    below: Ints
    low: Floats
    high: Floats

    def pieces(self, piece: Ints) -> Floats:
        """Powers of some pieces, (S, ...) -> (S, ..., 4, O)."""
        found = self.curves.by_piece[self.below.reshape(-1, *[1] * (piece.ndim - 1)), piece]
        return found if len(self.above) == found.shape[-1] else found.take(self.above, -1)

    def chords(self, weights: Floats) -> Floats:
        """Slopes of weighted sums between the ends of the intervals, (O, Q) -> (S, Q)."""
        curves, ends = self.curves, np.stack([self.low, self.high], 1)
        piece = (ends[..., None] >= curves.breaks[self.below][:, None]).sum(-1)
        site = self.below[:, None]
        u = (ends - curves.origin[site, piece]) / curves.width[site, piece]
        values = _at(self.pieces(piece), u[..., None])  # (S, 2, O)
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        return (values[:, 1] - values[:, 0]) @ weights / width[:, None]

    def extremes(self, weights: Floats, slope: Floats) -> Ends:
        """Minima and maxima of the weighted sum of each site's functions less a line over its interval, (S, Q) each."""
        origin, width = self.curves.origin[self.below], self.curves.width[self.below]
        left, right = (limit[self.below] for limit in self.curves.limits)
        a = np.maximum((self.low[:, None] - origin) / width, left)
        b = np.minimum((self.high[:, None] - origin) / width, right)
        # A hair beyond both ends, so that rounding leaves no gap between pieces.
        far = [np.abs(np.where(np.isfinite(end), end, 0.0)) for end in (a, b)]
        hair = 1e-12 * (1 + far[0] + far[1])
        used = a <= b + hair
        # The pieces from the first that is met to the last, as many at every site as at the widest.
        start, pieces = used.argmax(1)[:, None], used.shape[1]
        count = int((pieces - used[:, ::-1].argmax(1) - start[:, 0]).max(initial=1))
        site, at = np.arange(len(used))[:, None], start + np.arange(count)
        within, at = at < pieces, np.minimum(at, pieces - 1)
        used = (used[site, at] & within)[..., None]
        a, b = (np.where(used, end[site, at][..., None], 0.0) for end in (a - hair, b + hair))  # (S, P, 1)
        table = self.pieces(at)
        charge(NUMBER * table.size * (1 + weights.shape[1]))
        degree = max(r for r in range(4) if r <= 1 or table[:, :, r].any())
        table = np.ascontiguousarray(table[:, :, : degree + 1])
        c, size = table @ weights, np.abs(table) @ np.abs(weights)  # (S, P, r, Q)
        for r, line in enumerate((origin, width)):
            lifted = slope[:, None] * line[site, at][..., None]
            c[:, :, r] -= lifted
            size[:, :, r] += np.abs(lifted)
        loose = SUMMED * _at(size, np.maximum(np.abs(a), np.abs(b)))
        first, last = _at(c, a), _at(c, b)
        least, most = np.minimum(first, last), np.maximum(first, last)
        for turn in _turns(c):
            value = _at(c, np.minimum(np.maximum(turn, a), b))
            least, most = np.minimum(least, value), np.maximum(most, value)
        met = used.any(1)  # of intervals that are no numbers nothing is known
        least = np.where(used, least - loose, np.inf).min(1, initial=np.inf)
        most = np.where(used, most + loose, -np.inf).max(1, initial=-np.inf)
        return np.where(met, least, -np.inf), np.where(met, most, np.inf)


def _at(c: Floats, u: Floats) -> Floats:
    """Values of polynomials (..., r, Q) at local coordinates (..., Q)."""
    value = c[..., -1, :] * u + c[..., -2, :]
    for r in range(c.shape[-2] - 3, -1, -1):
        value = value * u + c[..., r, :]
    return value


def _turns(c: Floats) -> list[Floats]:
    """Where polynomials of degree 1 to 3 may have their extremes, but for their ends; 0 where there is no such place."""
    c1, *higher = (c[..., r, :] for r in range(1, c.shape[-2]))
    if not higher:
        return []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if len(higher) == 1:
            found = [-0.5 * c1 / higher[0]]
        else:
            c2, p = higher[0], 3 * higher[1]
            root = np.sqrt(np.maximum(c2 * c2 - p * c1, 0.0))
            s = -(c2 + np.where(c2 >= 0, root, -root))
            found = [s / p, c1 / s]
    return [np.where(np.isfinite(u), u, 0.0) for u in found]
