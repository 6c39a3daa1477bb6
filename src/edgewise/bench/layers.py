"""A layer of edge functions against a linear layer, a perceptron of as many parameters, and the dense formulation.

An edge of degree k needs k + 1 multiply-adds in each of the three passes (forward, coefficients, input) where a linear edge
needs one, so four is the floor of the first ratio for cubics, five with a base function. A perceptron of the same number of
parameters has G + k times as many edges as the layer; the dense formulation multiplies G + k basis functions an edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from edgewise.bench import machine
from edgewise.bench.dense import DenseKANLinear
from edgewise.bench.results import Comparison, compare
from edgewise.bench.settings import Settings
from edgewise.bench.timing import Work, alternately
from edgewise.layers import KANLinear

TABLE, BOTH, PERCEPTRON = "layers", "forward + backward", "MLP, same parameters"
SHAPES = ((64, 64), (256, 256), (784, 64), (1024, 1024))
BATCHES = (256, 4096)
INTERVALS = (5, 32, 128)
# What is aimed at, by number of intervals: against the perceptron (median over the cells) and the dense formulation.
_MLP_GOALS = {5: 0.5, 32: 0.15, 128: 0.05}
_DENSE_GOALS = {5: 1 / 5, 32: 1 / 20}


@dataclass(frozen=True)
class LayerCase:
    """One layer and one batch."""

    inputs: int
    outputs: int
    batch: int
    intervals: int

    @property
    def setting(self) -> dict[str, int | str]:
        """As it stands in the results."""
        return {"in": self.inputs, "out": self.outputs, "batch": self.batch, "G": self.intervals}


def cells(settings: Settings) -> tuple[LayerCase, ...]:
    """The cells of the table."""
    if settings.smoke:
        return (LayerCase(8, 8, 16, 5),)
    if settings.quick:
        return (LayerCase(64, 64, 256, 5), LayerCase(256, 256, 256, 5), LayerCase(256, 256, 256, 32))
    return tuple(
        LayerCase(inputs, outputs, batch, G)
        for (inputs, outputs), batch, G in product(SHAPES, BATCHES, INTERVALS)
    )


def inputs_of(cell: LayerCase) -> tuple[Tensor, Tensor]:
    """Inputs spread over the grid, (B, I), and gradients at the outputs, (B, O)."""
    random = torch.Generator().manual_seed(0)
    x = torch.rand(cell.batch, cell.inputs, generator=random) * 1.96 - 0.98
    return x, torch.randn(cell.batch, cell.outputs, generator=random)


def edgewise_layer(cell: LayerCase, base: str | None = None) -> KANLinear:
    """Our layer for a cell."""
    return KANLinear(cell.inputs, cell.outputs, intervals=cell.intervals, base=base, seed=0)


def linear_layer(cell: LayerCase) -> nn.Module:
    """A linear layer of the same width with SiLU."""
    return nn.Sequential(nn.Linear(cell.inputs, cell.outputs), nn.SiLU())


def perceptron(cell: LayerCase) -> nn.Module:
    """[in, h, out] with SiLU and as many parameters as our layer."""
    parameters = cell.inputs * cell.outputs * (cell.intervals + 3)
    hidden = max(1, round(parameters / (cell.inputs + cell.outputs + 1)))
    return nn.Sequential(nn.Linear(cell.inputs, hidden), nn.SiLU(), nn.Linear(hidden, cell.outputs))


def one_pass(layer: Any, x: Tensor, g: Tensor) -> Work:
    """Forward and backward, for the parameters and the input."""
    x = x.clone().requires_grad_()

    def work() -> None:
        x.grad = None
        layer.zero_grad(set_to_none=True)
        layer(x).backward(g)

    return work


def forward_only(layer: Any, x: Tensor) -> Work:
    """The outputs alone."""

    def work() -> None:
        with torch.no_grad():
            layer(x)

    return work


def against_linear(settings: Settings) -> Iterator[Comparison]:
    """Forward and backward against the same-width linear layer, without and with a base function."""
    for cell in cells(settings):
        x, g = inputs_of(cell)
        theirs = one_pass(linear_layer(cell), x, g)
        # Fetching the coefficients of large grids for a small batch takes as long as the arithmetic.
        fetching = (cell.inputs, cell.batch, cell.intervals) == (1024, 256, 128)
        for base in (None, "silu"):
            ours = one_pass(edgewise_layer(cell, base), x, g)
            mine, other = _timed(settings, ours, theirs)
            most = None if fetching else 5.5 if cell.batch >= 4096 else 8.0
            setting = cell.setting | {"base": base or "none"}
            yield compare(TABLE, setting, BOTH, "Linear + SiLU", mine, other, most=most)


def against_perceptron(settings: Settings) -> Iterator[Comparison]:
    """Forward and backward, and forward alone, against a perceptron of as many parameters."""
    found: list[Comparison] = []
    for cell in cells(settings):
        x, g = inputs_of(cell)
        ours, theirs = edgewise_layer(cell), perceptron(cell)
        for measure in (BOTH, "forward"):
            first, second = (
                one_pass(layer, x, g) if measure == BOTH else forward_only(layer, x)
                for layer in (ours, theirs)
            )
            mine, other = _timed(settings, first, second)
            found.append(compare(TABLE, cell.setting, measure, PERCEPTRON, mine, other, most=1.0))
            yield found[-1]
    for G, goal in _MLP_GOALS.items():
        if same := [each for each in found if each.setting["G"] == G and each.measure == BOTH]:
            mine, other = [each.ours for each in same], [each.theirs for each in same]
            setting = {"in": "all", "out": "all", "batch": "all", "G": G}
            yield compare(TABLE, setting, BOTH, PERCEPTRON, mine, other, most=goal)


def against_dense(settings: Settings) -> Iterator[Comparison]:
    """Forward and backward against the dense formulation, whose memory the C library is asked to keep."""
    machine.keep_memory()
    for cell in cells(settings):
        if cell.intervals not in _DENSE_GOALS:
            continue
        x, g = inputs_of(cell)
        dense = DenseKANLinear(cell.inputs, cell.outputs, intervals=cell.intervals)
        mine, other = _timed(settings, one_pass(edgewise_layer(cell), x, g), one_pass(dense, x, g))
        most = _DENSE_GOALS[cell.intervals]
        yield compare(TABLE, cell.setting, BOTH, "dense formulation", mine, other, most=most)


def _timed(settings: Settings, ours: Work, theirs: Work) -> tuple[list[float], ...]:
    return alternately(
        [ours, theirs], threads=settings.threads, seconds=settings.seconds, least=settings.least
    )
