"""mitigate: the same model made fairer in several ways, and what each costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from edgewise._core.arguments import check_weights
from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import as_tuple, check_float, check_int, check_names, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, charge, check_seconds, check_work, running
from edgewise.auditing.bootstrap import Outcomes, statistics
from edgewise.auditing.certify import CertifiedFlip, certified_flip, quick_flip
from edgewise.auditing.edits import Mitigated, limited, neutralize_columns, refuse_calibrated
from edgewise.auditing.frontier import BEFORE, Frontier, FrontierPoint
from edgewise.auditing.groups import CRITERIA, Grouping, KnownRows, everyone, groupings, intersection
from edgewise.auditing.penalty import fair_fit
from edgewise.auditing.stages import StageCounter
from edgewise.auditing.subject import AuditedModel, subject
from edgewise.auditing.thresholds import group_thresholds
from edgewise.data.encoding_raw import RawTable, raw_table
from edgewise.data.splitting import split
from edgewise.network.fitted import fitted

METHODS = ("penalty", "flip", "surgery", "thresholds")
STRENGTHS = (1.0, 10.0, 100.0)
MAX_CHANGES = (0.5, 0.2, 0.05)
AT_MOST = (0.0, 0.05)
# Units of work of judging a row, or of giving it a threshold.
JUDGED = 5e-6


@own_settings
def mitigate(
    model: Any,
    X: Any,
    y: Any,
    protected: Any,
    *,
    test: tuple[Any, Any] | None = None,
    fraction: float = 0.3,
    methods: Sequence[str] = METHODS,
    strengths: Sequence[float] = STRENGTHS,
    max_changes: Sequence[float] = MAX_CHANGES,
    at_most: Sequence[float] = AT_MOST,
    proxies: Sequence[str] = (),
    positive: Any = None,
    threshold: float | None = None,
    sample_weight: Any = None,
    bins: Mapping[str, Sequence[float]] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Any = (),
) -> Frontier:
    """Make a classifier fairer in several ways, and measure what each costs in accuracy on rows set aside.

    "penalty" trains on with a penalty on the gap between groups; "flip" draws the attribute's functions in until changing it
    provably moves the log-odds by at most max_change; "surgery" removes its edges (and those of proxies you name);
    "thresholds" leaves the scores and gives each group thresholds of its own, the most accurate ones whose rates differ by
    at most so much. Every one gives a new model; the one given is left as it is.

    Parameters
    ----------
    model : KANClassifier of two classes; for "thresholds" any object with predict_proba
    X : table, n rows
    y : array, shape (n,)
    protected : str, list of str, or mapping of names to arrays
        Several attributes are taken by their intersections. With `test` they must be columns of both tables.
    test : (table, array), optional
        Rows that judge; without them a share `fraction` of the rows is set aside.
    methods : sequence of "penalty", "flip", "surgery" and "thresholds"
    strengths : sequence of float
        Weights of the penalty.
    max_changes : sequence of float
        Bounds, in log-odds.
    at_most : sequence of float
        Differences between groups that "thresholds" allow on the rows that they are chosen on; 0 for none.
    proxies : sequence of str
        Columns whose edges "surgery" removes as well, one after the other.
    positive, threshold, sample_weight, bins
        As in `audit`.
    work : "quick", "normal", "thorough" or float
        How much each training and each proof of a bound may do: a level, or how many times the normal work, which is about
        20 seconds of one core for each at most.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: the models made until then are the answer, and may
        differ from run to run.
    seed : int
    callbacks : callable or sequence of callables
        Called with a `Stage`, at least about once a second; one that returns True ends the work with the models there are.

    Returns
    -------
    Frontier

    Raises
    ------
    InputError
        If an argument does not fit, or a method needs a network and the model has none.

    Examples
    --------
    >>> import edgewise as ew
    >>> rng = np.random.default_rng(0)
    >>> X = {"sex": np.where(rng.random(600) < 0.5, "f", "m"), "skill": rng.normal(size=600)}
    >>> y = X["skill"] + 0.7 * (X["sex"] == "m") + 0.3 * rng.normal(size=600) > 0.5
    >>> model = ew.KANClassifier(mode="additive").fit(X, y)
    >>> found = ew.mitigate(model, X, y, "sex", methods=["surgery"])
    >>> [point.method for point in found.points], found.points[1].certificates[0].bound
    (['before', 'surgery'], 0.0)
    """
    factor, meter = check_work(work), Meter(math.inf, check_seconds(seconds))
    seed = check_int(seed, "seed", low=0)
    methods = check_names(methods, "methods")
    if strange := [name for name in methods if name not in METHODS]:
        raise InputError(argument="methods", expected=f"be among {', '.join(METHODS)}", got=short(strange[0]))
    strengths, max_changes, at_most = (
        tuple(check_float(entry, name, low=0.0) for entry in as_tuple(given, name, "numbers"))
        for name, given in (("strengths", strengths), ("max_changes", max_changes), ("at_most", at_most))
    )
    proxies = check_names(proxies, "proxies")
    read_as = partial(subject, model, positive=positive, threshold=threshold)
    table = raw_table(X)
    who, actual = read_as(y, table.n_rows)
    if not table.named and who.fit is not None:
        table = table.select(who.fit.columns)
    weight = check_weights(sample_weight, table.n_rows)
    readable = X if who.fit is None else table
    if test is None:
        rows = KnownRows(readable, actual, _grouping(protected, table, bins), weight)
        learn, judge = (rows.take(some) for some in split(table.n_rows, fraction, seed, classes=actual))
    else:
        later, other, known = _test_rows(test, who, read_as)
        both = _grouping_of_both(protected, table, other, bins)
        at, n = np.arange(table.n_rows + other.n_rows), table.n_rows
        learn = KnownRows(readable, actual, both.take(at[:n]), weight)
        judge = KnownRows(later, known, both.take(at[n:]), np.ones(other.n_rows))
    names = list(learn.grouping.attributes)
    if not who.of_classes or not who.scored:
        raise InputError(argument="model", expected="be a classifier with predict_proba")
    if who.fit is None and set(methods) - {"thresholds"}:
        raise InputError(
            argument="model",
            expected="be a KANClassifier, but for the method 'thresholds'",
            got=f"a {type(model).__name__}",
            advice="pass methods=['thresholds']",
        )
    if who.fit is not None and not who.logit:
        raise InputError(
            argument="model", expected="be a classifier of two classes", got="one of more classes"
        )
    if set(methods) - {"thresholds"}:
        refuse_calibrated(model)
    read = [name for name in names if who.fit is not None and name in who.fit.columns]
    points, notes, ended = list[FrontierPoint](), list[str](), StopReason.DECIDED
    sign = 1.0 if who.positive == who.classes[-1] else -1.0

    def trained(start: Any, criterion: str, strength: float) -> Mitigated:
        return fair_fit(
            start,
            learn,
            criterion=criterion,
            strength=strength,
            threshold=who.threshold,
            sign=sign,
            work=factor,
            seed=seed,
        )

    def bounded(max_change: float, proofs: bool = True) -> Mitigated:
        made = Mitigated(model, "", ())
        for name in read:
            known = points[0].certificates[0] if proofs and len(read) == 1 else None
            made = limited(made.model, name, max_change, learn.X, factor if proofs else None, Meter(), known)
            if proofs and not made.stop_reason.repeatable:
                break
        if len(read) == 1:
            return made
        detail = f"{', '.join(read)} may move the output by at most {max_change:g}"
        return Mitigated(
            made.model, detail, _bounds(made.model, read, factor if proofs else None), made.stop_reason
        )

    def without(gone: list[str]) -> Mitigated:
        """Without the columns' edges; then the others trained on, so that they take over what they can."""
        made = trained(neutralize_columns(model, gone, learn.X).model, "eo", 0.0)
        return replace(made, detail=f"without {', '.join(gone)}")

    ways = list[tuple[str, str, Callable[[], Mitigated]]]()
    for criterion in CRITERIA if "penalty" in methods else ():
        for strength in strengths:
            label = f"penalty on {criterion} of weight {strength:g}"
            ways.append(("penalty", label, partial(trained, model, criterion, strength)))
    if "flip" in methods and not read:
        notes.append("flip: the model does not read the attribute; changing it changes nothing.")
    for max_change in max_changes if "flip" in methods and read else ():
        ways.append(("flip", f"flip by {max_change:g} at most", partial(bounded, max_change)))
    for gone in [read, *([*read, *proxies[: k + 1]] for k in range(len(proxies)))]:
        if gone and "surgery" in methods:
            ways.append(("surgery", f"without {', '.join(gone)}", partial(without, gone)))
    planned = ["the model as it was", *(label for _, label, _ in ways)]
    stages = StageCounter([*planned, *(["thresholds"] if "thresholds" in methods else [])], meter, callbacks)
    made = dict[str, FrontierPoint]()
    with one_thread():
        with running(Meter(beat=stages.tell)):
            quick = () if who.fit is None else _bounds(model, read, None)
            points = [_judged(BEFORE, Mitigated(model, "as it was", quick), who, judge)]
        try:
            with running(meter):
                # A time limit may leave no time for proofs: first what takes none.
                for max_change in max_changes if seconds is not None and read and "flip" in methods else ():
                    with suppress(InputError):
                        made[f"flip by {max_change:g} at most"] = _judged(
                            "flip", bounded(max_change, False), who, judge
                        )
                if read:
                    points[0] = replace(points[0], certificates=_bounds(model, read, factor))
                last = _ended(points[0].certificates)
                for method, label, make in ways:
                    stages.next(last)
                    try:
                        changed = make()
                    except InputError as error:
                        notes.append(f"{method}: {error}")
                        continue
                    made[label] = _judged(method, changed, who, judge)
                    last = changed.stop_reason
                stages.next(last)
                if "thresholds" in methods:
                    scores = who.scores(learn.X)
                    for criterion in CRITERIA:
                        points += _by_thresholds(who, scores, learn, judge, criterion, at_most, notes)
        except StopError as stop:
            ended = meter.own(stop)
        except KeyboardInterrupt:
            ended = StopReason.INTERRUPTED
    points[1:1] = [made[label] for _, label, _ in ways if label in made]
    if not ended.repeatable:
        notes.append(stages.left_out(ended))
    rows, held = len(learn.actual), len(judge.actual)
    return Frontier(learn.grouping.name, tuple(points), rows, held, tuple(notes), ended, meter.seconds)


