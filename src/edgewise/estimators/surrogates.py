"""A surrogate: a KAN that approximates a black box, and how faithful it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise.data import split
from edgewise.data.encoding_raw import raw_table
from edgewise.estimators.classifier import KANClassifier
from edgewise.estimators.regressor import KANRegressor

# Log-odds beyond these mean no more than "certain", and would dominate the fit.
_CERTAIN = 8.0


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A model of a model; made by `surrogate`.

    Attributes
    ----------
    model : KANRegressor or KANClassifier
        Of what the black box answers: its number, its log-odds (or centred log-probabilities) where it gives
        probabilities, else its class.
    kind : "number", "log-odds", "log-probabilities" or "class"
    classes : tuple
        Those of the black box, where it has any.
    fidelity : float or None
        R² between the two on held-out rows; None for kind "class".
    agreement : float or None
        Share of held-out rows on which both decide for the same class; None for numbers.
    error : float or None
        Root mean square of their difference on held-out rows.
    rows, held_out : int
        Rows learned from, and judged on.
    """

    model: Any
    kind: str
    classes: tuple[Any, ...]
    fidelity: float | None
    agreement: float | None
    error: float | None
    rows: int
    held_out: int

    @property
    def network_(self) -> Any:
        """The network of the model."""
        return self.model.network_

    def predict(self, X: Any) -> NDArray[Any]:
        """The surrogate's predictions in the black box's stead: numbers or classes."""
        return _decided(self.kind, self.classes, self.model.predict(X))

    @property
    def stop_reason(self) -> StopReason:
        """Why its training ended."""
        return self.model.fit_.stop_reason

    @property
    def seconds(self) -> float | None:
        """How long its training took, see `TableFit`."""
        return self.model.fit_.seconds

    @property
    def message(self) -> str:
        """How far it can be taken for the black box, in words."""
        return str(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, strings and numbers."""
        return {
            **fields(self, "message", "stop_reason", "seconds", "kind", "fidelity", "agreement", "error"),
            **fields(self, "rows", "held_out"),
            "mode": self.model.fit_.mode,
            "interactions": [list(pair) for pair in self.model.interactions_],
        }

    def __str__(self) -> str:
        parts: list[str] = []
        if self.fidelity is not None:
            parts.append(f"explains {100 * self.fidelity:.1f} % of the variance of its {self.kind}")
        if self.agreement is not None:
            parts.append(f"decides alike on {100 * self.agreement:.1f} %")
        shape = {"additive": "one function a column", "pairwise": "functions of columns and pairs"}
        what = shape.get(self.model.fit_.mode, f"a {self.model.fit_.mode} network")
        return (
            f"A surrogate of {what}: on {self.held_out:,} rows it has not seen it {' and '.join(parts)}. "
            "What it does not explain, no reason taken from it covers."
        )


@own_settings
def surrogate(
    black_box: Any,
    X: Any,
    *,
    interactions: str | int | None = "auto",
    validation: float = 0.25,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Surrogate:
    """Fit a KAN to the predictions of a black box, and state how faithful it is.

    Parameters
    ----------
    black_box : function, or object with `predict` or `predict_proba`
        Asked once about all rows of X. A function gives numbers of shape (n,); an object with `predict_proba` and `classes_`
        is asked for probabilities.
    X : table
        Rows such as the black box meets; no targets are needed. The more, the better the fidelity.
    interactions : int, "auto" or None
        As in `KANRegressor`: "auto" gives functions of columns and of the pairs that pay; None any network.
    validation : float
        Share of the rows that fidelity is measured on.
    work, seconds
        As in `KANRegressor`.
    seed : int
    **options
        Further parameters of the estimator, as `monotone`.

    Returns
    -------
    Surrogate

    Raises
    ------
    InputError
        If the black box cannot be asked, or its answers do not fit the rows.

    References
    ----------
    M. Craven and J. Shavlik, "Extracting tree-structured representations of trained networks", 1996. S. Tan et al.,
    "Learning global additive explanations of black-box models", 2018, arXiv:1801.08640.

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> X = np.random.default_rng(0).uniform(-1, 1, (600, 3))
    >>> copy = ew.surrogate(lambda rows: np.sin(3 * rows[:, 0]) + rows[:, 1] ** 2, X, interactions=0)
    >>> copy.fidelity > 0.99
    True
    """
    validation = check_float(validation, "validation", low=0.0, high=1.0, closed=False)
    seed = check_int(seed, "seed", low=0)
    table = raw_table(X)
    kind, classes, answers = _asked(black_box, X)
    if len(answers) != table.n_rows or table.n_rows < 8:
        raise InputError(
            argument="black_box",
            expected="give one answer for each of 8 rows or more",
            got=f"{len(answers)} answers for {table.n_rows} rows",
        )
    learns, judges = split(table.n_rows, validation, seed=seed)
    learns, judges = np.asarray(learns), np.asarray(judges)
    maker: Callable[..., Any] = KANClassifier if kind == "class" else KANRegressor
    model = maker(interactions=interactions, work=work, seconds=seconds, random_state=seed, **options)
    model.fit(_rows(X, learns), answers[learns])
    predicted, truth = np.asarray(model.predict(_rows(X, judges))), answers[judges]
    agreement = error = fidelity = None
    if kind != "number":
        agreement = float(np.mean(_decided(kind, classes, predicted) == _decided(kind, classes, truth)))
    if kind != "class":
        rest = float(np.mean((predicted - truth) ** 2))
        spread = float(np.mean((truth - truth.mean(0)) ** 2))
        error = float(np.sqrt(rest))
        fidelity = 1 - rest / spread if spread > 0 else float(rest == 0)
    return Surrogate(model, kind, classes, fidelity, agreement, error, len(learns), len(judges))


def _asked(black_box: Any, X: Any) -> tuple[str, tuple[Any, ...], NDArray[Any]]:
    """What kind of answers there are, the classes, and the answers."""
    if hasattr(black_box, "predict_proba") and hasattr(black_box, "classes_"):
        classes = tuple(np.asarray(black_box.classes_).tolist())
        p = np.asarray(black_box.predict_proba(X), dtype=np.float64)
        with np.errstate(divide="ignore"):
            logs = np.log(p)
        if len(classes) == 2:
            return "log-odds", classes, np.clip(logs[:, 1] - logs[:, 0], -_CERTAIN, _CERTAIN)
        logs = np.clip(logs, -2 * _CERTAIN, 0)
        return "log-probabilities", classes, logs - logs.mean(1, keepdims=True)
    ask = black_box if callable(black_box) else getattr(black_box, "predict", None)
    if ask is None:
        raise InputError(
            argument="black_box",
            expected="be a function of a table, or have predict or predict_proba",
            got=short(black_box),
        )
    answers = np.asarray(ask(X))
    if answers.ndim == 2 and answers.shape[1] == 1:
        answers = answers[:, 0]
    if answers.dtype.kind in "OUSb" or hasattr(black_box, "classes_"):
        return "class", tuple(np.unique(answers).tolist()), answers
    return "number", (), answers.astype(np.float64)


def _decided(kind: str, classes: tuple[Any, ...], answers: NDArray[Any]) -> NDArray[Any]:
    if kind == "log-odds":
        return np.asarray(classes)[(answers > 0).astype(np.int64)]
    if kind == "log-probabilities":
        return np.asarray(classes)[answers.argmax(1)]
    return answers


def _rows(X: Any, rows: NDArray[np.int64]) -> Any:
    """Some rows of a table, of the kind it is."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if hasattr(X, "take") and not isinstance(X, np.ndarray):
        return X.take(rows)
    if isinstance(X, dict):
        return {name: np.asarray(column)[rows] for name, column in X.items()}  # pyright: ignore[reportUnknownVariableType]
    return X[rows] if isinstance(X, np.ndarray) or hasattr(X, "columns") else [X[k] for k in rows.tolist()]
