"""mitigate: the same model made fairer in several ways, and what each costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_float, check_int, check_vector
from edgewise._core.errors import InputError
from edgewise.audit.certify import certified_flip
from edgewise.audit.frontier import BEFORE, Frontier, FrontierPoint
from edgewise.audit.groups import Grouping, groupings, intersection
from edgewise.audit.penalty import CRITERIA, fair_fit
from edgewise.audit.subject import Subject, subject
from edgewise.audit.surgery import Mitigated, flatten_columns, limit_flip
from edgewise.audit.tallies import Outcomes, statistics
from edgewise.audit.thresholds import GroupThresholds, group_thresholds
from edgewise.data.encoding_raw import RawTable, raw_table
from edgewise.data.split import split
from edgewise.network.fitted import fitted

Floats = NDArray[np.float64]

METHODS = ("penalty", "flip", "surgery", "thresholds")
STRENGTHS = (1.0, 10.0, 100.0)
TAUS = (0.5, 0.2, 0.05)
AT_MOST = (0.0, 0.05)


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
    taus: Sequence[float] = TAUS,
    at_most: Sequence[float] = AT_MOST,
    proxies: Sequence[str] = (),
    positive: Any = None,
    threshold: float | None = None,
    sample_weight: Any = None,
    bins: Mapping[str, Sequence[float]] | None = None,
    seconds: float = 20.0,
    seed: int = 0,
) -> Frontier:
    """Make a classifier fairer in several ways, and measure what each costs in accuracy on rows set aside.

    "penalty" trains on with a penalty on the gap between groups; "flip" draws the attribute's functions in until changing it
    provably moves the log-odds by at most tau; "surgery" removes its edges (and those of proxies you name);
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
    taus : sequence of float
        Bounds, in log-odds.
    at_most : sequence of float
        Differences between groups that "thresholds" allow on the rows that they are chosen on; 0 for none.
    proxies : sequence of str
        Columns whose edges "surgery" removes as well, one after the other.
    positive, threshold, sample_weight, bins
        As in `audit`.
    seconds : float
        That one training may take.
    seed : int

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
    >>> model = ew.KANClassifier(mode="additive", seconds=5).fit(X, y)
    >>> found = ew.mitigate(model, X, y, "sex", methods=["surgery"])
    >>> [point.method for point in found.points], found.points[1].certificates[0].bound
    (['before', 'surgery'], 0.0)
    """
    of = "mitigate"
    seed = check_int(seed, "seed", low=0, of=of)
    if strange := [name for name in methods if name not in METHODS]:
        raise InputError(
            f"The 'methods' of mitigate must be among {', '.join(METHODS)}. Got {strange[0]!r} instead."
        )
    learn, judge, who, names = _rows(
        model, X, y, protected, test, fraction, positive, threshold, sample_weight, bins, seed
    )
    if not who.of_classes or not who.scored:
        raise InputError("The 'model' argument of mitigate must be a classifier with predict_proba.")
    if who.fit is None and set(methods) - {"thresholds"}:
        raise InputError(
            "The 'model' argument of mitigate must be a KANClassifier, but for the method 'thresholds'. Got a "
            f"{type(model).__name__} instead; pass methods=['thresholds']."
        )
    if who.fit is not None and not who.logit:
        raise InputError(
            "The 'model' argument of mitigate must tell two classes apart. Got one of more classes instead."
        )
    read = [name for name in names if who.fit is not None and name in who.fit.columns]
    points, notes = [_judged(BEFORE, "as it was", model, who, judge, read)], list[str]()
    sign = 1.0 if who.positive == who.classes[-1] else -1.0
    trained: dict[str, Any] = {
        "criterion": "eo",
        "threshold": who.threshold,
        "sign": sign,
        "weight": learn.weight,
        "seconds": check_float(seconds, "seconds", low=0.0, closed=False, of=of),
        "seed": seed,
    }

    def add(method: str, make: Callable[[], Mitigated]) -> None:
        try:
            made = make()
        except InputError as error:
            notes.append(f"{method}: {error}")
            return
        points.append(_judged(method, made.detail, made.model, who, judge, read))

    if "penalty" in methods:
        for criterion in CRITERIA:
            for strength in strengths:
                own: dict[str, Any] = {**trained, "criterion": criterion, "strength": strength}
                add(
                    "penalty",
                    lambda own=own: fair_fit(model, learn.X, learn.actual, learn.grouping, **cast(Any, own)),
                )
    if "flip" in methods and not read:
        notes.append("flip: the model does not read the attribute; changing it changes nothing.")
    if "flip" in methods:
        for tau in taus if read else ():
            add("flip", lambda tau=tau: _limited(model, read, tau, learn.X))
    if "surgery" in methods:
        for gone in [read, *([*read, *proxies[: k + 1]] for k in range(len(proxies)))]:
            if gone:
                add("surgery", lambda gone=gone: _removed(model, gone, learn, trained))
    if "thresholds" in methods:
        scores = who.scores(learn.X)
        for criterion in CRITERIA:
            try:
                for most in at_most:
                    rules = group_thresholds(
                        who,
                        scores,
                        learn.actual,
                        learn.grouping,
                        criterion=criterion,
                        at_most=most,
                        weight=learn.weight,
                    )
                    points.append(_by_thresholds(rules, judge))
            except InputError as error:
                notes.append(f"thresholds: {error}")
    return Frontier(learn.grouping.name, tuple(points), len(learn.actual), len(judge.actual), tuple(notes))


class _Rows:
    """Rows with what is known of them."""

    def __init__(self, X: Any, actual: Floats, grouping: Grouping, weight: Floats) -> None:
        self.X, self.actual, self.grouping, self.weight = X, actual, grouping, weight


def _rows(
    model: Any,
    X: Any,
    y: Any,
    protected: Any,
    test: tuple[Any, Any] | None,
    fraction: float,
    positive: Any,
    threshold: float | None,
    sample_weight: Any,
    bins: Mapping[str, Sequence[float]] | None,
    seed: int,
) -> tuple[_Rows, _Rows, Subject, list[str]]:
    """Rows to learn from and rows that judge, in the same groups."""
    of = "mitigate"
    table = raw_table(X)
    who, actual = subject(model, y, table.n_rows, positive=positive, threshold=threshold, of=of)
    if not table.named and who.fit is not None:
        table = table.select(who.fit.columns)
    weight = np.ones(table.n_rows)
    if sample_weight is not None:
        weight = check_vector(sample_weight, "sample_weight", length=table.n_rows, of=of)
    n = table.n_rows
    if test is None:
        grouping = _grouping(protected, table, bins)
        first, second = split(n, fraction, seed, classes=actual)
        part: Callable[[NDArray[np.int64]], Any] = (
            table.take if who.fit is not None else lambda rows: _taken(X, rows)
        )
        learn = _Rows(part(first), actual[first], grouping.take(first), weight[first])
        judge = _Rows(part(second), actual[second], grouping.take(second), weight[second])
        return learn, judge, who, list(grouping.attributes)
    other = raw_table(test[0])
    if not other.named and who.fit is not None:
        other = other.select(who.fit.columns)
    _, later = subject(model, test[1], other.n_rows, positive=positive, threshold=threshold, of=of)
    names = [protected] if isinstance(protected, str) else list(protected)
    # Groups are named over all rows at once, so that cuts and codes are the same on both sides.
    both = _grouping({name: _cells(table, other, name) for name in names}, table, bins, n + other.n_rows)
    at = np.arange(n + other.n_rows)
    learn = _Rows(table if who.fit is not None else X, actual, both.take(at[:n]), weight)
    judge = _Rows(other if who.fit is not None else test[0], later, both.take(at[n:]), np.ones(other.n_rows))
    return learn, judge, who, list(both.attributes)


def _grouping(
    protected: Any, table: RawTable, bins: Mapping[str, Sequence[float]] | None, n: int | None = None
) -> Grouping:
    known = table if n is None else RawTable((), n, named=True)
    parts = groupings(protected, known, bins, of="mitigate")
    return parts[0] if len(parts) == 1 else intersection(parts)


def _cells(first: RawTable, second: RawTable, name: str) -> list[Any]:
    cells = list[Any]()
    for table in (first, second):
        column = next((each for each in table.columns if each.name == name), None)
        if column is None:
            raise InputError(
                f"The protected attribute {name!r} must be a column of X and of the test rows. Got one without."
            )
        if column.codes is not None:
            cells += [None if code < 0 else column.words[code] for code in column.codes.tolist()]
        else:
            cells += np.asarray(column.numbers).tolist()
    return cells


def _taken(X: Any, rows: NDArray[np.int64]) -> Any:
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        import narwhals as nw

        frame: Any = nw.from_native(X, eager_only=True)
        return frame[rows.tolist()].to_native()
    if isinstance(X, Mapping):
        return {name: np.asarray(values)[rows] for name, values in X.items()}
    return np.asarray(X)[rows]


def _limited(model: Any, names: list[str], tau: float, X: Any) -> Mitigated:
    made, bounds = model, list[Any]()
    detail = ""
    for name in names:
        one = limit_flip(made, name, tau, X)
        made, detail = one.model, one.detail
        bounds += one.certificates
    return Mitigated(
        made,
        f"{', '.join(names)} may move the output by at most {tau:g}" if bounds else detail,
        tuple(bounds),
    )


def _removed(model: Any, gone: list[str], learn: _Rows, trained: dict[str, Any]) -> Mitigated:
    """Without the columns' edges; then the others trained on, so that what only they can say is said."""
    cut = flatten_columns(model, gone, learn.X)
    made = fair_fit(
        cut.model, learn.X, learn.actual, learn.grouping, **cast(Any, {**trained, "strength": 0.0})
    )
    return Mitigated(made.model, f"without {', '.join(gone)}", made.certificates)


