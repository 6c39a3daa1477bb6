"""A bag: several networks of one shape, trained side by side in one batched pass.

The first layer reads a *design*, the values of the input splines in smooth coordinates (see `smooth_basis`), made once for
all rows; so its pass is one matrix product for all members. Hidden layers evaluate cubic splines on a uniform grid, again in
smooth coordinates. `to_network` puts the members together as one wide network: their mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
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

    def rows(self, X: Tensor) -> Tensor:
        """The design of some rows, shape (n, P), float32."""
        parts: list[Tensor] = []
        for i, turn in enumerate(self.maps):
            basis = BSpline(self.breaks[i : i + 1], DEGREE)
            column = ((X[:, i] - self.shift[i]) / self.scale[i])[:, None]
            parts.append(
                torch.cat([(basis.values(part)[:, 0] @ turn).to(torch.float32) for part in column.split(65536)])
            )
        return torch.cat(parts, 1)


def make_design(X: Tensor, weight: Tensor, intervals: int, power: float, seed: int) -> Design:
    """Grids where the rows are, and the smooth coordinates of every input."""
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
    maps: list[Tensor] = []
    for i in range(len(shift)):
        values = BSpline(breaks[i : i + 1], DEGREE).values(units[:, i : i + 1])[:, 0]
        maps.append(smooth_basis(values, weight, power))
    return Design(breaks, tuple(maps), shift, scale)


class _HiddenBasis(torch.autograd.Function):
    """Cubic B-splines on `intervals` equal intervals of [-REACH, REACH] with linear tails: (..., I) -> (..., n, I).

    Every function apart, so that all arithmetic runs over contiguous nodes; derivatives are kept for the way back.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, intervals: int) -> Tensor:
        u = (h + REACH) * (intervals / (2 * REACH))
        inside = u.clamp(0, intervals)
        over = u - inside
        n = intervals + DEGREE
        values = h.new_empty(*h.shape[:-1], n, h.shape[-1])
        slopes = torch.empty_like(values)
        for m in range(n):
            z = inside - (m - 1.0)
            away = z.abs()
            outer, inner = (2 - away).clamp_(min=0), (1 - away).clamp_(min=0)
            outer2, inner2 = outer * outer, inner * inner
            slope = torch.mul(inner2, 4, out=away).sub_(outer2).mul_(0.5).mul_(z.sign_())
            slopes[..., m, :] = slope
            values[..., m, :] = (
                outer2.mul_(outer).sub_(inner2.mul_(inner).mul_(4)).mul_(1 / 6).addcmul_(slope, over)
            )
        ctx.save_for_backward(slopes)
        ctx.factor = intervals / (2 * REACH)
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (grad,), (slopes,) = grads, ctx.saved_tensors
        total = grad[..., 0, :] * slopes[..., 0, :]
        for m in range(1, slopes.shape[-2]):
            total.addcmul_(grad[..., m, :], slopes[..., m, :])
        return total.mul_(ctx.factor), None


