"""Closed forms for learned functions: suggestions for each, and the choice that makes the best whole formula."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from edgewise._core.work import spent
from edgewise.forms.tree import Node, Number, substitute
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.criterion import criterion_of
from edgewise.symbolic.fitting.least_squares import Refit, refit
from edgewise.symbolic.fitting.rounding import fit_expression, round_constants, trim_digits
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.known_form.text import Partial
from edgewise.symbolic.results.formula import Formula, pareto
from edgewise.symbolic.results.search_result import as_formula, best_of
from edgewise.symbolic.univariate.closed_forms import Suggestion

# Rows and steps that choose among closed forms, and formulas that are finished.
_CHOICE_ROWS = 300
_CHOICE_STEPS = 40
_FINISHED = 3
# Formulas of several groups or targets are rounded where they have no more constants, for each is tried alone.
_MOST_ROUNDED = 24


@dataclass(frozen=True)
class _Judged:
    choice: tuple[int, ...]
    fit: Refit
    score: float


def whole_formulas(
    partial: Partial,
    suggestions: Mapping[str, Sequence[Suggestion]],
    rows: SplitRows,
    until: float,
    constants: Mapping[str, float] = MappingProxyType({}),
) -> tuple[Formula, ...]:
    """Formulas with every unknown replaced by a closed form, constants fitted and rounded, the recommended first.

    Parameters
    ----------
    partial
        The partly known formula.
    suggestions
        For each unknown function.
    rows
        Data to fit and to judge on.
    until
        The count of work (see `spent`) where it ends.
    constants
        Values of the named constants to start from.

    Returns
    -------
    tuple of Formula
        Empty where no choice has a value on every row.
    """
    ranked = _ranked(partial, suggestions, rows, until, constants)[:_FINISHED]
    finished = [_finished(item, rows) for item in ranked]
    front = pareto([formula for formula in finished if math.isfinite(formula.error)])
    if not front:
        return ()
    first = best_of(front, rows)
    return (first, *(formula for formula in front if formula is not first))


def whole_tree(
    partial: Partial,
    suggestions: Mapping[str, Sequence[Suggestion]],
    rows: SplitRows,
    until: float,
    constants: Mapping[str, float],
) -> tuple[Node, float] | None:
    """The likeliest whole formula as a tree over the columns and those of levels, fitted and rounded, and its error.

    Parameters as of `whole_formulas`. None where no choice has a value on every row.
    """
    ranked = _ranked(partial, suggestions, rows, until, constants)
    if not ranked:
        return None
    fitted = fit_expression(from_tree(ranked[0].fit.tree, rows.names), rows)
    if len(fitted.fit.constants) <= _MOST_ROUNDED:
        fitted = trim_digits(round_constants(fitted.expression, rows), rows)
    return fitted.fit.tree, fitted.held


def _ranked(
    partial: Partial,
    suggestions: Mapping[str, Sequence[Suggestion]],
    rows: SplitRows,
    until: float,
    constants: Mapping[str, float],
) -> list[_Judged]:
    """Choices of a closed form for each function, the likeliest first."""
    names = list(partial.functions)
    sizes = [len(suggestions[name]) for name in names]
    thin = rows.thinned(_CHOICE_ROWS)
    seen: dict[tuple[int, ...], _Judged] = {}

    def judge(choice: tuple[int, ...]) -> _Judged:
        if choice not in seen:
            chosen = {name: suggestions[name][at] for name, at in zip(names, choice, strict=True)}
            seen[choice] = _judged(partial, chosen, choice, thin, constants)
        return seen[choice]

    if not all(sizes):
        return []
    best = judge(tuple(0 for _ in names))
    while spent() < until:
        before = best
        trials = (
            (*best.choice[:at], option, *best.choice[at + 1 :])
            for at, size in enumerate(sizes)
            for option in range(size)
        )
        for trial in list(trials):
            if spent() < until:
                best = min(best, judge(trial), key=lambda value: value.score)
        if best is before:
            break
    return [
        entry for entry in sorted(seen.values(), key=lambda item: item.score) if math.isfinite(entry.score)
    ]


def _judged(
    partial: Partial,
    chosen: Mapping[str, Suggestion],
    choice: tuple[int, ...],
    rows: SplitRows,
    constants: Mapping[str, float],
) -> _Judged:
    tree, steps = put_together(partial, chosen, constants), _CHOICE_STEPS
    fit = refit(tree, rows.names, rows.X, rows.y, steps=steps, tolerance=1e-10)
    size = sum(suggestion.complexity for suggestion in chosen.values())
    return _Judged(choice, fit, criterion_of(fit, size, rows))


def _finished(judged: _Judged, rows: SplitRows) -> Formula:
    expression = shortest(from_tree(judged.fit.tree, rows.names), rows.positive)
    return as_formula(trim_digits(round_constants(expression, rows), rows), rows, None)


def put_together(
    partial: Partial, chosen: Mapping[str, Suggestion], known: Mapping[str, float] = MappingProxyType({})
) -> Node:
    """The whole formula as a tree; a function called twice has the same constants in both places."""
    constants = {name: _constants(suggestion) for name, suggestion in chosen.items()}
    done: dict[str, Node] = {label: Number(float(value)) for label, value in known.items()}

    def filled(tree: Node) -> Node:
        for label, node in done.items():
            tree = substitute(tree, label, node)
        return tree

    for slot in partial.slots:
        if slot.label in known:
            continue
        argument = filled(slot.argument.tree)
        done[slot.label] = _called(chosen[slot.function], constants[slot.function], argument)
    return filled(partial.root.tree)


def _constants(found: Suggestion) -> tuple[Number, Number | None, Number | None, Number]:
    """a, b, c, d as literals, the redundant ones left out."""
    plain = found.form.family in ("linear", "power") and found.b == 1.0
    b = None if plain else Number(float(found.b))
    c = None if found.c == 0.0 else Number(float(found.c))
    return Number(float(found.a)), b, c, Number(float(found.d))


def _called(
    found: Suggestion, constants: tuple[Number, Number | None, Number | None, Number], argument: Node
) -> Node:
    a, b, c, d = constants
    inner = argument if b is None else b * argument
    inner = inner if c is None else inner + c
    return a * substitute(found.form.tree(), "x", inner) + d
