"""Pictures and sequences: convolutions of functions beside ordinary ones, of equal parameters and by one recipe.

    python benchmarks/images.py [--quick] [--data FOLDER] [--only mnist,mnist1d] [--sizes 10000,100000] [--seeds 0,1,2]
    python benchmarks/images.py --steps

Every row is one training, judged by its last epoch on the test part. Rows are kept in out/images.csv as they come; a run
goes on from those that are there. Fashion-MNIST is the Debian package dataset-fashion-mnist. Cats and dogs (CIFAR-10's) are
judged on one fifth, which the seed chooses; of chest X-rays the area under the curve is given too; spoken digits are
pictures of 24 mel bands by 40 frames (S. Davis and P. Mermelstein, 1980, doi:10.1109/TASSP.1980.1163420), judged on the
recordings 0 to 4 of each digit and speaker.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _common
import numpy as np
import torch
from scipy.signal import stft
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from edgewise.training.modules.descent import Descent, Recipe
from edgewise.vision import ImageClassifier, ImageConfig, build

FASHION = Path("/usr/share/datasets/fashion-mnist")
KINDS = ("kan", "cnn", "mlp", "patches")
# A function of its own on every edge, in place of one a channel.
ON_EDGES = "kan-edge"
EPOCHS = {"mnist": 15, "fashion": 20, "mnist1d": 60, "spoken": 60, "pneumonia": 40, "cats": 40}
FILES = {
    "mnist": "images/mnist.npz",
    "mnist1d": "sequences/mnist1d.npz",
    "spoken": "sequences/spoken_digits.npz",
    "pneumonia": "images/pneumonia_mnist.npz",
    "cats": "images/cats_dogs_train.npz",
}
MIRRORED, FOLDS = ("fashion", "cats"), 5
BANDS, FRAMES = 24, 40
CHEAP = ("mnist1d", "spoken", "pneumonia")


@dataclass(frozen=True)
class Row:
    """One training."""

    data: str
    kind: str
    size: int
    seed: int
    quick: bool
    parameters: int
    epochs: int
    train: int
    test: int
    accuracy: float
    area: float
    cpu_seconds: float

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.data, self.kind, self.size, self.seed, self.quick)


@dataclass(frozen=True, eq=False)
class Parts:
    """Pictures to learn from and to judge by."""

    x: Any
    y: Any
    x_test: Any
    y_test: Any

    def some(self, train: int, test: int) -> Parts:
        """Some of both, drawn by a seed: files may be in the order of their classes."""
        random = np.random.default_rng(0)
        a, b = random.permutation(len(self.y))[:train], random.permutation(len(self.y_test))[:test]
        return Parts(self.x[a], self.y[a], self.x_test[b], self.y_test[b])


def settings_of(data: str, size: int) -> dict[str, Any]:
    """What differs from the defaults, for all kinds alike.

    Few pictures of much variety want stronger changes and more channels where few places are left, chosen on a fifth of
    the cats and dogs to learn from; large networks learn 60,000 pictures by heart unless parts of them are covered.
    """
    if data == "cats":
        return {
            "precision": "bfloat16", "shift": 4, "erase": 0.4, "jitter": 0.2, "last_width": 2, "last_depth": 2,
        }  # fmt: skip
    if data == "fashion":
        return {"precision": "bfloat16", "erase": 0.25 if size > 30_000 else 0.0}
    return {}


def idx(path: Path) -> Any:
    """An array in the format of MNIST."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    sides = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sides)


def load(name: str, folder: Path | None, seed: int) -> Parts | None:
    """A data set, or None, said aloud, where it is not there."""
    if name == "fashion":
        found = {f.name.removesuffix(".gz"): f for f in FASHION.glob("*ubyte*")} if FASHION.is_dir() else {}
        names = [
            f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
        ]
        if set(names) <= set(found):
            return Parts(*(idx(found[item]) for item in names))
    elif folder is not None and (folder / FILES[name]).is_file():
        return parts_of(name, np.load(folder / FILES[name]), seed)
    print(f"skipped: {name} is not there")
    return None


def parts_of(name: str, held: Any, seed: int) -> Parts:
    """What to learn from and what to judge by."""
    if name == "mnist1d":
        return Parts(held["x"][:, None], held["y"], held["x_test"][:, None], held["y_test"])
    if name == "pneumonia":
        x, y = ([held[f"{part}_{what}"] for part in ("train", "test")] for what in ("images", "labels"))
        return Parts(x[0], y[0].ravel(), x[1], y[1].ravel())
    if name == "spoken":
        x, test = np.stack([frames(recording) for recording in recordings(held)]), held["index"] < 5
        return Parts(x[~test], held["digit"][~test], x[test], held["digit"][test])
    if name == "cats":
        fold = np.random.default_rng(0).permutation(len(held["y"])) % FOLDS == seed % FOLDS
        return Parts(held["x"][~fold], held["y"][~fold], held["x"][fold], held["y"][fold])
    return Parts(*(held[text] for text in ("x_train", "y_train", "x_test", "y_test")))


def recordings(held: Any) -> Iterator[Any]:
    samples = held["samples"]  # an array of a file is read anew each time it is asked for
    for start, end in itertools.pairwise(held["start"]):
        yield samples[start:end].astype(np.float32)


def frames(sound: Any, rate: int = 8000) -> Any:
    """Logarithms of the power in bands of the mel scale, (BANDS, FRAMES): frames evenly over a recording, standardised."""
    frequencies, _, spectrum = stft(sound, rate, nperseg=200, noverlap=120, nfft=512)
    mel = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    rise = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    power = np.clip(np.minimum(rise, fall), 0, None) @ np.abs(spectrum) ** 2
    logs = np.log(power + 1e-6 * power.max())
    places = np.linspace(0, logs.shape[1] - 1, FRAMES)
    even = np.stack([np.interp(places, np.arange(logs.shape[1]), band) for band in logs])
    return ((even - even.mean()) / even.std()).astype(np.float32)


