"""Pieces: on each interval a spline is a polynomial; the tails are linear polynomials.

For input i and piece p (0 the left tail, 1..G the intervals, G + 1 the right tail) the k + 1 B-splines that live there are

    B_{s(p) + m}(x) = sum_r table[i, p, m, r] * u^r,      u = (x - origin[i, p]) / width[i, p],

so that u runs from 0 to 1 on an interval. One table serves any degree, uniform and non-uniform breaks and both tails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

SAME_WIDTH = 1e-6
# Tables of grids with at most so many breaks are remembered.
REMEMBERED = 4096
_KEYS = (torch.float32, torch.float64)  # numpy knows no bfloat16


@dataclass(frozen=True)
class GridPieces:
    """The table of pieces of a grid.

    Attributes
    ----------
    table : Tensor, shape (I, G + 2, k + 1, k + 1)
        Powers of u to the k + 1 live basis values.
    origin, width : Tensor, shape (I, G + 2)
        Local coordinate of each piece.
    uniform : bool
        Whether the intervals of every input are known to be equally wide; kernels then find the piece by a division.
    """

    table: Tensor
    origin: Tensor
    width: Tensor
    uniform: bool = False


def extended_knots(breaks: Tensor, degree: int) -> Tensor:
    """Breaks with `degree` more knots on either side, repeating the width of the end interval; (I, G + 1 + 2k)."""
    steps = torch.arange(1, degree + 1, dtype=breaks.dtype, device=breaks.device)
    first, last = breaks[:, 1] - breaks[:, 0], breaks[:, -1] - breaks[:, -2]
    left = breaks[:, :1] - steps.flip(0)[None] * first[:, None]
    right = breaks[:, -1:] + steps[None] * last[:, None]
    return torch.cat([left, breaks, right], 1)


def make_pieces(breaks: Tensor, degree: int) -> GridPieces:
    """Table of pieces by the Cox-de Boor recursion carried out on polynomials in u.

    References
    ----------
    C. de Boor, "A Practical Guide to Splines", 2001, chapter IX.
    """
    traced = torch.compiler.is_dynamo_compiling() or breaks.requires_grad
    if traced or not breaks.is_cpu or breaks.numel() > REMEMBERED or breaks.dtype not in _KEYS:
        return _make_pieces(breaks, degree)
    # A layer is made several times over the same grid while a network is edited; the recursion costs more than the rest.
    found = _remembered(breaks.numpy().tobytes(), breaks.shape, breaks.dtype, degree)
    return replace(found, table=found.table.clone(), origin=found.origin.clone(), width=found.width.clone())


@lru_cache(maxsize=64)
def _remembered(numbers: bytes, shape: torch.Size, dtype: torch.dtype, degree: int) -> GridPieces:
    return _make_pieces(torch.frombuffer(bytearray(numbers), dtype=dtype).reshape(shape), degree)


def _make_pieces(breaks: Tensor, degree: int) -> GridPieces:
    knots, dtype = extended_knots(breaks.to(torch.float64), degree), torch.float64
    n_inputs, intervals = breaks.shape[0], breaks.shape[1] - 1
    start = knots[:, degree : degree + intervals]
    width = knots[:, degree + 1 : degree + 1 + intervals] - start
    # live[:, p, m] holds the polynomial of B_{p + m} of the current degree on interval p.
    live = torch.zeros(n_inputs, intervals, 1, degree + 1, dtype=dtype, device=breaks.device)
    live[..., 0] = 1.0
    for d in range(1, degree + 1):
        # The B-spline of degree d - 1 number m on interval p starts at knot p + degree - (d - 1) + m.
        left = knots[:, degree - d + 1 : degree + intervals].unfold(1, d, 1)
        right = knots[:, degree + 1 : degree + intervals + d].unfold(1, d, 1)
        span = right - left
        slope = width[..., None] / span
        rising = _times_linear(live, (start[..., None] - left) / span, slope)
        falling = _times_linear(live, (right - start[..., None]) / span, -slope)
        nothing = torch.zeros_like(rising[:, :, :1])
        live = torch.cat([nothing, rising], 2) + torch.cat([falling, nothing], 2)
    inner = live
    ones = torch.ones(degree + 1, dtype=dtype, device=breaks.device)
    slope = torch.arange(degree + 1, dtype=dtype, device=breaks.device)
    left_tail, right_tail = torch.zeros_like(inner[:, :1]), torch.zeros_like(inner[:, :1])
    left_tail[..., 0] = inner[:, :1, :, 0]
    right_tail[..., 0] = inner[:, -1:] @ ones
    if degree >= 1:
        left_tail[..., 1] = inner[:, :1, :, 1]
        right_tail[..., 1] = inner[:, -1:] @ slope
    table = torch.cat([left_tail, inner, right_tail], 1)
    origin = torch.cat([breaks[:, :1], breaks[:, :-1], breaks[:, -1:]], 1)
    widths = torch.cat([width[:, :1], width, width[:, -1:]], 1)
    return GridPieces(table.to(breaks.dtype), origin, widths.to(breaks.dtype), equal_widths(breaks))


def equal_widths(breaks: Tensor) -> bool:
    """Whether the intervals of every input are equally wide, but for the rounding of breaks (I, G + 1) of their type."""
    if torch.compiler.is_dynamo_compiling() or breaks.is_meta:
        return False  # there are no numbers yet
    width = breaks.to(torch.float64).diff(dim=1)
    mean = width.mean(1, keepdim=True)
    rounding = 4 * torch.finfo(breaks.dtype).eps * breaks.abs().amax(1, keepdim=True)
    return bool(((width - mean).abs() <= torch.minimum(rounding, SAME_WIDTH * mean)).all())


def locate(breaks: Tensor, x: Tensor) -> Tensor:
    """Piece of every x: 0 left of the grid, 1..G inside, G + 1 right of it; (B, I) int64. NaN lands in the right tail."""
    columns = x.detach().T.contiguous()
    if torch.onnx.is_in_onnx_export():  # ONNX has no search
        piece = (columns.unsqueeze(-1) >= breaks.unsqueeze(-2)).sum(-1)
    else:
        piece = torch.searchsorted(breaks.contiguous(), columns, right=True)
    # The last break belongs to the last interval, so that one-sided derivatives there are the spline's.
    at_end = columns == breaks[:, -1:]
    return (piece - at_end.to(piece.dtype)).T.contiguous()


def powers(u: Tensor, degree: int, order: int) -> Tensor:
    """Derivative of the given order of [1, u, ..., u^k] with respect to u; (..., k + 1).

    Powers above the first are taken of u clamped to [0, 1]: only the tails leave that range, and their table has no such
    powers, so a value far outside stays finite instead of becoming infinity times zero.
    """
    inside = u.clamp(0.0, 1.0)
    constant = inside * 0  # NaN where u is NaN, so that a NaN input is a NaN output at every order
    columns: list[Tensor] = []
    for r in range(degree + 1):
        left = r - order
        if left < 0:
            columns.append(constant)
            continue
        factor = math.factorial(r) / math.factorial(left)
        monomial = constant + 1 if left == 0 else u if r == 1 else inside**left
        columns.append(monomial * factor)
    return torch.stack(columns, -1)


def live_values(pieces: GridPieces, piece: Tensor, x: Tensor, order: int = 0) -> Tensor:
    """Values (or derivatives) of the k + 1 live B-splines of every x; (B, I, k + 1)."""
    column = torch.arange(x.shape[1], device=x.device)
    width = pieces.width[column, piece]
    u = (x - pieces.origin[column, piece]) / width
    degree = pieces.table.shape[-1] - 1
    local = powers(u, degree, order)
    values = (pieces.table[column, piece] @ local.unsqueeze(-1)).squeeze(-1)
    return values if order == 0 else values / width.unsqueeze(-1) ** order


def _times_linear(polynomial: Tensor, constant: Tensor, slope: Tensor) -> Tensor:
    """Product of a polynomial in u (last axis: powers; its top power is zero) with constant + slope * u."""
    shifted = torch.cat([torch.zeros_like(polynomial[..., :1]), polynomial[..., :-1]], -1)
    return constant[..., None] * polynomial + slope[..., None] * shifted