def hidden_basis(h: Tensor, intervals: int) -> Tensor:
    """Values of the hidden splines: (..., I) -> (..., n, I)."""
    return _HiddenBasis.apply(h, intervals)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class BagShape:
    """Members, hidden nodes of one member layer by layer, outputs, intervals of hidden grids, and the smoothness power."""

    members: int
    hidden: tuple[int, ...]
    outputs: int
    intervals: int
    power: float


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
    """

    def __init__(
        self, design: Design, shape: BagShape, links: Tensor | None, size: Tensor, seed: int
    ) -> None:
        self.shape = shape
        random = generator(derive(seed, 7202))
        widths = (*shape.hidden, shape.outputs)
        owner = design.owner
        first = torch.randn(len(owner), shape.members * widths[0], generator=random)
        self.links = None if links is None else links[owner].to(torch.float32)
        if self.links is not None:
            first = first * self.links
            # Every node starts with unit variance, whatever it reads.
            spread = (size.to(torch.float32)[:, None] ** 2 * self.links).sum(0, keepdim=True).sqrt()
            first = first / spread.clamp(min=1e-6)
        else:
            first = first / float((size**2).sum().sqrt().clamp(min=1e-6))
        if not shape.hidden:
            first = torch.zeros_like(first)
        self.turn = _hidden_turn(shape)
        n = self.turn.shape[1]
        spread = float((_directions(shape) ** 2).sum().sqrt())
        self.weights = [first.requires_grad_()]
        self.biases = [torch.zeros(shape.members, 1, widths[0]).requires_grad_()]
        for before, after in zip(widths[:-1], widths[1:], strict=True):
            start = torch.randn(shape.members, n, before * after, generator=random)
            self.weights.append((start / (spread * math.sqrt(before))).requires_grad_())
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

    def forward(self, design: Tensor) -> Tensor:
        """Outputs of every member: (n, P) -> (members, n, outputs)."""
        first = self.weights[0] if self.links is None else self.weights[0] * self.links
        h = (design @ first).view(len(design), self.shape.members, -1).transpose(0, 1) + self.biases[0]
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            basis = hidden_basis(h, self.shape.intervals)
            turned = self.turn @ weight  # coefficients (members, n, I * O)
            h = torch.baddbmm(bias, basis.flatten(-2), turned.view(len(turned), -1, bias.shape[-1]))
        return h


def _directions(shape: BagShape) -> Tensor:
    count = shape.intervals + DEGREE
    return (1 + (torch.arange(count, dtype=torch.float64) - 1).clamp(min=0)) ** -shape.power


def _hidden_turn(shape: BagShape) -> Tensor:
    """Smooth coordinates of a hidden edge, shape (n, n)."""
    if not shape.hidden:
        return torch.eye(shape.intervals + DEGREE)
    share = (torch.arange(SAMPLES, dtype=torch.float64) + 0.5) / SAMPLES
    points = math.sqrt(2) * torch.erfinv(2 * share - 1)
    values = hidden_basis(points[:, None], shape.intervals)[:, :, 0]
    return smooth_basis(values, power=shape.power).to(torch.float32)


def to_network(
    bag: Bag,
    design: Design,
    mix: Tensor,
    *,
    names: Sequence[str] | None,
    outputs: Sequence[str] | None,
    shift: Tensor,
    scale: Tensor,
) -> KAN:
    """One float64 network that is the weighted sum of the members.

    Parameters
    ----------
    mix : Tensor, shape (members,)
        Weights of the members.
    shift, scale : Tensor, shape (outputs,)
        Of the outputs: y = shift + scale * output.
    """
    shape = bag.shape
    members = shape.members if shape.hidden else 1
    widths = [len(design.maps), *(members * h for h in shape.hidden), shape.outputs]
    net = KAN(
        widths,
        intervals=design.breaks.shape[1] - 1,
        init="zero",
        input_names=names,
        output_names=outputs,
        dtype=torch.float64,
    )
    states = take_apart(net)
    weights = [w.detach().to(torch.float64) for w in bag.weights]
    biases = [b.detach().to(torch.float64)[:, 0] for b in bag.biases]
    mix = mix.to(torch.float64)
    first = weights[0] if bag.links is None else weights[0] * bag.links.to(torch.float64)
    if not shape.hidden:
        first = (first.view(len(first), shape.members, -1) * mix[:, None]).sum(1)
        biases[0] = (biases[0] * mix[:, None]).sum(0, keepdim=True)
    start, parts = 0, list[Tensor]()
    for turn in design.maps:
        parts.append(turn @ first[start : start + turn.shape[1]])
        start += turn.shape[1]
    coef = torch.stack(parts)
    mask = (coef != 0).any(1)
    states[0] = replace(states[0], grid=design.breaks, coef=coef, bias=biases[0].reshape(-1), mask=mask)
    hidden_grid = uniform_grid(-REACH, REACH, shape.intervals)
    for at in range(1, len(widths) - 1):
        before, last = shape.hidden[at - 1], at == len(shape.hidden)
        after = shape.outputs if last else shape.hidden[at]
        turned = (bag.turn.to(torch.float64) @ weights[at]).view(members, -1, before, after)
        n = turned.shape[1]
        total = shape.outputs if last else members * after
        coef = torch.zeros(members, before, n, total, dtype=torch.float64)
        mask = torch.zeros(members, before, total, dtype=torch.bool)
        for k in range(members):
            own = slice(None) if last else slice(k * after, (k + 1) * after)
            coef[k, :, :, own] = turned[k].transpose(0, 1) * (mix[k] if last else 1.0)
            mask[k, :, own] = True
        bias = (biases[at] * mix[:, None]).sum(0) if last else biases[at].reshape(-1)
        states[at] = replace(
            states[at],
            spec=replace(states[at].spec, intervals=shape.intervals),
            grid=hidden_grid.expand(members * before, -1).contiguous(),
            coef=coef.flatten(0, 1),
            mask=mask.flatten(0, 1),
            bias=bias,
        )
    spec = replace(net.spec, layers=tuple(state.spec for state in states))
    made = KAN.from_layers(spec, [make_layer(state) for state in states])
    with torch.no_grad():
        made.input_shift.copy_(design.shift)
        made.input_scale.copy_(design.scale)
        made.output_shift.copy_(shift)
        made.output_scale.copy_(scale)
    return made


__all__ = ["Bag", "BagShape", "Design", "hidden_basis", "make_design", "to_network"]
