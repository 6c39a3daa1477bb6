"""FormulaRegressor: the formula search behind the scikit-learn interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, cast

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int, check_matrix, plural
from edgewise._core.errors import InputError
from edgewise.estimators.base import keep_parameters, listeners_of, seed_of
from edgewise.estimators.formula_rows import (
    has_words,
    numbers,
    one_target,
    predicted,
    predicted_in,
    separated,
    without_groups,
)
from edgewise.estimators.names import remember_columns, table_to_fit, table_to_predict, warn_of_order
from edgewise.estimators.targets import determination, target_names
from edgewise.symbolic import (
    BranchedFormula,
    Formula,
    FormulaResult,
    GroupedFormula,
    GroupedResult,
    find_formula,
)
from edgewise.symbolic.config import SearchConfig

# What `find_formula` needs.
FEWEST_ROWS = 5
# Parameters that are handed on where they say anything.
_LIMITS = ("forms", "exclude_functions", "require_columns", "ignore_columns", "constraints", "costs")


class FormulaRegressor(RegressorMixin, BaseEstimator):
    """Regression by a formula found with `edgewise.find_formula`, behind the scikit-learn interface.

    Tables may be arrays or data frames of pandas, Polars or Arrow. The names of a data frame's columns are the names in the
    formula. Where columns hold words, constants, or whole formulas, may follow these, as the rows show.

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
    exclude_functions : sequence of str
        Functions that no formula may hold.
    require_columns, ignore_columns : sequence of str
        Columns that every formula must contain, and those that none may use.
    constraints : sequence of str
        What every formula must satisfy, such as "increasing(x)" or "y -> 0 as x -> inf": see `edgewise.find_formula`.
    costs : mapping of str to int, optional
        Functions that count as so many nodes instead of one, such as {"sin": 3}.
    validation : float
        The share of rows on which formulas are judged.
    groups : str or int, optional
        The column of X, by name or place, of the experiment that a row is of: one law for all, with constants of its own
        in each where rows show it. `formula_` is then a `GroupedFormula`, `predict` needs the column too, and `refit_group`
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
        How large tables and formulas the search takes on; None for the defaults.

    Attributes
    ----------
    formula_ : Formula, GroupedFormula or BranchedFormula
        The formula that `predict` uses: the simplest that no other beats by more than chance. Of a table with columns of
        words it is one of the latter two, and says in `words` which of them matter.
    front_ : tuple of Formula
        The formulas that no simpler one equals, the simplest first; with groups or words the best one and its rivals.
    result_ : FormulaResult or GroupedResult
        All that the search returned.
    target_names_ : tuple of str
        The name of y where it had one.
    range_ : array of shape (2, d)
        The smallest and the largest number of each column of numbers, that of the groups left out, in the complete rows.
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

    formula_: Formula | GroupedFormula | BranchedFormula
    front_: tuple[Formula | GroupedFormula | BranchedFormula, ...]
    result_: FormulaResult | GroupedResult
    target_names_: tuple[str, ...]
    range_: Floats
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    names: Any
    groups: Any
    random_state: Any

    def __init__(
        self,
        work: str | float = "normal",
        *,
        seconds: float | None = None,
        names: Any = None,
        units: Any = None,
        forms: Any = None,
        exclude_functions: Any = (),
        require_columns: Any = (),
        ignore_columns: Any = (),
        constraints: Any = (),
        costs: Any = None,
        validation: float = 0.2,
        groups: Any = None,
        loss: str = "squared",
        random_state: Any = 0,
        verbose: int = 0,
        callbacks: Any = None,
        config: SearchConfig | None = None,
    ) -> None:
        keep_parameters(self, locals())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, sigma: Any = None, x_sigma: Any = None
    ) -> Self:
        """Search for the formula.

        Parameters
        ----------
        X : data frame, array or mapping of columns, n rows of numbers and words
            Rows with a missing cell, of X or y, are left out; the message of `result_` states how many.
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional
            How much each row counts; 0 leaves it out.
        sigma : float or array of shape (n,), optional
            The standard deviation of the noise in y; rows then count 1/sigma^2.
        x_sigma : mapping of str to float or array, optional
            The standard deviations of errors in columns, by the names that the formula has for them.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter, the table or the target does not fit; it is a ValueError.
        """
        of = type(self).__name__
        options = _search_options(self, target_names(y))
        warn_of_order(X, y)
        table = table_to_fit(X)
        whole = table
        labels: list[Any] = []
        if self.groups is not None:
            table, labels = without_groups(table, self.groups)
        worded = self.groups is None and has_words(table)
        rows: Any = table if worded else numbers(table)
        target = one_target(y, of)
        check_consistent_length(table.columns[0], target)
        if table.n_rows < FEWEST_ROWS:
            raise InputError(
                f"Found array with {table.n_rows} sample(s) while a minimum of {FEWEST_ROWS} is required by {of}."
            )
        names = table.names if table.named or self.names is None else self.names
        called = target_names(y)
        found = find_formula(
            rows,
            # Constraints call the target by its name.
            nw.new_series(called[0], target, backend="pyarrow") if called else target,
            groups=None if self.groups is None else labels,
            names=names,
            sample_weight=sample_weight,
            sigma=sigma,
            x_sigma=x_sigma,
            **options,
        )
        if isinstance(found, GroupedResult):
            rows, _ = separated(found.best, table, self.groups) if worded else (rows, None)
        self._keep(found, rows, called)
        remember_columns(self, whole)
        return self

    @classmethod
    def from_result(
        cls,
        result: FormulaResult | GroupedResult,
        X: Any,
        *,
        groups: str | None = None,
        target: str | None = None,
    ) -> Self:
        """The estimator that has found what `find_formula` returned, to predict with or to save.

        Parameters
        ----------
        result : FormulaResult or GroupedResult
        X : array of shape (n, d)
            The rows that were searched, without the column of groups; where words were searched, with their columns.
        groups : str, optional
            Name of the column of groups; it is the last column that `predict` takes.
        target : str, optional
            Name of what is predicted.

        Returns
        -------
        FormulaRegressor

        Raises
        ------
        InputError
            If the columns are not those of the formulas, or a grouped result comes without the name of its groups.

        Examples
        --------
        >>> import numpy as np
        >>> import edgewise as ew
        >>> X = np.linspace(1, 3, 60)[:, None]
        >>> model = ew.FormulaRegressor.from_result(ew.find_formula(X, 2 * X[:, 0] ** 3, names=["r"]), X)
        >>> model.predict({"r": [2.0]})
        array([16.])
        """
        check_is(result, (FormulaResult, GroupedResult), "result", "what find_formula returns")
        formula = result.best
        words = None if isinstance(formula, Formula) else formula.words
        grouped = isinstance(result, GroupedResult) and words is None
        if grouped != (groups is not None):
            got = "a result with groups and none" if grouped else "a result without groups and one"
            raise InputError(argument="groups", expected="name the column of groups", got=got)
        columns = formula.names if isinstance(formula, Formula) else formula.columns
        if words is None:
            rows = check_matrix(X, "X", columns=len(columns), missing=True)
        else:
            rows, _ = words.read(X, columns)
        names = [*columns, *([groups] if grouped else [])] if words is None else list(words.table)
        model = cls(groups=groups)
        model._keep(result, rows, () if target is None else (str(target),))
        model.n_features_in_ = len(names)
        model.feature_names_in_ = np.array(names, dtype=object)
        return model

    def _keep(self, result: FormulaResult | GroupedResult, rows: Floats, target: tuple[str, ...]) -> None:
        self.result_, self.formula_ = result, result.best
        self.front_ = (
            (result.best, *result.rivals) if isinstance(result, GroupedResult) else tuple(result.front)
        )
        self.target_names_ = target
        known = rows[~np.isnan(rows).any(axis=1)]
        self.range_ = np.array([known.min(axis=0), known.max(axis=0)])

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
            formula = self.front_[check_int(at, "at", low=-count, high=count - 1)]
        if isinstance(formula, Formula):
            return predicted(formula, numbers(table))
        return predicted_in(formula, *separated(formula, table, self.groups))

    def refit_group(self, X: Any, y: Any) -> Self:
        """Learn the constants of groups from their rows, new groups or known ones; those that all share stay as they are.

        Parameters
        ----------
        X : table with the columns of the fit
            Groups of fewer rows than constants get what these show and other groups make likely; known ones of none stay.
        y : array of shape (n,)

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the model has no groups, or rows do not fit.
        """
        check_is_fitted(self, "formula_")
        of = f"{type(self).__name__}.refit_group"
        formula = self.formula_
        if isinstance(formula, Formula) or (formula.words and not formula.words.words):
            raise InputError(
                f"{of} needs a model that was fitted with 'groups', or whose constants follow words. Got one without."
            )
        table = table_to_predict(X, getattr(self, "feature_names_in_", None), self.n_features_in_, of)
        rows, labels = separated(formula, table, self.groups)
        target = one_target(y, of)
        check_consistent_length(rows, target)
        whole = ~(np.isnan(rows).any(axis=1) | np.isnan(target))
        for label in dict.fromkeys(label for label in labels if label is not None):
            there = whole & np.array([item == label for item in labels])
            if there.any() or label not in formula.own:
                formula = formula.with_rows(label, rows[there], target[there], seed_of(self.random_state))
        self.formula_ = formula
        seen = np.vstack([self.range_, rows[whole]])
        self.range_ = np.array([seen.min(axis=0), seen.max(axis=0)])
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
        values = self.predict(X)
        if bad := int((~np.isfinite(values)).sum()):
            raise InputError(
                f"The score of a formula needs its value on every row. Got none on {plural(bad, 'row')} of "
                f"{len(values):,}: {self.formula_.text} leaves its domain there; leave those rows out, or choose "
                "another formula with predict(X, at=...)."
            )
        return determination(y, values, sample_weight, type(self).__name__)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """The same for scikit-learn before 1.6."""
        return {"allow_nan": True}


def _search_options(model: Any, target: Sequence[str]) -> dict[str, Any]:
    """The parameters as `find_formula` takes them; those left at their defaults are left to it."""
    callbacks = listeners_of(model)
    options = {name: getattr(model, name) for name in ("work", "seconds", "validation", "loss", "config")}
    options |= {"seed": seed_of(model.random_state), "callbacks": callbacks}
    limits = {name: getattr(model, name) for name in _LIMITS} | {"units": _as_y(model.units, target)}
    return options | {name: value for name, value in limits.items() if not _is_left_out(value)}


def _is_left_out(value: Any) -> bool:
    return value is None or (isinstance(value, (tuple, list, dict, set, frozenset)) and len(value) == 0)


def _as_y(units: Any, target: Sequence[str]) -> Any:
    """Units with that of the target under "y": `find_formula` sees the target without its name."""
    if not isinstance(units, dict) or len(target) != 1 or "y" in units:
        return cast(Any, units)
    given = cast("dict[Any, Any]", units)
    return {"y" if name == target[0] else name: unit for name, unit in given.items()}
