"""From a table with columns of words to formulas: whether words matter, and which constants or formulas follow them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Ints
from edgewise._core.checks import among, check_int, check_vector, plural
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, check_seconds, check_work, running, spent
from edgewise.symbolic.costs import SEARCH_WORK_UNITS
from edgewise.symbolic.fitting.measurements import Measurements, read_rows
from edgewise.symbolic.fitting.word_columns import WordColumns, WordTable
from edgewise.symbolic.groups.branched_formula import BranchedFormula
from edgewise.symbolic.groups.branches import Branch, branched, description_of, of_one_group
from edgewise.symbolic.groups.constants import (
    TAKEN_FORMULAS,
    TIED_STRUCTURES,
    Fit,
    Tied,
    each_group,
    exact,
    together,
)
from edgewise.symbolic.groups.grouped_formula import GroupedFormula
from edgewise.symbolic.groups.grouped_result import GroupedResult
from edgewise.symbolic.groups.mending import written
from edgewise.symbolic.groups.outside import with_outside
from edgewise.symbolic.groups.rows import FEWEST_ROWS, GroupedRows
from edgewise.symbolic.groups.search_groups import (
    ENDED,
    SearchLimits,
    as_grouped,
    ended_by,
    sought,
    structures_of,
)
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.structure_pool import description
from edgewise.symbolic.groups.template import Structure
from edgewise.symbolic.provenance import attempted
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import FormulaResult

# Share of the work that the search in levels may take, and that in all rows; the rest is for judging what they find.
_SEARCH_SHARE = 0.35


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What describes some rows best, the words of some columns being the groups.

    Attributes
    ----------
    words : tuple of str
    rows : GroupedRows
    tied : tuple of Tied
        Formulas of one structure, the best first.
    branches : tuple of Branch
        What describes the rows better than any of these, if anything does.
    size : float
        In nats, twice.
    structures : tuple
        Those that are worth a look with fewer columns of words.
    needed : int
        How many of them, the first, describe the rows best.
    """

    words: tuple[str, ...]
    rows: GroupedRows
    tied: tuple[Tied, ...]
    branches: tuple[Branch, ...]
    size: float
    structures: tuple[Structure, ...]
    needed: int

    @property
    def words_matter(self) -> bool:
        """Whether anything follows the words."""
        return bool(self.branches or (self.tied and self.tied[0].own))

    @property
    def exact(self) -> bool:
        """Whether nothing is left of y."""
        left = (
            sum(branch.model.rss for branch in self.branches)
            if self.branches
            else self.tied[0].rss
            if self.tied
            else math.inf
        )
        return exact(left, self.rows.y)


def search_words(
    search: Callable[..., FormulaResult], table: WordTable, y: Any, limits: SearchLimits
) -> GroupedResult:
    """Formulas for a table with columns of words: the same for all, with constants by level, or a branch for some levels.

    Structures are sought in the levels with most rows and, unless they leave nothing, in all rows together. Then columns of
    words are left out, and levels dealt to structures, while Schwarz's criterion falls (doi:10.1214/aos/1176344136).

    Parameters
    ----------
    search
        Finds formulas in rows of numbers: called with X and y, and with names, work, seconds and seed.
    table, y
        Rows, and the target (n,).
    limits
        Of all searches together; functions and constraints are left to `search`.

    Raises
    ------
    InputError
        If the table does not fit together, or no formula has values on the rows.
    """
    meter = Meter(seconds=(limit := check_seconds(limits.seconds)))
    factor, seed = check_work(limits.work), check_int(limits.seed, "seed", low=0)
    target = check_vector(y, "y", length=len(table.X), missing=True)
    whole = table.codes(tuple(table.words))[0] >= 0
    table = replace(table, X=table.X[whole], words={k: word.take(whole) for k, word in table.words.items()})
    measured, columns = read_rows(table.X, target[whole], table.columns)
    codes = partial(_codes, table, measured)
    words, used = _usable(tuple(table.words), codes, len(measured.y))
    half = None if limit is None else limit / 2
    counted = Meter(SEARCH_WORK_UNITS * factor)
    with np.errstate(all="ignore"), one_thread(), running(counted):
        rows = _rows(measured, columns, codes(words)[0], used)
        formulas, reasons = list[Formula](), list[StopReason]()
        if words:
            formulas, reasons = sought(search, rows, work=factor * _SEARCH_SHARE, limit=half, seed=seed)
        best = _evidence(words, structures_of(formulas, columns), rows, seed, counted.most)
        if not best.exact and not (best.tied and reasons[-1] in ENDED):
            share = factor * _SEARCH_SHARE if words else factor
            found = search(measured.X, measured.y, names=columns, work=share, seconds=half, seed=seed)
            formulas += [found.best, *found.front[: TAKEN_FORMULAS - 1]]
            reasons.append(found.stop_reason)
            best = _evidence(words, structures_of(formulas, columns), rows, seed, counted.most)
        while best.words:
            shorter = [tuple(item for item in best.words if item != word) for word in best.words]
            fewer = [
                _evidence(
                    subset,
                    best.structures,
                    _rows(measured, columns, codes(subset)[0], used),
                    seed,
                    counted.most,
                    best.needed,
                )
                for subset in shorter
            ]
            least = min(fewer, key=lambda evidence: evidence.size)
            if best.words_matter and least.size >= best.size:
                break
            best = least
        if not best.tied and not best.branches:
            raise InputError(
                "No formula that was found has values on the rows of every level. Leave out levels that differ in kind."
            )
        best, labels = _on_all_rows(best, codes, measured, seed, counted.most)
        answers = _answers(best, labels, codes, measured, table, seed)
    return GroupedResult(
        answers[0],
        tuple(answers[1:]),
        _message(answers[0], table, len(measured.y), words, codes),
        ended_by(reasons, best.exact),
        meter.seconds,
    )


