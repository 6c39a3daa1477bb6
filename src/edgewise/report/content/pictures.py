"""What the page of a classifier of pictures is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import check_is
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.report.content.content import Origin
from edgewise.vision import ImageClassifier

# What is known of the pictures that are judged on.
HELD_OUT, LEARNED, OTHERS = "held out", "learned from", "others"


@dataclass(frozen=True, eq=False)
class PictureContent:
    """A classifier of pictures and the pictures it is judged on.

    Parameters
    ----------
    model : ImageClassifier
        Fitted.
    pictures : array (n, height, width) or (n, height, width, channels)
    labels : array-like, shape (n,)
        Their classes, each one that the model knows.
    source : str
        Where they are from.
    names : tuple of str
        Of the pictures; by default their numbers.
    known : "held out", "learned from" or "others"
        Whether the model learned from them.
    rows : bool
        Whether pictures may be shown.
    origin : Origin
    """

    model: ImageClassifier
    pictures: Any
    labels: Any
    source: str
    names: tuple[str, ...] = ()
    known: str = OTHERS
    rows: bool = True
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        check_is(self.model, ImageClassifier, "model", "an ImageClassifier")
        n = len(self.model.like(self.pictures))
        labels = np.asarray(self.labels).reshape(-1)
        if len(labels) != n or not n:
            raise InputError(
                argument="labels",
                expected="be one for each of at least one picture",
                got=f"{len(labels):,} for {n:,}",
            )
        if strange := [label for label in labels.tolist() if label not in self.model.classes_.tolist()]:
            raise InputError(argument="labels", expected="be classes of the model", got=short(strange[0]))
        if self.names and len(self.names) != n:
            raise InputError(
                argument="names", expected=f"be one for each of {n:,} pictures", got=f"{len(self.names):,}"
            )

    @property
    def codes(self) -> NDArray[np.int64]:
        """Number of each picture's class."""
        place = {label: k for k, label in enumerate(self.model.classes_.tolist())}
        return np.array([place[label] for label in np.asarray(self.labels).reshape(-1).tolist()])

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in words."""
        return tuple(str(label) for label in self.model.classes_.tolist())

    def name(self, k: int) -> str:
        """What picture number k is called."""
        return self.names[k] if self.names else f"picture {k}"
