"""Estimators as JSON and back, beside the tensors of their network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.data import Encoding
from edgewise.estimators.classifier import KANClassifier
from edgewise.estimators.regressor import KANRegressor
from edgewise.explaining.calibrate import CalibratedKAN
from edgewise.explaining.misses import Misses
from edgewise.explaining.reliability import Reliability
from edgewise.network import KAN
from edgewise.network.calibration import Calibration
from edgewise.training import TableFit
from edgewise.training.config import TableConfig

_ESTIMATORS = {"KANRegressor": KANRegressor, "KANClassifier": KANClassifier}
# Plain types only: a dtype from a file must not be able to ask for objects or records.
_DTYPE = re.compile(r"[<|>=](b1|[iu][1248]|f[248]|U\d{1,4})|object")
_BY_COLUMN = ("monotone", "convex", "bounds")
_PLAIN = (str, int, float, bool, type(None))


def model_document(model: Any) -> dict[str, Any]:
    """What is to be kept of a fitted estimator besides its network, in plain dictionaries, lists, strings and numbers.

    Raises
    ------
    InputError
        If its classes are neither strings nor numbers.
    """
    fit = model.fit_
    names = getattr(model, "feature_names_in_", None)
    document: dict[str, Any] = {
        "parameters": _parameters(model),
        "encoding": model.encoding_.to_json(),
        "n_features": model.n_features_in_,
        "feature_names": None if names is None else list(names),
        "target_names": list(model.target_names_),
        "importances": model.feature_importances_.tolist(),
        "screened_out": list(model.screened_out_),
        "fit": {
            "message": fit.message,
            "stop_reason": fit.stop_reason,
            "seconds": float(fit.seconds),
            "mode": fit.mode,
            "members": fit.members,
            "validation_error": None if fit.validation_error is None else float(fit.validation_error),
            "events": list(fit.events),
            "pairs": [list(pair) for pair in fit.pairs],
            "curve": fit.curve,
        },
    }
    if isinstance(model, KANClassifier):
        document["classes"] = _array_to_json(model.classes_)
    else:
        document["single"] = model._single
        misses = model.misses_
        if misses is not None:
            document["misses"] = {"rows": misses.rows, "errors": misses.errors.T.tolist()}
    return document


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
        parameters["class_weight"] = {_plain(key): float(value) for key, value in parameters["class_weight"]}
    if not set(parameters) <= known:
        raise InputError(f"it has unknown parameters {short(sorted(set(parameters) - known))}.")
    for name in _BY_COLUMN:
        if isinstance(parameters.get(name), list):
            parameters[name] = {_plain(key): _entry(value) for key, value in parameters[name]}
    if isinstance(parameters.get("output_range"), list):
        parameters["output_range"] = tuple(_plain(end) for end in parameters["output_range"])
    if parameters.get("config") is not None:
        saved: dict[str, Any] = parameters["config"]
        numbers: dict[str, Any] = {
            name: tuple(cast("list[Any]", own)) if isinstance(own, list) else own
            for name, own in saved.items()
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
        seconds=float(saved["seconds"]),
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


def calibration_document(model: Any) -> dict[str, Any]:
    """What is to be kept of a CalibratedKAN besides the classifier behind it."""
    reliability = {name: getattr(model, name).to_dict() for name in ("before", "after")}
    return {**model.calibration_.to_json(), **reliability}


def calibrated_from_document(inner: Any, document: Mapping[str, Any]) -> CalibratedKAN:
    """The calibrated model again, from the classifier behind it.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If the document is not what `calibration_document` gives for such a classifier.
    """
    maps = Calibration.from_json(document, len(inner.classes_))
    model = CalibratedKAN(inner, maps.method)
    model.calibration_ = maps
    model.before, model.after = (Reliability.from_dict(document[name]) for name in ("before", "after"))
    return model


def _parameters(model: Any) -> dict[str, Any]:
    """Parameters that JSON can hold; functions and generators are left out and come back as the defaults."""
    parameters = dict(model.get_params(deep=False))
    parameters.pop("callbacks")
    weights = parameters.get("class_weight")
    if isinstance(weights, Mapping):
        parameters["class_weight"] = [[_plain(key), float(value)] for key, value in weights.items()]
    for name in _BY_COLUMN:
        if isinstance(parameters[name], Mapping):
            parameters[name] = [[_plain(key), _entry(value)] for key, value in parameters[name].items()]
    out: dict[str, Any] = {}
    for name, value in parameters.items():
        value = value.item() if isinstance(value, np.generic) else value
        if name == "output_range" and value is not None:
            value = [_plain(end) for end in value]
            out[name] = value
        elif isinstance(value, TableConfig):
            out[name] = asdict(value)
        elif isinstance(value, _PLAIN) or name in ("class_weight", *_BY_COLUMN):
            out[name] = value
    return out


def _entry(value: Any) -> Any:
    """A word, or a pair of limits."""
    return [_plain(end) for end in value] if isinstance(value, (tuple, list)) else _plain(value)


def _place(value: Any, net: KAN) -> int:
    if type(value) is not int or not 0 <= value < net.shape[0]:
        raise InputError(f"it names pairs of inputs that are not there, {short(value)}.")
    return value


def _array_to_json(values: NDArray[Any]) -> dict[str, Any]:
    # numpy 2 has string types of its own; their classes come back as plain strings.
    name = "object" if values.dtype.kind in "OT" else values.dtype.str
    if not _DTYPE.fullmatch(name):
        raise InputError(
            f"Classes must be strings, numbers or truth values to be saved. Got {values.dtype} instead; convert them first."
        )
    return {"dtype": name, "values": [_plain(value) for value in values.tolist()]}


def _array_from_json(document: Mapping[str, Any]) -> NDArray[Any]:
    if not _DTYPE.fullmatch(str(document["dtype"])):
        raise InputError(f"its classes are of type {short(document['dtype'])}.")
    values = [_plain(value) for value in document["values"]]
    if not values:
        raise InputError("it has no classes.")
    return np.array(values, dtype=document["dtype"])


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) not in _PLAIN:
        raise InputError(
            f"Classes must be strings, numbers or truth values to be saved. Got {short(value)} instead; convert them first."
        )
    return value
