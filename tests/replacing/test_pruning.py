"""Edges of blocks turned off and the others refitted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgewise import InputError
from edgewise.network import KAN, KANFeedForward
from edgewise.network.feed_forward import StraightEdges
from edgewise.replacing import prune_blocks, replace_mlp
from edgewise.replacing.functions import EdgeFunctions, resolved_edges, solved
from edgewise.replacing.pruning import thinned
from edgewise.replacing.sampling import BlockSample
from edgewise.replacing.tracing import Block
from tests.replacing.test_replace import rows
from tests.replacing.test_tracing import Gated, plain


@pytest.mark.parametrize("functions", ["node", "edge"])
def test_a_share_of_the_edges_goes_and_little_is_lost(functions: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.LayerNorm(16), plain(nn.GELU())).eval()
    data = rows(12)
    whole = replace_mlp(model, data, parameters=4.0, work=0.1, functions=functions)
    kept = [p.clone() for p in whole.model.parameters()]
    less = prune_blocks(model, whole, data, 0.3, work=0.2)
    for before, after in zip(masks(whole.block(0)), masks(less.block(0)), strict=True):
        gone = 1 - float(after.sum()) / float(before.sum())
        assert 0.25 < gone <= 0.3
    assert less.blocks[0].after < 0.8 * whole.blocks[0].after
    assert whole.agreement is not None
    assert less.agreement is not None
    assert less.agreement > whole.agreement - 0.05
    assert all(torch.equal(a, b) for a, b in zip(kept, whole.model.parameters(), strict=True))
    # Refitting matters: the same edges turned off and left so say less.
    x, y = torch.cat([d.reshape(-1, 16) for d in data]), None
    with torch.no_grad():
        x = model[0](x)
        y = model[1](x)
        bare = thinned(whole.block(0), x, 0.3)
        assert (less.block(0)(x) - y).square().mean() < (bare(x) - y).square().mean()


def test_another_model_of_the_same_shape_is_refused_and_a_copy_is_none() -> None:
    torch.manual_seed(0)
    model, other = (nn.Sequential(plain(nn.GELU())) for _ in range(2))
    result, data = replace_mlp(model, rows(3), work=0.01), rows(3)
    with pytest.raises(InputError, match=r"as it was then.* one with other weights"):
        prune_blocks(other, result, data, work=0.01)
    other.load_state_dict(model.state_dict())
    assert prune_blocks(other.train(), result, data, work=0.01).blocks[0].after < result.blocks[0].after


def masks(net: KAN | KANFeedForward) -> list[torch.Tensor]:
    if isinstance(net, KAN):
        return [layer.mask for layer in net.layers]
    return [part.mask for part in net.modules() if isinstance(part, StraightEdges)]


@pytest.mark.parametrize("functions", ["node", "edge"])
@pytest.mark.parametrize("model", [plain(nn.GELU()), Gated()])
def test_edges_that_move_least_go_first_and_means_stay(model: nn.Module, functions: str) -> None:
    model = nn.Sequential(model)
    net = replace_mlp(model, rows(3), work=0.02, functions=functions).block(0)
    x = rows(1)[0].reshape(-1, 16)
    with torch.no_grad():
        before, after = net(x), thinned(net, x, 0.05)(x)
        torch.testing.assert_close(before.mean(0), after.mean(0), rtol=0.05, atol=0.02)
    assert torch.equal(thinned(net, x, 0.0)(x), net(x))
    with pytest.raises(InputError, match="'share'"):
        prune_blocks(model, replace_mlp(model, rows(1), work=0.02), rows(1), 1.5)


def test_splines_are_solved_for_over_the_edges_that_are_left() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(3000, 4, generator=random)
    y = torch.stack([x[:, 0].sin() + x[:, 1] ** 2, x[:, 2] * x[:, 3], x.sum(1)], 1)
    sample = BlockSample(x, y, torch.ones(6), x[:0])
    block = Block("", True, ("0",), "1", 4, 6, 3, 45)
    net = solved(EdgeFunctions().fresh(block, 6, x, 0), sample, torch.randn(6, 4, generator=random))
    net = thinned(net, x, 0.4)
    layer = net.layers[1]
    dead = layer.mask == 0
    assert dead.any()
    found = resolved_edges(net, sample)
    # The oracle: least squares over the columns of the edges that are left, on the rows that are learned from.
    target = ((y - found.output_shift) / found.output_scale).double()
    root = (1 + target.square().mean(1, keepdim=True)).rsqrt()
    with torch.no_grad():
        columns = layer.basis.values(net.layers[0]((x - net.input_shift) / net.input_scale)).double()
        got = ((found(x) - found.output_shift) / found.output_scale).double()
    for k in range(3):
        own = torch.cat([columns[:, ~dead[:, k]].flatten(1), torch.ones(len(x), 1).double()], 1)
        answer = np.linalg.lstsq(
            (own * root)[300:].numpy(), (target[:, k, None] * root)[300:].numpy(), rcond=None
        )[0]
        best = float(
            ((own @ torch.from_numpy(answer))[:, 0] - target[:, k]).square().mul(root[:, 0] ** 2)[300:].mean()
        )
        error = float((got[:, k] - target[:, k]).square().mul(root[:, 0] ** 2)[300:].mean())
        assert error < 1.02 * best + 1e-6
