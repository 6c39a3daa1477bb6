"""From the rows of many groups to one law: structures are sought in some groups, and judged on all."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_int, plural
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, check_seconds, check_work
from edgewise.forms.tree import Node, Variable, names_in, render, replaced
from edgewise.symbolic.config import GroupConfig
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.measurements import Measurements
from edgewise.symbolic.results.formula import Constant, Formula
from edgewise.symbolic.results.search_result import FormulaResult
from edgewise.symbolic.search.grouped_constants import GroupedRows, Tied, apart, tie
from edgewise.symbolic.search.grouped_formula import GroupedFormula, text_of
from edgewise.symbolic.search.grouped_result import GroupedResult, group_labels
from edgewise.symbolic.search.grouped_template import constant_names, loosened, template
from edgewise.symbolic.search.input_validation import read_rows


def search_groups(
    search: Callable[..., FormulaResult],
    X: Any,
    y: Any,
    groups: Any,
    *,
    names: Iterable[str] | None,
    work: str | float,
    seconds: float | None,
    seed: Any,
    config: GroupConfig,
    of: str,
) -> GroupedResult:
    """One law over many groups of rows, in which constants may differ from group to group.

    Structures are sought in the groups with most rows, each then fitted to all groups; constants that differ no more
    than their errors are made one for all, one after another, while Schwarz's criterion falls (Schwarz 1978, Estimating the
    dimension of a model, Annals of Statistics 6(2), doi:10.1214/aos/1176344136).

    Parameters
    ----------
    search
        Finds formulas in the rows of one group: called with X and y, and with names, work, seconds and seed.
    X, y, groups
        Table (n, d), target (n,) and the group of each row (n,).
    names, work, seconds, seed
        As of `find_formula`; for all groups together.
    config
        The thresholds.
    of
        Who asks, for messages.

    Raises
    ------
    InputError
        If the table does not fit together, or no group has rows enough.
    """
    meter = Meter(seconds=(limit := check_seconds(seconds, of)))
    factor, seed = check_work(work, of), check_int(seed, "seed", low=0, of=of)
    table, columns = read_rows(X, y, names)
    labels, number = group_labels(groups, len(np.asarray(y)), of)
    rows = GroupedRows(columns, table.X, table.y, number[table.numbers], len(labels))
    if (largest := int(np.bincount(rows.group).max())) < config.fewest_rows:
        raise InputError(
            f"The 'groups' argument of {of} must have a group of at least {config.fewest_rows} rows. "
            f"The largest has {largest}."
        )
    with np.errstate(all="ignore"), one_thread():
        formulas, reasons = sought(search, rows, work=factor, limit=limit, seed=seed, config=config)
        structures = structures_of(formulas, columns)
        rank = partial(description, node=config.node)
        rows, few = with_enough(
            rows, min(config.fewest_rows, max(len(constants) for _, constants, _ in structures))
        )
        models = fitted(structures, rows, seed, rank)
        if not models:
            raise InputError(
                f"{of} found no formula that has values on the rows of every group. Leave out groups that differ in kind."
            )
        tied = sorted((tie(model, rows) for model in models[: config.tied]), key=rank)
        kept = [label for at, label in enumerate(labels) if at not in few]
        answers = [as_grouped(renamed(each, columns), rows, kept) for each in [*tied, *models[config.tied :]]]
        answers = [joined(each, labels, few, table, number[table.numbers], seed) for each in answers]
    best = answers[0]
    return GroupedResult(
        best,
        tuple(answers[1:]),
        _message(best, renamed(tied[0], columns), rows, len(few)),
        next((each for each in reasons if not each.repeatable), reasons[0]),
        meter.seconds,
    )


def sought(
    search: Callable[..., FormulaResult],
    rows: GroupedRows,
    *,
    work: float,
    limit: float | None,
    seed: int,
    config: GroupConfig,
) -> tuple[list[Formula], list[StopReason]]:
    """Formulas for the rows of single groups, those with most of them; work and time are for all together."""
    sizes = np.bincount(rows.group, minlength=rows.count)
    largest = [int(at) for at in np.argsort(-sizes, kind="stable")[: config.searched]]
    largest = [at for at in largest if sizes[at] >= config.fewest_rows]
    formulas: list[Formula] = []
    reasons: list[StopReason] = []
    for at in largest:
        share = None if limit is None else max(limit / len(largest), 0.1)
        found = search(*rows.of(at), names=rows.columns, work=work / len(largest), seconds=share, seed=seed)
        formulas += [found.best, *found.front[: config.taken - 1]]
        reasons.append(found.stop_reason)
    return formulas, reasons


def with_enough(rows: GroupedRows, most: int) -> tuple[GroupedRows, frozenset[int]]:
    """The groups with rows for so many constants, numbered anew, and the numbers of the others."""
    sizes = np.bincount(rows.group, minlength=rows.count)
    few = frozenset(int(at) for at in np.flatnonzero(sizes < most))
    if not few:
        return rows, few
    kept = np.array([at for at in range(rows.count) if at not in few])
    there = np.isin(rows.group, kept)
    return (
        GroupedRows(
            rows.columns, rows.X[there], rows.y[there], np.searchsorted(kept, rows.group[there]), len(kept)
        ),
        few,
    )


def joined(
    formula: GroupedFormula,
    labels: list[Hashable],
    few: frozenset[int],
    table: Measurements,
    number: NDArray[np.int64],
    seed: int,
) -> GroupedFormula:
    """With the groups of few rows, learned after the others; all in the order in which they came."""
    if not few:
        return formula
    for at in sorted(few):
        there = number == at
        formula = formula.with_rows(labels[at], table.X[there], table.y[there], seed)
    return replace(formula, own=MappingProxyType({label: formula.own[label] for label in labels}))


def structures_of(
    formulas: Iterable[Formula], columns: tuple[str, ...]
) -> list[tuple[Node, tuple[str, ...], tuple[float, ...]]]:
    """The distinct templates of formulas, each also with the constants that a group may hide by being 1 or 0."""
    found: dict[str, tuple[Node, tuple[str, ...], tuple[float, ...]]] = {}
    for formula in formulas:
        for tree in (formula.tree, loosened(formula.tree, columns)):
            made = template(tree, columns)
            found.setdefault(render(made[0]), made)
    return list(found.values())


def fitted(
    structures: list[tuple[Node, tuple[str, ...], tuple[float, ...]]],
    rows: GroupedRows,
    seed: int,
    rank: Callable[[Tied], float],
) -> list[Tied]:
    """Each structure with constants of every group's own, the best first; those without values are left out."""
    models = [apart(*each, rows, seed) for each in structures]
    return sorted((each for each in models if each is not None and math.isfinite(each.criterion)), key=rank)


