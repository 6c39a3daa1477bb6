"""KANSurvival: hazards of times that may not be over yet, as a glass box of columns and of time itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from edgewise._core.arrays import Floats, Ints
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_choice, check_float, short
from edgewise._core.errors import InputError
from edgewise._core.work import check_work
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.estimators.names import remember_columns, table_to_fit, table_to_predict
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.survival.judging import concordance
from edgewise.estimators.survival.outcomes import read_outcomes
from edgewise.estimators.survival.pieces import TimePieces, pieces_of, spent
from edgewise.estimators.targets import kept_together, row_weights
from edgewise.training.config import TableConfig
from edgewise.training.tabular.rates import SPREAD

# Rounds in which times that are known to an interval are distributed by the model, and the work of all but the last.
_ROUNDS, _ROUND_WORK = 3, 0.2
# Rows of a table of hazards that are computed at a time.
_CHUNK = 200_000


class KANSurvival(BaseEstimator):
    """Hazards of times that may not be over yet, by a Kolmogorov-Arnold network of single columns and of pairs.

    The logarithm of the hazard is a sum of functions: of time, of columns, of pairs of columns, and of a column with time
    where rows that were left out support it; where they support none, hazards are proportional (`proportional_`). Hazards
    are constant on pieces of time, on which their integrals are exact.

    Parameters
    ----------
    mode, hidden, members, work, seconds, max_inputs, random_state, verbose, callbacks, monotone, config
        As of `KANRegressor`; constraints hold for the hazard.
    interactions : int, "auto" or None
        Pairs that act together, time among them: "auto", as None in mode "auto", finds them; 0, or mode "additive", is for
        proportional hazards.

    Attributes
    ----------
    model_ : KANRegressor
        The hazard, by the columns and the time; `edgewise.explain`, `verify` and `plot` take it. With several causes,
        that of the first.
    models_ : dict of str to KANRegressor
        The same for each cause.
    pieces_ : TimePieces
        Where time is cut.
    causes_ : tuple of str
        What may happen.
    n_features_in_, feature_names_in_
        As of all estimators.

    References
    ----------
    Bender, Groll, Scheipl (2018), A generalized additive model approach to time-to-event analysis. Stat. Model. 18.
    doi:10.1177/1471082X17748083.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.estimators import KANSurvival
    >>> rng = np.random.default_rng(0)
    >>> age = rng.uniform(40, 80, 400)
    >>> died, ended = rng.exponential(400 * np.exp(-0.05 * age)), rng.uniform(0, 30, 400)
    >>> table = {"age": age, "years": np.minimum(died, ended), "died": died <= ended}
    >>> model = KANSurvival(work="quick").fit(table, duration="years", event="died")
    >>> chance = model.predict_survival({"age": np.array([45.0, 75.0])}, [5.0])
    >>> bool(chance[0, 0] > chance[1, 0])
    True
    """

    models_: dict[str, KANRegressor]
    pieces_: TimePieces
    causes_: tuple[str, ...]
    n_features_in_: int
    feature_names_in_: NDArray[Any]

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
        config: TableConfig | None = None,
    ) -> None:
        self.mode, self.hidden, self.members, self.work = mode, hidden, members, work
        self.seconds, self.max_inputs, self.random_state = seconds, max_inputs, random_state
        self.verbose, self.callbacks, self.interactions = verbose, callbacks, interactions
        self.monotone, self.config = monotone, config

    # ---- fitting

    @own_settings
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        duration: Any = None,
        event: Any = None,
        entry: Any = None,
        until: Any = None,
        groups: Any = None,
    ) -> Self:
        """Learn hazards from rows that were observed for a while.

        Parameters
        ----------
        X : table, n rows
            A row is a time under observation: a person, a machine, or a part of its time in which its columns are constant.
        y : structured array, frame, mapping or array of shape (n,), optional
            A structured array with a field of truth values (whether it happened) and one of numbers (when, or until when
            nothing had); a frame or mapping with the columns "duration", "event", "entry", "until"; or durations alone, at
            the end of which it always happened.
        sample_weight : array of shape (n,), optional
        duration, event, entry, until : str or array of shape (n,), optional
            In place of y, arrays or names of columns of X. `duration` is the time when observation ended; `event` what ended
            it: 1 or True, a name of the cause where there are several, and 0, False or nothing where nothing had happened.
            `entry` is when observation began (0 by default): for rows that enter late, and for parts of a person's time.
            `until` is for times known to an interval: it happened after `duration` and by `until`.
        groups : str or array of shape (n,), optional
            What rows belong to, such as persons with several rows: left out together where the fit judges itself.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If times are missing, negative or in the wrong order, or nothing has happened.
        """
        table = table_to_fit(X)
        if isinstance(groups, str):
            name = groups
            if name not in table.names:
                raise InputError(argument="groups", expected="name a column of X", got=short(name))
            groups = np.array(table.columns[table.names.index(name)].cells(), dtype=object)
            table = RawTable(
                tuple(item for item in table.columns if item.name != name), table.n_rows, table.named
            )
        table, outcomes = read_outcomes(table, y, duration, event, entry, until)
        weight = row_weights(sample_weight, table.n_rows)
        together = kept_together(groups, None)
        together = np.arange(table.n_rows) if together is None else together
        remember_columns(self, table)
        self.time_name_ = _free(outcomes.unit, table.names)
        pieces = pieces_of(outcomes)
        work = check_work(self.work)
        uncertain = bool((outcomes.happened & ~outcomes.exact).any())
        hazards, models = None, dict[str, KANRegressor]()
        for turn in range(_ROUNDS if uncertain else 1):
            last = not uncertain or turn == _ROUNDS - 1
            lines = spent(outcomes, pieces, hazards)
            rows = self._with_time(table, lines.row, pieces.middles[lines.piece])
            for c, cause in enumerate(outcomes.causes):
                learner = self._learner(self.work if last else _ROUND_WORK * work)
                models[cause] = learner.fit(
                    rows,
                    lines.events[:, c],
                    exposure=lines.time,
                    sample_weight=None if weight is None else weight[lines.row],
                    groups=together[lines.row],
                )
                # What ends the time of a row happens once, so it cannot vary more than Poisson's counts.
                told = tuple(event for event in models[cause].fit_.events if not event.startswith(SPREAD))
                models[cause].fit_ = replace(models[cause].fit_, events=told)
            self.models_, self.pieces_, self.causes_ = models, pieces, outcomes.causes
            if not last:
                hazards = self._hazards(table)
        return self

    def rows_at_risk(
        self,
        X: Any,
        y: Any = None,
        *,
        duration: Any = None,
        event: Any = None,
        entry: Any = None,
        until: Any = None,
        cause: str | None = None,
    ) -> tuple[RawTable, Floats, Floats]:
        """What the models of hazards speak of: a row for each row of a table and each piece of time that meet.

        Parameters
        ----------
        X, y, duration, event, entry, until
            As in `fit`.
        cause : str, optional
            By default the first.

        Returns
        -------
        table
            The columns and the time, as `model_` takes them.
        events : array of shape (r,)
            How often the cause happened there.
        time : array of shape (r,)
            How long rows were under observation there: the exposure.
        """
        check_is_fitted(self, "models_")
        table, outcomes = read_outcomes(X, y, duration, event, entry, until)
        fitted = getattr(self, "feature_names_in_", None)
        table = table_to_predict(table, fitted, self.n_features_in_, type(self).__name__)
        uncertain = bool((outcomes.happened & ~outcomes.exact).any())
        lines = spent(outcomes, self.pieces_, self._hazards(table) if uncertain else None)
        name = self.causes_[self._cause(cause) or 0]
        place = outcomes.causes.index(name) if name in outcomes.causes else None
        events = np.zeros(len(lines.time)) if place is None else lines.events[:, place]
        return self._with_time(table, lines.row, self.pieces_.middles[lines.piece]), events, lines.time

    def _learner(self, work: str | float) -> KANRegressor:
        given: dict[str, Any] = {**self.get_params(), "work": work, "loss": "poisson"}
        if self.interactions is None and self.mode == "auto":
            given["interactions"] = "auto"
        return KANRegressor(**given)

    def _with_time(self, table: RawTable, rows: Ints, times: Floats) -> RawTable:
        taken = table.take(rows)
        return RawTable(
            (*taken.columns, RawColumn(self.time_name_, "number", numbers=times)), len(rows), table.named
        )

    @property
    def model_(self) -> KANRegressor:
        """The model of the hazard; of the first cause where there are several."""
        check_is_fitted(self, "models_")
        return self.models_[self.causes_[0]]

    @property
    def proportional_(self) -> bool:
        """Whether no column acts together with time: the hazards of two rows then keep their ratio."""
        check_is_fitted(self, "models_")
        pairs = [pair for model in self.models_.values() for pair in model.interactions_]
        deep = any(model.fit_.mode == "deep" for model in self.models_.values())
        return not deep and not any(self.time_name_ in pair for pair in pairs)

    # ---- predicting

    def _table(self, X: Any) -> RawTable:
        check_is_fitted(self, "models_")
        fitted = getattr(self, "feature_names_in_", None)
        return table_to_predict(X, fitted, self.n_features_in_, type(self).__name__)

    def _hazards(self, table: RawTable) -> Floats:
        """Hazards of all causes in all pieces, (n, K, causes)."""
        n, count = table.n_rows, len(self.pieces_)
        out = np.empty((n, count, len(self.causes_)))
        step = max(1, _CHUNK // count)
        for start in range(0, n, step):
            rows = np.arange(start, min(start + step, n))
            long = self._with_time(table, np.repeat(rows, count), np.tile(self.pieces_.middles, len(rows)))
            for c, cause in enumerate(self.causes_):
                out[rows, :, c] = self.models_[cause].predict(long).reshape(len(rows), count)
        return out

    def _times(self, times: Any) -> Floats:
        found = np.atleast_1d(np.asarray(times, dtype=np.float64))
        low, high = self.pieces_.cuts[0], self.pieces_.cuts[-1]
        if found.ndim != 1 or not np.isfinite(found).all() or (found < 0).any() or (found > high).any():
            raise InputError(
                argument="times",
                expected=f"be numbers from {low:g} to {high:g}, the last time that was observed",
                got=short(times),
            )
        return found

    def _cause(self, cause: str | None) -> int | None:
        if cause is None:
            return None
        return self.causes_.index(check_choice(str(cause), "cause", self.causes_))

    def predict_hazard(self, X: Any, times: Any, cause: str | None = None) -> Floats:
        """Hazards at some times, per unit of time.

        Parameters
        ----------
        X : table with the columns of the fit, n rows
        times : array of shape (m,)
        cause : str, optional
            Of this alone; by default of all causes together.

        Returns
        -------
        array of shape (n, m)
        """
        table, when = self._table(X), self._times(times)
        return self._of(self._hazards(table), cause)[:, self.pieces_.at(when)]

    def predict_cumulative_hazard(self, X: Any, times: Any, cause: str | None = None) -> Floats:
        """Integrals of hazards up to some times, (n, m); what recurs is to be expected so often."""
        table, when = self._table(X), self._times(times)
        return self.pieces_.integral(self._of(self._hazards(table), cause), when)

    def predict_survival(self, X: Any, times: Any) -> Floats:
        """The chances that nothing has happened by some times, (n, m)."""
        return np.exp(-self.predict_cumulative_hazard(X, times))

    def predict_cumulative_incidence(self, X: Any, times: Any, cause: str | None = None) -> Floats:
        """The chances that a cause has come first, and by some times.

        Parameters
        ----------
        X : table with the columns of the fit, n rows
        times : array of shape (m,)
        cause : str, optional
            By default the first.

        Returns
        -------
        array of shape (n, m)

        References
        ----------
        Prentice et al. (1978), The analysis of failure times in the presence of competing risks. Biometrics 34.
        doi:10.2307/2530374.
        """
        table, when = self._table(X), self._times(times)
        hazards = self._hazards(table)
        total, mine = hazards.sum(axis=2), hazards[:, :, self._cause(cause) or 0]
        pieces = self.pieces_
        share = mine / np.maximum(total, np.finfo(float).tiny)
        reached = np.exp(-pieces.integral(total, pieces.cuts))
        whole = np.concatenate(
            [np.zeros((len(share), 1)), np.cumsum(share * -np.diff(reached, axis=1), axis=1)], axis=1
        )
        at = pieces.at(when)
        now = np.exp(-pieces.integral(total, when))
        return whole[:, at] + share[:, at] * (reached[:, at] - now)

    def predict_median(self, X: Any) -> Floats:
        """The times by which something has happened with a chance of one half, (n,); infinity beyond the observed times."""
        return self.predict_quantile(X, 0.5)

    def predict_quantile(self, X: Any, level: float) -> Floats:
        """The times by which something has happened with a chance of `level`, (n,); infinity beyond the observed times."""
        level = check_float(level, "level", low=0.0, high=1.0, closed=False)
        hazards = self._hazards(self._table(X)).sum(axis=2)
        pieces, wanted = self.pieces_, -np.log1p(-level)
        ends = pieces.integral(hazards, pieces.cuts)
        piece = (ends[:, 1:] < wanted).sum(axis=1)
        rows = np.arange(len(ends))
        inside = np.minimum(piece, len(pieces) - 1)
        rate = np.maximum(hazards[rows, inside], np.finfo(float).tiny)
        found = pieces.cuts[inside] + (wanted - ends[rows, inside]) / rate
        return np.where(piece < len(pieces), found, np.inf)

    def predict_restricted_mean(self, X: Any, until: float | None = None) -> Floats:
        """Mean times up to a limit, (n,): the integrals of the chances that nothing has happened.

        Parameters
        ----------
        X : table with the columns of the fit, n rows
        until : float, optional
            By default the last time that was observed.

        Returns
        -------
        array of shape (n,)
        """
        limit = self.pieces_.cuts[-1] if until is None else float(self._times([until])[0])
        hazards = self._hazards(self._table(X)).sum(axis=2)
        ends = np.minimum(self.pieces_.cuts, limit)
        length = np.diff(ends)
        reached = np.exp(
            -np.concatenate([np.zeros((len(hazards), 1)), np.cumsum(hazards * length, axis=1)], axis=1)
        )[:, :-1]
        passed = hazards * length
        # (1 - exp(-h L)) / h, and L where h vanishes.
        mean = np.where(
            passed > 1e-12, -np.expm1(-passed) / np.maximum(hazards, np.finfo(float).tiny), length
        )
        return self.pieces_.cuts[0] + (reached * mean).sum(axis=1)

    def predict(self, X: Any) -> Floats:
        """Risks: how often something is to be expected by the last observed time, (n,); higher means sooner."""
        hazards = self._hazards(self._table(X)).sum(axis=2)
        return (hazards * self.pieces_.lengths).sum(axis=1)

    def outside(self, X: Any) -> NDArray[np.bool_]:
        """Which rows hold a number beyond those that were learned from, (n,)."""
        table, inner = self._table(X), self.model_
        first = np.full(table.n_rows, self.pieces_.middles[0])
        encoded = inner.encoding_.apply(self._with_time(table, np.arange(table.n_rows), first))
        net = inner.network_
        return net.outside(torch.as_tensor(encoded, dtype=net.dtype)).any(dim=1).numpy()

    def score(self, X: Any, y: Any = None, *, duration: Any = None, event: Any = None) -> float:
        """Harrell's C: of all pairs of rows whose order in time is known, the share that `predict` orders so.

        Parameters
        ----------
        X : table with the columns of the fit
        y, duration, event
            As in `fit`.

        Returns
        -------
        float
        """
        table, outcomes = read_outcomes(X, y, duration, event)
        return concordance(outcomes.low, outcomes.happened, self.predict(table))

    def _of(self, hazards: Floats, cause: str | None) -> Floats:
        at = self._cause(cause)
        return hazards.sum(axis=2) if at is None else hazards[:, :, at]


def _free(name: str, taken: tuple[str, ...]) -> str:
    """A name for the column of time that no other column has."""
    while name in taken:
        name = f"{name} passed"
    return name
