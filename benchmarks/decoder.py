"""The decoder of the PyPI package glassllm, whose weights are for NumPy code, as a plain torch module.

Four blocks: RMSNorm, rotary positions, grouped-query attention, SwiGLU. For benchmarks, never a dependency.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def folder() -> Path | None:
    """Where the weights lie; None, said aloud, where the package is not installed."""
    found = importlib.util.find_spec("glassllm")
    if found is None or found.origin is None:
        print("skipped: glassllm is not installed")
        return None
    return Path(found.origin).parent / "weights"


class Rotary(nn.Module):
    """Causal attention with rotary positions over pairs of neighbouring numbers (J. Su et al., arXiv:2104.09864)."""

    def __init__(self, d: int, heads: int, kv_heads: int, base: float) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.width, self.base = heads, kv_heads, d // heads, base
        self.q = nn.Linear(d, heads * self.width, bias=False)
        self.k = nn.Linear(d, kv_heads * self.width, bias=False)
        self.v = nn.Linear(d, kv_heads * self.width, bias=False)
        self.out = nn.Linear(heads * self.width, d, bias=False)

    def forward(self, x: Tensor, past: list[Tensor] | None = None) -> Tensor:
        """Of words that come after those whose keys and values `past` holds; it is made longer."""
        n, length, _ = x.shape
        start = past[0].shape[2] if past else 0
        q = self._turned(self.q(x).view(n, length, self.heads, self.width).transpose(1, 2), start)
        k = self._turned(self.k(x).view(n, length, self.kv_heads, self.width).transpose(1, 2), start)
        v = self.v(x).view(n, length, self.kv_heads, self.width).transpose(1, 2)
        if past is not None:
            past[:] = [torch.cat(pair, 2) for pair in zip(past, (k, v), strict=True)] if past else [k, v]
            k, v = past
        times = self.heads // self.kv_heads
        k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        return self.out(mixed.transpose(1, 2).reshape(n, length, -1))

    def _turned(self, x: Tensor, start: int) -> Tensor:
        half = torch.arange(self.width // 2, dtype=x.dtype)
        places = torch.arange(start, start + x.shape[2], dtype=x.dtype)
        angle = places[:, None] * self.base ** (-2 * half / self.width)
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack(
            [a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1
        ).flatten(-2)


class SwiGLU(nn.Module):
    """A gated feed-forward block (N. Shazeer, 2020, arXiv:2002.05202)."""

    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(d, hidden, bias=False)
        self.up = nn.Linear(d, hidden, bias=False)
        self.down = nn.Linear(hidden, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class DecoderBlock(nn.Module):
    """Attention, then a feed-forward block, each after its norm and added."""

    def __init__(self, d: int, attention: nn.Module, feed_forward: nn.Module, eps: float) -> None:
        super().__init__()
        self.before, self.attention = nn.RMSNorm(d, eps), attention
        self.between, self.feed_forward = nn.RMSNorm(d, eps), feed_forward

    def forward(self, x: Tensor, past: list[Tensor] | None = None) -> Tensor:
        x = x + self.attention(self.before(x), past)
        return x + self.feed_forward(self.between(x))


class Decoder(nn.Module):
    """Logits (N, length, words) of the words that come next; the embedding also gives the logits."""

    def __init__(self, words: int, d: int, blocks: list[nn.Module], eps: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, d)
        self.blocks, self.last = nn.Sequential(*blocks), nn.RMSNorm(d, eps)

    def forward(self, words: Tensor) -> Tensor:
        return F.linear(self.last(self.blocks(self.embedding(words))), self.embedding.weight)

    @torch.no_grad()
    def sample(self, first: Tensor, length: int, random: torch.Generator) -> Tensor:
        """Texts (N, length) that go on from first words (N, 1), drawn word by word."""
        words, pasts = first, [list[Tensor]() for _ in self.blocks]
        while words.shape[1] < length:
            x = self.embedding(words[:, -1:])
            for block, past in zip(self.blocks, pasts, strict=True):
                x = block.forward(x, past)
            chances = F.linear(self.last(x[:, 0]), self.embedding.weight).softmax(1)
            words = torch.cat([words, torch.multinomial(chances, 1, generator=random)], 1)
        return words


def load(language: str = "en") -> tuple[Decoder, Any, int] | None:
    """A decoder, its tokenizer, and the longest text it reads."""
    place = folder()
    if place is None:
        return None
    from glassllm.tokenizer import Tokenizer

    held = np.load(place / f"{language}.npz")
    config = json.loads(str(held["__config__"]))
    d, eps = config["d_model"], config["eps"]
    hidden = held["blocks.0.ffn.W1"].shape[1]
    blocks = list[nn.Module](
        DecoderBlock(
            d, Rotary(d, config["n_heads"], config["n_kv_heads"], config["rope_base"]), SwiGLU(d, hidden), eps
        )
        for _ in range(config["n_layers"])
    )
    model = Decoder(config["vocab_size"], d, blocks, eps)
    names = {
        "attention.q": "attn.W_Q", "attention.k": "attn.W_K", "attention.v": "attn.W_V", "attention.out": "attn.W_O",
        "feed_forward.gate": "ffn.W1", "feed_forward.up": "ffn.W3", "feed_forward.down": "ffn.W2",
    }  # fmt: skip
    state = {"embedding.weight": held["E"], "last.weight": held["norm_f.gamma"]}
    for k in range(len(blocks)):
        state[f"blocks.{k}.before.weight"] = held[f"blocks.{k}.norm1.gamma"]
        state[f"blocks.{k}.between.weight"] = held[f"blocks.{k}.norm2.gamma"]
        for ours, theirs in names.items():
            state[f"blocks.{k}.{ours}.weight"] = held[f"blocks.{k}.{theirs}"].T
    model.load_state_dict({name: torch.from_numpy(a.astype(np.float32)) for name, a in state.items()})
    return model.eval(), Tokenizer.load(place / f"{language}.tokenizer.json"), config["max_len"]
