"""The page of hazards: the model of one cause on the rows and pieces of time that met, and how good its chances are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple
from edgewise.data.encoding_raw import raw_table
from edgewise.estimators.survival.hazard_model import KANSurvival
from edgewise.estimators.survival.judging import brier, concordance, integrated_brier, kaplan_meier
from edgewise.estimators.survival.outcomes import ObservedTimes, read_outcomes
from edgewise.report.content.content import AccuracyRow, ReportContent, SurvivalCheck
from edgewise.report.content.estimator import content_from_estimator

# Times at which chances are compared, and the share of held-out rows that are still observed at the last of them.
_TIMES, _STILL = 100, 0.1


def content_from_survival(
    model: KANSurvival,
    X: Any,
    X_test: Any,
    *,
    duration: str,
    event: str | None = None,
    entry: str | None = None,
    until: str | None = None,
    **words: Any,
) -> ReportContent:
    """Everything the page shows of a fitted `KANSurvival`: of several causes, the first.

    Parameters
    ----------
    model : KANSurvival
        Fitted.
    X, X_test : tables
        Rows it was fitted to, and rows it has not seen, with the columns of their times.
    duration, event, entry, until : str
        Columns, as in `fit`.
    **words
        As of `content_from_estimator`: title, source, units, origin, known, notes, rows.

    Returns
    -------
    ReportContent

    Raises
    ------
    InputError
        If the model is not fitted, or a table lacks columns.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> died, ended = rng.exponential(size=(2, 300))
    >>> table = {"x": rng.normal(size=300), "t": np.minimum(died, ended), "died": died < ended}
    >>> model = KANSurvival(work="quick", mode="additive").fit(table, duration="t", event="died")
    >>> content = content_from_survival(model, table, table, duration="t", event="died")
    >>> content.survival.rows
    300
    """
    check_is(model, KANSurvival, "model", "a KANSurvival")
    names = {"duration": duration, "event": event, "entry": entry, "until": until}
    long, events, time = model.rows_at_risk(X, **names)
    long_test, events_test, time_test = model.rows_at_risk(X_test, **names)
    notes = as_tuple(words.pop("notes", ()), "notes", "texts")
    cause = model.causes_[0]
    more = (f"Of {len(model.causes_)} causes the page shows {cause!r}.",) if len(model.causes_) > 1 else ()
    level = float(events.sum() / time.sum())
    content = content_from_estimator(
        model.model_,
        long,
        events,
        long_test,
        events_test,
        target=f"hazard of {(event or duration) if cause == 'event' else cause}",
        exposure=time,
        test_exposure=time_test,
        baselines=(
            AccuracyRow(
                "the same at all times", size="1 constant", predicted=np.full(len(events_test), level)
            ),
        ),
        notes=(
            f"A row here is the time of a row of the table in one of {len(model.pieces_)} pieces of {duration}.",
            *more,
            *notes,
        ),
        **words,
    )
    return replace(content, survival=survival_check(model, X, X_test, names))


def survival_check(
    model: KANSurvival, X: Any, X_test: Any, names: dict[str, str | None]
) -> SurvivalCheck | None:
    """How good predicted chances are on rows that were not learned from, beside those of Kaplan and Meier.

    None where times are only known to intervals, or too few rows are left to compare.
    """
    (_, ours), (table, theirs) = (read_outcomes(raw_table(rows), None, **names) for rows in (X, X_test))
    if not (theirs.exact | ~theirs.happened).all() or not (ours.exact | ~ours.happened).all():
        return None
    last = float(np.quantile(theirs.low, 1 - _STILL))
    first = float(model.pieces_.cuts[0])
    if not first < last <= model.pieces_.cuts[-1]:
        return None
    times = np.linspace(first, last, _TIMES + 1)
    chances = model.predict_survival(table, times)
    everyone, seen = _share(ours), _share(theirs)
    censoring = kaplan_meier(ours.low, ~ours.happened, ours.entry)
    flat = np.broadcast_to(everyone(times), chances.shape)
    # Rows that entered late would need other weights.
    off = (
        [np.nan, np.nan]
        if theirs.entry.any() or ours.entry.any()
        else [
            integrated_brier(brier(theirs.low, theirs.happened, values, times, censoring), times)
            for values in (chances, flat)
        ]
    )
    return SurvivalCheck(
        times=times,
        observed=np.asarray(seen(times)),
        predicted=_mean_at_risk(chances, times, theirs.entry),
        concordance=concordance(theirs.low, theirs.happened, model.predict(table)),
        brier=off[0],
        brier_of_all=off[1],
        rows=len(theirs),
        events=int(theirs.happened.sum()),
        unit=model.time_name_,
    )


def _share(outcomes: ObservedTimes) -> Any:
    return kaplan_meier(outcomes.low, outcomes.happened, outcomes.entry)


def _mean_at_risk(chances: Floats, times: Floats, entry: Floats) -> Floats:
    """The mean chance; of rows that entered late, given that they had got so far, as Kaplan and Meier count them."""
    if not entry.any():
        return chances.mean(axis=0)
    there = entry[:, None] <= times
    hazard = -np.diff(np.log(np.maximum(chances, np.finfo(float).tiny)), axis=1)
    weight = chances[:, :-1] * there[:, :-1]
    mean = (weight * hazard).sum(axis=0) / np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
    return np.exp(-np.concatenate([[0.0], np.cumsum(mean)]))
