"""Hidden nodes beside a perceptron of equal parameters and stochastic gradient descent, at equal CPU time.

    python benchmarks/large_network.py [--rows 1000000] [--seconds 60] [--folder FOLDER]

The rows are those of `large.py`, and so is the loss: root mean square errors on 100,000 rows that nobody has learned from.
Every network reads the same twenty inputs, a column each, as edgewise encodes them: missing cells take their typical value,
words the mean target of their rows. "Whole fit" is `KANRegressor(mode="deep", hidden=8)` from the files, counting and
functions of columns and of pairs included; "[20,8,1] alone" takes steps from a random start. The perceptron has one hidden
layer or two; which, its learning rate and its batch are chosen on a tenth of the rows, in a quarter of the time each. It
takes steps of the same schedule. SGD reads marks of gaps and a column for each word, too. Seconds are of the processor, one
thread; reading counts in the whole fit alone. A pass that has begun is finished.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import Report, Run, common_options, machine
from large_data import HELD_OUT, NOT_READ, error, judged, table, write
from large_peers import sgd
from torch import Tensor, nn

import edgewise as ew
from edgewise._core.checks import plural
from edgewise.splines import grids as mass_grid
from edgewise.training.common.losses import Squared
from edgewise.training.first_order.epoch_optimizers import FirstOrderOptions, schedule
from edgewise.training.streaming.as_network import DeepSettings, first_network
from edgewise.training.streaming.checkpoints import Passes
from edgewise.training.streaming.descent import ShuffledRows, StreamedDescent

HIDDEN, INTERVALS, HELD, BLOCK = 8, 8, 0.1, 262_144
RATES, BATCHES, SHARE = (3e-3, 1e-2, 3e-2), (256, 1_024), 1 / 4


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs (n, 20) and targets (n, 1) of mean 0 and deviation 1, to learn from and held out; inputs of rows that judge."""

    learn: tuple[Tensor, Tensor]
    held: tuple[Tensor, Tensor]
    test: Tensor
    shift: float
    scale: float

    def loss(self, told: Tensor) -> float:
        """On the rows that judge."""
        truth = np.array(table(HELD_OUT, 10_000, False)["y"])
        return error(self.shift + self.scale * told[:, 0].double().numpy(), truth, False)


def encoded(model: ew.KANRegressor, files: list[Path]) -> Rows:
    """All rows as the model's encoding reads them, without marks of gaps."""
    import pyarrow.parquet as pq

    encoding = model.encoding_
    _, first = np.unique(encoding.sources, return_index=True)

    def inputs(own: Any) -> np.ndarray:
        return encoding.apply(
            own.drop_columns([name for name in ("y", *NOT_READ) if name in own.column_names])
        )[:, first]

    parts, targets = list[np.ndarray](), list[np.ndarray]()
    for file in files:
        own = pq.read_table(file)
        parts.append(inputs(own).astype(np.float32))
        targets.append(own["y"].to_numpy())
    X, y = np.concatenate(parts), np.concatenate(targets)
    mean, spread, shift, scale = X.mean(0), X.std(0), float(y.mean()), float(y.std())
    order = np.random.default_rng(0).permutation(len(y))
    count = round(HELD * len(y))
    units = lambda own: torch.from_numpy(((own - mean) / spread).astype(np.float32))  # noqa: E731
    x, t = units(X)[order], torch.from_numpy(((y - shift) / scale).astype(np.float32)[order, None])
    test = units(inputs(table(HELD_OUT, 10_000, False)))
    return Rows((x[count:], t[count:]), (x[:count], t[:count]), test, shift, scale)


def network(rows: Rows, seconds: float) -> tuple[Tensor, float, int, int]:
    """What [20,8,1] alone says of the rows that judge, its seconds, its passes and its parameters."""
    x, y = rows.learn
    low, high = x.aminmax(dim=0)
    shift, scale = (low + high) / 2, (high - low) / 2

    def block(x: Tensor, y: Tensor) -> ShuffledRows:
        weight = torch.ones(len(x), dtype=torch.float64)
        return ShuffledRows((x - shift) / scale, y, torch.zeros_like(y), weight)

    whole, held = block(x, y), block(*rows.held)
    breaks = mass_grid(whole.x[:100_000].double(), INTERVALS).numpy()
    sample = whole.take(torch.arange(min(20_000, len(x))))

    def blocks(turn: int, start: int) -> Iterator[ShuffledRows]:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(turn))
        for own in order.split(BLOCK)[start:]:
            yield whole.take(own)

    def run(passes: int) -> tuple[StreamedDescent, float]:
        net = first_network(breaks, DeepSettings(hidden=HIDDEN), 1)
        options = FirstOrderOptions(steps=passes, batch=1_024)
        descent = StreamedDescent(
            net, blocks, sample, held, len(x), Squared(), options, Passes(None, "", 10**12)
        )
        begun = time.process_time()
        descent.run()
        return descent, time.process_time() - begun

    one = run(1)[1]
    descent, spent = run(max(1, int(seconds / one)))
    test = block(rows.test, torch.zeros(len(rows.test), 1))
    return descent.outputs(descent.best, test).float(), spent, descent.turns, descent.best.n_parameters


