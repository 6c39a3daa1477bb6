"""Drift: how far new rows have moved from those a model learned from, and whether its answers still meet what happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from edgewise._core.arguments import check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_vector
from edgewise._core.errors import InputError
from edgewise._core.plain import lines_of, plain
from edgewise.data.encoding_columns import LevelColumn, NumberColumn
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.explaining.columns import cut, number_text

# Groups that a column of numbers is cut into, with as many of the rows learned from in each.
_GROUPS = 10
# A stability index from which a shift counts, by custom, and how unlikely it must be by chance alone.
_SHIFT, _CHANCE = 0.1, 1e-3
# Rows beyond the range of a column's functions, as a share, from which they count: the range leaves out the farthest 1 %.
_OUTSIDE = 0.04


@dataclass(frozen=True)
class ColumnDrift:
    """How far a column, or the answer, has moved.

    Attributes
    ----------
    name : str
    index : float
        Population stability index: 0 where shares of groups are as before; NaN without the rows learned from.
    chance : float
        How likely an index as large is by chance alone.
    outside : float
        Share of rows with a number beyond the range of the column's functions, or a word that was not learned from.
    missing, missing_before : float
        Share of rows without a value; NaN where it is not known what it was.
    """

    name: str
    index: float
    chance: float
    outside: float
    missing: float
    missing_before: float

    @property
    def alarm(self) -> str:
        """What has moved, as a sentence; empty where nothing to speak of has."""
        if self.index >= _SHIFT and self.chance < _CHANCE:
            return f"{self.name} has moved: its stability index is {self.index:.2g} ({_SHIFT:g} and more is a shift)."
        if self.outside > _OUTSIDE:
            return f"{100 * self.outside:.2g} % of the rows of {self.name} lie beyond what was learned."
        return ""


@dataclass(frozen=True)
class CalibrationDrift:
    """Whether answers meet what happened, on the whole.

    Attributes
    ----------
    name : str
        What is predicted; of classes, which.
    observed, expected : float
        Means: what happened, and what was predicted.
    chance : float
        How likely a difference as large is by chance alone.
    """

    name: str
    observed: float
    expected: float
    chance: float

    @property
    def alarm(self) -> str:
        """What is off, as a sentence; empty where nothing to speak of is."""
        if not self.chance < _CHANCE:
            return ""
        return (
            f"Answers no longer meet what happens: {self.name} is {number_text(self.observed)} on average, "
            f"{number_text(self.expected)} was predicted."
        )


@dataclass(frozen=True)
class Drift:
    """What `drift` found.

    Attributes
    ----------
    columns : tuple of ColumnDrift
        The answer last.
    calibration : tuple of CalibrationDrift
        Empty where it is not known what happened.
    rows : int
    """

    columns: tuple[ColumnDrift, ...]
    calibration: tuple[CalibrationDrift, ...]
    rows: int

    @property
    def alarms(self) -> tuple[str, ...]:
        """Sentences on what has moved."""
        return tuple(filter(None, (item.alarm for item in (*self.columns, *self.calibration))))

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers that are not known are None."""
        return plain(
            {
                "rows": self.rows,
                "columns": [vars(item) for item in self.columns],
                "calibration": [vars(item) for item in self.calibration],
                "alarms": self.alarms,
            }
        )

    def __str__(self) -> str:
        wide = max(6, *(len(cut(item.name, 24)) for item in self.columns))
        lines = [f"{'column':<{wide}}   index  chance  outside  missing  before"]
        for item in self.columns:
            before = (
                f"{100 * item.missing_before:4.1f} %" if item.missing_before == item.missing_before else "-"
            )
            shift = f"{item.index:6.3f}  {item.chance:6.1g}" if item.index == item.index else "     -       -"
            lines.append(
                f"{cut(item.name, 24):<{wide}}  {shift}  "
                f"{100 * item.outside:5.1f} %  {100 * item.missing:5.1f} %  {before:>6}"
            )
        for item in self.calibration:
            lines.append(
                f"{item.name}: {number_text(item.observed)} on average, {number_text(item.expected)} predicted "
                f"(chance {item.chance:.2g})"
            )
        return lines_of([*lines, "", *(self.alarms or ("Nothing to speak of has moved.",))])


