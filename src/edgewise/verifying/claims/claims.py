"""From a property to the claim of a certificate and the goals that show it, as docs/certificates.md lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise, permutations, product
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import as_table
from edgewise.network.fitted import Fitted, fitted
from edgewise.verifying.claims.tasks import (
    Subgoal,
    Task,
    bounded,
    class_of,
    has_numbers,
    of_numbers,
    output_of,
    threshold_of,
)
from edgewise.verifying.claims.two_rows import two_rows_task
from edgewise.verifying.domain.columns import COLUMN, Columns
from edgewise.verifying.domain.domain import Cell, Domain, Group
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputBounds, OutputTerm, Slope, Term
from edgewise.verifying.domain.raw_values import code_of, shown
from edgewise.verifying.language import properties as asked
from edgewise.verifying.language.calibrated import (
    carried_change,
    carried_range,
    check_carried,
)
from edgewise.verifying.language.conditions import Condition
from edgewise.verifying.results.witness import in_float64


def read_alike(view: Fitted, other: Fitted) -> bool:
    """Whether two models make the same inputs of the same rows."""
    mine, theirs = (
        None
        if each.encoding is None
        else [{**column, "name": ""} for column in each.encoding.to_json()["columns"]]
        for each in (view, other)
    )
    return mine == theirs and view.network.shape[0] == other.network.shape[0]


def equal_task(prop: asked.Equal, made: Task) -> Task:
    """Two models differ by at most so much."""
    if isinstance(prop.other, str):
        raise InputError(
            subject="The other model of equal",
            expected="be a model",
            got=f"the name {short(prop.other)}",
            advice="load it with edgewise.load",
        )
    view, other = made.views[0], fitted(prop.other)
    check_carried(prop, other)
    if not read_alike(view, other):
        raise InputError(
            subject="The other model of equal",
            expected="read the same columns in the same way",
            got="one with another encoding",
            advice="fit both on the same table, or compare edited copies of one model",
        )
    count = view.network.shape[-1]
    if other.network.shape[-1] != count:
        raise InputError(
            subject="The other model of equal", expected=f"have {count} outputs", got=other.network.shape[-1]
        )
    parts = [
        Subgoal(
            bounded((OutputTerm(o, sign, 0), OutputTerm(o, -sign, 1)), prop.epsilon), made.domain, "level"
        )
        for o in range(count)
        for sign in (1.0, -1.0)
    ]
    return replace(
        made,
        claim={"type": "equal", "epsilon": prop.epsilon},
        parts=tuple(parts),
        models=(view.network, other.network),
        views=(view, other),
    )


def values_task(prop: asked.NeverFlips | asked.ChangesAtMost, columns: Columns, made: Task) -> Task:
    """Nothing, or little, changes where a column takes another of its values."""
    of = "never_flips" if isinstance(prop, asked.NeverFlips) else "changes_at_most"
    view, g = columns.view, columns.group(prop.feature)
    group = made.domain.groups[g]
    if len(group.points) < len(group.cells):
        raise InputError(
            subject=COLUMN,
            expected="hold words or two values",
            got=f"{short(prop.feature, 40)}, which holds numbers",
            advice=(
                f"ask monotone({prop.feature}, increasing), lipschitz({prop.feature}, ...) or "
                f"robust(row 0, {{{prop.feature}: ...}}) instead"
            ),
        )
    if len(group.cells) < 2:
        raise InputError(
            subject=COLUMN,
            expected="be left with two values or more",
            got=f"{short(prop.feature, 40)} = {columns.described(g, group)} only",
        )
    cells = range(len(group.cells))
    if isinstance(prop, asked.ChangesAtMost):
        o, tau = output_of(view, prop.output), carried_change(view, prop.max_change)
        goals: list[Goal] = [
            bounded((_moved(o, (g, a)), _moved(o, (g, b), -1.0)), tau) for a, b in permutations(cells, 2)
        ]
        claim = {"type": of, "output": o, "group": g, "tau": tau}
    elif prop.of_decision and len(view.classes) > 2:
        return replace(
            made, claim={"type": "same_class", "group": g}, parts=_same_class(view, made.domain, g)
        )
    else:
        threshold = threshold_of(prop, view)
        o = output_of(view, prop.output)
        goals = [
            OutputBounds(((_moved(o, (g, a)),), (_moved(o, (g, b), -1.0),)), (threshold, -threshold))
            for a, b in permutations(cells, 2)
        ]
        claim = {"type": of, "output": o, "group": g, "threshold": threshold}
    return replace(made, claim=claim, parts=tuple(Subgoal(goal, made.domain, "pair", g) for goal in goals))


def _moved(output: int, to: tuple[int, int], weight: float = 1.0) -> OutputTerm:
    return OutputTerm(output, weight, 0, to)


def _same_class(view: Fitted, domain: Domain, g: int) -> tuple[Subgoal, ...]:
    """That no two values of a group are decided differently, by the largest of the outputs.

    For values a and b and classes j and k: some output is not beaten that would have to be for "class j at a and class
    k at b". The rows of j and k themselves come first: where the group changes nothing they add up to nothing.
    """
    n, parts = len(view.classes), list[Subgoal]()
    for (a, b), (j, k) in product(
        combinations(range(len(domain.groups[g].cells)), 2), permutations(range(n), 2)
    ):
        rows = [(j, k, a), (k, j, b)]
        rows += [row for i in range(n) if i not in (j, k) for row in ((j, i, a), (k, i, b))]
        terms = tuple((_moved(c, (g, at)), _moved(i, (g, at), -1.0)) for c, i, at in rows)
        parts.append(Subgoal(OutputBounds(terms, (0.0,) * len(terms)), domain, "pair", g))
    return tuple(parts)


def task_of(
    prop: asked.Property, columns: Columns, conditions: Sequence[Condition] = (), rows: Any = None
) -> Task:
    """What the prover has to show.

    Parameters
    ----------
    prop : Property
        Any but `FormulaWithin`, which has a way of its own.
    columns : Columns
        Of the model.
    conditions : sequence of Condition
    rows : table, optional
        Whose rows `robust` may count.

    Raises
    ------
    InputError
        If the property does not fit the model, with what to ask instead.
    """
    try:
        return _task_of(prop, columns, conditions, rows)
    except InputError as error:
        if error.subject != COLUMN:
            raise
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(prop).__name__).lower()
        raise error.about(subject=f"{COLUMN} of {name}") from None


def _task_of(prop: asked.Property, columns: Columns, conditions: Sequence[Condition], rows: Any) -> Task:
    view, domain = columns.view, columns.domain(conditions)
    check_carried(prop, view)
    made = Task({}, domain, (), (view.network,), (view,))
    if isinstance(prop, asked.OutputRange):
        return _range(prop, columns, made)
    if isinstance(prop, asked.Linear):
        return _linear(prop, columns, made)
    if isinstance(prop, asked.Decides):
        return _decides(class_of(view, prop.label), view, made)
    if isinstance(prop, asked.Monotone):
        return _monotone(prop, columns, made)
    if isinstance(prop, asked.Lipschitz):
        return _lipschitz(prop, columns, made)
    if isinstance(prop, asked.Robust):
        return _robust(prop, columns, made, rows)
    if isinstance(prop, asked.Equal):
        return equal_task(prop, made)
    if isinstance(prop, asked.FormulaWithin):
        raise TypeError("formulas are compared by edgewise.verifying.entry_points.formula")
    if isinstance(prop, asked.NeverFlips) and (len(prop.features) > 1 or prop.others):
        return two_rows_task(prop, columns, made)
    return values_task(prop, columns, made)


# ---- one function a kind of property


def _range(prop: asked.OutputRange, columns: Columns, made: Task) -> Task:
    if prop.probability and not columns.view.binary:
        raise InputError(
            subject="The model of a range of probability",
            expected="be a classifier of two classes",
            got="another one",
            advice="ask for a range of output",
        )
    low, high = carried_range(columns.view, prop.low, prop.high, probability=prop.probability)
    o = output_of(columns.view, prop.output)
    goals = list[Goal]()
    if high is not None:
        goals.append(bounded((OutputTerm(o),), high))
    if low is not None:
        goals.append(bounded((OutputTerm(o, -1.0),), -low))
    claim = {"type": "range", "output": o, "low": low, "high": high}
    return replace(made, claim=claim, parts=tuple(Subgoal(goal, made.domain, "level") for goal in goals))


def _linear(prop: asked.Linear, columns: Columns, made: Task) -> Task:
    view, terms, bound, domain = columns.view, list[Term](), prop.bound, made.domain
    groups = list(domain.groups)
    for name, weight in prop.terms:
        if name not in columns.names and (
            name in ("output", view.target, *view.network.output_names) or len(view.classes) > 2
        ):
            terms.append(OutputTerm(output_of(view, None if name == "output" else name), weight))
            continue
        g = columns.group(name)
        transform, scale = columns.scale(g)
        if columns.whole.groups[g].labels and not has_numbers(columns, g):
            raise InputError(
                subject="The columns of a weighted sum",
                expected="hold numbers",
                got=f"{short(name, 40)}, which holds words",
                advice="narrow it with where",
            )
        if transform == "asinh":
            raise InputError(
                subject="The columns of a weighted sum",
                expected="be read on their own scale by the model",
                got=f"{short(name, 40)}, which it reads through asinh, since its tail is long",
                advice="ask for ranges of output where it is narrowed",
            )
        # A missing cell has no number to be weighed.
        group = of_numbers(domain, g).groups[g]
        labels = tuple(columns.described(g, group.of([pair])) for pair in group.labelled)
        groups[g] = replace(group, labels=labels)
        terms.append(InputTerm(columns.inputs[g][0], weight * scale))
        bound -= weight * columns.centre(g)
    # Never the whole domain where a column itself is weighed: the encoding does not follow all of its numbers.
    domain = Domain(tuple(groups), whole=domain.whole and not any(isinstance(t, InputTerm) for t in terms))
    written = [
        {"input": term.input, "weight": term.weight}
        if isinstance(term, InputTerm)
        else {"output": term.output, "weight": term.weight, "model": 0, "moved": None}
        for term in terms
    ]
    claim = {"type": "linear", "terms": written, "bound": bound}
    return replace(
        made, claim=claim, domain=domain, parts=(Subgoal(bounded(tuple(terms), bound), domain, "level"),)
    )


def _decides(label: int, view: Fitted, made: Task) -> Task:
    if view.binary:
        sign = -1.0 if label else 1.0
        goals: list[Goal] = [bounded((OutputTerm(0, sign),), sign * view.threshold)]
    else:
        others = [j for j in range(len(view.classes)) if j != label]
        goals = [bounded((OutputTerm(j), OutputTerm(label, -1.0)), 0.0) for j in others]
    claim = {"type": "decision", "class": label}
    return replace(made, claim=claim, parts=tuple(Subgoal(goal, made.domain, "decision") for goal in goals))


def decision_task(label: int, view: Fitted, domain: Domain) -> Task:
    """That a class is always the decision, as a task."""
    return _decides(label, view, Task({}, domain, (), (view.network,), (view,)))


def not_decided_task(label: int, view: Fitted, domain: Domain) -> Task:
    """That one of many classes never is the decision: some other output is always as large.

    Certificates know no such claim.
    """
    rows = tuple((OutputTerm(label), OutputTerm(j, -1.0)) for j in range(len(view.classes)) if j != label)
    goal = OutputBounds(rows, (0.0,) * len(rows))
    return Task({}, domain, (Subgoal(goal, domain, "decision"),), (view.network,), (view,))


def _sloping(columns: Columns, name: str) -> tuple[int, int]:
    """The group and the input of a column of numbers."""
    g = columns.group(name)
    if not has_numbers(columns, g):
        raise InputError(
            subject=COLUMN,
            expected="hold numbers, which have an order",
            got=f"{short(name, 40)}, which holds words",
            advice=f"ask changes_at_most({name}, ...) or never_flips({name}) instead",
        )
    return g, columns.inputs[g][0]


def _classes(group: Group) -> list[list[int]]:
    """Cells that differ in the first input only, together; in the order of their first ones."""
    found: dict[Any, list[int]] = {}
    for c, cell in enumerate(group.cells):
        found.setdefault(cell[1:], []).append(c)
    return list(found.values())


def _intervals(domain: Domain, g: int) -> Domain | None:
    """The part of a domain where the first input of a group has an interval to move in."""
    group = domain.groups[g]
    alone = [group.labelled[cells[0]] for cells in _classes(group) if len(cells) == 1]
    part = group.of((cell, label) for cell, label in alone if cell[0][0] < cell[0][1])
    return Domain((*domain.groups[:g], part, *domain.groups[g + 1 :])) if part.cells else None


def _monotone(prop: asked.Monotone, columns: Columns, made: Task) -> Task:
    g, i = _sloping(columns, prop.feature)
    o = output_of(columns.view, prop.output)
    rising = 1 if prop.direction == asked.INCREASING else -1
    direction = rising if columns.scale(g)[1] > 0 else -rising
    made = replace(made, domain=of_numbers(made.domain, g))
    parts, group = list[Subgoal](), made.domain.groups[g]
    sloping = _intervals(made.domain, g)
    if sloping is not None:
        parts.append(Subgoal(Slope(o, i, -direction, 0.0), sloping, "slope", g))
    for cells in _classes(group):
        if len(cells) < 2:
            continue
        ordered = sorted(cells, key=lambda c: group.cells[c][0][0])
        for a, b in pairwise(ordered):
            first, second = (a, b) if direction == 1 else (b, a)
            terms = (OutputTerm(o, 1.0, 0, (g, first)), OutputTerm(o, -1.0, 0, (g, second)))
            parts.append(Subgoal(bounded(terms, 0.0), made.domain, "pair", g))
    if not parts:
        raise InputError(
            subject=COLUMN,
            expected="have values to compare",
            got=f"{short(prop.feature, 40)}, which is left with one value",
        )
    claim = {"type": "monotone", "output": o, "input": i, "direction": direction}
    # A map that rises may be level where the network falls.
    exact = columns.view.calibration is None
    return replace(made, claim=claim, exact=exact, parts=tuple(parts))


def _lipschitz(prop: asked.Lipschitz, columns: Columns, made: Task) -> Task:
    g, i = _sloping(columns, prop.feature)
    o = output_of(columns.view, prop.output)
    made = replace(made, domain=of_numbers(made.domain, g))
    sloping = _intervals(made.domain, g)
    if sloping is None:
        raise InputError(
            subject=COLUMN,
            expected="have a range to move in",
            got=f"{short(prop.feature, 40)}, which holds two values",
            advice=f"ask changes_at_most({prop.feature}, ...) instead",
        )
    transform, scale = columns.scale(g)
    bound = carried_change(columns.view, prop.bound) * abs(scale)
    goals = (Slope(o, i, 1, bound), Slope(o, i, -1, bound))
    claim = {"type": "lipschitz", "output": o, "input": i, "bound": bound}
    # asinh is steepest at its centre: the claim is then stronger than what is asked.
    return replace(
        made,
        claim=claim,
        exact=transform != "asinh",
        parts=tuple(Subgoal(goal, sloping, "slope", g) for goal in goals),
    )


def _robust(prop: asked.Robust, columns: Columns, made: Task, rows: Any) -> Task:
    table, k = _row_of(prop, columns, rows)
    x = columns.table(table)[k]
    made = replace(made, domain=_ball(prop, columns, made.domain, x, lambda g: columns.numbers(table, g)[k]))
    view = columns.view
    outputs = in_float64(view.network, x[None])
    if len(view.classes) >= 2 and prop.change is None:
        return _decides(int(view.decided(outputs)[0]), view, made)
    if prop.change is None:
        raise InputError(
            argument="change",
            expected="be how far the output may move, for this model decides nothing",
            got="None",
            advice="give change=",
        )
    o = output_of(view, prop.output)
    y = float(view.answers(outputs)[0, o])
    low, high = y - prop.change, y + prop.change
    return _range(asked.OutputRange(low, high, o), columns, made)


def _row_of(prop: asked.Robust, columns: Columns, rows: Any) -> tuple[Any, int]:
    """A table and the place of the row in it."""
    if not isinstance(prop.row, int):
        columns.encode(prop.row)
        return as_table(prop.row), 0
    if rows is None:
        raise InputError(
            argument="rows", expected=f"hold the table whose row {prop.row} is asked about", got="none"
        )
    count = len(columns.table(rows))
    if prop.row >= count:
        raise InputError(
            argument="row",
            expected=f"be one of 0 to {count - 1}",
            got=prop.row,
            advice="rows are counted from 0",
        )
    return rows, prop.row


def _ball(
    prop: asked.Robust, columns: Columns, domain: Domain, x: Floats, number: Callable[[int], float]
) -> Domain:
    """The rows near one: its cells, numbers moved by at most the radius; `number` gives what a group of numbers holds."""
    sizes = dict(prop.radius) if isinstance(prop.radius, tuple) else None
    if sizes is not None:
        for name in sizes:
            g, _ = _sloping(columns, name)
            if not columns.is_numbers(g):
                raise InputError(
                    subject="The columns of the radius",
                    expected="hold numbers of more than two values",
                    got=short(name, 40),
                    advice=f"ask never_flips({name})",
                )
    groups = list[Group]()
    for g, group in enumerate(domain.groups):
        at = [float(x[i]) for i in group.inputs]
        here = [
            c
            for c, cell in enumerate(group.cells)
            if all(lo <= v <= hi for v, (lo, hi) in zip(at, cell, strict=True))
        ]
        if not here:
            raise InputError(
                subject="The row of robust",
                expected="lie in the domain",
                got=(
                    f"{shown(columns.raw(g, at))} in {short(group.name, 40)}, which may be "
                    f"{columns.described(g, group)}"
                ),
            )
        low, high = group.cells[here[0]][0]
        if low < high:
            if sizes is None:
                assert isinstance(prop.radius, float)
                reach = prop.radius * columns.span(g)
                ends = at[0] - reach, at[0] + reach
            else:
                ends = columns.around(g, at[0], sizes.get(group.name, 0.0))
            low, high = max(low, ends[0]), min(high, ends[1])
        else:
            low = high = at[0]
        own = ((low, high), *((v, v) for v in at[1:]))
        kept = [(own, group.labels[here[0]])]
        column = columns.number_column(g)
        if column is not None and column.codes:
            kept += _beside_codes(prop.radius, columns, g, group, number(g))
        groups.append(group.of(kept))
    return Domain(tuple(groups))


def _beside_codes(
    radius: Any, columns: Columns, g: int, group: Group, number: float
) -> list[tuple[Cell, str]]:
    """What lies within reach of a raw number beside its own cell: codes; of a code, numbers too."""
    column = columns.number_column(g)
    assert column is not None
    share = isinstance(radius, float)
    size = radius * columns.span(g) if share else dict(radius).get(group.name, 0.0)
    scale = column.transformed if share else np.asarray
    centre = float(scale(np.array([number]))[0])
    kept = list[tuple[Cell, str]]()
    for cell, label in group.labelled:
        code, (low, high) = code_of(column, cell), cell[0]
        if code is not None:
            apart = abs(float(scale(np.array([code]))[0]) - centre)
            kept += [(cell, label)] if code != number and apart <= size * (1 + 2.0**-50) else []
        elif size > 0 and number in column.codes and label != "missing":
            limits = columns.whole.groups[g].cells[0][0]
            ends = (
                (centre - size, centre + size) if share else columns.interval(g, number - size, number + size)
            )
            near = tuple(min(max(end, limits[0]), limits[1]) for end in ends)
            low, high = max(low, near[0]), min(high, near[1])
            kept += [(((low, high), *cell[1:]), label)] if low <= high else []
    return kept
