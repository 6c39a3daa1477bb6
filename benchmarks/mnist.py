"""MNIST by first-order steps: a KAN [784, 64, 10] and a perceptron of the same shape through the same training loop.

Settings are chosen on 10,000 of the 60,000 training pictures; the test pictures judge networks trained on all 60,000.
Times are CPU seconds of an epoch, the two networks taking turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import Clock, Report, Run, begin
from torch import Tensor, nn

from edgewise import KAN
from edgewise.training.common.losses import make_loss
from edgewise.training.common.rows import TrainingRows
from edgewise.training.first_order.batch_gradient import outputs
from edgewise.training.first_order.centring import Centring
from edgewise.training.first_order.epoch_optimizers import AdamW, FirstOrderOptions, groups
from edgewise.training.first_order.hidden_grids import follow, moments

HIDDEN, BATCH, EPOCHS, HELD_OUT = 64, 256, 10, 10_000
# Share of a target that is spread over all classes: both networks are a little more accurate for it.
SMOOTHING = 0.05
LOSS = make_loss("cross_entropy")


@dataclass(frozen=True)
class Setting:
    """What is chosen; a KAN where there are intervals, else a perceptron. Rates are in the units of `FirstOrderOptions`.

    `size` is that of the KAN's first functions, as a multiple of their usual one.
    """

    rate: float
    decay: float
    degree: int = 0
    intervals: int = 0
    size: float = 1.0

    @property
    def model(self) -> str:
        return f"KAN, degree {self.degree}, G {self.intervals}" if self.intervals else "MLP, SiLU"


KANS = [
    Setting(rate, decay, degree, 3, 0.3)
    for degree in (1, 2)
    for rate, decay in ((0.1, 0.1), (0.2, 0.1), (0.2, 0.3))
]
MLPS = [Setting(rate, decay) for rate in (0.005, 0.01, 0.02) for decay in (0.01, 0.1)]


class Training:
    """A network and the epochs it has been trained for."""

    def __init__(self, setting: Setting, pictures: TrainingRows, seed: int = 0) -> None:
        self.pictures = pictures.X
        rows = replace(pictures, X=pictures.X.clone())
        options = FirstOrderOptions(
            steps=EPOCHS, batch=BATCH, rate=setting.rate, decay=setting.decay, seed=seed
        )
        self.rows, self.options, self.kan = rows, options, None
        if setting.intervals:
            self.kan = KAN([784, HIDDEN, 10], degree=setting.degree, intervals=setting.intervals, seed=seed)
            with torch.no_grad():
                self.kan.layers[0].coef.mul_(setting.size)
            self.net: Callable[[Tensor], Tensor] = partial(outputs, self.kan)
            parameters = groups(self.kan, options)
            self.optimizer = AdamW(self.kan, parameters, rows, LOSS, options, Centring(self.kan, rows, seed))
        else:
            module = perceptron(seed)
            self.net = module
            rule: dict[str, Any] = {"highest": options.rate, "weight_decay": options.decay}
            parameters = [{"params": list(module.parameters()), **rule}]
            self.optimizer = AdamW(self.net, parameters, rows, LOSS, options)
        self.moments = moments(EPOCHS, options.regrids)
        self.epoch = 0

    def advance(self) -> float:
        """One epoch on pictures shifted at random by at most one pixel; its CPU seconds, but for the shifting."""
        self.rows.X.copy_(shifted(self.pictures, self.epoch))
        clock = Clock()
        if self.kan is not None and self.epoch in self.moments:
            follow(self.kan, self.rows, self.options.seed)
        self.optimizer.epoch(self.epoch, 1.0)
        self.epoch += 1
        return clock.seconds

    def accuracy(self, rows: TrainingRows) -> float:
        """Share of rows whose class is told, in percent."""
        with torch.no_grad():
            told = torch.cat([self.net(x).argmax(1) for x in rows.X.split(2000)])
        return 100 * float((told == rows.y.argmax(1)).double().mean())


class Pixels(nn.Module):
    """Pixels from [-1, 1] back to [0, 1], where a perceptron learns faster."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x + 0.5


