"""Hidden layers of a bag: cubic splines on one uniform grid, summed for all members at once.

A spline on a few equal intervals is one cubic and, for each inner break, a multiple of a truncated cube. That is fewer
operations than its B-splines are, all of them on long contiguous vectors. Powers are for few intervals only: with many of
them their coefficients would cancel.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

from edgewise.kernels.native import hidden as native

DEGREE = 3
# Hidden nodes start with unit variance; their grids reach this many standard deviations, and lines go on from there.
REACH = 3.0


def hidden_sum(h: Tensor, coef: Tensor) -> Tensor:
    """Sums of cubic splines on equal intervals of [-REACH, REACH] with linear tails.

    Parameters
    ----------
    h : Tensor, shape (K, I, n)
        Sums at I hidden nodes of K members for n rows.
    coef : Tensor, shape (K, M, I, O)
        B-spline coefficients.

    Returns
    -------
    Tensor, shape (K, O, n)
    """
    powers = (_powers(coef.shape[1] - DEGREE).to(coef.dtype) @ coef.flatten(2)).view(coef.shape)
    return cast("Tensor", _PowerSum.apply(h.contiguous(), powers))


class _PowerSum(torch.autograd.Function):
    """Sums of 1, t, t^2, t^3 and truncated cubes, continued by lines; t counts intervals from the middle."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, powers: Tensor) -> Tensor:
        ctx.save_for_backward(h, powers)
        if native.serves(h, powers.shape[1] - DEGREE):
            return native.forward(h, powers, REACH)
        values, _ = power_values(h, powers.shape[1] - DEGREE)
        return torch.einsum("kmio,kmin->kon", powers, values)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        h, powers = ctx.saved_tensors
        grad, intervals = grads[0].contiguous(), powers.shape[1] - DEGREE
        if native.serves(h, intervals):
            return native.backward(h, powers, grad, REACH)
        values, slopes = power_values(h, intervals)
        back = torch.einsum("kmio,kon->kmin", powers, grad)
        return (back * slopes).sum(1), torch.einsum("kmin,kon->kmio", values, grad)


def power_values(h: Tensor, intervals: int) -> tuple[Tensor, Tensor]:
    """The functions of h, and their slopes by h: (K, I, n) -> (K, intervals + 3, I, n) each."""
    half = intervals / 2
    scale = half / REACH
    u = h * scale
    t = u.clamp(-half, half)
    bases = [t, *((t - (j - half)).clamp(min=0) for j in range(1, intervals))]
    one = torch.ones_like(t)
    values = [one, t, t**2, *(base**3 for base in bases)]
    slopes = [0 * one, one, 2 * t, *(3 * base**2 for base in bases)]
    slope = torch.stack(slopes, 1)
    return torch.stack(values, 1) + slope * (u - t)[:, None], slope * scale


@cache
def _powers(intervals: int) -> Tensor:
    """From coefficients to those of 1, t, t^2, t^3 and the truncated cubes (t - break)_+^3, float64 (M, M)."""
    size, half = intervals + DEGREE, intervals / 2
    turn = torch.zeros(size, size, dtype=torch.float64)
    for m in range(size):
        # A B-spline is the fourth difference of truncated cubes, a sixth of it.
        for i, sign in enumerate((1, -4, 6, -4, 1)):
            at = m - DEGREE + i
            if at <= 0:
                away = half - at  # (t + away)^3, for the whole grid lies to the right
                for k in range(DEGREE + 1):
                    turn[k, m] += sign / 6 * math.comb(DEGREE, k) * away ** (DEGREE - k)
            elif at < intervals:
                turn[DEGREE + at, m] += sign / 6
    return turn


def hidden_basis(h: Tensor, intervals: int) -> Tensor:
    """Values of each of the hidden splines at h, with a last dimension of intervals + 3."""
    values, _ = power_values(h.reshape(1, 1, -1), intervals)
    return (values[0, :, 0].T @ _powers(intervals).to(h.dtype)).reshape(*h.shape, -1)
