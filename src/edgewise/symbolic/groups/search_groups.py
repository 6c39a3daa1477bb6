"""From the rows of many groups to one law: structures are sought in some groups, and judged on all."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_int, plural
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, check_seconds, check_work, running
from edgewise.forms.tree import Node, render
from edgewise.symbolic.costs import SEARCH_WORK_UNITS
from edgewise.symbolic.fitting.measurements import Measurements, read_rows
from edgewise.symbolic.groups.constants import FEW_STARTS, TAKEN_FORMULAS, TIED_STRUCTURES, Tied, exact
from edgewise.symbolic.groups.curves import curves
from edgewise.symbolic.groups.fractions import FRACTIONS, in_fractions
from edgewise.symbolic.groups.grouped_formula import GroupedFormula, constant, text_of
from edgewise.symbolic.groups.grouped_result import GroupedResult, group_labels
from edgewise.symbolic.groups.mending import MENDING, mended, written
from edgewise.symbolic.groups.other_shapes import other_shapes
from edgewise.symbolic.groups.outside import with_outside
from edgewise.symbolic.groups.relations import related
from edgewise.symbolic.groups.rows import FEWEST_ROWS, GroupedRows
from edgewise.symbolic.groups.sharing import released
from edgewise.symbolic.groups.structure_pool import StructurePool
from edgewise.symbolic.groups.sums_of_powers import sums_of_powers
from edgewise.symbolic.groups.sums_with_rates import sums_with_rates
from edgewise.symbolic.groups.template import factored, loosened, template
from edgewise.symbolic.provenance import attempted, is_excluded, like, origin_of
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import FormulaResult

# Groups that are searched, those with most rows: every search costs a share of the work.
_SEARCHED_GROUPS = 6
# Share of the work that searches may take; what they find is judged by all groups, which is work, too.
_SEARCH_SHARE = 0.25
# Sums of each number of terms that are taken beside formulas: of products of powers, of functions with a rate; and curves.
_SUMS = 4
# Cells of the table by which the latter two are chosen.
_SEEN_CELLS = 100_000
# Of these, in so many other functions are tried in the places of the formula.
_RESHAPED_FORMULAS = 4

# Whoever ends one search ends all.
ENDED = (StopReason.INTERRUPTED, StopReason.CALLBACK)


@dataclass(frozen=True)
class SearchLimits:
    """What limits searches over groups or words, for all of them together.

    Attributes
    ----------
    work, seconds, seed
        As of `find_formula`.
    allowed : frozenset of str or None
        The functions that formulas may hold; None for all.
    constrained : bool
        Whether formulas must fulfil more than that, which each search sees to: then no others are made of them.
    """

    work: str | float
    seconds: float | None
    seed: Any
    allowed: frozenset[str] | None = None
    constrained: bool = False


def search_groups(
    search: Callable[..., FormulaResult],
    X: Any,
    y: Any,
    groups: Any,
    names: Iterable[str] | None,
    limits: SearchLimits,
) -> GroupedResult:
    """One law over many groups of rows, in which constants may differ from group to group.

    Structures are sought in the groups with most rows, each then fitted to all groups; constants that differ no more
    than their errors are made one for all, one after another (`differ`). Structures are compared by Schwarz's criterion
    (Schwarz 1978, Estimating the dimension of a model, Annals of Statistics 6(2), doi:10.1214/aos/1176344136).

    Parameters
    ----------
    search
        Finds formulas in the rows of one group: called with X and y, and with names, work, seconds and seed.
    X, y, groups
        Table (n, d), target (n,) and the group of each row (n,).
    names
        As of `find_formula`.
    limits
        Of all searches together.

    Raises
    ------
    InputError
        If the table does not fit together, or no group has rows enough.
    """
    meter = Meter(seconds=(limit := check_seconds(limits.seconds)))
    factor, seed = check_work(limits.work), check_int(limits.seed, "seed", low=0)
    table, columns = read_rows(X, y, names)
    labels, number = group_labels(groups, len(np.asarray(y)))
    rows = GroupedRows(columns, table.X, table.y, number[table.numbers], len(labels))
    if (largest := int(np.bincount(rows.group).max())) < FEWEST_ROWS:
        raise InputError(
            argument="groups",
            expected=f"have a group of at least {FEWEST_ROWS} rows",
            got=f"at most {largest}",
        )
    counted = Meter(SEARCH_WORK_UNITS * factor)
    with np.errstate(all="ignore"), one_thread(), running(counted):
        pool, reasons, found = StructurePool(rows, seed, counted.most), list[StopReason](), list[Tied]()
        try:
            for formulas, reason in searches(
                search, rows, work=factor * _SEARCH_SHARE, limit=limit, seed=seed
            ):
                reasons.append(reason)
                if pool.settled_by(structures_of(formulas, columns)) or reason in ENDED:
                    break
            if not pool.models:
                raise InputError(
                    "No formula that was found has values on the rows of every group. Leave out groups that differ in kind."
                )
            late = limit is not None and meter.seconds >= limit
            if not limits.constrained and not late and reasons[-1] not in ENDED:
                with attempted("better structures"):
                    found = _improved(pool, limits.allowed, seed, counted)
        except KeyboardInterrupt:
            if not pool.models:
                raise
            reasons.append(StopReason.INTERRUPTED)
        rows, few, models = pool.rows, pool.few, pool.models
        tied = _finished(found or pool.tied, pool)
        kept = [label for at, label in enumerate(labels) if at not in few]
        taken = [*tied, *models[TIED_STRUCTURES:]][:TAKEN_FORMULAS]
        answers = [as_grouped(written(model, columns), rows, kept) for model in taken]
        with attempted("errors outside"):
            answers = with_outside(answers, taken, rows, kept)
        answers = [joined(answer, labels, few, table, number[table.numbers], seed) for answer in answers]
    best = answers[0]
    return GroupedResult(
        best,
        tuple(answers[1:]),
        " ".join([_message(best, written(tied[0], columns), rows, len(few)), *table.notes]),
        ended_by(reasons, exact(tied[0].rss, rows.y)),
        meter.seconds,
    )


def ended_by(reasons: Sequence[StopReason], nothing_left: bool) -> StopReason:
    """Why several searches ended: what came from outside, else what the first says where anything is left of the rows."""
    outside = (reason for reason in reasons if not reason.repeatable)
    return next(outside, StopReason.EXACT if nothing_left else reasons[0])


def _improved(pool: StructurePool, allowed: frozenset[str] | None, seed: int, meter: Meter) -> list[Tied]:
    """Sums of powers and of functions, and models near those of a pool, that are better, unless one leaves nothing or the
    work is spent."""
    if not exact(pool.tied[0].rss, pool.rows.y):
        broken = allowed is None or "sqrt" in allowed
        sums = sums_of_powers(pool.rows, pool.price, _SUMS, broken=broken)
        seen = pool.rows.thinned(_SEEN_CELLS // len(pool.rows.columns))
        rates = sums_with_rates(seen, pool.price, _SUMS, allowed)
        bent = curves(seen, pool.price, _SUMS, allowed)
        pool.settled_by([*sums, *rates, *bent], FEW_STARTS)
    if meter.left > 0 and not exact(pool.tied[0].rss, pool.rows.y):
        pool.settled_by(reshaped(pool.tied[:_RESHAPED_FORMULAS], pool.rows, allowed), FEW_STARTS)
    if exact(pool.tied[0].rss, pool.rows.y):
        return pool.tied
    return pool.tied if is_excluded(MENDING) else mended(pool.tied, pool.rows, pool.rank, seed, meter.most)


def _finished(found: list[Tied], pool: StructurePool) -> list[Tied]:
    """The best of them with as few constants as the rows allow, and as many of each group's own as they ask; best first."""
    rows, rank = pool.rows, pool.rank

    def changed(model: Tied, change: Callable[[Tied], Tied]) -> Tied:
        """The model as it is where the change of its constants fails."""
        with attempted("constants of groups"):
            return change(model)
        return model

    best = [changed(item, lambda one: related(one, rows, rank)) for item in found[:TIED_STRUCTURES]]
    if not is_excluded(FRACTIONS):
        best = [changed(item, lambda one: in_fractions(one, rows, rank)) for item in best]
    ranked = sorted([*best, *found[TIED_STRUCTURES:]], key=rank)
    last = [changed(item, lambda one: released(one, rows)) for item in ranked[:TIED_STRUCTURES]]
    return last + ranked[TIED_STRUCTURES:]


