"""Which inputs the hidden nodes of a bag read, and what keeps them monotone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from edgewise.training.additive.shape_constraints import ShapeConstraint
from edgewise.training.bag.members import MonotoneConstraint
from edgewise.training.interactions.two_way_tables import Pair


def monotone_inputs(constraints: Mapping[int, ShapeConstraint]) -> dict[int, int]:
    """Inputs in which hidden nodes have to be monotone, and their directions."""
    return {i: one.monotone for i, one in constraints.items() if one.monotone and not one.alone}


def links_of(
    constraints: Mapping[int, ShapeConstraint], inputs: int, pairs: Sequence[Pair], hidden: int
) -> Tensor | None:
    """Which inputs each hidden node of a member reads, (inputs, hidden); None for all of them."""
    if pairs:
        joint = torch.zeros(inputs, len(pairs), dtype=torch.bool)
        for k, (i, j) in enumerate(pairs):
            joint[[i, j], k] = True
        return joint.repeat_interleave(hidden // len(pairs), 1)
    if not constraints:
        return None
    links = torch.ones(inputs, hidden, dtype=torch.bool)
    links[[i for i, one in constraints.items() if one.alone]] = False
    # One half of the nodes may do as they like with the inputs that are free.
    links[list(monotone_inputs(constraints)), hidden // 2 :] = False
    return links


def kept_monotone(
    links: Tensor, constraints: Mapping[int, ShapeConstraint], maps: Sequence[Tensor]
) -> MonotoneConstraint | None:
    """What keeps the nodes monotone that read inputs in which they have to be; None where there are none."""
    monotone = monotone_inputs(constraints)
    nodes = links[list(monotone)].any(0)
    if not bool(nodes.any()):
        return None
    return MonotoneConstraint(tuple(monotone.get(i, 0) for i in range(len(links))), tuple(maps), nodes)
