"""A network of functions that does what a trained block does: solved for first, then trained.

The network is [inputs, H, outputs]. Edges into the hidden nodes are straight lines, so that each node is a direction in the
space of inputs; edges out of them are splines, and any output may follow any function of a direction. For a plain block the
directions begin as those of its H hidden units that move its output most, for a gated one as sums and differences of the
unit's two directions, since a b = ((a + b)^2 - (a - b)^2) / 4. Given the directions, all splines are solved for at once by
least squares; training then turns the directions too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

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
# Steps between two times that the splines are solved for anew in a training.
EVERY = 100
# Ridges that are tried, as shares of the mean of the diagonal.
RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
PRODUCT = 1e-10
POLISH = Recipe(rate=2e-3, decay=0.0, warmup=0.05)


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
    first = net.layers[0]
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
    return resolved(net, sample)


def resolved(net: KAN, sample: BlockSample) -> KAN:
    """The network (changed in place) with the best splines over the directions that it has."""
    second = net.layers[1]
    if second.symbolic:
        return net  # functions that a person has named stay
    coef, bias = _splines(net, sample)
    with torch.no_grad():
        second.coef.copy_(coef)
        assert second.bias is not None
        second.bias.copy_(bias)
    return net


@torch.no_grad()
def _splines(net: KAN, sample: BlockSample) -> tuple[Tensor, Tensor]:
    """Coefficients and biases of the second layer by weighted least squares, the ridge judged by rows left out.

    What the layer has stays where those rows do not speak for a change.
    """
    layer = net.layers[1]
    size = layer.in_features * layer.size + 1
    # Edges that are turned off have no part in it.
    alive = torch.ones(size, layer.out_features, dtype=torch.bool, device=sample.x.device)
    alive[:-1] = (layer.numeric_mask() > 0).repeat_interleave(layer.size, 0)
    target = (sample.y - net.output_shift) / net.output_scale
    # A few rows that are far out would rule the squares of all others.
    weight = 1 / (1 + target.square().mean(1, keepdim=True))
    held = slice(0, left_out(sample))
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
    a = design(held).to(torch.float64)
    charge(1e-9 * size**2 * (size / 100 + len(RIDGES)))
    assert layer.bias is not None
    best = math.inf, right
    now = torch.cat([layer.coef.flatten(0, 1), layer.bias[None]]).to(torch.float64)
    for answer in chain([now], _ridged(matrix, right, alive)):
        error = float(((a @ answer - target[held]).square() * weight[held]).mean())
        best = min(best, (error, answer), key=lambda pair: pair[0])
    coef, bias = best[1][:-1], best[1][-1]
    return coef.view(layer.in_features, layer.size, -1).to(target), bias.to(target)


def left_out(sample: BlockSample) -> int:
    """Rows at the front of a sample that nothing is fitted to, by which choices are judged."""
    return len(sample.x) // 10


def _ridged(matrix: Tensor, right: Tensor, alive: Tensor) -> Iterator[Tensor]:
    """Solutions of the normal equations with more and more of the mean of their diagonal added to it."""
    mean = matrix.diagonal().mean()
    if bool(alive.all()):
        values, vectors = torch.linalg.eigh(matrix)
        turned, values = vectors.T @ right, values.clamp(min=0)[:, None]
        yield from (vectors @ (turned / (values + ridge * mean)) for ridge in RIDGES)
        return
    for ridge in RIDGES:
        answer, sound = torch.zeros_like(right), True
        own = matrix + ridge * mean * torch.eye(len(matrix)).to(matrix)
        for k in range(right.shape[1]):
            rows = alive[:, k].nonzero()[:, 0]
            factor, failed = torch.linalg.cholesky_ex(own[rows[:, None], rows])
            sound = sound and not bool(failed)  # rounding may outweigh a small ridge
            answer[rows, k] = torch.cholesky_solve(right[rows, k : k + 1], factor)[:, 0]
        if sound:
            yield answer


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
    """The network (changed in place) after steps on rows of a sample, its splines solved for anew after every so many."""
    rounds = 0 if steps < 1 else max(1, steps // EVERY)
    for k in range(rounds):
        _descended(net, learn, (k + 1) * steps // rounds - k * steps // rounds, derive(seed, k), recipe)
        # With edges turned off every output has columns of its own, and solving takes so long that it is done once.
        if k + 1 == rounds or bool(net.layers[1].mask.all()):
            resolved(net, learn)
    return net


def _descended(net: KAN, learn: BlockSample, steps: int, seed: int | None, recipe: Recipe) -> KAN:
    """The network (changed in place) after steps; large errors count by their size, not its square."""
    run, random, first = Descent(net, steps, recipe), generator(seed), left_out(learn)
    cost = FLOP * 3 * BATCH * net.n_parameters
    try:
        while run.done < run.steps:
            rows = torch.randint(first, len(learn.x), (BATCH,), generator=random).to(learn.x.device)
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
