"""Estimators as JSON, beside the tensors of their network; `document` reads them again."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import FileError, InputError
from edgewise.estimators.constraints import directions_of
from edgewise.network.container import PathLike
from edgewise.network.files import network_document
from edgewise.training.config import TableConfig

# Estimators that are written; classes made from them are not, for what they add would be lost.
KINDS = ("KANRegressor", "KANClassifier")
# Plain types only: a dtype from a file must not be able to ask for objects or records.
DTYPE = re.compile(r"[<|>=](b1|[iu][1248]|f[248]|U\d{1,4})|object")
BY_COLUMN = ("monotone", "convex", "bounds")
_PLAIN = (str, int, float, bool, type(None))


@contextmanager
def damaged(path: PathLike, what: str) -> Generator[None]:
    """What a file's document lacks or holds wrongly, as one sentence; `what` names what it is about."""
    try:
        yield
    except KeyError as error:
        raise FileError(
            f"The file {short(str(path))} is damaged: of its {what} {error} is missing."
        ) from error
    except InputError as error:
        raise FileError(f"The file {short(str(path))} is damaged: {error}") from error
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise FileError(f"The file {short(str(path))} is damaged: its {what} cannot be read.") from error


def refuse_unfitted(model: object, attribute: str) -> None:
    """An estimator that is to be saved has to be fitted, and has then an attribute."""
    if not hasattr(model, attribute):
        raise InputError(
            argument="model", expected="be fitted", got="one that is not", advice="call its fit first"
        )


def file_contents(model: Any) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
    """The document and the tensors of a fitted estimator's file.

    Raises
    ------
    InputError
        If it is not fitted, of a class made from an estimator, or has classes that JSON cannot hold.
    """
    kind = type(model).__name__
    if kind not in KINDS:
        raise InputError(
            argument="model", expected="be a KANRegressor or a KANClassifier itself", got=f"a {kind}"
        )
    refuse_unfitted(model, "network_")
    document = {**network_document(model.network_, kind), "model": model_document(model)}
    return document, model.network_.state_dict()


def model_document(model: Any) -> dict[str, Any]:
    """What is to be kept of a fitted estimator besides its network, in plain dictionaries, lists, strings and numbers.

    Nothing of when or how fast it was fitted: certificates name a model by the digest of its file, and the same fit shall
    be the same model.

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
            "mode": fit.mode,
            "members": fit.members,
            "validation_error": None if fit.validation_error is None else float(fit.validation_error),
            "events": list(fit.events),
            "pairs": [list(pair) for pair in fit.pairs],
            "curve": fit.curve,
        },
    }
    if hasattr(model, "classes_"):
        document["classes"] = _array_to_json(model.classes_)
    else:
        document["single"] = model._single
        misses = model.misses_
        if misses is not None:
            document["misses"] = {"rows": misses.rows, "errors": misses.errors.T.tolist()}
    return document


def _parameters(model: Any) -> dict[str, Any]:
    """Parameters that JSON can hold; functions and generators are left out and come back as the defaults."""
    parameters = dict(model.get_params(deep=False))
    parameters.pop("callbacks")
    weights = parameters.get("class_weight")
    if isinstance(weights, Mapping):
        parameters["class_weight"] = [[plain_value(key), float(value)] for key, value in weights.items()]
    if parameters["monotone"] is not None:
        parameters["monotone"] = directions_of(parameters["monotone"])
    for name in BY_COLUMN:
        if isinstance(parameters[name], Mapping):
            parameters[name] = [
                [plain_value(key), plain_entry(value)] for key, value in parameters[name].items()
            ]
    out: dict[str, Any] = {}
    for name, value in parameters.items():
        value = value.item() if isinstance(value, np.generic) else value
        if name == "output_range" and value is not None:
            value = [plain_value(end) for end in value]
            out[name] = value
        elif isinstance(value, TableConfig):
            out[name] = asdict(value)
        elif isinstance(value, _PLAIN) or name in ("class_weight", *BY_COLUMN):
            out[name] = value
    return out


def plain_entry(value: Any) -> Any:
    """A word, or a pair of limits."""
    return [plain_value(end) for end in value] if isinstance(value, (tuple, list)) else plain_value(value)


def _array_to_json(values: NDArray[Any]) -> dict[str, Any]:
    # numpy 2 has string types of its own; their classes come back as plain strings.
    name = "object" if values.dtype.kind in "OT" else values.dtype.str
    if not DTYPE.fullmatch(name):
        raise InputError(
            subject="Classes",
            expected="be strings, numbers or truth values to be saved",
            got=values.dtype,
            advice="convert them first",
        )
    return {"dtype": name, "values": [plain_value(value) for value in values.tolist()]}


def plain_value(value: Any) -> Any:
    """A string, number or truth value as JSON takes it."""
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) not in _PLAIN:
        raise InputError(
            subject="Classes",
            expected="be strings, numbers or truth values to be saved",
            got=short(value),
            advice="convert them first",
        )
    return value
