"""FormulaRegressor: the formula search behind the scikit-learn interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from edgewise._core.checks import check_int, plural, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.base import _seed, _show
from edgewise.estimators.grouped import check_alone, without_groups
from edgewise.estimators.names import names_of, table_to_fit, table_to_predict
from edgewise.estimators.targets import regression_target, target_names
from edgewise.symbolic import (
    Formula,
    FormulaResult,
    GroupedFormula,
    GroupedResult,
    find_formula,
    find_grouped_formula,
)
from edgewise.symbolic.config import SearchConfig

Floats = NDArray[np.float64]

# What `find_formula` needs.
FEWEST_ROWS = 5


class FormulaRegressor(RegressorMixin, BaseEstimator):
    """Regression by a formula found with `edgewise.find_formula`, behind the scikit-learn interface.

    Tables may be arrays or data frames of pandas, Polars or Arrow; every column must hold numbers. The names of a
    data frame's columns are the names in the formula.

    Parameters
    ----------
    work : "quick", "normal", "thorough" or float
        How much to search; "normal" is about a minute of one core at most, and the search ends earlier once a formula is
        exact or every shape has been tried.
    seconds : float, optional
        Time limit. It only interrupts: what is found until then is the answer, and may differ from run to run.
    names : sequence of str, optional
        Names of the columns in the formula where the table has none.
    units : mapping of str to str, optional
        Units of the columns and of the target, which goes by its own name or as "y".
    forms : sequence of Form or str, optional
        The functions that a formula may hold; by default all of `edgewise.forms.FORMS`.
    without : sequence of str
        Functions that no formula may hold.
    require, ignore : sequence of str
        Columns that every formula must contain, and those that none may use.
    validation : float
        The share of rows on which formulas are judged.
    groups : str or int, optional
        The column of X, by name or place, that says which experiment a row is of: one law for all, with constants of its own
        in each where rows say so. `formula_` is then a `GroupedFormula`, `predict` needs the column too, and `refit_group`
        learns the constants of new groups.
    loss : "squared" or "robust"
        "robust" sets rows aside that no law explains, as slipped decimal points and broken sensors make them, and says
        which; with "squared" the message of `result_` only warns of such rows.
    random_state : int, RandomState or None
        Seed of the split and of the networks: same rows, seed and versions give the same formula, bit by bit.
    verbose : int
        1 writes progress to the error stream.
    callbacks : function or list of functions, optional
        Each is called with an `edgewise.training.Record` after every step; returning True ends the search.
    config : SearchConfig, optional
        Thresholds of the search, each documented there; None for the defaults.

    Attributes
    ----------
    formula_ : Formula or GroupedFormula
        The formula that `predict` uses: the simplest that no other beats by more than chance.
    front_ : tuple of Formula
        The formulas that no simpler one equals, the simplest first; with groups the best one and its rivals.
    result_ : FormulaResult or GroupedResult
        All that the search returned.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only where the table had names.

    See Also
    --------
    edgewise.find_formula : the same search as a function.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import FormulaRegressor
    >>> X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    >>> model = FormulaRegressor(names=["m", "r"]).fit(X, 2 * X[:, 0] / X[:, 1] ** 2)
    >>> model.formula_.text, round(model.score(X, 2 * X[:, 0] / X[:, 1] ** 2), 6)
    ('2*m/r^2', 1.0)
    """

    formula_: Formula | GroupedFormula
    front_: tuple[Formula | GroupedFormula, ...]
    result_: FormulaResult | GroupedResult
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        work: str | float = "normal",
        *,
        seconds: float | None = None,
        names: Any = None,
        units: Any = None,
        forms: Any = None,
        without: Any = (),
        require: Any = (),
        ignore: Any = (),
        validation: float = 0.2,
        groups: Any = None,
        loss: str = "squared",
        random_state: Any = 0,
        verbose: int = 0,
        callbacks: Any = None,
        config: SearchConfig | None = None,
    ) -> None:
        self.work = work
        self.seconds = seconds
        self.names = names
        self.units = units
        self.forms = forms
        self.without = without
        self.require = require
        self.ignore = ignore
        self.validation = validation
        self.groups = groups
        self.loss = loss
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.config = config

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, sigma: Any = None) -> Self:
        """Search for the formula.

        Parameters
        ----------
        X : data frame, array or mapping of columns, n rows of numbers
            Rows with a missing cell, of X or y, are left out; the message of `result_` says how many.
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional
            How much each row counts; 0 leaves it out.
        sigma : float or array of shape (n,), optional
            The standard deviation of the noise in y; rows then count 1/sigma^2.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter, the table or the target does not fit; it is a ValueError.
        """
        of = type(self).__name__
        options = self._options(target_names(y))
        table = table_to_fit(X, of)
        named, count = names_of(table), len(table.columns)
        labels: list[Any] = []
        if self.groups is not None:
            table, labels = without_groups(table, self.groups, of)
        rows = _numbers(table, of)
        target = _one_target(y, of)
        check_consistent_length(rows, target)
        if len(rows) < FEWEST_ROWS:
            raise InputError(
                f"Found array with {len(rows)} sample(s) while a minimum of {FEWEST_ROWS} is required by {of}."
            )
        names = self._names(table)
        if self.groups is None:
            self.result_ = find_formula(
                rows, target, names=names, sample_weight=sample_weight, sigma=sigma, **options
            )
            self.formula_, self.front_ = self.result_.best, self.result_.front
        else:
            alone = check_alone(options, {"sample_weight": sample_weight, "sigma": sigma}, of)
            self.result_ = find_grouped_formula(rows, target, labels, names=names, **alone)
            self.formula_, self.front_ = self.result_.best, (self.result_.best, *self.result_.rivals)
        self.n_features_in_ = count
        if named is not None:
            self.feature_names_in_ = named
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_  # of an earlier fit
        return self

    def predict(self, X: Any, at: int | None = None) -> Floats:
        """The formula at every row.

        Parameters
        ----------
        X : table with the columns of the fit
        at : int, optional
            The place in `front_` of another formula to predict with; -1 is the most accurate.

        Returns
        -------
        array of shape (n,)
            Not finite where the formula has no value, such as the logarithm of a negative number, or a cell that it needs
            is missing.

        Raises
        ------
        InputError
            If the columns are not those of the fit, or the front has no such place.
        """
        check_is_fitted(self, "formula_")
        of = type(self).__name__
        table = table_to_predict(X, getattr(self, "feature_names_in_", None), self.n_features_in_, of)
        count = len(self.front_)
        formula = self.formula_
        if at is not None:
            formula = self.front_[check_int(at, "at", low=-count, high=count - 1, of="predict")]
        if isinstance(formula, GroupedFormula):
            table, labels = without_groups(table, self.groups, of)
            return _predicted_in(formula, _numbers(table, of), labels)
        return _predicted(formula, _numbers(table, of))

    def refit_group(self, X: Any, y: Any) -> Self:
        """Learn the constants of groups from their rows, new groups or known ones; those that all share stay as they are.

        Parameters
        ----------
        X : table with the columns of the fit
            A group of fewer rows than constants gets what its rows say and the other groups make likely.
        y : array of shape (n,)

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the model was fitted without groups, or rows do not fit.
        """
        check_is_fitted(self, "formula_")
        of = f"{type(self).__name__}.refit_group"
        formula = self.formula_
        if not isinstance(formula, GroupedFormula):
            raise InputError(
                f"{of} needs a model that was fitted with 'groups'. Got one without; give that parameter."
            )
        table = table_to_predict(X, getattr(self, "feature_names_in_", None), self.n_features_in_, of)
        table, labels = without_groups(table, self.groups, of)
        rows, target = _numbers(table, of), _one_target(y, of)
        check_consistent_length(rows, target)
        whole = ~(np.isnan(rows).any(axis=1) | np.isnan(target))
        for label in dict.fromkeys(labels):
            there = whole & np.array([each == label for each in labels])
            formula = formula.with_rows(label, rows[there], target[there], _seed(self.random_state, of))
        self.formula_ = formula
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination of the predictions.

        Parameters
        ----------
        X : table with the columns of the fit
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional

        Returns
        -------
        float

        Raises
        ------
        InputError
            If the formula has no value on some rows.
        """
        from sklearn.metrics import r2_score

        predicted = self.predict(X)
        if bad := int((~np.isfinite(predicted)).sum()):
            raise InputError(
                f"The score of a formula needs its value on every row. Got none on {plural(bad, 'row')} of "
                f"{len(predicted):,}: {self.formula_.text} leaves its domain there; leave those rows out, or choose "
                "another formula with predict(X, at=...)."
            )
        return float(r2_score(y, predicted, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """The same for scikit-learn before 1.6."""
        return {"allow_nan": True}

    def _options(self, target: Sequence[str]) -> dict[str, Any]:
        """The parameters as `find_formula` takes them; those left at their defaults are left to it."""
        of = type(self).__name__
        callbacks: Any = self.callbacks
        callbacks = () if callbacks is None else (callbacks,) if callable(callbacks) else callbacks
        if not isinstance(callbacks, (list, tuple)) or not all(map(callable, cast("list[Any]", callbacks))):
            raise InputError(
                f"The 'callbacks' parameter of {of} must list functions. Got {short(self.callbacks)} instead."
            )
        verbose: Any = self.verbose
        if not isinstance(verbose, (bool, np.bool_)):
            verbose = check_int(verbose, "verbose", low=0, of=of)
        options: dict[str, Any] = {
            "work": self.work,
            "seconds": self.seconds,
            "seed": _seed(self.random_state, of),
            "callbacks": (*cast("list[Any]", callbacks), *([_show] if verbose else [])),
            "validation": self.validation,
            "loss": self.loss,
            "config": self.config,
        }
        limits: dict[str, Any] = {
            "units": _as_y(self.units, target),
            "forms": self.forms,
            "without": self.without,
            "require": self.require,
            "ignore": self.ignore,
        }
        return options | {name: value for name, value in limits.items() if not _left_out(value)}

    def _names(self, table: RawTable) -> Any:
        return table.names if table.named or self.names is None else self.names


def _left_out(value: Any) -> bool:
    return value is None or (isinstance(value, (tuple, list, dict, set, frozenset)) and len(value) == 0)


def _as_y(units: Any, target: Sequence[str]) -> Any:
    """Units with that of the target under "y": `find_formula` sees the target without its name."""
    if not isinstance(units, dict) or len(target) != 1 or "y" in units:
        return cast(Any, units)
    given = cast("dict[Any, Any]", units)
    return {"y" if name == target[0] else name: unit for name, unit in given.items()}


def _one_target(y: Any, of: str) -> Floats:
    values, _ = regression_target(y, of, missing=True)
    if values.ndim == 2 and values.shape[1] > 1:
        raise InputError(
            f"The 'y' parameter of {of} must be one column. Got {values.shape[1]} instead; wrap it in "
            "sklearn.multioutput.MultiOutputRegressor for a formula of each."
        )
    return np.asarray(column_or_1d(values, warn=True), dtype=np.float64)


def _predicted(formula: Formula, rows: Floats) -> Floats:
    """The formula's values, NaN where a cell that it needs is missing."""
    holes = np.isnan(rows)
    values = formula.predict(np.where(holes, 1.0, rows))
    needed = formula.expression.symbols
    used = [at for at, name in enumerate(formula.names) if name in needed]
    values[holes[:, used].any(axis=1)] = np.nan
    return values


def _predicted_in(formula: GroupedFormula, rows: Floats, labels: list[Any]) -> Floats:
    """The values of a formula with groups, NaN where a cell is missing."""
    holes = np.isnan(rows)
    values = formula.predict(np.where(holes, 1.0, rows), np.array(labels, dtype=object))
    values[holes.any(axis=1)] = np.nan
    return values


def _numbers(table: RawTable, of: str) -> Floats:
    """The columns as one matrix, NaN where a cell is missing, or one sentence about the one that holds no numbers."""
    columns: list[Floats] = []
    for column in table.columns:
        if column.numbers is None:
            example = short(column.words[0]) if column.words else "none"
            raise InputError(
                f"Column {short(column.name, 40)} of {of} must hold numbers. Got words such as {example} instead; leave it "
                "out or encode it."
            )
        bad = np.flatnonzero(np.isinf(column.numbers))
        if bad.size:
            raise InputError(
                f"Column {short(column.name, 40)} of {of} must hold finite numbers. Got {column.numbers[bad[0]]} (infinity) "
                f"in row {bad[0]} instead; correct such cells, or leave them empty."
            )
        columns.append(column.numbers)
    return np.column_stack(columns)
