"""Estimators from the JSON that `written` makes of them, and the network beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.data import Encoding
from edgewise.estimators.classifier import KANClassifier
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.written import BY_COLUMN, DTYPE, plain_entry, plain_value
from edgewise.explaining.calibrate import CalibratedKAN
from edgewise.explaining.conformal import Misses
from edgewise.explaining.reliability import Reliability
from edgewise.network import KAN
from edgewise.network.calibration import Calibration
from edgewise.training import TableFit
from edgewise.training.config import TableConfig

_ESTIMATORS = {"KANRegressor": KANRegressor, "KANClassifier": KANClassifier}


def model_from_document(kind: str, document: Mapping[str, Any], net: KAN) -> Any:
    """The estimator again.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If the document is not what `model_document` gives for such a network.
    """
    model = _ESTIMATORS[kind]()
    known = set(model.get_params())
    parameters = dict(document["parameters"])
    if isinstance(parameters.get("class_weight"), list):
        parameters["class_weight"] = {
            plain_value(key): float(value) for key, value in parameters["class_weight"]
        }
    if not set(parameters) <= known:
        raise InputError(f"it has unknown parameters {short(sorted(set(parameters) - known))}.")
    for name in BY_COLUMN:
        if isinstance(parameters.get(name), list):
            parameters[name] = {plain_value(key): plain_entry(value) for key, value in parameters[name]}
    if isinstance(parameters.get("output_range"), list):
        parameters["output_range"] = tuple(plain_value(end) for end in parameters["output_range"])
    if parameters.get("config") is not None:
        saved: dict[str, Any] = parameters["config"]
        numbers: dict[str, Any] = {
            name: tuple(cast("list[Any]", own)) if isinstance(own, list) else own
            for name, own in saved.items()
            if name in TableConfig.__dataclass_fields__  # files of older versions hold more
        }
        parameters["config"] = TableConfig(**numbers)
    model.set_params(**parameters)
    model.encoding_ = Encoding.from_json(document["encoding"])
    model.network_ = net
    if len(model.encoding_.names) != net.shape[0]:
        raise InputError("its encoding does not fit the network.")
    model.n_features_in_ = len(model.encoding_.columns)
    names = document["feature_names"]
    if names is not None:
        if tuple(names) != model.encoding_.column_names:
            raise InputError("the names of its columns do not fit the encoding.")
        model.feature_names_in_ = np.asarray(names, dtype=object)
    importances = np.asarray(document["importances"], dtype=np.float64)
    if importances.shape != (model.n_features_in_,) or document["n_features"] != model.n_features_in_:
        raise InputError("it is of another number of columns.")
    model.feature_importances_ = importances
    model.target_names_ = tuple(str(name) for name in document["target_names"])
    model.screened_out_ = tuple(str(name) for name in document["screened_out"])
    saved = document["fit"]
    model.fit_ = TableFit(
        network=net,
        history=(),
        message=str(saved["message"]),
        stop_reason=StopReason(saved["stop_reason"]),
        # Files hold no times; those of earlier versions do.
        seconds=None if saved.get("seconds") is None else float(saved["seconds"]),
        mode=str(saved["mode"]),
        members=int(saved["members"]),
        validation_error=None if saved["validation_error"] is None else float(saved["validation_error"]),
        events=tuple(str(event) for event in saved["events"]),
        # Files of earlier versions do not hold these.
        pairs=tuple((_place(i, net), _place(j, net)) for i, j in saved.get("pairs", ())),
        curve=str(saved.get("curve", "")),
    )
    if isinstance(model, KANClassifier):
        model.classes_ = _array_from_json(document["classes"])
        if net.shape[-1] != (1 if len(model.classes_) <= 2 else len(model.classes_)):
            raise InputError("it is of another number of classes.")
    else:
        model._single = bool(document["single"])
        model.misses_ = _misses(document.get("misses"), net.shape[-1])
        if model._single and net.shape[-1] != 1:
            raise InputError("it is of another number of outputs.")
    return model


def _misses(saved: Any, outputs: int) -> Misses | None:
    """Out-of-bag errors; files of earlier versions have none."""
    if saved is None:
        return None
    errors = np.asarray(saved["errors"], dtype=np.float64).T
    rows = saved["rows"]
    fits = errors.ndim == 2 and errors.shape[1] == outputs and type(rows) is int and 0 < len(errors) <= rows
    if not fits or not np.isfinite(errors).all() or (np.diff(errors, axis=0) < 0).any() or (errors < 0).any():
        raise InputError("its out-of-bag errors are no rising numbers, one list for each output.")
    return Misses(rows, errors)


def calibrated_from_document(inner: Any, document: Mapping[str, Any]) -> CalibratedKAN:
    """The calibrated model again, from the classifier behind it.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If the document is not what `CalibratedKAN.file_contents` gives for such a classifier.
    """
    maps = Calibration.from_json(document, len(inner.classes_))
    model = CalibratedKAN(inner, maps.method)
    model.calibration_ = maps
    model.before, model.after = (Reliability.from_dict(document[name]) for name in ("before", "after"))
    return model


def _place(value: Any, net: KAN) -> int:
    if type(value) is not int or not 0 <= value < net.shape[0]:
        raise InputError(f"it names pairs of inputs that are not there, {short(value)}.")
    return value


def _array_from_json(document: Mapping[str, Any]) -> NDArray[Any]:
    if not DTYPE.fullmatch(str(document["dtype"])):
        raise InputError(f"its classes are of type {short(document['dtype'])}.")
    values = [plain_value(value) for value in document["values"]]
    if not values:
        raise InputError("it has no classes.")
    return np.array(values, dtype=document["dtype"])
