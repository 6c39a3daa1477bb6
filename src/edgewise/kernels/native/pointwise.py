"""Functions of single channels by the native kernels: one call each way."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_int64, c_void_p

import torch
from torch import Tensor

from edgewise.kernels.native.library import check, function_of

# A number is compared with every break: beyond so many intervals looking it up is faster.
MOST_INTERVALS = 64


class Pointwise(ctypes.Structure):
    """`struct ew_pointwise` of src/edgewise.h."""

    _fields_ = [
        *((name, c_int64) for name in ("rows", "channels", "places")),
        *((name, c_int32) for name in ("intervals", "degree", "is_double", "threads")),
        *((name, c_void_p) for name in ("breaks", "origin", "poly", "x", "g", "y", "dx", "dpoly")),
    ]


def serves(x: Tensor, poly: Tensor) -> bool:
    """Whether the kernel is there for numbers x (N, C, ...) and polynomials (C, G + 2, degree + 1)."""
    fits = x.is_cpu and x.dtype in (torch.float32, torch.float64) and x.dtype is poly.dtype
    return (
        fits
        and poly.shape[1] <= MOST_INTERVALS + 2
        and function_of("ew_pointwise_map", Pointwise) is not None
    )


def dense(x: Tensor) -> Tensor:
    """x as the kernel takes it: contiguous, or with the channels next to each other."""
    last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return x if last else x.contiguous()


def forward(breaks: Tensor, origin: Tensor, poly: Tensor, x: Tensor) -> Tensor:
    """Values (N, C, ...) at x, `dense`; breaks (G + 1,), origin (G + 2,), poly (C, G + 2, degree + 1)."""
    y = torch.empty_like(x)
    _run(breaks, origin, poly, x, y=y)
    return y


def backward(breaks: Tensor, origin: Tensor, poly: Tensor, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients by x and poly for one g by the values, with the strides of x."""
    dx, dpoly = torch.empty_like(x), torch.empty_like(poly)
    _run(breaks, origin, poly, x, g=g, dx=dx, dpoly=dpoly)
    return dx, dpoly


def _run(breaks: Tensor, origin: Tensor, poly: Tensor, x: Tensor, **others: Tensor) -> None:
    rows, channels = x.shape[:2]
    places = x.numel() // max(1, rows * channels)
    if not x.is_contiguous():  # channels are next to each other: rows of one place
        rows, places = rows * places, 1
    call = Pointwise(rows, channels, places, poly.shape[1] - 2, poly.shape[2] - 1)
    call.is_double, call.threads = x.dtype is torch.float64, torch.get_num_threads()
    for name, tensor in {"breaks": breaks, "origin": origin, "poly": poly, "x": x, **others}.items():
        setattr(call, name, tensor.data_ptr())
    check(function_of("ew_pointwise_map", Pointwise)(call))
