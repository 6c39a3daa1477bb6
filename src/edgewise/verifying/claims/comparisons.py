"""Properties that compare: two models, or one model at two values of a column."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations, product

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.network.fitted import Fitted, fitted
from edgewise.verifying.claims.tasks import Subgoal, Task, bounded, output_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, OutputTerm
from edgewise.verifying.language import properties as asked
from edgewise.verifying.language.calibrated import carried_change, carried_threshold, check_carried


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
    mine, theirs = (
        None
        if each.encoding is None
        else [{**column, "name": ""} for column in each.encoding.to_json()["columns"]]
        for each in (view, other)
    )
    if mine != theirs or view.network.shape[0] != other.network.shape[0]:
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
    view, g = columns.view, columns.group(prop.feature, of)
    group = made.domain.groups[g]
    if len(group.points) < len(group.cells):
        raise InputError(
            subject=f"The column of {of}",
            expected="hold words or two values",
            got=f"{short(prop.feature, 40)}, which holds numbers",
            advice=(
                f"ask monotone({prop.feature}, increasing), lipschitz({prop.feature}, ...) or "
                f"robust(row 0, {{{prop.feature}: ...}}) instead"
            ),
        )
    if len(group.cells) < 2:
        raise InputError(
            subject=f"The column of {of}",
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
    elif prop.threshold is None and prop.output is None and len(view.classes) > 2:
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


def threshold_of(prop: asked.NeverFlips, view: Fitted) -> float:
    """The output of the network above which the decision that is asked about is another.

    Raises
    ------
    InputError
        If the model has none, and none is given.
    """
    if prop.threshold is not None:
        return carried_threshold(view, prop.threshold)
    if view.binary:
        return view.threshold
    if len(view.classes) > 2:
        raise InputError(
            argument="threshold",
            expected="be the value above which the output decides",
            got="none",
            advice=(
                f"ask never_flips({prop.feature}) without an output for the decision among all "
                f"{len(view.classes)} classes"
            ),
        )
    raise InputError(
        argument="threshold",
        expected="be the output above which the decision is made, for this model predicts numbers",
        got="None",
        advice="give threshold=",
    )
