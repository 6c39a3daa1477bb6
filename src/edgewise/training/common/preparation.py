"""Networks made ready for a stage of training: scalings from the data, grids over the nodes, finer grids, fresh starts."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise._core.work import charge
from edgewise.layers.initialise import initial_coefficients
from edgewise.network import KAN, refine, scale_to_data
from edgewise.network.grids import laid_over
from edgewise.network.state import put_together, take_apart
from edgewise.splines import data_range
from edgewise.training.common.costs import numbers_read, value_cost
from edgewise.training.common.losses import Loss, in_units_of_y
from edgewise.training.common.rows import TrainingRows

# Room at both ends of the grids, as a share of the data's range: rows to come may lie a little further out, and hidden
# nodes move while they are trained. Without it their ends would run onto the linear tails.
INPUT_MARGIN = 0.01
MARGINS = (0.02, 0.12)
ROWS_AT_ONCE = 16_384
# A hidden grid is kept (and refined exactly) while it covers all but this share of the range wanted and fills it this well.
SLACK, WELL_FILLED = 0.004, 0.85


def prepared(net: KAN, rows: TrainingRows, loss: Loss) -> KAN:
    """A float64 copy; a network without scalings gets them from the data, with its grids laid over the nodes."""
    net = copy.deepcopy(net).to(torch.float64)
    if is_scaled(net):
        return net
    net = scale_to_data(net, rows.X, rows.y if in_units_of_y(loss) else None).network
    return covered(net, rows)


def is_scaled(net: KAN) -> bool:
    """Whether any scaling has been set."""
    shifts = bool((net.input_shift != 0).any()) or bool((net.output_shift != 0).any())
    return shifts or bool((net.input_scale != 1).any()) or bool((net.output_scale != 1).any())


def covered(net: KAN, rows: TrainingRows, intervals: int | None = None) -> KAN:
    """The network with every grid laid anew over the values that reach it, layer by layer."""
    for at, layer in enumerate(net.layers):
        net = _laid(net, rows, at, layer.intervals if intervals is None else intervals)
    return net


def grown(net: KAN, rows: TrainingRows, intervals: int) -> KAN:
    """The network on grids of that many intervals: exactly refined where the grid fits its data, else laid over anew."""
    for at, layer in enumerate(net.layers):
        fits = _fits(net, rows, at)
        if fits and intervals == layer.intervals:
            continue
        if fits and layer.basis_name == "bspline" and intervals % layer.intervals == 0:
            net = refine(net, intervals // layer.intervals, layers=[at]).network
        else:
            net = _laid(net, rows, at, intervals)
    return net


def fresh_copy(net: KAN, seed: int | None, rows: TrainingRows | None) -> KAN:
    """An independent copy; with a seed, its numeric edges are drawn anew and its hidden grids laid over the rows."""
    made = copy.deepcopy(net)
    if seed is None:
        return made
    with torch.no_grad():
        for at, layer in enumerate(made.layers):
            if rows is not None and at > 0:
                # The first grids lie over the rows themselves, whatever the functions.
                _lay_bare(made, rows, at)
            random = generator(derive(seed, at))
            coef, base = initial_coefficients(layer.basis, layer.out_features, random, layer.base is not None)
            layer.coef.copy_(coef)
            if layer.base_weight is not None:
                layer.base_weight.copy_(base)
            if layer.bias is not None:
                layer.bias.zero_()
    return made


def _lay_bare(net: KAN, rows: TrainingRows, at: int) -> None:
    """The grid of a layer moved over the rows, in place, whatever becomes of its functions."""
    layer = net.layers[at]
    low, high = _wanted(net, rows, at)
    start, end = layer.domain.unbind(1)
    share = (layer.grid - start[:, None]) / (end - start)[:, None]
    layer.grid.copy_(low[:, None] + share * (high - low)[:, None])
    layer.set_mask(layer.mask)


def _laid(net: KAN, rows: TrainingRows, at: int, intervals: int) -> KAN:
    low, high = _wanted(net, rows, at)
    states = take_apart(net)
    states[at] = laid_over(states[at], torch.stack([low, high]), intervals, 1.0, 0.0)
    return put_together(net, states)


def _fits(net: KAN, rows: TrainingRows, at: int) -> bool:
    low, high = _wanted(net, rows, at)
    start, end = net.layers[at].domain.unbind(1)
    width = high - low
    room = SLACK * width
    snug = (end - start) * WELL_FILLED <= width
    return bool(((start <= low + room) & (high - room <= end) & snug).all())


def _wanted(net: KAN, rows: TrainingRows, at: int) -> tuple[Tensor, Tensor]:
    """Range that the grid of every node in front of a layer should cover.

    Rows to come may combine inputs as no row does yet: a sum node can then go as far as its edges' ranges add up to. The
    grid reaches out to that, within the margins.
    """
    with torch.no_grad():
        low, high, least_edges, most_edges = _reached(net, rows, at)
        width = high - low
        if at == 0:
            return low - INPUT_MARGIN * width, high + INPUT_MARGIN * width
        least, most = (MARGINS[0] * width, MARGINS[1] * width)
        far_low, far_high = low - least, high + least
        n_sums = net.spec.layers[at - 1].nodes.sums
        before = net.layers[at - 1]
        bias = 0.0 if before.bias is None else before.bias[:n_sums]
        far_low[:n_sums] = least_edges[:, :n_sums].sum(0) + bias - least[:n_sums]
        far_high[:n_sums] = most_edges[:, :n_sums].sum(0) + bias + least[:n_sums]
        low = torch.minimum(low - least, torch.maximum(far_low, low - most))
        high = torch.maximum(high + least, torch.minimum(far_high, high + most))
        return low, high


def _reached(net: KAN, rows: TrainingRows, at: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Range of every node in front of a layer, and of every edge that leads to it, over the rows."""
    ends = list[tuple[Tensor, Tensor]]()
    edges = list[tuple[Tensor, Tensor]]()
    read = numbers_read(net)
    for part in rows.X.split(ROWS_AT_ONCE):
        charge(value_cost(len(part), read))
        nodes = net.activations(part)
        ends.append((nodes[at].amin(0), nodes[at].amax(0)))
        if at > 0:
            own = net.layers[at - 1].edges(nodes[at - 1])
            edges.append((own.amin(0), own.amax(0)))
    low, high = data_range(torch.stack([item for pair in ends for item in pair]))
    if at == 0:
        return low, high, low, high
    least, most = (torch.stack(item) for item in zip(*edges, strict=True))
    return low, high, least.amin(0), most.amax(0)
