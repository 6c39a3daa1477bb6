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

# Smooth directions of each input, after the constant, whose products are tried: of wide tables fewer, down to two.
DIRECTIONS, FEWEST_DIRECTIONS, MOST_COLUMNS = 6, 2, 256
# Pairs are taken in so many rounds; each looks at what those before have left over, on so many rows.
ROUNDS, SCREENED_ROWS = 4, 20_000
# Share of a product's own size that its weight is held down by.
RIDGE = 1e-2
# Standard errors, and share of what the pairs before it gain, that a pair must gain to stay.
ERRORS, SHARE = 2.0, 0.01


def strongest_pairs(
    design: Design, table: Tensor, rest: Tensor, most: int, without: Collection[int] = ()
) -> tuple[tuple[int, int], ...]:
    """The pairs whose products explain most of what is left over, strongest first.

    For every pair the squared correlations of the rest with the products of their smoothest directions are added up. One
    matrix product serves all pairs. A pair counts only if its sum exceeds what chance would give. The strongest are taken
    first and what their products explain is taken from the rest, so that a strong pair hides no other, and lends nothing to
    its neighbours.

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
    d = len(design.maps)
    step = -(-len(table) // SCREENED_ROWS)
    basis, owner = _directions(
        design, table[::step], min(DIRECTIONS, max(FEWEST_DIRECTIONS, MOST_COLUMNS // d))
    )
    rest = rest[::step].to(torch.float64)
    rest = (rest - rest.mean(0)) / rest.std(0).clamp(min=1e-12)
    belongs = torch.nn.functional.one_hot(owner, d).to(torch.float64)
    sizes = belongs.sum(0)
    chance = rest.shape[1] * sizes[:, None] * sizes[None, :] / len(basis)
    barred = torch.zeros(d, dtype=torch.bool)
    barred[list(without)] = True
    free = ~(barred[:, None] | barred[None, :]) & torch.ones(d, d, dtype=torch.bool).triu(1)
    found = list[tuple[int, int]]()
    while len(found) < most:
        total = torch.zeros(d, d, dtype=torch.float64)
        for k in range(rest.shape[1]):
            moment = basis.T @ (basis * rest[:, k : k + 1]) / len(basis)
            total += belongs.T @ moment**2 @ belongs
        gain = torch.where(free, total - chance * rest.square().mean(), 0.0).flatten()
        room = min(-(-most // ROUNDS), most - len(found))
        order = gain.argsort(descending=True, stable=True)[:room].tolist()
        fresh = [(at // d, at % d) for at in order if float(gain[at]) > 0]
        found += fresh
        if len(fresh) < room:
            break
        for i, j in fresh:
            free[i, j] = False
        products = torch.cat([_products(basis[:, owner == i], basis[:, owner == j]) for i, j in fresh], 1)
        gram = products.T @ products
        gram.diagonal().mul_(1 + RIDGE).add_(1e-9)
        rest = rest - products @ torch.linalg.solve(gram, products.T @ rest)
    return tuple(found)


def _directions(design: Design, table: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The smoothest directions of each input but for its constant, of unit size, (n, C); and whose each is, (C,)."""
    columns, owner, start = list[int](), list[int](), 0
    for i, turn in enumerate(design.maps):
        own = range(start + 1, start + min(turn.shape[1], most + 1))
        columns += own
        owner += [i] * len(own)
        start += turn.shape[1]
    basis = table[:, columns].to(torch.float64)
    return basis / basis.std(0).clamp(min=1e-9), torch.tensor(owner, dtype=torch.long)


def _products(a: Tensor, b: Tensor) -> Tensor:
    """All products of a column of one with a column of the other, about their means."""
    products = (a[:, :, None] * b[:, None, :]).flatten(1)
    return products - products.mean(0)


def telling_pairs(
    bag: Bag,
    ground: Ground,
    base: Tensor,
    loss: Loss,
    pairs: Sequence[tuple[int, int]],
    faint: float,
) -> tuple[tuple[int, int], ...]:
    """The pairs whose functions lower the out-of-bag loss, those first that lower it most.

    Pairs are taken one after the other, each time the one that helps most beside those taken, as long as it helps by more
    than two standard errors of what it helps, and by a hundredth of what those taken do.

    Parameters
    ----------
    bag : Bag
        Trained on all pairs, with as many hidden nodes for each.
    ground : Ground
    base : Tensor, shape (folds, n, D)
        Outputs that the bag adds to.
    loss : Loss
    pairs : sequence of (int, int)
    faint : float
        A gain in loss below which nobody could tell.
    """
    held, fold = ground.held, ground.fold[ground.held]
    y, weight = ground.rows.y[held], ground.rows.weight[held]
    weight = weight / weight.sum()
    parts = _parts(bag, ground.coarse_table[held], fold, len(pairs))
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
