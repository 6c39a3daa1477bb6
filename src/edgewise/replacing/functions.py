"""New blocks: a function of its own on every edge out of a hidden node, or one function a hidden node.

Either begins with directions of the old block in the space of its inputs. What is straight, given these, is solved for by
least squares; training then turns the directions too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from edgewise._core.seeds import derive, generator
from edgewise._core.work import charge
from edgewise.layers import KANLinear
from edgewise.network import KAN, KANFeedForward, KANSpec, Nodes
from edgewise.network.spec import LayerSpec
from edgewise.replacing.least_squares import (
    PRODUCT,
    directions_in,
    matrix_of,
    not_flat,
    spread,
    weighted_least_squares,
)
from edgewise.replacing.sampling import BlockSample
from edgewise.replacing.tracing import Block
from edgewise.splines.bspline import BSpline

# Hidden nodes lie on [-1, 1] but for so many deviations.
REACH = 3.0


@dataclass(frozen=True)
class EdgeFunctions:
    """Degree and intervals of the splines on the edges out of hidden nodes, of a network [inputs, H, outputs].

    Edges into the hidden nodes are straight lines, so that each node is a direction; edges out of them are splines, and any
    output may follow any function of a direction. For a plain block the directions begin as those of its H hidden units that
    move its output most, for a gated one as sums and differences of the unit's two directions, since
    a b = ((a + b)^2 - (a - b)^2) / 4. Given the directions, all splines are solved for at once.
    """

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
    return resolved_edges(net, sample)


@torch.no_grad()
def resolved_edges(net: KAN, sample: BlockSample) -> KAN:
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


# Of penalised splines, as a share of the mean of the diagonal; units that are worked on at once, and to choose a gate by.
PENALTY, UNITS, FEW = 1e-4, 64, 8
# A unit of which so small a share is not yet said by others is not taken.
DEPENDENT = 1e-9


@dataclass(frozen=True)
class NodeFunctions:
    """Degree and intervals of the splines at hidden nodes, and whether each is multiplied by a direction of its own.

    The block is as wide as the old one, and of the old one's kind at first. Hidden nodes begin as those units of the old
    block from which, together, its outputs follow best: forward selection by orthogonal least squares (S. Chen,
    S. A. Billings and W. Luo, 1989, doi:10.1080/00207178908953472). The function of a node begins as what the old block made
    of that direction, a penalised spline (P. H. C. Eilers and B. D. Marx, 1996, doi:10.1214/ss/1038425655).
    """

    degree: int = 2
    intervals: int = 8
    gated: bool = False

    @property
    def size(self) -> int:
        """Numbers of one function."""
        return self.degree + self.intervals

    def _each(self, block: Block) -> int:
        """Parameters of one hidden node."""
        return (1 + self.gated) * (block.inputs + 1) + self.size + block.outputs

    def hidden(self, block: Block, parameters: int) -> int:
        """Hidden nodes that so many parameters allow."""
        return (parameters - block.outputs) // self._each(block)

    def least(self, block: Block) -> int:
        """Parameters of a block with one hidden node."""
        return block.outputs + self._each(block)

    def fresh(self, block: Block, hidden: int, like: Tensor, seed: int | None) -> KANFeedForward:
        """A block that has learned nothing."""
        return self._made(block, hidden, like, seed, (-4.0, 4.0))

    def _made(
        self, block: Block, hidden: int, like: Tensor, seed: int | None, grid: tuple[float, float]
    ) -> KANFeedForward:
        return KANFeedForward(
            block.inputs, hidden, block.outputs, gated=self.gated, degree=self.degree, intervals=self.intervals,
            grid=grid, seed=seed, device=like.device, dtype=like.dtype,
        )  # fmt: skip

    @torch.no_grad()
    def begun(
        self, model: nn.Module, block: Block, sample: BlockSample, hidden: int, seed: int | None
    ) -> KANFeedForward:
        """A block with the best nodes of a model's, functions that are about theirs, and the best edges out of them."""
        net = self._made(block, hidden, sample.x, seed, (-1.0, 1.0))
        old = directions_in(model, block)
        taken, units = sample.probe.split([block.inputs, block.hidden], 1)
        if len(old) > 1 and not self.gated:
            weights = directions_of(model, block, sample, hidden, seed)
            _lay(net, weights, weights.new_zeros(len(weights)), sample.x)
            bent = cast(BSpline, net.functions.patch.basis).greville() ** 2
            net.functions.patch.coef.copy_(bent[:, :, None].expand_as(net.functions.patch.coef))
            return resolved_nodes(net, sample)
        out = matrix_of(model.get_submodule(block.last), block.hidden) / not_flat(spread(sample.y))[:, None]
        kept = chosen_units(units, out, hidden)
        bent, *others = old[:2] if len(old) < 2 else _gate_last(old[:2], taken, units, kept[:FEW], self)
        missing = hidden - len(kept)

        def wide(part: tuple[Tensor, Tensor], k: int) -> tuple[Tensor, Tensor]:
            """The nodes that are kept, and mixtures of them where there are to be more."""
            both = torch.cat([part[0], part[1][:, None]], 1)[kept]
            both = torch.cat([both, mixtures(both, missing, derive(seed, 5, k))])
            return both[:, :-1].contiguous(), both[:, -1].contiguous()

        _lay(net, *wide(bent, 0), sample.x)
        gates = torch.ones_like(units[:, kept])
        if net.gate is not None:
            assert net.gate.bias is not None
            net.gate.weight.zero_()
            net.gate.bias.fill_(1.0)
            for weight, constant in (wide(other, 1) for other in others):
                net.gate.weight.copy_(weight)
                net.gate.bias.copy_(constant)
                gates = net.gate(taken)[:, : len(kept)]
        basis = cast(BSpline, net.functions.patch.basis)
        fitted = penalised(basis, net.directions(taken)[:, : len(kept)], gates, units[:, kept])
        repeated = torch.arange(hidden, device=fitted.device) % len(kept)
        net.functions.patch.coef[0] = fitted[:, repeated]
        return resolved_nodes(net, sample)


