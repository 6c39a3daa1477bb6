"""Edges of blocks turned off and the others refitted."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgewise import InputError
from edgewise.replacing import prune_blocks, replace_mlp
from edgewise.replacing.pruning import thinned
from tests.replacing.test_replace import rows
from tests.replacing.test_tracing import plain


def test_a_share_of_the_edges_goes_and_little_is_lost() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.LayerNorm(16), plain(nn.GELU())).eval()
    data = rows(12)
    whole = replace_mlp(model, data, parameters=4.0, work=0.1)
    kept = [p.clone() for p in whole.model.parameters()]
    less = prune_blocks(model, whole, data, 0.3, work=0.2)
    for before, after in zip(whole.network(0).layers, less.network(0).layers, strict=True):
        gone = 1 - float(after.mask.sum()) / float(before.mask.sum())
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
        bare = thinned(whole.network(0), x, 0.3)
        assert (less.network(0)(x) - y).square().mean() < (bare(x) - y).square().mean()


def test_edges_that_move_least_go_first_and_means_stay() -> None:
    model = nn.Sequential(plain(nn.GELU()))
    net = replace_mlp(model, rows(3), work=0.02).network(0)
    x = rows(1)[0].reshape(-1, 16)
    with torch.no_grad():
        before, after = net(x), thinned(net, x, 0.05)(x)
        torch.testing.assert_close(before.mean(0), after.mean(0), rtol=0.05, atol=0.02)
    assert torch.equal(thinned(net, x, 0.0)(x), net(x))
    with pytest.raises(InputError, match="'share'"):
        prune_blocks(model, replace_mlp(model, rows(1), work=0.02), rows(1), 1.5)
