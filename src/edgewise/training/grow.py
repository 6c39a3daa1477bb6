"""Networks made ready for a stage of training: scalings from the data, grids over the nodes, finer grids, fresh starts."""

from __future__ import annotations

import copy

import torch

from edgewise.layers.initialise import initial_coefficients
from edgewise._core.seeds import derive, generator
from edgewise.network import KAN, refine, regrid, scale_to_data
from edgewise.training.losses import Loss
from edgewise.training.rows import Rows

# Room at both ends of the grids, as a share of the data's range: rows to come may lie a little further out, and hidden
# nodes move while they are trained. Without it their ends would run onto the linear tails.
INPUT_MARGIN, HIDDEN_MARGIN = 0.01, 0.05
# A hidden grid is kept (and refined exactly) while its data fill at least this share of it.
WELL_FILLED = 0.8


def prepared(net: KAN, rows: Rows, loss: Loss) -> KAN:
    """A float64 copy; a network without scalings gets them from the data, with its grids laid over the nodes."""
    net = copy.deepcopy(net).to(torch.float64)
    if is_scaled(net):
        return net
    net = scale_to_data(net, rows.X, rows.y if loss.dispersed else None).network
    return covered(net, rows)


def is_scaled(net: KAN) -> bool:
    """Whether any scaling has been set."""
    shifts = bool((net.input_shift != 0).any()) or bool((net.output_shift != 0).any())
    return shifts or bool((net.input_scale != 1).any()) or bool((net.output_scale != 1).any())


def covered(net: KAN, rows: Rows) -> KAN:
    """The network with every grid laid over the data that reach it, layer by layer."""
    for l in range(len(net.layers)):
        margin = INPUT_MARGIN if l == 0 else HIDDEN_MARGIN
        net = regrid(net, rows.X, layers=[l], margin=margin).network
    return net


def grown(net: KAN, rows: Rows, intervals: int) -> KAN:
    """The network on grids of that many intervals: exactly refined where the grid fits its data, else laid over anew."""
    for l, layer in enumerate(net.layers):
        fits = l == 0 or _fits(net, rows, l)
        if fits and intervals == layer.intervals:
            continue
        if fits and layer.basis_name == "bspline" and intervals % layer.intervals == 0:
            net = refine(net, intervals // layer.intervals, layers=[l]).network
        else:
            margin = INPUT_MARGIN if l == 0 else HIDDEN_MARGIN
            net = regrid(net, rows.X, intervals, layers=[l], margin=margin).network
    return net


def fresh_copy(net: KAN, seed: int | None, rows: Rows | None) -> KAN:
    """An independent copy; with a seed, its numeric edges are drawn anew and its hidden grids laid over the rows."""
    made = copy.deepcopy(net)
    if seed is None:
        return made
    with torch.no_grad():
        for l, layer in enumerate(made.layers):
            random = generator(derive(seed, l))
            coef, base = initial_coefficients(layer.basis, layer.out_features, random, layer.base is not None)
            layer.coef.copy_(coef)
            if layer.base_weight is not None:
                layer.base_weight.copy_(base)
            if layer.bias is not None:
                layer.bias.zero_()
    return made if rows is None else covered(made, rows)


def _fits(net: KAN, rows: Rows, l: int) -> bool:
    with torch.no_grad():
        nodes = net.activations(rows.X)[l]
    low, high = net.layers[l].domain.unbind(1)
    least, most = nodes.min(0).values, nodes.max(0).values
    width = high - low
    room = 0.3 * HIDDEN_MARGIN * width
    filled = (most - least) / width
    return bool(((least >= low + room) & (most <= high - room) & (filled >= WELL_FILLED)).all())