def _lay(net: KANFeedForward, weight: Tensor, constant: Tensor, x: Tensor) -> None:
    """Set directions, in such units that their values on x fill the grid."""
    assert net.directions.bias is not None
    values = x @ weight.T + constant
    centre, reach = values.mean(0), not_flat(REACH * values.std(0))
    net.directions.weight.copy_(weight / reach[:, None])
    net.directions.bias.copy_((constant - centre) / reach)


def _gate_last(
    old: list[tuple[Tensor, Tensor]], taken: Tensor, units: Tensor, few: Tensor, functions: NodeFunctions
) -> list[tuple[Tensor, Tensor]]:
    """The two maps of a gated block, first the one that is bent: tried on a few units."""
    maps = [(weight[few], constant[few]) for weight, constant in old]
    a, b = (taken @ weight.T + constant for weight, constant in maps)
    basis = BSpline(torch.linspace(-1, 1, functions.intervals + 1).to(a)[None], functions.degree)

    def missed(bent: Tensor, gate: Tensor) -> float:
        z = (bent - bent.mean(0)) / not_flat(REACH * bent.std(0))
        coef = penalised(basis, z, gate, units[:, few])
        made = torch.einsum("nhm,mh->nh", _values(basis, z), coef) * gate
        return float((made - units[:, few]).square().sum())

    return old if missed(a, b) <= missed(b, a) else old[::-1]


def _values(basis: BSpline, z: Tensor) -> Tensor:
    """Basis functions (n, H, M) at z (n, H)."""
    return basis.values(z.reshape(-1, 1)).view(*z.shape, -1)


def penalised(basis: BSpline, z: Tensor, gates: Tensor, wanted: Tensor) -> Tensor:
    """Coefficients (M, H) of functions of z (n, H) that times gates (n, H) give about what is wanted (n, H)."""
    found = list[Tensor]()
    size = basis.degree + basis.intervals
    rough = torch.eye(size, dtype=torch.float64).diff(n=min(2, size - 1), dim=0)
    rough = (rough.T @ rough).to(z.device)
    for start in range(0, z.shape[1], UNITS):
        at = slice(start, start + UNITS)
        design = (_values(basis, z[:, at]) * gates[:, at, None]).to(torch.float64)
        charge(PRODUCT * design.numel() * size)
        matrix = torch.einsum("nhm,nhk->hmk", design, design)
        right = torch.einsum("nhm,nh->hm", design, wanted[:, at].to(torch.float64))
        mean = matrix.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] + torch.finfo(torch.float64).tiny
        ridge = PENALTY * rough + 1e-9 * torch.eye(size).to(rough)
        found.append(torch.linalg.solve(matrix + mean * ridge, right))
    return torch.cat(found).T.to(z)


def chosen_units(units: Tensor, out: Tensor, count: int) -> Tensor:
    """Units from which, together, the outputs follow best, at most so many, in the order in which they are chosen.

    Parameters
    ----------
    units : Tensor, shape (n, H)
        Values of the units on some rows.
    out : Tensor, shape (O, H)
        What each adds to the outputs, in units of their spread.
    count : int

    Returns
    -------
    Tensor of int
    """
    centred = (units - units.mean(0)).to(torch.float64)
    gram = centred.T @ centred / len(units)
    left = gram @ out.T.to(gram)
    floor = DEPENDENT * gram.diagonal().clone() + torch.finfo(torch.float64).tiny
    count = min(count, len(gram))
    charge(PRODUCT * count * gram.numel())
    order = list[int]()
    free = torch.ones(len(gram), dtype=torch.bool, device=gram.device)
    while len(order) < count:
        own = gram.diagonal()
        gain = torch.where(free & (own > floor), left.square().sum(1) / own, -1.0)
        best = int(gain.argmax())
        if gain[best] < 0:  # all that are left follow from those there are
            order += free.nonzero()[: count - len(order), 0].tolist()
            break
        order.append(best)
        free[best] = False
        share = gram[:, best] / own[best]
        left -= share[:, None] * left[best].clone()
        gram -= share[:, None] * gram[best].clone()
    return torch.tensor(order, device=units.device)


@torch.no_grad()
def resolved_nodes(net: KANFeedForward, sample: BlockSample) -> KANFeedForward:
    """The block (changed in place) with the best edges from its nodes to the outputs."""
    out = net.out
    if out.bias is None:
        return net
    centre, scale = sample.y.mean(0), not_flat(spread(sample.y))
    found = weighted_least_squares(
        lambda rows: net.nodes(sample.x[rows]),
        (sample.y - centre) / scale,
        torch.cat([out.weight.T, (out.bias - centre)[None]]) / scale,
        torch.cat([out.mask.T, torch.ones_like(out.mask.T[:1])]),
    )
    out.weight.copy_((found[:-1] * scale).T)
    out.bias.copy_(found[-1] * scale + centre)
    return net
