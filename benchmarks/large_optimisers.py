"""Networks too large for a Gauss-Newton matrix: AdamW, SOAP and conjugate gradients at equal CPU time.

    pip install pytorch-optimizer
    python benchmarks/large_optimisers.py [--data FOLDER] [--seconds 3]

Every rival trains the same networks from the same starts for the same CPU seconds on one thread. AdamW and SOAP take
their steps in the same minibatch loop, that of `fit(method="adam")`: its schedule, which ends with the time, and its
hidden grids that follow; each is tried with two learning rates by two sizes of batches. Conjugate gradients are
`fit(method="lm")`, every step on all rows and without a matrix, tried with four weights of roughness (in the column of
rates). One seed tries all four; the one with the least error on held-out rows goes on to two further seeds, and rows that
took no part judge all three. "AdamW, 0.04, 256" and "AdamW, 0.1, 128" have no choice. SOAP is that of pytorch-optimizer,
with an eigenbasis for each side of a tensor of coefficients (inputs, functions, outputs) of at most 128 entries, made
anew every ten steps.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import Clock, Report, Run, common_options, machine

import edgewise as ew
from edgewise.training.common.losses import Loss, make_loss
from edgewise.training.common.rows import TrainingRows, as_rows
from edgewise.training.first_order.epoch_optimizers import (
    AdamW,
    EpochOptimizer,
    FirstOrderOptions,
    groups,
)
from edgewise.training.first_order.run import TrainingRun
from edgewise.training.second_order.fit_problem import error

# A learning rate and rows of a batch, or a weight of roughness.
Setting = tuple[float, int]
DESCENTS = tuple((rate, batch) for rate in (0.04, 0.1) for batch in (128, 512))
ROUGHNESS = tuple((weight, 0) for weight in (1e-9, 1e-7, 1e-5, 1e-3))
SEEDS = (0, 1, 2)
# Largest side of a tensor with an eigenbasis, and steps from one basis to the next.
MOST_SIDE, EVERY = 128, 10


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows to learn from, to choose by and to judge by, and the networks that are to learn them."""

    name: str
    parts: tuple[tuple[np.ndarray, np.ndarray], ...]
    loss: Loss
    shape: tuple[int, ...]
    degree: int = 3
    intervals: int = 5

    def network(self, seed: int) -> ew.KAN:
        return ew.KAN(list(self.shape), degree=self.degree, intervals=self.intervals, seed=seed)

    def rows(self, part: int) -> TrainingRows:
        return as_rows(self.network(0), *self.parts[part], self.loss)

    def error(self, net: ew.KAN, part: int) -> float:
        """Root mean square error over the deviation of y, or mean loss of classes."""
        return error(copy.deepcopy(net).to(torch.float64), self.rows(part), self.loss)


