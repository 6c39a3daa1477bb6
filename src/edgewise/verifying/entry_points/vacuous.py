"""Claims that could not have failed: about one row, a column without effect, or a decision that is always the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from edgewise._core.work import Meter
from edgewise.network import KAN
from edgewise.verifying.claims.decides import decision_task
from edgewise.verifying.claims.property import Property
from edgewise.verifying.claims.tasks import Task
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, Group, drawn
from edgewise.verifying.results.witness import GoalEvaluator
from edgewise.verifying.search.prove import Question, prepare

# Rows whose decisions are compared before it is tried to prove that there is one only, and units of that proof.
_ROWS, _WORK = 1024, 0.5


def vacuous(prop: Property, columns: Columns, task: Task, meter: Meter) -> str:
    """Why a proved claim could not have failed, in a sentence; empty where it could.

    Parameters
    ----------
    prop : Property
    columns : Columns
    task : Task
        What was proved.
    meter : Meter
        The running meter, which limits the work.
    """
    domain = task.domain
    names = prop.compared
    if names and not any(_matters(columns, name) for name in names):
        return f"the model does not use {_listed(names)}: the claim does not depend on it."
    if not names and all(
        len(group.cells) == 1 and all(low == high for low, high in group.cells[0]) for group in domain.groups
    ):
        return "only one row lies in the domain."
    if names and prop.of_decision and (only := _only_decision(columns, task, meter)) is not None:
        return f"the decision is {only} at every row of the domain, so nothing can flip it."
    return prop.vacuous(task)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _matters(columns: Columns, name: str) -> bool:
    """Whether some path of edges that are no constants leads from a column to an output."""
    reached = torch.zeros(columns.view.network.shape[0], dtype=torch.bool)
    reached[list(columns.inputs[columns.names.index(name)])] = True
    return bool(_reached(columns.view.network, reached).any())


def _reached(net: KAN, reached: torch.Tensor) -> torch.Tensor:
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        coef = layer.numeric_coef().detach().cpu()
        bent = coef.amax(1) > coef.amin(1)
        if layer.base_weight is not None:
            bent = bent | (layer.base_weight.detach().cpu() != 0)
        sums = (layer.mask.detach().cpu() & bent & reached[:, None]).any(0)
        reached = torch.stack([sums[list(group)].any() for group in spec.nodes.groups()])
    return reached


def _only_decision(columns: Columns, task: Task, meter: Meter) -> str | None:
    """The class that is decided for at every row, where that can be proved at once; None otherwise."""
    view = columns.view
    if len(view.classes) < 2 or meter.left <= 0:
        return None
    domain = _first_row(task, view.network.shape[0])
    rows = drawn(domain, _ROWS, np.random.default_rng(0))
    found = np.unique(view.decided(GoalEvaluator((view.network,)).outputs(0, rows)))
    if len(found) > 1:
        return None
    models, own = prepare(view.network), decision_task(int(found[0]), view, domain)
    share = min(_WORK, meter.left) / len(own.parts)
    for part in own.parts:
        question = Question(models, part.domain, part.goal, Meter(share), tell=lambda _: None)
        if question.decided(meter).status != "proved":
            return None
    return str(view.classes[int(found[0])])


def _first_row(task: Task, count: int) -> Domain:
    """The domain without what a second row has of its own."""
    if not task.copies:
        return task.domain
    groups = list[Group]()
    for group in task.domain.groups:
        kept = [k for k, i in enumerate(group.inputs) if i < count]
        if kept:
            cells = tuple(tuple(cell[k] for k in kept) for cell in group.cells)
            groups.append(replace(group, inputs=tuple(group.inputs[k] for k in kept), cells=cells))
    return Domain(tuple(groups))
