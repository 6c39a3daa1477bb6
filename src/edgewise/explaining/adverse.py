"""Reasons for an adverse decision: what kept a row from the favourable class, against a reference that each one names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import numpy as np

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, as_tuple, check_choice, check_int, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.plain import lines_of, plain
from edgewise._core.threads import one_thread
from edgewise.explaining.columns import Cell, Column, chosen_rows, number_text, place_of
from edgewise.explaining.contributions import METHODS, baseline_of, contributions
from edgewise.explaining.reasons import reasons_of
from edgewise.explaining.subject import ExplainedModel, Output, output_of, subject_of
from edgewise.explaining.terms import values_of

REFERENCES = ("mean", "approved", "best")
# The official interpretation of 12 CFR 1002.9(b)(2) takes more reasons for unhelpful.
MOST = 4
# Values of a column of numbers among which the best one is sought; levels that fewer rows have are no aim.
_VALUES, _RAREST = 65, 0.005
# Effects below this share of the largest are rounding.
_NOTHING = 1e-9


@dataclass(frozen=True)
class AdverseReason:
    """Why a row was not decided for.

    Attributes
    ----------
    columns : tuple of str
        One, or those that share a code.
    code, statement : str
        What the user calls it; empty where no codes were given.
    condition : str
        What holds of the row, as "income below 2,000 (1,341)".
    reference : str
        What it is compared with.
    effect : float
        By how much it lowered the output of the favourable class; negative.
    text : str
        The sentence.
    """

    columns: tuple[str, ...]
    code: str
    statement: str
    condition: str
    reference: str
    effect: float
    text: str


@dataclass(frozen=True, eq=False)
class AdverseReasons:
    """The principal reasons for a decision.

    Attributes
    ----------
    row : int or None
    decision, favourable : object
        The class that is decided for, and the one that was wanted.
    output : str
        What effects are measured in.
    reference : str
    reasons : tuple of AdverseReason
        The weightiest first; none where nothing lowered the output.
    withheld : tuple of (str, float)
        Protected columns whose effect would have been among the reasons. They are no reasons to give; that they lowered the
        output is one to look at the model (`edgewise.audit`).
    method : "exact", "shapley" or "path"
    """

    row: int | None
    decision: Any
    favourable: Any
    output: str
    reference: str
    reasons: tuple[AdverseReason, ...]
    withheld: tuple[tuple[str, float], ...]
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {"kind": "adverse", **plain(asdict(self))}

    def __str__(self) -> str:
        who = "This row" if self.row is None else f"Row {self.row}"
        lines = [f"{who}: {self.decision}. What lowered the {self.output}, compared with {self.reference}:"]
        for number, reason in enumerate(self.reasons, start=1):
            lines.append(f"  {number}. {reason.text}")
        if not self.reasons:
            lines.append("  Nothing that may be named.")
        if self.withheld:
            withheld = ", ".join(f"{name} ({number_text(effect, 2)})" for name, effect in self.withheld)
            lines.append(f"Withheld, for protected columns may not be reasons: {withheld}. Audit the model.")
        return lines_of(lines)


def adverse_reasons(
    model: Any,
    X: Any,
    row: Any,
    *,
    favourable: Any = None,
    reference: str = "approved",
    protected: Any = (),
    codes: Mapping[str, Any] | None = None,
    most: int = MOST,
    method: str = "auto",
    units: Mapping[str, str] | None = None,
) -> AdverseReasons:
    """The principal reasons why a row was not decided for, as notices of adverse action need them.

    A reason is a column that lowered the log-odds of the favourable class (its logit against all, of more than two)
    below what the column contributes at the reference. Where the United States' Equal Credit Opportunity Act applies,
    Regulation B asks for the specific principal reasons of the creditor's own decision (12 CFR 1002.9(a)(2)(i) and (b)(2));
    its official interpretation finds more than four unhelpful, and names both means here as ways to select them.
    A program cannot decide whether a notice fulfils the law.

    Parameters
    ----------
    model : KANClassifier
    X : table
        Rows to compare with, best those the model was fitted on.
    row : int, mapping of cells, or table of one row
        The row, or its number in X.
    favourable : class, optional
        The class that was wanted; the second of two by default.
    reference : "approved", "mean" or "best"
        The mean of the rows of X that are decided for the favourable class; the mean of all; or for each column its best
        value, all else as in the row (levels that at least one row in 200 has, numbers that X spans).
    protected : str or sequence of str
        Columns that may not be reasons; `withheld` names those that would have been.
    codes : mapping of str to str or (str, str), optional
        A code for each column that may be a reason, or a code and what it states. Columns of one code are one reason.
    most : int
        How many reasons at most, 1 to 4.
    method : "auto", "shapley" or "path"
        As in `edgewise.explain`.
    units : mapping of str to str, optional

    Returns
    -------
    AdverseReasons

    Raises
    ------
    InputError
        If the model decides nothing, a name does not fit, or no row of X is decided for the favourable class.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANClassifier
    >>> from edgewise.explaining import adverse_reasons
    >>> X = np.random.default_rng(0).uniform(0, 10, (300, 2)).round(1)
    >>> model = KANClassifier(mode="additive").fit(X, np.where(X[:, 0] + X[:, 1] / 5 > 6, "yes", "no"))
    >>> found = adverse_reasons(model, X, {"x1": 2.0, "x2": 9.0}, codes={"x1": "R01", "x2": "R02"})
    >>> found.decision, [one.code for one in found.reasons]
    ('no', ['R01'])
    """
    subject = subject_of(model, X, units=units)
    classes = subject.model.classes
    if len(classes) < 2:
        raise InputError(argument="model", expected="decide between classes", got="another")
    if favourable is None and len(classes) > 2:
        raise InputError(
            argument="favourable", expected=f"name one of the classes {among(map(str, classes))}", got="none"
        )
    output = output_of(subject.model, classes[-1] if favourable is None else favourable)
    check_choice(reference, "reference", REFERENCES)
    check_choice(method, "method", METHODS)
    most = check_int(most, "most", low=1, high=MOST)
    barred = _barred(subject, protected)
    given = _codes(subject, barred, codes)
    rows, places = chosen_rows(subject.model, row, subject.rows)
    if len(places) != 1:
        raise InputError(argument="row", expected="be one row", got=len(places))
    x, cells = rows.inputs[0], [rows.cell(0, column.place) for column in subject.columns]
    with one_thread():
        decided = int(subject.model.decided(values_of(subject.network, x[None]))[0])
        compared = _compared(subject, output, x, reference, method)
    effects = np.where(compared.effects < -_NOTHING * np.abs(compared.effects).max(), compared.effects, 0.0)
    free = np.array([0.0 if k in barred else effect for k, effect in enumerate(effects)])
    conditions = _conditions(subject, output, x, cells, free, reference)
    reasons = _merged(subject, free, conditions, compared, given, output)[:most]
    # What would have been named, were it not protected.
    least = abs(reasons[-1].effect) if len(reasons) == most else 0.0
    hidden = [
        (subject.names[k], float(effects[k])) for k in barred if effects[k] < 0 and -effects[k] >= least
    ]
    return AdverseReasons(
        places[0],
        classes[decided],
        output.label,
        output.name,
        compared.words,
        tuple(reasons),
        tuple(sorted(hidden, key=lambda pair: pair[1])),
        compared.method,
    )


# ---- what a row is compared with


@dataclass(frozen=True, eq=False)
class _Compared:
    """Effects of the columns against a reference, and what that is: for all columns, and for each."""

    effects: Floats
    words: str
    by_column: tuple[str, ...]
    method: str


def _compared(subject: ExplainedModel, output: Output, x: Floats, reference: str, method: str) -> _Compared:
    if reference == "best":
        effects, best = _against_best(subject, output, x)
        by_column = tuple(f"its best value, {text}" if text else "its best value" for text in best)
        return _Compared(effects, "the best value of each column", by_column, "exact")
    rows = len(subject.rows)
    words = f"the mean of {rows:,} rows"
    if reference == "approved":
        approved = np.flatnonzero(subject.model.decided(subject.outputs) == output.place)
        if not len(approved):
            raise InputError(
                argument="reference",
                expected=f"be 'mean' or 'best' where no row of X is decided for {short(output.label)}",
                got="'approved'",
            )
        subject = replace(subject, rows=subject.rows.take(approved))
        words = f"the mean of {len(approved):,} rows decided {output.label}"
    baseline = baseline_of(subject, output, method)
    effects = contributions(subject, output, baseline, x[None])[0]
    return _Compared(effects, words, (words,) * len(subject.columns), baseline.method)


def _against_best(subject: ExplainedModel, output: Output, x: Floats) -> tuple[Floats, list[str]]:
    """What each column lost against the best of its values, all else as in the row; and that value."""
    here = float(output.of(values_of(subject.network, x[None]))[0])
    effects, best = np.zeros(len(subject.columns)), list[str]()
    for k, column in enumerate(subject.columns):
        tried = _values(subject, column)
        rows = np.repeat(x[None], len(tried), axis=0)
        if tried:
            rows[:, list(column.inputs)] = column.encode(tried)
        found = output.of(values_of(subject.network, rows)) if tried else np.zeros(0)
        at = int(found.argmax()) if len(found) else 0
        gains = bool(len(found)) and found[at] > here
        effects[k] = here - float(found[at]) if gains else 0.0
        best.append(column.text(tried[at]) if gains else "")
    return effects, best


def _values(subject: ExplainedModel, column: Column) -> list[Cell]:
    """Values of a column that a row may have: what the rows have, thinned out where these are many."""
    there = [cell for cell in subject.rows.raw.columns[column.place].cells() if cell is not None]
    if column.kind == "levels":
        words, counts = np.unique(np.array(there, dtype=str), return_counts=True)
        return [
            str(word)
            for word, count in zip(words, counts, strict=True)
            if count >= _RAREST * len(subject.rows)
        ]
    values = np.unique(np.array(there, dtype=np.float64))
    if len(values) > _VALUES:
        values = values[np.linspace(0, len(values) - 1, _VALUES).round().astype(np.int64)]
    return list(values.tolist())


# ---- what a notice states


def _conditions(
    subject: ExplainedModel, output: Output, x: Floats, cells: list[Cell], effects: Floats, reference: str
) -> dict[str, str]:
    """What holds of the row in each column that lowered the output."""
    if reference != "best":
        named = reasons_of(subject, output, x, cells, effects, len(effects))
        return {one.column: one.condition for one in named}
    words = dict[str, str]()
    for column, cell in zip(subject.columns, cells, strict=True):
        words[column.name] = (
            f"{column.name} missing" if cell is None else f"{column.name} = {column.text(cell)}"
        )
    return words


def _merged(
    subject: ExplainedModel,
    effects: Floats,
    conditions: Mapping[str, str],
    compared: _Compared,
    codes: Mapping[str, tuple[str, str]],
    output: Output,
) -> list[AdverseReason]:
    """The reasons, the weightiest first; columns that share a code are one."""
    together = dict[str, list[int]]()
    for k in np.argsort(effects, kind="stable").tolist():
        if effects[k] < 0:
            name = subject.names[k]
            together.setdefault(codes[name][0] if codes else name, []).append(k)
    made = list[AdverseReason]()
    for columns in together.values():
        names = tuple(subject.names[k] for k in columns)
        code, statement = codes.get(names[0], ("", ""))
        effect = float(effects[columns].sum())
        condition = ", ".join(conditions[name] for name in names)
        references = dict.fromkeys(compared.by_column[k] for k in columns)
        reference = "; ".join(references)
        lead = f"{code}{': ' if statement else ' '}{statement}{': ' if statement else ''}" if code else ""
        text = (
            f"{lead}{condition} lowered {output.name} by {number_text(-effect, 2)} compared with {reference}"
        )
        made.append(AdverseReason(names, code, statement, condition, reference, effect, text))
    return sorted(made, key=lambda one: one.effect)


def _barred(subject: ExplainedModel, protected: Any) -> frozenset[int]:
    listed = (
        (protected,) if isinstance(protected, str) else as_tuple(protected, "protected", "names of columns")
    )
    # A column that the model was given and leaves out has no effect to bar.
    unread = set(subject.model.columns) - set(subject.names)
    read = (name for name in listed if not isinstance(name, str) or name not in unread)
    return frozenset(place_of(subject.columns, name, "protected") for name in read)


def _codes(
    subject: ExplainedModel, barred: frozenset[int], codes: Mapping[str, Any] | None
) -> dict[str, tuple[str, str]]:
    if codes is None:
        return {}
    made = dict[str, tuple[str, str]]()
    for name, given in as_mapping(codes, "codes", "columns to codes").items():
        if name not in subject.model.columns:
            raise InputError(
                argument="codes",
                expected="name columns of the model",
                got=f"{short(name, 40)}{did_you_mean(name, subject.model.columns)}",
            )
        entry = (given, "") if isinstance(given, str) else given
        pair = cast("Sequence[Any]", entry) if isinstance(entry, (tuple, list)) else ()
        if len(pair) != 2 or not all(isinstance(text, str) for text in pair) or not pair[0]:
            raise InputError(
                argument="codes",
                expected="give a code, or a code and a statement, for each column",
                got=f"{short(given)} for {short(name, 40)}",
            )
        made[name] = pair[0], pair[1]
    absent = [name for k, name in enumerate(subject.names) if k not in barred and name not in made]
    if absent:
        raise InputError(
            argument="codes",
            expected="have a code for each column that may be a reason",
            got=f"none for {among(absent)}",
            advice="give one, or name the column as protected",
        )
    return made
