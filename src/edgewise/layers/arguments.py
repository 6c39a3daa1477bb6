"""What layers are made with and what they take, checked: functions, precision, device, room, the grid, tensors of rows.

A layer made of another one checks what it hands on under its own name, so that a refusal speaks of what was asked for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import UNREADABLE, check_choice, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.modules import is_tracing, on
from edgewise.splines.bspline import MAX_DEGREE
from edgewise.splines.make import BASES, default_grid, most_intervals

BASE_FUNCTIONS = ("silu",)
STARTS = ("random", "zero")
FLOATING = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
# Types whose few digits would lose the place of x on the grid: functions are evaluated in float32, and results rounded.
HALF = (torch.bfloat16, torch.float16)
MOST_COEFFICIENTS = 1 << 28


def check_functions(
    basis: Any, degree: Any, intervals: Any, base: Any = None, init: Any = "random"
) -> tuple[str, int, int, str | None]:
    """Basis, degree, intervals and base of functions that a layer can have."""
    name = check_choice(basis, "basis", BASES)
    check_choice(init, "init", STARTS)
    return (
        name,
        check_int(degree, "degree", low=0, high=MAX_DEGREE),
        check_int(intervals, "intervals", low=1, high=most_intervals(name)),
        None if base is None else check_choice(base, "base", BASE_FUNCTIONS),
    )


def check_place(device: Any, dtype: Any) -> tuple[torch.device, torch.dtype]:
    """Where tensors are made and of which precision; of None the default of torch.

    Raises
    ------
    InputError
        For a precision that layers do not compute in, or a device that is not here.
    """
    if dtype is None:
        dtype = torch.get_default_dtype()
    if not isinstance(dtype, torch.dtype) or dtype not in FLOATING:
        names = ", ".join(str(item) for item in FLOATING)
        raise InputError(argument="dtype", expected=f"be one of {names}", got=short(dtype))
    if device is None:
        return torch.get_default_device(), dtype
    try:
        # Only making a tensor tells whether the device is there, whatever its name says.
        return torch.empty(0, device=device).device, dtype
    except (*UNREADABLE, AssertionError, ImportError):
        raise InputError(
            argument="device",
            expected=f"be a device that torch finds on this machine, here {_devices()}",
            got=short(device),
        ) from None


def check_room(
    in_features: int, out_features: int, size: int, sizes: str = "'in_features', 'out_features'"
) -> None:
    """Refuse a layer that no memory holds before anything is allocated; `sizes` are the arguments that its edges follow."""
    if in_features * out_features * size > MOST_COEFFICIENTS:
        raise InputError(
            subject=f"The {sizes} and 'intervals'",
            expected=f"give at most {MOST_COEFFICIENTS:,} coefficients",
            got=f"{in_features:,} x {out_features:,} edges of {size:,} each",
        )


def make_grid(grid: Any, inputs: int, basis: str, degree: int, intervals: int) -> Tensor:
    """The grid (inputs, K) of a layer in float64 on the CPU, from the ends of its range or from a grid of its own."""
    if isinstance(grid, Tensor):
        if grid.ndim != 2 or grid.shape[0] != inputs:
            raise InputError(
                subject="The 'grid' tensor", expected=f"have shape ({inputs}, K)", got=tuple(grid.shape)
            )
        return grid.detach().to(device="cpu", dtype=torch.float64)
    try:
        low, high = (float(end) for end in grid)
    except UNREADABLE:
        low = high = 0.0
    if not -torch.inf < low < high < torch.inf:
        raise InputError(
            argument="grid",
            expected="be two finite numbers (low, high) with low < high, or a tensor",
            got=short(grid),
        )
    with on("cpu"):  # whatever the ambient device
        ends = torch.tensor([low, high], dtype=torch.float64).expand(inputs, 2)
        return default_grid(basis, ends[:, 0], ends[:, 1], intervals, degree)


def _devices() -> str:
    """Names of the devices that are here; "meta" is one without memory."""
    found = ["cpu", "meta"]
    if torch.accelerator.is_available():
        kind = torch.accelerator.current_accelerator()
        found.insert(0, "" if kind is None else kind.type)
    return ", ".join(repr(name) for name in found if name)


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


def widened(*tensors: Tensor | None) -> list[Any]:
    """Tensors of half precision in float32."""
    return [tensor.float() if tensor is not None and tensor.dtype in HALF else tensor for tensor in tensors]


def _kind(x: Any) -> str:
    return (
        short(x)
        if x is None or isinstance(x, (bool, int, float, str))
        else f"a {type(x).__module__}.{type(x).__name__}"
    )
