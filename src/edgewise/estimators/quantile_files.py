"""Models of several quantiles as .kan files: the network of each level, one behind the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.version import __version__
from edgewise.estimators.quantile import KANQuantile, check_levels
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.several import models_document, models_tensors, promised_of_models, restored_models
from edgewise.estimators.written import damaged, refuse_unfitted
from edgewise.network.container import PathLike, read_container, write_container

KIND = "KANQuantile"
# Parameters that the models of the levels have otherwise.
_OF_THE_WHOLE = ("seconds", "random_state")
_PLAIN = (int, float, type(None))


def save(model: KANQuantile, path: PathLike, *, overwrite: bool = True) -> None:
    """Write a fitted model of quantiles; its predictions are the same to the bit when it is read again."""
    refuse_unfitted(model, "models_")
    models = list(model.models_.values())
    parameters = {name: getattr(model, name) for name in _OF_THE_WHOLE}
    document = {
        "kind": KIND,
        "written_by": __version__,
        "levels": list(model.models_),
        # A generator is left out and comes back as the default.
        "parameters": {name: value for name, value in parameters.items() if type(value) in _PLAIN},
        "models": models_document(models),
    }
    write_container(path, document, models_tensors(models), overwrite)


def load(path: PathLike) -> KANQuantile:
    """Read what `save` wrote."""
    document, tensors = read_container(path, KIND, promised_of_models)
    with damaged(path, "quantiles"):
        return _quantiles(document, restored_models(document, tensors, path))


def _quantiles(document: Mapping[str, Any], models: Sequence[KANRegressor]) -> KANQuantile:
    levels = check_levels(document["levels"])
    if len(levels) != len(models):
        raise InputError("it has other numbers of levels and of models.")
    for level, model in zip(levels, models, strict=True):
        if model.loss != "quantile" or model.quantile != level or model.network_.shape[-1] != 1:
            raise InputError(f"a model of it is not that of the level {level:g}.")
    first = models[0]
    made = KANQuantile(levels=levels)
    given = first.get_params(deep=False)
    made.set_params(**{name: given[name] for name in made.get_params(deep=False) if name in given})
    saved = cast("dict[str, Any]", document["parameters"])
    if not set(saved) <= set(_OF_THE_WHOLE):
        raise InputError(f"it has unknown parameters {short(sorted(set(saved) - set(_OF_THE_WHOLE)))}.")
    defaults = KANQuantile().get_params(deep=False)
    made.set_params(**{name: saved.get(name, defaults[name]) for name in _OF_THE_WHOLE})
    made.models_ = dict(zip(levels, models, strict=True))
    made.n_features_in_ = first.n_features_in_
    if hasattr(first, "feature_names_in_"):
        made.feature_names_in_ = first.feature_names_in_
    return made