def _ended(bounds: Sequence[CertifiedFlip]) -> StopReason:
    """What ended proofs from outside, if anything did."""
    return next((one.stop_reason for one in bounds if not one.stop_reason.repeatable), StopReason.DECIDED)


def _bounds(model: Any, names: Sequence[str], work: float | None) -> tuple[CertifiedFlip, ...]:
    """What each column can do: proved with so much work, or without any proof."""
    view = fitted(model)
    return tuple(
        quick_flip(view, name) if work is None else certified_flip(view, name, work=work) for name in names
    )


def _judged(method: str, made: Mitigated, who: AuditedModel, judge: KnownRows) -> FrontierPoint:
    view = None if who.fit is None else fitted(made.model)
    own = AuditedModel(made.model, view, who.kind, who.positive, who.scored, who.threshold, who.classes)
    charge(JUDGED * len(judge.actual))
    scores = own.scores(judge.X)
    outcomes = Outcomes(judge.actual, scores, own.decisions(scores), judge.weight)
    point = _point(method, made.detail, made.model, outcomes, judge.grouping)
    return replace(point, certificates=made.certificates, stop_reason=made.stop_reason)


def _by_thresholds(
    who: AuditedModel,
    scores: Floats,
    learn: KnownRows,
    judge: KnownRows,
    criterion: str,
    at_most: Sequence[float],
    notes: list[str],
) -> Iterator[FrontierPoint]:
    """Measured by chances, not by one draw of them."""
    judged = who.scores(judge.X)
    for most in at_most:
        charge(JUDGED * len(scores))
        try:
            rules = group_thresholds(
                who,
                scores,
                learn.actual,
                learn.grouping,
                criterion=criterion,
                at_most=most,
                weight=learn.weight,
            )
        except InputError as error:
            notes.append(f"thresholds: {error}")
            return
        chance = rules.chance(judged, judge.grouping.labels)
        # A row is decided for with its chance, and against with the rest: twice as many rows, weighted by both.
        double = Outcomes(
            np.tile(judge.actual, 2),
            np.tile(judged, 2),
            np.repeat([True, False], len(judged)),
            np.concatenate([judge.weight * chance, judge.weight * (1 - chance)]),
        )
        allowed = f" within {rules.at_most:g}" if rules.at_most else ""
        detail = f"of each group's own, for {CRITERIA[rules.criterion]}{allowed}"
        grouping = judge.grouping.take(np.tile(np.arange(len(judged)), 2))
        yield _point("thresholds", detail, rules, double, grouping)


