"""Classifiers of pictures as .kan files: numbers and JSON only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import FileError, InputError
from edgewise.network.container import DTYPES, PathLike, Table, read_container, write_container
from edgewise.vision.networks import ImageConfig, KeptPlaces, Patches, build
from edgewise.vision.pictures import WHOLE, PictureScale

if TYPE_CHECKING:
    from edgewise.vision.classifier import ImageClassifier

KIND = "ImageClassifier"
# Parameters of a fit that are of no use to a reader of the file.
UNKEPT = ("callbacks", "checkpoint")
_CODES = {dtype: code for code, dtype in DTYPES.items()}


def save(model: ImageClassifier, path: PathLike, *, overwrite: bool = True) -> None:
    """Write a fitted classifier; its predictions are the same to the bit when it is read again."""
    if not hasattr(model, "network_"):
        raise InputError(
            argument="model", expected="be fitted", got="one that is not", advice="call its fit first"
        )
    document = {
        "kind": KIND,
        "config": model.config_.to_json(),
        "classes": _plain(model.classes_),
        "parameters": {k: _value(v) for k, v in model.get_params().items() if k not in UNKEPT},
        "validation_score": model.validation_score_,
        "largest": None if model.scale_ is None else model.scale_.largest,
        "faintest": None if model.scale_ is None else model.scale_.faintest,
        "unit": model.unit_,
        "learned_from": model.learned_from_,
        "held": model.held_.tolist(),
    }
    places = getattr(model.network_, "places", None)
    if isinstance(places, KeptPlaces):
        document["places"] = list(places.kept.shape)
    write_container(path, document, _state(model.network_.state_dict()), overwrite)


def load(path: PathLike) -> ImageClassifier:
    """Read what `save` wrote."""
    from edgewise.vision.classifier import ImageClassifier

    document, tensors = read_container(path, KIND, _promised)
    try:
        config = ImageConfig.from_json(document["config"])
        model = ImageClassifier(**document["parameters"])
        classes = np.array(document["classes"])
        if len(classes) != config.classes:
            raise InputError("Its classes do not fit its network.")
        # Files of earlier versions do not hold these.
        learned_from = str(document.get("learned_from", ""))
        held = np.array(document.get("held", []), dtype=np.int64).reshape(-1)
        unit = check_float(document.get("unit", WHOLE), "unit", low=0.0, closed=False)
        scale = _scale(document)
        network = _empty(document, config)
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError, InputError) as error:
        raise FileError(
            f"The file {short(str(path))} is damaged: its classifier cannot be read ({short(str(error), 60)})."
        ) from error
    model.config_, model.classes_, model.network_ = config, classes, network.eval()
    model.learned_from_, model.held_, model.unit_ = learned_from, held, unit
    model.validation_score_, model.scale_ = document.get("validation_score"), scale
    model.n_features_in_ = config.height * config.width * config.channels
    return model


def _scale(document: Mapping[str, Any]) -> PictureScale | None:
    """Files of earlier versions hold no number, or only the largest."""
    largest, faintest = (document.get(name) for name in ("largest", "faintest"))
    if largest is None:
        return None
    top = check_float(largest, "largest", low=0.0)
    return PictureScale(top, top if faintest is None else check_float(faintest, "faintest", low=0.0))


def _promised(document: Mapping[str, Any]) -> Table:
    network = _empty(document, ImageConfig.from_json(document.get("config")), "meta")
    return {name: (_CODES[t.dtype], tuple(t.shape)) for name, t in network.state_dict().items()}


def _empty(document: Mapping[str, Any], config: ImageConfig, device: str = "cpu") -> nn.Module:
    """The network without its numbers."""
    network = build(config, device=device)
    if isinstance(network, Patches) and (shape := document.get("places")) is not None:
        count, height, width = (check_int(size, "places", low=1, high=1 << 16) for size in shape)
        network.places = KeptPlaces(torch.empty(count, height, width, device=device))
    return network


def _state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().cpu() for name, t in state.items()}


def _value(given: Any) -> Any:
    """A parameter as JSON has it."""
    if isinstance(given, Mapping):
        return {str(name): _value(entry) for name, entry in given.items()}
    return given.item() if isinstance(given, np.generic) else given


def _plain(classes: Any) -> list[Any]:
    listed = classes.tolist()
    if not all(type(class_name) in (str, int, float, bool) for class_name in listed):
        raise InputError(
            subject="The classes of a model to be saved",
            expected="be text, numbers or truth values",
            got=short(listed),
        )
    return listed
