"""Relativities: what each level of a column multiplies a mean with, beside what was counted there, as tariffs are read.

A model of counts or amounts is a product of factors. A committee reads them level by level against a base level, and asks
whether totals are met there, and how far the rows of that level alone would move the factor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import TweedieRegressor
from sklearn.utils.validation import check_is_fitted

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import check_bool, check_int
from edgewise._core.errors import InputError
from edgewise._core.plain import lines_of, plain
from edgewise.data.encoding_raw import RawColumn
from edgewise.estimators.exposure import rates_by_exposure
from edgewise.estimators.targets import regression_target, row_weights
from edgewise.explaining.columns import Column, cut, number_text
from edgewise.explaining.contributions import baseline_of, contributions
from edgewise.explaining.subject import output_of, subject_of
from edgewise.training.common.losses import LOG_LOSSES, variance_power

# Rows that the factors of a network with joint terms are averaged over.
_JOINT_ROWS = 2_000
# Distinct numbers up to which each is a level, and words beyond which those with the least exposure share a level.
_MOST_NUMBERS, _MOST_WORDS = 12, 40
_NORMAL_95 = 1.959963984540054
# Totals closer than this share are met.
_MET = 1e-3


@dataclass(frozen=True, eq=False)
class FactorTable:
    """The levels of one column.

    Attributes
    ----------
    column : str
    levels : tuple of str
        Words, numbers, or ranges of numbers with about the same exposure.
    base : int
        The level that relativities are against: the one with the most exposure.
    exposure, observed, expected : arrays of shape (k,)
        How much there is, what was counted, and what the model expects.
    relativity : array of shape (k,)
        What the model multiplies with, against the base level.
    low, high : arrays of shape (k,)
        95 % interval of what the rows of the level alone would make of the relativity, all other factors as they are.
    glm : array of shape (k,), optional
        The relativities of a generalised linear model of all levels.
    """

    column: str
    levels: tuple[str, ...]
    base: int
    exposure: Floats
    observed: Floats
    expected: Floats
    relativity: Floats
    low: Floats
    high: Floats
    glm: Floats | None = None

    @property
    def off(self) -> Floats:
        """How much more is expected than was counted, as a share, (k,); NaN where nothing was."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.observed > 0, self.expected / self.observed - 1, np.nan)


@dataclass(frozen=True, eq=False)
class Relativities:
    """Factor tables of all columns that a model reads.

    Attributes
    ----------
    factors : tuple of FactorTable
        The strongest first.
    target : str
    rate : float
        What was counted per unit of exposure.
    notes : tuple of str
    """

    factors: tuple[FactorTable, ...]
    target: str
    rate: float
    notes: tuple[str, ...] = ()

    @property
    def totals_missed(self) -> tuple[tuple[str, str, float], ...]:
        """Columns, levels and shares where more than a thousandth too much or too little is expected, the farthest first."""
        found = [
            (table.column, level, float(off))
            for table in self.factors
            for level, off in zip(table.levels, table.off, strict=True)
            if abs(off) > _MET
        ]
        return tuple(sorted(found, key=lambda item: -abs(item[2])))

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row a level, for a data frame or a file."""
        for table in self.factors:
            for k, level in enumerate(table.levels):
                yield {
                    "column": table.column,
                    "level": level,
                    "exposure": float(table.exposure[k]),
                    "observed": float(table.observed[k]),
                    "expected": float(table.expected[k]),
                    "relativity": float(table.relativity[k]),
                    "low": float(table.low[k]),
                    "high": float(table.high[k]),
                    **({} if table.glm is None else {"glm": float(table.glm[k])}),
                }

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers that are not finite are None."""
        return plain(
            {"target": self.target, "rate": self.rate, "rows": list(self.rows()), "notes": self.notes}
        )

    def __str__(self) -> str:
        lines = [f"{self.target}: {number_text(self.rate)} per unit of exposure"]
        for table in self.factors:
            wide = max(5, *(len(cut(level, 20)) for level in table.levels))
            more = "" if table.glm is None else "     GLM"
            heads = "  ".join(f"{name:>10}" for name in ("exposure", "observed", "expected", "relativity"))
            lines += ["", f"{table.column:<{wide}}  {heads}  [95 % of its rows]{more}"]
            for k, level in enumerate(table.levels):
                interval = f"[{table.low[k]:.3g}, {table.high[k]:.3g}]"
                glm = "" if table.glm is None else f"  {table.glm[k]:>6.3f}"
                mark = "  base" if k == table.base else ""
                lines.append(
                    f"{cut(level, 20):<{wide}}  {number_text(float(table.exposure[k])):>10}  "
                    f"{number_text(float(table.observed[k])):>10}  {number_text(float(table.expected[k])):>10}  "
                    f"{table.relativity[k]:>10.3f}  {interval:>18}{glm}{mark}"
                )
        return lines_of([*lines, "", *self.notes])


