"""Other packages on the same cells: what installs from PyPI and runs, each in a process of its own.

The extra `bench` brings them. What is not installed, or does not run here, is reported as missing.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from _speed_measures import (
    BOTH,
    Comparison,
    LayerCase,
    NotMeasured,
    Settings,
    Work,
    alternately,
    compare,
    edgewise_layer,
    inputs_of,
    one_pass,
    torch_step,
)
from torch import Tensor

from edgewise._core.extras import how_to_install
from edgewise.network import KAN

STEP = "Adam step of [2, 5, 1]"
_ROWS = 1000


@dataclass(frozen=True)
class Peer:
    """A package to compare with.

    Attributes
    ----------
    name : as it is called in the tables
    package : what pip installs
    one_pass : forward and backward of one layer, from a cell, its inputs and gradients
    step : an Adam step of a network of this shape on rows X and y
    most : evaluations of an edge a pass at most (batch x in x out); more would not fit into memory
    """

    name: str
    package: str
    one_pass: Callable[[LayerCase, Tensor, Tensor], Work]
    step: Callable[[tuple[int, ...], Tensor, Tensor], Work]
    most: int


def cells(settings: Settings) -> tuple[LayerCase, ...]:
    """A few cells of the table of"""
    few = (LayerCase(64, 64, 256, 5), LayerCase(256, 256, 256, 5))
    if settings.quick:
        return few
    return (*few, LayerCase(256, 256, 256, 32), LayerCase(784, 64, 4096, 5), LayerCase(1024, 1024, 256, 5))


def measure(name: str, settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """All that one peer is measured on."""
    peer = PEERS[name]
    if find_spec(_MODULES.get(peer.package, peer.package)) is None:
        yield NotMeasured("peers", peer.name, f"not installed; {how_to_install('bench')}")
        return
    if name == "jaxkan" and hasattr(os, "sched_setaffinity"):
        # Its runtime takes as many threads as it sees processors.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: settings.threads])
    for cell in cells(settings):
        if cell.batch * cell.inputs * cell.outputs > peer.most:
            continue
        x, g = inputs_of(cell)
        mine, other = alternately(settings, one_pass(edgewise_layer(cell), x, g), peer.one_pass(cell, x, g))
        yield compare("peers", cell.setting, BOTH, peer.name, mine, other)
    random = torch.Generator().manual_seed(0)
    X = torch.rand(_ROWS, 2, generator=random) * 1.9 - 0.95
    y = torch.exp(torch.sin(torch.pi * X[:, :1]) + X[:, 1:].square())
    shape = (2, 5, 1)
    ours = torch_step(KAN(shape, seed=0, dtype=torch.float32), X, y)
    mine, other = alternately(settings, ours, peer.step(shape, X, y))
    setting: dict[str, int | str] = {"in": 2, "out": 1, "batch": len(X), "G": 5}
    yield compare("peers", setting, STEP, peer.name, mine, other)


def _pykan(shape: tuple[int, ...], G: int) -> Any:
    module = import_module("kan.MultKAN")
    # Without the symbolic branch and without keeping activations: its own recipe for speed.
    network = module.MultKAN(
        width=list(shape), grid=G, k=3, seed=0, symbolic_enabled=False, save_act=False, auto_save=False
    )
    return network.speed()


def _pykan_pass(cell: LayerCase, x: Tensor, g: Tensor) -> Work:
    return one_pass(_pykan((cell.inputs, cell.outputs), cell.intervals), x, g)


def _pykan_step(shape: tuple[int, ...], X: Tensor, y: Tensor) -> Work:
    return torch_step(_pykan(shape, 5), X, y)


def _inkan_pass(compiled: bool, cell: LayerCase, x: Tensor, g: Tensor) -> Work:
    make = import_module("inkan").KANLayer
    return one_pass(make(cell.inputs, cell.outputs, grid_size=cell.intervals, compile_basis=compiled), x, g)


def _inkan_step(compiled: bool, shape: tuple[int, ...], X: Tensor, y: Tensor) -> Work:
    make = import_module("inkan").KANLayer
    parts = [
        make(before, after, grid_size=5, compile_basis=compiled)
        for before, after in itertools.pairwise(shape)
    ]
    return torch_step(torch.nn.Sequential(*parts), X, y)


def _jaxkan(shape: tuple[int, ...], G: int) -> tuple[Any, Any, Any]:
    """Graph, parameters and the rest of a network: jaxkan computes with pure functions of these."""
    nnx = import_module("flax.nnx")
    network = import_module("jaxkan.models.KAN").KAN(
        layer_dims=list(shape), layer_type="spline", required_parameters={"k": 3, "G": G}, seed=0
    )
    return nnx.split(network, nnx.Param, ...)


def _jaxkan_pass(cell: LayerCase, x: Tensor, g: Tensor) -> Work:
    jax, nnx = import_module("jax"), import_module("flax.nnx")
    graph, parameters, rest = _jaxkan((cell.inputs, cell.outputs), cell.intervals)
    inputs, grads = jax.numpy.asarray(x.numpy()), jax.numpy.asarray(g.numpy())

    def weighted(parameters: Any, inputs: Any) -> Any:
        return (nnx.merge(graph, parameters, rest)(inputs) * grads).sum()

    both = jax.jit(jax.value_and_grad(weighted, argnums=(0, 1)))
    return lambda: jax.block_until_ready(both(parameters, inputs))


def _jaxkan_step(shape: tuple[int, ...], X: Tensor, y: Tensor) -> Work:
    jax, nnx, optax = import_module("jax"), import_module("flax.nnx"), import_module("optax")
    graph, parameters, rest = _jaxkan(shape, 5)
    inputs, targets = jax.numpy.asarray(np.asarray(X)), jax.numpy.asarray(np.asarray(y))
    adam = optax.adam(1e-3)

    def loss(parameters: Any) -> Any:
        return ((nnx.merge(graph, parameters, rest)(inputs) - targets) ** 2).mean()

    def update(parameters: Any, state: Any) -> Any:
        updates, state = adam.update(jax.grad(loss)(parameters), state, parameters)
        return optax.apply_updates(parameters, updates), state

    compiled, held = jax.jit(update), [(parameters, adam.init(parameters))]

    def work() -> None:
        held[0] = jax.block_until_ready(compiled(*held[0]))

    return work


_MODULES = {"pykan": "kan"}
PEERS = {
    "pykan": Peer("pykan", "pykan", _pykan_pass, _pykan_step, 1 << 25),
    "inkan": Peer("inkan", "inkan", partial(_inkan_pass, False), partial(_inkan_step, False), 1 << 32),
    "inkan-compiled": Peer(
        "inkan, compiled", "inkan", partial(_inkan_pass, True), partial(_inkan_step, True), 1 << 32
    ),
    "jaxkan": Peer("jaxKAN, jitted", "jaxkan", _jaxkan_pass, _jaxkan_step, 1 << 32),
}