def parted(X: Any, y: Any, learn: int, held: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """So many rows to learn from, the next ones to choose by, and what is left."""
    ends = (slice(learn), slice(learn, learn + held), slice(learn + held, None))
    return tuple((np.asarray(X[part], float), np.asarray(y[part], float)) for part in ends)


def law(columns: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth function of ten columns, the others idle, without noise."""
    X = np.random.default_rng(100).uniform(-1, 1, (12_000, columns))
    a, b, c, d, e, f, g, h, i, j = X.T[:10]
    y = (
        np.exp(np.sin(np.pi * a * b))
        + np.cos(2 * c + d**2) * e
        + np.sin(3 * f + g * h)
        + np.tanh(2 * (i + j))
    )
    return X, (y - y.mean()) / y.std()


def table(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measured rows in an order of their own; the last column is the target, in units of its deviation."""
    rows = rows[np.isfinite(rows).all(1)]
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    y = rows[:, -1]
    return rows[:, :-1], (y - y.mean()) / y.std()


def problems(run: Run) -> Iterator[Problem]:
    squared = make_loss("squared")
    yield Problem("law of 10 columns", parted(*law(10), 8000, 2000), squared, (10, 32, 32, 1))
    yield Problem("law in 20 columns", parted(*law(20), 8000, 2000), squared, (20, 40, 40, 1))
    if (kin8nm := run.table("uci_reg/kin8nm/data.txt")) is not None:
        parts = parted(*table(np.loadtxt(kin8nm)), 5734, 820)
        yield Problem("kin8nm", parts, squared, (8, 32, 32, 1))
    if (california := run.table("tabular/california/housing.csv")) is not None:
        numbers = np.genfromtxt(california, delimiter=",", skip_header=1)[:, :9]
        yield Problem("california", parted(*table(numbers), 14_000, 3000), squared, (8, 32, 32, 1))
    if (mnist := run.table("images/mnist.npz")) is not None:
        with np.load(mnist) as file:
            X, y = file["x_train"].reshape(-1, 784), file["y_train"]
        some = np.random.default_rng(0).permutation(len(X))[:14_000]
        parts = parted(X[some] / 255, y[some], 10_000, 2000)
        yield Problem("MNIST, 10,000 pictures", parts, make_loss("cross_entropy"), (784, 64, 10), 1, 1)


def soap(own: Any) -> torch.optim.Optimizer:
    """SOAP of pytorch-optimizer."""
    from pytorch_optimizer import SOAP  # pyright: ignore[reportMissingImports]

    return SOAP(own, lr=1.0, precondition_frequency=EVERY, max_precondition_dim=MOST_SIDE)


class Soap(AdamW):
    """The minibatches and schedule of AdamW with steps of SOAP, which see the gradients as they are."""

    def __init__(
        self, net: Any, own: Any, rows: TrainingRows, loss: Loss, options: FirstOrderOptions
    ) -> None:
        own = list(own)
        super().__init__(net, own, rows, loss, options)
        self.optimizer: Any = soap(own)


class SoapRun(TrainingRun):
    """A first-order fit by SOAP."""

    def _epoch_optimizer(self) -> EpochOptimizer:
        own = groups(self.net, self.options)
        return Soap(self.net, own, self.train, self.loss, self.options)


Answer = tuple[ew.KAN, float, int]


def minibatches(
    kind: type[TrainingRun], problem: Problem, setting: Setting, seed: int, seconds: float
) -> Answer:
    """The best network met, its CPU seconds and epochs; the schedule is laid over as many epochs as fit into the time."""

    def made(epochs: int) -> TrainingRun:
        rate, batch = setting
        options = FirstOrderOptions(rate=rate, batch=batch, steps=epochs, seed=seed)
        return kind(problem.network(seed), problem.rows(0), problem.rows(1), problem.loss, options)

    trial = made(100)
    trial.advance(time.process_time)  # the first sets up what the others use
    clock = Clock()
    trial.advance(time.process_time)
    trial.advance(time.process_time)
    epochs = max(3, round(seconds / (clock.seconds / 2)))
    run, clock = made(epochs), Clock()
    while run.progress.stop_reason is None:
        run.advance(time.process_time)
    return run.best, clock.seconds, run.progress.epoch


def conjugate_gradients(problem: Problem, setting: Setting, seed: int, seconds: float) -> Answer:
    """The best network of `fit(method="lm")`, its CPU seconds and steps."""
    clock = Clock()
    found = ew.fit(
        problem.network(seed),
        *problem.parts[0],
        loss=problem.loss,
        method="lm",
        validation=problem.parts[1],
        roughness=setting[0],
        callbacks=[clock.limit(seconds)],
        seed=seed,
    )
    return found.network, clock.seconds, len(found.history)


RIVALS: dict[str, tuple[Callable[..., Answer], tuple[Setting, ...]]] = {
    "AdamW, 0.04, 256": (partial(minibatches, TrainingRun), ((0.04, 256),)),
    "AdamW, 0.1, 128": (partial(minibatches, TrainingRun), ((0.1, 128),)),
    "AdamW": (partial(minibatches, TrainingRun), DESCENTS),
    "SOAP": (partial(minibatches, SoapRun), DESCENTS),
    "conjugate gradients": (conjugate_gradients, ROUGHNESS),
}
COLUMNS = ("problem", "parameters", "rival", "rate", "batch", "seed", "held-out", "judged", "CPU s", "epochs")


def compare(run: Run, problem: Problem, seconds: float, left_out: list[str], report: Report) -> None:
    """Every rival on one problem: its tries, and the best of them on further seeds."""
    count = problem.network(0).n_parameters
    for rival, (train, settings) in RIVALS.items():
        if rival in left_out:
            continue
        known = dict[Setting, float]()

        def measured(setting: Setting, seed: int, rival: str = rival, train: Any = train) -> float:
            for line in report.rows:  # what another rival has done is not done again
                if (line[2][:5], *line[3:6]) == (rival[:5], *setting, seed) and line[0] == problem.name:
                    report.add(*line[:2], rival, *line[3:])
                    return line[6]
            net, spent, epochs = train(problem, setting, seed, seconds)
            held, judged = problem.error(net, 1), problem.error(net, 2)
            report.add(problem.name, count, rival, *setting, seed, held, judged, spent, epochs)
            return held

        for setting in settings[:1] if run.quick else settings:
            known[setting] = measured(setting, SEEDS[0])
        for seed in () if run.quick else SEEDS[1:]:
            measured(min(known, key=lambda setting: known[setting]), seed)


def summary(run: Run, report: Report) -> None:
    """The error of each rival with its chosen setting: mean of three seeds and their standard deviation."""
    short = Report(run, "in short", ["problem", "parameters", *RIVALS], [22, 10, *[20] * len(RIVALS)])
    for name in dict.fromkeys(report.column("problem")):
        lines = [line for line in report.rows if line[0] == name]
        cells = list[str]()
        for rival in RIVALS:
            own = [line for line in lines if line[2] == rival]
            if not own:
                cells.append("")
                continue
            setting = min((line for line in own if line[5] == SEEDS[0]), key=lambda line: line[6])[3:5]
            errors = [line[7] for line in own if line[3:5] == setting]
            cells.append(f"{np.mean(errors):.3g} ± {np.std(errors, ddof=int(len(errors) > 1)):.1g}")
        short.add(name, lines[0][1], *cells)
    short.save()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/large_optimisers.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU seconds of each training")
    parser.add_argument("--only", help="the problems whose names begin so; the others stay as they were")
    parser.add_argument(
        "--leave-out", action="append", default=[], choices=RIVALS, help="rivals that are not measured"
    )
    common_options(parser, "one law for a second")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data: Path | None = asked.data
    run = Run("large_optimisers", asked.quick, None if data is None else Path(data))
    print(f"# Optimisers of larger networks at equal time\n{machine()}\n")
    left_out = list[str](asked.leave_out)
    if find_spec("pytorch_optimizer") is None:
        print("skipped: SOAP (pip install pytorch-optimizer)")
        left_out.append("SOAP")
    report = Report(run, "trainings", COLUMNS, [22, 10, 22, 8, 5, 4, 10, 10, 8, 6])
    for problem in problems(run):
        if asked.only is not None and not problem.name.startswith(asked.only):
            continue
        compare(run, problem, 1.0 if run.quick else asked.seconds, left_out, report)
        if run.quick:
            break
    report.rows += [] if asked.only is None else report.earlier(3)
    report.save()
    summary(run, report)


if __name__ == "__main__":
    main()
