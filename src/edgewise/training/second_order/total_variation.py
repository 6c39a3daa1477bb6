"""Total variation of the slopes of the edges: a penalty that keeps proofs tight.

What loosens the bounds of branch and bound is how far edges are from lines. A network of lines is bounded exactly; a bend
of an edge that reads a hidden node is the distance to its envelope over that node's range, and where the edges of one input
bend, rows are bounded that no input gives. For an edge over a domain of width w, in units that depend neither on w nor on
the range of the node it adds to,

    bend = w / 4 * (total variation of phi') / (width of the grid of the node it adds to; 1 at the outputs).

A tent of height h has the bend h. Lines are free, as they are to proofs. The total variation of phi itself is not what is
wanted: it is least for steps (L. Rudin, S. Osher and E. Fatemi, 1992, doi:10.1016/0167-2789(92)90242-F, use it because it
spares edges of images), and hidden nodes that are read by steps are bounded worse than by bends, while that of phi' is
least for a few straight pieces (S.-J. Kim et al., "l1 trend filtering", 2009, doi:10.1137/070690274).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.network import KAN
from edgewise.splines import BSpline
from edgewise.splines.basis import Basis
from edgewise.training.second_order.parameters import Slots
from edgewise.training.second_order.penalty import spread

# Bends far below this count by their square, which has a slope at zero; a bend is a share of the range of a node.
SMOOTH = 1e-4


@dataclass(frozen=True, eq=False)
class Variation:
    """Weighted sum of the bends of all edges, as a function of the vector of parameters.

    Sizes |d| of differences of slopes are smoothed to sqrt(d^2 + s^2) - s. Second-order steps take quadratic forms: at d0
    the form d^2 / (2 sqrt(d0^2 + s^2)) has its slope and, but for a constant, lies above it, so that a step that lowers the
    form lowers the size (D. Hunter and R. Li, "Variable selection using MM algorithms", 2005,
    doi:10.1214/009053605000000200). The form is made anew at every step: nothing has to be kept between them.

    Attributes
    ----------
    slots : Slots
    rows : tuple of Tensor, each (E, R, M)
        Rows that give the weighted differences of slopes of the edges of each layer, whose sizes add up to the penalty.
    weight : float
    """

    slots: Slots
    rows: tuple[Tensor, ...]
    weight: float

    def value(self, theta: Tensor) -> float:
        """The penalty, in units of the loss."""
        return self.weight * sum(float((size - SMOOTH).sum()) for size in self._sizes(theta))

    def blocks(self, theta: Tensor) -> tuple[Tensor, ...]:
        """The form about theta on the coefficients of each edge, (E, M, M) a layer; its pull at theta is the gradient."""
        sizes = self._sizes(theta)
        return tuple(
            rows.mT @ ((self.weight / size)[..., None] * rows)
            for rows, size in zip(self.rows, sizes, strict=True)
        )

    def matrix(self, theta: Tensor) -> Tensor:
        """The form about theta as one matrix (P, P)."""
        return spread(self.slots, self.blocks(theta))

    def _sizes(self, theta: Tensor) -> list[Tensor]:
        bent = zip(self.slots.layers, self.rows, strict=True)
        bends = [rows @ theta[slot.coef].reshape(slot.n_edges, slot.size, 1) for slot, rows in bent]
        return [(bend[..., 0] ** 2 + SMOOTH**2).sqrt() for bend in bends]


def make_variation(net: KAN, slots: Slots, weight: float) -> Variation | None:
    """The penalty of a network's numeric edges; None where it has no weight."""
    if weight == 0:
        return None
    rows = list[Tensor]()
    for at, (layer, slot) in enumerate(zip(net.layers, slots.layers, strict=True)):
        bent = _differences(layer.basis)[slot.sources]
        if at + 1 < len(net.layers):
            # Factors of products have no grid of their own; they are taken as they are.
            width = torch.ones(layer.out_features, dtype=bent.dtype)
            sums = net.spec.layers[at].nodes.sums
            width[:sums] = net.layers[at + 1].domain.diff(dim=1)[:sums, 0]
            bent = bent / width[slot.targets, None, None]
        rows.append(bent)
    return Variation(slots, tuple(rows), weight)


def _differences(basis: Basis) -> Tensor:
    """Rows (I, R, M): w / 4 times the differences of slopes between neighbouring points of each input's grid."""
    low, width = basis.domain[:, :1], basis.domain.diff(dim=1)
    points = low + torch.linspace(0.0, 1.0, 2 * basis.size + 1, dtype=low.dtype) * width
    if isinstance(basis, BSpline):
        # Between a knot and a middle the slope of a cubic is a parabola, whose variation the ends give but for its turns.
        middles = (basis.breaks[:, :-1] + basis.breaks[:, 1:]) / 2
        points = torch.cat([basis.breaks, middles], 1).sort(1).values
    slopes = basis.values(points.T, 1).transpose(0, 1)
    return slopes.diff(dim=1) * (width / 4)[..., None]
