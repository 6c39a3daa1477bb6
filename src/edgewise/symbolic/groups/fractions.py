"""Laws of all groups as sums of partial fractions: T/(V - b) - c/V^2 in place of (T - a/(V*b) + a/V^2)/(V - b).

A formula says more where each constant stands once. The factors of a fraction's terms, which may hold several, become
constants themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from edgewise._core.arrays import Floats
from edgewise.forms.tree import names_in, replaced
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.parse import from_sympy, to_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.groups.constants import Tied, refitted
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.template import constant_names
from edgewise.symbolic.provenance import marked, origin_of

# Nodes of a formula that is taken apart at most: sympy takes long for many.
_MOST_NODES = 60


# The name of this step in the provenance of a law.
FRACTIONS = "groups: partial fractions"


def in_fractions(model: Tied, rows: GroupedRows, rank: Callable[[Tied], float]) -> Tied:
    """The model as partial fractions in one of its columns, where it has no more constants and a shorter description."""
    if node_count(from_tree(model.tree)) > _MOST_NODES:
        return model
    best = model
    for column in rows.columns:
        start = _split(model, column, rows)
        made = None if start is None else refitted(start, rows)
        if made is not None and math.isfinite(made.criterion) and rank(made) < rank(best):
            best = made
    return best


def _split(model: Tied, column: str, rows: GroupedRows) -> Tied | None:
    """The fractions with constants for their factors; None where the column stands in no fraction of a sum."""
    names = [*rows.columns, *model.names]
    whole, x = to_sympy(replaced(model.tree, model.plain), names), sympy.Symbol(column)
    if not whole.is_rational_function(x) or whole.is_polynomial(x):
        return None
    split: Any = sympy.apart(sympy.together(whole), x)
    parts: tuple[Any, ...] = sympy.Add.make_args(split)
    if len(parts) < 2:
        return None
    supply, own, shared = constant_names(names), dict(model.own), dict(model.shared)
    terms = list[Any]()
    for part in parts:
        factor, rest = part.as_independent(*map(sympy.Symbol, rows.columns), as_Add=False)
        below = sympy.denom(rest)
        if sympy.LC(below, x).could_extract_minus_sign():  # V - b rather than b - V
            factor, rest = -factor, sympy.numer(rest) / sympy.expand(-below)
        held = [symbol.name for symbol in factor.free_symbols]
        if not held or factor.is_Symbol:
            terms.append(factor * rest)
            continue
        name, value = next(supply), _value(factor, held, model, rows.count)
        terms.append(sympy.Symbol(name) * rest)
        if model.own.keys() & set(held):
            own[name] = (value, np.zeros(rows.count))
        else:
            shared[name] = (float(value[0]), 0.0)
    tree = from_sympy(sympy.Add(*terms))
    there = set(names_in(tree))
    own = {name: item for name, item in own.items() if name in there}
    shared = {name: item for name, item in shared.items() if name in there}
    if len(own) > len(model.own) or len(shared) > len(model.shared):
        return None
    return Tied(
        marked(tree, FRACTIONS, *origin_of(model.tree)), (*own, *shared), shared, own, {}, math.inf, math.inf
    )


def _value(factor: Any, held: list[str], model: Tied, count: int) -> Floats:
    """A factor of constants in every group, (groups,)."""
    known = {name: np.full(count, value) for name, (value, _) in model.shared.items()}
    known |= {name: values for name, (values, _) in model.own.items()}
    tape = Tape(from_sympy(factor), held)
    return np.asarray(
        tape.value(tape.start, np.column_stack([known[name] for name in held])), dtype=np.float64
    )
