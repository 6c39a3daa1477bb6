"""audit: how a model treats the groups of protected attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgewise._core.arguments import check_weights
from edgewise._core.checks import among, check_bool, check_int, check_squarable, short
from edgewise._core.errors import InputError
from edgewise._core.rooms import room
from edgewise._core.seeds import derive
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.auditing.bootstrap import Outcomes, Resamples
from edgewise.auditing.flips import Flips, flips, reads
from edgewise.auditing.groups import everyone, groupings, intersection
from edgewise.auditing.metrics import group_tables
from edgewise.auditing.proxies import Proxies, find_proxies
from edgewise.auditing.result import AuditResult
from edgewise.auditing.stages import StageCounter
from edgewise.auditing.subject import AuditedModel, subject
from edgewise.data.datasets import is_dataset
from edgewise.data.encoding_raw import raw_table

DRAWS = 500
# Bootstrap draws times rows that stay within some seconds; of more rows fewer draws are as good.
MOST_DRAWN = 40_000_000
FEWEST_DRAWS = 100


def audit(
    model: Any,
    X: Any,
    y: Any,
    protected: Any,
    *,
    positive: Any = None,
    threshold: float | None = None,
    sample_weight: Any = None,
    bins: Mapping[str, Sequence[float]] | None = None,
    bootstrap: int = DRAWS,
    proxies: bool = True,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Any = (),
) -> AuditResult:
    """Measure how a model treats the groups of protected attributes.

    For every group and every combination of groups: how often it is chosen, how often rightly and wrongly, how well its
    scores are calibrated; differences and ratios between groups with bootstrap intervals; both demographic parity and
    equalised odds. Beside them what changing the attribute alone does, with a bound over all rows there can be, and
    which other columns give the attribute away.

    Parameters
    ----------
    model : KAN, KANRegressor, KANClassifier, or any object with predict (and predict_proba)
    X : table, n rows
        The model's columns; others (a protected attribute that the model does not read) may stand beside them. Of a dataset
        (a path, a pattern, ...; see `KANRegressor.fit`) a hundred thousand rows that are drawn at random.
    y : array, shape (n,)
        What happened: classes, or numbers; of a dataset the name of its column.
    protected : str, list of str, or mapping of names to arrays of shape (n,)
        Columns of X, or values from elsewhere. Numbers of many values are cut into four groups of about equal size.
    positive : class, optional
        The class that a decision supports; the second of two by default.
    threshold : float, optional
        A row is decided for it where its probability is above this; 0.5 by default.
    sample_weight : array, shape (n,), optional
        Of a dataset the name of its column.
    bins : mapping of names to sequences of float, optional
        Where to cut numbers, as {"age": [25, 60]}.
    bootstrap : int
        Resamples behind the intervals; 0 for none. Of millions of rows fewer are drawn.
    proxies : bool
        Whether to look for columns that carry an attribute.
    work : "quick", "normal", "thorough" or float
        How much the proof of each bound may do where the network has hidden layers, and networks that guess an attribute: a
        level, or how many times the normal work, which is about 20 seconds of one core for a proof.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is measured until then is the answer, with fewer
        resamples, and may differ from run to run.
    seed : int
    callbacks : callable or sequence of callables
        Called with a `Stage`, at least about once a second; one that returns True ends the audit with what there is.

    Returns
    -------
    AuditResult

    Raises
    ------
    InputError
        If an argument does not fit.

    References
    ----------
    M. Hardt, E. Price and N. Srebro, "Equality of opportunity in supervised learning", 2016, arXiv:1610.02413.
    S. Bird et al., "Fairlearn", 2020, Microsoft MSR-TR-2020-32, whose rates these are. The 80 % rule: 29 CFR 1607.4 D.

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> rng = np.random.default_rng(0)
    >>> X = {"sex": np.where(rng.random(400) < 0.5, "f", "m"), "skill": rng.normal(size=400)}
    >>> y = X["skill"] + (X["sex"] == "m") > 0.5
    >>> model = ew.KANClassifier(mode="additive").fit(X, y)
    >>> result = ew.audit(model, X, y, "sex", bootstrap=100)
    >>> result.of("sex").four_fifths, bool(result.value("dp", "sex") > 0.2)
    (False, True)
    """
    factor, meter = check_work(work), Meter(math.inf, check_seconds(seconds))
    seed = check_int(seed, "seed", low=0)
    draws = check_int(bootstrap, "bootstrap", low=0)
    check_bool(proxies, "proxies")
    remark = None
    if is_dataset(X):
        X, y, sample_weight, remark = _of_dataset(X, y, sample_weight, seed)
    table = raw_table(X)
    who, actual = subject(model, y, table.n_rows, positive=positive, threshold=threshold)
    if who.fit is not None and not table.named:
        table = table.select(who.fit.columns) if len(table.columns) == len(who.fit.columns) else table
    weight = check_weights(sample_weight, table.n_rows)
    parts = groupings(protected, table, bins)
    joint = (intersection(parts),) if len(parts) > 1 else ()
    names = [part.name for part in parts]
    # A mapping's attributes are known apart from the table; the model reads one only as a column of X by that name.
    read = [name for name in names if reads(who, X, name)]
    planned = ["measures", "intervals", *(f"flips of {name}" for name in read)]
    planned += [f"proxies of {name}" for name in names if proxies]
    stages, ended = StageCounter(planned, meter, callbacks), StopReason.DECIDED
    changed, carried = list[Flips](), list[Proxies]()
    with one_thread():
        with running(Meter(beat=stages.tell)):
            scores = who.scores(X)
        if not who.of_classes:
            check_squarable(actual, "The 'y' argument of audit", tiny=False)
            check_squarable(scores, "What the 'model' of audit predicts", tiny=False)
        outcomes = Outcomes(actual, scores, who.decisions(scores) if who.of_classes else None, weight)
        every = (everyone(table.n_rows), *parts, *joint)
        boots = Resamples(outcomes, every, derive(seed, 40))
        if draws:
            draws = max(min(draws, MOST_DRAWN // table.n_rows), min(draws, FEWEST_DRAWS))
        try:
            with running(meter):
                stages.next()
                boots.draw(draws)
                stages.next()
                for name in read:
                    changed.append(flips(who, X, name, weight, factor))
                    bound = changed[-1].certified
                    stages.next(ended if bound is None else bound.stop_reason)
                columns = raw_table(X) if table.named else table
                for part in parts if proxies else ():
                    carried.append(
                        find_proxies(
                            columns, part, without=[part.name], work=factor, seed=derive(seed, 50) or 0
                        )
                    )
                    stages.next()
        except StopError as stop:
            ended = meter.own(stop)
        except KeyboardInterrupt:
            ended = StopReason.INTERRUPTED
        overall, *tables = group_tables(outcomes, every, boots)
    notes = (*_notes(who, names, read), *([remark] if remark else []))
    return AuditResult(
        model=type(who.model).__name__ + ("" if who.fit is None else f" {list(who.fit.network.shape)}"),
        kind=who.kind,
        positive="" if who.positive is None else str(who.positive),
        threshold=who.threshold if who.of_classes else None,
        rows=table.n_rows,
        overall=overall,
        tables=tuple(tables),
        flips=tuple(changed),
        proxies=tuple(carried),
        warnings=tuple(text for item in tables for text in item.warnings),
        notes=notes if ended.repeatable else (*notes, stages.left_out(ended)),
        draws=boots.drawn,
        seconds=meter.seconds,
        stop_reason=ended,
    )


def _of_dataset(data: Any, y: Any, weight: Any, seed: int) -> tuple[Any, Any, Any, str | None]:
    """Rows of a dataset, what happened to them, their weights, and a remark on how many they are."""
    found = room("edgewise.data.streaming.draw").drawn(data, seed=seed)
    table, parts = found.table, list[Any]()
    for name, own in (("y", y), ("sample_weight", weight)):
        if own is None and name == "sample_weight":
            parts.append(None)
            continue
        if not isinstance(own, str) or own not in table.column_names:
            raise InputError(
                argument=name,
                expected=f"name a column of the dataset ({among(table.column_names)})",
                got=short(own),
            )
        parts.append(table[own].to_numpy(zero_copy_only=False))
    beside = [name for name in (y, weight) if name is not None]
    return table.drop_columns(beside), parts[0], parts[1], found.remark


def _notes(who: AuditedModel, names: list[str], read: list[str]) -> tuple[str, ...]:
    remarks = list[str]()
    unread = [name for name in names if name not in read]
    if unread:
        remarks.append(
            f"The model does not read {', '.join(unread)}; a change of it alone changes no decision, and only proxies can "
            "carry it."
        )
    if who.of_classes and not who.scored:
        remarks.append(
            "The model gives no probabilities; scores, areas and calibration are those of its decisions, 0 or 1."
        )
    if who.of_classes:
        remarks.append(
            "Where outcomes differ between groups, scores cannot at once be calibrated in each group and have equal "
            "error rates (Kleinberg et al., 2016, arXiv:1609.05807): which gap matters the audit cannot decide."
        )
    return tuple(remarks)
