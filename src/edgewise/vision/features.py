"""The last step of a network of patches: a class uses each feature by one function, and their values add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.nn import functional as F

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.layers import KANConv2d, KANLinear
from edgewise.training.modules.descent import FLOP
from edgewise.vision.networks import KeptPlaces, Patches

# Pictures whose features are looked at together.
ROWS = 128
# Steps of a refit, and the penalty on moving the functions away from what was trained.
STEPS, RIDGE = 100, 1e-4
# Of a histogram, and of a function that is drawn.
BINS, POINTS = 24, 101
# Pictures that a median colour is taken from.
COLOURS = 1000


def last_step(network: Patches) -> KANLinear:
    """From the features at a place to what the place adds to the logit of each class."""
    return cast("KANConv2d", network.body[-1]).patch


def features_of(network: Patches, x: Tensor) -> Tensor:
    """Features at each place (N, C, H', W') of pictures (N, channels, height, width), as the last step reads them."""
    found, numbers = list[Tensor](), sum(p.numel() for p in network.parameters())
    with torch.no_grad():
        for part in x.split(ROWS):
            charge(FLOP * numbers * part[:, 0].numel())
            found.append(network.body[:-1](network.standard(part)))
    return torch.cat(found)


def contribution(network: Patches, features: Tensor, feature: int, label: int) -> Tensor:
    """What a feature adds to a class's logit at each place, (N, H', W'); with the constant they sum to the logit."""
    own = features[:, feature]
    with torch.no_grad():
        values = last_step(network).edge(feature, label, own.flatten()).reshape(own.shape)
    return values * kept(network, features)[label] / own[0].numel()


def kept(network: Patches, features: Tensor) -> Tensor:
    """Which places of features (N, C, H', W') count for each class, 1 or 0, (classes, H', W')."""
    places = network.places
    every = features.new_ones(len(network.constant), *features.shape[2:])
    return places.kept if isinstance(places, KeptPlaces) else every


@dataclass(frozen=True, eq=False)
class FeatureUse:
    """How one class uses one feature.

    Attributes
    ----------
    feature : int
    strength : float
        Standard deviation, over pictures, of what it adds to the logit.
    x, y : ndarray, shape (n,)
        Its function over the values that the feature takes: what a place with this value adds to the logit, less the mean.
    density : ndarray, shape (b,)
        Share of all places in equal steps from the least value to the greatest.
    """

    feature: int
    strength: float
    x: Floats
    y: Floats
    density: Floats


def uses(network: Patches, features: Tensor, label: int) -> list[FeatureUse]:
    """Features that a class uses, the strongest over these pictures first."""
    layer, found = last_step(network), list[FeatureUse]()
    for c in layer.mask[:, label].nonzero()[:, 0].tolist():
        values, own = features[:, c].flatten(), contribution(network, features, c, label).double()
        x = torch.linspace(float(values.min()), float(values.max()), POINTS).to(values)
        with torch.no_grad():
            y = layer.edge(c, label, x).double() / features[0, 0].numel() - own.mean()
        density = np.histogram(values.numpy(), BINS)[0] / len(values)
        strength = float(own.sum((1, 2)).std(unbiased=False))
        found.append(FeatureUse(c, strength, x.double().numpy(), y.numpy(), density))
    return sorted(found, key=lambda use: -use.strength)


def keep_few(network: Patches, x: Tensor, y: Tensor, most: int, weight: Tensor | None = None) -> None:
    """Let each class use at most so many features (in place), its functions fitted anew to those that stay.

    Given the features, logits are linear in the functions' coefficients, so the fit is a convex one. Half of the features
    go at a time, those that move the class's logit least (E. Wong, S. Santurkar and A. Madry, 2021, arXiv:2105.04857, thin
    the last layer of a network for the same end).
    """
    layer = last_step(network)
    table = torch.cat([_mean_basis(layer, features_of(network, part)) for part in x.split(ROWS)]).double()
    own = None if weight is None else weight.double()
    alive = int(layer.mask.sum(0).max())
    while alive > most:
        alive = max(most, -(-alive // 2))
        parts = torch.einsum("ncm,cmk->nck", table, layer.numeric_coef().detach().double())
        rank = (
            parts.std(0, unbiased=False).masked_fill(~layer.mask, -1.0).argsort(0, descending=True).argsort(0)
        )
        layer.set_mask((rank < alive) & layer.mask)
        _refit(network, table, y, own)


def centre(network: Patches, x: Tensor) -> None:
    """Let a patch with nothing on it, all in the median colour of pictures x, add nothing to any class (in place).

    Constants could stand in the functions of the last step or beside them without a change of any logit; so they stand
    where evidence lies on what there is to see.
    """
    layer = last_step(network)
    some = x[:: -(-len(x) // COLOURS)]
    colour = some.transpose(0, 1).flatten(1).median(1).values
    features = features_of(network, colour[None, :, None, None].expand(1, -1, *x.shape[2:]))
    height, width = features.shape[2:]
    with torch.no_grad():
        plain = layer.edges(features[:, :, height // 2, width // 2])[0]
        layer.coef.sub_(plain[:, None])
        network.constant.add_(plain.sum(0))


def _mean_basis(layer: KANLinear, features: Tensor) -> Tensor:
    """Means over all places of the B-splines of each feature, (N, C, M)."""
    n, c, height, width = features.shape
    with torch.no_grad():
        values = layer.basis.values(features.permute(0, 2, 3, 1).reshape(-1, c))
    return values.reshape(n, height * width, c, -1).mean(1)


def _refit(network: Patches, table: Tensor, y: Tensor, weight: Tensor | None) -> None:
    """The functions of the last step and the constants by multinomial logistic regression, in place."""
    layer = last_step(network)
    kept = layer.mask[:, None, :].expand_as(layer.coef)
    coef, start = layer.coef.detach().double(), layer.coef.detach().double()[kept]
    count = len(start)

    def loss(point: Floats) -> tuple[float, Floats]:
        charge(FLOP * 3 * table.numel() * len(coef[0, 0]))
        v = torch.from_numpy(point).requires_grad_()
        whole = torch.zeros_like(coef).masked_scatter(kept, v[:count])
        logits = torch.einsum("ncm,cmk->nk", table, whole) + v[count:]
        total = F.cross_entropy(logits, y, weight) + RIDGE * ((v[:count] - start) ** 2).sum()
        total.backward()
        assert v.grad is not None
        return float(total.detach()), v.grad.numpy()

    first = torch.cat([start, network.constant.detach().double()]).numpy()
    found = torch.from_numpy(minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x)
    with torch.no_grad():
        layer.coef.copy_(torch.zeros_like(coef).masked_scatter(kept, found[:count]))
        network.constant.copy_(found[count:])