def drift(model: Any, X: Any, learned: Any = None, *, y: Any = None, exposure: Any = None) -> Drift:
    """How far new rows have moved from those a model learned from, and whether its answers still meet what happens.

    Parameters
    ----------
    model : KANRegressor or KANClassifier
        Fitted.
    X : table with the columns of the fit
        New rows.
    learned : table with the same columns, optional
        The rows of the fit, or a sample of them. Without them only numbers and words beyond what was learned are seen.
    y : array of shape (n,), optional
        What happened to the new rows.
    exposure : array of shape (n,), optional
        What counts or amounts are of.

    Returns
    -------
    Drift

    Raises
    ------
    InputError
        If the model is not fitted, predicts several numbers, or a table or target does not fit it.

    References
    ----------
    Yurdakul, Naranjo (2020), Statistical properties of the population stability index. J. Risk Model Validation 14.
    doi:10.21314/JRMV.2020.227.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANRegressor
    >>> from edgewise.estimators.drift import drift
    >>> rng = np.random.default_rng(0)
    >>> before, after = {"x": rng.uniform(0, 1, 500)}, {"x": rng.uniform(0.3, 1, 500)}
    >>> model = KANRegressor(work="quick").fit(before, before["x"] ** 2)
    >>> drift(model, after, before).alarms[0]
    'x has moved: its stability index is 1 (0.1 and more is a shift).'
    """
    if not hasattr(model, "encoding_") or not hasattr(model, "network_"):
        raise InputError(
            argument="model", expected="be a fitted KANRegressor or KANClassifier", got=type(model).__name__
        )
    classes = [str(label) for label in getattr(model, "classes_", ())]
    if not classes and model.network_.shape[-1] != 1:
        raise InputError(
            argument="model",
            expected="predict one number or classes",
            got=f"{model.network_.shape[-1]} numbers",
        )
    table = model.raw_table(X)
    before = None if learned is None else model.raw_table(learned)
    columns = [
        _column(encoded, table.columns[k], None if before is None else before.columns[k])
        for k, encoded in enumerate(model.encoding_.columns)
        if not encoded.dropped
    ]
    answers = _answers(model, table)
    if before is not None:
        known = _answers(model, before)
        for place, name in enumerate(_names(model, classes)):
            cells, old = (RawColumn(name, "number", part[:, place]) for part in (answers, known))
            columns.append(_shift(name, _groups(cells, old), 0.0))
    met = () if y is None else _calibration(model, answers, y, exposure, classes)
    return Drift(tuple(columns), met, table.n_rows)


def _names(model: Any, classes: Sequence[str]) -> list[str]:
    if not classes:
        return [f"predicted {(model.target_names_ or ('y',))[0]}"]
    return [f"chance of {label}" for label in (classes[1:] if len(classes) == 2 else classes)]


def _answers(model: Any, table: RawTable) -> Floats:
    """Numbers (n, 1), or the chances of classes (n, k); of two classes that of the second."""
    if not hasattr(model, "classes_"):
        return np.asarray(model.predict(table), dtype=np.float64).reshape(-1, 1)
    chances = np.asarray(model.predict_proba(table), dtype=np.float64)
    return chances[:, 1:] if chances.shape[1] == 2 else chances


def _column(encoded: Any, raw: RawColumn, before: RawColumn | None) -> ColumnDrift:
    beyond = np.zeros(len(raw), dtype=bool)
    if isinstance(encoded, NumberColumn) and raw.numbers is not None:
        low, high = encoded.decode(np.array([encoded.low, encoded.high]))
        special = np.isin(raw.numbers, encoded.codes)
        beyond = ((raw.numbers < low) | (raw.numbers > high)) & ~special
    elif isinstance(encoded, LevelColumn) and raw.codes is not None:
        known = np.isin(np.array(raw.words, dtype=object), [*encoded.levels, *encoded.pooled])
        beyond = (raw.codes >= 0) & ~np.append(known, True)[raw.codes]
    if before is None:
        return ColumnDrift(
            raw.name,
            float("nan"),
            float("nan"),
            float(beyond.mean()),
            float(_missing(raw).mean()),
            float("nan"),
        )
    return _shift(raw.name, _groups(raw, before), float(beyond.mean()), raw, before)


