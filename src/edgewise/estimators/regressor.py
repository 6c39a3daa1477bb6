"""KANRegressor."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, cast, overload

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_choice, check_float, short
from edgewise._core.errors import InputError
from edgewise._core.rows import row_numbers
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.base import KANEstimator, keep_parameters
from edgewise.estimators.exposure import multiplier, rates, weights_of_rates
from edgewise.estimators.names import remember_columns, table_to_fit, warn_of_order
from edgewise.estimators.problem import EstimatorProblem, TrainSettings, magnified
from edgewise.estimators.targets import (
    determination,
    explained_deviance,
    regression_target,
    row_weights,
    target_names,
)
from edgewise.training.common.losses import LOG_LOSSES, log_loss
from edgewise.training.config import TableConfig
from edgewise.training.tabular.output_edge import beneath_exponential, beneath_square, check_range

if TYPE_CHECKING:
    from edgewise.estimators.relativities import Relativities


class KANRegressor(RegressorMixin, KANEstimator):
    """Regression by a Kolmogorov-Arnold network that can be read, behind the scikit-learn interface.

    Takes tables as they are: data frames of pandas, Polars or Arrow, or arrays; columns of numbers, words, truth values and
    dates; missing cells. What each column becomes is in `encoding_`, the network itself in `network_`.

    Parameters
    ----------
    mode : "auto", "additive", "pairwise" or "deep"
        What the network may express: a sum of functions of single columns, with functions of pairs, or a hidden layer;
        "auto" lets held-out rows decide.
    hidden : int, optional
        Nodes of the hidden layer of a deep network; by default chosen from the data.
    members : "auto" or int
        Networks trained on resamples and joined into one.
    work : "quick", "normal", "thorough" or float
        A fifth, once or five times the normal work, or a factor of your own. Normal is about half a minute of one core at
        most; small tables need less, whatever is allowed.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the model, and may differ
        from run to run.
    max_inputs : int
        Of wider tables only the columns that explain most one by one are kept; a `ScreeningWarning` says so.
    random_state : int, RandomState or None
        Seed. Same seed, same rows, same version: same bits, in whatever order the rows come.
    verbose : int
        1 writes progress to the error stream.
    callbacks : function or list of functions, optional
        Each is called with an `edgewise.training.Record` after every step; returning True ends training.
    interactions : int, "auto" or None
        A glass box of functions of single columns and of pairs: with so many pairs, 0 for none, or "auto" for as many as
        out-of-bag rows support. `interactions_` names them. None leaves it to `mode`. With "auto" the answer is the square
        of such a sum where y is nowhere negative and out-of-bag rows support it; `under_curve()` is the sum.
    monotone : dict or list of str, optional
        Columns to "increasing" or "decreasing", or texts such as "increasing(age)", as proofs read them: what the model must
        do in them, for all numbers and in every mode. Missing cells and special codes have effects beside them, which
        `fit_.events` tells.
    convex : dict, optional
        Columns to "convex" or "concave"; their functions are additive in every mode.
    bounds : dict, optional
        Columns to (low, high), the range of their functions about their mean, in units of y; None for no limit. Such
        functions are additive in every mode.
    output_range : (low, high), optional
        What the output may be, in units of y; None for no limit. Held by construction, for all rows and in every mode: one
        more edge is flat beyond the ends.
    loss : "squared", "huber", "quantile", "poisson", "negative_binomial", "gamma", "inverse_gaussian" or "tweedie"
        What errors cost. "squared" seeks the mean; "huber" counts large errors by their size instead of their square, so
        that outliers pull little; "quantile" seeks the value that a share `quantile` of the rows stays below, and
        `edgewise.estimators.KANQuantile` several of them; columns under constraints do not take "huber". "poisson" and
        "negative_binomial" are for counts, "gamma" and "inverse_gaussian" for
        amounts above 0, "tweedie" for amounts of which some are 0: what is a sum of functions is the logarithm of the mean
        (`under_curve()`), effects multiply, and `predict` answers means. Predictions of the rows of the fit add up to what
        was counted.
    quantile : float
        In (0, 1), for `loss="quantile"`; 0.5 is the median.
    power : float, optional
        In (1, 2), for `loss="tweedie"`: variances go with this power of means; 1.5 by default.
    config : TableConfig, optional
        The thresholds it decides by, from `edgewise.training`; the defaults suit tables of all sizes.

    Attributes
    ----------
    network_ : KAN
    encoding_ : Encoding
        How columns become inputs of the network.
    fit_ : TableFit
        How training went.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only where the table had names.
    feature_importances_ : array of shape (n_features_in_,)
        How much each column moves the prediction on the training rows (root mean square), as shares.
    screened_out_ : tuple of str
        Columns left out because the table was too wide.
    misses_ : Misses or None
        Out-of-bag errors, which intervals come from.
    target_names_ : tuple of str
        What y called its columns; empty where it has no names.

    References
    ----------
    Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024, arXiv:2404.19756.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANRegressor
    >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KANRegressor(mode="additive").fit(X, np.sin(3 * X[:, 0]) + X[:, 1] ** 2)
    >>> model.score(X, np.sin(3 * X[:, 0]) + X[:, 1] ** 2) > 0.999
    True
    """

    _single: bool
    loss: str
    quantile: float
    power: float | None

    def __init__(
        self,
        mode: str = "auto",
        hidden: int | None = None,
        members: str | int = "auto",
        work: str | float = "normal",
        seconds: float | None = None,
        max_inputs: int = 200,
        random_state: Any = 0,
        verbose: int = 0,
        callbacks: Any = None,
        interactions: str | int | None = None,
        monotone: Any = None,
        convex: Any = None,
        bounds: Any = None,
        output_range: Any = None,
        loss: str = "squared",
        quantile: float = 0.5,
        power: float | None = None,
        config: TableConfig | None = None,
    ) -> None:
        keep_parameters(self, locals())

    def _settings(self) -> TrainSettings:
        return replace(
            super()._settings(),
            loss=check_choice(self.loss, "loss", ("squared", "huber", "quantile", *LOG_LOSSES)),
            power=None
            if self.power is None
            else check_float(self.power, "power", low=1.0, high=2.0, closed=False),
            quantile=check_float(self.quantile, "quantile", low=0.0, high=1.0, closed=False),
        )

    def _first_rows(self, X: Any, y: Any, sample_weight: Any) -> EstimatorProblem:
        table = table_to_fit(X)
        problem = self._problem(table, y, sample_weight)
        remember_columns(self, table)
        self.target_names_ = target_names(y)
        self._single = problem.y.ndim == 1
        return problem

    def _heed_classes(self, classes: Any) -> None:
        self._single = True

    @own_settings
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        exposure: Any = None,
        offset: Any = None,
        target: Any = None,
        checkpoint: Any = None,
        groups: Any = None,
        time: Any = None,
    ) -> Self:
        """Train on a table, or on a dataset of any size.

        Parameters
        ----------
        X, y, sample_weight, target, checkpoint, groups, time
            As of `KANClassifier.fit`; y holds numbers.
        exposure : array of shape (n,), optional
            Of counts and amounts, how much of a unit each row stands for, such as years under risk: means are exposures
            times rates. `predict` answers for an exposure of one, or for those that it is given.
        offset : array of shape (n,), optional
            Logarithms of further factors of the means.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter, the table or the target does not fit; it is a ValueError.

        Examples
        --------
        >>> import numpy as np
        >>> from edgewise import KANRegressor
        >>> rng = np.random.default_rng(0)
        >>> age, years = rng.uniform(18, 80, 2000), rng.uniform(0.1, 2, 2000)
        >>> claims = rng.poisson(years * np.exp(-0.02 * age))
        >>> model = KANRegressor(loss="poisson").fit({"age": age}, claims, exposure=years)
        >>> expected = model.predict({"age": age}, exposure=years)
        >>> bool(abs(expected.sum() - claims.sum()) < 1e-3 * claims.sum())
        True
        """
        if exposure is None and offset is None:
            return super().fit(
                X, y, sample_weight, target=target, checkpoint=checkpoint, groups=groups, time=time
            )
        settings = self._settings()
        if target is not None:
            raise InputError(
                argument="exposure",
                expected="be left out where X is a dataset",
                got="both 'exposure' and 'target'",
            )
        table = table_to_fit(X)
        factor = cast(Floats, multiplier(exposure, offset, table.n_rows, settings.loss))
        warn_of_order(X, y, sample_weight, exposure, offset, groups, time)
        own = row_weights(sample_weight, table.n_rows)
        counted, _ = regression_target(y, type(self).__name__)
        check_consistent_length(factor, counted)
        idle = (factor == 0) & (counted.reshape(len(counted), -1) != 0).any(axis=1)
        if idle.any():
            raise InputError(
                argument="exposure",
                expected="be above 0 where y is",
                got=f"0 in {row_numbers(np.flatnonzero(idle))}",
            )
        weight, unit = weights_of_rates(factor, own, settings.loss, settings.power)
        problem = self._first_rows(X, y, weight)
        problem = replace(problem, y=rates(problem.y, factor[weight > 0], unit))
        self._fit_rows(problem, settings, weight, groups, time)
        # From rates per mean exposure to those per exposure of one.
        network = magnified(self.network_, 1 / unit)
        told = None if self.fit_.out_of_bag is None else self.fit_.out_of_bag / unit
        self.network_, self.fit_ = network, replace(self.fit_, network=network, out_of_bag=told)
        return self

    @own_settings
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go on training with more rows.

        A uniform sample of up to 20,000 of all rows seen is kept. Training goes on from the present network on the rows
        kept; each time the number of rows seen has doubled, encoding and network are learned anew. The rows kept are
        pickled with the estimator but not written by `edgewise.save`.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self
        """
        settings = self._settings()
        if hasattr(self, "network_"):
            problem = self._problem(self.raw_table(X), y, sample_weight)
        else:
            problem = self._first_rows(X, y, sample_weight)
        self._partial_train(problem, settings)
        return self

    def _problem(self, table: RawTable, y: Any, sample_weight: Any) -> EstimatorProblem:
        name = type(self).__name__
        target, outputs = regression_target(y, name)
        check_consistent_length(range(table.n_rows), target)
        weight = row_weights(sample_weight, table.n_rows)
        if weight is not None and not (weight > 0).all():
            keep = weight > 0
            table, target, weight = table.take(keep), target[keep], weight[keep]
        return EstimatorProblem(table, target, weight, None, "squared", outputs)

    @overload
    def predict(self, X: Any, *, exposure: Any = None, offset: Any = None) -> Floats: ...

    @overload
    def predict(self, X: Any, return_interval: float) -> tuple[Floats, Floats]: ...

    def predict(
        self, X: Any, return_interval: float | None = None, *, exposure: Any = None, offset: Any = None
    ) -> Floats | tuple[Floats, Floats]:
        """Predictions in the units of y, with intervals if asked for.

        Intervals are as wide as the out-of-bag errors of the training rows: as often as `return_interval` asks, those
        rows' own values lay within such intervals about predictions by networks that had not learned from them. New rows
        of the same population do so about as often, over all of them together. A guarantee takes rows that were held out
        altogether: `edgewise.conformal` gives it, and widths that follow the row.

        Parameters
        ----------
        X : table with the columns of the fit
            Cells may be missing; words not seen in training have no effect of their own.
        return_interval : float, optional
            Share of new rows whose value shall lie in its interval, in (0, 1).
        exposure, offset : array of shape (n,), optional
            As in `fit`; one and zero by default, which makes predictions rates.

        Returns
        -------
        array of shape (n,), or (n, outputs) where y had columns
        array of shape (n, 2), or (n, outputs, 2)
            Only with `return_interval`: the lowest and highest value of each interval.

        Raises
        ------
        InputError
            If intervals are asked for and the model has no out-of-bag errors, or too few of them.

        References
        ----------
        R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, "Predictive inference with the jackknife+", 2021,
        doi:10.1214/20-AOS1965.

        Examples
        --------
        >>> import numpy as np
        >>> from edgewise import KANRegressor
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-1, 1, (600, 1))
        >>> y = X[:, 0] + 0.1 * rng.normal(size=600)
        >>> model = KANRegressor(mode="additive").fit(X[:300], y[:300])
        >>> predicted, interval = model.predict(X[300:], return_interval=0.9)
        >>> low, high = interval.T
        >>> bool(0.84 < np.mean((low <= y[300:]) & (y[300:] <= high)) < 0.96)
        True
        """
        out = self._outputs(X)
        factor = multiplier(exposure, offset, len(out), self.loss)
        out = out if factor is None else out * factor[:, None]
        predicted = out[:, 0] if self._single else out
        if return_interval is None:
            return predicted
        half = self._half_widths(return_interval)
        ends = np.stack([out - half, out + half], -1)
        if self.output_range is not None:
            ends = ends.clip(*check_range(self.output_range))
        return predicted, ends[:, 0] if self._single else ends

    def _half_widths(self, level: float) -> Floats:
        misses = getattr(self, "misses_", None)
        if misses is None:
            raise InputError(
                argument="return_interval",
                expected=(
                    "be None for this model, which has no out-of-bag errors (columns screened on all rows, a loss of "
                    "counts or amounts, targets all alike, rows added by partial_fit, or a file of an earlier version)"
                ),
                got=short(level),
                advice="hold rows out and call edgewise.conformal",
            )
        return misses.half_widths(level)

    def score(
        self, X: Any, y: Any, sample_weight: Any = None, *, exposure: Any = None, offset: Any = None
    ) -> float:
        """The coefficient of determination of the predictions, whatever the size of the numbers.

        Of counts and amounts the share of the deviance that is explained, beside that of the mean rate.

        Parameters
        ----------
        X : table with the columns of the fit
        y : array of shape (n,) or (n, outputs)
        sample_weight, exposure, offset : array of shape (n,), optional

        Returns
        -------
        float
        """
        if self.loss not in LOG_LOSSES:
            return determination(y, self.predict(X), sample_weight, type(self).__name__)
        predicted = self.predict(X, exposure=exposure, offset=offset)
        factor = multiplier(exposure, offset, len(predicted), self.loss)
        return explained_deviance(
            y, predicted, sample_weight, factor, log_loss(self.loss, self.power), type(self).__name__
        )

    def under_curve(self) -> KANRegressor:
        """The sum of functions of columns and pairs, where the answer is its square or its exponential (`fit_.curve`), as a
        model of its own.

        What it predicts is the root or the logarithm; its curves and pairs are parts of the network, to be explained, drawn
        and proved as they are.

        Returns
        -------
        KANRegressor
            This one where its answer is the sum itself.

        Examples
        --------
        >>> import numpy as np
        >>> from edgewise import KANRegressor
        >>> X = np.random.default_rng(0).uniform(0, 2, (400, 3))
        >>> y = (1 + X[:, 0] + np.sin(X[:, 1]) + X[:, 2] ** 2) ** 2
        >>> model = KANRegressor(interactions="auto").fit(X, y)
        >>> model.fit_.curve, model.explain(X).additive, model.under_curve().explain(X).additive
        ('square', False, True)
        """
        check_is_fitted(self, "network_")
        if not self.fit_.curve:
            return self
        inner = copy(self)
        inner.__dict__.pop("_reservoir", None)
        square = self.fit_.curve == "square"
        inner.network_ = (beneath_square if square else beneath_exponential)(self.network_)
        names = self.target_names_ or self.network_.output_names
        inner.target_names_ = tuple(f"{'root' if square else 'logarithm'} of {name}" for name in names)
        inner.misses_ = None
        nothing: dict[str, Any] = {"held": None, "out_of_bag": None, "validation_error": None, "compared": ()}
        inner.fit_ = replace(self.fit_, network=inner.network_, curve="", **nothing)
        return inner

    def relativities(
        self,
        X: Any,
        y: Any,
        *,
        exposure: Any = None,
        sample_weight: Any = None,
        bins: int = 10,
        glm: bool = True,
    ) -> Relativities:
        """What each level of each column multiplies counts or amounts with, beside what was counted there.

        Parameters
        ----------
        X, y, exposure, sample_weight
            Rows, best those of the fit, as in `fit`.
        bins : int
            Into how many levels of about the same exposure columns of numbers are cut.
        glm : bool
            Whether to fit a generalised linear model of all levels, to compare with.

        Returns
        -------
        Relativities

        Raises
        ------
        InputError
            If the model is not of counts or amounts, or the rows do not fit it.
        """
        from edgewise.estimators.relativities import relativities

        return relativities(self, X, y, exposure=exposure, sample_weight=sample_weight, bins=bins, glm=glm)

    def formula(self, X: Any, y: Any, **options: Any) -> Any:
        """Seek formulas for y in the numeric columns that the network uses.

        Parameters
        ----------
        X : table with the columns of the fit
        y : array of shape (n,)
        **options
            As in `edgewise.find_formula`: `work`, `seed`, `forms`, ...

        Returns
        -------
        FormulaResult

        Raises
        ------
        InputError
            If the network reads columns of words.
        """
        target, _ = regression_target(y, type(self).__name__)
        return self._formula(X, target, options)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {**super()._more_tags(), "multioutput": True}
