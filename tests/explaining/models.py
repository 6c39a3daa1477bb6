"""Small models that the tests of this room explain."""

from functools import cache

import numpy as np
import torch

from edgewise import KAN, KANClassifier, KANRegressor, Nodes
from edgewise.edits import mask_edges
from edgewise.splines import BSpline


def random_net(shape, seed, *, dead=0.0, degree=3, dtype=torch.float64, **options):
    """A network of random functions, shifts and scales; a share of its edges dead."""
    net = KAN(shape, degree=degree, seed=seed, dtype=dtype, **options)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.copy_(torch.randn(layer.coef.shape, generator=random, dtype=torch.float64))
            if layer.bias is not None:
                layer.bias.copy_(torch.randn(layer.bias.shape, generator=random, dtype=torch.float64))
        for name in ("input_shift", "output_shift"):
            own = getattr(net, name)
            own.copy_(torch.randn(own.shape, generator=random, dtype=torch.float64))
        for name in ("input_scale", "output_scale"):
            own = getattr(net, name)
            own.copy_(0.5 + torch.rand(own.shape, generator=random, dtype=torch.float64))
    edges = [
        (at, s, t)
        for at, layer in enumerate(net.layers)
        for s in range(layer.in_features)
        for t in range(layer.out_features)
        if float(torch.rand((), generator=random)) < dead
    ]
    return mask_edges(net, edges).network if edges else net


def product_net(terms, inputs):
    """The network sum of products of pairs of inputs, exactly: one multiplication node a pair, straight edges."""
    net = KAN(
        [inputs, Nodes(sums=0, products=(2,) * len(terms)), 1], init="zero", grid=(-4, 4), dtype=torch.float64
    )
    with torch.no_grad():
        for at, layer in enumerate(net.layers):
            line = BSpline(layer.grid, layer.degree).greville()
            for k, (i, j) in enumerate(terms):
                if at == 0:
                    layer.coef[i, :, 2 * k] = line[i]
                    layer.coef[j, :, 2 * k + 1] = line[j]
                else:
                    layer.coef[k, :, 0] = line[k]
    alive = {(0, i, 2 * k) for k, (i, _) in enumerate(terms)} | {
        (0, j, 2 * k + 1) for k, (_, j) in enumerate(terms)
    }
    dead = [(0, i, t) for i in range(inputs) for t in range(2 * len(terms)) if (0, i, t) not in alive]
    return mask_edges(net, dead).network


def people(n=400, seed=0):
    """A table with numbers, whole numbers, words, a truth value and holes, and a decision on it."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 80, n)
    income = np.round(random.lognormal(7.5, 0.5, n), 2)
    home = random.choice(["own", "rent", "free"], n, p=[0.5, 0.4, 0.1])
    member = random.random(n) < 0.3
    score = (
        0.04 * (age - 45) + 1.5 * np.log(income / 1800) + np.where(home == "rent", -1.0, 0.3) + 0.8 * member
    )
    score += 0.08 * (age - 45) * np.log(income / 1800)
    good = score + random.logistic(0, 0.4, n) > 0
    income = np.where(random.random(n) < 0.08, np.nan, income)
    table = {"age": age, "income": income, "home": list(home), "member": member}
    return table, np.where(good, "good", "bad")


@cache
def classifier(mode):
    table, y = people()
    return (
        KANClassifier(mode=mode, members=2, hidden=None if mode != "deep" else 6).fit(table, y),
        table,
        y,
    )


@cache
def regressor(mode):
    table, _ = people(seed=1)
    random = np.random.default_rng(2)
    income = np.nan_to_num(table["income"], nan=1500.0)
    y = (
        0.1 * table["age"] * np.sqrt(income) / 10
        + 5.0 * np.array(table["member"])
        + random.normal(0, 0.1, len(income))
    )
    return (
        KANRegressor(mode=mode, members=2, hidden=None if mode != "deep" else 6).fit(table, y),
        table,
        y,
    )


@cache
def three_classes():
    random = np.random.default_rng(3)
    X = random.uniform(-1, 1, (240, 3)).round(2)
    y = np.where(X[:, 0] * X[:, 1] > 0.15, "c", np.where(X[:, 2] > 0, "a", "b"))
    return KANClassifier(mode="deep", members=2, hidden=5).fit(X, y), X, y
