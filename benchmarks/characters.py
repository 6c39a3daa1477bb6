"""A transformer of characters whose feed-forward blocks are networks of functions, beside GELU and SwiGLU blocks.

    python benchmarks/characters.py [--quick] [--data FOLDER] [--kinds gated,kan,swiglu,gelu] [--seeds 0,1,2] [--threads 2]
    python benchmarks/characters.py --time [--data FOLDER] [--threads 1]

tinyshakespeare (the first 90 % to learn from, the last 10 % to judge by), four blocks, 128 wide, texts of 128 characters,
rotary positions, one recipe and the same batches for all kinds. "kan" and "gated" are the GELU model with each block
replaced by fresh functions of as many parameters, `replace_mlp(model, start="fresh")`, "gated" with `gated=True`. Judged
after the last step, in nats a character, on all of the last tenth. Rows are kept in out/characters.csv as they come; a run
goes on from those that are there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import _common
import numpy as np
import torch
from decoder import Decoder, DecoderBlock, Rotary, SwiGLU
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise._core.seeds import derive, generator
from edgewise.replacing import replace_mlp
from edgewise.training.modules.descent import Descent, Recipe

KINDS = ("gated", "kan", "swiglu", "gelu")
WIDTH, HEADS, BLOCKS, LENGTH, BATCH, STEPS = 128, 4, 4, 128, 32, 2000
RECIPE = Recipe(rate=3e-3, decay=0.1, warmup=0.05, average=0.02)


@dataclass(frozen=True)
class Row:
    """One training."""

    kind: str
    seed: int
    quick: bool
    threads: int
    parameters: int
    steps: int
    learned: float
    loss: float
    cpu_seconds: float
    seconds: float

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.kind, self.seed, self.quick, self.threads, self.steps)


def model_of(kind: str, words: int, seed: int) -> nn.Module:
    """A model that has learned nothing."""
    torch.manual_seed(seed)

    def feed_forward() -> nn.Module:
        if kind == "swiglu":
            return SwiGLU(WIDTH, 8 * WIDTH // 3)
        return nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH, bias=False)
        )

    blocks = [
        DecoderBlock(WIDTH, Rotary(WIDTH, HEADS, HEADS, 1e4), feed_forward(), 1e-6) for _ in range(BLOCKS)
    ]
    model = Decoder(words, WIDTH, list[nn.Module](blocks), 1e-6)
    nn.init.normal_(model.embedding.weight, std=0.02)
    if kind in ("swiglu", "gelu"):
        return model
    return replace_mlp(model, start="fresh", gated=kind == "gated", seed=seed).model


def loss_of(model: nn.Module, rows: Tensor) -> Tensor:
    """Nats a character of texts (n, LENGTH + 1)."""
    return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())


def measured(text: str, kind: str, seed: int, quick: bool, threads: int, steps: int) -> Row:
    """One training from the start."""
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(c) for c in text])
    learn, judge = codes[: int(0.9 * len(codes))], codes[int(0.9 * len(codes)) :]
    model = model_of(kind, len(letters), seed)
    run, random = Descent(model, steps, RECIPE), generator(derive(seed, 7))
    model.train()
    began, wall, last = time.process_time(), time.perf_counter(), list[float]()
    while run.done < steps:
        starts = torch.randint(len(learn) - LENGTH - 1, (BATCH,), generator=random)
        rows = learn[starts[:, None] + torch.arange(LENGTH + 1)]
        last.append(run.step(lambda rows=rows: loss_of(model, rows), 0.0))
    run.finish()
    model.eval()
    cpu, wall = time.process_time() - began, time.perf_counter() - wall
    held = judge[: (len(judge) - 1) // LENGTH * LENGTH + 1].unfold(0, LENGTH + 1, LENGTH)
    with torch.no_grad():
        parts = held[: 40 if quick else None].split(64)
        loss = sum(float(loss_of(model, rows)) * len(rows) for rows in parts) / sum(map(len, parts))
    count = sum(p.numel() for p in model.parameters())
    return Row(
        kind, seed, quick, threads, count, steps, float(np.mean(last[-50:])), loss, round(cpu, 1), round(wall, 1)
    )  # fmt: skip


def paired_steps(text: str, kinds: Sequence[str], steps: int) -> str:
    """Processor time of a training step, one kind after the other in turn, over that of the last kind."""
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(c) for c in text[: 64 * BATCH * (LENGTH + 1)]])
    rows = codes.view(-1, BATCH, LENGTH + 1)
    models = {kind: model_of(kind, len(letters), 0).train() for kind in kinds}
    runs = {kind: Descent(model, 10 * steps, RECIPE) for kind, model in models.items()}
    seconds = {kind: list[float]() for kind in kinds}
    for k in range(steps):
        for kind, run in runs.items():
            began = time.process_time()
            run.step(lambda kind=kind, k=k: loss_of(models[kind], rows[k % len(rows)]), 0.0)
            seconds[kind].append(time.process_time() - began)
    told = list[str]()
    for kind in kinds:
        low, middle, high = np.quantile(
            np.array(seconds[kind]) / np.array(seconds[kinds[-1]]), (0.25, 0.5, 0.75)
        )
        speed = f"{1e3 * np.median(seconds[kind]):.0f} ms a step, {middle:.2f} times {kinds[-1]}"
        told.append(f"{kind}: {speed} ({low:.2f} to {high:.2f})")
    return "\n".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/characters.py", description=(__doc__ or "").split("\n")[0]
    )
    _common.common_options(parser, "a few steps, to see that it runs")
    parser.add_argument("--kinds", default=",".join(KINDS), type=lambda text: text.split(","))
    parser.add_argument(
        "--seeds", default="0,1,2,3,4", type=lambda text: [int(part) for part in text.split(",")]
    )
    parser.add_argument("--threads", default=2, type=int)
    parser.add_argument("--steps", default=STEPS, type=int)
    parser.add_argument("--time", action="store_true", help="time training steps only, all kinds in turn")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{_common.machine()}\n")
    run = _common.Run("characters", options.quick, options.data)
    file = run.table("text/tinyshakespeare.txt")
    if file is None:
        return
    if options.time:
        print(paired_steps(file.read_text(), options.kinds, 3 if options.quick else 40))
        return
    path = _common.OUT / "characters.csv"
    steps = 20 if options.quick else options.steps
    there = {row.key for row in _common.kept_rows(path, Row)}
    for seed in options.seeds[: 1 if options.quick else None]:
        for kind in options.kinds:
            if (kind, seed, options.quick, options.threads, steps) in there:
                continue
            row = measured(file.read_text(), kind, seed, options.quick, options.threads, steps)
            _common.keep_row(path, row)
            print(
                f"{kind} {row.parameters:,}, seed {seed}: {row.loss:.4f} nats ({row.learned:.4f} of the text learned "
                f"from) in {row.cpu_seconds:.0f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