def perceptron(inputs: int, layers: int, count: int) -> nn.Module:
    """One or two hidden layers, with about so many parameters."""
    size = {1: lambda h: h * (inputs + 2) + 1, 2: lambda h: h * (inputs + h + 3) + 1}[layers]
    width = min(range(2, 500), key=lambda h: abs(size(h) - count))
    torch.manual_seed(0)
    inner = [nn.Linear(inputs, width), nn.SiLU()]
    inner += [nn.Linear(width, width), nn.SiLU()] if layers == 2 else []
    return nn.Sequential(*inner, nn.Linear(width, 1))


def trained(net: nn.Module, x: Tensor, y: Tensor, rate: float, batch: int, passes: float) -> float:
    """AdamW in so many passes; the seconds that they take."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, fused=True, weight_decay=1e-4)
    begun, done, steps = time.process_time(), 0, max(1, int(passes * len(x) / batch))
    for turn in range(math.ceil(passes)):
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(turn))
        for start in range(0, len(x) - batch + 1, batch):
            if done >= steps:
                break
            own = order[start : start + batch]
            optimizer.param_groups[0]["lr"] = rate * schedule(done / steps)
            optimizer.zero_grad(set_to_none=True)
            nn.functional.mse_loss(net(x[own]), y[own]).backward()
            optimizer.step()
            done += 1
    return time.process_time() - begun


def chosen(rows: Rows, count: int, seconds: float) -> tuple[Tensor, float, float, int, str]:
    """What the best perceptron says, its seconds, passes, parameters and how it was chosen."""
    x, y = rows.learn

    def made(layers: int, rate: float, batch: int, budget: float) -> tuple[nn.Module, float, float]:
        part = min(len(x), 100 * batch)
        speed = trained(perceptron(x.shape[1], layers, count), x[:part], y[:part], rate, batch, 1.0) / part
        net, passes = perceptron(x.shape[1], layers, count), budget / speed / len(x)
        return net, trained(net, x, y, rate, batch, passes), passes

    tried = dict[tuple[int, float, int], float]()
    for layers in (1, 2):
        for batch in BATCHES:
            for rate in RATES:
                net, *_ = made(layers, rate, batch, SHARE * seconds)
                with torch.no_grad():
                    tried[layers, rate, batch] = float(
                        nn.functional.mse_loss(net(rows.held[0]), rows.held[1])
                    )
    layers, rate, batch = min(tried, key=lambda at: tried[at])
    net, spent, passes = made(layers, rate, batch, seconds)
    with torch.no_grad():
        told = net(rows.test)
    size = sum(p.numel() for p in net.parameters())
    return told, spent, passes, size, f"{plural(layers, 'hidden layer')}, rate {rate:g}, batches of {batch}"


def descended(files: list[Path], seconds: float) -> tuple[float, float, int]:
    """Loss, seconds and passes of SGD on standardised numbers, marks of gaps and a column for each word."""

    def run(passes: int) -> tuple[Any, float]:
        begun = time.process_time()
        return sgd(files * passes, 1), time.process_time() - begun

    passes = max(1, int(seconds / run(1)[1]))
    say, spent = run(passes)
    return judged(say, False)[0], spent, passes


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/large_network.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, help="of the others; by default those of the whole fit")
    parser.add_argument("--folder", type=Path, help="where the files are, or are to stay")
    common_options(parser, "twenty thousand rows")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    run = Run("large_network", asked.quick, None)
    print(f"# Hidden nodes and perceptrons on large tables\n{machine()}\n")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="edgewise-large-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        compare(run, folder, 20_000 if asked.quick else asked.rows, asked.seconds)
    finally:
        if asked.folder is None:
            shutil.rmtree(folder)


def compare(run: Run, folder: Path, rows: int, seconds: float | None) -> None:
    write(folder, rows, False)
    files = sorted(folder.glob("*.parquet"))[: math.ceil(rows / 500_000)]
    report = Report(
        run, "equal time", ["learner", "parameters", "CPU s", "passes", "loss"], [16, 10, 8, 8, 8]
    )
    begun = time.process_time()
    model = ew.KANRegressor(mode="deep", hidden=HIDDEN).fit([str(file) for file in files], target="y")
    spent = time.process_time() - begun
    seconds = seconds or spent
    report.add("whole fit", model.network_.n_parameters, spent, None, judged(model.predict, False)[0])
    prepared = encoded(model, files)
    told, spent, passes, count = network(prepared, seconds)
    report.add(f"[20,{HIDDEN},1] alone", count, spent, passes, prepared.loss(told))
    told, spent, passes, size, how = chosen(prepared, count, seconds)
    report.add("perceptron", size, spent, passes, prepared.loss(told))
    loss, spent, passes = descended(files, seconds)
    report.add("SGD", None, spent, passes, loss)
    report.note(f"The perceptron: {how}.")
    report.save()


if __name__ == "__main__":
    main()