def relativities(
    model: Any,
    X: Any,
    y: Any,
    *,
    exposure: Any = None,
    sample_weight: Any = None,
    bins: int = 10,
    glm: bool = True,
) -> Relativities:
    """Factor tables of a model of counts or amounts.

    Parameters
    ----------
    model : KANRegressor
        Fitted with one of the losses of counts and amounts.
    X, y, exposure, sample_weight
        Rows, best those of the fit, as in `fit`.
    bins : int
        Into how many levels of about the same exposure columns of numbers are cut.
    glm : bool
        Whether to fit a generalised linear model of all levels, to compare with.

    Returns
    -------
    Relativities

    Raises
    ------
    InputError
        If the model is of other numbers, or the rows do not fit it.

    References
    ----------
    Ohlsson, Johansson (2010), Non-Life Insurance Pricing with Generalized Linear Models, chapter 2. Springer.
    doi:10.1007/978-3-642-10791-7.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANRegressor
    >>> from edgewise.estimators.relativities import relativities
    >>> rng = np.random.default_rng(0)
    >>> kind, years = rng.choice(["small", "sport"], 2000), rng.uniform(0.5, 2, 2000)
    >>> claims = rng.poisson(years * np.where(kind == "sport", 0.4, 0.2))
    >>> model = KANRegressor(loss="poisson", work="quick").fit({"kind": kind}, claims, exposure=years)
    >>> table = relativities(model, {"kind": kind}, claims, exposure=years).factors[0]
    >>> table.levels, bool(1.6 < table.relativity.max() / table.relativity.min() < 2.4)
    (('small', 'sport'), True)
    """
    check_is_fitted(model, "network_")
    loss, power = getattr(model, "loss", "squared"), getattr(model, "power", None)
    if loss not in LOG_LOSSES or getattr(model.fit_, "curve", "") != "exp":
        raise InputError(
            argument="model",
            expected=f"be fitted with one of the losses {', '.join(LOG_LOSSES)}",
            got=f"loss={loss!r}",
            advice="means of other models are no products of factors",
        )
    bins, glm = check_int(bins, "bins", low=2), check_bool(glm, "glm")
    subject = subject_of(model.under_curve(), X)
    raw = subject.rows.raw
    counted, _ = regression_target(y, type(model).__name__)
    if counted.ndim > 1 or len(counted) != raw.n_rows:
        raise InputError(
            argument="y",
            expected=f"have one number for each of the {raw.n_rows:,} rows",
            got=f"shape {counted.shape}",
        )
    shares = np.ones(raw.n_rows) if exposure is None else np.asarray(exposure, dtype=np.float64)
    rate, information = (
        rates_by_exposure(counted, shares, loss, power) if exposure is not None else (counted, shares)
    )
    weight = row_weights(sample_weight, raw.n_rows)
    weight = np.ones(raw.n_rows) if weight is None else weight
    means = np.asarray(model.predict(X), dtype=np.float64)
    sizes = weight * information * means ** (2 - variance_power(loss, power))
    spread = float((sizes * (rate / means - 1) ** 2).sum() / weight.sum())
    output = output_of(subject.model)
    baseline = baseline_of(subject, output, "auto")
    some = np.arange(raw.n_rows) if baseline.method == "exact" else subject.some(_JOINT_ROWS)
    effects = contributions(subject, output, baseline, subject.rows.inputs[some])
    cut_columns = [
        _levels(column, raw.columns[column.place], weight * shares, bins) for column in subject.columns
    ]
    linear = _glm(cut_columns, rate, weight * information, variance_power(loss, power)) if glm else None
    tables = list[FactorTable]()
    for k, (column, (names, place)) in enumerate(zip(subject.columns, cut_columns, strict=True)):
        count = len(names)

        def total(values: Floats, place: Ints = place, count: int = count) -> Floats:
            return np.bincount(place, weight * values, count).astype(np.float64)

        there = total(shares)
        base = int(there.argmax())
        among = np.bincount(place[some], (weight * shares)[some], count)
        factor = np.bincount(place[some], (weight * shares)[some] * np.exp(effects[:, k]), count)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            factor = factor / among
            observed, expected = total(counted), total(means * shares)
            alone = factor / factor[base] * observed / expected
            error = np.sqrt(spread / np.bincount(place, sizes, count))
            low, high = alone * np.exp(-_NORMAL_95 * error), alone * np.exp(_NORMAL_95 * error)
        tables.append(
            FactorTable(
                column.name, names, base, there, observed, expected, factor / factor[base], low, high,
                None if linear is None else linear[k] / linear[k][base],
            )
        )  # fmt: skip
    target = (model.target_names_ or ("y",))[0]
    return Relativities(
        tuple(sorted(tables, key=_spread, reverse=True)),
        target,
        float((weight * counted).sum() / (weight * shares).sum()),
        _notes(baseline.method, tables),
    )


