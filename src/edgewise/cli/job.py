"""The main job, which `fit` and `demo` share: a table in; a readable network, its formula and their accuracy out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgewise._core import plural
from edgewise.cli.accuracy import baselines, measure
from edgewise.cli.outcome import Interrupts
from edgewise.cli.progress import Progress
from edgewise.data import Table, split

if TYPE_CHECKING:
    from edgewise.network import KAN
    from edgewise.report import AccuracyRow
    from edgewise.simplify import SimplifyResult
    from edgewise.symbolic import FormulaResult
    from edgewise.training import FitResult

Floats = NDArray[np.float64]
Result = TypeVar("Result")

# Rows no stage sees before the accuracy table is made.
TEST_FRACTION = 0.2
# Shares of the time; what a stage leaves unused, the search for a formula gets.
FIT_SHARE, SIMPLIFY_SHARE, FORMULA_SHARE = 0.3, 0.2, 0.5
MOST_HIDDEN_NODES = 8


@dataclass(frozen=True)
class Task:
    """What to do: the table, what to predict from which columns, and how long it may take.

    `title` and `known` (the law that is known for these data) are for the report.
    """

    table: Table
    target: str
    columns: tuple[str, ...] | None = None
    seconds: float = 60.0
    seed: int = 0
    hidden: int | None = None
    title: str = ""
    known: str = ""


@dataclass(frozen=True)
class Job:
    """What came of a task; the later parts are missing where it was interrupted.

    Attributes
    ----------
    task : what was asked
    names : the columns predicted from
    X, y, X_test, y_test : the rows fitted on and the rows held out
    fitted, simplified, found : the results of the three stages
    accuracy : errors on the held-out rows, one entry a model
    interrupted : whether the user ended it early
    """

    task: Task
    names: tuple[str, ...]
    X: Floats
    y: Floats
    X_test: Floats
    y_test: Floats
    fitted: FitResult
    simplified: SimplifyResult | None
    found: FormulaResult | None
    accuracy: tuple[AccuracyRow, ...]
    seconds: float
    interrupted: bool

    @property
    def network(self) -> KAN:
        """The simplest network the job arrived at."""
        return self.fitted.network if self.simplified is None else self.simplified.network


def run(task: Task, progress: Progress) -> Job:
    """Split, fit, simplify, find the formula, and measure all of them on rows none has seen."""
    import torch

    from edgewise.network import KAN
    from edgewise.simplify import simplify
    from edgewise.symbolic import find_formula
    from edgewise.training import fit

    X, y, names = task.table.features(task.target, task.columns)
    train, test = split(len(y), TEST_FRACTION, task.seed)
    X, X_test, y, y_test = X[train], X[test], y[train], y[test]
    hidden = task.hidden or min(2 * len(names) + 1, MOST_HIDDEN_NODES)
    network = KAN(
        [len(names), hidden, 1],
        input_names=names,
        output_names=[task.target],
        seed=task.seed,
        dtype=torch.float64,
    )
    options: dict[str, Any] = {"seed": task.seed, "callbacks": (progress,)}

    def to_fit() -> FitResult:
        return fit(network, X, y, seconds=FIT_SHARE * task.seconds, **options)

    def to_simplify(network: KAN) -> SimplifyResult:
        return simplify(network, X, y, seconds=SIMPLIFY_SHARE * task.seconds, **options)

    def to_find() -> FormulaResult:
        # What the stages before it left unused is the search's.
        left = max(task.seconds - stages.total, FORMULA_SHARE * task.seconds)
        return find_formula(X, y, names=names, seconds=left, **options)

    with Interrupts() as interrupts:
        stages = _Stages(interrupts, progress)
        fitted = stages.run("fit a network", to_fit)
        if fitted is None:
            raise KeyboardInterrupt
        simplified = stages.run("simplify it", partial(to_simplify, fitted.network))
        found = stages.run("find the formula", to_find)
        compared = stages.run("compare on held-out rows", lambda: baselines(X, y, X_test, y_test, task.seed))

    def judged(model: str, predicted: Floats, size: str, *ways: str) -> AccuracyRow:
        return measure(model, predicted, y_test, size, sum(stages.seconds[way] for way in ways), ours=True)

    accuracy = list(compared or ())
    predicted, size = predict(fitted.network, names, X_test), _size(fitted.network)
    accuracy.append(judged("network, as fitted", predicted, size, "fit a network"))
    if simplified is not None:
        predicted, size = predict(simplified.network, names, X_test), _size(simplified.network)
        accuracy.append(judged("network, simplified", predicted, size, "fit a network", "simplify it"))
    if found is not None:
        predicted, size = np.asarray(found.best.predict(X_test)), f"complexity {found.best.complexity}"
        accuracy.append(judged("formula", predicted, size, "find the formula"))
    return Job(
        task=task,
        names=names,
        X=X,
        y=y,
        X_test=X_test,
        y_test=y_test,
        fitted=fitted,
        simplified=simplified,
        found=found,
        accuracy=tuple(accuracy),
        seconds=stages.total,
        interrupted=interrupts.happened,
    )


class _Stages:
    """Runs one stage after the other and times them; after Ctrl-C no further one begins."""

    def __init__(self, interrupts: Interrupts, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._interrupts = interrupts
        self._progress = progress

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def run(self, title: str, work: Callable[[], Result]) -> Result | None:
        """The stage's result; None where it was not begun or had no answer to an interruption."""
        if self._interrupts.happened:
            return None
        self._progress.begin(title)
        start = time.perf_counter()
        try:
            return work()
        except KeyboardInterrupt:
            return None
        finally:
            self.seconds[title] = time.perf_counter() - start


def predict(network: KAN, names: tuple[str, ...], X: Floats) -> Floats:
    """A network's predictions, shape (n,), from the columns `names`; simplifying may have left it fewer inputs."""
    return network.predict(X[:, [names.index(name) for name in network.input_names]])[:, 0]


def _size(network: KAN) -> str:
    return plural(sum(int(layer.mask.sum()) for layer in network.layers), "edge function")
