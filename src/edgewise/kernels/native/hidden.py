"""Sums of hidden splines by the native kernels: one call each way."""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_int32, c_int64, c_void_p

import torch
from torch import Tensor

from edgewise.kernels.native.library import check, function_of

MOST_INTERVALS = 16


class Hidden(ctypes.Structure):
    """`struct ew_hidden` of src/edgewise.h."""

    _fields_ = [
        *((name, c_int64) for name in ("nets", "nodes", "rows", "outputs")),
        *((name, c_int32) for name in ("intervals", "is_double", "threads")),
        ("reach", c_double),
        *((name, c_void_p) for name in ("h", "coef", "g", "y", "dh", "dcoef")),
    ]


def serves(h: Tensor, intervals: int) -> bool:
    """Whether the kernels are there for a tensor."""
    fits = h.is_cpu and h.dtype in (torch.float32, torch.float64) and intervals <= MOST_INTERVALS
    return fits and function_of("ew_hidden_sum", Hidden) is not None


def forward(h: Tensor, coef: Tensor, reach: float) -> Tensor:
    """Sums (nets, outputs, rows) of h (nets, nodes, rows) and coef (nets, M, nodes, outputs), both contiguous."""
    y = h.new_empty(len(h), coef.shape[3], h.shape[2])
    call = _call(h, coef, reach)
    call.y = y.data_ptr()
    check(function_of("ew_hidden_sum", Hidden)(call))
    return y


def backward(h: Tensor, coef: Tensor, g: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """Gradients by h and coef for one g (nets, outputs, rows) by the sums, contiguous."""
    dh, dcoef = torch.empty_like(h), torch.empty_like(coef)
    call = _call(h, coef, reach)
    call.g, call.dh, call.dcoef = g.data_ptr(), dh.data_ptr(), dcoef.data_ptr()
    check(function_of("ew_hidden_sum", Hidden)(call))
    return dh, dcoef


def _call(h: Tensor, coef: Tensor, reach: float) -> Hidden:
    nets, nodes, rows = h.shape
    call = Hidden(nets, nodes, rows, coef.shape[3], coef.shape[1] - 3, h.dtype is torch.float64)
    call.threads, call.reach = torch.get_num_threads(), reach
    call.h, call.coef = h.data_ptr(), coef.data_ptr()
    return call