def description(model: Tied, node: float) -> float:
    """The criterion, and what the structure itself takes to be written down."""
    return model.criterion + 2 * node * node_count(from_tree(model.tree))


def as_grouped(model: Tied, rows: GroupedRows, labels: list[Hashable]) -> GroupedFormula:
    """A fitted model as a result; `labels` name its groups."""
    own = {
        label: MappingProxyType(
            {name: Constant(float(v[at]), float(e[at])) for name, (v, e) in model.own.items()}
        )
        for at, label in enumerate(labels)
    }
    shared = {name: Constant(value, error) for name, (value, error) in model.shared.items()}
    sizes = np.bincount(rows.group, minlength=rows.count)
    means = np.bincount(rows.group, rows.y, rows.count) / np.maximum(sizes, 1)
    spread = float(np.square(rows.y - means[rows.group]).sum())
    return GroupedFormula(
        model.tree,
        text_of(model.tree, {name: each.value for name, each in shared.items()}, rows.columns),
        render(model.tree),
        MappingProxyType(shared),
        MappingProxyType(own),
        rows.columns,
        math.sqrt(model.rss / len(rows.y)),
        1 - model.rss / spread if spread > 0 else 1.0,
        model.criterion,
    )


def renamed(model: Tied, columns: tuple[str, ...]) -> Tied:
    """In its usual writing, plain numbers in their places, the groups' own constants named a, b, c, ... as they are read."""
    known = [*columns, *model.names]
    tree = to_tree(from_tree(replaced(model.tree, model.plain), known))
    read = [name for name in dict.fromkeys(names_in(tree)) if name in model.own or name in model.shared]
    order = [name for name in read if name in model.own] + [name for name in read if name in model.shared]
    new = dict(zip(order, constant_names(columns), strict=False))
    tree = replaced(tree, {old: Variable(name) for old, name in new.items()})
    shared = {new[name]: model.shared[name] for name in order if name in model.shared}
    own = {new[name]: model.own[name] for name in order if name in model.own}
    return replace(model, tree=tree, names=tuple(new.values()), shared=shared, own=own)


def _message(best: GroupedFormula, model: Tied, rows: GroupedRows, few: int) -> str:
    own = ", ".join(model.own)
    differing = f"of each group's own are {own}" if own else "no constant differs between the groups"
    shared = plural(len(model.shared) + len(model.plain), "constant")
    later = f" {plural(few, 'group')} with fewer rows than constants followed from these." if few else ""
    return (
        f"One law over {rows.count} groups and {len(rows.y)} rows: {differing}; shared: {shared}. Root mean squared error "
        f"{best.rmse:.4g}.{later}"
    )
