"""A bag: several networks of one shape, trained side by side in one batched pass.

The first layer reads a *design*, the values of the input splines made once for all rows; so its pass is one matrix product
for all members. Hidden layers evaluate cubic splines on a uniform grid, in smooth coordinates as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise.splines import smooth_basis
from edgewise.training.additive.design import DEGREE, Design
from edgewise.training.bag.hidden_layers import hidden_basis, hidden_sum

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
class MonotoneConstraint:
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
    monotone : MonotoneConstraint, optional
        Needs links, and one hidden layer.
    """

    def __init__(
        self,
        design: Design,
        shape: BagShape,
        links: Tensor | None,
        size: Tensor,
        seed: int,
        monotone: MonotoneConstraint | None = None,
    ) -> None:
        self.shape, self.monotone = shape, monotone
        random = generator(derive(seed, 7202))
        widths = (*shape.hidden, shape.outputs)
        owner = design.owner
        if monotone is not None:
            owner = torch.cat([torch.full((m.shape[1],), i) for i, m in enumerate(monotone.maps)])
            size = _sizes(design, monotone, size)
        self.columns = len(owner)
        few = links is not None and monotone is None and 2 * int(links[owner].sum()) < links[owner].numel()
        self.blocks = _blocks(links, owner) if links is not None and few else None
        self.links = None if links is None else links[owner].to(torch.float32)
        if self.blocks is not None and self.links is not None:
            # Nodes that read a few inputs only: a block of weights for each input, and nothing for the other nodes.
            own = (size.to(torch.float32)[:, None] ** 2 * self.links).sum(0).sqrt().clamp(min=1e-6)
            parts = [
                1 / own[block.nodes].expand(block.columns.stop - block.columns.start, -1)
                for block in self.blocks
            ]
            first = torch.cat([part.flatten() for part in parts])
            first = first * torch.randn(len(first), generator=random)
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
        if self.blocks is not None:
            whole = torch.zeros(self.columns, self.shape.members * self.shape.hidden[0], dtype=dtype)
            for block in self.blocks:
                whole[block.columns, block.nodes] = block.of(weight)
            return whole
        if self.links is not None:
            weight = weight * self.links
        if self.monotone is None:
            return weight
        parts = weight.split([turn.shape[1] for turn in self.monotone.maps])
        monotone = zip(parts, self.monotone.maps, self.monotone.direction, strict=True)
        reads = self.monotone.nodes.repeat(self.shape.members).to(dtype)
        return torch.cat(
            [
                sign * rising(sign * (turn.to(dtype) @ part), 0) * reads if sign else part
                for part, turn, sign in monotone
            ]
        )

    def outer(self, at: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Coefficients of a layer behind the first, (members, n, before, after)."""
        weight = self.weights[at].to(dtype)
        coef = self.turn.to(dtype) @ weight
        coef = coef.view(len(weight), len(self.turn), (*self.shape.hidden, 0)[at - 1], -1)
        if self.monotone is None:
            return coef
        return torch.where(self.monotone.nodes[:, None], rising(coef, 1), coef)

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
        width = self.shape.hidden[0]
        if self.blocks is not None and members is not None:
            sums = design.new_zeros(len(members) * width, n)
            place = torch.full((count,), -1).index_copy_(0, members, torch.arange(len(members)))
            for block in self.blocks:
                own = place[block.nodes // width]
                nodes = (own * width + block.nodes % width)[own >= 0]
                sums = sums.index_add(
                    0, nodes, block.of(self.weights[0])[:, own >= 0].T @ design[:, block.columns].T
                )
            return sums.view(len(members), width, n)
        if self.blocks is not None:
            sums = _BlockSum.apply(self.weights[0], design, self.blocks, count * width)
            return cast("Tensor", sums).view(count, width, n)
        first = self.first()
        if members is not None:
            first = first.view(len(first), count, -1)[:, members].flatten(1)
        return (first.T @ design.T).view(-1, width, n)


@dataclass(frozen=True, eq=False)
class _InputBlock:
    """Weights of one input's columns in the nodes that read it: where they lie among all of them."""

    columns: slice
    nodes: Tensor
    place: slice
    count: int

    def of(self, weights: Tensor) -> Tensor:
        return weights[self.place].view(-1, self.count)


def _blocks(links: Tensor, owner: Tensor) -> tuple[_InputBlock, ...]:
    """The blocks of a first layer in which each node reads few inputs, from links (I, nodes)."""
    blocks, column, place = list[_InputBlock](), 0, 0
    for reads, width in zip(links, torch.bincount(owner, minlength=len(links)).tolist(), strict=True):
        nodes = reads.nonzero()[:, 0]
        if len(nodes):
            size = width * len(nodes)
            blocks.append(
                _InputBlock(slice(column, column + width), nodes, slice(place, place + size), len(nodes))
            )
            place += size
        column += width
    return tuple(blocks)


class _BlockSum(torch.autograd.Function):
    """Sums (nodes, n) of a design (n, P) with the blocks' weights; nothing is computed for what no node reads."""

    @staticmethod
    def forward(
        ctx: Any, weights: Tensor, design: Tensor, blocks: tuple[_InputBlock, ...], nodes: int
    ) -> Tensor:
        ctx.save_for_backward(design)
        ctx.blocks, ctx.size = blocks, len(weights)
        sums = design.new_zeros(nodes, len(design))
        for block in blocks:
            sums.index_add_(0, block.nodes, block.of(weights).T @ design[:, block.columns].T)
        return sums

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        (design,) = ctx.saved_tensors
        out = design.new_empty(ctx.size)
        for block in ctx.blocks:
            torch.mm(design[:, block.columns].T, grads[0][block.nodes].T, out=block.of(out))
        return out, None, None, None


def _sizes(design: Design, monotone: MonotoneConstraint, size: Tensor) -> Tensor:
    """Root mean squares of a row in the coordinates that are trained; those of smooth ones are one, but for their scales."""
    parts = size.split([turn.shape[1] for turn in design.maps])
    own: list[Tensor] = []
    for part, turn, sign in zip(parts, monotone.maps, monotone.direction, strict=True):
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
