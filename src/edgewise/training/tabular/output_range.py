"""Outputs that cannot leave a range: one more edge behind a network, a line inside the range and flat outside of it.

The edge is a piecewise line on breaks at the ends of the range, so a network's output inside of it stays as it was to
rounding, and beyond the ends it goes on flat, for every row there is. It never falls: what is monotone stays so.
"""

from __future__ import annotations

import math

import torch

from edgewise._core.checks import UNREADABLE, short
from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.network.spec import LayerSpec, Nodes
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.training.additive.shape_constraints import MARGIN

Range = tuple[float, float]


def check_range(value: object) -> Range:
    """A range (low, high) with None for no limit, as two numbers of which one may be infinite.

    Raises
    ------
    InputError
        If it is no pair of numbers in rising order, or limits nothing.
    """
    try:
        low, high = (end if end is None else float(end) for end in value)  # pyright: ignore
    except UNREADABLE:
        low = high = math.nan
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    if not low < high or (math.isinf(low) and math.isinf(high)):
        raise InputError(
            argument="output_range",
            expected="be a pair (low, high) with low < high, None for no limit on a side",
            got=short(value),
        )
    return low, high


def within_range(net: KAN, low: float, high: float) -> KAN:
    """The network with its one output held between two numbers, in units of the output; the old one is untouched.

    Parameters
    ----------
    net : KAN
        With one output.
    low, high : float
        In rising order; one may be infinite.

    Returns
    -------
    KAN
        With one node and one edge more.

    Raises
    ------
    InputError
        If there are several outputs.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> held = within_range(net, -0.1, 0.1)
    >>> bool((held(torch.linspace(-9, 9, 99, dtype=torch.float64)[:, None]).abs() <= 0.1).all())
    True
    """
    if net.shape[-1] != 1:
        raise InputError(subject="An output range", expected="be asked of one output", got=net.shape[-1])
    shift, scale = float(net.output_shift[0]), float(net.output_scale[0])
    ends = [(end - shift) / scale for end in (low, high)]
    width = min(1.0, abs(ends[1] - ends[0]))
    # The shift is added last, with its own rounding.
    # Of its width, or of the output's unit where that is smaller.
    hair = MARGIN * width + 8 * torch.finfo(torch.float64).eps * abs(shift / scale)
    a, b = min(ends) + hair, max(ends) - hair
    room = b - a if math.isfinite(b - a) else 1.0
    breaks = [a - room, a, b, b + room]
    values = [a, a, b, b]
    if math.isinf(a) or math.isinf(b):
        end = b if math.isinf(a) else a
        breaks = [end - room, end, end + room]
        values = [max(a, min(b, one)) for one in breaks]
    last = net.layers[-1]
    edge = LayerState(
        spec=LayerSpec(1, Nodes(1), degree=1, intervals=len(breaks) - 1),
        grid=last.grid.new_tensor([breaks]),
        mask=torch.ones(1, 1, dtype=torch.bool),
        coef=last.coef.new_tensor(values)[None, :, None],
        bias=last.coef.new_zeros(1),
        base_weight=None,
        affine=None,
    )
    return put_together(net, [*take_apart(net), edge])
