"""Calibrated probabilities: a monotone map behind a classifier that leaves its network, and so its explanations, alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from torch import Tensor

from edgewise._core.arguments import check_weights
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, short
from edgewise._core.errors import InputError
from edgewise.explaining.reliability import Reliability, check_same_rows, codes_of, logits_of, measured
from edgewise.network.calibration import (
    LEAST,
    METHODS,
    Calibration,
    Curve,
    Logistic,
    RisingPolyline,
    log_odds_against_others,
)
from edgewise.network.fitted import fitted

FOLDS = 5
_HOTTEST = 20.0


class CalibratedKAN(ClassifierMixin, BaseEstimator):
    """A classifier with calibrated probabilities; made by `calibrate`.

    It has the network, encoding and classes of the model behind it, and `calibration_`, the rising maps that are put behind
    the network. Whatever explains, proves, audits or saves it reads both: reasons are those of the network's log-odds before
    calibration, which the maps do not change, and decisions and probabilities are the calibrated ones.

    Attributes
    ----------
    model : KANClassifier
        The model behind it, untouched.
    method : str
    before, after : Reliability
        On the rows given to `calibrate`; `after` by cross-fitting, each row by maps that have not seen it.
    calibration_ : Calibration
        The maps.
    """

    def __init__(self, model: Any = None, method: str = "isotonic") -> None:
        self.model = model
        self.method = method

    before: Reliability
    after: Reliability
    calibration_: Calibration

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CalibratedKAN:
        """Learn the map on rows that the model has not learned from.

        Parameters
        ----------
        X : table
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional
        """
        method = check_choice(self.method, "method", METHODS)
        if getattr(self.model, "calibration_", None) is not None:
            raise InputError(
                argument="model",
                expected="be one that is not calibrated yet",
                got="a CalibratedKAN",
                advice="calibrate the model behind it, its .model",
            )
        classes = np.asarray(self.model.classes_)
        codes = codes_of(y, classes)
        weight = check_weights(sample_weight, len(codes))
        outputs = _outputs(self.model, X)
        check_same_rows(len(outputs), len(codes))
        counts = np.bincount(codes, minlength=len(classes))
        if len(classes) < 2 or counts.min() < 2:
            raise InputError(
                argument="y",
                expected="have two rows or more of each class",
                got=f"{counts.tolist()} rows of {short(classes.tolist())}",
            )
        self.before = measured(softmax(logits_of(outputs), axis=1), codes)
        self.calibration_ = _learn(method, outputs, codes, weight)
        crossed = np.empty((len(codes), len(classes)))
        split = StratifiedKFold(min(FOLDS, int(counts.min())), shuffle=True, random_state=0)
        for learn, judge in split.split(outputs, codes):
            own = _learn(method, outputs[learn], codes[learn], weight[learn])
            crossed[judge] = own.probabilities(outputs[judge])
        self.after = measured(crossed, codes)
        return self

    @property
    def network_(self) -> Any:
        """The network of the model behind it."""
        return self.model.network_

    @property
    def encoding_(self) -> Any:
        """Its encoding."""
        return self.model.encoding_

    @property
    def classes_(self) -> NDArray[Any]:
        """Its classes."""
        return self.model.classes_

    @property
    def target_names_(self) -> tuple[str, ...]:
        """What y called itself."""
        return self.model.target_names_

    def __getattr__(self, name: str) -> Any:
        if name in ("feature_names_in_", "n_features_in_", "fit_", "feature_importances_", "_table"):
            return getattr(self.model, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def predict_proba(self, X: Any) -> Floats:
        """Calibrated probabilities, shape (n, classes)."""
        return self.calibration_.probabilities(_outputs(self.model, X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of every row, shape (n,); of equal ones the first."""
        return self.classes_[self.calibration_.decided(_outputs(self.model, X))]

    def decision_function(self, X: Any) -> Floats:
        """Log-odds of the second of two calibrated probabilities, (n,); of more classes their logarithms, (n, classes)."""
        return self.calibration_.log_odds(_outputs(self.model, X))

    def file_contents(self) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
        """What a file holds of it: a document that JSON takes, and the numbers of the network."""
        if not hasattr(self, "calibration_") or type(self.model).__name__ != "KANClassifier":
            raise InputError(
                argument="model",
                expected="be a fitted CalibratedKAN of a KANClassifier",
                got=f"one of {short(self.model)}",
            )
        document, tensors = self.model.file_contents()
        maps = {**self.calibration_.to_json(), "before": self.before.to_dict(), "after": self.after.to_dict()}
        return {**document, "kind": "CalibratedKAN", "calibration": maps}, tensors

    def to_dict(self) -> dict[str, Any]:
        """The method, and how reliable the probabilities were and are."""
        return {"method": self.method, "before": self.before.to_dict(), "after": self.after.to_dict()}

    def __str__(self) -> str:
        return f"Calibrated ({self.method}).\n  before: {self.before}\n  after:  {self.after} (cross-fitted)"


