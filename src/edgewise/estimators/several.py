"""Several regressors in one .kan file: their descriptions in a row, their tensors numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.estimators.document import model_from_document
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.written import model_document
from edgewise.network.container import PathLike, Table
from edgewise.network.files import network_document, promised_tensors, restored


def models_document(models: Sequence[KANRegressor]) -> list[dict[str, Any]]:
    """What is to be kept of fitted models besides their numbers."""
    return [{**network_document(own.network_), "model": model_document(own)} for own in models]


def models_tensors(models: Sequence[KANRegressor]) -> dict[str, Tensor]:
    """Their numbers."""
    return {
        f"{k}.{name}": tensor
        for k, own in enumerate(models)
        for name, tensor in own.network_.state_dict().items()
    }


def promised_of_models(document: Mapping[str, Any]) -> Table:
    """The tensors that a document promises under "models"."""
    parts = document.get("models")
    if not isinstance(parts, list) or not parts:
        raise InputError("Its models are missing.")
    table: Table = {}
    for k, part in enumerate(cast("list[Any]", parts)):
        if not isinstance(part, Mapping):
            raise InputError(argument="models", expected="hold descriptions of networks", got=short(part))
        entries = promised_tensors(cast("Mapping[str, Any]", part))
        table |= {f"{k}.{name}": entry for name, entry in entries.items()}
    return table


def restored_models(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor], path: PathLike
) -> list[KANRegressor]:
    """The models again, all of the same columns.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError, FileError
        If the document is not what `models_document` gives.
    """
    models = list[KANRegressor]()
    for k, part in enumerate(document["models"]):
        begin = f"{k}."
        own = {name.removeprefix(begin): value for name, value in tensors.items() if name.startswith(begin)}
        models.append(model_from_document("KANRegressor", part["model"], restored(part, own, path)))
    if any(own.encoding_.column_names != models[0].encoding_.column_names for own in models):
        raise InputError("its models are of other columns.")
    return models
