"""The page of a fitted estimator: its network and encoding, read back into the table they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import all_are, as_units, check_is, check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, as_tuple, check_bool, check_vector, plural, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import EncodedColumn, LevelColumn, NumberColumn, as_word, numbers_of
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table
from edgewise.estimators.exposure import rates_by_exposure
from edgewise.estimators.relativities import Relativities, relativities
from edgewise.explaining import Conformal, Explainer, GlobalExplanation, counterfactuals
from edgewise.network import KAN, EditRecord, rename
from edgewise.programs.program import program_of
from edgewise.report.content.columns import summarise, summarise_classes, summarise_numbers
from edgewise.report.content.content import AccuracyRow, InputView, Origin, ReportContent, Way, told_on_page
from edgewise.report.text.numbers import number
from edgewise.report.text.svg import few

if TYPE_CHECKING:
    from edgewise.symbolic import FormulaResult

Cells = tuple[float | str | None, ...]

# Pairs that show how a transformed column reads; straight pieces between so many are finer than a drawing.
PAIRS = 257
# Columns up to which a network with hidden nodes is explained within about a second.
MOST_EXPLAINED = 40
# Held-out rows whose own cells go into the page.
MOST_ROWS = 100
# Of these, those whose nearest counterfactual is looked for, and how much of the normal work that may be.
MOST_WAYS, WAY_WORK = 8, 0.1


def content_from_estimator(
    model: Any,
    frame: Any,
    y: Any,
    test_frame: Any,
    test_y: Any,
    *,
    title: str = "",
    source: str = "the table",
    target: str = "y",
    baselines: Sequence[AccuracyRow] = (),
    units: Mapping[str, str] | None = None,
    origin: Origin | None = None,
    known: str = "",
    found: FormulaResult | None = None,
    edits: Sequence[EditRecord] = (),
    notes: Sequence[str] = (),
    repeats: Sequence[Any] = (),
    rows: bool = True,
    intervals: Conformal | None = None,
    exposure: Any = None,
    test_exposure: Any = None,
) -> ReportContent:
    """Everything the page shows of a fitted `KANRegressor` or `KANClassifier`.

    It is explained on the rows it was fitted on, unless it has more than two classes, or hidden nodes and more than 40
    columns, which would take long; explain it yourself and put the result in `ReportContent.explanation`.

    Parameters
    ----------
    model : KANRegressor or KANClassifier
        Fitted.
    frame, y : table of n rows and array of shape (n,)
        The rows it was fitted on, as they were given to `fit`.
    test_frame, test_y : table of m rows and array of shape (m,)
        Rows it has not seen.
    title, source, target : str
        What the page is called, where the table is from, what is predicted.
    baselines : sequence of AccuracyRow
        What to compare with; `baseline_rows` makes the usual ones. Rows with predictions are measured by the page.
    units : mapping of str to str, optional
        Units of columns.
    origin : Origin, optional
    known : str
        The law known for these data.
    found : FormulaResult, optional
        What `model.formula` found.
    edits : sequence of EditRecord
        How the network was simplified.
    notes : sequence of str
        Added to the remarks of training.
    repeats : sequence of estimators
        The same estimator fitted from other seeds; the page shows how far they agree.
    rows : bool
        Whether some held-out rows may stand in the page, for readers to start from; a few of them, where classes are
        predicted, with the least change that is decided otherwise.
    intervals : Conformal, optional
        What `conformal` made of the model: the page's answers then have their intervals or sets.
    exposure, test_exposure : arrays of shape (n,) and (m,), optional
        What counts and amounts are of, as they were given to `fit`; the page is then about rates. Rows without any are left
        out of it.

    Returns
    -------
    ReportContent

    Raises
    ------
    InputError
        If the model is not fitted or predicts several numbers at once, or a table or target does not fit it.

    Examples
    --------
    >>> from edgewise import KANRegressor
    >>> from edgewise.report import content_from_estimator
    >>> x = np.linspace(-1, 1, 120)
    >>> table = {"x": x, "kind": np.where(x > 0, "a", "b")}
    >>> model = KANRegressor(mode="additive").fit(table, x**2)
    >>> content_from_estimator(model, table, x**2, table, x**2, target="square").names
    ('x', 'kind')
    """
    if not _is_fitted(model):
        raise InputError(
            argument="model",
            expected="be a fitted KANRegressor or KANClassifier",
            got=short(model),
            advice="call its fit first",
        )
    for text, name in ((title, "title"), (source, "source"), (target, "target"), (known, "known")):
        check_text(text, name)
    baselines = all_are(baselines, AccuracyRow, "baselines", "rows of the accuracy table")
    edits = all_are(edits, EditRecord, "edits", "records of edits")
    notes = all_are(notes, str, "notes", "texts")
    repeats = as_tuple(repeats, "repeats", "fitted models")
    labels = list(getattr(model, "classes_", ()))
    for other in repeats:
        if not _is_fitted(other) or list(getattr(other, "classes_", ())) != labels:
            raise InputError(
                argument="repeats",
                expected="list models fitted to the same target",
                got=f"{short(other)} among them",
            )
    units = as_units(units)
    check_bool(rows, "rows")
    if intervals is not None:
        from edgewise.explaining import Conformal

        check_is(intervals, Conformal, "intervals", "what conformal gives")
    if origin is not None:
        check_is(origin, Origin, "origin", "an Origin")
    if found is not None:
        from edgewise.symbolic import FormulaResult

        check_is(found, FormulaResult, "found", "what find_formula has found")
    names = getattr(model, "feature_names_in_", None)
    tables = [_named(table, names) for table in (frame, test_frame)]
    X, X_test = (model.encoding_.apply(table) for table in tables)
    classes = tuple(str(label) for label in getattr(model, "classes_", ()))
    target_rows, held = _target(model, y, "y"), _target(model, test_y, "test_y")
    loss, power = getattr(model, "loss", "squared"), getattr(model, "power", None)
    (target_rows, weight), (held, weight_test) = (
        (values, None) if own is None else rates_by_exposure(values, own, loss, power)
        for values, own in ((target_rows, exposure), (held, test_exposure))
    )
    accuracy = [*baselines, _own_row(model, tables[1], len(classes))] if len(held) else list(baselines)
    places = few(len(held), MOST_ROWS) if rows else np.zeros(0, dtype=np.int64)
    cells = _cells(model.encoding_.columns, tables[1].take(places)) if len(places) else ()
    formula = None if found is None else found.recommended
    if classes:
        first = summarise_classes(target, classes, np.concatenate([target_rows, held]))
    else:
        (first,) = summarise_numbers((target,), np.concatenate([target_rows, held])[:, None])
    fit = model.fit_
    reasons = [fit.stop_reason, *([] if found is None else [found.stop_reason])]
    return ReportContent(
        title=title or f"{target} from {source}",
        source=source,
        names=model.encoding_.names,
        target=target,
        X=X,
        y=target_rows,
        X_test=X_test,
        y_test=held,
        network=_titled(model.network_, target),
        formula=formula,
        accurate=None if found is None else found.best,
        recommendation="" if found is None else told_on_page(found),
        front=() if found is None else tuple(found.front),
        alternatives=() if found is None else found.alternatives(),
        accuracy=tuple(accuracy),
        history=tuple(fit.history),
        edits=tuple(edits),
        notes=tuple(dict.fromkeys([fit.message, *fit.events, *notes])),
        stop_reason=next((reason for reason in reasons if not reason.repeatable), reasons[-1]),
        known=known,
        origin=origin or Origin(),
        classes=classes,
        units=dict(units or {}),
        inputs=views_of(model.encoding_.columns, model.encoding_.names, model.encoding_.sources),
        table=(first, *summarise(tables[0])),
        dropped=tuple((c.name, c.reason) for c in model.encoding_.columns if c.dropped),
        repeats=tuple(_own_row(other, tables[1], len(classes)).predicted for other in repeats),
        raw_test={} if formula is None else _raw_numbers(model.encoding_.columns, tables[1], formula.names),
        explanation=_explained(model, tables[0], target, units),
        program=program_of(model, units, maps=True),
        cells=cells,
        cell_rows=tuple(places.tolist()),
        rows=rows,
        ways=_ways(model, tables, places, cells) if len(classes) > 1 else (),
        intervals=intervals,
        loss=loss,
        power=power,
        weight=weight,
        weight_test=weight_test,
        relativities=_factors(model, tables[0], target_rows, exposure, target),
    )


def views_of(
    columns: Sequence[EncodedColumn], names: Sequence[str], sources: Sequence[int]
) -> tuple[InputView, ...]:
    """How each input of an encoding reads in the table."""
    found: list[InputView] = []
    for k, (name, source) in enumerate(zip(names, sources, strict=True)):
        column = columns[source]
        if isinstance(column, LevelColumn):
            found.append(InputView(name, column.name, levels=column.levels))
        elif isinstance(column, NumberColumn):
            # The inputs behind the first state whether the cell is missing or a code.
            mark = k - sources.index(source) - 1
            found.append(
                _number_view(name, column)
                if mark < 0
                else InputView(name, column.name, levels=_marked_levels(column.marks[mark]))
            )
    return tuple(found)


def _marked_levels(mark: str) -> tuple[str, str]:
    """The names of the two values of a mark's input: off and on."""
    return ("there", mark) if mark == "missing" else (f"not {mark}", mark)


