"""Evidence that needs no search."""

from __future__ import annotations

from typing import Any

from edgewise.verifying.claims.tasks import Subgoal, Task
from edgewise.verifying.domain.goals import Slope


def trivial_evidence(part: Subgoal, task: Task) -> dict[str, Any] | None:
    """Evidence where the group that is moved has no edge alive: the rows of the goal then add up to nothing.

    It is a tie, which a search in floats cannot decide.
    """
    net, rows = task.models[0], part.goal
    if part.focus != "pair" or part.group is None or task.copies or isinstance(rows, Slope):
        return None
    inputs = list(part.domain.groups[part.group].inputs)
    if bool(net.layers[0].mask[inputs].any()):
        return None
    # The first two rows, or the one, are the same sum with either sign; others are not needed.
    shares = [float(r < 2) for r in range(len(rows.rows))]
    return {"lemmas": [], "tree": [{"lambda": shares, "slopes": [], "mu": 0.0}]}
