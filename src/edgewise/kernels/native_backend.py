"""The maps by the native kernels, one C call each.

A call is a `struct ew_spline` packed afresh, so that nothing has to be kept alive or kept true from one call to the next.
Inputs, weights and gradients are read where they lie; only coefficients that are not contiguous are copied.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ctypes import c_char_p, c_int
from functools import cache

import torch
from torch import Tensor

from edgewise.kernels import reference
from edgewise.kernels.buffers import POOL
from edgewise.kernels.native.library import NativeLibrary, check, load
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline

DTYPES = (torch.float32, torch.float64)
# The fields of ew_spline in their order: "q" is int64_t, "i" int32_t, "P" a pointer.
CALL = struct.Struct("@4q6i4Pq P3q P3q PqPqP2q4P 3Pq")
FIELDS = (
    *("nets", "rows", "inputs", "outputs", "degree", "intervals", "order", "is_double", "uniform", "threads"),
    *("breaks", "table", "origin", "width", "grid_net"),
    *("x", "x_net", "x_row", "x_col", "v", "v_net", "v_row", "v_col"),
    *("coef", "coef_net", "base", "base_net", "g", "g_net", "g_row", "y", "dx", "dcoef", "dbase"),
    *("bias", "dbias", "kept", "kept_bytes"),
)
# Derivatives of the base function beyond this order are left to torch.
MOST_BASE = 4
# Batches of up to so many rows are one block of the kernels, whose places on the grid can be kept; of fewer numbers it takes
# longer to ask for memory than to find the places anew.
MOST_KEPT, FEWEST_KEPT = 1024, 4096


class NativeBackend:
    """The maps of B-splines in float32 and float64 on processors; tensors must fit together, as `trilinear` sees to."""

    def __init__(self, library: NativeLibrary) -> None:
        self.library = library
        self._forward, self._grad_coef, self._grad_input, self._backward = (
            _bind(library, name) for name in ("ew_forward", "ew_grad_coef", "ew_grad_input", "ew_backward")
        )

    @property
    def __name__(self) -> str:
        return f"native ({self.library.isa})"

    def calls(self, inner: bool) -> tuple[Callable[[bytes], int], Callable[[bytes], int]]:
        """Forward and the gradients, those in the inputs too where asked for, as functions of packed calls."""
        return self._forward, self._backward if inner else self._grad_coef

    def forward(
        self,
        basis: Basis,
        x: Tensor,
        v: Tensor | None,
        coef: Tensor,
        base: Tensor | None,
        order: int,
        bias: Tensor | None = None,
        kept: Tensor | None = None,
    ) -> Tensor:
        """Plus the bias; leaves in `kept`, of `room_for_rows`, where the rows lie."""
        if base is not None and order > MOST_BASE:
            return reference.forward(basis, x, v, coef, base, order)
        outputs = coef.shape[-1]
        y = POOL.empty((*x.shape[:-1], outputs), x.dtype)
        bias = None if bias is None else bias.contiguous()
        more = (address(bias), 0, *_room(kept))
        run_call(self._forward, basis, order, outputs, x, v, coef, base, None, y=y.data_ptr(), more=more)
        return y

    def room_for_rows(self, basis: Basis, x: Tensor) -> Tensor | None:
        """Memory for what `forward` finds out about the rows of a small batch, for the gradient at the same x and grid."""
        rows, inputs = x.shape
        if rows > MOST_KEPT or rows * inputs < FEWEST_KEPT:
            return None
        # An upper bound of what it takes; what is not touched costs nothing.
        each = (rows + 32) * (2 * x.element_size() + 2) + 2 * basis.size + 128
        return POOL.empty((64 + inputs * each,), torch.uint8)

    def grad_coef(
        self,
        basis: Basis,
        x: Tensor,
        v: Tensor | None,
        g: Tensor,
        with_base: bool,
        order: int,
        bias: Tensor | None = None,
        kept: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The gradient in the bias goes to `bias`."""
        if with_base and order > MOST_BASE:
            return reference.grad_coef(basis, x, v, g, with_base, order)
        *nets, _, inputs = x.shape
        outputs = g.shape[-1]
        coef = POOL.empty((*nets, inputs, basis.size, outputs), x.dtype)
        base = x.new_empty(*nets, inputs, outputs) if with_base else None
        at = 0 if base is None else base.data_ptr()
        outs, more = (0, 0, coef.data_ptr(), at), (0, address(bias), *_room(kept))
        run_call(self._grad_coef, basis, order, outputs, x, v, None, None, g, *outs, more)
        return coef, base

    def grad_input(
        self, basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, g: Tensor, order: int
    ) -> Tensor:
        if base is not None and order > MOST_BASE:
            return reference.grad_input(basis, x, coef, base, g, order)
        dx = POOL.empty(x.shape, x.dtype)
        run_call(self._grad_input, basis, order, g.shape[-1], x, None, coef, base, g, dx=dx.data_ptr())
        return dx

    def backward(
        self,
        basis: Basis,
        x: Tensor,
        v: Tensor | None,
        coef: Tensor,
        base: Tensor | None,
        g: Tensor,
        order: int,
        bias: Tensor | None = None,
        kept: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The gradient in the bias goes to `bias`."""
        if base is not None and order >= MOST_BASE:
            return reference.backward(basis, x, v, coef, base, g, order)
        dx, dc = POOL.empty(x.shape, x.dtype), POOL.empty(coef.shape, x.dtype)
        dw = None if base is None else x.new_empty(*base.shape)
        outs, more = (0, dx.data_ptr(), dc.data_ptr(), address(dw)), (0, address(bias), *_room(kept))
        run_call(self._backward, basis, order, g.shape[-1], x, v, coef, base, g, *outs, more)
        return dx, dc, dw


@cache
def loaded() -> NativeBackend | None:
    """The backend, or None where there is no library."""
    library = load()
    return None if library is None else NativeBackend(library)


def _bind(library: NativeLibrary, name: str) -> Callable[[bytes], int]:
    function = library.c[name]  # by index: a function object of our own, which takes the packed structure
    function.argtypes, function.restype = (c_char_p,), c_int
    return function


def run_call(
    function: Callable[[bytes], int],
    basis: Basis,
    order: int,
    outputs: int,
    x: Tensor,
    v: Tensor | None,
    coef: Tensor | None,
    base: Tensor | None,
    g: Tensor | None,
    y: int = 0,
    dx: int = 0,
    dcoef: int = 0,
    dbase: int = 0,
    more: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> None:
    """Pack the call and make it. Whatever is copied here lives until the call is over. `more` are the last four fields."""
    assert isinstance(basis, BSpline)
    pieces = basis.pieces
    assert pieces is not None
    breaks, table = _contiguous(basis.breaks), _contiguous(pieces.table)
    origin, width = _contiguous(pieces.origin), _contiguous(pieces.width)
    *nets, rows, inputs = x.shape
    coef_at = coef_net = base_at = base_net = v_at = g_at = g_net = g_row = 0
    v_strides = _NONE
    if coef is not None:
        coef, coef_net = _networks(coef, 3)
        coef_at = coef.data_ptr()
    if base is not None:
        base, base_net = _networks(base, 2)
        base_at = base.data_ptr()
    if v is not None:
        v_at, v_strides = v.data_ptr(), _strides(v)
    if g is not None:
        g_net, g_row, step = _strides(g)
        if step != 1:
            g = g.contiguous()
            g_net, g_row, _ = _strides(g)
        g_at = g.data_ptr()
    status = function(
        CALL.pack(
            nets[0] if nets else 1,
            rows,
            inputs,
            outputs,
            basis.degree,
            breaks.shape[-1] - 1,
            order,
            x.dtype is torch.float64,
            pieces.uniform,
            torch.get_num_threads(),
            breaks.data_ptr(),
            table.data_ptr(),
            origin.data_ptr(),
            width.data_ptr(),
            breaks.dim() == 3,
            x.data_ptr(),
            *_strides(x),
            v_at,
            *v_strides,
            coef_at,
            coef_net,
            base_at,
            base_net,
            g_at,
            g_net,
            g_row,
            y,
            dx,
            dcoef,
            dbase,
            *more,
        )
    )
    if status:
        check(status)


_NONE = (0, 0, 0)


def _strides(t: Tensor) -> tuple[int, ...]:
    """From network to network, row to row and column to column."""
    strides = t.stride()
    return strides if len(strides) == 3 else (0, *strides)


def address(t: Tensor | None) -> int:
    """Where a tensor lies in memory; 0 for none."""
    return 0 if t is None else t.data_ptr()


def _room(t: Tensor | None) -> tuple[int, int]:
    return (0, 0) if t is None else (t.data_ptr(), t.nbytes)


def _contiguous(t: Tensor) -> Tensor:
    return t if t.is_contiguous() else t.contiguous()


def _networks(t: Tensor, own: int) -> tuple[Tensor, int]:
    """Contiguous but for the stride, also given, from network to network; `own` dimensions are a network's own."""
    if t.dim() == own:
        return _contiguous(t), 0
    if not t.is_contiguous() and not t[0].is_contiguous():
        t = t.contiguous()
    return t, t.stride(0)
