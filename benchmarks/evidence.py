"""Whether evidence is faithful: the pointing game on grids and removal curves, beside Grad-CAM and integrated gradients.

    python benchmarks/evidence.py [--quick] [--data FOLDER] [--only digits,mnist] [--seeds 0,1,2] [--pictures 300]

A network of patches and an ordinary one of as many parameters learn by one recipe. The maps of the first are its evidence;
those of the second Grad-CAM (R. Selvaraju et al., 2017, arXiv:1610.02391) and integrated gradients (M. Sundararajan et al.,
2017, arXiv:1703.01365), which are also taken of the first, as a control. All maps are of a logit less the mean of all
logits, which is what decides.

Pointing game (M. Boehle et al., 2021, arXiv:2104.00032): four pictures of four classes that the network tells surely are put
on a grid of two by two; of the positive part of the map of each of the four classes, how much lies on its own picture? By
chance a quarter. Removal: squares of a picture are replaced by the mean picture, those of most evidence first; the mean
probability, over the removal, of the class told at first, as a share of that when squares go in random order: the lower the
better.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import _common
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from edgewise.vision import ImageClassifier
from edgewise.vision.evidence import window
from edgewise.vision.networks import ConvStages, Patches, reach

# A map (n, height, width) of pictures (n, channels, height, width) for one class each.
Maps = Callable[[Any, Tensor, Tensor], Tensor]
STEPS, ORDERS = 32, 5


@dataclass(frozen=True)
class Row:
    """One network under one kind of map."""

    data: str
    kind: str
    parameters: int
    seed: int
    accuracy: float
    maps: str
    pointing: float
    removal: float
    pictures: int
    cpu_seconds: float


def against(logits: Tensor, k: Tensor) -> Tensor:
    """The logit of a class each less the mean of all."""
    return logits.gather(1, k[:, None])[:, 0] - logits.mean(1)


def evidence(network: Patches, x: Tensor, k: Tensor) -> Tensor:
    """What the network itself adds up, spread over the pixels that each patch sees."""
    with torch.no_grad():
        found = network.evidence(x)
    own = found[torch.arange(len(x)), k] - found.mean(1)
    maps, seen = torch.zeros(len(x), *x.shape[2:]), reach(network)
    for i in range(own.shape[1]):
        for j in range(own.shape[2]):
            part = maps[(slice(None), *window(seen, i, j, *x.shape[2:]))]
            part += own[:, i, j, None, None] / part[0].numel()
    return maps


def grad_cam(network: Any, x: Tensor, k: Tensor) -> Tensor:
    """Features before the mean over places, weighed by their mean gradients."""
    body = network.body if isinstance(network, ConvStages) else network.body[:-1]
    features = body(network.standard(x)).detach().requires_grad_()
    if isinstance(network, ConvStages):
        logits = network.head(features.mean((2, 3)))
    else:
        logits = network.body[-1](features).mean((2, 3)) + network.constant
    (slope,) = torch.autograd.grad(against(logits, k).sum(), features)
    cam = (slope.mean((2, 3), keepdim=True) * features.detach()).sum(1, keepdim=True).relu()
    return F.interpolate(cam, x.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def integrated_gradients(network: Any, x: Tensor, k: Tensor) -> Tensor:
    """Gradients along the way from black, times the way."""
    total = torch.zeros_like(x)
    for step in range(STEPS):
        point = (x * ((step + 0.5) / STEPS)).requires_grad_()
        total += torch.autograd.grad(against(network(point), k).sum(), point)[0]
    return (x * total / STEPS).sum(1)


MAPS: dict[str, dict[str, Maps]] = {
    "patches": {"evidence": evidence, "Grad-CAM": grad_cam, "integrated gradients": integrated_gradients},
    "cnn": {"Grad-CAM": grad_cam, "integrated gradients": integrated_gradients},
}


def sure(network: Any, x: Tensor, y: Tensor) -> Tensor:
    """Numbers of pictures told right, the surest first."""
    with torch.no_grad():
        chances = network(x).softmax(1)
    best, told = chances.max(1)
    order = torch.argsort(-best, stable=True)
    return order[(told == y)[order]]


def pointing(network: Any, maps: Maps, x: Tensor, y: Tensor, count: int, seed: int) -> float:
    """Mean share of the positive part of a class's map that lies on its own picture."""
    random = np.random.default_rng(seed)
    pool = sure(network, x, y)
    pool = pool[: max(4, len(pool) // 2)].numpy()
    shares = list[float]()
    if len(np.unique(y[pool].numpy())) < 4:
        return math.nan  # so few classes are recognised that no grid can be made
    height, width = x.shape[2:]
    for _ in range(count):
        classes = random.permutation(np.unique(y[pool].numpy()))[:4]
        picked = [int(random.choice(pool[y[pool].numpy() == c])) for c in classes]
        rows = [torch.cat([x[picked[2 * i]], x[picked[2 * i + 1]]], 2) for i in range(2)]
        grid = torch.cat(rows, 1)[None].expand(4, -1, -1, -1)
        found = maps(network, grid, torch.from_numpy(classes)).clamp(min=0)
        for n in range(4):
            i, j = divmod(n, 2)
            own = float(found[n, i * height : (i + 1) * height, j * width : (j + 1) * width].sum())
            whole = float(found[n].sum())
            shares.append(own / whole if whole > 0 else 0.25)
    return float(np.mean(shares))


def removal(network: Any, maps: Maps, x: Tensor, mean: Tensor, seed: int) -> float:
    """Area under the curve of the class told at first as squares go, as a share of that in random order."""
    with torch.no_grad():
        told = network(x).argmax(1)
    side = max(1, min(x.shape[2:]) // 7)
    worth = F.avg_pool2d(maps(network, x, told)[:, None], side, ceil_mode=True)[:, 0]
    random = torch.Generator().manual_seed(seed)
    orders = [torch.rand(worth.shape, generator=random) for _ in range(ORDERS)]
    areas = [area(network, x, order, told, mean, side) for order in (worth, *orders)]
    return areas[0] / float(np.mean(areas[1:]))


def area(network: Any, x: Tensor, worth: Tensor, told: Tensor, mean: Tensor, side: int) -> float:
    """Mean probability while squares are replaced by the mean picture, those of most worth first."""
    count = worth[0].numel()
    place = worth.flatten(1).argsort(1, descending=True).argsort(1).reshape(worth.shape)
    chances = list[float]()
    for gone in np.linspace(0, count, min(count, 16) + 1).round().astype(int):
        mask = (place < int(gone)).float()[:, None].repeat_interleave(side, 2).repeat_interleave(side, 3)
        mask = mask[:, :, : x.shape[2], : x.shape[3]]
        with torch.no_grad():
            found = network(x * (1 - mask) + mean * mask).softmax(1)
        chances.append(float(found.gather(1, told[:, None]).mean()))
    return float(np.mean(chances))


def load(name: str, folder: Path | None, quick: bool) -> tuple[Any, Any, Any, Any] | None:
    """Pictures to learn from and to judge by, or None, said aloud, where they are not there."""
    order = np.random.default_rng(0)
    if name == "digits":
        raw = load_digits()
        pick = order.permutation(len(raw.target))
        X, y = (raw.images[pick] / 16).astype(np.float32), raw.target[pick]
        part = 400 if quick else 1200
        return X[:part], y[:part], X[1200:], y[1200:]
    file = None if folder is None else folder / "images/mnist.npz"
    if file is None or not file.is_file():
        print(f"skipped: {name} is not there")
        return None
    held = np.load(file)
    train, test = 500 if quick else 6000, 200 if quick else 1000
    a, b = order.permutation(len(held["y_train"]))[:train], order.permutation(len(held["y_test"]))[:test]
    return held["x_train"][a], held["y_train"][a], held["x_test"][b], held["y_test"][b]


def rows_of(name: str, seed: int, size: int, epochs: int, few: int, parts: Any) -> list[Row]:
    """Both networks and all their maps."""
    X, y, X_test, y_test = parts
    made = list[Row]()
    for kind, ways in MAPS.items():
        began = time.process_time()
        model = ImageClassifier(kind, size, epochs, seed=seed, shift=1, validation=0.0).fit(X, y)
        seconds = time.process_time() - began
        count = sum(p.numel() for p in model.network_.parameters())
        x, labels = model.like(X_test).contiguous(), torch.from_numpy(np.asarray(y_test)).long()
        mean = model.like(X).mean(0, keepdim=True)
        accuracy = model.score(X_test, y_test)
        for label, maps in ways.items():
            made.append(Row(
                name, kind, count, seed, accuracy, label,
                pointing(model.network_, maps, x, labels, few // 4, seed),
                removal(model.network_, maps, x[:few], mean, seed), len(y), round(seconds, 1),
            ))  # fmt: skip
            print(astuple(made[-1]), flush=True)
    return made


def table(rows: list[Row]) -> str:
    """Means and spreads over seeds, as Markdown."""
    lines = [
        "| data | network | parameters | accuracy % | maps | pointing % | removal |",
        "|---|---|---|---|---|---|---|",
    ]
    for key in dict.fromkeys((r.data, r.kind, r.maps) for r in rows):
        own = [r for r in rows if (r.data, r.kind, r.maps) == key]

        def told(values: list[float], places: int) -> str:
            spread = f" ± {np.std(values, ddof=1):.{places}f}" if len(values) > 1 else ""
            return f"{np.mean(values):.{places}f}{spread}"

        lines.append(
            f"| {key[0]} | {key[1]} | {own[0].parameters:,} | {told([100 * r.accuracy for r in own], 1)} | {key[2]} | "
            f"{told([100 * r.pointing for r in own], 1)} | {told([r.removal for r in own], 2)} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/evidence.py", description=(__doc__ or "").split("\n")[0]
    )
    _common.common_options(parser, "few pictures and epochs, to see that it runs")
    parser.add_argument("--only", default="digits,mnist", help="data sets")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--size", default=5000, type=int, help="parameters at most")
    parser.add_argument("--epochs", default=15, type=int)
    parser.add_argument("--pictures", default=300, type=int, help="pictures that maps are judged on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{_common.machine()}\n")
    rows = list[Row]()
    for name in options.only.split(","):
        parts = load(name, options.data, options.quick)
        for seed in (
            []
            if parts is None
            else [int(part) for part in options.seeds.split(",")][: 1 if options.quick else None]
        ):
            epochs = 2 if options.quick else options.epochs
            rows += rows_of(
                name, seed, options.size, epochs, 40 if options.quick else options.pictures, parts
            )
    if rows:
        path = _common.OUT / "evidence.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([f.name for f in fields(Row)])
            writer.writerows(astuple(row) for row in rows)
    print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
