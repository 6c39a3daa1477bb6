"""A function of its own for every channel, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.layers.convolution import KANConv1d, KANConv2d
from edgewise.splines.bspline import BSpline

ConvT = TypeVar("ConvT", KANConv1d, KANConv2d)


def channel_functions(
    of: type[ConvT],
    channels: int,
    degree: int,
    intervals: int,
    grid: tuple[float, float] | Tensor,
    begin: Callable[[Tensor], Tensor] | None = None,
    **place: Any,
) -> ConvT:
    """A convolution that gives every channel a function of its own, number by number, over one grid.

    Parameters
    ----------
    of : KANConv1d or KANConv2d
    channels, degree, intervals, grid
    begin : callable, optional
        What they are at first, about: coefficients are its values at the Greville abscissae. By default they change nothing.
    **place
        Device and dtype.

    Examples
    --------
    >>> rising = channel_functions(KANConv1d, 3, 2, 4, (-1.0, 1.0))
    >>> x = torch.linspace(-2, 2, 12).view(2, 3, 2)
    >>> bool((rising(x) - x).abs().max() < 1e-6)
    True
    """
    made = of(
        channels, channels, 1, groups=channels, degree=degree, intervals=intervals, grid=grid, bias=False, init="zero",
        **place,
    )  # fmt: skip
    at = cast(BSpline, made.patch.basis).greville()
    first = at if begin is None else begin(at)
    if not isinstance(first, Tensor) or first.shape != at.shape:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            argument="begin",
            expected="be a function that gives a number for each entry of a tensor, such as torch.tanh",
            got=f"one that gives {short(first)} for a tensor of shape {tuple(at.shape)}",
        )
    with torch.no_grad():
        made.patch.coef.copy_(first[:, :, None].expand_as(made.patch.coef))
    return made
