"""KANClassifier."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.base import KANEstimator, keep_parameters
from edgewise.estimators.names import remember_columns, table_to_fit
from edgewise.estimators.problem import EstimatorProblem
from edgewise.estimators.targets import class_factors, class_target, row_weights, target_names
from edgewise.training.config import TableConfig


class KANClassifier(ClassifierMixin, KANEstimator):
    """Classification by a Kolmogorov-Arnold network that can be read, behind the scikit-learn interface.

    For two classes the network has one output, the log-odds of the second; for more it has one logit a class. Takes
    tables as they are: data frames of pandas, Polars or Arrow, or arrays; columns of numbers, words, truth values and
    dates; missing cells.

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
    class_weight : dict, "balanced" or None
        Factors of the weights of the rows of each class. Probabilities are then those of a population so weighted.
    random_state : int, RandomState or None
        Seed. Same seed, same rows, same version: same bits, in whatever order the rows come.
    verbose : int
        1 writes progress to the error stream.
    callbacks : function or list of functions, optional
        Each is called with an `edgewise.training.Record` after every step; returning True ends training.
    interactions : int, "auto" or None
        A glass box of functions of single columns and of pairs: with so many pairs, 0 for none, or "auto" for as many as
        out-of-bag rows support. `interactions_` names them. None leaves it to `mode`.
    monotone : dict or list of str, optional
        Columns to "increasing" or "decreasing", or texts such as "increasing(age)", as proofs read them: what the model must
        do in them, for all numbers and in every mode. Missing cells and special codes have effects beside them, which
        `fit_.events` tells.
    convex : dict, optional
        Columns to "convex" or "concave"; their functions are additive in every mode.
    bounds : dict, optional
        Columns to (low, high), the range of their functions about their mean, in units of log-odds; None for no limit. Such
        functions are additive in every mode.
    output_range : (low, high), optional
        What the log-odds of the second of two classes may be; None for no limit. Held by construction, for all rows and in
        every mode: one more edge is flat beyond the ends.
    config : TableConfig, optional
        The thresholds it decides by, from `edgewise.training`; the defaults suit tables of all sizes.

    Attributes
    ----------
    classes_ : array
        The classes, sorted.
    network_ : KAN
    encoding_ : Encoding
        How columns become inputs of the network.
    fit_ : TableFit
        How training went.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only where the table had names.
    feature_importances_ : array of shape (n_features_in_,)
        How much each column moves the logits on the training rows (root mean square), as shares.
    screened_out_ : tuple of str
        Columns left out because the table was too wide.
    target_names_ : tuple of str
        What y called itself; empty where it has no name.

    References
    ----------
    Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024, arXiv:2404.19756.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANClassifier
    >>> X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    >>> y = np.where(X[:, 0] ** 2 + X[:, 1] ** 2 < 0.5, "inside", "outside")
    >>> model = KANClassifier(mode="additive").fit(X, y)
    >>> model.predict([[0.0, 0.1], [0.9, 0.9]]).tolist()
    ['inside', 'outside']
    """

    classes_: NDArray[Any]
    class_weight: Any

    def __init__(
        self,
        mode: str = "auto",
        hidden: int | None = None,
        members: str | int = "auto",
        work: str | float = "normal",
        seconds: float | None = None,
        max_inputs: int = 200,
        class_weight: Any = None,
        random_state: Any = 0,
        verbose: int = 0,
        callbacks: Any = None,
        interactions: str | int | None = None,
        monotone: Any = None,
        convex: Any = None,
        bounds: Any = None,
        output_range: Any = None,
        config: TableConfig | None = None,
    ) -> None:
        keep_parameters(self, locals())

    def _first_rows(self, X: Any, y: Any, sample_weight: Any) -> EstimatorProblem:
        name = type(self).__name__
        table = table_to_fit(X)
        classes, codes = class_target(y, name)
        table, codes, weight = _weighed(table, codes, sample_weight)
        there = np.unique(codes)  # a class all of whose rows weigh nothing is no class
        classes, codes = classes[there], np.searchsorted(there, codes)
        problem = self._problem(table, classes, codes, weight)
        remember_columns(self, table)
        self.target_names_ = target_names(y)
        self.classes_ = classes
        if len(classes) == 1:
            text = f"y holds one class, {short(classes.tolist()[0])}: it is always answered."
            warnings.warn(text, UserWarning, stacklevel=4)
        return problem

    def _heed_classes(self, classes: Any) -> None:
        self.classes_ = classes

    @own_settings
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go on training with more rows.

        A uniform sample of up to 20,000 of all rows seen is kept. Training goes on from the present network on the rows
        kept; each time the number of rows seen has doubled, encoding and network are learned anew. The rows kept are
        pickled with the estimator but not written by `edgewise.save`.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array, needed in the first call
            All classes there will be.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the first call names no classes, or y holds a class that is not among them.
        """
        settings = self._settings()
        name = type(self).__name__
        first = not hasattr(self, "network_")
        known = self._known_classes(classes)
        own, codes = class_target(y, name)
        strange = [label for label in own.tolist() if label not in known.tolist()]
        if strange:
            raise InputError(
                argument="y", expected=f"hold the classes {short(known.tolist())}", got=short(strange[0])
            )
        codes = np.searchsorted(known, own)[codes]
        table = table_to_fit(X) if first else self.raw_table(X)
        table, codes, weight = _weighed(table, codes, sample_weight)
        problem = self._problem(table, known, codes, weight)
        if first:
            remember_columns(self, table)
            self.target_names_ = target_names(y)
            self.classes_ = known
        self._partial_train(problem, settings)
        return self

    def _known_classes(self, classes: Any) -> NDArray[Any]:
        """All classes there will be: those given, which must be those of the first call."""
        known: NDArray[Any] | None = self.classes_ if hasattr(self, "network_") else None
        if classes is None:
            if known is None:
                raise InputError(
                    "classes must be passed on the first call to partial_fit; list every class there will be."
                )
            return known
        listed = np.unique(np.asarray(classes))
        if known is not None and not np.array_equal(listed, known):
            raise InputError(
                argument="classes",
                expected=f"be those of the first call, {short(known.tolist())}",
                got=short(listed.tolist()),
            )
        return listed

    def _problem(
        self, table: RawTable, classes: NDArray[Any], codes: NDArray[Any], weight: Floats | None
    ) -> EstimatorProblem:
        names = [str(label) for label in classes]
        if len(set(names)) < len(names) or not all(name.strip() for name in names):
            names = [repr(label) for label in classes.tolist()]
        binary = len(classes) <= 2
        return EstimatorProblem(
            table,
            codes.astype(np.float64),
            weight,
            class_factors(self.class_weight, classes, codes, weight),
            "logistic" if binary else "cross_entropy",
            (f"log-odds of {names[-1]}",) if binary else tuple(names),
        )

    def decision_function(self, X: Any) -> Floats:
        """Log-odds of the second of two classes, shape (n,); of more classes their logits, shape (n, classes).

        Parameters
        ----------
        X : table with the columns of the fit
        """
        out = self._outputs(X)
        return out[:, 0] if len(self.classes_) <= 2 else out

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of the classes, shape (n, classes).

        Parameters
        ----------
        X : table with the columns of the fit
        """
        out = self._outputs(X)
        if len(self.classes_) == 1:
            return np.ones((len(out), 1))
        if len(self.classes_) == 2:
            return np.column_stack([expit(-out[:, 0]), expit(out[:, 0])])
        return softmax(out, axis=1)

    def predict_log_proba(self, X: Any) -> Floats:
        """Logarithms of the probabilities, shape (n, classes); finite however small those are.

        Parameters
        ----------
        X : table with the columns of the fit
        """
        out = self._outputs(X)
        if len(self.classes_) == 1:
            return np.zeros((len(out), 1))
        if len(self.classes_) == 2:
            return -np.logaddexp(0.0, np.column_stack([out[:, 0], -out[:, 0]]))
        shifted = out - out.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def predict(self, X: Any, return_interval: None = None) -> NDArray[Any]:
        """The most probable class of every row, shape (n,).

        Parameters
        ----------
        X : table with the columns of the fit
            Cells may be missing; words not seen in training have no effect of their own.
        return_interval : None
            Classes have no intervals.

        Raises
        ------
        InputError
            If an interval is asked for.
        """
        if return_interval is not None:
            raise InputError(
                argument="return_interval",
                expected="be None, for classes have no intervals",
                got=short(return_interval),
                advice=(
                    "call predict_proba for probabilities, or edgewise.conformal with rows held out, and "
                    "its predict_set, for sets of classes"
                ),
            )
        out = self._outputs(X)
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(out))
        best = (out[:, 0] > 0).astype(np.int64) if len(self.classes_) == 2 else out.argmax(axis=1)
        return self.classes_[best]

    def formula(self, X: Any, **options: Any) -> Any:
        """Seek formulas for the log-odds that the network gives, in the numeric columns it uses.

        Parameters
        ----------
        X : table with the columns of the fit
        **options
            As in `edgewise.find_formula`: `work`, `seed`, `forms`, ...

        Returns
        -------
        FormulaResult

        Raises
        ------
        InputError
            If the network reads columns of words, or there are more than two classes.
        """
        check_is_fitted(self, "network_")
        if len(self.classes_) != 2:
            raise InputError(
                subject="A formula",
                expected="be sought for two classes",
                got=len(self.classes_),
                advice="fit one class against the rest",
            )
        return self._formula(X, self.decision_function(X), options)


def _weighed(
    table: RawTable, codes: NDArray[np.int64], sample_weight: Any
) -> tuple[RawTable, NDArray[np.int64], Floats | None]:
    """Rows that count, with their weights."""
    check_consistent_length(range(table.n_rows), codes)
    weight = row_weights(sample_weight, table.n_rows)
    if weight is None or (weight > 0).all():
        return table, codes, weight
    keep = weight > 0
    return table.take(keep), codes[keep], weight[keep]
