"""The three maps in plain torch: the reference every other backend is held to, and the fallback where none is at hand.

A basis without local support, or one whose whole basis is narrow, is a dense matrix times the coefficients. Rows are taken
in chunks, so that the largest temporary holds `CHUNK` numbers whatever the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from edgewise.splines.basis import Basis

CHUNK = 1 << 22


def forward(basis: Basis, x: Tensor, v: Tensor | None, coef: Tensor, order: int) -> Tensor:
    """y_bo = sum_im v_bi B_m^(order)(x_bi) c_imo."""
    flat = coef.reshape(-1, coef.shape[2])
    parts = [_design(basis, xs, vs, order) @ flat for xs, vs in _chunks(basis, x, v)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def grad_coef(basis: Basis, x: Tensor, v: Tensor | None, g: Tensor, order: int) -> Tensor:
    """C_imo = sum_b v_bi B_m^(order)(x_bi) g_bo."""
    total, start = x.new_zeros(x.shape[1] * basis.size, g.shape[1]), 0
    for xs, vs in _chunks(basis, x, v):
        total = total + _design(basis, xs, vs, order).T @ g[start : start + len(xs)]
        start += len(xs)
    return total.reshape(x.shape[1], basis.size, g.shape[1])


def grad_input(basis: Basis, x: Tensor, coef: Tensor, g: Tensor, order: int) -> Tensor:
    """X_bi = sum_mo B_m^(order)(x_bi) c_imo g_bo."""
    flat = coef.reshape(-1, coef.shape[2])
    parts: list[Tensor] = []
    start = 0
    for xs, _ in _chunks(basis, x, None):
        pulled = (g[start : start + len(xs)] @ flat.T).reshape(len(xs), x.shape[1], basis.size)
        parts.append((basis.values(xs, order) * pulled).sum(-1))
        start += len(xs)
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _design(basis: Basis, x: Tensor, v: Tensor | None, order: int) -> Tensor:
    """Dense design matrix (B, I * M), weighted by v."""
    values = basis.values(x, order)
    return (values if v is None else values * v.unsqueeze(-1)).flatten(1)


def _chunks(basis: Basis, x: Tensor, v: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Row chunks whose design matrix holds at most CHUNK numbers (one empty chunk for an empty batch)."""
    rows = max(1, CHUNK // max(1, x.shape[1] * basis.size))
    if len(x) <= rows:
        yield x, v
        return
    for start in range(0, len(x), rows):
        yield x[start : start + rows], None if v is None else v[start : start + rows]
