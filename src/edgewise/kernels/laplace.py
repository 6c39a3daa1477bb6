"""Values, slopes along lines and a Laplacian through a layer of cubic edges at once, as a function of autograd.

    y_0 = phi(u),   y_l = phi'(u) v_l,   y_w = phi''(u) sum_l v_l^2 + phi'(u) w,   summed over the edges that arrive

The native kernels take it and its gradient in one pass each. A gradient that is itself differentiated is made of the maps of
`trilinear`, which can be to any order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edgewise.kernels.backends import as_operators
from edgewise.kernels.native import laplace as native
from edgewise.kernels.trilinear import forward
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline


def serves(basis: Basis, nodes: Tensor, coef: Tensor) -> bool:
    """Whether there is a kernel for nodes (B, lines + 2, I) and coef (I, M, O), and nobody who must see operators."""
    return native.serves(basis, nodes, coef) and not as_operators(basis, nodes, coef)


def laplace_sum(basis: Basis, nodes: Tensor, coef: Tensor) -> Tensor:
    """Sums (B, lines + 2, O) of nodes (B, lines + 2, I), in the order 0, l, w, differentiable to any order."""
    assert isinstance(basis, BSpline)
    found: Any = _LaplaceSum.apply(basis, nodes.contiguous(), coef.contiguous())
    return found


def by_maps(basis: Basis, nodes: Tensor, coef: Tensor) -> Tensor:
    """The same, one map of `trilinear` after the other."""
    value, *slopes, second = nodes.unbind(1)
    square = torch.stack(slopes).square().sum(0)
    return torch.stack(
        [
            forward(basis, value, None, coef, None, 0),
            *(forward(basis, value, slope, coef, None, 1) for slope in slopes),
            forward(basis, value, square, coef, None, 2) + forward(basis, value, second, coef, None, 1),
        ],
        1,
    )


class _LaplaceSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, basis: BSpline, nodes: Tensor, coef: Tensor) -> Tensor:
        ctx.basis = basis
        ctx.save_for_backward(nodes, coef)
        return native.forward(basis, nodes, coef)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        nodes, coef = ctx.saved_tensors
        (g,) = grads
        if torch.is_grad_enabled():  # somebody goes on to differentiate this
            wanted = [
                t for t, need in ((nodes, ctx.needs_input_grad[1]), (coef, ctx.needs_input_grad[2])) if need
            ]
            made = iter(torch.autograd.grad(by_maps(ctx.basis, nodes, coef), wanted, g, create_graph=True))
            return None, *(next(made) if need else None for need in ctx.needs_input_grad[1:])
        return None, *native.backward(ctx.basis, nodes, coef, g.contiguous())
