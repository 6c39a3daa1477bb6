"""The gradient of a batch: by native calls planned once where all edges are splines, else by autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.kernels.layer_sum import LayerCalls
from edgewise.kernels.native_backend import NativeBackend
from edgewise.kernels.trilinear import maps_of
from edgewise.layers import multiply
from edgewise.network import KAN
from edgewise.splines.bspline import BSpline
from edgewise.training.common.costs import descent_cost
from edgewise.training.common.losses import Loss, rows_and_gradient


class BatchGradient:
    """Leaves the gradient of the loss of a batch in the parameters.

    Parameters
    ----------
    net : KAN or callable
        A network, or what takes rows to outputs.
    parameters : sequence of Parameter
    loss : Loss
    accumulate : int
        Parts in which a batch is evaluated one after another, so that memory holds one of them.
    """

    def __init__(
        self,
        net: KAN | Callable[[Tensor], Tensor],
        parameters: Sequence[Tensor],
        loss: Loss,
        accumulate: int = 1,
    ) -> None:
        self.net, self.loss, self.parameters, self.accumulate = net, loss, parameters, accumulate
        self._size = sum(p.numel() for p in parameters)
        self._calls: list[LayerCalls] | None = None

    def begin(self, rows: int) -> None:
        """Look at the network before batches of at most so many rows; until the next look its grids and edges stay."""
        whole = self.accumulate == 1
        self._calls = planned(self.net, rows) if whole and isinstance(self.net, KAN) else None

    def __call__(
        self, x: Tensor, y: Tensor, weight: Tensor, count: int, offset: Tensor | None = None
    ) -> Tensor:
        """Take the gradient of the weighted sum of losses over `count`; the sum is returned (float64).

        Parameters
        ----------
        x, y : Tensor, shapes (n, I) and (n, D)
            Contiguous.
        weight : Tensor of float64, shape (n,)
        count : int
        offset : Tensor, shape (n, D), optional
            Added to the outputs.
        """
        if self._calls is not None:
            charge(descent_cost(len(x), self._size))
            return self._by_calls(self._calls, x, y, weight, count, offset)
        for p in self.parameters:
            p.grad = None
        total = torch.zeros((), dtype=torch.float64, device=x.device)
        for rows in torch.arange(len(x)).tensor_split(self.accumulate):
            if len(rows):
                part = slice(int(rows[0]), int(rows[-1]) + 1)
                charge(descent_cost(len(rows), self._size))
                f = outputs(self.net, x[part]) if isinstance(self.net, KAN) else self.net(x[part])
                f = f if offset is None else f + offset[part]
                value = self.loss.rows(f, y[part]).to(torch.float64) @ weight[part]
                (value / count).backward()
                total += value.detach()
        return total

    @torch.no_grad()
    def _by_calls(
        self,
        calls: list[LayerCalls],
        x: Tensor,
        y: Tensor,
        weight: Tensor,
        count: int,
        offset: Tensor | None,
    ) -> Tensor:
        f = x
        for layer in calls:
            f = layer.forward(f)
        f = f if offset is None else f + offset
        losses, g = rows_and_gradient(self.loss, f, y)
        back: Tensor | None = (g * (weight / count).to(f.dtype)[:, None]).to(f.dtype).contiguous()
        for layer in reversed(calls):
            assert back is not None  # the first layer alone is not asked for it
            back = layer.backward(back)
            for parameter, gradient in layer.gradients:
                parameter.grad = gradient
        return losses.to(torch.float64) @ weight


def planned(net: KAN, rows: int) -> list[LayerCalls] | None:
    """The calls of all layers on at most so many rows; None where some layer is more than splines in native code."""
    calls = list[LayerCalls]()
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        maps, basis = maps_of(layer.basis, layer.coef), layer.basis
        plain = layer.affine is None and not spec.nodes.products and bool(layer.numeric_mask().all())
        plain = plain and layer.grid.is_contiguous()
        if not (plain and isinstance(maps, NativeBackend) and isinstance(basis, BSpline)):
            return None
        weights = layer.coef, layer.base_weight, layer.bias
        if not all(t is None or (t.requires_grad and t.is_contiguous()) for t in weights):
            return None
        calls.append(LayerCalls(maps, basis, *weights, rows, inner=bool(calls)))
    return calls


def outputs(net: KAN, X: Tensor) -> Tensor:
    """Outputs of scaled inputs, both in network units: during a fit the scalings do not change."""
    nodes = X
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        nodes = multiply(layer(nodes), spec.nodes.sums, spec.nodes.products)
    return nodes
