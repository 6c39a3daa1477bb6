"""The maps in plain torch: the reference every other backend is held to, and the fallback where none is at hand.

The whole basis of every input is a dense design matrix, which is multiplied with the coefficients. Rows are taken in chunks,
so that the largest temporary holds `CHUNK` numbers whatever the batch. Shapes are those of `trilinear`: one network, or E of
them with a leading dimension in every tensor but, where they share it, the grid.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from edgewise._core.modules import is_tracing
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.pieces import GridPieces

CHUNK = 1 << 22


def forward(
    basis: Basis, x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, order: int
) -> Tensor:
    """y_bo = sum_i v_bi (sum_m B_m^(order)(x_bi) c_imo + silu^(order)(x_bi) w_io)."""
    flat = coef.flatten(-3, -2)
    parts: list[Tensor] = []
    for rows in _chunks(basis, x):
        xs, vs = x[..., rows, :], None if v is None else v[..., rows, :]
        y = _weighted(_values(basis, xs, order), vs).flatten(-2) @ flat
        if base is not None:
            y = y + times(silu(xs, order), vs) @ base
        parts.append(y)
    return parts[0] if len(parts) == 1 else torch.cat(parts, -2)


def grad_coef(
    basis: Basis, x: Tensor, v: Tensor | None, g: Tensor, with_base: bool, order: int
) -> tuple[Tensor, Tensor | None]:
    """C_imo = sum_b v_bi B_m^(order)(x_bi) g_bo, and W_io = sum_b v_bi silu^(order)(x_bi) g_bo where asked for."""
    inputs, outputs = x.shape[-1], g.shape[-1]
    coef: Tensor | None = None
    base: Tensor | None = None
    for rows in _chunks(basis, x):
        xs, vs, gs = x[..., rows, :], None if v is None else v[..., rows, :], g[..., rows, :]
        part = _weighted(_values(basis, xs, order), vs).flatten(-2).mT @ gs
        coef = part if coef is None else coef + part
        if with_base:
            part = times(silu(xs, order), vs).mT @ gs
            base = part if base is None else base + part
    assert coef is not None
    return coef.reshape(*x.shape[:-2], inputs, basis.size, outputs), base


def grad_input(basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, g: Tensor, order: int) -> Tensor:
    """X_bi = sum_o (sum_m B_m^(order)(x_bi) c_imo + silu^(order)(x_bi) w_io) g_bo."""
    flat = coef.flatten(-3, -2).mT
    parts: list[Tensor] = []
    for rows in _chunks(basis, x):
        xs, gs = x[..., rows, :], g[..., rows, :]
        pulled = (gs @ flat).reshape(*xs.shape, basis.size)
        dx = (_values(basis, xs, order) * pulled).sum(-1)
        if base is not None:
            dx = dx + silu(xs, order) * (gs @ base.mT)
        parts.append(dx)
    return parts[0] if len(parts) == 1 else torch.cat(parts, -2)


def backward(
    basis: Basis, x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, g: Tensor, order: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """What the gradient of `forward` needs: v * grad_input at order + 1, and grad_coef."""
    dx = grad_input(basis, x, coef, base, g, order + 1)
    return (times(dx, v), *grad_coef(basis, x, v, g, base is not None, order))


def silu(x: Tensor, order: int = 0) -> Tensor:
    """Derivative of silu(x) = x s(x), s the logistic function: x s^(n) + n s^(n-1), the s^(n) being polynomials in s."""
    if order == 0:
        return torch.where(x < -FAR, x.new_zeros(()), torch.nn.functional.silu(x))
    near = x.clamp(-FAR, FAR)  # beyond, s is 0 or 1 to the last bit, and x times its derivatives is 0
    low = torch.sigmoid(near) if order == 1 else _logistic(near, order - 1)
    return near * _logistic(near, order) + order * low


FAR = 800.0


def _logistic(x: Tensor, order: int) -> Tensor:
    """Derivative of s of an order from 1 on: a polynomial in s, as s' = s - s^2.

    s' is even, so that all are taken at -|x|, where s is small and nothing cancels.
    """
    powers = [0.0, 1.0]
    for _ in range(order):
        slope = [r * c for r, c in enumerate(powers)]
        powers = [a - b for a, b in zip([*slope, 0.0], [0.0, *slope], strict=True)]
    s = torch.sigmoid(-x.abs())
    total = torch.full_like(s, powers[-1])
    for c in reversed(powers[:-1]):
        total = total * s + c
    return total if order % 2 else torch.where(x > 0, -total, total)


def _values(basis: Basis, x: Tensor, order: int) -> Tensor:
    """Values of the whole basis, shape (..., B, I, M)."""
    if x.dim() == 2:
        return basis.values(x, order)
    if not isinstance(basis, BSpline) or basis.breaks.dim() == 2:
        return basis.values(x.flatten(0, 1), order).unflatten(0, (x.shape[0], -1))
    assert basis.pieces is not None
    pieces = basis.pieces
    flat = GridPieces(pieces.table.flatten(0, 1), pieces.origin.flatten(0, 1), pieces.width.flatten(0, 1))
    side_by_side = BSpline(basis.breaks.flatten(0, 1), basis.degree, flat)
    values = side_by_side.values(x.transpose(0, 1).flatten(1), order)
    return values.unflatten(1, (x.shape[0], x.shape[2])).transpose(0, 1)


def _weighted(values: Tensor, v: Tensor | None) -> Tensor:
    return values if v is None else values * v.unsqueeze(-1)


def times(t: Tensor, v: Tensor | None) -> Tensor:
    """A tensor times weights, where there are any."""
    return t if v is None else t * v


def _chunks(basis: Basis, x: Tensor) -> Iterator[slice]:
    """Row chunks whose design matrix holds at most CHUNK numbers (one empty chunk for an empty batch)."""
    count = x.shape[-2]
    if is_tracing() or isinstance(
        count, torch.SymInt
    ):  # a tracer would keep the bounds for batches of every size
        yield slice(None)
        return
    row = x.numel() // max(1, count) * basis.size
    rows = max(1, CHUNK // max(1, row))
    for start in range(0, max(1, count), rows):
        yield slice(start, start + rows)
