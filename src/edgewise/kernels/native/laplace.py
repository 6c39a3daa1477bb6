"""Laplacians through layers of cubic edges by the native kernels: one call each way."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_int64, c_void_p

import torch
from torch import Tensor

from edgewise.kernels.native.library import check, function_of
from edgewise.splines.bspline import BSpline

MOST_LINES = 3


class Laplace(ctypes.Structure):
    """`struct ew_laplace` of src/edgewise.h."""

    _fields_ = [
        *((name, c_int64) for name in ("rows", "inputs", "outputs")),
        *((name, c_int32) for name in ("lines", "intervals", "is_double", "threads")),
        *((name, c_void_p) for name in ("breaks", "table", "origin", "width")),
        *((name, c_void_p) for name in ("nodes", "coef", "g", "y", "dnodes", "dcoef")),
    ]


def serves(basis: object, nodes: Tensor, coef: Tensor) -> bool:
    """Whether the kernels are there for cubics on these tensors, nodes (B, lines + 2, I) and coef (I, M, O)."""
    fits = isinstance(basis, BSpline) and basis.degree == 3 and basis.breaks.dim() == 2
    fits = fits and nodes.is_cpu and nodes.dtype in (torch.float32, torch.float64) and coef.dim() == 3
    fits = fits and nodes.dtype is coef.dtype and 3 <= nodes.shape[1] <= MOST_LINES + 2
    return fits and function_of("ew_laplace_sum", Laplace) is not None


def forward(basis: BSpline, nodes: Tensor, coef: Tensor) -> Tensor:
    """Sums (B, lines + 2, O) of nodes (B, lines + 2, I) and coef (I, M, O), both contiguous."""
    y = nodes.new_empty(*nodes.shape[:2], coef.shape[-1])
    _run(basis, nodes, coef, y=y.data_ptr())
    return y


def backward(basis: BSpline, nodes: Tensor, coef: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients by nodes and coef for one g (B, lines + 2, O) by the sums, contiguous."""
    dnodes, dcoef = torch.empty_like(nodes), torch.empty_like(coef)
    _run(basis, nodes, coef, g=g.data_ptr(), dnodes=dnodes.data_ptr(), dcoef=dcoef.data_ptr())
    return dnodes, dcoef


def _run(basis: BSpline, nodes: Tensor, coef: Tensor, **results: int) -> None:
    pieces = basis.pieces
    assert pieces is not None
    # Copies, where there are any, live until the call is over.
    grid = [item.contiguous() for item in (basis.breaks, pieces.table, pieces.origin, pieces.width)]
    rows, parts, inputs = nodes.shape
    call = Laplace(rows, inputs, coef.shape[-1], parts - 2, grid[0].shape[-1] - 1)
    call.is_double, call.threads = nodes.dtype is torch.float64, torch.get_num_threads()
    call.breaks, call.table, call.origin, call.width = (point.data_ptr() for point in grid)
    call.nodes, call.coef = nodes.data_ptr(), coef.data_ptr()
    for name, at in results.items():
        setattr(call, name, at)
    check(function_of("ew_laplace_sum", Laplace)(call))
