"""Coordinates of a spline from smooth to rough: the Demmler-Reinsch basis of the rows.

B-spline coefficients are a poor place to train in: neighbours are strongly correlated, and a gradient step moves a function
as willingly into a zigzag as into a slope. In the basis that makes both the Gram matrix of the rows and the roughness
diagonal, the directions are uncorrelated and come ordered by how rough they are; scaled down the rougher they get, smooth
functions are found first and noise last.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Share of roughness mixed into the Gram matrix: settles directions that no row sees, and marks them as such.
RIDGE = 1e-5
# Share of the slope in roughness: it sets the constant apart from the straight line, which bends no more than it.
TILT = 1e-3
# Directions whose size on the rows is below this share are seen by none.
UNSEEN = 0.5


def smooth_basis(values: Tensor, weight: Tensor | None = None, power: float = 1.0) -> Tensor:
    """Map from smooth coordinates to coefficients.

    Parameters
    ----------
    values : Tensor, shape (N, M)
        Values of the basis functions at the rows.
    weight : Tensor, shape (N,), optional
        Weights of the rows.
    power : float
        The m-th direction after the straight line is scaled by (1 + m)^-power.

    Returns
    -------
    Tensor, shape (M, R)
        R is at most M, and at most the number of distinct rows. The columns are orthogonal under the rows.

    References
    ----------
    A. Demmler and C. Reinsch, "Oscillation matrices with spline smoothing", 1975, doi:10.1007/BF01437406. P. Eilers and
    B. Marx, "Flexible smoothing with B-splines and penalties", 1996, doi:10.1214/ss/1038425655.

    Examples
    --------
    >>> from edgewise.splines import BSpline, uniform_grid
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
    >>> B = BSpline(uniform_grid(-1.0, 1.0, 8), 3).values(x)[:, 0]
    >>> T = smooth_basis(B, power=0.0)
    >>> gram = (B @ T).T @ (B @ T) / 200
    >>> bool(torch.allclose(gram, torch.diag(gram.diagonal()), atol=1e-6)), T.shape[1]
    (True, 11)
    """
    values = values.to(torch.float64)
    rows = len(values)
    weight = torch.full((rows,), 1 / rows, dtype=torch.float64) if weight is None else weight / weight.sum()
    return smooth_basis_of(values.T @ (values * weight[:, None]), power)


def smooth_basis_of(gram: Tensor, power: float = 1.0) -> Tensor:
    """The same from the Gram matrix (M, M) of the basis functions under the rows, which is their mean over these."""
    size = len(gram)
    rough = gram.new_zeros(size, size)
    for order, share in ((1, TILT), (2, 1.0)):
        if size > order:
            rows = torch.eye(size, dtype=torch.float64).diff(n=order, dim=0)
            rough = rough + share * rows.T @ rows
    scale = float(gram.diagonal().mean())
    # The constant keeps the whole definite where neither rows nor roughness determine it.
    whole = gram + scale * (RIDGE * rough + 1e-9 * torch.eye(size, dtype=torch.float64))
    root = torch.linalg.cholesky(whole, upper=True)
    inverse = torch.linalg.inv(root)
    _, turn = torch.linalg.eigh(inverse.T @ (scale * rough) @ inverse)
    every = inverse @ turn
    # Each direction has size one in the whole; what is not due to the rows is ridge.
    seen = (every * (gram @ every)).sum(0) > UNSEEN
    seen[0] = True
    kept = every[:, seen]
    order = torch.arange(kept.shape[1], dtype=torch.float64)
    return kept * (1 + (order - 1).clamp(min=0)) ** -power
