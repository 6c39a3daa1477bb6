"""The main job, which `fit` and `demo` share: a table in; a network, what can be read from it and its accuracy out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import LARGEST, plural
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, check_work, running
from edgewise.cli.accuracy import compared, measure, measures
from edgewise.cli.inputs import Inputs, matrix
from edgewise.cli.models import LoadedModel, preload
from edgewise.cli.outcome import Interrupts
from edgewise.cli.progress import ShownProgress
from edgewise.cli.stages import COMPARE, FIT, FORMULA, LEARN, SHARES, SIMPLIFY, Began, Limit, Stages
from edgewise.report.evaluation.measures import yardsticks
from edgewise.symbolic.costs import SEARCH_WORK_UNITS

if TYPE_CHECKING:
    from edgewise.network import KAN
    from edgewise.report import AccuracyRow
    from edgewise.simplifying import SimplifyResult
    from edgewise.symbolic import FormulaResult
    from edgewise.training import Record


# A formula is looked for where a person could read it: numbers only, and few columns.
MOST_COLUMNS_OF_A_FORMULA = 10
MOST_HIDDEN_NODES = 8


@dataclass(frozen=True)
class TableTask:
    """What to do: the table, how much to do, and how.

    Attributes
    ----------
    inputs : what to learn from
    work : how much every stage does
    seconds : time limit of the whole job
    seed : fixes every random choice
    test : share of the rows no stage sees; 0 learns from all and measures nothing
    mode, hidden, members : as the estimators take them
    formula : whether to look for a formula; None decides from the table
    title, known, units : for the report
    rows : whether some held-out rows may stand in it
    """

    inputs: Inputs
    work: str | float = "normal"
    seconds: float | None = None
    seed: int = 0
    test: float = 0.2
    mode: str = "auto"
    hidden: int | None = None
    members: int | None = None
    formula: bool | None = None
    title: str = ""
    known: str = ""
    units: tuple[tuple[str, str], ...] = ()
    rows: bool = True


@dataclass(frozen=True, eq=False)
class Interpretation:
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
class TaskOutcome:
    """What came of a task.

    Attributes
    ----------
    task : what was asked
    model : the estimator, fitted
    train, test : numbers of the rows it learned from and of those held out
    reading : small networks and the formula, where they were looked for
    accuracy : errors on the held-out rows, one entry a model
    remarks : warnings and the like, in sentences
    messages : of the stages
    seconds : time all of it took
    stopped, stop_reason : why each stage ended, and the whole
    """

    task: TableTask
    model: LoadedModel
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    reading: Interpretation | None
    accuracy: tuple[AccuracyRow, ...]
    remarks: tuple[str, ...]
    messages: tuple[str, ...]
    seconds: float
    stopped: Mapping[str, StopReason]
    stop_reason: StopReason

    @property
    def scores(self) -> tuple[dict[str, float], ...]:
        """Every measure of every entry of `accuracy`."""
        if not len(self.test):
            return ()
        inputs = self.task.inputs
        truth, weight = inputs.judged(self.test)
        ways = yardsticks(len(self.model.classes), inputs.likelihood.loss, inputs.likelihood.power)
        y = self.model.coded(truth)
        return tuple(measures(row.predicted, y, ways, weight) for row in self.accuracy)


def readable(inputs: Inputs) -> str:
    """Why no formula can be looked for in a table; empty where one can."""
    if inputs.task != "regression":
        return "formulas are found for numbers, not for classes"
    if inputs.likelihood.loss != "squared":
        return "the search is for least squares"
    if inputs.weight is not None:
        return "the search takes every row alike, so it cannot heed weights"
    if inputs.groups is not None or inputs.time is not None:
        return "the search parts rows at random, so it cannot keep groups or times together"
    if len(inputs.names) > MOST_COLUMNS_OF_A_FORMULA:
        return f"it has {len(inputs.names)} columns and {MOST_COLUMNS_OF_A_FORMULA} is the most a formula is found for"
    if matrix(inputs.frame) is None:
        return f"its columns must all be numbers up to {LARGEST:g} without gaps"
    return ""


def run(task: TableTask, progress: ShownProgress, began: Began | None = None) -> TaskOutcome:
    """Split, learn, read what can be read, and measure all of it on rows none has seen.

    A time limit counts from when the command `began`.
    """
    inputs = task.inputs
    reason = readable(inputs)
    if task.formula and reason:
        raise InputError(f"A formula cannot be found for {inputs.source}: {reason}; leave --formula out.")
    formula = not reason if task.formula is None else task.formula
    preload()  # so that Ctrl-C meets training and not an import, which has no answer to it
    train, test = inputs.halves(task.test, task.seed)
    cells = inputs.n_rows * len(inputs.names)
    limit = Limit(task.seconds, began or Began(), list(SHARES) if formula else [LEARN], cells)
    with Interrupts() as interrupts, running(Meter()) as meter:
        stages = Stages(interrupts, progress, limit)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = stages.run(LEARN, partial(_learn, task, train, formula, stages.callbacks))
        if model is None:
            raise KeyboardInterrupt
        reading = _read(task, model, train, test, stages, meter) if formula else None
        beside, troubles = [], []
        if limit.compares:
            beside, troubles = stages.run(COMPARE, lambda _: _compare(task, model, train, test)) or ([], [])
        else:
            troubles = ["The time limit leaves no time to fit other models for comparison."]
    accuracy = [*beside, *(_ours(task, model, reading, test, stages) if len(test) else ())]
    remarks = dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)
    return TaskOutcome(
        task=task,
        model=model,
        train=train,
        test=test,
        reading=reading,
        accuracy=tuple(accuracy),
        remarks=(*remarks, *troubles),
        messages=tuple(_messages(model, reading)),
        seconds=stages.total,
        stopped=stages.stopped,
        stop_reason=stages.stop_reason,
    )


def _learn(
    task: TableTask, train: NDArray[np.int64], formula: bool, callbacks: Sequence[Any], seconds: float | None
) -> LoadedModel:
    from edgewise.estimators import KANClassifier, KANRegressor
    from edgewise.training import TableConfig
    from edgewise.training.tabular.plan import WORK_UNITS

    inputs, share = task.inputs, SHARES[LEARN] if formula else 1.0
    options: dict[str, Any] = {} if task.hidden is None else {"hidden": task.hidden}
    classify = inputs.task == "classification"
    estimator: Any = (KANClassifier if classify else KANRegressor)(
        mode=task.mode,
        members="auto" if task.members is None else task.members,
        # Of the work of a job, which is that of a search for a formula.
        work=share * SEARCH_WORK_UNITS / WORK_UNITS * check_work(task.work),
        seconds=seconds,
        random_state=task.seed,
        callbacks=callbacks,
        config=TableConfig(identifier_rows=inputs.n_rows + 1),  # those not asked for are gone already
        **({} if classify else inputs.likelihood.options),
        **options,
    )
    exposure = inputs.likelihood.exposure
    estimator.fit(
        inputs.frame.take(pa.array(train)),
        # A series has a name, which the estimator keeps.
        nw.new_series(inputs.target, inputs.y[train], backend="pyarrow"),
        sample_weight=None if inputs.weight is None else inputs.weight[train],
        groups=None if inputs.groups is None else inputs.groups[train],
        time=None if inputs.time is None else inputs.time[train],
        **({} if exposure is None else {"exposure": exposure[train]}),
    )
    return LoadedModel(
        estimator, inputs.names, (inputs.target,), tuple(estimator.classes_) if classify else ()
    )


def _read(
    task: TableTask,
    model: LoadedModel,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    stages: Stages,
    meter: Meter,
) -> Interpretation:
    """From numbers to a formula: a small network on the raw columns, simplified, and the search."""
    from edgewise.simplifying import simplify
    from edgewise.symbolic import find_formula
    from edgewise.training import fit

    names = task.inputs.names
    numbers = matrix(task.inputs.frame)
    assert numbers is not None  # `readable` looked
    X, y = numbers[train], task.inputs.y[train]
    options: dict[str, Any] = {"seed": task.seed, "callbacks": stages.callbacks}
    start = model.network if _is_small(model, task, train, X) else None
    history = tuple(getattr(model.fit, "history", ()))
    if start is None:
        fitted = stages.run(
            FIT, lambda seconds: fit(_small(task), X, y, work=task.work, seconds=seconds, **options)
        )
        start, history = (None, ()) if fitted is None else (fitted.network, fitted.history)
    simplified = start and stages.run(
        SIMPLIFY, lambda seconds: simplify(start, X, y, work=task.work, seconds=seconds, **options)
    )
    factor = check_work(task.work)
    left = max(factor - meter.spent / SEARCH_WORK_UNITS, SHARES[FORMULA] * factor)
    found = stages.run(
        FORMULA,
        lambda seconds: find_formula(X, y, names=names, work=left, seconds=seconds, **options),
    )
    return Interpretation(X, numbers[test], start, history, simplified, found)


def _small(task: TableTask) -> KAN:
    """A network small enough to be read, untrained."""
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


def _is_small(model: LoadedModel, task: TableTask, train: NDArray[np.int64], X: Floats) -> bool:
    """Whether the model itself is such a network: one, not a bag of them, and on the columns as they are."""
    shape = model.network.shape
    if getattr(model.fit, "members", 1) > 1 or len(shape) != 3 or shape[1] > MOST_HIDDEN_NODES:
        return False
    encoded = model.encoded(task.inputs.frame.take(pa.array(train)))
    return model.network.input_names == task.inputs.names and np.array_equal(encoded, X)


def _compare(
    task: TableTask, model: LoadedModel, train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[list[AccuracyRow], list[str]]:
    """The baselines on the same rows, and what kept some of them from being fitted."""
    if not len(test):
        return [], []
    weight = None if task.inputs.weight is None else task.inputs.weight[train]
    return compared(model, task.inputs, train, test, weight=weight, seed=task.seed)


def _ours(
    task: TableTask,
    model: LoadedModel,
    reading: Interpretation | None,
    test: NDArray[np.int64],
    stages: Stages,
) -> list[AccuracyRow]:
    """The network's own standing, and that of what was read from it."""
    y_test = model.coded(task.inputs.judged(test)[0])
    numbers = not model.classes and not task.inputs.likelihood.of_means

    def judged(name: str, predicted: Any, size: str, *ways: str) -> AccuracyRow:
        return measure(
            name,
            predicted,
            y_test,
            size,
            sum(stages.seconds.get(way, 0.0) for way in ways),
            True,
            numbers=numbers,
        )

    predicted = model.values(task.inputs.frame.take(pa.array(test)))
    rows = [judged("network", predicted, edges(model.network), LEARN)]
    if reading is not None and (simple := reading.simplified) is not None:
        predicted = predict(simple.network, task.inputs.names, reading.X_test)
        ways = (FIT if FIT in stages.seconds else LEARN, SIMPLIFY)
        # Where the model is a larger network, this one was trained apart.
        name = "small network" if FIT in stages.seconds else "network, simplified"
        small = judged(name, predicted, edges(simple.network), *ways)
        y = np.asarray(y_test, dtype=np.float64)
        errors = [
            np.square(np.asarray(row.predicted, dtype=np.float64) - y).sum() for row in (rows[0], small)
        ]
        if _count(simple.network) < _count(model.network) or errors[1] < errors[0]:
            rows.append(small)
    if reading is not None and (found := reading.found) is not None:
        law, best = found.recommended, found.best
        for name, formula in (("formula", law), ("longer formula", best)):
            predicted = np.asarray(formula.predict(reading.X_test))
            if np.isfinite(predicted).all() and (formula is law or best.expression != law.expression):
                rows.append(judged(name, predicted, f"complexity {formula.complexity}", FORMULA))
    return rows


def _messages(model: LoadedModel, reading: Interpretation | None) -> list[str]:
    messages = [("Learning", str(getattr(model.fit, "message", "")))]
    if reading is not None:
        stages = (
            ("Simplifying", reading.simplified),
            ("Formula search", reading.found),
        )
        messages += [(name, result.message) for name, result in stages if result is not None]
    return [f"{name}: {message}" for name, message in messages if message]


def predict(network: KAN, names: tuple[str, ...], X: Floats) -> Floats:
    """A network's predictions, shape (n,), from the columns `names`; simplifying may have left it fewer inputs."""
    return network.predict(X[:, [names.index(name) for name in network.input_names]])[:, 0]


def edges(network: KAN) -> str:
    """How much there is to read in a network."""
    return plural(_count(network), "edge function")


def _count(network: KAN) -> int:
    return sum(int(layer.mask.sum()) for layer in network.layers)
