"""What the front of a layer and of a network takes: dense tensors of its own type and device; what autocast makes of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.modules import is_tracing


def check_input(
    x: Any, features: int, like: Tensor, name: str, columns: str = "", *, advice: str = ""
) -> None:
    """Refuse in one sentence what `name` cannot take: `features` columns of the type and on the device of `like`.

    Parameters
    ----------
    x : anything
    features : int
        Entries of the last dimension.
    like : Tensor
        A parameter of the module.
    name : str
        The module, for messages.
    columns : str
        Its columns by name, for messages.
    advice : str
        Another way to call the module.
    """
    if not isinstance(x, Tensor):
        raise InputError(
            subject=f"The input of {name}",
            expected="be a tensor",
            got=_kind(x),
            advice=f"convert it with torch.as_tensor(x, dtype={like.dtype}){advice}",
        )
    # While a tracer looks on, sizes are tensors, and a question about them would be a part of the trace.
    if not is_tracing() and x.shape[-1:] != (features,):
        raise InputError(
            subject=f"The input of {name}",
            expected=(
                f"have {features} {('column' if features == 1 else 'columns')}{columns} in its last "
                "dimension, x.shape[-1]"
            ),
            got=f"shape {tuple(x.shape)}",
        )
    if x.layout != torch.strided:
        layout = str(x.layout).removeprefix("torch.")
        raise InputError(
            subject=f"The input of {name}",
            expected="be a dense tensor",
            got=f"one of layout {layout}",
            advice="convert it with x.to_dense()",
        )
    if x.dtype != like.dtype and not (x.is_floating_point() and autocast_type(x) is not None):
        raise InputError(
            subject=f"The input of {name}",
            expected=f"have the dtype of its parameters, {like.dtype}",
            got=x.dtype,
            advice=f"convert it with x.to({like.dtype}){advice}",
        )
    if x.device != like.device:
        raise InputError(
            subject=f"The input of {name}",
            expected=f"be on the device of its parameters, {like.device}",
            got=x.device,
            advice=f"move it with x.to('{like.device}')",
        )


def autocast_type(x: Tensor) -> torch.dtype | None:
    """The type that autocast gives results on the device of x; None where it is not at work."""
    device = x.device.type
    if device == "meta" or not torch.is_autocast_enabled(device):
        return None
    return torch.get_autocast_dtype(device)


def lowered(y: Tensor, kind: torch.dtype) -> Tensor:
    """A result as autocast hands it on: of its type, but for double precision, which it leaves alone."""
    return y if y.dtype == torch.float64 else y.to(kind)


def _kind(x: Any) -> str:
    return (
        short(x)
        if x is None or isinstance(x, (bool, int, float, str))
        else f"a {type(x).__module__}.{type(x).__name__}"
    )
