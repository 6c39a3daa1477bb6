"""How much noise is in a column of values, estimated without a formula: from rows that lie close together.

Each row is predicted by the plane through its nearest neighbours. What is left over is noise and curvature, so the estimate
is rather too large than too small where rows are few or columns many.

References
----------
Spokoiny (2002), Variance estimation for high-dimensional regression models. Journal of Multivariate Analysis 82, 111-133.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

# Rows that are predicted; more add nothing for one number.
_MOST_ROWS = 1000


def neighbour_noise(X: Floats, y: Floats) -> float:
    """The standard deviation of the noise in y.

    Parameters
    ----------
    X, y
        Data (n, d) and (n,).

    Returns
    -------
    float
        Not a number where there are too few rows to tell: three times as many as columns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, (2000, 2))
    >>> round(neighbour_noise(X, np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + 0.1 * rng.standard_normal(2000)), 2)
    0.1
    """
    from scipy.spatial import KDTree

    spread = X.std(axis=0)
    columns = (X - X.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    count, sides = columns.shape
    neighbours = 2 * sides + 3
    if count < max(3 * (sides + 1), neighbours + 1) or sides == 0:
        return math.nan
    chosen = np.linspace(0, count - 1, min(count, _MOST_ROWS)).astype(np.intp)
    _, found = KDTree(columns).query(columns[chosen], k=neighbours + 1)
    near = _without_self(np.asarray(found, dtype=np.intp), chosen)
    shifted = columns[near] - columns[chosen][:, None, :]
    design = np.concatenate([np.ones((*near.shape, 1)), shifted], axis=2)
    # The prediction at the row itself is the plane's height: the first row of the pseudo-inverse, applied to the neighbours.
    weights = np.linalg.pinv(design, rcond=1e-6)[:, 0, :]
    residual = y[chosen] - (weights * y[near]).sum(axis=1)
    return math.sqrt(float(np.mean(np.square(residual) / (1 + np.square(weights).sum(axis=1)))))


def _without_self(found: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The neighbours of each row but the row itself, which need not come first where rows are equal."""
    order = np.argsort(found == rows[:, None], axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)[:, :-1]
