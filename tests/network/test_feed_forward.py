"""KANFeedForward: the network that it says it is, with its functions to edit, and ordinary torch on every side."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import edgewise as ew
from edgewise import InputError
from edgewise.network import KANFeedForward, as_kan, functions_of, with_functions


@pytest.fixture(params=[False, True], ids=["plain", "gated"])
def block(request: pytest.FixtureRequest) -> KANFeedForward:
    made = KANFeedForward(3, 5, 2, gated=request.param, degree=3, intervals=4, seed=0, dtype=torch.float64)
    with torch.no_grad():  # functions that differ, constants that count
        for p in made.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1), dtype=p.dtype))
    return made


def points(n: int = 40, reach: float = 6.0) -> Tensor:
    return reach * (torch.rand(n, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1)


def test_it_is_what_its_formula_says(block: KANFeedForward) -> None:
    x = points()
    z = x @ block.directions.weight.T + block.directions.bias
    h = torch.stack([block.functions.patch.edge(0, k, z[:, k]) for k in range(5)], 1)
    if block.gate is not None:
        h = h * (x @ block.gate.weight.T + block.gate.bias)
    torch.testing.assert_close(block(x), h @ block.out.weight.T + block.out.bias)
    assert block(x.view(2, 20, 3)).shape == (2, 20, 2)
    torch.testing.assert_close(block(x.view(2, 20, 3)).flatten(0, 1), block(x))
    torch.testing.assert_close(block(x[0]), block(x)[0])


def test_every_edge_written_out_says_the_same(block: KANFeedForward) -> None:
    x = points()
    torch.testing.assert_close(as_kan(block)(x), block(x))
    thinner = copy.deepcopy(block)
    thinner.directions.mask[1, 2] = thinner.out.mask[0, 3] = False
    assert block.n_parameters - thinner.n_parameters == 2
    assert not torch.allclose(thinner(x), block(x))
    net = as_kan(thinner)
    torch.testing.assert_close(net(x), thinner(x))
    assert net.layers[0].kind(2, 1) == "off"
    assert net.layers[-1].kind(3, 0) == "off"


def test_functions_are_edited_as_edges_are(block: KANFeedForward) -> None:
    x = points()
    same = with_functions(block, functions_of(block))
    assert torch.equal(same(x), block(x))
    named = ew.edits.set_symbolic(functions_of(block), (0, 0, 1), "tanh").network
    edited = with_functions(block, named)
    z = x @ block.directions.weight.T + block.directions.bias
    made = functions_of(edited)(z[:, 1:2])[:, 1]
    [row] = edited.functions.patch.affine.detach()
    torch.testing.assert_close(made, row[0] * torch.tanh(row[1] * z[:, 1] + row[2]) + row[3])
    torch.testing.assert_close(as_kan(edited)(x), edited(x))
    assert block.functions.patch.kind(0, 1) == "numeric"


def test_gradients_are_those_of_finite_differences(block: KANFeedForward) -> None:
    x = points(4, 2.0).requires_grad_()
    assert torch.autograd.gradcheck(block, (x,))
    assert torch.autograd.gradgradcheck(lambda t: block(t).sin(), (x,))
    block(x).sum().backward()
    assert all(p.grad is not None for p in block.parameters())


def test_it_goes_where_torch_modules_go(block: KANFeedForward) -> None:
    x = points(8, 2.0)
    again = copy.deepcopy(block)
    with torch.no_grad():
        for p in again.parameters():
            p.zero_()
    again.load_state_dict(block.state_dict())
    assert torch.equal(again(x), block(x))
    space: dict[str, type[nn.Module]] = {}
    exec(ew.exporting.to_torch_source(nn.Sequential(block)), space)
    torch.testing.assert_close(space["Model"]()(x), block(x))
    single = copy.deepcopy(block).float()
    with torch.autocast("cpu", torch.bfloat16):
        half = single(x.float())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), block(x), rtol=0.1, atol=0.1)


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (KANFeedForward(3, 5, 2, gated=True, seed=s)(points().float()) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_wrong_sizes_and_functions_are_refused(block: KANFeedForward) -> None:
    with pytest.raises(InputError, match="'hidden'"):
        KANFeedForward(3, 0, 2)
    with pytest.raises(InputError, match="'gated'"):
        KANFeedForward(3, 4, 2, gated="yes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'degree'"):
        KANFeedForward(3, 4, 2, degree=0)
    with pytest.raises(InputError, match="3 columns"):
        block(torch.zeros(4, 2, dtype=torch.float64))
    for functions in (ew.KAN([1, 5]), ew.KAN([1, 4]), block):
        with pytest.raises(InputError, match=r"KAN of shape \(1, 5\)"):
            with_functions(block, functions)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [functions_of, as_kan, lambda given: with_functions(given, given)])
def test_what_is_no_block_is_refused(call: Any) -> None:
    with pytest.raises(InputError, match=r"'block' .* must be a KANFeedForward"):
        call(torch.nn.Linear(2, 2))
