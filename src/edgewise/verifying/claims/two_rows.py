"""Flips between two rows: several columns change at will together, named numbers move a little besides.

What may differ has a second input, for the other row: the first model reads the one, the second the other. Words that change
at will have a second group with the same cells. A number that may move and its second input make one group, whose cells are
boxes along the diagonal that cover all pairs as near as asked, and a little more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.network.spec import KANSpec
from edgewise.network.state import make_layer, take_apart
from edgewise.verifying.claims.comparisons import threshold_of
from edgewise.verifying.claims.pairs_of_rows import OF
from edgewise.verifying.claims.tasks import Subgoal, Task, output_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, Group
from edgewise.verifying.domain.goals import Goal, OutputBounds, OutputTerm
from edgewise.verifying.domain.raw_values import Cell
from edgewise.verifying.language import properties as asked

# Boxes along a diagonal: so many for each step that a number may move, and at most.
A_STEP, MOST_BOXES = 4, 256


def two_rows_task(prop: asked.NeverFlips, columns: Columns, made: Task) -> Task:
    """That no two rows that differ as the property states are decided differently."""
    groups, network = list(made.domain.groups), columns.view.network
    copies, moves = list[tuple[int, int]](), list[dict[str, Any]]()

    def copied(i: int, within: float | None) -> int:
        copy = network.shape[0] + len(copies)
        copies.append((i, copy))
        moves.append({"input": i, "copy": copy, "within": within})
        return copy

    for name in prop.features:
        group = groups[columns.group(name, OF)]
        _check_feature(group)
        inputs = tuple(copied(i, None) for i in group.inputs)
        groups.append(replace(group, name=f"{group.name} of the other row", inputs=inputs))
    for name, size in prop.others:
        g = columns.group(name, OF)
        _check_other(columns, g, name, prop)
        cells, labels, within = _beside(columns, g, groups[g], size)
        copy = copied(groups[g].inputs[0], within)
        groups[g] = Group(name, (*groups[g].inputs, copy), cells, labels)
    domain = Domain(tuple(groups))
    claim, goals = _goals(prop, columns)
    return replace(
        made,
        claim=claim | {"moves": moves},
        domain=domain,
        parts=tuple(Subgoal(goal, domain, "pair") for goal in goals),
        models=tuple(_reading(network, copies, second) for second in (False, True)),
        copies=tuple(copies),
    )


def padded(rows: Floats, copies: Sequence[tuple[int, int]]) -> Floats:
    """Rows beside themselves: the second inputs of numbers that may move as the first ones."""
    return np.column_stack([rows, *(rows[:, i] for i, _ in copies)])


def _check_other(columns: Columns, g: int, name: str, prop: asked.NeverFlips) -> None:
    if name in prop.features:
        raise InputError(
            subject="A column of never_flips",
            expected="either change at will or move a little",
            got=f"{short(name, 40)} for both",
            advice="name it once",
        )
    if not columns.is_numbers(g):
        raise InputError(
            subject="The columns that may move a little",
            expected="hold numbers of more than two values",
            got=short(name, 40),
            advice=f"name it among those that change at will, as in never_flips({', '.join((*prop.features, name))})",
        )


def _check_feature(group: Group) -> None:
    if len(group.points) < len(group.cells):
        raise InputError(
            subject="The columns that never_flips changes at will",
            expected="hold words or two values",
            got=f"{short(group.name, 40)}, which holds numbers",
            advice=f"let it move a little instead: with {group.name} within ",
        )


def _beside(
    columns: Columns, g: int, group: Group, size: float
) -> tuple[tuple[Cell, ...], tuple[str, ...], float | None]:
    """Cells of a group of numbers with the input of the other row, their labels, and how far the two may be apart.

    A box holds a stretch of the first and all of the second that is as near as asked to any of it. How far is in units of
    inputs, where that is one number.
    """
    transform, scale = columns.scale(g)
    within = None if transform == "asinh" else size / abs(scale)
    cells, labels = list[Cell](), list[str]()
    for cell, label in zip(group.cells, group.labels, strict=True):
        low, high = cell[0]
        if low == high:
            cells.append((*cell, (low, low)))
            labels.append(label)
            continue
        cuts = _cuts(columns, g, low, high, size)
        for a, b in pairwise(cuts):
            if within is None:
                near = columns.around(g, a, size)[0], columns.around(g, b, size)[1]
            else:
                more = within * (1 + 2.0**-50)
                near = math.nextafter(a - more, -math.inf), math.nextafter(b + more, math.inf)
            cells.append(((a, b), *cell[1:], (max(near[0], low), min(near[1], high))))
            labels.append(label)
    points = [k for k, cell in enumerate(cells) if cell[0][0] == cell[0][1] and len(group.inputs) == 1]
    if points and len(points) < len(cells):
        raise InputError(
            subject="A column that may move a little",
            expected="not hold a value apart",
            got=f"{short(group.name, 40)}, where a missing cell is one",
            advice=f"narrow it: where {group.name} is not missing",
        )
    return tuple(cells), tuple(labels), within


def _cuts(columns: Columns, g: int, low: float, high: float, size: float) -> list[float]:
    """Ends of stretches, even on the scale on which the network reads the column."""
    middle = (low + high) / 2
    near = columns.around(g, middle, size)
    steps = A_STEP * (high - low) / max((near[1] - near[0]) / 2, 1e-300)
    return np.linspace(low, high, min(max(math.ceil(min(steps, MOST_BOXES)), 1), MOST_BOXES) + 1).tolist()


def _goals(prop: asked.NeverFlips, columns: Columns) -> tuple[dict[str, Any], list[Goal]]:
    """The claim, but for its moves, and its goals: whichever of the two rows is above, the other is not below."""
    view = columns.view
    if prop.threshold is None and prop.output is None and len(view.classes) > 2:
        n, goals = len(view.classes), list[Goal]()
        for j, k in permutations(range(n), 2):
            rows = [(j, k, 0), (k, j, 1)]
            rows += [row for i in range(n) if i not in (j, k) for row in ((j, i, 0), (k, i, 1))]
            terms = tuple((OutputTerm(c, 1.0, m), OutputTerm(i, -1.0, m)) for c, i, m in rows)
            goals.append(OutputBounds(terms, (0.0,) * len(terms)))
        return {"type": "same_class_within"}, goals
    threshold, o = threshold_of(prop, view), output_of(view, prop.output)
    goal = OutputBounds(((OutputTerm(o, 1.0, 0),), (OutputTerm(o, -1.0, 1),)), (threshold, -threshold))
    return {"type": "never_flips_within", "output": o, "threshold": threshold}, [goal]


def _reading(network: KAN, copies: Sequence[tuple[int, int]], second: bool) -> KAN:
    """The network over the inputs of both rows, reading those of the first or of the second."""
    states, kept = take_apart(network), [*range(network.shape[0]), *(i for i, _ in copies)]
    state = states[0].take_inputs(kept)
    mask = state.mask.clone()
    for i, copy in copies:
        mask[i if second else copy] = False
    names = (*network.input_names, *(f"{network.input_names[i]} of the other row" for i, _ in copies))
    layers = [make_layer(each) for each in (replace(state, mask=mask), *states[1:])]
    spec = KANSpec(
        tuple(layer.spec for layer in (replace(state, mask=mask), *states[1:])), names, network.output_names
    )
    made = KAN.from_layers(spec, layers)
    with torch.no_grad():
        for name in ("input_shift", "input_scale"):
            getattr(made, name).copy_(getattr(network, name)[kept])
        for name in ("output_shift", "output_scale"):
            getattr(made, name).copy_(getattr(network, name))
    return made
