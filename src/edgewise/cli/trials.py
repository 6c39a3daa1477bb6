"""What `edgewise bench` measures: each trial puts one figure of edgewise beside that of a reference on the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.seeds import numpy_generator
from edgewise._core.stopping import StopReason
from edgewise.cli.accuracy import measures
from edgewise.cli.baselines import rivals
from edgewise.cli.models import learn
from edgewise.cli.outcome import Interrupts
from edgewise.cli.progress import ShownProgress
from edgewise.data import load_example, split

_ROWS = 1000
_NOISE = 0.05
# Repetitions of a timing; the quickest one counts, for whatever else the machine does only adds to it.
_REPEATS = 7


@dataclass(frozen=True)
class Trial:
    """One comparison; less is better everywhere.

    Attributes
    ----------
    name : what was done
    measure, unit : what was measured
    ours, theirs : the two figures
    reference : what edgewise is compared with
    stop_reason : why the network's training ended; None for a layer
    """

    name: str
    measure: str
    unit: str
    ours: float
    theirs: float
    reference: str
    stop_reason: StopReason | None = None

    @property
    def ratio(self) -> float:
        """Ours over theirs."""
        return self.ours / self.theirs if self.theirs else float("inf")


def run(
    work: str | float, seconds: float | None, seed: int, progress: ShownProgress, interrupts: Interrupts
) -> tuple[Trial, ...]:
    """All trials, or those until Ctrl-C; the three tables share the time, where it is limited."""
    progress.begin("time a layer")
    limit = None if seconds is None else seconds / len(_TABLES)
    trials = list(layers())
    for name, make in _TABLES.items():
        if interrupts.happened:
            break
        progress.begin(name)
        X, y, classes = make(seed)
        trials += table(name, X, y, classes, work, limit, seed, (progress, interrupts))
    return tuple(trials)


def layers(width: int = 64, rows: int = 1024) -> Iterator[Trial]:
    """A layer of edge functions and a linear layer of the same shape, forward and back."""
    import torch

    from edgewise.layers import KANLinear

    x = torch.linspace(-1, 1, rows * width).reshape(rows, width)

    def one_pass(layer: Any) -> Callable[[], None]:
        def work() -> None:
            layer.zero_grad()
            layer(x).square().mean().backward()

        return work

    ours = _quickest(one_pass(KANLinear(width, width)))
    theirs = _quickest(one_pass(torch.nn.Linear(width, width)))
    shape = f"{width} x {width}, {rows:,} rows"
    yield Trial(f"layer, {shape}", "pass", "ms", 1e3 * ours, 1e3 * theirs, "torch.nn.Linear")


def table(
    name: str,
    X: Floats,
    y: NDArray[Any],
    classes: int,
    work: str | float,
    seconds: float | None,
    seed: int,
    callbacks: Sequence[Any],
) -> Iterator[Trial]:
    """A network and gradient boosting on one table: error on held-out rows, and the time to learn and to predict."""
    frame = pa.table({f"x{place}": column for place, column in enumerate(X.T, start=1)})
    train, test = split(len(y), 0.2, seed, classes=y if classes else None)
    rows, held_out = frame.take(pa.array(train)), frame.take(pa.array(test))
    start = time.perf_counter()
    model = learn(
        rows,
        y[train],
        target="y",
        classify=bool(classes),
        weight=None,
        mode="auto",
        hidden=None,
        members=None,
        work=work,
        seconds=seconds,
        seed=seed,
        callbacks=callbacks,
    )
    took = time.perf_counter() - start
    boosted = list(rivals(rows, y[train], held_out, classes=classes, seed=seed))[-1]
    y_test = model.coded(y[test])
    ours, theirs = (
        measures(predicted, y_test, classes) for predicted in (model.values(held_out), boosted.predicted)
    )
    lead = "log_loss" if classes else "rmse"
    word = "log loss" if classes else "RMSE"
    ended = model.stop_reason
    yield Trial(name, word, "", ours[lead], theirs[lead], boosted.name, ended)
    yield Trial(name, "time to learn", "s", took, boosted.seconds, boosted.name, ended)


def _quickest(work: Callable[[], None]) -> float:
    work()
    times: list[float] = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _smooth(seed: int) -> tuple[Floats, Floats, int]:
    """exp(sin(pi x1) + x2^2) with a little noise, and a column without effect."""
    draw = numpy_generator(seed)
    X = draw.uniform(-1, 1, (_ROWS, 3))
    clean = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    return X, clean + draw.normal(0, _NOISE, _ROWS), 0


def _classes(seed: int) -> tuple[Floats, NDArray[np.int64], int]:
    """Two classes whose odds change smoothly: log odds 3 sin(pi x1) + 2 x2 x3."""
    draw = numpy_generator(seed)
    X = draw.uniform(-1, 1, (_ROWS, 4))
    odds = 3 * np.sin(np.pi * X[:, 0]) + 2 * X[:, 1] * X[:, 2]
    return X, (draw.uniform(size=_ROWS) < 1 / (1 + np.exp(-odds))).astype(np.int64), 2


def _nuclei(seed: int) -> tuple[Floats, Floats, int]:
    """The measured binding energies that ship along."""
    X, y, _ = load_example("nuclear_binding").features("B", ("Z", "N"))
    return X, y, 0


_TABLES: dict[str, Callable[[int], tuple[Floats, NDArray[Any], int]]] = {
    "smooth function": _smooth,
    "two classes": _classes,
    "nuclear binding": _nuclei,
}
