"""The problem of a fit: one network on some rows, and what is measured there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.network import KAN
from edgewise.training.common.costs import value_cost
from edgewise.training.common.losses import Loss, in_units_of_y
from edgewise.training.common.rows import TrainingRows, scaled
from edgewise.training.second_order.native_objective import objective
from edgewise.training.second_order.objective import DataObjective, Penalised
from edgewise.training.second_order.parameters import Slots, make_slots, pack
from edgewise.training.second_order.penalty import Penalty, Weights, make_penalty, matrix
from edgewise.training.second_order.shared_objective import shared_objective
from edgewise.training.second_order.total_variation import Variation, make_variation


@dataclass(frozen=True, eq=False)
class FitProblem:
    """What is fixed within a stage: layout, penalty and objective of one network on one set of rows."""

    net: KAN
    rows: TrainingRows
    held: TrainingRows | None
    loss: Loss
    variation_weight: float = 0.0
    shared: bool = False

    @cached_property
    def slots(self) -> Slots:
        return make_slots(self.net)

    @cached_property
    def penalty(self) -> Penalty:
        return make_penalty(self.net, self.slots)

    @cached_property
    def variation(self) -> Variation | None:
        return make_variation(self.net, self.slots, self.variation_weight)

    @cached_property
    def data(self) -> DataObjective:
        return objective_on(self.net, self.slots, self.rows, self.loss, self.shared)

    @cached_property
    def judge(self) -> DataObjective | None:
        if self.held is None:
            return None
        return objective_on(self.net, self.slots, self.held, self.loss, self.shared)

    def penalised(self, weights: Weights) -> Penalised:
        return Penalised(self.data, matrix(self.penalty, weights), self.variation)


def objective_on(
    net: KAN, slots: Slots, rows: TrainingRows, loss: Loss, shared: bool = False
) -> DataObjective:
    """Mean loss on some rows, shared among processes or not, as a function of the parameter vector."""
    make = shared_objective if shared else objective
    return make(net, slots, rows.X, scaled(net, rows, loss), rows.weight, loss)


def joined(first: TrainingRows, second: TrainingRows) -> TrainingRows:
    """All rows, every row with the weight it had relative to its own part's size."""
    weight = torch.cat([first.weight * len(first), second.weight * len(second)])
    return TrainingRows(torch.cat([first.X, second.X]), torch.cat([first.y, second.y]), weight / weight.sum())


def mean_loss(net: KAN, rows: TrainingRows, loss: Loss) -> float:
    """Weighted mean loss of a network in network units."""
    slots = make_slots(net)
    return objective_on(net, slots, rows, loss).value(pack(net, slots))


def error(net: KAN, rows: TrainingRows, loss: Loss) -> float:
    """The error of a network as `FitResult` states it."""
    slots = make_slots(net)
    return error_at(objective_on(net, slots, rows, loss), net, pack(net, slots))


def error_at(data: DataObjective, net: KAN, theta: Tensor) -> float:
    """The error at a parameter vector: RMSE in the units of y, mean loss where the likelihood fixes the noise."""
    parts = [(piece, piece.evaluator.outputs(theta)) for piece in data.pieces]
    for piece, _ in parts:
        charge(value_cost(len(piece.y), piece.evaluator.read))
    if not in_units_of_y(data.loss):
        return float(data.together([piece.loss.rows(f, piece.y) @ piece.weight for piece, f in parts]))
    # Scaled before it is squared and summed: y may be of any size.
    largest = net.output_scale.max()
    unit = net.output_scale / largest
    squares = [(((f - piece.y) * unit) ** 2).mean(-1) @ piece.weight for piece, f in parts]
    return float(data.together(squares).sqrt() * largest)