def calibrate(
    model: Any, X: Any, y: Any, *, method: str = "isotonic", sample_weight: Any = None
) -> CalibratedKAN:
    """Calibrate the probabilities of a classifier on rows that it has not learned from.

    A `KANClassifier` is calibrated as it comes, by a straight line through its logits learned on out-of-bag rows; this is
    for a population that has moved, for a map that bends more, and to see whether it is needed at all.

    Parameters
    ----------
    model : KANClassifier
        Fitted; it is left as it is.
    X : table with the model's columns
    y : array of shape (n,)
    method : "isotonic", "sigmoid" or "temperature"
        Any rising curve (for a thousand rows or more), a logistic curve of the logit, or the logits divided by one number.
        Of more than two classes the first two are learned class by class and the probabilities brought to a sum of one.
    sample_weight : array of shape (n,), optional

    Returns
    -------
    CalibratedKAN

    Raises
    ------
    InputError
        If the model is no fitted classifier, or a class has fewer than two rows.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", 1999. B. Zadrozny and C. Elkan, "Transforming classifier
    scores into accurate multiclass probability estimates", 2002, doi:10.1145/775047.775151. C. Guo et al., 2017,
    arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(900, 2))
    >>> y = rng.random(900) < 1 / (1 + np.exp(-2 * X[:, 0]))
    >>> model = ew.KANClassifier(mode="additive").fit(X[:500], y[:500])
    >>> better = ew.calibrate(model, X[500:], y[500:], method="sigmoid")
    >>> better.network_ is model.network_, better.after.brier < 0.2
    (True, True)
    """
    held = fitted(model)
    if len(held.classes) < 2 or held.encoding is None:
        raise InputError(
            argument="model", expected="be a fitted KANClassifier of two classes or more", got=short(model)
        )
    return CalibratedKAN(model, method).fit(X, y, sample_weight)


def _outputs(model: Any, X: Any) -> Floats:
    """What the model gives before calibration, shape (n, 1) for two classes, else (n, classes)."""
    out = np.asarray(model.decision_function(X), dtype=np.float64)
    return out[:, None] if out.ndim == 1 else out


def _learn(method: str, outputs: Floats, codes: NDArray[np.int64], weight: Floats) -> Calibration:
    logits = logits_of(outputs)
    classes = logits.shape[1]
    if method == "temperature":

        def loss(log_heat: float) -> float:
            own = log_softmax(logits * np.exp(-log_heat), axis=1)
            return float(-(own[np.arange(len(codes)), codes] * weight).sum())

        limit = np.log(_HOTTEST)
        found: Any = minimize_scalar(loss, bounds=(-limit, limit), method="bounded")
        return Calibration.of(method, (Logistic(float(np.exp(-found.x)), 0.0),), classes)
    learn = _rising if method == "isotonic" else _logistic
    own = (1,) if classes == 2 else range(classes)
    maps = [learn(_score(logits, k), (codes == k).astype(np.float64), weight) for k in own]
    return Calibration.of(method, tuple(maps), classes)


def _rising(score: Floats, hit: Floats, weight: Floats) -> Curve:
    found = IsotonicRegression(y_min=LEAST, y_max=1 - LEAST, out_of_bounds="clip")
    found.fit(score, hit, sample_weight=weight)
    return RisingPolyline(tuple(found.X_thresholds_.tolist()), tuple(found.y_thresholds_.tolist()))


def _logistic(score: Floats, hit: Floats, weight: Floats) -> Curve:
    # Platt's targets: a row counts as one more of either class, so that a clean cut has no infinite slope.
    up, down = float(weight @ hit), float(weight @ (1 - hit))
    aim = np.where(hit > 0, (up + 1) / (up + 2), 1 / (down + 2))
    both = np.concatenate([score, score])[:, None]
    share = np.concatenate([aim * weight, (1 - aim) * weight])
    line = LogisticRegression(C=1e6, max_iter=1000)
    line.fit(both, np.repeat([1, 0], len(score)), sample_weight=share)
    slope, offset = float(np.ravel(line.coef_)[0]), float(np.ravel(line.intercept_)[0])
    # The likelihood is concave: where the best line falls, the best that does not is level.
    return Logistic(slope, offset) if slope > 0 else Logistic(0.0, float(logit(weight @ aim / weight.sum())))


def _score(logits: Floats, k: int) -> Floats:
    """Log-odds of one class against the others."""
    if logits.shape[1] == 2:
        return logits[:, 1] - logits[:, 0]
    return log_odds_against_others(logits, k)
