"""The classes of pictures, as they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import among, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import is_missing


def class_labels(y: Any, count: int) -> NDArray[Any]:
    """One class for each picture, of one type: text, truth values or whole numbers.

    Raises
    ------
    InputError
        If there are not as many, or some are missing, of several types, or measurements rather than classes.

    Examples
    --------
    >>> class_labels(["cat", "dog"], 2, "fit").tolist()
    ['cat', 'dog']
    """
    labels = np.asarray(y)
    if labels.shape != (count,):
        raise InputError(
            argument="y",
            expected=f"hold one class for each of {count:,} pictures",
            got=f"{('None' if y is None else f'shape {labels.shape}')}",
        )
    if labels.dtype.kind not in "biufUSO":
        raise InputError(
            argument="y",
            expected="hold classes: text, truth values or whole numbers",
            got=labels.dtype,
            advice="make them text",
        )
    # numpy makes text of all where a list holds some, of missing ones too.
    given = list(y) if labels.dtype.kind in "US" else labels.tolist()
    if any(map(is_missing, given)) or (labels.dtype.kind == "f" and np.isinf(labels).any()):
        raise InputError(
            argument="y",
            expected="hold no missing class",
            got="None, NaN or infinity among them",
            advice="drop those pictures",
        )
    if labels.dtype.kind == "O":
        labels = np.array(given)
    words = [isinstance(each, (str, bytes)) for each in given]
    if labels.dtype.kind not in "biufUS" or any(words) != all(words):
        raise InputError(
            argument="y",
            expected="hold classes of one type",
            got=f"a mixture such as {short(given[:3])}",
            advice="make them all text",
        )
    if labels.dtype.kind == "f" and (parts := labels[labels != np.floor(labels)]).size:
        raise InputError(
            argument="y",
            expected="hold classes, not measurements",
            got=f"{float(parts[0]):g}",
            advice="give text or whole numbers",
        )
    return labels


def class_codes(labels: NDArray[Any], classes: NDArray[Any]) -> tuple[NDArray[np.int64], str]:
    """The number of each label among the classes of a model, which a name stands for, too, -1 for others; those in words.

    Examples
    --------
    >>> class_codes(np.array(["1", "0", "2"]), np.array([0, 1]))
    (array([ 1,  0, -1]), "'2'; it knows '0', '1'")
    """
    known = classes.tolist()
    place = {str(each): k for k, each in enumerate(known)} | {each: k for k, each in enumerate(known)}
    codes = np.array([place.get(each, -1) for each in labels.tolist()], dtype=np.int64)
    strange = map(str, np.unique(labels[codes < 0]))
    return codes, f"{among(strange)}; it knows {among(map(str, known))}" if (codes < 0).any() else ""
