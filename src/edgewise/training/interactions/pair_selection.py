"""Which of the pairs that a bag was trained on pay."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise.training.bag.members import Bag
from edgewise.training.bag.run import TableProblem
from edgewise.training.common.losses import Loss, negligible_gain

# Standard errors, and share of what the pairs before it gain, that a pair must gain to stay.
_PAIR_ERRORS, _PAIR_SHARE = 2.0, 0.01


def telling_pairs(
    bag: Bag,
    problem: TableProblem,
    base: Tensor,
    loss: Loss,
    pairs: Sequence[tuple[int, int]],
) -> tuple[tuple[int, int], ...]:
    """The pairs whose functions lower the out-of-bag loss, those first that lower it most.

    Pairs are taken one after the other, each time the one that helps most beside those taken, as long as it helps by more
    than two standard errors of what it helps, and by a hundredth of what those taken do.

    Parameters
    ----------
    bag : Bag
        Trained on all pairs, with as many hidden nodes for each.
    problem : TableProblem
    base : Tensor, shape (folds, n, D)
        Outputs that the bag adds to.
    loss : Loss
    pairs : sequence of (int, int)
    """
    faint = negligible_gain(loss)
    held, fold = problem.held, problem.fold[problem.held]
    y, weight = problem.rows.y[held], problem.rows.weight[held]
    weight = weight / weight.sum()
    parts = _parts(bag, problem.coarse_table[held], fold, len(pairs))
    # The mean of a pair belongs to the bias, whichever pairs stay.
    parts = parts - (parts * weight[:, None]).sum(1, keepdim=True)
    now = base[fold, held]
    losses = loss.rows(now, y)
    first = float(losses @ weight)
    taken, left = list[int](), set(range(len(pairs)))
    while left:
        gains = {k: losses - loss.rows(now + parts[k], y) for k in sorted(left)}
        best = max(gains, key=lambda k: float(gains[k] @ weight))
        gain = gains[best]
        mean = float(gain @ weight)
        error = math.sqrt(float(((gain - mean) ** 2) @ weight**2))
        gained = first - float(losses @ weight)
        if mean <= max(faint + _PAIR_ERRORS * error, _PAIR_SHARE * gained):
            break
        now, losses = now + parts[best], losses - gain
        taken.append(best)
        left.remove(best)
    return tuple(pairs[k] for k in taken)


def _parts(bag: Bag, table: Tensor, fold: Tensor, count: int) -> Tensor:
    """Function of every pair on some rows, by the members that have not learned from them: (pairs, h, D)."""
    owners = torch.arange(bag.shape.members) % (int(fold.max()) + 1)
    out = (fold[None, :] == owners[:, None]).to(torch.float32)
    out = torch.where(out.sum(0, keepdim=True) > 0, out, torch.ones_like(out))
    out = out / out.sum(0, keepdim=True)
    nodes = bag.shape.hidden[-1] // count
    whole = bag.weights[-1].detach().clone()
    parts = list[Tensor]()
    with torch.no_grad():
        for k in range(count):
            alone = torch.zeros_like(whole).view(*whole.shape[:2], bag.shape.hidden[-1], -1)
            own = slice(k * nodes, (k + 1) * nodes)
            alone[:, :, own] = whole.view_as(alone)[:, :, own]
            bag.weights[-1].copy_(alone.view_as(whole))
            parts.append((bag.forward(table) * out[..., None]).sum(0).to(torch.float64))
        bag.weights[-1].copy_(whole)
    return torch.stack(parts)
