"""Laws of all groups made better: steps from formula to formula while the description gets shorter."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edgewise._core.work import spent
from edgewise.forms.tree import Apply, Node, Variable, names_in, render, replaced, summed
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.groups.constants import (
    FEW_STARTS,
    NODE_NATS,
    TIED_STRUCTURES,
    Fit,
    Tied,
    distinct,
    of_group,
    refitted,
    together,
)
from edgewise.symbolic.groups.edits import Edited, edits, places, put
from edgewise.symbolic.groups.outlook import foretold
from edgewise.symbolic.groups.relations import related
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import released, tie
from edgewise.symbolic.groups.template import constant_names
from edgewise.symbolic.provenance import like, marked, origin_of

# The name of these steps in the provenance of a law.
MENDING = "groups: mending"

# Formulas a step away whose constants are tied in a round, and rounds at most.
_MENDED_FORMULAS = 6
_MOST_ROUNDS = 5


def mended(
    models: Sequence[Tied],
    rows: GroupedRows,
    rank: Callable[[Tied], float],
    seed: int,
    until: float = math.inf,
) -> list[Tied]:
    """The models and better ones near them, the best first.

    Each round takes all steps from the best models, fits the constants of all groups at once from those there were, and has
    constants tied where the description is shortest; the rounds end where none gets shorter by a node. Where the best one's
    constants give another formula no value, they are sought in each group. No more steps are taken from the count of work
    `until` on (see `spent`).
    """
    known = {render(item.tree): item for item in (written(one, rows.columns) for one in models)}
    tried = set[str]()
    for _ in range(_MOST_ROUNDS):
        best = distinct(sorted(known.values(), key=rank))[:TIED_STRUCTURES]
        fresh = list[Tied]()
        for parent in best:
            for step in edits(parent.tree, rows.columns):
                if (text := render(step.tree)) in tried or spent() > until:
                    continue
                tried.add(text)
                start = begun(parent, step, rows)
                model = refitted(start, rows)
                if model is None and parent is best[0] and not step.own and not step.shared:
                    model = _anew(start, rows, seed)
                if model is not None and math.isfinite(model.criterion):
                    fresh.append(model)
        before = rank(best[0]) if best else math.inf
        for model in sorted(fresh, key=lambda item: rank(item) - foretold(item, rows))[:_MENDED_FORMULAS]:
            # What its parent shared it may not.
            made = written(related(tie(released(model, rows), rows), rows, rank), rows.columns)
            known.setdefault(render(made.tree), made)
        if not known or spent() > until or before - min(map(rank, known.values())) < 2 * NODE_NATS:
            break
    # Of two writings of one formula the shorter one.
    return sorted(known.values(), key=lambda model: (round(rank(model), 3), len(render(model.tree))))


def _anew(start: Tied, rows: GroupedRows, seed: int) -> Tied | None:
    """The formula fitted to each group by itself, from the middle of the constants there were."""
    middle = tuple(
        start.shared[name][0] if name in start.shared else float(np.median(start.own[name][0]))
        for name in start.names
    )
    structure = start.tree, start.names, middle
    fits = list[Fit | None]()
    for at in range(rows.count):
        fits.append(of_group(structure, rows.columns, *rows.of(at), seed, FEW_STARTS))
        if fits[-1] is None:
            return None
    return together(structure, fits, rows)


def begun(parent: Tied, step: Edited, rows: GroupedRows) -> Tied:
    """The formula one step on, with the parent's constants and the starts of new ones."""
    there = set(names_in(step.tree))
    own = {name: values for name, values in parent.own.items() if name in there}
    own |= {name: (np.full(rows.count, start), np.zeros(rows.count)) for name, start in step.own.items()}
    shared = {name: value for name, value in parent.shared.items() if name in there}
    shared |= {name: (start, 0.0) for name, start in step.shared.items()}
    tree = marked(step.tree, MENDING, *origin_of(parent.tree))
    return Tied(tree, (*own, *shared), shared, own, {}, math.inf, math.inf)


def written(model: Tied, columns: tuple[str, ...]) -> Tied:
    """In its usual writing, plain numbers in their places, the groups' own constants named a, b, c, ... as they are read.

    Numbers beside a constant in a sum go into it, and constants that are negative in every group are written with their sign
    in the formula, but for its first.
    """
    source = model.tree
    model = _taken_up(model, columns)
    known = [*columns, *model.names]
    turned = set[str]()
    tree = to_tree(from_tree(replaced(model.tree, model.plain), known))
    for name in [name for name, (values, _) in model.own.items() if (values < 0).all()]:
        signed = to_tree(from_tree(replaced(tree, {name: -Variable(name)}), known))
        if render(tree).startswith("-") or not render(signed).startswith("-"):
            tree, turned = signed, turned | {name}
    read = [name for name in dict.fromkeys(names_in(tree)) if name in model.own or name in model.shared]
    order = [name for name in read if name in model.own] + [name for name in read if name in model.shared]
    new = dict(zip(order, constant_names(columns), strict=False))
    tree = replaced(tree, {old: Variable(name) for old, name in new.items()})
    shared = {new[name]: model.shared[name] for name in order if name in model.shared}
    own = {
        new[name]: (-values if name in turned else values, errors)
        for name in order
        if name in model.own
        for values, errors in [model.own[name]]
    }
    return replace(
        model, tree=like(tree, source), names=tuple(new.values()), shared=shared, own=own, plain={}
    )


def _taken_up(model: Tied, columns: tuple[str, ...]) -> Tied:
    """With numbers that are added to a constant of the groups' own as part of it: 3 - a is a constant as a is."""
    tree = to_tree(from_tree(replaced(model.tree, model.plain), [*columns, *model.names]))
    once = [name for name, count in Counter(names_in(tree)).items() if count == 1 and name in model.own]
    own = dict(model.own)
    for path, node in list(places(tree)):
        if not isinstance(node, Apply) or node.function != "+":
            continue
        numbers = [argument for argument in node.arguments if not any(True for _ in names_in(argument))]
        found = [
            (argument, name) for argument in node.arguments for name in once if _is_signed(argument, name)
        ]
        if not numbers or not found:
            continue
        part, name = found[0]
        sign = -1.0 if isinstance(part, Apply) else 1.0
        values, errors = own[name]
        tape = Tape(summed(numbers), ())
        own[name] = (sign * values + float(tape.value(tape.start, np.zeros((1, 0)))[0]), errors)
        rest = tuple(
            argument for argument in node.arguments if argument is not part and argument not in numbers
        )
        tree = put(tree, path, summed([*rest, Variable(name)]))
        return _taken_up(replace(model, tree=tree, own=own, plain={}), columns)
    return replace(model, tree=tree, own=own, plain={})


def _is_signed(node: Node, name: str) -> bool:
    """Whether it is the constant, or minus it."""
    inner = node.arguments[0] if isinstance(node, Apply) and node.function == "neg" else node
    return isinstance(inner, Variable) and inner.name == name