def measured(name: str, kind: str, size: int, seed: int, quick: bool, parts: Parts) -> Row:
    """One training from the start, and its test accuracy."""
    torch.set_num_threads(1)
    own = parts.some(1000, 500) if quick else parts
    epochs = 2 if quick else EPOCHS[name]
    shift = 0 if name in ("mnist1d", "spoken") else 2
    settings = settings_of(name, size) | ({"functions": "edge"} if kind == ON_EDGES else {})
    model = ImageClassifier(
        "kan" if kind == ON_EDGES else kind, size, epochs, seed=seed, shift=shift, flip=name in MIRRORED, validation=0.0,
        settings=settings,
    )  # fmt: skip
    began = time.process_time()
    model.fit(own.x, own.y)
    seconds = time.process_time() - began
    count = sum(p.numel() for p in model.network_.parameters())
    chances = model.predict_proba(own.x_test)
    accuracy = float((model.classes_[chances.argmax(1)] == own.y_test).mean())
    area = roc_auc_score(own.y_test, chances[:, 1]) if len(model.classes_) == 2 else math.nan
    return Row(
        name, kind, size, seed, quick, count, epochs, len(own.y), len(own.y_test), accuracy, float(area),
        round(seconds, 1),
    )  # fmt: skip


def paired_steps(size: int, steps: int) -> str:
    """Processor time of a training step on 128 pictures of 28 x 28, one network after the other in turn."""
    torch.set_num_threads(1)
    x = torch.rand(128, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x, y = x.contiguous(memory_format=torch.channels_last), torch.arange(128) % 10
    runs, seconds = dict[str, tuple[Any, Descent]](), {"kan": list[float](), "cnn": list[float]()}
    for kind in seconds:
        config = ImageConfig.within(size, height=28, width=28, channels=1, classes=10, kind=kind)
        network = build(config, seed=0).train()
        runs[kind] = network, Descent(network, 10 * steps, Recipe())
    for _ in range(steps):
        for kind, (network, descent) in runs.items():
            began = time.process_time()
            descent.step(lambda network=network: F.cross_entropy(network(x), y), 0.0)
            seconds[kind].append(time.process_time() - began)
    ratios = np.sort(np.array(seconds["kan"]) / np.array(seconds["cnn"]))
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    return (
        f"{size:,} parameters: a step takes {1e3 * np.median(seconds['kan']):.0f} ms, that of the ordinary network "
        f"{1e3 * np.median(seconds['cnn']):.0f} ms: {middle:.2f} times ({low:.2f} to {high:.2f})"
    )


def wanted(options: Any) -> Iterator[tuple[str, str, int, int]]:
    """Cheap trainings first, so that a run that is broken off has said most."""
    cells = itertools.product(options.only, options.kinds, options.sizes, options.seeds)
    return iter(sorted(cells, key=lambda cell: (cell[3], cell[2], cell[0] not in CHEAP)))


def table(rows: list[Row], quick: bool) -> str:
    """Means and spreads over seeds, as Markdown."""
    lines = [
        "| data | kind | parameters | seeds | accuracy % | area | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    own = sorted((r for r in rows if r.quick == quick), key=lambda r: (r.data, r.size, r.kind))
    for (data, _, kind), group in itertools.groupby(own, key=lambda r: (r.data, r.size, r.kind)):
        cell = list(group)
        values = 100 * np.array([r.accuracy for r in cell])
        spread = f" ± {values.std(ddof=1):.2f}" if len(cell) > 1 else ""
        seconds = np.mean([r.cpu_seconds for r in cell])
        area = "" if math.isnan(cell[0].area) else f"{np.mean([r.area for r in cell]):.4f}"
        lines.append(
            f"| {data} | {kind} | {cell[0].parameters:,} | {len(cell)} | {values.mean():.2f}{spread} | {area} "
            f"| {seconds:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/images.py", description=(__doc__ or "").split("\n")[0])
    _common.common_options(parser, "a thousand pictures and two epochs, to see that it runs")
    for name, default, kind in (
        ("--only", "mnist1d,spoken,pneumonia,cats,mnist,fashion", str), ("--kinds", ",".join(KINDS), str),
        ("--sizes", "10000,100000", int), ("--seeds", "0,1,2", int),
    ):  # fmt: skip
        parser.add_argument(
            name, default=default, type=lambda text, kind=kind: [kind(part) for part in text.split(",")]
        )
    parser.add_argument(
        "--steps", action="store_true", help="time training steps only, in turn with the ordinary network's"
    )
    options = parser.parse_args()
    if options.steps:
        for size in options.sizes:
            print(paired_steps(size, 3 if options.quick else 60), flush=True)
        return
    if options.quick:
        options.sizes, options.seeds = options.sizes[:1], options.seeds[:1]
    print(f"{_common.machine()}\n")
    path = _common.OUT / "images.csv"
    rows = _common.kept_rows(path, Row)
    there = {row.key for row in rows}
    for name, kind, size, seed in wanted(options):
        if (name, kind, size, seed, options.quick) in there:
            continue
        parts = load(name, options.data, seed)
        if parts is None:
            continue
        row = measured(name, kind, size, seed, options.quick, parts)
        rows.append(row)
        _common.keep_row(path, row)
        print(
            f"{name} {kind} {row.parameters:,}: {100 * row.accuracy:.2f} % in {row.cpu_seconds:.0f} CPU s",
            flush=True,
        )
    print(f"\n{table(rows, options.quick)}")


if __name__ == "__main__":
    main()
