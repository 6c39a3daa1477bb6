"""Edit how a class uses a feature, or which places of a picture count, and see what it costs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from edgewise._core.arguments import check_is
from edgewise._core.checks import as_tuple, check_int, plural, short
from edgewise._core.errors import InputError
from edgewise.explaining.shape_edits import EditedCurve, edited, read_edit
from edgewise.vision.classifier import ImageClassifier
from edgewise.vision.evidence import window
from edgewise.vision.features import ROWS, features_of, kept, last_step
from edgewise.vision.networks import KeptPlaces, Patches, reach
from edgewise.vision.pictures import at_least_one, class_codes, class_labels

OFF = "off"


@dataclass(frozen=True, eq=False)
class FeatureEdit:
    """A classifier with functions of a feature changed, or places left out; the old one is untouched.

    Attributes
    ----------
    model : ImageClassifier
        The new one.
    old : ImageClassifier
        The one before: keeping it is undoing.
    feature : int or None
        None where places were left out.
    labels : tuple
        The classes whose evidence was changed.
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
    feature: int | None
    labels: tuple[Any, ...]
    edit: str
    before: dict[str, float]
    after: dict[str, float]
    max_change: float
    changed: int

    @property
    def message(self) -> str:
        """What was changed and what it costs."""
        return str(self)

    def __str__(self) -> str:
        who = ", ".join(str(label) for label in self.labels)
        changed = plural(self.changed, "picture")
        moved = f"Logits moved by {self.max_change:.3g} at most, {changed} classified differently."
        what = "" if self.feature is None else f"feature {self.feature} "
        lines = [f"{what}for {who}: {self.edit}. {moved}"]
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
    check_is(model, ImageClassifier, "model", "an ImageClassifier")
    network = model.patches_of()
    layer = last_step(network)
    check_int(feature, "feature", low=0, high=layer.in_features - 1)
    asked = _asked(model, labels)
    wanted = None if isinstance(edit, str) and edit == OFF else read_edit(edit)
    if wanted is not None and any(isinstance(x, str) for x, _ in wanted.points):
        raise InputError(subject="The points of edit_feature", expected="be numbers", got="words")
    changed = copy.deepcopy(network)
    mass = _mass(network, at_least_one(model.like(X)), feature)
    for k in asked:
        _apply(changed, feature, k, wanted, mass[k])
    return _compared(model, changed, feature, asked, OFF if wanted is None else str(wanted), X, y)


def leave_out_region(
    model: ImageClassifier,
    rows: tuple[int, int],
    columns: tuple[int, int],
    labels: Sequence[Any] | None = None,
    *,
    X: Any,
    y: Any = None,
) -> FeatureEdit:
    """Let nothing count that a region of the picture shows, in a copy: a frame, a caption, a mark in a corner.

    What the patches that see any pixel of it add is replaced by its mean over the pictures. A mark may be told by several
    features, which tell other things elsewhere; its place is one.

    Parameters
    ----------
    model : ImageClassifier
        Fitted, of kind "patches".
    rows, columns : (first, end)
        The region, in pixels from the top and from the left, its end excluded.
    labels : sequence, optional
        Classes for which it no longer counts; all by default.
    X : pictures
        Over which means are taken and the cost is measured.
    y : array-like, shape (n,), optional
        Their classes.

    Raises
    ------
    InputError
        If there is no such region or class, or no patch would be left.

    Examples
    --------
    >>> from edgewise.vision import ImageClassifier
    >>> X = np.random.default_rng(0).random((40, 16, 16))
    >>> y = np.arange(40) % 2
    >>> model = ImageClassifier("patches", 1500, epochs=1, settings={"patch": 5}).fit(X, y)
    >>> done = leave_out_region(model, (0, 3), (0, 3), X=X, y=y)
    >>> marked = X.copy()
    >>> marked[:, :3, :3] = 1.0
    >>> bool(np.allclose(done.model.logits(marked), done.model.logits(X)))
    True
    """
    check_is(model, ImageClassifier, "model", "an ImageClassifier")
    network, config = model.patches_of(), model.config_
    asked = _asked(model, labels)
    region = np.zeros((config.height, config.width), dtype=bool)
    region[_span(rows, "rows", config.height), _span(columns, "columns", config.width)] = True
    parts = at_least_one(model.like(X)).split(ROWS)
    with torch.no_grad():
        mean = torch.stack([network.evidence(part).double().sum(0) for part in parts]).sum(0)
    mean /= sum(len(part) for part in parts)
    height, width = mean.shape[1:]
    seen = np.array(
        [
            [region[window(reach(network), i, j, config.height, config.width)].any() for j in range(width)]
            for i in range(height)
        ]
    )
    if seen.all():
        raise InputError(
            subject="The 'rows' and 'columns' of leave_out_region",
            expected="leave a patch that sees none of the region",
            got="a region that every patch sees",
            advice="fit with a smaller settings={'patch': ...}",
        )
    changed = copy.deepcopy(network)
    places = torch.ones_like(mean)
    places[asked] = torch.from_numpy(~seen).to(places)
    with torch.no_grad():
        changed.constant.add_(((1 - places) * mean).mean((1, 2)).to(changed.constant))
    before = network.places
    if isinstance(before, KeptPlaces):
        places = places * before.kept
    changed.places = KeptPlaces(places.to(network.constant))
    text = f"rows {rows[0]} to {rows[1] - 1} and columns {columns[0]} to {columns[1] - 1} left out"
    return _compared(model, changed, None, asked, text, X, y)


