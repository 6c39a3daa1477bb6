"""A run of steps goes on from its state to the same bits, in whatever order a module has its parameters."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from edgewise.training.modules.descent import Descent, Recipe


class VectorFirst(nn.Module):
    """A vector before the matrices, a matrix between vectors, and a parameter that nothing moves."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.zeros(3))
        self.idle = nn.Parameter(torch.ones(2, 2))
        self.first, self.norm, self.last = nn.Linear(4, 50), nn.LayerNorm(50), nn.Linear(50, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(self.first(x))) + self.constant


@pytest.mark.parametrize("done", [0, 1, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])  # by the native step and by torch's
def test_a_run_goes_on_to_the_same_bits(done: int, dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(20, 4, generator=random).to(dtype)
    whole = VectorFirst().to(dtype)
    part = copy.deepcopy(whole)

    def run(module: nn.Module, descent: Descent, steps: int) -> None:
        for _ in range(steps):
            descent.step(lambda: (module(x) - x[:, :3]).square().mean(), 0.0)

    straight, first = (Descent(item, 12, Recipe(0.05)) for item in (whole, part))
    run(whole, straight, 12)
    run(part, first, done)
    again = copy.deepcopy(part)
    second = Descent(again, 12, Recipe(0.05))
    second.restore(first.state())
    run(again, second, 12 - done)
    for module, descent in ((whole, straight), (again, second)):
        descent.finish()
        assert descent.done == 12, module
    for ours, theirs in zip(again.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)
