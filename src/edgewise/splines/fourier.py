"""Sines and cosines whose period is twice the domain, with linear C1 tails."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.splines.basis import quadrature_gram
from edgewise.splines.tails import SmoothBasis, to_unit


@dataclass(frozen=True, eq=False)
class Fourier(SmoothBasis):
    """The functions 1, sin t, cos t, sin 2t, cos 2t, ... with t from -pi/2 to pi/2 over the domain.

    The period is twice the domain, so nothing forces an edge function to take the same value at both ends: smooth
    functions that are not periodic are fitted without the ringing of a Fourier series (a *Fourier extension*), and one
    that has the domain as its period keeps its exact harmonics, the even ones.

    Parameters
    ----------
    grid : Tensor, shape (I, 2)
        Ends of the domain of each input.
    size : int
        Number of functions M. The sine of each harmonic comes first, so that two functions already carry a slope.

    References
    ----------
    D. Huybrechs, "On the Fourier extension of nonperiodic functions", 2010, doi:10.1137/090752456.

    Examples
    --------
    >>> basis = Fourier(torch.tensor([[-1.0, 1.0]], dtype=torch.float64), 3)
    >>> basis.values(torch.tensor([[0.0], [1.0]], dtype=torch.float64))[:, 0].round(decimals=12)
    tensor([[1., 0., 1.],
            [1., 1., 0.]], dtype=torch.float64)
    """

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "fourier"

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        # A product turns through at most pi * size / 2 over the domain; half as many nodes and a margin reach rounding.
        return quadrature_gram(self, order, self.grid, self.size + 16)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        u, slope = to_unit(self.grid, x)
        harmonic = torch.arange(self.size // 2 + 1, dtype=x.dtype, device=x.device)
        angle = (u * (math.pi / 2))[..., None] * harmonic
        sine, cosine = torch.sin(angle), torch.cos(angle)
        # The r-th derivative turns each function by r right angles.
        turned = (sine, cosine, -sine, -cosine)
        pair = torch.stack([turned[order % 4], turned[(order + 1) % 4]], -1)
        pair = pair * ((slope * (math.pi / 2))[:, None] * harmonic)[..., None] ** order
        # Harmonic zero has no sine.
        return pair.flatten(-2)[..., 1 : self.size + 1]
