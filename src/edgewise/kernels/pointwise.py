"""A function of its own for every channel, number by number: splines of which no sum is taken.

On each piece of the grid a spline is a polynomial, and these follow from the coefficients by a small linear map, which
autograd takes back. What is left is to choose a number's piece and evaluate: the native kernel does it in one pass each way,
torch by looking polynomials up, to any order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edgewise.kernels.backends import as_operators
from edgewise.kernels.native import pointwise as native
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.pieces import locate


def serves(basis: Basis, x: Tensor, coef: Tensor) -> bool:
    """Whether x (N, C, ...) and coef (M, C) are of the kind that this is for, and nobody must see operators."""
    fits = isinstance(basis, BSpline) and basis.breaks.shape[0] == 1 and not as_operators(basis, x, coef)
    return fits and coef.dtype is x.dtype and x.dtype in (torch.float32, torch.float64)


def pointwise(basis: Basis, x: Tensor, coef: Tensor) -> Tensor:
    """Values (N, C, ...) of the functions with coefficients coef (M, C) at x (N, C, ...), differentiable to any order."""
    assert isinstance(basis, BSpline)
    assert basis.pieces is not None
    poly, origin = polynomials(basis, coef), basis.pieces.origin[0].contiguous()
    if native.serves(x, poly):
        found: Any = _Pointwise.apply(basis.breaks[0].contiguous(), origin, poly, native.dense(x))
        return found
    return looked_up(basis.breaks[0], origin, poly, x)


def polynomials(basis: BSpline, coef: Tensor) -> Tensor:
    """By powers of the distance from the origin of each piece, (C, G + 2, degree + 1), of coefficients (M, C)."""
    pieces = basis.pieces
    assert pieces is not None
    table, width, count = pieces.table[0], pieces.width[0], basis.degree + 1
    first = torch.arange(-1, basis.intervals + 1, device=coef.device).clamp(0, basis.intervals - 1)
    live = coef[first[:, None] + torch.arange(count, device=coef.device)]
    powers = width[:, None] ** torch.arange(count, device=coef.device)
    return torch.einsum("pmr,pmc->cpr", table / powers[:, None], live).contiguous()


def looked_up(breaks: Tensor, origin: Tensor, poly: Tensor, x: Tensor) -> Tensor:
    """`pointwise` in plain torch, from polynomials (C, G + 2, degree + 1)."""
    piece = locate(breaks[None], x.detach().reshape(-1, 1)).view(x.shape)
    channel = torch.arange(len(poly), device=x.device).view(-1, *[1] * (x.dim() - 2))
    own, t = poly[channel, piece], x - origin[piece]
    y = own[..., -1]
    for k in range(poly.shape[-1] - 2, -1, -1):
        y = y * t + own[..., k]
    return y if poly.shape[-1] > 1 else y + 0 * t


class _Pointwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, breaks: Tensor, origin: Tensor, poly: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(breaks, origin, poly, x)
        return native.forward(breaks, origin, poly, x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        breaks, origin, poly, x = ctx.saved_tensors
        (g,) = grads
        if torch.is_grad_enabled():  # somebody goes on to differentiate this
            needs = ctx.needs_input_grad[2:]
            wanted = [t for t, need in zip((poly, x), needs, strict=True) if need]
            y = looked_up(breaks, origin, poly, x)
            made = iter(torch.autograd.grad(y, wanted, g, create_graph=True))
            return None, None, *(next(made) if need else None for need in needs)
        order = torch.contiguous_format if x.is_contiguous() else torch.channels_last
        dx, dpoly = native.backward(breaks, origin, poly, x, g.contiguous(memory_format=order))
        return None, None, dpoly, dx
