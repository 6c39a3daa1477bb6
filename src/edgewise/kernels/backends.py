"""Which backend serves a call of the trilinear maps, and whether somebody looks on who must see operators instead.

Among those who look on are derivatives that are carried forward (Jacobian times vector).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeGuard, cast

import torch
from torch import Tensor
from torch.autograd import forward_ad

from edgewise.kernels import native_backend, reference
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline

_torch: Any = torch._VF


class Backend(Protocol):
    """The maps; `reference` is the one in plain torch."""

    def forward(
        self, basis: Basis, x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, order: int
    ) -> Tensor: ...

    def grad_coef(
        self, basis: Basis, x: Tensor, v: Tensor | None, g: Tensor, with_base: bool, order: int
    ) -> tuple[Tensor, Tensor | None]: ...

    def grad_input(
        self, basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, g: Tensor, order: int
    ) -> Tensor: ...

    def backward(
        self,
        basis: Basis,
        x: Tensor,
        v: Tensor | None,
        coef: Tensor,
        base: Tensor | None,
        g: Tensor,
        order: int,
    ) -> tuple[Tensor, Tensor, Tensor | None]: ...


def backend(x: Tensor) -> Backend:
    """The backend that serves this tensor's device and dtype."""
    if x.dtype not in native_backend.DTYPES:
        return reference
    if x.is_cpu:
        return native_backend.loaded() or reference
    return _triton() if x.is_cuda else reference


@cache
def _triton() -> Backend:
    """The kernels in Triton where they can be imported."""
    if importlib.util.find_spec("triton") is None:
        return reference
    try:
        return cast(Backend, importlib.import_module("edgewise.kernels.triton_backend"))
    except ImportError:
        return reference


def tables(basis: BSpline) -> tuple[Tensor, Tensor, Tensor, Tensor, int, bool]:
    """The grid as operators take it."""
    pieces = basis.pieces
    assert pieces is not None
    return basis.breaks, pieces.table, pieces.origin, pieces.width, basis.degree, pieces.uniform


_PLAIN = (Tensor, torch.nn.Parameter)


def watched(x: Tensor, other: Tensor) -> bool:
    """Whether somebody is looking on who must see operators: a compiler, a transform, a mode, a subclass of tensors."""
    return (
        torch.compiler.is_dynamo_compiling()
        or type(x) not in _PLAIN
        or type(other) not in _PLAIN
        or torch._C._len_torch_dispatch_stack() > 0
        or cast(Any, torch._C)._functorch.peek_interpreter_stack() is not None
        or torch._C._is_any_autocast_enabled()
        or torch._C._is_tracing()
        or carries()
    )


def as_operators(basis: Basis, x: Tensor, other: Tensor) -> bool:
    """Whether a call goes by the operators of `operators`, which know B-splines only."""
    return isinstance(basis, BSpline) and watched(x, other)


def known(basis: Basis) -> TypeGuard[BSpline]:
    """Whether operators take this basis where somebody looks on; ONNX has none but the operations of `reference`."""
    return isinstance(basis, BSpline) and not torch.onnx.is_in_onnx_export()


def carries() -> bool:
    """Whether anybody carries derivatives forward now."""
    return forward_ad._current_level >= 0


def has_tangent(t: Tensor) -> bool:
    """Whether this tensor carries one."""
    return carries() and _torch._unpack_dual(t, level=0)[1] is not None


def carried(rule: Callable[..., Any]) -> Callable[..., Any]:
    """How an autograd function moves along with its arguments, as its `jvp`.

    `rule` is called with the context, the tensors that were kept, and the tangents of those. It is about the level of this
    call; levels outside go on carrying theirs, which torch would stop.
    """

    def jvp(ctx: Any, *tangents: Any) -> Any:
        at = [None if t is None else _torch._unpack_dual(t, level=0)[0] for t in ctx.saved_tensors]
        with forward_ad._set_fwd_grad_enabled(True):
            return rule(ctx, at, *tangents[1:])

    return jvp
