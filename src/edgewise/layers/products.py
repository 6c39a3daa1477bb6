"""Multiplication nodes: each multiplies a group of consecutive sums."""

from __future__ import annotations

import torch
from torch import Tensor


def multiply(sums: Tensor, n_sums: int, arities: tuple[int, ...]) -> Tensor:
    """Node values from node sums: the first `n_sums` pass, then each group of sums is multiplied.

    Parameters
    ----------
    sums : Tensor, shape (..., n_sums + sum(arities))
    n_sums : int
        Number of plain sum nodes.
    arities : tuple of int
        Number of factors of each multiplication node.

    Returns
    -------
    Tensor, shape (..., n_sums + len(arities))

    Examples
    --------
    >>> multiply(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 1, (2, 3))
    tensor([  1.,   6., 120.])
    """
    if not arities:
        return sums
    groups = torch.split(sums[..., n_sums:], list(arities), -1)
    return torch.cat([sums[..., :n_sums], torch.stack([group.prod(-1) for group in groups], -1)], -1)


def pull_back(grad: Tensor, sums: Tensor, n_sums: int, arities: tuple[int, ...]) -> Tensor:
    """Gradient at the sums from the gradient at the nodes: grad (B, D, nodes), sums (B, Z) -> (B, D, Z).

    The product of the other factors is formed by leaving one out, so that a zero factor costs no division.
    """
    if not arities:
        return grad
    parts, start = [grad[..., :n_sums]], n_sums
    for k, arity in enumerate(arities):
        group = sums[:, start : start + arity]
        others = [torch.cat([group[:, :j], group[:, j + 1 :]], 1).prod(1) for j in range(arity)]
        parts.append(grad[..., n_sums + k, None] * torch.stack(others, 1)[:, None, :])
        start += arity
    return torch.cat(parts, -1)