def perceptron(seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(Pixels(), nn.Linear(784, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 10))


def pictures(path: Path, part: str) -> tuple[Tensor, Tensor]:
    """Pixels in [-1, 1] and one-hot classes, in an order of their own: the file may be sorted by class."""
    with np.load(path) as file:
        x, y = torch.from_numpy(file[f"x_{part}"]), torch.from_numpy(file[f"y_{part}"])
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x = x[order].reshape(len(x), 784).float() / 127.5 - 1
    return x, nn.functional.one_hot(y[order].long(), 10).float()


def shifted(x: Tensor, seed: int) -> Tensor:
    """Each picture moved by -1, 0 or 1 pixel in both directions."""
    wide = nn.functional.pad(x.view(-1, 28, 28), (1, 1, 1, 1), value=-1.0)
    drawn = torch.randint(0, 9, (len(x),), generator=torch.Generator().manual_seed(seed))
    moved = torch.empty_like(x)
    for k in range(9):
        some = (drawn == k).nonzero()[:, 0]
        moved[some] = wide[some, k // 3 : k // 3 + 28, k % 3 : k % 3 + 28].reshape(len(some), 784)
    return moved


def as_rows(x: Tensor, y: Tensor) -> TrainingRows:
    return TrainingRows(
        x, (1 - SMOOTHING) * y + SMOOTHING / 10, torch.full((len(x),), 1 / len(x), dtype=torch.float64)
    )


def chosen(run: Run, x: Tensor, y: Tensor) -> tuple[Setting, Setting]:
    """The best KAN and the best perceptron on the held-out pictures."""
    print("## Choice\n")
    report = Report(run, "choice", ["model", "rate", "decay", "held-out accuracy %"], [20, 6, 6, 10])
    train, held = as_rows(x[HELD_OUT:], y[HELD_OUT:]), as_rows(x[:HELD_OUT], y[:HELD_OUT])
    best: list[Setting] = []
    for settings in (KANS, MLPS):
        scores: list[float] = []
        for setting in settings[:1] if run.quick else settings:
            training = Training(setting, train)
            for _ in range(1 if run.quick else EPOCHS):
                training.advance()
            scores.append(training.accuracy(held))
            report.add(setting.model, setting.rate, setting.decay, scores[-1])
        best.append(settings[int(np.argmax(scores))])
    report.note(f"Chosen: {best[0].model}; {best[1].model}.")
    report.save()
    return best[0], best[1]


def judged(
    run: Run, name: str, settings: tuple[Setting, Setting], train: TrainingRows, test: TrainingRows
) -> None:
    """Both through all epochs in turn: accuracy on the test pictures and seconds, epoch by epoch."""
    print(f"## {settings[0].model}: epochs\n")
    columns = ["epoch", "KAN test %", "MLP test %", "KAN CPU s", "MLP CPU s", "ratio"]
    report = Report(run, name, columns, 10)
    kan, mlp = (Training(setting, train) for setting in settings)
    for epoch in range(1 if run.quick else EPOCHS):
        seconds = [kan.advance(), mlp.advance()]
        report.add(epoch + 1, kan.accuracy(test), mlp.accuracy(test), *seconds, seconds[0] / seconds[1])
    ratio = float(np.median(report.column("ratio")))
    report.note(
        f"{settings[0].model} against {settings[1].model}, batch {BATCH}: an epoch takes {ratio:.2f} times as long "
        f"(median). Test accuracy after the last epoch {report.column('KAN test %')[-1]:.2f} % against "
        f"{report.column('MLP test %')[-1]:.2f} %."
    )
    report.save()


def main() -> None:
    run = begin("mnist", "MNIST, KAN and perceptron [784, 64, 10]")
    path = run.table("images/mnist.npz")
    if path is None:
        return
    x, y = pictures(path, "train")
    if run.quick:
        x, y = x[:12_000], y[:12_000]
    settings = chosen(run, x, y)
    rows = as_rows(x, y), as_rows(*pictures(path, "test"))
    judged(run, "epochs", settings, *rows)
    judged(run, "cubic", (replace(settings[0], degree=3, intervals=5), settings[1]), *rows)


if __name__ == "__main__":
    main()
