"""The main job, which `fit` and `demo` share: a table in; a network, what can be read from it and its accuracy out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core import InputError, plural
from edgewise.cli.accuracy import compared, measure, measures
from edgewise.cli.inputs import Inputs, matrix
from edgewise.cli.models import Model, learn, preload
from edgewise.cli.outcome import Interrupts
from edgewise.cli.progress import Progress

if TYPE_CHECKING:
    from edgewise.network import KAN
    from edgewise.report import AccuracyRow
    from edgewise.simplify import SimplifyResult
    from edgewise.symbolic import FormulaResult
    from edgewise.training import Record

Floats = NDArray[np.float64]
Result = TypeVar("Result")

# A formula is looked for where a person could read it: numbers only, and few columns.
MOST_COLUMNS_OF_A_FORMULA = 10
# Shares of the time where a formula is looked for; what a stage leaves unused, that search gets.
LEARN_SHARE, FIT_SHARE, SIMPLIFY_SHARE, FORMULA_SHARE = 0.2, 0.2, 0.2, 0.4
MOST_HIDDEN_NODES = 8


@dataclass(frozen=True)
class Task:
    """What to do: the table, how long it may take, and how.

    Attributes
    ----------
    inputs : what to learn from
    seconds : time for all stages together, comparisons left out
    seed : fixes every random choice
    test : share of the rows no stage sees; 0 learns from all and measures nothing
    mode, hidden, members : as the estimators take them
    formula : whether to look for a formula; None decides from the table
    title, known, units : for the report
    """

    inputs: Inputs
    seconds: float = 60.0
    seed: int = 0
    test: float = 0.2
    mode: str = "auto"
    hidden: int | None = None
    members: int | None = None
    formula: bool | None = None
    title: str = ""
    known: str = ""
    units: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Reading:
    """What a scientist reads: small networks on the raw columns and the formula; parts are missing where not reached.

    Attributes
    ----------
    X, X_test : the columns as numbers, rows to learn from and rows held out
    start, history : a small network on these columns, and what its training recorded
    simplified, found : what came of simplifying it, and of the search
    """

    X: Floats
    X_test: Floats
    start: KAN | None = None
    history: tuple[Record, ...] = ()
    simplified: SimplifyResult | None = None
    found: FormulaResult | None = None

    @property
    def network(self) -> KAN | None:
        """The simplest network reached."""
        return self.start if self.simplified is None else self.simplified.network


@dataclass(frozen=True, eq=False)
class Job:
    """What came of a task.

    Attributes
    ----------
    task : what was asked
    model : the estimator, fitted
    train, test : numbers of the rows it learned from and of those held out
    reading : small networks and the formula, where they were looked for
    accuracy : errors on the held-out rows, one entry a model
    remarks : warnings and the like, in sentences
    messages : what the stages have to say
    seconds : time all of it took
    interrupted : whether the user ended it early
    """

    task: Task
    model: Model
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    reading: Reading | None
    accuracy: tuple[AccuracyRow, ...]
    remarks: tuple[str, ...]
    messages: tuple[str, ...]
    seconds: float
    interrupted: bool

    @property
    def scores(self) -> tuple[dict[str, float], ...]:
        """Every measure of every entry of `accuracy`."""
        if not len(self.test):
            return ()
        y = self.model.coded(self.task.inputs.y[self.test])
        return tuple(measures(row.predicted, y, len(self.model.classes)) for row in self.accuracy)


def readable(inputs: Inputs) -> str:
    """Why no formula can be looked for in a table; empty where one can."""
    if inputs.task != "regression":
        return "formulas are found for numbers, not for classes"
    if inputs.weight is not None:
        return "the search takes every row alike, so it cannot heed weights"
    if len(inputs.names) > MOST_COLUMNS_OF_A_FORMULA:
        return f"it has {len(inputs.names)} columns and {MOST_COLUMNS_OF_A_FORMULA} is the most a formula is found for"
    if matrix(inputs.frame) is None:
        return "its columns must all be finite numbers without gaps"
    return ""


def run(task: Task, progress: Progress) -> Job:
    """Split, learn, read what can be read, and measure all of it on rows none has seen."""
    inputs = task.inputs
    reason = readable(inputs)
    if task.formula and reason:
        raise InputError(f"A formula cannot be found for {inputs.source}: {reason}; leave --formula out.")
    formula = not reason if task.formula is None else task.formula
    preload()  # so that Ctrl-C meets training and not an import, which has no answer to it
    train, test = inputs.halves(task.test, task.seed)
    with Interrupts() as interrupts:
        stages = _Stages(interrupts, progress)
        share = LEARN_SHARE if formula else 1.0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = stages.run("learn", partial(_learn, task, train, share * task.seconds, stages.callbacks))
        if model is None:
            raise KeyboardInterrupt
        reading = _read(task, model, train, test, stages) if formula else None
        beside, troubles = stages.run(
            "compare on held-out rows", partial(_compare, task, model, train, test)
        ) or ((), ())
    accuracy = [*beside, *(_ours(task, model, reading, test, stages) if len(test) else ())]
    remarks = dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)
    return Job(
        task=task,
        model=model,
        train=train,
        test=test,
        reading=reading,
        accuracy=tuple(accuracy),
        remarks=(*remarks, *troubles),
        messages=tuple(_messages(model, reading)),
        seconds=stages.total,
        interrupted=interrupts.happened,
    )


def _learn(task: Task, train: NDArray[np.int64], seconds: float, callbacks: Sequence[Any]) -> Model:
    inputs = task.inputs
    return learn(
        inputs.frame.take(pa.array(train)),
        inputs.y[train],
        target=inputs.target,
        classify=inputs.task == "classification",
        weight=None if inputs.weight is None else inputs.weight[train],
        mode=task.mode,
        hidden=task.hidden,
        members=task.members,
        seconds=seconds,
        seed=task.seed,
        callbacks=callbacks,
    )


def _read(
    task: Task,
    model: Model,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    stages: _Stages,
) -> Reading:
    """From numbers to a formula: a small network on the raw columns, simplified, and the search."""
    from edgewise.simplify import simplify
    from edgewise.symbolic import find_formula
    from edgewise.training import fit

    names = task.inputs.names
    numbers = matrix(task.inputs.frame)
    assert numbers is not None  # `readable` looked
    X, y = numbers[train], task.inputs.y[train]
    options: dict[str, Any] = {"seed": task.seed, "callbacks": stages.callbacks}
    start = model.network if _is_small(model, task, train, X) else None
    if start is None:
        seconds = FIT_SHARE * task.seconds
        fitted = stages.run(
            "fit a small network", lambda: fit(_small(task), X, y, seconds=seconds, **options)
        )
        start, history = fitted and fitted.network, fitted.history if fitted else ()
    else:
        history = model.history
    simplified = start and stages.run(
        "simplify it",
        lambda: simplify(start, X, y, seconds=SIMPLIFY_SHARE * task.seconds, **options),
    )
    left = max(task.seconds - stages.total, FORMULA_SHARE * task.seconds)
    found = stages.run("find the formula", lambda: find_formula(X, y, names=names, seconds=left, **options))
    return Reading(X, numbers[test], start, history, simplified, found)


def _small(task: Task) -> KAN:
    """A network a person may hope to read, untrained."""
    import torch

    from edgewise.network import KAN

    names = task.inputs.names
    hidden = task.hidden or min(2 * len(names) + 1, MOST_HIDDEN_NODES)
    return KAN(
        [len(names), hidden, 1],
        input_names=names,
        output_names=[task.inputs.target],
        seed=task.seed,
        dtype=torch.float64,
    )


def _is_small(model: Model, task: Task, train: NDArray[np.int64], X: Floats) -> bool:
    """Whether the model itself is such a network: one, not a bag of them, and on the columns as they are."""
    shape = model.network.shape
    if model.members > 1 or len(shape) != 3 or shape[1] > MOST_HIDDEN_NODES:
        return False
    encoded = model.encoded(task.inputs.frame.take(pa.array(train)))
    return model.network.input_names == task.inputs.names and np.array_equal(encoded, X)


def _compare(
    task: Task, model: Model, train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[list[AccuracyRow], list[str]]:
    """The baselines on the same rows, and what kept some of them from being fitted."""
    if not len(test):
        return [], []
    weight = None if task.inputs.weight is None else task.inputs.weight[train]
    return compared(model, task.inputs, train, test, weight=weight, seed=task.seed)


def _ours(
    task: Task,
    model: Model,
    reading: Reading | None,
    test: NDArray[np.int64],
    stages: _Stages,
) -> list[AccuracyRow]:
    """The network's own standing, and that of what was read from it."""
    y_test = model.coded(task.inputs.y[test])
    classes = len(model.classes)

    def judged(name: str, predicted: Any, size: str, *ways: str) -> AccuracyRow:
        return measure(
            name,
            predicted,
            y_test,
            size,
            sum(stages.seconds.get(way, 0.0) for way in ways),
            True,
            classes=classes,
        )

    predicted = model.values(task.inputs.frame.take(pa.array(test)))
    rows = [judged("network", predicted, edges(model.network), "learn")]
    if reading is not None and (simple := reading.simplified) is not None:
        predicted = predict(simple.network, task.inputs.names, reading.X_test)
        first = "fit a small network" if "fit a small network" in stages.seconds else "learn"
        ways = (first, "simplify it")
        rows.append(judged("network, simplified", predicted, edges(simple.network), *ways))
    if reading is not None and (found := reading.found) is not None:
        predicted = np.asarray(found.best.predict(reading.X_test))
        if np.isfinite(predicted).all():
            rows.append(
                judged("formula", predicted, f"complexity {found.best.complexity}", "find the formula")
            )
    return rows


def _messages(model: Model, reading: Reading | None) -> list[str]:
    told = [("Learning", model.message)]
    if reading is not None:
        stages = (
            ("Simplifying", reading.simplified),
            ("Formula search", reading.found),
        )
        told += [(name, result.message) for name, result in stages if result is not None]
    return [f"{name}: {message}" for name, message in told if message]


class _Stages:
    """Runs one stage after the other and times them; after Ctrl-C no further one begins.

    `callbacks` are what the stages are to be given.
    """

    def __init__(self, interrupts: Interrupts, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self.callbacks = (progress, interrupts)
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


def edges(network: KAN) -> str:
    """How much there is to read in a network."""
    return plural(sum(int(layer.mask.sum()) for layer in network.layers), "edge function")
