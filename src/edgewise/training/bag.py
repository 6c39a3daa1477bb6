"""A bag: several networks of one shape, trained side by side in one batched pass.

The first layer reads a *design*, the values of the input splines made once for all rows; so its pass is one matrix product
for all members. Hidden layers evaluate cubic splines on a uniform grid, in smooth coordinates as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise.splines import smooth_basis
from edgewise.training.bag_design import DEGREE, Design
from edgewise.training.bag_hidden import hidden_basis, hidden_sum

# Directions of a hidden edge are orthogonal under a normal distribution, sampled at its quantiles.
SAMPLES = 999
# Steps of rising coefficients that are turned up softly.
SOFT = 1e-3


@dataclass(frozen=True)
class BagShape:
    """Members, hidden nodes of one member layer by layer, outputs, intervals of hidden grids, and the smoothness power."""

    members: int
    hidden: tuple[int, ...]
    outputs: int
    intervals: int
    power: float


@dataclass(frozen=True, eq=False)
class Tame:
    """What holds the outputs of a bag monotone in some inputs.

    An edge from such an input rises (or falls) for every node that reads it, and every edge that leaves such a node rises:
    compositions and sums of rising functions rise. What is trained are free numbers; the coefficients are made of them.

    Attributes
    ----------
    direction : tuple of int
        For each input 1 (increasing), -1 (decreasing) or 0.
    maps : tuple of Tensor
        Smooth coordinates of each input, in which it is trained; the design has its B-splines themselves.
    nodes : Tensor of bool, shape (width,)
        Hidden nodes of a member that read such an input.

    References
    ----------
    A. Polo-Molina et al., "MonoKAN: Certified monotonic Kolmogorov-Arnold network", 2024, arXiv:2409.11078.
    """

    direction: tuple[int, ...]
    maps: tuple[Tensor, ...]
    nodes: Tensor


def rising(coef: Tensor, dim: int) -> Tensor:
    """Strictly rising coefficients: the steps made positive, smoothly, large rises left as they are."""
    step = coef.diff(dim=dim)
    root = (step**2 + SOFT**2).sqrt()
    # Two ways to write (step + root) / 2: each where it loses no digits.
    up = torch.where(step >= 0, (step + root) / 2, SOFT**2 / (2 * (root - step.clamp(max=0))))
    first = coef.narrow(dim, 0, 1)
    return torch.cat([first, first + up.cumsum(dim)], dim)


class Bag:
    """Numbers of all members, and their pass.

    Parameters
    ----------
    design : Design
    shape : BagShape
    links : Tensor of bool, shape (I, members * width), optional
        Which inputs each node of the first layer reads; all by default.
    size : float
        Root mean square of a row of the design.
    seed : int
    tame : Tame, optional
        Needs links, and one hidden layer.
    """

    def __init__(
        self,
        design: Design,
        shape: BagShape,
        links: Tensor | None,
        size: Tensor,
        seed: int,
        tame: Tame | None = None,
    ) -> None:
        self.shape, self.tame = shape, tame
        random = generator(derive(seed, 7202))
        widths = (*shape.hidden, shape.outputs)
        owner = design.owner
        if tame is not None:
            owner = torch.cat([torch.full((m.shape[1],), i) for i, m in enumerate(tame.maps)])
            size = _sizes(design, tame, size)
        self.packed = None if links is None or tame is not None else _pack(links, owner, shape)
        self.links = None if links is None else links[owner].to(torch.float32)
        self.columns = len(owner)
        if self.packed is not None:
            # Nodes that read a few inputs only: their columns side by side, and nothing for the others.
            own = torch.cat([size.to(torch.float32) ** 2, torch.zeros(1)])[self.packed].sum(1).sqrt()
            nodes = widths[0] // len(self.packed)
            first = torch.randn(*self.packed.shape, shape.members * nodes, generator=random)
            first = first / own.clamp(min=1e-6)[:, None, None]
        elif self.links is not None:
            first = torch.randn(len(owner), shape.members * widths[0], generator=random) * self.links
            # Every node starts with unit variance, whatever it reads.
            own = (size.to(torch.float32)[:, None] ** 2 * self.links).sum(0, keepdim=True).sqrt()
            first = first / own.clamp(min=1e-6)
        else:
            first = torch.randn(len(owner), shape.members * widths[0], generator=random)
            first = first / float((size**2).sum().sqrt().clamp(min=1e-6))
        self.turn = _hidden_turn(shape)
        n = self.turn.shape[1]
        spread = float((_directions(shape) ** 2).sum().sqrt())
        self.weights = [first.requires_grad_()]
        self.biases = [torch.zeros(shape.members, 1, widths[0]).requires_grad_()]
        for before, after in pairwise(widths):
            start = torch.randn(shape.members, n, before * after, generator=random)
            # A bag starts as nothing at all: what it adds to has to be improved upon, not recovered.
            share = 0.0 if len(self.weights) == len(shape.hidden) else 1 / (spread * math.sqrt(before))
            self.weights.append((start * share).requires_grad_())
            self.biases.append(torch.zeros(shape.members, 1, after).requires_grad_())

    @property
    def parameters(self) -> list[Tensor]:
        """All numbers that are trained: weights, then biases."""
        return [*self.weights, *self.biases]

    def copy_from(self, numbers: Sequence[Tensor]) -> None:
        """Replace all numbers."""
        with torch.no_grad():
            for own, given in zip(self.parameters, numbers, strict=True):
                own.copy_(given)

    def first(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Weights of the design in the first layer, (P, members * width)."""
        weight = self.weights[0].to(dtype)
        if self.packed is not None:
            groups, nodes = len(self.packed), self.shape.hidden[0] // len(self.packed)
            whole = torch.zeros(self.columns + 1, self.shape.members, groups, nodes, dtype=dtype)
            for k, own in enumerate(self.packed):
                # Places that fill up a row say nothing, and go to a column that is none.
                whole[own, :, k] = weight[k].view(len(own), self.shape.members, nodes)
            return whole[:-1].reshape(self.columns, -1)
        if self.links is not None:
            weight = weight * self.links
        if self.tame is None:
            return weight
        parts = weight.split([turn.shape[1] for turn in self.tame.maps])
        tame = zip(parts, self.tame.maps, self.tame.direction, strict=True)
        reads = self.tame.nodes.repeat(self.shape.members).to(dtype)
        return torch.cat(
            [
                sign * rising(sign * (turn.to(dtype) @ part), 0) * reads if sign else part
                for part, turn, sign in tame
            ]
        )

    def outer(self, at: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Coefficients of a layer behind the first, (members, n, before, after)."""
        weight = self.weights[at].to(dtype)
        coef = self.turn.to(dtype) @ weight
        coef = coef.view(len(weight), len(self.turn), (*self.shape.hidden, 0)[at - 1], -1)
        if self.tame is None:
            return coef
        return torch.where(self.tame.nodes[:, None], rising(coef, 1), coef)

    def forward(self, design: Tensor, members: Tensor | None = None) -> Tensor:
        """Outputs of every member, or of some: (n, P) -> (members, n, outputs)."""

        def of(numbers: Tensor) -> Tensor:
            return numbers if members is None else numbers[members]

        h = self._hidden(design, members) + of(self.biases[0]).mT
        for at, bias in enumerate(self.biases[1:], start=1):
            h = hidden_sum(h, of(self.outer(at))) + of(bias).mT
        return h.mT

    def _hidden(self, design: Tensor, members: Tensor | None) -> Tensor:
        """Sums at the first hidden nodes, (members, width, n): what follows works along the rows."""
        n, count = len(design), self.shape.members
        if self.packed is None:
            first = self.first()
            if members is not None:
                first = first.view(len(first), count, -1)[:, members].flatten(1)
            return (first.T @ design.T).view(-1, self.shape.hidden[0], n)
        groups, width = self.packed.shape
        padded = torch.nn.functional.pad(design, (0, 1))
        read = padded.index_select(1, self.packed.flatten()).view(n, groups, width)
        sums = torch.bmm(self.weights[0].mT, read.permute(1, 2, 0)).view(groups, count, -1, n)
        if members is not None:
            sums = sums[:, members]
        return sums.transpose(0, 1).flatten(1, 2)


def _pack(links: Tensor, owner: Tensor, shape: BagShape) -> Tensor | None:
    """For groups of nodes that read the same few inputs, the columns they read, (groups, width); else None.

    Rows are filled up with the number of columns, which stands for one of zeros.
    """
    own = links.view(len(links), shape.members, -1)
    if not bool((own == own[:, :1]).all()):
        return None
    own = own[:, 0].T
    kinds, count = torch.unique_consecutive(own, dim=0, return_counts=True)
    reads = [kind[owner].nonzero()[:, 0] for kind in kinds]
    width = max(len(columns) for columns in reads)
    if len(torch.unique(count)) > 1 or 2 * width > len(owner) or not width:
        return None
    filled = [torch.nn.functional.pad(row, (0, width - len(row)), value=len(owner)) for row in reads]
    return torch.stack(filled)


def _sizes(design: Design, tame: Tame, size: Tensor) -> Tensor:
    """Root mean squares of a row in the coordinates that are trained; those of smooth ones are one, but for their scales."""
    parts = size.split([turn.shape[1] for turn in design.maps])
    own: list[Tensor] = []
    for part, turn, sign in zip(parts, tame.maps, tame.direction, strict=True):
        order = torch.arange(turn.shape[1], dtype=torch.float32)
        own.append((1 + (order - 1).clamp(min=0)) ** -1 if sign else part)
    return torch.cat(own)


def _directions(shape: BagShape) -> Tensor:
    count = shape.intervals + DEGREE
    return (1 + (torch.arange(count, dtype=torch.float64) - 1).clamp(min=0)) ** -shape.power


def _hidden_turn(shape: BagShape) -> Tensor:
    """Smooth coordinates of a hidden edge, shape (n, n)."""
    share = (torch.arange(SAMPLES, dtype=torch.float64) + 0.5) / SAMPLES
    points = math.sqrt(2) * torch.erfinv(2 * share - 1)
    return smooth_basis(hidden_basis(points, shape.intervals), power=shape.power).to(torch.float32)