def sought(
    search: Callable[..., FormulaResult], rows: GroupedRows, *, work: float, limit: float | None, seed: int
) -> tuple[list[Formula], list[StopReason]]:
    """What all of the `searches` give together."""
    found, reasons = list[Formula](), list[StopReason]()
    for formulas, reason in searches(search, rows, work=work, limit=limit, seed=seed):
        found += formulas
        reasons.append(reason)
        if reason in ENDED:
            break
    return found, reasons


def searches(
    search: Callable[..., FormulaResult], rows: GroupedRows, *, work: float, limit: float | None, seed: int
) -> Iterator[tuple[list[Formula], StopReason]]:
    """Formulas for the rows of single groups, those first that show most; work and time are for all together."""
    sizes = np.bincount(rows.group, minlength=rows.count)
    largest = [int(at) for at in np.argsort(-sizes, kind="stable")[:_SEARCHED_GROUPS]]
    largest = [at for at in largest if sizes[at] >= FEWEST_ROWS]
    # Under noise that is alike in all, a group shows as much of the law as its values are spread.
    largest.sort(key=lambda at: -float(np.square(rows.of(at)[1] - rows.of(at)[1].mean()).sum()))
    for at in largest:
        share = None if limit is None else max(limit / len(largest), 0.1)
        found = search(*rows.of(at), names=rows.columns, work=work / len(largest), seconds=share, seed=seed)
        yield [found.best, *found.front[: TAKEN_FORMULAS - 1]], found.stop_reason


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
        plain = factored(formula.tree)
        for tree in (plain, loosened(plain, columns)):
            made = template(tree, columns)
            found.setdefault(render(made[0]), (like(made[0], formula.tree), *made[1:]))
    return list(found.values())