def _codes(table: WordTable, measured: Measurements, words: tuple[str, ...]) -> tuple[Ints, list[str]]:
    """The level of each complete row, and the levels."""
    codes, levels = table.codes(words)
    return codes[measured.numbers], levels


def _usable(
    words: tuple[str, ...], codes: Callable[[tuple[str, ...]], tuple[Ints, list[str]]], n: int
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """The columns whose words repeat often enough to be judged by, and the rows that they are judged on.

    Where the levels of all columns together have too few rows for half of the table, the column of most levels is left out.
    A column that has one word in all those rows says nothing about them, and is left out too.
    """
    words = tuple(word for word in words if not _is_constant(codes, word))
    while words:
        sizes = np.bincount(codes(words)[0])
        used = (sizes >= FEWEST_ROWS)[codes(words)[0]]
        if used.sum() * 2 >= n and (sizes >= FEWEST_ROWS).sum() > 1:
            telling = tuple(word for word in words if np.ptp(codes((word,))[0][used]))
            if telling == words:
                return words, used
            words = telling
            continue
        most = max(words, key=lambda word: len(codes((word,))[1]))
        words = tuple(word for word in words if word != most)
    return (), np.ones(n, dtype=np.bool_)


def _is_constant(codes: Callable[[tuple[str, ...]], tuple[Ints, list[str]]], word: str) -> bool:
    """Whether all rows have the same word."""
    return not np.ptp(codes((word,))[0])


def _rows(
    measured: Measurements, columns: tuple[str, ...], codes: Ints, used: NDArray[np.bool_]
) -> GroupedRows:
    """The used rows, their groups numbered without gaps."""
    kept, group = np.unique(codes[used], return_inverse=True)
    return GroupedRows(columns, measured.X[used], measured.y[used], group, len(kept))


def _evidence(
    words: tuple[str, ...],
    structures: Sequence[Structure],
    rows: GroupedRows,
    seed: int,
    until: float,
    needed: int = 1,
) -> _Evidence:
    """What structures say of rows; with the work `until` spent no more are fitted than the first that are needed."""
    fits = list[list[Fit | None]]()
    for structure in structures:
        if len(fits) >= needed and spent() > until and any(None not in fit for fit in fits):
            break
        fits.append(each_group(structure, rows, seed))
    structures = structures[: len(fits)]
    models = list[tuple[Tied, int]]()
    for at, (structure, fit) in enumerate(zip(structures, fits, strict=True)):
        model = together(structure, fit, rows)
        if model is not None and math.isfinite(model.criterion):
            models.append((of_one_group(model) if rows.count == 1 else model, at))
    models.sort(key=lambda item: description(item[0]))
    tied = sorted((tie(model, rows) for model, _ in models[:TIED_STRUCTURES]), key=description)
    branches = branched(structures, fits, rows) if rows.count > 1 and structures else ()
    size = description(tied[0]) if tied else math.inf
    if branches and (described := description_of(branches, rows)) < size:
        size = described
    else:
        branches = ()
    answer = {item.tree for item in (*tied[:1], *(branch.model for branch in branches))}
    first = [structure for structure in structures if structure[0] in answer]
    others = [structures[at] for _, at in models[:TAKEN_FORMULAS] if structures[at][0] not in answer]
    return _Evidence(words, rows, tuple(tied), branches, size, (*first, *others), max(len(first), 1))


def _on_all_rows(
    best: _Evidence,
    codes: Callable[[tuple[str, ...]], tuple[Ints, list[str]]],
    measured: Measurements,
    seed: int,
    until: float,
) -> tuple[_Evidence, list[str]]:
    """With the rows that took no part because columns that do not matter split their levels; the levels that take part."""
    number, levels = codes(best.words)
    used = (
        (np.bincount(number) >= FEWEST_ROWS)[number] if best.words else np.ones(len(number), dtype=np.bool_)
    )
    if used.sum() != len(best.rows.y):
        rows = _rows(measured, best.rows.columns, number, used)
        best = _evidence(best.words, best.structures, rows, seed, until, best.needed)
    return best, [levels[at] for at in np.unique(number[used])]


def _answers(
    best: _Evidence,
    labels: list[str],
    codes: Callable[[tuple[str, ...]], tuple[Ints, list[str]]],
    measured: Measurements,
    table: WordTable,
    seed: int,
) -> list[GroupedFormula | BranchedFormula]:
    """What was found as results, the best first, levels of few rows learned after the others."""
    number, levels = codes(best.words)
    few = [at for at, level in enumerate(levels) if level not in labels]
    words = WordColumns(table.table, best.words)
    answers = list[GroupedFormula | BranchedFormula]()
    if best.branches:
        answers.append(_branched(best, labels, words))
    plain = [as_grouped(written(model, best.rows.columns), best.rows, list(labels)) for model in best.tied]
    with attempted("errors outside"):
        plain = with_outside(plain, best.tied, best.rows, labels)
    answers += [
        replace(formula, words=words, own=formula.own if best.words else MappingProxyType({}))
        for formula in plain
    ]
    if not best.words:
        return answers
    for at in few:
        there = number == at
        answers = [
            answer.with_rows(levels[at], measured.X[there], measured.y[there], seed) for answer in answers
        ]
    return answers


def _branched(best: _Evidence, labels: list[str], words: WordColumns) -> BranchedFormula:
    parts: list[GroupedFormula] = []
    for branch in best.branches:
        own = [labels[level] for level in branch.levels]
        model = written(branch.model, best.rows.columns)
        parts.append(replace(as_grouped(model, branch.rows, list[Hashable](own)), words=words))
    left = sum(branch.model.rss for branch in best.branches)
    rows = best.rows
    means = np.bincount(rows.group, rows.y) / np.bincount(rows.group)
    spread = float(np.square(rows.y - means[rows.group]).sum())
    return BranchedFormula(
        tuple(parts),
        words,
        math.sqrt(left / len(rows.y)),
        1 - left / spread if spread > 0 else 1.0,
        best.size,
    )


def _message(
    best: GroupedFormula | BranchedFormula,
    table: WordTable,
    rows: int,
    usable: tuple[str, ...],
    codes: Callable[[tuple[str, ...]], tuple[Ints, list[str]]],
) -> str:
    named = best.words.named if best.words else ""
    levels = plural(len(best.own), "level")
    if isinstance(best, BranchedFormula):
        said = f"{len(best.branches)} formulas for the {levels} of {named} and {rows} rows."
    elif best.own:
        own = ", ".join(next(iter(best.own.values())))
        said = f"One law for the {levels} of {named} and {rows} rows: of each level's own are {own}."
    else:
        said = f"One law for {rows} rows."
    idle = [
        name
        for name in table.words
        if name in usable and name not in (best.words.words if best.words else ())
    ]
    alike = [name for name in table.words if _is_constant(codes, name)]
    rare = [name for name in table.words if name not in usable and name not in alike]
    if alike:
        said += f" {among(alike)} {'has one word' if len(alike) == 1 else 'have one word each'} in all rows."
    if idle:
        said += f" Nothing follows the words of {among(idle)}."
    if rare:
        said += f" The words of {among(rare)} are in too few rows each to be judged by."
    return f"{said} Root mean squared error {best.rmse:.4g}."
