"""What rows that break a property show, in one sentence."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from edgewise.network.fitted import Fitted
from edgewise.verifying.claims.tasks import Subgoal, Task, output_of
from edgewise.verifying.domain.goals import Slope
from edgewise.verifying.domain.raw_values import exact, shown
from edgewise.verifying.language import properties as asked
from edgewise.verifying.results.witness import Case, GoalEvaluator


def goes_the_wrong_way(part: Subgoal, found: tuple[Case, ...]) -> bool:
    """Whether the calibrated output too goes the wrong way from one row to the other."""
    first, second = ([*each.outputs.values()] for each in found)
    if isinstance(part.goal, Slope):
        return part.goal.sign * (second[part.goal.output] - first[part.goal.output]) > 0
    return first[0] > second[0]


def at_its_bound(prop: asked.Property, view: Fitted, found: tuple[Case, ...]) -> bool:
    """Whether a bound on an output or a probability holds at the rows found, as the model itself computes them."""
    if not isinstance(prop, asked.OutputRange) or view.calibration is not None:
        return False
    o = output_of(view, prop.output)
    values = [[*each.outputs.values()][o] for each in found]
    values = expit(values).tolist() if prop.probability else values
    return all(
        (prop.low is None or prop.low <= each) and (prop.high is None or each <= prop.high) for each in values
    )


def reason_of(task: Task, part: Subgoal, found: tuple[Case, ...]) -> str:
    """What the rows show, in one sentence."""
    first = found[0]
    if len(found) == 2:
        second = found[1]
        values = ", ".join(
            f"{name} {exact(value)} instead of {exact(second.row[name])}"
            for name, value in first.row.items()
            if value != second.row[name]
        )
        if first.decision is not None and first.decision != second.decision:
            return (
                f"With {values} the decision is {shown(first.decision)} instead of {shown(second.decision)}."
            )
        key = _largest_change(first, second)
        return f"With {values} the {key} is {first.outputs[key]:.6g} instead of {second.outputs[key]:.6g}."
    if part.focus == "decision":
        return f"At this row the decision is {shown(first.decision)}."
    if len(task.models) == 2:
        other = GoalEvaluator(task.models).outputs(1, np.array([first.inputs]))[0]
        theirs = ", ".join(f"{value:.6g}" for value in other)
        return f"At this row the other model gives {theirs}."
    outputs = ", ".join(f"{key} {value:.6g}" for key, value in first.outputs.items())
    return f"At this row: {outputs}."


def _largest_change(first: Case, second: Case) -> str:
    return max(first.outputs, key=lambda key: abs(first.outputs[key] - second.outputs[key]))
