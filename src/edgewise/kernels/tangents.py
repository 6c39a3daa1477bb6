"""Derivatives carried forward (Jacobian times vector): which tensors carry one, and maps that hand theirs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

_torch: Any = torch._VF


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
            return rule(ctx, at, *tangents[3:])

    return jvp
