"""Forecasters as .kan files: the network of the next value, how it is read off the series, and the series itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, cast

import numpy as np

from edgewise._core.checks import check_choice, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.plain import plain
from edgewise.estimators.document import model_from_document
from edgewise.estimators.forecasting.backtest import Backtest
from edgewise.estimators.forecasting.forecaster import KANForecaster
from edgewise.estimators.forecasting.lagged import LagDesign
from edgewise.estimators.forecasting.time_axis import TimeAxis
from edgewise.estimators.written import damaged, model_document, refuse_unfitted
from edgewise.network.container import PathLike, read_container, write_container
from edgewise.network.files import network_document, promised_tensors, restored

KIND = "KANForecaster"
_UNITS, _BASES = ("months", "days", "weekdays", "numbers"), ("none", "last", "season")


def save(model: KANForecaster, path: PathLike, *, overwrite: bool = True) -> None:
    """Write a fitted forecaster; its forecasts are the same to the bit when it is read again."""
    refuse_unfitted(model, "model_")
    values = model.series_.tolist()
    document = {
        **network_document(model.model_.network_, KIND),
        "model": model_document(model.model_),
        "parameters": {
            name: plain(value) for name, value in model.get_params().items() if name != "callbacks"
        },
        "design": asdict(model.design_),
        "backtest": {field.name: plain(getattr(model.backtest_, field.name)) for field in fields(Backtest)},
        "horizon": model.horizon_,
        "known_ahead": list(model.known_ahead_),
        # JSON knows no NaN.
        "series": [None if math.isnan(value) else value for value in values],
    }
    write_container(path, document, model.model_.network_.state_dict(), overwrite)


def load(path: PathLike) -> KANForecaster:
    """Read what `save` wrote."""
    document, tensors = read_container(path, KIND, promised_tensors)
    net = restored(document, tensors, path)
    with damaged(path, "series"):
        return _forecaster(document, model_from_document("KANRegressor", document["model"], net))


def _forecaster(document: Mapping[str, Any], model: Any) -> KANForecaster:
    parameters = cast("dict[str, Any]", document["parameters"])
    if not set(parameters) <= set(KANForecaster().get_params()):
        raise InputError("it has parameters that a KANForecaster does not take.")
    made = KANForecaster().set_params(**parameters)
    made.model_, made.design_ = model, _design(document["design"])
    made.backtest_ = _backtest(document["backtest"])
    made.horizon_ = check_int(document["horizon"], "horizon", low=1)
    made.known_ahead_ = tuple(map(str, document["known_ahead"]))
    made.series_ = np.array([math.nan if values is None else float(values) for values in document["series"]])
    if len(made.series_) != made.design_.length or made.design_.reach > len(made.series_):
        raise InputError("its series is of another length than the model's.")
    return made


def _design(document: Mapping[str, Any]) -> LagDesign:
    axis = cast("dict[str, Any]", document["axis"])
    unit = cast("Any", check_choice(axis["unit"], "unit", _UNITS))
    base = cast("Any", check_choice(document["base"], "base", _BASES))
    step = float(axis["step"])
    if not step > 0:
        raise InputError(subject="the step of its times", expected="be above 0", got=short(step))
    lags = tuple(check_int(lag, "lags", low=1) for lag in document["lags"])
    period = None if document["period"] is None else check_int(document["period"], "period", low=1)
    days = tuple(check_int(day, "weekdays", low=0, high=6) for day in axis["weekdays"])
    day = None if axis.get("day") is None else check_int(axis["day"], "day", low=1, high=31)
    length = check_int(document["length"], "length", low=1)
    return LagDesign(
        TimeAxis(unit, float(axis["start"]), step, days, day),
        str(document["name"]),
        lags,
        period,
        base,
        document["log"] is True,
        length,
    )


def _backtest(document: Mapping[str, Any]) -> Backtest:
    mae, naive, spread, scores = (
        tuple(map(float, document[name])) for name in ("mae", "naive", "spread", "scores")
    )
    if not mae or not spread:
        raise InputError("it has no forecasts of the past.")
    return Backtest(mae, naive, check_int(document["origins"], "origins", low=1), spread, scores)
