"""Which pairs of inputs act together: screened on what an additive network leaves over."""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise.training.bag import Design

# Smooth directions of each input, after the constant, whose products are tried.
DIRECTIONS = 4


def strongest_pairs(design: Design, table: Tensor, rest: Tensor, most: int) -> tuple[tuple[int, int], ...]:
    """The pairs whose products explain most of what is left over, strongest first.

    For every pair the squared correlations of the rest with the products of their smoothest directions are added up. One
    matrix product serves all pairs. A pair counts only if its sum exceeds what chance would give.

    Parameters
    ----------
    design : Design
    table : Tensor, shape (n, P)
        The design of some rows.
    rest : Tensor, shape (n, D)
        Residuals, or negative gradients of the loss, weighted.
    most : int
        How many pairs at most.

    Returns
    -------
    tuple of (int, int)

    References
    ----------
    Y. Lou, R. Caruana, J. Gehrke and G. Hooker, "Accurate intelligible models with pairwise interactions", 2013,
    doi:10.1145/2487575.2487579.
    """
    starts = torch.tensor([0, *(m.shape[1] for m in design.maps)]).cumsum(0)[:-1].tolist()
    widths = [m.shape[1] for m in design.maps]
    columns, owner = list[int](), list[int]()
    for i, (start, width) in enumerate(zip(starts, widths, strict=True)):
        own = range(start + 1, start + min(width, DIRECTIONS + 1))
        columns += own
        owner += [i] * len(own)
    basis = table[:, columns].to(torch.float64)
    basis = basis / basis.std(0).clamp(min=1e-9)
    rest = rest.to(torch.float64)
    rest = (rest - rest.mean(0)) / rest.std(0).clamp(min=1e-12)
    n, d = len(basis), len(design.maps)
    belongs = torch.zeros(len(owner), d, dtype=torch.float64)
    belongs[torch.arange(len(owner)), owner] = 1.0
    total = torch.zeros(d, d, dtype=torch.float64)
    for k in range(rest.shape[1]):
        moment = basis.T @ (basis * rest[:, k : k + 1]) / n
        total += belongs.T @ moment**2 @ belongs
    sizes = belongs.sum(0)
    chance = rest.shape[1] * sizes[:, None] * sizes[None, :] / n
    gain = (total - chance).triu(1)
    order = gain.flatten().argsort(descending=True, stable=True)[:most].tolist()
    return tuple((at // d, at % d) for at in order if float(gain.flatten()[at]) > 0)
