"""Models of several quantiles as .kan files: the network of each level, one behind the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.version import __version__
from edgewise.estimators.document import model_from_document
from edgewise.estimators.quantile import KANQuantile, check_levels
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.written import damaged, model_document, refuse_unfitted
from edgewise.network.container import PathLike, Table, read_container, write_container
from edgewise.network.files import network_document, promised_tensors, restored

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
        "models": [{**network_document(own.network_), "model": model_document(own)} for own in models],
    }
    tensors = {
        f"{k}.{name}": tensor
        for k, own in enumerate(models)
        for name, tensor in own.network_.state_dict().items()
    }
    write_container(path, document, tensors, overwrite)


def load(path: PathLike) -> KANQuantile:
    """Read what `save` wrote."""
    document, tensors = read_container(path, KIND, _promised)
    with damaged(path, "quantiles"):
        return _quantiles(document, tensors, path)


def _promised(document: Mapping[str, Any]) -> Table:
    parts = document.get("models")
    if not isinstance(parts, list) or not parts:
        raise InputError("The models of the levels are missing.")
    table: Table = {}
    for k, part in enumerate(cast("list[Any]", parts)):
        if not isinstance(part, Mapping):
            raise InputError(argument="models", expected="hold descriptions of networks", got=short(part))
        table |= {
            f"{k}.{name}": entry for name, entry in promised_tensors(cast("Mapping[str, Any]", part)).items()
        }
    return table


def _quantiles(document: Mapping[str, Any], tensors: Mapping[str, Tensor], path: PathLike) -> KANQuantile:
    levels, parts = check_levels(document["levels"]), document["models"]
    if len(levels) != len(parts):
        raise InputError("it has other numbers of levels and of models.")
    models = list[KANRegressor]()
    for k, part in enumerate(parts):
        begin = f"{k}."
        own = {name.removeprefix(begin): value for name, value in tensors.items() if name.startswith(begin)}
        model = cast(
            KANRegressor, model_from_document("KANRegressor", part["model"], restored(part, own, path))
        )
        if model.loss != "quantile" or model.quantile != levels[k] or model.network_.shape[-1] != 1:
            raise InputError(f"its model {k + 1} is not that of the level {levels[k]:g}.")
        models.append(model)
    first = models[0]
    if any(own.encoding_.column_names != first.encoding_.column_names for own in models):
        raise InputError("its models are of other columns.")
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
