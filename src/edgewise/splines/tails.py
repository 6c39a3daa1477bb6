"""One rule outside the domain for every smooth basis: value and slope at the end go on as a straight line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.errors import InputError

# Functions and their derivatives inside the domain: (x (B, I), order) -> (B, I, M).
Inner = Callable[[Tensor, int], Tensor]


def with_tails(inner: Inner, domain: Tensor, x: Tensor, order: int) -> Tensor:
    """Derivative of the given order of the functions `inner`, continued linearly outside `domain` (I, 2); (B, I, M)."""
    low, high = domain[:, 0], domain[:, 1]
    # Not by minimum and maximum: at the ends torch gives those half a slope.
    inside = torch.where(x < low, low, torch.where(x > high, high, x))
    values = inner(inside, order)
    if order == 0:
        at_low, at_high = inner(domain.T, 1).unbind(0)
        slope = torch.where((x < low)[..., None], at_low, at_high)
        return values + (x - inside)[..., None] * slope
    if order == 1:
        return values
    outside = (x < low) | (x > high)
    return torch.where(outside[..., None], torch.zeros_like(values), values)


def to_unit(domain: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinate that runs from -1 to 1 over the domain, and its slope (I,)."""
    low, high = domain[:, 0], domain[:, 1]
    slope = 2.0 / (high - low)
    # From the nearer end, so that both ends are hit exactly and a narrow domain far from zero loses no digits.
    return torch.where(x - low < high - x, (x - low) * slope - 1.0, 1.0 - (high - x) * slope), slope


def first_unit(like: Tensor, size: int) -> Tensor:
    """Coefficients of the first function alone, which is 1 in every smooth basis; (M,)."""
    return (torch.arange(size, device=like.device) == 0).to(like.dtype)


@dataclass(frozen=True, eq=False)
class SmoothBasis:
    """What bases of smooth functions share: the first is 1 everywhere, and all go on linearly outside the domain."""

    grid: Tensor
    size: int

    @property
    def domain(self) -> Tensor:
        """Range of each input, shape (I, 2)."""
        return self.grid

    @property
    def one(self) -> Tensor:
        """Coefficients of the function that is 1 everywhere, shape (M,)."""
        return first_unit(self.grid, self.size)

    def values(self, x: Tensor, order: int = 0) -> Tensor:
        """Derivative of the given order of every function: (B, I) -> (B, I, M)."""
        return with_tails(self._inner, self.grid, x, order)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        raise NotImplementedError


def check_domain(domain: Tensor) -> None:
    """Refuse ends that are not a finite (I, 2) table of low < high."""
    if domain.ndim != 2 or domain.shape[1] != 2:
        raise InputError(
            argument="grid", expected="have shape (inputs, 2): low, high", got=tuple(domain.shape)
        )
    if torch.compiler.is_compiling():
        return
    if not bool(domain.isfinite().all()):
        raise InputError(
            argument="grid",
            expected="be finite",
            got="NaN or infinity",
            advice="clean or clip the data first",
        )
    if not bool((domain[:, 0] < domain[:, 1]).all()):
        bad = int((domain[:, 0] >= domain[:, 1]).nonzero()[0])
        raise InputError(
            argument="grid",
            expected="have low < high",
            got=f"{float(domain[bad, 0]):g} and {float(domain[bad, 1]):g} of input {bad}",
            advice="widen the range of a constant input",
        )
