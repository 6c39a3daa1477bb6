"""Least-squares fit of an edge function, which never fails."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline

TINY = torch.finfo(torch.float64).tiny
# What the data leave open is decided by smoothness: first by curvature, then by slope, and the rest by size.
SLOPE_SHARE = 1e-3
SIZE_SHARE = 1e-5
# With more roughness the curvature is gone for every purpose, and the data would be lost in its rounding.
MAX_ROUGHNESS = 1e6


def fit_coefficients(
    basis: Basis, x: Tensor, y: Tensor, weight: Tensor | None = None, roughness: float = 0.0
) -> Tensor:
    """Coefficients of the least-squares fit of y by the basis, one fit for each input.

    Minimises sum_n w_n (phi(x_n) - y_n)^2 / sum_n w_n + roughness * integral phi''^2, and among the minimisers takes the
    smoothest: intervals without data, constant inputs and fewer points than coefficients are all well posed. A single
    point gives a constant, two give a straight line, and a fit goes on straight where the data end.

    Parameters
    ----------
    basis : Basis
        For I inputs.
    x : Tensor, shape (N, I)
    y : Tensor, shape (N, I) or (N, I, O)
        Targets of each input's function (or of its O functions).
    weight : Tensor, shape (N,), optional
        Non-negative row weights; all zero counts as no data.
    roughness : float
        Weight of the integral of the squared second derivative.

    Returns
    -------
    Tensor, shape (I, M) or (I, M, O)
        Of x's dtype; no gradient flows through a fit.

    Raises
    ------
    InputError
        If shapes differ or numbers are not finite.

    Notes
    -----
    D holds the weighted rows of the basis and those of the roughness, P = Q R the rows of the smoothness of last resort,
    lambda their tiny weight. The unknowns are z = R c, and the singular values s of D R^-1 give them by the filter
    s / (s^2 + lambda^2). Neither normal equations nor a tall stack of D and lambda P are formed: both lose the tiny part
    where the residual is large.

    References
    ----------
    L. Elden, "Algorithms for the regularization of ill-conditioned least squares problems", 1977,
    doi:10.1007/BF01932285.
    P. H. C. Eilers and B. D. Marx, "Flexible smoothing with B-splines and penalties", 1996, doi:10.1214/ss/1038425655.

    Examples
    --------
    >>> basis = BSpline(torch.linspace(0, 1, 9, dtype=torch.float64)[None], 3)
    >>> x = torch.tensor([[0.1], [0.5], [0.9]], dtype=torch.float64)
    >>> c = fit_coefficients(basis, x, 2 * x)
    >>> bool(((basis.values(x)[:, 0] @ c[0]) - 2 * x[:, 0]).abs().max() < 1e-9)
    True
    """
    _check_data(basis, x, y, weight, roughness)
    single = y.ndim == 2
    targets = _plain(y[..., None] if single else y).permute(1, 0, 2)
    w = torch.ones(len(x), dtype=torch.float64) if weight is None else _plain(weight)
    w = w / w.sum().clamp(min=TINY)
    # The mean is taken out first: a shift of y then shifts the fit, and the penalty never sees it.
    mean = (w[:, None] * targets).sum(1, keepdim=True)
    root = w.sqrt()[:, None]
    design, right = _plain(basis.values(x.detach())).permute(1, 0, 2) * root, (targets - mean) * root
    if roughness > 0:
        bend = _bending(basis, 2) * (roughness * _trace(basis.gram(2))).sqrt().clamp(max=MAX_ROUGHNESS)
        design = torch.cat([design, bend], 1)
        right = torch.cat([right, right.new_zeros(len(right), bend.shape[1], right.shape[2])], 1)
    factor = _smoothness_factor(basis)
    reduced = torch.linalg.solve_triangular(factor, design, upper=True, left=False)
    left, size, rows = torch.linalg.svd(reduced, full_matrices=False)
    noise = torch.finfo(torch.float64).eps * basis.size * size[:, :1]
    # In float32 the basis itself is only good to its rounding, and the weight of the smoothness has to be as large.
    strength = torch.where(size > noise, size / (size**2 + torch.finfo(x.dtype).eps), torch.zeros_like(size))
    solution = torch.zeros(*targets.shape[:1], basis.size, targets.shape[2], dtype=torch.float64)
    for _ in range(2):  # the second pass takes out the rounding of the first
        z = rows.mT @ (strength[..., None] * (left.mT @ (right - design @ solution)))
        solution = solution + torch.linalg.solve_triangular(factor, z, upper=True)
    solution = solution + mean * _plain(basis.one)[:, None]
    return (solution[..., 0] if single else solution).to(x)


def _smoothness_factor(basis: Basis) -> Tensor:
    """The triangular factor (I, M, M) of `smoothness_rows`, of unit size and so the same for all equal intervals."""
    if isinstance(basis, BSpline) and basis.pieces is not None and basis.pieces.uniform:
        return torch.from_numpy(_unit_factor(basis.degree, basis.intervals)).expand(len(basis.grid), -1, -1)
    return torch.linalg.qr(smoothness_rows(basis), mode="r").R


@lru_cache(maxsize=64)
def _unit_factor(degree: int, intervals: int) -> NDArray[np.float64]:
    basis = BSpline(torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64, device="cpu")[None], degree)
    return torch.linalg.qr(smoothness_rows(basis), mode="r").R[0].numpy()


def smoothness_rows(basis: Basis) -> Tensor:
    """Rows (I, R, M), float64, of full rank, whose squares measure curvature, much lighter slope and lighter still size."""
    inputs, functions = len(basis.grid), basis.size
    size = torch.eye(functions, dtype=torch.float64).expand(inputs, -1, -1) * (SIZE_SHARE / functions**0.5)
    return torch.cat([_bending(basis, 2), _bending(basis, 1) * SLOPE_SHARE, size], 1)


def _bending(basis: Basis, order: int) -> Tensor:
    """Root of the integral of the squared derivative, of unit size; jumps of the top derivative where a spline has none."""
    rows = (
        _plain(basis.jumps())
        if isinstance(basis, BSpline) and basis.degree < order
        else _root(_plain(basis.gram(order)))
    )
    return rows / rows.square().sum((1, 2), keepdim=True).sqrt().clamp(min=TINY)


def _trace(gram: Tensor) -> Tensor:
    """Trace of each matrix, shape (I, 1, 1)."""
    return _plain(gram).diagonal(dim1=1, dim2=2).sum(1)[:, None, None]


def _root(gram: Tensor) -> Tensor:
    """A factor R with R^T R equal to the positive semidefinite matrix."""
    scale = gram.diagonal(dim1=-2, dim2=-1).amax(-1).clamp(min=TINY)[..., None, None]
    values, vectors = torch.linalg.eigh(gram / scale)
    return (values.clamp(min=0).sqrt()[..., None] * vectors.mT) * scale.sqrt()


def _plain(t: Tensor) -> Tensor:
    """Detached, in float64 on the CPU: the one place where the solver is the same for every device."""
    return t.detach().to(device="cpu", dtype=torch.float64)


def _check_data(basis: Basis, x: Tensor, y: Tensor, weight: Tensor | None, roughness: float) -> None:
    """One sentence for data that no fit can use."""
    inputs = len(basis.grid)
    if x.ndim != 2 or x.shape[1] != inputs:
        raise InputError(argument="x", expected=f"have shape (N, {inputs})", got=tuple(x.shape))
    if y.ndim not in (2, 3) or y.shape[:2] != x.shape:
        raise InputError(
            argument="y",
            expected=f"have shape {tuple(x.shape)}, or that with one more axis for several functions",
            got=tuple(y.shape),
        )
    if weight is not None and (weight.shape != x.shape[:1] or bool((weight < 0).any())):
        raise InputError(
            argument="weight",
            expected=f"be {len(x)} non-negative numbers, one a row",
            got=f"shape {tuple(weight.shape)}{(' with a negative number' if bool((weight < 0).any()) else '')}",
        )
    if not roughness >= 0:
        raise InputError(argument="roughness", expected="be non-negative", got=roughness)
    for name, table in (("x", x), ("y", y), ("weight", weight)):
        if table is not None and not bool(table.isfinite().all()):
            raise InputError(
                subject=f"The {name!r} of fit_coefficients",
                expected="hold finite numbers",
                got="NaN or infinity",
                advice="drop those rows first",
            )