def _number_view(name: str, column: NumberColumn) -> InputView:
    if column.two_valued:
        ends = (
            ("no", "yes")
            if column.kind == "bool"
            else tuple(number(float(v)) for v in column.decode(np.array([0.0, 1.0])))
        )
        return InputView(name, column.name, levels=ends)
    if column.transform == "identity" or not column.low < column.high:
        return InputView(name, column.name)
    room = 0.2 * (column.high - column.low)
    seen = np.linspace(column.low - room, column.high + room, PAIRS)
    raw = column.decode(seen)
    good = np.isfinite(raw)
    return InputView(
        name, column.name, scale=tuple(zip(seen[good].tolist(), raw[good].tolist(), strict=True))
    )


def _explained(
    model: Any, table: RawTable, target: str, units: Mapping[str, str] | None
) -> GlobalExplanation | None:
    """What the model has learned, where that is short and of one output."""
    wide = len(model.network_.layers) > 1 and len(model.encoding_.columns) > MOST_EXPLAINED
    if wide or model.network_.shape[-1] != 1:
        return None
    columns = {column.name for column in model.encoding_.columns}
    known = {name: unit for name, unit in (units or {}).items() if name in columns}
    if getattr(model.fit_, "curve", "") == "exp":
        # Effects multiply: their logarithms add up, and show no pairs but those that were learned.
        found = Explainer(model.under_curve(), table, units=known).overall()
        step = f"What adds 0.1 to the logarithm multiplies {target} by {np.exp(0.1):.3f}, what adds 1 by {np.e:.3f}."
        return replace(found, output=f"logarithm of {target}", notes=(step, *found.notes))
    found = Explainer(model, table, units=known).overall()
    return replace(found, output=target) if target and found.output == "y" else found


