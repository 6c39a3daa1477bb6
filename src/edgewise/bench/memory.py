"""Most memory that a forward and backward pass holds, against the arrays it cannot do without.

Each layer has a process of its own, so that nothing measured before stays in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from edgewise.bench import layers, machine
from edgewise.bench.dense import DenseKANLinear
from edgewise.bench.layers import LayerCase
from edgewise.bench.results import Comparison, NotMeasured, compare
from edgewise.bench.settings import Settings
from edgewise.layers import KANLinear

TABLE = "memory"


def edgewise(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """Our layer."""
    # Random functions would leave behind the memory they were drawn in.
    yield _measure(
        settings,
        "edgewise",
        lambda cell: KANLinear(cell.inputs, cell.outputs, intervals=cell.intervals, init="zero"),
        2.0,
    )


def dense(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """The dense formulation."""
    yield _measure(
        settings,
        "dense formulation",
        lambda cell: DenseKANLinear(cell.inputs, cell.outputs, intervals=cell.intervals),
        None,
    )


def _cell(settings: Settings) -> LayerCase:
    if settings.smoke:
        return LayerCase(128, 128, 1024, 5)  # more than what the process has at hand already
    return LayerCase(256, 256, 1024, 32) if settings.quick else LayerCase(1024, 1024, 4096, 32)


def _measure(
    settings: Settings, name: str, make: Callable[[LayerCase], Any], most: float | None
) -> Comparison | NotMeasured:
    cell = _cell(settings)
    # A first pass of a tiny layer loads what is loaded once.
    small = LayerCase(8, 8, 8, cell.intervals)
    layers.one_pass(make(small), *layers.inputs_of(small))()
    before = machine.resident_bytes()
    layer = make(cell)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -1.0, 1.0)  # zeros need no memory until they are written
    x, g = layers.inputs_of(cell)
    if before is None or not machine.forget_peak():
        return NotMeasured(TABLE, name, "this system does not report the most memory that a process held")
    arrays = 2 * 4 * (x.numel() + g.numel() + sum(each.numel() for each in layer.parameters()))
    work = layers.one_pass(layer, x, g)
    del x  # the work has its own
    work()
    peak = (machine.peak_bytes() or 0) - before
    setting = cell.setting | {"layer": name}
    return compare(
        TABLE,
        setting,
        "peak",
        "inputs, outputs, parameters, gradients",
        [peak],
        [arrays],
        unit="B",
        most=most,
    )
