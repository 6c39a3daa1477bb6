"""How a new block learns what a trained one does: steps of training, with least squares in between."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgewise._core.seeds import derive, generator
from edgewise.network import KAN, KANFeedForward
from edgewise.replacing import edge_functions, node_functions
from edgewise.replacing.edge_functions import EdgeFunctions
from edgewise.replacing.least_squares import ROWS, left_out, not_flat, spread
from edgewise.replacing.node_functions import NodeFunctions
from edgewise.replacing.sampling import BlockSample
from edgewise.training.modules.descent import FLOP, Descent, Recipe

# Rows of a step; steps between two times that the block is solved for anew in a training.
BATCH, EVERY = 512, 100
POLISH = Recipe(rate=2e-3, decay=0.0, warmup=0.05)

Functions = EdgeFunctions | NodeFunctions
Network = KAN | KANFeedForward


def resolved(net: Network, sample: BlockSample) -> Network:
    """The block (changed in place) with the best edges to its outputs, given its directions, by least squares."""
    if isinstance(net, KAN):
        return edge_functions.resolved(net, sample)
    return node_functions.resolved(net, sample)


def polished(
    net: Network,
    learn: BlockSample,
    steps: int,
    seed: int | None,
    recipe: Recipe = POLISH,
) -> None:
    """Change a block by steps on rows of a sample, solved for anew after every so many."""
    rounds = 0 if steps < 1 else max(1, steps // EVERY)
    for k in range(rounds):
        _descend(net, learn, (k + 1) * steps // rounds - k * steps // rounds, derive(seed, k), recipe)
        # With edges turned off every output has columns of its own, and solving takes so long that it is done once.
        if k + 1 == rounds or bool(last_mask(net).all()):
            resolved(net, learn)


def last_mask(net: Network) -> Tensor:
    """Which of the edges to the outputs are alive."""
    return net.out.mask if isinstance(net, KANFeedForward) else net.layers[-1].mask


def _descend(net: Network, learn: BlockSample, steps: int, seed: int | None, recipe: Recipe) -> None:
    """Steps on a block; large errors count by their size, not its square."""
    run, random, first = Descent(net, steps, recipe), generator(seed), left_out(learn.x)
    cost, scale = FLOP * 3 * BATCH * net.n_parameters, not_flat(spread(learn.y))
    try:
        while run.done < run.steps:
            rows = torch.randint(first, len(learn.x), (BATCH,), generator=random).to(learn.x.device)
            run.step(lambda rows=rows: _loss(net, learn.x[rows], learn.y[rows], scale), cost)
    finally:
        run.finish()


def _loss(net: nn.Module, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    return nn.functional.huber_loss(net(x) / scale, y / scale)


def unexplained(net: nn.Module, sample: BlockSample) -> float:
    """Share of the spread of what a block gives that a network does not give, large errors counted as in training."""
    scale = not_flat(spread(sample.y))
    with torch.no_grad():
        found = torch.cat([net(part) for part in sample.x.split(ROWS)])
        error = nn.functional.huber_loss(found / scale, sample.y / scale)
        whole = nn.functional.huber_loss(sample.y.mean(0).expand_as(found) / scale, sample.y / scale)
    return float(error / whole)
