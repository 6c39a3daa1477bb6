"""How far probabilities can be trusted: Brier score, log loss, calibration error and the curve behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_labels
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int, plural, short
from edgewise._core.errors import InputError

_LEAST = 1e-15


@dataclass(frozen=True, eq=False)
class OutcomeGroups:
    """What was predicted and what happened, in groups of rows; arrays of shape (groups,).

    Attributes
    ----------
    predicted : array
        Mean probability.
    happened : array
        Frequency.
    rows : array of int
    """

    predicted: Floats
    happened: Floats
    rows: NDArray[np.int64]

    @property
    def ece(self) -> float:
        """Mean distance of the two over the rows (expected calibration error)."""
        return sum(n * abs(a - b) for a, b, n in self.bins) / sum(self.rows.tolist())

    @property
    def bins(self) -> tuple[tuple[float, float, int], ...]:
        """The groups as tuples of numbers."""
        return tuple(zip(self.predicted.tolist(), self.happened.tolist(), self.rows.tolist(), strict=True))


@dataclass(frozen=True)
class Reliability:
    """How probabilities compare with what happened.

    Attributes
    ----------
    rows : int
    brier : float
        Mean squared distance of the probabilities from 0 and 1; of more than two classes summed over them.
    log_loss : float
        In nats.
    ece : float
        Expected calibration error: the mean distance of frequency and probability, in parts of equally many rows; of more
        than two classes the mean over them.
    bins : tuple of (float, float, int)
        Of the last class, where there are two: mean probability, frequency and rows of each part.
    """

    rows: int
    brier: float
    log_loss: float
    ece: float
    bins: tuple[tuple[float, float, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {**asdict(self), "bins": [list(one) for one in self.bins]}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Reliability:
        """What `to_dict` gave, again."""
        bins = tuple((float(p), float(share), int(rows)) for p, share, rows in document["bins"])
        brier, log_loss, ece = (float(document[name]) for name in ("brier", "log_loss", "ece"))
        return cls(int(document["rows"]), brier, log_loss, ece, bins)

    def __str__(self) -> str:
        return (
            f"Brier score {self.brier:.4f}, log loss {self.log_loss:.4f}, calibration error {self.ece:.4f} "
            f"on {self.rows:,} rows"
        )


def reliability(model: Any, X: Any, y: Any, *, bins: int = 10) -> Reliability:
    """Measure the probabilities of a classifier on rows it has not learned from.

    Parameters
    ----------
    model : classifier
        Anything with `classes_` and `predict_proba`.
    X : table
    y : array of shape (n,)
    bins : int
        Parts of equally many rows.

    References
    ----------
    G. Brier, "Verification of forecasts expressed in terms of probability", 1950. C. Guo et al., "On calibration of modern
    neural networks", 2017, arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> class Coin:
    ...     classes_ = np.array([0, 1])
    ...     def predict_proba(self, X):
    ...         return np.full((len(X), 2), 0.5)
    >>> print(reliability(Coin(), [[0]] * 4, [0, 1, 0, 1], bins=2))
    Brier score 0.2500, log loss 0.6931, calibration error 0.0000 on 4 rows
    """
    classes = np.asarray(getattr(model, "classes_", ()))
    if not len(classes) or not hasattr(model, "predict_proba"):
        raise InputError(
            argument="model", expected="be a fitted classifier with predict_proba", got=short(model)
        )
    codes = codes_of(y, classes)
    p = np.asarray(model.predict_proba(X), dtype=np.float64)
    check_same_rows(len(p), len(codes))
    return measured(p, codes, bins)


def measured(p: Floats, codes: NDArray[np.int64], bins: int = 10) -> Reliability:
    """The same from probabilities (n, classes) and numbers of classes (n,)."""
    bins = min(check_int(bins, "bins", low=1), len(p))
    hot = np.eye(p.shape[1])[codes]
    squares = ((p - hot) ** 2).sum(1)
    brier = float(squares.mean()) / (2 if p.shape[1] == 2 else 1)
    log_loss = float(-np.log(np.clip(p[np.arange(len(p)), codes], _LEAST, 1)).mean())
    wanted = [1] if p.shape[1] == 2 else range(p.shape[1])
    curves = [curve(p[:, k], hot[:, k], bins) for k in wanted]
    ece = float(np.mean([one.ece for one in curves]))
    return Reliability(len(p), brier, log_loss, ece, curves[0].bins if len(curves) == 1 else ())


def curve(p: Floats, happened: NDArray[Any], bins: int = 10) -> OutcomeGroups:
    """Rows in groups of about equally many, by the probability they were given."""
    order = np.argsort(p, kind="stable")
    groups = [group for group in np.array_split(order, bins) if len(group)]
    return OutcomeGroups(
        np.array([float(p[group].mean()) for group in groups]),
        np.array([float(happened[group].mean()) for group in groups]),
        np.array([len(group) for group in groups], dtype=np.int64),
    )


def logits_of(outputs: Floats) -> Floats:
    """One logit a class, (n, classes), of outputs of a network; of two classes it has the log-odds alone, (n, 1)."""
    return np.column_stack([np.zeros(len(outputs)), outputs]) if outputs.shape[1] == 1 else outputs


def check_same_rows(rows: int, labels: int) -> None:
    """As many labels as rows."""
    if rows != labels:
        raise InputError(
            argument="y",
            expected=f"have one entry for each of the {plural(rows, 'row')} of X",
            got=f"{labels:,}",
        )


def codes_of(y: Any, classes: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers of the classes of some rows."""
    place = {label: k for k, label in enumerate(classes.tolist())}
    labels: list[Any] = as_labels(y, "y").tolist()
    strange = [label for label in labels if label not in place]
    if strange:
        raise InputError(
            argument="y",
            expected=f"hold the model's classes {short(classes.tolist())}",
            got=short(strange[0]),
        )
    return np.array([place[label] for label in labels], dtype=np.int64)
