"""What units make of a table before anything is searched: fewer columns, all of them without a unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgewise.forms import Form
from edgewise.forms.tree import Node
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.direct_candidates import direct_candidates
from edgewise.symbolic.structure.state import Move, State
from edgewise.symbolic.units.constraints import Dimensions


def reduced(rows: SplitRows, units: Dimensions | None) -> State | None:
    """The table in products without unit; None where units do not make it simpler, or where it has no values."""
    if units is None:
        return None
    groups = units.groups()
    plain = groups.prefactor is not None and not any(groups.prefactor)
    if groups.prefactor is None or not groups.products or (plain and len(groups.products) == len(rows.names)):
        return None
    return State.table(rows).after(Move("units", groups.product_trees, groups.prefactor_tree))


@proposes("units")
def from_units(units: Dimensions | None, state: State | None, forms: Sequence[Form] | None) -> Iterator[Node]:
    """Direct candidates in the products, as formulas in the columns; where there are none, a multiple of the prefactor."""
    if state is not None:
        for tree in direct_candidates(state.rows, forms):
            yield state.lift(tree)
    elif units is not None:
        groups = units.groups()
        if groups.prefactor_tree is not None and not groups.products:
            yield 1.0 * groups.prefactor_tree