def _missing(raw: RawColumn) -> NDArray[np.bool_]:
    return raw.codes < 0 if raw.codes is not None else np.isnan(np.asarray(raw.numbers))


def _groups(raw: RawColumn, before: RawColumn) -> tuple[Floats, Floats]:
    """Counts of rows now and before in groups: words, or numbers with as many rows before in each; the last is missing."""
    if raw.codes is not None or before.codes is not None:
        cells = [
            np.array(["" if cell is None else str(cell) for cell in column.cells()], dtype=object)
            for column in (raw, before)
        ]
        words = sorted({*cells[0], *cells[1]} - {""})
        place = {word: k for k, word in enumerate(words)} | {"": len(words)}
        now, then = (
            np.bincount([place[cell] for cell in part], minlength=len(words) + 1).astype(np.float64)
            for part in cells
        )
        return now, then
    values, known = (np.asarray(column.numbers, dtype=np.float64) for column in (raw, before))
    there = known[~np.isnan(known)]
    cuts = np.unique(np.quantile(there, np.arange(1, _GROUPS) / _GROUPS)) if len(there) else np.zeros(0)

    def counted(part: Floats) -> Floats:
        gone = np.isnan(part)
        inside = np.bincount(np.searchsorted(cuts, part[~gone], side="left"), minlength=len(cuts) + 1)
        return np.append(inside, gone.sum()).astype(np.float64)

    return counted(values), counted(known)


def _shift(
    name: str,
    groups: tuple[Floats, Floats],
    outside: float,
    raw: RawColumn | None = None,
    before: RawColumn | None = None,
) -> ColumnDrift:
    now, then = groups
    some = now + then > 0
    n, m = now.sum(), then.sum()
    # Half a row in each group, or an empty one would make the index infinite.
    p, q = ((part[some] + 0.5) / (part[some] + 0.5).sum() for part in (then, now))
    index = float(((q - p) * np.log(q / p)).sum())
    chance = float(chi2.sf(index * n * m / (n + m), max(int(some.sum()) - 1, 1)))
    gone = (0.0, 0.0)
    if raw is not None and before is not None:
        gone = (float(_missing(raw).mean()), float(_missing(before).mean()))
    return ColumnDrift(name, index, chance, outside, *gone)


def _calibration(
    model: Any, answers: Floats, y: Any, exposure: Any, classes: Sequence[str]
) -> tuple[CalibrationDrift, ...]:
    if classes:
        cells = [check_text(str(cell), "y") for cell in np.asarray(y).tolist()]
        if len(cells) != len(answers):
            raise InputError(argument="y", expected=f"have {len(answers):,} entries", got=f"{len(cells):,}")
        shown = classes[1:] if len(classes) == 2 else classes
        happened = np.array([[cell == label for label in shown] for cell in cells], dtype=np.float64)
        names = [f"the share of {label}" for label in shown]
        weight = np.ones(len(answers))
    else:
        values = check_vector(y, "y", length=len(answers))
        weight = np.ones(len(answers))
        if exposure is not None:
            weight = check_vector(exposure, "exposure", length=len(answers))
        happened = values[:, None]
        answers = answers * weight[:, None]
        names = [(model.target_names_ or ("y",))[0]]
    off = happened - answers
    total = weight.sum()
    found = list[CalibrationDrift]()
    for k, name in enumerate(names):
        spread = float(np.sqrt((off[:, k] ** 2).sum()))
        z = float(off[:, k].sum()) / spread if spread > 0 else 0.0
        found.append(
            CalibrationDrift(
                name,
                float(happened[:, k].sum() / total),
                float(answers[:, k].sum() / total),
                float(2 * norm.sf(abs(z))),
            )
        )
    return tuple(found)
