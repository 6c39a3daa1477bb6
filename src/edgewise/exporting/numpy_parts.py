"""The fixed parts of the NumPy source: bases, tails, functions that NumPy does not have."""

from __future__ import annotations

from edgewise.splines.rbf import GaussianRBF

FORM_HELPERS = {
    "sigmoid": "def _sigmoid(x):\n    return 1.0 / (1.0 + np.exp(-x))",
    "gaussian": "def _gaussian(x):\n    return np.exp(-x * x)",
}

_UNIT = '''\
def _unit(t, grid):
    """Coordinate that runs from -1 to 1 over the domain, measured from the nearer end."""
    low, high = grid[:, 0], grid[:, -1]
    slope = 2.0 / (high - low)
    return np.where(t - low < high - t, (t - low) * slope - 1.0, 1.0 - (high - t) * slope)'''

_SERIES = '''\
def _series(first, second, twice, count):
    """f0, f1, ... with f(n + 1) = twice * f(n) - f(n - 1)."""
    terms = [first, second]
    for _ in range(count - 2):
        terms.append(twice * terms[-1] - terms[-2])
    return terms[:count]'''

_BSPLINE = '''\
def _bspline(t, knots, degree):
    """All B-splines, (n, S, M), at t, (n, S), inside the grid: Cox-de Boor recursion on the degree + 1 that live there."""
    size = knots.shape[1] - degree - 1
    piece = (t[:, :, None] >= knots[:, degree + 1:size]).sum(axis=2)
    row = np.arange(len(knots))
    live = 1.0 + 0.0 * t[None]  # NaN stays NaN
    for d in range(1, degree + 1):
        end = piece + degree + 1 + np.arange(d)[:, None, None]
        right, left = knots[row, end], knots[row, end - d]
        rising = live * ((t - left) / (right - left))
        none = np.zeros_like(t[None])
        live = np.concatenate([live - rising, none]) + np.concatenate([none, rising])
    values = np.zeros((*t.shape, size))
    np.put_along_axis(values, piece[:, :, None] + np.arange(degree + 1), np.moveaxis(live, 0, 2), axis=2)
    return values'''

_CHEBYSHEV = '''\
def _chebyshev(t, grid, size):
    """Chebyshev polynomials, (n, S, M)."""
    u = _unit(t, grid)
    return np.stack(_series(u * 0.0 + 1.0, u, 2.0 * u, size), axis=2)'''

_RATIONAL = '''\
def _rational(t, grid, size):
    """Rational Chebyshev functions, (n, S, M)."""
    u = _unit(t, grid)
    v = u / np.sqrt(1.0 + u * u)
    return np.stack(_series(v * 0.0 + 1.0, v, 2.0 * v, size), axis=2)'''

_FOURIER = '''\
def _fourier(t, grid, size):
    """1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2 over the domain, (n, S, M)."""
    number = np.arange(size)
    a = _unit(t, grid)[:, :, None] * (np.pi / 2)
    return np.sin((number + 1) // 2 * a + np.where(number % 2, 0.0, np.pi / 2))'''

_RBF = '''\
def _rbf(t, grid):
    """1, u and a Gaussian around every centre, (n, S, M)."""
    gaps = np.diff(grid, axis=1)
    left, right = np.hstack([gaps[:, :1], gaps]), np.hstack([gaps, gaps[:, -1:]])
    u = (t[:, :, None] - grid) / ({share} * (left + right))
    line = _unit(t, grid)[:, :, None]
    return np.concatenate([line * 0.0 + 1.0, line, np.exp(-u * u)], axis=2)'''

FEATURES = '''\
def _features(x, basis, grid, *detail, margin=0, base=False):
    """Functions of the basis inside the grid, then the straight tails beyond it, (n, S * F), for x of shape (n, S)."""
    low, high = grid[:, margin], grid[:, -1 - margin]
    parts = [basis(np.clip(x, low, high), grid, *detail)]
    parts += [np.minimum(x - low, 0.0)[:, :, None], np.maximum(x - high, 0.0)[:, :, None]]
    if base:
        parts.append((x / (1.0 + np.exp(-x)))[:, :, None])
    return np.concatenate(parts, axis=2).reshape(len(x), -1)'''

BASIS_SOURCE = {
    "bspline": (_BSPLINE,),
    "chebyshev": (_UNIT, _SERIES, _CHEBYSHEV),
    "rational": (_UNIT, _SERIES, _RATIONAL),
    "fourier": (_UNIT, _FOURIER),
    "rbf": (_UNIT, _RBF.replace("{share}", repr(GaussianRBF.width / 2))),
}