def _factors(model: Any, table: RawTable, rate: Floats, exposure: Any, target: str) -> Relativities | None:
    """What each level multiplies counts or amounts with, where that is all there is to it."""
    if getattr(model.fit_, "curve", "") != "exp" or len(model.encoding_.columns) > MOST_EXPLAINED:
        return None
    counted = rate if exposure is None else rate * np.asarray(exposure, dtype=np.float64)
    return replace(relativities(model, table, counted, exposure=exposure), target=target)


def _titled(net: KAN, target: str) -> KAN:
    """The network with its output called as the target; outputs of classes have names of their own."""
    return rename(net, outputs={"y": target}).network if net.output_names == ("y",) and target else net


def _named(frame: Any, names: Any) -> RawTable:
    """The table with its columns; where the model knows names, the table must have them or be an array in their order."""
    table = raw_table(frame, "frame")
    return table if names is None else table.select([str(name) for name in names])


def _target(model: Any, y: Any, name: str) -> Floats:
    """Numbers as they are; classes as their places in `classes_`."""
    try:
        values: NDArray[Any] = np.asarray(y)
    except UNREADABLE:
        values = np.asarray(None)
    classes = getattr(model, "classes_", None)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or (classes is None and model.network_.shape[-1] != 1):
        raise InputError(
            argument=name,
            expected="hold one number or class a row",
            got=f"shape {values.shape}",
            advice="make a page for each target",
        )
    if classes is None:
        # A model may have learned from all rows; then none are held out.
        least = 0 if name == "test_y" else 1
        return check_vector(values, name, min_length=least)
    place = {label: float(k) for k, label in enumerate(classes.tolist())}
    codes = [place.get(label) for label in values.tolist()]
    if None in codes:
        strange = values.tolist()[codes.index(None)]
        raise InputError(
            argument=name,
            expected=f"hold the classes the model knows, {short(classes.tolist())}",
            got=short(strange),
        )
    return np.array(cast("list[float]", codes), dtype=np.float64)


