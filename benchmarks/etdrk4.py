"""Reference solutions of periodic equations by Fourier modes and exponential time differencing.

u_t = L u + N(u) with a diagonal L; fourth order in time (S. M. Cox and P. C. Matthews 2002, doi:10.1006/jcph.2002.6995), its
coefficients by contour integrals (A.-K. Kassam and L. N. Trefethen 2005, doi:10.1137/S1064827502410633).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
_CONTOUR = 32


def solve(
    linear: Callable[[Array], Array],
    nonlinear: Callable[[Array, Array], Array],
    start: Callable[[Array], Array],
    bounds: tuple[float, float],
    end: float,
    *,
    modes: int = 1024,
    steps: int = 20_000,
    times: int = 20,
    coefficients: Callable[[Array], Array] | None = None,
) -> tuple[Array, Array, Array]:
    """Values at places and at equally spaced times: x (modes,), t (times + 1,), u (modes, times + 1).

    Parameters
    ----------
    linear : callable
        Wave numbers -> symbol of L.
    nonlinear : callable
        (wave numbers, values) -> Fourier coefficients of N, less those that two thirds of the modes cannot hold.
    coefficients : callable, optional
        Numbers of modes -> exact Fourier coefficients of the start, as for one with a kink, whose samples alias.
    """
    low, high = bounds
    x = low + (high - low) * np.arange(modes) / modes
    k = 2 * np.pi / (high - low) * np.fft.fftfreq(modes, 1 / modes)
    kept = np.abs(np.fft.fftfreq(modes, 1 / modes)) < modes / 3
    symbol, h = linear(k).astype(complex), end / steps

    def right(v: Array) -> Array:
        return nonlinear(k, np.fft.ifft(v).real) * kept

    whole, half = np.exp(h * symbol), np.exp(h * symbol / 2)
    circle = np.exp(2j * np.pi * (np.arange(1, _CONTOUR + 1) - 0.5) / _CONTOUR)
    z = h * symbol[:, None] + circle
    q = h * ((np.exp(z / 2) - 1) / z).mean(1)
    f1 = h * ((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3).mean(1)
    f2 = h * ((2 + z + np.exp(z) * (z - 2)) / z**3).mean(1)
    f3 = h * ((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3).mean(1)
    numbers = np.fft.fftfreq(modes, 1 / modes)
    shift = np.exp(2j * np.pi * numbers * low / (high - low))
    v = np.fft.fft(start(x)) if coefficients is None else modes * coefficients(numbers) * shift
    found = [v]
    for n in range(1, steps + 1):
        r = right(v)
        a = half * v + q * r
        ra = right(a)
        b = half * v + q * ra
        rb = right(b)
        rc = right(half * a + q * (2 * rb - r))
        v = whole * v + r * f1 + 2 * (ra + rb) * f2 + rc * f3
        if n % (steps // times) == 0:
            found.append(v)
    return x, np.linspace(0, end, times + 1), np.array([np.fft.ifft(item).real for item in found]).T
