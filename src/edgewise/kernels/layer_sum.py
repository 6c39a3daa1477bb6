"""A layer in one call each way: the sum of its edges and its bias, and the gradients of both.

`layer_sum` is `spline_sum` plus a bias for training by the native kernels, which find out once where the rows of a small
batch lie on the grid: forward leaves it to the gradient. Everything else (higher derivatives, other bases and devices,
whoever wants to see operators) goes the way of `trilinear`.

Thousands of steps take the same parameters through the same two calls; from one to the next only the rows change.
`LayerCalls` lays everything else out beforehand, writes results and gradients where those of the batch before were, and
neither autograd nor a new tensor comes between.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from edgewise.kernels import trilinear
from edgewise.kernels.backends import watched
from edgewise.kernels.buffers import POOL
from edgewise.kernels.native.library import check as check_status
from edgewise.kernels.native_backend import CALL, FIELDS, NativeBackend, address, run_call
from edgewise.kernels.shapes import check
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline

_ROWS, _X, _G = (FIELDS.index(name) for name in ("rows", "x", "g"))


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
            return _LayerSum.plain(trilinear.Map(maps, basis, 0), x, coef, base, bias)
    y = trilinear.spline_sum(basis, x, coef, 0, base)
    return y if bias is None else y + bias


class _LayerSum(trilinear.Differentiable):
    """y = forward(x, c, w) + bias."""

    @staticmethod
    def forward(
        ctx: Any,
        of: trilinear.Map,
        x: Tensor,
        coef: Tensor,
        base: Tensor | None,
        bias: Tensor | None,
    ) -> Tensor:
        maps, basis = cast(NativeBackend, of.maps), of.basis
        ctx.maps, ctx.basis, ctx.biased = maps, basis, bias is not None
        kept = maps.room_for_rows(basis, x) if any(ctx.needs_input_grad[1:4]) else None
        ctx.save_for_backward(x, coef, base, kept)
        return maps.forward(basis, x, None, coef, base, of.order, bias, kept)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = grads
        x, coef, base, kept = ctx.saved_tensors
        maps, basis = ctx.maps, ctx.basis
        need_x, need_c, need_w, need_b = trilinear.needed(ctx, x, coef, base, g if ctx.biased else None)
        if not need_c or torch.is_grad_enabled() or watched(x, g):
            needs = (need_x, False, need_c, need_w, False)
            dx, _, dc, dw, _ = trilinear.gradients(basis, 0, (x, None, coef, base, g), needs)
            return None, dx, dc, dw, g.sum(0) if need_b else None
        db = g.new_empty(g.shape[1:]) if need_b else None
        if need_x:
            dx, dc, dw = maps.backward(basis, x, None, coef, base, g, 0, db, kept)
        else:
            dx, (dc, dw) = None, maps.grad_coef(basis, x, None, g, need_w, 0, db, kept)
        return None, dx, dc, dw, db


class LayerCalls:
    """Forward and backward of a layer of B-splines on at most so many rows.

    The calls read the parameters and the grid where they lie: both must stay there, the grid unchanged.

    Parameters
    ----------
    maps : NativeBackend
    basis : BSpline
        Of I inputs, with M functions each.
    coef : Tensor, shape (I, M, O)
    base : Tensor, shape (I, O), optional
    bias : Tensor, shape (O,), optional
    rows : int
        Most rows of a batch.
    inner : bool
        Whether the gradient in the inputs is asked for.

    Attributes
    ----------
    gradients : list of (Tensor, Tensor)
        Each parameter and its gradient by the last batch.
    """

    def __init__(
        self,
        maps: NativeBackend,
        basis: BSpline,
        coef: Tensor,
        base: Tensor | None,
        bias: Tensor | None,
        rows: int,
        inner: bool,
    ) -> None:
        inputs, _, outputs = coef.shape
        x, g = coef.new_empty(rows, inputs), coef.new_empty(rows, outputs)
        self.y, self.dx = g.new_empty(g.shape), x.new_empty(x.shape) if inner else None
        dcoef = POOL.empty(coef.shape, coef.dtype)
        dbase, dbias = (None if t is None else t.new_empty(t.shape) for t in (base, bias))
        pairs = (coef, dcoef), (base, dbase), (bias, dbias)
        self.gradients = [(t, dt) for t, dt in pairs if t is not None and dt is not None]
        self._basis, self._x, self._kept = basis, x, maps.room_for_rows(basis, x)
        kept = (0, 0) if self._kept is None else (self._kept.data_ptr(), self._kept.nbytes)
        self._forward, self._backward = maps.calls(inner)
        head, weights = (basis, 0, outputs, x, None), (coef, base)
        more = (address(bias), 0, *kept)
        self._forward_fields = _packed(*head, *weights, None, self.y.data_ptr(), more=more)
        found, more = (0, address(self.dx), address(dcoef), address(dbase)), (0, address(dbias), *kept)
        self._backward_fields = _packed(*head, *(weights if inner else (None, None)), g, *found, more=more)

    def forward(self, x: Tensor) -> Tensor:
        """The sums (n, O) of contiguous rows (n, I); they are gone with the next batch."""
        assert x.dtype is self._x.dtype
        assert x.is_contiguous()
        assert len(x) <= len(self.y)
        fields, self._x = self._forward_fields, x
        fields[_ROWS], fields[_X] = len(x), x.data_ptr()
        check_status(self._forward(CALL.pack(*fields)))
        return self.y[: len(x)]

    def backward(self, g: Tensor) -> Tensor | None:
        """From the gradient in the sums (n, O), contiguous, that in the rows of the last `forward`, where asked for."""
        fields, x = self._backward_fields, self._x
        assert g.dtype is x.dtype
        assert g.is_contiguous()
        assert len(g) == len(x)
        fields[_ROWS], fields[_X], fields[_G] = len(x), x.data_ptr(), g.data_ptr()
        check_status(self._backward(CALL.pack(*fields)))
        return None if self.dx is None else self.dx[: len(x)]


def _packed(*arguments: Any, **more: Any) -> list[int]:
    """The fields of a call that is not made."""
    calls: list[bytes] = []

    def look(packed: bytes) -> int:
        calls.append(packed)
        return 0

    run_call(look, *arguments, **more)
    return list(CALL.unpack(calls[0]))
