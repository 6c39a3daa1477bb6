"""The table of a partly known formula: numbers, words, groups and targets, as numbers beside columns of levels."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arguments import check_table, column_names
from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import as_tuple, check_matrix, check_vector, plural
from edgewise._core.errors import InputError
from edgewise.data.row_labels import row_labels
from edgewise.symbolic.fitting.measurements import Measurements, measured
from edgewise.symbolic.fitting.word_columns import WordColumns, word_table
from edgewise.symbolic.known_form.categories import Categories, Category


@dataclass(frozen=True, eq=False)
class RowReader:
    """How a table is read again, to predict.

    Attributes
    ----------
    columns : tuple of str
        The columns of numbers.
    words : WordColumns or None
        Where there are columns of words.
    categories : Categories
    """

    columns: tuple[str, ...]
    words: WordColumns | None
    categories: Categories

    def tables(self, X: Any, groups: Sequence[Hashable] | None) -> list[Floats]:
        """The table of each target, of one where there are not several."""
        known, _of = self.categories, "predict"
        if self.words is None:
            numbers = check_table(X, self.columns)
        else:
            numbers, _ = self.words.read(X, self.columns)
        codes = list[Ints]()
        for name, category in known.words.items():
            assert self.words is not None
            one = WordColumns(self.words.table, (name,))
            codes.append(category.codes(one.read(X, self.columns)[1]))
        if (groups is None) != (known.groups is None):
            got = "none" if groups is None else "some"
            needed = (
                "name the group of each row"
                if groups is None
                else "be left out: there were none to learn from"
            )
            raise InputError(argument="groups", expected=needed, got=got)
        if known.groups is not None:
            cells = [groups] * len(numbers) if isinstance(groups, str) else groups
            codes.append(known.groups.codes(row_labels(cells, len(numbers))))
        if any((code < 0).any() for code in codes):
            raise InputError(argument="X", expected="have a word in every row", got="a row without one")
        levels = range(1 if known.targets is None else len(known.targets.levels))
        last = [[] if known.targets is None else [np.full(len(numbers), k)] for k in levels]
        return [known.table(numbers, _beside([*codes, *own], len(numbers))) for own in last]


@dataclass(frozen=True, eq=False)
class PartialRows:
    """Rows to learn from: complete ones, with the code of each category."""

    reader: RowReader
    table: Measurements
    codes: Ints

    @property
    def wide(self) -> Floats:
        """Numbers, and behind them the columns of levels, (n, columns)."""
        return self.reader.categories.table(self.table.X[:, : len(self.reader.columns)], self.codes)


def read_rows(
    X: Any,
    y: Any,
    text: Any,
    *,
    names: Iterable[str] | None,
    groups: Any,
    sample_weight: Any,
    sigma: Any,
) -> PartialRows:
    """The table of `fit_partial`, checked; a text for each target where there are several."""
    worded = word_table(X, names)
    if worded is None:
        numbers = check_matrix(X, "X", missing=True)
        columns, words = column_names(X, names, numbers.shape[1]), None
    else:
        numbers, columns = worded.X, worded.columns
        words = WordColumns(worded.table, tuple(worded.words))
    found, codes = dict[str, Category](), list[Floats]()
    for name in () if worded is None else worded.words:
        assert worded is not None
        own, levels = worded.codes([name])
        found[name] = Category(f"word in {name!r}", tuple(levels))
        codes.append(np.where(own < 0, np.nan, own.astype(np.float64)))
    grouped: Category | None = None
    if groups is not None:
        cells = row_labels(groups, len(numbers))
        grouped = Category("group", tuple(dict.fromkeys(cells)))
        codes.append(grouped.codes(cells).astype(np.float64))
    labels = [*columns, *found, *([] if grouped is None else ["groups"])]
    targets: Category | None = None
    if isinstance(text, str) or not isinstance(text, Sequence):
        target = check_vector(y, "y", length=len(numbers), missing=True)
        cells = np.column_stack([numbers, *codes])
    else:
        target, cells, sample_weight = _stacked(y, text, numbers, codes, sample_weight, sigma)
        targets, labels = Category("target", tuple(range(len(text)))), [*labels, "target"]
    table = measured(cells, target, labels, sample_weight=sample_weight, sigma=sigma)
    reader = RowReader(columns, words, Categories(found, grouped, targets))
    return PartialRows(reader, table, table.X[:, len(columns) :].astype(np.int64))


def _stacked(
    y: Any, texts: Sequence[Any], numbers: Floats, codes: list[Floats], sample_weight: Any, sigma: Any
) -> tuple[Floats, Floats, Floats]:
    """All targets in one column, the table once for each, and weights by which they count alike."""
    of_texts = as_tuple(texts, "text", "formulas, one a target")
    Y = check_matrix(y, "y", rows=len(numbers), missing=True)
    if Y.shape[1] != len(of_texts):
        raise InputError(
            argument="text",
            expected=f"be a formula, or one for each of {plural(Y.shape[1], 'column')} of y",
            got=len(of_texts),
        )
    if sample_weight is not None or sigma is not None:
        raise InputError(
            "The 'sample_weight' and 'sigma' arguments have no meaning with several targets, each of which counts "
            "by its own spread; divide the targets by their noise instead."
        )
    count, k = len(numbers), Y.shape[1]
    spread = np.nanstd(Y, axis=0)
    weight = np.repeat(1 / np.square(np.where(spread > 0, spread, 1.0)), count)
    target_of_row = np.repeat(np.arange(k, dtype=np.float64), count)
    cells = np.column_stack([np.tile(np.column_stack([numbers, *codes]), (k, 1)), target_of_row])
    return Y.T.ravel(), cells, weight


def _beside(codes: list[Ints], rows: int) -> Ints:
    return np.column_stack(codes) if codes else np.empty((rows, 0), dtype=np.int64)