def _point(method: str, detail: str, model: Any, outcomes: Outcomes, grouping: Grouping) -> FrontierPoint:
    """What a model's decisions come to on the rows that judge."""
    weights = outcomes.weight[:, None]
    whole = statistics(outcomes, everyone(len(weights)), weights)
    parts = statistics(outcomes, grouping, weights)
    chosen = parts["selection_rate"][0]
    gaps = [_gap(parts["tpr"][0]), _gap(parts["fpr"][0])]
    most = float(np.nanmax(chosen))
    ratio = float(np.nanmin(chosen)) / most if most > 0 else float("nan")
    accuracy, auc = float(whole["accuracy"][0, 0]), float(whole["auc"][0, 0])
    return FrontierPoint(method, detail, model, accuracy, auc, _gap(chosen), float(np.nanmax(gaps)), ratio)


def _gap(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max() - known.min()) if len(known) > 1 else float("nan")


def _test_rows(
    test: Any, who: AuditedModel, read_as: Callable[[Any, int], tuple[AuditedModel, Floats]]
) -> tuple[Any, RawTable, Floats]:
    """A table that judges, as the model reads it and as raw columns, and what happened to its rows."""
    pair = as_tuple(test, "test", "a table and its outcomes")
    if len(pair) != 2:
        raise InputError(argument="test", expected="be a pair (X, y)", got=short(test))
    other = raw_table(pair[0])
    if not other.named and who.fit is not None:
        other = other.select(who.fit.columns)
    _, actual = read_as(pair[1], other.n_rows)
    return pair[0] if who.fit is None else other, other, actual


def _grouping(protected: Any, table: RawTable, bins: Mapping[str, Sequence[float]] | None) -> Grouping:
    parts = groupings(protected, table, bins)
    return parts[0] if len(parts) == 1 else intersection(parts)


def _grouping_of_both(
    protected: Any, first: RawTable, second: RawTable, bins: Mapping[str, Sequence[float]] | None
) -> Grouping:
    """Groups of the rows of two tables, named over all at once, so that cuts and codes are the same on both sides."""
    cells = dict[str, list[Any]]()
    for name in [protected] if isinstance(protected, str) else list(protected):
        columns = [column for table in (first, second) for column in table.columns if column.name == name]
        if len(columns) < 2:
            raise InputError(
                subject=f"The protected attribute {name!r}",
                expected="be a column of X and of the test rows",
                got="one without",
            )
        cells[name] = [cell for column in columns for cell in column.cells()]
    return _grouping(cells, RawTable((), first.n_rows + second.n_rows, named=True), bins)
