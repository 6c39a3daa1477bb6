"""The native calls of a layer in training, packed once and made again for every batch.

Thousands of steps take the same parameters through the same two calls; from one to the next only the rows change. Here
everything else is laid out beforehand, results and gradients are written where those of the batch before were, and neither
autograd nor a new tensor comes between.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from edgewise.kernels.buffers import POOL
from edgewise.kernels.native.library import check
from edgewise.kernels.native_backend import CALL, FIELDS, NativeBackend, run_call
from edgewise.splines.bspline import BSpline

_ROWS, _X, _G = (FIELDS.index(name) for name in ("rows", "x", "g"))


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
        more = (_at(bias), 0, *kept)
        self._forward_fields = _packed(*head, *weights, None, self.y.data_ptr(), more=more)
        found, more = (0, _at(self.dx), _at(dcoef), _at(dbase)), (0, _at(dbias), *kept)
        self._backward_fields = _packed(*head, *(weights if inner else (None, None)), g, *found, more=more)

    def forward(self, x: Tensor) -> Tensor:
        """The sums (n, O) of contiguous rows (n, I); they are gone with the next batch."""
        assert x.dtype is self._x.dtype
        assert x.is_contiguous()
        assert len(x) <= len(self.y)
        fields, self._x = self._forward_fields, x
        fields[_ROWS], fields[_X] = len(x), x.data_ptr()
        check(self._forward(CALL.pack(*fields)))
        return self.y[: len(x)]

    def backward(self, g: Tensor) -> Tensor | None:
        """From the gradient in the sums (n, O), contiguous, that in the rows of the last `forward`, where asked for."""
        fields, x = self._backward_fields, self._x
        assert g.dtype is x.dtype
        assert g.is_contiguous()
        assert len(g) == len(x)
        fields[_ROWS], fields[_X], fields[_G] = len(x), x.data_ptr(), g.data_ptr()
        check(self._backward(CALL.pack(*fields)))
        return None if self.dx is None else self.dx[: len(x)]


def _packed(*arguments: Any, **more: Any) -> list[int]:
    """The fields of a call that is not made."""
    calls: list[bytes] = []

    def look(packed: bytes) -> int:
        calls.append(packed)
        return 0

    run_call(look, *arguments, **more)
    return list(CALL.unpack(calls[0]))


def _at(t: Tensor | None) -> int:
    return 0 if t is None else t.data_ptr()
