"""A network taken apart into frozen layer states, and put together again: the ground all edits stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise.layers import KANLinear, SymbolicEdge
from edgewise.layers.linear import LayerNumbers
from edgewise.network.module import KAN
from edgewise.network.spec import KANSpec, LayerSpec, Nodes
from edgewise.splines.grids import check_breaks


@dataclass(frozen=True, eq=False)
class LayerState:
    """Everything one layer is made of; tensors are never written to."""

    spec: LayerSpec
    grid: Tensor
    mask: Tensor
    coef: Tensor
    bias: Tensor | None
    base_weight: Tensor | None
    affine: Tensor | None

    def take_inputs(self, inputs: Sequence[int]) -> LayerState:
        """The layer with only these inputs, in this order."""
        index = torch.as_tensor(list(inputs), dtype=torch.long)
        moved = {old: new for new, old in enumerate(inputs)}
        rows = [k for k, edge in enumerate(self.spec.symbolic) if edge.source in moved]
        edges = tuple(
            replace(self.spec.symbolic[k], source=moved[self.spec.symbolic[k].source]) for k in rows
        )
        return LayerState(
            replace(self.spec, in_features=len(inputs), symbolic=edges),
            self.grid[index],
            self.mask[index],
            self.coef[index],
            self.bias,
            None if self.base_weight is None else self.base_weight[index],
            _rows(self.affine, rows),
        )

    def take_nodes(self, nodes: Sequence[int]) -> LayerState:
        """The layer with only these nodes (with the sums behind them), in this order."""
        groups = self.spec.nodes.groups()
        return self.take_sums([s for k in nodes for s in groups[k]], self.spec.nodes.keep(nodes))

    def take_sums(self, sums: Sequence[int], nodes: Nodes) -> LayerState:
        """The layer with only these sums, which now feed `nodes`."""
        index = torch.as_tensor(list(sums), dtype=torch.long)
        moved = {old: new for new, old in enumerate(sums)}
        rows = [k for k, edge in enumerate(self.spec.symbolic) if edge.target in moved]
        edges = tuple(
            replace(self.spec.symbolic[k], target=moved[self.spec.symbolic[k].target]) for k in rows
        )
        return LayerState(
            replace(self.spec, nodes=nodes, symbolic=edges),
            self.grid,
            self.mask[:, index],
            self.coef[..., index],
            None if self.bias is None else self.bias[index],
            None if self.base_weight is None else self.base_weight[:, index],
            _rows(self.affine, rows),
        )

    def without_symbolic(self, source: int, target: int) -> LayerState:
        """The layer with this edge numeric."""
        rows = [k for k, e in enumerate(self.spec.symbolic) if (e.source, e.target) != (source, target)]
        spec = replace(self.spec, symbolic=tuple(self.spec.symbolic[k] for k in rows))
        return replace(self, spec=spec, affine=_rows(self.affine, rows))

    def with_symbolic(self, edge: SymbolicEdge, affine: Tensor) -> LayerState:
        """The layer with this edge symbolic and alive."""
        bare = self.without_symbolic(edge.source, edge.target)
        row = affine.reshape(1, 4).to(self.coef)
        mask = self.mask.clone()
        mask[edge.source, edge.target] = True
        return replace(
            bare,
            spec=replace(bare.spec, symbolic=(*bare.spec.symbolic, edge)),
            mask=mask,
            affine=row if bare.affine is None else torch.cat([bare.affine, row]),
        )


def take_apart(net: KAN) -> list[LayerState]:
    """The layers of a network as states that share no memory with it."""
    states: list[LayerState] = []
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        states.append(
            LayerState(
                spec,
                layer.grid.detach().clone(),
                layer.mask.detach().clone(),
                layer.coef.detach().clone(),
                None if layer.bias is None else layer.bias.detach().clone(),
                None if layer.base_weight is None else layer.base_weight.detach().clone(),
                None if layer.affine is None else layer.affine.detach().clone(),
            )
        )
    return states


def put_together(net: KAN, states: Sequence[LayerState], *, inputs: Sequence[int] | None = None) -> KAN:
    """A new network of these states with the names and scalings of `net` (of the kept inputs)."""
    keep_in = list(range(net.shape[0])) if inputs is None else list(inputs)
    spec = KANSpec(
        tuple(state.spec for state in states),
        tuple(net.input_names[k] for k in keep_in),
        net.output_names,
    )
    made = KAN.from_layers(spec, [_trusted(state) for state in states])
    with torch.no_grad():
        made.input_shift.copy_(net.input_shift[keep_in])
        made.input_scale.copy_(net.input_scale[keep_in])
        made.output_shift.copy_(net.output_shift)
        made.output_scale.copy_(net.output_scale)
    return made.train(net.training)


def _trusted(state: LayerState) -> KANLinear:
    """As `make_layer`, of a state that came from a layer; only its grid may have become a new one."""
    spec = state.spec
    if spec.basis == "bspline":
        check_breaks(state.grid)
    numbers = LayerNumbers(state.grid, state.mask, state.coef, state.bias, state.base_weight, state.affine)
    return KANLinear.of_parts(numbers, spec.degree, basis=spec.basis, base=spec.base, symbolic=spec.symbolic)


def make_layer(state: LayerState) -> KANLinear:
    """A module from a layer state (copies its tensors)."""
    spec = state.spec
    layer = KANLinear(
        spec.in_features,
        spec.nodes.incoming,
        basis=spec.basis,
        degree=spec.degree,
        intervals=spec.intervals,
        grid=state.grid,
        bias=spec.bias,
        base=spec.base,
        symbolic=spec.symbolic,
        init="zero",
        device=state.coef.device,
        dtype=state.coef.dtype,
    )
    with torch.no_grad():
        layer.coef.copy_(state.coef)
        # A grid of another precision would lose bits on its way through float64; it is copied as it is.
        layer.grid.copy_(state.grid)
        for own, given in (
            (layer.bias, state.bias),
            (layer.base_weight, state.base_weight),
            (layer.affine, state.affine),
        ):
            if own is not None and given is not None:
                own.copy_(given)
    layer.set_mask(state.mask)
    return layer


def _rows(affine: Tensor | None, rows: Sequence[int]) -> Tensor | None:
    return affine[list(rows)] if affine is not None and rows else None
