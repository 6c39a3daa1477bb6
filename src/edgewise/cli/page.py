"""What goes on the report page: a job's results, or a saved model beside a table."""

from __future__ import annotations

import datetime as dt
import platform
import shlex
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.checks import among, check_squarable, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.version import __version__
from edgewise.cli.accuracy import compared, measure, measures
from edgewise.cli.inputs import ColumnRoles, Inputs, Likelihood, called, find, prepare
from edgewise.cli.job import TaskOutcome, edges
from edgewise.cli.models import LoadedModel
from edgewise.data import provenance
from edgewise.data.arrow import Frame
from edgewise.report import AccuracyRow, Origin, ReportContent, content_from_estimator
from edgewise.report.content.content import told_on_page
from edgewise.report.evaluation.measures import yardsticks

_VERSIONS_SHOWN = ("torch", "numpy", "sympy", "scikit-learn", "pyarrow")


@dataclass(frozen=True, eq=False)
class Page:
    """A page and the figures on it.

    Attributes
    ----------
    content : what the report takes
    scores : every measure of every entry of its accuracy table
    rows : how many rows they were measured on
    """

    content: ReportContent
    scores: tuple[dict[str, float], ...]
    rows: int


def content(job: TaskOutcome) -> ReportContent:
    """Everything a job found, as the report takes it."""
    task, inputs = job.task, job.task.inputs
    common: dict[str, Any] = {
        "title": task.title or f"{inputs.target} from {inputs.source}",
        "notes": (*inputs.notes, *job.remarks, *job.messages),
        "stop_reason": job.stop_reason,
        "advice": job.stop_reason.advice,
        "known": task.known,
        "units": {**inputs.units, **dict(task.units)},
        "origin": origin(inputs.fingerprint, task.seed),
    }
    base = replace(_of_model(job.model, inputs, job.train, job.test, job.accuracy, rows=task.rows), **common)
    reading = job.reading
    if reading is None or reading.network is None:
        return base
    found, simplified = reading.found, reading.simplified
    return replace(
        base,
        names=inputs.names,
        X=reading.X,
        X_test=reading.X_test,
        network=reading.network,
        formula=None if found is None else found.recommended,
        accurate=None if found is None else found.best,
        recommendation="" if found is None else told_on_page(found),
        front=() if found is None else tuple(found.front),
        alternatives=() if found is None else found.alternatives(),
        # The page draws the small network, so its row comes first among ours: it is the one the page is about.
        accuracy=tuple(sorted(job.accuracy, key=lambda row: row.model == "network")),
        history=(*reading.history, *(() if simplified is None else simplified.history)),
        edits=() if simplified is None else tuple(simplified.steps),
        inputs=(),
        program=None,
        cells=(),
        cell_rows=(),
        # It explains the model, and the page is about the small network.
        explanation=None,
    )


def saved_inputs(
    model: LoadedModel,
    frame: Frame,
    target: str | None,
    groups: str | None = None,
    time: str | None = None,
    exposure: str | None = None,
) -> Inputs:
    """What a table holds for a saved model: the columns it reads, the one it predicts, and what its rows are parted by."""
    if target is None and model.target not in frame.column_names:
        raise InputError(
            f"{provenance(frame).source} has no column {short(model.target)}, which is what the model predicts; name the "
            "column that holds it with --target."
        )
    if not model.classes and len(model.outputs) > 1:
        raise InputError(
            subject="The model of a report",
            expected="have one output",
            got=f"one with {len(model.outputs)} ({among(model.outputs)})",
            advice="fit a model of each",
        )
    target = find(frame, target or model.target)
    model.select(frame)
    task = "classification" if model.classes else "regression"
    roles = ColumnRoles(target, model.names, groups=groups, time=time, exposure=exposure)
    likelihood = Likelihood(getattr(model.held, "loss", "squared"), getattr(model.held, "power", None))
    inputs = prepare(frame, roles, task=task, likelihood=likelihood)
    if model.classes:
        _refuse_unknown_classes(model, inputs)
    return inputs


def of_saved(model: LoadedModel, inputs: Inputs, *, test: float, seed: int, rows: bool = True) -> Page:
    """The page of a saved model and a table: held out is what `fit` held out of this table, or all of it."""
    train, held_out = inputs.halves(test, seed)
    truth, weight = inputs.judged(held_out)
    y_test = model.coded(truth)
    accuracy, troubles = compared(model, inputs, train, held_out, seed=seed) if test < 1 else ([], [])
    classes = len(model.classes)
    every = model.values(inputs.frame)  # the page draws the rows learned from as well
    check_squarable(every, f"What the model answers for {inputs.source}")
    ours = every[held_out]
    size = edges(model.network)
    likelihood = inputs.likelihood
    plain = not classes and not likelihood.of_means
    accuracy.append(measure("network", ours, y_test, size, 0.0, True, numbers=plain))
    made = _of_model(model, inputs, train, held_out, tuple(accuracy), rows=rows)
    made = replace(
        made,
        title=f"{inputs.target} from {inputs.source}",
        notes=(*inputs.notes, *troubles),
        units=dict(inputs.units),
        advice="" if made.stop_reason is None else made.stop_reason.advice,
        origin=origin(inputs.fingerprint, seed),
    )
    ways = yardsticks(classes, likelihood.loss, likelihood.power)
    scores = tuple(measures(np.asarray(row.predicted), y_test, ways, weight) for row in accuracy)
    return Page(made, scores, len(held_out))


def origin(fingerprint: str, seed: int) -> Origin:
    """How to make the page again."""
    versions = [("edgewise", __version__), ("python", platform.python_version())]
    return Origin(
        command=shlex.join(["edgewise", *sys.argv[1:]]),
        seed=seed,
        versions=(*versions, *((name, version(name)) for name in _VERSIONS_SHOWN)),
        data_hash=fingerprint,
        date=dt.date.today().isoformat(),
        machine=f"{platform.system()} on {platform.machine()}",
    )


def _refuse_unknown_classes(model: LoadedModel, inputs: Inputs) -> None:
    known = set(model.labels)
    unknown = sorted({label for label in np.unique(inputs.y).tolist() if label not in known}, key=str)
    if unknown:
        hint = did_you_mean(str(unknown[0]), [str(label) for label in model.labels])
        raise InputError(
            subject=f"The target {called(inputs.target)} of {inputs.source}",
            expected="hold classes the model knows",
            got=f"{short(unknown[0])}{hint}",
            advice="leave those rows out",
        )


def _of_model(
    model: LoadedModel,
    inputs: Inputs,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    accuracy: tuple[AccuracyRow, ...],
    *,
    rows: bool,
) -> ReportContent:
    """A model and the rows it learned from and is judged on."""
    y, y_test = inputs.y[train], inputs.y[test]
    exposure = inputs.likelihood.exposure
    parts = [inputs.frame.take(pa.array(part)) for part in (train, test)]
    if model.is_estimator:
        made = content_from_estimator(
            model.held, parts[0], y, parts[1], y_test, source=inputs.source, target=inputs.target, rows=rows,
            exposure=None if exposure is None else exposure[train],
            test_exposure=None if exposure is None else exposure[test],
        )  # fmt: skip
        return replace(made, accuracy=accuracy, dropped=(*inputs.dropped, *made.dropped))
    return ReportContent(
        title=inputs.target,
        source=inputs.source,
        names=model.network.input_names,
        target=inputs.target,
        X=model.encoded(parts[0]),
        y=y,
        X_test=model.encoded(parts[1]),
        y_test=y_test,
        network=model.network,
        accuracy=accuracy,
        rows=rows,
    )
