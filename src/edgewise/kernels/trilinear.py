"""The trilinear form and its derivatives of every order.

With optional weights v on the inputs,

    T_nu(x, v, c, g) = sum_{b,i,o} v_bi sum_m B_m^(nu)(x_bi) c_imo g_bo.

Its partial maps are *forward* (d/dg), *grad_coef* (d/dc) and *grad_input* (d/dv; times v and with nu + 1 it is d/dx). The
gradient of each of the three is made of the same three, so autograd of any order needs no further kernel. They are reached
through `backend()`, where a compiled backend can stand in for the torch one.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from edgewise.kernels import reference
from edgewise.splines.basis import Basis


class Backend(Protocol):
    """The three maps; `reference` is the one in plain torch."""

    def forward(self, basis: Basis, x: Tensor, v: Tensor | None, coef: Tensor, order: int) -> Tensor: ...
    def grad_coef(self, basis: Basis, x: Tensor, v: Tensor | None, g: Tensor, order: int) -> Tensor: ...
    def grad_input(self, basis: Basis, x: Tensor, coef: Tensor, g: Tensor, order: int) -> Tensor: ...


def backend(x: Tensor) -> Backend:
    """The backend that serves this tensor's device and dtype."""
    return reference


class _Forward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, basis: Basis, order: int, x: Tensor, v: Tensor | None, coef: Tensor) -> Tensor:
        ctx.basis, ctx.order = basis, order
        ctx.save_for_backward(x, v, coef)
        return backend(x).forward(basis, x, v, coef, order)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = grads
        x, v, coef = ctx.saved_tensors
        _, _, need_x, need_v, need_c = ctx.needs_input_grad
        basis, order = ctx.basis, ctx.order
        dx = _weighted(_GradInput.apply(basis, order + 1, x, coef, g), v) if need_x else None
        dv = _GradInput.apply(basis, order, x, coef, g) if need_v else None
        dc = _GradCoef.apply(basis, order, x, v, g) if need_c else None
        return None, None, dx, dv, dc


class _GradCoef(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, basis: Basis, order: int, x: Tensor, v: Tensor | None, g: Tensor) -> Tensor:
        ctx.basis, ctx.order = basis, order
        ctx.save_for_backward(x, v, g)
        return backend(x).grad_coef(basis, x, v, g, order)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (coef,) = grads
        x, v, g = ctx.saved_tensors
        _, _, need_x, need_v, need_g = ctx.needs_input_grad
        basis, order = ctx.basis, ctx.order
        dx = _weighted(_GradInput.apply(basis, order + 1, x, coef, g), v) if need_x else None
        dv = _GradInput.apply(basis, order, x, coef, g) if need_v else None
        dg = _Forward.apply(basis, order, x, v, coef) if need_g else None
        return None, None, dx, dv, dg


class _GradInput(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, basis: Basis, order: int, x: Tensor, coef: Tensor, g: Tensor) -> Tensor:
        ctx.basis, ctx.order = basis, order
        ctx.save_for_backward(x, coef, g)
        return backend(x).grad_input(basis, x, coef, g, order)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (v,) = grads
        x, coef, g = ctx.saved_tensors
        _, _, need_x, need_c, need_g = ctx.needs_input_grad
        basis, order = ctx.basis, ctx.order
        dx = v * _GradInput.apply(basis, order + 1, x, coef, g) if need_x else None
        dc = _GradCoef.apply(basis, order, x, v, g) if need_c else None
        dg = _Forward.apply(basis, order, x, v, coef) if need_g else None
        return None, None, dx, dc, dg


def _weighted(t: Tensor, v: Tensor | None) -> Tensor:
    return t if v is None else t * v


def spline_sum(basis: Basis, x: Tensor, coef: Tensor, order: int = 0) -> Tensor:
    """Sum of all edge functions that arrive at each node.

    Parameters
    ----------
    basis : Basis
        For I inputs with M functions each.
    x : Tensor, shape (B, I)
    coef : Tensor, shape (I, M, O)
    order : int
        Order of the derivative of the edge functions (0 the value).

    Returns
    -------
    Tensor, shape (B, O)
        y_bo = sum_im B_m^(order)(x_bi) c_imo; differentiable to any order in x and coef.

    Examples
    --------
    >>> from edgewise.splines import BSpline, uniform_grid
    >>> basis = BSpline(uniform_grid(-1, 1, 4, n_inputs=2), 3)
    >>> spline_sum(basis, torch.zeros(5, 2, dtype=torch.float64), torch.ones(2, 7, 3, dtype=torch.float64)).shape
    torch.Size([5, 3])
    """
    out = _Forward.apply(basis, order, x, None, coef)
    assert isinstance(out, Tensor)
    return out


def spline_edges(basis: Basis, x: Tensor, coef: Tensor, order: int = 0) -> Tensor:
    """Every edge function apart, shape (B, I, O): for small networks, plots and scores.

    Parameters and differentiability are those of `spline_sum`, but for x, through which no gradient flows.
    """
    return torch.einsum("bim,imo->bio", basis.values(x.detach(), order), coef)
