"""Feed-forward blocks are found by what they compute, whatever classes and functions they are written with."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise.replacing import find_blocks

X = torch.rand(2, 5, 16, generator=torch.Generator().manual_seed(0))


class Turned(nn.Module):
    """An affine map that keeps its matrix the other way, as GPT-2's does."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        flat = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)
        return flat.view(*x.shape[:-1], -1)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(16, 24, bias=False), nn.Linear(16, 24, bias=False)
        self.down = nn.Linear(24, 16, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Fused(nn.Module):
    """Gate and value from one matrix, an activation written out."""

    def __init__(self) -> None:
        super().__init__()
        self.both, self.out = Turned(16, 64), Turned(32, 16)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.both(x).chunk(2, -1)
        return self.out(0.5 * a * (1 + torch.tanh(0.8 * (a + 0.045 * a.pow(3)))) * b)


class Attending(nn.Module):
    """A layer of a transformer, feed-forward part within; `inner` makes that part."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm, self.inner = nn.LayerNorm(16), inner

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.heads(x, x, x, need_weights=False)[0]
        return x + self.inner(self.norm(x))


class Parts(nn.Module):
    """No module is all of the block: code of the layer runs in between, as in BERT."""

    def __init__(self) -> None:
        super().__init__()
        self.widen, self.narrow, self.drop = nn.Linear(16, 32), nn.Linear(32, 16), nn.Dropout(0.1)
        self.norm = nn.LayerNorm(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.drop(self.narrow(F.gelu(self.widen(x)))))


def plain(act: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), act, nn.Dropout(0.1), nn.Linear(32, 16), nn.Dropout(0.1))


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


MODELS: dict[str, tuple[Any, list[tuple[str, bool, tuple[str, ...], int]]]] = {
    "sequential": (lambda: plain(nn.GELU()), [("", True, ("0",), 32)]),
    "in place": (lambda: plain(nn.ReLU(inplace=True)), [("", True, ("0",), 32)]),
    "gated": (lambda: nn.Sequential(Attending(Gated()), Attending(Gated())),
              [(f"{k}.inner", True, (f"{k}.inner.gate", f"{k}.inner.up"), 24) for k in (0, 1)]),
    "fused": (lambda: Attending(Fused()), [("inner", True, ("inner.both",), 32)]),
    "parts": (lambda: nn.Sequential(Parts(), Parts()), [(f"{k}.narrow", False, (f"{k}.widen",), 32) for k in (0, 1)]),
    "torch's own": (encoder, [(f"layers.{k}.linear2", False, (f"layers.{k}.linear1",), 32) for k in (0, 1)]),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("mode", [True, False])
def test_blocks_are_found(name: str, mode: bool) -> None:
    make, expected = MODELS[name]
    model = make().eval()
    found = find_blocks(model, lambda m: m(X) if mode else m(X[:1, :1]))
    assert [(b.name, b.whole, b.first, b.hidden) for b in found] == expected
    assert all((b.inputs, b.outputs, b.calls) == (16, 16, 1) for b in found)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared = plain(nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.shared(x + self.shared(x))


def test_a_block_called_twice_is_one() -> None:
    [block] = find_blocks(Twice().eval(), lambda m: m(X))
    assert (block.name, block.calls) == ("shared", 2)


class Leaking(nn.Module):
    """The hidden numbers are wanted elsewhere too."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.a, self.b, self.c, self.how = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16), how

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.a(x))
        if self.how == "mean":
            return self.b(h) + h.mean()
        if self.how == "residue":
            return self.b(h + x)
        if self.how == "two readers":
            return self.b(h) + self.c(h)
        if self.how == "softmax":
            return self.b(h.softmax(-1))
        if self.how == "two blocks":
            return self.b(h) + self.c(F.relu(self.a(x + 1)))
        if self.how == "no rows":
            return h.sum() + self.c(F.relu(self.b(x[:0]))).sum()
        if self.how == "two inputs":
            return self.b(h * self.c(x + 1))
        return self.b(2 * self.a(x) + 1)


HOWS = ("mean", "residue", "two readers", "softmax", "two blocks", "no rows", "two inputs", "straight")


@pytest.mark.parametrize("how", HOWS)
def test_what_is_no_block_is_left_alone(how: str) -> None:
    assert find_blocks(Leaking(how).eval(), lambda m: m(X)) == ()


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_a_map_of_a_chain_is_in_one_block_only(depth: int) -> None:
    chain = nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear(16, 16), nn.Tanh())))
    found = find_blocks(chain, lambda m: m(X))
    maps = [name for block in found for name in (*block.first, block.last)]
    assert maps == [str(2 * k) for k in range(depth // 2 * 2)]
