"""Models of hazards as .kan files: the networks of all causes, and where time is cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgewise._core.errors import InputError
from edgewise._core.version import __version__
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.several import models_document, models_tensors, promised_of_models, restored_models
from edgewise.estimators.survival.hazard_model import KANSurvival
from edgewise.estimators.survival.pieces import TimePieces
from edgewise.estimators.written import damaged, refuse_unfitted
from edgewise.network.container import PathLike, read_container, write_container

KIND = "KANSurvival"


def save(model: KANSurvival, path: PathLike, *, overwrite: bool = True) -> None:
    """Write a fitted model; its hazards are the same to the bit when it is read again."""
    refuse_unfitted(model, "models_")
    models = list(model.models_.values())
    names = getattr(model, "feature_names_in_", None)
    document = {
        "kind": KIND,
        "written_by": __version__,
        "causes": list(model.causes_),
        "models": models_document(models),
        "cuts": model.pieces_.cuts.tolist(),
        "time": model.time_name_,
        "interactions": model.interactions,
        "feature_names": None if names is None else list(names),
    }
    write_container(path, document, models_tensors(models), overwrite)


def load(path: PathLike) -> KANSurvival:
    """Read what `save` wrote."""
    document, tensors = read_container(path, KIND, promised_of_models)
    with damaged(path, "hazards"):
        return _model(document, restored_models(document, tensors, path))


def _model(document: Mapping[str, Any], models: Sequence[KANRegressor]) -> KANSurvival:
    made, causes = KANSurvival(), [str(cause) for cause in document["causes"]]
    if len(set(causes)) != len(models):
        raise InputError("it has other numbers of causes and of models.")
    # All hazards were fitted with the parameters of the whole.
    given = {**models[0].get_params(), "interactions": document["interactions"]}
    made.set_params(**{name: given[name] for name in made.get_params()})
    made.models_, made.causes_ = dict(zip(causes, models, strict=True)), tuple(causes)
    cuts = np.array([float(cut) for cut in document["cuts"]])
    if len(cuts) < 2 or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
        raise InputError("the cuts of its time are no rising numbers.")
    made.pieces_ = TimePieces(cuts)
    made.time_name_ = str(document["time"])
    made.n_features_in_ = models[0].n_features_in_ - 1
    if (names := document["feature_names"]) is not None:
        if len(names) != made.n_features_in_:
            raise InputError("the names of its columns do not fit the models.")
        made.feature_names_in_ = np.asarray(names, dtype=object)
    return made
