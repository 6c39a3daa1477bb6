"""A bag: several networks of one shape, trained side by side in one batched pass.

The first layer reads a *design*, the values of the input splines in smooth coordinates (see `smooth_basis`), made once for
all rows; so its pass is one matrix product for all members. Hidden layers evaluate cubic splines on a uniform grid, again in
smooth coordinates. `to_network` puts the members together as one wide network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise.kernels import native_backend
from edgewise.kernels.trilinear import forward
from edgewise.network import KAN
from edgewise.network.state import make_layer, take_apart
from edgewise.splines import BSpline, data_range, mass_grid, smooth_basis, uniform_grid

DEGREE = 3
# Hidden nodes start with unit variance; their grids reach this many standard deviations, and lines go on from there.
REACH = 3.0
# Directions of a hidden edge are orthogonal under a normal distribution, sampled at its quantiles.
SAMPLES = 999
# Rows that find the smooth coordinates of an input.
COORDINATE_ROWS = 20_000
# Steps of rising coefficients that are turned up softly.
SOFT = 1e-3


@dataclass(frozen=True, eq=False)
class Design:
    """Input splines on the rows, in smooth coordinates.

    Attributes
    ----------
    breaks : Tensor, shape (I, G + 1), in network units
    maps : one (M, R_i) map a column, from smooth coordinates to coefficients
    shift, scale : Tensor, shape (I,), of the network units
    """

    breaks: Tensor
    maps: tuple[Tensor, ...]
    shift: Tensor
    scale: Tensor

    @property
    def owner(self) -> Tensor:
        """Input that each column of the design belongs to."""
        return torch.cat([torch.full((m.shape[1],), i) for i, m in enumerate(self.maps)])

    def coefficients(self, theta: Tensor) -> Tensor:
        """B-spline coefficients (I, M, O) of smooth coordinates (P, O), float64."""
        parts = theta.to(torch.float64).split([turn.shape[1] for turn in self.maps])
        return torch.stack([turn @ part for turn, part in zip(self.maps, parts, strict=True)])

    def rows(self, X: Tensor) -> Tensor:
        """The design of some rows, shape (n, P), float32."""
        parts: list[Tensor] = []
        for i, turn in enumerate(self.maps):
            basis = BSpline(self.breaks[i : i + 1], DEGREE)
            column = ((X[:, i] - self.shift[i]) / self.scale[i])[:, None]
            parts.append(
                torch.cat(
                    [(basis.values(part)[:, 0] @ turn).to(torch.float32) for part in column.split(65536)]
                )
            )
        return torch.cat(parts, 1)


def make_design(X: Tensor, weight: Tensor, intervals: int, power: float, seed: int) -> Design:
    """Grids where the rows are, and the smooth coordinates of every input."""
    return make_designs(X, weight, intervals, power, seed, 1)[0]


def make_designs(
    X: Tensor, weight: Tensor, intervals: int, power: float, seed: int, every: int
) -> tuple[Design, Design]:
    """Grids where the rows are, and the smooth coordinates of every input: on all breaks, and on every so-manieth.

    What is trained on the coarser grid is a function on the finer one too.
    """
    low, high = data_range(X)
    shift, scale = (low + high) / 2, (high - low) / 2
    if len(X) > COORDINATE_ROWS:
        chosen = torch.randperm(len(X), generator=generator(derive(seed, 7201)))[:COORDINATE_ROWS]
        X, weight = X[chosen], weight[chosen]
    units = (X - shift) / scale
    # The ends are those of all rows.
    ends = torch.tensor([[-1.0], [1.0]], dtype=torch.float64).expand(2, len(shift))
    constant = low == X.max(0).values
    breaks = mass_grid(torch.cat([units, torch.where(constant, units[:1], ends)]), intervals)
    fine = _design(breaks, units, weight, power, shift, scale)
    return fine, fine if every == 1 else _design(breaks[:, ::every], units, weight, power, shift, scale)


def _design(
    breaks: Tensor, units: Tensor, weight: Tensor, power: float, shift: Tensor, scale: Tensor
) -> Design:
    maps: list[Tensor] = []
    for i in range(len(shift)):
        values = BSpline(breaks[i : i + 1], DEGREE).values(units[:, i : i + 1])[:, 0]
        maps.append(smooth_basis(values, weight, power))
    return Design(breaks, tuple(maps), shift, scale)


class _Scratch:
    """Memory that a hidden layer reuses from step to step: fresh tensors of this size cost more than the arithmetic."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Tensor] = {}

    def like(self, x: Tensor, *name: object) -> Tensor:
        """A tensor of the shape of x, the same one whenever the name and the shape are."""
        key = (*name, *x.shape)
        if key not in self._kept:
            self._kept[key] = torch.empty_like(x, memory_format=torch.contiguous_format)
        return self._kept[key]