def reshaped(
    models: Iterable[Tied], rows: GroupedRows, allowed: frozenset[str] | None
) -> list[tuple[Node, tuple[str, ...], tuple[float, ...]]]:
    """The distinct formulas of `other_shapes` of some models."""
    found: dict[str, tuple[Node, tuple[str, ...], tuple[float, ...]]] = {}
    for model in models:
        tree = written(model, rows.columns).tree
        for made in other_shapes(tree, rows.columns, rows.X, allowed):
            found.setdefault(render(made[0]), (like(made[0], tree), *made[1:]))
    return list(found.values())


def as_grouped(model: Tied, rows: GroupedRows, labels: list[Hashable]) -> GroupedFormula:
    """A fitted model as a result; `labels` name its groups."""
    alone = exact(model.rss, rows.y)
    own = {
        label: MappingProxyType(
            {name: constant(float(v[at]), float(e[at]), alone) for name, (v, e) in model.own.items()}
        )
        for at, label in enumerate(labels)
    }
    shared = {name: constant(value, error, alone) for name, (value, error) in model.shared.items()}
    sizes = np.bincount(rows.group, minlength=rows.count)
    means = np.bincount(rows.group, rows.y, rows.count) / np.maximum(sizes, 1)
    spread = float(np.square(rows.y - means[rows.group]).sum())
    return GroupedFormula(
        model.tree,
        text_of(model.tree, {name: item.value for name, item in shared.items()}, rows.columns),
        render(model.tree),
        MappingProxyType(shared),
        MappingProxyType(own),
        rows.columns,
        math.sqrt(model.rss / len(rows.y)),
        1 - model.rss / spread if spread > 0 else 1.0,
        model.criterion,
        origin=origin_of(model.tree),
    )


def _message(best: GroupedFormula, model: Tied, rows: GroupedRows, few: int) -> str:
    own = ", ".join(model.own)
    differing = f"of each group's own are {own}" if own else "no constant differs between the groups"
    numbers = template(model.tree, [*rows.columns, *model.names])[1]
    shared = plural(len(best.shared) + len(numbers), "constant")
    later = f" {plural(few, 'group')} with few rows followed from these." if few else ""
    return (
        f"One law over {plural(rows.count, 'group')} and {len(rows.y)} rows: {differing}; shared: {shared}. Root mean "
        f"squared error {best.rmse:.4g}.{later}"
    )
