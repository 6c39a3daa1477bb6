"""Whether formulas with constants of each group's own satisfy constraints in every group."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix, check_vector
from edgewise.symbolic.fitting.measurements import called
from edgewise.symbolic.groups.branched_formula import BranchedFormula
from edgewise.symbolic.groups.grouped_formula import GroupedFormula
from edgewise.symbolic.groups.grouped_result import GroupedResult
from edgewise.symbolic.search.constraint_text import Constraint, read_constraints, texts_of
from edgewise.symbolic.search.constraints import PLACES, Checker, broken_note


def held_by_groups(result: GroupedResult, constraints: Any, X: Any, y: Any) -> GroupedResult:
    """The result without formulas that break constraints in some group, in the box of all rows, and a sentence about that.

    Parameters
    ----------
    result
    constraints
        As `find_formula` takes them.
    X : array of shape (n, d)
        The columns of numbers.
    y : array of shape (n,)
    """
    columns = result.best.columns
    asked = read_constraints(constraints, columns, called(y, columns))
    if not asked:
        return result
    target = check_vector(y, "y", missing=True)
    checker = Checker.of(asked, columns, check_matrix(X, "X", missing=True), target[target == target])
    everything = (result.best, *result.rivals)
    broken = [_broken(rival, checker) for rival in everything]
    kept = tuple(rival for rival, lost in zip(everything, broken, strict=True) if not lost)
    if not kept:
        texts = tuple(dict.fromkeys(item.text for item in broken[0]))
        return replace(result, broken=texts, message=f"{result.message} {broken_note(texts)}")
    if not broken[0]:
        note = f"At {PLACES} places of the box of the rows they satisfy {texts_of(asked)}: no proof."
    else:
        note = f"A formula that fits better breaks {texts_of(broken[0])} in some group."
    return replace(result, best=kept[0], rivals=kept[1:], message=f"{result.message} {note}")


def _broken(formula: GroupedFormula | BranchedFormula, checker: Checker) -> tuple[Constraint, ...]:
    """What it breaks in any group."""
    found = dict[Constraint, None]()
    for group in formula.own or [""]:
        found |= dict.fromkeys(checker.broken(_values_in(formula, group), formula.rmse))
    return tuple(found)


def _values_in(formula: GroupedFormula | BranchedFormula, group: Hashable) -> Any:
    def values(X: Floats) -> Floats:
        return formula.values(group, X)

    return values
