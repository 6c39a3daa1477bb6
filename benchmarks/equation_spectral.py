"""Spectral codes for the problems of `equation_terms.py`, and least squares on them that other linear bases share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import etdrk4
import numpy as np
import torch
from equation_terms import Residuals, Terms
from numpy.polynomial import chebyshev as cheb
from torch import Tensor

Grid = Callable[[np.ndarray, np.ndarray], np.ndarray]
# What evaluates an answer on a grid, (unknowns, places, places), and its number of coefficients.
Answer = tuple[Grid, int]
Basis = dict[str, Tensor]


def on_grid(at_points: Callable[[np.ndarray], np.ndarray]) -> Grid:
    """From values (n, unknowns) at places (n, 2) to a grid (unknowns, places, places)."""

    def grid(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        places = np.stack(np.meshgrid(first, second, indexing="ij"), -1).reshape(-1, 2)
        return at_points(places).T.reshape(-1, len(first), len(second))

    return grid


def segment(a: Any, b: Any, s: np.ndarray) -> np.ndarray:
    """Places (n, 2) between two ends, for s in [0, 1]."""
    return np.asarray(a) + s[:, None] * (np.asarray(b, dtype=float) - np.asarray(a))


def block(rows: Residuals, terms: Terms, at: np.ndarray, basis: Basis, c: Tensor) -> tuple[Tensor, Tensor]:
    """Residuals (m,) of the field basis @ c and their Jacobian (m, unknowns * n); c has shape (unknowns, n)."""
    x, y = torch.as_tensor(at).T
    jets = {
        (name, order): (basis[order] @ c[k]).requires_grad_()
        for (k, name), order in product(enumerate(terms.unknowns), terms.orders)
    }
    residuals = rows(jets, x, y)
    jacobians: list[Tensor] = []
    for residual in residuals:
        slopes = torch.autograd.grad(
            residual.sum(), list(jets.values()), retain_graph=True, allow_unused=True
        )
        parts = dict(zip(jets, slopes, strict=True))
        columns = [torch.zeros_like(basis[""]) for _ in terms.unknowns]
        for (k, name), order in product(enumerate(terms.unknowns), terms.orders):
            if (slope := parts[name, order]) is not None:
                columns[k] += slope[:, None] * basis[order]
        jacobians.append(torch.cat(columns, 1))
    return torch.cat([residual.detach() for residual in residuals]), torch.cat(jacobians)


def chebyshev_basis(terms: Terms, sizes: list[int], at: np.ndarray) -> Basis:
    """Products of Chebyshev polynomials and their derivatives at places."""
    factors: list[dict[int, np.ndarray]] = []
    for axis, (low, high) in enumerate(terms.bounds):
        s, eye = (2 * at[:, axis] - low - high) / (high - low), np.eye(sizes[axis])
        factors.append({
            order: cheb.chebvander(s, sizes[axis] - 1 - order) @ cheb.chebder(eye, order) * (2 / (high - low)) ** order
            for order in range(3)
        })  # fmt: skip
    return {
        order: torch.as_tensor(
            (factors[0][order.count("x")][:, :, None] * factors[1][order.count("y")][:, None]).reshape(
                len(at), -1
            )
        )
        for order in terms.orders
    }


def spectral(terms: Terms, seconds: float) -> Answer:
    """Fourier modes with exponential time differencing where the equation allows; else Chebyshev collocation."""
    return fourier(terms) if terms.fourier else chebyshev(terms)


def chebyshev(terms: Terms, most: int = 4000) -> Answer:
    """Chebyshev collocation in both coordinates (time too), by least squares and Newton; the direction with the larger last
    coefficients grows by half while they are above a tenth of the tolerance."""
    sizes, c = [12, 12], torch.zeros(len(terms.unknowns), 12, 12, dtype=torch.float64)
    while True:
        unit = [np.cos((np.arange(n) + 0.5) * np.pi / n) / 2 + 0.5 for n in sizes]
        places = [low + s * (high - low) for s, (low, high) in zip(unit, terms.bounds, strict=True)]
        parts = [(terms.equations, np.stack(np.meshgrid(*places, indexing="ij"), -1).reshape(-1, 2), 1.0)]
        for a, b, rows in terms.conditions:
            parts.append((rows, segment(a, b, unit[0 if a[0] != b[0] else 1]), float(max(sizes)) ** 2))
        bases = [chebyshev_basis(terms, sizes, at) for _, at, _ in parts]
        flat = c.reshape(len(c), -1)
        for _ in range(1 if terms.linear else 12):
            found = [
                block(rows, terms, at, basis, flat) for (rows, at, _), basis in zip(parts, bases, strict=True)
            ]
            weights = [weight for *_, weight in parts]
            right = torch.cat([w * r for w, (r, _) in zip(weights, found, strict=True)])
            left = torch.cat([w * jacobian for w, (_, jacobian) in zip(weights, found, strict=True)])
            step = torch.linalg.lstsq(left, right[:, None], driver="gels").solution.reshape(flat.shape)
            flat = flat - step
            if step.norm() <= terms.tolerance * flat.norm():
                break
        c = flat.reshape(len(c), *sizes)
        size = c.abs().amax((1, 2), keepdim=True)
        tails = [float((part.abs() / size).max()) for part in (c[:, -3:], c[:, :, -3:])]
        # What is missing in one direction shows in the other too: that with most grows.
        least = max(terms.tolerance / 10, *tails)
        grown = [n + n // 2 if tail >= least else n for n, tail in zip(sizes, tails, strict=True)]
        if grown == sizes or len(terms.unknowns) * grown[0] * grown[1] > most:
            break
        wider = torch.zeros(len(c), *grown, dtype=torch.float64)
        wider[:, : sizes[0], : sizes[1]] = c
        sizes, c = grown, wider

    def grid(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        along = [
            cheb.chebvander((2 * at - low - high) / (high - low), n - 1)
            for at, (low, high), n in zip((first, second), terms.bounds, sizes, strict=True)
        ]
        return np.einsum("xi,kij,yj->kxy", along[0], c.numpy(), along[1], optimize=True)

    return grid, c.numel()


def fourier(terms: Terms) -> Answer:
    """Modes and steps of `etdrk4` doubled until the change is below the tolerance."""
    modes, before = 128, None
    bounds, (_, end) = terms.bounds
    while True:
        _, t, u = etdrk4.solve(
            bounds=bounds, end=end, modes=modes, steps=modes * 25 // 8, times=200, **terms.fourier
        )
        if before is not None:
            change = np.linalg.norm(u[::2, 1:] - before[:, 1:]) / np.linalg.norm(u[::2, 1:])
            if change < terms.tolerance or modes >= 4096:
                break
        modes, before = 2 * modes, u
    k, coefficients = np.fft.fftfreq(modes, 1 / modes), np.fft.fft(u, axis=0) / modes

    def grid(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        waves = np.exp(2j * np.pi * k * ((first - bounds[0]) / (bounds[1] - bounds[0]))[:, None])
        at = np.abs(t - second[:, None]).argmin(1)
        assert np.allclose(t[at], second)
        return (waves @ coefficients[:, at]).real[None]

    return grid, modes
