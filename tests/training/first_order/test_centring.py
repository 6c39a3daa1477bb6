"""The centred view: means of what reaches each layer, and fits that are better for it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgewise.network import KAN, mask_edges
from edgewise.training.common.losses import make_loss
from edgewise.training.common.rows import TrainingRows
from edgewise.training.first_order.centring import Centring
from edgewise.training.first_order.epoch_optimizers import AdamW, FirstOrderOptions, groups


def rows(count: int = 300) -> TrainingRows:
    """Columns that are mostly one value, like the pixels of a picture."""
    random = np.random.default_rng(0)
    x = np.where(random.uniform(size=(count, 40)) < 0.8, -1.0, random.uniform(-1, 1, (count, 40)))
    y = np.sin(x[:, :5].sum(1)) + x[:, 5] * x[:, 6]
    as_tensor = torch.from_numpy
    return TrainingRows(
        as_tensor(x), as_tensor(y)[:, None], torch.full((count,), 1 / count, dtype=torch.float64)
    )


@pytest.mark.parametrize("base", [None, "silu"])
def test_offsets_are_the_means_of_the_sums(base: str | None) -> None:
    net, data = KAN([40, 6, 1], base=base, seed=0, dtype=torch.float64), rows()
    found = Centring(net, data, seed=0).look()
    nodes = data.X
    with torch.no_grad():
        for layer in net.layers:
            offset = sum(quadratic.offset() for quadratic in found if quadratic.bias is layer.bias)
            wanted = layer(nodes).mean(0) - layer.bias
            assert torch.allclose(torch.as_tensor(offset), wanted, rtol=1e-10, atol=1e-12)
            nodes = layer(nodes)


def test_layers_that_have_no_bias_or_lack_edges_are_left_alone() -> None:
    whole = KAN([40, 3, 1], seed=0)
    data = TrainingRows(rows().X.float(), rows().y.float(), rows().weight)
    thin = mask_edges(whole, [(0, 1, 2)]).network
    assert [quadratic.weights is thin.layers[1].coef for quadratic in Centring(thin, data, 0).look()] == [
        True
    ]
    assert Centring(KAN([40, 3, 1], bias=False, seed=0), data, 0).look() == []


def test_columns_of_mostly_one_value_are_learned_faster() -> None:
    losses: list[float] = []
    for centred in (False, True):
        net, data, loss = KAN([40, 8, 1], seed=0, dtype=torch.float64), rows(), make_loss("squared")
        options = FirstOrderOptions(batch=32, steps=15)
        view = Centring(net, data, 0) if centred else None
        optimizer = AdamW(net, groups(net, options), data, loss, options, view)
        losses.append([optimizer.epoch(k, 1.0) for k in range(15)][-1])
    assert losses[1] < 0.7 * losses[0]
