"""Networks of every kind that a program may be made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch

from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.splines import BASES


def everywhere(net: KAN, rows: int = 60, seed: int = 0):
    """Rows inside the grids, at their breaks and ends, and far beyond."""
    rng = np.random.default_rng(seed)
    low, high = net.input_range().double().numpy().T
    inside = rng.uniform(low, high, (rows, len(low)))
    far = low + (high - low) * rng.uniform(-3.0, 4.0, (rows, len(low)))
    breaks = net.layers[0].grid.double().numpy().T * net.input_scale.double().numpy()
    return np.concatenate([inside, far, breaks + net.input_shift.double().numpy(), [low, high]])


def uneven(net: KAN, seed: int = 0) -> KAN:
    """The network on grids whose intervals differ in width up to a hundredfold; changed in place."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in net.layers:
            if layer.basis_name in ("bspline", "rbf"):
                steps = np.exp(rng.uniform(0, np.log(100), (layer.grid.shape[0], layer.grid.shape[1] - 1)))
                grid = np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)
                grid = 2 * grid / grid[:, -1:] - 1 + rng.uniform(-0.2, 0.2, (len(grid), 1))
            else:
                grid = np.array([[-1.0, 1.0]]) * rng.uniform(0.5, 1.5, (layer.grid.shape[0], 1)) + 0.1
            layer.grid.copy_(torch.from_numpy(grid))
            layer._refresh()
    return net


def scaled(net: KAN, seed: int = 0) -> KAN:
    """The network with biases, scalings and shifts that are not trivial; changed in place."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in net.layers:
            if layer.bias is not None:
                layer.bias.copy_(torch.randn(layer.out_features, generator=random))
        for name in ("input_shift", "output_shift"):
            getattr(net, name).copy_(torch.randn(getattr(net, name).shape, generator=random) * 100)
        for name in ("input_scale", "output_scale"):
            getattr(net, name).copy_(torch.rand(getattr(net, name).shape, generator=random) * 30 + 0.01)
    return net


def bag(members: int = 4, hidden: int = 3, inputs: int = 5) -> KAN:
    """Deep networks side by side as one: the second layer joins nodes of the same member only."""
    net = KAN([inputs, members * hidden, members * hidden, 1], seed=3, intervals=4, dtype=torch.float64)
    with torch.no_grad():
        block = torch.block_diag(*[torch.ones(hidden, hidden)] * members).bool()
        net.layers[1].set_mask(block)
        net.layers[0].mask[1, :hidden] = False
        net.layers[0].set_mask(net.layers[0].mask.clone())
    return scaled(net)


def _of(shape, **options) -> KAN:
    return scaled(uneven(KAN(shape, dtype=torch.float64, **options)))


def _symbolic() -> KAN:
    net = _of([3, Nodes(2, (2,)), 2], seed=5, intervals=4)
    for edge, form in (
        ((0, 0, 0), "tanh"),
        ((0, 1, 2), "x*exp(-x^2)"),
        ((0, 2, 2), "sin"),
        ((0, 2, 0), "sin"),
        ((1, 0, 0), "gaussian"),
        ((1, 1, 0), "gaussian"),
    ):
        net = set_symbolic(net, edge, form, (0.7, 0.01, 0.3, -0.2)).network
    return mask_edges(net, [(0, 2, 0), (1, 2, 1), (0, 0, 1)]).network


ZOO: dict[str, Callable[[], KAN]] = {
    **{f"bspline {k}": (lambda k=k: _of([3, 4, 2], degree=k, intervals=6, seed=k)) for k in range(6)},
    **{
        f"{name} {base or ''}".strip(): (
            lambda name=name, base=base: _of([2, Nodes(2, (2, 3)), 2], basis=name, base=base, seed=1)
        )
        for name, base in itertools.product(BASES, (None, "silu"))
    },
    "one interval": lambda: _of([2, 1], intervals=1, seed=2),
    "one step": lambda: _of([2, 2], intervals=1, degree=0, seed=2),
    "fine": lambda: _of([1, 1], intervals=200, seed=2),
    "no bias": lambda: _of([2, 3, 1], bias=False, seed=4),
    "products only": lambda: _of([3, Nodes(0, (2, 2)), Nodes(0, (3,))], seed=6),
    "symbolic": _symbolic,
    "bag": bag,
    "no edges": lambda: mask_edges(_of([2, 1], seed=1), [(0, 0, 0), (0, 1, 0)]).network,
    "pairs": lambda: (
        mask_edges(
            _of([6, 15, 2], seed=9),
            [
                (0, i, o)
                for o, pair in enumerate(itertools.combinations(range(6), 2))
                for i in range(6)
                if i not in pair
            ],
        ).network
    ),
    "half masked": lambda: (
        mask_edges(
            _of([4, 5, 2], seed=9), [(0, i, o) for i in range(4) for o in range(5) if (i * o) % 3 == 1]
        ).network
    ),
}
