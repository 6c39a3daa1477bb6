"""A training step on a differential equation: third derivatives by autograd, against a perceptron of the same width."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from edgewise.bench.results import Comparison, compare
from edgewise.bench.settings import Settings
from edgewise.bench.timing import Work, alternately
from edgewise.network import KAN, laplacian

TABLE = "derivatives"


def measure(settings: Settings) -> Iterator[Comparison]:
    """One Adam step on the residual of Poisson's equation, network [2, w, w, 1]."""
    width, batches = (4, (16,)) if settings.smoke else (64, (1024,) if settings.quick else (1024, 4096))
    for batch in batches:
        x = torch.rand(batch, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
        ours = poisson_step(KAN([2, width, width, 1], seed=0, dtype=torch.float32), x)
        theirs = poisson_step(tanh_perceptron(2, width, width, 1), x)
        mine, other = alternately(
            [ours, theirs], threads=settings.threads, seconds=settings.seconds, least=settings.least
        )
        setting = {"network": f"[2, {width}, {width}, 1]", "batch": batch}
        yield compare(TABLE, setting, "Poisson step", "tanh MLP, same width", mine, other, most=2.0)
        network, perceptron = (
            KAN([2, width, width, 1], seed=0, dtype=torch.float32),
            tanh_perceptron(2, width, width, 1),
        )
        mine, other = alternately(
            [
                forward_step(network, lambda at, net=network: laplacian(net, at), x),
                forward_step(perceptron, lambda at, net=perceptron: perceptron_laplacian(net, at), x),
            ],
            threads=settings.threads,
            seconds=settings.seconds,
            least=settings.least,
        )
        yield compare(
            TABLE, setting, "Poisson step, forward", "tanh MLP, forward by hand", mine, other, most=2.0
        )


def tanh_perceptron(*widths: int) -> nn.Module:
    """Linear layers with tanh between them."""
    parts: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        parts += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*parts[:-1])


def perceptron_laplacian(network: nn.Module, x: Tensor) -> Tensor:
    """u_xx + u_yy by derivatives carried forward through its layers."""
    value = x
    slope = torch.eye(2).expand(len(x), -1, -1)
    second = torch.zeros_like(x)
    for layer in network.children():
        if isinstance(layer, nn.Linear):
            value, slope, second = layer(value), slope @ layer.weight.T, second @ layer.weight.T
        else:
            value = torch.tanh(value)
            bend = 1 - value**2
            second = bend * second - 2 * value * bend * (slope**2).sum(1)
            slope = bend[:, None] * slope
    return second


def forward_step(network: Any, laplacian: Callable[[Tensor], Tensor], points: Tensor) -> Work:
    """One Adam step on the same residual, its derivatives carried forward."""
    f = -2 * torch.pi**2 * torch.sin(torch.pi * points).prod(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def work() -> None:
        optimizer.zero_grad()
        (laplacian(points)[:, 0] - f).square().mean().backward()
        optimizer.step()

    return work


def poisson_step(network: Any, points: Tensor) -> Work:
    """One Adam step on the mean square of u_xx + u_yy - f, f = -2 pi^2 sin(pi x) sin(pi y)."""
    x = points.clone().requires_grad_()
    f = -2 * torch.pi**2 * torch.sin(torch.pi * points).prod(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def work() -> None:
        optimizer.zero_grad()
        (slope,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
        laplacian = sum(
            torch.autograd.grad(slope[:, k].sum(), x, create_graph=True)[0][:, k] for k in range(2)
        )
        (laplacian - f).square().mean().backward()
        optimizer.step()
        x.grad = None

    return work