def _spread(table: FactorTable) -> float:
    """The variance of the logarithms of the factors over the exposure."""
    logs = np.log(np.maximum(table.relativity, np.finfo(float).tiny))
    return float(np.cov(logs, aweights=table.exposure, bias=True)) if len(logs) > 1 else 0.0


def _notes(method: str, tables: list[FactorTable]) -> tuple[str, ...]:
    notes = list[str]()
    if method != "exact":
        notes.append(
            f"Columns act together: a relativity is the mean over {_JOINT_ROWS:,} rows at most, and not all there is to it."
        )
    found = [
        (abs(float(off)), table.column, level)
        for table in tables
        for level, off in zip(table.levels, table.off, strict=True)
        if abs(off) > _MET
    ]
    count = sum(len(table.levels) for table in tables)
    if found:
        most, column, level = max(found)
        notes.append(
            f"Totals are met within 0.1 % on {count - len(found):,} of {count:,} levels; farthest off is {level} of "
            f"{column}, by {100 * most:.3g} %."
        )
    else:
        notes.append(f"Totals are met within 0.1 % on all {count:,} levels.")
    return tuple(notes)


def _levels(column: Column, raw: RawColumn, exposure: Floats, bins: int) -> tuple[tuple[str, ...], Ints]:
    """The names of the levels of a column, and the level of each row."""
    if raw.codes is not None:
        return _words(raw, exposure)
    values = np.asarray(raw.numbers, dtype=np.float64)
    gone = np.isnan(values)
    special = np.isin(values, column.codes) & ~gone
    apart = gone | special
    place = np.zeros(len(values), dtype=np.int64)
    names = list[str]()
    distinct = np.unique(values[~apart])
    if len(distinct) <= _MOST_NUMBERS:
        place[~apart] = np.searchsorted(distinct, values[~apart])
        names += [column.text(float(value)) for value in distinct]
    else:
        order = np.argsort(values[~apart], kind="stable")
        reached = np.cumsum(exposure[~apart][order])
        inner = values[~apart][order][np.searchsorted(reached, reached[-1] * np.arange(1, bins) / bins)]
        cuts = np.unique(inner[inner < distinct[-1]])
        place[~apart] = np.searchsorted(cuts, values[~apart], side="left")
        ends = [float(distinct[0]), *map(float, cuts), float(distinct[-1])]
        texts = [column.text(end) for end in ends]
        names += [
            texts[k]
            if texts[k] == texts[k + 1]
            else f"{'' if k == 0 else 'over '}{texts[k]} to {texts[k + 1]}"
            for k in range(len(cuts) + 1)
        ]
    for code in column.codes:
        if (at := values == code).any():
            place[at], names = len(names), [*names, column.text(float(code))]
    if gone.any():
        place[gone], names = len(names), [*names, "missing"]
    return _there(names, place)


def _words(raw: RawColumn, exposure: Floats) -> tuple[tuple[str, ...], Ints]:
    codes = np.asarray(raw.codes, dtype=np.int64)
    words = sorted(raw.words)
    rank = np.array([words.index(word) for word in raw.words] or [0], dtype=np.int64)
    place = np.where(codes < 0, len(words), rank[codes])
    names = [*words, "missing"]
    if len(words) > _MOST_WORDS:
        total = np.bincount(place, exposure, len(names))[: len(words)]
        rare = np.argsort(-total, kind="stable")[_MOST_WORDS - 1 :]
        place = np.where(np.isin(place, rare), len(names), place)
        names.append("all others")
    return _there(names, place)


def _there(names: list[str], place: NDArray[np.int64]) -> tuple[tuple[str, ...], Ints]:
    """Levels that rows have, numbered anew."""
    kept, place = np.unique(place, return_inverse=True)
    return tuple(names[k] for k in kept.tolist()), place.astype(np.int64)


def _glm(
    columns: list[tuple[tuple[str, ...], Ints]], rate: Floats, weight: Floats, power: float
) -> list[Floats]:
    """What a generalised linear model of all levels multiplies with at each of them."""
    design = np.concatenate(
        [np.equal.outer(place, np.arange(len(names))).astype(np.float64) for names, place in columns], axis=1
    )
    # The penalty only decides between levels that the rows cannot tell apart.
    fitted = TweedieRegressor(
        power=power, link="log", alpha=1e-6, max_iter=300, solver="newton-cholesky"
    ).fit(design, rate, sample_weight=weight)
    ends = np.cumsum([0, *(len(names) for names, _ in columns)])
    return [np.exp(fitted.coef_[a:b]) for a, b in pairwise(ends.tolist())]
