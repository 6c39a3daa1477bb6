"""Edit how a class uses a feature, and see what it costs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from edgewise._core.arguments import check_is
from edgewise._core.checks import check_int, short
from edgewise._core.errors import InputError
from edgewise.explaining.shape_edits import EditedCurve, edited, read_edit
from edgewise.vision.classifier import ImageClassifier
from edgewise.vision.features import ROWS, features_of, last_step
from edgewise.vision.networks import Patches

OFF = "off"


@dataclass(frozen=True, eq=False)
class FeatureEdit:
    """A classifier with functions of a feature changed; the old one is untouched.

    Attributes
    ----------
    model : ImageClassifier
        The new one.
    old : ImageClassifier
        The one before: keeping it is undoing.
    feature : int
    labels : tuple
        The classes whose functions were changed.
    edit : str
        In words.
    before, after : dict
        "accuracy" and "log_loss" on the pictures given; empty without classes.
    max_change : float
        Largest change of a logit on the pictures.
    changed : int
        Pictures that are classified differently.
    """

    model: ImageClassifier
    old: ImageClassifier
    feature: int
    labels: tuple[Any, ...]
    edit: str
    before: dict[str, float]
    after: dict[str, float]
    max_change: float
    changed: int

    def __str__(self) -> str:
        who = ", ".join(str(label) for label in self.labels)
        moved = (
            f"Logits moved by {self.max_change:.3g} at most, {self.changed} pictures classified differently."
        )
        lines = [f"feature {self.feature} for {who}: {self.edit}. {moved}"]
        lines += [f"  {name:<9}{self.before[name]:.4f} -> {self.after[name]:.4f}" for name in self.before]
        return "\n".join(lines)


def edit_feature(
    model: ImageClassifier,
    feature: int,
    labels: Sequence[Any] | None = None,
    edit: Any = OFF,
    *,
    X: Any,
    y: Any = None,
) -> FeatureEdit:
    """Change the function by which classes use a feature, in a copy.

    Parameters
    ----------
    model : ImageClassifier
        Fitted, of kind "patches".
    feature : int
        Its number, as in `features` and in the report.
    labels : sequence, optional
        Classes whose function is changed; all by default.
    edit : "off", str, mapping or ShapeEdit
        "off" puts the function's mean over the pictures in its place. Others are as in `edgewise.edit_shape`, in values of
        the feature and of the evidence of a place; an edit from here to there reaches to the ends of the intervals of the
        grid that it touches.
    X : pictures
        On which the cost is measured.
    y : array-like, shape (n,), optional
        Their classes.

    Raises
    ------
    InputError
        If there is no such feature or class, or the edit cannot be read.

    Examples
    --------
    >>> from edgewise.vision import ImageClassifier
    >>> X = np.random.default_rng(0).random((40, 8, 8))
    >>> y = np.arange(40) % 2
    >>> model = ImageClassifier("patches", 1500, epochs=1).fit(X, y)
    >>> done = edit_feature(model, 0, [1], X=X, y=y)
    >>> done.edit, done.old is model
    ('off', True)
    """
    check_is(model, ImageClassifier, "model", "an ImageClassifier", of="edit_feature")
    network = model.patches_of()
    layer = last_step(network)
    check_int(feature, "feature", low=0, high=layer.in_features - 1, of="edit_feature")
    classes = model.classes_.tolist()
    asked = classes if labels is None else list(labels)
    for each in asked:
        if each not in classes:
            raise InputError(
                f"The 'labels' of edit_feature must be classes of the model. Got {short(each)} instead."
            )
    wanted = None if isinstance(edit, str) and edit == OFF else read_edit(edit)
    if wanted is not None and any(isinstance(x, str) for x, _ in wanted.points):
        raise InputError("The points of edit_feature must be numbers. Got words instead.")
    x = model.like(X)
    made = copy.copy(model)
    made.network_ = changed = copy.deepcopy(network)
    mass = _mass(network, x, feature)
    for label in asked:
        k = classes.index(label)
        _apply(changed, feature, k, wanted, mass)
    old, new = model.decision_function(X), made.decision_function(X)
    before, after = (_measures(logits, y, model.classes_) for logits in (old, new))
    return FeatureEdit(
        made, model, feature, tuple(asked), OFF if wanted is None else str(wanted), before, after,
        float(np.abs(new - old).max(initial=0.0)), int((old.argmax(1) != new.argmax(1)).sum()),
    )  # fmt: skip


def _mass(network: Patches, x: Tensor, feature: int) -> Tensor:
    """Means of the feature's B-splines over all places of the pictures, (M,)."""
    layer = last_step(network)
    total, count = torch.zeros(layer.size, dtype=torch.float64), 0
    for part in x.split(ROWS):
        values = features_of(network, part)
        flat = values.permute(0, 2, 3, 1).reshape(-1, layer.in_features)
        total += layer.basis.values(flat)[:, feature].double().sum(0)
        count += len(flat)
    return total / max(count, 1)


def _apply(network: Patches, feature: int, k: int, edit: Any, mass: Tensor) -> None:
    """Change the function of one class, in place."""
    layer = last_step(network)
    coef = layer.numeric_coef().detach()[feature, :, k].double()
    mean = float(mass @ coef)
    with torch.no_grad():
        if edit is None:
            mask = layer.mask.clone()
            mask[feature, k] = False
            network.constant[k] += mean
            layer.set_mask(mask)
            return
        breaks = layer.grid[feature].double()
        curve = EditedCurve(breaks, coef - mean, layer.degree, mass.clamp(min=0))
        low = -np.inf if edit.low is None else edit.low
        high = np.inf if edit.high is None else edit.high
        # Values are about the mean of the curve, as in `edgewise.edit_shape`.
        new = edited(curve, edit, low, high, [float(at) for at, _ in edit.points])
        mask = layer.mask.clone()
        mask[feature, k] = True
        layer.set_mask(mask)
        layer.coef[feature, :, k] = (new + mean).to(layer.coef)


def _measures(logits: NDArray[np.float64], y: Any, classes: NDArray[Any]) -> dict[str, float]:
    if y is None:
        return {}
    place = {label: k for k, label in enumerate(classes.tolist())}
    truth = np.asarray(y).reshape(-1).tolist()
    if len(truth) != len(logits) or any(label not in place for label in truth):
        raise InputError(
            f"The 'y' of edit_feature must hold a class of the model for each of {len(logits):,} pictures. "
            f"Got {len(truth):,}, or others, instead."
        )
    codes = torch.tensor([place[label] for label in truth])
    loss = float(F.cross_entropy(torch.from_numpy(logits), codes))
    return {"accuracy": float((logits.argmax(1) == codes.numpy()).mean()), "log_loss": loss}
