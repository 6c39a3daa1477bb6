"""KANQuantile: several quantiles of a number at once, each a network that can be read; they never cross."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from edgewise._core.arguments import check_weights
from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_float, plural, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.base import keep_parameters, seed_of
from edgewise.estimators.names import remember_columns, table_to_fit, table_to_predict, warn_of_order
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.targets import power_of_two, regression_target, target_names
from edgewise.training.config import TableConfig


class KANQuantile(RegressorMixin, BaseEstimator):
    """Several quantiles of y at once, by a Kolmogorov-Arnold network each.

    A quantile of level 0.9 is the value that nine tenths of the rows alike stay below; those of levels 0.05 and 0.95 are the
    ends of an interval that holds nine tenths, as wide as the row calls for. The networks minimise the pinball loss. Where
    two of them cross, their answers for a row are put in order, which brings them no further from the true quantiles on the
    whole (Chernozhukov et al., 2010).

    Parameters
    ----------
    levels : sequence of float
        Rising, in (0, 1).
    mode, hidden, members, work, max_inputs, random_state, verbose, callbacks, interactions, config
        As of `KANRegressor`, for the network of each level.
    seconds : float, optional
        Time limit for all levels together, which share it evenly.
    monotone : dict or list of str, optional
        As of `KANRegressor`; every quantile keeps to it.

    Attributes
    ----------
    model_ : KANRegressor
        The quantile in the middle, of the level nearest to one half: `edgewise.explain`, `verify` and `plot` take it.
    models_ : dict of float to KANRegressor
        The same for each level. What `predict` answers is in order; one of these by itself may cross another.
    n_features_in_, feature_names_in_
        As of all estimators.

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", 1978, doi:10.2307/1913643. V. Chernozhukov, I. Fernandez-Val and
    A. Galichon, "Quantile and probability curves without crossing", 2010, doi:10.3982/ECTA7880. D. R. Hunter and K. Lange,
    "Quantile regression via an MM algorithm", 2000, doi:10.1080/10618600.2000.10474866.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.estimators import KANQuantile
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(0, 1, (600, 1))
    >>> y = x[:, 0] * rng.normal(size=600)
    >>> model = KANQuantile(levels=(0.1, 0.9), mode="additive").fit(x, y)
    >>> width = np.diff(model.predict([[0.2], [0.9]]))[:, 0]
    >>> bool(width[1] > 3 * width[0])
    True
    """

    models_: dict[float, KANRegressor]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    levels: Iterable[float]
    seconds: float | None
    random_state: Any

    def __init__(
        self,
        levels: Iterable[float] = (0.05, 0.5, 0.95),
        mode: str = "auto",
        hidden: int | None = None,
        members: str | int = "auto",
        work: str | float = "normal",
        seconds: float | None = None,
        interactions: str | int | None = None,
        max_inputs: int = 200,
        random_state: Any = 0,
        verbose: int = 0,
        callbacks: Any = None,
        monotone: Any = None,
        config: TableConfig | None = None,
    ) -> None:
        keep_parameters(self, locals())

    @own_settings
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, groups: Any = None, time: Any = None
    ) -> Self:
        """Learn the quantiles.

        Parameters
        ----------
        X : table, n rows
            As of `KANRegressor`.
        y : array of shape (n,)
            Numbers.
        sample_weight, groups, time : array of shape (n,), optional
            As of `KANRegressor`.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter, the table or the target does not fit; it is a ValueError.
        """
        levels = check_levels(self.levels)
        seconds = self.seconds
        if seconds is not None:
            seconds = check_float(seconds, "seconds", low=0.0, closed=False) / len(levels)
        # One seed, so that the networks of all levels leave out the same rows.
        seed = seed_of(self.random_state)
        table = table_to_fit(X)
        warn_of_order(X, y, sample_weight, groups, time)
        target, names = self._target(y), target_names(y)
        check_consistent_length(range(table.n_rows), target)
        models = dict[float, KANRegressor]()
        for level in levels:
            learner = self._learner(level, seconds, seed)
            models[level] = learner.fit(table, target, sample_weight, groups=groups, time=time)
            models[level].target_names_ = names
        remember_columns(self, table)
        self.models_ = models
        return self

    def _learner(self, level: float, seconds: float | None, seed: int) -> KANRegressor:
        given: dict[str, Any] = {**self.get_params(deep=False), "seconds": seconds, "random_state": seed}
        del given["levels"]
        return KANRegressor(**given, loss="quantile", quantile=level)

    def _target(self, y: Any) -> Floats:
        target, _ = regression_target(y, type(self).__name__)
        if target.ndim == 2 and target.shape[1] > 1:
            raise InputError(
                argument="y",
                expected="hold one number for every row",
                got=plural(target.shape[1], "column"),
                advice="fit a model to each of them",
            )
        return cast(Floats, column_or_1d(target, warn=True))

    @property
    def model_(self) -> KANRegressor:
        """The model of the level nearest to one half, the lower one of two."""
        check_is_fitted(self, "models_")
        return self.models_[min(self.models_, key=lambda level: abs(level - 0.5))]

    def predict(self, X: Any) -> Floats:
        """Quantiles in the units of y.

        Parameters
        ----------
        X : table with the columns of the fit, n rows

        Returns
        -------
        array of shape (n, levels)
            Rising from column to column.
        """
        check_is_fitted(self, "models_")
        fitted = getattr(self, "feature_names_in_", None)
        table = table_to_predict(X, fitted, self.n_features_in_, type(self).__name__)
        return self._predicted(table)

    def _predicted(self, table: RawTable) -> Floats:
        found = np.column_stack([model.predict(table) for model in self.models_.values()])
        return np.sort(found, axis=1)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of the pinball loss of constant quantiles that is explained: 1 for none left, 0 for no better.

        Parameters
        ----------
        X : table with the columns of the fit
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional

        Returns
        -------
        float
            Of all levels together; the constants are the quantiles of this y.
        """
        predicted, target = self.predict(X), self._target(y)
        check_consistent_length(predicted, target)
        weight = check_weights(sample_weight, len(target))
        size = power_of_two(target)  # sums of extreme numbers are no floats
        predicted, target = predicted / size, target / size
        levels = np.array(list(self.models_))
        order = np.argsort(target, kind="stable")
        reached = np.cumsum(weight[order]) / weight.sum()
        places = np.minimum(np.searchsorted(reached, levels - 1e-12), len(order) - 1)
        base = float(weight @ pinball_loss(target, target[order][places][None], levels))
        left = float(weight @ pinball_loss(target, predicted, levels))
        return 1.0 - left / base if base > 0 else float(left == 0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """The same for scikit-learn before 1.6."""
        return {"allow_nan": True, "requires_y": True}


def pinball_loss(y: Floats, predicted: Floats, levels: Floats) -> Floats:
    """What misses cost, (n,): an error below y its level, one above it what is left to 1, summed over the levels (levels,).

    `predicted` is of shape (n, levels), or (1, levels) for constants.
    """
    miss = y[:, None] - predicted
    return np.maximum(levels * miss, (levels - 1) * miss).sum(axis=1)


def check_levels(levels: Any) -> tuple[float, ...]:
    """Levels of quantiles, rising.

    Raises
    ------
    InputError
        If they are none, not in (0, 1), or do not rise.
    """
    if isinstance(levels, str) or not isinstance(levels, Iterable):
        raise InputError(
            argument="levels",
            expected="be a sequence of numbers between 0 and 1",
            got=short(levels),
            advice="write (0.05, 0.5, 0.95), say",
        )
    given = cast("Iterable[Any]", levels)
    found = tuple(check_float(level, "levels", low=0.0, high=1.0, closed=False) for level in given)
    if not found or any(low >= high for low, high in pairwise(found)):
        raise InputError(argument="levels", expected="hold rising numbers", got=short(found))
    return found
