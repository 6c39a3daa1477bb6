"""Models of hazards as .kan files: the networks of all causes, and where time is cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.estimators.document import model_from_document
from edgewise.estimators.survival.hazard_model import KANSurvival
from edgewise.estimators.survival.pieces import TimePieces
from edgewise.estimators.written import damaged, model_document, refuse_unfitted
from edgewise.network.container import PathLike, Table, read_container, write_container
from edgewise.network.files import network_document, promised_tensors, restored

KIND = "KANSurvival"


def save(model: KANSurvival, path: PathLike, *, overwrite: bool = True) -> None:
    """Write a fitted model; its hazards are the same to the bit when it is read again."""
    refuse_unfitted(model, "models_")
    names = getattr(model, "feature_names_in_", None)
    document = {
        "kind": KIND,
        "causes": [
            {"name": cause, **network_document(hazard.network_), "model": model_document(hazard)}
            for cause, hazard in model.models_.items()
        ],
        "cuts": model.pieces_.cuts.tolist(),
        "time": model.time_name_,
        "interactions": model.interactions,
        "feature_names": None if names is None else list(names),
    }
    tensors = {
        f"{at}.{name}": tensor
        for at, hazard in enumerate(model.models_.values())
        for name, tensor in hazard.network_.state_dict().items()
    }
    write_container(path, document, tensors, overwrite)


def load(path: PathLike) -> KANSurvival:
    """Read what `save` wrote."""
    document, tensors = read_container(path, KIND, _promised)
    with damaged(path, "hazards"):
        models = {
            str(part["name"]): model_from_document(
                "KANRegressor", part["model"], restored(part, _of(tensors, at), path)
            )
            for at, part in enumerate(_causes(document))
        }
        return _model(document, models)


def _causes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    causes = cast("list[dict[str, Any]]", document["causes"])
    if not causes:
        raise InputError("it has no causes.")
    return causes


def _promised(document: Mapping[str, Any]) -> Table:
    return {
        f"{at}.{name}": entry
        for at, part in enumerate(_causes(document))
        for name, entry in promised_tensors(part).items()
    }


def _of(tensors: Mapping[str, Tensor], at: int) -> dict[str, Tensor]:
    start = f"{at}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _model(document: Mapping[str, Any], models: dict[str, Any]) -> KANSurvival:
    made = KANSurvival()
    # All hazards were fitted with the parameters of the whole.
    given = {**next(iter(models.values())).get_params(), "interactions": document["interactions"]}
    made.set_params(**{name: given[name] for name in made.get_params()})
    made.models_, made.causes_ = models, tuple(models)
    cuts = np.array([float(cut) for cut in document["cuts"]])
    if len(cuts) < 2 or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
        raise InputError("the cuts of its time are no rising numbers.")
    made.pieces_ = TimePieces(cuts)
    made.time_name_ = str(document["time"])
    made.n_features_in_ = next(iter(models.values())).n_features_in_ - 1
    if any(model.n_features_in_ != made.n_features_in_ + 1 for model in models.values()):
        raise InputError("its causes are of different numbers of columns.")
    if (names := document["feature_names"]) is not None:
        if len(names) != made.n_features_in_:
            raise InputError("the names of its columns do not fit the models.")
        made.feature_names_in_ = np.asarray(names, dtype=object)
    return made
