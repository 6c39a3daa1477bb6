"""A new block with a function of its own on every edge out of a hidden node.

The network is [inputs, H, outputs]. Edges into the hidden nodes are straight lines, so that each node is a direction in the
space of inputs; edges out of them are splines, and any output may follow any function of a direction. For a plain block the
directions begin as those of its H hidden units that move its output most, for a gated one as sums and differences of the
unit's two directions, since a b = ((a + b)^2 - (a - b)^2) / 4. Given the directions, all splines are solved for at once by
least squares; training then turns the directions too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgewise._core.seeds import derive, generator
from edgewise.layers import KANLinear
from edgewise.network import KAN, KANSpec, Nodes
from edgewise.network.spec import LayerSpec
from edgewise.replacing.least_squares import (
    directions_in,
    matrix_of,
    not_flat,
    spread,
    weighted_least_squares,
)
from edgewise.replacing.sampling import BlockSample
from edgewise.replacing.tracing import Block

# Hidden nodes lie on [-1, 1] but for so many deviations.
REACH = 3.0


@dataclass(frozen=True)
class EdgeFunctions:
    """Degree and intervals of the splines on the edges out of hidden nodes."""

    degree: int = 2
    intervals: int = 2

    @property
    def size(self) -> int:
        """Numbers of one of them."""
        return self.degree + self.intervals

    def hidden(self, block: Block, parameters: int) -> int:
        """Hidden nodes that so many parameters allow."""
        return (parameters - block.outputs) // (2 * block.inputs + self.size * block.outputs)

    def least(self, block: Block) -> int:
        """Parameters of a block with one hidden node."""
        return block.outputs + 2 * block.inputs + self.size * block.outputs

    def fresh(self, block: Block, hidden: int, like: Tensor, seed: int | None) -> KAN:
        """A block that has learned nothing."""
        inputs = tuple(f"x{k + 1}" for k in range(block.inputs))
        outputs = tuple(f"y{k + 1}" for k in range(block.outputs))
        specs = (
            LayerSpec(block.inputs, Nodes(sums=hidden), degree=1, intervals=1, bias=False),
            LayerSpec(hidden, Nodes(sums=block.outputs), degree=self.degree, intervals=self.intervals),
        )
        layers = [
            KANLinear(
                spec.in_features, spec.nodes.sums, degree=spec.degree, intervals=spec.intervals, bias=spec.bias,
                seed=derive(seed, k), device=like.device, dtype=like.dtype,
            )
            for k, spec in enumerate(specs)
        ]  # fmt: skip
        return KAN.from_layers(KANSpec(specs, inputs, outputs), layers)

    def begun(
        self, model: nn.Module, block: Block, sample: BlockSample, hidden: int, seed: int | None
    ) -> KAN:
        """A block with directions of a model's, and the best splines over them."""
        directions = directions_of(model, block, sample, hidden, seed)
        return solved(self.fresh(block, hidden, sample.x, seed), sample, directions)


def solved(net: KAN, sample: BlockSample, directions: Tensor) -> KAN:
    """The network (changed in place) on the units of a sample, with these directions and the best splines over them."""
    first = net.layers[0]
    x, y = sample.x, sample.y
    with torch.no_grad():
        net.input_shift.copy_(x.mean(0))
        net.input_scale.copy_(not_flat(x.std(0)))
        net.output_shift.copy_(y.mean(0))
        net.output_scale.copy_(not_flat(spread(y)))
        slopes = directions * net.input_scale
        h = ((x - net.input_shift) / net.input_scale) @ slopes.T
        centre, reach = h.mean(0), not_flat(REACH * h.std(0))
        slopes, shifts = slopes / reach[:, None], -centre / reach
        # A straight edge holds its values at both ends of the grid; each bears its part of the constant.
        ends = torch.tensor([-1.0, 1.0]).to(slopes)
        first.coef.copy_(slopes.T[:, None] * ends[:, None] + shifts / len(slopes.T))
    return resolved(net, sample)


@torch.no_grad()
def resolved(net: KAN, sample: BlockSample) -> KAN:
    """The network (changed in place) with the best splines over the directions that it has."""
    layer = net.layers[-1]
    # Functions that a person has named stay; a network that was put in place of another may be of any form.
    if len(net.layers) != 2 or layer.symbolic or layer.bias is None or layer.base is not None:
        return net
    # Edges that are turned off have no part in it.
    mask = (layer.numeric_mask() > 0).repeat_interleave(layer.size, 0)
    found = weighted_least_squares(
        lambda rows: layer.basis.values(
            net.layers[0]((sample.x[rows] - net.input_shift) / net.input_scale)
        ).flatten(1),
        (sample.y - net.output_shift) / net.output_scale,
        torch.cat([layer.coef.flatten(0, 1), layer.bias[None]]),
        torch.cat([mask, torch.ones_like(mask[:1])]),
    )
    layer.coef.copy_(found[:-1].view_as(layer.coef))
    layer.bias.copy_(found[-1])
    return net


def directions_of(
    model: nn.Module, block: Block, sample: BlockSample, hidden: int, seed: int | None
) -> Tensor:
    """Directions (hidden, inputs) of the units that move the output most."""
    weights = [matrix for matrix, _ in directions_in(model, block)]
    out = matrix_of(model.get_submodule(block.last), block.hidden)
    moved = sample.spread * (out / not_flat(spread(sample.y))[:, None]).norm(dim=0)
    order = moved.argsort(descending=True)
    if len(weights) > 1:
        units = order[: -(-hidden // 2)]
        scales = [(sample.x @ w[units].T).std(0) for w in weights[:2]]
        a, b = (w[units] / not_flat(s)[:, None] for w, s in zip(weights, scales, strict=False))
        found = torch.stack([a + b, a - b], 1).flatten(0, 1)[:hidden]
    else:
        found = weights[0][order[:hidden]]
    return torch.cat([found, mixtures(found, hidden - len(found), seed)])


def mixtures(found: Tensor, missing: int, seed: int | None) -> Tensor:
    """So many random mixtures of rows, where there are to be more nodes than units."""
    random = torch.randn(max(0, missing), len(found), generator=generator(seed), dtype=torch.float64)
    return random.to(found) @ found / len(found) ** 0.5
