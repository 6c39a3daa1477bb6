"""Curves that are sums of powers times exponentials and waves: their exponents, from values at equal steps.

Shifting such a curve by a step multiplies its parts by exp(mu h). The shifts of all curves together span as many
directions as there are parts, and the map from each window to the next has the factors as its eigenvalues (ESPRIT;
R. Roy, T. Kailath 1989, doi:10.1109/29.32276).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.linalg import hankel
from scipy.optimize import least_squares

from edgewise._core.arrays import Floats

_MOST = 10
# Exponents that differ by less than this over the whole range may be one that occurs several times: what is read off for
# one of m is wrong by the m-th root of the accuracy.
_SAME = (1.0, 0.3, 0.1, 0.02)


@dataclass(frozen=True)
class Mode:
    """x^k exp(rate x) times 1, or times cos(wave x) and sin(wave x), for k below `count`."""

    rate: float
    wave: float
    count: int

    def values(self, x: Floats) -> Floats:
        """Columns of the parts at places."""
        waves = [np.cos(self.wave * x), np.sin(self.wave * x)] if self.wave else [np.ones_like(x)]
        return np.stack(
            [x**k * np.exp(self.rate * x) * each for k in range(self.count) for each in waves], axis=1
        )

    def atoms(self, x: Any, rate: Any, wave: Any) -> list[Any]:
        """The same as sympy expressions, with the numbers given."""
        waves = [sp.cos(wave * x), sp.sin(wave * x)] if self.wave else [sp.Integer(1)]
        return [x**k * sp.exp(rate * x) * each for k in range(self.count) for each in waves]


def modes_of(x: Floats, curves: Floats, accuracy: float) -> tuple[Mode, ...]:
    """What a few curves are sums of, to ten times their accuracy; empty where they are no such sums.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Equal steps.
    curves : ndarray, shape (n, R)
    accuracy : float
        Relative to the largest curve.
    """
    half, span = len(x) // 2, float(x[-1] - x[0])
    windows = np.hstack([hankel(each[:half], each[half - 1 :]) for each in curves.T])
    left, sizes, _ = np.linalg.svd(windows, full_matrices=False)
    count = int((sizes > 10 * accuracy * sizes[0]).sum())
    if not 0 < count <= min(_MOST, half - 2):
        return ()
    step = np.linalg.lstsq(left[:-1, :count], left[1:, :count], rcond=None)[0]
    factors = np.linalg.eigvals(step)
    if (np.abs(factors) < 1e-12).any():
        return ()
    exponents = np.log(factors.astype(complex)) / (x[1] - x[0])
    bar = 10 * accuracy * float(np.linalg.norm(curves))
    for same in _SAME:
        found = _polished(x, curves, _grouped(exponents, same / span), span)
        if np.linalg.norm(left_of(x, curves, found)) <= bar:
            return found
    return ()


def rounded(
    x: Floats, curves: Floats, modes: Sequence[Mode], accuracy: float, exact: Callable[[float, float], Any]
) -> tuple[list[Any], list[Any]]:
    """Rates and waves read as exact numbers, as generously as the curves allow."""
    span = float(x[-1] - x[0])
    bar = max(
        10 * accuracy * float(np.linalg.norm(curves)), 2 * float(np.linalg.norm(left_of(x, curves, modes)))
    )
    ways = [[[sp.Float(mode.rate), sp.Float(mode.wave)] for mode in modes]]
    for near in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8):
        numbers = [
            [exact(each, near * max(abs(each), 1 / span)) for each in (mode.rate, mode.wave)]
            for mode in modes
        ]
        trial = [
            Mode(float(rate), float(wave), mode.count)
            for (rate, wave), mode in zip(numbers, modes, strict=True)
        ]
        if np.linalg.norm(left_of(x, curves, trial)) <= bar:
            ways.insert(len(ways) - 1, numbers)
    best = min(ways, key=lambda way: sum(each.is_Float for pair in way for each in pair))
    return [rate for rate, _ in best], [wave for _, wave in best]


def _grouped(exponents: NDArray[np.complex128], near: float) -> list[Mode]:
    """Exponents that are the same put together; of conjugate pairs one."""
    left = sorted(exponents, key=lambda each: (abs(each.imag), each.real))
    modes: list[Mode] = []
    while left:
        group = [each for each in left if abs(each - left[0]) < near]
        mean = complex(np.mean(group))
        if abs(mean.imag) < near / 2:
            group = [each for each in left if abs(each - mean.real) < near]
            modes.append(Mode(float(np.mean([each.real for each in group])), 0.0, len(group)))
        elif mean.imag > 0:
            modes.append(Mode(mean.real, mean.imag, len(group)))
        left = [each for each in left if each not in group]
    return modes


def _polished(x: Floats, curves: Floats, modes: Sequence[Mode], span: float) -> tuple[Mode, ...]:
    """Exponents by least squares of the curves themselves."""

    def made(numbers: Floats) -> tuple[Mode, ...]:
        pairs = numbers.reshape(-1, 2) / span
        return tuple(
            Mode(float(rate), float(wave) if mode.wave else 0.0, mode.count)
            for (rate, wave), mode in zip(pairs, modes, strict=True)
        )

    def missed(numbers: Floats) -> Floats:
        return left_of(x, curves, made(numbers)).ravel()

    start = np.array([[mode.rate, mode.wave] for mode in modes]).ravel() * span
    found = least_squares(missed, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=30)
    return made(found.x)


def left_of(x: Floats, curves: Floats, modes: Sequence[Mode]) -> Floats:
    """What the modes leave of the curves."""
    design = np.hstack([mode.values(x) for mode in modes])
    scaled = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    return curves - scaled @ np.linalg.lstsq(scaled, curves, rcond=1e-14)[0]
