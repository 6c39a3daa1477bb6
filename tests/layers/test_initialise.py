"""Initial functions keep the spread of the nodes from layer to layer."""

from __future__ import annotations

import pytest
import torch

from edgewise.layers import KANLinear
from edgewise.network import KAN
from edgewise.splines import BASES

SPREAD = (1 / 3) ** 0.5  # of an input that is uniform on [-1, 1]


def mean_spread(values: torch.Tensor) -> float:
    """Root mean square over the nodes of their standard deviations."""
    return float(values.var(0).mean().sqrt())


@pytest.mark.parametrize("base", [None, "silu"])
@pytest.mark.parametrize("width", [2, 5, 20, 70, 200])
def test_the_spread_of_nodes_is_kept_through_the_layers(width: int, base: str | None) -> None:
    """Within a factor of two, averaged over the draws of a seed: a single narrow layer is a matter of luck."""
    seeds = 1 if width >= 70 else 4 if width >= 20 else 20
    found = []
    for seed in range(seeds):
        net = KAN([width] * 5, intervals=5, base=base, seed=seed, dtype=torch.float64)
        random = torch.Generator().manual_seed(seed)
        x = torch.rand(300, width, generator=random, dtype=torch.float64) * 2 - 1
        with torch.no_grad():
            found.append([mean_spread(h) for h in net.activations(x)[1:]])
    ratios = torch.tensor(found, dtype=torch.float64).square().mean(0).sqrt() / SPREAD
    assert ((ratios > 0.5) & (ratios < 2.0)).all(), ratios


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("base", [None, "silu"])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (2.0, 2.5), (-40.0, 10.0)])
def test_every_basis_and_range_starts_with_the_spread_of_its_inputs(
    basis: str, base: str | None, low: float, high: float
) -> None:
    layer = KANLinear(64, 64, basis=basis, base=base, grid=(low, high), seed=0, dtype=torch.float64)
    x = low + (high - low) * torch.rand(
        500, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    with torch.no_grad():
        ratio = mean_spread(layer(x)) / float(x.std())
    assert 0.6 < ratio < 1.6


@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize("intervals", [1, 3, 50])
def test_every_degree_and_fineness(degree: int, intervals: int) -> None:
    layer = KANLinear(64, 64, degree=degree, intervals=intervals, seed=0, dtype=torch.float64)
    if layer.size == 1:
        return  # a single step: constants cannot spread
    x = 2 * torch.rand(500, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 1
    with torch.no_grad():
        ratio = mean_spread(layer(x)) / SPREAD
    assert 0.6 < ratio < 1.6
    assert not torch.allclose(layer.coef[0, :, 0], layer.coef[0, :, 1])
