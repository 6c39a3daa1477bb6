"""What both estimators share: parameters, fitting, names, importances, pictures."""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from edgewise._core.arguments import as_callables
from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_choice, check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.rooms import room
from edgewise._core.work import check_work
from edgewise.data import Encoding, LevelColumn, NumberColumn
from edgewise.data.datasets import is_dataset
from edgewise.data.encoding_columns import numbers_of
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.constraints import wishes_of
from edgewise.estimators.names import remember_columns, table_to_predict, warn_of_order
from edgewise.estimators.problem import EstimatorProblem, Trained, TrainSettings, outputs_of, train
from edgewise.estimators.reservoir import Reservoir, kept_rows, warm_fit
from edgewise.estimators.targets import kept_together, row_weights
from edgewise.estimators.written import file_contents
from edgewise.explaining.conformal import Misses
from edgewise.network.fitted import HoldsNetwork
from edgewise.training import Callback, Record, TableFit
from edgewise.training.config import TableConfig, config_of
from edgewise.training.tabular.output_edge import check_range

MODES = ("auto", "additive", "pairwise", "deep")
MAX_SEED = 2**31 - 1


class KANEstimator(HoldsNetwork, BaseEstimator):
    """Base of `KANRegressor` and `KANClassifier`."""

    encoding_: Encoding
    fit_: TableFit
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    feature_importances_: Floats
    screened_out_: tuple[str, ...]
    misses_: Misses | None
    target_names_: tuple[str, ...]

    mode: str
    hidden: int | None
    members: str | int
    work: str | float
    seconds: float | None
    max_inputs: int
    random_state: Any
    verbose: int
    callbacks: Any
    interactions: str | int | None
    monotone: Any
    convex: Any
    bounds: Any
    output_range: Any
    config: TableConfig | None

    def file_contents(self) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
        """What a file holds of it: a document that JSON takes, and the numbers of the network."""
        return file_contents(self)

    # ---- fitting

    def _settings(self) -> TrainSettings:
        """The parameters, checked."""
        members = self.members
        if isinstance(members, str):
            check_choice(members, "members", ("auto",))
        else:
            members = check_int(members, "members", low=1)
        callbacks = listeners_of(self)
        mode = check_choice(self.mode, "mode", MODES)
        seconds = self.seconds
        if seconds is not None:
            seconds = check_float(seconds, "seconds", low=0.0, closed=False)
        return TrainSettings(
            mode=mode,
            interactions=_interactions(self.interactions, mode),
            wishes=wishes_of(self.monotone, self.convex, self.bounds),
            output_range=None if self.output_range is None else check_range(self.output_range),
            hidden=None if self.hidden is None else check_int(self.hidden, "hidden", low=1),
            members=members,
            work=check_work(self.work),
            seconds=seconds,
            seed=seed_of(self.random_state),
            callbacks=callbacks,
            max_inputs=check_int(self.max_inputs, "max_inputs", low=1),
            config=config_of(self.config),
        )

    @own_settings
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        target: Any = None,
        checkpoint: Any = None,
        groups: Any = None,
        time: Any = None,
    ) -> Self:
        """Train on a table, or on a dataset of any size.

        With `target`, X is a dataset that is read in batches, in constant memory and a few passes: a path, a pattern, a
        folder or a list of paths of Parquet or CSV files, a pyarrow dataset, a Polars LazyFrame, or frames one after
        the other. The model is one of functions of single columns and, unless the mode is "additive", of pairs.

        Parameters
        ----------
        X : data frame, array or mapping of columns, n rows
        y : array of shape (n,), or of a regressor (n, outputs)
            Numbers; of a classifier strings, numbers or truth values, and with a single class it always answers that.
        sample_weight : array of shape (n,), optional
            A row of weight 2 counts as the row given twice, one of weight 0 as none. Of a dataset, the name of
            a column.
        target : str, optional
            Of a dataset, the column to predict.
        checkpoint : path, optional
            Of a dataset, a folder that keeps what has been summed so far. The same call goes on from there when it was
            broken off, and ends in the same bits; at its end the folder is left empty.
        groups : array of shape (n,), optional
            What rows belong to (a person, a batch): where the fit judges by rows left out, a group is left out whole, so
            that `fit_.validation_error` and intervals are those of new groups.
        time : array of shape (n,), optional
            Numbers or dates: rows of neighbouring times are left out together. Give either groups or time.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter, the table or the target does not fit; it is a ValueError.
        """
        settings = self._settings()
        if target is not None:
            for name, given in (("y", y), ("groups", groups), ("time", time)):
                if given is not None:
                    raise InputError(
                        argument=name,
                        expected="be left out where 'target' names a column of the dataset",
                        got="both",
                    )
            streamed = room("edgewise.estimators.streamed").fit_dataset(
                self, X, target, sample_weight, settings, checkpoint
            )
            remember_columns(self, streamed.table)
            self.target_names_ = (str(target),)
            self.__dict__.pop("_reservoir", None)
            self._keep(streamed.trained)
            self._heed_classes(streamed.classes)
            return self
        warn_of_order(X, y, sample_weight, groups, time)
        self._fit_rows(self._first_rows(X, y, sample_weight), settings, sample_weight, groups, time)
        return self

    def _fit_rows(
        self, problem: EstimatorProblem, settings: TrainSettings, sample_weight: Any, groups: Any, time: Any
    ) -> None:
        """Learn from the rows of a first fit."""
        problem = replace(problem, groups=_groups(kept_together(groups, time), sample_weight, problem))
        self.__dict__.pop("_reservoir", None)
        self._train(problem, settings)

    @abstractmethod
    def _first_rows(self, X: Any, y: Any, sample_weight: Any) -> EstimatorProblem:
        """The rows of a first fit; what their columns and targets are called is remembered."""

    @abstractmethod
    def _heed_classes(self, classes: Any) -> None:
        """Remember the classes that were found in a dataset read in batches; None where it holds numbers."""

    def _train(self, problem: EstimatorProblem, settings: TrainSettings) -> None:
        self._keep(train(problem, settings, type(self).__name__))

    def _keep(self, trained: Trained) -> None:
        self.network_ = trained.network
        self.encoding_ = trained.encoding
        self.fit_ = trained.fit
        self.feature_importances_ = trained.importances
        self.screened_out_ = trained.left_out
        self.misses_ = trained.misses

    @property
    def interactions_(self) -> tuple[tuple[str, str], ...]:
        """Pairs of columns whose joint functions a model of single columns and pairs has, those first that explain most."""
        check_is_fitted(self, "network_")
        names, sources = self.encoding_.column_names, self.encoding_.sources
        return tuple((names[sources[i]], names[sources[j]]) for i, j in self.fit_.pairs)

    def _partial_train(self, problem: EstimatorProblem, settings: TrainSettings) -> None:
        """Add the rows to those kept; go on from the network, or learn anew once there are twice the rows."""
        before = getattr(self, "_reservoir", None)
        reservoir = kept_rows(before, problem, settings.seed, settings.config.reservoir_rows)
        whole = reservoir.problem(problem)
        fresh = before is None or self.fit_.mode == "constant"  # which leaves no edge to go on with
        # Steps from a network would not keep to the constraints, nor to a loss of its own; learning anew does.
        held = settings.wishes.columns or settings.output_range or settings.loss != "squared"
        held = held or (not fresh and self.fit_.curve)
        if fresh or held or reservoir.seen >= 2 * reservoir.seen_at_fit:
            self._train(whole, settings)
            reservoir = reservoir.fitted()
        else:
            trained = warm_fit(self.network_, self.encoding_, self.fit_, whole, settings)
            self._keep(Trained(*trained, self.screened_out_))
        self._reservoir: Reservoir = reservoir

    # ---- after fitting

    def _outputs(self, X: Any) -> Floats:
        """Outputs of the network for new rows, (n, outputs); of a dataset batch by batch."""
        check_is_fitted(self, "network_")
        if is_dataset(X):
            with room("edgewise.data.streaming.spool").dataset(X) as source:
                own = [self._outputs(batch) for batch in source.batches(self.encoding_.column_names)]
            return np.concatenate(own) if own else np.empty((0, self.network_.shape[-1]))
        return outputs_of(self.network_, self.encoding_.apply(self.raw_table(X)))

    def raw_table(self, X: Any) -> RawTable:
        """The columns that the model was fitted to, of the rows of a table, as `encoding_.apply` takes them."""
        fitted = getattr(self, "feature_names_in_", None)
        return table_to_predict(X, fitted, self.n_features_in_, type(self).__name__)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the inputs of the network: the columns of `encoding_.apply(X)`.

        The estimator has no `transform`; these are the names that `network_`, plots and formulas use. A column may give two
        inputs (its value, and whether it is missing) or none (where it carries no information).

        Parameters
        ----------
        input_features : array of str, optional
            Names of the columns as they were in the fit, for scikit-learn's sake.

        Returns
        -------
        array of str

        Raises
        ------
        InputError
            If `input_features` are not the columns of the fit.
        """
        check_is_fitted(self, "network_")
        if input_features is not None:
            given = [str(name) for name in input_features]
            if len(given) != self.n_features_in_:
                raise InputError(
                    f"input_features should have length equal to number of features ({self.n_features_in_}), "
                    f"got {len(given)}."
                )
            if hasattr(self, "feature_names_in_") and given != list(self.feature_names_in_):
                raise InputError("input_features is not equal to feature_names_in_.")
        return np.asarray(self.encoding_.names, dtype=object)

    def plot(self, X: Any = None, *, theme: str = "light", max_edges: int = 120) -> Any:
        """Draw the network; `edgewise.plots.plot_network` explains how to read it.

        Of many columns the curves are small; `explain(X)` has them one by one, those first that matter most.

        Parameters
        ----------
        X : table, optional
            Rows over whose values the curves are drawn.
        theme : "light" or "dark"
        max_edges : int

        Returns
        -------
        matplotlib Figure
        """
        from edgewise.plots import plot_network

        check_is_fitted(self, "network_")
        inputs = None if X is None else self.encoding_.apply(self.raw_table(X))
        return plot_network(self.network_, inputs, theme=theme, max_edges=max_edges)

    def explain(self, X: Any = None, *, row: Any = None, **options: Any) -> Any:
        """Explain the model, or its answer for a row; see `edgewise.explain`.

        Parameters
        ----------
        X : table, optional
            Rows to compare with, best those of the fit.
        row : int, mapping of cells, or table, optional
            A row to explain: its number in X, or its cells.
        **options
            As in `edgewise.explain`.

        Returns
        -------
        GlobalExplanation, or with `row` a LocalExplanation or a tuple of them
        """
        from edgewise.explaining import explain

        check_is_fitted(self, "network_")
        return explain(self, X, row=row, **options)

    def _formula(self, X: Any, y: Floats, options: dict[str, Any]) -> Any:
        """Formulas for y in the raw numeric columns that the network uses.

        Rows with missing cells or special codes are left out.

        Raises
        ------
        InputError
            If the network also reads columns of words, or no complete rows are there.
        """
        from edgewise.symbolic import find_formula

        table, columns = self.raw_table(X), self.encoding_.columns
        words = [column.name for column in columns if isinstance(column, LevelColumn)]
        if words:
            raise InputError(
                subject="A formula",
                expected="be sought in columns of numbers",
                got=f"words in {', '.join(map(repr, words[:3]))}",
                advice=f"fit {type(self).__name__} without them",
            )
        if y.ndim == 2 and y.shape[1] > 1:
            raise InputError(
                subject="A formula",
                expected="be sought for one output",
                got=y.shape[1],
                advice="choose a column of y",
            )
        pairs = zip(table.columns, columns, strict=True)
        used = [(raw, column) for raw, column in pairs if isinstance(column, NumberColumn)]
        cells = np.column_stack([numbers_of(raw, column.name, column.kind) for raw, column in used])
        y = y.reshape(-1)
        if len(y) != len(cells):
            raise InputError(
                argument="y", expected=f"have {len(cells):,} entries, one a row of X", got=f"{len(y):,}"
            )
        coded = np.column_stack([np.isin(cells[:, j], column.codes) for j, (_, column) in enumerate(used)])
        complete = ~(np.isnan(cells) | coded).any(axis=1)
        if not complete.any():
            raise InputError(
                subject="A formula",
                expected="be sought in rows without missing cells",
                got="none such",
                advice="fill them first",
            )
        options = {"names": [column.name for _, column in used], **options}
        return find_formula(cells[complete], y[complete], **options)

    # ---- scikit-learn

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

    def _html_repr(self) -> str:
        from edgewise.estimators.html import html_of

        return html_of(self)

    def _repr_html_inner(self) -> str:
        return self._html_repr()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._html_repr()}


def _groups(
    groups: NDArray[np.int64] | None, sample_weight: Any, problem: EstimatorProblem
) -> NDArray[np.int64] | None:
    """The groups of the rows that count."""
    weight = None if groups is None else row_weights(sample_weight, len(groups))
    kept = groups if groups is None or weight is None else groups[weight > 0]
    if kept is not None and len(kept) != problem.table.n_rows:
        got, rows = f"{len(kept):,}", problem.table.n_rows
        raise InputError(argument="groups", expected=f"have {rows:,} entries, one a row of X", got=got)
    return kept


def keep_parameters(model: object, given: dict[str, Any]) -> None:
    """The parameters of `__init__`, its `locals()`, as they were given: that is all that scikit-learn lets it do."""
    vars(model).update({name: value for name, value in given.items() if name not in ("self", "__class__")})


def listeners_of(model: Any) -> tuple[Callback, ...]:
    """The callbacks of an estimator, and the progress that `verbose` asks for, checked."""
    verbose = model.verbose
    if not isinstance(verbose, (bool, np.bool_)):
        verbose = check_int(verbose, "verbose", low=0)
    return (*as_callables(model.callbacks), *([show_record] if verbose else []))


def seed_of(random_state: Any) -> int:
    """A seed from what scikit-learn allows."""
    if isinstance(random_state, Integral):
        return check_int(random_state, "random_state", low=0, high=2**32 - 1)
    # scikit-learn would show what else there is in words of its own, and not everything can be shown.
    if random_state is None or random_state is np.random or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(MAX_SEED))
    raise InputError(
        argument="random_state", expected="be an int, a RandomState or None", got=short(random_state)
    )


def _interactions(value: Any, mode: str) -> str | int | None:
    """How many pairs act together, or "auto"; None leaves it to the mode."""
    if value is None:
        return None
    if isinstance(value, str):
        value = check_choice(value, "interactions", ("auto",))
    else:
        value = check_int(value, "interactions", low=0)
    if mode == "deep" or (mode == "additive" and value != 0) or (mode == "pairwise" and value == 0):
        raise InputError(
            argument="interactions",
            expected=f"be None with mode={mode!r}, which already fixes what acts together",
            got=short(value),
        )
    return value


def show_record(record: Record) -> None:
    """A line of progress, for verbose=1; on the error stream, so that results can be piped."""
    errors = "" if math.isnan(record.loss) else f": {record.loss:.4g}"
    errors += "" if record.validation is None else f", held out {record.validation:.4g}"
    share = "" if record.share is None else f"{record.share:4.0%}  "
    sys.stderr.write(f"{record.seconds:6.1f} s  {share}{record.phase}{errors} {record.note}".rstrip() + "\n")
