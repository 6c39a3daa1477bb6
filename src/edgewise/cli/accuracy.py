"""How well each model predicts rows that none of them has seen: the network beside a linear model and gradient boosting."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.cli.inputs import Inputs, Likelihood, numbers
from edgewise.cli.models import LoadedModel
from edgewise.data.arrow import Cells, Frame, pc
from edgewise.data.sources import first_line
from edgewise.report import AccuracyRow
from edgewise.report.content.baselines import boosting, fitted_row
from edgewise.report.evaluation.measures import Yardstick, weighed, yardsticks
from edgewise.training.common.losses import variance_power

# The names of the measures as keys of JSON.
_KEYS = {"R²": "r2", "mean abs. error": "mae", "Brier score": "brier"}
# Levels beyond these, and those with fewer rows, share one; the linear model would otherwise get a constant for each.
_MOST_LEVELS = 60
_FEWEST_ROWS_A_LEVEL = 5
# Numbers beyond this count as missing: their squares, which scaling needs, would overflow.
_LARGEST = 1e100


def measure(
    model: str,
    predicted: Any,
    y: NDArray[Any],
    size: str,
    seconds: float,
    ours: bool,
    *,
    numbers: bool = True,
) -> AccuracyRow:
    """A model's standing from its predictions: of numbers with their errors, else means or probabilities (n, classes)."""
    values = np.asarray(predicted, dtype=np.float64)
    if not numbers:
        return AccuracyRow(model, size=size, seconds=seconds, ours=ours, predicted=values)
    values = values.reshape(-1)
    measured = measures(values, y, yardsticks(0))
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
    (y, counted), (y_test, _) = (inputs.judged(rows) for rows in (train, test))
    y, y_test = model.coded(y), model.coded(y_test)
    if counted is not None:
        weight = counted if weight is None else weight * counted
    ours, theirs = (inputs.frame.take(pa.array(rows)) for rows in (train, test))
    classes = len(model.classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a baseline did not converge is no news to the user
        found = list(
            rivals(ours, y, theirs, classes=classes, weight=weight, seed=seed, likelihood=inputs.likelihood)
        )
    plain = not classes and not inputs.likelihood.of_means
    rows = [
        measure(one.name, one.predicted, y_test, one.size, one.seconds, False, numbers=plain)
        for one in found
        if not one.trouble
    ]
    return rows, [f"The {one.name} could not be fitted: {one.trouble}." for one in found if one.trouble]


def measures(
    predicted: Floats, y: NDArray[Any], ways: Sequence[Yardstick], weight: Floats | None = None
) -> dict[str, float]:
    """Every measure of rows that may count differently, the leading one first."""
    once = np.ones((1, len(y)))
    y = y.astype(np.float64)
    return {key(way): float(weighed(way.of(y, predicted), weight)(once)[0]) for way in ways}


def key(way: Yardstick) -> str:
    """The measure's name as a key of JSON."""
    return _KEYS.get(way.name, way.name.lower().replace(" ", "_"))


@dataclass(frozen=True, eq=False)
class BaselineModel:
    """A fitted baseline.

    Attributes
    ----------
    name : what it is
    predicted : its values, or probabilities a class, on the held-out rows; empty where it could not be fitted
    size : how much there is to read
    seconds : the time it took
    trouble : why it could not be fitted, if so
    """

    name: str
    predicted: Floats
    size: str
    seconds: float
    trouble: str = ""


def rivals(
    train: Frame,
    y: NDArray[Any],
    test: Frame,
    *,
    classes: int = 0,
    weight: Floats | None = None,
    seed: int = 0,
    likelihood: Likelihood | None = None,
) -> Iterator[BaselineModel]:
    """Fit the baselines one after the other.

    Parameters
    ----------
    train, test : tables of the same raw columns
    y : numbers, or the number of each row's class in range(classes)
    classes : how many classes there are; 0 for regression
    weight : a weight a row
    likelihood : the distribution of numbers
    """
    likelihood = likelihood or Likelihood()
    X, X_test, worded = _columns(train, test)
    for name, model in (
        ("linear model", _linear(worded, classes, likelihood)),
        ("gradient boosting", boosting(np.flatnonzero(worded).tolist(), classes, seed, likelihood.loss)),
    ):
        try:
            row = fitted_row(name, model, X, y, X_test, classes=classes, weight=weight)
        except Exception as error:  # whatever a rival cannot bear is no reason to lose the network
            yield BaselineModel(name, np.empty(0), "", 0.0, first_line(error))
            continue
        yield BaselineModel(name, row.predicted, row.size, row.seconds or 0.0)


def _columns(train: Frame, test: Frame) -> tuple[Floats, Floats, list[bool]]:
    """Numbers as they are with NaN for gaps; words as the numbers of their levels, NaN where missing or unseen."""
    ours: list[Floats] = []
    theirs: list[Floats] = []
    worded: list[bool] = []
    for column, other in zip(train.columns, test.columns, strict=True):
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            column, other = (cells.cast(pa.timestamp("us")).cast(pa.int64()) for cells in (column, other))
        values, held = numbers(column), numbers(other)
        worded.append(values is None or held is None)
        if values is None or held is None:
            values, held = _codes(column, other)
        values, held = (np.where(np.abs(v) < _LARGEST, v, np.nan) for v in (values, held))
        ours.append(values)
        theirs.append(held)
    return np.stack(ours, axis=1), np.stack(theirs, axis=1), worded


def _codes(column: Cells, other: Cells) -> tuple[Floats, Floats]:
    """A number for each of the most frequent words of the first; NaN for all other words and for gaps."""
    if pa.types.is_dictionary(column.type):
        column, other = (cells.cast(column.type.value_type) for cells in (column, other))
    counted = column.drop_null().value_counts().to_pylist()
    counted.sort(key=lambda pair: (-pair["counts"], str(pair["values"])))
    kept = [pair["values"] for pair in counted if pair["counts"] >= _FEWEST_ROWS_A_LEVEL][:_MOST_LEVELS]
    known = pa.array(kept, column.type)
    ours, theirs = (
        pc.index_in(cells.cast(column.type), value_set=known, skip_nulls=True).cast(pa.float64()).to_numpy()
        for cells in (column, other)
    )
    return ours, theirs


def _linear(worded: list[bool], classes: int, likelihood: Likelihood) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, TweedieRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = np.flatnonzero(worded)
    plain = np.flatnonzero(~np.array(worded))
    encode = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()),
                plain,
            ),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
        ]
    )
    if classes:
        return make_pipeline(encode, LogisticRegression(max_iter=1000))
    if likelihood.of_means:
        # The penalty only keeps levels without events finite.
        power = variance_power(likelihood.loss, likelihood.power)
        return make_pipeline(
            encode,
            TweedieRegressor(power=power, link="log", alpha=1e-4, max_iter=1000, solver="newton-cholesky"),
        )
    return make_pipeline(encode, Ridge(1.0) if len(words) else LinearRegression())
