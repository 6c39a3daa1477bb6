"""Networks whose edges are spline fits of known functions: no training, so the symbolic room is tested by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from edgewise.network import KAN, scale_to_data, set_edge
from edgewise.splines import fit_coefficients

Curve = Callable[[np.ndarray], np.ndarray]


def spline_network(
    inner: Sequence[Curve],
    X: np.ndarray,
    outer: Curve | None = None,
    *,
    intervals: int = 10,
    noise: float = 0.0,
) -> KAN:
    """y = sum of inner functions, or outer of that sum, as a [d, 1] or [d, 1, 1] network."""
    table = torch.from_numpy(X)
    width = X.shape[1]
    generator = torch.Generator().manual_seed(0)
    z = sum(torch.from_numpy(function(X[:, at])) for at, function in enumerate(inner))
    assert isinstance(z, torch.Tensor)
    middle, half = (z.max() + z.min()) / 2, (z.max() - z.min()) / 2
    if outer is None:
        middle, half = torch.zeros(()), torch.ones(())
    net = KAN(
        [width, 1] if outer is None else [width, 1, 1], intervals=intervals, seed=0, dtype=torch.float64
    )
    net = scale_to_data(net, table).network

    def fitted(net: KAN, edge: tuple[int, int, int], values: torch.Tensor) -> KAN:
        h = net.activations(table)[edge[0]]
        target = values[:, None].expand(-1, h.shape[1]).contiguous()
        coef = fit_coefficients(net.layers[edge[0]].basis, h, target)[edge[1]]
        coef = coef * (1 + noise * torch.randn(coef.shape, generator=generator, dtype=torch.float64))
        return set_edge(net, edge, coef).network

    for at, function in enumerate(inner):
        net = fitted(net, (0, at, 0), (torch.from_numpy(function(X[:, at])) - middle / width) / half)
    with torch.no_grad():
        for layer in net.layers:
            assert layer.bias is not None
            layer.bias.zero_()
    if outer is not None:
        net = fitted(net, (1, 0, 0), torch.from_numpy(outer(z.numpy())))
    return net
