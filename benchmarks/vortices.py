"""Two opposite vortices in a shear, on a torus: vorticity and velocity by Fourier modes.

w_t + a (u w_x + v w_y) = nu (w_xx + w_yy), diffusion exact, the rest by the classical method of Runge and Kutta; two
thirds of the modes are kept. The fluid is at rest on average.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def solve(
    modes: int = 256,
    end: float = 4.0,
    steps: int = 800,
    times: int = 40,
    nu: float = 0.01,
    convection: float = 1.0,
    size: float = 0.6,
    strength: float = 4.0,
) -> tuple[Array, Array, dict[str, Array]]:
    """Places x (= y) on [0, 2 pi), times, and w, u, v at (x, y, t); vortices of a size and a vorticity."""
    x = 2 * np.pi * np.arange(modes) / modes
    k = np.fft.fftfreq(modes, 1 / modes)
    kx, ky = k[:, None], k[None, : modes // 2 + 1]
    square = kx**2 + ky**2
    inverse = np.where(square > 0, 1 / np.where(square > 0, square, 1), 0)
    kept = (np.abs(kx) < modes / 3) & (np.abs(ky) < modes / 3)
    at, up = np.meshgrid(x, x, indexing="ij")

    def vortex(cx: float, cy: float) -> Array:
        return strength * np.exp(-((at - cx) ** 2 + (up - cy) ** 2) / size**2)

    start = vortex(2.4, 3.0) - vortex(3.9, 3.4) + 0.6 * np.cos(up)
    w = np.fft.rfft2(start - start.mean()) * kept

    def velocity(w: Array) -> tuple[Array, Array]:
        stream = w * inverse
        return np.fft.irfft2(1j * ky * stream, s=at.shape), np.fft.irfft2(-1j * kx * stream, s=at.shape)

    def right(w: Array) -> Array:
        u, v = velocity(w)
        slopes = np.fft.irfft2(1j * kx * w, s=at.shape), np.fft.irfft2(1j * ky * w, s=at.shape)
        return -convection * np.fft.rfft2(u * slopes[0] + v * slopes[1]) * kept

    h = end / steps
    half = np.exp(-nu * square * h / 2)
    found = [w]
    for n in range(1, steps + 1):
        a = right(w)
        b = right(half * (w + h / 2 * a))
        c = right(half * w + h / 2 * b)
        d = right(half * half * w + h * half * c)
        w = half * half * (w + h / 6 * a) + half * h / 3 * (b + c) + h / 6 * d
        if n % (steps // times) == 0:
            found.append(w)
    fields: dict[str, list[Array]] = {"w": [], "u": [], "v": []}
    for item in found:
        fields["w"].append(np.fft.irfft2(item, s=at.shape))
        u, v = velocity(item)
        fields["u"].append(u)
        fields["v"].append(v)
    return (
        x,
        np.linspace(0, end, len(found)),
        {name: np.stack(parts, axis=-1) for name, parts in fields.items()},
    )
