"""Intervals and sets that hold the truth as often as asked: by rows held out, with a guarantee (split conformal prediction),
or by the out-of-bag errors of the rows that a model learned from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_bool, check_float, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import numpy_generator
from edgewise.explaining.reliability import check_same_rows, codes_of
from edgewise.network import KAN
from edgewise.network.fitted import fitted
from edgewise.training import fit_table

# Share of the calibration rows that learn the local scale, and the work that they may take.
SCALE_SHARE, SCALE_WORK = 0.4, 0.2
# The scale stays within these factors of its median: intervals of no width at all cannot be stretched.
_NARROW, _WIDE = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class Conformal:
    """A model with the error that calibration rows saw; made by `conformal`.

    Attributes
    ----------
    model : estimator or KAN
    alpha : float
        Share of new rows whose truth may lie outside.
    rows : int
        Calibration rows that the quantile was taken of.
    quantile : tuple of float
        Of the scores: one, or one a class. For numbers in units of y (or of the local scale).
    classes : tuple
        Empty where numbers are predicted.
    scale : KAN or None
        Logarithm of the local scale as an additive network of the model's inputs.
    """

    model: Any
    alpha: float
    rows: int
    quantile: tuple[float, ...]
    classes: tuple[Any, ...]
    scale: KAN | None = None
    spread: float = 1.0

    def predict_interval(self, X: Any) -> Floats:
        """Lowest and highest value for each row, shape (n, 2), in units of y.

        Raises
        ------
        InputError
            If the model predicts classes.
        """
        if self.classes:
            raise InputError("A classifier has sets, not intervals; call predict_set instead.")
        middle = _predicted(self.model, X)
        half = self.quantile[0] * self._local(X, len(middle))
        return np.column_stack([middle - half, middle + half])

    def predict_set(self, X: Any) -> list[tuple[Any, ...]]:
        """The classes that cannot be excluded, row by row; a set may be empty where the row is like none.

        Raises
        ------
        InputError
            If the model predicts numbers.
        """
        if not self.classes:
            raise InputError("A regressor has intervals, not sets; call predict_interval instead.")
        p = np.asarray(self.model.predict_proba(X), dtype=np.float64)
        inside = 1 - p <= np.array(self.quantile)
        return [tuple(self.classes[k] for k in np.flatnonzero(row)) for row in inside]

    def _local(self, X: Any, rows: int) -> Floats:
        if self.scale is None:
            return np.ones(rows)
        return _scale(self.scale, fitted(self.model).inputs(X), self.spread)

    @property
    def scale_bounds(self) -> tuple[float, float]:
        """Between which logarithms the local scale is kept, before it is multiplied by `spread`."""
        return math.log(_NARROW), math.log(_WIDE)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {
            "alpha": self.alpha,
            "rows": self.rows,
            "quantile": list(self.quantile),
            "classes": [str(one) for one in self.classes],
            "local": self.scale is not None,
        }

    def __str__(self) -> str:
        share = f"{100 * (1 - self.alpha):g} %"
        if self.classes:
            return f"Sets that hold the class of {share} of new rows, by {self.rows:,} calibration rows."
        width = (
            "as wide as the row calls for"
            if self.scale is not None
            else f"prediction ± {self.quantile[0]:.4g}"
        )
        return f"Intervals that hold {share} of new rows ({width}), by {self.rows:,} calibration rows."


# A smaller share of misses would take more rows than any table has.
_LEAST_ALPHA = 1e-9


def conformal(
    model: Any,
    X: Any,
    y: Any,
    *,
    alpha: float = 0.1,
    local: bool = False,
    by_class: bool = False,
    seed: int = 0,
) -> Conformal:
    """Prediction intervals, or sets of classes, with a guaranteed share of right ones.

    If calibration rows and new rows come from one population in no order, a new row's truth lies inside with a
    probability of at least 1 - alpha (and at most 1 - alpha + 1 / (rows + 1) where scores differ), averaged over both. That
    is a statement about all rows together, not about each: `local` and `by_class` bring it closer to that.

    Parameters
    ----------
    model : KANRegressor, KANClassifier, or anything fitted with `predict` (and `predict_proba`)
    X : table
        Rows that the model has not learned from.
    y : array of shape (n,)
    alpha : float
        In (0, 1).
    local : bool
        Widths that follow a local scale, learned as an additive network on 40 % of the calibration rows; for numbers and
        edgewise's own models.
    by_class : bool
        The share holds for the rows of each class by itself.
    seed : int
        Which rows learn the local scale.

    Returns
    -------
    Conformal

    Raises
    ------
    InputError
        If there are too few rows for alpha, or y does not fit the model.

    References
    ----------
    V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random world", 2005. J. Lei et al., "Distribution-free
    predictive inference for regression", 2018, doi:10.1080/01621459.2017.1307116 (local scale). M. Sadinle, J. Lei and
    L. Wasserman, "Least ambiguous set-valued classifiers", 2019, doi:10.1080/01621459.2017.1395341 (sets).

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, (900, 1))
    >>> y = X[:, 0] + 0.1 * rng.normal(size=900)
    >>> model = ew.KANRegressor(mode="additive").fit(X[:300], y[:300])
    >>> sure = ew.conformal(model, X[300:600], y[300:600], alpha=0.1)
    >>> low, high = sure.predict_interval(X[600:]).T
    >>> bool(0.85 < np.mean((low <= y[600:]) & (y[600:] <= high)) < 0.95)
    True
    """
    alpha = check_float(alpha, "alpha", low=_LEAST_ALPHA, high=1.0, closed=False)
    local, by_class = check_bool(local, "local"), check_bool(by_class, "by_class")
    if isinstance(model, KAN):
        classes = ()
    elif hasattr(model, "predict") or hasattr(model, "predict_proba"):
        classes = tuple(np.asarray(getattr(model, "classes_", ())).tolist())
    else:
        raise InputError(argument="model", expected="be fitted and have predict", got=short(model))
    if classes:
        if local:
            raise InputError(argument="local", expected="be False for classes", got="True")
        return _sets(model, X, y, alpha, by_class, classes)
    if by_class:
        raise InputError(argument="by_class", expected="be False for numbers", got="True")
    return _intervals(model, X, y, alpha, local, seed)


def _intervals(model: Any, X: Any, y: Any, alpha: float, local: bool, seed: int) -> Conformal:
    middle = _predicted(model, X)
    target = check_vector(y, "y", length=len(middle))
    misses = np.abs(target - middle)
    if not local:
        return Conformal(model, alpha, len(misses), (_quantile(misses, alpha),), ())
    inputs = fitted(model).inputs(X)
    order = numpy_generator(seed).permutation(len(misses))
    cut = int(SCALE_SHARE * len(order))
    learns, judges = order[:cut], order[cut:]
    if cut < 20:
        raise InputError(argument="X", expected="have 50 rows or more with local=True", got=len(order))
    spread = float(np.median(misses[learns])) or float(misses[learns].mean()) or 1.0
    aim = np.log(np.clip(misses[learns] / spread, _NARROW, _WIDE))
    scale = fit_table(inputs[learns], aim, mode="additive", work=SCALE_WORK, seed=seed).network
    own = misses[judges] / _scale(scale, inputs[judges], spread)
    return Conformal(model, alpha, len(judges), (_quantile(own, alpha),), (), scale, spread)


def _scale(scale: KAN, inputs: Floats, spread: float) -> Floats:
    return spread * np.exp(np.clip(scale.predict(inputs)[:, 0], math.log(_NARROW), math.log(_WIDE)))


def _sets(model: Any, X: Any, y: Any, alpha: float, by_class: bool, classes: tuple[Any, ...]) -> Conformal:
    codes = codes_of(y, np.asarray(classes, dtype=object))
    p = np.asarray(model.predict_proba(X), dtype=np.float64)
    check_same_rows(len(p), len(codes))
    scores = 1 - p[np.arange(len(codes)), codes]
    if not by_class:
        return Conformal(model, alpha, len(scores), (_quantile(scores, alpha),), classes)
    own = tuple(
        _quantile(scores[codes == k], alpha, f" of class {short(classes[k])}") for k in range(len(classes))
    )
    return Conformal(model, alpha, len(scores), own, classes)


def _quantile(scores: Floats, alpha: float, which: str = "") -> float:
    """The score that a new one exceeds with probability at most alpha: the ceil((n + 1)(1 - alpha))-th."""
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-12)
    if rank > len(scores):
        raise InputError(
            argument="X",
            expected=f"have {math.ceil(1 / alpha - 1 - 1e-12)} rows or more{which} for alpha={alpha:g}",
            got=len(scores),
        )
    return float(np.sort(scores)[rank - 1])


def _predicted(model: Any, X: Any) -> Floats:
    out: Floats = np.asarray(model.predict(X), dtype=np.float64)
    if out.ndim == 2 and out.shape[1] == 1:
        out = out[:, 0]
    if out.ndim != 1:
        raise InputError(argument="model", expected="predict one number a row", got=out.shape[1])
    return out


# Errors that are kept of each output; of more rows so many quantiles, each not smaller than its share.
KEPT = 1_000


@dataclass(frozen=True, eq=False)
class Misses:
    """Absolute out-of-bag errors, as far as intervals need them.

    Attributes
    ----------
    rows : int
        Rows that they come from.
    errors : array of shape (m, outputs)
        Rising; entry k - 1 is reached by a share k / m of the rows.

    References
    ----------
    R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, "Predictive inference with the jackknife+", 2021,
    doi:10.1214/20-AOS1965.
    """

    rows: int
    errors: Floats

    def half_widths(self, level: Any) -> Floats:
        """Half the width of intervals that hold a share `level` of new rows, for each output.

        Raises
        ------
        InputError
            If `level` is no share, or the rows are too few for it.
        """
        level = check_float(level, "return_interval", low=0.0, high=1.0, closed=False)
        # One more row, the new one, may come out anywhere among the others.
        share = level * (self.rows + 1) / self.rows
        if share > 1 + 1e-12:
            needed = math.ceil(level / (1 - level) - 1e-9)
            raise InputError(
                argument="return_interval",
                expected=f"be {self.rows / (self.rows + 1):.4g} or less with {self.rows:,} out-of-bag rows",
                got=f"{level:g}, which takes {needed:,}",
            )
        place = math.ceil(share * len(self.errors) - 1e-9)
        return self.errors[min(place, len(self.errors)) - 1]


def out_of_bag_misses(truth: Floats, predicted: Floats, weight: Floats) -> Misses | None:
    """Errors of out-of-bag outputs (h, outputs) for rows of some weights (h,); None where there are no rows."""
    if not len(truth):
        return None
    errors = np.abs(truth - predicted)
    count = min(len(errors), KEPT)
    # The smallest errors that reach each share of the rows, and never less.
    shares = np.arange(1, count + 1) / count
    out = np.empty((count, errors.shape[1]))
    for k, column in enumerate(errors.T):
        order = np.argsort(column, kind="stable")
        reached = np.cumsum(weight[order]) / weight.sum()
        places = np.searchsorted(reached, shares - 1e-9)
        out[:, k] = column[order][np.minimum(places, len(column) - 1)]
    return Misses(len(errors), out)
