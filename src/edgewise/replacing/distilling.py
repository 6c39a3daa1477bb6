"""A network of functions that does what a trained block does: solved for first, then trained.

The network is [inputs, H, outputs]. Edges into the hidden nodes are straight lines, so that each node is a direction in the
space of inputs; edges out of them are splines, and any output may follow any function of a direction. For a plain block the
directions begin as those of its H hidden units that move its output most, for a gated one as sums and differences of the
unit's two directions, since a b = ((a + b)^2 - (a - b)^2) / 4. Given the directions, all splines are solved for at once by
least squares; training then turns the directions too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgewise._core.seeds import derive, generator
from edgewise._core.work import charge
from edgewise.layers import KANLinear
from edgewise.network import KAN, KANSpec, Nodes
from edgewise.network.spec import LayerSpec
from edgewise.replacing.sampling import BlockSample
from edgewise.replacing.tracing import Block, parts
from edgewise.training.modules.descent import FLOP, Descent, Recipe

# Hidden nodes lie on [-1, 1] but for so many deviations; rows that are worked on at once; rows of a step.
REACH, ROWS, BATCH = 3.0, 4096, 512
# Ridges that are tried, as shares of the mean of the diagonal.
RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
PRODUCT = 1e-10
POLISH = Recipe(rate=1e-3, decay=0.0, warmup=0.05)


@dataclass(frozen=True)
class Functions:
    """The functions of a new block: degree and intervals of the splines out of its hidden nodes."""

    degree: int = 2
    intervals: int = 2

    @property
    def size(self) -> int:
        """Numbers of one of them."""
        return self.degree + self.intervals

    def hidden(self, block: Block, parameters: int) -> int:
        """Hidden nodes that so many parameters allow."""
        return (parameters - block.outputs) // (2 * block.inputs + self.size * block.outputs)


def fresh(block: Block, hidden: int, functions: Functions, like: Tensor, seed: int | None) -> KAN:
    """A block that has learned nothing."""
    inputs = tuple(f"x{k + 1}" for k in range(block.inputs))
    outputs = tuple(f"y{k + 1}" for k in range(block.outputs))
    specs = (
        LayerSpec(block.inputs, Nodes(sums=hidden), degree=1, intervals=1, bias=False),
        LayerSpec(hidden, Nodes(sums=block.outputs), degree=functions.degree, intervals=functions.intervals),
    )
    layers = [
        KANLinear(
            spec.in_features, spec.nodes.sums, degree=spec.degree, intervals=spec.intervals, bias=spec.bias,
            seed=derive(seed, k), device=like.device, dtype=like.dtype,
        )
        for k, spec in enumerate(specs)
    ]  # fmt: skip
    return KAN.from_layers(KANSpec(specs, inputs, outputs), layers)


def solved(net: KAN, sample: BlockSample, directions: Tensor) -> KAN:
    """The network (changed in place) on the units of a sample, with these directions and the best splines over them."""
    first, second = net.layers
    x, y = sample.x, sample.y
    with torch.no_grad():
        net.input_shift.copy_(x.mean(0))
        net.input_scale.copy_(_not_flat(x.std(0)))
        net.output_shift.copy_(y.mean(0))
        net.output_scale.copy_(_not_flat(spread(y)))
        slopes = directions * net.input_scale
        h = ((x - net.input_shift) / net.input_scale) @ slopes.T
        centre, reach = h.mean(0), _not_flat(REACH * h.std(0))
        slopes, shifts = slopes / reach[:, None], -centre / reach
        # A straight edge holds its values at both ends of the grid; each bears its part of the constant.
        ends = torch.tensor([-1.0, 1.0]).to(slopes)
        first.coef.copy_(slopes.T[:, None] * ends[:, None] + shifts / len(slopes.T))
        coef, bias = _splines(net, sample)
        second.coef.copy_(coef)
        assert second.bias is not None
        second.bias.copy_(bias)
    return net


def _splines(net: KAN, sample: BlockSample) -> tuple[Tensor, Tensor]:
    """Coefficients and biases of the second layer by weighted least squares, the ridge judged by rows left out."""
    layer = net.layers[1]
    size = layer.in_features * layer.size + 1
    target = (sample.y - net.output_shift) / net.output_scale
    # A few rows that are far out would rule the squares of all others.
    weight = 1 / (1 + target.square().mean(1, keepdim=True))
    held = slice(0, len(target) // 10)
    matrix = torch.zeros(size, size, dtype=torch.float64, device=target.device)
    right = torch.zeros(size, layer.out_features, dtype=torch.float64, device=target.device)

    def design(rows: slice) -> Tensor:
        h = net.layers[0]((sample.x[rows] - net.input_shift) / net.input_scale)
        values = layer.basis.values(h).flatten(1)
        return torch.cat([values, torch.ones_like(values[:, :1])], 1)

    for start in range(held.stop, len(target), ROWS):
        rows = slice(start, start + ROWS)
        a, w = design(rows), weight[rows]
        charge(PRODUCT * len(a) * size * (size / 2 + layer.out_features))
        matrix += ((a * w).T @ a).to(torch.float64)
        right += ((a * w).T @ target[rows]).to(torch.float64)
    values, vectors = torch.linalg.eigh(matrix)
    turned, best = vectors.T @ right, (math.inf, right)
    a = design(held).to(torch.float64)
    charge(1e-9 * size**2 * (size / 100 + len(RIDGES)))
    for ridge in RIDGES:
        answer = vectors @ (turned / (values.clamp(min=0) + ridge * values.clamp(min=0).mean())[:, None])
        error = float(((a @ answer - target[held]).square() * weight[held]).mean())
        best = min(best, (error, answer), key=lambda pair: pair[0])
    coef, bias = best[1][:-1], best[1][-1]
    return coef.view(layer.in_features, layer.size, -1).to(target), bias.to(target)


def directions_of(
    model: nn.Module, block: Block, sample: BlockSample, hidden: int, seed: int | None
) -> Tensor:
    """Directions (hidden, inputs) of the units that move the output most."""
    weights = list[Tensor]()
    for name in block.first:
        weights += list(_matrix(model.get_submodule(name), block.inputs).split(block.hidden))
    out = _matrix(model.get_submodule(block.last), block.hidden)
    moved = sample.spread * (out / _not_flat(spread(sample.y))[:, None]).norm(dim=0)
    order = moved.argsort(descending=True)
    if len(weights) > 1:
        units = order[: -(-hidden // 2)]
        scales = [(sample.x @ w[units].T).std(0) for w in weights[:2]]
        a, b = (w[units] / _not_flat(s)[:, None] for w, s in zip(weights, scales, strict=False))
        found = torch.stack([a + b, a - b], 1).flatten(0, 1)[:hidden]
    else:
        found = weights[0][order[:hidden]]
    missing = hidden - len(found)
    if missing:  # more nodes than units: mixtures of units
        mixture = torch.randn(missing, len(found), generator=generator(seed), dtype=torch.float64).to(found)
        found = torch.cat([found, mixture @ found / len(found) ** 0.5])
    return found


def _matrix(module: nn.Module, inputs: int) -> Tensor:
    """The matrix (outputs, inputs) of an affine map, which may keep it the other way."""
    matrix = parts(module)[0].detach()
    upright = matrix.shape[1] == inputs and (isinstance(module, nn.Linear) or matrix.shape[0] != inputs)
    return matrix if upright or matrix.shape[0] != inputs else matrix.T


def polished(net: KAN, learn: BlockSample, steps: int, seed: int | None, recipe: Recipe = POLISH) -> KAN:
    """The network (changed in place) after steps on rows of a sample; large errors count by their size, not its square."""
    if steps < 1:
        return net
    run, random = Descent(net, steps, recipe), generator(seed)
    cost = FLOP * 3 * BATCH * net.n_parameters
    try:
        while run.done < run.steps:
            rows = torch.randint(len(learn.x), (BATCH,), generator=random).to(learn.x.device)
            run.step(lambda rows=rows: _loss(net, learn.x[rows], learn.y[rows]), cost)
    finally:
        run.finish()
    return net


def _loss(net: KAN, x: Tensor, y: Tensor) -> Tensor:
    return nn.functional.huber_loss(net(x) / net.output_scale, y / net.output_scale)


def unexplained(net: nn.Module, sample: BlockSample) -> float:
    """Share of the spread of what a block gives that a network does not give, large errors counted as in training."""
    scale = _not_flat(spread(sample.y))
    with torch.no_grad():
        found = torch.cat([net(part) for part in sample.x.split(ROWS)])
        error = nn.functional.huber_loss(found / scale, sample.y / scale)
        whole = nn.functional.huber_loss(sample.y.mean(0).expand_as(found) / scale, sample.y / scale)
    return float(error / whole)


def spread(y: Tensor) -> Tensor:
    """Deviation of each column, by its quartiles, which a few values far out do not move."""
    quartiles = torch.quantile(
        y[:: max(1, len(y) // 8192)].float(), torch.tensor([0.25, 0.75]).to(y.device), 0
    )
    return ((quartiles[1] - quartiles[0]) / 1.349).to(y)


def _not_flat(scale: Tensor) -> Tensor:
    largest = scale.max()
    return torch.where(
        scale > 1e-6 * largest, scale, torch.where(largest > 0, largest, torch.ones_like(scale))
    )
