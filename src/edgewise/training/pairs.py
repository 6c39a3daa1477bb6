"""Which pairs of inputs act together: screened on what an additive network leaves over."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from edgewise.training.bag import Bag
from edgewise.training.bag_design import Design
from edgewise.training.bag_run import Ground
from edgewise.training.losses import Loss

# Smooth directions of each input, after the constant, whose products are tried.
DIRECTIONS = 4
# Standard errors, and share of what the pairs before it gain, that a pair must gain to stay.
ERRORS, SHARE = 2.0, 0.01


def strongest_pairs(
    design: Design, table: Tensor, rest: Tensor, most: int, without: Collection[int] = ()
) -> tuple[tuple[int, int], ...]:
    """The pairs whose products explain most of what is left over, strongest first.

    For every pair the squared correlations of the rest with the products of their smoothest directions are added up. One
    matrix product serves all pairs. A pair counts only if its sum exceeds what chance would give.

    Parameters
    ----------
    design : Design
    table : Tensor, shape (n, P)
        The design of some rows.
    rest : Tensor, shape (n, D)
        Residuals, or negative gradients of the loss, weighted.
    most : int
        How many pairs at most.
    without : collection of int
        Inputs that are in no pair.

    Returns
    -------
    tuple of (int, int)

    References
    ----------
    Y. Lou, R. Caruana, J. Gehrke and G. Hooker, "Accurate intelligible models with pairwise interactions", 2013,
    doi:10.1145/2487575.2487579.
    """
    starts = torch.tensor([0, *(m.shape[1] for m in design.maps)]).cumsum(0)[:-1].tolist()
    widths = [m.shape[1] for m in design.maps]
    columns, owner = list[int](), list[int]()
    for i, (start, width) in enumerate(zip(starts, widths, strict=True)):
        own = range(start + 1, start + min(width, DIRECTIONS + 1))
        columns += own
        owner += [i] * len(own)
    basis = table[:, columns].to(torch.float64)
    basis = basis / basis.std(0).clamp(min=1e-9)
    rest = rest.to(torch.float64)
    rest = (rest - rest.mean(0)) / rest.std(0).clamp(min=1e-12)
    n, d = len(basis), len(design.maps)
    belongs = torch.zeros(len(owner), d, dtype=torch.float64)
    belongs[torch.arange(len(owner)), owner] = 1.0
    total = torch.zeros(d, d, dtype=torch.float64)
    for k in range(rest.shape[1]):
        moment = basis.T @ (basis * rest[:, k : k + 1]) / n
        total += belongs.T @ moment**2 @ belongs
    sizes = belongs.sum(0)
    chance = rest.shape[1] * sizes[:, None] * sizes[None, :] / n
    gain = (total - chance).triu(1)
    gain[list(without)] = 0.0
    gain[:, list(without)] = 0.0
    order = gain.flatten().argsort(descending=True, stable=True)[:most].tolist()
    return tuple((at // d, at % d) for at in order if float(gain.flatten()[at]) > 0)


def telling_pairs(
    bag: Bag,
    ground: Ground,
    base: Tensor,
    loss: Loss,
    pairs: Sequence[tuple[int, int]],
    nodes: int,
    faint: float,
) -> tuple[tuple[int, int], ...]:
    """The pairs whose functions lower the out-of-bag loss, those first that lower it most.

    Pairs are taken one after the other, each time the one that helps most beside those taken, as long as it helps by more
    than two standard errors of what it helps, and by a hundredth of what those taken do.

    Parameters
    ----------
    bag : Bag
        Trained on all pairs, `nodes` hidden nodes for each.
    ground : Ground
    base : Tensor, shape (folds, n, D)
        Outputs that the bag adds to.
    loss : Loss
    pairs : sequence of (int, int)
    nodes : int
    faint : float
        A gain in loss below which nobody could tell.
    """
    held, fold = ground.held, ground.fold[ground.held]
    y, weight = ground.rows.y[held], ground.rows.weight[held]
    weight = weight / weight.sum()
    parts = _parts(bag, ground.coarse_table[held], fold, len(pairs), nodes)
    # What a pair says on average is the bias's business, whichever pairs stay.
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
        if mean <= max(faint + ERRORS * error, SHARE * (first - float(losses @ weight))):
            break
        now, losses = now + parts[best], losses - gain
        taken.append(best)
        left.remove(best)
    return tuple(pairs[k] for k in taken)


def _parts(bag: Bag, table: Tensor, fold: Tensor, count: int, nodes: int) -> Tensor:
    """Function of every pair on some rows, by the members that have not learned from them: (pairs, h, D)."""
    owners = torch.arange(bag.shape.members) % (int(fold.max()) + 1)
    out = (fold[None, :] == owners[:, None]).to(torch.float32)
    out = torch.where(out.sum(0, keepdim=True) > 0, out, torch.ones_like(out))
    out = out / out.sum(0, keepdim=True)
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
