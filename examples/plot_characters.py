"""
Inside a transformer
====================

The feed-forward blocks of a language model, replaced by functions that can be looked at, one by one.

A transformer mixes words by attention and works on each by a feed-forward block. The block is where
most of its numbers are, and it is a black box. `replace_mlp` learns from the block at work and puts a
network of functions in its place; the rest of the model stays as it is.
"""

from pydoc_data.topics import topics

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional as F

import edgewise as ew
from edgewise.replacing import prune_blocks

# %%
# A model of characters
# ---------------------
# The text is Python's own manual, as ``help()`` shows it. The model has two blocks and is plain torch;
# nothing in it knows of edgewise.

text = "\n".join(topics[name] for name in sorted(topics))[:300_000]
letters = sorted(set(text))
codes = torch.tensor([letters.index(c) for c in text])
learn, judge = codes[:270_000], codes[270_000:]
width, length = 32, 48


class Block(nn.Module):
    """Attention to what came before, then a feed-forward block."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x):
        q, k, v = (
            self.mix(self.first(x)).unflatten(-1, (3, 4, -1)).permute(2, 0, 3, 1, 4)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.second(x))


class Model(nn.Module):
    """Chances of the next character, as logits."""

    def __init__(self):
        super().__init__()
        self.letters = nn.Embedding(len(letters), width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = nn.Sequential(Block(), Block())
        self.last = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, len(letters))
        )

    def forward(self, rows):
        return self.last(
            self.blocks(self.letters(rows) + self.places[: rows.shape[1]])
        )


def batches(codes, count, seed):
    """Rows of text from places drawn at random."""
    random = torch.Generator().manual_seed(seed)
    for _ in range(count):
        starts = torch.randint(len(codes) - length - 1, (32,), generator=random)
        yield codes[starts[:, None] + torch.arange(length + 1)]


def nats(model):
    """Loss in nats a character, on text that was not learned from."""
    with torch.no_grad():
        parts = [
            F.cross_entropy(
                model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten()
            )
            for rows in batches(judge, 20, seed=1)
        ]
    return float(torch.stack(parts).mean())


torch.manual_seed(0)
model = Model()
optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=350)
for rows in batches(learn, 350, seed=0):
    loss = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()
print(
    f"{nats(model):.3f} nats a character; any letter as likely: {np.log(len(letters)):.3f}"
)

# %%
# Its blocks as functions
# -----------------------
# The blocks are found by watching the model at work, and each is distilled: what it takes and gives on
# some text is learned by a network of as many numbers. Two controls tell whether that means anything:
# functions that have learned nothing, and what is lost when three edges in ten are turned off.

data = [rows[:, :-1] for rows in batches(learn, 30, seed=2)]
fresh = ew.replace_mlp(model, data, start="fresh")
result = ew.replace_mlp(model, data, score=nats, work=0.3)
print(result.message)
pruned = prune_blocks(model, result, data, share=0.3, work=0.3)

losses = {
    "the model": nats(model),
    "blocks distilled": nats(result.model),
    "and 30 % pruned": nats(pruned.model),
    "blocks fresh": nats(fresh.model),
}
figure = Figure(figsize=(6, 2.4), layout="constrained")
axes = figure.subplots()
bars = axes.barh(
    list(losses),
    list(losses.values()),
    color=["#777", "#2a6f97", "#61a5c2", "#c9c9c9"],
)
axes.bar_label(bars, fmt="%.3f", padding=3)
axes.invert_yaxis()
axes.set_xlabel("nats a character on new text")
axes.set_xlim(0, 1.15 * max(losses.values()))
axes.spines[["top", "right"]].set_visible(False)
figure

# %%
# What a block does
# -----------------
# A hidden node is a direction among the 32 numbers that come in, and has one function, which all outputs
# share; so a block is read curve by curve. These move the output most, and each began as the model's GELU.


def seen(model, rows):
    """What the first block's feed-forward part takes."""
    block = model.blocks[0]
    found = []
    hook = block.second.register_forward_hook(
        lambda m, given, made: found.append(made)
    )
    with torch.no_grad():
        model(rows)
    hook.remove()
    return found[0].flatten(0, 1)


block = result.block(0)
taken = torch.cat([seen(model, rows) for rows in data[:20]])
with torch.no_grad():
    z, h = block.directions(taken), block.nodes(taken)
    moved = h.std(0) * block.out.weight.norm(dim=0)
functions = ew.network.functions_of(block)
print(functions.shape, "functions")
ew.plots.plot_edges(functions, scores=[moved[None].numpy()], max_edges=8)

# %%
# Functions can be named where a formula fits. What that costs is measured like everything else.

strongest = int(moved.argmax())
named = ew.snap(
    functions, z[:500, strongest : strongest + 1], edges=[(0, 0, strongest)]
)
print(named.network.layers[0].symbolic)
print(
    f"{nats(result.with_network(0, ew.network.with_functions(block, named.network)).model):.3f} nats a character"
)
