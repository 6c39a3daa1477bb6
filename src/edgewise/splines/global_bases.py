"""Bases of smooth functions that live on the whole domain, beside the B-splines; outside it all go on as straight lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.splines.basis import check_finite, quadrature_gram

# Functions and their derivatives inside the domain: (x (B, I), order) -> (B, I, M).
Inner = Callable[[Tensor, int], Tensor]
# exp(-u^2) is zero in float64 well before this, so nothing is lost and no power of u overflows.
FAR = 30.0


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
    check_finite(domain, "grid")
    if not bool((domain[:, 0] < domain[:, 1]).all()):
        bad = int((domain[:, 0] >= domain[:, 1]).nonzero()[0])
        raise InputError(
            argument="grid",
            expected="have low < high",
            got=f"{float(domain[bad, 0]):g} and {float(domain[bad, 1]):g} of input {bad}",
            advice="widen the range of a constant input",
        )


@dataclass(frozen=True, eq=False)
class Chebyshev(SmoothBasis):
    """Chebyshev polynomials T_0..T_{M-1} of the coordinate that runs from -1 to 1 over the domain.

    Parameters
    ----------
    grid : Tensor, shape (I, 2)
        Ends of the domain of each input.
    size : int
        Number of functions M.

    Notes
    -----
    d^r T_n / du^r = 2^(r-1) (r-1)! n C_{n-r}^{(r)}(u) with the Gegenbauer polynomials C, whose three-term recurrence is
    stable on [-1, 1]: derivatives of every order cost the same.

    References
    ----------
    NIST Digital Library of Mathematical Functions, 18.7.4, 18.9.1 and 18.9.19, https://dlmf.nist.gov/18.9.

    Examples
    --------
    >>> basis = Chebyshev(torch.tensor([[0.0, 2.0]], dtype=torch.float64), 3)
    >>> basis.values(torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64))[:, 0]
    tensor([[ 1., -1.,  1.],
            [ 1.,  0., -1.],
            [ 1.,  1.,  1.]], dtype=torch.float64)
    """

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "chebyshev"

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        # Products have degree 2 (M - 1): M Gauss nodes over the whole domain are exact.
        return quadrature_gram(self, order, self.grid, self.size)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        u, slope = to_unit(self.grid, x)
        if order == 0:
            return torch.stack(_three_term(u, self.size, 0), -1)
        zero = u * 0  # NaN where u is NaN
        columns = [zero] * min(order, self.size)
        factor = 2.0 ** (order - 1) * math.factorial(order - 1)
        for r, c in enumerate(_three_term(u, self.size - order, order)):
            columns.append(c * (factor * (r + order)))
        return torch.stack(columns, -1) * (slope**order)[:, None]


def _three_term(u: Tensor, count: int, order: int) -> list[Tensor]:
    """The first `count` Chebyshev (order 0) or Gegenbauer (lambda = order) polynomials at u."""
    columns = [u * 0 + 1, u * 2 * order if order else u][: max(count, 0)]
    for n in range(2, count):
        if order:
            a, b = 2 * (n + order - 1) / n, (n + 2 * order - 2) / n
        else:
            a, b = 2.0, 1.0
        columns.append(a * u * columns[-1] - b * columns[-2])
    return columns


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


@dataclass(frozen=True, eq=False)
class RationalChebyshev(SmoothBasis):
    """Boyd's functions TB_n(u) = cos(n arccot(u)), n = 0..M-1, with u from -1 to 1 over the domain.

    They are T_n(u / sqrt(1 + u^2)): rational for even n, bounded on the whole line and linear in their coefficients, with
    poles half the domain's width above and below its middle. They suit functions that peak or saturate.

    Parameters
    ----------
    grid : Tensor, shape (I, 2)
        Ends of the domain of each input. The map parameter L is half its width.
    size : int
        Number of functions M.

    Notes
    -----
    With w = 1 + u^2 they satisfy w (w f')' + n^2 f = 0. Leibniz's rule turns it into a five-term recurrence between the
    derivatives, started from f = cos(n t) and f' = n sin(n t) / w.

    References
    ----------
    J. P. Boyd, "Spectral methods using rational basis functions on an infinite interval", 1987,
    doi:10.1016/0021-9991(87)90158-6.

    Examples
    --------
    >>> basis = RationalChebyshev(torch.tensor([[-1.0, 1.0]], dtype=torch.float64), 3)
    >>> basis.values(torch.tensor([[0.0]], dtype=torch.float64)).round(decimals=12)
    tensor([[[ 1.,  0., -1.]]], dtype=torch.float64)
    """

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "rational"

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        return quadrature_gram(self, order, self.grid, 2 * (self.size + order) + 24)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        u, slope = to_unit(self.grid, x)
        n = torch.arange(self.size, dtype=x.dtype, device=x.device)
        angle = torch.atan2(torch.ones_like(u), u)[..., None] * n
        u, square = u[..., None], n * n
        w = 1.0 + u * u
        found = [torch.cos(angle), n * torch.sin(angle) / w]
        # Derivatives of w^2 and of 2 u w, the coefficients of w^2 f'' + 2 u w f' + n^2 f = 0.
        second = (w * w, 4 * u * w, 4 + 12 * u * u, 24 * u, torch.full_like(u, 24.0))
        first = (2 * u * w, 2 + 6 * u * u, 12 * u, torch.full_like(u, 12.0))
        for r in range(order - 1):
            total = square * found[r]
            for j in range(1, min(r + 2, 4) + 1):
                share = math.comb(r, j) * second[j] + math.comb(r, j - 1) * first[j - 1]
                total = total + share * found[r + 2 - j]
            found.append(-total / second[0])
        return found[order] * (slope**order)[:, None]


@dataclass(frozen=True, eq=False)
class GaussianRBF:
    """The functions 1, u and Gaussians exp(-((x - centre) / h)^2), with u from -1 to 1 over the domain.

    The straight line is what Gaussians alone fit worst: without it their error at the ends of the domain does not go away
    with more centres.

    Parameters
    ----------
    grid : Tensor, shape (I, M - 2)
        Strictly increasing centres, at least two; the domain runs from the first to the last.
    width : float
        h in units of the mean distance to the neighbouring centres. Wider Gaussians fit smooth functions better and are
        worse conditioned.

    References
    ----------
    V. Maz'ya and G. Schmidt, "On approximate approximations using Gaussian kernels", 1996, doi:10.1093/imanum/16.1.13.

    Examples
    --------
    >>> basis = GaussianRBF(torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64), width=1.0)
    >>> basis.values(torch.tensor([[1.0]], dtype=torch.float64))
    tensor([[[1.0000, 0.0000, 0.3679, 1.0000, 0.3679]]], dtype=torch.float64)
    """

    grid: Tensor
    width: float = 1.5

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "rbf"

    @property
    def size(self) -> int:
        """Number of functions M."""
        return self.grid.shape[1] + 2

    @property
    def domain(self) -> Tensor:
        """Range of each input, shape (I, 2)."""
        return self.grid[:, [0, -1]]

    @property
    def one(self) -> Tensor:
        """Coefficients of the function that is 1 everywhere, shape (M,)."""
        return first_unit(self.grid, self.size)

    def values(self, x: Tensor, order: int = 0) -> Tensor:
        """Derivative of the given order of every function: (B, I) -> (B, I, M)."""
        return with_tails(self._inner, self.domain, x, order)

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        # Cells follow every single Gaussian down to where it vanishes, however unequal their widths.
        reach = torch.tensor(
            [-6.0, -4.5, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.5, 6.0], device=self.grid.device
        )
        edges = (self.grid[..., None] + self._widths()[..., None] * reach.to(self.grid)).flatten(1)
        low, high = self.grid[:, :1], self.grid[:, -1:]
        edges = torch.minimum(torch.maximum(edges, low), high).sort(1).values
        return quadrature_gram(self, order, edges, 10)

    def _widths(self) -> Tensor:
        """Width of each Gaussian, (I, M): mean distance to its neighbours."""
        gaps = self.grid[:, 1:] - self.grid[:, :-1]
        left, right = torch.cat([gaps[:, :1], gaps], 1), torch.cat([gaps, gaps[:, -1:]], 1)
        return (left + right) * (self.width / 2)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        line, slope = to_unit(self.domain, x)
        one = line * 0 + 1  # NaN where x is NaN
        pair = [one, line] if order == 0 else [one - 1, one * slope] if order == 1 else [one - 1, one - 1]
        inverse = 1.0 / self._widths()
        u = ((x[..., None] - self.grid) * inverse).clamp(-FAR, FAR)
        # Hermite's recurrence, carried by the Gaussian itself: g^(r+1) = -2 u g^(r) - 2 r g^(r-1).
        below, current = torch.zeros_like(u), torch.exp(-u * u)
        for r in range(order):
            below, current = current, -2.0 * (u * current + r * below)
        return torch.cat([torch.stack(pair, -1), current * inverse**order], -1)
