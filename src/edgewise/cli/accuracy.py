"""How well each model predicts rows that none of them has seen."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.cli.baselines import rivals
from edgewise.cli.inputs import Inputs
from edgewise.cli.models import LoadedModel
from edgewise.report import AccuracyRow
from edgewise.report.evaluation.measures import Yardstick, yardsticks

# The names of the measures as keys of JSON.
_KEYS = {"R²": "r2", "mean abs. error": "mae", "Brier score": "brier"}


def measure(
    model: str,
    predicted: Any,
    y: NDArray[Any],
    size: str,
    seconds: float,
    ours: bool,
    *,
    classes: int = 0,
) -> AccuracyRow:
    """A model's standing from its predictions: values (n,), or probabilities (n, classes)."""
    values = np.asarray(predicted, dtype=np.float64)
    if classes:
        return AccuracyRow(model, size=size, seconds=seconds, ours=ours, predicted=values)
    values = values.reshape(-1)
    measured = measures(values, y, 0)
    return AccuracyRow(
        model,
        measured["rmse"],
        measured["r2"],
        measured["mae"],
        size=size,
        seconds=seconds,
        ours=ours,
        predicted=values,
    )


def compared(
    model: LoadedModel,
    inputs: Inputs,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    *,
    weight: Floats | None = None,
    seed: int = 0,
) -> tuple[list[AccuracyRow], list[str]]:
    """The baselines fitted on some rows and judged on others, and a sentence for each that could not be fitted."""
    y, y_test = model.coded(inputs.y[train]), model.coded(inputs.y[test])
    ours, theirs = (inputs.frame.take(pa.array(rows)) for rows in (train, test))
    classes = len(model.classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a baseline did not converge is no news to the user
        found = list(rivals(ours, y, theirs, classes=classes, weight=weight, seed=seed))
    rows = [
        measure(one.name, one.predicted, y_test, one.size, one.seconds, False, classes=classes)
        for one in found
        if not one.trouble
    ]
    return rows, [f"The {one.name} could not be fitted: {one.trouble}." for one in found if one.trouble]


def measures(predicted: Floats, y: NDArray[Any], classes: int) -> dict[str, float]:
    """Every measure that fits the target, the leading one first."""
    once = np.ones((1, len(y)))
    y = y.astype(np.float64)
    return {key(way): float(way.of(y, predicted)(once)[0]) for way in yardsticks(classes)}


def key(way: Yardstick) -> str:
    """The measure's name as a key of JSON."""
    return _KEYS.get(way.name, way.name.lower().replace(" ", "_"))