def _judged(
    method: str, detail: str, model: Any, who: Subject, judge: _Rows, read: list[str]
) -> FrontierPoint:
    own = Subject(model, None, who.kind, who.positive, who.scored, who.threshold, who.classes)
    if who.fit is not None:
        view = fitted(model, of="mitigate")
        own = Subject(model, view, who.kind, who.positive, who.scored, who.threshold, who.classes)
    scores = own.scores(judge.X)
    outcomes = Outcomes(judge.actual, scores, own.decisions(scores), judge.weight)
    everyone = Grouping("all", ("all",), np.zeros(len(scores), dtype=np.int64), ("all",))
    whole = statistics(outcomes, everyone, judge.weight[:, None])
    parts = statistics(outcomes, judge.grouping, judge.weight[:, None])
    bounds = () if own.fit is None else tuple(certified_flip(own.fit, name) for name in read)
    return _point(
        method, detail, model, float(whole["accuracy"][0, 0]), float(whole["auc"][0, 0]), parts, bounds
    )


def _by_thresholds(rules: GroupThresholds, judge: _Rows) -> FrontierPoint:
    """Measured by chances, not by one draw of them."""
    scores = rules.subject.scores(judge.X)
    chance = rules.chance(scores, judge.grouping.labels)
    # A row is decided for with its chance, and against with the rest: twice as many rows, weighted by both.
    double = Outcomes(
        np.tile(judge.actual, 2),
        np.tile(scores, 2),
        np.repeat([True, False], len(scores)),
        np.concatenate([judge.weight * chance, judge.weight * (1 - chance)]),
    )
    grouping = judge.grouping.take(np.tile(np.arange(len(scores)), 2))
    everyone = Grouping("all", ("all",), np.zeros(2 * len(scores), dtype=np.int64), ("all",))
    whole = statistics(double, everyone, double.weight[:, None])
    parts = statistics(double, grouping, double.weight[:, None])
    names = {"dp": "demographic parity", "eo": "equalised odds"}
    allowed = f" within {rules.at_most:g}" if rules.at_most else ""
    detail = f"of each group's own, for {names[rules.criterion]}{allowed}"
    return _point(
        "thresholds", detail, rules, float(whole["accuracy"][0, 0]), float(whole["auc"][0, 0]), parts, ()
    )


def _point(
    method: str,
    detail: str,
    model: Any,
    accuracy: float,
    auc: float,
    parts: dict[str, Floats],
    bounds: tuple[Any, ...],
) -> FrontierPoint:
    chosen = parts["selection_rate"][0]
    gaps = [_gap(parts["tpr"][0]), _gap(parts["fpr"][0])]
    most = float(np.nanmax(chosen))
    ratio = float(np.nanmin(chosen)) / most if most > 0 else float("nan")
    return FrontierPoint(
        method, detail, model, accuracy, auc, _gap(chosen), float(np.nanmax(gaps)), ratio, bounds
    )


def _gap(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max() - known.min()) if len(known) > 1 else float("nan")
