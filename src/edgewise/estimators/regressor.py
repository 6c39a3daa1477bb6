"""KANRegressor."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any, Self, overload

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_choice, check_float, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.base import KANEstimator, keep_parameters
from edgewise.estimators.names import remember_columns, table_to_fit
from edgewise.estimators.problem import EstimatorProblem, TrainSettings
from edgewise.estimators.targets import determination, regression_target, row_weights, target_names
from edgewise.training.config import TableConfig
from edgewise.training.tabular.output_edge import beneath_square, check_range


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
    loss : "squared", "huber" or "quantile"
        What errors cost. "squared" seeks the mean; "huber" counts large errors by their size instead of their square, so
        that outliers pull little; "quantile" seeks the value that a share `quantile` of the rows stays below. Columns under
        constraints need "squared".
    quantile : float
        In (0, 1), for `loss="quantile"`; 0.5 is the median.
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
        config: TableConfig | None = None,
    ) -> None:
        keep_parameters(self, locals())

    def _settings(self) -> TrainSettings:
        if self.loss in ("poisson", "gamma", "tweedie"):
            raise InputError(
                argument="loss",
                expected="be one of 'squared', 'huber', 'quantile'",
                got=short(self.loss),
                advice="counts are fitted by edgewise.fit(..., loss='poisson'); exposure and censoring are not known yet",
            )
        return replace(
            super()._settings(),
            loss=check_choice(self.loss, "loss", ("squared", "huber", "quantile")),
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
    def predict(self, X: Any) -> Floats: ...

    @overload
    def predict(self, X: Any, return_interval: float) -> tuple[Floats, Floats]: ...

    def predict(self, X: Any, return_interval: float | None = None) -> Floats | tuple[Floats, Floats]:
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
                    "be None for this model, which has no out-of-bag errors (columns screened on all "
                    "rows, targets all alike, rows added by partial_fit, or a file of an earlier version)"
                ),
                got=short(level),
                advice="hold rows out and call edgewise.conformal",
            )
        return misses.half_widths(level)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination of the predictions, whatever the size of the numbers.

        Parameters
        ----------
        X : table with the columns of the fit
        y : array of shape (n,) or (n, outputs)
        sample_weight : array of shape (n,), optional

        Returns
        -------
        float
        """
        return determination(y, self.predict(X), sample_weight, type(self).__name__)

    def under_curve(self) -> KANRegressor:
        """The sum of functions of columns and pairs, where the answer is its square (`fit_.curve`), as a model of its own.

        What it predicts is the root; its curves and pairs are parts of the network, to be explained, drawn and proved as
        they are.

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
        inner.network_ = beneath_square(self.network_)
        inner.target_names_ = (f"root of {(*self.target_names_, *self.network_.output_names)[0]}",)
        inner.misses_ = None
        nothing: dict[str, Any] = {"held": None, "out_of_bag": None, "validation_error": None, "compared": ()}
        inner.fit_ = replace(self.fit_, network=inner.network_, curve="", **nothing)
        return inner

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
