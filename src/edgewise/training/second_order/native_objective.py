"""The objective of second-order training by the native engine for small networks, where it can serve.

It takes networks of numeric B-spline edges; what it gives equals `Evaluator` and `DataObjective` up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.kernels.native.library import load
from edgewise.kernels.small import DescentDamping, SmallLayer, SmallNetwork
from edgewise.network import KAN
from edgewise.splines import BSpline
from edgewise.training.common.costs import normal_cost, solve_cost, value_cost
from edgewise.training.common.losses import Loss, Squared
from edgewise.training.second_order import lm
from edgewise.training.second_order.damped import FLOOR, RANK
from edgewise.training.second_order.jacobian import Evaluator
from edgewise.training.second_order.lm import LMState
from edgewise.training.second_order.objective import DataObjective, Penalised
from edgewise.training.second_order.parameters import Slots

# Work of one call: the clock is not looked at before it returns.
MOST_AT_ONCE = 0.3


class NativeEvaluator(Evaluator):
    """The network on fixed rows, in network units, evaluated natively.

    Parameters
    ----------
    net, slots, X
        As `Evaluator` takes them; `native_layers` must serve the network.
    y, weight : Tensor, shapes (n, D) and (n,)
        Targets in network units and row weights of the squared loss that `small` knows.

    Attributes
    ----------
    small : SmallNetwork
    """

    def __init__(self, net: KAN, slots: Slots, X: Tensor, y: Tensor, weight: Tensor) -> None:
        super().__init__(net, slots, X)
        library, layers = load(), native_layers(net, slots)
        assert library is not None
        assert layers is not None

        def of(part: slice) -> SmallNetwork:
            return SmallNetwork(library, layers, slots.total, self.inputs[part], y[part], weight[part])

        self.small = of(slice(None))
        whole = normal_cost(len(X), y.shape[1], self.read, 0)
        rows = math.ceil(len(X) / max(1, math.ceil(whole / MOST_AT_ONCE)))
        starts = range(0, len(X), rows)
        self.parts = [slice(start, start + rows) for start in starts]
        self.networks = [self.small] if len(self.parts) == 1 else [of(part) for part in self.parts]

    def outputs(self, theta: Tensor) -> Tensor:
        """Network outputs before the output scaling, shape (n, D)."""
        return self.small.outputs(theta)


@dataclass(frozen=True, eq=False)
class NativeObjective(DataObjective):
    """Weighted mean of a loss over rows, with normal equations that never hold a Jacobian."""

    evaluator: NativeEvaluator

    def value(self, theta: Tensor) -> float:
        if not isinstance(self.loss, Squared):
            return super().value(theta)
        charge(value_cost(len(self.y), self.evaluator.read))
        return float(self.evaluator.small.value(theta))

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        if isinstance(self.loss, Squared):
            value, gradient, curvature = self._added(theta, None, None)
            return float(value), gradient, curvature
        f = self.evaluator.outputs(theta)
        value = float(self.loss.rows(f, self.y) @ self.weight)
        pull = self.loss.gradient(f, self.y) * self.weight[:, None]
        root = self.loss.root(f, self.y)
        root = root * self.weight.sqrt().reshape(-1, *(1,) * (root.ndim - 1))
        _, gradient, curvature = self._added(theta, pull, root)
        return value, gradient, curvature

    def _added(
        self, theta: Tensor, pull: Tensor | None, root: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The normal equations, added up over the parts of the rows."""
        evaluator = self.evaluator
        total: tuple[Tensor, Tensor, Tensor] | None = None
        for part, network in zip(evaluator.parts, evaluator.networks, strict=True):
            own = network.normal(
                theta, None if pull is None else pull[part], None if root is None else root[part]
            )
            total = own if total is None else (total[0] + own[0], total[1] + own[1], total[2] + own[2])
            rows = len(self.y[part])
            charge(normal_cost(rows, self.y.shape[1], evaluator.read, len(theta)))
        assert total is not None
        return total


def descended(
    problem: Penalised, data: NativeObjective, state: LMState, steps: int, rest: float
) -> tuple[LMState, int]:
    """At most so many steps of `lm.step` in one call, until one lowers the objective by a smaller share than `rest`.

    Returns the state and how many steps were made. The loss must be squared.
    """
    mu, nu = (torch.tensor(number, dtype=torch.float64) for number in (state.mu, state.nu))
    damping = DescentDamping(lm.MU_START, lm.most_damping(state), FLOOR, RANK, lm.LEAST_GAIN)
    found = data.evaluator.small.descend(state.theta, mu, nu, steps, problem.S, rest, damping)
    n, size = data.y.shape[0], len(state.theta)
    cost = normal_cost(n, data.y.shape[1], data.evaluator.read, size) + solve_cost(size)
    charge(int(found.steps) * cost)
    now, decrease, stuck = float(found.value), float(found.decrease), bool(found.stuck)
    return LMState(found.theta, now, float(found.mu), float(found.nu), decrease, stuck), int(found.steps)


def objective(net: KAN, slots: Slots, X: Tensor, y: Tensor, weight: Tensor, loss: Loss) -> DataObjective:
    """Mean loss on some rows, y in network units: native where the library is there and serves the network."""
    if load() is not None and slots.total > 0 and len(X) > 0 and native_layers(net, slots) is not None:
        return NativeObjective(NativeEvaluator(net, slots, X, y, weight), loss, y, weight)
    return DataObjective(Evaluator(net, slots, X), loss, y, weight)


def native_layers(net: KAN, slots: Slots) -> list[SmallLayer] | None:
    """The network as the engine takes it, or None where it cannot: symbolic edges, other bases, other types."""
    layers = list[SmallLayer]()
    for spec, layer, slot in zip(net.spec.layers, net.layers, slots.layers, strict=True):
        basis, like = layer.basis, layer.coef
        if (
            not isinstance(basis, BSpline)
            or layer.form_groups
            or like.dtype != torch.float64
            or not like.is_cpu
        ):
            return None
        layers.append(
            SmallLayer(
                basis,
                slot.sources,
                slot.targets,
                spec.nodes.sums,
                spec.nodes.products,
                slot.coef.start,
                slot.base.start if layer.base_weight is not None else -1,
                slot.bias.start if layer.bias is not None else -1,
            )
        )
    return layers