def _span(given: Any, name: str, size: int) -> slice:
    if not isinstance(given, (tuple, list)) or len(cast("list[Any]", given)) != 2:
        raise InputError(
            argument=name, expected="be two whole numbers, the first and the end", got=short(given)
        )
    first = check_int(given[0], name, low=0, high=size - 1)
    return slice(first, check_int(given[1], name, low=first + 1, high=size))


def _asked(model: ImageClassifier, labels: Sequence[Any] | None) -> list[int]:
    """Numbers of the classes."""
    classes = model.classes_.tolist()
    given = as_tuple(classes if labels is None else labels, "labels", "classes of the model")
    for entry in given:
        if entry not in classes:
            raise InputError(argument="labels", expected="be classes of the model", got=short(entry))
    return [classes.index(entry) for entry in given]


def _compared(
    model: ImageClassifier,
    changed: Patches,
    feature: int | None,
    asked: list[int],
    edit: str,
    X: Any,
    y: Any,
) -> FeatureEdit:
    """The edit with what it costs."""
    made = copy.copy(model)
    made.network_ = changed
    old, new = model.logits(X), made.logits(X)
    before, after = (_measures(logits, y, model.classes_) for logits in (old, new))
    return FeatureEdit(
        made, model, feature, tuple(model.classes_[asked].tolist()), edit, before, after,
        float(np.abs(new - old).max(initial=0.0)), int((old.argmax(1) != new.argmax(1)).sum()),
    )  # fmt: skip


def _mass(network: Patches, x: Tensor, feature: int) -> Tensor:
    """Means of the feature's B-splines over the places of the pictures that count, for each class, (classes, M)."""
    layer = last_step(network)
    total, count = torch.zeros(len(network.constant), layer.size, dtype=torch.float64), 0
    for part in x.split(ROWS):
        values = features_of(network, part)
        flat = values.permute(0, 2, 3, 1).reshape(-1, layer.in_features)
        summed = layer.basis.values(flat)[:, feature].double().unflatten(0, (len(part), -1)).sum(0)
        total += kept(network, values).double().flatten(1) @ summed
        count += len(flat)
    return total / max(count, 1)


def _apply(network: Patches, feature: int, k: int, edit: Any, mass: Tensor) -> None:
    """Change the function of one class, in place."""
    layer = last_step(network)
    coef = layer.numeric_coef().detach()[feature, :, k].double()
    mean = float(mass @ coef / mass.sum().clamp(min=1e-12))  # B-splines add up to one
    with torch.no_grad():
        if edit is None:
            mask = layer.mask.clone()
            mask[feature, k] = False
            network.constant[k] += mass @ coef
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
    codes, strange = class_codes(class_labels(y, len(logits)), classes)
    if strange:
        raise InputError(argument="y", expected="hold classes that the model learned", got=strange)
    loss = float(F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(codes)))
    return {"accuracy": float((logits.argmax(1) == codes).mean()), "log_loss": loss}
