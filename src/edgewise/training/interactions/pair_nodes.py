"""Functions of pairs as nodes of a network: a product of two functions is a difference of two squares of their sums.

    u(x) v(y) = ((u(x) + v(y))^2 - (u(x) - v(y))^2) / 4

A function of a pair is a few such products, by the singular value decomposition of its coefficients; the squares are exact
splines of the hidden layer.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise.splines import BSpline, uniform_grid
from edgewise.training.additive.design import DEGREE, Design
from edgewise.training.bag.hidden_layers import REACH
from edgewise.training.interactions.pair_functions import PairFunctions

# Variance of a function, in network units, that may be left out together with its smallest products.
NEGLIGIBLE = 1e-6


def pair_nodes(
    functions: PairFunctions, design: Design, size: Tensor, negligible: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Nodes that square what they read, and how they are added up.

    Parameters
    ----------
    functions : PairFunctions
    design : Design
    size : Tensor, shape (P,)
        Root mean square of each column of the design on the rows.
    negligible : float
        Variance of a function that may be left out, where it is more than next to nothing.

    Returns
    -------
    Tensor, shape (P, nodes)
        Smooth coordinates of the first layer; sums stay within the grid of the hidden layer wherever inputs do.
    Tensor, shape (nodes, D)
        Weights of the squares.
    """
    widths = [turn.shape[1] for turn in design.maps]
    starts = torch.tensor([0, *widths]).cumsum(0).tolist()
    reads, weights = list[Tensor](), list[Tensor]()
    for (i, j), (places, theta) in functions.products.items():
        for k in range(theta.shape[1]):
            table = torch.zeros(widths[i], widths[j], dtype=torch.float64)
            table[places[:, 0] - starts[i], places[:, 1] - starts[j]] = theta[:, k]
            own, other = (size[starts[at] : starts[at + 1]].clamp(min=1e-12) for at in (i, j))
            left, values, right = torch.linalg.svd(own[:, None] * table * other, full_matrices=False)
            tail = values.square().flip(0).cumsum(0).flip(0)
            for r in range(int((tail > max(negligible, NEGLIGIBLE)).sum())):
                u, v = left[:, r] / own, right[r] / other
                # No spline exceeds its coefficients.
                most = [
                    float((turn @ part).abs().max())
                    for turn, part in ((design.maps[i], u), (design.maps[j], v))
                ]
                scale = values[r] * most[0] * most[1] / REACH**2
                for sign in (1.0, -1.0):
                    read = torch.zeros(starts[-1], dtype=torch.float64)
                    read[starts[i] : starts[i + 1]] = u * REACH / (2 * most[0])
                    read[starts[j] : starts[j + 1]] = sign * v * REACH / (2 * most[1])
                    weight = torch.zeros(theta.shape[1], dtype=torch.float64)
                    weight[k] = sign * scale
                    reads.append(read)
                    weights.append(weight)
    if not reads:
        empty = torch.zeros(starts[-1], 0, dtype=torch.float64)
        return empty, torch.zeros(0, len(functions.bias), dtype=torch.float64)
    return torch.stack(reads, 1), torch.stack(weights)


def square(intervals: int) -> Tensor:
    """Coefficients of x^2 on the grid of a hidden node, (M,)."""
    basis = BSpline(uniform_grid(-REACH, REACH, intervals), DEGREE)
    x = torch.linspace(-REACH, REACH, 4 * (intervals + DEGREE), dtype=torch.float64)
    values = basis.values(x[:, None])[:, 0].to(torch.float64)
    return torch.linalg.lstsq(values, (x**2)[:, None], driver="gelsd").solution[:, 0]
