"""Convex quadratic programs, by an interior point: small enough to read, exact enough to build on."""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.training.common.costs import ELIMINATION, solve_cost

# Steps, the share of a step to the boundary that is taken, and when the residuals and the gap count as nothing.
ROUNDS, TO_THE_WALL, SMALL = 60, 0.99, 1e-10


def solve_qp(H: Tensor, g: Tensor, A: Tensor, b: Tensor) -> Tensor:
    """The z with A z >= b that makes z^T H z / 2 - g^T z least: Mehrotra's predictor-corrector method.

    Parameters
    ----------
    H : Tensor, shape (P, P)
        Symmetric, positive definite.
    g : Tensor, shape (P,)
    A : Tensor, shape (m, P)
    b : Tensor, shape (m,)
        There must be a z with A z > b.

    Returns
    -------
    Tensor, shape (P,)

    References
    ----------
    S. Mehrotra, "On the implementation of a primal-dual interior point method", 1992, doi:10.1137/0802028. J. Nocedal and
    S. Wright, "Numerical Optimization", 2006, section 16.6.

    Examples
    --------
    >>> eye = torch.eye(2, dtype=torch.float64)
    >>> z = solve_qp(eye, torch.tensor([-1.0, 2.0]).double(), eye, torch.zeros(2).double())
    >>> [round(v, 6) + 0.0 for v in z.tolist()]
    [0.0, 2.0]
    """
    z = torch.linalg.solve(H, g)
    if not len(b):
        return z
    slack = A @ z - b
    size = max(float(H.diagonal().mean()), 1e-300)
    s = slack.clamp(min=max(float(slack.abs().mean()), 1e-6))
    dual = torch.full_like(s, max(float((H @ z - g).abs().mean()), 1e-8 * size))
    scale_g, scale_b = 1 + float(g.abs().max()), 1 + float(b.abs().max())
    for _ in range(ROUNDS):
        miss = H @ z - g - A.T @ dual
        short = A @ z - s - b
        gap = float(s @ dual) / len(s)
        done = (float(miss.abs().max()) / scale_g, float(short.abs().max()) / scale_b, gap / scale_g)
        if max(done) < SMALL:
            break
        weight = dual / s
        charge(solve_cost(len(g)) + ELIMINATION * A.numel() * len(g))
        root, ill = torch.linalg.cholesky_ex(H + A.T @ (A * weight[:, None]))
        if int(ill):
            break

        dz, ds, dd = _step(A, root, s, dual, miss, short, -s * dual)
        far, near = _share(s, ds, 1.0), _share(dual, dd, 1.0)
        after = float((s + far * ds) @ (dual + near * dd)) / len(s)
        centre = (after / max(gap, 1e-300)) ** 3 * gap
        dz, ds, dd = _step(A, root, s, dual, miss, short, centre - s * dual - ds * dd)
        share = min(_share(s, ds, TO_THE_WALL), _share(dual, dd, TO_THE_WALL))
        z, s, dual = z + share * dz, s + share * ds, dual + share * dd
    return z


def _step(
    A: Tensor, root: Tensor, s: Tensor, dual: Tensor, miss: Tensor, short: Tensor, aim: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Changes of z, s and dual that close the residuals, and bring s * dual nearer by `aim`."""
    pull = -miss + A.T @ ((aim - dual * short) / s)
    dz = torch.cholesky_solve(pull[:, None], root)[:, 0]
    ds = A @ dz + short
    return dz, ds, (aim - dual * ds) / s


def _share(value: Tensor, change: Tensor, most: float) -> float:
    """How much of a change keeps a positive vector positive."""
    ratio = torch.where(change < 0, -value / change, torch.inf)
    return min(1.0, most * float(ratio.min()))
