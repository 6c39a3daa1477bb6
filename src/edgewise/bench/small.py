"""Networks so small that overhead is what takes time: one step in float64, whole or through torch."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from edgewise.bench.derivatives import tanh_perceptron
from edgewise.bench.results import Comparison, compare
from edgewise.bench.settings import Settings
from edgewise.bench.timing import Work, alternately, clock, no_collection
from edgewise.kernels.native.library import load
from edgewise.kernels.small import SmallNetwork
from edgewise.network import KAN
from edgewise.training import Record, fit
from edgewise.training.second_order.native_objective import native_layers
from edgewise.training.second_order.parameters import make_slots, pack

TABLE = "small"
ADAM, LM = "Adam step", "LM iteration"
_RIVAL = "MLP of the same size in torch"
# What one whole step is to take at most, in seconds.
_GOAL = 120e-6
_SHAPE = (4, 5, 1)
# [4, 33, 1] has 199 parameters, [4, 5, 1] on five intervals 206.
_PERCEPTRON = (4, 33, 1)


def adam(settings: Settings) -> Iterator[Comparison]:
    """One Adam step of a [4, 5, 1] network, whole or through torch, against an eager perceptron of the same size."""
    X, y = _rows(settings)
    theirs = torch_step(tanh_perceptron(*_PERCEPTRON).double(), X, y)
    ways = {"through torch": torch_step(_network(), X, y)}
    if load() is not None:
        ways = {"in one call": _native_adam(X, y)} | ways
    for way, ours in ways.items():
        mine, other = alternately(
            [ours, theirs], threads=settings.threads, seconds=settings.seconds, least=settings.least
        )
        found = compare(TABLE, _setting(X), f"{ADAM}, {way}", f"{ADAM}, {_RIVAL}", mine, other)
        if way == "in one call":
            found = replace(found, goal=f"at most {_GOAL * 1e6:.0f} µs", met=found.ours <= _GOAL)
        yield found


def levenberg_marquardt(settings: Settings) -> Iterator[Comparison]:
    """One iteration of Levenberg-Marquardt, alone and as part of a fit, against an Adam step of the perceptron."""
    X, y = _rows(settings)
    theirs = torch_step(tanh_perceptron(*_PERCEPTRON).double(), X, y)
    if load() is not None:
        mine, other = alternately(
            [_native_descent(X, y), theirs],
            threads=settings.threads,
            seconds=settings.seconds,
            least=settings.least,
        )
        yield compare(TABLE, _setting(X), f"{LM}, in one call", f"{ADAM}, {_RIVAL}", mine, other)
    mine = _iterations_of_a_fit(settings, X, y)
    (other,) = alternately([theirs], threads=settings.threads, seconds=settings.seconds)
    other = [statistics.median(other)] * len(mine)
    yield compare(TABLE, _setting(X), f"{LM}, in a fit", f"{ADAM}, {_RIVAL}", mine, other)


def _network() -> KAN:
    return KAN(_SHAPE, seed=0, dtype=torch.float64)


def _native(X: Tensor, y: Tensor) -> tuple[SmallNetwork, Tensor]:
    """The network as the native engine takes it, and its vector of numbers."""
    library = load()
    assert library is not None
    net = _network()
    slots = make_slots(net)
    layers = native_layers(net, slots)
    assert layers is not None
    weight = torch.full((len(X),), 1 / len(X), dtype=torch.float64)
    return SmallNetwork(library, layers, slots.total, X, y, weight), pack(net, slots)


def _native_adam(X: Tensor, y: Tensor) -> Work:
    network, theta = _native(X, y)
    first, second, one = torch.zeros_like(theta), torch.zeros_like(theta), torch.ones_like(theta)
    none, learning = torch.zeros_like(theta), torch.full((1,), 1e-3, dtype=torch.float64)
    done = count()
    return lambda: network.adam(theta, first, second, one, none, learning, done=next(done))


def _native_descent(X: Tensor, y: Tensor) -> Work:
    """One iteration, again and again from where twenty have led."""
    network, theta = _native(X, y)
    mu, nu = (torch.tensor(value, dtype=torch.float64) for value in (1e-2, 2.0))
    led = network.descend(theta, mu, nu, 20)
    return lambda: network.descend(led.theta, led.mu, led.nu, 1)


def _iterations_of_a_fit(settings: Settings, X: Tensor, y: Tensor) -> list[float]:
    """Seconds from one record of a fit to the next."""
    now = clock(settings.threads)
    marks: list[tuple[str, float]] = []

    def mark(record: Record) -> bool:
        marks.append((record.phase, now()))
        return False

    steps = 10 if settings.smoke else 60
    with no_collection():
        fit(_network(), X.numpy(), y.numpy(), method="lm", intervals=[5], steps=steps, callbacks=[mark])
    pairs = pairwise(marks)
    return [later - earlier for (before, earlier), (after, later) in pairs if before == after]


def torch_step(network: Any, X: Tensor, y: Tensor) -> Work:
    """One Adam step on the mean square error, in plain torch."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def work() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(network(X), y).backward()
        optimizer.step()

    return work


def _rows(settings: Settings) -> tuple[Tensor, Tensor]:
    """exp((sin(pi (x1^2 + x2^2)) + sin(pi (x3^2 + x4^2))) / 2), the usual example of this size."""
    random = torch.Generator().manual_seed(0)
    X = torch.rand(50 if settings.smoke else 1000, 4, generator=random, dtype=torch.float64) * 2 - 1
    waves = torch.sin(torch.pi * (X[:, :2].square().sum(1))) + torch.sin(
        torch.pi * (X[:, 2:].square().sum(1))
    )
    return X, torch.exp(waves / 2)[:, None]


def _setting(X: Tensor) -> dict[str, int | str]:
    return {"network": str(list(_SHAPE)), "batch": len(X)}
