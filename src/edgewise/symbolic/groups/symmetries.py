"""Constants of groups that were fitted apart, in the same one of several equal writings.

a*sin(x + b) is -a*sin(x + b + pi), and a*tanh(b*x) is -a*tanh(-b*x): fits of single groups end in either. Only where all
groups are written alike does it show what they share.
"""

from __future__ import annotations

import math

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise.forms.tree import Node
from edgewise.symbolic.groups.least_squares import GroupedProblem
from edgewise.symbolic.groups.rows import GroupedRows

# Values that differ by less than this share of the largest are the same.
_SAME = 1e-9


def written_alike(tree: Node, own: dict[str, Floats], rows: GroupedRows) -> dict[str, Floats]:
    """The constants with equal signs, and angles near each other, where that leaves the values as they are.

    Parameters
    ----------
    tree
        The formula of the columns and the named constants, every other number exact.
    own
        The constants, an entry a group.
    rows
        All groups.
    """
    problem = GroupedProblem.of(tree, tuple(own), (), rows)
    values = problem.value(own)
    if not np.isfinite(values).all():
        return own
    near = _SAME * float(np.abs(values).max())

    def same(changed: dict[str, Floats]) -> bool:
        return bool(np.abs(problem.value({**own, **changed}) - values).max() <= near)

    angles = [name for name in problem.own if same({name: own[name] + 2 * math.pi})]
    found = dict(own)
    for name in problem.own:
        fewer = _fewer(found[name])
        others = [each for each in problem.own if each != name]
        # By itself, with the sign of another, or with half a turn.
        moves = [{}, *({each: -found[each]} for each in others)]
        moves += [{each: found[each] + math.pi} for each in angles if each != name]
        for move in moves if fewer.any() and name not in angles else []:
            changed = {
                each: np.where(fewer, new, found[each]) for each, new in {name: -found[name], **move}.items()
            }
            if same({**found, **changed}):
                found |= changed
                break
    return found | {name: _near_each_other(found[name]) for name in angles}


def _fewer(values: Floats) -> Bools:
    """The groups with the rarer sign; of as many, those with another than the first."""
    below = values < 0
    return below if 2 * below.sum() < len(below) + (not below[0]) else ~below


def _near_each_other(angles: Floats) -> Floats:
    """The same angles within half a turn of their mean direction."""
    middle = float(np.angle(np.exp(1j * angles).mean()))
    return middle + np.remainder(angles - middle + math.pi, 2 * math.pi) - math.pi