def _is_fitted(model: Any) -> bool:
    return hasattr(model, "network_") and hasattr(model, "encoding_") and hasattr(model, "fit_")


def _own_row(model: Any, table: RawTable, classes: int) -> AccuracyRow:
    """The estimator's own row of the accuracy table."""
    edges = sum(int(layer.mask.sum()) for layer in model.network_.layers)
    predicted = model.predict_proba(table) if classes else np.asarray(model.predict(table)).reshape(-1)
    mode = getattr(model.fit_, "mode", "")
    return AccuracyRow(
        f"KAN, {mode}" if mode else "KAN",
        size=plural(edges, "edge function"),
        seconds=model.fit_.seconds,
        ours=True,
        predicted=predicted,
    )


def _ways(
    model: Any, tables: Sequence[RawTable], places: NDArray[np.int64], cells: Sequence[Cells]
) -> tuple[Way | None, ...]:
    """The nearest counterfactuals of a few of the rows."""
    found: list[Way | None] = [None] * len(places)
    columns = model.encoding_.columns
    if len(columns) > MOST_EXPLAINED:
        return tuple(found)
    for at in few(len(places), MOST_WAYS).tolist():
        row = tables[1].take(places[at : at + 1])
        nearest = counterfactuals(model, tables[0], row, k=1, work=WAY_WORK).items[:1]
        for one in nearest:
            after = list(cells[at])
            for k, column in enumerate(columns):
                if column.name in one.row():
                    after[k] = _as_cell(column, tables[1].columns[k], one.row()[column.name])
            words = ", ".join(f"{c.column} {c.before_text} → {c.after_text}" for c in one.changes)
            found[at] = Way(tuple(after), words)
    return tuple(found)


def _as_cell(column: EncodedColumn, raw: RawColumn, cell: Any) -> float | str | None:
    """A cell as the page writes it: numbers that are levels are words there."""
    words = not isinstance(column, NumberColumn) and isinstance(cell, float)
    return as_word(cell, raw.kind) if words else cell


def _cells(columns: Sequence[EncodedColumn], table: RawTable) -> tuple[tuple[float | str | None, ...], ...]:
    """The rows of a table, a cell for each column: numbers, words, and None where a cell is missing."""
    cells = [_column_cells(column, raw) for column, raw in zip(columns, table.columns, strict=True)]
    return tuple(zip(*cells, strict=True))


def _column_cells(column: EncodedColumn, raw: RawColumn) -> list[float | str | None]:
    if isinstance(column, NumberColumn):
        numbers = numbers_of(raw, column.name, column.kind)
        return [None if value != value else float(value) for value in numbers]
    if raw.numbers is not None:
        return [as_word(float(value), raw.kind) or None for value in raw.numbers]
    words = [*raw.words, None]  # a missing cell has the code -1
    return [words[int(code)] for code in cast(Any, raw.codes)]


def _raw_numbers(
    columns: Sequence[EncodedColumn], table: RawTable, wanted: Sequence[str]
) -> dict[str, Floats]:
    """The columns a formula reads, as they came; a missing cell reads as the column's median."""
    found: dict[str, Floats] = {}
    for column, raw in zip(columns, table.columns, strict=True):
        if column.name in wanted and isinstance(column, NumberColumn):
            values = numbers_of(raw, column.name, column.kind).copy()
            values[np.isnan(values) | np.isin(values, column.codes)] = float(
                column.decode(np.array([column.fill]))[0]
            )
            found[column.name] = values
    return found
