"""Estimators with networks of our own making, so that no test waits for a fit."""

from __future__ import annotations

import numpy as np
import torch

from edgewise.data import learn_encoding
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.network import KAN
from tests.programs.zoo import scaled, uneven

WORDS = ("oak", "elm", 'ash "red"', "müller", "it's \\ */ ??/", "3", "ünïcode ☃")


def table(rows: int, seed: int, extra: tuple[str, ...] = ()) -> dict[str, list[object]]:
    """Columns of every kind, with missing cells; `extra` are words no encoding has seen."""
    rng = np.random.default_rng(seed)
    words = np.array([*WORDS, *extra], dtype=object)
    kind = words[rng.integers(len(words), size=rows)].tolist()
    gone = rng.normal(size=rows).tolist()
    coded = rng.integers(0, 90, rows).astype(float).tolist()
    for row in range(0, rows, 7):
        kind[row], gone[row] = None, None
    return {
        "size": (rng.normal(size=rows) * 10).tolist(),
        "heavy 'tail'": np.exp(rng.normal(size=rows) * 5).tolist(),
        "kind": kind,
        "flag": (rng.random(rows) < 0.4).tolist(),
        "gone": gone,
        "constant": [1.0] * rows,
        "coded": [None if k % 9 == 0 else (-9.0, -8.0, v)[min(k % 5, 2)] for k, v in enumerate(coded)],
        "two": rng.choice([3.0, 7.0], rows).tolist(),
        "class": [f"level {k}" for k in rng.integers(3, size=rows)],
    }


def _fitted(model, outputs: tuple[str, ...], hidden: bool):
    data = table(300, 0)
    size = np.array(data["size"])
    model.encoding_ = learn_encoding(data, np.sin(size) + np.array(data["flag"]))
    names = model.encoding_.names
    shape = [len(names), *([3] if hidden else []), len(outputs)]
    net = KAN(shape, input_names=names, output_names=outputs, seed=1, dtype=torch.float64)
    inputs = model.encoding_.apply(data)
    net = scaled(uneven(net))
    with torch.no_grad():
        net.input_shift.copy_(torch.from_numpy(inputs.mean(0)))
        net.input_scale.copy_(torch.from_numpy(inputs.std(0)))
        net.output_shift.zero_()
        net.output_scale.fill_(0.3)
    model.network_ = net
    model.n_features_in_ = len(data)
    model.feature_names_in_ = np.array(list(data), dtype=object)
    return model


def regressor(single: bool = True):
    model = _fitted(KANRegressor(), ("y",) if single else ("y1", "y2"), hidden=True)
    model._single = single
    return model


def classifier(classes):
    found = np.array(classes)
    outputs = ("logit",) if len(found) <= 2 else tuple(f"logit {label}" for label in found)
    model = _fitted(KANClassifier(), outputs, hidden=False)
    model.classes_ = found
    return model


MODELS = {
    "one output": regressor,
    "two outputs": lambda: regressor(False),
    "one class": lambda: classifier(["only"]),
    "two classes": lambda: classifier(["nö", "yes 'q'"]),
    "three numbers": lambda: classifier([0, 5, 7]),
    "truth values": lambda: classifier([False, True]),
    "floats": lambda: classifier([0.5, 1.5, 2.5]),
}