def hidden_sum(h: Tensor, coef: Tensor, basis: BSpline, scratch: _Scratch) -> Tensor:
    """Sums of cubic splines on equal intervals of [-REACH, REACH] with linear tails, all members at once.

    h (K, B, I), coef (K, n, I, O) -> (K, B, O); `basis` has a grid for each of the I nodes.
    """
    if h.is_cpu and native_backend.loaded() is not None:
        return forward(basis, h, None, coef.transpose(1, 2).contiguous(), None, 0)
    return cast("Tensor", _HiddenSum.apply(h.contiguous(), coef, scratch))


class _HiddenSum(torch.autograd.Function):
    """`hidden_sum` by matrix products, where there are no native kernels.

    One basis function after the other: everything stays contiguous, and what
    the way back needs (values and slopes) has been made on the way forth.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, coef: Tensor, scratch: _Scratch) -> Tensor:
        pieces = hidden_basis(h, coef.shape[1] - DEGREE, scratch)
        total = torch.bmm(pieces[0][0], coef[:, 0])
        for m, (values, _) in enumerate(pieces[1:], start=1):
            total.baddbmm_(values, coef[:, m])
        ctx.save_for_backward(coef)
        ctx.pieces, ctx.scratch = pieces, scratch
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (grad,), (coef,) = grads, ctx.saved_tensors
        grad = grad.contiguous()
        grad_coef, grad_h = torch.empty_like(coef), torch.zeros_like(ctx.pieces[0][0])
        back = ctx.scratch.like(grad_h, "back")
        for m, (values, slopes) in enumerate(ctx.pieces):
            grad_coef[:, m] = torch.bmm(values.mT, grad)
            grad_h.addcmul_(torch.bmm(grad, coef[:, m].mT, out=back), slopes)
        return grad_h.mul_((coef.shape[1] - DEGREE) / (2 * REACH)), grad_coef, None


def hidden_basis(h: Tensor, intervals: int, scratch: _Scratch | None = None) -> list[tuple[Tensor, Tensor]]:
    """Values of each of the hidden splines, and their slopes per interval."""
    room = _Scratch() if scratch is None else scratch
    u = torch.add(h, REACH, out=room.like(h, "u")).mul_(intervals / (2 * REACH))
    inside = torch.clamp(u, 0, intervals, out=room.like(h, "inside"))
    over = u.sub_(inside)
    z, away, near, square = (room.like(h, name) for name in ("z", "away", "near", "square"))
    pieces: list[tuple[Tensor, Tensor]] = []
    for m in range(intervals + DEGREE):
        values, slopes = room.like(h, "values", m), room.like(h, "slopes", m)
        torch.sub(inside, m - 1.0, out=z)
        torch.abs(z, out=away)
        # (2 - |z|)^3 / 6 within two intervals, less 4 (1 - |z|)^3 / 6 within one.
        torch.sub(2, away, out=near).clamp_(min=0)
        torch.mul(near, near, out=slopes)
        torch.mul(slopes, near, out=values)
        torch.sub(1, away, out=near).clamp_(min=0)
        torch.mul(near, near, out=square)
        values.addcmul_(square, near, value=-4).mul_(1 / 6)
        slopes.sub_(square, alpha=4).mul_(-0.5).mul_(z.sign_())
        values.addcmul_(slopes, over)
        pieces.append((values, slopes))
    return pieces


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
        self.scratch = [_Scratch() for _ in shape.hidden]
        grids = [uniform_grid(-REACH, REACH, shape.intervals, width) for width in shape.hidden]
        self.bases = [BSpline(grid.to(torch.float32), DEGREE) for grid in grids]
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

    def forward(self, design: Tensor) -> Tensor:
        """Outputs of every member: (n, P) -> (members, n, outputs)."""
        h = self._hidden(design) + self.biases[0]
        layers = zip(self.biases[1:], self.bases, self.scratch, strict=True)
        for at, (bias, basis, scratch) in enumerate(layers, start=1):
            h = hidden_sum(h, self.outer(at), basis, scratch) + bias
        return h

    def _hidden(self, design: Tensor) -> Tensor:
        """Sums at the first hidden nodes, (members, n, width)."""
        n, members = len(design), self.shape.members
        if self.packed is None:
            return (design @ self.first()).view(n, members, -1).transpose(0, 1)
        groups, width = self.packed.shape
        padded = torch.nn.functional.pad(design, (0, 1))
        read = padded.index_select(1, self.packed.flatten()).view(n, groups, width)
        sums = torch.bmm(read.transpose(0, 1), self.weights[0]).view(groups, n, members, -1)
        return sums.permute(2, 1, 0, 3).reshape(members, n, -1)


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
    values = torch.stack([values for values, _ in hidden_basis(points, shape.intervals)], 1)
    return smooth_basis(values, power=shape.power).to(torch.float32)


def to_network(
    bag: Bag | None,
    design: Design,
    *,
    coarse: Design | None = None,
    base: tuple[Tensor, Tensor] | None = None,
    names: Sequence[str] | None,
    outputs: Sequence[str] | None,
    shift: Tensor,
    scale: Tensor,
) -> KAN:
    """One float64 network: the mean of the members, on top of an additive part.

    Parameters
    ----------
    bag : Bag, optional
        Without it the network is the additive part alone.
    coarse : Design, optional
        Design of the bag, where its breaks are some of those of the additive part.
    base : pair of Tensor, shapes (P, D) and (D,), optional
        Smooth coordinates and bias of the additive part; a node for each output carries it through the hidden layers.
    shift, scale : Tensor, shape (D,)
        Of the outputs: y = shift + scale * output.
    """
    layers: list[_Layer] = [] if bag is None else _mean_layers(bag, design if coarse is None else coarse)
    if layers and layers[0].grid.shape != design.breaks.shape:
        finer = BSpline(layers[0].grid, DEGREE).refine(design.breaks)
        layers[0] = replace(layers[0], grid=design.breaks, coef=finer @ layers[0].coef)
    if base is not None:
        carried = _carried(design, *base, depth=max(len(layers), 1), intervals=_intervals(layers))
        layers = carried if bag is None else _side_by_side(carried, layers)
    net = KAN(
        [len(design.maps), *(layer.coef.shape[2] for layer in layers)],
        init="zero",
        input_names=names,
        output_names=outputs,
        dtype=torch.float64,
    )
    states = [
        replace(
            state,
            spec=replace(state.spec, intervals=layer.grid.shape[1] - 1),
            grid=layer.grid,
            coef=layer.coef,
            bias=layer.bias,
            mask=(layer.coef != 0).any(1),
        )
        for state, layer in zip(take_apart(net), layers, strict=True)
    ]
    spec = replace(net.spec, layers=tuple(state.spec for state in states))
    made = KAN.from_layers(spec, [make_layer(state) for state in states])
    with torch.no_grad():
        made.input_shift.copy_(design.shift)
        made.input_scale.copy_(design.scale)
        made.output_shift.copy_(shift)
        made.output_scale.copy_(scale)
    return made


@dataclass(frozen=True, eq=False)
class _Layer:
    """Grid (I, G + 1), coefficients (I, M, O) and bias (O,)."""

    grid: Tensor
    coef: Tensor
    bias: Tensor


def _mean_layers(bag: Bag, design: Design) -> list[_Layer]:
    """The members side by side; the last layer takes their mean."""
    shape, members = bag.shape, bag.shape.members
    first = bag.first(torch.float64).detach()
    biases = [b.detach().to(torch.float64)[:, 0] for b in bag.biases]
    layers = [_Layer(design.breaks, design.coefficients(first), biases[0].reshape(-1))]
    for at, (before, after) in enumerate(pairwise((*shape.hidden, shape.outputs)), start=1):
        last = at == len(shape.hidden)
        own = bag.outer(at, torch.float64).detach().transpose(1, 2)  # (members, before, n, after)
        if last:
            coef, bias = own.flatten(0, 1) / members, biases[at].mean(0)
        else:
            # Nothing leads from one member to another.
            coef = torch.zeros(*own.shape[:3], members, after, dtype=torch.float64)
            coef[torch.arange(members), :, :, torch.arange(members)] = own
            coef, bias = coef.flatten(3).flatten(0, 1), biases[at].reshape(-1)
        grid = uniform_grid(-REACH, REACH, shape.intervals, members * before)
        layers.append(_Layer(grid, coef, bias))
    return layers


def _intervals(layers: Sequence[_Layer]) -> int:
    return layers[-1].grid.shape[1] - 1 if layers else 1


def _carried(design: Design, theta: Tensor, bias: Tensor, depth: int, intervals: int) -> list[_Layer]:
    """An additive part as a network of some depth: behind its first layer, straight lines of slope one."""
    count = theta.shape[1]
    layers = [_Layer(design.breaks, design.coefficients(theta), bias)]
    for _ in range(depth - 1):
        grid = uniform_grid(-REACH, REACH, intervals, count)
        coef = torch.zeros(count, intervals + DEGREE, count, dtype=torch.float64)
        coef[torch.arange(count), :, torch.arange(count)] = BSpline(grid, DEGREE).greville()
        layers.append(_Layer(grid, coef, torch.zeros(count, dtype=torch.float64)))
    return layers


def _side_by_side(first: Sequence[_Layer], second: Sequence[_Layer]) -> list[_Layer]:
    """Two networks of one depth that read the same inputs, and whose outputs are added."""
    layers: list[_Layer] = []
    for at, (a, b) in enumerate(zip(first, second, strict=True)):
        if at == len(first) - 1:
            coef, bias = torch.cat([a.coef, b.coef]), a.bias + b.bias
        elif at == 0:
            layers.append(_Layer(a.grid, torch.cat([a.coef, b.coef], 2), torch.cat([a.bias, b.bias])))
            continue
        else:
            rows = a.coef.shape[0] + b.coef.shape[0]
            coef = a.coef.new_zeros(rows, a.coef.shape[1], a.coef.shape[2] + b.coef.shape[2])
            coef[: a.coef.shape[0], :, : a.coef.shape[2]] = a.coef
            coef[a.coef.shape[0] :, :, a.coef.shape[2] :] = b.coef
            bias = torch.cat([a.bias, b.bias])
        layers.append(_Layer(torch.cat([a.grid, b.grid]), coef, bias))
    return layers
