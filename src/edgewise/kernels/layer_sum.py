"""A layer in one call each way: the sum of its edges and its bias, and the gradients of both.

This is `spline_sum` plus a bias for training by the native kernels, which find out once where the rows of a small batch lie
on the grid: forward leaves it to the gradient. Everything else (higher derivatives, other bases and devices, whoever wants
to see operators) goes the way of `trilinear`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edgewise.kernels import trilinear
from edgewise.kernels.backends import watched
from edgewise.kernels.native_backend import NativeBackend
from edgewise.kernels.shapes import check
from edgewise.splines.basis import Basis


def layer_sum(basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, bias: Tensor | None) -> Tensor:
    """`spline_sum` of order 0 plus the bias, shape (O,), where there is one.

    Examples
    --------
    >>> from edgewise.splines import BSpline, uniform_grid
    >>> basis = BSpline(uniform_grid(-1, 1, 4, n_inputs=2), 3)
    >>> x, coef = torch.zeros(5, 2, dtype=torch.float64), torch.ones(2, 7, 3, dtype=torch.float64)
    >>> layer_sum(basis, x, coef, None, torch.full((3,), 0.5, dtype=torch.float64))[0]
    tensor([2.5000, 2.5000, 2.5000], dtype=torch.float64)
    """
    alike = bias is None or (bias.dtype is x.dtype and bias.is_cpu)
    if torch.is_grad_enabled() and x.dim() == 2 and alike and not watched(x, coef):
        maps = trilinear.maps_of(basis, x)
        if isinstance(maps, NativeBackend):
            check(basis, x, None, coef, base)
            return _LayerSum.plain(maps, basis, 0, x, coef, base, bias)
    y = trilinear.spline_sum(basis, x, coef, 0, base)
    return y if bias is None else y + bias


class _LayerSum(trilinear.Map):
    """y = forward(x, c, w) + bias."""

    @staticmethod
    def forward(
        ctx: Any,
        maps: NativeBackend,
        basis: Basis,
        order: int,
        x: Tensor,
        coef: Tensor,
        base: Tensor | None,
        bias: Tensor | None,
    ) -> Tensor:
        ctx.maps, ctx.basis, ctx.biased = maps, basis, bias is not None
        kept = maps.room_for_rows(basis, x) if any(ctx.needs_input_grad[3:6]) else None
        ctx.save_for_backward(x, coef, base, kept)
        return maps.forward(basis, x, None, coef, base, order, bias, kept)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = grads
        x, coef, base, kept = ctx.saved_tensors
        maps, basis = ctx.maps, ctx.basis
        need_x, need_c, need_w, need_b = trilinear.needed(ctx, x, coef, base, g if ctx.biased else None)
        if not need_c or torch.is_grad_enabled() or watched(x, g):
            needs = (need_x, False, need_c, need_w, False)
            dx, _, dc, dw, _ = trilinear.gradients(basis, x, None, coef, base, g, 0, needs)
            return None, None, None, dx, dc, dw, g.sum(0) if need_b else None
        db = g.new_empty(g.shape[1:]) if need_b else None
        if need_x:
            dx, dc, dw = maps.backward(basis, x, None, coef, base, g, 0, db, kept)
        else:
            dx, (dc, dw) = None, maps.grad_coef(basis, x, None, g, need_w, 0, db, kept)
        return None, None, None, dx, dc, dw, db
